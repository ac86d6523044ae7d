//! Session types that grow, and encodings that change, while people are signed in (B50, B52).

use crate::kit;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use axum::{Router, extract::Path, routing::any};
use kit::{Browser, Clock, TestStore};
use sealed_session::{
    Arrival, Commit, Encoding, Fingerprint, KeyRing, Payload, Refusal, Samples, Session, Sessions,
    SessionsBuilder,
    seal::{Blob, Context, Header, Reference},
    store::BlobId,
};
use serde::{Deserialize, Serialize};

fn builder<T: Payload>(ring: &KeyRing, clock: &Clock, encoding: Encoding) -> SessionsBuilder<T> {
    let clock = clock.clone();
    Sessions::builder(ring.clone()).realm("tests").encoding(encoding).clock(move || clock.now())
}

// ---- Three fields, appended in three deployments ----

macro_rules! version {
    ($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        struct $name {
            user: Option<u64>,
            $($(#[$attribute])* $field: $type),*
        }

        impl Version for $name {
            fn user(&mut self) -> &mut Option<u64> {
                &mut self.user
            }
        }
    };
}

trait Version: Payload + Clone + Debug + PartialEq + Sync {
    fn user(&mut self) -> &mut Option<u64>;
}

version!(First {});
version!(Second {
    #[serde(default)]
    views: u32,
});
version!(Third {
    #[serde(default)]
    views: u32,
    #[serde(default = "light")]
    theme: String,
});
version!(Fourth {
    #[serde(default)]
    views: u32,
    #[serde(default = "light")]
    theme: String,
    #[serde(default)]
    roles: Vec<String>,
});

fn light() -> String {
    "light".into()
}

/// A node: `/` shows the user, `/all` everything, `/sign-in/7` signs in. `/grow` gives the newest field a value other than
/// its default, and `/grown` tells whether it has that value.
fn node<T: Version>(ring: &KeyRing, clock: &Clock, encoding: Encoding, grow: fn(&mut T)) -> Router {
    let has_grown = move |data: &T| {
        let mut grown = data.clone();
        grow(&mut grown);
        grown == *data
    };
    let user = |data: &T| format!("{:?}", data.clone().user().take());
    Router::new()
        .route("/", any(async move |session: Session<T>| session.read(user)))
        .route("/all", any(async |session: Session<T>| format!("{:?}", session.read(T::clone))))
        .route(
            "/sign-in/{user}",
            any(async |session: Session<T>, Path(user): Path<u64>| {
                session.update(|data| *data.user() = Some(user));
            }),
        )
        .route(
            "/grow",
            any(async move |session: Session<T>| {
                session.update(grow);
                session.read(user)
            }),
        )
        .route("/grown", any(async move |session: Session<T>| session.read(has_grown).to_string()))
        .layer(builder::<T>(ring, clock, encoding).build().unwrap())
}

fn versions(ring: &KeyRing, clock: &Clock, encoding: Encoding) -> [Router; 4] {
    [
        node::<First>(ring, clock, encoding, |_| {}),
        node::<Second>(ring, clock, encoding, |data| data.views = 3),
        node::<Third>(ring, clock, encoding, |data| data.theme = "dark".into()),
        node::<Fourth>(ring, clock, encoding, |data| data.roles = vec!["editor".into()]),
    ]
}

const USERS: u64 = 12;

/// The counts after three rolling deployments, in which each browser meets old and new nodes in turn.
#[derive(Debug, Default, PartialEq)]
struct Rollouts {
    /// Requests that an old node answered as if nobody were signed in.
    fresh_on_an_old_node: usize,
    /// Requests that a new node answered as if nobody were signed in.
    fresh_on_a_new_node: usize,
    /// New fields that kept their values while an old node had the session.
    kept: usize,
    /// Browsers that are signed in at the end.
    signed_in: usize,
}

async fn roll_out(encoding: Encoding) -> Rollouts {
    let (ring, clock) = (kit::ring(), Clock::new());
    let versions = versions(&ring, &clock, encoding);
    let mut browsers: Vec<_> = (0..USERS).map(|_| Browser::new()).collect();
    for (user, browser) in (0..).zip(&mut browsers) {
        browser.get(&versions[0], &format!("/sign-in/{user}")).await;
    }
    let mut outcome = Rollouts::default();
    for pair in versions.windows(2) {
        let [old, new] = pair else { unreachable!() };
        for (node, path) in [(old, "/"), (new, "/grow"), (old, "/"), (new, "/")] {
            // More than a quarter of the idle timeout, so that every node renews what it can read.
            clock.advance(Duration::from_secs(35 * 60));
            for (user, browser) in (0..USERS).zip(&mut browsers) {
                let answer = browser.get(node, path).await;
                match answer.text() {
                    "None" if std::ptr::eq(node, new) => outcome.fresh_on_a_new_node += 1,
                    "None" => {
                        outcome.fresh_on_an_old_node += 1;
                        assert!(answer.sends_nothing(), "the newer cookie is left in the browser");
                    }
                    text => assert_eq!(text, format!("Some({user})"), "nothing is misread"),
                }
            }
        }
        for browser in &mut browsers {
            outcome.kept += usize::from(browser.get(new, "/grown").await.text() == "true");
        }
    }
    for (user, browser) in (0..USERS).zip(&mut browsers) {
        let answer = browser.get(&versions[3], "/").await;
        outcome.signed_in += usize::from(answer.text() == format!("Some({user})"));
    }
    outcome
}

const ALL: usize = USERS as usize;

#[tokio::test]
async fn b50_appended_fields_log_nobody_out_in_three_rolling_deployments() {
    // Once in each deployment, a browser whose session a new node has written comes back to an old one.
    let expected =
        Rollouts { fresh_on_an_old_node: 3 * ALL, fresh_on_a_new_node: 0, kept: 3 * ALL, signed_in: ALL };
    assert_eq!(roll_out(Encoding::Compact).await, expected);
}

#[tokio::test]
async fn b50_self_describing_sessions_are_read_by_old_nodes_which_lose_new_fields_when_they_renew() {
    let expected = Rollouts { signed_in: ALL, ..Rollouts::default() };
    assert_eq!(roll_out(Encoding::SelfDescribing).await, expected);
}

#[tokio::test]
async fn b50_a_handler_that_writes_on_an_old_node_begins_another_session() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let [first, second, ..] = versions(&ring, &clock, Encoding::Compact);
    let mut browser = Browser::new();
    browser.get(&second, "/sign-in/7").await;
    browser.get(&first, "/sign-in/8").await;
    assert_eq!(browser.get(&second, "/all").await.text(), "Second { user: Some(8), views: 0 }");
}

#[tokio::test]
async fn b50_a_write_on_an_old_node_drops_the_new_field_of_a_self_describing_session() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let old = node::<First>(&ring, &clock, Encoding::SelfDescribing, |_| {});
    let new = builder::<Second>(&ring, &clock, Encoding::SelfDescribing).build().unwrap();
    let value = Second { user: Some(7), views: 3 };
    let mut browser = Browser::holding("__Host-session", &new.sealer().seal(&value, clock.now()).unwrap());
    assert_eq!(browser.get(&old, "/").await.text(), "Some(7)");
    browser.get(&old, "/sign-in/8").await;
    let opened = browser.session(&new).await;
    assert_eq!(opened.read(Second::clone), Second { user: Some(8), views: 0 });
}

