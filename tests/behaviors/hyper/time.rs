//! Sessions in time (B20 to B26), under a clock that is turned by hand.

use crate::{
    hyper::server::{On, Scene, handler, verb},
    kit::{self, Clock, DAY, HOUR, MINUTE, SECOND},
};

pub async fn b20_a_session_is_live_until_its_idle_timeout(on: On) {
    let scene = Scene::new(on).await;
    let (mut one, mut other) = (scene.returning().await, scene.returning().await);
    scene.clock.advance(2 * HOUR - SECOND);
    assert_eq!(one.views().await, "1");
    scene.clock.advance(SECOND);
    assert_eq!(other.views().await, "0");
}

pub async fn b21_a_session_ends_at_its_absolute_timeout_however_busy_it_is(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    for _ in 0..23 {
        scene.clock.advance(HOUR);
        assert_eq!(visitor.views().await, "1");
    }
    scene.clock.advance(HOUR);
    assert_eq!(visitor.views().await, "0");
}

pub async fn b22_a_used_session_is_renewed_after_a_quarter_of_its_idle_timeout(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    let before = scene.metadata(&visitor).await;
    scene.clock.advance(30 * MINUTE - SECOND);
    assert!(visitor.get("/read").await.sends_nothing());
    scene.clock.advance(SECOND);
    assert!(visitor.get("/peek").await.sends_nothing(), "nobody has used it");
    assert!(!visitor.get("/read").await.sends_nothing());
    let after = scene.metadata(&visitor).await;
    assert_eq!((after.id(), after.created_at()), (before.id(), before.created_at()));
    assert_eq!(after.issued_at(), scene.clock.now());
    assert_eq!(visitor.views().await, "1");
}

pub async fn b22_a_background_request_renews_a_session_after_half_of_its_idle_timeout(on: On) {
    for (mode, after, renewed) in [
        ("cors", HOUR - SECOND, false),
        ("cors", HOUR, true),
        ("navigate", HOUR / 2, true),
        ("navigate", HOUR / 2 - SECOND, false),
    ] {
        let scene = Scene::new(on).await;
        let mut visitor = scene.returning().await;
        scene.clock.advance(after);
        let mut request = visitor.request("GET", "/read");
        request.headers_mut().insert("sec-fetch-mode", mode.parse().unwrap());
        assert_eq!(!visitor.send(request).await.sends_nothing(), renewed, "{mode} after {after:?}");
    }
}

pub async fn b23_remember_makes_a_session_persistent(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.visitor().await;
    assert_eq!(visitor.post("/add").await.attribute("Max-Age"), None);
    assert_eq!(visitor.post("/remember=864000").await.attribute("Max-Age"), Some("864000"));
    scene.clock.advance(10 * DAY - SECOND);
    assert_eq!(visitor.views().await, "1");
}

pub async fn b25_what_is_sent_is_stamped_when_it_is_sent(on: On) {
    let clock = Clock::new();
    let sessions = kit::sessions(kit::ring(), &clock).build().unwrap();
    let slow = clock.clone();
    let answer = handler(move |path, session| {
        slow.advance(MINUTE);
        async move { verb(&path, &session) }
    });
    let scene = Scene::serving(on, sessions, clock, answer).await;
    let visitor = scene.returning().await;
    let metadata = scene.metadata(&visitor).await;
    assert_eq!(metadata.issued_at(), scene.clock.now(), "a slow handler does not shorten the session");
}

pub async fn b26_a_cookie_from_further_in_the_future_is_refused_and_left(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    scene.clock.turn_back(MINUTE);
    assert_eq!(visitor.views().await, "1", "the allowed skew");
    scene.clock.turn_back(SECOND);
    let answer = visitor.get("/arrival").await;
    assert_eq!(answer.text(), "Refused(NotYetValid)");
    assert!(answer.sends_nothing());
}
