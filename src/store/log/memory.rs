//! The log of a [`MemoryStore`].

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{
    super::{MemoryStore, StoreError},
    RevocationEntry, RevocationLog, RevocationPage, SWEPT,
};

/// The entries, shared by all clones of the store.
#[derive(Default)]
pub(in crate::store) struct Log {
    entries: Mutex<Entries>,
    appended: Notify,
}

#[derive(Default)]
struct Entries {
    /// The entries with their positions, in ascending order.
    kept: VecDeque<(u64, RevocationEntry)>,
    /// The position of the last entry, or 0.
    last: u64,
}

impl Log {
    fn lock(&self) -> Result<MutexGuard<'_, Entries>, StoreError> {
        self.entries.lock().map_err(|_| StoreError::new("locking the log", "an earlier call panicked"))
    }
}

#[async_trait]
impl RevocationLog for MemoryStore {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        let now = (self.clock)();
        let mut log = self.log.lock()?;
        for entry in entries {
            log.last += 1;
            let position = log.last;
            log.kept.push_back((position, *entry));
        }
        // The oldest are removed, up to the first that has not expired.
        for _ in 0..SWEPT + entries.len() {
            match log.kept.front() {
                Some((_, oldest)) if log.kept.len() > 1 && expiry(oldest) <= now => log.kept.pop_front(),
                _ => break,
            };
        }
        drop(log);
        self.log.appended.notify_waiters();
        Ok(())
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        let now = (self.clock)();
        let log = self.log.lock()?;
        let first = log.kept.partition_point(|(position, _)| *position < from);
        Ok(RevocationPage { now, entries: log.kept.range(first..).take(most).copied().collect() })
    }

    /// Waits until a clone of the store appends.
    async fn wait(&self) {
        self.log.appended.notified().await;
    }
}

fn expiry(entry: &RevocationEntry) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(entry.until.into())
}
