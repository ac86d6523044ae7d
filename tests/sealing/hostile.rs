//! What arrives may be anything: nothing panics, nothing opens that was not sealed, and no error repeats a secret.

use std::{
    array,
    error::Error,
    fmt::Debug,
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aes_gcm::{KeyInit, aead::AeadInOut, aead::inout::InOutBuf};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chacha20poly1305::XChaCha20Poly1305;
use hkdf::Hkdf;
use http::{HeaderValue, Request, header::COOKIE};
use proptest::{collection::vec, prelude::*, sample::Index};
use sealed_session::{
    Arrival, Key, KeyRing, Refusal, Sealer, Session, Sessions, Suite,
    seal::{Blob, Buffer, Content, Context, Draft, Header, Padding, Reference},
};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use xaes_256_gcm::Xaes256Gcm;

const REALM: &str = "shop";
const COOKIE_NAME: &str = "__Host-session";
const NOW: u32 = 1_790_000_000;
const LIMIT: usize = 1 << 20;
const SECRET: Reference = Reference { generation: 3, secret: [9; 32] };
const SESSION_ID: [u8; 16] = [5; 16];

/// One key of each suite, as text: what differs by suite is tried with both.
const KEYS: [&str; 2] = [
    "ssk1.xaes.6V5Twubr3rhWk-zwjUe0HSMSOzedANKLKGD0DvxZ6iM.Y_mGxQ",
    "ssk1.xchacha.zJuMfn8UTJc8VklraYdTp1LrQWR8kJYe5uCpPnwNNRs.BVP4OQ",
];

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Visit {
    user: Option<u64>,
    name: String,
    seen: Vec<(u16, String)>,
    admin: bool,
}

/// All that opens, for one suite.
#[derive(Debug)]
struct Side {
    key: &'static str,
    context: Context,
    sealer: Sealer<Visit>,
    sessions: Sessions<Visit>,
    /// The fingerprint of `Visit`.
    schema: u32,
}

static SIDES: LazyLock<[Side; 2]> = LazyLock::new(|| {
    KEYS.map(|key| {
        let ring = || KeyRing::parse(key).unwrap();
        let context = Context::new(&ring(), REALM, COOKIE_NAME).unwrap();
        let sealer = Sealer::builder(ring(), COOKIE_NAME).realm(REALM).build().unwrap();
        let sessions = Sessions::builder(ring()).realm(REALM).clock(now).build().unwrap();
        let sealed = sealer.seal(&visit(), now()).unwrap();
        let schema = context.open(sealed.as_bytes(), &mut Buffer::new()).unwrap().header.schema;
        Side { key, context, sealer, sessions, schema }
    })
});

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.into())
}

fn visit() -> Visit {
    Visit {
        user: Some(7),
        name: "Ada".into(),
        seen: vec![(1, "one".into()), (2, String::new())],
        admin: false,
    }
}

fn header(schema: u32) -> Header {
    Header {
        schema,
        created: NOW - 9,
        issued: NOW - 5,
        window: 60,
        session_id: SESSION_ID,
        persistent: false,
    }
}

impl Side {
    /// A cookie of any header and payload, under the right key.
    fn seal(&self, header: &Header, payload: &[u8]) -> String {
        let mut draft = Draft::new();
        draft.write(payload);
        self.context.seal_with_nonce([6; 24], draft, header, Padding::None)
    }

    fn seal_reference(&self) -> String {
        self.context.seal_reference_with_nonce([6; 24], &header(0), &SECRET)
    }

    fn seal_blob(&self, payload: &[u8]) -> Vec<u8> {
        let blob = Blob { generation: 4, schema: 1, payload };
        self.context.seal_blob_with_nonce([6; 24], &SECRET, &SESSION_ID, &blob)
    }

    fn unseal(&self, value: &[u8]) -> Result<(), Refusal> {
        self.context.open(value, &mut Buffer::new()).map(drop)
    }

    fn open_blob(&self, bytes: &[u8]) -> Result<(), Refusal> {
        self.context.open_blob(&SECRET, &SESSION_ID, LIMIT, &mut bytes.to_vec()).map(drop)
    }

