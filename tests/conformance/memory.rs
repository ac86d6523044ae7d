//! The store in memory.

use std::{
    error::Error,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use http::{Request, Response};
use sealed_session::{
    Arrival, KeyRing, Refusal, Sessions,
    store::{BlobId, Generation, MemoryStore, Store, StoreError, Written, conformance},
    testing::session_with,
};
use tokio::runtime::{Builder, Handle};

const HOUR: Duration = Duration::from_secs(3600);

fn id(number: u128) -> BlobId {
    BlobId::new(number.to_be_bytes())
}

fn blob(generation: u64, length: usize) -> Vec<u8> {
    let mut blob = vec![0x13; length];
    blob[Generation::BYTES].copy_from_slice(&generation.to_be_bytes());
    blob
}

/// The answer of a call that has nothing to wait for.
fn now<T>(call: impl Future<Output = Result<T, StoreError>>) -> T {
    call.now_or_never().expect("nothing to wait for").unwrap()
}

async fn create(store: &MemoryStore, number: u128, length: usize) -> Written {
    store.create(id(number), &blob(1, length), SystemTime::now() + HOUR).await.unwrap()
}

async fn loads(store: &MemoryStore, number: u128) -> bool {
    store.load(id(number), usize::MAX).await.unwrap().is_some()
}

#[tokio::test]
async fn it_conforms() {
    conformance::check(&MemoryStore::new()).await;
}

#[tokio::test]
async fn under_a_test_s_clock_in_the_past_a_stored_session_lives_until_that_clock_says_it_is_over() {
    let seconds = Arc::new(AtomicU64::new(1_000_000_000));
    let clock = {
        let seconds = seconds.clone();
        move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(SeqCst))
    };
    let sessions = Sessions::<String>::builder(KeyRing::generate().unwrap())
        .store(MemoryStore::new().clock(clock.clone()))
        .clock(clock)
        .build()
        .unwrap();
    let mut response = Response::new(());
    let _ = sessions.commit(session_with(&sessions, "n".repeat(20_000)), &mut response).await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let request = Request::builder().header("cookie", cookie).body(()).unwrap();
    assert_eq!(sessions.open(&request).await.unwrap().read(String::len), 20_000);
    seconds.fetch_add(2 * 3600 - 1, SeqCst);
    assert_eq!(sessions.open(&request).await.unwrap().arrival(), Arrival::Opened);
    seconds.fetch_add(1, SeqCst);
    assert_eq!(sessions.open(&request).await.unwrap().arrival(), Arrival::Refused(Refusal::Expired));
}

#[tokio::test]
async fn what_has_expired_is_judged_by_the_clock_that_the_store_was_given() {
    let ahead = |by: Duration| move || SystemTime::now() + by;
    let store = MemoryStore::new();
    assert_eq!(create(&store, 1, 100).await, Written::Done);
    assert!(loads(&store.clone(), 1).await);
    assert!(!loads(&store.clone().clock(ahead(HOUR)), 1).await);
    assert_eq!(
        create(&store.clock(ahead(HOUR)), 1, 100).await,
        Written::Done,
        "nothing stands there any more"
    );
}

#[test]
fn it_needs_no_runtime() {
    let store = MemoryStore::new();
    assert_eq!(now(store.create(id(1), &blob(1, 100), SystemTime::now() + HOUR)), Written::Done);
    assert_eq!(now(store.load(id(1), 100)), Some(blob(1, 100)));
}

#[test]
fn between_threads_exactly_one_of_many_creates_replaces_and_deletes_is_done() {
    const THREADS: usize = 4;
    let store = MemoryStore::new();
    let expires = SystemTime::now() + HOUR;
    let count = |call: &(dyn Fn() -> Written + Sync)| {
        let start = Barrier::new(THREADS);
        thread::scope(|scope| {
            let calls: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        call()
                    })
                })
                .collect();
            calls
                .into_iter()
                .map(|call| call.join().unwrap())
                .filter(|written| *written == Written::Done)
                .count()
        })
    };
    for round in 0..500 {
        let (id, first, second) = (id(round), blob(1, 5_000), blob(2, 5_000));
        assert_eq!(count(&|| now(store.create(id, &first, expires))), 1);
        assert_eq!(count(&|| now(store.replace(id, Generation::new(1), &second, expires))), 1);
        assert_eq!(count(&|| now(store.delete(id, None))), 1);
    }
}

