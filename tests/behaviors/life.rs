//! A session's life, from the first request to the last (B01 to B17), through an axum application.

use crate::kit;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    middleware::{self, Next},
    response::IntoResponse,
    routing::{any, get},
};
use kit::{Answer, Browser, Clock, HOUR, MINUTE, Visit, app::app, scope};
use sealed_session::{Arrival, Error, KeyRing, Session, Sessions, SessionsBuilder};
use serde::{Deserialize, Serialize};

fn plain() -> Router {
    app(kit::sessions(kit::ring(), &Clock::new()).build().unwrap())
}

/// A browser that has been here, and the application.
async fn returning() -> (Browser, Router) {
    returning_to(plain()).await
}

async fn returning_to(app: Router) -> (Browser, Router) {
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    (browser, app)
}

#[tokio::test]
async fn b01_a_request_without_a_cookie_gets_a_fresh_empty_session_and_nothing_is_sent() {
    let app = plain();
    let answer = Browser::new().get(&app, "/read").await;
    assert_eq!(answer.text(), "0");
    assert!(answer.sends_nothing());
    assert_eq!(Browser::new().get(&app, "/arrival").await.text(), "Absent");
}

#[tokio::test]
async fn b01_a_fresh_session_that_is_changed_to_what_it_was_is_not_sent() {
    let app = plain();
    for path in ["/same", "/there-and-back", "/clear", "/renew", "/forget", "/remember/60"] {
        assert!(Browser::new().post(&app, path).await.sends_nothing(), "{path}");
    }
}

#[tokio::test]
async fn b02_a_fresh_session_that_gets_data_is_sent_once_also_with_an_empty_body() {
    let answer = Browser::new().post(&plain(), "/note/5").await;
    assert_eq!(answer.text(), "");
    assert!(answer.set_cookie().starts_with("__Host-session="));
}

#[tokio::test]
async fn b03_the_next_request_reads_the_data_back() {
    let (mut browser, app) = returning().await;
    assert_eq!(browser.get(&app, "/read").await.text(), "1");
    assert_eq!(browser.get(&app, "/arrival").await.text(), "Opened");
}

#[tokio::test]
async fn b03_two_browsers_have_two_sessions() {
    let (mut first, app) = returning().await;
    let mut second = Browser::new();
    second.post(&app, "/add").await;
    second.post(&app, "/add").await;
    assert_eq!(first.get(&app, "/read").await.text(), "1");
    assert_eq!(second.get(&app, "/read").await.text(), "2");
    assert_ne!(first.get(&app, "/id").await.text(), second.get(&app, "/id").await.text());
}

#[tokio::test]
async fn b04_a_session_that_is_only_read_is_not_sent() {
    let (mut browser, app) = returning().await;
    assert!(browser.get(&app, "/read").await.sends_nothing());
    assert!(browser.get(&app, "/peek").await.sends_nothing());
}

#[tokio::test]
async fn b04_a_session_that_is_only_read_is_not_serialized() {
    static SERIALIZED: AtomicU32 = AtomicU32::new(0);
    #[derive(Default, Serialize, Deserialize)]
    struct Counted(#[serde(serialize_with = "count")] u32);
    fn count<S: serde::Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        SERIALIZED.fetch_add(1, SeqCst);
        value.serialize(serializer)
    }
    let app = Router::new()
        .route("/set", any(async |session: Session<Counted>| session.update(|counted| counted.0 = 5)))
        .route("/read", any(async |session: Session<Counted>| session.read(|counted| counted.0.to_string())))
        .layer(Sessions::<Counted>::new(kit::ring()).unwrap());
    let mut browser = Browser::new();
    browser.post(&app, "/set").await;
    let before = SERIALIZED.swap(0, SeqCst);
    assert!(before > 0);
    assert_eq!(browser.get(&app, "/read").await.text(), "5");
    assert_eq!(SERIALIZED.load(SeqCst), 0);
}

#[tokio::test]
async fn b04_setting_what_was_there_is_no_change() {
    let (mut browser, app) = returning().await;
    assert!(browser.post(&app, "/same").await.sends_nothing());
}

#[tokio::test]
async fn b04_changing_and_changing_back_is_no_change() {
    let (mut browser, app) = returning().await;
    assert!(browser.post(&app, "/there-and-back").await.sends_nothing());
}

