//! What only the wrapper does: it gives all that ask one session, knows what lies around it, and answers for a session
//! that can't be kept.

use std::{convert::Infallible, sync::Arc};

use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    service::{Service, service_fn},
};
#[cfg(feature = "axum")]
use hyper_util::service::TowerToHyperService;
use sealed_session::{Error, Sessions};

use crate::{
    hyper::{
        client::Visitor,
        server::{Body, Handler, On, Scene, handler, serve, status, text, verb, wrapped},
    },
    kit::{self, Clock, HOUR, SECOND, Visit, log::Log},
};

fn sessions() -> Sessions<Visit> {
    kit::sessions(kit::ring(), &Clock::new()).build().unwrap()
}

fn verbs() -> Handler {
    handler(|path, session| async move { verb(&path, &session) })
}

pub async fn b10_everybody_who_asks_in_one_request_sees_one_session(on: On) {
    let sessions = sessions();
    let handle = sessions.clone();
    let service = sessions.wrap(service_fn(move |request: Request<Incoming>| {
        let sessions = handle.clone();
        async move {
            let first = sessions.open(&request).await.unwrap();
            first.update(|visit| visit.views = 5);
            let second = sessions.clone().open(&request).await.unwrap();
            Ok::<_, Infallible>(text(second.read(|visit| visit.views.to_string())))
        }
    }));
    let address = serve(on.version, service).await;
    let answer = Visitor::connect(on.version, address).await.get("/").await;
    assert_eq!(answer.text(), "5");
    answer.set_cookie();
}

pub async fn b14_two_wrappers_that_would_write_one_cookie_are_a_500(on: On) {
    let address = serve(on.version, sessions().wrap(wrapped(&sessions(), verbs()))).await;
    let answer = Visitor::connect(on.version, address).await.get("/read").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text(), "");
    assert!(answer.sends_nothing());
}

pub async fn b14_and_the_log_says_what_to_do(on: On) {
    let (log, _guard) = Log::record();
    let address = serve(on.version, sessions().wrap(wrapped(&sessions(), verbs()))).await;
    Visitor::connect(on.version, address).await.get("/read").await;
    let text = log.text();
    assert!(text.contains("two session layers would write the same cookie"), "{text}");
    assert!(text.contains("__Host-session"), "{text}");
}

pub async fn b14_wrappers_with_different_types_and_names_live_side_by_side(on: On) {
    let visits = sessions();
    let themes = Sessions::<bool>::builder(kit::ring()).cookie(|c| c.name("theme")).build().unwrap();
    let (visit, theme) = (visits.clone(), themes.clone());
    let service = visits.wrap(themes.wrap(service_fn(move |request: Request<Incoming>| {
        let (visits, themes) = (visit.clone(), theme.clone());
        async move {
            Ok::<_, Infallible>(match request.uri().path() {
                "/dark" => {
                    themes.open(&request).await.unwrap().update(|dark| *dark = true);
                    text("")
                }
                "/both" => {
                    let dark = themes.open(&request).await.unwrap().read(|dark| *dark);
                    let views = visits.open(&request).await.unwrap().read(|visit| visit.views);
                    text(format!("{dark} {views}"))
                }
                path => verb(path, &visits.open(&request).await.unwrap()),
            })
        }
    })));
    let mut visitor = Visitor::connect(on.version, serve(on.version, service).await).await;
    assert!(visitor.post("/dark").await.set_cookie().starts_with("__Host-theme="));
    assert!(visitor.post("/add").await.set_cookie().starts_with("__Host-session="));
    assert_eq!(visitor.get("/both").await.text(), "true 1");
}

pub async fn b25_timeouts_are_checked_when_the_request_begins(on: On) {
    let clock = Clock::new();
    let sessions = kit::sessions(kit::ring(), &clock).build().unwrap();
    let (handle, slow) = (sessions.clone(), clock.clone());
    let service = sessions.wrap(service_fn(move |request: Request<Incoming>| {
        let (sessions, slow) = (handle.clone(), slow.clone());
        async move {
            slow.advance(SECOND);
            let session = sessions.open(&request).await.unwrap();
            Ok::<_, Infallible>(verb(request.uri().path(), &session))
        }
    }));
    let mut visitor = Visitor::connect(on.version, serve(on.version, service).await).await;
    visitor.post("/add").await;
    clock.advance(2 * HOUR - SECOND);
    assert_eq!(visitor.post("/add").await.text(), "2", "it was live when the request began");
}

pub async fn b33_a_hook_can_answer_otherwise(on: On) {
    let replaced = Scene::configured(on, |builder| {
        builder.on_commit_failure(|error| {
            assert!(error.is_too_large());
            Some(StatusCode::PAYLOAD_TOO_LARGE)
        })
    });
    let answer = replaced.await.visitor().await.post("/note=2000000").await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);

    let sent = Scene::configured(on, |builder| builder.on_commit_failure(|_| None));
    let answer = sent.await.visitor().await.post("/note=2000000").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "noted"));
    assert!(answer.sends_nothing());
}

pub async fn b33_a_service_further_out_can_make_a_page_of_the_error(on: On) {
    let inner = wrapped(&sessions(), verbs());
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = inner.call(request);
        async move {
            let response = answer.await?;
            Ok::<_, Infallible>(match response.extensions().get::<Arc<Error>>() {
                Some(error) if error.is_too_large() => text("your basket is full"),
                _ => response,
            })
        }
    });
    let mut visitor = Visitor::connect(on.version, serve(on.version, service).await).await;
    assert_eq!(visitor.post("/note=2000000").await.text(), "your basket is full");
}

pub async fn a_request_that_the_service_gives_up_changes_nothing(on: On) {
    let sessions = sessions();
    let handle = sessions.clone();
    let failing = sessions.wrap(service_fn(move |request: Request<Incoming>| {
        let sessions = handle.clone();
        async move {
            sessions.open(&request).await.unwrap().update(|visit| visit.views += 1);
            Err::<Response<Body>, _>("given up")
        }
    }));
    // hyper would close the connection: who stands around it sees the error.
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = failing.call(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|_| status(StatusCode::BAD_GATEWAY))) }
    });
    let answer = Visitor::connect(on.version, serve(on.version, service).await).await.get("/").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.sends_nothing());
}

#[cfg(feature = "axum")]
pub async fn an_axum_router_within_has_the_session_too(on: On) {
    let router = TowerToHyperService::new(kit::app::routes());
    let mut visitor = Visitor::connect(on.version, serve(on.version, sessions().wrap(router)).await).await;
    for expected in ["1", "2"] {
        assert_eq!(visitor.post("/add").await.text(), expected);
    }
}

#[cfg(feature = "axum")]
pub async fn b14_a_layer_within_that_would_write_the_same_cookie_is_a_500(on: On) {
    let layered = TowerToHyperService::new(kit::app::app(sessions()));
    let mut visitor = Visitor::connect(on.version, serve(on.version, sessions().wrap(layered)).await).await;
    assert_eq!(visitor.get("/read").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
