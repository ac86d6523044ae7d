//! The time that sessions add to a request, through axum and through hyper, in process: from the request with its cookies to the
//! whole response.
//!
//! `cargo bench --features hyper,memory --bench requests`; `benches/paired/mod.rs` has the options. From the time of each row,
//! that of the same application without a layer is subtracted within the round. What is left is compared with the least
//! that sessions can add.

#[path = "../floor/mod.rs"]
mod floor;
mod in_axum;
#[cfg(feature = "hyper")]
mod in_hyper;
mod least;
#[path = "../login/mod.rs"]
mod login;
#[path = "../paired/mod.rs"]
mod paired;
mod revocations;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::body::Bytes;
use http::{HeaderValue, Response, header::SET_COOKIE};
use least::Act;
use login::{Visit, login};
use paired::{Row, Table};
use sealed_session::{
    KeyRing, Session, Sessions,
    testing::{Sent, sent},
};

/// A benchmark of the request path is a function that returns a table.
fn tables() -> Vec<Table> {
    vec![
        table("axum", "times the floor", in_axum::app),
        #[cfg(feature = "hyper")]
        table("hyper", "", in_hyper::app),
        revocations::table(),
    ]
}

fn main() {
    // Stores set deadlines, for which tokio must be there. None of these requests waits for anything.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    paired::run("requests", tables());
    if !cfg!(all(feature = "hyper", feature = "memory")) {
        println!(
            "Requests through hyper, and sessions in a store, are measured with --features hyper,memory."
        );
    }
}

/// The layer around the handler.
enum Layer {
    None,
    Idle,
    Sessions(Sessions<Visit>),
}

/// The use that a handler makes of its session. It returns the number that the page shows.
type Use = fn(&Session<Visit>) -> u64;

/// Answers a request that has these cookies.
type App = Box<dyn Fn(HeaderValue) -> Response<Bytes>>;

/// Makes an application. Its handler does nothing with a session unless it is told what.
type MakeApp = fn(Layer, Option<Use>) -> App;

/// The name of the session cookie.
const NAME: &str = "__Host-session";

/// A handler that uses no session shows the same.
const PAGE: u64 = 1_700_000_000;

fn fill(session: &Session<Visit>) -> u64 {
    session.update(|visit| *visit = login());
    PAGE
}

/// More than fits in a cookie.
#[cfg(feature = "memory")]
fn fill_up(session: &Session<Visit>) -> u64 {
    session.update(|visit| *visit = Visit { name: "x".repeat(20_000), ..login() });
    PAGE
}

fn read(session: &Session<Visit>) -> u64 {
    session.read(|visit| visit.since)
}

/// Shows what was there before.
fn change(session: &Session<Visit>) -> u64 {
    session.update(|visit| {
        visit.since += 1;
        visit.since - 1
    })
}

fn renew(session: &Session<Visit>) -> u64 {
    session.touch();
    read(session)
}

fn table(title: &str, times_floor: &'static str, app: MakeApp) -> Table {
    let mut table = Table::new(title, times_floor, "read");
    let builder = || Sessions::<Visit>::builder(KeyRing::generate().unwrap()).realm("shop");
    let sessions = builder().build().unwrap();
    let cookies = cookies(&sessions, app, fill);

    table.section("login");
    let unasked = |name, layer| {
        let (app, cookies) = (app(layer, None), cookies.clone());
        Row::new(name, move || app(cookies.clone()))
    };
    let base = table.add(unasked("no layer", Layer::None));
    table.add(unasked("a layer that does nothing", Layer::Idle).over(base));
    let uses = [("not asked for", Act::Nothing), ("read", Act::Read), ("changed", Act::Change)];
    // The floor is through axum. Without it, no row is compared.
    let floors = uses.map(|(name, act)| {
        let floor = || least(format!("floor, {name}"), act).over(base);
        (!times_floor.is_empty()).then(|| table.add(floor()))
    });
    let compared = |row: Row, floor: Option<_>| match floor {
        Some(floor) => row.over(base).floor(floor),
        None => row.over(base),
    };
    let layer = Layer::Sessions(sessions.clone());
    table.add(compared(unasked("session not asked for", layer), floors[0]));
    // To renew takes no more than to change.
    for (row, floor) in asked(&sessions, app, fill).into_iter().zip([floors[1], floors[2], floors[2]]) {
        table.add(compared(row, floor));
    }
    #[cfg(feature = "memory")]
    {
        table.section("overflowed, 20 kB");
        let sessions = builder().store(sealed_session::store::MemoryStore::new()).build().unwrap();
        for row in asked(&sessions, app, fill_up) {
            table.add(row.over(base));
        }
    }
    table
}

/// The least for a login.
fn least(name: String, act: Act) -> Row {
    let (app, value) = least::app(act);
    let cookies = beside_others(&value);
    let response = app(cookies.clone());
    assert_eq!(*response.body(), PAGE.to_string(), "{name}");
    let row = Row::new(name, move || app(cookies.clone()));
    if response.headers().contains_key(SET_COOKIE) {
        row.characters(self::value(&response).len())
    } else {
        row
    }
}

/// A session that is read, changed and renewed.
fn asked(sessions: &Sessions<Visit>, app: MakeApp, fill: Use) -> Vec<Row> {
    let uses =
        [("read", read as Use, None), ("changed", change, Some(PAGE + 1)), ("renewed", renew, Some(PAGE))];
    let row = |(name, act, sends): (_, Use, _)| {
        // Each has its own session: a change of one in a store is there for the next request to see.
        let cookies = cookies(sessions, app, fill);
        let app = app(Layer::Sessions(sessions.clone()), Some(act));
        let response = app(cookies.clone());
        assert_eq!(*response.body(), PAGE.to_string(), "{name}");
        let sent = match ready(sent(sessions, &response)).unwrap() {
            Sent::Nothing => None,
            Sent::Set(visit) => Some(visit.since),
            sent => panic!("{name}: {sent:?}"),
        };
        assert_eq!(sent, sends, "{name}");
        let row = Row::new(name, move || app(cookies.clone()));
        if sends.is_some() { row.characters(value(&response).len()) } else { row }
    };
    uses.map(row).into()
}

/// The cookies of a visitor whose session was filled: two others are beside the session's.
fn cookies(sessions: &Sessions<Visit>, app: MakeApp, fill: Use) -> HeaderValue {
    let response = app(Layer::Sessions(sessions.clone()), Some(fill))(HeaderValue::from_static("theme=dark"));
    beside_others(value(&response))
}

/// The cookies of a visitor with this session cookie.
fn beside_others(own: &str) -> HeaderValue {
    let cookies = format!("theme=dark; {NAME}={own}; _ga=GA1.1.1234567890.1700000000");
    HeaderValue::try_from(cookies).unwrap()
}

/// The value of the cookie that a response sets.
fn value(response: &Response<Bytes>) -> &str {
    let set = response.headers()[SET_COOKIE].to_str().unwrap();
    set.split([';', '=']).nth(1).unwrap()
}

/// The result of a future that waits for nothing.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}
