//! What the logs of the two SQL stores share.

use std::time::{Duration, SystemTime};

use super::{
    super::StoreError,
    {RevocationEntry, RevocationPage},
};

/// A row of a page: the time of the database in milliseconds since 1970, and an entry's position, key, stamp and
/// `until`. A page without entries is one row with the time alone.
pub(super) type Row = (i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// Returns the SQL that reads a page. One statement reads the clock and the entries. `$now` is the clock of the
/// database in SQL, in milliseconds since 1970.
macro_rules! read_page {
    ($now:literal) => {
        concat!(
            "SELECT ",
            $now,
            ", position, key, stamp, until FROM (SELECT 1) AS one LEFT JOIN
                (SELECT position, key, stamp, until FROM sealed_revocations
                    WHERE position >= $1 ORDER BY position LIMIT $2) AS page ON true ORDER BY position"
        )
    };
}

/// Returns the SQL that removes expired entries, but never the last entry. `$now` is the clock of the database in SQL,
/// in seconds since 1970. The first parameter is the largest number of rows.
macro_rules! remove_expired {
    ($now:literal) => {
        concat!(
            "DELETE FROM sealed_revocations WHERE position IN
                (SELECT position FROM sealed_revocations WHERE until <= ",
            $now,
            " AND position < (SELECT max(position) FROM sealed_revocations) LIMIT $1)"
        )
    };
}

pub(super) use {read_page, remove_expired};

/// Returns the parameters of the SQL that reads a page.
pub(super) fn parameters(from: u64, most: usize) -> (i64, i64) {
    (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(most).unwrap_or(i64::MAX))
}

/// Returns the page in these rows, or an error if a row is not one that this crate writes.
pub(super) fn page(rows: Vec<Row>) -> Result<RevocationPage, StoreError> {
    const DOING: &str = "reading revocations";
    let Some((millis, ..)) = rows.first() else {
        return Err(StoreError::new(DOING, "the database did not return its time"));
    };
    let now = u64::try_from(*millis).map_err(StoreError::when(DOING))?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let (_, Some(position), Some(key), Some(stamp), Some(until)) = row else { continue };
        let entry = RevocationEntry {
            key: key.cast_unsigned(),
            stamp: u32::try_from(stamp).map_err(StoreError::when(DOING))?,
            until: u32::try_from(until).map_err(StoreError::when(DOING))?,
        };
        entries.push((u64::try_from(position).map_err(StoreError::when(DOING))?, entry));
    }
    Ok(RevocationPage { now: SystemTime::UNIX_EPOCH + Duration::from_millis(now), entries })
}
