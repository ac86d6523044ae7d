//! Stores that fail under load, on real servers. A change that was acknowledged is there afterwards. A change that was
//! not is either complete or absent. No request takes longer than the deadline.
//!
//! `cargo test --all-features --test outages -- --ignored --nocapture` prints the figures. `OUTAGES_SEED` repeats the
//! choices of an earlier run, but not its timing.

mod browser;
mod dropped;
mod figures;
#[path = "../kit/mod.rs"]
mod kit;
mod load;
mod postgres;
mod proxy;
mod random;
mod redis;
mod revocations;
mod sqlite;
#[path = "../kit/stalls.rs"]
mod stalls;

use std::time::Duration;

use kit::servers;
use tokio::sync::{Semaphore, SemaphorePermit};

pub const MILLISECOND: Duration = Duration::from_millis(1);

/// The deadline of most tests. It is short, so that they end soon.
pub const DEADLINE: Duration = Duration::from_millis(500);

/// Limits the tests to two at a time, for two cores. With more, responses would wait for the processor.
pub async fn turn() -> SemaphorePermit<'static> {
    static TURNS: Semaphore = Semaphore::const_new(2);
    TURNS.acquire().await.unwrap()
}

/// Runs a function that blocks.
pub fn at_once<R>(work: impl FnOnce() -> R) -> R {
    tokio::task::block_in_place(work)
}
