//! A server that is killed, frozen, or no longer the primary, under load. A change that was acknowledged is there
//! afterwards, and one that was not is there completely or not at all. No request takes longer than the deadlines.
//!
//! Always on a SecantusDB of the test's own, which it can stop.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::Router;
use mongodb::{
    Client,
    bson::{Document, doc},
};
use sealed_session::store::{Generation, Store, Written};
use sealed_session_mongodb::MongoStore;
use tokio::{sync::Semaphore, task::JoinHandle, time::sleep};

use crate::{
    kit::{blob, future, id},
    secantus::Secantus,
    sessions::{Browser, app, builder},
    stalls::Watch,
};

const BROWSERS: u32 = 8;
const DEADLINE: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// One load at a time, so that answers do not wait for the processor.
static TURN: Semaphore = Semaphore::const_new(1);

/// The answers that all browsers have seen.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    served: AtomicU32,
    failed: AtomicU32,
    longest: Mutex<Duration>,
}

struct Load {
    seen: Arc<Seen>,
    browsers: Vec<JoinHandle<()>>,
}

impl Load {
    async fn begin(url: &str) -> Self {
        let store = MongoStore::connect(url).await.unwrap();
        store.create_index().await.unwrap();
        let sessions = builder().store(store).store_deadline(DEADLINE).build().unwrap();
        let seen = Arc::new(Seen::default());
        let browse = |name| tokio::spawn(browse(name, app(&sessions), seen.clone()));
        let load = Self { browsers: (0..BROWSERS).map(browse).collect(), seen };
        load.is_served().await;
        load
    }

    async fn is_served(&self) -> Duration {
        let (begun, before) = (Watch::start(), self.seen.served.load(SeqCst));
        while self.seen.served.load(SeqCst) < before + 4 * BROWSERS {
            assert!(begun.elapsed() < Duration::from_secs(20), "requests are not served again");
            self.check_browsers();
            sleep(5 * MILLISECOND).await;
        }
        begun.elapsed()
    }

    fn check_browsers(&self) {
        assert!(self.browsers.iter().all(|browser| !browser.is_finished()), "a browser has found an error");
    }

    async fn end(self, title: &str) {
        self.seen.stop.store(true, SeqCst);
        for browser in self.browsers {
            browser.await.unwrap();
        }
        let (served, failed) = (self.seen.served.load(SeqCst), self.seen.failed.load(SeqCst));
        let longest = *self.seen.longest.lock().unwrap();
        println!("{title}: {served} × 200, {failed} × 503, the longest took {longest:?}; nothing lost");
        // Once to load and once to save. A busy machine takes its own time.
        assert!(longest < 2 * DEADLINE + 500 * MILLISECOND, "{longest:?}");
    }
}

/// Changes its session until it is told to stop. It knows what the session may hold: the last change that was
/// acknowledged, or one of those after it that were not.
async fn browse(name: u32, app: Router, seen: Arc<Seen>) {
    let mut browser = Browser::default();
    let mut may_hold = vec![0];
    let mut number = 0;
    loop {
        // At the end, a last look at what is there.
        let is_last = seen.stop.load(SeqCst);
        number += 1;
        let path = if is_last {
            "/read".to_owned()
        } else {
            format!("/write/{number}/{}", 6_000 + 1_000 * (number % 15))
        };
        let begun = Watch::start();
        let (status, body) = browser.get(&app, &path).await;
        let took = begun.elapsed();
        {
            let mut longest = seen.longest.lock().unwrap();
            *longest = took.max(*longest);
        }
        match status.as_u16() {
            200 => {
                let found: u32 = body.parse().unwrap();
                assert!(may_hold.contains(&found), "browser {name} found {found}, not one of {may_hold:?}");
                seen.served.fetch_add(1, SeqCst);
                if is_last {
                    return;
                }
                may_hold = vec![number];
            }
            503 => {
                seen.failed.fetch_add(1, SeqCst);
                if !is_last {
                    may_hold.push(number);
                }
            }
            status => panic!("browser {name}: {status}"),
        }
        sleep(2 * MILLISECOND).await;
    }
}

