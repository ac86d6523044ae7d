//! Payload types across deployments (B50) and types that postcard would carry wrongly (B52), through an axum
//! application. The shapes themselves are told apart in the crate `serde-fingerprint`.

use crate::kit;

use axum::{Router, http::StatusCode, routing::any};
use kit::{Browser, Clock};
use sealed_session::{KeyRing, Payload, Session, Sessions, SessionsBuilder};
use serde::{Deserialize, Serialize};

/// What the application was deployed with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    id: u64,
    admin: bool,
    premium: bool,
}

fn account() -> Account {
    Account { id: 7, admin: false, premium: true }
}

/// An application with a payload of `T`: `/` shows it, `/arrival` how it arrived, `/write` writes this one.
fn deployed<T: Payload + Clone + Sync + std::fmt::Debug>(ring: &KeyRing, written: T) -> Router {
    let sessions = Sessions::<T>::builder(ring.clone()).clock(|| Clock::new().now()).build().unwrap();
    Router::new()
        .route("/", any(async |session: Session<T>| session.read(|data| format!("{data:?}"))))
        .route("/arrival", any(async |session: Session<T>| format!("{:?}", session.arrival())))
        .route("/write", any(async move |session: Session<T>| session.update(|data| *data = written.clone())))
        .layer(sessions)
}

/// A browser with an `Account`, then the same application with another payload type.
async fn after_deploying<T: Payload + Clone + Sync + std::fmt::Debug>() -> (Browser, Router, Router) {
    let ring = kit::ring();
    let before = deployed(&ring, account());
    let mut browser = Browser::new();
    browser.post(&before, "/write").await;
    (browser, before, deployed(&ring, T::default()))
}

/// The session is refused as of another shape, left in the browser, and reads as before once the old type is back.
async fn is_never_decoded_into<T: Payload + Clone + Sync + std::fmt::Debug>() {
    let (mut browser, before, after) = after_deploying::<T>().await;
    let answer = browser.get(&after, "/").await;
    assert_eq!(answer.text(), format!("{:?}", T::default()));
    assert!(answer.sends_nothing(), "left in the browser");
    assert_eq!(browser.get(&after, "/arrival").await.text(), "Refused(UnknownSchema)");
    assert_eq!(browser.get(&before, "/").await.text(), format!("{:?}", account()));
}

#[tokio::test]
async fn b50_fields_reordered_between_two_deployments_are_never_decoded_into_each_other() {
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    struct Reordered {
        id: u64,
        premium: bool, // the bytes of `admin: false, premium: true` would decode, into an admin
        admin: bool,
    }
    is_never_decoded_into::<Reordered>().await;
}

#[tokio::test]
async fn b50_a_renamed_field_is_another_field() {
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    struct Renamed {
        id: u64,
        admin: bool,
        moderator: bool,
    }
    is_never_decoded_into::<Renamed>().await;
}

#[tokio::test]
async fn b50_a_field_of_another_type_is_another_field() {
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    struct Retyped {
        id: u32, // both are varints
        admin: bool,
        premium: bool,
    }
    is_never_decoded_into::<Retyped>().await;
}

#[tokio::test]
async fn b50_a_field_more_or_less_is_another_shape() {
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    struct More {
        id: u64,
        admin: bool,
        premium: bool,
        views: u32, // without a default: with one, it would be read (see `evolution.rs`)
    }
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    struct Less {
        id: u64,
        admin: bool,
    }
    is_never_decoded_into::<More>().await;
    is_never_decoded_into::<Less>().await;
}

#[tokio::test]
async fn b50_a_struct_of_another_name_is_the_same_struct() {
    mod v1 {
        #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
        pub(crate) struct AccountV1 {
            pub(crate) id: u64,
            pub(crate) admin: bool,
            pub(crate) premium: bool,
        }
    }
    let (mut browser, _, after) = after_deploying::<v1::AccountV1>().await;
    assert_eq!(browser.get(&after, "/").await.text(), "AccountV1 { id: 7, admin: false, premium: true }");
}

