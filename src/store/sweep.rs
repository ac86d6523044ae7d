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
                        "expired sessions could not be removed; will try again"
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
mod tests {
    use std::{
        future,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::SeqCst},
        },
    };

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Counts a batch, and lets `answer` decide from its number how many blobs it removed.
    fn counted(
        answer: impl Fn(u32) -> Result<u64, StoreError> + Send + 'static,
    ) -> impl Fn(Arc<AtomicU32>) -> future::Ready<Result<u64, StoreError>> + Send + 'static {
        move |count| future::ready(answer(count.fetch_add(1, SeqCst) + 1))
    }

    fn new() -> (Sweeper, Arc<AtomicU32>) {
        (Sweeper::new("a test", 10), Arc::default())
    }

    /// A sweeper with an interval of one minute that has swept once.
    async fn sweeping(
        answer: impl Fn(u32) -> Result<u64, StoreError> + Send + 'static,
    ) -> (Sweeper, Arc<AtomicU32>) {
        let (sweeper, count) = new();
        sweeper.set_interval(MINUTE);
        sweeper.wake(count.clone(), counted(answer));
        time::sleep(Duration::from_millis(1)).await;
        (sweeper, count)
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_sweep_is_survived() {
        let broken = || Err(StoreError::new("sweeping", "the table is gone"));
        let (_sweeper, count) = sweeping(move |round| if round <= 3 { broken() } else { Ok(0) }).await;
        time::sleep(5 * MINUTE).await;
        assert_eq!(count.load(SeqCst), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_without_an_answer_is_survived() {
        let (sweeper, count) = new();
        sweeper.wake(count.clone(), |count| {
            count.fetch_add(1, SeqCst);
            future::pending()
        });
        time::sleep(2 * (EVERY + PATIENCE) + MINUTE / 2).await;
        assert_eq!(count.load(SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn batches_follow_each_other_until_one_is_not_full() {
        let (_sweeper, count) = sweeping(|batch| Ok(if batch < 5 { 10 } else { 9 })).await;
        assert_eq!(count.load(SeqCst), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_sweeper_stays_stopped() {
        let (sweeper, count) = sweeping(|_| Ok(0)).await;
        sweeper.stop();
        sweeper.wake(count.clone(), counted(|_| Ok(0)));
        time::sleep(5 * MINUTE).await;
        assert_eq!(count.load(SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_with_its_sweeper() {
        let (sweeper, count) = sweeping(|_| Ok(0)).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
        drop(sweeper);
        time::sleep(5 * MINUTE).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
        assert_eq!(count.load(SeqCst), 1);
    }

    #[test]
    fn a_task_whose_runtime_has_ended_is_started_again_in_another() {
        let (sweeper, count) = new();
        sweeper.wake(count.clone(), counted(|_| Ok(0)));
        assert_eq!(count.load(SeqCst), 0, "there is no runtime yet");
        for rounds in 1..=2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                sweeper.wake(count.clone(), counted(|_| Ok(0)));
                task::yield_now().await;
            });
            drop(runtime);
            assert_eq!(count.load(SeqCst), rounds);
        }
    }
}
