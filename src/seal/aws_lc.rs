//! Both suites over aws-lc-rs, for the feature `aws-lc-rs`. What they seal is the same, byte for byte.
//!
//! aws-lc-rs has no extended nonces. Each message therefore gets a key of its own, derived from the first bytes of its
//! nonce, and the rest is the nonce of a standard AEAD.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    cipher::{self, EncryptingKey, UnboundCipherKey},
    error::Unspecified,
};
use chacha20::{R20, hchacha};
use zeroize::Zeroizing;

use super::xaes::{first_mask, masked_blocks};

/// A key that gives each message a key of its own.
pub(super) trait PerMessage {
    /// Derives the cipher of the message with this nonce.
    fn derive(&self, nonce: &[u8; 24]) -> Result<MessageCipher, Unspecified>;

    /// Encrypts in place and returns the tag.
    fn encrypt(&self, nonce: &[u8; 24], aad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        let MessageCipher { key, nonce } = self.derive(nonce)?;
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), text)?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    /// Decrypts a text in place if it is authentic.
    fn decrypt(
        &self,
        nonce: &[u8; 24],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Unspecified> {
        let MessageCipher { key, nonce } = self.derive(nonce)?;
        key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, text).map(drop)
    }
}

/// The cipher of one message. AWS-LC overwrites it when it frees it.
pub(super) struct MessageCipher {
    key: LessSafeKey,
    nonce: Nonce,
}

impl MessageCipher {
    fn new(algorithm: &'static Algorithm, key: &[u8], nonce: [u8; 12]) -> Result<Self, Unspecified> {
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
        Ok(Self { key, nonce: Nonce::assume_unique_for_key(nonce) })
    }
}

/// A prepared key of XAES-256-GCM, after steps 1 and 2 of its specification. It wipes itself.
pub(super) struct Xaes {
    aes: EncryptingKey,
    k1: Zeroizing<[u8; 16]>,
}

impl Xaes {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundCipherKey::new(&cipher::AES_256, key).expect("AES-256 takes 32 bytes");
        let aes = EncryptingKey::ecb(key).expect("AES encrypts single blocks");
        let mut l = Zeroizing::new([0; 16]);
        aes.encrypt(&mut *l).expect("a block is encrypted");
        Self { aes, k1: first_mask(&l) }
    }
}

impl PerMessage for Xaes {
    fn derive(&self, nonce: &[u8; 24]) -> Result<MessageCipher, Unspecified> {
        let mut key = masked_blocks(&self.k1, nonce);
        self.aes.encrypt(key.as_flattened_mut())?;
        let rest = nonce[12..].try_into().expect("half of 24 bytes are 12");
        MessageCipher::new(&AES_256_GCM, key.as_flattened(), rest)
    }
}

/// A key of XChaCha20-Poly1305. It wipes itself.
pub(super) struct XChaCha(Zeroizing<[u8; 32]>);

impl XChaCha {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*key))
    }
}

impl PerMessage for XChaCha {
    fn derive(&self, nonce: &[u8; 24]) -> Result<MessageCipher, Unspecified> {
        let (start, end) = nonce.split_first_chunk::<16>().expect("24 bytes begin with 16");
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(hchacha::<R20>((&*self.0).into(), start.into()).into());
        let mut rest = [0; 12];
        rest[4..].copy_from_slice(end);
        MessageCipher::new(&CHACHA20_POLY1305, &*key, rest)
    }
}

#[cfg(test)]
#[path = "../../tests/unit/seal/aws_lc.rs"]
mod tests;