// ---- Migrations: three shapes of one payload, each deployed after the other ----

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct V1 {
    name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct V2 {
    name: String,
    views: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct V3 {
    views: u64,
    name: Option<String>,
}

impl From<V1> for V2 {
    fn from(V1 { name }: V1) -> Self {
        Self { name, views: 1 }
    }
}

impl From<V2> for V1 {
    fn from(V2 { name, .. }: V2) -> Self {
        Self { name }
    }
}

impl From<V2> for V3 {
    fn from(V2 { name, views }: V2) -> Self {
        Self { views: views.into(), name: Some(name) }
    }
}

fn of_shape<T: Payload>(ring: &KeyRing, clock: &Clock) -> SessionsBuilder<T> {
    let clock = clock.clone();
    Sessions::builder(ring.clone()).clock(move || clock.now())
}

fn showing<T: Payload + Clone + Sync + std::fmt::Debug>(sessions: Sessions<T>) -> Router {
    Router::new()
        .route("/", any(async |session: Session<T>| session.read(|data| format!("{data:?}"))))
        .layer(sessions)
}

#[tokio::test]
async fn b50_a_declared_former_type_is_migrated_and_its_renewal_seals_the_new_one() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let old = of_shape::<V1>(&ring, &clock).build().unwrap();
    let new = of_shape::<V2>(&ring, &clock).migrating_from::<V1>().build().unwrap();
    let cookie = old.sealer().seal(&V1 { name: "ada".into() }, clock.now()).unwrap();
    let mut browser = Browser::holding("__Host-session", &cookie);
    let app = showing(new);
    let answer = browser.get(&app, "/").await;
    assert_eq!(answer.text(), "V2 { name: \"ada\", views: 1 }");
    assert!(answer.sends_nothing(), "two nodes in the middle of a rollout must not fight over it");
    clock.advance(kit::HOUR);
    assert!(!browser.get(&app, "/").await.sends_nothing());
    let without = showing(of_shape::<V2>(&ring, &clock).build().unwrap());
    assert_eq!(browser.get(&without, "/").await.text(), "V2 { name: \"ada\", views: 1 }");
}

#[tokio::test]
async fn b50_a_chain_of_shapes_is_migrated_link_by_link() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let oldest = of_shape::<V1>(&ring, &clock).build().unwrap();
    let older = of_shape::<V2>(&ring, &clock).build().unwrap();
    let newest =
        of_shape::<V3>(&ring, &clock).migrating_from::<V2>().migrating_from_via::<V1, V2>().build().unwrap();
    let of_v1 = oldest.sealer().seal(&V1 { name: "ada".into() }, clock.now()).unwrap();
    let of_v2 = older.sealer().seal(&V2 { name: "ada".into(), views: 7 }, clock.now()).unwrap();
    let open = |cookie: &str| newest.sealer().open(cookie, clock.now()).unwrap().0;
    assert_eq!(open(&of_v1), V3 { views: 1, name: Some("ada".into()) });
    assert_eq!(open(&of_v2), V3 { views: 7, name: Some("ada".into()) });
}

#[tokio::test]
async fn b50_an_undeclared_old_shape_is_refused_also_beside_a_declared_one() {
    let (ring, clock) = (kit::ring(), Clock::new());
    let oldest = of_shape::<V1>(&ring, &clock).build().unwrap();
    let newest = of_shape::<V3>(&ring, &clock).migrating_from::<V2>().build().unwrap();
    let cookie = oldest.sealer().seal(&V1 { name: "ada".into() }, clock.now()).unwrap();
    let refusal = newest.sealer().open(&cookie, clock.now()).unwrap_err();
    assert_eq!(refusal, sealed_session::Refusal::UnknownSchema);
}

#[tokio::test]
async fn b50_in_a_rolling_deployment_of_old_and_new_nodes_nobody_is_logged_out() {
    let (ring, clock) = (kit::ring(), Clock::new());
    // First every node is taught to read the new shape, then node by node writes it.
    let old = of_shape::<V1>(&ring, &clock).migrating_from::<V2>().build().unwrap();
    let new = of_shape::<V2>(&ring, &clock).migrating_from::<V1>().build().unwrap();
    let old = Router::new()
        .route(
            "/",
            any(async |session: Session<V1>| {
                session.update(|data| {
                    data.name += "o";
                    data.name.clone()
                })
            }),
        )
        .layer(old);
    let new = Router::new()
        .route(
            "/",
            any(async |session: Session<V2>| {
                session.update(|data| {
                    data.name += "n";
                    data.name.clone()
                })
            }),
        )
        .layer(new);
    let mut browser = Browser::new();
    let mut expected = String::new();
    for (node, letter) in
        [(&old, 'o'), (&new, 'n'), (&old, 'o'), (&old, 'o'), (&new, 'n'), (&new, 'n'), (&old, 'o')]
    {
        expected.push(letter);
        assert_eq!(browser.post(node, "/").await.text(), expected);
    }
}

