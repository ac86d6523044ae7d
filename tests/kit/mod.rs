//! Shared by the test binaries: a clock that tests set, a browser, an application, stores and servers.

#![allow(dead_code)] // each test binary uses a part of it

#[cfg(all(feature = "memory", feature = "postgres", feature = "redis", feature = "sqlite"))]
#[path = "any_store.rs"]
pub mod any_store;
#[cfg(not(all(feature = "memory", feature = "postgres", feature = "redis", feature = "sqlite")))]
#[path = "no_store.rs"]
pub mod any_store;
#[cfg(feature = "axum")]
pub mod app;
pub mod log;
pub mod random;
pub mod refusals;
#[cfg(all(feature = "memory", feature = "postgres", feature = "redis", feature = "sqlite"))]
pub mod servers;
pub mod store;
pub mod test_log;
pub mod world;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use sealed_session::{KeyRing, Metadata, Payload, Session, Sessions, SessionsBuilder};
use serde::{Deserialize, Serialize};
#[allow(unused_imports)] // each test binary uses a part of it
pub use store::{Mood, TestStore};

use self::any_store::Ballast;
use tower::ServiceExt;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// The payload of most tests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    pub user: Option<u64>,
    pub views: u32,
    pub notes: Vec<String>,
    pub ballast: Ballast,
}

/// A clock that stands still until a test moves it.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn new() -> Self {
        // It begins at the real time, because a real store expires sessions by that.
        Self::at(SystemTime::now())
    }

    pub fn at(now: SystemTime) -> Self {
        Self(Arc::new(AtomicU64::new(now.duration_since(UNIX_EPOCH).unwrap().as_secs())))
    }

    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(SeqCst))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), SeqCst);
    }

    pub fn turn_back(&self, by: Duration) {
        self.0.fetch_sub(by.as_secs(), SeqCst);
    }
}

/// A new key ring, so that no session opens in another test.
pub fn ring() -> KeyRing {
    KeyRing::generate().unwrap()
}

/// A builder for sessions of `Visit` that use this clock, and the store of `SESSION_TEST_STORE` if that is set.
pub fn sessions(ring: KeyRing, clock: &Clock) -> SessionsBuilder<Visit> {
    any_store::with_store(sessions_in_cookies(ring, clock))
}

/// The same, always without a store, for tests of cookies.
pub fn sessions_in_cookies(ring: KeyRing, clock: &Clock) -> SessionsBuilder<Visit> {
    log::install();
    let clock = clock.clone();
    Sessions::builder(ring).realm("tests").clock(move || clock.now())
}

/// A response of the application.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// All Set-Cookie headers.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.all("set-cookie")
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The Set-Cookie header. Panics unless there is exactly one.
    pub fn set_cookie(&self) -> &str {
        match self.set_cookies()[..] {
            [one] => one,
            ref all => panic!("expected one Set-Cookie, got {all:?}"),
        }
    }

    /// An attribute of the only Set-Cookie header.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attribute(self.set_cookie(), name)
    }

    pub fn sends_nothing(&self) -> bool {
        self.set_cookies().is_empty()
    }

    /// Returns whether the only Set-Cookie header removes the cookie.
    pub fn removes(&self) -> bool {
        self.attribute("Max-Age") == Some("0")
    }
}

/// The value of an attribute in a Set-Cookie header, empty for an attribute without a value.
pub fn attribute<'c>(set_cookie: &'c str, name: &str) -> Option<&'c str> {
    set_cookie.split("; ").skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The attributes of a Set-Cookie header except Max-Age, sorted.
pub fn scope(set_cookie: &str) -> Vec<&str> {
    let mut parts: Vec<_> =
        set_cookie.split("; ").skip(1).filter(|part| !part.starts_with("Max-Age=")).collect();
    parts.sort_unstable();
    parts
}

/// A browser. It keeps cookies by name, path and domain, and removes those with a Max-Age of 0.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    jar: Vec<Kept>,
}

#[derive(Debug, Clone)]
struct Kept {
    name: String,
    value: String,
    scope: (Option<String>, Option<String>),
}

impl Browser {
    pub fn new() -> Self {
        Self::default()
    }

    /// A browser that holds this cookie.
    pub fn holding(name: &str, value: &str) -> Self {
        let mut browser = Self::new();
        browser.set(name, value);
        browser
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.keep(&format!("{name}={value}; Path=/"));
    }

    /// The value of a cookie.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|kept| kept.name == name).map(|kept| &*kept.value)
    }

    pub fn keep(&mut self, set_cookie: &str) {
        let (name, value) = set_cookie.split("; ").next().unwrap().split_once('=').unwrap();
        let owned = |name| attribute(set_cookie, name).map(str::to_owned);
        let scope = (owned("Path"), owned("Domain"));
        self.jar.retain(|kept| (kept.name != name) || (kept.scope != scope));
        if attribute(set_cookie, "Max-Age") != Some("0") {
            self.jar.push(Kept { name: name.into(), value: value.into(), scope });
        }
    }

    pub fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> = self.jar.iter().map(|kept| format!("{}={}", kept.name, kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Opens its session.
    pub async fn session<T: Payload>(&self, sessions: &Sessions<T>) -> Session<T> {
        let mut request = Request::new(());
        if let Some(cookies) = self.cookie_header() {
            request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
        }
        sessions.open(&request).await.unwrap()
    }

    /// The metadata of its session.
    pub async fn metadata<T: Payload>(&self, sessions: &Sessions<T>) -> Metadata {
        self.session(sessions).await.metadata().unwrap()
    }

    /// A request as this browser would send it.
    pub fn request(&self, method: &str, path: &str) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookies) = self.cookie_header() {
            request = request.header(header::COOKIE, cookies);
        }
        request.body(Body::empty()).unwrap()
    }

    pub async fn get(&mut self, app: &Router, path: &str) -> Answer {
        self.send(app, self.request("GET", path)).await
    }

    pub async fn post(&mut self, app: &Router, path: &str) -> Answer {
        self.send(app, self.request("POST", path)).await
    }

    /// Sends a request and keeps the cookies of the response.
    pub async fn send(&mut self, app: &Router, request: Request<Body>) -> Answer {
        let answer = ask(app, request).await;
        for cookie in answer.set_cookies() {
            self.keep(cookie);
        }
        answer
    }
}

/// Sends a request without a browser.
pub async fn ask(app: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}
