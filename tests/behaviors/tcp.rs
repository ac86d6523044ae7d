//! What bodies, hang-ups and headers do over a real TCP connection (B02, B16, B17, B34).

use crate::kit;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
    response::IntoResponse,
    routing::{any, get},
};
use kit::{Clock, Visit, app::routes};
use sealed_session::Session;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Serves `routes` and more, under sessions of their own.
async fn serve(more: Router) -> SocketAddr {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes().merge(more).layer(sessions)).await });
    address
}

/// A response as it came over the wire.
struct Raw {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Raw {
    fn head(&self) -> String {
        String::from_utf8_lossy(&self.head).to_lowercase()
    }

    /// The session cookies that it sets, as `name=value`.
    fn cookies(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.head)
            .lines()
            .filter_map(|line| line.split_once(": __Host-session="))
            .map(|(_, rest)| format!("__Host-session={}", rest.split(';').next().unwrap()))
            .collect()
    }

    fn cookie(&self) -> String {
        match &self.cookies()[..] {
            [one] => one.clone(),
            all => panic!("expected one session cookie, got {all:?}"),
        }
    }
}

async fn connect(address: SocketAddr, method: &str, path: &str, headers: &[&[u8]]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.unwrap();
    stream
}

/// One request on a connection of its own, to the end.
async fn exchange(address: SocketAddr, method: &str, path: &str, headers: &[&[u8]]) -> Raw {
    let headers = [headers, &[b"Connection: close"]].concat();
    let mut stream = BufReader::new(connect(address, method, path, &headers).await);
    let head = read_head(&mut stream).await;
    let mut body = Vec::new();
    stream.read_to_end(&mut body).await.unwrap();
    Raw { head, body }
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(
            stream.read_until(b'\n', &mut head).await.unwrap(),
            0,
            "{}",
            String::from_utf8_lossy(&head)
        );
    }
    head
}

async fn views(address: SocketAddr, cookie: &str) -> String {
    let header = format!("Cookie: {cookie}");
    String::from_utf8(exchange(address, "GET", "/read", &[header.as_bytes()]).await.body).unwrap()
}

fn add(session: &Session<Visit>) {
    session.update(|visit| visit.views += 1);
}

fn chunks() -> Body {
    let chunks = ["one", "two", "three"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
    Body::from_stream(futures_util::stream::iter(chunks))
}

#[tokio::test]
async fn b02_a_fresh_session_is_sent_once_whatever_the_body() {
    let more = Router::new()
        .route("/empty", any(async |session: Session<Visit>| add(&session)))
        .route(
            "/streamed",
            any(async |session: Session<Visit>| {
                add(&session);
                chunks()
            }),
        )
        .route(
            "/large",
            any(async |session: Session<Visit>| {
                add(&session);
                vec![b'x'; 1 << 20]
            }),
        );
    let address = serve(more).await;
    for (path, length) in [("/empty", 0), ("/large", 1 << 20)] {
        let raw = exchange(address, "GET", path, &[]).await;
        assert_eq!(raw.body.len(), length);
        assert_eq!(views(address, &raw.cookie()).await, "1", "{path}");
    }
    let raw = exchange(address, "GET", "/streamed", &[]).await;
    assert!(raw.head().contains("transfer-encoding: chunked"));
    assert_eq!(raw.body, b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
    assert_eq!(views(address, &raw.cookie()).await, "1");
}

#[tokio::test]
async fn b11_a_change_made_while_the_body_streams_comes_too_late_and_is_told() {
    let (told, mut tell) = tokio::sync::mpsc::unbounded_channel();
    let more = Router::new().route(
        "/late",
        get(async move |session: Session<Visit>| {
            let chunk = futures_util::stream::once(async move {
                told.send(
                    session.try_update(|visit| visit.views += 1).is_err_and(|error| error.is_finished()),
                )
                .unwrap();
                Ok::<_, std::io::Error>(Bytes::from("late"))
            });
            Body::from_stream(chunk)
        }),
    );
    let address = serve(more).await;
    let raw = exchange(address, "GET", "/late", &[]).await;
    assert!(raw.cookies().is_empty());
    assert_eq!(tell.recv().await, Some(true));
}

/// Tells when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn b16_a_client_that_hangs_up_before_the_answer_leaves_the_session_as_before() {
    let (entered, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, dropping) = (entered.clone(), dropped.clone());
    let more = Router::new().route(
        "/wait",
        any(async move |session: Session<Visit>| {
            let _dropped = Dropped(dropping.clone());
            add(&session);
            enter.notify_one();
            std::future::pending::<()>().await;
        }),
    );
    let address = serve(more).await;
    let cookie = exchange(address, "GET", "/add", &[]).await.cookie();
    let header = format!("Cookie: {cookie}");
    let stream = connect(address, "GET", "/wait", &[header.as_bytes()]).await;
    entered.notified().await;
    drop(stream);
    dropped.notified().await;
    assert_eq!(views(address, &cookie).await, "1");
}

#[tokio::test]
async fn b16_a_client_that_hangs_up_within_the_body_leaves_the_session_as_after() {
    let more = Router::new().route(
        "/endless",
        any(async |session: Session<Visit>| {
            add(&session);
            Body::from_stream(futures_util::stream::repeat_with(|| {
                Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024]))
            }))
        }),
    );
    let address = serve(more).await;
    let mut stream = BufReader::new(connect(address, "GET", "/endless", &[]).await);
    let head = read_head(&mut stream).await;
    drop(stream);
    assert_eq!(views(address, &Raw { head, body: Vec::new() }.cookie()).await, "1");
}