#[tokio::test]
async fn b04_a_hash_map_that_is_only_touched_is_no_change_whatever_its_order() {
    type Map = std::collections::HashMap<String, u32>;
    let sessions = Sessions::<Map>::new(kit::ring()).unwrap();
    let app = Router::new()
        .route(
            "/fill",
            any(async |session: Session<Map>| {
                session.update(|map| map.extend((0..50).map(|i| (format!("key {i}"), i))));
            }),
        )
        .route("/touch", any(async |session: Session<Map>| session.update(|map| map.len()).to_string()))
        .layer(sessions);
    let mut browser = Browser::new();
    browser.post(&app, "/fill").await;
    for _ in 0..10 {
        let answer = browser.post(&app, "/touch").await;
        assert_eq!(answer.text(), "50");
        assert!(answer.sends_nothing());
    }
}

#[tokio::test]
async fn b05_a_change_keeps_the_id_and_beginning_and_restarts_the_idle_timeout() {
    let clock = Clock::new();
    let sessions = kit::sessions(kit::ring(), &clock).build().unwrap();
    let app = app(sessions.clone());
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let before = browser.metadata(&sessions).await;
    clock.advance(MINUTE);
    browser.post(&app, "/add").await;
    let after = browser.metadata(&sessions).await;
    assert_eq!(after.id(), before.id());
    assert_eq!(after.created_at(), before.created_at());
    assert_eq!(after.issued_at(), before.issued_at() + MINUTE);
    clock.advance(2 * HOUR - kit::SECOND);
    assert_eq!(browser.get(&app, "/read").await.text(), "2");
}

#[tokio::test]
async fn b06_a_session_that_is_empty_at_the_end_is_removed_from_the_browser() {
    let (mut browser, app) = returning().await;
    assert!(browser.post(&app, "/clear").await.removes());
    assert_eq!(browser.cookie_header(), None);
}

#[tokio::test]
async fn b06_clear_empties_the_data_and_no_more() {
    let app = kit::app::routes()
        .route(
            "/clear-and-add",
            any(async |session: Session<Visit>| {
                session.clear();
                session.update(|visit| visit.views = 7);
            }),
        )
        .layer(kit::sessions(kit::ring(), &Clock::new()).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let id = browser.get(&app, "/id").await;
    browser.post(&app, "/clear-and-add").await;
    assert_eq!(browser.get(&app, "/id").await.text(), id.text());
    assert_eq!(browser.get(&app, "/read").await.text(), "7");
}

#[tokio::test]
async fn b07_destroy_removes_with_the_very_attributes_of_the_session_cookie() {
    let every =
        |build: fn(sealed_session::SessionsBuilder<Visit>) -> sealed_session::SessionsBuilder<Visit>| {
            app(build(kit::sessions(kit::ring(), &Clock::new())).build().unwrap())
        };
    for app in [
        every(|builder| builder),
        every(|builder| builder.cookie(|c| c.domain("example.org").path("/shop"))),
        every(|builder| builder.cookie(|c| c.same_site(sealed_session::SameSite::None).partitioned())),
        every(|builder| builder.cookie(|c| c.insecure_http().name("sid"))),
    ] {
        let mut browser = Browser::new();
        let set = browser.post(&app, "/add").await;
        let removed = browser.post(&app, "/destroy").await;
        assert!(removed.removes());
        assert_eq!(scope(removed.set_cookie()), scope(set.set_cookie()));
        let name = |answer: &Answer| answer.set_cookie().split('=').next().unwrap().to_owned();
        assert_eq!(name(&removed), name(&set));
        assert_eq!(browser.cookie_header(), None);
    }
}

#[tokio::test]
async fn b07_destroying_what_the_browser_never_had_sends_nothing() {
    assert!(Browser::new().post(&plain(), "/destroy").await.sends_nothing());
}

#[tokio::test]
async fn b07_destroy_removes_also_what_could_not_be_opened() {
    let mut browser = Browser::new();
    browser.post(&plain(), "/add").await;
    assert!(browser.post(&plain(), "/destroy").await.removes(), "of another key");
}

#[tokio::test]
async fn b08_cycle_id_keeps_the_data_under_a_new_id_and_restarts_the_absolute_timeout() {
    let clock = Clock::new();
    let app =
        app(kit::sessions(kit::ring(), &clock).timeouts(|t| t.idle_timeout(24 * HOUR)).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let before = browser.get(&app, "/id").await;
    clock.advance(23 * HOUR);
    browser.post(&app, "/renew").await;
    assert_ne!(browser.get(&app, "/id").await.text(), before.text());
    clock.advance(2 * HOUR);
    assert_eq!(browser.get(&app, "/read").await.text(), "1");
}

#[tokio::test]
async fn b08_cycle_id_keep_timeout_keeps_the_absolute_timeout() {
    let clock = Clock::new();
    let app =
        app(kit::sessions(kit::ring(), &clock).timeouts(|t| t.idle_timeout(24 * HOUR)).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let before = browser.get(&app, "/id").await;
    clock.advance(23 * HOUR);
    browser.post(&app, "/renew-keep").await;
    assert_ne!(browser.get(&app, "/id").await.text(), before.text());
    assert_eq!(browser.get(&app, "/read").await.text(), "1");
    clock.advance(HOUR);
    assert_eq!(browser.get(&app, "/read").await.text(), "0", "the deadline of the first beginning has come");
}

#[tokio::test]
async fn b08_a_later_change_in_the_same_request_undoes_no_verb() {
    type Verb = fn(&Session<Visit>);
    let verbs: [Verb; 3] = [|s| s.cycle_id(), |s| s.destroy(), |s| s.cycle_id_keep_timeout()];
    for verb in verbs {
        let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
        let app = kit::app::routes()
            .route(
                "/verb-and-add",
                any(async move |session: Session<Visit>| {
                    verb(&session);
                    session.update(|visit| visit.views += 10);
                    session.cycle_id_keep_timeout();
                }),
            )
            .layer(sessions);
        let mut browser = Browser::new();
        browser.post(&app, "/add").await;
        let before = browser.get(&app, "/id").await;
        browser.post(&app, "/verb-and-add").await;
        assert_ne!(browser.get(&app, "/id").await.text(), before.text());
    }
}

#[tokio::test]
async fn b09_new_data_after_destroy_make_a_new_session_with_a_new_id() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = kit::app::routes()
        .route(
            "/destroy-and-add",
            any(async |session: Session<Visit>| {
                session.destroy();
                session.update(|visit| visit.views += 10);
            }),
        )
        .layer(sessions);
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let before = browser.get(&app, "/id").await;
    let answer = browser.post(&app, "/destroy-and-add").await;
    assert!(!answer.removes());
    assert_eq!(browser.get(&app, "/read").await.text(), "10");
    assert_ne!(browser.get(&app, "/id").await.text(), before.text());
}

#[tokio::test]
async fn b10_several_extractors_in_one_request_see_one_session() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = Router::new()
        .route(
            "/",
            any(async |first: Session<Visit>, second: Session<Visit>| {
                first.update(|visit| visit.views = 5);
                second.read(|visit| visit.views).to_string()
            }),
        )
        .layer(sessions);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.text(), "5");
    answer.set_cookie();
}

