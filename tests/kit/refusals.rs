//! A cookie for each reason to reject one.

use std::time::UNIX_EPOCH;

use sealed_session::{
    KeyRing, Refusal, Sealer,
    seal::{Context, Draft, Header, Padding, Reference},
};

use super::{Clock, HOUR, Visit, ring, sessions_in_cookies};

/// Values for a `__Host-session` cookie of `kit::sessions(ring, clock)`.
pub fn refusals(ours: &KeyRing, clock: &Clock) -> Vec<(Refusal, String)> {
    const COOKIE: &str = "__Host-session";
    let built = sessions_in_cookies(ours.clone(), clock).build().unwrap();
    let sealer = built.sealer();
    let visit = Visit { views: 1, ..Visit::default() };
    let valid = sealer.seal(&visit, clock.now()).unwrap();

    let mut flipped = valid.clone().into_bytes();
    flipped[60] = if flipped[60] == b'A' { b'B' } else { b'A' };
    let other_key = sessions_in_cookies(ring(), clock).build().unwrap();
    let other_type = Sealer::<(u32, u32)>::builder(ours.clone(), COOKIE).realm("tests").build().unwrap();

    // Frames that only a faulty implementation with the right key could seal.
    let context = Context::new(ours, "tests", COOKIE).unwrap();
    let now = clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32;
    let schema = u32::from(sealed_session::Fingerprint::of::<Visit>().unwrap());
    let good =
        Header { schema, created: now, issued: now, window: 60, session_id: [7; 16], persistent: false };
    let frame = |header: Header, payload: &[u8]| {
        let mut draft = Draft::new();
        draft.write(payload);
        context.seal_with_nonce([7; 24], draft, &header, Padding::default())
    };
    let mut reference = String::new();
    context.seal_reference(&good, &Reference { generation: 1, secret: [9; 32] }, &mut reference).unwrap();

    vec![
        (Refusal::Malformed, "no session".to_owned()),
        (Refusal::UnsupportedVersion, format!("IRE{}", &valid[3..])),
        (Refusal::UnknownKey, other_key.sealer().seal(&visit, clock.now()).unwrap()),
        (Refusal::Forged, String::from_utf8(flipped).unwrap()),
        (Refusal::BadFrame, frame(Header { window: 0, ..good }, &[])),
        (Refusal::NotYetValid, sealer.seal(&visit, clock.now() + HOUR).unwrap()),
        (Refusal::Expired, sealer.seal(&visit, clock.now() - 2 * HOUR).unwrap()),
        (Refusal::MissingBlob, reference),
        (Refusal::UnknownSchema, other_type.seal(&(1, 1), clock.now()).unwrap()),
        (Refusal::Undecodable, frame(good, &[0xff; 3])),
    ]
}
