//! The sealed format, version 1: for auditors, for other implementations, and for whoever wants the bytes alone.
//!
//! Applications use [`Sessions`](crate::Sessions), or [`Sealer`](crate::Sealer) without http. Everything here takes
//! time as an argument or not at all, does no I/O but to ask the operating system for random bytes, and is held to
//! test vectors made by two independent implementations.
//!
//! Integers are big-endian. Times are unsigned 32-bit Unix seconds, windows are seconds. `‖` joins bytes. `lp(x)` is
//! the 16-bit length of `x`, then `x`. HKDF is RFC 5869 and HMAC is RFC 2104, both over SHA-256. Base64url is RFC
//! 4648 section 5, without padding, canonical: any other spelling is refused.
//!
//! # Keys
//!
//! A [`Key`](crate::Key) is 32 random bytes, the master, and a [`Suite`](crate::Suite). The suite belongs to the
//! key, never to the cookie.
//!
//! | suite | name in text | AEAD | nonce | tag |
//! |---|---|---|---|---|
//! | 1 | `xaes` | XAES-256-GCM (C2SP specification, 2024) | 24 | 16 |
//! | 2 | `xchacha` | XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) | 24 | 16 |
//!
//! The text form is `ssk1.` name `.` base64url(master) `.` base64url(first 4 bytes of SHA-256 of all the text before
//! that last dot). A master whose bytes are all equal is refused.
//!
//! ```text
//! PRK     = HKDF-Extract(salt = "sealed-session/v1", master)
//! kid     = HKDF-Expand(PRK, lp("kid") ‖ suite, 4)
//! K(role) = HKDF-Expand(PRK, lp("enc") ‖ suite ‖ role ‖ lp(realm) ‖ lp(cookie name), 32)
//! CSRF    = HKDF-Expand(PRK, lp("csrf") ‖ suite ‖ lp(realm) ‖ lp(cookie name), 32)
//! ```
//!
//! `suite` and `role` are one byte each. The role is 1 for an inline cookie, 2 for a reference, 3 for a blob. `CSRF`
//! seals nothing: it is the key of the [`csrf`](crate::csrf) tokens, and no part of an envelope depends on it.
//! A [`Context`] holds all of a ring's keys for one realm and cookie name. A cookie is opened with the one key that
//! its kid names, at most once: the AEADs do not commit to their key, so trying several would be a mistake and not
//! only slow.
//!
//! # Envelope
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 1 | version in the high half (1), role in the low half: `0x11` inline, `0x12` reference, `0x13` blob |
//! | 1 | 4 | kid |
//! | 5 | 24 | nonce, from the operating system, asked anew for every seal |
//! | 29 | n | ciphertext of the frame |
//! | 29 + n | 16 | tag |
//!
//! The associated data are the first 5 bytes. A cookie's value is the base64url of the envelope.
//!
//! # Inline frame
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 4 | schema: the [fingerprint](crate::Fingerprint) of the payload's shape, or 1 for a [self-describing](crate::Encoding) payload |
//! | 4 | 4 | created: when the session began |
//! | 8 | 4 | issued: when this cookie was sealed |
//! | 12 | 4 | window: how many seconds after `issued` the cookie stops to open |
//! | 16 | 16 | session id |
//! | 32 | 1 | flags: bit 0 persistent (the cookie has a Max-Age); all others zero |
//! | 33 | 1 | pad: how many zero bytes end the frame |
//! | 34 | n | payload: postcard 1.x, or MessagePack if the schema is 1 |
//! | 34 + n | pad | zero bytes |
//!
//! # Reference frame
//!
//! The same 34 bytes of header, with schema 0 and pad 0, then the lowest generation of the blob that this cookie
//! accepts (8 bytes) and the blob's secret (32 bytes). 74 bytes exactly.
//!
//! # Stored blob
//!
//! Its index in the store is `HMAC(secret, "index")[..16]`; its AEAD key is `HMAC(K(3), secret ‖ session id)`.
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 5 | `0x13`, kid |
//! | 5 | 8 | generation, in clear |
//! | 13 | 24 | nonce |
//! | 37 | 4 | schema, encrypted, as is all up to the tag |
//! | 41 | 2 | pad |
//! | 43 | n | payload |
//! | 43 + n | pad | zero bytes |
//! | 43 + n + pad | 16 | tag |
//!
//! The associated data are the first 13 bytes; the plaintext is padded to a multiple of 256.
//!
//! # What a reader answers
//!
//! The first that applies of the [`Refusal`](crate::Refusal)s; only what is opened yields data.

mod aead;
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
mod xaes;

pub use blob::Blob;
pub(crate) use blob::{blob_len, longest_blob_payload};
pub use context::Context;
pub use envelope::{Buffer, Draft, LONGEST_VALUE, Padding, Unsealed};
pub(crate) use envelope::{REFERENCE_CHARACTERS, longest_payload};
pub use frame::{Content, Header, Reference};

/// Compiles for what overwrites itself when it is dropped. That it does can't be seen without `unsafe`; that its type
/// promises it can.
#[cfg(test)]
pub(crate) fn wipes_itself<T: zeroize::ZeroizeOnDrop>(_: &T) {}
