//! The log in memory.

use sealed_session::store::{MemoryStore, conformance};

#[tokio::test]
async fn the_log_in_memory_conforms() {
    conformance::check_log(&MemoryStore::new()).await;
}
