//! The whole trip: a request's cookie to a session, and the session to a response's Set-Cookie.
//!
//! ```text
//! Request → sealed value → Arrival::{Absent, Opened, Refused} → Session<T> → handler
//!         → Commit::{Keep, Set, Remove} → Response
//! ```

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::{
    Payload, SessionMap,
    builder::SessionsBuilder,
    counters::{Counters, Tally},
    error::Error,
    seal::Context,
    seal::key_ring::KeyRing,
    sealer::Sealer,
    session::Session,
    settings::cookie::SessionCookie,
    settings::policy::{Renewal, Resolve},
    settings::selection::Hook,
    settings::timeouts::Timeouts,
    store::{Budget, Store},
    trip::open::Arrived,
};

/// The sessions of an application. Cheap to clone; built once, with everything derived that can be.
///
/// As a tower layer, and so with axum, it gives each request its [`Session`] and each response its cookie. By hand,
/// [`open`](Self::open) and [`commit`](Self::commit) do the same.
///
/// ```
/// use sealed_session::{KeyRing, Sessions};
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Visit { user: Option<u64>, views: u32 }
///
/// let ring = KeyRing::generate()?; // KeyRing::from_env("SESSION_KEYS")?
/// let sessions = Sessions::<Visit>::builder(ring).realm("shop").build()?;
/// # Ok::<(), sealed_session::Error>(())
/// ```
pub struct Sessions<T = SessionMap> {
    pub(crate) inner: Arc<Inner<T>>,
    /// Chooses others for some requests.
    hook: Option<Hook<T>>,
}

pub(crate) struct Inner<T> {
    pub(crate) sealer: Sealer<T>,
    pub(crate) cookie: SessionCookie,
    pub(crate) previous: Vec<Previous>,
    pub(crate) renewal: Renewal,
    pub(crate) commit_on_server_error: bool,
    #[cfg_attr(
        not(any(feature = "tower", feature = "hyper")),
        expect(dead_code, reason = "the middleware reads it")
    )]
    pub(crate) on_commit_failure: Box<dyn Fn(&Error) -> Option<StatusCode> + Send + Sync>,
    pub(crate) clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) overflow: Option<Overflow<T>>,
    pub(crate) tally: Tally,
    /// What the type's default serialises to.
    pub(crate) empty: Vec<u8>,
}

/// Where sessions go that don't fit their cookies.
pub(crate) struct Overflow<T> {
    pub(crate) store: Arc<dyn Store>,
    /// The longest blob, in bytes.
    pub(crate) limit: usize,
    /// How long one way of a request waits for the store.
    pub(crate) deadline: Duration,
    /// How long a blob is left to requests in flight when its session has returned into the cookie.
    pub(crate) grace: Duration,
    pub(crate) serve_fresh: bool,
    pub(crate) on_conflict: Option<Resolve<T>>,
    /// Which sessions may enter the store.
    pub(crate) admits: Box<dyn Fn(&T) -> bool + Send + Sync>,
    /// The number of bytes that may enter it.
    pub(crate) budget: Option<Budget>,
    /// One permit for each task that cleans up later.
    pub(crate) cleanups: Arc<Semaphore>,
}

/// A former realm, name or set of attributes that is still read.
pub(crate) struct Previous {
    pub(crate) context: Context,
    pub(crate) cookie: SessionCookie,
}

/// Where the session of a request comes from.
enum Opening<L, T> {
    /// A layer around this request gives it.
    InLayer(L),
    /// Nobody has opened it yet.
    ByHand(Arrived<T>),
}

/// What a commit did to the browser's cookie.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Commit {
    /// Left it as it is.
    Keep,
    /// Set it.
    Set,
    /// Removed it.
    Remove,
}

impl<T: Payload> Sessions<T> {
    /// Sessions with all defaults: in a [`__Host-session`](crate::CookieAttributes) cookie, for 2 hours of idleness
    /// and 24 hours at most.
    ///
    /// # Errors
    ///
    /// When `T` has no fixed shape ([`Error::is_schema`]).
    pub fn new(ring: KeyRing) -> Result<Self, Error> {
        Self::builder(ring).build()
    }

    /// Begins the configuration of an application's sessions.
    pub fn builder(ring: KeyRing) -> SessionsBuilder<T> {
        SessionsBuilder::new(ring)
    }

    pub(crate) fn from_inner(inner: Inner<T>) -> Self {
        Self { inner: Arc::new(inner), hook: None }
    }