    /// An envelope around any bytes for a frame, put together from the format alone.
    fn seal_frame(&self, role: u8, frame: &[u8]) -> String {
        let lp = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
        let parts: Vec<&str> = self.key.split('.').collect();
        let suite: u8 = if parts[1] == "xaes" { 1 } else { 2 };
        let master = BASE64_URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let prk = Hkdf::<Sha256>::new(Some(b"sealed-session/v1"), &master);
        let mut kid = [0; 4];
        prk.expand(&[&lp(b"kid")[..], &[suite]].concat(), &mut kid).unwrap();
        let mut key = [0; 32];
        let info =
            [&lp(b"enc")[..], &[suite, role], &lp(REALM.as_bytes()), &lp(COOKIE_NAME.as_bytes())].concat();
        prk.expand(&info, &mut key).unwrap();

        let nonce = [6; 24];
        let clear = [&[0x10 | role][..], &kid].concat();
        let mut sealed = frame.to_vec();
        let text = InOutBuf::from(&mut *sealed);
        let tag: [u8; 16] = match suite {
            1 => Xaes256Gcm::new(&key.into()).encrypt_inout_detached(&nonce.into(), &clear, text).unwrap(),
            _ => XChaCha20Poly1305::new(&key.into())
                .encrypt_inout_detached(&nonce.into(), &clear, text)
                .unwrap(),
        }
        .into();
        BASE64_URL_SAFE_NO_PAD.encode([&clear[..], &nonce, &sealed, &tag].concat())
    }
}

/// The session of a request with these Cookie headers.
fn arrive(sessions: &Sessions<Visit>, headers: impl IntoIterator<Item = HeaderValue>) -> Session<Visit> {
    let mut request = Request::new(());
    for header in headers {
        request.headers_mut().append(COOKIE, header);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(sessions.open(&request)).unwrap()
}

fn is_fresh(session: &Session<Visit>) -> bool {
    session.arrival() != Arrival::Opened
        && session.id().is_none()
        && session.read(|visit| *visit == Visit::default())
}

/// One place where bytes are not what they were.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Behead(Index),
    Append(Vec<u8>),
    Swap(Index, Index),
    Repeat(Index, Index),
}

impl Mutation {
    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let length = bytes.len();
        match self {
            Self::Replace(at, byte) => bytes[at.index(length)] = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(length + 1), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(length))),
            Self::Truncate(at) => bytes.truncate(at.index(length)),
            Self::Behead(at) => drop(bytes.drain(..at.index(length))),
            Self::Append(more) => bytes.extend_from_slice(more),
            Self::Swap(one, other) => bytes.swap(one.index(length), other.index(length)),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                bytes.extend_from_within(from.min(to)..=from.max(to));
            }
        }
        bytes
    }
}

/// A mutation whose new bytes are drawn from `bytes`.
fn mutation(bytes: impl Strategy<Value = u8> + Clone + 'static) -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), bytes.clone()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (at(), bytes.clone()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        at().prop_map(Mutation::Remove),
        at().prop_map(Mutation::Truncate),
        at().prop_map(Mutation::Behead),
        vec(bytes, 1..9).prop_map(Mutation::Append),
        (at(), at()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        (at(), at()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

/// The characters of a key's or a cookie's text, and some that are near them.
fn character() -> impl Strategy<Value = u8> + Clone {
    proptest::sample::select(&b"ABCXYZabcxyz0189-_+/=.,;# %\"\r\n\t"[..])
}

fn side() -> impl Strategy<Value = &'static Side> {
    (0..2usize).prop_map(|index| &SIDES[index])
}

/// What a header's value may hold: all but control characters, of which it allows the tab.
fn header_byte() -> impl Strategy<Value = u8> + Clone {
    any::<u8>().prop_map(|byte| if (byte < 0x20 && byte != b'\t') || byte == 0x7f { b';' } else { byte })
}

/// One cookie of a header: noise, or the session's with a value of noise or of base64url.
fn cookie() -> impl Strategy<Value = Vec<u8>> {
    let named = |value: Vec<u8>| [COOKIE_NAME.as_bytes(), b"=", &value].concat();
    prop_oneof![
        vec(header_byte(), 0..40),
        vec(header_byte(), 0..200).prop_map(named),
        vec(any::<u8>(), 0..200)
            .prop_map(move |bytes| named(BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes())),
    ]
}

/// Bytes for a frame, of which a good part breaks no rule, and few break more than one: most are zero.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![12 => Just(0), 1 => any::<u8>()];
    let window = prop_oneof![1 => Just(0), 6 => 1..9u8];
    let flags = prop_oneof![6 => 0..=1u8, 1 => any::<u8>()];
    let pad = prop_oneof![Just(0), 0..50u8];
    let length = prop_oneof![Just(74), 0..120usize];
    (length, vec(byte, 120), window, flags, pad).prop_map(|(length, mut frame, window, flags, pad)| {
        (frame[15], frame[32], frame[33]) = (window, flags, pad);
        frame.truncate(length);
        frame
    })
}

/// Bytes for a payload: any, and some that are nearly a `Visit`'s.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let encoded = || postcard::to_allocvec(&visit()).unwrap();
    prop_oneof![
        vec(any::<u8>(), 0..300),
        mutation(any::<u8>()).prop_map(move |mutation| mutation.apply(&encoded())),
    ]
}

