//! Sessions in MongoDB, through axum.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{HeaderMap, Request, StatusCode, header},
    routing::get,
};
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use sealed_session::{KeyRing, Session, Sessions, SessionsBuilder};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

use crate::kit::Place;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Visit {
    pub views: u32,
    pub note: String,
}

/// A browser with one cookie.
#[derive(Clone, Default)]
pub struct Browser {
    cookie: Option<String>,
}

impl Browser {
    pub async fn get(&mut self, app: &Router, path: &str) -> (StatusCode, String) {
        let mut request = Request::get(path);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        self.receive(response.headers());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn receive(&mut self, headers: &HeaderMap) {
        if let Some(set) = headers.get(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let is_removal = set.contains("Max-Age=0");
            self.cookie = (!is_removal).then(|| set.split(';').next().unwrap().to_owned());
        }
    }

    /// Returns whether the cookie is a reference to a session in the store: those have 159 characters.
    fn is_in_store(&self) -> bool {
        self.cookie.as_ref().is_some_and(|cookie| cookie.split_once('=').unwrap().1.len() == 159)
    }
}

pub fn app(sessions: &Sessions<Visit>) -> Router {
    Router::new()
        .route("/read", get(async |session: Session<Visit>| session.read(|visit| visit.views).to_string()))
        .route(
            "/write/{views}/{length}",
            get(async |Path((views, length)): Path<(u32, usize)>, session: Session<Visit>| {
                let before = session.read(|visit| visit.views);
                session.update(|visit| *visit = Visit { views, note: "n".repeat(length) });
                before.to_string()
            }),
        )
        .route("/renew", get(async |session: Session<Visit>| session.cycle_id()))
        .route("/destroy", get(async |session: Session<Visit>| session.destroy()))
        .layer(sessions.clone())
}

pub fn builder() -> SessionsBuilder<Visit> {
    // These tests are not about how long an answer takes.
    Sessions::builder(KeyRing::generate().unwrap()).realm("tests").store_deadline(Duration::from_secs(10))
}

async fn count(documents: &Collection<Document>) -> u64 {
    documents.count_documents(doc! {}).await.unwrap()
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_session_that_outgrows_its_cookie_moves_to_mongodb_and_back() {
    let place = Place::new("moves").await;
    let sessions = builder().store(place.store().await).return_grace(Duration::ZERO).build().unwrap();
    let (app, documents, mut browser) = (app(&sessions), place.documents().await, Browser::default());
    assert_eq!(browser.get(&app, "/write/1/10").await.0, 200);
    assert!(!browser.is_in_store());
    assert_eq!(count(&documents).await, 0);

    assert_eq!(browser.get(&app, "/write/2/20000").await, (StatusCode::OK, "1".into()));
    assert!(browser.is_in_store());
    assert_eq!(count(&documents).await, 1);
    assert_eq!(browser.get(&app, "/write/3/900000").await, (StatusCode::OK, "2".into()));
    assert_eq!(browser.get(&app, "/read").await, (StatusCode::OK, "3".into()));
    assert_eq!(count(&documents).await, 1);

    assert_eq!(browser.get(&app, "/write/4/10").await, (StatusCode::OK, "3".into()));
    assert!(!browser.is_in_store());
    assert_eq!(browser.get(&app, "/read").await, (StatusCode::OK, "4".into()));
    place.is_swept_to(0).await;
    let counters = sessions.counters();
    assert_eq!((counters.moved_to_store, counters.moved_to_cookie), (1, 1));
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn destroy_and_cycle_id_delete_the_document_and_no_copy_of_the_cookie_opens() {
    let place = Place::new("destroys").await;
    let sessions = builder().store(place.store().await).build().unwrap();
    let (app, documents, mut browser) = (app(&sessions), place.documents().await, Browser::default());
    browser.get(&app, "/write/1/20000").await;
    let mut before_renewal = browser.clone();
    assert_eq!(browser.get(&app, "/renew").await.0, 200);
    assert_eq!(before_renewal.get(&app, "/read").await, (StatusCode::OK, "0".into()));
    assert_eq!(browser.get(&app, "/read").await, (StatusCode::OK, "1".into()));
    assert_eq!(count(&documents).await, 1);

    let mut copy = browser.clone();
    assert_eq!(browser.get(&app, "/destroy").await.0, 200);
    assert_eq!(browser.cookie, None);
    assert_eq!(count(&documents).await, 0);
    assert_eq!(copy.get(&app, "/read").await, (StatusCode::OK, "0".into()));
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_session_in_mongodb_expires_and_its_document_goes() {
    let place = Place::new("expires").await;
    let timeout = Duration::from_secs(3);
    let builder = builder().timeouts(|timeouts| timeouts.idle_timeout(timeout));
    let sessions = builder.store(place.store().await).build().unwrap();
    let (app, mut browser) = (app(&sessions), Browser::default());
    browser.get(&app, "/write/1/20000").await;
    assert_eq!(browser.clone().get(&app, "/read").await, (StatusCode::OK, "1".into()));
    tokio::time::sleep(timeout + Duration::from_secs(1)).await;
    assert_eq!(browser.get(&app, "/read").await, (StatusCode::OK, "0".into()));
    place.is_swept_to(0).await;
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn of_two_changes_at_once_the_second_is_answered_with_409_if_so_configured() {
    let place = Place::new("conflicts").await;
    let sessions = builder().store(place.store().await).on_conflict(|_| None).build().unwrap();
    let (app, mut browser) = (app(&sessions), Browser::default());
    browser.get(&app, "/write/1/20000").await;

    let request =
        || Request::get("/").header(header::COOKIE, browser.cookie.clone().unwrap()).body(()).unwrap();
    let (one, other) = (sessions.open(&request()).await.unwrap(), sessions.open(&request()).await.unwrap());
    assert_eq!(one.read(|visit| visit.views), 1);
    assert_eq!(other.read(|visit| visit.views), 1);
    one.update(|visit| visit.views = 2);
    other.update(|visit| visit.views = 3);
    let mut response = axum::http::Response::new(());
    let _ = sessions.commit(one, &mut response).await.unwrap();
    let error = sessions.commit(other, &mut axum::http::Response::new(())).await.unwrap_err();
    assert!(error.is_conflict() && error.status() == 409, "{error}");
    browser.receive(response.headers());
    assert_eq!(browser.get(&app, "/read").await, (StatusCode::OK, "2".into()));
    place.end().await;
}

/// Many requests change one session at once, and each change is in it at the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn merged_no_change_is_lost() {
    let place = Place::new("merges").await;
    let builder = builder().store(place.store().await).on_conflict(|conflict| {
        let added = conflict.mine.views - conflict.base.views;
        Some(Visit { views: conflict.theirs.views + added, ..conflict.theirs })
    });
    let sessions = builder.build().unwrap();
    let add = get(async |session: Session<Visit>| session.update(|visit| visit.views += 1));
    let app = app(&sessions).merge(Router::new().route("/add", add).layer(sessions.clone()));
    let mut browser = Browser::default();
    browser.get(&app, "/write/0/20000").await;
    let requests = (0..10).map(|_| {
        let (app, mut tab) = (app.clone(), browser.clone());
        tokio::spawn(async move { tab.get(&app, "/add").await.0 })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(browser.get(&app, "/read").await, (StatusCode::OK, "10".into()));
    place.end().await;
}
