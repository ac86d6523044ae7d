//! Calls to Redis.

use std::time::Duration;

use sealed_session::store::RedisStore;

use super::{answers_are_matched, filled, recovery};
use crate::{at_once, proxy::Proxy, servers::Redis};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn calls_to_redis_that_are_given_up_leave_no_answer_to_the_next() {
    let server = at_once(Redis::start);
    let store = filled(RedisStore::connect(&server.url()).await.unwrap()).await;
    answers_are_matched(&store).await;
}

/// The system never says that such a connection is dead: what was sent has been acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn a_connection_to_redis_over_which_nothing_comes_is_replaced() {
    let server = at_once(Redis::start);
    let proxy = Proxy::before(server.port(), 1).await;
    let url = format!("redis://{}/", proxy.address);
    let store = filled(RedisStore::connect(&url).await.unwrap()).await;
    proxy.swallow();
    let took = recovery(&store, Duration::from_secs(5)).await;
    println!("  Redis, silent: used again after {} ms", took.as_millis());
}
