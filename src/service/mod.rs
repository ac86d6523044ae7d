//! What every middleware does, whatever the framework: it leaves a place for the session among the request's
//! extensions, and commits the session when the response is there. The frameworks' traits are implemented for one
//! service and one future, so that they cannot come to differ.

mod future;

use std::fmt;

use http::Request;

pub(crate) use self::future::ResponseFuture;
use crate::{
    Payload, Sessions,
    error::Kind,
    trip::{HookId, slot},
};

/// A service whose requests have sessions, made by [`Sessions::wrap`] or by the tower layer. It is a service of hyper, of
/// tower, or of both, as the inner service is.
///
/// It leaves a place for the session among the request's extensions, which costs a look at the clock and little more.
/// Nothing is opened until a handler asks, with [`Sessions::open`] or the axum extractor. When the handler has responded,
/// the session is committed to the response. A session that cannot be kept replaces the response, by default with an
/// empty one of the error's status ([`on_commit_failure`](crate::SessionsBuilder::on_commit_failure)), which is why the
/// response's body must have a default. A request that [`choosing`](Sessions::choosing) rejects is answered with an empty
/// 421 and does not reach the inner service. In both cases the response's extensions hold the error, as an `Arc<Error>`.
pub struct SessionService<S, T> {
    pub(crate) inner: S,
    pub(crate) sessions: Sessions<T>,
}

impl<T: Payload> Sessions<T> {
    /// Wraps a service, so that its requests have sessions. [`SessionService`] says what that does.
    ///
    /// With hyper, where there are no layers, this is the way. With tower, [`Sessions`] is a layer that does the same.
    pub fn wrap<S>(&self, service: S) -> SessionService<S, T> {
        SessionService { inner: service, sessions: self.clone() }
    }
}

/// Makes a place for a request's session, and calls the inner service.
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
    let hook = sessions.hook.clone().map(|hook| hook as HookId);
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
