//! The store in Redis, a real one.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use redis::{AsyncCommands, Client, aio::ConnectionManager};
use sealed_session::store::{Generation, RedisStore, Store, Written, conformance};

use crate::log::Log;
use crate::samples::{blob, future, id};
use crate::servers::{self, Redis};

pub async fn manager(url: &str) -> ConnectionManager {
    ConnectionManager::new(Client::open(url).unwrap()).await.unwrap()
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn redis_conforms() {
    conformance::check(&RedisStore::connect(&servers::redis().url()).await.unwrap()).await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn redis_conforms_over_a_connection_of_the_application() {
    let server = Redis::start();
    let mut manager = manager(&server.url()).await;
    conformance::check(&RedisStore::from_connection(manager.clone())).await;
    let left: Vec<String> = manager.keys("*").await.unwrap();
    assert!(left.is_empty(), "the check leaves nothing behind: {left:?}");
}

#[tokio::test]
async fn connecting_beyond_this_machine_without_tls_logs_a_warning() {
    for (url, warnings) in [
        // The network refuses this address at once.
        ("redis://:hunter2@255.255.255.255:1/", 1),
        ("redis://:hunter2@127.0.0.1:1/", 0),
        ("redis+unix:///nowhere", 0),
        ("rediss://:hunter2@255.255.255.255:1/", 0),
    ] {
        let (log, _guard) = Log::record();
        assert!(RedisStore::connect(url).await.is_err());
        let text = log.text();
        assert_eq!(text.matches("the session store is not encrypted").count(), warnings, "{url}: {text}");
        assert!(!text.contains("hunter2"));
    }
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn keys_have_the_prefix_and_expire() {
    let url = servers::redis().url();
    let store = RedisStore::connect(&url).await.unwrap().prefix("shop:");
    let written = store.create(id(0xf0), &blob(1), future()).await.unwrap();
    assert_eq!(written, Written::Done);
    let left: i64 = manager(&url).await.pttl("shop:000000000000000000000000000000f0").await.unwrap();
    assert!((3_590_000..=3_600_000).contains(&left), "{left} ms");
    let other = RedisStore::connect(&url).await.unwrap();
    assert_eq!(other.load(id(0xf0), 100).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn connecting_to_nothing_is_an_error_without_the_password() {
    let mut server = Redis::start();
    server.kill();
    let begun = Instant::now();
    let error =
        RedisStore::connect(&format!("redis://:hunter2@127.0.0.1:{}/", server.port())).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(error.to_string(), "connecting to Redis");
    for url in ["redis://:hunter2@127.0.0.1:port/", "http://:hunter2@127.0.0.1/", "redis://:hunter2@[/"] {
        let wrong = RedisStore::connect(url).await.unwrap_err();
        let cause = wrong.source().unwrap();
        assert!(!format!("{wrong} {cause} {wrong:?}").contains("hunter2"), "{wrong:?}");
    }
    let cause = error.source().unwrap();
    assert!(!format!("{error} {cause} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn nothing_shows_the_password() {
    let server = Redis::with(&["--requirepass", "hunter2", "--save", ""]);
    let store = RedisStore::connect(&format!("redis://:hunter2@127.0.0.1:{}/", server.port())).await.unwrap();
    assert_eq!(format!("{store:?}"), r#"RedisStore { prefix: "sealed-session:", .. }"#);
    RedisStore::connect(&server.url()).await.unwrap_err();
}

/// Down, a call fails and does not hang; back, the very first call is answered.
#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn after_an_outage_it_connects_again_by_itself() {
    let mut server = Redis::durable();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    for outage in [Duration::ZERO, Duration::from_secs(1)] {
        server.kill();
        let begun = Instant::now();
        while begun.elapsed() < outage {
            let call = Instant::now();
            store.load(id(1), usize::MAX).await.unwrap_err();
            assert!(call.elapsed() < Duration::from_secs(2), "{:?}", call.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server.start_again();
        let begun = Instant::now();
        assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(1)));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    let written = store.replace(id(1), Generation::new(1), &blob(2), future()).await.unwrap();
    assert_eq!(written, Written::Done, "the scripts are there again, too");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_server_that_does_not_answer_is_an_error_until_it_does() {
    let server = Redis::start();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    server.freeze();
    let begun = Instant::now();
    store.load(id(1), usize::MAX).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.thaw();
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(1)));
}

/// The connection manager keeps the refusal of a new connection for good, if it is not a failure of input and output.
#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_server_that_refused_us_for_a_while_is_asked_again() {
    let mut server = Redis::with(&["--requirepass", "hunter2", "--save", "", "--appendonly", "yes"]);
    let url = format!("redis://:hunter2@127.0.0.1:{}/", server.port());
    let store = RedisStore::connect(&url).await.unwrap();
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    let mut admin = manager(&url).await;
    let _: () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("requirepass")
        .arg("another")
        .query_async(&mut admin)
        .await
        .unwrap();
    let _: () = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .arg("SKIPME")
        .arg("yes")
        .query_async(&mut admin)
        .await
        .unwrap();
    for _ in 0..3 {
        store.load(id(1), 100).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _: () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("requirepass")
        .arg("hunter2")
        .query_async(&mut admin)
        .await
        .unwrap();
    // The refusal from before, and then an answer.
    let _ = store.load(id(1), 100).await;
    assert!(store.load(id(1), 100).await.unwrap().is_some());
    server.kill();
}

/// A future can be dropped at any time: the call was carried out as a whole, or not at all, and the next one works.
#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_dropped_call_to_redis_leaves_nothing_half_done() {
    let store = RedisStore::connect(&servers::redis().url()).await.unwrap().prefix("dropped:");
    for number in 0..200 {
        assert_eq!(store.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
        let next = blob(2);
        let patience = Duration::from_micros(number as u64 * 5);
        let _ =
            tokio::time::timeout(patience, store.replace(id(number), Generation::new(1), &next, future()))
                .await;
        let found = store.load(id(number), usize::MAX).await.unwrap().unwrap();
        assert!(found == blob(1) || found == next);
    }
}
