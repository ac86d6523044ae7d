//! How often what happened, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{error::Refusal, session::Arrival, sessions::Commit};

/// What the sessions of an application have seen since they were built. [`Sessions::counters`](crate::Sessions::counters).
///
/// A sudden share of `unknown_key` tells of a rotation gone wrong; of `forged`, of an attack or a changed realm; of
/// `unknown_schema`, of a deployment that changed the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Sessions asked for by requests without a cookie.
    pub absent: u64,
    /// Sessions opened.
    pub opened: u64,
    /// Cookies not opened, by reason.
    pub refused: Vec<(Refusal, u64)>,
    /// Responses that left the cookie as it was.
    pub kept: u64,
    /// Responses that set it.
    pub set: u64,
    /// Responses that removed it.
    pub removed: u64,
    /// Commits that failed.
    pub failed: u64,
    /// Requests whose session was in a store that failed or did not answer in time, when they came in.
    pub unavailable: u64,
    /// Sessions that outgrew their cookies and moved into the store.
    pub spilled: u64,
    /// Sessions that shrank and returned into their cookies.
    pub returned: u64,
    /// Changes to stored sessions that were replaced by another request's ([`OnConflict`](crate::OnConflict)).
    pub overwritten: u64,
    /// Changes to stored sessions that were merged with another request's.
    pub merged: u64,
    /// Bytes written to the store, by whatever request.
    pub bytes_written: u64,
    /// Bytes by which sessions that entered the store, or grew there, have enlarged it.
    pub bytes_added: u64,
    /// Sessions that outgrew their cookies, and that
    /// [`may_overflow`](crate::SessionsBuilder::may_overflow) has kept out of the store.
    pub barred: u64,
    /// Writes that the [`store_budget`](crate::SessionsBuilder::store_budget) has refused.
    pub over_budget: u64,
    /// Stored sessions that were no longer needed and could not be removed within their request. A background task goes
    /// on trying for an hour.
    pub cleanups_retried: u64,
    /// Stored sessions that the background tasks could not remove either. Each stays in the store until it expires, and
    /// copies of its old cookie open it.
    pub cleanups_failed: u64,
}

#[derive(Default)]
pub(crate) struct Tally {
    absent: AtomicU64,
    opened: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    kept: AtomicU64,
    set: AtomicU64,
    removed: AtomicU64,
    failed: AtomicU64,
    unavailable: AtomicU64,
    spilled: AtomicU64,
    returned: AtomicU64,
    overwritten: AtomicU64,
    merged: AtomicU64,
    bytes_written: AtomicU64,
    bytes_added: AtomicU64,
    barred: AtomicU64,
    over_budget: AtomicU64,
    cleanups_retried: AtomicU64,
    cleanups_failed: AtomicU64,
}

impl Tally {
    pub(crate) fn arrived(&self, arrival: Arrival) {
        let counter = match arrival {
            Arrival::Absent => &self.absent,
            Arrival::Opened => &self.opened,
            Arrival::Refused(refusal) => &self.refused[refusal as usize],
            Arrival::Unavailable => &self.unavailable,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn committed(&self, commit: Commit, failed: bool) {
        let counter = match commit {
            _ if failed => &self.failed,
            Commit::Keep => &self.kept,
            Commit::Set => &self.set,
            Commit::Remove => &self.removed,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// The store has failed a request that came in.
    pub(crate) fn unavailable(&self) {
        self.unavailable.fetch_add(1, Relaxed);
    }

    /// A session has moved into the store.
    pub(crate) fn spilled(&self) {
        self.spilled.fetch_add(1, Relaxed);
    }

    /// A session has moved out of the store.
    pub(crate) fn returned(&self) {
        self.returned.fetch_add(1, Relaxed);
    }

    /// A change has replaced another request's.
    pub(crate) fn overwritten(&self) {
        self.overwritten.fetch_add(1, Relaxed);
    }

    /// A change was merged with another request's.
    pub(crate) fn merged(&self) {
        self.merged.fetch_add(1, Relaxed);
    }

    /// A blob has been written, and is larger than before by so much.
    pub(crate) fn stored(&self, length: usize, added: u64) {
        self.bytes_written.fetch_add(length as u64, Relaxed);
        self.bytes_added.fetch_add(added, Relaxed);
    }

    /// The application's rule has kept a session out of the store.
    pub(crate) fn barred(&self) {
        self.barred.fetch_add(1, Relaxed);
    }

    /// The budget has refused a write.
    pub(crate) fn over_budget(&self) {
        self.over_budget.fetch_add(1, Relaxed);
    }

    /// A task goes on trying to remove what a request could not.
    pub(crate) fn cleanup_retried(&self) {
        self.cleanups_retried.fetch_add(1, Relaxed);
    }

    /// No task does so any longer.
    pub(crate) fn cleanup_failed(&self) {
        self.cleanups_failed.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Counters {
        Counters {
            absent: self.absent.load(Relaxed),
            opened: self.opened.load(Relaxed),
            refused: Refusal::ALL
                .iter()
                .map(|refusal| (*refusal, self.refused[*refusal as usize].load(Relaxed)))
                .collect(),
            kept: self.kept.load(Relaxed),
            set: self.set.load(Relaxed),
            removed: self.removed.load(Relaxed),
            failed: self.failed.load(Relaxed),
            unavailable: self.unavailable.load(Relaxed),
            spilled: self.spilled.load(Relaxed),
            returned: self.returned.load(Relaxed),
            overwritten: self.overwritten.load(Relaxed),
            merged: self.merged.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
            bytes_added: self.bytes_added.load(Relaxed),
            barred: self.barred.load(Relaxed),
            over_budget: self.over_budget.load(Relaxed),
            cleanups_retried: self.cleanups_retried.load(Relaxed),
            cleanups_failed: self.cleanups_failed.load(Relaxed),
        }
    }
}
