//! What a blob costs in the store in memory: its bytes, and less than 300 more.

use std::time::{Duration, SystemTime};

use sealed_session::store::{BlobId, Generation, MemoryStore, Store, Written};

use crate::allocations::resident;

/// Bytes that this thread has allocated and not freed. The test's runtime has no other thread.
fn in_use() -> usize {
    crate::allocations::in_use().try_into().unwrap()
}

fn index(number: usize) -> BlobId {
    // Spread, as real ones are.
    BlobId::new((number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
}

fn blob(length: usize) -> Vec<u8> {
    let mut blob = vec![0x13; length];
    blob[Generation::BYTES].copy_from_slice(&1u64.to_be_bytes());
    blob
}

async fn fill(store: &MemoryStore, numbers: std::ops::Range<usize>, length: usize) {
    let (blob, expires) = (blob(length), SystemTime::now() + Duration::from_secs(3600));
    for number in numbers {
        assert_eq!(store.create(index(number), &blob, expires).await.unwrap(), Written::Done);
    }
}

/// Bytes beside those of the blobs, for each of so many.
async fn overhead(blobs: usize, length: usize) -> usize {
    let store = MemoryStore::bounded(1 << 30, 1 << 20);
    // What is there once, among it the task.
    fill(&store, 0..1, length).await;
    let (before, resident_before) = (in_use(), resident());
    fill(&store, 1..1 + blobs, length).await;
    let (used, grown) = (in_use() - before, resident().saturating_sub(resident_before));
    assert_eq!(store.len(), blobs + 1);
    let beside = (used - blobs * length) / blobs;
    let resident_beside = grown as i64 / blobs as i64 - length as i64;
    println!(
        "{blobs} blobs of {length} bytes: {beside} bytes each beside their own, {resident_beside} resident"
    );
    beside
}

#[tokio::test]
async fn a_blob_costs_less_than_300_bytes_beside_its_own() {
    let mut most = 0;
    // Just after a table has grown, each costs most: 8193 and the like.
    for blobs in [1_000, 8_192, 8_193, 10_000, 14_337, 16_385, 20_000] {
        for length in [1_000, 20_000] {
            most = most.max(overhead(blobs, length).await);
        }
    }
    println!("at most {most} bytes beside a blob's own");
    assert!(most < 300, "{most}");
    // What the store's bound counts is no less than that.
    assert!(most <= 200, "{most}");

    // So a full store takes no more than it was allowed, however many blobs come.
    const ALLOWED: usize = 32 << 20;
    for length in [100, 1_000, 20_000] {
        let before = in_use();
        let store = MemoryStore::bounded(ALLOWED, 1 << 20);
        fill(&store, 0..200_000, length).await;
        let used = in_use() - before;
        println!("full of blobs of {length} bytes: {} of them in {used} of {ALLOWED} bytes", store.len());
        assert!(used <= ALLOWED, "{used}");
        drop(store);
        tokio::task::yield_now().await;
        let left = in_use().saturating_sub(before);
        assert!(left < 100_000, "{left} bytes are left of a store that was dropped");
    }
}
