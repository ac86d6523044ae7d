//! The task that removes expired blobs from stores that do not do so by themselves.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{self, JoinSet},
    time,
};

use super::StoreError;
use crate::error::chain;

/// The default interval.
pub(super) const EVERY: Duration = Duration::from_secs(300);

/// The time limit of one batch. A database that no longer answers must not stop the sweeping for good.
const PATIENCE: Duration = Duration::from_secs(60);

/// The sweeping task of a store, shared by all clones of the store.
///
/// The task holds what it sweeps but not the sweeper, so it ends when the last clone is dropped.
pub(super) struct Sweeper {
    store: &'static str,
    /// A batch that removed this many blobs may have left more.
    full: u64,
    state: Mutex<State>,
}

struct State {
    /// `None` when stopped.
    every: Option<Duration>,
    /// One task at most, which is aborted when the set is dropped.
    task: JoinSet<()>,
}

impl Sweeper {
    pub(super) fn new(store: &'static str, full: u64) -> Self {
        Self { store, full, state: Mutex::new(State { every: Some(EVERY), task: JoinSet::new() }) }
    }

    /// Sets the interval, beginning with the next [`wake`](Self::wake).
    pub(super) fn set_interval(&self, every: Duration) {
        // A task that never sleeps would keep a core busy.
        *self.state() = State { every: Some(every.max(Duration::from_millis(1))), task: JoinSet::new() };
    }

    /// Stops sweeping.
    pub(super) fn stop(&self) {
        *self.state() = State { every: None, task: JoinSet::new() };
    }

    /// Starts the task unless it is running. Without a runtime, nothing happens.
    ///
    /// Every write calls this. The constructor cannot, because it may run outside of a runtime; and a runtime can end
    /// before the store does, which ends the task.
    pub(super) fn wake<C, F>(&self, context: C, batch: impl Fn(C) -> F + Send + 'static)
    where
        C: Clone + Send + 'static,
        F: Future<Output = Result<u64, StoreError>> + Send + 'static,
    {
        let (store, full, mut state) = (self.store, self.full, self.state());
        while state.task.try_join_next().is_some() {}
        let (Some(every), true, Ok(runtime)) = (state.every, state.task.is_empty(), Handle::try_current())
        else {
            return;
        };
        let sweep_forever = async move {
            loop {
                let swept = time::timeout(PATIENCE, batch(context.clone())).await;
                match swept.unwrap_or_else(|timeout| Err(StoreError::new("sweeping", timeout))) {
                    Ok(removed) if removed >= full => {
                        task::yield_now().await;
                        continue;
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(
                        store,
                        error = %chain(&error),
                        "expired sessions could not be removed; will retry"
                    ),
                }
                time::sleep(every).await;
            }
        };
        state.task.spawn_on(sweep_forever, &runtime);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock can leave the state half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "../../tests/unit/store/sweep.rs"]
mod tests;
