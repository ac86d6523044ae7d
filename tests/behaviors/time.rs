//! Sessions in time (B20 to B26), under a clock that is turned by hand.

use crate::kit;

use axum::{RequestPartsExt, Router, http::Request, routing::any};
use kit::{Browser, Clock, DAY, HOUR, MINUTE, SECOND, Visit, app::app};
use sealed_session::{
    Arrival, KeyRing, Metadata, Refusal, Renewal, Session, Sessions, SessionsBuilder, Timeouts,
};

type Builder = SessionsBuilder<Visit>;

struct Scene {
    clock: Clock,
    sessions: Sessions<Visit>,
    app: Router,
    browser: Browser,
}

impl Scene {
    /// A browser that has just written to a session.
    async fn new(configure: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Clock::new();
        let sessions = configure(kit::sessions(kit::ring(), &clock)).build().unwrap();
        let app = app(sessions.clone());
        let mut scene = Self { clock, sessions, app, browser: Browser::new() };
        scene.browser.post(&scene.app, "/add").await;
        scene
    }

    async fn views(&mut self) -> String {
        self.browser.get(&self.app, "/read").await.text().to_owned()
    }

    async fn metadata(&self) -> Metadata {
        self.browser.metadata(&self.sessions).await
    }
}

#[tokio::test]
async fn b20_a_session_is_live_one_second_before_its_idle_timeout() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.clock.advance(2 * HOUR - SECOND);
    assert_eq!(scene.views().await, "1");
}

#[tokio::test]
async fn b20_a_session_unused_for_its_idle_timeout_has_expired() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.clock.advance(2 * HOUR);
    assert_eq!(scene.views().await, "0");
}

#[tokio::test]
async fn b20_a_session_after_one_that_is_over_has_another_id() {
    let mut scene = Scene::new(|builder| builder).await;
    let before = scene.metadata().await.id();
    scene.clock.advance(2 * HOUR);
    scene.browser.post(&scene.app, "/add").await;
    assert_ne!(scene.metadata().await.id(), before);
}

#[tokio::test]
async fn b21_a_session_ends_at_its_absolute_timeout_however_busy_it_is() {
    let mut scene = Scene::new(|builder| builder).await;
    for _ in 0..23 {
        scene.clock.advance(HOUR);
        assert_eq!(scene.views().await, "1");
    }
    scene.clock.advance(HOUR - SECOND);
    assert_eq!(scene.views().await, "1");
    scene.clock.advance(SECOND);
    assert_eq!(scene.views().await, "0");
}

#[tokio::test]
async fn b21_a_session_that_ends_while_it_is_written_to_is_removed() {
    let mut scene = Scene::new(|builder| builder.timeouts(|t| t.idle_timeout(DAY))).await;
    let clock = scene.clock.clone();
    let app = Router::new()
        .route(
            "/slow",
            any(async move |session: Session<Visit>| {
                clock.advance(2 * SECOND);
                session.update(|visit| visit.views += 1);
            }),
        )
        .layer(scene.sessions.clone());
    scene.clock.advance(DAY - SECOND);
    assert!(scene.browser.post(&app, "/slow").await.removes());
}

#[tokio::test]
async fn b22_a_used_session_is_renewed_after_a_quarter_of_its_idle_timeout() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.clock.advance(30 * MINUTE - SECOND);
    assert!(scene.browser.get(&scene.app, "/read").await.sends_nothing());
    scene.clock.advance(SECOND);
    let before = scene.metadata().await;
    assert!(!scene.browser.get(&scene.app, "/read").await.sends_nothing());
    let after = scene.metadata().await;
    assert_eq!(after.id(), before.id());
    assert_eq!(after.created_at(), before.created_at());
    assert_eq!(after.idle_timeout(), before.idle_timeout());
    assert_eq!(after.issued_at(), scene.clock.now());
    assert_eq!(scene.views().await, "1");
}

#[tokio::test]
async fn b22_a_background_request_renews_a_session_after_half_of_its_idle_timeout() {
    for (mode, after, renewed) in [
        ("cors", 60 * MINUTE - SECOND, false),
        ("no-cors", 60 * MINUTE - SECOND, false),
        ("cors", 60 * MINUTE, true),
        ("navigate", 30 * MINUTE, true),
        ("navigate", 30 * MINUTE - SECOND, false),
    ] {
        let mut scene = Scene::new(|builder| builder).await;
        scene.clock.advance(after);
        let mut request = scene.browser.request("GET", "/read");
        request.headers_mut().insert("sec-fetch-mode", mode.parse().unwrap());
        let answer = scene.browser.send(&scene.app, request).await;
        assert_eq!(!answer.sends_nothing(), renewed, "{mode} after {after:?}");
    }
}

