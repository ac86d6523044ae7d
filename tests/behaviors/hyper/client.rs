//! A browser with a connection of its own, on hyper's client.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
    header::{COOKIE, HOST, HeaderValue},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinHandle};

use crate::{
    hyper::server::Version,
    kit::{Answer, Browser},
};

pub struct Visitor {
    pub browser: Browser,
    sender: Sender,
    connection: Option<JoinHandle<hyper::Result<()>>>,
}

enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Visitor {
    pub async fn connect(version: Version, server: SocketAddr) -> Self {
        let io = TokioIo::new(TcpStream::connect(server).await.unwrap());
        let (sender, connection) = match version {
            Version::Http1 => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                (Sender::Http1(sender), tokio::spawn(connection.with_upgrades()))
            }
            Version::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
                (Sender::Http2(sender), tokio::spawn(connection))
            }
        };
        Self { browser: Browser::new(), sender, connection: Some(connection) }
    }

    /// Another browser behind the same proxy. HTTP/2 alone can answer both at once.
    pub fn another_on_this_connection(&self) -> Self {
        let Sender::Http2(sender) = &self.sender else { panic!("one request at a time in HTTP/1.1") };
        Self { browser: Browser::new(), sender: Sender::Http2(sender.clone()), connection: None }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn post(&mut self, path: &str) -> Answer {
        self.send(self.request("POST", path)).await
    }

    /// The views that the session counts.
    pub async fn views(&mut self) -> String {
        self.get("/read").await.text().to_owned()
    }

    /// A request with this browser's cookies: in HTTP/1.1 in one header, in HTTP/2 each in a header of its own, as
    /// browsers send them (RFC 9113, section 8.2.3).
    pub fn request(&self, method: &str, path: &str) -> Request<Empty<Bytes>> {
        let cookies = self.browser.cookie_header().unwrap_or_default();
        let headers = match self.sender {
            Sender::Http1(_) => vec![&*cookies],
            Sender::Http2(_) => cookies.split("; ").collect(),
        };
        let headers = headers.into_iter().filter(|header| !header.is_empty());
        self.request_with(method, path, &headers.map(str::as_bytes).collect::<Vec<_>>())
    }

    /// A request with this browser's cookies, for another host than `test`.
    pub fn request_at(&self, host: &str, method: &str, path: &str) -> Request<Empty<Bytes>> {
        let mut request = self.request(method, path);
        match self.sender {
            Sender::Http1(_) => {
                request.headers_mut().insert(HOST, host.parse().unwrap());
            }
            Sender::Http2(_) => {
                let uri = Uri::builder().scheme("http").authority(host).path_and_query(path);
                *request.uri_mut() = uri.build().unwrap();
            }
        }
        request
    }

    /// A request with these Cookie headers.
    pub fn request_with(&self, method: &str, path: &str, cookies: &[&[u8]]) -> Request<Empty<Bytes>> {
        let mut request = Request::builder().method(method).body(Empty::new()).unwrap();
        *request.uri_mut() = match self.sender {
            Sender::Http1(_) => path.parse().unwrap(),
            // HTTP/2 sends scheme and authority, too.
            Sender::Http2(_) => {
                Uri::builder().scheme("http").authority("test").path_and_query(path).build().unwrap()
            }
        };
        if let Sender::Http1(_) = self.sender {
            request.headers_mut().insert(HOST, HeaderValue::from_static("test"));
        }
        for cookie in cookies {
            request.headers_mut().append(COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        }
        request
    }

    /// Sends a request, keeps what the answer says to keep, and reads the body to its end.
    pub async fn send(&mut self, request: Request<Empty<Bytes>>) -> Answer {
        let (parts, body) = self.begin(request).await.unwrap().into_parts();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        };
        for cookie in answer.set_cookies() {
            self.browser.keep(cookie);
        }
        answer
    }

    /// Sends a request, as far as the response's head. Dropped, it takes the request back: HTTP/2 resets the stream.
    pub async fn begin(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }

    /// Closes the connection, whatever goes on over it. The browser keeps its cookies.
    pub async fn hang_up(self) -> Browser {
        let connection = self.connection.expect("the connection is this visitor's own");
        connection.abort();
        let _ = connection.await;
        self.browser
    }
}
