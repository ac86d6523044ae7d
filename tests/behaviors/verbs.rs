//! The verbs beside the data: `save`, `touch`, passive requests (B15, B22), flash messages, tokens against request
//! forgery, and what an application's own tests need (B70).

use crate::kit;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    http::{HeaderMap, Request, Response, StatusCode, header::COOKIE},
    routing::{any, get, post},
};
use kit::{Browser, Clock, HOUR, MINUTE, Visit, app::routes};
use sealed_session::{
    Commit, Key, KeyRing, Renewal, Session, Sessions, csrf,
    flash::Flash,
    testing::{Sent, cookie_with, sent, session_with},
};
use serde::{Deserialize, Serialize};

type S = Session<Visit>;

fn sessions(clock: &Clock) -> Sessions<Visit> {
    kit::sessions(kit::ring(), clock).build().unwrap()
}

/// Without a store, whatever is wanted.
fn in_cookies() -> Sessions<Visit> {
    kit::sessions_in_cookies(kit::ring(), &Clock::new()).build().unwrap()
}

// ---- save ----

#[tokio::test]
async fn b15_save_tells_before_the_work_that_the_session_does_not_fit() {
    let app = routes()
        .route(
            "/order/{length}",
            post(async |axum::extract::Path(length): axum::extract::Path<usize>, session: S| {
                session.update(|visit| visit.notes = vec!["n".repeat(length)]);
                match session.save().await {
                    Ok(()) => (StatusCode::OK, "charged"),
                    Err(error) if error.is_too_large() => {
                        session.update(|visit| visit.notes.clear());
                        (StatusCode::PAYLOAD_TOO_LARGE, "not charged")
                    }
                    Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, ""),
                }
            }),
        )
        .layer(in_cookies());
    let mut browser = Browser::new();
    assert_eq!(browser.post(&app, "/order/5000").await.text(), "not charged");
    assert_eq!(browser.post(&app, "/order/10").await.text(), "charged");
    assert!(browser.get(&app, "/all").await.text().contains("nnnnnnnnnn"));
}

#[tokio::test]
async fn b15_what_is_changed_after_save_is_sent_too() {
    let sessions = sessions(&Clock::new());
    let session = sessions.open(&Request::new(())).await.unwrap();
    session.update(|visit| visit.views = 1);
    session.save().await.unwrap();
    session.update(|visit| visit.views = 2);
    let mut response = Response::new(());
    let _ = sessions.commit(session, &mut response).await.unwrap();
    assert_eq!(sent(&sessions, &response).await.unwrap(), Sent::Set(Visit { views: 2, ..Visit::default() }));
}

#[tokio::test]
async fn b15_what_is_saved_is_sent_once() {
    let app = routes()
        .route(
            "/save-last",
            any(async |session: S| {
                session.update(|visit| visit.views += 1);
                session.save().await.unwrap();
            }),
        )
        .layer(sessions(&Clock::new()));
    let mut browser = Browser::new();
    for views in ["1", "2"] {
        browser.post(&app, "/save-last").await.set_cookie(); // exactly one
        assert_eq!(browser.get(&app, "/read").await.text(), views);
    }
}

#[tokio::test]
async fn b11_save_after_the_head_is_gone_says_so() {
    let sessions = sessions(&Clock::new());
    let session = sessions.open(&Request::new(())).await.unwrap();
    let _ = sessions.commit(session.clone(), &mut Response::new(())).await.unwrap();
    assert!(session.save().await.unwrap_err().is_finished());
}

#[tokio::test]
async fn b10_a_change_that_succeeds_after_one_that_panicked_mends_nothing() {
    let sessions = sessions(&Clock::new());
    let session = sessions.open(&Request::new(())).await.unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.update(|visit| {
            visit.views = 1;
            panic!("halfway")
        })
    }));
    assert!(panicked.is_err());
    session.update(|visit| visit.notes.push("after".into()));
    assert!(session.save().await.is_err());
    let mut response = Response::new(());
    assert!(sessions.commit(session, &mut response).await.is_err());
    assert_eq!(sent(&sessions, &response).await.unwrap(), Sent::Nothing);
}

// ---- touch and passive ----

