//! What is trusted and what is told (B40 to B44), through an axum application.

use crate::kit;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::any,
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use kit::{Answer, Browser, Clock, HOUR, Visit, app::app, ask};
use sealed_session::{
    Arrival, Key, KeyRing, Refusal, Sealer, Session, Sessions, SetupError, Suite,
    seal::{Context, Draft, Header, Padding, Reference},
};

const COOKIE: &str = "__Host-session";

/// An application, and a cookie for each reason to refuse one.
struct Refusals {
    app: Router,
    sessions: Sessions<Visit>,
    cookies: Vec<(Refusal, String)>,
}

impl Refusals {
    async fn new() -> Self {
        let ring = kit::ring();
        let clock = Clock::new();
        let sessions = kit::sessions(ring.clone(), &clock).build().unwrap();
        let app = app(sessions.clone());
        let cookies = kit::refusals::refusals(&ring, &clock);
        Self { app, sessions, cookies }
    }
}

async fn fresh(app: &Router) -> Answer {
    Browser::new().get(app, "/all").await
}

#[tokio::test]
async fn b40_whatever_the_refusal_status_body_and_data_are_those_of_a_fresh_session() {
    let refusals = Refusals::new().await;
    let expected = fresh(&refusals.app).await;
    for (refusal, cookie) in &refusals.cookies {
        let answer = Browser::holding(COOKIE, cookie).get(&refusals.app, "/all").await;
        assert_eq!(answer.status, expected.status, "{refusal}");
        assert_eq!(answer.body, expected.body, "{refusal}");
        assert_eq!(answer.all("vary"), expected.all("vary"), "{refusal}");
    }
}

#[tokio::test]
async fn b40_the_reason_is_there_for_the_handler() {
    let refusals = Refusals::new().await;
    for (refusal, cookie) in &refusals.cookies {
        let answer = Browser::holding(COOKIE, cookie).get(&refusals.app, "/arrival").await;
        assert_eq!(answer.text(), format!("{:?}", Arrival::Refused(*refusal)));
    }
}

#[tokio::test]
async fn b40_the_reason_is_logged_at_debug_without_the_cookie() {
    let refusals = Refusals::new().await;
    for (refusal, cookie) in &refusals.cookies {
        let (log, guard) = kit::log::Log::record();
        Browser::holding(COOKIE, cookie).get(&refusals.app, "/all").await;
        drop(guard);
        let text = log.text();
        assert!(text.contains("DEBUG") && text.contains(&format!("refusal=\"{refusal}\"")), "{text}");
        assert!(!text.contains(&cookie[..8]), "{text}");
    }
}

#[tokio::test]
async fn b40_the_reasons_are_counted() {
    let refusals = Refusals::new().await;
    let before = refusals.sessions.counters();
    for (_, cookie) in &refusals.cookies {
        Browser::holding(COOKIE, cookie).get(&refusals.app, "/all").await;
    }
    let after = refusals.sessions.counters();
    for (refusal, times) in &after.refused {
        let expected = u64::from(refusals.cookies.iter().any(|(one, _)| one == refusal));
        assert_eq!(*times, expected, "{refusal}");
    }
    assert_eq!(after.opened, before.opened);
}

#[tokio::test]
async fn b40_arrivals_and_commits_are_counted() {
    let sessions = kit::sessions_in_cookies(kit::ring(), &Clock::new()).build().unwrap();
    let app = app(sessions.clone());
    let mut browser = Browser::new();
    for path in ["/read", "/add", "/add", "/read", "/note/5000", "/destroy"] {
        browser.get(&app, path).await;
    }
    let counters = sessions.counters();
    assert_eq!((counters.absent, counters.opened), (2, 4));
    assert_eq!((counters.kept, counters.set, counters.removed, counters.failed), (2, 2, 1, 1));
}

#[tokio::test]
async fn b41_a_malformed_or_expired_cookie_is_removed_and_every_other_is_left() {
    let refusals = Refusals::new().await;
    for (refusal, cookie) in &refusals.cookies {
        let answer = Browser::holding(COOKIE, cookie).get(&refusals.app, "/all").await;
        if matches!(refusal, Refusal::Malformed | Refusal::Expired) {
            assert!(answer.removes(), "{refusal}");
        } else {
            assert!(answer.sends_nothing(), "{refusal}");
        }
    }
}

