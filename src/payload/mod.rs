//! The conversion between session data and bytes: two encodings, and migrations from former types.

mod codec;
mod migration;

use serde::{Serialize, de::DeserializeOwned};

pub use self::codec::Encoding;
pub(crate) use self::{
    codec::Codec,
    migration::{Declaration, declare},
};

/// Session data: any type that implements `Default`, `Serialize` and `Deserialize`, is `Send`, and contains no borrowed
/// data.
///
/// Every such type implements it, so there is nothing to implement by hand. A session is empty when it serializes like
/// the type's default.
///
/// ```
/// use sealed_session::Payload;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visit { user: Option<u64>, name: String }
///
/// fn is_payload<T: Payload>() {}
/// is_payload::<Visit>();
/// ```
///
/// # Borrowed data
///
/// A session outlives the cookie that it is read from, so a type with a lifetime cannot be session data. The compiler
/// then reports ``implementation of `Deserialize` is not general enough``. Replace `&str` with `String`, and `Cow<'a,
/// str>` with `Cow<'static, str>`.
///
/// ```compile_fail
/// use sealed_session::{KeyRing, Sessions};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visit<'a> { name: &'a str }
///
/// let sessions = Sessions::<Visit<'static>>::new(KeyRing::generate()?)?;
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be session data",
    label = "is not session data",
    note = "derive `Default`, `serde::Serialize` and `serde::Deserialize` for the type",
    note = "it must own its data (`String`, not `&str`) and be `Send`"
)]
pub trait Payload: Default + Serialize + DeserializeOwned + Send + 'static {}

impl<T: Default + Serialize + DeserializeOwned + Send + 'static> Payload for T {}
