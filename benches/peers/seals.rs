//! Sealing and opening a value without a framework.

use std::{hint::black_box, rc::Rc, time::SystemTime};

use cookie::{Cookie, CookieJar, Key};
use saysion::{Session, SessionStore, SignedCookieStore};
use sealed_session::{KeyRing, Sealer};

use crate::{
    OURS, PRIVATE_JAR,
    data::{Data, lengths},
    floor::{AES_GCM, Floor, random},
    paired::{Row, Table},
    ready,
};

const NAME: &str = "__Host-session";

/// Seals a value as a session that goes on, and opens what it sealed.
struct Peer<T> {
    name: &'static str,
    without: &'static str,
    seal: Rc<dyn Fn(&T) -> String>,
    open: Rc<dyn Fn(&str) -> T>,
}

pub fn table<T: Data>(title: &str, value: &T) -> Table {
    let title = format!("{title}, without a framework: {}", lengths(value));
    let mut table = Table::new(title, "times the floor", OURS).notes("does without");
    let peers = [floor(), ours(value), private_jar(), saysion()];
    let sealed = peers.each_ref().map(|peer| (peer.seal)(value));
    table.section("seal");
    for (peer, sealed) in peers.iter().zip(&sealed) {
        let (seal, value) = (peer.seal.clone(), value.clone());
        let row = Row::new(peer.name, move || seal(black_box(&value)));
        table.add(row.floor(0).characters(sealed.len()).note(peer.without));
    }
    let first = table.section("open");
    for (peer, sealed) in peers.into_iter().zip(sealed) {
        assert_eq!((peer.open)(&sealed), *value, "{}", peer.name);
        let characters = sealed.len();
        let row = Row::new(peer.name, move || (peer.open)(black_box(&sealed)));
        table.add(row.floor(first).characters(characters).note(peer.without));
    }
    table
}

fn floor<T: Data>() -> Peer<T> {
    let floor = Rc::new(Floor::new(AES_GCM));
    Peer {
        name: "the floor, AES-256-GCM",
        without: "everything but encryption",
        seal: {
            let floor = floor.clone();
            Rc::new(move |value| floor.seal(value, false))
        },
        open: Rc::new(move |text| floor.open(text)),
    }
}

fn ours<T: Data>(value: &T) -> Peer<T> {
    let now = SystemTime::now();
    let ring = KeyRing::generate().unwrap();
    let sealer = Rc::new(Sealer::<T>::builder(ring, NAME).realm("shop").build().unwrap());
    let (_, metadata) = sealer.open(sealer.seal(value, now).unwrap(), now).unwrap();
    Peer {
        name: OURS,
        without: "",
        seal: {
            let sealer = sealer.clone();
            Rc::new(move |value| sealer.reseal(value, &metadata, now).unwrap())
        },
        open: Rc::new(move |text| sealer.open(text, now).unwrap().0),
    }
}

fn private_jar<T: Data>() -> Peer<T> {
    let key = Key::generate();
    let opens = key.clone();
    Peer {
        name: "cookie PrivateJar + serde_json",
        without: PRIVATE_JAR,
        seal: Rc::new(move |value| {
            let mut jar = CookieJar::new();
            jar.private_mut(&key).add(Cookie::new(NAME, serde_json::to_string(value).unwrap()));
            jar.get(NAME).unwrap().value().to_owned()
        }),
        open: Rc::new(move |text| {
            let mut jar = CookieJar::new();
            jar.add_original(Cookie::new(NAME, text.to_owned()));
            serde_json::from_str(jar.private(&opens).get(NAME).unwrap().value()).unwrap()
        }),
    }
}

fn saysion<T: Data>() -> Peer<T> {
    let store = Rc::new(SignedCookieStore::new(random::<32>()).unwrap());
    // A session that goes on has its id already.
    let session = Session::new();
    Peer {
        name: "saysion, signed, not encrypted",
        without: "encryption, types, padding",
        seal: {
            let store = store.clone();
            Rc::new(move |value| {
                let mut session = session.clone();
                session.insert("data", value).unwrap();
                ready(store.store_session(session)).unwrap().expect("a cookie")
            })
        },
        open: Rc::new(move |text| {
            let session = ready(store.load_session(text.to_owned())).unwrap().expect("it was sealed");
            session.get("data").unwrap()
        }),
    }
}