#[tokio::test]
async fn b04_a_field_that_was_appended_since_is_no_change() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let [first, _, third, _] = versions(&ring, &clock, Encoding::Compact);
    let mut browser = Browser::new();
    browser.get(&first, "/sign-in/7").await;
    for path in ["/", "/all", "/sign-in/7"] {
        assert!(browser.get(&third, path).await.sends_nothing(), "{path}");
    }
    assert_eq!(browser.get(&first, "/").await.text(), "Some(7)", "so old nodes go on to read it");
    assert!(!browser.get(&third, "/sign-in/8").await.sends_nothing());
    assert_eq!(browser.get(&first, "/").await.text(), "None");
}

#[tokio::test]
async fn b50_a_stored_session_of_fewer_fields_is_read_and_written_with_all() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let store = TestStore::new(&clock);
    let large = First { user: Some(7) };
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    struct Notes {
        notes: Vec<String>,
    }
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    struct MoreNotes {
        notes: Vec<String>,
        #[serde(default)]
        first: First,
    }
    let old = builder::<Notes>(&ring, &clock, Encoding::Compact).store(store.clone()).build().unwrap();
    let new = builder::<MoreNotes>(&ring, &clock, Encoding::Compact)
        .store(store.clone())
        .on_conflict(|_| None)
        .build()
        .unwrap();
    let mut browser = Browser::new();
    let session = browser.session(&old).await;
    session.update(|data| data.notes.push("x".repeat(20_000)));
    assert_eq!(commit(&old, session, &mut browser).await, Commit::Set);

    let session = browser.session(&new).await;
    assert_eq!(session.arrival(), Arrival::Opened);
    session.update(|data| data.first = large.clone());
    assert_eq!(commit(&new, session, &mut browser).await, Commit::Set);
    let session = browser.session(&new).await;
    assert_eq!(session.read(|data| (data.notes[0].len(), data.first.clone())), (20_000, large));
    assert_eq!(browser.session(&old).await.arrival(), Arrival::Refused(Refusal::UnknownSchema));
}

