//! The time that revocations add to a request that reads its session.

#[path = "../full_log/mod.rs"]
mod full_log;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use full_log::FullLog;
use http::HeaderValue;
use sealed_session::{Key, KeyRing, Revocations, Sessions};
use tokio::runtime::Runtime;

use crate::{
    Layer, PAGE, Use, cookies, fill, in_axum,
    login::Visit,
    paired::{Row, Table, allocations::resident},
    read,
};

fn now() -> u32 {
    u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

pub fn table() -> Table {
    let mut table =
        Table::new("revocations, axum", "", "no revocations").notes("resident bytes per entry; start");
    let ring = KeyRing::generate().unwrap();
    let builder = || Sessions::<Visit>::builder(ring.clone()).realm("shop");
    let plain = builder().build().unwrap();
    let held = cookies(&plain, in_axum::app, fill);
    let row = |name: String, sessions, held: HeaderValue| {
        let app = in_axum::app(Layer::Sessions(sessions), Some(read as Use));
        assert_eq!(*app(held.clone()).body(), PAGE.to_string(), "{name}");
        Row::new(name, move || app(held.clone()))
    };
    table.section("read");
    let base = table.add(row("no revocations".into(), plain, held.clone()));
    // It follows the log beside the requests. It lives for as long as the process.
    let runtime: &'static Runtime = Box::leak(Box::new(
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
    ));
    // A session that began after every entry, and one that began before.
    let (earlier, later) = (1_000_000_000, now() + 60);
    for (begun, entries, stamp) in [
        ("", 0, earlier),
        (", begun since", 1_000, earlier),
        (", begun since", 1_000_000, earlier),
        (", begun before", 1_000, later),
        (", begun before", 1_000_000, later),
    ] {
        let (before, began) = (resident(), Instant::now());
        let builder_of = Revocations::builder(Key::generate().unwrap()).at_most(Duration::from_secs(10));
        let revocations =
            std::thread::spawn(move || runtime.block_on(builder_of.start(FullLog { entries, stamp })))
                .join()
                .expect("it does not panic")
                .unwrap();
        let (took, grown) = (began.elapsed(), resident().saturating_sub(before));
        assert_eq!(revocations.len() as u64, entries);
        let sessions =
            builder().revocations(revocations).subject(|visit: &Visit| visit.user).build().unwrap();
        let row = row(format!("{entries} entries{begun}"), sessions, held.clone());
        let each = grown.checked_div(usize::try_from(entries).unwrap()).unwrap_or(0);
        table.add(row.over(base).note(format!("{each}; {took:.0?}")));
    }
    table
}
