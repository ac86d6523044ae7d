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
}

impl Tally {
    pub(crate) fn arrived(&self, arrival: Arrival) {
        let counter = match arrival {
            Arrival::Absent => &self.absent,
            Arrival::Opened => &self.opened,
            Arrival::Refused(refusal) => &self.refused[refusal as usize],
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn committed<E>(&self, commit: &Result<Commit, E>) {
        let counter = match commit {
            Ok(Commit::Keep) => &self.kept,
            Ok(Commit::Set) => &self.set,
            Ok(Commit::Remove) => &self.removed,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
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
        }
    }
}
