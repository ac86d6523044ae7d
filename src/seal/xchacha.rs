//! XChaCha20-Poly1305, for machines whose processors have no AES.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{AeadInOut, Error, inout::InOutBuf},
};

/// A key. It wipes itself.
pub(super) struct XChaCha(XChaCha20Poly1305);

impl XChaCha {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Encrypts in place and returns the tag.
    pub(super) fn encrypt(&self, nonce: &[u8; 24], aad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
        self.0.encrypt_inout_detached(nonce.into(), aad, InOutBuf::from(text)).map(Into::into)
    }

    /// Decrypts a text in place if it is authentic, and leaves it unchanged otherwise.
    pub(super) fn decrypt(
        &self,
        nonce: &[u8; 24],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        self.0.decrypt_inout_detached(nonce.into(), aad, InOutBuf::from(text), tag.into())
    }
}

#[cfg(test)]
#[path = "../../tests/unit/seal/xchacha.rs"]
mod tests;
