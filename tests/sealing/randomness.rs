//! Random values differ in all of their bytes each time they are drawn: nonces, session ids, the masks of CSRF tokens,
//! the secrets of blobs, and keys. Two values that differ would not show it, so each test looks at some hundred draws.

use crate::kit;

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Request, Response, header};
use kit::{Clock, TestStore};
use sealed_session::{
    Key, KeyRing, Sealer, Session, Sessions,
    seal::{Blob, Buffer, Content, Context, Draft, Header, Padding, Reference, Unsealed},
    testing::cookie_with,
};

const COOKIE: &str = "__Host-session";
const DRAWS: usize = 400;
/// Of 256 values, 400 draws of a byte see 202 on average, and fewer than 160 never, as the deviation is 5.
const DISTINCT: usize = 160;
/// Of 400 draws of a bit, between these are set: 200 on average, with a deviation of 10.
const SET: std::ops::RangeInclusive<usize> = 120..=280;

/// Holds draws to what random bytes look like: none repeats, every byte and every bit of it varies, no two bytes of a
/// draw tell of each other, and no draw tells of the next. What a generator makes of a short seed passes nevertheless.
fn assert_random<const N: usize>(what: &str, draws: &[[u8; N]]) {
    assert_eq!(draws.len(), DRAWS);
    assert_eq!(draws.iter().collect::<BTreeSet<_>>().len(), DRAWS, "{what}: a draw repeats another");
    let varies = |bytes: &mut dyn Iterator<Item = u8>, tells: &dyn Fn() -> String| {
        let distinct = bytes.collect::<BTreeSet<_>>().len();
        assert!(distinct >= DISTINCT, "{what}: {}, which has {distinct} values in {DRAWS} draws", tells());
    };
    for at in 0..N {
        varies(&mut draws.iter().map(|draw| draw[at]), &|| format!("byte {at}"));
        let mut steps = draws.windows(2).map(|pair| pair[1][at].wrapping_sub(pair[0][at]));
        varies(&mut steps, &|| format!("the step of byte {at} from draw to draw"));
        for other in 0..at {
            let mut both = draws.iter().map(|draw| draw[at] ^ draw[other]);
            varies(&mut both, &|| format!("byte {at} ⊕ byte {other}"));
        }
        for bit in 0..8 {
            let set = draws.iter().filter(|draw| draw[at] >> bit & 1 == 1).count();
            assert!(SET.contains(&set), "{what}: bit {bit} of byte {at} is set in {set} of {DRAWS} draws");
        }
    }
}

fn draw<R>(draw: impl FnMut(usize) -> R) -> Vec<R> {
    (0..DRAWS).map(draw).collect()
}

fn decoded(value: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(value).unwrap()
}

/// The nonce of a sealed value.
fn nonce(value: &str) -> [u8; 24] {
    decoded(value)[5..29].try_into().unwrap()
}

/// Two random values, one after the other.
fn joined<const N: usize>(one: &[u8], other: &[u8]) -> [u8; N] {
    [one, other].concat().try_into().unwrap()
}

fn a_header() -> Header {
    Header { schema: 0, created: 5, issued: 5, window: 1, session_id: [7; 16], persistent: false }
}

#[test]
fn every_new_session_has_a_nonce_and_an_id_of_its_own_in_every_byte() {
    let sealer = Sealer::<u32>::builder(kit::ring(), COOKIE).build().unwrap();
    let now = Clock::new().now();
    let draws = draw(|_| {
        let value = sealer.seal(&7, now).unwrap();
        let id = sealer.open(&value, now).unwrap().1.id();
        joined::<40>(&nonce(&value), id.as_bytes())
    });
    assert_random("nonce and session id", &draws);
}

#[test]
fn every_renewal_of_one_session_has_a_nonce_of_its_own_in_every_byte() {
    let sealer = Sealer::<u32>::builder(kit::ring(), COOKIE).build().unwrap();
    let now = Clock::new().now();
    let (value, metadata) = sealer.open(sealer.seal(&7, now).unwrap(), now).unwrap();
    assert_random("nonce", &draw(|_| nonce(&sealer.reseal(&value, &metadata, now).unwrap())));
}

#[test]
fn whatever_a_context_seals_has_a_nonce_of_its_own_in_every_byte() {
    let context = Context::new(&kit::ring(), "tests", COOKIE).unwrap();
    let inline = draw(|_| {
        let mut value = String::new();
        context.seal(Draft::new(), &a_header(), Padding::default(), &mut value).unwrap();
        nonce(&value)
    });
    assert_random("an inline cookie's nonce", &inline);
    let to = Reference { generation: 1, secret: [9; 32] };
    let references = draw(|_| {
        let mut value = String::new();
        context.seal_reference(&a_header(), &to, &mut value).unwrap();
        nonce(&value)
    });
    assert_random("a reference's nonce", &references);
    let blobs = draw(|_| {
        let blob = Blob { generation: 1, schema: 0, payload: &[] };
        <[u8; 24]>::try_from(&context.seal_blob(&to, &[7; 16], &blob).unwrap()[13..37]).unwrap()
    });
    assert_random("a blob's nonce", &blobs);
}

#[tokio::test]
async fn an_id_that_is_drawn_before_its_session_is_sealed_is_random_in_every_byte() {
    let sessions = Sessions::<u32>::new(kit::ring()).unwrap();
    let mut ids = Vec::new();
    for _ in 0..DRAWS {
        let session = sessions.open(&Request::new(())).await.unwrap();
        session.csrf_token().unwrap(); // which is bound to the id
        let cookie = committed(&sessions, session).await;
        ids.push(*opened(&sessions, &cookie).await.id().unwrap().as_bytes());
    }
    assert_random("session id", &ids);
}