async fn commit<T: Payload>(sessions: &Sessions<T>, session: Session<T>, browser: &mut Browser) -> Commit {
    let mut response = http::Response::new(());
    let commit = sessions.commit(session, &mut response).await.unwrap();
    for cookie in response.headers().get_all("set-cookie") {
        browser.keep(cookie.to_str().unwrap());
    }
    commit
}

// ---- Another encoding ----

#[tokio::test]
async fn b50_switching_the_encoding_logs_nobody_out() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let compact = node::<Fourth>(&ring, &clock, Encoding::Compact, |_| {});
    let describing = node::<Fourth>(&ring, &clock, Encoding::SelfDescribing, |_| {});
    let mut browser = Browser::new();
    browser.get(&compact, "/sign-in/7").await;
    for node in [&describing, &compact, &describing, &describing, &compact, &compact] {
        // An hour on, each node seals in its own encoding.
        clock.advance(kit::HOUR);
        let answer = browser.get(node, "/").await;
        assert_eq!(answer.text(), "Some(7)");
        assert!(!answer.sends_nothing());
    }
}

#[tokio::test]
async fn b50_a_declared_former_type_is_migrated_into_a_self_describing_one() {
    #[derive(Default, Serialize, Deserialize)]
    struct Former {
        id: u64,
    }
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Present {
        #[serde(flatten)]
        rest: BTreeMap<String, u64>,
    }
    impl From<Former> for Present {
        fn from(Former { id }: Former) -> Self {
            Self { rest: BTreeMap::from([("id".into(), id)]) }
        }
    }
    let (ring, clock) = (kit::ring(), Clock::new());
    let before = builder::<Former>(&ring, &clock, Encoding::Compact).build().unwrap();
    let after = builder::<Present>(&ring, &clock, Encoding::SelfDescribing)
        .migrating_from::<Former>()
        .build()
        .unwrap();
    let cookie = before.sealer().seal(&Former { id: 7 }, clock.now()).unwrap();
    let (value, _) = after.sealer().open(&cookie, clock.now()).unwrap();
    assert_eq!(value, Present { rest: BTreeMap::from([("id".into(), 7)]) });
}