#[tokio::test]
async fn b41_a_refused_cookie_is_replaced_only_when_the_handler_writes() {
    let refusals = Refusals::new().await;
    for (refusal, cookie) in &refusals.cookies {
        let mut browser = Browser::holding(COOKIE, cookie);
        let answer = browser.post(&refusals.app, "/add").await;
        assert!(!answer.removes(), "{refusal}");
        assert_eq!(browser.get(&refusals.app, "/read").await.text(), "1", "{refusal}");
    }
}

#[tokio::test]
async fn b41_an_expired_cookie_is_removed_also_when_the_handler_fails() {
    let refusals = Refusals::new().await;
    let (_, expired) = refusals.cookies.iter().find(|(refusal, _)| *refusal == Refusal::Expired).unwrap();
    assert!(Browser::holding(COOKIE, expired).get(&refusals.app, "/add-and-fail").await.removes());
}

#[tokio::test]
async fn b41_beside_one_that_may_open_elsewhere_nothing_is_removed() {
    let refusals = Refusals::new().await;
    let of = |wanted| &refusals.cookies.iter().find(|(refusal, _)| *refusal == wanted).unwrap().1;
    let pairs = format!("{COOKIE}={}; {COOKIE}={}", of(Refusal::Expired), of(Refusal::UnknownKey));
    let request = Request::get("/all").header(header::COOKIE, pairs).body(Body::empty()).unwrap();
    assert!(ask(&refusals.app, request).await.sends_nothing());
}

#[tokio::test]
async fn b41_nothing_is_removed_if_the_request_has_more_cookies_than_are_tried() {
    let refusals = Refusals::new().await;
    let with = async |cookies: usize| {
        let pairs = vec![format!("{COOKIE}=malformed"); cookies].join("; ");
        ask(&refusals.app, Request::get("/all").header(header::COOKIE, pairs).body(Body::empty()).unwrap())
            .await
    };
    assert!(with(2).await.removes());
    assert!(with(3).await.sends_nothing(), "the third may belong to another application");
}

/// Three keys as text, so that rings can be made of them in any order.
fn keys() -> [String; 3] {
    [(); 3].map(|()| Key::generate().unwrap().expose().to_string())
}

fn ring_of(keys: &[&String]) -> KeyRing {
    KeyRing::parse(&keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(",")).unwrap()
}

struct Rotation {
    clock: Clock,
    browser: Browser,
}

impl Rotation {
    /// A browser whose session a ring of one key has sealed.
    async fn sealed_by(key: &String) -> Self {
        let clock = Clock::new();
        let mut browser = Browser::new();
        let app = app(kit::sessions(ring_of(&[key]), &clock).build().unwrap());
        browser.post(&app, "/add").await;
        Self { clock, browser }
    }

    fn sessions(&self, keys: &[&String]) -> Sessions<Visit> {
        kit::sessions(ring_of(keys), &self.clock).build().unwrap()
    }

    /// How many views the session has for these, or why it has none.
    async fn views(&self, sessions: &Sessions<Visit>) -> Result<u32, Arrival> {
        let session = self.browser.session(sessions).await;
        match session.arrival() {
            Arrival::Opened => Ok(session.read(|visit| visit.views)),
            other => Err(other),
        }
    }
}

#[tokio::test]
async fn b42_every_key_in_the_ring_opens_and_the_first_seals() {
    let [a, b, c] = keys();
    let rotation = Rotation::sealed_by(&a).await;
    for ring in [[&a, &b, &c], [&b, &a, &c], [&c, &b, &a]] {
        let sessions = rotation.sessions(&ring);
        assert_eq!(rotation.views(&sessions).await, Ok(1));
        let mut another = Browser::new();
        another.post(&app(sessions), "/add").await;
        let first_alone = rotation.sessions(&ring[..1]);
        assert!(another.metadata(&first_alone).await.uses_current_key());
    }
}