#[tokio::test]
async fn every_session_that_is_stored_has_a_secret_and_a_nonce_of_its_own_in_every_byte() {
    let (clock, ring) = (Clock::new(), kit::ring());
    let store = TestStore::new(&clock);
    let sessions = kit::sessions_in_cookies(ring.clone(), &clock).store(store.clone()).build().unwrap();
    let context = Context::new(&ring, "tests", COOKIE).unwrap();
    let mut draws = Vec::new();
    for _ in 0..DRAWS {
        let session = sessions.open(&Request::new(())).await.unwrap();
        session.update(|visit| visit.notes = vec!["n".repeat(5000)]);
        let cookie = committed(&sessions, session).await;
        let secret = match unsealed(&context, &cookie, &mut Buffer::new()).content {
            Content::Reference(reference) => reference.secret,
            Content::Inline(_) => panic!("the session is stored"),
        };
        let blobs = std::mem::take(&mut store.look().blobs);
        let [blob] = &BTreeMap::into_values(blobs).collect::<Vec<_>>()[..] else { panic!("one blob") };
        draws.push(joined::<56>(&secret, &blob.bytes[13..37]));
    }
    assert_random("a blob's secret and nonce", &draws);
}

#[test]
fn every_generated_key_is_random_in_every_byte() {
    let masters = draw(|_| {
        let text = Key::generate().unwrap().expose();
        <[u8; 32]>::try_from(decoded(text.as_str().split('.').nth(2).unwrap())).unwrap()
    });
    assert_random("key", &masters);
}

#[tokio::test]
async fn every_csrf_token_has_a_mask_of_its_own_in_every_byte() {
    let sessions = Sessions::<u32>::new(kit::ring()).unwrap();
    let session = opened(&sessions, &cookie_with(&sessions, &7).unwrap()).await;
    let tokens = draw(|_| Token::of(&session));
    assert_random("mask", &tokens.iter().map(|token| token.mask).collect::<Vec<_>>());
    assert!(tokens.iter().all(|token| token.code == tokens[0].code), "under the mask, it is one code");
}

#[tokio::test]
async fn a_csrf_token_depends_on_every_bit_of_the_session_s_id() {
    let tenant = Tenant::new();
    let id = [0x5a; 16];
    let token = tenant.with_id(id).await.csrf_token().unwrap();
    tenant.with_id(id).await.verify_csrf(token.as_str()).unwrap();
    let mut codes = BTreeSet::from([Token::of(&tenant.with_id(id).await).code]);
    for bit in 0..128 {
        let mut other = id;
        other[bit / 8] ^= 1 << (bit % 8);
        let other = tenant.with_id(other).await;
        assert!(other.verify_csrf(token.as_str()).unwrap_err().is_csrf(), "bit {bit} of the id");
        codes.insert(Token::of(&other).code);
    }
    assert_eq!(codes.len(), 129);
}

#[tokio::test]
async fn the_csrf_tokens_of_many_sessions_have_codes_that_vary_in_every_byte() {
    let tenant = Tenant::new();
    let mut codes = Vec::new();
    for number in 0..DRAWS as u128 {
        codes.push(Token::of(&tenant.with_id(number.to_be_bytes()).await).code);
    }
    assert_random("code", &codes);
}

/// A token, taken apart.
struct Token {
    mask: [u8; 16],
    code: [u8; 16],
}

impl Token {
    fn of(session: &Session<u32>) -> Self {
        let token = decoded(session.csrf_token().unwrap().as_str());
        let (mask, masked) = token.split_at(16);
        let code: Vec<_> = masked.iter().zip(mask).map(|(masked, mask)| masked ^ mask).collect();
        Self { mask: mask.try_into().unwrap(), code: code.try_into().unwrap() }
    }
}

/// An application whose keys the test has, too.
struct Tenant {
    sessions: Sessions<u32>,
    context: Context,
}

impl Tenant {
    fn new() -> Self {
        let ring: KeyRing = kit::ring();
        let context = Context::new(&ring, "", COOKIE).unwrap();
        Self { sessions: Sessions::new(ring).unwrap(), context }
    }

    /// A session of this id.
    async fn with_id(&self, session_id: [u8; 16]) -> Session<u32> {
        let cookie = cookie_with(&self.sessions, &7).unwrap();
        let mut buffer = Buffer::new();
        let Unsealed { header, content: Content::Inline(payload), .. } =
            unsealed(&self.context, &cookie, &mut buffer)
        else {
            panic!("it fits its cookie")
        };
        let mut draft = Draft::new();
        draft.write(payload);
        let mut value = String::new();
        let header = Header { session_id, ..header };
        self.context.seal(draft, &header, Padding::default(), &mut value).unwrap();
        let session = opened(&self.sessions, &format!("{COOKIE}={value}")).await;
        assert_eq!(session.id().unwrap().as_bytes(), &session_id);
        session
    }
}

/// The session of a cookie, `name=value`.
async fn opened<T: sealed_session::Payload>(sessions: &Sessions<T>, cookie: &str) -> Session<T> {
    sessions.open(&Request::get("/").header(header::COOKIE, cookie).body(()).unwrap()).await.unwrap()
}

/// The cookie of a session when it is committed, `name=value`.
async fn committed<T: sealed_session::Payload>(sessions: &Sessions<T>, session: Session<T>) -> String {
    let mut response = Response::new(());
    let _ = sessions.commit(session, &mut response).await.unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn unsealed<'b>(context: &Context, cookie: &str, buffer: &'b mut Buffer) -> Unsealed<'b> {
    context.open(cookie.split_once('=').unwrap().1.as_bytes(), buffer).unwrap()
}
