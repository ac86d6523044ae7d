//! The budget: the number of bytes that may enter the store in each period.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// The bytes that may enter the store in each period, through this process.
pub(crate) struct Budget {
    bytes: u64,
    every: Duration,
    period: Mutex<Period>,
}

struct Period {
    began: SystemTime,
    spent: u64,
    /// True if a write was rejected in this period.
    exceeded: bool,
}

/// The answer of the budget to a write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Allowance {
    Granted,
    /// The first rejection in this period, which is logged.
    FirstRefusal,
    Refused,
}

impl Budget {
    pub(crate) fn new(bytes: u64, every: Duration) -> Self {
        let period = Period { began: SystemTime::UNIX_EPOCH, spent: 0, exceeded: false };
        Self { bytes, every, period: Mutex::new(period) }
    }

    /// Returns bytes that were deducted for a write that did not happen, or for a blob that is gone.
    pub(crate) fn refund(&self, bytes: u64) {
        let mut period = self.period.lock().unwrap_or_else(PoisonError::into_inner);
        period.spent = period.spent.saturating_sub(bytes);
    }

    /// Deducts this many bytes from the budget, or none if that would exceed it. A write that does not make a session
    /// larger deducts nothing.
    pub(crate) fn spend(&self, bytes: u64, now: SystemTime) -> Allowance {
        if bytes == 0 {
            return Allowance::Granted;
        }
        let mut period = self.period.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back also begins a new period. Otherwise it would freeze the budget.
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
