//! `save`, which does before the commit what can fail at it.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use kit::{Browser, Mood, Visit};
use sealed_session::{Commit, Session};

use crate::{LARGE, Shop, add, is_reference, kit, note, receive, views};

#[tokio::test]
async fn b15_what_was_saved_is_in_the_store_and_the_commit_only_sends_the_cookie() {
    let shop = Shop::plain();
    let mut browser = Browser::new();
    let session = shop.open(&browser).await;
    note(&session, LARGE);
    session.save().await.unwrap();
    assert_eq!((shop.store.len(), shop.store.calls()), (1, vec!["create"]));
    let (commit, headers) = shop.commit(session).await;
    assert_eq!((commit.unwrap(), shop.store.calls()), (Commit::Set, vec!["set_expiry"]));
    receive(&mut browser, &headers);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), LARGE);
}

#[tokio::test]
async fn b15_save_says_that_the_store_fails_and_can_be_tried_again() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    shop.store.once("replace", Mood::Down);
    assert!(session.save().await.unwrap_err().is_store());
    session.save().await.unwrap();
    assert_eq!(views(&shop.open(&browser).await), 1);
}

#[tokio::test]
async fn b15_what_is_changed_after_a_save_is_kept_too() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    for _ in 0..3 {
        add(&session);
        session.save().await.unwrap();
    }
    add(&session);
    let (commit, headers) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    receive(&mut browser, &headers);
    assert_eq!(views(&shop.open(&browser).await), 4);
    assert_eq!((shop.store.len(), shop.store.generation().to_string()), (1, "5".into()));
}

#[tokio::test]
async fn b15_what_was_saved_small_enough_for_the_cookie_returns_with_its_next_change() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    for length in [5, 6] {
        let session = shop.open(&browser).await;
        note(&session, length);
        session.save().await.unwrap();
        let (commit, headers) = shop.commit(session).await;
        assert_eq!(commit.unwrap(), Commit::Set);
        receive(&mut browser, &headers);
        assert!(is_reference(&browser), "what was saved can't fail any more");
    }
    shop.get(&mut browser, "/add").await;
    assert!(!is_reference(&browser));
}

#[tokio::test]
async fn b15_a_session_that_fits_its_cookie_is_saved_without_the_store() {
    let shop = Shop::plain();
    let session = shop.open(&Browser::new()).await;
    add(&session);
    session.save().await.unwrap();
    assert_eq!(shop.store.calls(), [""; 0]);
}

#[tokio::test]
async fn b15_saved_under_a_new_id_the_old_blob_stays_until_the_commit() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let before = browser.clone();
    let session = shop.open(&browser).await;
    session.cycle_id();
    add(&session);
    session.save().await.unwrap();
    assert_eq!(shop.store.len(), 2);
    assert_eq!(views(&shop.open(&before).await), 0, "who hangs up now has lost nothing");

    let (commit, headers) = shop.commit(session).await;
    assert_eq!((commit.unwrap(), shop.store.len()), (Commit::Set, 1));
    receive(&mut browser, &headers);
    assert_eq!(views(&shop.open(&browser).await), 1);
}

#[tokio::test]
async fn b15_renewed_again_after_a_save_only_the_last_blob_stays() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    for _ in 0..3 {
        session.cycle_id();
        session.save().await.unwrap();
    }
    session.cycle_id();
    let (commit, headers) = shop.commit(session).await;
    assert_eq!((commit.unwrap(), shop.store.len()), (Commit::Set, 1));
    receive(&mut browser, &headers);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), LARGE);
}

#[tokio::test]
async fn b15_destroyed_after_a_save_nothing_stays() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.cycle_id();
    session.save().await.unwrap();
    session.destroy();
    let (commit, headers) = shop.commit(session).await;
    assert_eq!((commit.unwrap(), shop.store.len()), (Commit::Remove, 0));
    receive(&mut browser, &headers);
    assert_eq!(browser.cookie_header(), None);
}

#[tokio::test]
async fn b15_emptied_after_a_save_the_session_is_removed() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.clear();
    session.save().await.unwrap();
    let (commit, _) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Remove);
    assert_eq!(shop.store.seconds_left(), 30);
}

