//! The log in an SQLite file.

use sealed_session::store::{SqliteStore, conformance};

#[tokio::test]
async fn the_log_in_sqlite_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("sessions.db")).await.unwrap();
    conformance::check_log(&store).await;
}
