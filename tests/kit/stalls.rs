//! The time for which the machine ran nothing of this process. A host that is busy, or that limits its guests, stops them
//! for up to a second at a time, and no program keeps a deadline then.

#![allow(dead_code)] // each test binary uses a part of it

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// The length of a pause of 5 ms up to which it is not a stall.
const USUAL: Duration = Duration::from_millis(20);

/// Returns the time of all stalls so far, of each processor. Its difference says how much of a time is the machine's.
fn stalled() -> Duration {
    static TOTAL: LazyLock<&AtomicU64> = LazyLock::new(|| {
        let total: &AtomicU64 = Box::leak(Box::default());
        // A thread that is stopped with its processor does not notice when another processor is.
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            thread::spawn(move || {
                loop {
                    let began = Instant::now();
                    thread::sleep(Duration::from_millis(5));
                    let late = began.elapsed().saturating_sub(USUAL);
                    total.fetch_add(late.as_micros() as u64, Relaxed);
                }
            });
        }
        total
    });
    Duration::from_micros(TOTAL.load(Relaxed))
}

/// A watch that stands still while the machine stalls.
pub struct Watch {
    began: Instant,
    stalls: Duration,
}

impl Watch {
    pub fn start() -> Self {
        Self { stalls: stalled(), began: Instant::now() }
    }

    pub fn began(&self) -> Instant {
        self.began
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.stalled())
    }

    /// The time for which the machine has stalled since.
    pub fn stalled(&self) -> Duration {
        stalled() - self.stalls
    }
}
