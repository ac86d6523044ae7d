//! Going into the store, living there, and coming back.

use kit::{Browser, DAY, HOUR, MINUTE, SECOND, Visit, attribute};
use sealed_session::{
    Arrival, Commit, Refusal,
    testing::{Sent, sent, session_with},
};

use crate::{COOKIE, LARGE, REFERENCE, Shop, add, is_reference, kit, note, receive, views};

#[tokio::test]
async fn b33_what_does_not_fit_the_cookie_moves_into_the_store_and_is_read_back() {
    let shop = Shop::plain();
    let mut browser = Browser::new();
    shop.get(&mut browser, "/add").await;
    assert_eq!(shop.store.calls(), [""; 0]);
    let answer = shop.get(&mut browser, &format!("/note/{LARGE}")).await;

    assert_eq!(answer.status, 200);
    assert_eq!(browser.value(COOKIE).unwrap().len(), REFERENCE);
    assert_eq!(shop.store.calls(), ["create"]);
    let (_, blob) = shop.store.only();
    assert_eq!(blob.bytes[0], 0x13);
    assert!(!String::from_utf8_lossy(&blob.bytes).contains("nnnn"));

    let seen = shop.get(&mut browser, "/all").await;
    assert!(seen.text().contains("views: 1") && seen.text().contains(&"n".repeat(LARGE)));
    assert_eq!(shop.sessions.counters().moved_to_store, 1);
}

#[tokio::test]
async fn b33_up_to_the_limit_the_session_stays_in_its_cookie_and_one_byte_more_moves_it() {
    let shop = Shop::plain();
    let mut browser = Browser::new();
    let left: usize = shop.get(&mut browser, "/left").await.text().parse().unwrap();
    // A note brings its length, of two bytes.
    let longest = left - 2;
    shop.get(&mut browser, &format!("/note/{longest}")).await;
    assert_eq!((is_reference(&browser), shop.store.len()), (false, 0));
    shop.get(&mut browser, &format!("/note/{}", longest + 1)).await;
    assert_eq!((is_reference(&browser), shop.store.len()), (true, 1));
    shop.get(&mut browser, &format!("/note/{longest}")).await;
    assert!(!is_reference(&browser));
}

#[tokio::test]
async fn what_shrinks_returns_into_its_cookie_and_leaves_the_blob_for_requests_in_flight() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let in_flight = browser.clone();
    shop.get(&mut browser, "/note/5").await;

    assert!(!is_reference(&browser));
    assert_eq!(shop.store.calls(), ["load", "replace", "set_expiry"]);
    assert_eq!(shop.store.seconds_left(), 30);
    assert_eq!(shop.sessions.counters().moved_to_cookie, 1);
    // What a request in flight finds is what the session is now.
    let session = shop.open(&in_flight).await;
    assert_eq!(session.read(|visit| visit.notes[0].len()), 5);

    shop.clock.advance(30 * SECOND);
    assert_eq!(shop.store.len(), 0);
    assert_eq!(shop.open(&in_flight).await.arrival(), Arrival::Refused(Refusal::MissingBlob));
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened);
}

#[tokio::test]
async fn b04_a_session_that_is_only_read_is_loaded_once_and_writes_nothing() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    for path in ["/read", "/all", "/same", "/there-and-back"] {
        let answer = shop.get(&mut browser, path).await;
        assert!(answer.sends_nothing(), "{path}");
        assert_eq!(shop.store.calls(), ["load"], "{path}");
    }
    shop.get(&mut browser, "/peek").await;
    assert_eq!(shop.store.calls(), [""; 0], "what nobody asks for is not loaded");
}

#[tokio::test]
async fn b05_a_change_is_written_as_the_next_generation_under_the_same_id() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let before = shop.open(&browser).await.metadata().unwrap();
    let index = shop.store.only().0;
    shop.clock.advance(MINUTE);
    shop.store.calls();
    shop.get(&mut browser, "/add").await;
    assert_eq!(shop.store.calls(), ["load", "replace"]);
    assert_eq!((shop.store.only().0, shop.store.generation().to_string()), (index, "2".into()));
    assert_eq!(shop.store.seconds_left(), 2 * 3600, "the idle timeout has restarted");
    let after = shop.open(&browser).await.metadata().unwrap();
    assert_eq!((after.id(), after.created_at()), (before.id(), before.created_at()));
}

#[tokio::test]
async fn b22_a_renewal_sets_the_expiry_and_does_not_rewrite_the_blob() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let before = shop.store.only().1.bytes;
    shop.clock.advance(HOUR);
    let answer = shop.get(&mut browser, "/read").await;
    assert!(!answer.sends_nothing());
    assert_eq!(shop.store.calls(), ["load", "set_expiry"]);
    assert_eq!(shop.store.seconds_left(), 2 * 3600);
    assert_eq!(shop.store.only().1.bytes, before);
    shop.clock.advance(HOUR + 59 * MINUTE);
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened);
}

