//! The log in Redis, a real one.

use std::{error::Error, time::Duration};

use redis::AsyncCommands;
use sealed_session::store::{RedisStore, RevocationLog, conformance};

use super::{batch, entry, keys, nodes_miss_nothing, whole_batches};
use crate::{
    redis::manager,
    servers::{self, Redis},
};

/// Returns a store with a prefix of the test's own, in the server that all share.
async fn store(prefix: &str) -> RedisStore {
    RedisStore::connect(&servers::redis().url()).await.unwrap().prefix(prefix)
}

/// Adds an entry as another program would.
async fn add(key: &str, id: &str, value: &[u8]) {
    let mut manager = manager(&servers::redis().url()).await;
    let mut command = redis::cmd("XADD");
    let _: String = command.arg(key).arg(id).arg("e").arg(value).query_async(&mut manager).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_log_in_redis_conforms() {
    conformance::check_log(&store("log:").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: scripts/test installs one"]
async fn several_connections_to_redis_miss_nothing() {
    let nodes = vec![store("nodes:").await, store("nodes:").await, store("nodes:").await];
    nodes_miss_nothing(nodes).await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn expired_entries_do_not_fill_redis() {
    let store = store("trimmed:").await;
    for key in 0..50 {
        store.append(&[entry(key, -1)]).await.unwrap();
        assert_eq!(keys(&store).await, [key], "only the last is kept");
    }
    store.append(&[entry(50, 3600), entry(51, -1)]).await.unwrap();
    store.append(&[entry(52, -1)]).await.unwrap();
    assert_eq!(keys(&store).await, [50, 51, 52], "the first that has not expired stays, and what follows it");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_log_in_redis_never_expires_as_a_key() {
    let store = store("forever:").await;
    store.append(&[entry(1, 1)]).await.unwrap();
    let left: i64 = manager(&servers::redis().url()).await.pttl("forever:revocations").await.unwrap();
    assert_eq!(left, -1, "the key has no expiry, so that no `volatile` policy evicts it");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn positions_increase_even_if_the_clock_of_redis_has_gone_back() {
    let store = store("clock:").await;
    // In the year 2100, with the last sequence number that a position has bits for.
    add("clock:revocations", "4102444800000-1048574", &[0xff; 16]).await;
    let ahead = store.read(0, 2).await.unwrap().entries[0].0;
    for key in 1..=3 {
        store.append(&[entry(key, 3600)]).await.unwrap();
    }
    let entries = store.read(ahead, 100).await.unwrap().entries;
    let after: Vec<_> = entries.iter().map(|(position, entry)| (position - ahead, entry.key)).collect();
    assert_eq!(after, [(0, u64::MAX), (1, 1), (2, 2), (3, 3)]);
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn an_entry_of_another_program_is_an_error() {
    for (prefix, id, value) in [
        ("short:", "1-1", &b"text"[..]),
        ("long:", "1-1", &[0; 17]),
        ("late:", "17592186044416-0", &[0xff; 16]),
        ("many:", "1-1048576", &[0xff; 16]),
    ] {
        let store = store(prefix).await;
        add(&format!("{prefix}revocations"), id, value).await;
        let error = store.read(0, 100).await.unwrap_err();
        assert_eq!(error.to_string(), "reading revocations");
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "the stream contains something other than revocations", "{prefix}");
    }
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_dropped_append_to_redis_leaves_nothing_half_done() {
    let store = store("dropped-append:").await;
    for number in 0..100 {
        let patience = Duration::from_micros(number * 10);
        let _ = tokio::time::timeout(patience, store.append(&batch(number))).await;
    }
    whole_batches(&store).await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_log_survives_a_crash_of_a_durable_redis() {
    let mut server = Redis::durable();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    for number in 0..10 {
        store.append(&batch(number)).await.unwrap();
    }
    let last = store.read(0, 1_000).await.unwrap().entries.pop();
    server.kill();
    assert_eq!(store.append(&batch(10)).await.unwrap_err().to_string(), "appending revocations");
    server.start_again();
    assert_eq!(whole_batches(&store).await, 10);
    assert_eq!(store.read(0, 1_000).await.unwrap().entries.pop(), last, "at the same positions");
}