#[tokio::test]
async fn b10_threads_of_one_request_wait_for_each_other() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = Router::new()
        .route(
            "/",
            any(async |session: Session<Visit>| {
                std::thread::scope(|scope| {
                    for _ in 0..8 {
                        scope.spawn(|| (0..100).for_each(|_| session.update(|visit| visit.views += 1)));
                    }
                });
                session.read(|visit| visit.views).to_string()
            }),
        )
        .layer(sessions);
    assert_eq!(Browser::new().get(&app, "/").await.text(), "800");
}

#[tokio::test]
async fn b10_reentry_panics_and_names_the_verb() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let request = Browser::new().request("GET", "/");
    let session = sessions.open(&request).await.unwrap();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.update(|_| session.read(|visit| visit.views));
    }))
    .unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("Session::read"), "{message}");
    session.read(|_| ()); // and it does not hang ever after
}

#[tokio::test]
async fn b10_after_a_panic_within_a_change_nothing_of_that_request_is_committed() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = Router::new()
        .route(
            "/",
            any(async |session: Session<Visit>| {
                let panicking = session.clone();
                let changed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    panicking.update(|visit| {
                        visit.views = 1;
                        panic!("halfway");
                    })
                }));
                assert!(changed.is_err());
                "a success, says the handler"
            }),
        )
        .layer(sessions);
    let answer = Browser::new().get(&app, "/").await;
    assert!(answer.sends_nothing());
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn b11_a_change_after_the_head_is_gone_is_told_by_try_update() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let app = Router::new()
        .route("/", any(async move |session: Session<Visit>| *keep.lock().unwrap() = Some(session)))
        .layer(sessions);
    Browser::new().get(&app, "/").await;
    let session = kept.lock().unwrap().take().unwrap();
    let error = session.try_update(|_| unreachable!("it comes too late")).unwrap_err();
    assert!(error.is_finished());
}

