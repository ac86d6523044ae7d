//! The log in an SQLite file.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use sealed_session::store::{RevocationLog, SqliteStore, Store, conformance};
use sqlx::SqlitePool;
use tempfile::TempDir;

use super::{batch, entry, keys, nodes_miss_nothing, whole_batches};
use crate::{
    samples::id,
    sqlite::{node, open},
};

async fn pool(directory: &TempDir) -> SqlitePool {
    let url = format!("sqlite:{}?mode=rwc", directory.path().join("sessions.db").display());
    SqlitePool::connect(&url).await.unwrap()
}

#[tokio::test]
async fn the_log_in_sqlite_conforms() {
    let directory = tempfile::tempdir().unwrap();
    conformance::check_log(&open(&directory).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_logs_of_one_file_conform_at_the_same_time() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (node(&directory).await, node(&directory).await);
    let check = |store: SqliteStore| tokio::spawn(async move { conformance::check_log(&store).await });
    for check in [check(first), check(second)] {
        check.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_stores_of_one_file_miss_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let nodes = vec![node(&directory).await, node(&directory).await, node(&directory).await];
    nodes_miss_nothing(nodes).await;
}

#[tokio::test]
async fn expired_entries_do_not_fill_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    store.append(&[entry(0, 3600)]).await.unwrap();
    for key in 1..50 {
        store.append(&[entry(key, -1)]).await.unwrap();
        assert_eq!(keys(&store).await, [0, key], "the last is kept, and the first has not expired");
    }
}

#[tokio::test]
async fn an_append_removes_at_most_100_entries_more_than_it_appends_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    let expired = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 500)
        INSERT INTO sealed_revocations (key, stamp, until) SELECT n, 1, 1 FROM number";
    sqlx::query(expired).execute(&pool(&directory).await).await.unwrap();
    store.append(&[entry(501, 3600), entry(502, 3600)]).await.unwrap();
    assert_eq!(keys(&store).await.len(), 500 - 102 + 2);
}

#[tokio::test]
async fn a_position_is_never_used_again_even_if_someone_empties_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    store.append(&batch(1)).await.unwrap();
    sqlx::query("DELETE FROM sealed_revocations").execute(&pool(&directory).await).await.unwrap();
    assert_eq!(keys(&store).await, [0; 0]);
    store.append(&[entry(2, 3600)]).await.unwrap();
    assert_eq!(store.read(0, 2).await.unwrap().entries[0].0, 51);
}

#[tokio::test]
async fn a_file_from_before_there_was_a_log_gets_one() {
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(&directory).await;
    let (before, _) = SqliteStore::SCHEMA.split_once("-- The log of revocations").unwrap();
    sqlx::raw_sql(before).execute(&pool).await.unwrap();
    let store = SqliteStore::from_pool(pool);
    assert_eq!(store.load(id(1), 100).await.unwrap(), None, "blobs need no log");
    let error = store.append(&[entry(1, 3600)]).await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("no such table: sealed_revocations"), "{error}: {cause}");
    store.create_schema().await.unwrap();
    store.append(&[entry(1, 3600)]).await.unwrap();
    assert_eq!(keys(&store).await, [1]);
    assert_eq!(keys(&open(&directory).await).await, [1]);
}

/// What [`of_a_killed_process_each_append_is_there_or_not`] runs in a process of its own.
#[tokio::test]
#[ignore = "a part of `of_a_killed_process_each_append_is_there_or_not`"]
async fn appends_until_it_is_killed() {
    let Ok(path) = std::env::var("SEALED_SESSION_TEST_FILE") else { return };
    let store = SqliteStore::open(path).await.unwrap();
    for number in 0.. {
        store.append(&batch(number)).await.unwrap();
        println!("\nappended {number}");
    }
}

#[tokio::test]
async fn of_a_killed_process_each_append_is_there_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "logs::sqlite::appends_until_it_is_killed", "--include-ignored", "--nocapture"])
        .env("SEALED_SESSION_TEST_FILE", directory.path().join("sessions.db"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut appended = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .filter_map(|line| line.unwrap().strip_prefix("appended ")?.parse::<usize>().ok());
    appended.by_ref().take(20).for_each(drop);
    child.kill().unwrap();
    let last = appended.last().unwrap_or(19);
    child.wait().unwrap();
    let batches = whole_batches(&open(&directory).await).await;
    assert!(batches == last + 1 || batches == last + 2, "{batches} batches, the last known one is {last}");
}

#[tokio::test]
async fn a_dropped_append_to_sqlite_leaves_nothing_half_done() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    for number in 0..100 {
        let patience = Duration::from_micros(number * 20);
        let _ = tokio::time::timeout(patience, store.append(&batch(number))).await;
    }
    store.append(&batch(100)).await.unwrap();
    whole_batches(&store).await;
    assert_eq!(keys(&store).await.last(), Some(&100), "the log is not locked");
}

#[tokio::test]
async fn a_row_that_no_log_writes_is_refused_and_read_as_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (store, pool) = (open(&directory).await, pool(&directory).await);
    for (stamp, until) in [(-1_i64, 0), (1 << 32, 0), (0, -1), (0, i64::MAX)] {
        let insert = "INSERT INTO sealed_revocations (key, stamp, until) VALUES (1, ?, ?)";
        let insert = sqlx::query(insert).bind(stamp).bind(until);
        let error = insert.execute(&pool).await.unwrap_err().to_string();
        assert!(error.contains("CHECK constraint failed"), "{error}");
    }
    // The same in a table that someone else has made.
    sqlx::raw_sql(
        "DROP TABLE sealed_revocations;
            CREATE TABLE sealed_revocations (position INTEGER PRIMARY KEY, key, stamp, until)",
    )
    .execute(&pool)
    .await
    .unwrap();
    for row in ["1, -1, 1", "1, 1, 4294967296", "1, 'text', 1"] {
        let insert = format!("INSERT INTO sealed_revocations (key, stamp, until) VALUES ({row})");
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&pool).await.unwrap();
        let error = store.read(0, 100).await.unwrap_err();
        assert_eq!(error.to_string(), "reading revocations", "{row}");
        sqlx::query("DELETE FROM sealed_revocations").execute(&pool).await.unwrap();
    }
}