/// A type of all that asks a payload to describe itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Dynamic {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(alias = "kind")]
    origin: Origin,
    anything: serde_json::Value,
    id: Id,
    #[serde(flatten)]
    extra: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Origin {
    #[default]
    Unknown,
    Direct {
        address: IpAddr,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Name(String),
}

impl Default for Id {
    fn default() -> Self {
        Self::Number(0)
    }
}

#[tokio::test]
async fn b52_a_type_with_serde_s_own_rules_lives_in_a_self_describing_session() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let sessions = builder::<Dynamic>(&ring, &clock, Encoding::SelfDescribing).build().unwrap();
    let value = Dynamic {
        nickname: None,
        origin: Origin::Direct { address: "2001:db8::1".parse().unwrap() },
        anything: serde_json::json!({ "list": [1, 2.5, null, "three"], "flag": true }),
        id: Id::Name("ada".into()),
        extra: BTreeMap::from([("views".into(), 3)]),
    };
    let mut browser = Browser::new();
    assert!(
        sessions.commit(browser.session(&sessions).await, &mut http::Response::new(())).await.unwrap()
            == Commit::Keep
    );
    let session = browser.session(&sessions).await;
    session.update(|data| *data = value.clone());
    assert_eq!(commit(&sessions, session, &mut browser).await, Commit::Set);
    let session = browser.session(&sessions).await;
    assert_eq!(session.read(Dynamic::clone), value);
    session.update(|data| *data = value.clone());
    assert_eq!(commit(&sessions, session, &mut browser).await, Commit::Keep, "the value that was there");
}

#[test]
fn b52_an_error_from_build_names_the_other_encoding() {
    let error = Sessions::<Dynamic>::new(kit::ring()).unwrap_err();
    assert!(error.is_schema());
    assert!(error.to_string().contains("Encoding::SelfDescribing"), "{error}");
}

#[test]
fn b52_a_default_that_does_not_read_back_is_an_error_from_build() {
    #[derive(Default, Serialize, Deserialize)]
    struct OneWay {
        id: u64,
        #[serde(skip_serializing)]
        #[allow(dead_code)]
        admin: bool,
    }
    let clock = Clock::new();
    let error = builder::<OneWay>(&kit::ring(), &clock, Encoding::SelfDescribing).build().unwrap_err();
    assert!(error.is_schema());
    assert!(error.to_string().contains("OneWay"), "{error}");
}

#[test]
fn b52_a_default_with_a_hash_map_reads_back_in_any_order() {
    #[derive(Serialize, Deserialize)]
    struct Weights(std::collections::HashMap<String, u32>);
    impl Default for Weights {
        fn default() -> Self {
            Self((0..50).map(|n| (n.to_string(), n)).collect())
        }
    }
    let clock = Clock::new();
    for encoding in [Encoding::Compact, Encoding::SelfDescribing] {
        builder::<Weights>(&kit::ring(), &clock, encoding).build().unwrap();
    }
}

#[test]
fn b52_a_self_describing_type_needs_no_samples_and_reads_compact_sessions_with_them() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "String", into = "String")]
    struct Order(String);
    impl TryFrom<String> for Order {
        type Error = &'static str;
        fn try_from(text: String) -> Result<Self, Self::Error> {
            if text.starts_with("order-") { Ok(Self(text)) } else { Err("not an order") }
        }
    }
    impl From<Order> for String {
        fn from(order: Order) -> Self {
            order.0
        }
    }
    impl Default for Order {
        fn default() -> Self {
            Self("order-0".into())
        }
    }
    let (ring, clock) = (kit::ring(), Clock::new());
    let samples = || Samples::default().with(&"order-17");
    let compact = builder::<Order>(&ring, &clock, Encoding::Compact).samples(samples()).build().unwrap();
    let plain = builder::<Order>(&ring, &clock, Encoding::SelfDescribing).build().unwrap();
    let sampled =
        builder::<Order>(&ring, &clock, Encoding::SelfDescribing).samples(samples()).build().unwrap();
    let order = Order("order-7".into());
    let cookie = compact.sealer().seal(&order, clock.now()).unwrap();
    assert_eq!(plain.sealer().open(&cookie, clock.now()).unwrap_err(), Refusal::UnknownSchema);
    assert_eq!(sampled.sealer().open(&cookie, clock.now()).unwrap().0, order);
    let cookie = plain.sealer().seal(&order, clock.now()).unwrap();
    assert_eq!(compact.sealer().open(&cookie, clock.now()).unwrap().0, order);
}

// ---- Bounds ----

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Thread {
    replies: Vec<Thread>,
}

impl Thread {
    fn of(levels: usize) -> Self {
        (0..levels).fold(Self::default(), |inner, _| Self { replies: vec![inner] })
    }

