//! A log of revocations that is full of entries, without keeping any.

use std::time::SystemTime;

use sealed_session::store::{RevocationEntry, RevocationLog, RevocationPage, StoreError, async_trait};

/// A log of entries for other users.
pub struct FullLog {
    /// The number of entries.
    pub entries: u64,
    /// The time up to which they end sessions.
    pub stamp: u32,
}

#[async_trait]
impl RevocationLog for FullLog {
    async fn append(&self, _: &[RevocationEntry]) -> Result<(), StoreError> {
        Err(StoreError::new("appending", "nothing here is revoked"))
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        // Spread like keyed hashes, and always the same.
        let key = |at: u64| (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let entry = |at| RevocationEntry { key: key(at), stamp: self.stamp, until: u32::MAX };
        let entries = (from..self.entries).take(most).map(|at| (at, entry(at))).collect();
        Ok(RevocationPage { now: SystemTime::now(), entries })
    }
}
