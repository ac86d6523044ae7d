//! Browsers that keep an application busy, in this process.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use futures_util::future::join_all;
use sealed_session::{Renewal, Session, Sessions, SessionsBuilder, store::Store};
use tokio::task::JoinHandle;

use crate::{
    browser::{Value, Visitor},
    figures::Figures,
    kit::{Visit, log, ring},
    random::seed,
    stalls::Watch,
};

const BROWSERS: usize = 24;

/// What a handler has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Session {
        user: u64,
        value: Value,
    },
    /// Data that nobody has written.
    Torn,
}

/// What each handler has found, by browser. It is told here, since a 503 has no body.
type Slots = Arc<[Mutex<Option<Found>>]>;

pub struct Shared {
    pub app: Router,
    pub found: Slots,
    pub stop: AtomicBool,
    figures: Mutex<Figures>,
}

impl Shared {
    pub fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap()
    }
}

/// A load that goes on until it is told to stop.
pub struct Load {
    title: String,
    deadline: Duration,
    shared: Arc<Shared>,
    sessions: Sessions<Visit>,
    browsers: Vec<JoinHandle<Visitor>>,
}

impl Load {
    /// Begins, and returns when every browser has been served.
    pub async fn begin(title: &str, store: impl Store, deadline: Duration) -> Self {
        Self::begin_with(title, store, deadline, |builder| builder.store_deadline(deadline)).await
    }

    /// The same, of an application configured like this, whose deadline that makes.
    pub async fn begin_with(
        title: &str,
        store: impl Store,
        deadline: Duration,
        configure: impl FnOnce(SessionsBuilder<Visit>) -> SessionsBuilder<Visit>,
    ) -> Self {
        log::install();
        let seed = seed();
        // So that reading writes, too.
        let builder = Sessions::builder(ring()).realm("outages").renewal(Renewal::EveryRequest);
        let sessions = configure(builder.store(store)).build().unwrap();
        let found: Slots = (0..BROWSERS).map(|_| Mutex::default()).collect();
        let app = Router::new()
            .route("/{user}/{verb}/{number}/{length}", get(handle))
            .with_state(found.clone())
            .layer(sessions.clone());
        let (stop, figures) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { app, found, stop, figures });
        let browsers = (0..BROWSERS)
            .map(|name| {
                let (shared, visitor) = (shared.clone(), Visitor::new(name as u64, seed));
                tokio::spawn(async move { visitor.browse(&shared).await })
            })
            .collect();
        let load = Self { title: format!("{title} (seed {seed})"), deadline, shared, sessions, browsers };
        load.until("every browser has been here", |figures| figures.count(200) >= 4 * BROWSERS as u32).await;
        load
    }

    async fn until(&self, what: &str, reached: impl Fn(&Figures) -> bool) {
        let began = Watch::start();
        while !reached(&self.shared.figures()) {
            assert!(began.elapsed() < Duration::from_secs(15), "{}: {what}", self.title);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until five more requests have failed than these.
    pub async fn fails_after(&self, failures: u32) {
        self.until("requests fail", |figures| figures.count(503) >= failures + 5).await;
    }

    /// The store answers again, from now on.
    pub async fn recovers(&self, after: &str) {
        self.shared.figures().wait(after);
        self.until("the store is used again", |figures| !figures.is_waiting()).await;
        let before = self.shared.figures().count(200);
        self.until("all are served again", |figures| figures.count(200) >= before + 4 * BROWSERS as u32)
            .await;
    }

    /// So many requests have failed.
    pub fn failures(&self) -> u32 {
        self.shared.figures().count(503)
    }

    /// Ends it. All is well by now: every session must be there.
    pub async fn end(self) {
        self.shared.stop.store(true, SeqCst);
        let visitors = join_all(self.browsers).await;
        let looks = visitors.into_iter().map(|visitor| {
            let (shared, mut visitor) = (self.shared.clone(), visitor.unwrap());
            async move { visitor.look_back(&shared).await }
        });
        join_all(looks).await;
        self.shared.figures().report(&self.title, BROWSERS, self.deadline);
        let counters = self.sessions.counters();
        println!(
            "    {} times into the store, {} times back",
            counters.moved_to_store, counters.moved_to_cookie
        );
    }
}

async fn handle(
    Path((user, verb, number, length)): Path<(u64, String, u32, usize)>,
    State(slots): State<Slots>,
    session: Session<Visit>,
) {
    let found = session.read(|visit| match (visit.user, &visit.notes[..]) {
        (None, []) => Found::Nothing,
        (Some(user), [text]) if *text == note(user, visit.views, text.len()) => {
            Found::Session { user, value: (visit.views, text.len()) }
        }
        _ => Found::Torn,
    });
    *slots[user as usize].lock().unwrap() = Some(found);
    let write = |visit: &mut Visit| {
        *visit = Visit {
            user: Some(user),
            views: number,
            notes: vec![note(user, number, length)],
            ..Visit::default()
        };
    };
    match verb.as_str() {
        "Write" => session.update(write),
        "Renew" => {
            session.cycle_id();
            session.update(write);
        }
        "Destroy" => session.destroy(),
        _ => {}
    }
}

/// A text that tells by whom and when it was written, in every part of it.
fn note(user: u64, number: u32, length: usize) -> String {
    let mut text = format!("{user}:{number} ").repeat(length / 4 + 1);
    text.truncate(length);
    text
}
