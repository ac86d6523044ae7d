//! Sessions without a type (B51), through an axum application.

use crate::kit;

use axum::{Router, routing::any};
use kit::Browser;
use sealed_session::{Error, KeyRing, Session, SessionMap, Sessions};
use serde::{Deserialize, Serialize};

fn app(routes: Router) -> Router {
    routes.layer(Sessions::key_value(KeyRing::generate().unwrap()).build().unwrap())
}

/// What a handler's verbs answer, as text.
fn told<V: std::fmt::Debug>(result: Result<V, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn b51_insert_get_remove_contains_and_keys() {
    let app = app(Router::new()
        .route(
            "/fill",
            any(async |session: Session| {
                session.insert("views", 1).unwrap();
                session.insert("user", "ada").unwrap();
                session.insert("tags", ["a", "b"]).unwrap();
            }),
        )
        .route("/views", any(async |session: Session| told(session.get::<u32>("views"))))
        .route("/user", any(async |session: Session| told(session.get::<String>("user"))))
        .route("/missing", any(async |session: Session| told(session.get::<u32>("missing"))))
        .route("/remove", any(async |session: Session| told(session.remove::<u32>("views"))))
        .route("/has", any(async |session: Session| session.contains_key("views").to_string()))
        .route("/keys", any(async |session: Session| session.keys().join(",")))
        .route("/clear", any(async |session: Session| session.clear())));
    let mut browser = Browser::new();
    assert!(browser.get(&app, "/missing").await.sends_nothing());
    browser.post(&app, "/fill").await;
    for (path, expected) in [
        ("/views", "Some(1)"),
        ("/user", "Some(\"ada\")"),
        ("/missing", "None"),
        ("/keys", "tags,user,views"),
        ("/has", "true"),
        ("/remove", "Some(1)"),
        ("/remove", "None"),
        ("/has", "false"),
        ("/keys", "tags,user"),
    ] {
        assert_eq!(browser.get(&app, path).await.text(), expected, "{path}");
    }
    assert!(browser.get(&app, "/clear").await.removes());
}

#[tokio::test]
async fn b51_a_value_that_does_not_fit_the_asked_type_is_an_error_not_a_guess() {
    let app = app(Router::new()
        .route("/fill", any(async |session: Session| session.insert("value", 300).unwrap()))
        .route("/byte", any(async |session: Session| told(session.get::<u8>("value"))))
        .route("/text", any(async |session: Session| told(session.get::<String>("value"))))
        .route("/bool", any(async |session: Session| told(session.get::<bool>("value"))))
        .route("/list", any(async |session: Session| told(session.get::<Vec<u32>>("value")))));
    let mut browser = Browser::new();
    browser.post(&app, "/fill").await;
    for path in ["/byte", "/text", "/bool", "/list"] {
        let answer = browser.get(&app, path).await;
        let expected = "a session value is not of the requested type: ask for the type that was inserted";
        assert_eq!(answer.text(), expected, "{path}");
    }
}

#[test]
fn b51_a_struct_that_gained_a_field_with_a_default_still_reads() {
    #[derive(Serialize)]
    struct Old {
        name: &'static str,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct New {
        #[serde(default)]
        admin: bool,
        name: String,
    }
    let mut map = SessionMap::default();
    map.insert("user", Old { name: "ada" }).unwrap();
    assert_eq!(map.get::<New>("user").unwrap(), Some(New { admin: false, name: "ada".into() }));
}

#[test]
fn b51_fields_reordered_between_two_deployments_keep_their_names() {
    #[derive(Serialize)]
    struct Old {
        admin: bool,
        premium: bool,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct New {
        premium: bool,
        admin: bool,
    }
    let mut map = SessionMap::default();
    map.insert("user", Old { admin: false, premium: true }).unwrap();
    assert_eq!(map.get::<New>("user").unwrap(), Some(New { premium: true, admin: false }));
}

#[test]
fn b51_a_list_is_no_struct_and_a_number_no_variant() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Rights {
        admin: bool,
        premium: bool,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Role {
        Visitor,
        Admin,
    }
    let mut map = SessionMap::default();
    map.insert("flags", [true, false]).unwrap();
    map.insert("number", 1).unwrap();
    assert!(map.get::<Rights>("flags").unwrap_err().is_value());
    assert!(map.get::<Role>("number").unwrap_err().is_value());
    assert_eq!(map.get::<[bool; 2]>("flags").unwrap(), Some([true, false]));
    map.insert("role", Role::Admin).unwrap();
    assert_eq!(map.get::<Role>("role").unwrap(), Some(Role::Admin));
    assert_ne!(map.get::<Role>("role").unwrap(), Some(Role::Visitor));
}

#[test]
fn b51_what_insert_accepted_get_returns_though_serde_buffers_it() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Origin {
        Direct { address: std::net::IpAddr },
    }
    let mut map = SessionMap::default();
    let origin = Origin::Direct { address: "192.0.2.1".parse().unwrap() };
    map.insert("origin", &origin).unwrap();
    assert_eq!(map.get::<Origin>("origin").unwrap(), Some(origin));
}

#[test]
fn b51_what_a_typed_session_can_not_hold_a_value_can() {
    let mut map = SessionMap::default();
    let json = serde_json::json!({ "a": [1, null, "x"], "b": { "c": true } });
    map.insert("json", &json).unwrap();
    assert_eq!(map.get::<serde_json::Value>("json").unwrap(), Some(json));
}

#[test]
fn b51_a_value_that_can_not_be_serialised_leaves_the_map_as_it_was() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("the secret is 42"))
        }
    }
    let mut map = SessionMap::default();
    map.insert("key", 1).unwrap();
    let error = map.insert("key", Broken).unwrap_err();
    assert!(error.is_value());
    let expected = "a session value cannot be serialized: make its `Serialize` succeed, and nest it at most 128 levels deep";
    assert_eq!(error.to_string(), expected);
    assert_eq!(map.get::<u32>("key").unwrap(), Some(1));
}