#[test]
fn b50_a_shape_that_is_declared_twice_is_an_error_from_build() {
    let ring = kit::ring();
    let twice = Sessions::<V2>::builder(ring.clone()).migrating_from::<V1>().migrating_from::<V1>();
    assert!(twice.build().unwrap_err().to_string().contains("declare each former shape once"));
    #[derive(Default, Serialize, Deserialize)]
    struct Same {
        name: String,
        views: u32,
    }
    impl From<Same> for V2 {
        fn from(Same { name, views }: Same) -> Self {
            Self { name, views }
        }
    }
    let present = Sessions::<V2>::builder(ring).migrating_from::<Same>();
    assert!(present.build().unwrap_err().is_configuration());
}

/// Why no sessions of this payload can be built.
fn unbuildable<T: Payload>() -> String {
    let error = Sessions::<T>::new(kit::ring()).unwrap_err();
    assert!(error.is_schema());
    error.to_string()
}

#[test]
fn b52_a_type_that_asks_the_payload_to_describe_itself_is_an_error_from_build() {
    #[derive(Default, Serialize, Deserialize)]
    struct WithJson {
        anything: serde_json::Value,
    }
    #[derive(Default, Serialize, Deserialize)]
    struct Inner {
        a: u32,
    }
    #[derive(Default, Serialize, Deserialize)]
    struct Flattened {
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u32),
        Text(String),
    }
    #[derive(Default, Serialize, Deserialize)]
    struct WithUntagged {
        either: Option<Untagged>,
    }
    for (error, field) in [
        (unbuildable::<WithJson>(), "anything"),
        (unbuildable::<Flattened>(), "flatten"),
        (unbuildable::<WithUntagged>(), "either"),
    ] {
        assert!(error.contains(field), "`{error}` does not name `{field}`");
    }
}

#[test]
fn b52_a_type_that_serialises_otherwise_than_it_deserialises_is_an_error_from_build() {
    #[derive(Default, Serialize, Deserialize)]
    struct OneWay {
        id: u64,
        #[serde(skip_serializing)]
        #[allow(dead_code)]
        admin: bool,
    }
    assert!(unbuildable::<OneWay>().contains("admin"));
}

#[test]
fn b52_a_type_whose_default_skips_a_field_is_an_error_from_build() {
    // Without the field, `admin: false, premium: true` would be read as `nickname: None, admin: true`.
    #[derive(Default, Serialize, Deserialize)]
    struct Skipping {
        id: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
        admin: bool,
        premium: bool,
    }
    assert!(unbuildable::<Skipping>().contains("nickname"));
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SkippingLater {
    id: u64,
    #[serde(default, skip_serializing_if = "is_seven")]
    number: u64,
    premium: bool,
}

impl Default for SkippingLater {
    fn default() -> Self {
        Self { id: 0, number: 1, premium: false }
    }
}

fn is_seven(number: &u64) -> bool {
    *number == 7
}

#[tokio::test]
async fn b52_a_value_that_skips_a_field_fails_the_commit_and_the_browser_keeps_what_it_had() {
    let ring = kit::ring();
    let keeping = deployed(&ring, SkippingLater { id: 1, number: 6, premium: true });
    let skipping = deployed(&ring, SkippingLater { id: 1, number: 7, premium: true });
    let mut browser = Browser::new();
    browser.post(&keeping, "/write").await;
    let answer = browser.post(&skipping, "/write").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.sends_nothing());
    let expected = "SkippingLater { id: 1, number: 6, premium: true }";
    assert_eq!(browser.get(&keeping, "/").await.text(), expected);
}

#[test]
fn a_builder_can_be_sent_to_and_shared_with_another_thread() {
    fn check<T: Send + Sync>() {}
    check::<SessionsBuilder<Account>>();
    check::<sealed_session::SealerBuilder<Account>>();
}
