//! Any bytes as the payload of an authentic session, as only a faulty writer with the right key could seal them: read
//! to the very end or rejected, within the bounds for depth and length. A value that was read is written to bytes
//! that read as the same value.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_fingerprint::{DecodeError, EncodeError, Schema, named};

use super::Outcomes;

pub const OUTCOMES: &[&str] = &[
    "compact: read",
    "compact: does not decode",
    "compact: goes on after its value",
    "compact: a list without bytes",
    "self-describing: read",
    "self-describing: does not decode",
    "self-describing: goes on after its value",
];

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 128;

#[derive(Serialize, Deserialize)]
pub enum Event {
    Nothing,
    Said(String),
    Moved { x: i64, y: Option<f64> },
    Nested(Vec<Event>),
}

#[derive(Serialize, Deserialize)]
pub struct Payload {
    pub id: u128,
    pub flag: bool,
    pub letter: char,
    pub events: Vec<Event>,
    pub map: BTreeMap<String, (u8, i16)>,
    pub fixed: [u32; 3],
}

pub static SCHEMA: LazyLock<Schema<Payload>> = LazyLock::new(|| Schema::trace().unwrap());
static LISTS_WITHOUT_BYTES: LazyLock<Schema<Vec<Vec<()>>>> = LazyLock::new(|| Schema::trace().unwrap());

pub fn run(data: &[u8]) -> Outcomes {
    let compact = reread(data, |bytes| SCHEMA.decode(bytes), |value, out| SCHEMA.encode_into(value, out));
    let compact = check(compact, data.len());
    let named = check(reread_named(data), data.len());
    let mut outcomes = vec![
        ["compact: read", "compact: does not decode", "compact: goes on after its value"][compact],
        [
            "self-describing: read",
            "self-describing: does not decode",
            "self-describing: goes on after its value",
        ][named],
    ];
    if let Ok(lists) = LISTS_WITHOUT_BYTES.decode(data) {
        assert!(
            lists.iter().map(|list| 1 + list.len()).sum::<usize>() <= data.len(),
            "more elements than bytes"
        );
        outcomes.push("compact: a list without bytes");
    }
    outcomes
}

/// Checks the bounds of what was read, and returns the number of the outcome.
fn check(read: Result<Payload, DecodeError>, bytes: usize) -> usize {
    match read {
        Ok(payload) => {
            // The struct is a level of its own.
            assert!(depth(&payload.events) < MAX_DEPTH, "nested too deep");
            assert!(elements(&payload.events) + payload.map.len() <= bytes, "more elements than bytes");
            0
        }
        Err(error) if error.to_string().contains("goes on") => 2,
        Err(_) => 1,
    }
}

/// The levels of a list and of what is in it. A variant with content is a level.
fn depth(events: &[Event]) -> usize {
    let of_event = |event: &Event| match event {
        Event::Nothing => 0,
        Event::Said(_) => 1,
        Event::Moved { y, .. } => 1 + usize::from(y.is_some()),
        Event::Nested(events) => 1 + depth(events),
    };
    1 + events.iter().map(of_event).max().unwrap_or(0)
}

fn elements(events: &[Event]) -> usize {
    let within = |event: &Event| if let Event::Nested(events) = event { elements(events) } else { 0 };
    events.len() + events.iter().map(within).sum::<usize>()
}

/// Reads a self-describing payload, and holds it to be one whole value whatever its type.
pub fn reread_named<T: Serialize + DeserializeOwned>(data: &[u8]) -> Result<T, DecodeError> {
    let value = reread(data, named::decode, named::encode_into)?;
    assert!(named::decode::<IgnoredAny>(data).is_ok(), "a type reads what is not one value");
    Ok(value)
}

/// Reads a payload. The value must be written to bytes that read as a value that is written to the same bytes.
fn reread<T>(
    data: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    encode: impl Fn(&T, &mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<T, DecodeError> {
    let value = decode(data)?;
    let [mut written, mut again] = [Vec::new(), Vec::new()];
    encode(&value, &mut written).expect("a value that was read is written");
    let reread = decode(&written).expect("a value that was written is read");
    encode(&reread, &mut again).expect("a value that was read again is written");
    assert_eq!(written, again);
    Ok(value)
}