#[tokio::test]
async fn b15_a_save_meets_what_another_request_has_stored() {
    let merge = |conflict: sealed_session::Conflict<Visit>| {
        let added = conflict.mine.views - conflict.base.views;
        Some(Visit { views: conflict.theirs.views + added, ..conflict.theirs })
    };
    let shop = Shop::with(|builder| builder.on_conflict(merge));
    let browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&one);
    add(&other);
    let _ = shop.commit(one).await.0.unwrap();
    other.save().await.unwrap();
    assert_eq!(views(&other), 2, "the handler goes on with the merged data");
    add(&other);
    let _ = shop.commit(other).await.0.unwrap();
    assert_eq!(views(&shop.open(&browser).await), 3);
}

#[tokio::test]
async fn b15_a_change_that_is_made_while_a_save_merges_is_merged_by_the_commit() {
    let busy: Arc<Mutex<Option<Session<Visit>>>> = Arc::default();
    let handle = busy.clone();
    let shop = Shop::with(|builder| {
        builder.on_conflict(move |conflict| {
            if let Some(session) = handle.lock().unwrap().take() {
                add(&session);
            }
            let added = conflict.mine.views - conflict.base.views;
            Some(Visit { views: conflict.theirs.views + added, ..conflict.theirs })
        })
    });
    let browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&one);
    add(&other);
    let _ = shop.commit(one).await.0.unwrap();
    *busy.lock().unwrap() = Some(other.clone());
    other.save().await.unwrap();
    let _ = shop.commit(other).await.0.unwrap();
    assert_eq!(views(&shop.open(&browser).await), 3);
}

#[tokio::test]
async fn b15_a_commit_waits_for_a_save_that_is_still_at_work() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    let handle = session.clone();
    let saving = async { handle.save().await };
    let committing = async { shop.commit(session).await };
    let (saved, (commit, headers)) = tokio::join!(saving, committing);
    assert_eq!(commit.unwrap(), Commit::Set);
    let _ = saved; // it may have come too late, and says so
    let mut browser = browser;
    receive(&mut browser, &headers);
    assert_eq!(views(&shop.open(&browser).await), 1);
    assert_eq!(shop.sessions.counters().overwritten, 0, "no request is in its own way");
}

#[tokio::test]
async fn b12_what_was_saved_in_its_blob_stays_though_the_handler_fails() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    session.save().await.unwrap();
    let mut response = http::Response::builder().status(500).body(()).unwrap();
    assert_eq!(shop.sessions.commit(session, &mut response).await.unwrap(), Commit::Keep);
    assert_eq!(views(&shop.open(&browser).await), 1);
}

#[tokio::test]
async fn b15_another_request_that_undoes_what_was_saved_is_a_conflict() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    session.save().await.unwrap();
    let undoes = shop.open(&browser).await;
    undoes.update(|visit| visit.views -= 1);
    let _ = shop.commit(undoes).await.0.unwrap();
    note(&session, LARGE + 1);
    assert!(shop.commit(session).await.0.unwrap_err().is_conflict());
}

#[tokio::test]
async fn b15_a_session_that_another_request_ends_after_its_save_is_a_conflict() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    session.save().await.unwrap();
    shop.get(&mut browser.clone(), "/destroy").await;
    assert!(shop.commit(session).await.0.unwrap_err().is_conflict());
}

#[tokio::test]
async fn b15_a_change_after_a_save_that_the_store_does_not_take_is_an_error() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    session.save().await.unwrap();
    add(&session);
    shop.store.once("replace", Mood::Down);
    assert!(shop.commit(session).await.0.unwrap_err().is_store());
}

#[tokio::test]
async fn b15_what_a_save_may_have_stored_before_it_was_dropped_is_overwritten() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    shop.store.once("replace", Mood::Hanging);
    assert!(session.save().now_or_never().is_none());
    session.update(|visit| visit.views -= 1);
    let (commit, _) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    assert_eq!(shop.store.generation().to_string(), "2");
}

#[tokio::test]
async fn b15_a_change_that_is_undone_after_its_save_was_a_conflict_is_none() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&one);
    add(&other);
    let _ = shop.commit(one).await.0.unwrap();
    assert!(other.save().await.unwrap_err().is_conflict());
    other.update(|visit| visit.views -= 1);
    assert_eq!(shop.commit(other).await.0.unwrap(), Commit::Keep);
}
