//! The cookie, its size and its neighbours (B30 to B35), as they come over the wire.

use hyper::StatusCode;
use sealed_session::CookieAttributes;

use crate::{
    hyper::{
        client::Visitor,
        server::{On, Scene, handler, verb},
    },
    kit::{self, Clock, SECOND, scope},
};

pub async fn b30_the_default_is_a_host_cookie_with_every_protection(on: On) {
    let answer = Scene::new(on).await.visitor().await.post("/add").await;
    assert!(answer.set_cookie().starts_with("__Host-session="));
    assert_eq!(scope(answer.set_cookie()), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
}

pub async fn b33_what_does_not_fit_is_answered_by_500_and_the_browser_keeps_what_it_had(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    let answer = visitor.post("/note=2000000").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text(), "", "nothing that tells of a success");
    assert!(answer.sends_nothing());
    assert_eq!(visitor.views().await, "1");
}

pub async fn b33_what_does_not_fit_replaces_a_response_without_a_body_too(on: On) {
    let mut visitor = Scene::new(on).await.visitor().await;
    let answer = visitor.send(visitor.request("HEAD", "/note=2000000")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.sends_nothing());
}

/// What a returning visitor reads when these are its Cookie headers, of which `OWN` is its own.
async fn views(visitor: &mut Visitor, headers: &[&[u8]]) -> String {
    let own = visitor.browser.cookie_header().unwrap();
    let headers: Vec<_> =
        headers.iter().map(|header| if *header == OWN { own.as_bytes() } else { header }).collect();
    let answer = visitor.send(visitor.request_with("GET", "/read", &headers)).await;
    assert!(answer.sends_nothing());
    answer.text().to_owned()
}

const OWN: &[u8] = b"own";

pub async fn b34_other_cookies_change_nothing_whatever_they_are_made_of(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    let own = visitor.browser.cookie_header().unwrap();
    for others in [
        &b"a=b"[..],
        b"=",
        b"; ; ;",
        b"no equals sign",
        b"a=\"quoted",
        b"a=\xff\xfe; \x80=; \xc3\x28=\xa0",
        b"x__Host-session=planted",
        b"__host-session=another name",
    ] {
        assert_eq!(views(&mut visitor, &[others, OWN]).await, "1", "before: {others:?}");
        assert_eq!(views(&mut visitor, &[OWN, others]).await, "1", "after: {others:?}");
        let joined = [others, b"; ", own.as_bytes(), b"; ", others].concat();
        assert_eq!(views(&mut visitor, &[&joined]).await, "1", "around: {others:?}");
    }
}

pub async fn b34_the_session_is_found_among_the_other_cookies_of_a_browser(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.visitor().await;
    (0..20).for_each(|i| visitor.browser.set(&format!("before{i}"), "1"));
    visitor.post("/add").await;
    (0..20).for_each(|i| visitor.browser.set(&format!("after{i}"), "1"));
    assert_eq!(visitor.post("/add").await.text(), "2");
    assert_eq!(visitor.views().await, "2");
}

pub async fn b35_several_cookie_headers_are_one(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert_eq!(views(&mut visitor, &[b"a=1", OWN, b"b=2; c=3"]).await, "1");
}

pub async fn b35_of_two_cookies_of_the_name_the_one_issued_last_wins(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    let older = visitor.browser.cookie_header().unwrap();
    scene.clock.advance(SECOND);
    visitor.post("/add").await;
    let older = older.as_bytes();
    assert_eq!(views(&mut visitor, &[older, OWN]).await, "2");
    assert_eq!(views(&mut visitor, &[OWN, older]).await, "2");
    assert_eq!(views(&mut visitor, &[b"__Host-session=planted", OWN]).await, "2");
    let two = b"__Host-session=one; __Host-session=two";
    assert_eq!(views(&mut visitor, &[two, OWN]).await, "0", "at most two are tried");
}

pub async fn b35_a_changed_name_logs_nobody_out_and_the_old_cookie_is_removed(on: On) {
    let old = || CookieAttributes::default().name_without_prefix("sid").path("/");
    let (ring, clock) = (kit::ring(), Clock::new());
    let before = kit::sessions(ring.clone(), &clock).cookie(|_| old()).build().unwrap();
    let after = kit::sessions(ring, &clock).accept_previous("tests", |_| old()).build().unwrap();
    let verbs = || handler(|path, session| async move { verb(&path, &session) });
    let before = Scene::serving(on, before, clock.clone(), verbs()).await;
    let after = Scene::serving(on, after, clock, verbs()).await;

    let browser = before.returning().await.browser;
    let mut visitor = after.visitor().await;
    visitor.browser = browser;
    let answer = visitor.get("/read").await;
    assert_eq!(answer.text(), "1");
    let cookies = answer.set_cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies[0].starts_with("sid=;") && cookies[0].ends_with("Max-Age=0"), "{cookies:?}");
    assert!(cookies[1].starts_with("__Host-session="));
    assert_eq!(visitor.browser.value("sid"), None);
    assert!(visitor.get("/read").await.sends_nothing());
}