#[tokio::test]
async fn b22_every_request_renews_if_so_configured() {
    let mut scene = Scene::new(|builder| builder.renewal(Renewal::EveryRequest)).await;
    assert!(!scene.browser.get(&scene.app, "/read").await.sends_nothing());
    assert!(scene.browser.get(&scene.app, "/peek").await.sends_nothing());
}

#[tokio::test]
async fn b22_every_request_renews_no_session_that_is_empty() {
    let scene = Scene::new(|builder| builder.renewal(Renewal::EveryRequest)).await;
    assert!(Browser::new().get(&scene.app, "/read").await.sends_nothing());
}

#[tokio::test]
async fn b22_only_a_change_renews_if_so_configured() {
    let mut scene = Scene::new(|builder| builder.renewal(Renewal::OnChange)).await;
    scene.clock.advance(2 * HOUR - SECOND);
    assert!(scene.browser.get(&scene.app, "/read").await.sends_nothing());
    assert!(!scene.browser.get(&scene.app, "/add").await.sends_nothing());
}

#[tokio::test]
async fn b22_a_server_error_renews_nothing() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.clock.advance(HOUR);
    assert!(scene.browser.get(&scene.app, "/add-and-fail").await.sends_nothing());
}

#[tokio::test]
async fn b23_by_default_the_cookie_lasts_as_long_as_the_browser() {
    let mut scene = Scene::new(|builder| builder).await;
    let answer = scene.browser.post(&scene.app, "/add").await;
    assert_eq!(answer.attribute("Max-Age"), None);
    assert_eq!(answer.attribute("Expires"), None);
    assert!(!scene.metadata().await.is_persistent());
}

#[tokio::test]
async fn b23_remember_makes_a_session_persistent_and_max_age_agrees_with_the_seal() {
    let mut scene = Scene::new(|builder| builder).await;
    let answer = scene.browser.post(&scene.app, "/remember/1209600").await;
    assert_eq!(answer.attribute("Max-Age"), Some("1209600"));
    scene.clock.advance(14 * DAY - SECOND);
    assert_eq!(scene.views().await, "1");
}

#[tokio::test]
async fn b23_a_persistent_session_unused_for_its_idle_timeout_has_expired() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/1209600").await;
    scene.clock.advance(14 * DAY);
    assert_eq!(scene.views().await, "0");
}

#[tokio::test]
async fn b23_the_idle_timeout_of_a_persistent_session_survives_renewals_and_changes() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/864000").await;
    scene.clock.advance(5 * DAY);
    let renewed = scene.browser.get(&scene.app, "/read").await;
    assert_eq!(renewed.attribute("Max-Age"), Some("864000"));
    scene.clock.advance(DAY);
    let changed = scene.browser.get(&scene.app, "/add").await;
    assert_eq!(changed.attribute("Max-Age"), Some("864000"));
    assert_eq!(scene.metadata().await.idle_timeout(), 10 * DAY);
    let renamed = scene.browser.get(&scene.app, "/renew").await;
    assert_eq!(renamed.attribute("Max-Age"), Some("864000"));
}

#[tokio::test]
async fn b23_a_remembered_timeout_that_is_shorter_than_the_idle_timeout_survives_changes() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/600").await;
    assert_eq!(scene.browser.post(&scene.app, "/add").await.attribute("Max-Age"), Some("600"));
}

#[tokio::test]
async fn b23_a_persistent_session_ends_at_the_persistent_absolute_timeout() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/864000").await;
    for _ in 0..29 {
        scene.clock.advance(DAY);
        assert_eq!(scene.views().await, "1");
    }
    scene.clock.advance(DAY);
    assert_eq!(scene.views().await, "0");
}

#[tokio::test]
async fn b23_an_idle_timeout_longer_than_the_persistent_absolute_timeout_is_an_error() {
    let mut scene = Scene::new(|builder| builder).await;
    let answer = scene.browser.post(&scene.app, "/remember/2592001").await;
    assert_eq!(
        answer.text(),
        "`remember` cannot set an idle timeout of 2592001 s: the longest of a persistent session is 2592000 s; pass less, or \
         raise it in `Timeouts`"
    );
    assert!(answer.sends_nothing());
    assert!(scene.browser.post(&scene.app, "/remember/0").await.text().contains("less than a second"));
}

