//! Visitors who try to fill the store: which sessions may move there, how many bytes in what time, and what is counted.

use kit::{Browser, HOUR, SECOND, Visit};
use sealed_session::{Arrival, Session, SessionsBuilder};

use crate::{LARGE, Shop, add, is_reference, kit, note, receive};

fn only_signed_in(builder: SessionsBuilder<Visit>) -> SessionsBuilder<Visit> {
    builder.may_overflow(|visit| visit.user.is_some())
}

fn sign_in(session: &Session<Visit>) {
    session.cycle_id();
    session.update(|visit| visit.user = Some(7));
}

/// A browser whose session is signed in and in the store.
async fn signed_in(shop: &Shop) -> Browser {
    let mut browser = Browser::new();
    let session = shop.open(&browser).await;
    sign_in(&session);
    note(&session, LARGE);
    let (commit, headers) = shop.commit(session).await;
    let _ = commit.unwrap();
    receive(&mut browser, &headers);
    assert!(is_reference(&browser));
    shop.store.calls();
    browser
}

#[tokio::test]
async fn a_visitor_who_is_not_signed_in_cannot_put_anything_into_the_store() {
    let shop = Shop::with(only_signed_in);
    for _ in 0..100 {
        let mut browser = Browser::new();
        shop.get(&mut browser, "/add").await;
        let answer = shop.get(&mut browser, &format!("/note/{LARGE}")).await;
        assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (413, true));
        assert_eq!(shop.get(&mut browser, "/read").await.text(), "1", "the session is as it was");
    }
    assert_eq!((shop.store.len(), shop.store.calls()), (0, vec![]));
    assert_eq!(shop.sessions.counters().barred, 100);
}

#[tokio::test]
async fn a_session_that_the_rule_keeps_out_of_the_store_is_told_so_by_save_and_size() {
    let shop = Shop::with(only_signed_in);
    let session = shop.open(&Browser::new()).await;
    note(&session, LARGE);
    let size = session.size().unwrap();
    assert_eq!((size.in_store, size.limit, size.left), (false, 4096, 0));
    let error = session.save().await.unwrap_err();
    assert!(error.is_too_large() && error.status() == 413);
    assert!(error.to_string().contains("`may_overflow` keeps it out of the store"), "{error}");
    assert_eq!(error.size_and_limit(), Some((size.used, 4096)));
    sign_in(&session);
    assert!(session.size().unwrap().in_store);
    session.save().await.unwrap();
    assert_eq!(shop.store.len(), 1);
}

#[tokio::test]
async fn a_stored_session_that_the_rule_would_no_longer_let_in_can_still_change_and_sign_out() {
    let shop = Shop::with(only_signed_in);
    let mut browser = signed_in(&shop).await;
    let session = shop.open(&browser).await;
    session.cycle_id();
    session.update(|visit| visit.user = None);
    let (commit, headers) = shop.commit(session).await;
    let _ = commit.unwrap();
    receive(&mut browser, &headers);
    assert_eq!(shop.get(&mut browser, "/add").await.status, 200);
    assert_eq!(shop.open(&browser).await.read(|visit| (visit.user, visit.notes[0].len())), (None, LARGE));
}

#[tokio::test]
async fn the_rule_is_asked_again_of_a_new_session_that_replaces_a_stored_one() {
    let shop = Shop::with(only_signed_in);
    let browser = signed_in(&shop).await;
    let session = shop.open(&browser).await;
    session.destroy();
    note(&session, LARGE);
    assert_eq!(shop.commit(session).await.0.unwrap_err().status(), 413);
}

#[tokio::test]
async fn visitors_who_are_refused_by_the_rule_write_no_error_into_the_log() {
    let (log, _guard) = kit::log::Log::record();
    let shop = Shop::with(only_signed_in);
    shop.get(&mut Browser::new(), &format!("/note/{LARGE}")).await;
    let text = log.text();
    assert!(text.contains("a session could not be kept") && !text.contains("ERROR"), "{text}");
}

fn budget(builder: SessionsBuilder<Visit>) -> SessionsBuilder<Visit> {
    builder.store_limit(30_000).store_budget(50_000, HOUR)
}

