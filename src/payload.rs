use serde::{Serialize, de::DeserializeOwned};

/// What can be a session's data: anything with `Default`, `Serialize` and `Deserialize` that owns what it holds.
///
/// Implemented for all such types; there is nothing to implement. A session counts as empty when it serialises like
/// the default.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visit { user: Option<u64>, views: u32 }
///
/// fn is_payload<T: sealed_session::Payload>() {}
/// is_payload::<Visit>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a session's data",
    note = "derive `Default`, `serde::Serialize` and `serde::Deserialize` for it, and let it own what it holds"
)]
pub trait Payload: Default + Serialize + DeserializeOwned + Send + 'static {}

impl<T: Default + Serialize + DeserializeOwned + Send + 'static> Payload for T {}
