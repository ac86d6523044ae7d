//! The task that removes what has expired, from stores that don't do so by themselves.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{self, AbortHandle},
    time,
};
use tracing::warn;

use super::StoreError;

/// How often a store is swept unless it is told otherwise.
pub(super) const EVERY: Duration = Duration::from_secs(300);

/// How long one batch may take. A database that has stopped to answer must not stop the sweeping for good.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a batch has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing that has expired.
    Nothing,
    /// Perhaps more: the batch was full.
    Perhaps,
}

/// Owns a store's sweeping task, which ends with it. All clones of a store share one; the task holds what it sweeps,
/// and not this, so the last clone takes the task with it.
pub(super) struct Sweeper(Mutex<State>);

struct State {
    /// `None` when stopped.
    every: Option<Duration>,
    task: Option<AbortHandle>,
}

impl Sweeper {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { every: Some(EVERY), task: None }))
    }

    /// Sweeps that often from now on, beginning with the next [`wake`](Self::wake).
    pub(super) fn set_interval(&self, every: Duration) {
        // A task that never sleeps would keep a core busy.
        self.change_to(Some(every.max(Duration::from_millis(1))));
    }

    /// Sweeps no more.
    pub(super) fn stop(&self) {
        self.change_to(None);
    }

    fn change_to(&self, every: Option<Duration>) {
        let mut state = self.state();
        state.every = every;
        if let Some(task) = state.task.take() {
            task.abort();
        }
    }

    /// Sees to it that the task runs, if there is a runtime for it. The first write does this and not the constructor,
    /// which need not run in a runtime; and every later one does, since a runtime can end before the store.
    pub(super) fn wake<S, F>(&self, store: &'static str, batches: impl FnOnce() -> S)
    where
        S: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<Left, StoreError>> + Send + 'static,
    {
        let mut state = self.state();
        let Some(every) = state.every else { return };
        if state.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            state.task = Some(runtime.spawn(sweep_forever(store, every, batches())).abort_handle());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is done under the lock that could leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper").field("every", &self.state().every).finish_non_exhaustive()
    }
}

/// Batch after batch until nothing is left; then a pause, and again. A failure is logged and ends no more than its round.
async fn sweep_forever<S, F>(store: &'static str, every: Duration, mut batch: S)
where
    S: FnMut() -> F + Send + 'static,
    F: Future<Output = Result<Left, StoreError>> + Send + 'static,
{
    loop {
        loop {
            match time::timeout(PATIENCE, batch()).await {
                Ok(Ok(Left::Nothing)) => break,
                Ok(Ok(Left::Perhaps)) => task::yield_now().await,
                Ok(Err(error)) => {
                    warn!(store, error = %crate::error::chain(&error), "expired sessions could not be swept; will try again");
                    break;
                }
                Err(_) => {
                    warn!(store, "sweeping expired sessions got no answer; will try again");
                    break;
                }
            }
        }
        time::sleep(every).await;
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

    /// Counts the batches; what each answers is up to its number.
    fn counted(
        count: &Arc<AtomicU32>,
        answer: impl Fn(u32) -> Result<Left, StoreError> + Send + 'static,
    ) -> impl FnMut() -> future::Ready<Result<Left, StoreError>> + Send + 'static {
        let count = count.clone();
        move || future::ready(answer(count.fetch_add(1, SeqCst) + 1))
    }

    fn broken() -> StoreError {
        StoreError::when("sweeping")("the table is gone")
    }

    /// A sweeper of one sweep a minute, whose first has been.
    async fn sweeping(
        answer: impl Fn(u32) -> Result<Left, StoreError> + Send + 'static,
    ) -> (Sweeper, Arc<AtomicU32>) {
        let (sweeper, count) = (Sweeper::new(), Arc::new(AtomicU32::new(0)));
        sweeper.set_interval(MINUTE);
        sweeper.wake("a test", || counted(&count, answer));
        time::sleep(Duration::from_millis(1)).await;
        (sweeper, count)
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_sweep_is_survived() {
        let (_sweeper, count) =
            sweeping(|round| if round <= 3 { Err(broken()) } else { Ok(Left::Nothing) }).await;
        time::sleep(5 * MINUTE).await;
        assert_eq!(count.load(SeqCst), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_without_an_answer_is_survived() {
        let (sweeper, count) = (Sweeper::new(), Arc::new(AtomicU32::new(0)));
        let counting = count.clone();
        sweeper.wake("a test", || {
            move || {
                counting.fetch_add(1, SeqCst);
                future::pending()
            }
        });
        time::sleep(2 * (EVERY + PATIENCE) + MINUTE / 2).await;
        assert_eq!(count.load(SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn batches_follow_each_other_until_nothing_is_left() {
        let (_sweeper, count) =
            sweeping(|batch| Ok(if batch < 5 { Left::Perhaps } else { Left::Nothing })).await;
        assert_eq!(count.load(SeqCst), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_sweeper_stays_stopped() {
        let (sweeper, count) = sweeping(|_| Ok(Left::Nothing)).await;
        sweeper.stop();
        sweeper.wake("a test", || counted(&count, |_| Ok(Left::Nothing)));
        time::sleep(5 * MINUTE).await;
        assert_eq!(count.load(SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_with_its_sweeper() {
        let (sweeper, count) = sweeping(|_| Ok(Left::Nothing)).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
        drop(sweeper);
        time::sleep(5 * MINUTE).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
        assert_eq!(count.load(SeqCst), 1);
    }

    #[test]
    fn a_task_whose_runtime_has_ended_is_started_again_in_another() {
        let (sweeper, count) = (Sweeper::new(), Arc::new(AtomicU32::new(0)));
        sweeper.wake("a test", || counted(&count, |_| Ok(Left::Nothing)));
        assert_eq!(count.load(SeqCst), 0, "there is no runtime yet");
        for rounds in 1..=2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                sweeper.wake("a test", || counted(&count, |_| Ok(Left::Nothing)));
                task::yield_now().await;
            });
            drop(runtime);
            assert_eq!(count.load(SeqCst), rounds);
        }
    }
}
