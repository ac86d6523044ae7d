//! Opening and changing sessions that don't fit their cookies, side by side with tower-sessions: its store in memory beside
//! ours, and its store in Redis beside ours, on the same server over one connection each.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench stores`; `benches/paired/mod.rs` has the options. Each
//! request is a whole one, through axum's router and the middleware, in process; the client sends back what cookies it
//! is given. Ours seals the session (postcard, AES-256-GCM) and compares generations in the store; theirs keeps a tree of
//! JSON values in memory, and in Redis the same tree as MessagePack, in clear, and the last write wins. The floor is
//! neither a request nor in a store.

mod apps;
#[path = "../cart5/mod.rs"]
mod cart5;
mod data;
#[path = "../floor/mod.rs"]
mod floor;
#[path = "../login/mod.rs"]
mod login;
#[path = "../paired/mod.rs"]
mod paired;
#[path = "../../tests/kit/servers.rs"]
mod servers;

use std::{
    cell::RefCell,
    process::{Command, Stdio},
    rc::Rc,
    sync::Arc,
};

use axum::{Router, http::HeaderValue};
use cart5::Cart;
use data::{Data, large_cart, large_text, lengths};
use floor::XAES;
use paired::{Effort, Row, Table};
use sealed_session::store::{MemoryStore, RedisStore};
use tokio::runtime::Runtime;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};

/// Visitors who take turns, each with a session of its own.
const VISITORS: usize = 64;

const OURS: &str = "sealed-session";

/// An application and its visitors.
struct Contender {
    app: Router,
    cookies: Vec<HeaderValue>,
    turn: usize,
}

impl Contender {
    /// Has shown that it keeps what its pages do.
    async fn new(value: &Cart, app: Router) -> Self {
        let mut cookies = Vec::new();
        for _ in 0..VISITORS {
            cookies.push(apps::cookie(&apps::ask(&app, "/fill", None).await).unwrap());
        }
        let mut this = Self { app, cookies, turn: 0 };
        this.visit("/change").await;
        let response = apps::ask(&this.app, "/read", Some(&this.cookies[this.turn])).await;
        let sum = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(sum, (value.sum() + 1).to_string());
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
}

/// The least that a session costs: a copy of its bytes is decrypted and parsed, and for a change written and encrypted
/// again.
fn floor(value: &Cart, changes: bool) -> Row {
    let (key, nonce) = (floor::random(), floor::random());
    let mut blob = postcard::to_allocvec(value).unwrap();
    let tag = (XAES.encrypt)(&key, &nonce, &mut blob);
    Row::new("the floor, XAES-256-GCM", move || {
        let mut bytes = blob.clone();
        (XAES.decrypt)(&key, &nonce, &mut bytes, &tag);
        let value: Cart = postcard::from_bytes(&bytes).unwrap();
        if changes {
            bytes = postcard::to_allocvec(&value).unwrap();
            (XAES.encrypt)(&key, &floor::random(), &mut bytes);
        }
        (value, bytes)
    })
}

fn table(title: &str, value: Arc<Cart>, redis: Option<&servers::Redis>, runtime: &Rc<Runtime>) -> Table {
    let mut table = Table::new(format!("{title}: {}", lengths(&*value)), "times the floor", OURS);
    let mut compare = |place: &str, apps: [(&'static str, Router); 2]| {
        let apps = apps
            .map(|(name, app)| (name, Rc::new(RefCell::new(runtime.block_on(Contender::new(&value, app))))));
        for (section, page) in [("read", "/read"), ("changed", "/change")] {
            table.section(format!("{place}, {section}"));
            let floor = table.add(floor(&value, section == "changed"));
            for (name, contender) in &apps {
                let (contender, runtime) = (contender.clone(), runtime.clone());
                let visit = move || runtime.block_on(contender.borrow_mut().visit(page));
                table.add(Row::new(*name, visit).floor(floor));
            }
        }
    };

    let theirs = tower_sessions::SessionManagerLayer::new(tower_sessions::MemoryStore::default());
    let ours = apps::sealed_session(&value, |builder| builder.store(MemoryStore::new()));
    let theirs = apps::tower_sessions(&value).layer(theirs);
    compare("in memory", [(OURS, ours), ("tower-sessions 0.15, MemoryStore", theirs)]);

    if let Some(server) = redis {
        let ours = runtime.block_on(RedisStore::connect(&server.url())).unwrap();
        let pool = Pool::new(Config::from_url(&server.url()).unwrap(), None, None, None, 1).unwrap();
        runtime.block_on(pool.init()).unwrap();
        let theirs = tower_sessions_redis_store::RedisStore::new(pool);
        let ours = apps::sealed_session(&value, |builder| builder.store(ours));
        let theirs =
            apps::tower_sessions_redis(&value).layer(tower_sessions_redis::SessionManagerLayer::new(theirs));
        compare("in Redis", [(OURS, ours), ("tower-sessions 0.14, RedisStore 0.16", theirs)]);
    }
    table
}

fn redis_is_installed() -> bool {
    let mut command = Command::new("redis-server");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn main() {
    // One thread, so that nothing is measured of how the system moves tasks between two.
    let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let _entered = runtime.enter();
    let server = redis_is_installed().then(servers::Redis::start);
    if server.is_none() {
        println!("redis-server is not installed: only the stores in memory are measured.");
    }
    let table = |title, value| table(title, value, server.as_ref(), &runtime);
    // In a turn, each visitor comes often: what others have left in the processor's caches matters only at the beginning.
    let effort = Effort { rounds: 101, nanoseconds: 3e6 };
    paired::run_for(
        effort,
        "stores",
        vec![table("a cart of 1047 lines", large_cart()), table("one string of 20 kB", large_text())],
    );
}
