//! PostgreSQL, stopped and frozen under load.

use sealed_session::store::PostgresStore;
use tokio::time::sleep;

use crate::{DEADLINE, MILLISECOND, at_once, load::Load, servers::Postgres, turn};

async fn store(url: &str) -> PostgresStore {
    let store = PostgresStore::connect(url).await.unwrap();
    store.create_schema().await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn postgres_stopped_mid_request_loses_nothing() {
    let _turn = turn().await;
    let mut server = at_once(Postgres::start);
    let load = Load::begin(
        "PostgreSQL, stopped at once and started again under load",
        store(&server.url()).await,
        DEADLINE,
    )
    .await;
    for outage in [0, 300, 1_000] {
        at_once(|| server.stop_immediately());
        sleep(outage * MILLISECOND).await;
        at_once(|| server.start_again());
        load.recovers(&format!("after a restart, {outage} ms down")).await;
    }
    let failures = load.failures();
    at_once(|| server.kill());
    load.fails_after(failures).await;
    at_once(|| server.start_again());
    load.recovers("after a restart from a kill").await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn postgres_frozen_under_load_is_answered_in_time_and_loses_nothing() {
    let _turn = turn().await;
    let server = at_once(Postgres::start);
    let load = Load::begin("PostgreSQL, frozen under load", store(&server.url()).await, DEADLINE).await;
    for outage in [200, 700, 2_000] {
        server.freeze();
        sleep(outage * MILLISECOND).await;
        server.thaw();
        load.recovers(&format!("after {outage} ms of frost")).await;
    }
    load.end().await;
}

/// Nothing but the deadline ends these calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn two_seconds_are_the_default_and_kept() {
    let _turn = turn().await;
    let server = at_once(Postgres::start);
    let title = "PostgreSQL, frozen, and the default deadline";
    let load =
        Load::begin_with(title, store(&server.url()).await, 2_000 * MILLISECOND, |builder| builder).await;
    let failures = load.failures();
    server.freeze();
    load.fails_after(failures).await;
    server.thaw();
    load.recovers("after some seconds of frost").await;
    load.end().await;
}

/// Those that the pool has are of no use any more, and nothing says so: it must make others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn connections_to_postgres_that_freeze_are_replaced_by_others() {
    let _turn = turn().await;
    let server = at_once(Postgres::start);
    let load = Load::begin(
        "PostgreSQL, all of whose connections freeze under load",
        store(&server.url()).await,
        DEADLINE,
    )
    .await;
    // Counted from before the first frost: where the machine is busy, all have been replaced soon after the last.
    let failures = load.failures();
    for _ in 0..5 {
        server.freeze_connections();
        // Time to make others, which freeze next.
        sleep(200 * MILLISECOND).await;
    }
    load.fails_after(failures).await;
    load.recovers("after the last frost, which goes on").await;
    server.thaw_connections();
    load.recovers("after the thaw").await;
    load.end().await;
}
