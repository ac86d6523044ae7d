//! Revocations while the log fails under load, on real servers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::Path, routing::get};
use sealed_session::{
    Error, Key, KeyRing, Revocations, Session, Sessions, Suite,
    store::{RedisStore, RevocationLog, SqliteStore},
};
use sqlx::Connection;
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    MILLISECOND, at_once,
    kit::{Browser, Visit, ask, log, ring},
    postgres::store,
    servers::{Postgres, Redis},
    sqlite::other,
    stalls::Watch,
    turn,
};

/// The promise. It is short, so that the tests end soon.
const AT_MOST: Duration = Duration::from_secs(2);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_millis(500);

/// A machine that stalls for longer excuses what was too slow meanwhile.
const STALL: Duration = Duration::from_millis(100);

const USERS: u64 = 12;

type Log = Arc<dyn RevocationLog>;

#[derive(Clone)]
struct Node {
    app: Router,
    revocations: Revocations,
}

/// Two nodes, and a browser for each user that visits both.
struct Load {
    title: &'static str,
    ring: KeyRing,
    nodes: Vec<Node>,
    shared: Arc<Shared>,
    browsers: Vec<Browser>,
    visits: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    served: AtomicU32,
    stale: AtomicU32,
    /// When the call that ended a user had returned.
    ended: Mutex<[Option<Instant>; USERS as usize]>,
    wrong: Mutex<Vec<String>>,
}

async fn node(ring: &KeyRing, log: Log) -> Node {
    let key = Key::from_bytes(std::array::from_fn(|at| at as u8), Suite::default()).unwrap();
    let revocations = Revocations::builder(key).at_most(AT_MOST).start(log).await.unwrap();
    let sessions = Sessions::<Visit>::builder(ring.clone())
        .realm("outages")
        .revocations(revocations.clone())
        .subject(|visit: &Visit| visit.user)
        .build()
        .unwrap();
    let app = Router::new()
        .route(
            "/",
            get(async |session: Session<Visit>| session.read(|visit| visit.user.is_some().to_string())),
        )
        .route(
            "/sign-in/{user}",
            get(async |Path(user): Path<u64>, session: Session<Visit>| {
                session.cycle_id();
                session.update(|visit| visit.user = Some(user));
            }),
        )
        .layer(sessions);
    Node { app, revocations }
}

impl Load {
    async fn begin(title: &'static str, logs: [Log; 2]) -> Self {
        log::install();
        let ring = ring();
        let mut nodes = Vec::new();
        for log in logs {
            nodes.push(node(&ring, log).await);
        }
        let (shared, mut browsers, mut visits) = (Arc::<Shared>::default(), Vec::new(), Vec::new());
        for user in 0..USERS {
            let mut browser = Browser::new();
            let answer = browser.get(&nodes[0].app, &format!("/sign-in/{user}")).await;
            assert_eq!(answer.status, 200);
            visits.push(tokio::spawn(visit(shared.clone(), nodes.clone(), browser.clone(), user)));
            browsers.push(browser);
        }
        Self { title, ring, nodes, shared, browsers, visits }
    }

    /// Ends a user's sessions, on one node.
    async fn end(&self, user: u64, node: usize) -> Result<(), Error> {
        let began = Watch::start();
        let done = self.nodes[node].revocations.subject("outages", &user).await;
        // Two calls, and the wait for a new second.
        let took = began.elapsed();
        assert!(took < Duration::from_secs(7), "{}: the call took {took:?}", self.title);
        if done.is_ok() {
            self.shared.ended.lock().unwrap()[user as usize] = Some(Instant::now());
        }
        done
    }

    /// The same, of a log that answers by now, if the machine does not stall for too long.
    async fn ends(&self, user: u64, node: usize) {
        let mut began = Watch::start();
        while let Err(error) = self.end(user, node).await {
            assert!(began.stalled() > STALL, "{}: user {user}: {error}", self.title);
            began = Watch::start();
        }
    }

    /// Returns the numbers of requests that are served and refused in this time.
    async fn count(&self, time: Duration) -> (u32, u32) {
        let now = || (self.shared.served.load(SeqCst), self.shared.stale.load(SeqCst));
        let before = now();
        sleep(time).await;
        (now().0 - before.0, now().1 - before.1)
    }

    /// While nobody can follow the log, nobody is served.
    async fn is_stale(&self) {
        sleep(AT_MOST + SLACK).await;
        let (served, stale) = self.count(500 * MILLISECOND).await;
        assert!(served == 0 && stale > 10, "{}: {served} served, {stale} refused", self.title);
    }

    /// The log answers again.
    async fn recovers(&self) {
        let (began, watch) = (Instant::now(), Watch::start());
        while self.nodes.iter().any(|node| node.revocations.is_stale()) {
            assert!(watch.elapsed() < Duration::from_secs(15), "{}: still stale", self.title);
            sleep(5 * MILLISECOND).await;
        }
        println!("  {}: follows the log again after {} ms", self.title, began.elapsed().as_millis());
        sleep(200 * MILLISECOND).await;
        self.is_served(500 * MILLISECOND).await;
    }

    /// For this time, everybody is served. A machine that stalls for as long as the promise makes nodes stale.
    async fn is_served(&self, time: Duration) {
        loop {
            let began = Watch::start();
            let (served, stale) = self.count(time).await;
            if served > 10 && stale == 0 {
                return;
            }
            assert!(began.stalled() > STALL, "{}: {served} served, {stale} refused", self.title);
        }
    }

