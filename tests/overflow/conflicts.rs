//! Two requests at once, on one stored session.

use kit::{HOUR, Visit, log::Log};
use sealed_session::{Arrival, Commit, Key, KeyRing, Refusal};

use crate::{LARGE, Shop, add, is_reference, kit, note, receive, views};

#[tokio::test]
async fn by_default_the_last_write_wins_and_that_is_counted_and_logged() {
    let (log, _guard) = Log::record();
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    one.update(|visit| visit.user = Some(1));
    other.update(|visit| visit.user = Some(2));
    let (_, first) = shop.commit(one).await;
    let (commit, second) = shop.commit(other).await;

    assert_eq!(commit.unwrap(), Commit::Set);
    assert_eq!(shop.sessions.counters().overwritten, 1);
    assert!(log.text().contains("two requests changed a session at the same time"));
    // In whatever order the responses arrive.
    receive(&mut browser, &second);
    receive(&mut browser, &first);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.user), Some(2));
}

#[tokio::test]
async fn refused_the_second_change_is_answered_by_409_and_the_first_stays() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let mut browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    one.update(|visit| visit.user = Some(1));
    other.update(|visit| visit.user = Some(2));
    let (_, first) = shop.commit(one).await;
    let (commit, second) = shop.commit(other).await;

    let error = commit.unwrap_err();
    assert!(error.is_conflict() && error.status() == 409, "{error}");
    assert!(!second.contains_key("set-cookie"));
    receive(&mut browser, &first);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.user), Some(1));
}

#[tokio::test]
async fn the_layer_answers_a_conflict_by_409() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let mut browser = shop.stored_browser().await;
    // Between the load and the replacement, another request writes.
    let other = shop.open(&browser).await;
    add(&other);
    let app = axum::Router::new()
        .route(
            "/slow",
            axum::routing::get({
                let sessions = shop.sessions.clone();
                move |session: sealed_session::Session<Visit>| async move {
                    add(&session);
                    let _ = sessions.commit(other, &mut http::Response::new(())).await.unwrap();
                }
            }),
        )
        .layer(shop.sessions.clone());
    let answer = browser.get(&app, "/slow").await;
    assert_eq!(answer.status, 409);
    assert!(answer.sends_nothing());
}

#[tokio::test]
async fn merged_both_changes_are_kept() {
    let merge = |conflict: sealed_session::Conflict<Visit>| {
        let added = conflict.mine.views - conflict.base.views;
        Some(Visit { views: conflict.theirs.views + added, ..conflict.theirs })
    };
    let shop = Shop::with(|builder| builder.on_conflict(merge));
    let mut browser = shop.stored_browser().await;
    let requests = [shop.open(&browser).await, shop.open(&browser).await, shop.open(&browser).await];
    for session in requests {
        add(&session);
        let (commit, headers) = shop.commit(session).await;
        assert_eq!(commit.unwrap(), Commit::Set);
        receive(&mut browser, &headers);
    }
    assert_eq!(views(&shop.open(&browser).await), 3);
    assert_eq!(shop.sessions.counters().merged, 2);
}

#[tokio::test]
async fn who_has_changed_nothing_overwrites_nothing() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let mut browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&one);
    other.remember(20 * HOUR).unwrap();
    let _ = shop.commit(one).await;
    let (commit, headers) = shop.commit(other).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    receive(&mut browser, &headers);
    let session = shop.open(&browser).await;
    assert_eq!((views(&session), session.metadata().unwrap().is_persistent()), (1, true));
    assert_eq!(shop.store.seconds_left(), 20 * 3600);
}

#[tokio::test]
async fn a_renewal_steps_back_for_a_change() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    shop.clock.advance(HOUR);
    let (renews, changes) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&changes);
    let _ = shop.commit(changes).await;
    let (log, _guard) = Log::record();
    let (commit, headers) = shop.commit(renews).await;
    assert_eq!(commit.unwrap(), Commit::Keep);
    assert!(!headers.contains_key("set-cookie"));
    assert!(!log.text().contains("could not be renewed"), "nothing is wrong");
}

#[tokio::test]
async fn the_same_change_twice_is_two_changes() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&one);
    add(&other);
    let _ = shop.commit(one).await;
    assert!(shop.commit(other).await.0.unwrap_err().is_conflict(), "each has counted one");
}

#[tokio::test]
async fn a_blob_that_was_only_sealed_again_is_no_conflict() {
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let ring_of =
        |keys: [&Key; 2]| KeyRing::parse(&keys.map(|key| key.expose().to_string()).join(" ")).unwrap();
    let before = Shop::plain().node(ring_of([&old, &new]), |builder| builder);
    let after = before.node(ring_of([&new, &old]), |builder| builder.on_conflict(|_| None));
    let mut browser = before.stored_browser().await;
    let changes = after.open(&browser).await;
    add(&changes);
    after.clock.advance(HOUR);
    after.get(&mut browser, "/read").await;
    assert_eq!(after.store.generation().to_string(), "2");
    assert_eq!(after.commit(changes).await.0.unwrap(), Commit::Set);
}

#[tokio::test]
async fn a_change_in_flight_is_seen_by_a_session_that_returns_into_its_cookie() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    let (shrinks, changes) = (shop.open(&browser).await, shop.open(&browser).await);
    note(&shrinks, 5);
    add(&changes);
    let _ = shop.commit(shrinks).await.0.unwrap();
    assert!(shop.commit(changes).await.0.unwrap_err().is_conflict());

    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    let (changes, shrinks) = (shop.open(&browser).await, shop.open(&browser).await);
    note(&shrinks, 5);
    add(&changes);
    let _ = shop.commit(changes).await.0.unwrap();
    assert!(shop.commit(shrinks).await.0.unwrap_err().is_conflict());
}

#[tokio::test]
async fn a_stale_reference_never_revives_what_another_request_has_ended() {
    for end in ["/destroy", "/renew"] {
        for what in ["change", "shrink", "renew", "remember", "touch", "clear", "save"] {
            let shop = Shop::plain();
            let mut browser = shop.stored_browser().await;
            let in_flight = shop.open(&browser).await;
            shop.get(&mut browser, end).await;
            let before = shop.store.len();
            let mut late = None;
            match what {
                "change" => add(&in_flight),
                "shrink" => note(&in_flight, 5),
                "renew" => in_flight.cycle_id(),
                "remember" => in_flight.remember(HOUR).unwrap(),
                "touch" => in_flight.touch(),
                "clear" => in_flight.clear(),
                _ => {
                    add(&in_flight);
                    late = in_flight.save().await.err();
                }
            }
            let (commit, headers) = shop.commit(in_flight).await;
            let case = format!("{what} after {end}");
            assert!(!headers.contains_key("set-cookie"), "{case}");
            assert_eq!(shop.store.len(), before, "{case}");
            match what {
                "touch" => assert_eq!(commit.unwrap(), Commit::Keep, "{case}"),
                _ => assert!(late.or(commit.err()).unwrap().is_conflict(), "{case}"),
            }
        }
    }
}

#[tokio::test]
async fn a_copied_reference_opens_nothing_after_the_session_has_ended() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let mut copy = browser.clone();
    shop.get(&mut browser, "/renew").await;
    let answer = shop.get(&mut copy, "/all").await;
    assert!(!answer.text().contains("nnn"));
    assert!(answer.sends_nothing(), "the cookie is left alone");
    assert_eq!(shop.open(&copy).await.arrival(), Arrival::Refused(Refusal::MissingBlob));
    assert!(is_reference(&copy));
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), LARGE);
}
