//! Calls to SQLite.

use sealed_session::store::{Generation, SqliteStore, Store, Written};
use sqlx::Connection;
use tokio::time::timeout;

use super::{SOME, blob, filled, future, index, load_all};
use crate::{MILLISECOND, sqlite::other, stalls::Watch};

/// SQLite's readers don't wait for a writer. They would for a connection, if each write that is given up kept one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes its time: scripts/test gives it"]
async fn writes_to_sqlite_that_are_given_up_leave_the_connections_to_the_readers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.db");
    let store = filled(SqliteStore::open(&path).await.unwrap()).await;
    let mut other = other(&path).await;
    let locked = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    for number in 0..8 {
        let blob = blob(number, 2);
        let replace = store.replace(index(number), Generation::new(1), &blob, future());
        timeout(100 * MILLISECOND, replace).await.unwrap_err();
    }
    assert_eq!(load_all(&store).await, SOME as usize);
    locked.rollback().await.unwrap();
    let next = blob(9, 2);
    let began = Watch::start();
    let written = store.replace(index(9), Generation::new(1), &next, future());
    assert_eq!(timeout(10 * super::DEADLINE, written).await.unwrap().unwrap(), Written::Done);
    assert!(began.elapsed() < super::DEADLINE);
}
