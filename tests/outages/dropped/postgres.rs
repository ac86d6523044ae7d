//! Calls to PostgreSQL.

use std::time::{Duration, Instant};

use sealed_session::store::PostgresStore;
use sqlx::{Connection, PgConnection, Transaction};

use super::{answers_are_matched, filled, load_all, recovery};
use crate::{at_once, postgres::store, proxy::Proxy, servers::Postgres, stalls::Watch};

async fn postgres(url: &str) -> PostgresStore {
    filled(store(url).await).await
}

/// Has all calls wait.
async fn lock(connection: &mut PgConnection) -> Transaction<'_, sqlx::Postgres> {
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("LOCK TABLE sealed_sessions").execute(&mut *transaction).await.unwrap();
    transaction
}

/// Loads, in vain, until all connections of the store's pool wait for the lock. On a busy machine, they are not all made
/// within the first deadline.
async fn all_wait(store: &PostgresStore, url: &str) {
    let began = Watch::start();
    while connections(url).await < 10 {
        assert!(began.elapsed() < Duration::from_secs(10), "the pool does not fill");
        assert_eq!(load_all(store).await, 0);
    }
}

/// How many the store has.
async fn connections(url: &str) -> i64 {
    // Asked over another: within a transaction, the answer stays what it was.
    let mut connection = PgConnection::connect(url).await.unwrap();
    let count = "SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND query LIKE '%sealed_sessions%' AND query NOT LIKE 'LOCK%'
            AND pid <> pg_backend_pid()";
    sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn calls_to_postgres_that_are_given_up_leave_no_answer_to_the_next() {
    let server = at_once(Postgres::start);
    answers_are_matched(&postgres(&server.url()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn connections_to_postgres_over_which_nothing_comes_are_replaced() {
    let server = at_once(Postgres::start);
    let proxy = Proxy::before(server.port(), 1).await;
    let store = postgres(&proxy.postgres_url()).await;
    // All connections of the pool are in the middle of a call.
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let transaction = lock(&mut other).await;
    all_wait(&store, &server.url()).await;
    proxy.swallow();
    transaction.rollback().await.unwrap();
    let took = recovery(&store, Duration::from_secs(20)).await;
    println!("  PostgreSQL, silent: used again after {} ms", took.as_millis());
}

/// Who waits for a lock is given up, and the lock's owner lets go later: no connection is lost, and none is dirty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn connections_to_postgres_that_wait_for_a_lock_come_back() {
    let server = at_once(Postgres::start);
    let store = postgres(&server.url()).await;
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let transaction = lock(&mut other).await;
    all_wait(&store, &server.url()).await;
    for _ in 0..3 {
        assert_eq!(load_all(&store).await, 0);
    }
    assert_eq!(connections(&server.url()).await, 10, "there are no more of them");
    // Nor when they are closed, which the store does at some time; those that are closed leave the lock's queue.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(12) {
        assert_eq!(load_all(&store).await, 0);
        assert!(connections(&server.url()).await <= 20);
    }
    transaction.rollback().await.unwrap();
    let took = recovery(&store, Duration::from_secs(5)).await;
    println!("  PostgreSQL, locked: used again after {} ms", took.as_millis());
}
