//! XAES-256-GCM, the C2SP specification of 2024: AES-256-GCM under a key derived from the first half of a 192-bit
//! nonce, so that nonces can be random however many messages are sealed.

use std::{hint::black_box, mem::ManuallyDrop};

use aes::{
    Aes256Enc, Block,
    cipher::{
        Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut,
        InOutBuf, ParBlocksSizeUser,
        consts::{U1, U12, U16, U32},
        typenum::Unsigned,
    },
};
use aes_gcm::{
    AesGcm, KeyInit,
    aead::{AeadInOut, Error},
};
use zeroize::Zeroizing;

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

    /// Returns AES-256 under the key of one message (steps 3 to 5 of the specification).
    fn aes_of_message(&self, nonce: &[u8; 24]) -> ManuallyDrop<Aes256Enc> {
        let mut key = masked_blocks(&self.k1, nonce);
        let (blocks, _) = Block::slice_as_chunks_mut(key.as_flattened_mut());
        self.aes.encrypt_with_backend(FewBlocks(blocks));
        let key: &Array<u8, U32> = key.as_flattened().try_into().expect("two blocks are 32 bytes");
        ManuallyDrop::new(Aes256Enc::new(key))
    }

    /// Encrypts in place and returns the tag.
    pub(super) fn encrypt(&self, nonce: &[u8; 24], aad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
        self.run(Message { nonce, aad, text, tag: None })
    }

    /// Decrypts a text in place if it is authentic, and leaves it unchanged otherwise.
    pub(super) fn decrypt(
        &self,
        nonce: &[u8; 24],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        self.run(Message { nonce, aad, text, tag: Some(tag) }).map(drop)
    }

    /// Encrypts or decrypts a message, and then overwrites the stack space that was used.
    fn run(&self, message: Message<'_>) -> Result<[u8; 16], Error> {
        // One and a half times what optimized builds use. tests/wiping checks that it is enough.
        if message.text.len() <= SHORT {
            let result = self.run_short(message);
            overwrite_stack::<6_144>();
            result
        } else {
            let result = self.run_long(message);
            overwrite_stack::<12_288>();
            result
        }
    }

    #[inline(never)]
    fn run_short(&self, message: Message<'_>) -> Result<[u8; 16], Error> {
        let aes = self.aes_of_message(message.nonce);
        let ahead = Ahead::new(&aes, &message);
        message.run(&ahead)
    }

    #[inline(never)]
    fn run_long(&self, message: Message<'_>) -> Result<[u8; 16], Error> {
        let aes = self.aes_of_message(message.nonce);
        message.run(&*aes)
    }
}

/// A message to encrypt, or one to decrypt, which has a tag.
struct Message<'m> {
    nonce: &'m [u8; 24],
    aad: &'m [u8],
    text: &'m mut [u8],
    tag: Option<&'m [u8; 16]>,
}

impl Message<'_> {
    /// Runs AES-256-GCM with this AES, and returns the tag.
    fn run<A: BlockCipherEncrypt<BlockSize = U16>>(self, aes: &A) -> Result<[u8; 16], Error> {
        let gcm = AesGcm::<&A, U12>::from(aes);
        let nonce = self.nonce[12..].try_into().expect("half of 24 bytes are 12");
        match self.tag {
            None => gcm.encrypt_inout_detached(nonce, self.aad, self.text.into()).map(Into::into),
            Some(tag) => {
                gcm.decrypt_inout_detached(nonce, self.aad, self.text.into(), tag.into()).map(|()| *tag)
            }
        }
    }
}

/// The length of the longest short message, in bytes.
const SHORT: usize = 256;

/// The number of blocks that GCM encrypts for it: one for GHASH, one for the tag, and those of the text.
const BLOCKS: usize = 2 + SHORT.div_ceil(16);

/// AES for one short message. `aes-gcm` encrypts a block of zeros and then the values of a counter, and prepares AES for
/// each step. Here, all of them are encrypted ahead and at once, which is faster. There is no answer for other blocks.
struct Ahead {
    /// By the value of the counter. The first is of the block of zeros.
    encrypted: [Block; BLOCKS],
}

impl Ahead {
    fn new(aes: &Aes256Enc, message: &Message<'_>) -> Self {
        let mut blocks = [Block::default(); BLOCKS];
        let needed = &mut blocks[..2 + message.text.len().div_ceil(16)];
        for (block, counter) in needed.iter_mut().zip(0_u32..).skip(1) {
            block[..12].copy_from_slice(&message.nonce[12..]);
            block[12..].copy_from_slice(&counter.to_be_bytes());
        }
        aes.encrypt_with_backend(FewBlocks(needed));
        Self { encrypted: blocks }
    }
}

impl BlockSizeUser for Ahead {
    type BlockSize = U16;
}

impl ParBlocksSizeUser for Ahead {
    type ParBlocksSize = U1;
}

impl BlockCipherEncrypt for Ahead {
    #[inline]
    fn encrypt_with_backend(&self, run: impl BlockCipherEncClosure<BlockSize = U16>) {
        run.call(self);
    }
}

impl BlockCipherEncBackend for Ahead {
    #[inline]
    fn encrypt_block(&self, mut block: InOut<'_, '_, Block>) {
        let [.., a, b, c, d] = block.get_in().0;
        *block.get_out() = self.encrypted[u32::from_be_bytes([a, b, c, d]) as usize];
    }
}

/// Blocks to encrypt, as many as a short message needs or fewer. A batch that is longer is not used, because its wide
/// registers leave copies of the key on the stack.
struct FewBlocks<'b>(&'b mut [Block]);

impl BlockSizeUser for FewBlocks<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for FewBlocks<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut blocks = InOutBuf::from(self.0);
        if B::ParBlocksSize::USIZE <= BLOCKS {
            let (batches, rest) = blocks.into_chunks();
            for batch in batches {
                backend.encrypt_par_blocks(batch);
            }
            blocks = rest;
        }
        for block in blocks {
            backend.encrypt_block(block);
        }
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
/// copies that moves and wide registers leave behind would stay.
#[inline(never)]
fn overwrite_stack<const BYTES: usize>() {
    black_box(&mut [0_u8; BYTES]);
}

#[cfg(test)]
#[path = "../../tests/unit/seal/xaes.rs"]
mod tests;