#[tokio::test]
async fn b42_a_session_of_another_key_moves_to_the_first_key_with_its_next_change() {
    let [a, b, _] = keys();
    let mut rotation = Rotation::sealed_by(&a).await;
    let sessions = rotation.sessions(&[&b, &a]);
    rotation.browser.post(&app(sessions), "/add").await;
    assert_eq!(rotation.views(&rotation.sessions(&[&b])).await, Ok(2));
}

#[tokio::test]
async fn b42_a_session_of_another_key_moves_to_the_first_key_with_its_next_renewal_and_not_before() {
    let [a, b, _] = keys();
    let mut rotation = Rotation::sealed_by(&a).await;
    let app = app(rotation.sessions(&[&b, &a]));
    assert!(rotation.browser.get(&app, "/read").await.sends_nothing(), "two nodes must not fight over it");
    rotation.clock.advance(HOUR);
    rotation.browser.get(&app, "/read").await;
    assert_eq!(rotation.views(&rotation.sessions(&[&b])).await, Ok(1));
}

#[tokio::test]
async fn b42_removing_a_key_ends_exactly_its_sessions() {
    let [a, b, c] = keys();
    let of_a = Rotation::sealed_by(&a).await;
    let of_b = Rotation::sealed_by(&b).await;
    assert_eq!(of_a.views(&of_a.sessions(&[&c, &b])).await, Err(Arrival::Refused(Refusal::UnknownKey)));
    assert_eq!(of_b.views(&of_b.sessions(&[&c, &b])).await, Ok(1));
}

#[test]
fn b43_entries_are_separated_by_commas_or_white_space_and_comments_are_skipped() {
    let [a, b, c] = keys();
    let expected: Vec<_> = [&a, &b, &c].map(|key| Key::parse(key).unwrap().id()).into();
    for text in [
        format!("{a},{b},{c}"),
        format!("{a} {b}\t{c}\n"),
        format!("  {a}\r\n\r\n{b},\n,{c},,"),
        format!("# the ring\n{a} # seals, {b} is not one\n{b}# until June\n#{a}\n{c}"),
    ] {
        assert_eq!(KeyRing::parse(&text).unwrap().ids().collect::<Vec<_>>(), expected, "{text}");
    }
}

/// The error of a text, which must name nothing of the keys in it.
fn ring_error(text: &str) -> String {
    let error = KeyRing::parse(text).unwrap_err();
    assert!(error.is_key());
    for shown in [error.to_string(), format!("{error:?}")] {
        for entry in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| entry.len() > 20) {
            let secret = entry.split('.').nth(2).unwrap_or(entry);
            assert!(!shown.contains(&secret[..8]), "{shown}");
        }
    }
    error.to_string()
}

#[test]
fn b43_an_empty_ring_is_an_error() {
    for text in ["", " \n,", "# only a comment"] {
        assert!(ring_error(text).contains("the key ring is empty"));
    }
}

