//! The log in PostgreSQL, a real one.

use sealed_session::store::conformance;

use crate::postgres::{database, store};

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_log_in_postgres_conforms() {
    conformance::check_log(&store(&database("log").await).await).await;
}
