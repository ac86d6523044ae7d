//! What was wrong once. Each changes one thing of a scene that works.

use crate::{kit, login};

use std::{
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
    routing::any,
};
use kit::{Browser, Clock, HOUR, MINUTE, Visit, app::routes};
use sealed_session::{Sealer, Session, Sessions, Timeouts, seal::Header, testing::cookie_with};
use tower::{Layer, ServiceExt, service_fn};

type S = Session<Visit>;

/// After 2106, which the format can't express.
fn much_later() -> Sessions<Visit> {
    let clock = || UNIX_EPOCH + Duration::from_secs(1 << 33);
    Sessions::builder(kit::ring()).clock(clock).build().unwrap()
}

#[tokio::test]
async fn b15_a_csrf_token_keeps_a_session_that_the_same_request_empties() {
    let app = login::router(Sessions::new(kit::ring()).unwrap());
    let mut browser = Browser::new();
    let token = |page: &kit::Answer| {
        let (_, rest) = page.text().split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    for (password, location) in [("wrong", "/"), ("lovelace", "/dashboard")] {
        let csrf = token(&browser.get(&app, "/").await); // the second time, it shows and takes the message
        let mut request = browser.request("POST", "/login");
        *request.body_mut() = Body::from(format!("csrf={csrf}&name=ada&password={password}"));
        let form = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, form);
        let answer = browser.send(&app, request).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{password}");
        assert_eq!(answer.headers[header::LOCATION], location);
    }
}

#[tokio::test]
async fn b15_what_touch_made_durable_outlives_the_verbs_that_keep_the_data() {
    let app = routes()
        .route("/touch", any(async |session: S| session.touch()))
        .layer(kit::sessions(kit::ring(), &Clock::new()).build().unwrap());
    for verb in ["/renew", "/renew-keep", "/remember/60"] {
        let mut browser = Browser::new();
        browser.post(&app, "/touch").await;
        assert!(!browser.post(&app, verb).await.removes(), "{verb}");
    }
}

fn ending(end: fn(&S)) -> Router {
    routes()
        .route("/end", any(async move |session: S| end(&session)))
        .layer(kit::sessions_in_cookies(kit::ring(), &Clock::new()).build().unwrap())
}

#[tokio::test]
async fn b12_destroy_holds_though_the_commit_fails() {
    for app in [
        ending(|session| {
            session.destroy();
            session.update(|visit| visit.notes = vec!["n".repeat(5000)]);
        }),
        ending(|session| {
            session.destroy();
            let change = || session.update(|_| panic!("halfway"));
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(change)).is_err());
        }),
    ] {
        let mut browser = Browser::new();
        browser.post(&app, "/add").await;
        let answer = browser.post(&app, "/end").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.removes());
    }
}

#[tokio::test]
async fn b13_a_response_whose_session_could_not_be_kept_says_vary_too() {
    for failure in [None, Some(StatusCode::CONFLICT)] {
        let sessions = kit::sessions(kit::ring(), &Clock::new()).on_commit_failure(move |_| failure);
        let app = routes().layer(sessions.build().unwrap());
        let answer = Browser::new().post(&app, "/note/5000").await;
        assert_eq!(answer.all("vary"), ["Cookie"], "{failure:?}");
    }
}

#[tokio::test]
async fn b36_below_a_nested_router_the_layers_choice_holds() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let embedded = kit::sessions(ring.clone(), &clock).realm("embedded").build().unwrap();
    let page = kit::sessions(ring, &clock).build().unwrap();
    let otherwise = page.clone();
    let sessions = page.choosing(move |request| {
        let in_frame = request.uri.path().starts_with("/embed/");
        Some(if in_frame { embedded.clone() } else { otherwise.clone() })
    });
    let handle = sessions.clone();
    let add = any(async move |request: Request<Body>| {
        handle.open(&request).await.unwrap().update(|visit| visit.views += 1);
    });
    let app = Router::new().nest("/embed", Router::new().route("/add", add)).layer(sessions);
    Browser::new().get(&app, "/embed/add").await.set_cookie();
}