#[tokio::test]
async fn b20_a_stored_session_past_its_idle_timeout_is_rejected_without_a_call_to_the_store() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    shop.clock.advance(2 * HOUR);
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Refused(Refusal::Expired));
    assert_eq!(shop.store.calls(), [""; 0]);
    assert_eq!(shop.store.len(), 0, "no blob outlives its session");
}

#[tokio::test]
async fn b23_a_persistent_session_and_its_blob_expire_at_the_same_time() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let answer = shop.get(&mut browser, &format!("/remember/{}", 14 * 24 * 3600)).await;
    assert_eq!(answer.attribute("Max-Age"), Some("1209600"));
    assert_eq!(shop.store.calls(), ["load", "set_expiry"], "the data have not changed");
    assert_eq!(shop.store.seconds_left(), 1_209_600);
    shop.clock.advance(13 * DAY);
    assert!(shop.get(&mut browser, "/all").await.text().contains("nnn"));
}

#[tokio::test]
async fn b23_end_with_browser_shortens_the_expiry_of_the_blob_at_once() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    shop.get(&mut browser, &format!("/remember/{}", 14 * 24 * 3600)).await;
    shop.clock.advance(HOUR);
    shop.store.calls();
    let answer = shop.get(&mut browser, "/forget").await;
    assert_eq!(answer.attribute("Max-Age"), None);
    assert_eq!(shop.store.calls(), ["load", "set_expiry"], "the data have not changed");
    assert_eq!(shop.store.seconds_left(), 2 * 3600);
    assert!(shop.get(&mut browser, "/all").await.text().contains("nnn"));
}

#[tokio::test]
async fn b23_a_stored_session_that_end_with_browser_ends_is_deleted() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    shop.get(&mut browser, &format!("/remember/{}", 14 * 24 * 3600)).await;
    let copy = browser.clone();
    shop.clock.advance(DAY);
    assert!(shop.get(&mut browser, "/forget").await.removes());
    assert_eq!(shop.store.len(), 0);
    assert_eq!(shop.open(&copy).await.arrival(), Arrival::Refused(Refusal::MissingBlob));
}

#[tokio::test]
async fn b06_a_stored_session_that_is_emptied_is_removed_and_says_so_to_requests_in_flight() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let in_flight = browser.clone();
    let answer = shop.get(&mut browser, "/clear").await;
    assert!(answer.removes());
    assert_eq!(shop.store.seconds_left(), 30);
    let session = shop.open(&in_flight).await;
    assert_eq!(session.read(Visit::clone), Visit::default());
}

#[tokio::test]
async fn b07_destroy_deletes_the_blob_at_once() {
    for path in ["/destroy", "/destroy-and-fail"] {
        let shop = Shop::plain();
        let mut browser = shop.stored_browser().await;
        let copy = browser.clone();
        let answer = shop.get(&mut browser, path).await;
        assert!(answer.removes(), "{path}");
        assert_eq!((shop.store.len(), shop.store.calls()), (0, vec!["load", "delete"]), "{path}");
        assert_eq!(shop.open(&copy).await.arrival(), Arrival::Refused(Refusal::MissingBlob), "{path}");
    }
}

#[tokio::test]
async fn b08_a_new_id_is_a_new_blob_and_the_old_one_is_deleted_at_once() {
    for path in ["/renew", "/renew-keep"] {
        let shop = Shop::plain();
        let mut browser = shop.stored_browser().await;
        let (copy, old) = (browser.clone(), shop.store.only().0);
        let id = shop.open(&browser).await.id();
        shop.store.calls();
        shop.get(&mut browser, path).await;
        assert_eq!(shop.store.calls(), ["load", "set_expiry", "create", "delete"], "{path}");
        assert_ne!(shop.store.only().0, old, "{path}");
        let session = shop.open(&browser).await;
        assert_ne!(session.id(), id, "{path}");
        assert_eq!(session.read(|visit| visit.notes[0].len()), LARGE, "{path}");
        assert_eq!(shop.open(&copy).await.arrival(), Arrival::Refused(Refusal::MissingBlob), "{path}");
    }
}

#[tokio::test]
async fn b08_a_session_that_shrinks_under_a_new_id_returns_and_its_blob_is_deleted() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.cycle_id();
    note(&session, 5);
    let (commit, headers) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    receive(&mut browser, &headers);
    assert_eq!((is_reference(&browser), shop.store.len()), (false, 0));
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), 5);
}

#[tokio::test]
async fn b09_large_data_after_destroy_are_a_new_session_in_a_new_blob() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let old = shop.store.only().0;
    let session = shop.open(&browser).await;
    let id = session.id();
    session.destroy();
    note(&session, LARGE);
    let (commit, headers) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    receive(&mut browser, &headers);
    assert_ne!(shop.store.only().0, old);
    assert_ne!(shop.open(&browser).await.id(), id);
}

#[tokio::test]
async fn b12_a_handler_that_answers_5xx_leaves_cookie_and_blob_alone() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let answer = shop.get(&mut browser, "/add-and-fail").await;
    assert!(answer.sends_nothing());
    assert_eq!(shop.store.calls(), ["load"]);
}

