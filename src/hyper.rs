//! [`Sessions`](crate::Sessions) with hyper, and nothing else: around a service, or by hand.
//!
//! A handler gets its session from [`Sessions::open`](crate::Sessions::open) either way, so that both need a clone of
//! the sessions where requests are answered.
//!
//! # Around a service
//!
//! [`Sessions::wrap`](crate::Sessions::wrap) makes a [`SessionService`] of a service: every request has a session, of
//! which all that ask get the same, and which is committed when the response is there. A session that can't be kept
//! replaces the response, and two wrappers that would write one cookie are answered by 500 and an error in the log,
//! as with the tower layer: it is the same code.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http_body_util::Full;
//! use hyper::{Request, Response, StatusCode, body::{Bytes, Incoming}, service::service_fn};
//! use hyper_util::{rt::{TokioExecutor, TokioIo}, server::conn::auto::Builder};
//! use sealed_session::{KeyRing, Sessions};
//! use tokio::net::TcpListener;
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! struct Visit { views: u32 }
//!
//! async fn count(
//!     sessions: Sessions<Visit>,
//!     request: Request<Incoming>,
//! ) -> Result<Response<Full<Bytes>>, Infallible> {
//!     let Ok(session) = sessions.open(&request).await else { return Ok(unavailable()) };
//!     let views = session.update(|visit| { visit.views += 1; visit.views });
//!     Ok(Response::new(Full::from(views.to_string())))
//! }
//!
//! fn unavailable() -> Response<Full<Bytes>> {
//!     let mut response = Response::default();
//!     *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
//!     response
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
//! let handle = sessions.clone();
//! let service = sessions.wrap(service_fn(move |request| count(handle.clone(), request)));
//!
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let client = ask(listener.local_addr()?);
//! # let server = async {
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     let service = service.clone();
//!     tokio::spawn(async move {
//!         Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
//!     });
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), std::io::Error>(())
//! # };
//! # tokio::select! { answer = client => answer?, ended = server => ended? }
//! # Ok(())
//! # }
//! #
//! # /// One request to the server, whose answer must set the session's cookie.
//! # async fn ask(server: std::net::SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
//! #     let stream = tokio::net::TcpStream::connect(server).await?;
//! #     let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
//! #     tokio::spawn(connection);
//! #     let response = sender.send_request(Request::new(Full::<Bytes>::default())).await?;
//! #     assert_eq!(response.status(), StatusCode::OK);
//! #     assert!(response.headers()["set-cookie"].to_str()?.starts_with("__Host-session="));
//! #     Ok(())
//! # }
//! ```
//!
//! Below the wrapper the axum extractor works, too, should an axum router be the service.
//!
//! # By hand
//!
//! Without the wrapper, and without this feature, a service opens the session at the beginning and commits it at the
//! end. Three things are then its own to do: to open the session once for each request and only when it needs it, to
//! commit it whatever the response, and not to send a response that tells of a success when the commit has failed.
//!
//! ```
//! # use http_body_util::Full;
//! # use hyper::{Request, Response, body::Bytes};
//! # use sealed_session::{KeyRing, Sessions};
//! # #[derive(Default, serde::Serialize, serde::Deserialize)]
//! # struct Visit { views: u32 }
//! async fn count<B>(sessions: &Sessions<Visit>, request: &Request<B>) -> Response<Full<Bytes>> {
//!     let mut response = Response::default();
//!     match sessions.open(request).await {
//!         Ok(session) => {
//!             let views = session.update(|visit| { visit.views += 1; visit.views });
//!             *response.body_mut() = Full::from(views.to_string());
//!             if let Err(error) = sessions.commit(session, &mut response).await {
//!                 // Why is in the log. The session's headers stay: a destroyed one is still to be removed.
//!                 *response.status_mut() = error.status();
//!                 *response.body_mut() = Full::default();
//!             }
//!         }
//!         Err(error) => *response.status_mut() = error.status(), // its store has failed
//!     }
//!     response
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
//! # let response = count(&sessions, &Request::new(())).await;
//! # assert!(response.headers()["set-cookie"].to_str()?.starts_with("__Host-session="));
//! # Ok(())
//! # }
//! ```
//!
//! In both, an error that the service itself returns ends the connection without an answer: that is hyper's rule, and
//! why these handlers turn theirs into a response. Nothing is committed then.

use ::hyper::service::Service;
use http::{Request, Response};

use crate::{
    Payload,
    service::{ResponseFuture, SessionService, call},
};

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
        call(&self.sessions, request, |request| self.inner.call(request))
    }
}