#[tokio::test]
async fn it_keeps_to_its_bound_in_blobs() {
    let store = MemoryStore::bounded(64 << 20, 10);
    for number in 0..10 {
        assert_eq!(create(&store, number, 100).await, Written::Done);
    }
    assert_eq!(store.len(), 10);
    for number in 10..1_000 {
        assert_eq!(create(&store, number, 100).await, Written::Done);
        assert!(loads(&store, number).await, "what was just stored is there");
        assert!(store.len() <= 10);
    }
}

#[tokio::test]
async fn it_keeps_to_its_bound_in_bytes() {
    let store = MemoryStore::bounded(1 << 20, 1_000_000);
    for number in 0..1_000 {
        assert_eq!(create(&store, number, 20_000).await, Written::Done);
        assert!(loads(&store, number).await, "what was just stored is there");
        assert!(store.len() <= (1 << 20) / 20_000);
    }
    assert!(store.len() >= 45, "the room is used: {}", store.len());
}

#[tokio::test]
async fn what_is_never_stored_is_an_error_and_not_done() {
    let store = MemoryStore::bounded(100_000, 10);
    let (expires, large) = (SystemTime::now() + HOUR, blob(2, 50_001));
    let error = store.create(id(1), &large, expires).await.unwrap_err();
    assert_eq!(error.to_string(), "storing a blob");
    assert_eq!(error.source().unwrap().to_string(), "it is larger than half of the store");
    assert!(!loads(&store, 1).await);
    // What it would have replaced stays.
    assert_eq!(create(&store, 1, 100).await, Written::Done);
    store.replace(id(1), Generation::new(1), &large, expires).await.unwrap_err();
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap().unwrap(), blob(1, 100));
}

/// Whatever the sizes, and wherever in the cache a blob stands, a write that was done can be read.
#[tokio::test]
async fn what_was_done_is_there_whatever_had_to_go() {
    let store = MemoryStore::bounded(100_000, 50);
    let expires = SystemTime::now() + HOUR;
    let mut dice = 1u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (dice >> 33) % sides
    };
    for _ in 0..50_000 {
        let number = roll(80) as u128;
        let blob = blob(1, 59 + roll(49_700) as usize);
        let written = match loads(&store, number).await {
            true => store.replace(id(number), Generation::new(1), &blob, expires).await.unwrap(),
            false => store.create(id(number), &blob, expires).await.unwrap(),
        };
        assert_eq!(written, Written::Done);
        assert_eq!(store.load(id(number), usize::MAX).await.unwrap().as_ref(), Some(&blob));
        assert!(store.len() <= 50);
    }
}

#[tokio::test]
async fn sessions_in_use_outlive_a_flood_of_new_ones() {
    let store = MemoryStore::bounded(10_000_000, 1_000);
    for number in 0..400 {
        assert_eq!(create(&store, number, 5_000).await, Written::Done);
    }
    for flood in 0..20_000 {
        assert_eq!(create(&store, 1_000 + flood, 5_000).await, Written::Done);
        // Each in use is loaded once in the time of 400 new ones.
        assert!(loads(&store, flood % 400).await, "lost after {flood} new ones");
    }
}

#[tokio::test]
async fn what_has_expired_is_removed_and_the_task_ends_with_the_store() {
    let store = MemoryStore::new().sweep_every(Duration::from_millis(10));
    let soon = SystemTime::now() + Duration::from_millis(20);
    for number in 0..2_500 {
        assert_eq!(store.create(id(number), &blob(1, 100), soon).await.unwrap(), Written::Done);
    }
    assert_eq!(create(&store, 10_000, 100).await, Written::Done);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
    tokio::time::timeout(10 * Duration::from_secs(1), async {
        while store.len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the expired are swept");
    assert!(loads(&store, 10_000).await);
    let clone = store.clone();
    drop(store);
    tokio::task::yield_now().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
    drop(clone);
    tokio::task::yield_now().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[test]
fn the_store_outlives_a_runtime() {
    let store = MemoryStore::new();
    for number in 0..2 {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(create(&store, number, 100)), Written::Done);
    }
    assert_eq!(format!("{store:?}"), "MemoryStore { len: 2, .. }");
}
