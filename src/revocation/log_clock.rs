//! The clock of the log, as far as this process knows it.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// The time by the clock of the log, and the time of the last read. Both are counted with the monotonic clock of this
/// process, so that setting its wall clock changes nothing.
pub(super) struct LogClock {
    origin: Instant,
    /// The clock of the log at the origin, in milliseconds since 1970: at the latest, and at the earliest.
    latest: AtomicI64,
    earliest: AtomicI64,
    /// The time from the origin to the beginning of the last read that reached the end of the log, in milliseconds, plus
    /// one. 0 if there was none.
    read: AtomicI64,
}

impl LogClock {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            latest: AtomicI64::new(0),
            earliest: AtomicI64::new(0),
            read: AtomicI64::new(0),
        }
    }

    /// Records the time that the log has just answered to a call that began at `asked`. It looked at its clock at some
    /// time between.
    pub(super) fn set(&self, now: SystemTime, asked: Instant) {
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.latest.store(millis(since_1970) - millis(asked.duration_since(self.origin)), Relaxed);
        self.earliest.store(millis(since_1970) - millis(self.origin.elapsed()), Relaxed);
    }

    /// Returns the time by the clock of the log, in Unix seconds: rounded up, and never behind it.
    pub(super) fn now(&self) -> u32 {
        seconds(self.latest.load(Relaxed).saturating_add(millis(self.origin.elapsed())).saturating_add(999))
    }

    /// Returns the same time, rounded down, and never ahead of it.
    pub(super) fn earliest(&self) -> u32 {
        seconds(self.earliest.load(Relaxed).saturating_add(millis(self.origin.elapsed())))
    }

    /// Records a read that began at this time and reached the end of the log.
    pub(super) fn has_read(&self, began: Instant) {
        self.read.fetch_max(millis(began.duration_since(self.origin)) + 1, Relaxed);
    }

    /// Returns true if the last such read began at this time or later.
    pub(super) fn has_read_since(&self, time: Instant) -> bool {
        self.read.load(Relaxed) > millis(time.duration_since(self.origin)) + 1
    }

    /// Returns true if the last such read began more than this long ago.
    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        match self.read.load(Relaxed) {
            0 => true,
            read => millis(self.origin.elapsed()) >= (read - 1).saturating_add(millis(age)),
        }
    }
}

fn seconds(millis: i64) -> u32 {
    u32::try_from(millis.max(0) / 1000).unwrap_or(u32::MAX)
}

fn millis(duration: Duration) -> i64 {
    // Half of what fits, so that sums of two fit.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 2)
}

#[cfg(test)]
#[path = "../../tests/unit/revocation/log_clock.rs"]
mod tests;
