//! [`Sessions`](crate::Sessions) as a tower layer.
//!
//! What it makes of a service is a [`SessionService`], whose documentation says what becomes of a request and its
//! response.
//!
//! ```
//! use http::{Request, Response};
//! use sealed_session::{KeyRing, Sessions};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! struct Visit { views: u32 }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
//! let handle = sessions.clone();
//! let service = sessions.layer(service_fn(move |request: Request<String>| {
//!     let opening = handle.open(&request);
//!     async move {
//!         let views = opening.await?.update(|visit| { visit.views += 1; visit.views });
//!         Ok::<_, sealed_session::Error>(Response::new(views.to_string()))
//!     }
//! }));
//! let response = service.oneshot(Request::new(String::new())).await?;
//! assert_eq!(response.body(), "1");
//! assert!(response.headers().contains_key("set-cookie"));
//! # Ok(())
//! # }
//! ```

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

pub use crate::service::SessionService;
use crate::{
    Payload, Sessions,
    service::{ResponseFuture, call},
};

impl<S, T: Payload> Layer<S> for Sessions<T> {
    type Service = SessionService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        self.wrap(inner)
    }
}

impl<S, T, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, T>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
    T: Payload,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, T, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        call(&self.sessions, request, |request| self.inner.call(request))
    }
}
