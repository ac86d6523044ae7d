//! Opening and changing sessions that don't fit their cookies, side by side with tower-sessions: its store in memory beside
//! ours, and its store in Redis beside ours, on the same server over one connection each.
//!
//! `cargo bench --manifest-path benches/store/Cargo.toml`, with `-- --quick` for a short run. Each request is a whole
//! one, through axum's router and the middleware, in process; the client sends back what cookies it is given. Ours seals
//! the session (postcard, AES-256-GCM) and compares generations in the store; theirs keeps a tree of JSON values in memory,
//! and in Redis the same tree as MessagePack, in clear, and the last write wins.
//!
//! The contenders take turns, round by round, and every ratio is taken within a round. Targets are printed, never asserted.

mod apps;
#[path = "../cart5/mod.rs"]
mod cart5;
#[path = "../paired/mod.rs"]
mod paired;
#[path = "../../tests/kit/servers.rs"]
mod servers;

use std::{
    env,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use apps::Data;
use axum::{Router, http::HeaderValue};
use paired::{median, ratio};
use sealed_session::store::{MemoryStore, RedisStore};
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};

/// Visitors who take turns, each with a session of its own.
const VISITORS: usize = 64;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    batch: usize,
}

const PAGES: [(&str, &str); 2] = [("/read", "open and read"), ("/change", "open, change, commit")];

/// An application and its visitors.
struct Contender {
    name: &'static str,
    app: Router,
    cookies: Vec<HeaderValue>,
    turn: usize,
    /// Microseconds per request, of each round, as in `PAGES`.
    samples: [Vec<f64>; 2],
}

impl Contender {
    async fn new(name: &'static str, data: &Data, app: Router) -> Self {
        let mut cookies = Vec::new();
        for _ in 0..VISITORS {
            cookies.push(apps::cookie(&apps::ask(&app, "/fill", None).await).unwrap());
        }
        let mut this = Self { name, app, cookies, turn: 0, samples: Default::default() };
        // It does what is measured.
        this.visit("/change").await;
        let response = apps::ask(&this.app, "/read", Some(&this.cookies[this.turn])).await;
        let sum = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(sum, (data.cart.sum() + 1).to_string(), "{name}");
        this
    }

    async fn visit(&mut self, page: &'static str) {
        self.turn = (self.turn + 1) % VISITORS;
        let mine = &mut self.cookies[self.turn];
        let response = apps::ask(&self.app, page, Some(mine)).await;
        if let Some(cookie) = apps::cookie(&response) {
            *mine = cookie;
        }
    }

    async fn round(&mut self, batch: usize) -> [f64; 2] {
        let mut times = [0.0; 2];
        for ((page, _), time) in PAGES.iter().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..batch {
                self.visit(page).await;
            }
            *time = start.elapsed().as_nanos() as f64 / batch as f64 / 1e3;
        }
        times
    }
}

/// Ours, and what it is measured against.
type Pair = [Contender; 2];

async fn in_memory(data: &Arc<Data>) -> Pair {
    let theirs = tower_sessions::MemoryStore::default();
    [
        Contender::new("sealed-session, MemoryStore", data, apps::sealed_session(data, MemoryStore::new()))
            .await,
        Contender::new("tower-sessions 0.15, MemoryStore", data, apps::tower_sessions(data, theirs)).await,
    ]
}

async fn in_redis(data: &Arc<Data>, server: &servers::Redis) -> Pair {
    let ours = RedisStore::connect(&server.url()).await.unwrap();
    let pool = Pool::new(Config::from_url(&server.url()).unwrap(), None, None, None, 1).unwrap();
    pool.init().await.unwrap();
    let theirs = tower_sessions_redis_store::RedisStore::new(pool);
    [
        Contender::new("sealed-session, RedisStore", data, apps::sealed_session(data, ours)).await,
        Contender::new(
            "tower-sessions 0.14, RedisStore 0.16",
            data,
            apps::tower_sessions_redis(data, theirs),
        )
        .await,
    ]
}

async fn measure(pairs: &mut [Pair], Effort { rounds, batch }: Effort) {
    for round in 0..=rounds {
        for pair in &mut *pairs {
            for contender in 0..2 {
                let contender = &mut pair[(contender + round) % 2];
                let times = contender.round(batch).await;
                // The first warms up.
                if round > 0 {
                    contender.samples.iter_mut().zip(times).for_each(|(samples, time)| samples.push(time));
                }
            }
        }
    }
}

fn print(pairs: &[Pair]) {
    let heads = PAGES.map(|(_, page)| format!("{page:>24}")).concat();
    println!("{:40}{heads}", "");
    for Contender { name, samples, .. } in pairs.iter().flatten() {
        let times = samples.each_ref().map(|samples| format!("{:>21.1} µs", median(samples))).concat();
        println!("{name:40}{times}");
    }
    for [ours, theirs] in pairs {
        let ratios: String = ours
            .samples
            .iter()
            .zip(&theirs.samples)
            .map(|(ours, theirs)| format!("{:>24}", ratio(theirs, ours)))
            .collect();
        println!("{:40}{ratios}", ours.name);
    }
    println!("{:40}{:>24}{:>24}", "Targets: no slower", ">= 1.00x", ">= 1.00x");
}

fn redis_is_installed() -> bool {
    let mut command = Command::new("redis-server");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

// One thread, so that nothing is measured of how the system moves tasks between two.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Cargo passes `--bench`; without it, the point is that it runs.
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let effort = match given("--quick") || !given("--bench") {
        true => Effort { rounds: 2, batch: 64 },
        false => Effort { rounds: 51, batch: 64 },
    };
    println!(
        "{VISITORS} visitors take turns. Medians of {} rounds of {} requests; below, how many times as fast (least-most of \
         all rounds).",
        effort.rounds, effort.batch
    );
    let server = redis_is_installed().then(servers::Redis::start);
    if server.is_none() {
        println!("redis-server is not installed: only the stores in memory are measured.");
    }
    for data in [Data::basket(apps::LINES), Data::text(20_000)] {
        println!("\nEach session {data}:");
        let mut pairs = vec![in_memory(&data).await];
        if let Some(server) = &server {
            pairs.push(in_redis(&data, server).await);
        }
        measure(&mut pairs, effort).await;
        print(&pairs);
    }
}
