//! What is trusted and what is told (B40, B41).

use sealed_session::{Arrival, Refusal};

use crate::{
    hyper::{
        client::Visitor,
        server::{On, Scene, handler, verb},
    },
    kit::{self, Browser, Clock, log::Log, refusals::refusals},
};

const COOKIE: &str = "__Host-session";

/// An application, a visitor, and a cookie for each reason to refuse one.
struct Refused {
    scene: Scene,
    visitor: Visitor,
    cookies: Vec<(Refusal, String)>,
}

impl Refused {
    async fn new(on: On) -> Self {
        let (ring, clock) = (kit::ring(), Clock::new());
        let sessions = kit::sessions(ring.clone(), &clock).build().unwrap();
        let cookies = refusals(&ring, &clock);
        let verbs = handler(|path, session| async move { verb(&path, &session) });
        let scene = Scene::serving(on, sessions, clock, verbs).await;
        let visitor = scene.visitor().await;
        Self { scene, visitor, cookies }
    }

    /// The answer to a visitor who holds this cookie and no other.
    async fn ask(&mut self, cookie: &str, path: &str) -> kit::Answer {
        self.visitor.browser = Browser::holding(COOKIE, cookie);
        self.visitor.get(path).await
    }
}

pub async fn b40_whatever_the_refusal_status_body_and_data_are_those_of_a_fresh_session(on: On) {
    let mut refused = Refused::new(on).await;
    let expected = refused.scene.visitor().await.get("/all").await;
    for (refusal, cookie) in refused.cookies.clone() {
        let answer = refused.ask(&cookie, "/all").await;
        assert_eq!(answer.status, expected.status, "{refusal}");
        assert_eq!(answer.body, expected.body, "{refusal}");
        assert_eq!(answer.all("vary"), expected.all("vary"), "{refusal}");
    }
}

pub async fn b40_the_reason_is_there_for_the_handler_and_is_counted(on: On) {
    let mut refused = Refused::new(on).await;
    for (refusal, cookie) in refused.cookies.clone() {
        let answer = refused.ask(&cookie, "/arrival").await;
        assert_eq!(answer.text(), format!("{:?}", Arrival::Refused(refusal)));
    }
    for (refusal, times) in refused.scene.sessions.counters().refused {
        let expected = u64::from(refused.cookies.iter().any(|(one, _)| *one == refusal));
        assert_eq!(times, expected, "{refusal}");
    }
}

pub async fn b40_the_reason_is_logged_at_debug_without_the_cookie(on: On) {
    let mut refused = Refused::new(on).await;
    for (refusal, cookie) in refused.cookies.clone() {
        let (log, guard) = Log::record();
        refused.ask(&cookie, "/all").await;
        drop(guard);
        let text = log.text();
        let line = text.lines().find(|line| line.contains(&format!("refusal=\"{refusal}\"")));
        assert!(line.is_some_and(|line| line.contains("DEBUG")), "{text}");
        // What other crates log of the wire is theirs.
        let ours = text.lines().filter(|line| line.contains("sealed_session"));
        assert!(ours.clone().count() > 0);
        assert!(ours.into_iter().all(|line| !line.contains(&cookie[..8])), "{text}");
    }
}

pub async fn b41_a_malformed_or_expired_cookie_is_removed_and_every_other_is_left(on: On) {
    let mut refused = Refused::new(on).await;
    for (refusal, cookie) in refused.cookies.clone() {
        let answer = refused.ask(&cookie, "/all").await;
        match refusal {
            Refusal::Malformed | Refusal::Expired => assert!(answer.removes(), "{refusal}"),
            _ => assert!(answer.sends_nothing(), "{refusal}"),
        }
    }
    let expired =
        &refused.cookies.iter().find(|(refusal, _)| *refusal == Refusal::Expired).unwrap().1.clone();
    assert!(refused.ask(expired, "/add-and-fail").await.removes(), "also when the handler fails");
}

pub async fn b41_a_refused_cookie_is_replaced_only_when_the_handler_writes(on: On) {
    let mut refused = Refused::new(on).await;
    for (refusal, cookie) in refused.cookies.clone() {
        let answer = refused.ask(&cookie, "/add").await;
        assert!(!answer.removes(), "{refusal}");
        assert_eq!(refused.visitor.views().await, "1", "{refusal}");
    }
}
