//! The conversion of times for the stores.

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