    /// The session of a request. A cookie that can't be opened, for whatever reason, gives a fresh one.
    ///
    /// Below the layer of these sessions it is the layer's, and the layer commits it. Otherwise it is a new handle,
    /// for one [`commit`](Self::commit) at the end.
    ///
    /// # Errors
    ///
    /// When the session is in a store that has failed or did not answer in time ([`Error::is_store`]); the response
    /// should be a 503, [`Error::status`]. None as long as sessions live in cookies alone. When
    /// [`choosing`](Self::choosing) refuses the request ([`Error::is_misdirected`]); the response should be a 421.
    pub fn open<B>(
        &self,
        request: &Request<B>,
    ) -> impl Future<Output = Result<Session<T>, Error>> + Send + use<T, B> {
        let opening = self.opening(request);
        async {
            match opening {
                Ok(Opening::InLayer(slot)) => slot.await,
                Ok(Opening::ByHand(arrived)) => arrived.settle().await,
                Err(error) => Err(error),
            }
        }
    }

    /// Sends what must be sent: sets the cookie of a session that has changed or is due for renewal, removes that
    /// of one that has ended, and adds `Vary: Cookie`, and `Cache-Control: no-store` with a Set-Cookie.
    ///
    /// Handles to the session that are still about can change nothing any more.
    ///
    /// # Errors
    ///
    /// When the session fits neither its cookie nor a store ([`Error::is_too_large`]), the store has failed
    /// ([`Error::is_store`]), another request has changed or ended the session meanwhile ([`Error::is_conflict`]), a value
    /// would be serialised otherwise than its type is read, or a closure that changed it panicked. The browser keeps the
    /// session it had then, unless it was destroyed, or its new cookie was due before the store failed; a response that
    /// tells of success should be replaced, with the error's [status](Error::status), keeping the session's headers.
    pub async fn commit<B>(&self, session: Session<T>, response: &mut Response<B>) -> Result<Commit, Error> {
        let sessions = session.sessions();
        let outcome = sessions.begin_commit(&session, response.status()).outcome().await;
        let (commit, error) = sessions.finish_commit(&session, outcome, response.headers_mut());
        error.map_or(Ok(commit), Err)
    }

    /// Seals and opens the same cookies without http, for tests and for other ways in (a WebSocket's first message).
    pub fn sealer(&self) -> &Sealer<T> {
        &self.inner.sealer
    }

    /// The whole name of the cookie.
    pub fn cookie_name(&self) -> &str {
        self.inner.cookie.name()
    }

    /// What these sessions have seen so far, in this process.
    pub fn counters(&self) -> Counters {
        self.inner.tally.read()
    }

    fn opening<B>(
        &self,
        request: &Request<B>,
    ) -> Result<Opening<impl Future<Output = Result<Session<T>, Error>> + Send + use<T, B>, T>, Error> {
        // The layer's choice holds, whatever a router or another layer has made of the request since.
        if let Some(slot) = self.in_layer(request) {
            return Ok(Opening::InLayer(slot));
        }
        let these = self.for_request(request)?;
        Ok(match these.in_layer(request) {
            Some(slot) => Opening::InLayer(slot),
            None => Opening::ByHand(these.read_cookies(request.headers(), these.now())),
        })
    }

    /// The longest blob, in bytes, if there is a store.
    pub(crate) fn store_limit(&self) -> Option<usize> {
        self.inner.overflow.as_ref().map(|overflow| overflow.limit)
    }

    pub(crate) fn hook(&self) -> Option<&Hook<T>> {
        self.hook.as_ref()
    }

    /// The same sessions, with another hook or none.
    pub(crate) fn with_hook(&self, hook: Option<Hook<T>>) -> Self {
        Self { inner: Arc::clone(&self.inner), hook }
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        self.inner.sealer.timeouts()
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.inner.clock)()
    }
}

/// What only the middleware asks.
#[cfg(any(feature = "tower", feature = "hyper"))]
impl<T: Payload> Sessions<T> {
    /// The session of a request below the middleware of these very sessions.
    fn in_layer<B>(
        &self,
        request: &Request<B>,
    ) -> Option<impl Future<Output = Result<Session<T>, Error>> + Send + use<T, B>> {
        let these = |sessions: &Self, chose: Option<&Hook<T>>| match (&self.hook, chose) {
            (Some(hook), Some(chose)) => hook.is(chose),
            (Some(_), None) => false,
            (None, _) => Arc::ptr_eq(&sessions.inner, &self.inner),
        };
        let slot = crate::service::slot::find(request.extensions(), these)?;
        Some(slot.open(request.headers()))
    }

    pub(crate) fn shared_cookie_name(&self) -> Arc<str> {
        self.inner.cookie.shared_name()
    }

    pub(crate) fn on_commit_failure(&self, error: &Error) -> Option<StatusCode> {
        (self.inner.on_commit_failure)(error)
    }
}

#[cfg(not(any(feature = "tower", feature = "hyper")))]
impl<T: Payload> Sessions<T> {
    fn in_layer<B>(&self, _: &Request<B>) -> Option<std::future::Ready<Result<Session<T>, Error>>> {
        None
    }
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), hook: self.hook.clone() }
    }
}

impl<T> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("cookie", &self.inner.cookie)
            .field("sealer", &self.inner.sealer)
            .finish_non_exhaustive()
    }
}