    fn unravel(&mut self) {
        while let Some(inner) = self.replies.pop() {
            *self = inner;
        }
    }
}

#[tokio::test]
async fn b52_a_payload_that_nests_too_deep_is_an_error_and_the_browser_keeps_what_it_had() {
    for encoding in [Encoding::Compact, Encoding::SelfDescribing] {
        let (ring, clock) = (kit::ring(), Clock::new());
        let store = TestStore::new(&clock);
        let sessions = builder::<Thread>(&ring, &clock, encoding).store(store).build().unwrap();
        let mut browser = Browser::new();
        let session = browser.session(&sessions).await;
        // A struct and its list are two levels.
        session.update(|thread| *thread = Thread::of(63));
        assert_eq!(commit(&sessions, session, &mut browser).await, Commit::Set);

        let session = browser.session(&sessions).await;
        assert_eq!(session.read(Thread::clone), Thread::of(63));
        session.update(|thread| *thread = Thread::of(9_000));
        let mut response = http::Response::new(());
        let error = sessions.commit(session.clone(), &mut response).await.unwrap_err();
        assert!(error.is_schema(), "{error}");
        assert!(error.to_string().contains("nested"), "{error}");
        assert!(!response.headers().contains_key("set-cookie"));
        // The derived drop would go 9,000 levels deep, too.
        session.update(Thread::unravel);
    }
}

/// Returns how a stored session of this payload arrives. The blob and its reference are authentic.
async fn stored(payload: &[u8], encoding: Encoding) -> Arrival {
    let (ring, clock) = (kit::ring(), Clock::new());
    let store = TestStore::new(&clock);
    let sessions = builder::<Thread>(&ring, &clock, encoding).store(store.clone()).build().unwrap();
    let context = Context::new(&ring, "tests", sessions.cookie_name()).unwrap();
    let reference = Reference { generation: 1, secret: [9; 32] };
    let schema = match encoding {
        Encoding::SelfDescribing => 1,
        Encoding::Compact => Fingerprint::of::<Thread>().unwrap().into(),
    };
    let blob = Blob { generation: 1, schema, payload };
    let bytes = context.seal_blob(&reference, &[7; 16], &blob).unwrap();
    let expires = clock.now() + kit::HOUR;
    store.look().blobs.insert(BlobId::new(reference.index()), kit::store::Blob { bytes, expires });
    let now = clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32;
    let header =
        Header { schema: 0, created: now, issued: now, window: 60, session_id: [7; 16], persistent: false };
    let mut value = String::new();
    context.seal_reference(&header, &reference, &mut value).unwrap();
    Browser::holding(sessions.cookie_name(), &value).session(&sessions).await.arrival()
}

#[tokio::test]
async fn b52_stored_bytes_that_nest_too_deep_are_rejected() {
    let named =
        |levels: usize| b"\x81\xa7replies\x91".repeat(levels - 1).into_iter().chain(*b"\x81\xa7replies\x90");
    let compact = |levels: usize| [vec![1; levels - 1], vec![0]].concat();
    for (levels, expected) in [
        (64, Arrival::Opened),
        (65, Arrival::Refused(Refusal::Undecodable)),
        (9_000, Arrival::Refused(Refusal::Undecodable)),
    ] {
        let named: Vec<u8> = named(levels).collect();
        assert_eq!(stored(&compact(levels), Encoding::Compact).await, expected, "{levels}");
        assert_eq!(stored(&named, Encoding::SelfDescribing).await, expected, "{levels}");
    }
}

#[test]
fn b50_a_sealer_by_itself_reads_appended_fields_too() {
    let ring = kit::ring();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let before = sealed_session::Sealer::<First>::builder(ring.clone(), "link").build().unwrap();
    let after = sealed_session::Sealer::<Third>::builder(ring, "link").build().unwrap();
    let text = before.seal(&First { user: Some(7) }, now).unwrap();
    let expected = Third { user: Some(7), views: 0, theme: light() };
    assert_eq!(after.open(&text, now).unwrap().0, expected);
}
