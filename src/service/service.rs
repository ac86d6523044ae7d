use std::fmt;

use http::Request;

use super::{ResponseFuture, slot};
use crate::{Payload, Sessions};

/// A service whose requests have sessions: what [`Sessions::wrap`] and the tower layer make of a service. It is one of
/// hyper, of tower, or of both, as the service within is.
///
/// It leaves a place for the session among the request's extensions, which costs a look at the clock and little more.
/// Nothing is opened until a handler asks, by [`Sessions::open`] or by the axum extractor. When the handler has
/// answered, what it asked for is committed to the response. A session that can't be kept replaces the response, by
/// default with an empty 500 ([`on_commit_failure`](crate::SessionsBuilder::on_commit_failure)), which is why the
/// response's body must have a default. A request that [`choosing`](Sessions::choosing) refuses is answered with an
/// empty 421 and does not reach the service within. Either way, the response's extensions hold the error, as an
/// `Arc<Error>`.
pub struct SessionService<S, T> {
    pub(crate) inner: S,
    pub(crate) sessions: Sessions<T>,
}

impl<T: Payload> Sessions<T> {
    /// A service around this one, whose requests have sessions: see [`SessionService`] for what that does.
    ///
    /// With hyper, where there are no layers, this is the way. With tower, [`Sessions`] is a layer that does the
    /// same.
    pub fn wrap<S>(&self, service: S) -> SessionService<S, T> {
        SessionService { inner: service, sessions: self.clone() }
    }
}

/// One request's way in: a place for its session, and then the service within.
pub(crate) fn enter<B, F, T: Payload, R>(
    sessions: &Sessions<T>,
    mut request: Request<B>,
    call: impl FnOnce(Request<B>) -> F,
) -> ResponseFuture<F, T, R> {
    let these = match sessions.for_request(&request) {
        Ok(these) => these,
        Err(error) => {
            tracing::debug!(error = %error.chain(), "a request was rejected");
            return ResponseFuture::refused(error);
        }
    };
    match slot::enter(these, sessions.hook().cloned(), request.extensions_mut()) {
        Ok(slot) => ResponseFuture::running(call(request), slot),
        Err(slot::Collision { cookie }) => {
            tracing::error!(
                cookie = &*cookie,
                "two session layers would write the same cookie for one request: remove one of them, or give one \
                 another cookie name"
            );
            ResponseFuture::misconfigured()
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
