//! The logs of this crate follow the rules of `store::RevocationLog`, and the suite that shows it finds faulty logs.

#![allow(dead_code)] // each store's tests use a part of it

#[cfg(feature = "memory")]
mod memory;
mod mutants;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::SystemTime,
};

use sealed_session::store::{RevocationEntry, RevocationLog};
use tokio::task::yield_now;

fn unix(time: SystemTime) -> u32 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32
}

/// Returns an entry with this key that expires this many seconds from now.
fn entry(key: u64, expires_in: i32) -> RevocationEntry {
    let until = unix(SystemTime::now()).saturating_add_signed(expires_in);
    RevocationEntry { key, stamp: 1_800_000_000, until }
}

/// Returns the keys of all entries.
async fn keys(log: &impl RevocationLog) -> Vec<u64> {
    log.read(0, 100_000).await.unwrap().entries.iter().map(|(_, entry)| entry.key).collect()
}

/// Returns the number of batches, and asserts that each is complete: 50 entries with the key of the batch.
async fn whole_batches(log: &impl RevocationLog) -> usize {
    let keys = keys(log).await;
    let batches: Vec<_> = keys.chunk_by(|a, b| a == b).collect();
    assert!(batches.iter().all(|batch| batch.len() == 50), "a part of a batch was appended");
    batches.len()
}

fn batch(key: u64) -> Vec<RevocationEntry> {
    vec![entry(key, 3600); 50]
}

/// Lets all nodes append at the same time while all follow the log. Asserts that none misses an entry.
async fn nodes_miss_nothing<L: RevocationLog + Clone>(nodes: Vec<L>) {
    const APPENDS: u64 = 100;
    let running = Arc::new(AtomicUsize::new(nodes.len()));
    let (mut appends, mut follows) = (Vec::new(), Vec::new());
    for (number, node) in nodes.into_iter().enumerate() {
        let (log, appending) = (node.clone(), running.clone());
        appends.push(tokio::spawn(async move {
            for append in 0..APPENDS {
                let key = number as u64 * APPENDS + append;
                log.append(&[entry(key, 3600), entry(key, 3600)]).await.unwrap();
            }
            appending.fetch_sub(1, SeqCst);
        }));
        let running = running.clone();
        follows.push(tokio::spawn(async move {
            let mut known: Vec<(u64, RevocationEntry)> = Vec::new();
            loop {
                let is_last = running.load(SeqCst) == 0;
                let from = known.last().map_or(0, |(last, _)| last + 1);
                known.extend(node.read(from, 10_000).await.unwrap().entries);
                if is_last {
                    assert_eq!(known, node.read(0, 10_000).await.unwrap().entries, "none was missed");
                    return known;
                }
                yield_now().await; // in memory nothing else does
            }
        }));
    }
    let count = appends.len() * APPENDS as usize * 2;
    for append in appends {
        append.await.unwrap();
    }
    for follow in follows {
        let known = follow.await.unwrap();
        assert_eq!(known.len(), count);
        assert!(known.chunks(2).all(|pair| pair[0].1.key == pair[1].1.key), "each append stays together");
    }
}