    /// These users are signed out on each of these nodes, and all others are signed in.
    async fn are_ended(&self, ended: &[u64], nodes: &[Node]) {
        for node in nodes {
            for (user, browser) in self.browsers.iter().enumerate() {
                let answer = ask(&node.app, browser.request("GET", "/")).await;
                let expected = !ended.contains(&(user as u64));
                assert_eq!(answer.text(), expected.to_string(), "{}: user {user}", self.title);
            }
        }
    }

    async fn finish(self) {
        self.shared.stop.store(true, SeqCst);
        for visit in self.visits {
            visit.await.unwrap();
        }
        let (served, stale) = (self.shared.served.load(SeqCst), self.shared.stale.load(SeqCst));
        println!("  {}: {served} requests served, {stale} refused as stale", self.title);
        let wrong = self.shared.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{}: {:#?}", self.title, &wrong[..wrong.len().min(5)]);
    }
}

async fn visit(shared: Arc<Shared>, nodes: Vec<Node>, browser: Browser, user: u64) {
    for node in nodes.iter().cycle() {
        if shared.stop.load(SeqCst) {
            return;
        }
        let began = Instant::now();
        let answer = ask(&node.app, browser.request("GET", "/")).await;
        let ended = shared.ended.lock().unwrap()[user as usize];
        match answer.status.as_u16() {
            // A node that is stale still knows who was ended before.
            200 if answer.text() == "false" => 0,
            200 => shared.served.fetch_add(1, SeqCst),
            503 => shared.stale.fetch_add(1, SeqCst),
            other => panic!("user {user}: {other}"),
        };
        // Each promise counts from the return of the call.
        if answer.status == 200
            && answer.text() == "true"
            && ended.is_some_and(|ended| began > ended + AT_MOST + SLACK / 5)
        {
            let late = began - ended.unwrap();
            shared.wrong.lock().unwrap().push(format!("user {user} is signed in {late:?} after the end"));
        }
        if answer.status == 200 && answer.text() == "false" && ended.is_none() && user >= 8 {
            shared.wrong.lock().unwrap().push(format!("user {user} was ended by nobody"));
        }
        sleep(10 * MILLISECOND).await;
    }
}

async fn postgres(server: &Postgres) -> Log {
    Arc::new(store(&server.url()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn revocations_on_postgres_survive_a_kill_and_a_freeze_under_load() {
    let _turn = turn().await;
    let mut server = at_once(Postgres::start);
    let load =
        Load::begin("revocations on PostgreSQL", [postgres(&server).await, postgres(&server).await]).await;
    load.ends(0, 0).await;
    at_once(|| server.kill());
    load.is_stale().await;
    assert!(load.end(1, 0).await.unwrap_err().is_store());
    at_once(|| server.start_again());
    load.recovers().await;
    load.ends(2, 1).await;
    server.freeze();
    load.is_stale().await;
    assert!(load.end(3, 1).await.unwrap_err().is_store());
    server.thaw();
    load.recovers().await;
    load.ends(1, 0).await;
    load.ends(3, 0).await;
    sleep(AT_MOST).await;
    let late = node(&load.ring, postgres(&server).await).await;
    load.are_ended(&[0, 1, 2, 3], &[load.nodes[0].clone(), load.nodes[1].clone(), late]).await;
    load.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn revocations_on_a_redis_that_loses_its_log_are_written_back() {
    let _turn = turn().await;
    let mut server = at_once(Redis::start);
    let url = server.url();
    let log = async || Arc::new(RedisStore::connect(&url).await.unwrap()) as Log;
    let load = Load::begin("revocations on Redis", [log().await, log().await]).await;
    for user in 0..4 {
        load.ends(user, (user % 2) as usize).await;
    }
    sleep(AT_MOST).await;
    at_once(|| server.kill());
    load.is_stale().await;
    at_once(|| server.start_again());
    load.recovers().await;
    load.ends(4, 0).await;
    server.freeze();
    load.is_stale().await;
    assert!(load.end(5, 1).await.unwrap_err().is_store());
    server.thaw();
    load.recovers().await;
    load.ends(5, 1).await;
    sleep(AT_MOST).await;
    // A node that starts now knows them only from the log.
    let late = node(&load.ring, log().await).await;
    load.are_ended(&[0, 1, 2, 3, 4, 5], &[load.nodes[0].clone(), load.nodes[1].clone(), late]).await;
    load.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes its time: scripts/test gives it"]
async fn revocations_on_a_locked_sqlite_file_fail_and_everybody_else_is_served() {
    let _turn = turn().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.db");
    let log = async || Arc::new(SqliteStore::open(&path).await.unwrap()) as Log;
    let load = Load::begin("revocations on SQLite", [log().await, log().await]).await;
    load.ends(0, 0).await;
    let mut other = other(&path).await;
    let transaction = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    assert!(load.end(1, 0).await.unwrap_err().is_store());
    // Readers do not wait for a writer.
    load.is_served(AT_MOST + SLACK).await;
    drop(transaction);
    other.ping().await.unwrap();
    load.ends(1, 1).await;
    sleep(AT_MOST).await;
    let late = node(&load.ring, log().await).await;
    load.are_ended(&[0, 1], &[load.nodes[0].clone(), load.nodes[1].clone(), late]).await;
    load.finish().await;
}
