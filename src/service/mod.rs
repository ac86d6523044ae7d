//! The middleware for all frameworks. It adds a place for the session to the request's extensions, and commits the
//! session to the response. The traits of the frameworks are implemented for the same service and the same future, so
//! that they behave alike.

mod future;

use std::fmt;

use http::Request;

pub(crate) use self::future::ResponseFuture;
use crate::{Payload, Sessions, error::Kind, trip::slot};

/// A service whose requests have sessions, made by [`Sessions::wrap`] or by the tower layer. It is a hyper service, a
/// tower service, or both, like the inner service.
///
/// The session is opened when a handler asks for it, with [`Sessions::open`] or the axum extractor. When the handler
/// has responded, the session is committed to the response. A request whose handler does not ask costs a look at the
/// clock and little more.
///
/// If the session cannot be kept, the response is replaced, by default with an empty one of the error's status
/// ([`on_commit_failure`](crate::SessionsBuilder::on_commit_failure)). The body type therefore needs a default. A
/// request that [`choosing`](Sessions::choosing) rejects is answered with an empty 421 and does not reach the inner
/// service. In both cases the response's extensions contain the error, as an `Arc<Error>`.
pub struct SessionService<S, T> {
    pub(crate) inner: S,
    pub(crate) sessions: Sessions<T>,
}

impl<T: Payload> Sessions<T> {
    /// Wraps a service, so that its requests have sessions: a session is opened when a handler asks for it, and
    /// committed to the response ([`SessionService`]).
    ///
    /// Use it with hyper, which has no layers. With tower, [`Sessions`] is a layer that does the same.
    pub fn wrap<S>(&self, service: S) -> SessionService<S, T> {
        SessionService { inner: service, sessions: self.clone() }
    }
}

/// Adds a place for the session to the request, and calls the inner service.
pub(crate) fn call<B, F, T: Payload, R>(
    sessions: &Sessions<T>,
    mut request: Request<B>,
    inner: impl FnOnce(Request<B>) -> F,
) -> ResponseFuture<F, T, R> {
    let these = match sessions.for_request(&request) {
        Ok(these) => these,
        Err(error) => {
            tracing::debug!(error = %error.chain(), "a request was rejected");
            return ResponseFuture::rejected(error);
        }
    };
    let hook = sessions.hook.clone().map(|hook| hook as slot::HookId);
    match slot::make(these.app, hook, request.extensions_mut()) {
        Ok(slot) => ResponseFuture::running(inner(request), slot),
        Err(cookie) => {
            tracing::error!(
                cookie = &*cookie,
                "two session layers would write the same cookie for one request: remove one of them, or give one \
                 another cookie name"
            );
            ResponseFuture::rejected(Kind::Collision.into())
        }
    }
}

impl<S: Clone, T> Clone for SessionService<S, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), sessions: self.sessions.clone() }
    }
}

impl<S: fmt::Debug, T> fmt::Debug for SessionService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("sessions", &self.sessions)
            .finish()
    }
}
