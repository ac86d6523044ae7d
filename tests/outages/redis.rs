//! Redis, killed and frozen under load.

use sealed_session::store::RedisStore;
use tokio::time::sleep;

use crate::{DEADLINE, MILLISECOND, at_once, load::Load, servers::Redis, turn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn redis_killed_and_restarted_under_load_loses_nothing() {
    let _turn = turn().await;
    let mut server = at_once(Redis::durable);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let load = Load::begin("Redis, killed and restarted under load", store, DEADLINE).await;
    for outage in [0, 100, 400, 1_200] {
        at_once(|| server.kill());
        sleep(outage * MILLISECOND).await;
        at_once(|| server.start_again());
        load.recovers(&format!("after a restart, {outage} ms down")).await;
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn redis_frozen_under_load_is_answered_in_time_and_loses_nothing() {
    let _turn = turn().await;
    let server = at_once(Redis::start);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let load = Load::begin("Redis, frozen under load", store, DEADLINE).await;
    for outage in [200, 700, 2_000] {
        server.freeze();
        sleep(outage * MILLISECOND).await;
        server.thaw();
        load.recovers(&format!("after {outage} ms of frost")).await;
    }
    load.end().await;
}
