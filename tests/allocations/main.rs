//! What opening and sealing take from the heap. The counts are exact, and each thread has its own, so that whatever
//! runs beside a test changes nothing of them.

#[path = "../../benches/allocations/mod.rs"]
mod allocations;
#[path = "../../benches/cart5/mod.rs"]
mod cart5;
#[cfg(feature = "memory")]
mod memory;

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use allocations::count;
use cart5::{Cart, cart};
use http::{HeaderValue, Request, header::COOKIE};
use sealed_session::{Arrival, Key, KeyRing, Refusal, Sealer, Sessions, Suite};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const SUITES: [Suite; 2] = [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305];

/// A payload without a field on the heap.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Numbers {
    user: Option<u64>,
    csrf: [u8; 16],
    views: (u32, bool),
}

const NUMBERS: Numbers = Numbers { user: Some(1 << 40), csrf: [7; 16], views: (5, true) };

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn ring(suite: Suite) -> KeyRing {
    KeyRing::new([Key::generate_for(suite).unwrap()]).unwrap()
}

/// A sealer that has sealed and opened once: what the process does once is not counted.
fn sealer<T: Serialize + DeserializeOwned>(suite: Suite, value: &T) -> Sealer<T> {
    let sealer = Sealer::builder(ring(suite), "link").build().unwrap();
    let sealed = sealer.seal(value, now()).unwrap();
    assert!(sealer.open(sealed, now()).is_ok());
    sealer
}

#[test]
fn the_counter_counts() {
    assert_eq!(count(|| ()).0, 0);
    assert_eq!(count(|| Box::new(5)).0, 1);
    assert_eq!(count(|| String::with_capacity(5)).0, 1);
    assert_eq!(count(|| vec![0_u8; 5]).0, 1);
    let mut grows = vec![1];
    assert_eq!(count(|| grows.reserve_exact(100)).0, 1);
    let (mine, theirs) = count(|| {
        let other =
            std::thread::spawn(|| count(|| (0..1000).map(Box::new).for_each(|each| drop(black_box(each)))).0);
        other.join().unwrap()
    });
    assert_eq!(theirs, 1000);
    assert!(mine < 100, "each thread has a count of its own");
}

#[test]
fn opening_allocates_what_the_payload_s_fields_need_and_nothing_more() {
    for suite in SUITES {
        for lines in [0, 1, 5, 20, 80] {
            let cart = cart(lines);
            let sealer = sealer(suite, &cart);
            let payload = postcard::to_allocvec(&cart).unwrap();
            let sealed = sealer.seal(&cart, now()).unwrap();
            let (plain, _) = count(|| postcard::from_bytes::<Cart>(&payload).unwrap());
            let (ours, (value, _)) = count(|| sealer.open(&sealed, now()).unwrap());
            assert_eq!(value, cart);
            assert!(plain >= 8 + lines, "every text and every list is an allocation");
            assert_eq!(ours, plain, "{suite:?}, {lines} lines");
        }
    }
}

#[test]
fn opening_a_payload_without_heap_fields_allocates_nothing() {
    for suite in SUITES {
        let sealer = sealer(suite, &NUMBERS);
        let sealed = sealer.seal(&NUMBERS, now()).unwrap();
        let (allocations, (value, _)) = count(|| sealer.open(&sealed, now()).unwrap());
        assert_eq!((allocations, value), (0, NUMBERS));
    }
}

#[test]
fn refusing_allocates_nothing() {
    for suite in SUITES {
        let sealer = sealer(suite, &cart(5));
        let sealed = sealer.seal(&cart(5), now()).unwrap();
        let refused = |text: &str, at: SystemTime, refusal: Refusal| {
            let (allocations, answer) = count(|| sealer.open(text, at).map(drop));
            assert_eq!((allocations, answer), (0, Err(refusal)));
        };
        let (begins, last) = sealed.split_at(sealed.len() - 1);
        let forged = format!("{begins}{}", if last == "A" { "Q" } else { "A" });
        let of_another = Sealer::builder(ring(suite), "link").build().unwrap().seal(&cart(5), now()).unwrap();
        refused(&format!("{sealed}="), now(), Refusal::Malformed);
        refused(&"A".repeat(1 << 20), now(), Refusal::Malformed);
        refused("IA", now(), Refusal::UnsupportedVersion);
        refused(&of_another, now(), Refusal::UnknownKey);
        refused(&forged, now(), Refusal::Forged);
        refused(&sealed, now() - Duration::from_secs(61), Refusal::NotYetValid);
        refused(&sealed, now() + Duration::from_secs(24 * 3600), Refusal::Expired);
    }
}

#[test]
fn sealing_allocates_twice_at_most() {
    for suite in SUITES {
        for lines in [0, 1, 5, 20, 80] {
            let cart = cart(lines);
            let sealer = sealer(suite, &cart);
            let (allocations, sealed) = count(|| sealer.seal(&cart, now()).unwrap());
            assert!(allocations <= 2, "{allocations} for {lines} lines, {suite:?}");
            let (value, metadata) = sealer.open(sealed, now()).unwrap();
            let (allocations, _) = count(|| sealer.reseal(&value, &metadata, now()).unwrap());
            assert!(allocations <= 2, "{allocations} for {lines} lines again, {suite:?}");
        }
    }
}

#[test]
fn a_megabyte_of_cookies_allocates_no_more_than_one_cookie() {
    let sessions = Sessions::<Numbers>::builder(ring(Suite::default())).clock(now).build().unwrap();
    let own = format!("__Host-session={}", sessions.sealer().seal(&NUMBERS, now()).unwrap());
    let times = |cookie: &str| vec![cookie; (1 << 20) / cookie.len()].join("; ");
    let arrive = |cookies: &str| {
        let mut request = Request::new(());
        request.headers_mut().insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
        let (allocations, session) = count(|| ready(sessions.open(&request)).unwrap());
        (allocations, session.arrival())
    };
    let refused = Arrival::Refused(Refusal::Malformed);
    let (one, arrival) = arrive(&own);
    assert_eq!(arrival, Arrival::Opened);
    assert_eq!(arrive(&own), (one, Arrival::Opened));
    assert_eq!(arrive(&times(&own)), (one, Arrival::Opened));
    assert_eq!(arrive(&format!("{}; {own}", times("a=b"))), (one, Arrival::Opened));
    assert_eq!(arrive("__Host-session=x"), (one, refused));
    assert_eq!(arrive(&times("__Host-session=x")), (one, refused));
    assert_eq!(arrive(&format!("__Host-session={}", times("x"))), (one, refused));
}

/// What a future that waits for nothing gives.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}
