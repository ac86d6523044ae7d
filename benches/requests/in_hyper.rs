//! The application in hyper alone.

use std::convert::Infallible;

use axum::body::Bytes;
use http::{HeaderValue, Request, Response, header::COOKIE};
use http_body_util::{BodyExt, Empty, Full};
use hyper::service::{Service, service_fn};

use crate::{App, Layer, PAGE, Use, ready};

pub fn app(layer: Layer, act: Option<Use>) -> App {
    let page = |number: u64| Ok::<_, Infallible>(Response::new(Full::from(number.to_string())));
    let plain = service_fn(move |_: Request<Empty<Bytes>>| async move { page(PAGE) });
    match (layer, act) {
        (Layer::Sessions(sessions), Some(act)) => {
            let these = sessions.clone();
            boxed(sessions.wrap(service_fn(move |request: Request<Empty<Bytes>>| {
                let opening = these.open(&request);
                async move { page(act(&opening.await.expect("the store is there"))) }
            })))
        }
        (Layer::Sessions(sessions), None) => boxed(sessions.wrap(plain)),
        (Layer::Idle, _) => boxed(service_fn(move |request| plain.call(request))),
        (Layer::None, _) => boxed(plain),
    }
}

fn boxed<S>(service: S) -> App
where
    S: Service<Request<Empty<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible> + 'static,
{
    Box::new(move |cookies: HeaderValue| {
        let mut request = Request::new(Empty::new());
        request.headers_mut().insert(COOKIE, cookies);
        let (parts, body) = ready(service.call(request)).unwrap_or_else(|never| match never {}).into_parts();
        Response::from_parts(parts, ready(body.collect()).unwrap_or_else(|never| match never {}).to_bytes())
    })
}