#[tokio::test]
async fn b12_a_handler_that_answers_5xx_does_not_change_the_session() {
    let (mut browser, app) = returning().await;
    assert!(browser.post(&app, "/add-and-fail").await.sends_nothing());
    assert_eq!(browser.get(&app, "/read").await.text(), "1");
}

#[tokio::test]
async fn b12_a_handler_that_a_timeout_layer_cuts_off_does_not_change_the_session() {
    let add_and_wait = async |session: Session<Visit>| {
        session.update(|visit| visit.views += 1);
        std::future::pending::<()>().await;
    };
    // What a timeout layer inside the sessions does when its time is over.
    let time_out = async |request: Request<Body>, next: Next| {
        tokio::select! {
            biased;
            response = next.run(request) => response,
            () = std::future::ready(()) => StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    };
    let sessions = || kit::sessions(kit::ring(), &Clock::new());
    let app = |sessions: SessionsBuilder<Visit>| {
        let sessions = sessions.build().unwrap();
        Router::new().route("/", any(add_and_wait)).layer(middleware::from_fn(time_out)).layer(sessions)
    };
    let answer = Browser::new().post(&app(sessions()), "/").await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert!(answer.sends_nothing());
    let answer = Browser::new().post(&app(sessions().commit_on_server_error()), "/").await;
    assert!(!answer.sends_nothing(), "unless the application has chosen otherwise");
}

#[tokio::test]
async fn b12_destroy_holds_whatever_the_status() {
    let (mut browser, app) = returning().await;
    let answer = browser.post(&app, "/destroy-and-fail").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.removes());
}

#[tokio::test]
async fn b12_the_application_can_choose_to_keep_changes() {
    let sessions = kit::sessions(kit::ring(), &Clock::new());
    let app = app(sessions.commit_on_server_error().build().unwrap());
    let mut browser = Browser::new();
    let answer = browser.post(&app, "/add-and-fail").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(browser.get(&app, "/read").await.text(), "1");
}

#[tokio::test]
async fn b13_the_handlers_own_headers_are_kept_and_the_sessions_come_beside_them() {
    let answer = Browser::new().get(&plain(), "/own-headers").await;
    assert_eq!(answer.all("cache-control"), ["private", "no-store"]);
    assert_eq!(answer.all("vary"), ["Accept", "Cookie"]);
    let cookies = answer.set_cookies();
    assert_eq!(cookies.len(), 2);
    assert_eq!(cookies[0], "own=1");
    assert!(cookies[1].starts_with("__Host-session="));
}

#[tokio::test]
async fn b13_what_the_handler_has_said_already_is_not_said_twice() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = Router::new()
        .route(
            "/",
            get(async |session: Session<Visit>| {
                session.update(|visit| visit.views += 1);
                [("cache-control", "private, No-Store"), ("vary", "Accept, cookie")].into_response()
            }),
        )
        .layer(sessions);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.all("cache-control"), ["private, No-Store"]);
    assert_eq!(answer.all("vary"), ["Accept, cookie"]);
}