fn touching(sessions: Sessions<Visit>) -> Router {
    routes()
        .route("/touch", any(async |session: S| session.touch()))
        .route("/poll", any(async |session: S| session.skip_renewal()))
        .route(
            "/poll-and-add",
            any(async |session: S| {
                session.skip_renewal();
                session.update(|visit| visit.views += 1);
            }),
        )
        .layer(sessions)
}

#[tokio::test]
async fn b15_touch_renews_before_the_time_has_come_and_whatever_the_policy() {
    for policy in [Renewal::WhenSpent, Renewal::OnChange] {
        let clock = Clock::new();
        let sessions = kit::sessions(kit::ring(), &clock).renewal(policy).build().unwrap();
        let app = touching(sessions.clone());
        let mut browser = Browser::new();
        browser.post(&app, "/add").await;
        let before = browser.metadata(&sessions).await;
        clock.advance(MINUTE);
        assert!(!browser.post(&app, "/touch").await.sends_nothing());
        let after = browser.metadata(&sessions).await;
        assert_eq!(
            (after.id(), after.created_at(), after.idle_timeout()),
            (before.id(), before.created_at(), before.idle_timeout())
        );
        assert_eq!(after.issued_at(), clock.now());
    }
}

#[tokio::test]
async fn b15_touch_makes_an_empty_session_durable() {
    let clock = Clock::new();
    let app = touching(sessions(&clock));
    let mut browser = Browser::new();
    browser.post(&app, "/touch").await;
    let id = browser.get(&app, "/id").await;
    assert_ne!(id.text(), "none");
    clock.advance(HOUR);
    assert!(!browser.get(&app, "/read").await.sends_nothing(), "renewed like any other");
    assert_eq!(browser.get(&app, "/id").await.text(), id.text());
    browser.post(&app, "/add").await;
    assert_eq!(browser.get(&app, "/id").await.text(), id.text());
}

#[tokio::test]
async fn b15_what_was_touched_ends_by_destroy_like_any_other() {
    let app = touching(sessions(&Clock::new()));
    let mut browser = Browser::new();
    browser.post(&app, "/touch").await;
    assert!(browser.post(&app, "/destroy").await.removes());
}

#[tokio::test]
async fn b15_destroy_undoes_an_earlier_touch() {
    let app = routes()
        .route(
            "/touch-and-end",
            any(async move |session: S| {
                session.touch();
                session.destroy();
            }),
        )
        .layer(sessions(&Clock::new()));
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    assert!(browser.post(&app, "/touch-and-end").await.removes());
}

#[tokio::test]
async fn b22_a_passive_request_does_not_renew() {
    let clock = Clock::new();
    let app = touching(sessions(&clock));
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    clock.advance(HOUR);
    assert!(browser.get(&app, "/poll").await.sends_nothing());
    assert!(!browser.get(&app, "/poll-and-add").await.sends_nothing(), "a change is still sent");
}

// ---- flash messages ----

#[derive(Default, Serialize, Deserialize)]
struct Flashing {
    flash: Flash,
}

fn flashing() -> Router {
    Router::new()
        .route(
            "/save",
            post(async |session: Session<Flashing>| {
                session.update(|data| data.flash.success("saved & done"))
            }),
        )
        .route(
            "/show",
            get(async |session: Session<Flashing>| {
                let messages = session.update(|data| data.flash.take());
                messages
                    .into_iter()
                    .map(|message| format!("{:?}: {};", message.level, message.text))
                    .collect::<String>()
            }),
        )
        .route(
            "/peek",
            get(async |session: Session<Flashing>| {
                session.read(|data| data.flash.iter().count()).to_string()
            }),
        )
        .layer(Sessions::<Flashing>::new(kit::ring()).unwrap())
}

#[test]
fn b44_flash_messages_do_not_print_their_text() {
    let mut flash = Flash::default();
    flash.warning("your card 4111 was declined");
    assert_eq!(format!("{flash:?}"), "Flash(1 message)");
    flash.info("call us");
    assert_eq!(format!("{flash:?}"), "Flash(2 messages)");
    assert_eq!(format!("{:?}", flash.take()[0]), "Message { level: Warning, .. }");
}

