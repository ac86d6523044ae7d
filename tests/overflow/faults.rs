//! Stores that are down, slow, or do what they say has failed.

use std::time::Duration;

use kit::{Browser, HOUR, Mood, SECOND, Visit};
use sealed_session::{Arrival, Refusal};
use tokio::time::Instant;

use crate::{LARGE, Shop, add, is_reference, kit, note, receive, views};

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_answered_by_503_and_nothing_is_overwritten() {
    for mood in [Mood::Down, Mood::Hanging] {
        let shop = Shop::plain();
        let mut browser = shop.stored_browser().await;
        let before = shop.store.only();
        shop.store.is(mood);
        for path in ["/read", "/add", "/destroy", "/note/5"] {
            let began = Instant::now();
            let answer = shop.get(&mut browser, path).await;
            assert_eq!(answer.status, 503, "{path}");
            assert!(answer.sends_nothing() && answer.body.is_empty(), "{path}");
            assert!(began.elapsed() <= 2 * SECOND + Duration::from_millis(1), "{path}");
        }
        shop.store.is(Mood::Well);
        assert_eq!(shop.store.only(), before);
        assert_eq!(shop.sessions.counters().unavailable, 4);
        assert!(shop.get(&mut browser, "/all").await.text().contains("nnn"));
    }
}

#[tokio::test]
async fn who_needs_no_store_notices_nothing_of_one_that_is_down() {
    let shop = Shop::plain();
    shop.store.is(Mood::Down);
    let mut browser = Browser::new();
    for views in 1..4 {
        assert_eq!(shop.get(&mut browser, "/add").await.text(), views.to_string());
    }
    let mut other = shop_with_reference(&shop).await;
    assert_eq!(shop.get(&mut other, "/peek").await.status, 200, "nobody asks for the session");
}

async fn shop_with_reference(shop: &Shop) -> Browser {
    shop.store.is(Mood::Well);
    let browser = shop.stored_browser().await;
    shop.store.is(Mood::Down);
    browser
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_is_answered_by_503_and_leaves_the_session_as_it_was() {
    for mood in [Mood::Down, Mood::Hanging] {
        for (path, call) in [
            ("/add", "replace"),
            ("/note/5", "replace"),
            ("/clear", "replace"),
            ("/remember/3600", "set_expiry"),
            ("/renew", "set_expiry"),
            ("/renew", "create"),
        ] {
            let shop = Shop::plain();
            let mut browser = shop.stored_browser().await;
            shop.store.once(call, mood);
            let answer = shop.get(&mut browser, path).await;
            assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (503, true), "{path}");
            let seen = shop.open(&browser).await;
            assert_eq!((views(&seen), seen.read(|visit| visit.notes[0].len())), (0, LARGE), "{path}");
        }
    }
}

#[tokio::test]
async fn a_move_to_the_store_that_fails_leaves_the_browser_its_cookie() {
    let shop = Shop::plain();
    let mut browser = Browser::new();
    shop.get(&mut browser, "/add").await;
    shop.store.once("create", Mood::Down);
    let answer = shop.get(&mut browser, &format!("/note/{LARGE}")).await;
    assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (503, true));
    assert_eq!(views(&shop.open(&browser).await), 1);
}

/// Every call that changes something may have been carried out though it failed.
#[tokio::test]
async fn a_call_whose_outcome_nobody_knows_loses_no_session() {
    for (path, call) in [
        ("/add", "replace"),
        ("/note/5", "replace"),
        ("/note/5", "set_expiry"),
        ("/remember/3600", "set_expiry"),
        ("/renew", "set_expiry"),
        ("/renew", "create"),
        ("/renew", "delete"),
    ] {
        for mood in [Mood::Down, Mood::Lying] {
            let shop = Shop::plain();
            let mut browser = shop.stored_browser().await;
            shop.store.once(call, mood);
            let answer = shop.get(&mut browser, path).await;
            let harmless = (path, call) == ("/note/5", "set_expiry");
            assert_eq!(answer.status, if harmless { 200 } else { 503 }, "{path}, {call}");
            shop.clock.advance(HOUR);
            let session = shop.open(&browser).await;
            assert_eq!(session.arrival(), Arrival::Opened, "{path}, {call}, {mood:?}");
            assert!(!session.read(|visit| visit.notes.is_empty()), "{path}, {call}, {mood:?}");
        }
    }
}

/// Lets a session return into its cookie while calls that set an expiry find the store in these moods, and returns the
/// browser, and a copy of the cookie that referred to the store.
async fn returns_while(shop: &Shop, moods: &[Mood]) -> (Browser, Browser) {
    let mut browser = shop.stored_browser().await;
    shop.get(&mut browser, "/remember/864000").await;
    let copy = browser.clone();
    for mood in moods {
        shop.store.once("set_expiry", *mood);
    }
    assert_eq!(shop.get(&mut browser, "/note/5").await.status, 200);
    assert!(!is_reference(&browser));
    (browser, copy)
}

