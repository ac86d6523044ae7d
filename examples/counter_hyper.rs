//! A counter for each visitor with hyper alone, kept in an encrypted cookie.
//!
//! ```text
//! cargo run --example counter_hyper --no-default-features --features hyper
//! ```
//!
//! `/` shows the count, `/increment` and `/clear` change it. `SESSION_KEYS` is the key ring; without it, a new
//! key is made and printed. `PORT` is 3000 by default.

#[path = "start/mod.rs"]
mod start;

use std::{convert::Infallible, error::Error};

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue, LOCATION},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use sealed_session::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions = Sessions::<u32>::builder(start::key_ring()?).realm("counter").build()?;
    let handle = sessions.clone();
    let service = sessions.wrap(service_fn(move |request| answer(handle.clone(), request)));

    let listener = start::listen("The counter").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            // An error on one connection, such as a client that disconnects, does not end the server.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    sessions: Sessions<u32>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::default();
    let Ok(session) = sessions.open(&request).await else {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(response);
    };
    match request.uri().path() {
        "/" => {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            *response.body_mut() = Full::from(page(session.read(|count| *count)));
        }
        "/increment" => {
            session.update(|count| *count = count.saturating_add(1));
            back_home(&mut response);
        }
        "/clear" => {
            session.clear();
            back_home(&mut response);
        }
        _ => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    Ok(response)
}

/// Redirects to the count, so that reloading the page does not count again.
fn back_home(response: &mut Response<Full<Bytes>>) {
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
}

fn page(count: u32) -> String {
    format!(
        "<!DOCTYPE html><title>Counter</title><h1>Count: {count}</h1>\
         <form method=post><button formaction=/increment>Increment</button> \
         <button formaction=/clear>Clear</button></form>"
    )
}