#[tokio::test]
async fn a_flash_message_is_read_once_on_the_next_request() {
    let app = flashing();
    let mut browser = Browser::new();
    browser.post(&app, "/save").await;
    assert_eq!(browser.get(&app, "/peek").await.text(), "1");
    assert_eq!(browser.get(&app, "/show").await.text(), "Success: saved & done;");
    let again = browser.get(&app, "/show").await;
    assert_eq!(again.text(), "");
    assert!(again.sends_nothing(), "to take none is no change");
}

#[tokio::test]
async fn a_parallel_request_that_only_reads_loses_no_flash_message() {
    let app = flashing();
    let mut browser = Browser::new();
    let mut parallel = browser.clone();
    browser.post(&app, "/save").await;
    assert!(parallel.get(&app, "/peek").await.sends_nothing(), "it began before the message was set");
    assert_eq!(browser.get(&app, "/show").await.text(), "Success: saved & done;");
}

// ---- tokens against request forgery ----

fn guarded(sessions: Sessions<Visit>) -> Router {
    routes()
        .route("/token", any(async |session: S| session.csrf_token().unwrap().to_string()))
        .route(
            "/renewed-token",
            any(async |session: S| {
                session.cycle_id();
                session.csrf_token().unwrap().to_string()
            }),
        )
        .route(
            "/guarded",
            any(async |session: S, headers: HeaderMap| {
                let token = headers.get(csrf::HEADER).map_or(&b""[..], |token| token.as_bytes());
                session.verify_csrf(token)
            }),
        )
        .layer(sessions)
}

#[tokio::test]
async fn a_wrong_csrf_token_is_answered_with_403_and_is_no_error_in_the_log() {
    let (log, _guard) = kit::log::Log::record();
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    let token = browser.get(&app, "/token").await.text().to_owned();
    assert!(passes(&mut browser, &app, &token).await);
    assert_eq!(browser.post(&app, "/guarded").await.status, StatusCode::FORBIDDEN);
    assert!(!log.text().contains("ERROR"), "{}", log.text());
}

async fn passes(browser: &mut Browser, app: &Router, token: &str) -> bool {
    let mut request = browser.request("POST", "/guarded");
    request.headers_mut().insert(csrf::HEADER, token.parse().unwrap());
    browser.send(app, request).await.status.is_success()
}

#[tokio::test]
async fn a_token_of_the_session_passes_and_makes_an_empty_session_durable() {
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    let token = browser.get(&app, "/token").await.text().to_owned();
    assert!(browser.cookie_header().is_some());
    assert!(passes(&mut browser, &app, &token).await);
    assert!(passes(&mut browser, &app, &token).await, "as often as one likes");
}

#[tokio::test]
async fn a_token_shows_its_text_when_it_is_asked_for_and_not_in_debug() {
    let sessions = in_cookies();
    let session = sessions.open(&Request::new(())).await.unwrap();
    let token = session.csrf_token().unwrap();
    assert_eq!(token.as_str().len(), 43);
    assert_eq!(token.to_string(), token.as_str());
    assert_eq!(format!("{token:?}"), "CsrfToken(…)");
}

#[tokio::test]
async fn asking_for_a_token_of_a_session_that_the_browser_has_sends_no_cookie() {
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    assert!(browser.get(&app, "/token").await.sends_nothing());
}

#[tokio::test]
async fn each_token_of_a_session_looks_different_and_all_pass() {
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    let tokens = [
        browser.get(&app, "/token").await.text().to_owned(),
        browser.get(&app, "/token").await.text().to_owned(),
    ];
    assert_ne!(tokens[0], tokens[1]);
    for token in &tokens {
        assert!(passes(&mut browser, &app, token).await);
    }
}

#[tokio::test]
async fn a_token_of_another_session_does_not_pass() {
    let app = guarded(sessions(&Clock::new()));
    let (mut victim, mut attacker) = (Browser::new(), Browser::new());
    victim.post(&app, "/add").await;
    let token = attacker.get(&app, "/token").await.text().to_owned();
    assert!(!passes(&mut victim, &app, &token).await);
    assert!(!passes(&mut Browser::new(), &app, &token).await, "nor without a session");
}

