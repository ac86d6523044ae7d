use std::{
    fmt,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{ResponseFuture, slot};
use crate::{Payload, Sessions};

/// A service whose requests have sessions: what the layer [`Sessions`] makes of a service.
pub struct SessionService<S, T> {
    pub(super) inner: S,
    pub(super) sessions: Sessions<T>,
}

impl<S, T, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, T>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
    T: Payload,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match slot::enter(&self.sessions, request.extensions_mut()) {
            Ok(slot) => ResponseFuture::running(self.inner.call(request), slot),
            Err(slot::Collision) => {
                tracing::error!(
                    cookie = self.sessions.cookie_name(),
                    "two session layers would write the same cookie for one request: remove one of them, or give \
                     one another cookie name"
                );
                ResponseFuture::misconfigured()
            }
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