#[tokio::test]
async fn b23_end_with_browser_clears_the_persistent_flag_and_nothing_else() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/864000").await;
    let before = scene.metadata().await;
    scene.clock.advance(HOUR);
    let answer = scene.browser.post(&scene.app, "/forget").await;
    assert_eq!(answer.attribute("Max-Age"), None);
    let after = scene.metadata().await;
    assert_eq!((after.id(), after.created_at()), (before.id(), before.created_at()));
    assert_eq!((after.is_persistent(), after.idle_timeout()), (false, 2 * HOUR));
    assert_eq!(scene.views().await, "1");
    assert!(
        scene.browser.post(&scene.app, "/forget").await.sends_nothing(),
        "it ends with the browser already"
    );
}

#[tokio::test]
async fn b23_end_with_browser_ends_a_session_that_is_older_than_the_absolute_timeout() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/864000").await;
    scene.clock.advance(DAY);
    let copy = scene.browser.clone();
    assert!(scene.browser.post(&scene.app, "/forget").await.removes());
    assert_eq!(scene.views().await, "0");
    if kit::any_store::is_wanted() {
        scene.browser = copy;
        assert_eq!(scene.views().await, "0", "nothing is left of it in the store");
    }
}

#[tokio::test]
async fn b23_with_a_new_id_end_with_browser_begins_a_fresh_ordinary_session() {
    let scene = Scene::new(|builder| builder).await;
    let forget = any(async |session: Session<Visit>| {
        session.end_with_browser();
        session.cycle_id();
    });
    let app = kit::app::routes().route("/forget-and-renew", forget).layer(scene.sessions.clone());
    let mut scene = Scene { app, ..scene };
    scene.browser.post(&scene.app, "/remember/864000").await;
    let before = scene.metadata().await;
    scene.clock.advance(DAY);
    scene.browser.post(&scene.app, "/forget-and-renew").await;
    let after = scene.metadata().await;
    assert_ne!(after.id(), before.id());
    assert_eq!((after.created_at(), after.is_persistent()), (scene.clock.now(), false));
    assert_eq!(scene.views().await, "1");
}

#[tokio::test]
async fn b23_remembering_with_the_same_timeout_again_sends_nothing() {
    let mut scene = Scene::new(|builder| builder).await;
    assert!(!scene.browser.post(&scene.app, "/remember/864000").await.sends_nothing());
    assert!(scene.browser.post(&scene.app, "/remember/864000").await.sends_nothing());
    assert!(!scene.browser.post(&scene.app, "/remember/864001").await.sends_nothing());
}

#[tokio::test]
async fn b23_all_sessions_of_an_application_can_be_persistent() {
    let mut scene = Scene::new(|builder| builder.timeouts(|t| t.all_persistent(3 * DAY, 9 * DAY))).await;
    let metadata = scene.metadata().await;
    assert_eq!((metadata.is_persistent(), metadata.idle_timeout()), (true, 3 * DAY));
    scene.clock.advance(DAY);
    let renewed = scene.browser.get(&scene.app, "/read").await;
    assert_eq!((renewed.text(), renewed.attribute("Max-Age")), ("1", Some("259200")));
    for day in 0..7 {
        assert_eq!(scene.views().await, "1", "{day}");
        scene.clock.advance(DAY);
    }
    scene.clock.advance(DAY);
    assert_eq!(scene.views().await, "0", "the absolute timeout ends it");
    let (idle, absolute) = (Timeouts::default().idle_timeout(DAY), 2 * DAY);
    assert_eq!(idle.all_persistent(DAY, absolute), Timeouts::default().all_persistent(DAY, absolute));
}

#[tokio::test]
async fn b23_new_idle_timeouts_of_persistent_sessions_reach_existing_ones() {
    let all = |days| Timeouts::default().all_persistent(days * DAY, 30 * DAY);
    let mut shorter = reconfigured("/add", all(7), all(1)).await;
    shorter.clock.advance(DAY - SECOND);
    assert_eq!(shorter.views().await, "2");
    let mut longer = reconfigured("/add", all(1), all(7)).await;
    longer.browser.post(&longer.app, "/add").await;
    assert_eq!(longer.metadata().await.idle_timeout(), 7 * DAY);
    shorter.clock.advance(DAY);
    assert_eq!(shorter.views().await, "0", "a shorter one applies at once");
}

