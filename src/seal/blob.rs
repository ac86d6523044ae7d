//! The stored blob: a session that did not fit in its cookie, sealed so that the store learns nothing about it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    aead::{Aead, NONCE_BYTES, TAG_BYTES},
    context::{Context, ContextKey, Role},
    frame::{self, Reference},
    random::Nonce,
};
use crate::error::{Error, Kind, Refusal};

const FIRST: u8 = 0x10 | Role::Blob as u8;
const AAD_BYTES: usize = 13;
const PLAIN_AT: usize = AAD_BYTES + NONCE_BYTES;
const PREFIX_BYTES: usize = 6;
/// The place of the payload in a blob.
pub(crate) const BLOB_PAYLOAD_AT: usize = PLAIN_AT + PREFIX_BYTES;
const SHORTEST: usize = BLOB_PAYLOAD_AT + TAG_BYTES;
const BUCKET: usize = 256;

/// An authentic blob, decrypted in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Blob<'a> {
    /// The number of times that the blob has been written, starting at 1.
    pub generation: u64,
    /// The fingerprint of the payload's shape.
    pub schema: u32,
    /// The payload.
    pub payload: &'a [u8],
}

impl fmt::Debug for Blob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("generation", &self.generation)
            .field("schema", &self.schema)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

impl Reference {
    /// Returns the blob's id in the store: `HMAC(secret, "index")[..16]`. It does not depend on any key of the ring.
    pub fn index(&self) -> [u8; 16] {
        hmac(&self.secret, &[b"index"])[..16].try_into().expect("half of 32 bytes")
    }
}

impl Context {
    /// Seals a payload as a blob for `reference` and the session that it belongs to. The generation of the reference is
    /// ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if the generation is 0, which is never written, or if the operating system provides no random
    /// bytes.
    pub fn seal_blob(
        &self,
        reference: &Reference,
        session_id: &[u8; 16],
        blob: &Blob<'_>,
    ) -> Result<Vec<u8>, Error> {
        if blob.generation == 0 {
            return Err(Kind::Unreadable(
                "a blob of generation 0 cannot be sealed: generations count from 1",
            )
            .into());
        }
        Ok(self.seal_blob_with(Nonce::draw()?, reference, session_id, blob))
    }

    pub(super) fn seal_blob_with(
        &self,
        nonce: Nonce,
        reference: &Reference,
        session_id: &[u8; 16],
        blob: &Blob<'_>,
    ) -> Vec<u8> {
        let key = self.sealing();
        let pad = frame::pad_to(PREFIX_BYTES + blob.payload.len(), BUCKET);
        let mut bytes = Vec::with_capacity(SHORTEST + blob.payload.len() + pad);
        bytes.push(FIRST);
        bytes.extend_from_slice(key.id.as_bytes());
        bytes.extend_from_slice(&blob.generation.to_be_bytes());
        bytes.extend_from_slice(nonce.as_bytes());
        bytes.extend_from_slice(&blob.schema.to_be_bytes());
        bytes.extend_from_slice(&(pad as u16).to_be_bytes()); // below 256
        bytes.extend_from_slice(blob.payload);
        bytes.resize(bytes.len() + pad, 0);
        let (clear, plain) = bytes.split_at_mut(PLAIN_AT);
        let tag = cipher(key, reference, session_id).encrypt(nonce.as_bytes(), &clear[..AAD_BYTES], plain);
        bytes.extend_from_slice(&tag);
        bytes
    }

    /// Returns true if a blob names the current sealing key.
    pub(crate) fn would_seal(&self, blob: &[u8]) -> bool {
        blob.get(1..5) == Some(self.sealing().id.as_bytes())
    }

    /// Opens in place the blob that is stored under a reference's [`index`](Reference::index). `limit` is the largest
    /// accepted blob, in bytes.
    ///
    /// # Errors
    ///
    /// Returns the first [`Refusal`] that applies: `malformed`, `unknown_key`, `forged`, `stale_blob`, `bad_frame`.
    pub fn open_blob<'b>(
        &self,
        reference: &Reference,
        session_id: &[u8; 16],
        limit: usize,
        bytes: &'b mut [u8],
    ) -> Result<Blob<'b>, Refusal> {
        if bytes.len() < SHORTEST || bytes.len() > limit || bytes[0] != FIRST {
            return Err(Refusal::Malformed);
        }
        let (clear, rest) = bytes.split_at_mut(PLAIN_AT);
        let (aad, nonce) = clear.split_at(AAD_BYTES);
        let (_, key) = self.find(aad[1..5].try_into().expect("four bytes"))?;

        let (plain, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().expect("longer than the shortest");
        let nonce = nonce.try_into().expect("24 bytes");
        cipher(key, reference, session_id).decrypt(nonce, aad, plain, tag)?;

        let generation = u64::from_be_bytes(aad[5..].try_into().expect("eight bytes"));
        if generation < reference.generation {
            return Err(Refusal::StaleBlob);
        }
        let (schema, rest) = plain.split_first_chunk().expect("longer than the shortest");
        let (pad, padded) = rest.split_first_chunk().expect("longer than the shortest");
        let payload = frame::strip_pad(padded, usize::from(u16::from_be_bytes(*pad)))?;
        Ok(Blob { generation, schema: u32::from_be_bytes(*schema), payload })
    }
}

/// Returns the length of the blob of a payload, in bytes.
pub(crate) fn blob_len(payload: usize) -> usize {
    PLAIN_AT + (PREFIX_BYTES + payload).next_multiple_of(BUCKET) + TAG_BYTES
}

/// Returns the length of the longest payload whose blob stays within `limit`, in bytes.
pub(crate) fn longest_blob_payload(limit: usize) -> Option<usize> {
    let plain = limit.checked_sub(PLAIN_AT + TAG_BYTES)?;
    (plain - plain % BUCKET).checked_sub(PREFIX_BYTES)
}

/// Returns the cipher of one blob, with the key `HMAC(K(3), secret ‖ session id)`.
fn cipher(key: &ContextKey, reference: &Reference, session_id: &[u8; 16]) -> Aead {
    Aead::new(key.suite, &hmac(&key.blob, &[&reference.secret, session_id]))
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
#[path = "../../tests/unit/seal/blob.rs"]
mod tests;
