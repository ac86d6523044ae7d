//! The least that sealing and opening can cost: the same bytes through the system's random bytes, an AEAD under a new key
//! for each message, base64 and postcard, without a format, a check or an error to explain.

#![allow(dead_code)] // each user needs a part

use std::{cell::RefCell, mem::ManuallyDrop, sync::LazyLock};

use aes_gcm::{
    AesGcm,
    aead::{AeadInOut, KeyInit, consts::U12},
    aes::{Aes256Enc, Block, cipher::BlockCipherEncrypt},
};
use base64::{
    Engine,
    engine::{Simd, general_purpose::NO_PAD},
};
use chacha20poly1305::ChaCha20Poly1305;
use rand::{TryRng, rngs::SysRng};
use serde::{Serialize, de::DeserializeOwned};

type Key = [u8; 32];
type Nonce = [u8; 12];
type Tag = [u8; 16];

/// An AEAD of a library, under a new key for each message.
#[derive(Clone, Copy)]
pub struct Aead {
    pub name: &'static str,
    /// Encrypts in place, and returns the tag.
    pub encrypt: fn(&Key, &Nonce, &mut [u8]) -> Tag,
    /// Decrypts in place, and panics if the text is not authentic.
    pub decrypt: fn(&Key, &Nonce, &mut [u8], &Tag),
}

const AAD: [u8; 5] = [0x11, 1, 2, 3, 4];

/// The same type as the crate's own, whose key schedule only encrypts.
type Aes256Gcm = AesGcm<Aes256Enc, U12>;

pub const AES_GCM: Aead =
    Aead { name: "AES-256-GCM", encrypt: encrypt::<Aes256Gcm>, decrypt: decrypt::<Aes256Gcm> };
/// The same under a key that is derived for each message: two more blocks of AES, which XAES-256-GCM needs.
pub const XAES: Aead = Aead {
    name: "XAES-256-GCM",
    encrypt: |key, nonce, text| encrypt::<Aes256Gcm>(&derived(key), nonce, text),
    decrypt: |key, nonce, text, tag| decrypt::<Aes256Gcm>(&derived(key), nonce, text, tag),
};
pub const CHACHA: Aead = Aead {
    name: "ChaCha20-Poly1305",
    encrypt: encrypt::<ChaCha20Poly1305>,
    decrypt: decrypt::<ChaCha20Poly1305>,
};

/// A cipher that does not overwrite itself, which is not part of encrypting.
fn cipher<A: KeyInit>(key: &Key) -> ManuallyDrop<A> {
    ManuallyDrop::new(A::new_from_slice(key).expect("32 bytes"))
}

/// Derives a key as XAES-256-GCM does, with a schedule that is there already. Its mask is not measured.
fn derived(key: &Key) -> Key {
    static SCHEDULE: LazyLock<Aes256Enc> = LazyLock::new(|| Aes256Enc::new(&random().into()));
    let mut blocks = *key;
    let (pair, _) = Block::slice_as_chunks_mut(&mut blocks);
    SCHEDULE.encrypt_blocks(pair);
    blocks
}

fn encrypt<A: AeadInOut + KeyInit>(key: &Key, nonce: &Nonce, text: &mut [u8]) -> Tag {
    let cipher = cipher::<A>(key);
    let nonce = nonce.as_slice().try_into().expect("12 bytes");
    let tag = cipher.encrypt_inout_detached(nonce, &AAD, text.into()).expect("it is short");
    tag.as_slice().try_into().expect("16 bytes")
}

fn decrypt<A: AeadInOut + KeyInit>(key: &Key, nonce: &Nonce, text: &mut [u8], tag: &Tag) {
    let cipher = cipher::<A>(key);
    let nonce = nonce.as_slice().try_into().expect("12 bytes");
    let tag = tag.as_slice().try_into().expect("16 bytes");
    cipher.decrypt_inout_detached(nonce, &AAD, text.into(), tag).expect("it is authentic");
}

const NONCE: usize = 24;
const TAG: usize = 16;
/// The metadata of a session.
const HEADER: usize = 34;
const TEXT_AT: usize = AAD.len() + NONCE;
const LONGEST: usize = 3072;

/// The length of a frame with a payload of this length, as the crate pads it.
pub fn frame(payload: usize) -> usize {
    (HEADER + payload).next_multiple_of(32)
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).expect("the system has random bytes");
    bytes
}

/// The engine that the crate uses, too.
pub fn engine() -> Simd {
    Simd::url_safe(NO_PAD)
}

/// The floor of one library.
pub struct Floor {
    aead: Aead,
    engine: Simd,
    key: Key,
    /// The same for every message, so that none pays for zeroing it.
    scratch: RefCell<[u8; LONGEST]>,
}

impl Floor {
    pub fn new(aead: Aead) -> Self {
        Self { aead, engine: engine(), key: random(), scratch: RefCell::new([0; LONGEST]) }
    }

    /// The floor of a session that goes on, which needs a nonce, or of one that begins, which needs an id as well.
    pub fn seal<T: Serialize>(&self, value: &T, is_new: bool) -> String {
        let mut bytes = self.scratch.borrow_mut();
        let nonce: [u8; NONCE] = match is_new {
            false => random(),
            true => {
                let drawn: [u8; NONCE + 16] = random();
                bytes[TEXT_AT + 16..][..16].copy_from_slice(&drawn[NONCE..]);
                *drawn.first_chunk().expect("it begins with 24 bytes")
            }
        };
        bytes[..AAD.len()].copy_from_slice(&AAD);
        bytes[AAD.len()..TEXT_AT].copy_from_slice(&nonce);
        let payload = postcard::to_slice(value, &mut bytes[TEXT_AT + HEADER..]).expect("it fits").len();
        let end = TEXT_AT + frame(payload);
        bytes[TEXT_AT + HEADER + payload..end].fill(0);
        let nonce = nonce.last_chunk().expect("twelve of 24 bytes");
        let tag = (self.aead.encrypt)(&self.key, nonce, &mut bytes[TEXT_AT..end]);
        bytes[end..][..TAG].copy_from_slice(&tag);
        self.engine.encode(&bytes[..end + TAG])
    }

    pub fn open<T: DeserializeOwned>(&self, text: &str) -> T {
        let mut bytes = self.scratch.borrow_mut();
        let length = self.engine.decode_slice(text, &mut *bytes).expect("it was encoded");
        let (head, rest) = bytes[..length].split_at_mut(TEXT_AT);
        let (frame, tag) = rest.split_last_chunk_mut().expect("it ends with a tag");
        (self.aead.decrypt)(&self.key, head.last_chunk().expect("it ends with a nonce"), frame, tag);
        let (value, _) = postcard::take_from_bytes(&frame[HEADER..]).expect("it was serialized");
        value
    }
}