#[tokio::test]
async fn a_token_changed_in_any_character_does_not_pass() {
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    let token = browser.get(&app, "/token").await.text().to_owned();
    for at in 0..token.len() {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        assert!(!passes(&mut browser, &app, &changed).await, "{at}");
    }
    for changed in [&token[1..], &format!("{token}A"), "", "=", &format!("{token}=")] {
        assert!(!passes(&mut browser, &app, changed).await, "{changed}");
    }
}

#[tokio::test]
async fn cycle_id_and_destroy_make_earlier_tokens_invalid() {
    for path in ["/renew", "/renew-keep"] {
        let app = guarded(sessions(&Clock::new()));
        let mut browser = Browser::new();
        browser.post(&app, "/add").await;
        let token = browser.get(&app, "/token").await.text().to_owned();
        browser.post(&app, path).await;
        assert!(!passes(&mut browser, &app, &token).await, "{path}");
        let token = browser.get(&app, "/token").await.text().to_owned();
        assert!(passes(&mut browser, &app, &token).await, "{path}");
    }
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    let token = browser.get(&app, "/token").await.text().to_owned();
    browser.post(&app, "/destroy").await;
    browser.get(&app, "/token").await;
    assert!(!passes(&mut browser, &app, &token).await);
}

#[tokio::test]
async fn a_token_requested_after_cycle_id_is_valid_for_the_new_id() {
    let app = guarded(sessions(&Clock::new()));
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let token = browser.get(&app, "/renewed-token").await.text().to_owned();
    assert!(passes(&mut browser, &app, &token).await);
}

#[tokio::test]
async fn cycle_id_invalidates_an_earlier_token_of_the_same_request_too() {
    let sessions = sessions(&Clock::new());
    let renewing = Router::new()
        .route(
            "/token-then-renew",
            any(async |session: S| {
                let token = session.csrf_token().unwrap();
                session.cycle_id();
                session.touch();
                token.to_string()
            }),
        )
        .layer(sessions.clone());
    let app = guarded(sessions).merge(renewing);
    let mut browser = Browser::new();
    let token = browser.get(&app, "/token-then-renew").await.text().to_owned();
    assert!(!passes(&mut browser, &app, &token).await);
}

#[tokio::test]
async fn tokens_of_every_key_in_the_ring_pass() {
    let keys = [(); 2].map(|()| Key::generate().unwrap().expose().to_string());
    let clock = Clock::new();
    let app = |keys: &[&String]| {
        let ring =
            KeyRing::parse(&keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(" ")).unwrap();
        guarded(kit::sessions(ring, &clock).build().unwrap())
    };
    let (before, after) = (app(&[&keys[0]]), app(&[&keys[1], &keys[0]]));
    let mut browser = Browser::new();
    let token = browser.get(&before, "/token").await.text().to_owned();
    assert!(passes(&mut browser, &after, &token).await);
}

#[tokio::test]
async fn a_token_of_one_realm_does_not_pass_in_another() {
    let ring = kit::ring();
    let clock = Clock::new();
    let ours = kit::sessions(ring.clone(), &clock).build().unwrap();
    let theirs = kit::sessions(ring, &clock).realm("theirs").accept_previous("tests", |c| c);
    let theirs = theirs.build().unwrap();
    let (ours, theirs) = (guarded(ours), guarded(theirs));
    let mut browser = Browser::new();
    let token = browser.get(&ours, "/token").await.text().to_owned();
    assert!(!passes(&mut browser, &theirs, &token).await, "the same session, under the other realm's keys");
}

// ---- what an application's own tests need ----

#[tokio::test]
async fn b70_a_session_can_be_made_without_http() {
    let sessions = sessions(&Clock::new());
    let session = session_with(&sessions, Visit { views: 4, ..Visit::default() });
    assert_eq!(session.read(|visit| visit.views), 4);
    let mut response = Response::new(());
    let _ = sessions.commit(session, &mut response).await.unwrap();
    assert_eq!(sent(&sessions, &response).await.unwrap(), Sent::Set(Visit { views: 4, ..Visit::default() }));
}

