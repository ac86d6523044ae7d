//! Any bytes as the payload of an authentic cookie, as only a faulty writer with the right key could seal them: read to
//! the very end or refused, and what is read writes the same bytes again, or is refused by the writer.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_fingerprint::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Event {
    Nothing,
    Said(String),
    Moved { x: i64, y: Option<f64> },
    Nested(Vec<Event>),
}

#[derive(Serialize, Deserialize)]
struct Payload {
    id: u128,
    flag: bool,
    letter: char,
    events: Vec<Event>,
    map: BTreeMap<String, (u8, i16)>,
    fixed: [u32; 3],
}

static SCHEMA: LazyLock<Schema<Payload>> = LazyLock::new(|| Schema::trace().unwrap());

fuzz_target!(|payload: &[u8]| {
    let Ok(value) = SCHEMA.decode(payload) else { return };
    let mut written = Vec::new();
    SCHEMA.encode_into(&value, &mut written).unwrap();
    let mut again = Vec::new();
    SCHEMA.encode_into(&SCHEMA.decode(&written).unwrap(), &mut again).unwrap();
    assert_eq!(written, again);
});
