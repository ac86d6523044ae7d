//! What goes wrong in the stores of this crate.

use std::{error, fmt};

/// What went wrong in a store of this crate: what it was doing, and why that failed.
///
/// It is opaque, so that no database driver's types are part of this crate's interface. Its text has the driver's in it,
/// which names hosts, tables and files, and no passwords. [`source`](error::Error::source) goes on where the text ends.
#[derive(Debug)]
pub struct StoreError {
    doing: &'static str,
    cause: Box<dyn error::Error + Send + Sync>,
}

impl StoreError {
    /// For `map_err`: what was being done.
    pub(super) fn when<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn error::Error + Send + Sync>>,
    {
        move |cause| Self { doing, cause: cause.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.cause)
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.cause.source()
    }
}

/// Milliseconds since 1970, as the stores write an expiry: rounded down, so that nothing lives longer than it should,
/// and within what every database can calculate with, 1 ms after 1970 to the end of the year 9999.
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub(super) fn unix_millis(time: std::time::SystemTime) -> i64 {
    use std::time::SystemTime;

    const END_OF_9999: i64 = 253_402_300_799_999;
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).map_or(END_OF_9999, |millis| millis.clamp(1, END_OF_9999))
}
