//! PostgreSQL, stopped, frozen and out of reach under load.

use sealed_session::store::PostgresStore;
use tokio::time::sleep;

use crate::{DEADLINE, MILLISECOND, at_once, load::Load, proxy::Proxy, servers::Postgres, turn};

pub async fn store(url: &str) -> PostgresStore {
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

/// Nothing arrives over the connections of the pool any more, and nothing says so: it must make others.
///
/// The network is silent, not the server. A process of the server that is stopped may hold a lock, for which all others
/// would wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn connections_to_postgres_that_go_silent_are_replaced_by_others() {
    let _turn = turn().await;
    let server = at_once(Postgres::start);
    let proxy = Proxy::before(server.port(), 1).await;
    let title = "PostgreSQL, all of whose connections go silent under load";
    let load = Load::begin(title, store(&proxy.postgres_url()).await, DEADLINE).await;
    // Counted from before the first silence: where the machine is busy, all have been replaced soon after the last.
    let failures = load.failures();
    for _ in 0..5 {
        proxy.swallow();
        // Time to make others, which go silent next.
        sleep(200 * MILLISECOND).await;
    }
    load.fails_after(failures).await;
    load.recovers("after the last silence, which goes on").await;
    load.end().await;
}