#[tokio::test]
async fn b17_responses_without_a_body_to_replace_carry_the_cookie_like_any_other() {
    let more = Router::new()
        .route(
            "/not-modified",
            any(async |session: Session<Visit>| {
                add(&session);
                StatusCode::NOT_MODIFIED
            }),
        )
        .route(
            "/upgrade",
            any(async |session: Session<Visit>| {
                add(&session);
                (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "test")])
                    .into_response()
            }),
        );
    let address = serve(more).await;

    let head = exchange(address, "HEAD", "/add", &[]).await;
    assert_eq!(head.body, b"");
    assert_eq!(views(address, &head.cookie()).await, "1");

    let not_modified = exchange(address, "GET", "/not-modified", &[]).await;
    assert!(not_modified.head().starts_with("http/1.1 304"));
    assert_eq!(views(address, &not_modified.cookie()).await, "1");

    let stream = connect(address, "GET", "/upgrade", &[b"Connection: upgrade", b"Upgrade: test"]).await;
    let head = read_head(&mut BufReader::new(stream)).await;
    let upgraded = Raw { head, body: Vec::new() };
    assert!(upgraded.head().starts_with("http/1.1 101"));
    assert_eq!(views(address, &upgraded.cookie()).await, "1");
}

#[tokio::test]
async fn b33_what_does_not_fit_replaces_a_response_without_a_body_too() {
    let address = serve(Router::new()).await;
    let raw = exchange(address, "HEAD", "/note/2000000", &[]).await;
    assert!(raw.head().starts_with("http/1.1 500"));
    assert!(raw.cookies().is_empty());
}

#[tokio::test]
async fn b34_cookie_headers_of_any_bytes_change_nothing() {
    let address = serve(Router::new()).await;
    let cookie = exchange(address, "GET", "/add", &[]).await.cookie();
    let own = [b"Cookie: a=\xff\xfe; \x80=;;; ", cookie.as_bytes(), b"; b=\"\xe4"].concat();
    let raw = exchange(address, "GET", "/read", &[b"Cookie: \xc3\x28=\xa0", &own]).await;
    assert_eq!(raw.body, b"1");
    assert!(raw.cookies().is_empty());
}

#[tokio::test]
async fn b35_several_cookie_headers_are_one() {
    let address = serve(Router::new()).await;
    let cookie = exchange(address, "GET", "/add", &[]).await.cookie();
    let own = format!("cookie: {cookie}");
    let raw = exchange(address, "GET", "/read", &[b"Cookie: a=1", own.as_bytes(), b"COOKIE: b=2"]).await;
    assert_eq!(raw.body, b"1");
}
