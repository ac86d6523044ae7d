//! The sealed format, version 1, for auditors and for other implementations.
//!
//! Applications use [`Sessions`](crate::Sessions), or [`Sealer`](crate::Sealer) without HTTP. The code of this module
//! never reads the clock, and does no I/O except to load a key ring and to get random bytes from the operating system.
//! It is tested with vectors from two independent implementations.
//!
//! Integers are big-endian. Times are unsigned 32-bit Unix seconds, and windows are in seconds. `‖` joins bytes.
//! `lp(x)` is the 16-bit length of `x`, then `x`. HKDF is RFC 5869 and HMAC is RFC 2104, both with SHA-256. Base64url
//! is RFC 4648, section 5, without padding. Only its canonical spelling is accepted; any other is rejected.
//!
//! # Keys
//!
//! A [`Key`](crate::Key) is 32 random bytes, called the master, and a [`Suite`](crate::Suite). The suite belongs to the
//! key. A cookie cannot select it.
//!
//! | suite | name in text | AEAD | nonce | tag |
//! |---|---|---|---|---|
//! | 1 | `xaes` | XAES-256-GCM (C2SP specification, 2024) | 24 | 16 |
//! | 2 | `xchacha` | XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) | 24 | 16 |
//!
//! The text form is `ssk1.` name `.` base64url(master) `.` base64url(first 4 bytes of SHA-256 of all the text before
//! that last dot). A master whose bytes are all equal is rejected.
//!
//! ```text
//! PRK     = HKDF-Extract(salt = "sealed-session/v1", master)
//! kid     = HKDF-Expand(PRK, lp("kid") ‖ suite, 4)
//! K(role) = HKDF-Expand(PRK, lp("enc") ‖ suite ‖ role ‖ lp(realm) ‖ lp(cookie name), 32)
//! CSRF    = HKDF-Expand(PRK, lp("csrf") ‖ suite ‖ lp(realm) ‖ lp(cookie name), 32)
//! ```
//!
//! `suite` and `role` are one byte each. The role is 1 for an inline cookie, 2 for a reference, and 3 for a blob.
//! `CSRF` seals nothing: it is the key of the [`csrf`](crate::csrf) tokens, and no part of an envelope depends on it. A
//! [`Context`] holds the derived keys of a ring for one realm and cookie name.
//!
//! A cookie is decrypted at most once, with the key that its kid names. The AEADs do not commit to their keys, so
//! trying several keys would be insecure as well as slow.
//!
//! # Envelope
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 1 | version in the high half (1), role in the low half: `0x11` inline, `0x12` reference, `0x13` blob |
//! | 1 | 4 | kid |
//! | 5 | 24 | nonce: random bytes from the operating system, new for every seal |
//! | 29 | n | ciphertext of the frame |
//! | 29 + n | 16 | tag |
//!
//! The associated data is the first 5 bytes. The value of a cookie is the base64url of the envelope.
//!
//! # Inline frame
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 4 | schema: the [fingerprint](crate::Fingerprint) of the payload's shape, or 1 for a [self-describing](crate::Encoding) payload |
//! | 4 | 4 | created: the time at which the session began |
//! | 8 | 4 | issued: the time at which this cookie was sealed |
//! | 12 | 4 | window: the idle timeout, the number of seconds after `issued` at which the cookie stops opening |
//! | 16 | 16 | session id |
//! | 32 | 1 | flags: bit 0 persistent (the cookie has a Max-Age); all other bits are zero |
//! | 33 | 1 | pad: the number of zero bytes at the end of the frame |
//! | 34 | n | payload: postcard 1.x, or MessagePack if the schema is 1 |
//! | 34 + n | pad | zero bytes |
//!
//! # Reference frame
//!
//! A reference frame is exactly 74 bytes: the same header of 34 bytes, with schema 0 and pad 0, then the lowest
//! generation of the blob that this cookie accepts (8 bytes) and the blob's secret (32 bytes).
//!
//! # Stored blob
//!
//! A blob's index in the store is `HMAC(secret, "index")[..16]`. Its AEAD key is `HMAC(K(3), secret ‖ session id)`.
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 5 | `0x13`, kid |
//! | 5 | 8 | generation, not encrypted |
//! | 13 | 24 | nonce |
//! | 37 | 4 | schema, encrypted, like everything up to the tag |
//! | 41 | 2 | pad |
//! | 43 | n | payload |
//! | 43 + n | pad | zero bytes |
//! | 43 + n + pad | 16 | tag |
//!
//! The associated data is the first 13 bytes. The plaintext is padded to a multiple of 256 bytes.
//!
//! # Rejected envelopes
//!
//! A reader rejects an envelope with the first [`Refusal`](crate::Refusal) that applies. A rejected envelope yields no
//! data.

mod aead;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
pub(crate) mod base64url;
mod blob;
mod context;
mod envelope;
mod frame;
pub(crate) mod key;
pub(crate) mod key_ring;
pub(crate) mod random;
pub(crate) mod timeouts;
#[cfg(feature = "__vectors")]
mod vectors;
#[cfg_attr(feature = "aws-lc-rs", allow(dead_code, reason = "tests compare it with `aws_lc`"))]
mod xaes;
#[cfg(any(test, not(feature = "aws-lc-rs")))]
mod xchacha;

// For tests, test vectors and fuzzers. Applications use `Sealer` and `Sessions`.
#[doc(hidden)]
pub use blob::Blob;
pub(crate) use blob::{BLOB_PAYLOAD_AT, blob_len, longest_blob_payload};
#[doc(hidden)]
pub use context::Context;
#[doc(hidden)]
pub use envelope::{Buffer, Draft, LONGEST_VALUE, Padding, Unsealed};
pub(crate) use envelope::{REFERENCE_CHARACTERS, longest_payload};
#[doc(hidden)]
pub use frame::{Content, Header, Reference};

/// Compiles only for a type that promises to overwrite itself when it is dropped. Observing that it does would need
/// `unsafe`.
#[cfg(test)]
pub(crate) fn wipes_itself<T: zeroize::ZeroizeOnDrop>(_: &T) {}