#[test]
fn b51_keys_are_what_was_inserted_whatever_they_are_called() {
    let mut map = SessionMap::default();
    for key in ["save", "clear", "cookie", "id", "", "ü"] {
        map.insert(key, 1).unwrap();
    }
    assert_eq!(map.keys().collect::<Vec<_>>(), ["", "clear", "cookie", "id", "save", "ü"]);
    assert!(!map.contains_key("destroy"));
}

#[test]
fn removing_a_key_removes_it_even_if_its_value_is_of_another_type() {
    let mut map = SessionMap::default();
    map.insert("user", "ada").unwrap();
    map.insert("cart", [1, 2]).unwrap();
    assert!(map.remove::<u32>("user").unwrap_err().is_value());
    assert!(!map.contains_key("user"));
    assert!(map.remove::<serde::de::IgnoredAny>("cart").unwrap().is_some());
    assert_eq!((map.len(), map.is_empty()), (0, true));
}

#[test]
fn updating_a_value_starts_from_the_present_one_and_returns_the_new_one() {
    let mut map = SessionMap::default();
    let count = |views: Option<u32>| views.unwrap_or(0) + 1;
    assert_eq!(map.update("views", count).unwrap(), 1);
    assert_eq!(map.update("views", count).unwrap(), 2);
    assert_eq!(map.get::<u32>("views").unwrap(), Some(2));
}

#[test]
fn updating_a_value_of_another_type_is_an_error_that_changes_nothing() {
    let mut map = SessionMap::default();
    map.insert("views", "many").unwrap();
    let error = map.update("views", |_: Option<u32>| unreachable!("it has no number to give")).unwrap_err();
    assert!(error.is_value());
    assert_eq!(map.get::<String>("views").unwrap(), Some("many".into()));
}

