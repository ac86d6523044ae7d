//! Simulated time, for tests of nodes that follow a log in the background.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

/// The time of all nodes of a test. It stands still until the test lets it pass, and needs `start_paused`.
#[derive(Clone)]
pub struct World {
    began: SystemTime,
    origin: Instant,
}

impl World {
    pub fn new() -> Self {
        super::log::install();
        Self { began: SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000), origin: Instant::now() }
    }

    pub fn now(&self) -> SystemTime {
        self.began + self.origin.elapsed()
    }

    /// A clock that is ahead of the time by these seconds, or behind.
    pub fn clock(&self, ahead: i64) -> impl Fn() -> SystemTime + Send + Sync + Clone + 'static {
        let world = self.clone();
        let difference = Duration::from_secs(ahead.unsigned_abs());
        move || if ahead < 0 { world.now() - difference } else { world.now() + difference }
    }

    /// Lets time pass. No real time does: the runtime's clock jumps from one task's timer to the next.
    pub async fn pass(&self, time: Duration) {
        sleep(time).await;
    }
}