async fn assert_a_copy_is_dead_after_a_logout(shop: &Shop, mut browser: Browser, copy: &Browser) {
    assert!(shop.get(&mut browser, "/destroy").await.removes());
    shop.clock.advance(30 * SECOND);
    assert_eq!(shop.open(copy).await.arrival(), Arrival::Refused(Refusal::MissingBlob));
}

#[tokio::test]
async fn one_call_that_fails_while_a_session_returns_into_its_cookie_leaves_no_copy_behind() {
    for mood in [Mood::Down, Mood::Lying] {
        let shop = Shop::plain();
        let (browser, copy) = returns_while(&shop, &[mood]).await;
        assert_a_copy_is_dead_after_a_logout(&shop, browser, &copy).await;
        assert_eq!(shop.sessions.counters().cleanups_retried, 0, "{mood:?}: the request itself tried again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_a_request_could_not_remove_is_removed_by_a_task_once_the_store_answers() {
    for moods in [[Mood::Down, Mood::Down], [Mood::Hanging, Mood::Hanging], [Mood::Lying, Mood::Down]] {
        let shop = Shop::plain();
        let (browser, copy) = returns_while(&shop, &moods).await;
        let counters = shop.sessions.counters();
        assert_eq!((counters.cleanups_retried, counters.cleanups_failed), (1, 0));
        for mood in [Mood::Down, Mood::Hanging] {
            shop.store.once("set_expiry", mood);
        }
        pass(60 * SECOND).await;
        assert_a_copy_is_dead_after_a_logout(&shop, browser, &copy).await;
        assert_eq!(shop.sessions.counters().cleanups_failed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_removes_a_copy_leaves_alone_what_another_request_has_written_since() {
    let shop = Shop::plain();
    let (_, copy) = returns_while(&shop, &[Mood::Down, Mood::Down]).await;
    let in_flight = shop.open(&copy).await;
    note(&in_flight, LARGE + 1);
    assert!(shop.commit(in_flight).await.0.is_ok());
    pass(60 * SECOND).await;
    assert!(shop.store.seconds_left() > 3600);
    assert_eq!(shop.sessions.counters().cleanups_failed, 0);
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_without_success_a_copy_stays_and_is_counted_and_logged() {
    let shop = Shop::plain();
    let (log, _guard) = kit::log::Log::record();
    let _ = returns_while(&shop, &[Mood::Hanging, Mood::Hanging]).await;
    shop.store.is(Mood::Down);
    pass(59 * 60 * SECOND).await;
    assert_eq!(shop.sessions.counters().cleanups_failed, 0);
    pass(2 * 60 * SECOND).await;
    assert_eq!(shop.sessions.counters().cleanups_failed, 1);
    assert!(log.text().contains("copies of its old cookie open it"));
    let attempts = shop.store.calls().len();
    assert!((60..80).contains(&attempts), "{attempts}");
    pass(HOUR).await;
    assert_eq!(shop.store.calls(), [""; 0], "nobody tries any more");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_ended_while_its_store_was_down_is_deleted_once_that_answers() {
    for path in ["/destroy", "/renew"] {
        for mood in [Mood::Down, Mood::Hanging] {
            let shop = Shop::plain();
            let mut browser = shop.stored_browser().await;
            let copy = browser.clone();
            shop.store.once("delete", mood);
            assert_eq!(shop.get(&mut browser, path).await.status, 503, "{path}");
            assert_eq!(shop.sessions.counters().cleanups_retried, 1, "{path}");
            pass(2 * SECOND).await;
            let arrival = shop.open(&copy).await.arrival();
            assert_eq!(arrival, Arrival::Refused(Refusal::MissingBlob), "{path}, {mood:?}");
        }
    }
}

/// Time passes for tasks, at once, since tokio's clock is paused. The sessions' own clock stands still.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test]
async fn destroy_removes_the_cookie_though_the_store_fails_and_says_that_it_did() {
    for mood in [Mood::Down, Mood::Lying] {
        let shop = Shop::plain();
        let mut browser = shop.stored_browser().await;
        shop.store.once("delete", mood);
        let answer = shop.get(&mut browser, "/destroy").await;
        assert_eq!((answer.status.as_u16(), answer.removes()), (503, true));
    }
}

#[tokio::test]
async fn destroy_holds_though_what_follows_it_can_not_be_kept() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    note(&session, LARGE);
    shop.store.once("create", Mood::Down);
    let (commit, headers) = shop.commit(session).await;
    assert!(commit.unwrap_err().is_store());
    assert!(headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(shop.store.len(), 0, "the old blob is gone");
}

/// What follows `destroy` and the end of what was before wait for the store together, and not one after the other.
#[tokio::test(start_paused = true)]
async fn a_deletion_and_the_data_that_follow_it_share_one_store_deadline() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    note(&session, LARGE);
    shop.store.is(Mood::Hanging);
    let began = Instant::now();
    let (commit, headers) = shop.commit(session).await;
    assert!(began.elapsed() <= 2 * SECOND + Duration::from_millis(1), "{:?}", began.elapsed());
    assert!(commit.unwrap_err().is_store());
    assert!(headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(shop.store.calls(), ["load", "create", "delete"]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_no_reason_to_fail_the_request() {
    for mood in [Mood::Down, Mood::Hanging, Mood::Lying] {
        let shop = Shop::plain();
        let mut browser = shop.stored_browser().await;
        shop.clock.advance(HOUR);
        shop.store.once("set_expiry", mood);
        let (log, _guard) = kit::log::Log::record();
        let answer = shop.get(&mut browser, "/read").await;
        assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (200, true));
        assert!(log.text().contains("a session could not be renewed"), "{mood:?}");
        assert!(shop.get(&mut browser, "/all").await.text().contains("nnn"));
    }
}

#[tokio::test]
async fn an_application_can_serve_a_fresh_session_of_which_nothing_is_kept() {
    let shop = Shop::with(|builder| builder.serve_fresh_on_store_failure());
    let mut browser = shop.stored_browser().await;
    let before = shop.store.only();
    shop.store.is(Mood::Down);
    assert_eq!(shop.get(&mut browser, "/arrival").await.text(), "Unavailable");
    for path in ["/read", "/add", "/note/5", "/renew"] {
        let (log, _guard) = kit::log::Log::record();
        let answer = shop.get(&mut browser, path).await;
        assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (200, true), "{path}");
        let is_change = ["/add", "/note/5"].contains(&path);
        assert_eq!(log.text().contains("a change is lost"), is_change, "{path}");
    }
    let session = shop.open(&browser).await;
    add(&session);
    assert!(session.save().await.unwrap_err().is_store(), "`save` says that nothing is kept");
    shop.store.is(Mood::Well);
    assert_eq!(shop.store.only(), before);
    assert!(is_reference(&browser));

    shop.store.is(Mood::Down);
    let (log, _guard) = kit::log::Log::record();
    assert!(shop.get(&mut browser, "/destroy").await.removes(), "the user wants to be out");
    assert!(!log.text().contains("a change is lost"));
}

#[tokio::test(start_paused = true)]
async fn the_store_deadline_can_be_configured() {
    let shop = Shop::with(|builder| builder.store_deadline(Duration::from_millis(300)));
    let mut browser = shop.stored_browser().await;
    shop.store.is(Mood::Hanging);
    let began = Instant::now();
    assert_eq!(shop.get(&mut browser, "/read").await.status, 503);
    assert!((300..=302).contains(&began.elapsed().as_millis()));
}

#[tokio::test]
async fn b16_a_client_that_hangs_up_while_its_session_is_stored_leaves_it_as_it_was() {
    for (path, call) in [("/add", "replace"), ("/note/5", "replace"), ("/renew", "create")] {
        let shop = Shop::plain();
        let browser = shop.stored_browser().await;
        shop.store.once(call, Mood::Hanging);
        let answer = kit::ask(&shop.app, browser.request("GET", path));
        let hung_up = tokio::select! {
            biased;
            _ = answer => false,
            () = std::future::ready(()) => true,
        };
        assert!(hung_up);
        assert_eq!(shop.store.calls().last(), Some(&call));
        let session = shop.open(&browser).await;
        assert_eq!((views(&session), session.read(|visit| visit.notes[0].len())), (0, LARGE), "{path}");
    }
}

#[tokio::test]
async fn b10_several_who_ask_at_once_load_the_session_once() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let app = axum::Router::new()
        .route(
            "/",
            axum::routing::get(
                async |one: sealed_session::Session<Visit>, other: sealed_session::Session<Visit>| {
                    add(&one);
                    other.read(|visit| visit.views.to_string())
                },
            ),
        )
        .layer(shop.sessions.clone());
    assert_eq!(browser.get(&app, "/").await.text(), "1");
    assert_eq!(shop.store.calls(), ["load", "replace"]);
}

#[tokio::test]
async fn a_response_that_comes_too_late_for_the_blob_of_before_is_no_loss() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    note(&session, 5);
    let (_, headers) = shop.commit(session).await;
    shop.clock.advance(31 * SECOND);
    receive(&mut browser, &headers);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), 5);
}

#[tokio::test]
async fn b13_a_handler_that_does_without_its_session_while_the_store_is_down_says_vary_too() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let handler = async |session: Result<sealed_session::Session<kit::Visit>, _>| match session {
        Ok(session) => session.read(|visit| format!("{} notes", visit.notes.len())),
        Err::<_, sealed_session::Error>(_) => "welcome, whoever you are".to_owned(),
    };
    let app = axum::Router::new()
        .route("/", axum::routing::get(handler))
        .route("/public", axum::routing::get(async || "for everybody"))
        .layer(shop.sessions.clone());
    shop.store.is(Mood::Down);
    let answer = browser.get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "welcome, whoever you are"));
    assert_eq!(answer.all("vary"), ["Cookie"], "a shared cache must not serve it to others");
    assert!(browser.get(&app, "/public").await.all("vary").is_empty());
    shop.store.is(Mood::Well);
    assert_eq!(browser.get(&app, "/").await.text(), "1 notes");
}