#[tokio::test]
async fn b13_a_no_store_within_a_quoted_string_does_not_pass_for_one() {
    for (quoted, is_one) in [
        (r#"private="set-cookie, no-store, x-other""#, false),
        (r#"ext="a\", no-store, ""#, false),
        (r#"ext="no-store, never closed"#, false),
        (r#""no-store""#, false),
        (r#"private="set-cookie", no-store"#, true),
        (r#"ext="\\" , NO-STORE, max-age=0"#, true),
    ] {
        let app = Router::new()
            .route(
                "/",
                get(async move |session: Session<Visit>| {
                    session.update(|visit| visit.views += 1);
                    [("cache-control", quoted)].into_response()
                }),
            )
            .layer(kit::sessions(kit::ring(), &Clock::new()).build().unwrap());
        let answer = Browser::new().get(&app, "/").await;
        let expected = if is_one { vec![quoted] } else { vec![quoted, "no-store"] };
        assert_eq!(answer.all("cache-control"), expected);
    }
}

#[tokio::test]
async fn b13_a_response_that_reads_the_session_says_vary_and_one_that_sets_it_says_no_store() {
    let (mut browser, app) = returning().await;
    let read = browser.get(&app, "/read").await;
    assert_eq!(read.all("vary"), ["Cookie"]);
    assert!(read.all("cache-control").is_empty());
    let added = browser.post(&app, "/add").await;
    assert_eq!(added.all("vary"), ["Cookie"]);
    assert_eq!(added.all("cache-control"), ["no-store"]);
    let peeked = browser.get(&app, "/peek").await;
    assert!(peeked.all("vary").is_empty());
    let removed = browser.get(&app, "/destroy").await;
    assert_eq!(removed.all("cache-control"), ["no-store"]);
}

#[tokio::test]
async fn b14_the_extractor_without_its_layer_is_a_500() {
    let answer = Browser::new().get(&kit::app::routes(), "/read").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text(), "");
}

#[tokio::test]
async fn b14_two_layers_that_would_write_one_cookie_are_a_500() {
    let sessions = || kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = app(sessions()).layer(sessions());
    let answer = Browser::new().get(&app, "/read").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.sends_nothing());
}

#[tokio::test]
async fn b14_layers_with_different_types_and_names_live_side_by_side() {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Theme {
        dark: bool,
    }
    let clock = Clock::new();
    let visits = kit::sessions(kit::ring(), &clock).build().unwrap();
    let themes = Sessions::<Theme>::builder(kit::ring()).cookie(|c| c.name("theme")).build().unwrap();
    let app = kit::app::routes()
        .route("/dark", any(async |theme: Session<Theme>| theme.update(|theme| theme.dark = true)))
        .route(
            "/both",
            any(async |theme: Session<Theme>, visit: Session<Visit>| {
                format!("{} {}", theme.read(|theme| theme.dark), visit.read(|visit| visit.views))
            }),
        )
        .layer(themes)
        .layer(visits);
    let mut browser = Browser::new();
    assert!(browser.post(&app, "/dark").await.set_cookie().starts_with("__Host-theme="));
    assert!(browser.post(&app, "/add").await.set_cookie().starts_with("__Host-session="));
    assert_eq!(browser.get(&app, "/both").await.text(), "true 1");
}

#[tokio::test]
async fn a_handler_that_returns_the_sessions_error_answers_an_empty_500_and_logs_it() {
    let (log, _guard) = kit::log::Log::record();
    let sessions = kit::sessions_in_cookies(kit::ring(), &Clock::new()).build().unwrap();
    let app = Router::new()
        .route(
            "/",
            any(async |session: Session<Visit>| -> Result<(), Error> {
                session.update(|visit| visit.notes.push("n".repeat(5000)));
                session.save().await
            }),
        )
        .layer(sessions);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    assert!(log.text().contains("does not fit in its cookie"), "{}", log.text());
}

#[tokio::test]
async fn what_nobody_asks_for_is_not_opened() {
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let app = app(sessions.clone());
    let mut browser = Browser::holding("__Host-session", "not a session");
    let answer = browser.get(&app, "/peek").await;
    assert!(answer.sends_nothing(), "not even removed");
    let counters = sessions.counters();
    assert_eq!(counters.absent + counters.opened, 0);
    assert!(counters.refused.iter().all(|(_, times)| *times == 0));
}

#[tokio::test]
async fn a_session_opened_and_committed_by_hand_makes_the_same_trip() -> Result<(), Box<dyn std::error::Error>>
{
    let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
    let mut browser = Browser::new();
    for expected in 1..=3 {
        let session = sessions.open(&browser.request("GET", "/")).await?;
        assert_eq!(session.arrival(), if expected == 1 { Arrival::Absent } else { Arrival::Opened });
        assert_eq!(
            session.update(|visit| {
                visit.views += 1;
                visit.views
            }),
            expected
        );
        let mut response = axum::http::Response::new(());
        assert_eq!(sessions.commit(session, &mut response).await?, sealed_session::Commit::Set);
        browser.keep(response.headers()["set-cookie"].to_str().unwrap());
    }
    Ok(())
}

/// Two limits of sessions in cookies that SECURITY.md states, held so that nobody takes them for promises.
fn in_cookies() -> Router {
    app(kit::sessions_in_cookies(kit::ring(), &Clock::new()).build().unwrap())
}

#[tokio::test]
async fn a_slower_response_brings_a_destroyed_session_back() {
    let (mut browser, app) = returning_to(in_cookies()).await;
    let mut slower = browser.clone();
    let late = slower.post(&app, "/add").await;
    browser.post(&app, "/destroy").await;
    browser.keep(late.set_cookie());
    assert_eq!(browser.get(&app, "/read").await.text(), "2");
}

#[tokio::test]
async fn an_older_cookie_opens_after_destroy() {
    let (mut browser, app) = returning_to(in_cookies()).await;
    let mut kept = browser.clone();
    browser.post(&app, "/destroy").await;
    assert_eq!(kept.get(&app, "/read").await.text(), "1");
}
