//! The store in an SQLite file.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use sealed_session::store::{Generation, SqliteStore, Store, Written, conformance};
use sqlx::{Connection, SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::samples::{HOUR, blob, future, id};

pub async fn open(directory: &TempDir) -> SqliteStore {
    SqliteStore::open(directory.path().join("sessions.db")).await.unwrap()
}

/// Opens the file as one of several nodes. On a slow disk, the writes of the others take longer than the five seconds for
/// which a writer of [`open`] waits.
pub async fn node(directory: &TempDir) -> SqliteStore {
    open(directory).await;
    let options = SqliteConnectOptions::new().filename(directory.path().join("sessions.db"));
    SqliteStore::from_pool(SqlitePool::connect_lazy_with(options.busy_timeout(Duration::from_secs(120))))
}

async fn rows(directory: &TempDir) -> i64 {
    let url = format!("sqlite:{}", directory.path().join("sessions.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM sealed_sessions").fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn it_conforms() {
    let directory = tempfile::tempdir().unwrap();
    conformance::check(&open(&directory).await).await;
    let url = format!("sqlite:{}", directory.path().join("sessions.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let left = "SELECT count(*) FROM sealed_sessions WHERE expires > (unixepoch() + 60) * 1000";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 0, "the check leaves nothing behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_of_one_file_conform_at_the_same_time() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (node(&directory).await, node(&directory).await);
    let check = |store: SqliteStore| tokio::spawn(async move { conformance::check(&store).await });
    for check in [check(first), check(second)] {
        check.await.unwrap();
    }
}

/// As nodes that start at once do: each finds no file, or one that another is making.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_can_open_a_new_file_at_once() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.db");
        let opened: Vec<_> = (0..8).map(|_| tokio::spawn(SqliteStore::open(path.clone()))).collect();
        for opened in opened {
            opened.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn of_two_stores_of_one_file_one_replaces() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (node(&directory).await, node(&directory).await);
    for number in 0..50 {
        assert_eq!(first.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
        let next = blob(2);
        let (one, other) = tokio::join!(
            first.replace(id(number), Generation::new(1), &next, future()),
            second.replace(id(number), Generation::new(1), &next, future()),
        );
        assert_ne!(one.unwrap(), other.unwrap(), "exactly one is done");
    }
}

#[tokio::test]
async fn after_a_restart_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    for number in 0..100 {
        assert_eq!(
            store.create(id(number), &blob(number as u64 + 1), future()).await.unwrap(),
            Written::Done
        );
    }
    drop(store);
    let store = open(&directory).await;
    for number in 0..100 {
        let found = store.load(id(number), usize::MAX).await.unwrap();
        assert_eq!(found, Some(blob(number as u64 + 1)));
    }
}

/// What [`after_a_kill_nothing_is_lost`] runs in a process of its own: it creates blobs, and says which are there.
#[tokio::test]
#[ignore = "a part of `after_a_kill_nothing_is_lost`"]
async fn creates_until_it_is_killed() {
    let Ok(path) = std::env::var("SEALED_SESSION_TEST_FILE") else { return };
    let store = SqliteStore::open(path).await.unwrap();
    for number in 0.. {
        assert_eq!(store.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
        println!("\ncreated {number}");
    }
}

#[tokio::test]
async fn after_a_kill_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::creates_until_it_is_killed", "--include-ignored", "--nocapture"])
        .env("SEALED_SESSION_TEST_FILE", directory.path().join("sessions.db"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut created = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .filter_map(|line| line.unwrap().strip_prefix("created ")?.parse::<u128>().ok());
    created.by_ref().take(50).for_each(drop);
    child.kill().unwrap();
    let last = created.last().unwrap_or(49);
    child.wait().unwrap();
    let store = open(&directory).await;
    for number in 0..=last {
        assert_eq!(store.load(id(number), usize::MAX).await.unwrap(), Some(blob(1)), "{number} of {last}");
    }
}

#[tokio::test]
async fn it_writes_ahead_in_a_log() {
    let directory = tempfile::tempdir().unwrap();
    let _store = open(&directory).await;
    assert!(directory.path().join("sessions.db-wal").exists());
}

/// A future can be dropped at any time: the call was carried out as a whole, or not at all, and the next one works.
#[tokio::test]
async fn a_dropped_call_leaves_nothing_half_done() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    for number in 0..200 {
        assert_eq!(store.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
        let next = blob(2);
        let patience = Duration::from_micros(number as u64 * 10);
        let _ =
            tokio::time::timeout(patience, store.replace(id(number), Generation::new(1), &next, future()))
                .await;
        let found = store.load(id(number), usize::MAX).await.unwrap().unwrap();
        assert!(found == blob(1) || found == next);
    }
}

#[tokio::test]
async fn what_has_expired_is_swept_in_batches_and_the_rest_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    store.stop_sweeping();
    for number in 0..1_000 {
        let expires = if number % 100 == 0 { future() } else { SystemTime::now() - HOUR };
        assert_eq!(store.create(id(number), &blob(1)[..100], expires).await.unwrap(), Written::Done);
    }
    assert_eq!(rows(&directory).await, 1_000, "a stopped sweeper sweeps nothing");
    let store = store.sweep_every(Duration::from_millis(10));
    assert_eq!(store.create(id(1_000), &blob(1), future()).await.unwrap(), Written::Done);
    tokio::time::timeout(Duration::from_secs(20), async {
        while rows(&directory).await > 11 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the expired are swept");
    for number in 0..10 {
        assert!(store.load(id(number * 100), usize::MAX).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_sweep_that_fails_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await.sweep_every(Duration::from_millis(10));
    let url = format!("sqlite:{}", directory.path().join("sessions.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    sqlx::query("ALTER TABLE sealed_sessions RENAME TO gone").execute(&mut other).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(store.load(id(1), 100).await.is_err());
    sqlx::query("UPDATE gone SET expires = 1").execute(&mut other).await.unwrap();
    sqlx::query("ALTER TABLE gone RENAME TO sealed_sessions").execute(&mut other).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while rows(&directory).await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it goes on");
}

#[tokio::test]
async fn a_pool_of_the_application_will_do() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}?mode=rwc", directory.path().join("application.db").display());
    let store = SqliteStore::from_pool(SqlitePool::connect(&url).await.unwrap());
    let error = store.load(id(1), 100).await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("no such table: sealed_sessions"), "{error}: {cause}");
    store.create_schema().await.unwrap();
    store.create_schema().await.unwrap();
    conformance::check(&store).await;
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let error = SqliteStore::open(":memory:").await.unwrap_err();
    assert_eq!(error.to_string(), "opening the file");
    assert_eq!(error.source().unwrap().to_string(), ":memory: is not a file");
    let directory = tempfile::tempdir().unwrap();
    SqliteStore::open(directory.path().join("missing/sessions.db")).await.unwrap_err();
    let text = directory.path().join("text");
    std::fs::write(&text, "this is not a database, and long enough to be taken for one: ".repeat(100))
        .unwrap();
    SqliteStore::open(text).await.unwrap_err();
}
