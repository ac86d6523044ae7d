//! Unit tests of src/seal/envelope.rs: of what no test from outside can reach.

use super::{Buffer, Content, Draft, Header, Padding, REFERENCE_CHARACTERS, Reference, longest_payload};
use crate::{Key, KeyRing, seal::Context};

const PADDINGS: [Padding; 4] = [Padding::None, Padding::To32, Padding::To64, Padding::To128];
const HEADER: Header =
    Header { schema: 7, created: 5, issued: 5, window: 1, session_id: [7; 16], persistent: false };

fn context() -> Context {
    Context::new(&KeyRing::new([Key::generate().unwrap()]).unwrap(), "tests", "session").unwrap()
}

fn draft_of(payload: &[u8]) -> Draft {
    let mut draft = Draft::new();
    draft.write(payload);
    draft
}

#[test]
fn a_draft_holds_what_was_written_and_appended() {
    let mut draft = draft_of(b"Ada");
    draft.write(b" Love");
    draft.payload_mut().extend_from_slice(b"lace");
    assert_eq!(draft.payload(), b"Ada Lovelace");
}

#[test]
fn a_draft_within_other_bytes_is_sealed_like_any_other() {
    let context = context();
    for padding in PADDINGS {
        let draft = Draft::within(b"....Ada".to_vec(), 4);
        assert_eq!(draft.payload(), b"Ada");
        assert_eq!(draft.sealed_len(padding), draft_of(b"Ada").sealed_len(padding));
        let mut value = String::new();
        context.seal(draft, &HEADER, padding, &mut value).unwrap();
        let mut buffer = Buffer::new();
        let content = context.open(value.as_bytes(), &mut buffer).unwrap().content;
        assert_eq!(content, Content::Inline(b"Ada"));
    }
}

#[test]
fn a_draft_knows_the_length_of_its_sealed_value() {
    let context = context();
    for padding in PADDINGS {
        for length in 0..300 {
            let draft = draft_of(&vec![7; length]);
            let expected = draft.sealed_len(padding);
            let mut value = String::new();
            context.seal(draft, &HEADER, padding, &mut value).unwrap();
            assert_eq!(value.len(), expected, "{length} bytes, {padding:?}");
        }
    }
}

#[test]
fn a_frame_is_padded_to_its_bucket_and_no_further() {
    for (padding, bucket) in PADDINGS.into_iter().zip([1, 32, 64, 128]) {
        for length in 0..300 {
            let pad = draft_of(&vec![7; length]).pad(padding);
            assert!(pad < bucket, "{length} bytes, {padding:?}");
            assert_eq!((34 + length + pad) % bucket, 0, "{length} bytes, {padding:?}");
        }
    }
}

#[test]
fn a_reference_is_sealed_without_the_schema_of_its_header() {
    let context = context();
    let reference = Reference { generation: 1, secret: [9; 32] };
    let mut value = String::new();
    context.seal_reference(&HEADER, &reference, &mut value).unwrap();
    assert_eq!(value.len(), REFERENCE_CHARACTERS);
    let mut buffer = Buffer::new();
    let unsealed = context.open(value.as_bytes(), &mut buffer).unwrap();
    assert_eq!(unsealed.header, Header { schema: 0, ..HEADER });
    assert_eq!(unsealed.content, Content::Reference(reference));
}

#[test]
fn the_longest_payload_fits_its_limit_and_one_byte_more_does_not() {
    const NAME: usize = 14;
    for padding in PADDINGS {
        let fits = |length: usize, limit| NAME + draft_of(&vec![7; length]).sealed_len(padding) <= limit;
        for limit in 0..600 {
            match longest_payload(NAME, limit, padding) {
                Some(longest) => {
                    assert!(fits(longest, limit), "{longest} bytes within {limit}, {padding:?}");
                    assert!(!fits(longest + 1, limit), "{longest} + 1 bytes within {limit}, {padding:?}");
                }
                None => assert!(!fits(0, limit), "nothing within {limit}, {padding:?}"),
            }
        }
    }
}
