//! Calls that are given up in the middle, as the deadline does: what becomes of their connections.

mod postgres;
mod redis;
mod sqlite;

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use sealed_session::store::{BlobId, Generation, Store, Written};
use tokio::time::{sleep, timeout};

use crate::{
    DEADLINE, MILLISECOND,
    random::{Random, seed},
    stalls::Watch,
};

const SOME: u128 = 40;

fn future() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3_600)
}

fn index(number: u128) -> BlobId {
    BlobId::new(number.to_be_bytes())
}

/// One that tells whose it is.
fn blob(number: u128, generation: u64) -> Vec<u8> {
    let mut blob = number.to_be_bytes().repeat(500);
    blob[Generation::BYTES].copy_from_slice(&generation.to_be_bytes());
    blob
}

async fn filled<S: Store>(store: S) -> S {
    for number in 0..SOME {
        assert_eq!(store.create(index(number), &blob(number, 1), future()).await.unwrap(), Written::Done);
    }
    store
}

/// Loads all at once, each within the deadline. Tells how many succeeded.
async fn load_all(store: &impl Store) -> usize {
    let loads = (0..SOME).map(|number| async move {
        match timeout(DEADLINE, store.load(index(number), usize::MAX)).await {
            Ok(Ok(found)) => {
                assert_eq!(found, Some(blob(number, 1)), "it is the answer to this call");
                true
            }
            _ => false,
        }
    });
    join_all(loads).await.into_iter().filter(|loaded| *loaded).count()
}

/// Asks until all is well, and tells how long that took.
async fn recovery(store: &impl Store, patience: Duration) -> Duration {
    let began = Watch::start();
    while load_all(store).await < SOME as usize {
        assert!(began.elapsed() < patience, "the store is not used again");
        sleep(10 * MILLISECOND).await;
    }
    began.elapsed()
}

/// Gives calls up after random times, while others go on, and holds each answer to its question.
async fn answers_are_matched(store: &impl Store) {
    let mut random = Random::new(seed(), 7);
    for _ in 0..40 {
        let patience: Vec<_> = (0..SOME).map(|_| Duration::from_micros(random.below(20_000))).collect();
        let calls = (0..SOME).zip(patience).map(|(number, patience)| async move {
            let call = store.load(index(number), usize::MAX);
            match number % 2 {
                0 => drop(timeout(patience, call).await),
                _ => assert_eq!(call.await.unwrap(), Some(blob(number, 1))),
            }
        });
        join_all(calls).await;
    }
}
