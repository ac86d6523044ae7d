//! The start of revocations, and settings that make no sense.

use std::time::Duration;

use sealed_session::{KeyRing, RevocationsBuilder, Sessions};
use tokio::time::Instant;

use crate::{
    kit::{Mood, SECOND, test_log::TestLog, world::World},
    node::{Fleet, Visit, builder},
};

#[tokio::test(start_paused = true)]
async fn a_start_retries_until_the_log_answers() {
    let world = World::new();
    let log = TestLog::new(&world);
    log.is(Mood::Down);
    let starting = tokio::spawn(builder().start(log.clone()));
    world.pass(3 * SECOND).await;
    log.is(Mood::Well);
    assert!(starting.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_start_fails_after_its_deadline_and_says_why() {
    for mood in [Mood::Down, Mood::Hanging] {
        let log = TestLog::new(&World::new());
        log.is(mood);
        let began = Instant::now();
        let error = builder().start(log).await.unwrap_err();
        assert!(error.is_store());
        assert!(began.elapsed() >= 10 * SECOND && began.elapsed() < 12 * SECOND, "{:?}", began.elapsed());
        assert!(error.to_string().starts_with("the revocation log cannot be read"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_cannot_be_kept_is_an_error() {
    const NANO: Duration = Duration::from_nanos(1);
    let start = async |builder: RevocationsBuilder| builder.start(TestLog::new(&World::new())).await;
    for delay in [Duration::ZERO, SECOND - NANO, 900 * SECOND + NANO, 3600 * SECOND] {
        assert!(start(builder().at_most(delay)).await.unwrap_err().is_configuration(), "{delay:?}");
    }
    for delay in [SECOND, 900 * SECOND] {
        assert!(start(builder().at_most(delay)).await.is_ok(), "{delay:?}");
    }
    let lasting = |lifetime| builder().at_most(5 * SECOND).longest_session(lifetime);
    assert!(start(lasting(5 * SECOND - NANO)).await.unwrap_err().is_configuration());
    assert!(start(lasting(5 * SECOND)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn sessions_that_outlive_their_revocations_are_an_error() {
    let revocations = Fleet::new().node().await.revocations;
    let day = Duration::from_secs(24 * 3600);
    let build = |days: u32| {
        Sessions::<Visit>::builder(KeyRing::generate().unwrap())
            .timeouts(|timeouts| timeouts.persistent_absolute_timeout(day * days))
            .revocations(revocations.clone())
            .build()
    };
    assert!(build(30).is_ok());
    assert!(build(31).unwrap_err().is_configuration());
}

#[tokio::test(start_paused = true)]
async fn a_clock_skew_by_which_other_nodes_would_reject_new_sessions_is_an_error() {
    let revocations = Fleet::new().node().await.revocations;
    let build = |seconds: u64| {
        Sessions::<Visit>::builder(KeyRing::generate().unwrap())
            .timeouts(|timeouts| timeouts.clock_skew(Duration::from_secs(seconds)))
            .revocations(revocations.clone())
            .build()
    };
    assert!(build(20).is_ok());
    assert!(build(19).unwrap_err().is_configuration());
}

#[tokio::test(start_paused = true)]
async fn debug_output_shows_the_delay_and_the_number_of_entries_but_no_key() {
    assert_eq!(format!("{:?}", builder()), "RevocationsBuilder { at_most: 5s, .. }");
    let revocations = Fleet::new().node().await.revocations;
    assert_eq!(format!("{revocations:?}"), "Revocations { at_most: 5s, len: 0, .. }");
}