#[tokio::test]
async fn b44_what_a_hook_is_shown_prints_no_cookie() {
    let sessions = Sessions::<Visit>::new(kit::ring()).unwrap();
    let cookie = cookie_with(&sessions, &Visit::default()).unwrap();
    let printed = Arc::new(Mutex::new(String::new()));
    let print = printed.clone();
    let sessions = sessions.choosing(move |head| {
        *print.lock().unwrap() = format!("{head:?}");
        None
    });
    let _ = sessions.open(&Request::get("/").header("cookie", &cookie).body(()).unwrap()).await;
    let printed = printed.lock().unwrap().clone();
    assert!(printed.contains("GET") && !printed.contains(&cookie[20..40]), "{printed}");
}

#[tokio::test]
async fn b11_a_session_first_opened_after_the_head_is_gone_is_told() {
    let sessions = Sessions::<Visit>::new(kit::ring()).unwrap();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let service = sessions.layer(service_fn(move |request: Request<String>| {
        *keep.lock().unwrap() = Some(request);
        async { Ok::<_, std::convert::Infallible>(Response::new(String::new())) }
    }));
    let _ = service.oneshot(Request::new(String::new())).await.unwrap();
    let request = kept.lock().unwrap().take().unwrap();
    let late = sessions.open(&request).await.unwrap();
    assert!(late.try_update(|visit| visit.views += 1).unwrap_err().is_finished());
    assert!(late.save().await.unwrap_err().is_finished());
}

#[tokio::test]
async fn b11_a_session_whose_client_has_hung_up_is_told() {
    let sessions = Sessions::<Visit>::new(kit::ring()).unwrap();
    let (handle, kept) = (sessions.clone(), Arc::new(Mutex::new(None)));
    let keep = kept.clone();
    let service = sessions.layer(service_fn(move |request: Request<String>| {
        let (opening, keep) = (handle.open(&request), keep.clone());
        async move {
            *keep.lock().unwrap() = Some(opening.await.unwrap());
            std::future::pending::<Result<Response<String>, std::convert::Infallible>>().await
        }
    }));
    let mut response = Box::pin(service.oneshot(Request::new(String::new())));
    let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(response.as_mut().poll(cx).is_pending()));
    assert!(polled.await);
    let session = kept.lock().unwrap().take().unwrap();
    session.save().await.unwrap();
    drop(response);
    assert!(session.save().await.unwrap_err().is_finished());
}

#[tokio::test]
async fn a_commit_by_hand_below_the_layer_is_the_commit() {
    let sessions = Sessions::<Visit>::new(kit::ring()).unwrap();
    let handle = sessions.clone();
    let service = sessions.layer(service_fn(move |request: Request<String>| {
        let (opening, handle) = (handle.open(&request), handle.clone());
        async move {
            let session = opening.await.unwrap();
            session.update(|visit| visit.views += 1);
            let mut response = Response::new(String::new());
            let _ = handle.commit(session, &mut response).await.unwrap();
            Ok::<_, std::convert::Infallible>(response)
        }
    }));
    let response = service.oneshot(Request::new(String::new())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 1);
}

#[tokio::test]
async fn a_clock_beyond_the_format_fails_only_what_must_be_stamped() {
    let app = routes().layer(much_later());
    assert_eq!(Browser::new().get(&app, "/read").await.status, StatusCode::OK);
    let destroyed = Browser::holding("__Host-session", "AAAA").get(&app, "/destroy").await;
    assert!(destroyed.status.is_success() && destroyed.removes());
    assert_eq!(Browser::new().get(&app, "/add").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let sealer = Sealer::<u8>::builder(kit::ring(), "test").build().unwrap();
    assert!(sealer.seal(&1, UNIX_EPOCH - MINUTE).is_err());
}

#[test]
fn endless_timeouts_are_checked_without_overflow() {
    let header =
        Header { schema: 0, created: 1, issued: 1, window: 60, session_id: [0; 16], persistent: false };
    let endless = Timeouts::default().absolute_timeout(Duration::MAX).longest_idle_timeout(Duration::MAX);
    assert!(endless.judge(&header, UNIX_EPOCH + Duration::from_secs(2)).is_ok());
}

#[test]
fn b23_a_persistent_absolute_timeout_shorter_than_the_absolute_timeout_is_an_error() {
    let builder = Sessions::<Visit>::builder(kit::ring()).timeouts(|t| t.persistent_absolute_timeout(HOUR));
    let error = builder.build().unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("`remember` would shorten a session"),
        "{error}"
    );
}
