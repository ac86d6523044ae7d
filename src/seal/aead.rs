//! The two cipher suites behind one pair of methods.

use aes_gcm::KeyInit;
use chacha20poly1305::{XChaCha20Poly1305, aead::AeadInOut, aead::inout::InOutBuf};

use super::xaes::Xaes;
use crate::{error::Refusal, seal::key::Suite};

pub(super) const NONCE_BYTES: usize = 24;
pub(super) const TAG_BYTES: usize = 16;

/// A key ready for use. Both variants wipe themselves. Each key of a ring has a few of them, made once, so their size
/// matters less than an extra pointer to follow in each request.
#[allow(clippy::large_enum_variant)]
pub(super) enum Aead {
    Xaes(Xaes),
    XChaCha(XChaCha20Poly1305),
}

impl Aead {
    pub(super) fn new(suite: Suite, key: &[u8; 32]) -> Self {
        match suite {
            Suite::Xaes256Gcm => Self::Xaes(Xaes::new(key)),
            Suite::XChaCha20Poly1305 => Self::XChaCha(XChaCha20Poly1305::new(key.into())),
        }
    }

    /// Encrypts in place and returns the tag.
    pub(super) fn encrypt(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        match self {
            Self::Xaes(xaes) => xaes.encrypt(nonce, aad, text),
            Self::XChaCha(xchacha) => {
                xchacha.encrypt_inout_detached(nonce.into(), aad, InOutBuf::from(text)).map(Into::into)
            }
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
            Self::XChaCha(xchacha) => {
                xchacha.decrypt_inout_detached(nonce.into(), aad, InOutBuf::from(text), tag.into())
            }
        }
        .map_err(|_| Refusal::Forged)
    }
}

#[cfg(test)]
impl Aead {
    pub(super) fn wipes_itself(&self) {
        match self {
            Self::Xaes(xaes) => xaes.wipes_itself(),
            Self::XChaCha(xchacha) => super::wipes_itself(xchacha),
        }
    }
}
