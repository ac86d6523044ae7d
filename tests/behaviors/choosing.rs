//! One hook selects, per request, among instances that the application has built, or refuses the request (B36). Several
//! layers side by side (B14).

use crate::kit;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use kit::{Answer, Browser, Clock, Visit, app::app, scope};
use sealed_session::{Error, SameSite, Sessions, testing::sent};
use tower::ServiceExt;

/// An application with a realm for each of two tenants, by host. It refuses all other hosts.
fn tenants() -> Sessions<Visit> {
    let (ring, clock) = (kit::ring(), Clock::new());
    let of = |realm: &str| kit::sessions(ring.clone(), &clock).realm(realm).build().unwrap();
    let a = of("a");
    let tenants = HashMap::from([("a.example", a.clone()), ("b.example", of("b"))]);
    a.choosing(move |request| tenants.get(&*request.host()?).cloned())
}

async fn at(host: &str, browser: &mut Browser, app: &Router, path: &str) -> Answer {
    let mut request = browser.request("POST", path);
    request.headers_mut().insert(header::HOST, host.parse().unwrap());
    browser.send(app, request).await
}

#[tokio::test]
async fn b36_each_tenant_has_sessions_of_its_own() {
    let app = app(tenants());
    for (host, other) in [("a.example", "b.example"), ("b.example", "a.example")] {
        let mut browser = Browser::new();
        at(host, &mut browser, &app, "/add").await;
        assert_eq!(at(host, &mut browser, &app, "/read").await.text(), "1");
        for spelling in [other.to_owned(), other.to_uppercase(), format!("{other}:443")] {
            let answer = at(&spelling, &mut browser.clone(), &app, "/arrival").await;
            assert_eq!(answer.text(), "Refused(Forged)", "{host}'s cookie at {spelling}");
        }
        for spelling in [host.to_uppercase(), format!("{host}:443")] {
            assert_eq!(at(&spelling, &mut browser, &app, "/read").await.text(), "1", "{spelling}");
        }
    }
}

#[tokio::test]
async fn b36_a_request_for_an_unknown_host_is_answered_with_an_empty_421() {
    let app = app(tenants());
    let mut browser = Browser::new();
    at("a.example", &mut browser, &app, "/add").await;
    for host in ["c.example", "a.example.", "a.example.c.example", "", "[::1]", "a.example:b", "me@a.example"]
    {
        let answer = at(host, &mut browser, &app, "/add").await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!((answer.text(), answer.all("cache-control")), ("", vec!["no-store"]), "{host}");
        assert!(answer.sends_nothing(), "{host}");
    }
    let answer = browser.post(&app, "/add").await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "without a host");
    assert_eq!(at("a.example", &mut browser, &app, "/read").await.text(), "1", "no handler has run");
}

#[tokio::test]
async fn b36_a_layer_further_out_can_make_a_page_of_the_refusal() {
    let (parts, _) = app(tenants())
        .oneshot(Request::get("/read").body(Body::empty()).unwrap())
        .await
        .unwrap()
        .into_parts();
    assert!(parts.extensions.get::<Arc<Error>>().unwrap().is_misdirected());
}

