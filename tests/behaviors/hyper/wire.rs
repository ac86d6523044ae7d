//! What bodies, hang-ups and upgrades do (B02, B11, B16, B17).

use std::{future::pending, sync::Arc};

use futures_util::stream;
use hyper::{Response, StatusCode, body::Bytes};
use tokio::sync::{Notify, mpsc};

use super::server::{Body, Handler, On, Scene, handler, streamed, verb};

pub async fn b02_a_fresh_session_is_sent_once_whatever_the_body(on: On) {
    let scene = Scene::new(on).await;
    for (path, length) in
        [("/add-and-empty", 0), ("/add-and-large=1048576", 1 << 20), ("/add-and-stream", 11)]
    {
        let mut visitor = scene.visitor().await;
        let answer = visitor.get(path).await;
        assert_eq!(answer.body.len(), length, "{path}");
        assert!(answer.set_cookie().starts_with("__Host-session="), "{path}");
        assert_eq!(visitor.views().await, "1", "{path}");
    }
}

pub async fn b02_a_streamed_body_is_still_chunked(on: On) {
    let answer = Scene::new(on).await.visitor().await.get("/add-and-stream").await;
    assert_eq!(answer.headers["transfer-encoding"], "chunked");
    assert_eq!(answer.text(), "onetwothree");
    answer.set_cookie();
}

pub async fn b03_requests_at_once_on_one_connection_do_not_share_a_session(on: On) {
    let (held, hold) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (hold_one, release) = (held.clone(), hold.clone());
    let scene = Scene::answering(
        on,
        handler(move |path, session| {
            let (held, hold) = (hold_one.clone(), release.clone());
            async move {
                if path == "/add-slowly" {
                    session.update(|visit| visit.views += 100);
                    held.notify_one();
                    hold.notified().await;
                }
                verb(&path, &session)
            }
        }),
    )
    .await;
    let mut visitor = scene.visitor().await;
    let mut other = visitor.another_on_this_connection();
    let slow = tokio::spawn(async move { visitor.get("/add-slowly").await });
    held.notified().await;
    assert_eq!(other.get("/add").await.text(), "1", "while the first is being answered");
    hold.notify_one();
    slow.await.unwrap().set_cookie();
    assert_eq!(other.views().await, "1");
}

pub async fn b11_a_change_made_while_the_body_streams_comes_too_late_and_is_told(on: On) {
    let (told, mut tell) = mpsc::unbounded_channel();
    let scene = Scene::answering(
        on,
        handler(move |_, session| {
            let told = told.clone();
            async move {
                streamed(stream::once(async move {
                    let change = session.try_update(|visit| visit.views += 1);
                    told.send(change.is_err_and(|error| error.is_finished())).unwrap();
                    Bytes::from("late")
                }))
            }
        }),
    )
    .await;
    let answer = scene.visitor().await.get("/late").await;
    assert_eq!(answer.text(), "late");
    assert!(answer.sends_nothing());
    assert_eq!(tell.recv().await, Some(true));
}

/// Tells when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Answers every path but `/wait`, whose handler changes the session, tells that it has been entered, and waits until
/// it is given up, which it tells, too.
fn waiting(entered: &Arc<Notify>, dropped: &Arc<Notify>) -> Handler {
    let (entered, dropped) = (entered.clone(), dropped.clone());
    handler(move |path, session| {
        let (entered, dropped) = (entered.clone(), dropped.clone());
        async move {
            if path != "/wait" {
                return verb(&path, &session);
            }
            let _dropped = Dropped(dropped);
            session.update(|visit| visit.views += 1);
            entered.notify_one();
            pending::<Response<Body>>().await
        }
    })
}

pub async fn b16_a_client_that_hangs_up_before_the_answer_leaves_the_session_as_before(on: On) {
    let (entered, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let scene = Scene::answering(on, waiting(&entered, &dropped)).await;
    let mut visitor = scene.returning().await;
    let request = visitor.request("GET", "/wait");
    tokio::select! {
        _ = visitor.begin(request) => panic!("it does not answer"),
        () = entered.notified() => {}
    }
    let browser = visitor.hang_up().await;
    dropped.notified().await;
    let mut visitor = scene.visitor().await;
    visitor.browser = browser;
    assert_eq!(visitor.views().await, "1");
}

pub async fn b16_a_stream_that_is_reset_leaves_the_session_as_before_and_the_connection_open(on: On) {
    let (entered, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let scene = Scene::answering(on, waiting(&entered, &dropped)).await;
    let mut visitor = scene.returning().await;
    let request = visitor.request("GET", "/wait");
    tokio::select! {
        _ = visitor.begin(request) => panic!("it does not answer"),
        () = entered.notified() => {}
    }
    dropped.notified().await;
    assert_eq!(visitor.views().await, "1");
}

pub async fn b16_a_client_that_hangs_up_within_the_body_leaves_the_session_as_after(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.visitor().await;
    let response = visitor.begin(visitor.request("GET", "/add-and-stream-for-ever")).await.unwrap();
    visitor.browser.keep(response.headers()["set-cookie"].to_str().unwrap());
    let browser = visitor.hang_up().await;
    drop(response);
    let mut visitor = scene.visitor().await;
    visitor.browser = browser;
    assert_eq!(visitor.views().await, "1");
}

pub async fn b17_responses_without_a_body_carry_the_cookie_like_any_other(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.visitor().await;
    let head = visitor.send(visitor.request("HEAD", "/add")).await;
    assert_eq!(head.text(), "");
    head.set_cookie();
    assert_eq!(visitor.views().await, "1");

    let not_modified = visitor.get("/add-not-modified").await;
    assert_eq!(not_modified.status, StatusCode::NOT_MODIFIED);
    not_modified.set_cookie();
    assert_eq!(visitor.views().await, "2");
}

pub async fn b17_an_upgrade_carries_the_cookie_like_any_other(on: On) {
    let scene = Scene::new(on).await;
    let mut visitor = scene.visitor().await;
    let mut request = visitor.request("GET", "/add-and-upgrade");
    request.headers_mut().insert("connection", "upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "test".parse().unwrap());
    let response = visitor.begin(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut next = scene.visitor().await;
    next.browser.keep(response.headers()["set-cookie"].to_str().unwrap());
    assert_eq!(next.views().await, "1");
}
