//! One node of an application, and browsers that visit it.

use std::time::Duration;

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    routing::{any, get},
};
use sealed_session::{
    Error, Key, KeyRing, Revocations, RevocationsBuilder, Session, Sessions, SessionsBuilder, Suite, Timeouts,
};
use serde::{Deserialize, Serialize};

use crate::kit::{Answer, Browser, SECOND, TestStore, test_log::TestLog, world::World};

/// The payload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    pub user: Option<u64>,
    pub provider_session: Option<String>,
    pub views: u32,
}

/// What all nodes share.
#[derive(Clone)]
pub struct Fleet {
    pub world: World,
    pub log: TestLog,
    pub ring: KeyRing,
}

/// A node.
#[derive(Clone)]
pub struct Node {
    pub sessions: Sessions<Visit>,
    pub revocations: Revocations,
    pub app: Router,
    /// Its connection to the log.
    pub log: TestLog,
}

type S = Session<Visit>;

impl Fleet {
    pub fn new() -> Self {
        let world = World::new();
        Self { log: TestLog::new(&world), ring: KeyRing::generate().unwrap(), world }
    }

    pub async fn node(&self) -> Node {
        self.node_with(0, |builder| builder).await
    }

    /// A node whose clock is ahead by these seconds, or behind.
    pub async fn node_with(
        &self,
        ahead: i64,
        configure: impl FnOnce(RevocationsBuilder) -> RevocationsBuilder,
    ) -> Node {
        let log = self.log.another();
        let revocations = configure(builder()).start(log.clone()).await.unwrap();
        let sessions = self.sessions(ahead, &revocations, |timeouts| timeouts);
        Node { app: routes().layer(sessions.clone()), sessions, revocations, log }
    }

    /// A node with other timeouts.
    pub async fn node_lasting(&self, configure: impl FnOnce(Timeouts) -> Timeouts) -> Node {
        let node = self.node().await;
        let sessions = self.sessions(0, &node.revocations, configure);
        Node { app: routes().layer(sessions.clone()), sessions, ..node }
    }

    /// A node whose sessions outgrow their cookies into this store.
    pub async fn node_over(&self, store: &TestStore) -> Node {
        self.node_whose(|builder| builder.store(store.clone())).await
    }

    /// A node that has given its realm another name, and accepts the sessions of the former realm.
    pub async fn node_renamed(&self, realm: &str) -> Node {
        self.node_whose(|builder| builder.realm(realm).accept_previous("shop", |cookie| cookie)).await
    }

    /// A node whose sessions are configured like this.
    pub async fn node_whose(
        &self,
        configure: impl FnOnce(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>,
    ) -> Node {
        let log = self.log.another();
        let revocations = builder().start(log.clone()).await.unwrap();
        let sessions = configure(self.builder(0, &revocations)).build().unwrap();
        Node { app: routes().layer(sessions.clone()), sessions, revocations, log }
    }

    /// The sessions of a node whose clock is ahead by these seconds, or behind.
    pub fn sessions(
        &self,
        ahead: i64,
        revocations: &Revocations,
        configure: impl FnOnce(Timeouts) -> Timeouts,
    ) -> Sessions<Visit> {
        self.builder(ahead, revocations).timeouts(configure).build().unwrap()
    }

    /// They allow for the least skew.
    fn builder(&self, ahead: i64, revocations: &Revocations) -> SessionsBuilder<Visit> {
        Sessions::<Visit>::builder(self.ring.clone())
            .realm("shop")
            .clock(self.world.clock(ahead))
            .timeouts(|timeouts| timeouts.clock_skew(20 * SECOND))
            .revocations(revocations.clone())
            .subject(|visit: &Visit| visit.user)
            .revocation_keys(|visit: &Visit| visit.provider_session.clone())
    }
}

/// The same key for all nodes.
pub fn builder() -> RevocationsBuilder {
    let mut bytes = [7; 32];
    bytes[0] = 8;
    Revocations::builder(Key::from_bytes(bytes, Suite::default()).unwrap())
}

fn routes() -> Router {
    Router::new()
        .route("/read", get(async |session: S| session.read(|visit| format!("{:?}", visit.user))))
        .route("/arrival", get(async |session: S| format!("{:?}", session.arrival())))
        .route("/add", any(async |session: S| session.update(|visit| visit.views += 1)))
        .route(
            "/sign-in/{user}",
            any(async |Path(user): Path<u64>, session: S| {
                session.cycle_id();
                session.update(|visit| visit.user = Some(user));
            }),
        )
        .route(
            "/sign-in-without-a-new-id/{user}",
            any(async |Path(user): Path<u64>, session: S| session.update(|visit| visit.user = Some(user))),
        )
        .route(
            "/sign-in-at-provider/{user}/{sid}",
            any(async |Path((user, sid)): Path<(u64, String)>, session: S| {
                session.cycle_id();
                session.update(|visit| (visit.user, visit.provider_session) = (Some(user), Some(sid)));
            }),
        )
        .route(
            "/name-provider-session/{sid}",
            any(async |Path(sid): Path<String>, session: S| {
                session.update(|visit| visit.provider_session = Some(sid));
            }),
        )
        .route("/sign-out", any(async |session: S| session.destroy()))
        .route("/clear", any(async |session: S| session.clear()))
        .route("/new-id", any(async |session: S| session.cycle_id()))
        .route("/new-role", any(async |session: S| session.cycle_id_keep_timeout()))
        .route("/remember", any(async |session: S| session.remember(Duration::from_secs(14 * 24 * 3600))))
        .route("/touch", any(async |session: S| session.touch()))
        .route(
            "/log-out-others",
            any(async |session: S| -> Result<(), Error> { session.revoke_others().await }),
        )
        .route(
            "/sign-out-and-fail",
            any(async |session: S| {
                session.destroy();
                StatusCode::INTERNAL_SERVER_ERROR
            }),
        )
}

impl Node {
    /// A browser in which this user has signed in here.
    pub async fn signed_in(&self, user: u64) -> Browser {
        let mut browser = Browser::new();
        let answer = browser.post(&self.app, &format!("/sign-in/{user}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        browser
    }

    /// The user whom this node sees in a browser.
    pub async fn user(&self, browser: &Browser) -> String {
        let answer = self.ask(browser, "/read").await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.text().to_owned()
    }

    pub async fn arrival(&self, browser: &Browser) -> String {
        self.ask(browser, "/arrival").await.text().to_owned()
    }

    /// Sends a request, and leaves the browser as it is.
    pub async fn ask(&self, browser: &Browser, path: &str) -> Answer {
        crate::kit::ask(&self.app, browser.request("GET", path)).await
    }
}

impl Fleet {
    pub async fn pass(&self, seconds: u32) {
        self.world.pass(SECOND * seconds).await;
    }
}
