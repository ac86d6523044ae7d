//! Sealing, opening and whole requests, side by side with other crates.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench peers`; `benches/paired/mod.rs` has the options. Each
//! request is a whole one, through the framework's router and the peer's middleware, in process. Each peer has its
//! defaults, and shows that what it seals opens to the same value, and that its pages read what they changed.

mod actix;
mod apps;
#[path = "../cart5/mod.rs"]
mod cart5;
mod chart;
mod data;
#[path = "../floor/mod.rs"]
mod floor;
#[path = "../login/mod.rs"]
mod login;
#[path = "../paired/mod.rs"]
mod paired;
mod seals;

use std::{
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use apps::Ask;
use axum::{
    Router,
    http::{HeaderValue, Response},
};
use cart5::cart;
use data::{Data, lengths};
use login::login;
use paired::{Id, Row, Table};
use tower::layer::util::Identity;
use tower_sessions_cookie_store::{CookieSessionManagerLayer, Key};

const OURS: &str = "sealed-session";

/// A peer's application.
struct Peer {
    name: &'static str,
    without: &'static str,
    app: Ask,
    base: Id,
    floor: Option<Id>,
}

fn in_axum(app: Router) -> Ask {
    Box::new(move |page, cookie| {
        let (parts, body) = ready(apps::ask(&app, page, cookie)).into_parts();
        let body = ready(axum::body::to_bytes(body, 100)).expect("it is short");
        Response::from_parts(parts, body)
    })
}

/// The page, and the cookies that the browser sends with the next request.
fn visit(app: &Ask, page: &'static str, cookies: Option<&HeaderValue>) -> (String, Option<HeaderValue>) {
    let response = app(page, cookies);
    let set = apps::cookie(&response).map(|own| {
        let cookies = [b"theme=dark; ", own.as_bytes(), b"; _ga=GA1.1.1234567890.1700000000"].concat();
        HeaderValue::from_bytes(&cookies).unwrap()
    });
    (String::from_utf8(response.into_body().into()).unwrap(), set)
}

/// A session that was filled, after the peer has shown that it keeps what its pages do.
fn filled<T: Data>(Peer { name, app, .. }: &Peer, value: &T) -> HeaderValue {
    let cookies = visit(app, "/fill", None).1.expect("a cookie");
    assert_eq!(visit(app, "/read", Some(&cookies)).0, value.sum().to_string(), "{name}");
    // A session in a store keeps its cookie.
    let changed = visit(app, "/change", Some(&cookies)).1.unwrap_or_else(|| cookies.clone());
    assert_eq!(visit(app, "/read", Some(&changed)).0, (value.sum() + 1).to_string(), "{name}");
    cookies
}

fn requests<T: Data>(title: &str, value: T) -> Table {
    let title = format!("requests, {title}: {}", lengths(&value));
    let mut table = Table::new(title, "times a layer that does nothing", OURS).notes("does without");
    table.section("no session");
    let value = Arc::new(value);
    let ask = |app: &Ask| drop(app("/", None));
    let (axum, idle) = (in_axum(apps::plain()), in_axum(apps::plain().layer(Identity::new())));
    let axum = table.add(Row::new("axum", move || ask(&axum)));
    let idle = table.add(Row::new("axum, a layer that does nothing", move || ask(&idle)).over(axum));
    let plain = ready(actix::plain(&value));
    let actix = table.add(Row::new("actix-web", move || ask(&plain)));

    let store = tower_sessions::MemoryStore::default();
    let private = CookieSessionManagerLayer::private(Key::generate());
    let peer =
        |name, without, app: Router| Peer { name, without, app: in_axum(app), base: axum, floor: Some(idle) };
    let peers = [
        peer(OURS, "", apps::sealed_session(&value, |builder| builder)),
        peer("axum-extra PrivateCookieJar", PRIVATE_JAR, apps::private_cookie_jar(&value)),
        peer(
            "tower-sessions, MemoryStore",
            "types; the data is in the process's memory, not in the cookie",
            apps::tower_sessions(&value).layer(tower_sessions::SessionManagerLayer::new(store)),
        ),
        peer(
            "tower-sessions-cookie-store, private",
            "types, padding, rotation, a size check after encryption",
            apps::tower_sessions_cookie_store(&value).layer(private),
        ),
        peer(
            "seshcookie",
            "an idle timeout beside the absolute one, padding, a size check",
            apps::seshcookie(&value),
        ),
        Peer {
            name: "actix-session, cookie store (actix-web)",
            without: "types, expiry in the seal, padding, rotation, a size check after encryption",
            app: ready(actix::session(&value)),
            base: actix,
            floor: None,
        },
    ];
    let peers: Vec<_> = peers.into_iter().map(|peer| (filled(&peer, &*value), Rc::new(peer))).collect();
    for (section, page) in [("session not asked for", "/"), ("read", "/read"), ("changed", "/change")] {
        table.section(section);
        for (cookies, peer) in &peers {
            let (cookies, asked) = (cookies.clone(), peer.clone());
            let row = Row::new(peer.name, move || (asked.app)(page, Some(&cookies)));
            let row = row.over(peer.base).note(peer.without);
            table.add(match peer.floor {
                Some(floor) => row.floor(floor),
                None => row,
            });
        }
    }
    table
}

/// The promises that `PrivateJar` and its wrappers do not make.
const PRIVATE_JAR: &str = "types, expiry in the seal, padding, rotation, size check";

fn main() {
    let tables = vec![
        seals::table("login", &login()),
        requests("login", login()),
        seals::table("cart(5)", &cart(5)),
        requests("cart(5)", cart(5)),
    ];
    paired::run_and_draw("peers", tables, chart::draw);
}

/// The result of a future that waits for nothing.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}