#[tokio::test]
async fn b36_opened_by_hand_a_request_for_an_unknown_host_is_an_error_of_status_421() {
    let sessions = tenants();
    assert!(sessions.open(&Request::get("https://a.example/").body(()).unwrap()).await.is_ok());
    let error = sessions.open(&Request::get("https://c.example/").body(()).unwrap()).await.unwrap_err();
    assert!(error.is_misdirected());
    assert_eq!(error.status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(error.to_string(), "the request is for a host that this application does not serve");
}

/// The host of a request with this target and these `Host` headers.
async fn host(target: &str, headers: &[&[u8]]) -> Option<String> {
    let mut request = Request::get(target).body(()).unwrap();
    for host in headers {
        request.headers_mut().append(header::HOST, HeaderValue::from_bytes(host).unwrap());
    }
    request.headers_mut().insert("x-forwarded-host", HeaderValue::from_static("forwarded.example"));
    let seen = Arc::new(Mutex::new(None));
    let sessions: Sessions<Visit> = Sessions::new(kit::ring()).unwrap();
    let (these, see) = (sessions.clone(), seen.clone());
    let sessions = sessions.choosing(move |request| {
        *see.lock().unwrap() = Some(request.host()?.into_owned());
        Some(these.clone())
    });
    let opened = sessions.open(&request).await;
    let seen = seen.lock().unwrap().take();
    assert_eq!(opened.is_ok(), seen.is_some());
    seen
}

#[tokio::test]
async fn the_host_is_in_lower_case_and_without_the_port() {
    for (header, expected) in [
        ("a.example", "a.example"),
        ("A.Example", "a.example"),
        ("a.example:443", "a.example"),
        ("localhost:3000", "localhost"),
        ("under_score.xn--bcher-kva.example", "under_score.xn--bcher-kva.example"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:3000", "[::1]"),
        ("[2001:DB8:0::A]:443", "[2001:db8::a]"),
    ] {
        assert_eq!(host("/", &[header.as_bytes()]).await.as_deref(), Some(expected), "{header}");
        let target = format!("https://{header}/");
        assert_eq!(host(&target, &[]).await.as_deref(), Some(expected), "{header} in the target");
        assert_eq!(host(&target, &[header.as_bytes()]).await.as_deref(), Some(expected), "{header} in both");
    }
    assert_eq!(host("https://A.example:443/", &[b"a.example"]).await.as_deref(), Some("a.example"));
}

#[tokio::test]
async fn a_request_that_names_no_host_or_more_than_one_is_refused() {
    assert_eq!(host("/", &[]).await, None, "none");
    assert_eq!(host("/", &[b"a.example", b"b.example"]).await, None, "two headers");
    assert_eq!(host("/", &[b"a.example", b"a.example"]).await, None, "two headers that agree");
    assert_eq!(host("https://a.example/", &[b"a.example", b"a.example"]).await, None, "and the target");
    assert_eq!(host("/", &[b"a.example, b.example"]).await, None, "two in one header");
    assert_eq!(host("https://a.example/", &[b"b.example"]).await, None, "a target that differs");
    assert_eq!(host("https://a.example/", &[b""]).await, None, "a target, and an empty header");
}

#[tokio::test]
async fn what_is_neither_a_name_nor_an_address_is_refused_as_a_host() {
    let invalid: &[&[u8]] = &[
        b"",
        b".",
        b"a.example.",
        b".example",
        b"a..example",
        b":443",
        b"a.example:",
        b"a.example:b",
        b"a.example:65536",
        b"a.example:+80",
        b"a.example:80:80",
        b"me@a.example",
        b"a.example/",
        b"a example",
        b" ",
        b"a%2Eexample",
        b"a.example\t",
        b"\xe4.example",
        b"a.ex*mple",
        b"[]",
        b"[::1",
        b"::1",
        b"[::1]x",
        b"[::1]:",
        b"[1.2.3.4]",
        b"[fe80::1%25eth0]",
        b"[a.example]",
        b"a[::1]",
    ];
    for header in invalid {
        assert_eq!(host("/", &[header]).await, None, "{}", header.escape_ascii());
    }
    for target in ["https://me@a.example/", "https://a.example./"] {
        assert_eq!(host(target, &[]).await, None, "{target}");
    }
}

#[tokio::test]
async fn b36_an_embedded_page_gets_a_cookie_of_other_attributes() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let page = kit::sessions(ring.clone(), &clock).build().unwrap();
    let embedded =
        kit::sessions(ring, &clock).cookie(|c| c.name("embedded").same_site(SameSite::None).partitioned());
    let (embedded, otherwise) = (embedded.build().unwrap(), page.clone());
    let app = app(page.choosing(move |request| {
        let in_frame = request.headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
        Some(if in_frame { embedded.clone() } else { otherwise.clone() })
    }));
    let mut browser = Browser::new();
    let mut request = browser.request("POST", "/add");
    request.headers_mut().insert("sec-fetch-dest", "iframe".parse().unwrap());
    let answer = browser.send(&app, request).await;
    assert!(answer.set_cookie().starts_with("__Host-embedded="));
    assert!(scope(answer.set_cookie()).contains(&"SameSite=None"));
    assert!(browser.post(&app, "/add").await.set_cookie().starts_with("__Host-session="));
}

#[tokio::test]
async fn b36_by_hand_the_hook_chooses_too() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let of = |realm: &str| kit::sessions(ring.clone(), &clock).realm(realm).build().unwrap();
    let special = of("special");
    let default = of("default");
    let (chosen, otherwise) = (special.clone(), default.clone());
    let sessions = default.choosing(move |request| {
        Some(if request.uri.path() == "/special" { chosen.clone() } else { otherwise.clone() })
    });
    for (path, opens) in [("/special", &special), ("/", &default)] {
        let session = sessions.open(&Request::get(path).body(()).unwrap()).await.unwrap();
        session.update(|visit| visit.views = 1);
        let mut response = Response::new(());
        let _ = sessions.commit(session, &mut response).await.unwrap();
        let expected = sealed_session::testing::Sent::Set(Visit { views: 1, ..Visit::default() });
        assert_eq!(sent(opens, &response).await.unwrap(), expected, "{path}");
    }
}

#[tokio::test]
async fn b36_a_handler_that_opens_below_the_layer_gets_the_layers_session() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let of = |realm: &str| kit::sessions(ring.clone(), &clock).realm(realm).build().unwrap();
    let tenant = of("tenant");
    let sessions = of("default").choosing(move |_| Some(tenant.clone()));
    let handle = sessions.clone();
    let app = Router::new()
        .route(
            "/",
            axum::routing::any(async move |request: Request<Body>| {
                let session = handle.open(&request).await.unwrap();
                session.update(|visit| visit.views += 1);
                StatusCode::OK
            }),
        )
        .layer(sessions);
    assert!(!Browser::new().get(&app, "/").await.sends_nothing(), "the layer has committed it");
}

#[tokio::test]
async fn b14_two_layers_whose_choices_would_write_one_cookie_are_a_500() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let named = |name: &str| kit::sessions(ring.clone(), &clock).cookie(|c| c.name(name)).build().unwrap();
    let one: Sessions<Visit> = named("one");
    let other = named("other");
    let app = app(other.choosing({
        let (one, other) = (one.clone(), other.clone());
        move |request| Some(if request.uri.path() == "/read" { one.clone() } else { other.clone() })
    }))
    .layer(one);
    assert_eq!(Browser::new().get(&app, "/all").await.status, StatusCode::OK);
    assert_eq!(Browser::new().get(&app, "/read").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
