//! An SQLite file, locked by another process under load.

use std::path::Path;

use sealed_session::store::SqliteStore;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::time::sleep;

use crate::{DEADLINE, MILLISECOND, load::Load, turn};

/// Opens the file as another process would. It waits for its turn, however long the writes of the load take.
pub async fn other(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(120_000 * MILLISECOND);
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes its time: scripts/test gives it"]
async fn a_locked_sqlite_file_is_answered_in_time_and_loses_nothing() {
    let _turn = turn().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut other = other(&path).await;
    let load = Load::begin("SQLite, locked by another under load", store, DEADLINE).await;
    for outage in [200, 1_000, 3_000] {
        let transaction = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
        sleep(outage * MILLISECOND).await;
        drop(transaction);
        other.ping().await.unwrap();
        load.recovers(&format!("after {outage} ms of the lock")).await;
    }
    assert!(load.failures() > 0);
    load.end().await;
}
