//! The application, on plain hyper: with the wrapper or by hand, over HTTP/1.1 or HTTP/2.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
    server::conn::{http1, http2},
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sealed_session::{Session, Sessions, SessionsBuilder};
use tokio::net::TcpListener;

use crate::{
    hyper::client::Visitor,
    kit::{self, Clock, Visit},
};

/// How a scenario is run.
#[derive(Debug, Clone, Copy)]
pub struct On {
    pub way: Way,
    pub version: Version,
}

#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// By `Sessions::wrap`.
    Wrapped,
    /// By `Sessions::open` and `Sessions::commit`.
    ByHand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
}

pub type Body = BoxBody<Bytes, Infallible>;

/// A service that hyper can serve over either version, on any thread.
pub trait HyperService:
    Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> HyperService for S where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// What answers a request that has a session.
pub type Handler = Arc<dyn Fn(String, Session<Visit>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// A running application under a clock of its own.
pub struct Scene {
    pub clock: Clock,
    pub sessions: Sessions<Visit>,
    version: Version,
    address: SocketAddr,
}

impl Scene {
    pub async fn new(on: On) -> Self {
        Self::configured(on, |builder| builder).await
    }

    pub async fn configured(
        on: On,
        configure: impl FnOnce(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>,
    ) -> Self {
        let clock = Clock::new();
        let sessions = configure(kit::sessions(kit::ring(), &clock)).build().unwrap();
        Self::serving(on, sessions, clock, handler(|path, session| async move { verb(&path, &session) }))
            .await
    }

    /// With all defaults, and a handler of its own.
    pub async fn answering(on: On, handler: Handler) -> Self {
        let clock = Clock::new();
        let sessions = kit::sessions(kit::ring(), &clock).build().unwrap();
        Self::serving(on, sessions, clock, handler).await
    }

    pub async fn serving(on: On, sessions: Sessions<Visit>, clock: Clock, handler: Handler) -> Self {
        let address = match on.way {
            Way::Wrapped => serve(on.version, wrapped(&sessions, handler)).await,
            Way::ByHand => serve(on.version, by_hand(&sessions, handler)).await,
        };
        Self { clock, sessions, version: on.version, address }
    }

    /// A browser that has never been here, with a connection of its own.
    pub async fn visitor(&self) -> Visitor {
        Visitor::connect(self.version, self.address).await
    }

    /// One that has a session.
    pub async fn returning(&self) -> Visitor {
        let mut visitor = self.visitor().await;
        visitor.get("/add").await;
        visitor
    }

    /// The session that a browser holds.
    pub async fn metadata(&self, visitor: &Visitor) -> sealed_session::Metadata {
        visitor.browser.metadata(&self.sessions).await
    }
}

/// A handler of an async function.
pub fn handler<F>(answer: impl Fn(String, Session<Visit>) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    Arc::new(move |path, session| answer(path, session).boxed())
}

/// A service whose sessions the wrapper commits.
pub fn wrapped(sessions: &Sessions<Visit>, handler: Handler) -> impl HyperService + use<> {
    let handle = sessions.clone();
    sessions.wrap(service_fn(move |request: Request<Incoming>| {
        let (sessions, handler) = (handle.clone(), handler.clone());
        async move { Ok(answer(&sessions, &handler, request).await.0) }
    }))
}

/// A service that commits its sessions itself.
fn by_hand(sessions: &Sessions<Visit>, handler: Handler) -> impl HyperService + use<> {
    let sessions = sessions.clone();
    service_fn(move |request: Request<Incoming>| {
        let (sessions, handler) = (sessions.clone(), handler.clone());
        async move {
            let (mut response, session) = answer(&sessions, &handler, request).await;
            let Some(session) = session else { return Ok(response) };
            match sessions.commit(session, &mut response).await {
                Ok(_) => Ok(response),
                Err(_) => Ok(status(StatusCode::INTERNAL_SERVER_ERROR)),
            }
        }
    })
}

/// The response, and the session if it was asked for: `/peek` does not ask.
async fn answer(
    sessions: &Sessions<Visit>,
    handler: &Handler,
    request: Request<Incoming>,
) -> (Response<Body>, Option<Session<Visit>>) {
    let path = request.uri().path().to_owned();
    if path == "/peek" {
        return (text("peeked"), None);
    }
    let session = match sessions.open(&request).await {
        Ok(session) => session,
        Err(error) => return (status(error.status()), None),
    };
    let mut response = handler(path, session.clone()).await;
    if request.method() == Method::HEAD {
        // hyper leaves the body out over HTTP/1.1 alone.
        *response.body_mut() = Body::default();
    }
    (response, Some(session))
}

/// Serves every connection to a port of this machine.
pub async fn serve<S, B>(version: Version, service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: hyper::body::Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (io, service) = (TokioIo::new(stream), service.clone());
            tokio::spawn(async move {
                // A client that hangs up is an error here, and a scenario there.
                let _ = match version {
                    Version::Http1 => {
                        http1::Builder::new().serve_connection(io, service).with_upgrades().await
                    }
                    Version::Http2 => {
                        http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
                    }
                };
            });
        }
    });
    address
}

