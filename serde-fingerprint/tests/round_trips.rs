//! Written values are read back unchanged: random values of recursive types and of a rich enum, and random bytes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_fingerprint::Schema;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Tree {
    Node(Box<Tree>, Box<Tree>),
    Leaf(Option<i16>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Menu {
    title: String,
    above: Option<Box<Menu>>,
    entries: Vec<Menu>,
    named: BTreeMap<char, Menu>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Event {
    Nothing,
    Seen(bool),
    Moved(i32, i32),
    Typed { text: String, at: Option<u64> },
    Many(Vec<Event>),
    Either(Result<Box<Event>, (u8, char)>),
    Named(BTreeMap<String, Option<Event>>),
    Raw([u8; 3]),
    Wide(u128, i128),
    Unit(()),
}

fn tree() -> impl Strategy<Value = Tree> {
    any::<Option<i16>>().prop_map(Tree::Leaf).prop_recursive(6, 40, 2, |inner| {
        (inner.clone(), inner).prop_map(|(left, right)| Tree::Node(left.into(), right.into()))
    })
}

fn menu() -> impl Strategy<Value = Menu> {
    let leaf = any::<String>().prop_map(|title| Menu {
        title,
        above: None,
        entries: Vec::new(),
        named: BTreeMap::new(),
    });
    leaf.prop_recursive(4, 30, 3, |inner| {
        (
            any::<String>(),
            prop::option::of(inner.clone()),
            prop::collection::vec(inner.clone(), 0..3),
            prop::collection::btree_map(any::<char>(), inner, 0..3),
        )
            .prop_map(|(title, above, entries, named)| Menu {
                title,
                above: above.map(Box::new),
                entries,
                named,
            })
    })
}

fn event() -> impl Strategy<Value = Event> {
    let leaf = prop_oneof![
        Just(Event::Nothing),
        any::<bool>().prop_map(Event::Seen),
        any::<(i32, i32)>().prop_map(|(x, y)| Event::Moved(x, y)),
        (any::<String>(), any::<Option<u64>>()).prop_map(|(text, at)| Event::Typed { text, at }),
        any::<(u8, char)>().prop_map(|error| Event::Either(Err(error))),
        any::<[u8; 3]>().prop_map(Event::Raw),
        any::<(u128, i128)>().prop_map(|(n, z)| Event::Wide(n, z)),
        Just(Event::Unit(())),
    ];
    leaf.prop_recursive(4, 30, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Event::Many),
            inner.clone().prop_map(|event| Event::Either(Ok(event.into()))),
            prop::collection::btree_map(any::<String>(), prop::option::of(inner), 0..3)
                .prop_map(Event::Named),
        ]
    })
}

fn encoded<T: Serialize + serde::de::DeserializeOwned>(schema: &Schema<T>, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    schema.encode_into(value, &mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_comes_back(value in tree()) {
        let schema = Schema::<Tree>::trace().unwrap();
        let bytes = encoded(&schema, &value);
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&value).unwrap());
        prop_assert_eq!(schema.decode(&bytes).unwrap(), value);
    }

    #[test]
    fn a_menu_comes_back(value in menu()) {
        let schema = Schema::<Menu>::trace().unwrap();
        let bytes = encoded(&schema, &value);
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&value).unwrap());
        prop_assert_eq!(schema.decode(&bytes).unwrap(), value);
    }

    #[test]
    fn an_event_never_comes_back_as_another(one in event(), other in event()) {
        let schema = Schema::<Event>::trace().unwrap();
        let (first, second) = (encoded(&schema, &one), encoded(&schema, &other));
        prop_assert_eq!(schema.decode(&first).unwrap(), one.clone());
        prop_assert_eq!(one == other, first == second);
    }

    #[test]
    fn bytes_that_were_cut_or_go_on_are_no_event(value in event(), more in any::<u8>()) {
        let schema = Schema::<Event>::trace().unwrap();
        let mut bytes = encoded(&schema, &value);
        for cut in 0..bytes.len() {
            prop_assert!(schema.decode(&bytes[..cut]).is_err());
        }
        bytes.push(more);
        prop_assert!(schema.decode(&bytes).unwrap_err().is_left_over());
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let schema = Schema::<Event>::trace().unwrap();
        if let Ok(value) = schema.decode(&bytes) {
            prop_assert_eq!(schema.decode(&encoded(&schema, &value)).unwrap(), value);
        }
    }
}

#[test]
fn a_length_beyond_the_payload_is_refused_at_once() {
    // A list that says it has 2^60 elements.
    let payload = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    assert!(Schema::<Vec<u64>>::trace().unwrap().decode(&payload).is_err());
    assert!(Schema::<Vec<[u64; 32]>>::trace().unwrap().decode(&payload).is_err());
    assert!(Schema::<BTreeMap<u64, u64>>::trace().unwrap().decode(&payload).is_err());
    assert!(Schema::<String>::trace().unwrap().decode(&payload).is_err());
}
