//! Base64url without padding, in its single canonical spelling (RFC 4648, sections 5 and 3.5).

use std::sync::LazyLock;

use base64::{
    Engine,
    engine::{GeneralPurposeConfig, Simd, general_purpose::NO_PAD},
};

/// `NO_PAD` rejects padding, and trailing bits that are not zero.
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

/// Decodes into the beginning of `out` and returns the number of bytes. Returns `None` if the text is not in the
/// canonical spelling or does not fit.
pub(crate) fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    ENGINE.decode_slice(text, out).ok()
}

#[cfg(test)]
#[path = "../../tests/unit/seal/base64url.rs"]
mod tests;
