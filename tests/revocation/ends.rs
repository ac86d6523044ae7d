//! Sessions that a revocation ends, and those that it does not, in one process and in another that follows the log.

use std::time::Duration;

use axum::http::StatusCode;
use sealed_session::{Arrival, Metadata, Sessions, store::RevocationEntry};
use tokio::time::Instant;

use crate::{
    kit::{Browser, Mood, SECOND, log::Log},
    node::{Fleet, Node, Visit},
};

const REVOKED: &str = "Refused(Revoked)";

#[tokio::test(start_paused = true)]
async fn b71_logging_a_user_out_ends_all_sessions_of_the_user_at_once_on_this_node() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let (phone, laptop, other) = (node.signed_in(7).await, node.signed_in(7).await, node.signed_in(8).await);
    node.revocations.subject("shop", &7).await.unwrap();
    assert_eq!(node.arrival(&phone).await, REVOKED);
    assert_eq!(node.user(&laptop).await, "None");
    assert_eq!(node.user(&other).await, "Some(8)", "another user stays signed in");
}

#[tokio::test(start_paused = true)]
async fn b71_another_node_ends_them_within_the_promised_delay() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browser = there.signed_in(7).await;
    here.revocations.subject("shop", &7).await.unwrap();
    fleet.pass(5).await;
    assert_eq!(there.arrival(&browser).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn b71_a_sign_in_after_the_revocation_works_at_once_on_every_node() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    here.revocations.subject("shop", &7).await.unwrap();
    for node in [&there, &here] {
        let browser = node.signed_in(7).await;
        for _ in 0..20 {
            assert_eq!(here.user(&browser).await, "Some(7)");
            assert_eq!(there.user(&browser).await, "Some(7)");
            fleet.pass(1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn b71_a_sign_in_into_an_older_session_without_a_new_id_works_at_once() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = Browser::new();
    browser.post(&node.app, "/add").await;
    fleet.pass(1).await;
    node.revocations.subject("shop", &7).await.unwrap();
    browser.post(&node.app, "/sign-in-without-a-new-id/7").await;
    assert_eq!(node.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn b71_a_key_of_the_application_ends_the_sessions_that_have_it() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let (mut one, mut two) = (Browser::new(), Browser::new());
    one.post(&node.app, "/sign-in-at-provider/7/sid-1").await;
    two.post(&node.app, "/sign-in-at-provider/7/sid-2").await;
    node.revocations.key("shop", &"sid-1").await.unwrap();
    assert_eq!(node.arrival(&one).await, REVOKED);
    assert_eq!(node.user(&two).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn b71_one_session_is_ended_by_the_id_that_the_application_has_recorded() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let (one, two) = (node.signed_in(7).await, node.signed_in(7).await);
    let id = one.metadata(&node.sessions).await.id();
    node.revocations.session("shop", id).await.unwrap();
    assert_eq!(node.arrival(&one).await, REVOKED);
    assert_eq!(node.user(&two).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn b71_all_sessions_of_a_realm_are_ended_and_new_ones_begin() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let (one, two) = (node.signed_in(7).await, node.signed_in(8).await);
    node.revocations.all("shop").await.unwrap();
    assert_eq!(node.arrival(&one).await, REVOKED);
    assert_eq!(node.arrival(&two).await, REVOKED);
    let mut visitor = Browser::new();
    visitor.post(&node.app, "/add").await;
    assert_eq!(node.arrival(&visitor).await, "Opened");
    assert_eq!(node.user(&node.signed_in(7).await).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn a_user_of_one_tenant_is_not_the_same_user_of_another() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    for tenant in ["another tenant", "sale"] {
        node.revocations.subject(tenant, &7).await.unwrap();
        node.revocations.all(tenant).await.unwrap();
    }
    assert_eq!(node.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn a_session_of_a_realm_that_was_renamed_is_ended_under_either_name() {
    for moves in [false, true] {
        for (realm, all) in [("shop", false), ("market", false), ("shop", true), ("market", true)] {
            let fleet = Fleet::new();
            let (here, there) = (fleet.node().await, fleet.node_renamed("market").await);
            let mut browser = here.signed_in(7).await;
            if moves {
                assert!(!browser.get(&there.app, "/read").await.sends_nothing());
            }
            assert_eq!(there.user(&browser).await, "Some(7)");
            match all {
                true => there.revocations.all(realm).await.unwrap(),
                false => there.revocations.subject(realm, &7).await.unwrap(),
            }
            assert_eq!(there.user(&browser).await, "None", "{realm}, all: {all}, moves: {moves}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_subject_is_compared_by_its_text_and_is_not_a_key() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    node.revocations.key("shop", &7).await.unwrap();
    assert_eq!(node.user(&browser).await, "Some(7)");
    node.revocations.subject("shop", &"7").await.unwrap();
    assert_eq!(node.arrival(&browser).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn b41_the_cookie_of_a_revoked_session_is_removed_once_the_revocation_is_some_seconds_old() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    node.revocations.subject("shop", &7).await.unwrap();
    fleet.pass(10).await;
    assert!(node.ask(&browser, "/read").await.sends_nothing());
    fleet.pass(1).await;
    assert!(node.ask(&browser, "/read").await.removes());
}

#[tokio::test(start_paused = true)]
async fn b41_revocations_change_nothing_for_a_cookie_that_was_rejected_for_another_reason() {
    let (fleet, other) = (Fleet::new(), Fleet::new());
    let node = fleet.node().await;
    let of_another_key = other.node().await.signed_in(7).await;
    assert!(node.ask(&of_another_key, "/read").await.sends_nothing());
    let malformed = Browser::holding("__Host-session", "?");
    node.revocations.subject("shop", &7).await.unwrap();
    assert!(node.ask(&malformed, "/read").await.removes(), "although a revocation is recent");
}

#[tokio::test(start_paused = true)]
async fn b72_a_sign_out_ends_every_copy_of_the_cookie_on_every_node() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let mut browser = here.signed_in(7).await;
    let thief = browser.clone();
    assert!(browser.post(&here.app, "/sign-out").await.removes());
    fleet.pass(5).await;
    assert_eq!(here.arrival(&thief).await, REVOKED);
    assert_eq!(there.arrival(&thief).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn b72_whatever_ends_a_session_ends_every_copy_of_the_cookie() {
    for path in
        ["/sign-out", "/sign-out-and-fail", "/clear", "/new-id", "/new-role", "/remember", "/sign-in/8"]
    {
        let fleet = Fleet::new();
        let node = fleet.node().await;
        let mut browser = node.signed_in(7).await;
        let copy = browser.clone();
        browser.post(&node.app, path).await;
        fleet.pass(5).await;
        assert_eq!(node.arrival(&copy).await, REVOKED, "{path}");
        assert_ne!(node.arrival(&browser).await, REVOKED, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn b72_a_new_id_that_a_csrf_token_needs_at_once_ends_every_copy_of_the_old_cookie() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let copy = node.signed_in(7).await;
    let session = copy.session(&node.sessions).await;
    session.cycle_id();
    session.csrf_token().unwrap();
    node.sessions.commit(session, &mut axum::http::Response::new(())).await.unwrap();
    fleet.pass(5).await;
    assert_eq!(node.arrival(&copy).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn b72_requests_in_flight_read_the_old_session_and_write_no_cookie() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    let in_flight = browser.clone();
    browser.post(&node.app, "/new-id").await;
    assert_eq!(node.user(&in_flight).await, "Some(7)");
    for path in ["/read", "/touch"] {
        let answer = node.ask(&in_flight, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.sends_nothing(), "{path}");
    }
    for path in ["/add", "/new-id", "/remember", "/clear", "/log-out-others"] {
        let change = node.ask(&in_flight, path).await;
        assert_eq!(change.status, StatusCode::CONFLICT, "{path}");
        assert!(change.sends_nothing(), "{path}");
    }
    assert_eq!(node.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_is_no_whole_number_of_seconds_is_rounded_up_for_requests_in_flight() {
    let fleet = Fleet::new();
    let node = fleet.node_with(0, |builder| builder.at_most(Duration::from_millis(1_500))).await;
    let mut browser = node.signed_in(7).await;
    let in_flight = browser.clone();
    browser.post(&node.app, "/sign-out").await;
    fleet.world.pass(Duration::from_millis(900)).await;
    assert_eq!(node.user(&in_flight).await, "Some(7)");
    fleet.pass(1).await;
    assert_eq!(node.arrival(&in_flight).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn b72_a_request_that_takes_longer_than_the_end_of_its_session_is_kept_does_not_bring_it_back() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    let in_flight = browser.clone();
    let (before, reads) = (in_flight.session(&node.sessions).await, in_flight.session(&node.sessions).await);
    browser.post(&node.app, "/sign-out").await;
    let after = in_flight.session(&node.sessions).await;
    fleet.pass(2 * 3600 + 100).await;
    assert!(node.revocations.is_empty());
    assert!(after.is_revoked().unwrap(), "it was about to end when the request began");
    let mut response = axum::http::Response::new(());
    node.sessions.commit(reads, &mut response).await.unwrap();
    assert!(response.headers().get("set-cookie").is_none());
    for slow in [after, before] {
        slow.update(|visit| visit.views += 1);
        assert!(node.sessions.commit(slow, &mut response).await.unwrap_err().is_conflict());
        assert!(response.headers().get("set-cookie").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn b72_a_session_that_ends_while_a_request_handles_it_is_not_brought_back() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    let slow = browser.session(&node.sessions).await;
    browser.post(&node.app, "/sign-out").await;
    slow.update(|visit| visit.views += 1);
    let mut response = axum::http::Response::new(());
    let error = node.sessions.commit(slow, &mut response).await.unwrap_err();
    assert!(error.is_conflict());
    assert!(response.headers().get("set-cookie").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_revoked_while_it_revokes_the_others_is_not_spared() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let session = here.signed_in(7).await.session(&here.sessions).await;
    here.log.is_late(SECOND, Duration::ZERO);
    // The first read of the log is over by then, and the second one is on its way.
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        there.revocations.subject("shop", &7).await.unwrap();
    };
    let (revoked, ()) = tokio::join!(session.revoke_others(), meanwhile);
    assert!(revoked.unwrap_err().is_conflict());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_is_appended_once() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    let mut copy = browser.clone();
    for browser in [&mut browser, &mut copy] {
        assert_eq!(browser.post(&node.app, "/sign-out").await.status, StatusCode::OK);
    }
    assert_eq!(fleet.log.look().entries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_signs_in_another_user_ends_with_the_user_that_it_arrived_with() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let slow = node.signed_in(7).await.session(&node.sessions).await;
    slow.update(|visit| visit.user = Some(8));
    node.revocations.subject("shop", &7).await.unwrap();
    let mut response = axum::http::Response::new(());
    assert!(node.sessions.commit(slow, &mut response).await.unwrap_err().is_conflict());
    assert!(response.headers().get("set-cookie").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_id_on_a_node_that_does_not_know_of_a_revocation_yet_does_not_escape_it() {
    for path in ["/new-id", "/new-role", "/remember", "/log-out-others"] {
        let fleet = Fleet::new();
        let (here, there) = (fleet.node().await, fleet.node().await);
        let mut thief = here.signed_in(7).await;
        here.revocations.subject("shop", &7).await.unwrap();
        let answer = thief.post(&there.app, path).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert_eq!(there.arrival(&thief).await, REVOKED, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_password_ends_all_other_sessions_and_keeps_this_one() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let (mut mine, other) = (here.signed_in(7).await, there.signed_in(7).await);
    let copy = mine.clone();
    assert_eq!(mine.post(&here.app, "/log-out-others").await.status, StatusCode::OK);
    fleet.pass(5).await;
    for node in [&here, &there] {
        assert_eq!(node.user(&mine).await, "Some(7)");
        assert_eq!(node.arrival(&other).await, REVOKED);
        assert_eq!(node.arrival(&copy).await, REVOKED, "a copy of the old cookie");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_signs_in_after_a_revocation_can_end_the_other_sessions() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    node.revocations.subject("shop", &7).await.unwrap();
    let (mut mine, other) = (node.signed_in(7).await, node.signed_in(7).await);
    fleet.pass(1).await;
    assert_eq!(mine.post(&node.app, "/log-out-others").await.status, StatusCode::OK);
    assert_eq!(node.user(&mine).await, "Some(7)");
    assert_eq!(node.arrival(&other).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_of_the_session_that_goes_on_do_not_remove_its_new_cookie() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let mut browser = here.signed_in(7).await;
    let in_flight = browser.clone();
    browser.post(&here.app, "/log-out-others").await;
    fleet.pass(2).await;
    for node in [&here, &there] {
        let answer = node.ask(&in_flight, "/read").await;
        assert_eq!(answer.text(), "None");
        assert!(answer.sends_nothing());
    }
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_is_not_signed_in_has_no_others_to_end() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let answer = Browser::new().post(&node.app, "/log-out-others").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(fleet.log.look().entries.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn visitors_who_are_not_signed_in_write_no_entries() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    for _ in 0..10 {
        let mut visitor = Browser::new();
        visitor.post(&node.app, "/add").await;
        visitor.post(&node.app, "/new-id").await;
        visitor.post(&node.app, "/sign-out").await;
    }
    fleet.pass(5).await;
    assert_eq!(fleet.log.look().entries.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_is_appended_later_if_the_log_fails_and_ends_the_session_here_at_once() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    for mood in [Mood::Down, Mood::Hanging, Mood::Lying] {
        let mut browser = here.signed_in(7).await;
        let copy = browser.clone();
        here.log.is(mood);
        let answer = browser.post(&here.app, "/sign-out").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{mood:?}");
        assert!(answer.removes(), "{mood:?}");
        here.log.is(Mood::Well);
        fleet.pass(10).await;
        assert_eq!(here.arrival(&copy).await, REVOKED, "{mood:?}");
        assert_eq!(there.arrival(&copy).await, REVOKED, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_that_is_asked_for_twice_fails_if_the_log_does() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let session = node.signed_in(7).await.session(&node.sessions).await;
    session.destroy();
    session.destroy();
    node.log.is(Mood::Down);
    let error = node.sessions.commit(session, &mut axum::http::Response::new(())).await.unwrap_err();
    assert!(error.is_store());
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_that_is_asked_for_twice_is_recorded_once() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let session = node.signed_in(7).await.session(&node.sessions).await;
    session.destroy();
    session.destroy();
    node.sessions.commit(session, &mut axum::http::Response::new(())).await.unwrap();
    fleet.pass(10).await;
    assert_eq!(fleet.log.look().entries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_whose_request_is_dropped_is_carried_out() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browser = here.signed_in(7).await;
    let session = browser.session(&here.sessions).await;
    session.destroy();
    drop(session);
    fleet.pass(10).await;
    assert_eq!(there.arrival(&browser).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn when_the_budget_of_entries_is_used_up_a_sign_out_removes_the_cookie_and_says_so() {
    let fleet = Fleet::new();
    let hour = Duration::from_secs(3600);
    let node = fleet.node_with(0, |builder| builder.entry_budget(1, hour)).await;
    let (mut one, mut two, mut three) =
        (node.signed_in(7).await, node.signed_in(7).await, node.signed_in(7).await);
    let (log, _guard) = Log::record();
    let refusals = || log.text().matches("until its period ends, copies of the cookies").count();
    assert_eq!(one.post(&node.app, "/sign-out").await.status, StatusCode::OK);
    assert_eq!(refusals(), 0);
    let copy = two.clone();
    for browser in [&mut two, &mut three] {
        let answer = browser.post(&node.app, "/sign-out").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.removes());
        assert_eq!(refusals(), 1, "only the first is logged");
    }
    fleet.pass(10).await;
    assert_eq!(node.arrival(&copy).await, "Opened");
    node.revocations.subject("shop", &7).await.unwrap();
    assert_eq!(node.arrival(&copy).await, REVOKED, "revocations of subjects are not counted");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_nothing_calls_no_store() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    node.revocations.subject("shop", &8).await.unwrap();
    let before = node.log.calls();
    for path in ["/read", "/add", "/touch", "/arrival", "/read"] {
        browser.get(&node.app, path).await;
    }
    let mut visitor = Browser::new();
    visitor.post(&node.app, "/new-id").await;
    visitor.post(&node.app, "/add").await;
    visitor.get(&node.app, "/read").await;
    assert_eq!(node.log.calls(), before);
    let session = browser.session(&node.sessions).await;
    session.cycle_id();
    let mut failed = axum::http::Response::new(());
    *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    node.sessions.commit(session, &mut failed).await.unwrap();
    assert_eq!(node.log.calls(), before, "the new id is discarded");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expires_by_itself_writes_no_entry() {
    for (seconds, entries) in [(7_198, 1), (7_199, 0)] {
        let fleet = Fleet::new();
        let node = fleet.node().await;
        let browser = node.signed_in(7).await;
        fleet.pass(1).await;
        let slow = browser.session(&node.sessions).await;
        fleet.pass(seconds).await;
        slow.clear();
        node.sessions.commit(slow, &mut axum::http::Response::new(())).await.unwrap();
        fleet.pass(3).await;
        assert_eq!(fleet.log.look().entries.len(), entries, "cleared after {seconds} seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_visitor_can_sign_in_while_the_log_fails() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    node.log.is(Mood::Down);
    let browser = node.signed_in(7).await;
    assert_eq!(node.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_a_subject_before_it_has_data_begins_after_a_revocation() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let sessions = Sessions::<Visit>::builder(fleet.ring.clone())
        .realm("shop")
        .clock(fleet.world.clock(0))
        .timeouts(|timeouts| timeouts.clock_skew(20 * SECOND))
        .revocations(there.revocations.clone())
        .subject(|_: &Visit| Some(7))
        .build()
        .unwrap();
    here.revocations.subject("shop", &7).await.unwrap();
    let session = Browser::new().session(&sessions).await;
    session.csrf_token().unwrap();
    let mut response = axum::http::Response::new(());
    sessions.commit(session, &mut response).await.unwrap();
    let mut browser = Browser::new();
    browser.keep(response.headers()["set-cookie"].to_str().unwrap());
    fleet.pass(6).await;
    assert_eq!(browser.session(&sessions).await.arrival(), Arrival::Opened);
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_outlives_its_request_tells_whether_the_session_was_ended() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let session = node.signed_in(7).await.session(&node.sessions).await;
    assert!(!session.is_revoked().unwrap());
    node.revocations.subject("shop", &7).await.unwrap();
    assert!(session.is_revoked().unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_a_sealer_has_opened_can_be_checked() {
    for ended in ["its id", "its subject", "its realm"] {
        let fleet = Fleet::new();
        let node = fleet.node().await;
        let (metadata, user) = opened(&fleet, &node, &node.signed_in(7).await);
        let is_revoked = || node.revocations.is_revoked("shop", &metadata, Some(&user)).unwrap();
        assert!(!is_revoked());
        match ended {
            "its id" => node.revocations.session("shop", metadata.id()).await.unwrap(),
            "its subject" => node.revocations.subject("shop", &user).await.unwrap(),
            _ => node.revocations.all("shop").await.unwrap(),
        }
        assert!(is_revoked(), "{ended}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sealer_has_opened_can_be_read_for_some_seconds_after_a_sign_out() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    let (metadata, user) = opened(&fleet, &node, &browser);
    let is_revoked = || node.revocations.is_revoked("shop", &metadata, Some(&user)).unwrap();
    browser.post(&node.app, "/sign-out").await;
    assert!(!is_revoked());
    fleet.pass(5).await;
    assert!(is_revoked());
}

/// The metadata and the user of a session, as its sealer opens it.
fn opened(fleet: &Fleet, node: &Node, browser: &Browser) -> (Metadata, u64) {
    let cookie = browser.value("__Host-session").unwrap();
    let (visit, metadata) = node.sessions.sealer().open(cookie, fleet.world.now()).unwrap();
    (metadata, visit.user.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_revocation_waits_for_an_earlier_one_of_the_same_second_but_not_for_one_of_a_clock_that_is_far_ahead()
 {
    for (seconds_ahead, waits) in [(0, true), (4, true), (5, false), (1000, false)] {
        let fleet = Fleet::new();
        let node = fleet.node().await;
        node.revocations.subject("shop", &7).await.unwrap();
        let (position, entry) = fleet.log.look().entries[0];
        let ahead = RevocationEntry { stamp: entry.stamp + 2 + seconds_ahead, ..entry };
        fleet.log.look().entries.push((position + 1, ahead));
        fleet.log.look().next += 1;
        fleet.pass(2).await;
        let began = Instant::now();
        node.revocations.subject("shop", &7).await.unwrap();
        assert_eq!(!began.elapsed().is_zero(), waits, "{seconds_ahead} seconds ahead");
        assert!(fleet.log.look().entries[2].1.stamp > ahead.stamp, "{seconds_ahead} seconds ahead");
    }
}

#[tokio::test(start_paused = true)]
async fn however_often_a_user_was_logged_out_the_next_sign_in_works_at_once() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    for _ in 0..20 {
        here.revocations.subject("shop", &7).await.unwrap();
    }
    let browser = here.signed_in(7).await;
    assert_eq!(here.user(&browser).await, "Some(7)");
    assert_eq!(there.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn a_new_id_on_a_clock_that_is_ahead_does_not_escape_a_revocation_that_is_made_meanwhile() {
    for at_most in [1, 5] {
        let fleet = Fleet::new();
        let limit = |builder: sealed_session::RevocationsBuilder| builder.at_most(at_most * SECOND);
        let (here, there) = (fleet.node_with(0, limit).await, fleet.node_with(at_most.into(), limit).await);
        let mut browser = there.signed_in(7).await;
        fleet.pass(2).await;
        there.log.is_late(Duration::ZERO, Duration::from_millis(1_900));
        let app = there.app.clone();
        let moving = tokio::spawn(async move {
            browser.post(&app, "/new-id").await;
            browser
        });
        fleet.world.pass(Duration::from_millis(10)).await;
        here.revocations.subject("shop", &7).await.unwrap();
        let browser = moving.await.unwrap();
        there.log.is_late(Duration::ZERO, Duration::ZERO);
        fleet.pass(5).await;
        for node in [&here, &there] {
            assert_eq!(node.arrival(&browser).await, REVOKED, "at_most {at_most} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_ends_a_session_that_began_after_another_one_in_the_same_second() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    for all_first in [false, true] {
        for all_then in [false, true] {
            let revoke = async |all: bool| match all {
                true => node.revocations.all("shop").await.unwrap(),
                false => node.revocations.subject("shop", &7).await.unwrap(),
            };
            revoke(all_first).await;
            let thief = node.signed_in(7).await;
            assert_eq!(node.user(&thief).await, "Some(7)");
            revoke(all_then).await;
            assert_eq!(node.arrival(&thief).await, REVOKED, "all: {all_first}, {all_then}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_of_all_sessions_ends_one_that_has_just_ended_its_others() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browser = here.signed_in(7).await;
    let slow = browser.session(&here.sessions).await;
    slow.revoke_others().await.unwrap();
    there.revocations.all("shop").await.unwrap();
    let error = here.sessions.commit(slow, &mut axum::http::Response::new(())).await.unwrap_err();
    assert!(error.is_conflict());
}
