//! Unit tests of src/store/sweep.rs: of what no test from outside can reach.

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
