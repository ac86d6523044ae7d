//! The number of bytes that may enter the store in a period.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// A number of bytes for each period of time, in this process.
pub(crate) struct Budget {
    bytes: u64,
    every: Duration,
    period: Mutex<Period>,
}

struct Period {
    began: SystemTime,
    spent: u64,
    /// Something was refused in it.
    exceeded: bool,
}

/// The answer to whether bytes may enter the store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Allowance {
    Granted,
    /// For the first time in this period.
    FirstRefusal,
    Refused,
}

impl Budget {
    pub(crate) fn new(bytes: u64, every: Duration) -> Self {
        let period = Period { began: SystemTime::UNIX_EPOCH, spent: 0, exceeded: false };
        Self { bytes, every, period: Mutex::new(period) }
    }

    /// Takes so many bytes out of the budget, or none. What enters in place of something no smaller takes none.
    pub(crate) fn spend(&self, bytes: u64, now: SystemTime) -> Allowance {
        if bytes == 0 {
            return Allowance::Granted;
        }
        let mut period = self.period.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins a new one, too: it must not freeze the budget.
        if now.duration_since(period.began).map_or(true, |age| age >= self.every) {
            *period = Period { began: now, spent: 0, exceeded: false };
        }
        match period.spent.checked_add(bytes) {
            Some(spent) if spent <= self.bytes => {
                period.spent = spent;
                Allowance::Granted
            }
            _ if std::mem::replace(&mut period.exceeded, true) => Allowance::Refused,
            _ => Allowance::FirstRefusal,
        }
    }
}
