//! The log in PostgreSQL, a real one.

use std::{error::Error, time::Duration};

use sealed_session::store::{PostgresStore, RevocationLog, Store, conformance};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::timeout;

use super::{batch, entry, keys, nodes_miss_nothing, whole_batches};
use crate::{
    postgres::{database, store},
    samples::id,
    servers::Postgres,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Appends until a call that waits for the log returns.
async fn is_woken(waiting: &PostgresStore, appending: &PostgresStore) {
    let append = async {
        loop {
            appending.append(&[entry(1, 3600)]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let woken = async {
        tokio::select! {
            () = waiting.wait() => (),
            () = append => (),
        }
    };
    timeout(PATIENCE, woken).await.expect("an append wakes who waits");
}

/// Runs SQL, and asserts that it affects a row.
async fn run(url: &str, sql: &'static str) {
    let pool = PgPool::connect(url).await.unwrap();
    assert!(sqlx::query(sql).execute(&pool).await.unwrap().rows_affected() > 0, "{sql}");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_log_in_postgres_conforms() {
    conformance::check_log(&store(&database("log").await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: scripts/test installs one"]
async fn several_nodes_of_postgres_miss_nothing() {
    let url = database("log_nodes").await;
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(store(&url).await);
    }
    nodes_miss_nothing(nodes).await;
}

/// A transaction of this level sees what was there when it began, and not what it waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: scripts/test installs one"]
async fn nodes_miss_nothing_in_a_database_whose_transactions_are_serializable() {
    let url = database("log_serializable").await;
    run_ddl(&url, "ALTER DATABASE log_serializable SET default_transaction_isolation = 'serializable'").await;
    nodes_miss_nothing(vec![store(&url).await, store(&url).await, store(&url).await]).await;
}

async fn run_ddl(url: &str, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&PgPool::connect(url).await.unwrap()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn expired_entries_do_not_fill_the_table() {
    let store = store(&database("log_swept").await).await;
    store.append(&[entry(0, 3600)]).await.unwrap();
    for key in 1..50 {
        store.append(&[entry(key, -1)]).await.unwrap();
        assert_eq!(keys(&store).await, [0, key], "the last is kept, and the first has not expired");
    }
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_database_from_before_there_was_a_log_gets_one() {
    let url = database("log_upgrade").await;
    let (before, _) = PostgresStore::SCHEMA.split_once("-- The log of revocations").unwrap();
    run_ddl(&url, before).await;
    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(store.load(id(1), 100).await.unwrap(), None, "blobs need no log");
    let error = store.append(&[entry(1, 3600)]).await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains(r#"relation "sealed_revocations" does not exist"#), "{error}: {cause}");
    store.create_schema().await.unwrap();
    store.append(&[entry(1, 3600)]).await.unwrap();
    store.create_schema().await.unwrap();
    assert_eq!(keys(&store).await, [1]);
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_role_that_may_read_insert_and_delete_can_use_the_log() {
    let url = database("log_roles").await;
    let store = store(&url).await;
    run_ddl(
        &url,
        "CREATE ROLE logger LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT SELECT, INSERT, DELETE ON sealed_revocations TO logger",
    )
    .await;
    let logger = PostgresStore::connect(&url.replace("postgres@", "logger@")).await.unwrap();
    logger.append(&[entry(1, -1)]).await.unwrap();
    logger.append(&[entry(2, 3600)]).await.unwrap();
    assert_eq!(keys(&store).await, [2]);
    is_woken(&logger, &store).await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn an_append_on_one_node_wakes_the_others() {
    let url = database("log_listen").await;
    let (first, second) = (store(&url).await, store(&url).await);
    is_woken(&first, &second).await;
    // The first listens now.
    let clone = first.clone();
    let (mut original, mut clone) = (first.wait(), clone.wait());
    let quiet = async { tokio::join!(&mut original, &mut clone) };
    timeout(Duration::from_millis(300), quiet).await.expect_err("nothing was appended");
    second.append(&[entry(1, 3600)]).await.unwrap();
    timeout(PATIENCE, async { tokio::join!(original, clone) }).await.expect("both clones are woken");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_lost_connection_for_listening_is_replaced() {
    let url = database("log_relisten").await;
    let (first, second) = (store(&url).await, store(&url).await);
    is_woken(&first, &second).await;
    let lost = first.wait();
    run(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'").await;
    timeout(PATIENCE, lost).await.expect("an append may have gone unnoticed");
    is_woken(&first, &second).await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn waiting_takes_no_connection_from_the_pool() {
    let url = database("log_small").await;
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(2));
    let small = PostgresStore::from_pool(pool.connect(&url).await.unwrap());
    small.create_schema().await.unwrap();
    is_woken(&small, &small).await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_dropped_append_to_postgres_leaves_nothing_half_done() {
    let store = store(&database("log_dropped").await).await;
    for number in 0..100 {
        let patience = Duration::from_micros(number * 30);
        let _ = timeout(patience, store.append(&batch(number))).await;
    }
    timeout(PATIENCE, store.append(&batch(100))).await.expect("no lock is held").unwrap();
    whole_batches(&store).await;
    assert!(keys(&store).await.contains(&100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: scripts/test installs one"]
async fn after_a_crash_of_postgres_each_append_is_there_or_not() {
    let mut server = Postgres::start();
    let store = store(&server.url()).await;
    let appends: Vec<_> = (0..4)
        .map(|node| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut appended = 0;
                while store.append(&batch(node << 32 | appended)).await.is_ok() {
                    appended += 1;
                }
                appended as usize
            })
        })
        .collect();
    while keys(&store).await.len() < 2_000 {}
    server.kill();
    let mut appended = 0;
    for append in appends {
        appended += timeout(PATIENCE, append).await.expect("a call ends").unwrap();
    }
    server.start_again();
    let batches = whole_batches(&store).await;
    assert!((appended..=appended + 4).contains(&batches), "{batches} batches, {appended} known");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_row_that_no_log_writes_is_an_error() {
    let url = database("log_rows").await;
    let store = store(&url).await;
    let pool = PgPool::connect(&url).await.unwrap();
    let insert = "INSERT INTO sealed_revocations VALUES ($1, 1, $2, $3)";
    let wrong = [(-1_i64, 0), (1 << 32, 0), (0, -1), (0, i64::MAX)];
    for (stamp, until) in wrong {
        let insert = sqlx::query(insert).bind(1_i64).bind(stamp).bind(until);
        let error = insert.execute(&pool).await.unwrap_err().to_string();
        assert!(error.contains("violates check constraint"), "{error}");
    }
    sqlx::raw_sql(
        "ALTER TABLE sealed_revocations DROP CONSTRAINT sealed_revocations_stamp_check,
            DROP CONSTRAINT sealed_revocations_until_check",
    )
    .execute(&pool)
    .await
    .unwrap();
    for (stamp, until) in wrong {
        sqlx::query(insert).bind(1_i64).bind(stamp).bind(until).execute(&pool).await.unwrap();
        assert_eq!(store.read(0, 100).await.unwrap_err().to_string(), "reading revocations");
        sqlx::query("DELETE FROM sealed_revocations").execute(&pool).await.unwrap();
    }
}
