//! Any bytes as the text of a key and of a key ring: no panic, no error that repeats the text, and a key has one
//! spelling.

use sealed_session::{Key, KeyRing, SetupError};

use super::Outcomes;

pub const OUTCOMES: &[&str] = &[
    "not UTF-8",
    "a key",
    "a key without a prefix",
    "a ring",
    // Errors, by a part of their message.
    "does not begin with",
    "copy the `=` too",
    "64 hexadecimal digits",
    "not the base64 of 32 bytes",
    "suite is neither",
    "is not of the form",
    "of the wrong length",
    "is not base64url",
    "checksum does not match",
    "all bytes of its key material are equal",
    "key ring is empty",
    "have the same key id",
];

pub fn run(data: &[u8]) -> Outcomes {
    let Ok(text) = str::from_utf8(data) else { return vec!["not UTF-8"] };
    // With and without the beginning of a key, so that the reader behind it is reached at once.
    let begun = format!("ssk1.xaes.{text}");
    [text, &begun].into_iter().flat_map(|text| [parse_key(text), parse_ring(text)]).collect()
}

fn parse_key(text: &str) -> &'static str {
    match Key::parse(text) {
        Ok(key) => {
            let exposed = key.expose();
            if exposed.as_str() == text {
                return "a key";
            }
            let master = exposed.as_str().split('.').nth(2).unwrap().replace('-', "+").replace('_', "/");
            assert_eq!(format!("{master}="), text, "a key has two spellings");
            "a key without a prefix"
        }
        Err(error) => fault(&error, text),
    }
}

fn parse_ring(text: &str) -> &'static str {
    match KeyRing::parse(text) {
        Ok(ring) => {
            assert!(ring.ids().count() > 0);
            "a ring"
        }
        Err(error) => fault(&error, text),
    }
}

/// Finds the kind of an error, which must not repeat the text.
fn fault(error: &SetupError, text: &str) -> &'static str {
    assert!(error.is_key(), "{error}");
    let (shown, debugged) = (error.to_string(), format!("{error:?}"));
    for part in text.split(|c: char| c == '.' || c == ',' || c.is_whitespace()).filter(|part| part.len() > 30)
    {
        assert!(!shown.contains(part) && !debugged.contains(part), "an error repeats a part of the text");
    }
    OUTCOMES[4..]
        .iter()
        .find(|known| shown.contains(**known))
        .unwrap_or_else(|| panic!("unknown error: {shown}"))
}
