//! Stores that fail under load, on real servers: what was acknowledged is there afterwards, what was not is as it was
//! before or as it was to be, and nobody waits for longer than the deadline says.
//!
//! `cargo test --all-features --test outages -- --ignored --nocapture` prints the figures. `OUTAGES_SEED` repeats the
//! choices of an earlier run, though not its timing.

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
mod sqlite;

use std::time::Duration;

use kit::servers;
use tokio::sync::{Semaphore, SemaphorePermit};

pub const MILLISECOND: Duration = Duration::from_millis(1);

/// That of most tests, so that they are over soon.
pub const DEADLINE: Duration = Duration::from_millis(500);

/// Two cores carry two of these tests at a time. With more, the answers wait for the processor.
pub async fn turn() -> SemaphorePermit<'static> {
    static TURNS: Semaphore = Semaphore::const_new(2);
    TURNS.acquire().await.unwrap()
}

/// Does what blocks.
pub fn at_once<R>(work: impl FnOnce() -> R) -> R {
    tokio::task::block_in_place(work)
}
