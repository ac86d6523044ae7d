//! XAES-256-GCM, the C2SP specification of 2024: AES-256-GCM under a key derived from the first half of a 192-bit
//! nonce, so that nonces can be random however many messages are sealed.

use std::{hint::black_box, mem::ManuallyDrop};

use aes::{
    Aes256Enc, Block,
    cipher::{Array, BlockCipherEncrypt},
};
use aes_gcm::{
    AesGcm, KeyInit,
    aead::{
        AeadInOut, Error,
        consts::{U12, U32},
        inout::InOutBuf,
    },
};
use zeroize::Zeroizing;

/// AES-256-GCM with only the encryption key schedule, because GCM never decrypts with AES.
type Gcm = AesGcm<Aes256Enc, U12>;

/// A prepared key, after steps 1 and 2 of the specification. It wipes itself.
pub(super) struct Xaes {
    aes: Aes256Enc,
    k1: Zeroizing<[u8; 16]>,
}

impl Xaes {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        // 1. L = AES-256ₖ(0¹²⁸)
        let aes = Aes256Enc::new(key.into());
        let mut l = Block::default();
        aes.encrypt_block(&mut l);
        let l = Zeroizing::new(l.into());
        Self { aes, k1: first_mask(&l) }
    }

    /// Calls `run` with the cipher of one message (steps 3 to 5 of the specification), and then overwrites the stack
    /// space that was used.
    fn with_cipher<R>(&self, nonce: &[u8; 24], run: impl FnOnce(&Gcm) -> R) -> R {
        let result = self.with_unwiped_cipher(nonce, run);
        overwrite_stack();
        result
    }

    #[inline(never)]
    fn with_unwiped_cipher<R>(&self, nonce: &[u8; 24], run: impl FnOnce(&Gcm) -> R) -> R {
        let mut key = masked_blocks(&self.k1, nonce);
        let (blocks, _) = Block::slice_as_chunks_mut(key.as_flattened_mut());
        self.aes.encrypt_blocks(blocks);
        let key: &Array<u8, U32> = key.as_flattened().try_into().expect("two blocks are 32 bytes");
        run(&ManuallyDrop::new(Gcm::new(key)))
    }

    /// Encrypts in place and returns the tag.
    pub(super) fn encrypt(&self, nonce: &[u8; 24], aad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
        self.with_cipher(nonce, |cipher| {
            cipher.encrypt_inout_detached(second_half(nonce), aad, InOutBuf::from(text)).map(Into::into)
        })
    }

    /// Decrypts a text in place if it is authentic, and leaves it unchanged otherwise.
    pub(super) fn decrypt(
        &self,
        nonce: &[u8; 24],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        self.with_cipher(nonce, |cipher| {
            cipher.decrypt_inout_detached(second_half(nonce), aad, InOutBuf::from(text), tag.into())
        })
    }
}

/// Returns the mask of both blocks (step 2 of the specification).
pub(super) fn first_mask(l: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    // 2. K1 = L << 1, and if the bit shifted out was set, ⊕ 0¹²⁰10000111
    let l = Zeroizing::new(u128::from_be_bytes(*l));
    let reduction = (*l >> 127) * 0b1000_0111;
    Zeroizing::new(((*l << 1) ^ reduction).to_be_bytes())
}

/// Returns the blocks whose encryption is the key of a message (steps 3 to 5 of the specification).
pub(super) fn masked_blocks(k1: &[u8; 16], nonce: &[u8; 24]) -> Zeroizing<[[u8; 16]; 2]> {
    // 3. M1 = 0x00 ‖ 0x01 ‖ `X` ‖ 0x00 ‖ N[:12]
    // 4. M2 = 0x00 ‖ 0x02 ‖ `X` ‖ 0x00 ‖ N[:12]
    // 5. Kₓ = AES-256ₖ(M1 ⊕ K1) ‖ AES-256ₖ(M2 ⊕ K1), by the caller
    let mut blocks = Zeroizing::new([[0; 16]; 2]);
    for (block, counter) in blocks.iter_mut().zip(1..) {
        block[..4].copy_from_slice(&[0, counter, b'X', 0]);
        block[4..].copy_from_slice(&nonce[..12]);
        for (byte, mask) in block.iter_mut().zip(k1) {
            *byte ^= mask;
        }
    }
    blocks
}

/// Overwrites the stack space of the previous function that the caller called.
///
/// The ciphers could wipe themselves, but byte by byte, which would take a tenth of the time of opening a session. The
/// copies that moves leave behind would stay.
#[inline(never)]
fn overwrite_stack() {
    // Enough for an optimized build, which tests/wiping checks.
    black_box(&mut [0_u8; 4096]);
}

/// Returns N[12:], the nonce of AES-256-GCM.
fn second_half(nonce: &[u8; 24]) -> &Array<u8, U12> {
    nonce[12..].try_into().expect("half of 24 bytes are 12")
}

#[cfg(test)]
#[path = "../../tests/unit/seal/xaes.rs"]
mod tests;
