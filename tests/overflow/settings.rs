//! What can be set, and what can't be meant.

use std::time::Duration;

use kit::{Browser, Clock, SECOND, TestStore, ring, sessions};

use crate::{LARGE, Shop, is_reference, kit};

#[tokio::test]
async fn b33_what_fits_neither_cookie_nor_store_is_an_error_that_names_size_limit_and_way_out() {
    let shop = Shop::with(|builder| builder.store_limit(30_000));
    let mut browser = shop.stored_browser().await;
    let answer = shop.get(&mut browser, "/note/40000").await;
    assert_eq!((answer.status.as_u16(), answer.sends_nothing()), (500, true));
    assert_eq!(shop.store.calls(), ["load"]);

    let session = shop.open(&browser).await;
    crate::note(&session, 40_000);
    let error = session.save().await.unwrap_err();
    assert!(error.is_too_large());
    let (size, limit) = error.size_and_limit().unwrap();
    assert!(size > 40_000 && limit == 30_000);
    let text = error.to_string();
    assert!(
        text.contains(&size.to_string()) && text.contains("30000") && text.contains("keep less"),
        "{text}"
    );
}

#[tokio::test]
async fn b33_a_blob_may_be_as_long_as_the_store_limit() {
    let shop = Shop::plain();
    shop.stored_browser().await;
    let length = shop.store.only().1.bytes.len();
    let shop = Shop::with(|builder| builder.store_limit(length));
    let browser = shop.stored_browser().await;
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), LARGE);
}

#[tokio::test]
async fn the_time_that_a_blob_is_left_after_its_session_has_returned_is_the_applications_choice() {
    let shop = Shop::with(|builder| builder.return_grace(90 * SECOND));
    let mut browser = shop.stored_browser().await;
    shop.get(&mut browser, "/note/5").await;
    assert_eq!(shop.store.seconds_left(), 90);
    let shop = Shop::with(|builder| builder.return_grace(Duration::ZERO));
    let mut browser = shop.stored_browser().await;
    shop.get(&mut browser, "/note/5").await;
    assert_eq!(shop.store.len(), 0);
}

#[test]
fn what_can_not_be_meant_of_a_store_is_an_error_from_build() {
    let clock = Clock::new();
    let build = |configure: fn(
        sealed_session::SessionsBuilder<kit::Visit>,
    ) -> sealed_session::SessionsBuilder<kit::Visit>| {
        configure(sessions(ring(), &clock).store(TestStore::new(&clock))).build()
    };
    // `__Host-session` and the 159 characters of a reference.
    assert!(build(|builder| builder.cookie_limit(173)).is_ok());
    for (why, built) in [
        ("leaves no room for the reference", build(|builder| builder.cookie_limit(172))),
        ("holds no more than the cookie", build(|builder| builder.store_limit(3000))),
        ("holds no more than the cookie", build(|builder| builder.store_limit(0))),
        ("holds less than one session", build(|builder| builder.store_budget(1_048_575, SECOND))),
        ("period of 0", build(|builder| builder.store_budget(1 << 30, Duration::ZERO))),
        ("within a deadline of 0", build(|builder| builder.store_deadline(Duration::ZERO))),
    ] {
        let error = built.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn the_shortest_cookie_limit_that_holds_a_reference_holds_one() {
    let shop = Shop::with(|builder| builder.cookie_limit(173));
    let mut browser = Browser::new();
    shop.get(&mut browser, &format!("/note/{LARGE}")).await;
    assert!(is_reference(&browser));
}