#[test]
fn b43_a_short_misspelt_or_foreign_entry_is_an_error_that_names_its_position() {
    let [a, b, _] = keys();
    let other = if &b[15..16] == "x" { "y" } else { "x" };
    let misspelt = format!("{}{other}{}", &b[..15], &b[16..]);
    for (entry, fault) in [
        (&b[..b.len() - 1], "its checksum does not match"),
        (&misspelt, "its checksum does not match"),
        (&b[..40], "it is not of the form"),
        (&format!("ssk1.xaes.{}.{}", &b[10..50], &b[54..]), "expected 43 characters, got 40"),
        (&b.replace("xaes", "aes"), "its suite is neither"),
        (&b.to_uppercase(), "does not begin with `ssk1.`"),
        ("hunter2-hunter2-hunter2-hunter2", "does not begin with `ssk1.`"),
    ] {
        let error = ring_error(&format!("{a}\n{entry}\n"));
        assert!(error.starts_with("entry 2 of the key ring is not a key"), "{error}");
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn b43_a_key_whose_bytes_are_all_equal_is_an_error() {
    for text in [
        "ssk1.xaes.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.CHECKED",
        "ssk1.xchacha.QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE.CHECKED",
    ] {
        let (checked, _) = text.rsplit_once('.').unwrap();
        let checksum = &<sha2::Sha256 as sha2::Digest>::digest(checked)[..4];
        let text = format!("{checked}.{}", BASE64_URL_SAFE_NO_PAD.encode(checksum));
        let error = Key::parse(&text).unwrap_err();
        assert!(error.is_key());
        let expected = "this is not a key: all bytes of its key material are equal, as in a placeholder; make a key with \
                        `Key::generate`";
        assert_eq!(error.to_string(), expected);
        assert!(ring_error(&text).contains("all bytes of its key material are equal"));
    }
}

/// The output of `openssl rand -base64 32`.
const BARE: &str = "q8oJbUxtYVNV0HYuLIxdpGwvYMWZ4aL2mLMQBzBrzk0=";

#[test]
fn b43_the_output_of_openssl_rand_is_a_key_of_the_default_suite() {
    let master: [u8; 32] = BASE64_STANDARD.decode(BARE).unwrap().try_into().unwrap();
    let key = Key::parse(BARE).unwrap();
    assert_eq!(key.suite(), Suite::Xaes256Gcm);
    let same = Key::from_bytes(master, Suite::Xaes256Gcm).unwrap();
    assert_eq!(key.expose().as_str(), same.expose().as_str());
    let [a, ..] = keys();
    let expected = [Key::parse(&a).unwrap().id(), key.id()];
    assert_eq!(KeyRing::parse(&format!("{a}\n{BARE} # new\n")).unwrap().ids().collect::<Vec<_>>(), expected);
}

#[test]
fn b43_text_that_only_resembles_the_output_of_openssl_rand_is_an_error_that_says_why() {
    for (text, fault) in [
        (&BARE[..43], "copy the `=` too"),
        (&"+/".repeat(22)[..43], "copy the `=` too"),
        (&"-".repeat(43), "does not begin with `ssk1.`"),
        (&"0123456789abcdef".repeat(4), "it has 64 hexadecimal digits"),
        (&"g".repeat(64), "does not begin with `ssk1.`"),
        (&BARE.replace("0=", "1="), "that are not the base64 of 32 bytes"), // unused bits are not zero
        (&BARE.replace("0=", "=="), "that are not the base64 of 32 bytes"),
        (&BARE.replace('=', "A"), "that are not the base64 of 32 bytes"),
        (&BARE.replace('J', "-"), "that are not the base64 of 32 bytes"),
        (&format!("{BARE}="), "does not begin with `ssk1.`"),
        (&format!("{BARE}\n"), "does not begin with `ssk1.`"),
        (&BASE64_STANDARD.encode([7; 31]), "that are not the base64 of 32 bytes"),
    ] {
        let error = Key::parse(text).unwrap_err();
        assert!(error.is_key() && error.to_string().contains(fault), "{error}");
        assert!(!format!("{error:?}").contains(&text[..8]), "{error:?}");
    }
    for error in [Key::parse(&BASE64_STANDARD.encode([7; 32])), Key::from_bytes([7; 32], Suite::Xaes256Gcm)] {
        assert!(error.unwrap_err().to_string().contains("all bytes of its key material are equal"));
    }
}

#[test]
fn b43_a_key_that_is_listed_twice_is_an_error_that_names_both_positions() {
    let [a, b, _] = keys();
    assert!(ring_error(&format!("{a},{b},{a}")).contains("entries 1 and 3"));
}

#[test]
fn b43_a_ring_comes_from_a_file_or_the_reason_is_told() -> Result<(), SetupError> {
    let [a, b, _] = keys();
    let path = std::env::temp_dir().join(format!("sealed-session-ring-{}", std::process::id()));
    std::fs::write(&path, format!("{a}\n{b} # old\n")).unwrap();
    assert_eq!(KeyRing::from_file(&path)?.ids().count(), 2);
    std::fs::write(&path, "#".repeat(2 << 20)).unwrap();
    assert!(format!("{:?}", KeyRing::from_file(&path).unwrap_err()).contains("longer than a mebibyte"));
    std::fs::remove_file(&path).unwrap();
    let error = KeyRing::from_file(&path).unwrap_err();
    assert!(error.is_key() && error.to_string().contains("sealed-session-ring"), "{error}");
    Ok(())
}

#[test]
fn a_ring_comes_from_a_file_of_up_to_a_mebibyte() {
    let [a, ..] = keys();
    let path = std::env::temp_dir().join(format!("sealed-session-long-ring-{}", std::process::id()));
    let text = |length: usize| format!("{a}#{}", "c".repeat(length - a.len() - 1));
    std::fs::write(&path, text(1 << 20)).unwrap();
    let longest = KeyRing::from_file(&path).map(|ring| ring.ids().count());
    std::fs::write(&path, text((1 << 20) + 1)).unwrap();
    let longer = KeyRing::from_file(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(longest.unwrap(), 1);
    assert!(format!("{:?}", longer.unwrap_err()).contains("longer than a mebibyte"));
}

#[test]
fn b43_a_ring_comes_from_the_environment_or_the_reason_is_told() {
    // Cargo sets this one for every test, and it holds no key.
    let error = KeyRing::from_env("CARGO_PKG_NAME").unwrap_err();
    assert!(error.to_string().starts_with("entry 1 of the key ring is not a key"), "{error}");
    let error = KeyRing::from_env("SEALED_SESSION_NO_SUCH_VARIABLE").unwrap_err();
    assert!(error.to_string().contains("SEALED_SESSION_NO_SUCH_VARIABLE is not set"), "{error}");
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Undebuggable {
    secret: String,
}

#[tokio::test]
async fn b44_nothing_secret_or_personal_is_shown() {
    let (log, guard) = kit::log::Log::record();
    for suite in [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305] {
        let key = Key::generate_for(suite).unwrap();
        let text = key.expose();
        let master = text.as_str().split('.').nth(2).unwrap().to_owned();
        let mut shown = format!("{key:?} {text:?}");
        let ring = KeyRing::new([key]).unwrap();
        shown += &format!("{ring:?}");
        let builder = Sessions::<Undebuggable>::builder(ring.clone());
        shown += &format!("{builder:?}");
        let sessions = builder.build().unwrap();
        shown += &format!("{sessions:?} {:?} {:?}", sessions.sealer(), sessions.counters());
        let session = sessions.open(&Request::new(())).await.unwrap();
        session.update(|data| data.secret = "the payload".into());
        shown += &format!("{session:?}");
        let mut response = axum::http::Response::new(());
        let _ = sessions.commit(session.clone(), &mut response).await.unwrap();
        shown += &format!("{session:?} {response:?}");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        let (_, metadata) = sessions.sealer().open(value, std::time::SystemTime::now()).unwrap();
        shown += &format!("{metadata:?} {:?}", metadata.id());
        let mut buffer = sealed_session::seal::Buffer::new();
        let context = Context::new(&ring, "", COOKIE).unwrap();
        shown += &format!("{:?} {context:?}", context.open(value.as_bytes(), &mut buffer).unwrap());
        shown += &log.text();
        for secret in [&master[..8], "the payload", &value[..40], &metadata.id().to_string()] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
    drop(guard);
}

#[tokio::test]
async fn b44_a_payload_without_debug_is_a_payload() {
    let sessions = Sessions::<Undebuggable>::new(kit::ring()).unwrap();
    let app = Router::new()
        .route(
            "/",
            any(async |session: Session<Undebuggable>| session.read(|data| data.secret.len()).to_string()),
        )
        .layer(sessions);
    assert_eq!(Browser::new().get(&app, "/").await.text(), "0");
}

#[tokio::test]
async fn the_missing_layer_and_the_doubled_layer_are_logged_with_what_to_do() {
    let (log, _guard) = kit::log::Log::record();
    Browser::new().get(&kit::app::routes(), "/read").await;
    let sessions = || kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    Browser::new().get(&app(sessions()).layer(sessions()), "/read").await;
    let text = log.text();
    assert!(text.contains("call `.layer(sessions)`"), "{text}");
    assert_eq!(text.matches("call `.layer(sessions)`").count(), 1, "it is logged once: {text}");
    assert!(text.contains("two session layers would write the same cookie"), "{text}");
}

#[tokio::test]
async fn a_handler_can_ask_why_it_has_no_session() {
    let why = async |session: Result<Session<Visit>, sealed_session::Error>| {
        let error = session.unwrap_err();
        format!("{} {}", error.is_missing_layer(), error.status().as_u16())
    };
    assert_eq!(Browser::new().get(&Router::new().route("/", any(why)), "/").await.text(), "true 500");
}

#[test]
fn an_error_shows_one_level_and_its_debug_output_shows_the_causes() {
    let error = KeyRing::from_file("/no/such/file").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(!error.to_string().contains(&cause), "{error}");
    assert_eq!(format!("{error:?}"), format!("SetupError({error}: {cause})"));
}

#[tokio::test]
async fn b11_a_change_after_the_head_is_gone_is_logged_as_an_error() {
    let (log, _guard) = kit::log::Log::record();
    let sessions = kit::sessions(kit::ring(), &Clock::new()).build().unwrap();
    let session = sessions.open(&Request::new(())).await.unwrap();
    let _ = sessions.commit(session.clone(), &mut axum::http::Response::new(())).await.unwrap();
    session.update(|visit| visit.views += 1);
    assert!(log.text().contains("ERROR") && log.text().contains("the change is lost"), "{}", log.text());
}

#[test]
fn both_suites_seal_and_open() {
    for suite in [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305] {
        let ring = KeyRing::new([Key::generate_for(suite).unwrap()]).unwrap();
        let sealer = Sealer::<u32>::builder(ring, "test").build().unwrap();
        let now = Clock::new().now();
        let text = sealer.seal(&7, now).unwrap();
        let (value, metadata) = sealer.open(&text, now + Duration::from_secs(5)).unwrap();
        assert_eq!(value, 7);
        let again = sealer.reseal(&value, &metadata, now + HOUR).unwrap();
        assert_eq!(sealer.open(&again, now + 2 * HOUR).unwrap().1.id(), metadata.id());
    }
}

#[test]
fn two_seals_of_one_value_differ_in_every_nonce_id_and_text() {
    let sealer = Sealer::<u32>::builder(kit::ring(), "test").build().unwrap();
    let now = Clock::new().now();
    let (one, two) = (sealer.seal(&7, now).unwrap(), sealer.seal(&7, now).unwrap());
    assert_ne!(one[7..38], two[7..38], "the nonces");
    assert_ne!(sealer.open(&one, now).unwrap().1.id(), sealer.open(&two, now).unwrap().1.id());
}

#[test]
fn a_header_that_no_reader_accepts_is_not_sealed() {
    let context = Context::new(&kit::ring(), "tests", COOKIE).unwrap();
    let good = Header { schema: 0, created: 5, issued: 5, window: 1, session_id: [7; 16], persistent: false };
    let seal = |header: Header| context.seal(Draft::new(), &header, Padding::default(), &mut String::new());
    assert!(seal(good).is_ok());
    assert!(seal(Header { window: 0, ..good }).unwrap_err().to_string().contains("cannot be sealed"));
    assert!(seal(Header { issued: 4, ..good }).unwrap_err().to_string().contains("cannot be sealed"));
    let reference = Reference { generation: 1, secret: [9; 32] };
    assert!(context.seal_reference(&Header { window: 0, ..good }, &reference, &mut String::new()).is_err());
}

#[test]
fn a_cookie_of_another_realm_has_the_same_key_id_and_is_forged() {
    let ring = kit::ring();
    let sealer = |realm: &str| Sealer::<u32>::builder(ring.clone(), COOKIE).realm(realm).build().unwrap();
    let now = Clock::new().now();
    let (ours, theirs) = (sealer("ours").seal(&7, now).unwrap(), sealer("theirs").seal(&7, now).unwrap());
    assert_eq!(ours[..6], theirs[..6], "version, role and most of the key id");
    assert_eq!(sealer("ours").open(&theirs, now).unwrap_err(), Refusal::Forged);
}
