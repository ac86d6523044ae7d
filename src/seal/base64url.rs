//! Base64url without padding, in its one canonical spelling (RFC 4648, sections 5 and 3.5).

use std::sync::LazyLock;

use base64::{
    Engine,
    engine::{GeneralPurposeConfig, Simd, general_purpose::NO_PAD},
};

/// `NO_PAD` refuses padding, and trailing bits that are not zero.
const CONFIG: GeneralPurposeConfig = NO_PAD;

static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(CONFIG));

/// How many characters so many bytes take.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// How many bytes so many characters can hold.
pub(crate) const fn decoded_len(characters: usize) -> usize {
    characters * 3 / 4
}

/// Appends the text of `bytes`.
pub(crate) fn encode(bytes: &[u8], out: &mut String) {
    ENGINE.encode_string(bytes, out);
}

/// Fills the beginning of `out` and says how much of it; `None` for any but the canonical spelling, and for what
/// `out` can't hold.
pub(crate) fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    ENGINE.decode_slice(text, out).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, decoded_len, encode, encoded_len};

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
}
