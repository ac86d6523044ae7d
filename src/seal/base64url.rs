//! Base64url without padding, in its single canonical spelling (RFC 4648, sections 5 and 3.5).

use std::{mem, sync::LazyLock};

use base64::{
    Engine,
    engine::{GeneralPurposeConfig, Simd, general_purpose::NO_PAD},
};

/// The configuration, which rejects padding, and trailing bits that are not zero.
const CONFIG: GeneralPurposeConfig = NO_PAD;

static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(CONFIG));

/// Returns the number of characters that this many bytes take.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Returns the number of bytes that this many characters can hold.
pub(crate) const fn decoded_len(characters: usize) -> usize {
    characters * 3 / 4
}

/// Encodes `bytes` and appends the text.
pub(crate) fn encode(bytes: &[u8], out: &mut String) {
    ENGINE.encode_string(bytes, out);
}

/// The fewest bytes that the engine encodes with SIMD instructions. A vector with as much room after its bytes is not
/// moved by [`encode_vec`].
pub(crate) const SPARE: usize = 128;

/// Encodes `bytes` and appends the text. This saves one part in fourteen of the time of sealing a login.
///
/// The engine takes 24 bytes at a time as long as it can read 32, and the rest byte by byte. With zeros at the end,
/// there is no such rest. They do not change the text before them, since the spare bits of its last character are zero.
pub(crate) fn encode_vec(mut bytes: Vec<u8>, out: &mut String) {
    let length = encoded_len(bytes.len());
    // The engine reads 8 bytes more than it encodes.
    bytes.resize(SPARE.max(bytes.len().next_multiple_of(24) + 8), 0);
    let mut text = mem::take(out).into_bytes();
    let begin = text.len();
    text.resize(begin + encoded_len(bytes.len()), 0);
    ENGINE.encode_slice(&bytes, &mut text[begin..]).expect("the text fits");
    text.truncate(begin + length);
    *out = String::from_utf8(text).expect("base64 is ASCII");
}

/// Decodes into the beginning of `out` and returns the number of bytes. Returns `None` if the text is not in the
/// canonical spelling or does not fit.
pub(crate) fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    ENGINE.decode_slice(text, out).ok()
}

#[cfg(test)]
#[path = "../../tests/unit/seal/base64url.rs"]
mod tests;
