//! The store in PostgreSQL, a real one.

use std::{
    error::Error,
    time::{Duration, Instant, SystemTime},
};

use sealed_session::store::{Generation, PostgresStore, Store, Written, conformance};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::log::Log;
use crate::samples::{HOUR, blob, future, id};
use crate::servers::{self, Postgres};

/// A database of the test's own, in the server that all share.
pub async fn database(name: &'static str) -> String {
    let url = servers::postgres().url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

pub async fn store(url: &str) -> PostgresStore {
    let store = PostgresStore::connect(url).await.unwrap();
    store.create_schema().await.unwrap();
    store
}

async fn count(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM sealed_sessions").fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn postgres_conforms() {
    let url = database("conforms").await;
    conformance::check(&store(&url).await).await;
    let pool = PgPool::connect(&url).await.unwrap();
    let left = "SELECT count(*) FROM sealed_sessions WHERE expires > now() + interval '1 minute'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0, "the check leaves nothing behind");
}

#[tokio::test]
async fn a_pool_that_reaches_beyond_this_machine_without_tls_logs_a_warning() {
    for (url, warnings) in [
        ("postgres://shop:hunter2@db.example/shop", 1),
        ("postgres://shop:hunter2@db.example/shop?sslmode=disable", 1),
        ("postgres://shop:hunter2@10.0.0.1/shop?sslmode=prefer", 1),
        ("postgres://shop:hunter2@db.example/shop?sslmode=require", 0),
        ("postgres://shop:hunter2@db.example/shop?sslmode=verify-full", 0),
        ("postgres://shop:hunter2@localhost/shop", 0),
        ("postgres://shop:hunter2@127.0.0.1/shop", 0),
        ("postgres://shop:hunter2@[::1]/shop", 0),
        ("postgres:///shop?host=/run/postgresql", 0),
    ] {
        let (log, _guard) = Log::record();
        let store = PostgresStore::from_pool(PgPool::connect_lazy(url).unwrap());
        drop(store.clone());
        let text = log.text();
        assert_eq!(text.matches("the session store is not encrypted").count(), warnings, "{url}: {text}");
        assert!(!text.contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: scripts/test installs one"]
async fn two_nodes_of_one_database_conform_at_the_same_time() {
    let url = database("nodes").await;
    let (first, second) = (store(&url).await, store(&url).await);
    let check = |store: PostgresStore| tokio::spawn(async move { conformance::check(&store).await });
    for check in [check(first), check(second)] {
        check.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: scripts/test installs one"]
async fn many_nodes_can_create_the_schema_at_once() {
    for name in ["schema1", "schema2", "schema3", "schema4", "schema5"] {
        let url = database(name).await;
        let nodes: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { PostgresStore::connect(&url).await?.create_schema().await })
            })
            .collect();
        for node in nodes {
            node.await.unwrap().unwrap();
        }
        assert_eq!(count(&url).await, 0);
    }
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_schema_can_be_run_again_and_stores_blobs_uncompressed() {
    let url = database("again").await;
    let store = store(&url).await;
    store.create_schema().await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(PostgresStore::SCHEMA).execute(&pool).await.unwrap();
    let storage = "SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'sealed_sessions'::regclass AND attname = 'blob'";
    assert_eq!(sqlx::query_scalar::<_, String>(storage).fetch_one(&pool).await.unwrap(), "e");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_role_that_may_not_create_tables_can_use_one() {
    let url = database("roles").await;
    let store = store(&url).await;
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT SELECT, INSERT, UPDATE, DELETE ON sealed_sessions TO guest",
    )
    .execute(&pool)
    .await
    .unwrap();
    let guest = PostgresStore::connect(&url.replace("postgres@", "guest@")).await.unwrap();
    guest.create_schema().await.unwrap();
    assert_eq!(guest.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(1)));
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn an_expiry_is_stored_to_the_millisecond_up_to_the_end_of_the_calendar() {
    let url = database("expiries").await;
    let store = store(&url).await;
    let pool = PgPool::connect(&url).await.unwrap();
    for (number, millis, stored) in [
        (1, 4_102_444_800_123, "2100-01-01 00:00:00.123"),
        (2, 253_402_300_799_999, "9999-12-31 23:59:59.999"),
        (3, 999_999_999_999_999, "9999-12-31 23:59:59.999"),
    ] {
        let expires = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        assert_eq!(store.create(id(number), &blob(1), expires).await.unwrap(), Written::Done);
        let text = "SELECT date_trunc('milliseconds', expires AT TIME ZONE 'UTC')::text FROM sealed_sessions WHERE id = $1";
        let found: String =
            sqlx::query_scalar(text).bind(&id(number).as_bytes()[..]).fetch_one(&pool).await.unwrap();
        assert_eq!(found, stored);
    }
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn what_has_expired_is_swept_from_postgres_in_batches_by_several_nodes() {
    let url = database("swept").await;
    let first = store(&url).await;
    first.stop_sweeping();
    for number in 0..3_000 {
        let expires = if number % 1_000 == 0 { future() } else { SystemTime::now() - HOUR };
        assert_eq!(first.create(id(number), &blob(1)[..100], expires).await.unwrap(), Written::Done);
    }
    assert_eq!(count(&url).await, 3_000, "a stopped sweeper sweeps nothing");
    let first = first.sweep_every(Duration::from_millis(10));
    let second = store(&url).await.sweep_every(Duration::from_millis(10));
    for (number, store) in [(10_000, &first), (10_001, &second)] {
        assert_eq!(store.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
    }
    tokio::time::timeout(Duration::from_secs(20), async {
        while count(&url).await > 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the expired are swept");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(count(&url).await, 5, "and nothing else");
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn connecting_to_no_database_is_an_error_without_the_password() {
    let mut server = Postgres::start();
    server.kill();
    let down = format!("postgres://postgres:hunter2@127.0.0.1:{}/postgres", server.port());
    for url in [&down, "postgres://postgres:hunter2@127.0.0.1:port/", "postgres://postgres:hunter2@[/"] {
        let error = PostgresStore::connect(url).await.unwrap_err();
        assert_eq!(error.to_string(), "connecting to PostgreSQL");
        let cause = error.source().unwrap().to_string();
        assert!(!cause.contains("timed out"), "the reason, at once: {cause}");
        assert!(!format!("{error} {cause} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn no_debug_output_shows_the_password() {
    let url = servers::postgres().url().replace("postgres@", "postgres:hunter2@");
    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(
        format!("{store:?}"),
        r#"PostgresStore { host: "127.0.0.1", database: Some("postgres"), .. }"#
    );
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn after_a_crash_of_postgres_nothing_is_lost_and_it_connects_again() {
    let mut server = Postgres::start();
    let store = store(&server.url()).await;
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    server.kill();
    let deadline = Duration::from_secs(2); // that of the caller
    let call = tokio::time::timeout(deadline, store.load(id(1), usize::MAX)).await;
    assert!(!matches!(call, Ok(Ok(_))));
    server.start_again();
    let begun = Instant::now();
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(1)));
    assert!(begun.elapsed() < deadline, "{:?}", begun.elapsed());
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_postgres_that_was_frozen_is_used_again() {
    let server = Postgres::start();
    let store = store(&server.url()).await;
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    server.freeze();
    for _ in 0..3 {
        let next = blob(2);
        let replace = store.replace(id(1), Generation::new(1), &next, future());
        tokio::time::timeout(Duration::from_millis(300), replace).await.unwrap_err();
    }
    server.thaw();
    let begun = Instant::now();
    let found = store.load(id(1), usize::MAX).await.unwrap().unwrap();
    assert!(found == blob(1) || found == blob(2));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// A future can be dropped at any time: the call was carried out as a whole, or not at all, and the next one works.
#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_dropped_call_to_postgres_leaves_nothing_half_done() {
    let store = store(&database("dropped").await).await;
    for number in 0..200 {
        assert_eq!(store.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
        let next = blob(2);
        let patience = Duration::from_micros(number as u64 * 10);
        let replace = store.replace(id(number), Generation::new(1), &next, future());
        let _ = tokio::time::timeout(patience, replace).await;
        let found = store.load(id(number), usize::MAX).await.unwrap().unwrap();
        assert!(found == blob(1) || found == next);
    }
}
