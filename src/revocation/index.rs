//! The revocations that this process knows, in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
};

use super::target::Target;
use crate::store::RevocationEntry;

/// The number of shards. A shard is locked while it grows, so each holds a small part of the entries.
const SHARDS: usize = 64;

/// The entries by their targets, in 16 bytes each and a byte of the table. Several entries for one target are merged.
pub(super) struct Index {
    shards: Vec<RwLock<Shard>>,
    /// The number of entries. Most applications have none at most times, and then nothing is looked up.
    length: AtomicUsize,
    /// The latest time of a revocation of many sessions.
    latest: AtomicU32,
}

type Shard = HashMap<u64, Mark, BuildHasherDefault<AlreadyHashed>>;

/// The entries of one target, merged.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    stamp: u32,
    until: u32,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            length: AtomicUsize::new(0),
            latest: AtomicU32::new(0),
        }
    }

    /// Adds an entry. The earliest end of a session counts, and the latest time of any other target.
    pub(super) fn insert(&self, entry: RevocationEntry) {
        let target = Target(entry.key);
        let new = Mark { stamp: entry.stamp, until: entry.until };
        if !target.is_session() {
            self.latest.fetch_max(entry.stamp, Relaxed);
        }
        match self.shard(target).write().unwrap_or_else(PoisonError::into_inner).entry(entry.key) {
            Entry::Vacant(slot) => {
                slot.insert(new);
                self.length.fetch_add(1, Relaxed);
            }
            Entry::Occupied(mut slot) => *slot.get_mut() = slot.get().merged(new, target),
        }
    }

    /// Returns the time of a target's revocation.
    pub(super) fn stamp(&self, target: Target) -> Option<u32> {
        self.mark(target).map(|mark| mark.stamp)
    }

    /// Returns the latest time of a revocation of many sessions, or 0.
    pub(super) fn latest(&self) -> u32 {
        self.latest.load(Relaxed)
    }

    /// Returns true if an entry would change nothing.
    pub(super) fn covers(&self, entry: &RevocationEntry) -> bool {
        let (target, new) = (Target(entry.key), Mark { stamp: entry.stamp, until: entry.until });
        self.mark(target).is_some_and(|mark| mark.merged(new, target) == mark)
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.length.load(Relaxed)
    }

    /// Returns all entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = RevocationEntry> {
        self.shards.iter().flat_map(|shard| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            let entry = |(key, mark): (&u64, &Mark)| RevocationEntry {
                key: *key,
                stamp: mark.stamp,
                until: mark.until,
            };
            shard.iter().map(entry).collect::<Vec<_>>()
        })
    }

    /// Removes the entries that are no longer needed at this time.
    pub(super) fn purge(&self, now: u32) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let before = shard.len();
            shard.retain(|_, mark| mark.until > now);
            self.length.fetch_sub(before - shard.len(), Relaxed);
            shard.shrink_to_fit(); // does nothing if the entries need more than half of the table
        }
    }

    fn mark(&self, target: Target) -> Option<Mark> {
        if self.len() == 0 {
            return None;
        }
        self.shard(target).read().unwrap_or_else(PoisonError::into_inner).get(&target.0).copied()
    }

    /// Chooses a shard by bits that the table in the shard does not look at.
    fn shard(&self, target: Target) -> &RwLock<Shard> {
        &self.shards[(target.0 >> 40) as usize % SHARDS]
    }
}

impl Mark {
    fn merged(self, other: Self, target: Target) -> Self {
        let stamp = match target.is_session() {
            true => self.stamp.min(other.stamp),
            false => self.stamp.max(other.stamp),
        };
        Self { stamp, until: self.until.max(other.until) }
    }
}

/// The hasher of keys that are the output of a keyed hash function already, so that nobody can choose them.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a target is one u64");
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
#[path = "../../tests/unit/revocation/index.rs"]
mod tests;
