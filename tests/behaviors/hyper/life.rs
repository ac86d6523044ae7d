//! A session's life (B01 to B13).

use hyper::StatusCode;
use sealed_session::{SameSite, SessionsBuilder};

use crate::{
    hyper::server::{On, Scene, handler, status, verb},
    kit::{Browser, HOUR, MINUTE, SECOND, Visit, scope},
};

pub async fn b01_a_request_without_a_cookie_gets_a_fresh_empty_session_and_nothing_is_sent(on: On) {
    let scene = Scene::new(on).await;
    let answer = scene.visitor().await.get("/read").await;
    assert_eq!(answer.text(), "0");
    assert!(answer.sends_nothing());
    assert_eq!(scene.visitor().await.get("/arrival").await.text(), "Absent");
}

pub async fn b01_a_fresh_session_that_is_changed_to_what_it_was_is_not_sent(on: On) {
    let scene = Scene::new(on).await;
    for path in ["/same", "/there-and-back", "/clear", "/renew", "/remember=60"] {
        assert!(scene.visitor().await.post(path).await.sends_nothing(), "{path}");
    }
}

pub async fn b02_a_fresh_session_that_gets_data_is_sent_once(on: On) {
    let answer = Scene::new(on).await.visitor().await.post("/note=5").await;
    assert_eq!(answer.text(), "noted");
    assert!(answer.set_cookie().starts_with("__Host-session="));
}

pub async fn b03_the_next_request_reads_the_data_back(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert_eq!(visitor.views().await, "1");
    assert_eq!(visitor.get("/arrival").await.text(), "Opened");
}

pub async fn b03_two_browsers_have_two_sessions(on: On) {
    let scene = Scene::new(on).await;
    let (mut first, mut second) = (scene.returning().await, scene.returning().await);
    second.post("/add").await;
    assert_eq!(first.views().await, "1");
    assert_eq!(second.views().await, "2");
    assert_ne!(scene.metadata(&first).await.id(), scene.metadata(&second).await.id());
}

pub async fn b03_two_browsers_behind_one_connection_have_two_sessions(on: On) {
    let mut proxy = Scene::new(on).await.visitor().await;
    let mut other = Browser::new();
    for expected in 1..=3 {
        for browser in ["one", "the other"] {
            assert_eq!(proxy.post("/add").await.text(), expected.to_string(), "{browser}");
            std::mem::swap(&mut proxy.browser, &mut other);
        }
    }
    assert_ne!(proxy.browser.cookie_header(), other.cookie_header());
}

pub async fn b04_a_session_that_is_only_read_is_not_sent(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert!(visitor.get("/read").await.sends_nothing());
    assert!(visitor.get("/peek").await.sends_nothing());
}

pub async fn b04_setting_what_was_there_is_no_change(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert!(visitor.post("/same").await.sends_nothing());
}

pub async fn b04_changing_and_changing_back_is_no_change(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert!(visitor.post("/there-and-back").await.sends_nothing());
}

pub async fn b05_a_change_keeps_the_id_and_beginning_and_restarts_the_idle_timeout(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    let before = scene.metadata(&visitor).await;
    scene.clock.advance(MINUTE);
    visitor.post("/add").await;
    let after = scene.metadata(&visitor).await;
    assert_eq!(after.id(), before.id());
    assert_eq!(after.created_at(), before.created_at());
    assert_eq!(after.issued_at(), before.issued_at() + MINUTE);
    scene.clock.advance(2 * HOUR - SECOND);
    assert_eq!(visitor.views().await, "2");
}

pub async fn b06_a_session_that_is_empty_at_the_end_is_removed_from_the_browser(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert!(visitor.post("/clear").await.removes());
    assert_eq!(visitor.browser.cookie_header(), None);
}

pub async fn b06_clear_empties_the_data_and_no_more(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    let before = scene.metadata(&visitor).await;
    visitor.post("/clear-and-add").await;
    assert_eq!(visitor.views().await, "7");
    assert_eq!(scene.metadata(&visitor).await.id(), before.id());
}

