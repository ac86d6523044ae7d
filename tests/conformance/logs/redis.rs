//! The log in Redis, a real one.

use sealed_session::store::{RedisStore, conformance};

use crate::servers;

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_log_in_redis_conforms() {
    let store = RedisStore::connect(&servers::redis().url()).await.unwrap();
    conformance::check_log(&store.prefix("log:")).await;
}
