//! The error of a store, and helpers that the stores share.

use std::{borrow::Cow, error::Error, fmt};

/// An error of a [`Store`](super::Store): what the store was doing, and why that failed.
///
/// The text names only what the store was doing, such as "loading a blob". The cause, usually the database driver's
/// error, is in [`source`](Error::source). The error is logged with all of its causes and is never sent to a client. The
/// causes that the stores of this crate report name hosts, tables and files, but never passwords.
///
/// ```
/// use sealed_session::store::StoreError;
///
/// fn read() -> Result<Vec<u8>, StoreError> {
///     std::fs::read("/nowhere").map_err(|error| StoreError::new("reading the file", error))
/// }
///
/// assert_eq!(read().unwrap_err().to_string(), "reading the file");
/// ```
#[derive(Debug)]
pub struct StoreError {
    doing: Cow<'static, str>,
    cause: Box<dyn Error + Send + Sync>,
}

impl StoreError {
    /// Creates an error from what the store was doing and the cause, which can also be a text.
    pub fn new(doing: impl Into<Cow<'static, str>>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), cause: cause.into() }
    }

    /// [`new`](Self::new) for `map_err`.
    #[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
    pub(super) fn when<E: Into<Box<dyn Error + Send + Sync>>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |cause| Self::new(doing, cause)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

/// Converts an expiry to milliseconds since 1970, as the stores write it.
///
/// It is rounded down, so that no blob outlives its session. It is clamped to what every database can calculate with:
/// from 1 ms after 1970 to the end of the year 9999.
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub(super) fn unix_millis(time: std::time::SystemTime) -> i64 {
    const END_OF_9999: i64 = 253_402_300_799_999;
    let since_1970 = time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).map_or(END_OF_9999, |millis| millis.clamp(1, END_OF_9999))
}
