//! The two cipher suites behind one pair of methods. Both are in pure Rust, unless the feature `aws-lc-rs` replaces them.

#[cfg(feature = "aws-lc-rs")]
use super::aws_lc::{PerMessage as _, XChaCha, Xaes};
#[cfg(not(feature = "aws-lc-rs"))]
use super::{xaes::Xaes, xchacha::XChaCha};
use crate::{error::Refusal, seal::key::Suite};

pub(super) const NONCE_BYTES: usize = 24;
pub(super) const TAG_BYTES: usize = 16;

/// A key ready for use. Both variants wipe themselves. Each key of a ring has a few of them, made once, so their size
/// matters less than an extra pointer to follow in each request.
#[allow(clippy::large_enum_variant)]
pub(super) enum Aead {
    Xaes(Xaes),
    XChaCha(XChaCha),
}

impl Aead {
    pub(super) fn new(suite: Suite, key: &[u8; 32]) -> Self {
        match suite {
            Suite::Xaes256Gcm => Self::Xaes(Xaes::new(key)),
            Suite::XChaCha20Poly1305 => Self::XChaCha(XChaCha::new(key)),
        }
    }

    /// Encrypts in place and returns the tag.
    pub(super) fn encrypt(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        match self {
            Self::Xaes(xaes) => xaes.encrypt(nonce, aad, text),
            Self::XChaCha(xchacha) => xchacha.encrypt(nonce, aad, text),
        }
        .expect("both AEADs take 64 GiB; a session is far shorter")
    }

    /// Decrypts in place, or returns [`Refusal::Forged`] if the tag does not match.
    pub(super) fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Refusal> {
        match self {
            Self::Xaes(xaes) => xaes.decrypt(nonce, aad, text, tag),
            Self::XChaCha(xchacha) => xchacha.decrypt(nonce, aad, text, tag),
        }
        .map_err(|_| Refusal::Forged)
    }
}

#[cfg(test)]
impl Aead {
    pub(super) fn wipes_itself(&self) {
        match self {
            Self::Xaes(xaes) => xaes.wipes_itself(),
            Self::XChaCha(xchacha) => xchacha.wipes_itself(),
        }
    }
}
