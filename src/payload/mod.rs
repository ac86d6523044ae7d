//! Session data ⇄ bytes: two encodings, and the shapes that the data had before.

mod codec;
mod migration;

use serde::{Serialize, de::DeserializeOwned};

pub use self::codec::Encoding;
pub(crate) use self::{
    codec::Codec,
    migration::{Declaration, declare},
};

/// Session data: any type that implements `Default`, `Serialize` and `Deserialize` and contains no borrowed data.
///
/// Every such type implements it; there is nothing to implement by hand. A session is empty when it serializes like the
/// type's default.
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
    note = "derive `Default`, `serde::Serialize` and `serde::Deserialize` for it, and let it contain no borrowed data"
)]
pub trait Payload: Default + Serialize + DeserializeOwned + Send + 'static {}

impl<T: Default + Serialize + DeserializeOwned + Send + 'static> Payload for T {}