#[tokio::test]
async fn what_is_over_the_budget_is_answered_by_503_until_the_next_period() {
    let shop = Shop::with(budget);
    let (log, _guard) = kit::log::Log::record();
    let mut one = shop.stored_browser().await;
    let mut two = Browser::new();
    shop.get(&mut two, &format!("/note/{LARGE}")).await;
    shop.store.calls();
    for _ in 0..3 {
        let mut third = Browser::new();
        let answer = shop.get(&mut third, &format!("/note/{LARGE}")).await;
        assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (503, true));
    }
    assert_eq!((shop.store.len(), shop.store.calls()), (2, vec![]));
    assert_eq!(shop.sessions.counters().over_budget, 3);
    let count = |level| log.text().matches(level).count();
    assert_eq!((count("WARN"), count("ERROR")), (1, 0), "one warning for each period");

    // Those that are there already, and those that need no store, go on.
    assert_eq!(shop.get(&mut one, "/add").await.status, 200);
    assert_eq!(shop.get(&mut one, "/renew").await.status, 200);
    assert_eq!(shop.get(&mut Browser::new(), "/add").await.status, 200);

    shop.clock.advance(HOUR - SECOND);
    assert_eq!(shop.get(&mut Browser::new(), &format!("/note/{LARGE}")).await.status, 503);
    shop.clock.advance(SECOND);
    assert_eq!(shop.get(&mut Browser::new(), &format!("/note/{LARGE}")).await.status, 200);
}

#[tokio::test]
async fn a_stored_session_that_grows_uses_up_the_budget_and_one_that_is_written_again_does_not() {
    let shop = Shop::with(budget);
    let mut browser = shop.stored_browser().await;
    for _ in 0..10 {
        assert_eq!(shop.get(&mut browser, "/add").await.status, 200);
    }
    assert_eq!(shop.get(&mut browser, "/note/29000").await.status, 200);
    let mut other = Browser::new();
    assert_eq!(shop.get(&mut other, "/note/19000").await.status, 200);
    assert_eq!(shop.get(&mut other, "/note/29000").await.status, 503, "9,000 more are more than is left");
    let stands = shop.open(&other).await;
    assert_eq!(stands.arrival(), Arrival::Opened);
    assert_eq!(stands.read(|visit| visit.notes[0].len()), 19_000);
}

#[tokio::test]
async fn a_write_that_meets_a_conflict_uses_up_no_budget() {
    let shop = Shop::with(|builder| budget(builder).on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    for _ in 0..4 {
        let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
        note(&one, LARGE);
        note(&other, LARGE + 5_000);
        add(&one);
        assert!(shop.commit(one).await.0.is_ok());
        assert!(shop.commit(other).await.0.unwrap_err().is_conflict());
    }
    assert_eq!(shop.get(&mut Browser::new(), &format!("/note/{LARGE}")).await.status, 200);
}

#[tokio::test]
async fn blobs_that_save_leaves_behind_use_up_the_budget() {
    let shop = Shop::with(budget);
    let browser = shop.stored_browser().await;
    let left_behind = async || {
        let session = shop.open(&browser).await;
        session.cycle_id();
        session.save().await
    };
    assert!(left_behind().await.is_ok());
    assert!(left_behind().await.unwrap_err().is_over_budget(), "the first one is still in the store");
}

#[tokio::test]
async fn a_new_id_that_is_saved_and_committed_uses_up_no_budget() {
    let shop = Shop::with(budget);
    let mut browser = shop.stored_browser().await;
    for _ in 0..3 {
        let session = shop.open(&browser).await;
        session.cycle_id();
        session.save().await.unwrap();
        let (commit, headers) = shop.commit(session).await;
        let _ = commit.unwrap();
        receive(&mut browser, &headers);
        assert_eq!(shop.store.len(), 1);
    }
}

#[tokio::test]
async fn counters_tell_how_many_bytes_went_into_the_store_and_by_how_many_it_grew() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let length = |shop: &Shop| shop.store.only().1.bytes.len() as u64;
    let first = length(&shop);
    let counters = shop.sessions.counters();
    assert_eq!((counters.bytes_written, counters.bytes_added), (first, first));
    shop.get(&mut browser, "/add").await;
    let counters = shop.sessions.counters();
    assert_eq!((counters.bytes_written, counters.bytes_added), (2 * first, first));
    let session = shop.open(&browser).await;
    note(&session, LARGE + 1000);
    add(&session);
    let _ = shop.commit(session).await.0.unwrap();
    let counters = shop.sessions.counters();
    let last = length(&shop);
    assert_eq!((counters.bytes_written, counters.bytes_added), (2 * first + last, last));
}
