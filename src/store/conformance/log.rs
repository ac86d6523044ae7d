//! The rules of a revocation log.

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Duration, SystemTime},
};

use tokio::task::yield_now;

use super::kit::{must, together};
use crate::{
    seal::random,
    store::{RevocationEntry, RevocationLog, RevocationPage},
};

/// An entry and its position.
type Placed = (u64, RevocationEntry);

/// One of several overlapping calls: an append, or a follower that returns what it has read.
type Call<'a> = Pin<Box<dyn Future<Output = Option<Vec<Placed>>> + Send + 'a>>;

/// The number of overlapping appends, and of entries in each.
const APPENDS: usize = 24;
const BATCH: usize = 5;

/// More entries than a log contains from the checks.
const ALL: usize = 10_000;

/// The log that is checked.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a>(pub(super) &'a dyn RevocationLog);

impl Subject<'_> {
    async fn append(self, entries: &[RevocationEntry]) {
        must("append", self.0.append(entries).await);
    }

    /// Reads a page, and checks what is true of every page.
    async fn page(self, from: u64, most: usize) -> RevocationPage {
        let page = must("read", self.0.read(from, most).await);
        assert!(page.entries.len() <= most, "read of at most {most} entries must not return more");
        let positions = || page.entries.iter().map(|(position, _)| *position);
        assert!(positions().all(|position| position >= from), "read must return no position below `from`");
        assert!(positions().is_sorted_by(|a, b| a < b), "read must return positions in ascending order");
        page
    }

    /// Reads all entries from this position on, in pages.
    async fn all(self, mut from: u64, most: usize) -> Vec<Placed> {
        let mut all = Vec::new();
        loop {
            let entries = self.page(from, most).await.entries;
            all.extend_from_slice(&entries);
            match entries.last() {
                Some((last, _)) if entries.len() == most => from = last + 1,
                _ => return all,
            }
        }
    }

    /// Returns a position above all entries.
    async fn end(self) -> u64 {
        self.all(0, ALL).await.last().map_or(0, |(last, _)| last + 1)
    }

    /// Appends entries, and returns them with their positions.
    async fn appended(self, entries: &[RevocationEntry]) -> Vec<Placed> {
        let end = self.end().await;
        self.append(entries).await;
        of(&self.all(end, ALL).await, entries)
    }
}

/// Returns those of the placed entries that are among `ours`. Others may be using the log.
fn of(placed: &[Placed], ours: &[RevocationEntry]) -> Vec<Placed> {
    placed.iter().filter(|(_, entry)| ours.contains(entry)).copied().collect()
}

fn entries(placed: &[Placed]) -> Vec<RevocationEntry> {
    placed.iter().map(|(_, entry)| *entry).collect()
}

/// Returns a random entry that expires this many seconds from now. Its numbers are not negative in any integer type.
fn entry(expires_in: i64) -> RevocationEntry {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let number = || u32::from_be_bytes(random::bytes().expect("random bytes")) >> 1;
    RevocationEntry {
        key: number().into(),
        stamp: number(),
        until: now.saturating_add_signed(expires_in) as u32,
    }
}

fn live() -> RevocationEntry {
    entry(7200)
}

fn expired() -> RevocationEntry {
    entry(-7200)
}

pub(super) async fn order(log: Subject<'_>) {
    let ours: Vec<_> = (0..300).map(|_| live()).collect();
    let end = log.end().await;
    log.append(&[]).await;
    log.append(&ours).await;
    let page = log.page(end, ALL).await;
    let found = of(&page.entries, &ours);
    assert!(found.len() >= ours.len(), "append must append all entries: {} of {}", found.len(), ours.len());
    assert!(entries(&found) == ours, "append must append each entry once, unchanged and in order");

    let (now, clock) = (page.now, SystemTime::now());
    let apart = now.duration_since(clock).unwrap_or_else(|earlier| earlier.duration());
    assert!(apart < Duration::from_secs(1800), "the clock of the log and of this machine must agree");

    for at in [0, 1, 150, 299] {
        let (position, entry) = found[at];
        let page = log.page(position, 2).await.entries;
        assert!(
            page.first() == Some(&(position, entry)),
            "read from the position of an entry must return that entry first"
        );
    }
    for most in [2, 7, 299, 300, 301] {
        let paged = log.all(end, most).await;
        assert!(of(&paged, &ours) == found, "pages of at most {most} entries must return all entries");
        let first = log.page(end, most).await.entries;
        assert!(first.len() >= most.min(ours.len()), "read must return {most} entries if there are as many");
    }
    assert!(log.page(u64::MAX, 2).await.entries.is_empty(), "read past the end must return nothing");
}

