//! Sessions that outgrow their cookies, with a store that tests can inspect and make fail.

#[path = "../kit/mod.rs"]
mod kit;

mod conflicts;
mod cut_off;
mod faults;
mod flood;
mod hostile;
mod life;
mod reviewed;
mod rotation;
mod saving;
mod settings;

use axum::Router;
use http::{HeaderMap, Request, Response, header};
use kit::{Answer, Browser, Clock, TestStore, Visit, app::app, ring, sessions};
use sealed_session::{Commit, Error, KeyRing, Session, Sessions, SessionsBuilder};

pub const COOKIE: &str = "__Host-session";
/// The length of a reference's value.
pub const REFERENCE: usize = 159;
/// The length of a note that does not fit in a cookie.
pub const LARGE: usize = 20_000;

/// An application whose sessions have a store.
pub struct Shop {
    pub clock: Clock,
    pub store: TestStore,
    pub ring: KeyRing,
    pub sessions: Sessions<Visit>,
    pub app: Router,
}

impl Shop {
    pub fn plain() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(configure: impl FnOnce(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>) -> Self {
        let clock = Clock::new();
        let store = TestStore::new(&clock);
        Self::of(clock, store, ring(), configure)
    }

    /// Another node of the same application.
    pub fn node(
        &self,
        ring: KeyRing,
        configure: impl FnOnce(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>,
    ) -> Self {
        Self::of(self.clock.clone(), self.store.clone(), ring, configure)
    }

    fn of(
        clock: Clock,
        store: TestStore,
        ring: KeyRing,
        configure: impl FnOnce(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>,
    ) -> Self {
        let sessions = configure(sessions(ring.clone(), &clock).store(store.clone())).build().unwrap();
        Self { clock, store, ring, app: app(sessions.clone()), sessions }
    }

    pub async fn get(&self, browser: &mut Browser, path: &str) -> Answer {
        browser.get(&self.app, path).await
    }

    /// Returns a browser whose session is in the store.
    pub async fn stored_browser(&self) -> Browser {
        let mut browser = Browser::new();
        let answer = self.get(&mut browser, &format!("/note/{LARGE}")).await;
        assert_eq!((answer.status.as_u16(), self.store.len()), (200, 1));
        assert!(is_reference(&browser));
        self.store.calls();
        browser
    }

    /// Begins a request of this browser.
    pub async fn open(&self, browser: &Browser) -> Session<Visit> {
        self.try_open(browser).await.unwrap()
    }

    pub async fn try_open(&self, browser: &Browser) -> Result<Session<Visit>, Error> {
        let mut request = Request::new(());
        if let Some(cookies) = browser.cookie_header() {
            request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
        }
        self.sessions.open(&request).await
    }

    /// Ends the request. Its response has not arrived yet.
    pub async fn commit(&self, session: Session<Visit>) -> (Result<Commit, Error>, HeaderMap) {
        let mut response = Response::new(());
        let commit = self.sessions.commit(session, &mut response).await;
        (commit, response.into_parts().0.headers)
    }
}

/// Delivers a response to the browser.
pub fn receive(browser: &mut Browser, headers: &HeaderMap) {
    for cookie in headers.get_all(header::SET_COOKIE) {
        browser.keep(cookie.to_str().unwrap());
    }
}

pub fn is_reference(browser: &Browser) -> bool {
    browser.value(COOKIE).is_some_and(|value| value.len() == REFERENCE && value.starts_with("E"))
}

pub fn note(session: &Session<Visit>, length: usize) {
    session.update(|visit| visit.notes = vec!["n".repeat(length)]);
}

pub fn views(session: &Session<Visit>) -> u32 {
    session.read(|visit| visit.views)
}

pub fn add(session: &Session<Visit>) {
    session.update(|visit| visit.views += 1);
}
