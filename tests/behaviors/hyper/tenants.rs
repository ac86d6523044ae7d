//! Tenants by host: HTTP/2 sends the host in the request's target, HTTP/1.1 in a header.

use std::collections::HashMap;

use hyper::{StatusCode, header::HOST};

use crate::{
    hyper::{
        client::Visitor,
        server::{On, Scene, Version, handler, verb},
    },
    kit::{self, Answer, Clock},
};

/// An application with a realm for each of two tenants. It refuses all other hosts.
async fn tenants(on: On) -> Scene {
    let (ring, clock) = (kit::ring(), Clock::new());
    let of = |realm: &str| kit::sessions(ring.clone(), &clock).realm(realm).build().unwrap();
    let a = of("a");
    let tenants = HashMap::from([("a.example", a.clone()), ("b.example", of("b"))]);
    let sessions = a.choosing(move |request| tenants.get(&*request.host()?).cloned());
    let verbs = handler(|path, session| async move { verb(&path, &session) });
    Scene::serving(on, sessions, clock, verbs).await
}

async fn at(host: &str, visitor: &mut Visitor, path: &str) -> Answer {
    let request = visitor.request_at(host, "GET", path);
    visitor.send(request).await
}

pub async fn b36_a_cookie_of_one_tenant_does_not_open_at_another(on: On) {
    let scene = tenants(on).await;
    let mut visitor = scene.visitor().await;
    at("a.example", &mut visitor, "/add").await;
    for host in ["a.example", "A.EXAMPLE", "a.example:443"] {
        assert_eq!(at(host, &mut visitor, "/read").await.text(), "1", "{host}");
    }
    for host in ["b.example", "B.EXAMPLE", "b.example:443"] {
        assert_eq!(at(host, &mut visitor, "/arrival").await.text(), "Refused(Forged)", "{host}");
    }
}

pub async fn b36_a_request_for_an_unknown_host_is_answered_with_421(on: On) {
    let scene = tenants(on).await;
    let mut visitor = scene.visitor().await;
    for host in ["c.example", "a.example.", "[::1]:443", "127.0.0.1"] {
        let answer = at(host, &mut visitor, "/add").await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(answer.sends_nothing(), "{host}");
    }
}

pub async fn b36_a_request_that_names_two_hosts_is_answered_with_421(on: On) {
    let scene = tenants(on).await;
    let mut visitor = scene.visitor().await;
    let mut request = visitor.request_at("a.example", "GET", "/add");
    request.headers_mut().append(HOST, "b.example".parse().unwrap());
    let answer = visitor.send(request).await;
    // Over HTTP/2 that is one header beside the target, over HTTP/1.1 a second header.
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    if on.version == Version::Http2 {
        let mut request = visitor.request_at("a.example", "GET", "/add");
        request.headers_mut().append(HOST, "a.example".parse().unwrap());
        assert_eq!(visitor.send(request).await.text(), "1", "a header that agrees with the target");
    }
}