#[tokio::test]
async fn expires_at_is_when_the_session_would_no_longer_open() {
    let scene = Scene::new(|builder| builder).await;
    let request = scene.browser.request("GET", "/");
    let session = scene.sessions.open(&request).await.unwrap();
    let expires = session.expires_at().unwrap();
    assert_eq!(expires, scene.clock.now() + 2 * HOUR);
    scene.clock.advance(2 * HOUR - SECOND);
    assert!(scene.sessions.open(&request).await.unwrap().id().is_some());
    scene.clock.advance(SECOND);
    let session = scene.sessions.open(&request).await.unwrap();
    assert_eq!((session.id(), session.expires_at()), (None, None));
}

/// A scene whose operator has since changed the timeouts.
async fn reconfigured(path: &str, before: Timeouts, after: Timeouts) -> Scene {
    let ring = kit::ring();
    let clock = Clock::new();
    let old = app(kit::sessions(ring.clone(), &clock).timeouts(|_| before).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&old, "/add").await;
    browser.post(&old, path).await;
    let sessions = kit::sessions(ring, &clock).timeouts(|_| after).build().unwrap();
    let app = app(sessions.clone());
    Scene { clock, sessions, app, browser }
}

#[tokio::test]
async fn b23_a_shorter_idle_timeout_applies_at_once() {
    let mut scene = reconfigured("/add", Timeouts::default(), Timeouts::default().idle_timeout(HOUR)).await;
    scene.clock.advance(HOUR);
    assert_eq!(scene.views().await, "0");
}

#[tokio::test]
async fn b23_a_longest_idle_timeout_lets_older_sessions_keep_theirs() {
    let lenient = Timeouts::default().idle_timeout(HOUR).longest_idle_timeout(2 * HOUR);
    let mut scene = reconfigured("/add", Timeouts::default(), lenient).await;
    scene.clock.advance(2 * HOUR - SECOND);
    assert_eq!(scene.views().await, "2");
}

#[tokio::test]
async fn b23_a_shorter_longest_persistent_idle_timeout_applies_at_once() {
    let strict = || Timeouts::default().longest_persistent_idle_timeout(DAY);
    let mut scene = reconfigured("/remember/864000", Timeouts::default(), strict()).await;
    scene.clock.advance(DAY - SECOND);
    let renewed = scene.browser.get(&scene.app, "/read").await;
    assert_eq!(renewed.text(), "1");
    assert_eq!(renewed.attribute("Max-Age"), Some("86400"), "Max-Age agrees");
    scene.clock.advance(DAY);
    assert_eq!(scene.views().await, "0");
    assert!(scene.browser.post(&scene.app, "/remember/86401").await.status.is_client_error());
}

#[tokio::test]
async fn only_cycle_id_restarts_the_absolute_timeout() {
    for (path, begins) in [
        ("/add", false),
        ("/renew-keep", false),
        ("/remember/3600", false),
        ("/renew", true),
        ("/forget", false),
    ] {
        let mut scene = Scene::new(|builder| builder).await;
        let before = scene.metadata().await.created_at();
        scene.clock.advance(MINUTE);
        scene.browser.post(&scene.app, path).await;
        let expected = if begins { scene.clock.now() } else { before };
        assert_eq!(scene.metadata().await.created_at(), expected, "{path}");
    }
}

#[tokio::test]
async fn b08_cycle_id_keep_timeout_does_not_undo_an_earlier_cycle_id() {
    let scene = Scene::new(|builder| builder).await;
    let app = Router::new()
        .route(
            "/",
            any(async |session: Session<Visit>| {
                session.cycle_id();
                session.cycle_id_keep_timeout();
            }),
        )
        .layer(scene.sessions.clone());
    let mut scene = Scene { app, ..scene };
    scene.clock.advance(MINUTE);
    scene.browser.post(&scene.app, "/").await;
    assert_eq!(scene.metadata().await.created_at(), scene.clock.now());
}

#[tokio::test]
async fn b24_max_age_never_exceeds_the_rest_of_the_absolute_timeout() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.browser.post(&scene.app, "/remember/2592000").await;
    scene.clock.advance(20 * DAY);
    let renewed = scene.browser.get(&scene.app, "/read").await;
    assert_eq!(renewed.attribute("Max-Age"), Some(&*(10 * DAY).as_secs().to_string()));
}

