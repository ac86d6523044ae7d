//! The log in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use sealed_session::store::{MemoryStore, RevocationEntry, RevocationLog, conformance};

use super::{entry, keys, nodes_miss_nothing};

#[tokio::test]
async fn the_log_in_memory_conforms() {
    conformance::check_log(&MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clones_in_several_threads_share_the_log_and_miss_nothing() {
    let store = MemoryStore::new();
    nodes_miss_nothing(vec![store.clone(), store.clone(), store.clone(), store]).await;
}

#[tokio::test]
async fn the_clock_of_the_store_is_the_clock_of_the_log() {
    let seconds = Arc::new(AtomicU32::new(1_000));
    let clock = seconds.clone();
    let store = MemoryStore::new()
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(SeqCst).into()));
    let entry = |key| RevocationEntry { key, stamp: 1, until: 1_100 };
    store.append(&[entry(1)]).await.unwrap();
    seconds.store(1_099, SeqCst);
    store.append(&[entry(2)]).await.unwrap();
    assert_eq!(keys(&store).await, [1, 2], "neither has expired");
    seconds.store(1_100, SeqCst);
    store.append(&[entry(3)]).await.unwrap();
    assert_eq!(keys(&store).await, [3], "all but the last have expired");
    assert_eq!(store.read(0, 2).await.unwrap().now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_100));
}

#[tokio::test]
async fn expired_entries_do_not_fill_the_memory() {
    let store = MemoryStore::new();
    for key in 0..10_000 {
        store.append(&[entry(key, -1)]).await.unwrap();
        assert_eq!(keys(&store).await, [key]);
    }
}

#[tokio::test]
async fn an_append_wakes_all_that_wait_for_the_log_in_memory() {
    let store = MemoryStore::new();
    let other = store.clone();
    let (mut first, mut second) = (store.wait(), other.wait());
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    store.append(&[entry(1, 3600)]).await.unwrap();
    assert!(first.now_or_never().is_some() && second.now_or_never().is_some());
}

#[tokio::test]
async fn an_append_removes_at_most_100_entries_more_than_it_appends_from_memory() {
    let seconds = Arc::new(AtomicU32::new(1_000));
    let clock = seconds.clone();
    let store = MemoryStore::new()
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(SeqCst).into()));
    let entries = |until| (0..500).map(move |key| RevocationEntry { key, stamp: 1, until });
    store.append(&entries(1_001).collect::<Vec<_>>()).await.unwrap();
    seconds.store(1_001, SeqCst);
    store.append(&entries(2_000).take(2).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(keys(&store).await.len(), 500 - 102 + 2);
}

#[tokio::test]
async fn a_shared_pointer_to_a_log_is_that_log() {
    let store = MemoryStore::new();
    let shared = Arc::new(store.clone());
    let mut waiting = shared.wait();
    assert!(waiting.as_mut().now_or_never().is_none());
    shared.append(&[entry(1, 3600)]).await.unwrap();
    assert!(waiting.now_or_never().is_some());
    assert_eq!(keys(&store).await, [1]);
    assert_eq!(shared.read(0, 2).await.unwrap().entries, store.read(0, 2).await.unwrap().entries);
}
