//! The log of revocations, which every process follows.

#[cfg(feature = "memory")]
pub(super) mod memory;
#[cfg(feature = "postgres")]
pub(super) mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::StoreError;

/// The largest number of expired entries that an `append` removes, beside one for each entry that it appends.
#[cfg(any(feature = "memory", feature = "postgres", feature = "redis", feature = "sqlite"))]
const SWEPT: usize = 100;

/// One entry of a [`RevocationLog`]: 16 bytes that reveal neither a user nor a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RevocationEntry {
    /// The target of the revocation. It looks random, and only a process that has the key of the
    /// [`Revocations`](crate::Revocations) can compute it.
    pub key: u64,
    /// A time in Unix seconds. A revoked session ends at this time. With any other target, the sessions end that began
    /// at this time or before.
    pub stamp: u32,
    /// The time in Unix seconds from which the entry is no longer needed, because every session that it ends has
    /// expired.
    pub until: u32,
}

/// Entries that were read from a [`RevocationLog`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationPage {
    /// The time when the entries were read, or shortly before, by the clock of the log. All nodes use this clock, so
    /// that theirs need not agree exactly.
    pub now: SystemTime,
    /// The entries with their positions, in ascending order.
    pub entries: Vec<(u64, RevocationEntry)>,
}

/// An append-only log of revocations, for [`Revocations`](crate::Revocations). All stores of this crate are also logs.
///
/// A log only has to keep entries in order. It can lose them, which the processes that follow it notice, and write back
/// what they know. [`conformance::check_log`](super::conformance::check_log) tests an implementation against these
/// rules:
///
/// 1. Positions follow the order in which entries become visible: an entry that no `read` has returned yet has a higher
///    position than every entry that a `read` has returned. In a database whose sequence is not the order of commits,
///    appending takes a lock.
/// 2. A position is never given to a second entry, even if the first one was removed.
/// 3. `append` is atomic. When it has returned, every `read` that begins later returns the entries, on every node.
/// 4. An entry can be removed once its `until` has passed by the clock of the log, and no earlier. The last entry is
///    never removed, so that a process can tell a log without news from one that has lost entries.
/// 5. A call that fails took effect either completely or not at all. The same holds for a future that is dropped before
///    it completes.
///
/// The trait is object-safe: `Arc<dyn RevocationLog>` is a log too.
#[async_trait]
pub trait RevocationLog: Send + Sync + 'static {
    /// Appends entries in this order: none, one, or at most a few thousand.
    ///
    /// The logs of this crate also remove expired entries here, at most 100 more than they append. No call takes long,
    /// and none of the logs grows without bound.
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError>;

    /// Reads at most `most` entries, starting with the first whose position is `from` or higher. `most` is at least 2.
    ///
    /// Returns fewer than `most` only if there are no more.
    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError>;

    /// Waits until another process may have appended an entry, if the log can tell. It is only a hint: every process
    /// also reads at intervals. The future is dropped when an interval has passed. Default: waits forever.
    async fn wait(&self) {
        std::future::pending().await
    }
}

/// Implements the log for a shared pointer, so that it can be chosen at run time.
#[async_trait]
impl<L: RevocationLog + ?Sized> RevocationLog for Arc<L> {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        L::append(self, entries).await
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        L::read(self, from, most).await
    }

    async fn wait(&self) {
        L::wait(self).await;
    }
}
