//! Unit tests of src/seal/blob.rs: of what no test from outside can reach.

use super::{Blob, Reference, blob_len, longest_blob_payload};
use crate::{Key, KeyRing, seal::Context};

#[test]
fn the_length_of_a_blob_is_known_before_it_is_sealed() {
    let context =
        Context::new(&KeyRing::new([Key::generate().unwrap()]).unwrap(), "tests", "session").unwrap();
    let reference = Reference { generation: 1, secret: [9; 32] };
    for length in 0..600 {
        let payload = vec![7; length];
        let blob = Blob { generation: 1, schema: 7, payload: &payload };
        let sealed = context.seal_blob(&reference, &[5; 16], &blob).unwrap();
        assert_eq!(sealed.len(), blob_len(length), "{length} bytes");
    }
}

#[test]
fn a_context_recognizes_the_blobs_of_the_key_that_seals_now() {
    let [one, other] = [(); 2].map(|()| Key::generate().unwrap().expose());
    let context = |keys: [&str; 2]| {
        Context::new(&KeyRing::parse(&keys.join(" ")).unwrap(), "tests", "session").unwrap()
    };
    let before = context([one.as_str(), other.as_str()]);
    let after = context([other.as_str(), one.as_str()]);
    let reference = Reference { generation: 1, secret: [9; 32] };
    let blob = Blob { generation: 1, schema: 7, payload: b"Ada" };
    let sealed = before.seal_blob(&reference, &[5; 16], &blob).unwrap();
    assert!(before.would_seal(&sealed));
    assert!(!after.would_seal(&sealed));
}

#[test]
fn the_longest_payload_of_a_blob_fits_its_limit_and_one_byte_more_does_not() {
    for limit in 0..1200 {
        match longest_blob_payload(limit) {
            Some(longest) => {
                assert!(blob_len(longest) <= limit, "{longest} bytes within {limit}");
                assert!(blob_len(longest + 1) > limit, "{longest} + 1 bytes within {limit}");
            }
            None => assert!(blob_len(0) > limit, "nothing within {limit}"),
        }
    }
}
