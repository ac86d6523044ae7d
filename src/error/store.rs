//! The error type for stores.

use std::{borrow::Cow, error::Error, fmt};

/// An error of a [`Store`](crate::store::Store): what the store was doing, and why that failed.
///
/// The text names only what the store was doing, such as "loading a blob". The cause, usually the database driver's
/// error, is in [`source`](Error::source). The error is logged with all of its causes and is never sent to a client.
/// The causes that the stores of this crate report name hosts, tables and files, but never passwords.
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

    /// Returns a closure for `map_err` that creates an error from what the store was doing, and its argument as the cause.
    ///
    /// ```
    /// use sealed_session::store::StoreError;
    ///
    /// fn read() -> Result<Vec<u8>, StoreError> {
    ///     std::fs::read("/nowhere").map_err(StoreError::when("reading the file"))
    /// }
    ///
    /// assert_eq!(read().unwrap_err().to_string(), "reading the file");
    /// ```
    pub fn when<E: Into<Box<dyn Error + Send + Sync>>>(doing: &'static str) -> impl FnOnce(E) -> Self {
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
