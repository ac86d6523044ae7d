//! Unit tests of src/seal/base64url.rs: of what no test from outside can reach.

use super::{decode, decoded_len, encode, encode_vec, encoded_len};

#[test]
fn the_number_of_characters_follows_from_the_number_of_bytes_and_back() {
    for length in 0..200 {
        let bytes = vec![7; length];
        let mut text = String::new();
        encode(&bytes, &mut text);
        assert_eq!(encoded_len(length), text.len());
        assert_eq!(decoded_len(text.len()), length);
        let mut out = vec![0; length];
        assert_eq!(decode(text.as_bytes(), &mut out), Some(length));
        assert_eq!(out, bytes);
    }
}

#[test]
fn a_vector_is_encoded_like_a_slice() {
    for length in (0..300).chain(700..1600).chain(3000..3100) {
        let bytes: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
        let (mut expected, mut text) = ("=".to_owned(), "=".to_owned());
        encode(&bytes, &mut expected);
        encode_vec(bytes, &mut text);
        assert_eq!(text, expected, "{length} bytes");
    }
}