fn header_value(cookies: &[Vec<u8>]) -> HeaderValue {
    HeaderValue::from_bytes(&cookies.join(&b';')).unwrap()
}

proptest! {
    #[test]
    fn whatever_the_cookie_headers_hold_the_session_is_fresh(
        side in side(), headers in vec(vec(cookie(), 0..12), 0..4),
    ) {
        let session = arrive(&side.sessions, headers.iter().map(|cookies| header_value(cookies)));
        prop_assert!(is_fresh(&session));
    }

    #[test]
    fn the_session_s_own_cookie_opens_among_whatever_others(
        side in side(), before in vec(vec(header_byte(), 0..40), 0..12), after in vec(header_byte(), 0..40),
    ) {
        prop_assume!(!before.concat().windows(COOKIE_NAME.len()).any(|part| part == COOKIE_NAME.as_bytes()));
        let sealed = side.sealer.seal(&visit(), now()).unwrap();
        let own = format!("{COOKIE_NAME}={sealed}").into_bytes();
        let session = arrive(&side.sessions, [header_value(&before), header_value(&[own, after])]);
        prop_assert_eq!(session.arrival(), Arrival::Opened);
        prop_assert_eq!(session.read(Visit::clone), visit());
    }

    #[test]
    fn a_mutated_cookie_gives_a_fresh_session(side in side(), mutation in mutation(header_byte())) {
        let sealed = side.sealer.seal(&visit(), now()).unwrap();
        let mutated = mutation.apply(sealed.as_bytes());
        // Around a value the header allows white space, and behind it another cookie.
        let value = mutated.split(|byte| *byte == b';').next().unwrap().trim_ascii();
        prop_assume!(value != sealed.as_bytes());
        let session = arrive(&side.sessions, [header_value(&[[b"__Host-session=", &mutated[..]].concat()])]);
        prop_assert!(is_fresh(&session));
    }

    #[test]
    fn text_that_is_no_key_is_refused(text in ".*") {
        prop_assert!(Key::parse(&text).is_err());
        prop_assert!(KeyRing::parse(&text).is_err());
    }

    #[test]
    fn text_that_begins_like_a_key_is_refused(text in "ssk1\\.(xaes|xchacha)?\\.?[A-Za-z0-9_-]{0,50}\\.?.{0,8}") {
        prop_assert!(Key::parse(&text).is_err());
        prop_assert!(KeyRing::parse(&text).is_err());
    }

    #[test]
    fn a_misspelt_key_is_refused_without_repeating_it(side in side(), mutation in mutation(character())) {
        let misspelt = mutation.apply(side.key.as_bytes());
        prop_assume!(misspelt != side.key.as_bytes());
        let misspelt = String::from_utf8(misspelt).unwrap();
        let error = Key::parse(&misspelt).unwrap_err();
        prop_assert!(error.is_key());
        prop_assert_eq!(repeated(&misspelt, &everything_it_says(&error)), None);
        prop_assert_eq!(repeated(side.key, &everything_it_says(&error)), None);
    }

    #[test]
    fn the_base64_of_any_32_bytes_is_the_key_of_these_bytes(master: [u8; 32]) {
        prop_assume!(master != [master[0]; 32]);
        let text = BASE64_STANDARD.encode(master);
        let same = Key::from_bytes(master, Suite::Xaes256Gcm).unwrap();
        prop_assert_eq!(Key::parse(&text).unwrap().expose().to_string(), same.expose().to_string());
        prop_assert_eq!(KeyRing::parse(&text).unwrap().ids().collect::<Vec<_>>(), [same.id()]);
    }

    #[test]
    fn the_base64_of_another_number_of_bytes_is_refused(bytes in vec(any::<u8>(), 0..100)) {
        prop_assume!(bytes.len() != 32);
        prop_assert!(Key::parse(&BASE64_STANDARD.encode(bytes)).is_err());
    }

    #[test]
    fn a_key_without_a_prefix_has_one_spelling(
        master: [u8; 32],
        mutation in mutation(proptest::sample::select(&b"ABCXYZabcxyz0189-_+/=. \n"[..])),
    ) {
        let text = BASE64_STANDARD.encode(master);
        let mutated = String::from_utf8(mutation.apply(text.as_bytes())).unwrap();
        match Key::parse(&mutated) {
            Ok(key) => {
                let master = BASE64_STANDARD.decode(&mutated).unwrap().try_into().unwrap();
                let same = Key::from_bytes(master, Suite::Xaes256Gcm).unwrap();
                prop_assert_eq!(BASE64_STANDARD.encode(master), mutated);
                prop_assert_eq!(key.id(), same.id());
            }
            Err(error) => {
                prop_assert!(error.is_key());
                let said = everything_it_says(&error);
                prop_assert_eq!(repeated(&mutated, &said), None);
                prop_assert_eq!(repeated(&text, &said), None);
            }
        }
    }

    #[test]
    fn a_ring_with_a_misspelt_key_is_refused_by_its_position(
        mutation in mutation(proptest::sample::select(&b"ABCXYZabcxyz0189-_+/=."[..])),
        separator in "[, \t\r\n]{1,3}|,?#[ -~]{0,20}\n",
    ) {
        let misspelt = String::from_utf8(mutation.apply(KEYS[1].as_bytes())).unwrap();
        prop_assume!(misspelt != KEYS[1] && !misspelt.is_empty());
        let error = KeyRing::parse(&[KEYS[0], &misspelt].join(&separator)).unwrap_err();
        prop_assert!(error.to_string().starts_with("entry 2 "), "{}", error);
        for key in [KEYS[0], KEYS[1], &misspelt] {
            prop_assert_eq!(repeated(key, &everything_it_says(&error)), None);
        }
    }

    #[test]
    fn arbitrary_bytes_are_not_opened(side in side(), bytes in vec(any::<u8>(), 0..5000)) {
        prop_assert!(side.unseal(&bytes).is_err());
        prop_assert!(side.sealer.open(&bytes, now()).is_err());
    }

    #[test]
    fn arbitrary_envelopes_are_not_opened(
        side in side(), first in 0x11..=0x12u8, bytes in vec(any::<u8>(), 0..400), kid_known: bool,
    ) {
        let mut envelope = [&[first][..], &bytes].concat();
        let kid = BASE64_URL_SAFE_NO_PAD.decode(side.seal_reference()).unwrap();
        if kid_known && envelope.len() >= 5 {
            envelope[1..5].copy_from_slice(&kid[1..5]);
        }
        let value = BASE64_URL_SAFE_NO_PAD.encode(&envelope);
        let refusal = match envelope.len() {
            0..79 => Refusal::Malformed,
            _ if envelope[1..5] == kid[1..5] => Refusal::Forged,
            _ => Refusal::UnknownKey,
        };
        prop_assert_eq!(side.unseal(value.as_bytes()), Err(refusal));
        prop_assert_eq!(side.sealer.open(&value, now()).unwrap_err(), refusal);
    }

    #[test]
    fn a_mutated_text_is_not_opened(side in side(), mutation in mutation(any::<u8>())) {
        let sealed = side.sealer.seal(&visit(), now()).unwrap();
        for sealed in [sealed, side.seal_reference()] {
            let mutated = mutation.apply(sealed.as_bytes());
            prop_assume!(mutated != sealed.as_bytes());
            prop_assert!(side.unseal(&mutated).is_err());
            prop_assert!(side.sealer.open(&mutated, now()).is_err());
        }
    }

    #[test]
    fn a_mutated_envelope_is_not_opened(side in side(), mutation in mutation(any::<u8>())) {
        let sealed = side.sealer.seal(&visit(), now()).unwrap();
        for sealed in [sealed, side.seal_reference()] {
            let envelope = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap();
            let mutated = mutation.apply(&envelope);
            prop_assume!(mutated != envelope);
            let value = BASE64_URL_SAFE_NO_PAD.encode(mutated);
            prop_assert!(side.unseal(value.as_bytes()).is_err());
            prop_assert!(side.sealer.open(&value, now()).is_err());
        }
    }

    #[test]
    fn the_halves_of_two_cookies_do_not_make_a_third(side in side(), cut: Index) {
        let [one, other] = ["Ada", "Eve"].map(|name| {
            let sealed = side.sealer.seal(&Visit { name: name.into(), ..visit() }, now()).unwrap();
            BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap()
        });
        let cut = 6 + cut.index(one.len() - 6); // behind the associated data, which they share
        let spliced = [&one[..cut], &other[cut..]].concat();
        prop_assume!(spliced != one && spliced != other);
        let spliced = BASE64_URL_SAFE_NO_PAD.encode(spliced);
        prop_assert_eq!(side.unseal(spliced.as_bytes()), Err(Refusal::Forged));
    }

    #[test]
    fn an_authentic_cookie_opens_if_its_payload_decodes_to_the_end(side in side(), payload in payload()) {
        let expected = match postcard::take_from_bytes(&payload) {
            Ok((visit, [])) => Ok(visit),
            _ => Err(Refusal::Undecodable),
        };
        let sealed = side.seal(&header(side.schema), &payload);
        let opened = side.sealer.open(&sealed, now()).map(|(value, _)| value);
        prop_assert!(opened == expected, "{:?} for {:?}", opened, expected);
    }

    #[test]
    fn an_authentic_cookie_of_any_stamps_is_judged(
        side in side(), schema: u32, created: u32, issued: u32, window: u32, session_id: [u8; 16],
        persistent: bool, payload in vec(any::<u8>(), 0..40), at: u32,
    ) {
        let header = Header { schema, created, issued, window, session_id, persistent };
        let at = UNIX_EPOCH + Duration::from_secs(at.into());
        let sealed = side.seal(&header, &payload);
        let read = side.sealer.open(&sealed, at);
        if issued < created || window == 0 {
            prop_assert_eq!(read.unwrap_err(), Refusal::BadFrame);
        }
    }

    #[test]
    fn an_authentic_frame_of_any_bytes_is_read_by_the_format_s_rules(
        side in side(), role in 1..=2u8, frame in frame(),
    ) {
        let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let sealed = side.seal_frame(role, &frame);
        let read = side.unseal(sealed.as_bytes());
        prop_assert_eq!(side.sealer.open(&sealed, now()).is_ok(), false);
        if frame.len() < 34 {
            prop_assert_eq!(read, Err(Refusal::Malformed));
            return Ok(());
        }
        let pad = usize::from(frame[33]);
        let header_holds = frame[32] <= 1 && word(8) >= word(4) && word(12) > 0;
        let rest_holds = match role {
            1 => frame[34..].len() >= pad && frame[frame.len() - pad..].iter().all(|byte| *byte == 0),
            _ => frame.len() == 74 && word(0) == 0 && pad == 0,
        };
        let expected = if header_holds && rest_holds { Ok(()) } else { Err(Refusal::BadFrame) };
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn arbitrary_bytes_are_no_blob(side in side(), bytes in vec(any::<u8>(), 0..400), begun: bool) {
        let mut bytes = bytes;
        let blob = side.seal_blob(b"");
        if begun && bytes.len() >= 5 {
            bytes[..5].copy_from_slice(&blob[..5]);
        }
        prop_assert!(side.open_blob(&bytes).is_err());
    }

    #[test]
    fn a_mutated_blob_is_not_opened(
        side in side(), payload in vec(any::<u8>(), 0..600), mutation in mutation(any::<u8>()),
    ) {
        let blob = side.seal_blob(&payload);
        let mutated = mutation.apply(&blob);
        prop_assume!(mutated != blob);
        prop_assert!(side.open_blob(&mutated).is_err());
        prop_assert_eq!(side.open_blob(&blob), Ok(()));
    }

    #[test]
    fn a_blob_opens_for_its_own_session_and_secret_alone(
        side in side(), generation: u64, secret: [u8; 32], session_id: [u8; 16],
    ) {
        prop_assume!(secret != SECRET.secret && session_id != SESSION_ID);
        let open = |reference: &Reference, session_id: &[u8; 16]| {
            side.context.open_blob(reference, session_id, LIMIT, &mut side.seal_blob(b"x")).map(drop)
        };
        let by_generation = if generation <= 4 { Ok(()) } else { Err(Refusal::StaleBlob) };
        prop_assert_eq!(open(&Reference { generation, ..SECRET }, &SESSION_ID), by_generation);
        prop_assert_eq!(open(&Reference { secret, ..SECRET }, &SESSION_ID), Err(Refusal::Forged));
        prop_assert_eq!(open(&SECRET, &session_id), Err(Refusal::Forged));
    }
}

#[test]
fn every_flipped_bit_of_an_envelope_is_refused() {
    for side in &*SIDES {
        for sealed in [side.seal(&header(side.schema), b"payload"), side.seal_reference()] {
            let envelope = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap();
            for bit in 0..envelope.len() * 8 {
                let mut flipped = envelope.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let refusal = match (bit / 8, flipped[0]) {
                    (0, 0x20..) => Refusal::UnsupportedVersion,
                    (0, _) => Refusal::Malformed,
                    (1..5, _) => Refusal::UnknownKey,
                    _ => Refusal::Forged,
                };
                let value = BASE64_URL_SAFE_NO_PAD.encode(flipped);
                assert_eq!(side.unseal(value.as_bytes()), Err(refusal), "bit {bit}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_cookie_s_text_is_refused() {
    for side in &*SIDES {
        for sealed in [side.seal(&header(side.schema), b"payload"), side.seal_reference()] {
            for bit in 0..sealed.len() * 8 {
                let mut flipped = sealed.clone().into_bytes();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(side.unseal(&flipped).is_err(), "bit {bit}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_blob_is_refused() {
    for side in &*SIDES {
        let blob = side.seal_blob(b"payload");
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refusal = match bit / 8 {
                0 => Refusal::Malformed,
                1..5 => Refusal::UnknownKey,
                _ => Refusal::Forged,
            };
            assert_eq!(side.open_blob(&flipped), Err(refusal), "bit {bit}");
        }
    }
}

#[test]
fn every_cut_of_a_cookie_and_of_a_blob_is_refused() {
    for side in &*SIDES {
        for sealed in [side.seal(&header(side.schema), b"payload"), side.seal_reference()] {
            assert_eq!(side.unseal(sealed.as_bytes()), Ok(()));
            (0..sealed.len()).for_each(|length| {
                assert!(side.unseal(&sealed.as_bytes()[..length]).is_err(), "{length} characters");
            });
        }
        let blob = side.seal_blob(b"payload");
        assert_eq!(side.open_blob(&blob), Ok(()));
        (0..blob.len()).for_each(|length| {
            assert!(side.open_blob(&blob[..length]).is_err(), "{length} bytes");
        });
    }
}

/// One spelling at a time, for a value of each length modulo 4 that there is.
#[test]
fn every_other_spelling_of_a_cookie_is_malformed() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut residues = [0; 4];
    for (side, length) in SIDES.iter().flat_map(|side| [(side, 100), (side, 101), (side, 102)]) {
        let sealed = side.seal(&header(side.schema), &vec![1; length]);
        assert_eq!(side.unseal(sealed.as_bytes()), Ok(()));
        residues[sealed.len() % 4] += 1;

        let mut spellings: Vec<Vec<u8>> = Vec::new();
        // Characters around it.
        for around in ["=", "==", " ", "\t", "\n", "\r\n", "\0", "\"", ".", "%20", "\u{a0}", "\u{feff}"] {
            spellings.push(format!("{sealed}{around}").into());
            spellings.push(format!("{around}{sealed}").into());
            spellings.push(format!("{around}{sealed}{around}").into());
        }
        for (at, byte) in sealed.bytes().enumerate() {
            let mut replace = |with: &[u8]| {
                spellings.push([&sealed.as_bytes()[..at], with, &sealed.as_bytes()[at + 1..]].concat());
            };
            // The standard alphabet.
            match byte {
                b'-' => replace(b"+"),
                b'_' => replace(b"/"),
                _ => {}
            }
            // Percent-encoding.
            replace(format!("%{byte:02X}").as_bytes());
            // White space within.
            for space in [" ", "\t", "\r\n", "\n"] {
                replace(&[&[byte], space.as_bytes()].concat());
            }
        }
        // Every value of the last character that differs in its unused bits alone.
        let unused = [0, 0, 4, 2][sealed.len() % 4];
        let (last, begins) = sealed.as_bytes().split_last().unwrap();
        let last = ALPHABET.iter().position(|character| character == last).unwrap();
        for stray in 1..1 << unused {
            spellings.push([begins, &[ALPHABET[last | stray]]].concat());
        }

        for spelling in spellings {
            let shown = spelling.escape_ascii().to_string();
            assert_ne!(spelling, sealed.as_bytes());
            assert_eq!(side.unseal(&spelling), Err(Refusal::Malformed), "{shown}");
            assert_eq!(side.sealer.open(&spelling, now()).unwrap_err(), Refusal::Malformed, "{shown}");
        }
    }
    assert_eq!(residues, [2, 0, 2, 2]);
}

#[test]
fn of_a_megabyte_of_session_cookies_two_are_tried() {
    let [side, other] = &*SIDES;
    let [own, foreign] = [side, other].map(|side| {
        let sealed = side.sealer.seal(&visit(), now()).unwrap();
        format!("{COOKIE_NAME}={sealed}")
    });
    let many = vec![&*foreign; (1 << 20) / foreign.len() + 1].join("; ");
    let opens = |cookies: &[&str]| {
        let header = HeaderValue::from_str(&cookies.join("; ")).unwrap();
        arrive(&side.sessions, [header]).arrival() == Arrival::Opened
    };
    assert!(opens(&[&own, &many]));
    assert!(opens(&[&foreign, &own, &many]));
    assert!(!opens(&[&foreign, &foreign, &own]));
    assert!(!opens(&[&many, &own]));
}

#[test]
fn a_megabyte_of_other_cookies_hides_nothing() {
    let [side, _] = &*SIDES;
    let others = "a=b; ".repeat((1 << 20) / 5);
    let own = format!("{others}{COOKIE_NAME}={}", side.sealer.seal(&visit(), now()).unwrap());
    assert_eq!(arrive(&side.sessions, [own.parse().unwrap()]).arrival(), Arrival::Opened);
}

#[test]
fn a_megabyte_of_one_cookie_is_malformed() {
    let [side, _] = &*SIDES;
    for character in ["A", "E", "=", "\u{e9}"] {
        let value = format!("{COOKIE_NAME}={}", character.repeat(1 << 20));
        let session = arrive(&side.sessions, [HeaderValue::from_bytes(value.as_bytes()).unwrap()]);
        assert_eq!(session.arrival(), Arrival::Refused(Refusal::Malformed));
        assert!(is_fresh(&session));
    }
}

#[test]
fn whatever_prints_itself_keeps_the_key_to_itself() {
    for side in &*SIDES {
        let key = Key::parse(side.key).unwrap();
        let ring = KeyRing::parse(side.key).unwrap();
        let twice = KeyRing::parse(&[side.key, side.key].join(",")).unwrap_err();
        let printed: [&dyn Debug; 8] = [
            &key,
            &key.expose(),
            &ring,
            &side.context,
            &side.sealer,
            &side.sessions,
            &Sealer::<Visit>::builder(ring.clone(), "link"),
            &Sessions::<Visit>::builder(ring.clone()),
        ];
        let mut said: String = printed.iter().map(|each| format!("{each:?} {each:#?} ")).collect();
        said += &everything_it_says(&twice);
        assert_eq!(repeated(side.key, &said), None);
    }
}

#[test]
fn whatever_prints_itself_keeps_the_session_to_itself() {
    let [side, _] = &*SIDES;
    let value = Visit { name: "Ada Lovelace".into(), ..visit() };
    let sealed = side.seal(&header(side.schema), &postcard::to_allocvec(&value).unwrap());
    let mut buffer = Buffer::new();
    let unsealed = side.context.open(sealed.as_bytes(), &mut buffer).unwrap();
    let (_, metadata) = side.sealer.open(&sealed, now()).unwrap();
    let session = arrive(&side.sessions, [format!("{COOKIE_NAME}={sealed}").parse().unwrap()]);
    assert_eq!(session.arrival(), Arrival::Opened);
    let content = Content::Reference(SECRET);
    let blob = Blob { generation: 1, schema: 1, payload: b"Ada Lovelace" };
    let printed: [&dyn Debug; 6] = [&unsealed, &metadata, &session, &content, &SECRET, &blob];
    let said: String = printed.iter().map(|each| format!("{each:?} {each:#?} ")).collect();
    for secret in ["Ada", "Lovelace", "5, 5, 5", "05050505", "9, 9, 9", "09090909"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[test]
fn each_type_prints_what_it_is() {
    let key = Key::parse(KEYS[0]).unwrap();
    let ring = KeyRing::parse(&KEYS.join(" ")).unwrap();
    let [id, other]: [_; 2] = ring.ids().collect::<Vec<_>>().try_into().unwrap();
    let hexadecimal: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(id.to_string(), hexadecimal);
    assert_eq!(format!("{id:?}"), format!("KeyId({hexadecimal})"));
    let key_says = format!("Key {{ suite: Xaes256Gcm, id: {id:?}, .. }}");
    assert_eq!(format!("{key:?}"), key_says);
    assert_eq!(
        format!("{ring:?}"),
        format!("[{key_says}, Key {{ suite: XChaCha20Poly1305, id: {other:?}, .. }}]")
    );
    assert_eq!(key.expose().as_str(), KEYS[0]);
    assert_eq!(format!("{:?}", key.expose()), "KeyText(…)");
    let context = Context::new(&ring, REALM, COOKIE_NAME).unwrap();
    assert_eq!(format!("{context:?}"), format!("Context {{ keys: [{id:?}, {other:?}], .. }}"));

    let header =
        Header { schema: 1, created: 2, issued: 3, window: 4, session_id: [5; 16], persistent: true };
    let header_says = "Header { schema: 1, created: 2, issued: 3, window: 4, persistent: true, .. }";
    assert_eq!(format!("{header:?}"), header_says);
    assert_eq!(format!("{SECRET:?}"), "Reference { generation: 3, .. }");
    assert_eq!(format!("{:?}", Content::Reference(SECRET)), "Reference { generation: 3, .. }");
    assert_eq!(format!("{:?}", Content::Inline(b"Ada")), "Inline(3 bytes)");
    let mut draft = Draft::new();
    draft.write(b"Ada");
    assert_eq!(format!("{draft:?}"), "Draft(3 bytes)");
    assert_eq!(format!("{:?}", Buffer::new()), "Buffer(…)");
    let blob = Blob { generation: 1, schema: 2, payload: b"Ada" };
    assert_eq!(format!("{blob:?}"), "Blob { generation: 1, schema: 2, payload: 3 bytes }");
}

/// All that an error tells anybody: how it prints, and its sources.
fn everything_it_says(error: &sealed_session::SetupError) -> String {
    let mut said = String::new();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        said += &format!("{error} {error:?} {error:#?} ");
        next = error.source();
    }
    said
}

/// The first part of a key's secret that is repeated in `said`: eight characters as text or in hexadecimal, or four bytes
/// in decimal, as `Debug` prints them.
fn repeated(key: &str, said: &str) -> Option<String> {
    let secret = match key.strip_prefix("ssk1.") {
        Some(_) => key.splitn(3, '.').nth(2)?,
        None => key,
    };
    let master = BASE64_URL_SAFE_NO_PAD
        .decode(secret.split('.').next()?)
        .or_else(|_| BASE64_STANDARD.decode(secret))
        .unwrap_or_default();
    let hexadecimal: String = master.iter().map(|byte| format!("{byte:02x}")).collect();
    let said_in_lower_case = said.to_lowercase();
    let text = [(secret, said), (&*hexadecimal, &*said_in_lower_case)]
        .into_iter()
        .flat_map(|(text, said)| {
            text.as_bytes().windows(8).map(move |run| (String::from_utf8_lossy(run), said))
        })
        .find_map(|(run, said)| said.contains(&*run).then(|| run.into_owned()));
    let numbers: Vec<_> = said.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
    let decimal: Vec<_> = master.iter().map(u8::to_string).collect();
    let decimal =
        decimal.windows(4).find(|run| numbers.windows(4).any(|said| said == *run)).map(|run| run.join(", "));
    text.or(decimal)
}

#[test]
fn a_secret_that_is_repeated_in_any_form_is_noticed() {
    let master: [u8; 32] = array::from_fn(|at| 200 - at as u8);
    let key = Key::from_bytes(master, Suite::Xaes256Gcm).unwrap().expose().to_string();
    let bare = BASE64_STANDARD.encode(master);
    for said in [format!("{:?}", &master[7..12]), format!("{:#?}", &master[7..12])] {
        for key in [&key, &bare] {
            assert_eq!(repeated(key, &said).as_deref(), Some("193, 192, 191, 190"), "{said}");
        }
    }
    for key in [&key, &bare] {
        for said in [&key[20..30], "c1c0bfbe", "C1C0BFBE"] {
            assert!(repeated(key, said).is_some(), "{said}");
        }
    }
    assert_eq!(repeated(&key, "entry 1 of 4 is no key: 193 characters, [193, 192, 191]"), None);
}
