//! The application in axum.

use axum::{
    Router,
    body::Body,
    routing::{MethodRouter, get},
};
use http::{Request, header::COOKIE};
use http_body_util::BodyExt;
use sealed_session::Session;
use tower::{ServiceExt, layer::util::Identity};

use crate::{App, Layer, PAGE, Use, login::Visit, ready};

pub fn app(layer: Layer, act: Option<Use>) -> App {
    let page: MethodRouter = match act {
        None => get(async || PAGE.to_string()),
        Some(act) => get(move |session: Session<Visit>| async move { act(&session).to_string() }),
    };
    let router = Router::new().route("/", page);
    let router = match layer {
        Layer::None => router,
        Layer::Idle => router.layer(Identity::new()),
        Layer::Sessions(sessions) => router.layer(sessions),
    };
    answering(router)
}

/// Returns the application of a router.
pub fn answering(router: Router) -> App {
    Box::new(move |cookies| {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(COOKIE, cookies);
        let response = ready(router.clone().oneshot(request)).unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let body = ready(body.collect()).expect("it is there already").to_bytes();
        http::Response::from_parts(parts, body)
    })
}
