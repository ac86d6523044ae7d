//! One hook that chooses, per request, among instances the application has built (B36), and several layers (B14).

mod kit;

use std::collections::HashMap;

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use kit::{Answer, Browser, Clock, Visit, app::app, scope};
use sealed_session::{SameSite, Sessions};

/// An application with a realm for each of two tenants, by host, and one for all other hosts.
fn tenants() -> Router {
    let (ring, clock) = (kit::ring(), Clock::new());
    let of = |realm: &str| kit::sessions(ring.clone(), &clock).realm(realm).build().unwrap();
    let tenants = HashMap::from([("a.example", of("a")), ("b.example", of("b"))]);
    app(of("others").choosing(move |request| {
        let host = request.headers.get(header::HOST)?.to_str().ok()?;
        tenants.get(host).cloned()
    }))
}

async fn at(host: &str, browser: &mut Browser, app: &Router, path: &str) -> Answer {
    let mut request = browser.request("POST", path);
    request.headers_mut().insert(header::HOST, host.parse().unwrap());
    browser.send(app, request).await
}

#[tokio::test]
async fn b36_each_tenant_has_sessions_of_its_own() {
    let app = tenants();
    for host in ["a.example", "b.example", "c.example"] {
        let mut browser = Browser::new();
        at(host, &mut browser, &app, "/add").await;
        assert_eq!(at(host, &mut browser, &app, "/read").await.text(), "1");
        for other in ["a.example", "b.example", "c.example"].into_iter().filter(|other| *other != host) {
            let answer = at(other, &mut browser.clone(), &app, "/arrival").await;
            assert_eq!(answer.text(), "Refused(Forged)", "{host}'s at {other}");
        }
    }
}

#[tokio::test]
async fn b36_what_the_hook_does_not_name_is_the_default() {
    let app = tenants();
    let mut browser = Browser::new();
    at("c.example", &mut browser, &app, "/add").await;
    assert_eq!(at("d.example", &mut browser, &app, "/read").await.text(), "1");
    assert_eq!(browser.get(&app, "/read").await.text(), "1", "also without a host");
}

#[tokio::test]
async fn b36_an_embedded_page_gets_a_cookie_of_other_attributes() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let page = kit::sessions(ring.clone(), &clock).build().unwrap();
    let embedded =
        kit::sessions(ring, &clock).cookie_name("embedded").same_site(SameSite::None).partitioned();
    let embedded = embedded.build().unwrap();
    let app = app(page.choosing(move |request| {
        let in_frame = request.headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
        in_frame.then(|| embedded.clone())
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
    let (chosen, default) = (special.clone(), of("default"));
    let sessions =
        default.choosing(move |request| (request.uri.path() == "/special").then(|| chosen.clone()));
    for (path, opens) in [("/special", &special), ("/", &default)] {
        let session = sessions.open(&Request::get(path).body(()).unwrap()).await.unwrap();
        session.update(|visit| visit.views = 1);
        let mut response = Response::new(());
        let _ = sessions.commit(session, &mut response).await.unwrap();
        let expected = sealed_session::testing::Sent::Set(Visit { views: 1, ..Visit::default() });
        assert_eq!(opens.sent(&response).await.unwrap(), expected, "{path}");
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
    let named = |name: &str| kit::sessions(ring.clone(), &clock).cookie_name(name).build().unwrap();
    let one: Sessions<Visit> = named("one");
    let app = app(named("other").choosing({
        let one = one.clone();
        move |request| (request.uri.path() == "/read").then(|| one.clone())
    }))
    .layer(one);
    assert_eq!(Browser::new().get(&app, "/all").await.status, StatusCode::OK);
    assert_eq!(Browser::new().get(&app, "/read").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
