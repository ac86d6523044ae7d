//! The memory of sessions, and whether reading one takes longer the more there are: of sessions that have outgrown their
//! cookies, in the store in memory, side by side with tower-sessions' own; and of a million that have not, which take
//! none.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench memory`; `benches/paired/mod.rs` has the options.
//! Targets are printed, never asserted; `tests/allocations/memory.rs` asserts the first.

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

use std::{rc::Rc, sync::Arc};

use apps::{ask, cookie};
use axum::{Router, http::HeaderValue};
use data::{Data, large_cart, lengths};
use login::login;
use paired::{
    Options, Row, Table,
    allocations::{in_use, resident},
};
use sealed_session::store::MemoryStore;
use tokio::runtime::Runtime;

/// The length of the blob of a payload: 37 bytes in clear, then six and the payload, padded to 256, and the tag.
fn blob(payload: usize) -> usize {
    37 + (6 + payload).next_multiple_of(256) + 16
}

fn tower_sessions<T: Data>(value: &Arc<T>) -> Router {
    let store = tower_sessions::MemoryStore::default();
    apps::tower_sessions(value).layer(tower_sessions::SessionManagerLayer::new(store))
}

/// So many new sessions.
struct Sessions {
    /// Bytes in use for all of them.
    in_use: isize,
    /// The growth of the process.
    resident: isize,
    /// Some of the cookies, spread evenly.
    cookies: Vec<HeaderValue>,
}

async fn begin(app: &Router, sessions: usize) -> Sessions {
    // Memory that is allocated once.
    for _ in 0..100 {
        drop(ask(app, "/fill", None).await);
    }
    let mut cookies = Vec::with_capacity(KEPT);
    let (before, resident_before) = (in_use(), resident());
    for number in 0..sessions {
        let cookie = cookie(&ask(app, "/fill", None).await).expect("a cookie");
        if number % sessions.div_ceil(KEPT) == 0 {
            cookies.push(cookie);
        }
    }
    let kept: usize = cookies.iter().map(HeaderValue::len).sum();
    Sessions {
        in_use: in_use() - before - kept as isize,
        resident: resident() as isize - resident_before as isize,
        cookies,
    }
}

/// So many cookies are kept to read sessions with.
const KEPT: usize = 1000;

fn stored(runtime: &Runtime, sessions: usize) {
    let cart = large_cart();
    println!("{sessions} sessions that don't fit their cookies, each {}:", lengths(&*cart));
    let ours = MemoryStore::bounded(1 << 30, 1 << 20);
    let app = apps::sealed_session(&cart, |builder| builder.store(ours.clone()));
    let used = runtime.block_on(begin(&app, sessions)).in_use as usize / sessions;
    assert_eq!(ours.len(), sessions + 100);
    let blob = blob(postcard::to_allocvec(&*cart).unwrap().len());
    println!(
        "sealed-session, MemoryStore: {used} bytes, {} beside the blob of {blob} (target: at most 300)",
        used - blob
    );
    let used = runtime.block_on(begin(&tower_sessions(&cart), sessions)).in_use as usize / sessions;
    println!("tower-sessions 0.15, MemoryStore: {used} bytes\n");
}

/// Reading one of the sessions that are alive.
fn growth(runtime: &Rc<Runtime>, most: usize) -> Table {
    let login = Arc::new(login());
    let mut table = Table::new("growth with the sessions alive: a login is read", "", "1000 alive")
        .notes("bytes in use, resident kB");
    // Ours first, while nothing has fragmented the heap.
    type Make = fn(&Arc<login::Visit>) -> Router;
    let contenders: [(&str, Make, usize); 2] = [
        (
            "sealed-session, in cookies",
            |value| apps::sealed_session(value, |builder| builder.store(MemoryStore::new())),
            most,
        ),
        ("tower-sessions 0.15, MemoryStore", tower_sessions, most / 10),
    ];
    for (section, app, most) in contenders {
        table.section(section);
        for sessions in [1000, most] {
            let app = app(&login);
            let Sessions { in_use, resident, cookies } = runtime.block_on(begin(&app, sessions));
            let (runtime, mut turn) = (runtime.clone(), 0);
            let row = Row::new(format!("{sessions} alive"), move || {
                turn = (turn + 1) % cookies.len();
                runtime.block_on(ask(&app, "/read", Some(&cookies[turn])))
            });
            table.add(row.note(format!("{in_use}, {}", resident / 1024)));
        }
    }
    table
}

fn main() {
    // One thread, whose allocations are counted.
    let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let _entered = runtime.enter();
    let (most, few) = match Options::of_process().is_quick {
        true => (2_000, 10),
        false => (1_000_000, 1_000),
    };
    let growth = growth(&runtime, most);
    stored(&runtime, few);
    paired::run("memory", vec![growth]);
}