pub(super) async fn values(log: Subject<'_>) {
    let until = live().until;
    let keys = [0, 1, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX];
    let stamps = [0, 1, (1 << 31) - 1, 1 << 31, u32::MAX];
    let ours: Vec<_> = keys
        .into_iter()
        .map(|key| RevocationEntry { key, ..live() })
        .chain(stamps.into_iter().map(|stamp| RevocationEntry { stamp, ..live() }))
        .chain([RevocationEntry { key: u64::MAX, stamp: u32::MAX, until }])
        .collect();
    for entry in &ours {
        let found = log.appended(&[*entry]).await;
        assert!(!found.is_empty(), "append must keep the values of an entry: {entry:?}");
    }
    let twice = live();
    let found = log.appended(&[twice, twice]).await;
    assert!(found.len() == 2, "an entry that is appended twice must be there twice");
}

/// Checks what becomes of expired entries. Enough are appended that a log which removes them removes many.
pub(super) async fn expiry(log: Subject<'_>) {
    let end = log.end().await;
    let mut kept = vec![live()];
    log.append(&kept).await;
    let mut seen = log.all(end, ALL).await;
    for round in 0..20 {
        let expired: Vec<_> = (0..round).map(|_| expired()).collect();
        kept.push(live());
        for batch in [[&expired, &kept[round + 1..], &expired].concat(), vec![self::expired()]] {
            log.append(&batch).await;
            let read = log.all(end, ALL).await;
            let highest = seen.last().map_or(0, |(highest, _)| *highest);
            assert!(
                read.last().is_some_and(|(last, _)| *last > highest),
                "the last entry must not be removed, even if it has expired, and must have the highest position"
            );
            let is_new = |placed: &Placed| placed.0 > highest || seen.contains(placed);
            assert!(read.iter().all(is_new), "a position must not be given to another entry");
            assert!(entries(&of(&read, &kept)) == kept, "an entry must not be removed before its `until`");
            seen = read;
        }
    }
}

/// Checks overlapping appends, while other futures follow the log as processes do.
pub(super) async fn overlapping(log: Subject<'_>) {
    let end = log.end().await;
    let batches: Vec<Vec<_>> = (0..APPENDS).map(|_| (0..BATCH).map(|_| live()).collect()).collect();
    let running = AtomicUsize::new(APPENDS);
    let (ours, batches, running) = (batches.concat(), &batches, &running);
    let mut calls: Vec<Call<'_>> = Vec::new();
    for batch in batches {
        calls.push(Box::pin(async move {
            log.append(batch).await;
            running.fetch_sub(1, SeqCst);
            let found = of(&log.all(end, ALL).await, batch);
            assert!(
                entries(&found) == *batch,
                "a read that begins after an append must return its entries in order"
            );
            None
        }));
    }
    for most in [ALL, 2, ALL] {
        calls.push(Box::pin(async move {
            let mut known: Vec<Placed> = Vec::new();
            loop {
                let is_last = running.load(SeqCst) == 0;
                let from = known.last().map_or(end, |(last, _)| last + 1);
                known.extend(log.all(from, most).await);
                for batch in batches {
                    let found = of(&known, batch).len();
                    assert!(
                        found == 0 || found == BATCH,
                        "append must be atomic, but a read returned a part"
                    );
                }
                if is_last {
                    return Some(known);
                }
                yield_now().await;
            }
        }));
    }
    let followed = together(calls).await;
    let found = of(&log.all(end, ALL).await, &ours);
    assert!(found.len() == ours.len(), "overlapping appends must append every entry exactly once");
    for known in followed.into_iter().flatten() {
        assert!(
            of(&known, &ours) == found,
            "an entry must not appear at a position below one that a read has returned"
        );
    }
}