/// Runs a function that blocks.
fn at_once<R>(work: impl FnOnce() -> R) -> R {
    tokio::task::block_in_place(work)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_server_killed_and_restarted_under_load_loses_nothing() {
    let _turn = TURN.acquire().await.unwrap();
    let mut server = at_once(Secantus::start);
    let load = Load::begin(&server.url()).await;
    for outage in [0, 300, 1_500] {
        let before = load.seen.failed.load(SeqCst);
        at_once(|| server.kill());
        sleep(outage * MILLISECOND).await;
        if outage > 1_000 {
            assert!(load.seen.failed.load(SeqCst) > before, "requests fail while the server is down");
        }
        at_once(|| server.start_again());
        println!(
            "after a restart, {outage} ms down: all are served again after {:?}",
            load.is_served().await
        );
    }
    load.end("killed and restarted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_server_frozen_under_load_is_answered_in_time_and_loses_nothing() {
    let _turn = TURN.acquire().await.unwrap();
    let server = at_once(Secantus::start);
    let load = Load::begin(&server.url()).await;
    for outage in [300, 1_500, 4_000] {
        server.freeze();
        sleep(outage * MILLISECOND).await;
        server.thaw();
        println!("after {outage} ms of frost: all are served again after {:?}", load.is_served().await);
    }
    load.end("frozen").await;
}

/// Has the server answer these commands with an error or by closing the connection.
async fn fail(server: &Secantus, mode: impl Into<mongodb::bson::Bson>, data: Document) {
    let client = Client::with_uri_str(server.url()).await.unwrap();
    let command = doc! { "configureFailPoint": "failCommand", "mode": mode.into(), "data": data };
    client.database("admin").run_command(command).await.unwrap();
}

/// 10107 is NotWritablePrimary, and 91 is ShutdownInProgress.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_primary_that_steps_down_is_an_error_until_there_is_another() {
    let server = at_once(Secantus::start);
    // A mongod reports its new role at once. SecantusDB only pretends to have one, and has to be asked.
    let store = MongoStore::connect(&format!("{}?serverMonitoringMode=poll", server.url())).await.unwrap();
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    for (number, code) in [(1, 10107), (2, 91)] {
        // Once: the driver finds the new primary and repeats the call, which the server recognizes.
        fail(&server, doc! { "times": 1 }, doc! { "failCommands": ["update"], "errorCode": code }).await;
        let written = store.replace(id(1), Generation::new(number), &blob(number + 1), future()).await;
        assert_eq!(written.unwrap(), Written::Done);
    }
    fail(&server, "alwaysOn", doc! { "failCommands": ["update", "find"], "errorCode": 10107 }).await;
    let error = store.replace(id(1), Generation::new(3), &blob(4), future()).await.unwrap_err();
    assert_eq!(error.to_string(), "replacing a blob");
    let error = store.load(id(1), usize::MAX).await.unwrap_err();
    assert_eq!(error.to_string(), "loading a blob");
    fail(&server, "off", doc! {}).await;
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_write_whose_connection_is_lost_once_is_repeated() {
    let server = at_once(Secantus::start);
    let store = MongoStore::connect(&server.url()).await.unwrap();
    fail(&server, doc! { "times": 1 }, doc! { "failCommands": ["update"], "closeConnection": true }).await;
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_server_that_is_down_is_an_error_in_time_and_the_store_recovers_by_itself() {
    let mut server = at_once(Secantus::start);
    let store = MongoStore::connect(&server.url()).await.unwrap();
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    at_once(|| server.kill());
    for _ in 0..3 {
        let begun = Watch::start();
        store.load(id(1), usize::MAX).await.unwrap_err();
        let took = begun.elapsed();
        assert!(took < 2_500 * MILLISECOND, "{took:?}");
    }
    at_once(|| server.start_again());
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(1)));
}