pub async fn b07_destroy_removes_with_the_very_attributes_of_the_session_cookie(on: On) {
    let configurations: [fn(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>; 4] = [
        |builder| builder,
        |builder| builder.cookie(|c| c.domain("example.org").path("/shop")),
        |builder| builder.cookie(|c| c.same_site(SameSite::None).partitioned()),
        |builder| builder.cookie(|c| c.insecure_http().name("sid")),
    ];
    for configure in configurations {
        let mut visitor = Scene::configured(on, configure).await.visitor().await;
        let set = visitor.post("/add").await;
        let removed = visitor.post("/destroy").await;
        assert!(removed.removes());
        assert_eq!(scope(removed.set_cookie()), scope(set.set_cookie()));
        assert_eq!(removed.set_cookie().split('=').next(), set.set_cookie().split('=').next());
        assert_eq!(visitor.browser.cookie_header(), None);
    }
}

pub async fn b07_destroying_what_the_browser_never_had_sends_nothing(on: On) {
    assert!(Scene::new(on).await.visitor().await.post("/destroy").await.sends_nothing());
}

pub async fn b08_cycle_id_keeps_the_data_under_a_new_id_and_restarts_the_absolute_timeout(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    let before = scene.metadata(&visitor).await;
    scene.clock.advance(MINUTE);
    visitor.post("/renew").await;
    assert_eq!(visitor.views().await, "1");
    let renewed = scene.metadata(&visitor).await;
    assert_ne!(renewed.id(), before.id());
    assert_eq!(renewed.created_at(), before.created_at() + MINUTE);
    visitor.post("/renew-and-add").await;
    assert_eq!(visitor.views().await, "2");
    assert_ne!(
        scene.metadata(&visitor).await.id(),
        renewed.id(),
        "a later change in the same request undoes no verb"
    );
}

pub async fn b09_new_data_after_destroy_make_a_new_session_with_a_new_id(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.returning().await;
    let before = scene.metadata(&visitor).await;
    assert!(!visitor.post("/destroy-and-add").await.removes());
    assert_eq!(visitor.views().await, "10");
    assert_ne!(scene.metadata(&visitor).await.id(), before.id());
}

pub async fn b12_a_handler_that_answers_5xx_does_not_change_the_session(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    assert!(visitor.post("/add-and-fail").await.sends_nothing());
    assert_eq!(visitor.views().await, "1");
}

pub async fn b12_destroy_holds_whatever_the_status(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    let answer = visitor.post("/destroy-and-fail").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.removes());
}

pub async fn b12_the_application_can_choose_to_keep_changes(on: On) {
    let scene = Scene::configured(on, |builder| builder.commit_on_server_error()).await;
    let mut visitor = scene.visitor().await;
    let answer = visitor.post("/add-and-fail").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(visitor.views().await, "1");
}

pub async fn b13_the_handlers_own_headers_are_kept_and_the_sessions_come_beside_them(on: On) {
    let answer = Scene::new(on).await.visitor().await.get("/add-beside-own-headers").await;
    assert_eq!(answer.all("cache-control"), ["private", "no-store"]);
    assert_eq!(answer.all("vary"), ["Accept", "Cookie"]);
    let cookies = answer.set_cookies();
    assert_eq!(cookies.len(), 2);
    assert_eq!(cookies[0], "own=1");
    assert!(cookies[1].starts_with("__Host-session="));
}

pub async fn b13_a_response_that_reads_the_session_says_vary_and_one_that_sets_it_says_no_store(on: On) {
    let mut visitor = Scene::new(on).await.returning().await;
    let read = visitor.get("/read").await;
    assert_eq!(read.all("vary"), ["Cookie"]);
    assert!(read.all("cache-control").is_empty());
    let added = visitor.post("/add").await;
    assert_eq!(added.all("vary"), ["Cookie"]);
    assert_eq!(added.all("cache-control"), ["no-store"]);
    let peeked = visitor.get("/peek").await;
    assert!(peeked.all("vary").is_empty());
    let removed = visitor.get("/destroy").await;
    assert_eq!(removed.all("cache-control"), ["no-store"]);
}

pub async fn b15_save_tells_before_it_is_too_late_whether_the_session_is_kept(on: On) {
    let shop = handler(|path, session| async move {
        if path == "/buy" {
            session.update(|visit| visit.notes = vec!["n".repeat(2_000_000)]);
            if session.save().await.is_err_and(|error| error.is_too_large()) {
                return status(StatusCode::INSUFFICIENT_STORAGE);
            }
        }
        verb(&path, &session)
    });
    let mut visitor = Scene::answering(on, shop).await.returning().await;
    let answer = visitor.post("/buy").await;
    assert_eq!(answer.status, StatusCode::INSUFFICIENT_STORAGE, "the handler's own answer");
    assert!(answer.sends_nothing());
    assert_eq!(visitor.views().await, "1");
}

pub async fn b15_touch_makes_even_an_empty_session_durable(on: On) {
    let mut visitor = Scene::new(on).await.visitor().await;
    assert!(!visitor.post("/touch").await.removes());
    assert_eq!(visitor.get("/arrival").await.text(), "Opened");
}

pub async fn what_nobody_asks_for_is_not_opened(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.visitor().await;
    visitor.browser.set("__Host-session", "not a session");
    assert!(visitor.get("/peek").await.sends_nothing(), "not even removed");
    let counters = scene.sessions.counters();
    assert_eq!(counters.absent + counters.opened, 0);
    assert!(counters.refused.iter().all(|(_, times)| *times == 0));
}