/// The routes of most scenarios: what a path does to the session, and what it answers. `/note=5` has an argument.
pub fn verb(path: &str, session: &Session<Visit>) -> Response<Body> {
    let (path, argument) = path.rsplit_once('=').map_or((path, 0), |(path, n)| (path, n.parse().unwrap()));
    let add = |views| session.update(|visit| visit.views += views);
    match path {
        "/same" => session.update(|visit| *visit = visit.clone()),
        "/there-and-back" => {
            session.update(|visit| visit.views += 1);
            session.update(|visit| visit.views -= 1);
        }
        "/clear" => session.clear(),
        "/clear-and-add" => {
            session.clear();
            add(7);
        }
        "/destroy" => session.destroy(),
        "/destroy-and-add" => {
            session.destroy();
            add(10);
        }
        "/renew" => session.cycle_id(),
        "/renew-and-add" => {
            session.cycle_id();
            add(1);
        }
        "/touch" => session.touch(),
        "/remember" => session.remember(Duration::from_secs(argument as u64)).unwrap(),
        "/note" => session.update(|visit| visit.notes = vec!["n".repeat(argument)]),
        path if path.starts_with("/add") => add(1),
        _ => {}
    }
    match path {
        "/add" | "/read" => text(session.read(|visit| visit.views.to_string())),
        "/all" => text(session.read(|visit| format!("{visit:?}"))),
        "/arrival" => text(format!("{:?}", session.arrival())),
        "/note" => text("noted"),
        "/add-and-fail" => status(StatusCode::INTERNAL_SERVER_ERROR),
        "/destroy-and-fail" => {
            session.destroy();
            status(StatusCode::SERVICE_UNAVAILABLE)
        }
        "/add-and-large" => text("x".repeat(argument)),
        "/add-and-stream" => streamed(stream::iter(["one", "two", "three"].map(Bytes::from))),
        "/add-and-stream-for-ever" => streamed(stream::repeat(Bytes::from_static(&[b'x'; 1024]))),
        "/add-not-modified" => status(StatusCode::NOT_MODIFIED),
        "/add-and-upgrade" => {
            let mut response = status(StatusCode::SWITCHING_PROTOCOLS);
            response.headers_mut().insert("connection", "upgrade".parse().unwrap());
            response.headers_mut().insert("upgrade", "test".parse().unwrap());
            response
        }
        "/add-beside-own-headers" => {
            let mut response = text("");
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, "private".parse().unwrap());
            headers.insert(VARY, "Accept".parse().unwrap());
            headers.insert(SET_COOKIE, "own=1".parse().unwrap());
            response
        }
        _ => text(""),
    }
}

pub fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(text.into()).boxed())
}

pub fn status(status: StatusCode) -> Response<Body> {
    let mut response = text("");
    *response.status_mut() = status;
    response
}

pub fn streamed(chunks: impl futures_util::Stream<Item = Bytes> + Send + Sync + 'static) -> Response<Body> {
    use futures_util::StreamExt;
    Response::new(BodyExt::boxed(StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk))))))
}
