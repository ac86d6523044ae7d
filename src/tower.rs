//! [`Sessions`] as a tower layer.
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

use crate::{
    Payload, Sessions, SessionsBuilder,
    service::{ResponseFuture, SessionService, call},
};

impl<S, T: Payload> Layer<S> for Sessions<T> {
    type Service = SessionService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        self.wrap(inner)
    }
}

/// A builder in the place of a layer is a common slip. These implementations, which never apply, have the compiler say
/// what is missing, and only that, where it would list each of the traits that a layer needs.
mod unbuilt {
    use super::{Layer, Payload, SessionService, SessionsBuilder};

    #[diagnostic::on_unimplemented(
        message = "`.build()?` is missing: a `SessionsBuilder` is neither a layer nor `Clone`",
        label = "needs the `Sessions` that `.build()?` returns"
    )]
    pub trait Built {}

    #[doc(hidden)]
    impl<S, T: Payload> Layer<S> for SessionsBuilder<T>
    where
        Self: Built,
    {
        type Service = SessionService<S, T>;

        fn layer(&self, _: S) -> Self::Service {
            unreachable!("no builder is `Built`")
        }
    }

    #[doc(hidden)]
    impl<T> Clone for SessionsBuilder<T>
    where
        Self: Built,
    {
        fn clone(&self) -> Self {
            unreachable!("no builder is `Built`")
        }
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
