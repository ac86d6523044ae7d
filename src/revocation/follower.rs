//! Following the log: reading what others have appended, noticing that it has lost entries, and writing them back.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{
    index::Index,
    log_clock::LogClock,
    seconds,
    target::{Target, Targets},
};
use crate::{
    error::chain,
    seal::random,
    store::{RevocationEntry, RevocationLog, StoreError},
};

/// The most entries of one read.
const PAGE: usize = 10_000;

/// The most entries that are written back at a time.
const BATCH: usize = 1_000;

/// The time limit of one call.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The pause after a hint that there is something to read, so that a flood of hints does not become one of reads.
const PAUSE: Duration = Duration::from_millis(20);

/// The time between two removals of entries that are no longer needed.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// The farthest that the time of an entry may lie in the future, in seconds. A later one is not ours, and would keep new
/// sessions from beginning.
const FARTHEST: u32 = 3600;

/// The log as a process knows it.
pub(super) struct Follower {
    pub(super) targets: Targets,
    pub(super) index: Index,
    pub(super) clock: LogClock,
    pub(super) log: Arc<dyn RevocationLog>,
    pub(super) at_most: Duration,
    /// The longest that an entry is needed.
    pub(super) keep: Duration,
    cursor: tokio::sync::Mutex<Cursor>,
    /// The entries that this process knows and the log perhaps does not.
    owed: Mutex<Vec<RevocationEntry>>,
}

/// The place up to which the log was read.
#[derive(Default)]
struct Cursor {
    last: Option<(u64, RevocationEntry)>,
    /// The entries that were read since this process has some that the log perhaps has not.
    present: Option<Index>,
    /// True while such a log is read again.
    rereading: bool,
}

impl Follower {
    pub(super) fn new(
        targets: Targets,
        log: Arc<dyn RevocationLog>,
        at_most: Duration,
        keep: Duration,
    ) -> Self {
        Self {
            targets,
            index: Index::new(),
            clock: LogClock::new(),
            log,
            at_most,
            keep,
            cursor: tokio::sync::Mutex::default(),
            owed: Mutex::default(),
        }
    }

    /// Returns true if a revocation may be in force that this process does not know.
    pub(super) fn is_stale(&self) -> bool {
        self.clock.is_older_than(self.at_most)
    }

