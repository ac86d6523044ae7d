//! Any bytes as a Cookie header: no panic, and the only session that opens is the one that was sealed.

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context as TaskContext, Poll, Waker},
    time::{Duration, UNIX_EPOCH},
};

use http::{HeaderValue, Request, header::COOKIE};
use sealed_session::{
    Arrival, Fingerprint, KeyRing, Sessions,
    seal::{Context, Draft, Header, Padding, Reference},
};

use super::Outcomes;

pub const OUTCOMES: &[&str] = &[
    "not a header value",
    "absent",
    "opened",
    "malformed",
    "unsupported_version",
    "unknown_key",
    "forged",
    "bad_frame",
    "not_yet_valid",
    "expired",
    "missing_blob",
    "unknown_schema",
    "undecodable",
];

pub const COOKIE_NAME: &str = "__Host-session";
pub const NOW: u32 = 1_790_000_000;
const REALM: &str = "shop";
const KEY: &str = "ssk1.xaes.6V5Twubr3rhWk-zwjUe0HSMSOzedANKLKGD0DvxZ6iM.Y_mGxQ";
const VALUE: &str = "Ada";

static SESSIONS: LazyLock<Sessions<String>> = LazyLock::new(|| {
    let now = || UNIX_EPOCH + Duration::from_secs(NOW.into());
    Sessions::builder(KeyRing::parse(KEY).unwrap()).realm(REALM).clock(now).build().unwrap()
});
static CONTEXT: LazyLock<Context> =
    LazyLock::new(|| Context::new(&KeyRing::parse(KEY).unwrap(), REALM, COOKIE_NAME).unwrap());

/// The one cookie value that opens.
pub static SEALED: LazyLock<String> = LazyLock::new(|| seal(&header(), b"\x03Ada"));

/// A header whose cookie opens if its payload is a string.
pub fn header() -> Header {
    Header {
        schema: Fingerprint::of::<String>().unwrap().into(),
        created: NOW - 9,
        issued: NOW - 5,
        window: 60,
        session_id: [5; 16],
        persistent: false,
    }
}

/// Seals any header and payload.
pub fn seal(header: &Header, payload: &[u8]) -> String {
    let mut draft = Draft::new();
    draft.write(payload);
    CONTEXT.seal_with_nonce([6; 24], draft, header, Padding::None)
}

/// Seals a reference to a stored session. There is no store.
pub fn seal_reference(header: &Header) -> String {
    CONTEXT.seal_reference_with_nonce([6; 24], header, &Reference { generation: 3, secret: [9; 32] })
}

pub fn run(data: &[u8]) -> Outcomes {
    // With and without the name, so that the reader behind it is reached at once.
    let named = [COOKIE_NAME.as_bytes(), b"=", data].concat();
    [data, &named].map(open).to_vec()
}

fn open(header: &[u8]) -> &'static str {
    let Ok(value) = HeaderValue::from_bytes(header) else { return "not a header value" };
    let request = Request::get("/").header(COOKIE, value).body(()).unwrap();
    let opening = pin!(SESSIONS.open(&request));
    let Poll::Ready(session) = opening.poll(&mut TaskContext::from_waker(Waker::noop())) else {
        panic!("opening a session without a store waits");
    };
    let session = session.unwrap();
    if session.arrival() == Arrival::Opened {
        let sealed = SEALED.as_bytes();
        assert!(header.windows(sealed.len()).any(|part| part == sealed), "a forged cookie opened");
        session.read(|value| assert_eq!(value, VALUE));
    } else {
        assert!(session.id().is_none() && session.read(String::is_empty), "a rejected cookie left data");
    }
    match session.arrival() {
        Arrival::Absent => "absent",
        Arrival::Opened => "opened",
        Arrival::Refused(refusal) => refusal.class(),
        other => panic!("{other:?} without a store"),
    }
}
