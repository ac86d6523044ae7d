use tokio::time::advance;

use super::*;

const NOW: u64 = 1_900_000_000;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_slow_answer_lies_between_the_call_and_its_return() {
    let clock = LogClock::new();
    let asked = Instant::now();
    advance(Duration::from_millis(1500)).await;
    clock.set(at(NOW), asked);
    assert_eq!(clock.now(), NOW as u32 + 2, "the log may have answered at once");
    assert_eq!(clock.earliest(), NOW as u32, "or just now");
    advance(Duration::from_millis(600)).await;
    assert_eq!((clock.now(), clock.earliest()), (NOW as u32 + 3, NOW as u32));
    advance(Duration::from_millis(400)).await;
    assert_eq!((clock.now(), clock.earliest()), (NOW as u32 + 3, NOW as u32 + 1));
}

#[tokio::test(start_paused = true)]
async fn a_clock_of_the_log_that_was_set_is_followed() {
    let clock = LogClock::new();
    for now in [NOW, NOW + 3600, NOW - 3600] {
        clock.set(at(now), Instant::now());
        assert_eq!((clock.now(), clock.earliest()), (now as u32, now as u32));
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_beyond_the_format_is_the_last_one() {
    let clock = LogClock::new();
    clock.set(at(u64::from(u32::MAX) + 1), Instant::now());
    assert_eq!((clock.now(), clock.earliest()), (u32::MAX, u32::MAX));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_as_old_as_the_beginning_of_the_read() {
    let clock = LogClock::new();
    assert!(clock.is_older_than(5 * Duration::from_secs(1)), "nothing was read yet");
    let began = Instant::now();
    advance(Duration::from_secs(2)).await;
    clock.has_read(began);
    assert!(clock.is_older_than(Duration::from_secs(2)));
    assert!(!clock.is_older_than(Duration::from_millis(2001)));
    advance(Duration::from_millis(1)).await;
    assert!(clock.is_older_than(Duration::from_millis(2001)));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_began_in_the_same_millisecond_does_not_count_as_later() {
    let clock = LogClock::new();
    let called = Instant::now();
    clock.has_read(called);
    assert!(!clock.has_read_since(called));
    advance(Duration::from_millis(1)).await;
    clock.has_read(Instant::now());
    assert!(clock.has_read_since(called));
}