    /// Reads the log to its end, so that every revocation is known that was appended before this call.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let called = Instant::now();
        let mut cursor = self.cursor.lock().await;
        // Another call has read it in the meantime.
        if self.clock.has_read_since(called) {
            return Ok(());
        }
        loop {
            // The last page has every entry that was appended before it was asked for, and is not on a former page.
            let began = Instant::now();
            if self.read_page(&mut cursor).await? {
                self.clock.has_read(began);
                return Ok(());
            }
        }
    }

    /// The same, within the time limit of a call: other calls may wait for a log that does not answer.
    pub(super) async fn catch_up_in_time(&self) -> Result<(), StoreError> {
        within("reading the revocation log", self.catch_up()).await
    }

    /// Reads a page of the log. Returns true if it was the last one.
    async fn read_page(&self, cursor: &mut Cursor) -> Result<bool, StoreError> {
        let asked = Instant::now();
        let from = cursor.last.map_or(0, |(position, _)| position);
        let page = within("reading the revocation log", self.log.read(from, PAGE)).await?;
        self.clock.set(page.now, asked);
        let is_last = page.entries.len() < PAGE;
        let mut entries = page.entries.into_iter();
        if let Some(last) = cursor.last
            && entries.next() != Some(last)
        {
            tracing::warn!("the revocation log has lost entries; reading it again, to write them back");
            *cursor = Cursor { last: None, present: Some(Index::new()), rereading: true };
            return Ok(false);
        }
        for (position, entry) in entries {
            if cursor.last.is_some_and(|(last, _)| position <= last) {
                return Err(StoreError::new("reading the revocation log", "its positions do not ascend"));
            }
            cursor.last = Some((position, entry));
            if let Some(present) = &cursor.present {
                present.insert(entry);
            }
            if let Some(entry) = self.bounded(entry) {
                self.index.insert(entry);
            }
        }
        if let (true, true, Some(present)) = (is_last, cursor.rereading, &cursor.present) {
            cursor.rereading = false;
            *self.owed() = self.index.entries().filter(|entry| !present.covers(entry)).collect();
        }
        Ok(is_last)
    }

    /// Returns an entry of the log, with what it can do limited to what an entry of ours can do.
    fn bounded(&self, entry: RevocationEntry) -> Option<RevocationEntry> {
        let now = self.clock.now();
        if entry.stamp > now.saturating_add(FARTHEST) {
            tracing::error!(
                stamp = entry.stamp,
                "the revocation log has an entry of the far future, which is ignored"
            );
            return None;
        }
        let latest = now.saturating_add(u32::try_from(self.keep.as_secs()).unwrap_or(u32::MAX));
        Some(RevocationEntry { until: entry.until.min(latest.saturating_add(FARTHEST)), ..entry })
    }

    /// Appends an entry, which takes effect in this process at once.
    pub(super) async fn append(&self, entry: RevocationEntry) -> Result<(), StoreError> {
        within("appending a revocation", self.log.append(&[entry])).await?;
        if self.catch_up_in_time().await.is_err() || !self.index.covers(&entry) {
            self.append_later(entry);
        }
        Ok(())
    }

    /// Lets an entry take effect in this process now, and appends it in the background.
    pub(super) fn append_later(&self, entry: RevocationEntry) {
        self.index.insert(entry);
        self.owed().push(entry);
    }

    /// Returns true if an entry for this target is still to be appended.
    pub(super) fn owes(&self, target: Target) -> bool {
        self.owed().iter().any(|entry| entry.key == target.0)
    }

    /// Appends the entries that are not in the log, until they were read there: the log may lose them at once.
    async fn pay(&self) -> Result<(), StoreError> {
        const WRITING: &str = "writing revocations back";
        let mut left = usize::MAX;
        loop {
            let (batch, owed) = self.batch().await;
            if batch.is_empty() {
                return Ok(());
            }
            if owed >= left {
                return Err(StoreError::new(WRITING, "they were appended, and are not there"));
            }
            left = owed;
            within(WRITING, self.log.append(&batch)).await?;
            // Other processes write the same entries back.
            self.catch_up().await?;
        }
    }

    /// Returns a batch of the entries that are not in the log, as far as is known, and the number of all of them.
    async fn batch(&self) -> (Vec<RevocationEntry>, usize) {
        let now = self.clock.now();
        let mut cursor = self.cursor.lock().await;
        let mut owed = self.owed();
        owed.retain(|entry| {
            entry.until > now && !cursor.present.as_ref().is_some_and(|present| present.covers(entry))
        });
        if owed.is_empty() {
            cursor.present = None;
            return (Vec::new(), 0);
        }
        cursor.present.get_or_insert_with(Index::new);
        // Each process begins elsewhere, so that few entries are written back twice.
        let start = random::bytes().map_or(0, usize::from_be_bytes) % owed.len();
        owed.rotate_left(start);
        (owed.iter().take(BATCH).map(|entry| self.prolonged(*entry, now)).collect(), owed.len())
    }

    /// Returns an entry as it is appended now.
    fn prolonged(&self, entry: RevocationEntry, now: u32) -> RevocationEntry {
        let mut until = entry.until;
        // Processes that do not know of the end of a session have renewed it until now.
        if Target(entry.key).is_session() {
            let lasts = entry.until.saturating_sub(entry.stamp).saturating_add(seconds(self.at_most));
            until = until.max(now.saturating_add(lasts));
        }
        // It differs from the entry that was lost. With the same one at the same position, other processes would not
        // notice that the log has others before it.
        let apart = u32::from(random::bytes().map_or(1, u8::from_be_bytes).max(1));
        RevocationEntry { until: until.saturating_add(apart), ..entry }
    }

    fn owed(&self) -> MutexGuard<'_, Vec<RevocationEntry>> {
        // No code under the lock can leave the list half-changed.
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the log for as long as the process has the revocations.
    pub(super) async fn follow(self: Arc<Self>) {
        let interval = (self.at_most / 5).min(Duration::from_secs(1));
        let (mut purged, mut failing, mut stale) = (Instant::now(), false, false);
        loop {
            if timeout(interval, self.log.wait()).await.is_ok() {
                sleep(PAUSE).await;
            }
            let done = match self.catch_up().await {
                Ok(()) => self.pay().await,
                failed => failed,
            };
            match &done {
                Err(error) if !failing => {
                    tracing::warn!(error = %chain(error), "the revocation log cannot be followed; will retry");
                }
                Ok(()) if failing => tracing::info!("the revocation log can be followed again"),
                _ => {}
            }
            failing = done.is_err();
            if self.is_stale() && !stale {
                tracing::error!(
                    at_most_seconds = self.at_most.as_secs(),
                    "revocations of other processes are no longer known here in time"
                );
            }
            stale = self.is_stale();
            if purged.elapsed() >= PURGE_EVERY {
                purged = Instant::now();
                self.index.purge(self.clock.now());
            }
        }
    }

    /// Returns the time of a target's revocation.
    pub(super) fn stamp(&self, target: Target) -> Option<u32> {
        self.index.stamp(target)
    }
}

/// Limits the time of a call.
async fn within<R>(
    doing: &'static str,
    call: impl Future<Output = Result<R, StoreError>>,
) -> Result<R, StoreError> {
    timeout(PATIENCE, call).await.unwrap_or_else(|late| Err(StoreError::new(doing, late)))
}
