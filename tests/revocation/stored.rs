//! Revocations of sessions that are in a store, because they do not fit in their cookies.

use axum::http::StatusCode;
use sealed_session::{Commit, Conflict};

use crate::{
    kit::{Browser, Clock, Mood, TestStore},
    node::{Fleet, Node, Visit},
};

const REVOKED: &str = "Refused(Revoked)";

/// Nodes that share a store, in which every session is that signs in with a long name of its provider session.
async fn nodes(fleet: &Fleet) -> (Node, Node, TestStore) {
    let store = TestStore::new(&Clock::at(fleet.world.now()));
    (fleet.node_over(&store).await, fleet.node_over(&store).await, store)
}

async fn signed_in(node: &Node, user: u64) -> Browser {
    let mut browser = Browser::new();
    let long = "s".repeat(6_000);
    browser.post(&node.app, &format!("/sign-in-at-provider/{user}/{long}")).await;
    browser
}

#[tokio::test(start_paused = true)]
async fn b71_logging_a_user_out_ends_the_sessions_in_the_store_on_every_node() {
    let fleet = Fleet::new();
    let (here, there, store) = nodes(&fleet).await;
    let (browser, other) = (signed_in(&here, 7).await, signed_in(&here, 8).await);
    assert_eq!(store.len(), 2);
    here.revocations.subject("shop", &7).await.unwrap();
    assert_eq!(here.arrival(&browser).await, REVOKED);
    fleet.pass(5).await;
    assert_eq!(there.arrival(&browser).await, REVOKED);
    assert_eq!(there.user(&other).await, "Some(8)");
}

#[tokio::test(start_paused = true)]
async fn b41_the_cookie_of_a_stored_session_is_removed_once_its_revocation_is_some_seconds_old() {
    let fleet = Fleet::new();
    let (here, _, _) = nodes(&fleet).await;
    let browser = signed_in(&here, 7).await;
    here.revocations.subject("shop", &7).await.unwrap();
    assert!(here.ask(&browser, "/read").await.sends_nothing());
    fleet.pass(11).await;
    assert!(here.ask(&browser, "/read").await.removes());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_session_id_is_rejected_without_a_call_to_the_store() {
    let fleet = Fleet::new();
    let (here, _, store) = nodes(&fleet).await;
    let browser = signed_in(&here, 7).await;
    let id = browser.metadata(&here.sessions).await.id();
    here.revocations.session("shop", id).await.unwrap();
    store.look().calls.clear();
    assert_eq!(here.arrival(&browser).await, REVOKED);
    assert_eq!(store.look().calls, Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn b72_a_sign_out_from_the_store_ends_a_copy_that_the_store_brings_back() {
    let fleet = Fleet::new();
    let (here, there, store) = nodes(&fleet).await;
    let mut browser = signed_in(&here, 7).await;
    let (copy, kept) = (browser.clone(), store.only());
    assert!(browser.post(&here.app, "/sign-out").await.removes());
    assert_eq!(store.len(), 0);
    store.look().blobs.insert(kept.0, kept.1);
    fleet.pass(6).await;
    assert_eq!(here.arrival(&copy).await, REVOKED);
    assert_eq!(there.arrival(&copy).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_store_does_not_write_under_its_new_id_goes_on_under_the_old_one() {
    let fleet = Fleet::new();
    let (here, there, store) = nodes(&fleet).await;
    let mut browser = signed_in(&here, 7).await;
    for call in ["create", "replace"] {
        store.once(call, Mood::Down);
    }
    let answer = browser.post(&here.app, "/new-id").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.sends_nothing());
    fleet.pass(10).await;
    assert_eq!(here.user(&browser).await, "Some(7)");
    assert_eq!(there.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_a_merge_empties_while_it_leaves_its_former_realm_ends_in_its_older_cookies_too() {
    let fleet = Fleet::new();
    let (before, _, store) = nodes(&fleet).await;
    let empties = |_: Conflict<Visit>| Some(Visit::default());
    let renamed = fleet.node_whose(|builder| {
        let builder = builder.realm("market").accept_previous("shop", |cookie| cookie);
        builder.store(store.clone()).on_conflict(empties)
    });
    let renamed = renamed.await;
    let mut browser = before.signed_in(7).await;
    let copy = browser.clone();
    browser.post(&before.app, &format!("/name-provider-session/{}", "s".repeat(6_000))).await;
    assert_eq!((store.len(), renamed.user(&copy).await), (1, "Some(7)".into()));
    let session = browser.session(&renamed.sessions).await;
    session.update(|visit| visit.views += 1);
    browser.post(&before.app, "/add").await;
    let mut response = axum::http::Response::new(());
    let commit = renamed.sessions.commit(session, &mut response).await.unwrap();
    assert_eq!(commit, Commit::Remove);
    fleet.pass(10).await;
    assert_eq!(renamed.user(&copy).await, "None");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_password_keeps_a_stored_session_and_ends_the_others() {
    let fleet = Fleet::new();
    let (here, there, store) = nodes(&fleet).await;
    let (mut mine, other) = (signed_in(&here, 7).await, signed_in(&there, 7).await);
    assert_eq!(mine.post(&here.app, "/log-out-others").await.status, StatusCode::OK);
    fleet.pass(5).await;
    assert_eq!(there.user(&mine).await, "Some(7)");
    assert_eq!(there.arrival(&other).await, REVOKED);
    assert_eq!(store.len(), 2, "the blob of the revoked session expires by itself");
}

#[tokio::test(start_paused = true)]
async fn a_stored_session_that_was_revoked_while_a_request_handles_it_is_not_written() {
    let fleet = Fleet::new();
    let (here, _, store) = nodes(&fleet).await;
    let slow = signed_in(&here, 7).await.session(&here.sessions).await;
    here.revocations.subject("shop", &7).await.unwrap();
    let before = store.only();
    slow.update(|visit| visit.views += 1);
    assert!(slow.save().await.unwrap_err().is_conflict());
    let mut response = axum::http::Response::new(());
    assert!(here.sessions.commit(slow, &mut response).await.unwrap_err().is_conflict());
    assert_eq!(store.only(), before);
    assert!(response.headers().get("set-cookie").is_none());
}
