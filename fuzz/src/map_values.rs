//! Any bytes as a `SessionMap` and as one of its values, read as types of every kind: no panic. A value that was read
//! is one whole value of MessagePack, and inserting it again changes nothing the second time.

use std::{collections::BTreeMap, sync::LazyLock};

use sealed_session::SessionMap;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_fingerprint::{Schema, named};
use serde_json::Value;

use super::Outcomes;

pub const OUTCOMES: &[&str] = &[
    "compact map",
    "self-describing map",
    "nothing",
    "string",
    "unsigned",
    "float",
    "option",
    "list",
    "bytes",
    "struct",
    "enum",
    "tagged",
    "untagged",
    "flattened",
    "json",
];

#[derive(Serialize, Deserialize)]
struct Struct {
    user: Option<u64>,
    #[serde(default, alias = "n")]
    views: i32,
}

#[derive(Serialize, Deserialize)]
enum Enum {
    Nothing,
    Said(String),
    Pair(u8, char),
    Moved { x: i64, y: f32 },
    Nested(Vec<Enum>),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Nothing,
    Moved { x: i64, y: Value },
    Struct(Struct),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Struct { inner: Box<Untagged> },
}

#[derive(Serialize, Deserialize)]
struct Flattened {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

static MAPS: LazyLock<Schema<SessionMap>> = LazyLock::new(|| Schema::trace().unwrap());
/// Written like a `SessionMap` whose values are these bytes.
static BYTES: LazyLock<Schema<BTreeMap<String, Vec<u8>>>> = LazyLock::new(|| Schema::trace().unwrap());

/// A compact payload that holds a map.
pub fn compact_map(values: &[(&str, &[u8])]) -> Vec<u8> {
    let values = values.iter().map(|(key, value)| (key.to_string(), value.to_vec())).collect();
    let mut payload = Vec::new();
    BYTES.encode_into(&values, &mut payload).unwrap();
    payload
}

pub fn run(data: &[u8]) -> Outcomes {
    let mut outcomes = read_values(&MAPS.decode(&compact_map(&[("value", data)])).unwrap());
    let maps = [("compact map", MAPS.decode(data)), ("self-describing map", named::decode(data))];
    for (name, map) in maps {
        if let Ok(map) = map {
            reread_map(&map);
            outcomes.push(name);
            outcomes.extend(read_values(&map));
        }
    }
    outcomes
}

/// Reads each value of a map as each type.
fn read_values(map: &SessionMap) -> Outcomes {
    let read = |key| {
        let read = [
            read::<String>(map, key).then_some("string"),
            read::<u64>(map, key).then_some("unsigned"),
            read::<f32>(map, key).then_some("float"),
            read::<Option<Option<bool>>>(map, key).then_some("option"),
            read::<Vec<i16>>(map, key).then_some("list"),
            read::<Bytes>(map, key).then_some("bytes"),
            read::<Struct>(map, key).then_some("struct"),
            read::<Enum>(map, key).then_some("enum"),
            read::<Tagged>(map, key).then_some("tagged"),
            read::<Untagged>(map, key).then_some("untagged"),
            read::<Flattened>(map, key).then_some("flattened"),
            read::<Value>(map, key).then_some("json"),
        ];
        let read: Outcomes = read.into_iter().flatten().collect();
        if read.is_empty() { vec!["nothing"] } else { read }
    };
    map.keys().flat_map(read).collect()
}

/// Reads a value as a type, if it is of that type.
fn read<T: Serialize + DeserializeOwned>(map: &SessionMap, key: &str) -> bool {
    let Ok(value) = map.get::<T>(key) else { return false };
    let value = value.expect("the key has a value");
    assert!(map.get::<IgnoredAny>(key).is_ok(), "a type reads what is not one value");
    let [mut written, mut again] = [SessionMap::default(), SessionMap::default()];
    written.insert(key, &value).expect("a value that was read is written");
    let reread =
        written.get::<T>(key).expect("a value that was written is read").expect("the key has a value");
    again.insert(key, &reread).expect("a value that was read again is written");
    assert!(written == again, "a value changes when it is written again");
    true
}

/// Writes a map in both encodings and reads it again.
fn reread_map(map: &SessionMap) {
    let [mut compact, mut named] = [Vec::new(), Vec::new()];
    MAPS.encode_into(map, &mut compact).expect("a map that was read is written");
    named::encode_into(map, &mut named).expect("a map that was read is written");
    assert!(MAPS.decode(&compact).unwrap() == *map);
    assert!(named::decode::<SessionMap>(&named).unwrap() == *map);
}

/// Bytes, not a list of numbers.
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}
