//! The whole trip: from the cookie of a request to a session, and from the session to the Set-Cookie header of a
//! response.
//!
//! ```text
//! Request → open → Session<T> → handler → decide → place → write → Response
//! ```

use std::{fmt, sync::Arc};

use http::{Request, Response};

use crate::{
    Counters, Payload, RequestHead, Sealer,
    error::{Error, Kind},
    session::{App, Session, key_value::SessionMap},
    trip::{
        open::{Candidates, read_cookies},
        place::place,
        write::{Commit, write},
    },
};

/// The sessions of an application. Build them once, which derives all keys. Cloning is cheap.
///
/// It is a tower layer, for axum and tower, that gives each request its [`Session`] and each response its cookie.
/// Without a layer, call [`open`](Self::open) and [`commit`](Self::commit).
///
/// ```
/// use sealed_session::{KeyRing, Sessions};
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Visit { user: Option<u64>, views: u32 }
///
/// let ring = KeyRing::generate()?; // KeyRing::from_env("SESSION_KEYS")?
/// let sessions = Sessions::<Visit>::builder(ring).realm("shop").build()?;
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
///
/// # When the cookie is sent
///
/// A commit applies the first of these rules that matches. A session that no handler extracts is never opened, and its
/// cookie is left alone. `destroy` always removes the cookie.
///
/// 1. If a closure that changes the session panicked, the commit fails: the response is replaced, and the browser keeps
///    the session it had.
/// 2. If the session could not be loaded because its store failed, nothing is sent.
/// 3. If the response is a 5xx or a 408, nothing is sent, unless
///    [`commit_on_server_error`](crate::SessionsBuilder::commit_on_server_error) is set.
/// 4. If the data was changed and cannot be encoded, the commit fails as in rule 1.
/// 5. If the serialized data is what the browser sent, no call changed the id or the persistence, and
///    [`save`](Session::save) did not write to the store, the cookie is set only when a renewal is due: after
///    [`touch`](Session::touch), or, without [`skip_renewal`](Session::skip_renewal), when the
///    [`Renewal`](crate::Renewal) policy says so or the session came under a previous name. A renewal that fails loses
///    nothing.
/// 6. If the session was ended by another request in the meantime, which only [`Revocations`](crate::Revocations) notice
///    for a session in its cookie, the commit fails as in rule 1.
/// 7. If the session is empty, its cookie is removed. If the browser had no session, nothing is sent. `touch` and a
///    CSRF token keep even an empty session.
/// 8. If the session has reached its absolute timeout, its cookie is removed.
/// 9. With revocations, if the request has taken as long as the idle timeout, the commit fails as in rule 1, because it
///    is no longer known whether the session was ended. Stored sessions are exempt.
/// 10. Otherwise the cookie is set. A session that does not fit is written to the store first. If there is no store, or
///     the store fails, the commit fails as in rule 1.
///
/// A cookie of a [previous](crate::SessionsBuilder::accept_previous) name is removed once the session is set or
/// removed. If no cookie of a name opened, and all of them are malformed, expired or revoked, that name is removed even
/// when nothing else is sent. Every other rejected cookie stays, since another node may open it.
///
/// A response whose handler extracted the session has `Vary: Cookie`. If it has a `Set-Cookie`, it also has
/// `Cache-Control: no-store`.
pub struct Sessions<T = SessionMap> {
    pub(crate) app: Arc<App<T>>,
    /// Selects other sessions for some requests.
    pub(crate) hook: Option<Arc<Hook<T>>>,
}

/// Selects the sessions of a request.
pub(crate) struct Hook<T>(Box<Choose<T>>);

