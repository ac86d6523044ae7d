//! Requests that are cut off: a stored session that they have destroyed is deleted all the same.

use std::{future::Future, task::Poll, time::UNIX_EPOCH};

use axum::{Router, routing::get};
use kit::{Browser, Mood, Visit, log::Log};
use sealed_session::{Commit, Session};

use crate::{LARGE, Shop, add, is_reference, kit, note, receive, views};

/// Polls a request until it waits, and drops it: the client has hung up.
async fn cut_off<R>(request: impl Future<Output = R>) {
    let mut request = Box::pin(request);
    std::future::poll_fn(|cx| {
        assert!(request.as_mut().poll(cx).is_pending(), "the request waits");
        Poll::Ready(())
    })
    .await;
}

/// Lets the tasks run that are ready.
async fn others() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// An application whose handler calls `act`, and then waits for good.
fn waiting(shop: &Shop, act: fn(&Session<Visit>)) -> Router {
    let handler = async move |session: Session<Visit>| {
        act(&session);
        std::future::pending::<()>().await;
    };
    Router::new().route("/", get(handler)).layer(shop.sessions.clone())
}

#[tokio::test]
async fn b16_a_session_that_a_cut_off_request_has_destroyed_is_deleted() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let app = waiting(&shop, Session::destroy);
    cut_off(kit::ask(&app, browser.request("GET", "/"))).await;
    others().await;
    assert_eq!(shop.store.len(), 0);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes.len()), 0, "a copy does not open");
}

#[tokio::test]
async fn b16_a_session_that_a_cut_off_request_has_not_destroyed_is_left_as_it_was() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    for act in [add, Session::cycle_id, Session::clear] {
        let app = waiting(&shop, act);
        cut_off(kit::ask(&app, browser.request("GET", "/"))).await;
        others().await;
        let session = shop.open(&browser).await;
        assert_eq!((views(&session), session.read(|visit| visit.notes[0].len())), (0, LARGE));
    }
}

#[tokio::test]
async fn b16_a_request_that_is_cut_off_while_it_deletes_deletes_all_the_same() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    shop.store.once("delete", Mood::Hanging);
    cut_off(kit::ask(&shop.app, browser.request("GET", "/destroy"))).await;
    others().await;
    assert_eq!(shop.store.len(), 0);
    assert_eq!(shop.store.calls(), ["load", "delete", "delete"]);
}

#[tokio::test]
async fn b16_destroyed_by_hand_and_never_committed_a_session_is_deleted() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    drop(session);
    others().await;
    assert_eq!(shop.store.len(), 0);
}

#[tokio::test]
async fn what_was_deleted_before_the_response_is_not_deleted_again() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    assert!(shop.get(&mut browser, "/destroy").await.removes());
    others().await;
    assert_eq!(shop.store.calls(), ["load", "delete"]);
}

#[tokio::test(start_paused = true)]
async fn b16_where_the_store_fails_a_task_goes_on_trying_to_delete() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let app = waiting(&shop, Session::destroy);
    shop.store.once("delete", Mood::Down);
    cut_off(kit::ask(&app, browser.request("GET", "/"))).await;
    others().await;
    assert_eq!((shop.store.len(), shop.sessions.counters().cleanups_retried), (1, 1));
    tokio::time::sleep(kit::SECOND).await;
    others().await;
    assert_eq!((shop.store.len(), shop.sessions.counters().cleanups_failed), (0, 0));
}

#[test]
fn where_no_runtime_is_left_the_log_says_when_the_session_expires() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (shop, session) = runtime.block_on(async {
        let shop = Shop::plain();
        let session = shop.open(&shop.stored_browser().await).await;
        (shop, session)
    });
    let (log, _guard) = Log::record();
    session.destroy();
    drop(session);
    says_until_when(&shop, &log);
}

fn says_until_when(shop: &Shop, log: &Log) {
    let expires = shop.store.only().1.expires.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let text = log.text();
    assert!(text.contains("ERROR"), "{text}");
    assert!(text.contains("a destroyed session is left in its store"), "{text}");
    assert!(text.contains(&format!("expires_unix={expires}")), "{text}");
}

#[tokio::test]
async fn b15_saved_after_destroy_a_session_is_deleted_at_once() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    session.save().await.unwrap();
    assert_eq!((shop.store.len(), shop.store.calls()), (0, vec!["load", "delete"]));
    let (commit, headers) = shop.commit(session).await;
    assert_eq!((commit.unwrap(), shop.store.calls()), (Commit::Remove, vec![]));
    receive(&mut browser, &headers);
    assert_eq!(browser.cookie_header(), None);
}

#[tokio::test]
async fn b15_save_after_destroy_says_that_the_store_fails_and_can_be_tried_again() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    shop.store.once("delete", Mood::Down);
    assert!(session.save().await.unwrap_err().is_store());
    assert_eq!(shop.store.len(), 1);
    session.save().await.unwrap();
    assert_eq!(shop.store.len(), 0);
}

#[tokio::test]
async fn b15_what_save_could_not_delete_is_deleted_by_the_commit() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    shop.store.once("delete", Mood::Down);
    assert!(session.save().await.is_err());
    let (commit, _) = shop.commit(session).await;
    assert_eq!((commit.unwrap(), shop.store.len()), (Commit::Remove, 0));
}

#[tokio::test]
async fn b15_data_put_in_after_destroy_are_saved_as_a_new_session() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.destroy();
    note(&session, LARGE + 1);
    session.save().await.unwrap();
    assert_eq!((shop.store.len(), shop.store.calls()), (1, vec!["load", "delete", "create"]));
    let (commit, headers) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    receive(&mut browser, &headers);
    assert!(is_reference(&browser));
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), LARGE + 1);
}

#[tokio::test]
async fn b15_a_destroyed_session_that_is_in_its_cookie_is_saved_without_the_store() {
    let shop = Shop::plain();
    let mut browser = Browser::new();
    shop.get(&mut browser, "/add").await;
    let session = shop.open(&browser).await;
    session.destroy();
    session.save().await.unwrap();
    assert_eq!(shop.store.calls(), Vec::<&str>::new());
    assert_eq!(shop.commit(session).await.0.unwrap(), Commit::Remove);
}