#[tokio::test]
async fn b70_a_cookie_can_be_made_that_holds_a_given_value() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = in_cookies();
    let cookie = cookie_with(&sessions, &Visit { views: 9, ..Visit::default() })?;
    let request = Request::get("/read").header("cookie", cookie).body(axum::body::Body::empty()).unwrap();
    assert_eq!(kit::ask(&routes().layer(sessions), request).await.text(), "9");
    Ok(())
}

#[tokio::test]
async fn b70_the_session_can_be_read_out_of_a_response() {
    let sessions = sessions(&Clock::new());
    let app = routes().layer(sessions.clone());
    let mut browser = Browser::new();
    for (path, expected) in [
        ("/read", Sent::Nothing),
        ("/own-headers", Sent::Set(Visit { views: 1, ..Visit::default() })),
        ("/add", Sent::Set(Visit { views: 2, ..Visit::default() })),
        ("/destroy", Sent::Removed),
    ] {
        let answer = browser.get(&app, path).await;
        let mut response = Response::new(());
        *response.headers_mut() = answer.headers;
        assert_eq!(sent(&sessions, &response).await.unwrap(), expected, "{path}");
    }
}

#[tokio::test]
async fn the_next_id_is_the_id_that_the_session_has_after_the_response() {
    type Verb = fn(&S);
    let verbs: [(Verb, bool); 5] = [
        (|session| session.update(|visit| visit.views += 1), true),
        (|session| session.cycle_id(), false),
        (|session| session.cycle_id_keep_timeout(), false),
        (|session| session.remember(HOUR).unwrap(), true),
        (
            |session| {
                session.destroy();
                session.update(|visit| visit.views += 1);
            },
            false,
        ),
    ];
    for (verb, is_kept) in verbs {
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        let app = routes()
            .route(
                "/verb",
                any(async move |session: S| {
                    verb(&session);
                    *tell.lock().unwrap() = Some(session.next_id().unwrap());
                    assert_eq!(session.next_id().unwrap(), tell.lock().unwrap().unwrap(), "it is drawn once");
                }),
            )
            .layer(sessions(&Clock::new()));
        let mut browser = Browser::new();
        browser.post(&app, "/add").await;
        let before = browser.get(&app, "/id").await.text().to_owned();
        browser.post(&app, "/verb").await;
        let after = browser.get(&app, "/id").await.text().to_owned();
        assert_eq!(told.lock().unwrap().unwrap().to_string(), after);
        assert_eq!(before == after, is_kept);
    }
}

#[tokio::test]
async fn the_next_id_of_a_fresh_session_is_the_id_that_it_begins_with() {
    let app = routes()
        .route(
            "/sign-in",
            any(async |session: S| {
                session.update(|visit| visit.views += 1);
                session.next_id().unwrap().to_string()
            }),
        )
        .layer(sessions(&Clock::new()));
    let mut browser = Browser::new();
    let told = browser.post(&app, "/sign-in").await.text().to_owned();
    assert_eq!(browser.get(&app, "/id").await.text(), told);
}

#[tokio::test]
async fn a_commit_says_that_it_removed_the_cookie_only_if_it_did() {
    let sessions = sessions(&Clock::new());
    for (cookie, expected) in [(None, Commit::Keep), (Some("__Host-session=malformed"), Commit::Remove)] {
        let mut request = Request::new(());
        request.headers_mut().extend(cookie.map(|cookie| (COOKIE, cookie.parse().unwrap())));
        let session = sessions.open(&request).await.unwrap();
        session.destroy();
        let mut response = Response::new(());
        assert_eq!(sessions.commit(session, &mut response).await.unwrap(), expected);
        assert_eq!(response.headers().contains_key("set-cookie"), expected == Commit::Remove);
    }
}

#[tokio::test]
async fn a_committed_session_tells_no_next_id() {
    let sessions = sessions(&Clock::new());
    let session = session_with(&sessions, Visit { views: 1, ..Visit::default() });
    let handle = session.clone();
    assert_eq!(sessions.commit(session, &mut Response::new(())).await.unwrap(), Commit::Set);
    assert!(handle.next_id().unwrap_err().is_finished());
}
