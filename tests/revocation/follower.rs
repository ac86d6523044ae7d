//! A process that follows the log: delays, outages, and a log that loses entries (B73).

use axum::http::StatusCode;
use sealed_session::store::RevocationEntry;

use crate::{
    kit::{Browser, Mood},
    node::Fleet,
};

const REVOKED: &str = "Refused(Revoked)";

#[tokio::test(start_paused = true)]
async fn b73_a_node_that_cannot_follow_the_log_answers_503_to_requests_with_a_session() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    for mood in [Mood::Down, Mood::Hanging] {
        node.log.is(mood);
        fleet.pass(3).await;
        assert_eq!(node.user(&browser).await, "Some(7)", "{mood:?}: what it knows is fresh enough");
        fleet.pass(3).await;
        assert!(node.revocations.is_stale());
        assert_eq!(node.ask(&browser, "/read").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            node.ask(&Browser::new(), "/read").await.status,
            StatusCode::OK,
            "no session, no question"
        );
        node.log.is(Mood::Well);
        fleet.pass(4).await;
        assert_eq!(node.user(&browser).await, "Some(7)", "{mood:?}: it follows again");
    }
}

#[tokio::test(start_paused = true)]
async fn b73_a_node_that_accepts_sessions_when_stale_counts_them() {
    let fleet = Fleet::new();
    let node = fleet.node_with(0, sealed_session::RevocationsBuilder::accept_when_stale).await;
    let browser = node.signed_in(7).await;
    node.log.is(Mood::Down);
    fleet.pass(6).await;
    assert_eq!(node.user(&browser).await, "Some(7)");
    assert_eq!(node.sessions.counters().stale, 1);
    assert_eq!(node.ask(&browser, "/new-id").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_knows_all_revocations_before_it_serves() {
    let fleet = Fleet::new();
    let first = fleet.node().await;
    let browser = first.signed_in(7).await;
    first.revocations.subject("shop", &7).await.unwrap();
    assert_eq!(fleet.node().await.arrival(&browser).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_has_vanished_is_written_back_and_nothing_is_forgotten() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browsers = [here.signed_in(7).await, here.signed_in(8).await, there.signed_in(9).await];
    for user in [7, 8, 9] {
        here.revocations.subject("shop", &user).await.unwrap();
    }
    fleet.pass(2).await;
    fleet.log.goes_back(usize::MAX);
    fleet.pass(3).await;
    let late = fleet.node().await;
    for browser in &browsers {
        assert_eq!(late.arrival(browser).await, REVOKED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_that_gives_positions_to_other_entries_is_noticed() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browsers = [here.signed_in(7).await, here.signed_in(8).await, here.signed_in(9).await];
    here.revocations.subject("shop", &7).await.unwrap();
    here.revocations.subject("shop", &8).await.unwrap();
    fleet.pass(2).await;
    // The last entry is lost, and before anybody reads, another one takes its position.
    fleet.log.goes_back(1);
    there.revocations.subject("shop", &9).await.unwrap();
    fleet.pass(3).await;
    let late = fleet.node().await;
    for browser in &browsers {
        for node in [&here, &there, &late] {
            assert_eq!(node.arrival(browser).await, REVOKED);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_write_back_the_same_entries_write_few_of_them_twice() {
    let fleet = Fleet::new();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(fleet.node().await);
    }
    for user in 0..100 {
        nodes[0].revocations.subject("shop", &user).await.unwrap();
    }
    fleet.pass(2).await;
    fleet.log.goes_back(usize::MAX);
    fleet.pass(5).await;
    let written = fleet.log.look().entries.len();
    assert!((100..=400).contains(&written), "{written}");
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_the_far_future_is_ignored() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    node.revocations.subject("shop", &7).await.unwrap();
    let (position, entry) = fleet.log.look().entries[0];
    let far = RevocationEntry { stamp: u32::MAX, until: u32::MAX, ..entry };
    fleet.log.look().entries.push((position + 1, far));
    fleet.log.look().next += 1;
    fleet.pass(2).await;
    assert_eq!(node.arrival(&browser).await, REVOKED);
    assert_eq!(node.user(&node.signed_in(7).await).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn positions_that_do_not_ascend_are_an_error_and_no_endless_loop() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    node.revocations.subject("shop", &7).await.unwrap();
    let same = fleet.log.look().entries[0];
    fleet.log.look().entries.push(same);
    fleet.pass(6).await;
    assert!(node.revocations.is_stale());
}

#[tokio::test(start_paused = true)]
async fn entries_that_are_no_longer_needed_leave_the_memory() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let mut browser = node.signed_in(7).await;
    browser.post(&node.app, "/sign-out").await;
    assert_eq!(node.revocations.len(), 1);
    fleet.pass(2 * 3600 + 100).await;
    assert!(node.revocations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_read_per_second_follows_the_log_whatever_the_traffic() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    let before = node.log.calls();
    for _ in 0..60 {
        for _ in 0..20 {
            node.user(&browser).await;
        }
        fleet.pass(1).await;
    }
    let calls = node.log.calls() - before;
    assert!((58..=62).contains(&calls), "{calls}");
}
