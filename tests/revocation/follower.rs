//! A process that follows the log: delays, outages, and a log that loses entries (B73).

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use sealed_session::store::RevocationEntry;

use crate::{
    kit::{Browser, Mood, SECOND, log::Log},
    node::{Fleet, builder},
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
        assert_eq!(node.arrival(&Browser::new()).await, "Absent");
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
async fn a_visitor_can_sign_in_on_a_node_that_accepts_sessions_when_stale() {
    let fleet = Fleet::new();
    let node = fleet.node_with(0, sealed_session::RevocationsBuilder::accept_when_stale).await;
    let mut visitor = Browser::new();
    visitor.post(&node.app, "/add").await;
    node.log.is(Mood::Down);
    fleet.pass(6).await;
    assert_eq!(visitor.post(&node.app, "/sign-in/7").await.status, StatusCode::OK);
    assert_eq!(node.user(&visitor).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_log_is_logged_once_when_it_begins_when_it_takes_too_long_and_when_it_ends() {
    let (log, _guard) = Log::record();
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let events = || {
        [
            "the revocation log cannot be followed; will retry",
            "revocations of other processes are no longer known here in time",
            "the revocation log can be followed again",
        ]
        .map(|event| log.text().matches(event).count())
    };
    for outage in 0..2 {
        fleet.pass(20).await;
        assert_eq!(events(), [outage, outage, outage]);
        node.log.is(Mood::Down);
        fleet.pass(4).await;
        assert_eq!(events(), [outage + 1, outage, outage]);
        fleet.pass(20).await;
        assert_eq!(events(), [outage + 1, outage + 1, outage]);
        node.log.is(Mood::Well);
    }
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
async fn a_node_that_has_read_for_longer_than_the_promised_delay_serves_at_once() {
    let fleet = Fleet::new();
    let entry = |at| (at, RevocationEntry { key: at, stamp: 1, until: u32::MAX });
    fleet.log.look().entries.extend((0..50_000).map(entry));
    // Six pages, and the promise is 5 seconds.
    let log = fleet.log.another();
    log.is_late(SECOND, Duration::ZERO);
    let revocations = builder().start(log).await.unwrap();
    assert_eq!(revocations.len(), 50_000);
    assert!(!revocations.is_stale());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_reads_a_log_of_several_pages_to_its_end() {
    const PAGE: u64 = 10_000;
    let fleet = Fleet::new();
    let first = fleet.node().await;
    let browser = first.signed_in(7).await;
    first.revocations.subject("shop", &7).await.unwrap();
    let (_, entry) = fleet.log.look().entries[0];
    let others = (0..PAGE).map(|position| (position, RevocationEntry { key: position, ..entry }));
    fleet.log.look().entries = others.chain([(PAGE, entry)]).collect();
    fleet.log.look().next = PAGE + 1;
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
async fn an_entry_is_of_the_far_future_if_it_is_more_than_an_hour_ahead() {
    for (ahead, is_ignored) in [(3_600, false), (3_601, true)] {
        let fleet = Fleet::new();
        fleet.node().await.revocations.subject("shop", &7).await.unwrap();
        let now = fleet.log.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32;
        fleet.log.look().entries[0].1.stamp = now + ahead;
        let node = fleet.node().await;
        assert_eq!(node.revocations.is_empty(), is_ignored, "{ahead} seconds ahead");
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_lasts_longer_than_any_of_this_node_leaves_the_memory_too() {
    let fleet = Fleet::new();
    let start = builder().longest_session(60 * SECOND).start(fleet.log.another());
    let revocations = start.await.unwrap();
    revocations.subject("shop", &7).await.unwrap();
    let (position, entry) = fleet.log.look().entries[0];
    let lasting = RevocationEntry { key: entry.key ^ 1, until: u32::MAX, ..entry };
    fleet.log.look().entries.push((position + 1, lasting));
    fleet.log.look().next += 1;
    fleet.pass(2).await;
    assert_eq!(revocations.len(), 2);
    fleet.pass(3600 + 2 * 60).await;
    assert!(revocations.is_empty());
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
async fn the_memory_is_searched_for_such_entries_once_per_minute() {
    let fleet = Fleet::new();
    let revocations = builder().longest_session(65 * SECOND).start(fleet.log.another()).await.unwrap();
    revocations.subject("shop", &7).await.unwrap();
    // It is needed for 85 seconds.
    fleet.pass(115).await;
    assert_eq!(revocations.len(), 1);
    fleet.pass(10).await;
    assert!(revocations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn five_reads_within_a_short_delay_follow_the_log() {
    let fleet = Fleet::new();
    let node = fleet.node_with(0, |builder| builder.at_most(SECOND)).await;
    let before = node.log.calls();
    fleet.pass(60).await;
    let calls = node.log.calls() - before;
    assert!((290..=310).contains(&calls), "{calls}");
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

#[tokio::test(start_paused = true)]
async fn a_log_that_has_the_same_last_entry_again_but_others_before_it_is_read_again() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browsers = [here.signed_in(7).await, here.signed_in(8).await, here.signed_in(9).await];
    here.revocations.subject("shop", &7).await.unwrap();
    here.revocations.subject("shop", &8).await.unwrap();
    fleet.pass(2).await;
    there.log.is(Mood::Down);
    // Both are lost. A new one takes the first position, and the two are written back behind it.
    fleet.log.goes_back(usize::MAX);
    here.revocations.subject("shop", &9).await.unwrap();
    fleet.pass(2).await;
    there.log.is(Mood::Well);
    fleet.pass(3).await;
    let written: Vec<_> = fleet.log.look().entries.iter().map(|(_, entry)| *entry).collect();
    assert_eq!(written.len(), 3);
    for browser in &browsers {
        assert_eq!(there.arrival(browser).await, REVOKED);
    }
}

#[tokio::test(start_paused = true)]
async fn entries_that_are_written_back_differ_from_those_that_were_lost() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    node.revocations.subject("shop", &7).await.unwrap();
    let mut browser = node.signed_in(8).await;
    browser.post(&node.app, "/sign-out").await;
    let before: Vec<_> = fleet.log.look().entries.iter().map(|(_, entry)| *entry).collect();
    fleet.log.goes_back(usize::MAX);
    fleet.pass(3).await;
    let after: Vec<_> = fleet.log.look().entries.iter().map(|(_, entry)| *entry).collect();
    assert_eq!((before.len(), after.len()), (2, 2));
    for entry in before {
        let again = after.iter().find(|again| again.key == entry.key).unwrap();
        assert!(again.stamp == entry.stamp && again.until > entry.until);
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_lost_before_it_was_read_is_appended_again() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let mut browser = here.signed_in(7).await;
    let copy = browser.clone();
    here.log.is(Mood::Down);
    browser.post(&here.app, "/sign-out").await;
    // It is appended in the background, and the log loses it while the answer is on its way.
    here.log.is(Mood::Well);
    here.log.is_late(Duration::ZERO, Duration::from_millis(500));
    for _ in 0..1_000 {
        if fleet.log.look().entries.is_empty() {
            fleet.world.pass(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(fleet.log.look().entries.len(), 1);
    fleet.log.goes_back(1);
    here.log.is_late(Duration::ZERO, Duration::ZERO);
    fleet.pass(8).await;
    assert_eq!(there.arrival(&copy).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_lost_before_it_was_read_is_appended_again() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let browser = there.signed_in(7).await;
    here.log.is_late(Duration::ZERO, Duration::from_millis(500));
    let revocations = here.revocations.clone();
    let revoking = tokio::spawn(async move { revocations.subject("shop", &7).await });
    while fleet.log.look().entries.is_empty() {
        fleet.world.pass(Duration::from_millis(10)).await;
    }
    fleet.log.goes_back(1);
    revoking.await.unwrap().unwrap();
    here.log.is_late(Duration::ZERO, Duration::ZERO);
    fleet.pass(8).await;
    assert_eq!(there.arrival(&browser).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_was_lost_is_written_back_unless_it_is_no_longer_needed() {
    for (seconds_left, written) in [(1, 1), (0, 0)] {
        let fleet = Fleet::new();
        let log = fleet.log.another();
        let revocations = builder().longest_session(60 * SECOND).start(log.clone()).await.unwrap();
        revocations.subject("shop", &7).await.unwrap();
        let until = SystemTime::UNIX_EPOCH + SECOND * fleet.log.look().entries[0].1.until;
        let left = until.duration_since(fleet.log.now()).unwrap();
        log.is(Mood::Down);
        fleet.log.goes_back(usize::MAX);
        fleet.world.pass(left - SECOND / 2 - SECOND * seconds_left).await;
        log.is(Mood::Well);
        fleet.pass(3).await;
        assert_eq!(fleet.log.look().entries.len(), written, "{seconds_left} seconds left");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_appended_late_outlives_the_cookies_that_were_sealed_until_then() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let mut browser = here.signed_in(7).await;
    let mut thief = browser.clone();
    here.log.is(Mood::Down);
    browser.post(&here.app, "/sign-out").await;
    fleet.pass(3600).await;
    thief.post(&there.app, "/touch").await;
    here.log.is(Mood::Well);
    // An hour and two minutes before the cookie expires, and after the end would have been forgotten without that hour.
    fleet.pass(3600 + 30 * 60).await;
    for node in [&there, &fleet.node().await] {
        assert_eq!(node.arrival(&thief).await, REVOKED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_on_a_node_that_has_become_stale_renews_no_session() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let mut browser = here.signed_in(7).await;
    let (reads, writes) = (browser.session(&there.sessions).await, browser.session(&there.sessions).await);
    there.log.is(Mood::Down);
    browser.post(&here.app, "/sign-out").await;
    fleet.pass(1800).await;
    let mut response = axum::http::Response::new(());
    there.sessions.commit(reads, &mut response).await.unwrap();
    writes.update(|visit| visit.views += 1);
    let error = there.sessions.commit(writes, &mut response).await.unwrap_err();
    assert!(error.is_stale());
    assert!(response.headers().get("set-cookie").is_none());
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_wait_for_each_other_while_the_log_does_not_answer() {
    let fleet = Fleet::new();
    let node = fleet.node().await;
    let browser = node.signed_in(7).await;
    fleet.pass(1).await;
    node.log.is(Mood::Hanging);
    let began = tokio::time::Instant::now();
    let asking = (0..20).map(|_| node.ask(&browser, "/new-id"));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(began.elapsed() <= Duration::from_millis(2_100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_log_does_not_postpone_the_end_of_a_session() {
    let fleet = Fleet::new();
    let (slow, there) = (fleet.node().await, fleet.node().await);
    let mut browser = slow.signed_in(7).await;
    let thief = browser.clone();
    slow.log.is_late(Duration::from_millis(1_900), Duration::ZERO);
    fleet.pass(4).await;
    slow.log.is_late(Duration::ZERO, Duration::ZERO);
    assert_eq!(browser.post(&slow.app, "/sign-out").await.status, StatusCode::OK);
    fleet.pass(5).await;
    assert_eq!(there.arrival(&thief).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_without_a_new_id_on_a_node_that_does_not_know_of_a_revocation_yet_is_kept() {
    let fleet = Fleet::new();
    let (here, there) = (fleet.node().await, fleet.node().await);
    let mut browser = Browser::new();
    browser.post(&there.app, "/add").await;
    here.revocations.subject("shop", &7).await.unwrap();
    browser.post(&there.app, "/sign-in-without-a-new-id/7").await;
    fleet.pass(6).await;
    assert_eq!(there.user(&browser).await, "Some(7)");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_is_kept_until_no_clock_lets_its_last_cookie_open() {
    let fleet = Fleet::new();
    let (here, ahead) = (fleet.node().await, fleet.node_with(5, |builder| builder).await);
    let mut browser = here.signed_in(7).await;
    let mut thief = browser.clone();
    ahead.log.is(Mood::Down);
    browser.post(&here.app, "/sign-out").await;
    fleet.world.pass(Duration::from_millis(3_500)).await;
    assert_eq!(thief.post(&ahead.app, "/touch").await.status, StatusCode::OK);
    // The cookie expires two hours after that, and 5 seconds later by a clock that is behind.
    fleet.pass(2 * 3600 + 5).await;
    here.revocations.subject("shop", &8).await.unwrap();
    let behind = fleet.node_with(-5, |builder| builder).await;
    assert_eq!(behind.arrival(&thief).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_is_kept_for_its_older_cookies_of_a_longer_idle_timeout() {
    let fleet = Fleet::new();
    let old = fleet.node().await.signed_in(7).await;
    let node = fleet
        .node_lasting(|timeouts| timeouts.idle_timeout(1800 * SECOND).longest_idle_timeout(7200 * SECOND));
    let (node, mut browser) = (node.await, old.clone());
    browser.post(&node.app, "/add").await;
    browser.post(&node.app, "/sign-out").await;
    fleet.pass(3600).await;
    assert_eq!(node.arrival(&old).await, REVOKED);
}