#[tokio::test]
async fn a_key_value_session_counts_and_updates_its_values() {
    let app = app(Router::new().route(
        "/",
        any(async |session: Session| {
            let before = (session.is_empty(), session.len());
            let views = session.update_value("views", |views: Option<u32>| views.unwrap_or(0) + 1);
            format!("{before:?} {}", told(views))
        }),
    ));
    let mut browser = Browser::new();
    assert_eq!(browser.post(&app, "/").await.text(), "(true, 0) 1");
    assert_eq!(browser.post(&app, "/").await.text(), "(false, 1) 2");
}

#[tokio::test]
async fn b51_inserting_what_was_there_is_no_change() {
    let app = app(Router::new().route("/", any(async |session: Session| session.insert("a", 1).unwrap())));
    let mut browser = Browser::new();
    assert!(!browser.post(&app, "/").await.sends_nothing());
    assert!(browser.post(&app, "/").await.sends_nothing());
}

#[tokio::test]
async fn b51_a_key_value_session_and_a_typed_one_do_not_read_each_other() {
    let ring = KeyRing::generate().unwrap();
    let untyped = Sessions::key_value(ring.clone()).build().unwrap();
    let typed = Sessions::<kit::Visit>::builder(ring).build().unwrap();
    let mut map = SessionMap::default();
    map.insert("views", 1).unwrap();
    let cookie = untyped.sealer().seal(&map, std::time::SystemTime::now()).unwrap();
    let refusal = typed.sealer().open(&cookie, std::time::SystemTime::now()).unwrap_err();
    assert_eq!(refusal, sealed_session::Refusal::UnknownSchema);
}

#[tokio::test]
async fn b11_an_insert_after_the_head_is_gone_is_told() {
    let sessions = Sessions::key_value(KeyRing::generate().unwrap()).build().unwrap();
    let session = sessions.open(&axum::http::Request::new(())).await.unwrap();
    let _ = sessions.commit(session.clone(), &mut axum::http::Response::new(())).await.unwrap();
    assert!(session.insert("late", 1).unwrap_err().is_finished());
    assert!(session.remove::<u32>("late").unwrap_err().is_finished());
    assert!(session.update_value("late", |_| 1).unwrap_err().is_finished());
}

#[test]
fn b44_a_map_shows_neither_keys_nor_values() {
    let mut map = SessionMap::default();
    map.insert("diagnosis", "secret").unwrap();
    assert_eq!(format!("{map:?}"), "SessionMap(1 keys)");
}

#[tokio::test]
async fn flash_messages_and_a_typed_struct_live_in_a_key_value_session()
-> Result<(), Box<dyn std::error::Error>> {
    use sealed_session::flash::{Flash, Level};
    let sessions = Sessions::key_value(KeyRing::generate()?).build()?;
    let session = sessions.open(&axum::http::Request::new(())).await?;
    let mut flash = Flash::default();
    flash.info("saved");
    session.insert("flash", flash)?;
    let taken = session.get::<Flash>("flash")?.unwrap_or_default().take();
    assert_eq!((taken[0].level, &*taken[0].text), (Level::Info, "saved"));
    assert!(session.remove::<Flash>("flash")?.is_some());
    Ok(())
}

#[test]
fn b51_the_shape_of_the_map_never_changes() {
    let fingerprint = sealed_session::Fingerprint::of::<SessionMap>().unwrap();
    assert_eq!(fingerprint.to_string(), "843148f2");
    let mut map = SessionMap::default();
    map.insert("b", 7).unwrap();
    map.insert("a", Some("x")).unwrap();
    let payload = postcard::to_allocvec(&map).unwrap();
    assert_eq!(
        payload,
        [2, 1, b'a', 2, 0xa1, b'x', 1, b'b', 1, 7],
        "sorted keys, each value MessagePack in bytes"
    );
}
