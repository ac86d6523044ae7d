//! A store whose type is chosen at run time.

use std::sync::Arc;

use http::{Request, Response};
use sealed_session::{
    Arrival, KeyRing, Sessions,
    store::{MemoryStore, SqliteStore, Store, conformance},
    testing::session_with,
};

/// Opens the store that a setting names, as an application would.
async fn chosen(setting: &str, directory: &tempfile::TempDir) -> Arc<dyn Store> {
    match setting {
        "memory" => Arc::new(MemoryStore::new()),
        _ => Arc::new(SqliteStore::open(directory.path().join("sessions.db")).await.unwrap()),
    }
}

#[tokio::test]
async fn sessions_are_kept_in_a_store_that_is_chosen_at_run_time() {
    let directory = tempfile::tempdir().unwrap();
    for setting in ["memory", "sqlite"] {
        let store = chosen(setting, &directory).await;
        let sessions = Sessions::<String>::builder(KeyRing::generate().unwrap())
            .realm("tests")
            .store(store.clone())
            .build()
            .unwrap();
        let mut response = Response::new(());
        let _ = sessions.commit(session_with(&sessions, "n".repeat(20_000)), &mut response).await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        assert!(cookie.len() < 500, "{setting}: the cookie is a reference");
        let request = Request::builder().header("cookie", cookie).body(()).unwrap();
        let session = sessions.open(&request).await.unwrap();
        assert_eq!((session.arrival(), session.read(String::len)), (Arrival::Opened, 20_000), "{setting}");
    }
}

#[tokio::test]
async fn a_store_behind_a_pointer_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let boxed: Box<dyn Store> = Box::new(MemoryStore::new());
    conformance::check(&*boxed).await;
    let shared = chosen("sqlite", &directory).await;
    conformance::check(&shared).await;
    conformance::check(&*shared).await;
}
