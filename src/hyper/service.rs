use ::hyper::service::Service;
use http::{Request, Response};

use super::{ResponseFuture, SessionService};
use crate::{Payload, middleware::enter};

impl<S, T, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, T>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
    T: Payload,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, T, ResBody>;

    fn call(&self, request: Request<ReqBody>) -> Self::Future {
        enter(&self.sessions, request, |request| self.inner.call(request))
    }
}