#[tokio::test]
async fn b24_max_age_never_exceeds_400_days() {
    let mut scene =
        Scene::new(|builder| builder.timeouts(|t| t.persistent_absolute_timeout(1000 * DAY))).await;
    let path = format!("/remember/{}", (900 * DAY).as_secs());
    let answer = scene.browser.post(&scene.app, &path).await;
    assert_eq!(answer.attribute("Max-Age"), Some("34560000"));
}

#[tokio::test]
async fn b25_timeouts_are_checked_when_the_request_begins_and_restart_when_the_cookie_is_sent() {
    let mut scene = Scene::new(|builder| builder).await;
    let clock = scene.clock.clone();
    let app = Router::new()
        .route(
            "/slow",
            any(async move |request: Request<axum::body::Body>| {
                clock.advance(MINUTE);
                let (mut parts, _) = request.into_parts();
                let session: Session<Visit> = parts.extract().await.unwrap();
                clock.advance(MINUTE);
                session
                    .update(|visit| {
                        visit.views += 1;
                        visit.views
                    })
                    .to_string()
            }),
        )
        .layer(scene.sessions.clone());
    scene.clock.advance(2 * HOUR - SECOND);
    let answer = scene.browser.post(&app, "/slow").await;
    assert_eq!(answer.text(), "2", "it was live when the request began");
    assert_eq!(
        scene.metadata().await.issued_at(),
        scene.clock.now(),
        "a slow handler does not shorten the session"
    );
}

#[tokio::test]
async fn b26_a_clock_that_went_back_by_the_allowed_skew_refuses_nobody() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.clock.turn_back(MINUTE);
    assert_eq!(scene.views().await, "1");
    assert_eq!(scene.browser.post(&scene.app, "/add").await.text(), "2");
    assert_eq!(scene.views().await, "2", "sealed by a clock behind the session's beginning");
}

#[tokio::test]
async fn b26_a_cookie_from_further_in_the_future_is_refused_and_left() {
    let mut scene = Scene::new(|builder| builder).await;
    scene.clock.turn_back(MINUTE + SECOND);
    let answer = scene.browser.get(&scene.app, "/arrival").await;
    assert_eq!(answer.text(), "Refused(NotYetValid)");
    assert!(answer.sends_nothing());
}

#[tokio::test]
async fn a_kept_handle_still_reads_and_opening_its_cookie_again_shows_that_the_session_has_expired() {
    let scene = Scene::new(|builder| builder).await;
    let handle = scene.browser.session(&scene.sessions).await;
    scene.clock.advance(2 * HOUR);
    assert_eq!(handle.read(|visit| visit.views), 1, "as a WebSocket has it that was opened before");
    let again = scene.browser.session(&scene.sessions).await;
    assert_eq!(again.arrival(), Arrival::Refused(Refusal::Expired));
}

#[test]
fn timeouts_that_make_no_sense_are_errors() {
    let refused = |timeouts: Timeouts| {
        let error = Sessions::<Visit>::builder(KeyRing::generate().unwrap())
            .timeouts(|_| timeouts)
            .build()
            .unwrap_err();
        assert!(error.is_configuration());
        error.to_string()
    };
    let default = Timeouts::default;
    assert_eq!(
        refused(default().idle_timeout(SECOND / 2)),
        "`idle_timeout` is shorter than a second: set it to a second or more"
    );
    assert_eq!(
        refused(default().absolute_timeout(SECOND / 2)),
        "`absolute_timeout` is shorter than a second: set it to a second or more"
    );
    assert!(
        refused(default().persistent_absolute_timeout(50_000 * DAY)).contains("longer than 2^32 - 1 seconds")
    );
    assert!(refused(default().idle_timeout(25 * HOUR)).contains("is longer than `absolute_timeout`"));
}

#[test]
fn timeouts_of_as_many_seconds_as_the_format_can_hold_are_accepted() {
    let longest = SECOND * u32::MAX;
    let timeouts = Timeouts::default().all_persistent(longest, longest).absolute_timeout(longest);
    let sessions = Sessions::<Visit>::builder(KeyRing::generate().unwrap()).timeouts(|_| timeouts).build();
    assert!(sessions.is_ok());
}