#[tokio::test]
async fn b03_two_browsers_have_two_blobs() {
    let shop = Shop::plain();
    let (mut one, mut other) = (shop.stored_browser().await, Browser::new());
    shop.get(&mut other, "/note/9000").await;
    assert_eq!(shop.store.len(), 2);
    shop.get(&mut one, "/destroy").await;
    assert_eq!(shop.open(&other).await.read(|visit| visit.notes[0].len()), 9000);
}

#[tokio::test]
async fn two_requests_that_move_one_session_to_the_store_make_two_blobs_and_the_last_cookie_wins() {
    let shop = Shop::plain();
    let mut browser = Browser::new();
    shop.get(&mut browser, "/add").await;
    let (one, other) = (shop.open(&browser).await, shop.open(&browser).await);
    note(&one, LARGE);
    note(&other, LARGE + 1);
    let (_, first) = shop.commit(one).await;
    let (_, second) = shop.commit(other).await;
    assert_eq!(shop.store.len(), 2);
    receive(&mut browser, &second);
    receive(&mut browser, &first);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), LARGE);
}

#[tokio::test]
async fn a_reference_that_was_overtaken_by_a_newer_one_still_opens() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let one = shop.open(&browser).await;
    add(&one);
    let (_, first) = shop.commit(one).await;
    let mut elsewhere = browser.clone();
    receive(&mut elsewhere, &first);
    let other = shop.open(&elsewhere).await;
    add(&other);
    let (_, second) = shop.commit(other).await;
    receive(&mut browser, &second);
    receive(&mut browser, &first);
    assert_eq!(views(&shop.open(&browser).await), 2);
}

#[tokio::test]
async fn size_says_where_the_session_goes_and_how_much_is_left_there() {
    let shop = Shop::plain();
    let session = shop.open(&Browser::new()).await;
    note(&session, 100);
    let size = session.size().unwrap();
    assert_eq!((size.in_store, size.limit), (false, 4096));

    note(&session, LARGE);
    let size = session.size().unwrap();
    assert_eq!((size.in_store, size.limit), (true, 1_048_576));
    let left = size.left;
    let (commit, _) = shop.commit(session).await;
    assert_eq!(commit.unwrap(), Commit::Set);
    assert_eq!(shop.store.only().1.bytes.len(), size.used);

    // To the byte: the notes' length takes no more bytes than before.
    let session = shop.open(&Browser::new()).await;
    note(&session, LARGE + left - 1);
    assert!(session.size().unwrap().left <= 1);
    assert_eq!(shop.commit(session).await.0.unwrap(), Commit::Set);
}

#[tokio::test]
async fn b70_what_a_response_has_stored_can_be_read_by_a_test() {
    let shop = Shop::plain();
    let session = session_with(&shop.sessions, Visit { notes: vec!["n".repeat(LARGE)], ..Visit::default() });
    let mut response = http::Response::new(());
    let _ = shop.sessions.commit(session, &mut response).await.unwrap();
    let Sent::Set(visit) = sent(&shop.sessions, &response).await.unwrap() else { panic!("nothing was set") };
    assert_eq!(visit.notes[0].len(), LARGE);
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert_eq!(attribute(set, "Secure"), Some(""), "a reference has all protections of a session");
}

#[tokio::test]
async fn a_kept_handle_still_reads_and_opening_its_cookie_again_shows_that_the_session_was_destroyed() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let handle = shop.open(&browser).await;
    shop.get(&mut browser.clone(), "/destroy").await;
    assert_eq!(handle.read(|visit| visit.notes.len()), 1, "as a WebSocket has it that was opened before");
    let again = shop.open(&browser).await;
    assert_eq!(again.arrival(), Arrival::Refused(Refusal::MissingBlob));
}

#[tokio::test]
async fn b21_a_request_that_outlives_its_session_leaves_the_blob_to_the_request_that_has_remembered_it() {
    let shop =
        Shop::with(|builder| builder.timeouts(|timeouts| timeouts.idle_timeout(HOUR).absolute_timeout(HOUR)));
    let mut browser = shop.stored_browser().await;
    shop.clock.advance(59 * MINUTE);
    let outlives = shop.open(&browser).await;
    shop.get(&mut browser, "/remember/86400").await;
    shop.clock.advance(MINUTE);
    add(&outlives);
    assert_eq!(shop.commit(outlives).await.0.unwrap(), Commit::Remove);
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened);
}

#[tokio::test]
async fn b11_a_second_commit_writes_no_header_and_deletes_nothing() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    let late = session.clone();
    assert_eq!(shop.commit(session).await.0.unwrap(), Commit::Keep);
    late.destroy();
    let (commit, headers) = shop.commit(late).await;
    assert!(commit.unwrap_err().is_finished() && headers.is_empty());
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened);
}

#[tokio::test]
async fn b23_a_shorter_timeout_leaves_the_blob_until_the_cookie_before_it_expires() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    shop.get(&mut browser, "/remember/864000").await;
    shop.get(&mut browser, "/remember/3600").await;
    assert_eq!(shop.store.seconds_left(), 864_000, "the response may be lost on its way");
    shop.get(&mut browser, "/add").await;
    assert_eq!(shop.store.seconds_left(), 3600);
}