type Choose<T> = dyn Fn(&RequestHead<'_>) -> Option<Sessions<T>> + Send + Sync;

/// The source of a request's session: a layer around this request, or its cookies.
enum Opening<L, T> {
    InLayer(L),
    ByHand(Result<Session<T>, Box<Candidates<T>>>),
}

impl<T: Payload> Sessions<T> {
    /// Returns the session of a request. If the cookie is rejected, for whatever reason, the session is fresh.
    ///
    /// Below the layer of these sessions, it returns the layer's session, which the layer commits. Otherwise it opens
    /// the session, and you call [`commit`](Self::commit) once at the end.
    ///
    /// # Errors
    ///
    /// Returns an error if the session is in a store that failed or timed out ([`Error::is_store`]), or if
    /// [`choosing`](Self::choosing) rejects the request ([`Error::is_misdirected`]). Respond with the error's
    /// [status](Error::status).
    pub fn open<B>(
        &self,
        request: &Request<B>,
    ) -> impl Future<Output = Result<Session<T>, Error>> + Send + use<T, B> {
        // The layer's choice holds, even if a router or another layer has changed the request since.
        let opening = match self.in_layer(request) {
            Some(slot) => Ok(Opening::InLayer(slot)),
            None => self.for_request(request).map(|these| match these.in_layer(request) {
                Some(slot) => Opening::InLayer(slot),
                None => {
                    let now = these.app.settings.now();
                    Opening::ByHand(read_cookies(&these.app, request.headers(), now).open())
                }
            }),
        };
        async {
            match opening {
                Ok(Opening::InLayer(slot)) => slot.await,
                Ok(Opening::ByHand(Ok(session))) => Ok(session),
                Ok(Opening::ByHand(Err(candidates))) => candidates.open_from_store().await,
                Err(error) => Err(error),
            }
        }
    }

    /// Writes the session's headers to the response. This sets the cookie of a session that has changed or is due for
    /// renewal, removes the cookie of a session that has ended, and adds `Vary: Cookie`. With a `Set-Cookie`, it also
    /// adds `Cache-Control: no-store`.
    ///
    /// Changes that other handles make to the session after this are lost.
    ///
    /// # Errors
    ///
    /// Returns an error if the session fits neither in its cookie nor in a store ([`Error::is_too_large`]), the store
    /// fails ([`Error::is_store`]), another request has changed or ended the session since ([`Error::is_conflict`]), a
    /// value would not read back as it was written, or a closure that changed the data panicked. After an error the
    /// browser keeps the session that it had, unless the session was destroyed, or the store failed after the new
    /// cookie was due. Replace a response that reports success: keep the session's headers, and use the error's
    /// [status](Error::status).
    pub async fn commit<B>(&self, session: Session<T>, response: &mut Response<B>) -> Result<Commit, Error> {
        let placed = place(&session, response.status()).finish().await;
        write(&session, placed, response.headers_mut())
    }

    /// Returns the sealer of these sessions, which opens its cookies without HTTP, for example in the first message
    /// of a WebSocket or in a test. It does not open stored sessions or cookies of previous names and realms.
    pub fn sealer(&self) -> &Sealer<T> {
        &self.app.settings.sealer
    }

    /// Returns the name of the cookie, including its prefix.
    pub fn cookie_name(&self) -> &str {
        self.app.settings.cookie_name()
    }

    /// Returns the counters of these sessions in this process.
    pub fn counters(&self) -> Counters {
        self.app.settings.tally.read()
    }

    /// Selects the sessions of each request from several that the application has built, such as one for each tenant,
    /// with its own realm, or one for embedded pages, with `SameSite=None`.
    ///
    /// `choose` returns the sessions of a request, or `None` to reject it with an empty 421 (Misdirected Request). It
    /// works the same in a layer, with [`wrap`](Self::wrap) and with [`open`](Self::open). `self` is used for a request
    /// only if `choose` returns it. Its [`sealer`](Self::sealer), [`cookie_name`](Self::cookie_name) and
    /// [`counters`](Self::counters) remain available.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use sealed_session::{KeyRing, Sessions};
    ///
    /// let ring = KeyRing::generate()?;
    /// let tenant = |realm: &str| Sessions::key_value(ring.clone()).realm(realm).build();
    /// let shop = tenant("shop")?;
    /// let tenants = HashMap::from([
    ///     ("shop.example", shop.clone()),
    ///     ("a.example", tenant("tenant-a")?),
    ///     ("b.example", tenant("tenant-b")?),
    /// ]);
    /// let sessions = shop.choosing(move |request| tenants.get(&*request.host()?).cloned());
    /// # let at = |uri: &str| http::Request::get(uri).body(()).unwrap();
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # assert!(sessions.open(&at("https://A.example:443/")).await.is_ok());
    /// # assert!(sessions.open(&at("https://c.example/")).await.unwrap_err().is_misdirected());
    /// # });
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Reject hosts that you do not know. If unknown hosts shared the sessions of one tenant, a cookie set for one of
    /// them would open at all of them. Use [`RequestHead::host`] rather than the `Host` header, which HTTP/2 does not
    /// send.
    pub fn choosing(
        &self,
        choose: impl Fn(&RequestHead<'_>) -> Option<Self> + Send + Sync + 'static,
    ) -> Self {
        Self { app: Arc::clone(&self.app), hook: Some(Arc::new(Hook(Box::new(choose)))) }
    }

    /// Returns the sessions that a request belongs to. These have no hook.
    pub(crate) fn for_request<B>(&self, request: &Request<B>) -> Result<Self, Error> {
        let app = match &self.hook {
            None => Arc::clone(&self.app),
            Some(hook) => hook.0(&RequestHead::of(request)).ok_or(Kind::Misdirected)?.app,
        };
        Ok(Self { app, hook: None })
    }
}

impl<T: Payload> Sessions<T> {
    /// Returns the session of a request below the middleware of these sessions.
    #[cfg(any(feature = "tower", feature = "hyper"))]
    fn in_layer<B>(
        &self,
        request: &Request<B>,
    ) -> Option<impl Future<Output = Result<Session<T>, Error>> + Send + use<T, B>> {
        let these = |app: &Arc<App<T>>, hook: Option<&crate::trip::slot::HookId>| match (&self.hook, hook) {
            (Some(mine), Some(hook)) => std::ptr::addr_eq(Arc::as_ptr(mine), Arc::as_ptr(hook)),
            (Some(_), None) => false,
            (None, _) => Arc::ptr_eq(app, &self.app),
        };
        let slot = crate::trip::slot::find(request.extensions(), these)?;
        Some(slot.open(request.headers()))
    }

    #[cfg(not(any(feature = "tower", feature = "hyper")))]
    fn in_layer<B>(&self, _: &Request<B>) -> Option<std::future::Ready<Result<Session<T>, Error>>> {
        None
    }
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Self { app: Arc::clone(&self.app), hook: self.hook.clone() }
    }
}

impl<T> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.app.settings;
        f.debug_struct("Sessions")
            .field("cookie", &settings.cookie)
            .field("sealer", &settings.sealer)
            .finish_non_exhaustive()
    }
}
