//! Any bytes as a Cookie header: no panic, and never a session that nobody has sealed.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use sealed_session::{Arrival, KeyRing, Sessions};

static SESSIONS: LazyLock<Sessions<Vec<u8>>> =
    LazyLock::new(|| Sessions::new(KeyRing::generate().unwrap()).unwrap());

fuzz_target!(|header: &[u8]| {
    // With and without the name, so that the reader behind it is reached at once.
    for header in [header.to_vec(), [b"__Host-session=", header].concat()] {
        let Ok(value) = HeaderValue::from_bytes(&header) else { continue };
        let request = Request::get("/").header("cookie", value).body(()).unwrap();
        let mut opening = std::pin::pin!(SESSIONS.open(&request));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(session) = opening.as_mut().poll(&mut context) else { panic!("it waits") };
        assert_ne!(session.unwrap().arrival(), Arrival::Opened);
    }
});
