//! The envelope: a sealed frame, encoded as the value of a cookie.

use std::fmt;

use super::{
    aead::{NONCE_BYTES, TAG_BYTES},
    base64url,
    context::{Context, Role},
    frame::{self, Content, FIELDS_BYTES, HEADER_BYTES, Header, REFERENCE_BYTES, Reference},
    random::Nonce,
};
use crate::error::{Error, Refusal};

const AAD_BYTES: usize = 5;
const FRAME_AT: usize = AAD_BYTES + NONCE_BYTES;
const PAYLOAD_AT: usize = FRAME_AT + HEADER_BYTES;
const SHORTEST: usize = PAYLOAD_AT + TAG_BYTES;
const VERSION: u8 = 1;

/// The longest value that is read, in characters, which is the size limit of browsers for a cookie.
pub const LONGEST_VALUE: usize = 4096;

/// The length of the cookie value of a reference, which is always the same.
pub(crate) const REFERENCE_CHARACTERS: usize = base64url::encoded_len(FRAME_AT + REFERENCE_BYTES + TAG_BYTES);

/// Space for the longest decoded value. It is on the stack, so opening a cookie allocates nothing.
pub struct Buffer([u8; base64url::decoded_len(LONGEST_VALUE)]);

impl Buffer {
    /// Creates an empty buffer, which can be reused for any number of cookies.
    pub fn new() -> Self {
        Self([0; base64url::decoded_len(LONGEST_VALUE)])
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffer(…)")
    }
}

/// The multiple to which session data is padded, so that the length of a cookie reveals only a range of sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Padding {
    /// No padding. The length of the cookie reveals the length of the session data.
    None,
    /// Multiples of 32 bytes, which add 16 bytes on average. The default.
    #[default]
    To32,
    /// Multiples of 64 bytes.
    To64,
    /// Multiples of 128 bytes.
    To128,
}

impl Padding {
    fn bucket(self) -> usize {
        match self {
            Self::None => 1,
            Self::To32 => 32,
            Self::To64 => 64,
            Self::To128 => 128,
        }
    }
}

/// An authentic cookie that has been decrypted. Its timestamps are still to be checked, by
/// [`Timeouts::judge`](crate::Timeouts::judge).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsealed<'a> {
    /// The timestamps and metadata.
    pub header: Header,
    /// The payload, or the reference to a stored blob.
    pub content: Content<'a>,
    /// True if it was sealed with the current sealing key, the first of the ring.
    pub current_key: bool,
}

/// An inline cookie under construction. The payload is written to the place where it will be encrypted.
#[derive(Clone)]
pub struct Draft {
    bytes: Vec<u8>,
    payload_at: usize,
}

impl Draft {
    /// Creates an empty draft, with a single allocation that has room for any payload that fits in a cookie.
    pub fn new() -> Self {
        Self::with_room(base64url::decoded_len(LONGEST_VALUE) - SHORTEST)
    }

    /// Creates an empty draft, with a single allocation that has room for a payload of this length and its sealing.
    pub(crate) fn with_room(payload: usize) -> Self {
        let padding = Padding::To128.bucket();
        let mut bytes = Vec::with_capacity(PAYLOAD_AT + payload + padding + TAG_BYTES + base64url::SPARE);
        bytes.resize(PAYLOAD_AT, 0);
        Self { bytes, payload_at: PAYLOAD_AT }
    }

    /// Creates a draft of the payload that `bytes` end with. If it is sealed into a cookie, it is copied.
    pub(crate) fn within(bytes: Vec<u8>, payload_at: usize) -> Self {
        Self { bytes, payload_at }
    }

    /// Returns the buffer to append the payload to. The bytes that it already contains must stay.
    pub(crate) fn payload_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Returns the payload written so far.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.payload_at..]
    }

    /// Appends to the payload.
    pub fn write(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
    }

    fn pad(&self, padding: Padding) -> usize {
        frame::pad_to(HEADER_BYTES + self.payload().len(), padding.bucket())
    }

    /// Returns the number of characters that the sealed value will have.
    pub fn sealed_len(&self, padding: Padding) -> usize {
        base64url::encoded_len(PAYLOAD_AT + self.payload().len() + self.pad(padding) + TAG_BYTES)
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} bytes)", self.payload().len())
    }
}

/// Returns the length of the longest payload whose cookie, name and value together, stays within `limit`.
pub(crate) fn longest_payload(name_length: usize, limit: usize, padding: Padding) -> Option<usize> {
    let bytes = base64url::decoded_len(limit.checked_sub(name_length)?);
    let frame = bytes.checked_sub(FRAME_AT + TAG_BYTES)?;
    (frame - frame % padding.bucket()).checked_sub(HEADER_BYTES)
}

impl Context {
    /// Seals a draft and appends the value to `out`. The caller must check its length.
    ///
    /// # Errors
    ///
    /// Returns an error if no reader would accept the header, or if the operating system provides no random bytes.
    pub fn seal(
        &self,
        draft: Draft,
        header: &Header,
        padding: Padding,
        out: &mut String,
    ) -> Result<(), Error> {
        header.check()?;
        self.seal_with(Nonce::draw()?, draft, header, padding, out);
        Ok(())
    }

    /// Seals a reference and appends the value to `out`.
    ///
    /// # Errors
    ///
    /// Returns an error if no reader would accept the header, or if the operating system provides no random bytes.
    pub fn seal_reference(&self, header: &Header, to: &Reference, out: &mut String) -> Result<(), Error> {
        header.check()?;
        self.seal_reference_with(Nonce::draw()?, header, to, out);
        Ok(())
    }

    pub(crate) fn seal_with(
        &self,
        nonce: Nonce,
        draft: Draft,
        header: &Header,
        padding: Padding,
        out: &mut String,
    ) {
        let pad = draft.pad(padding);
        let mut bytes = if draft.payload_at == PAYLOAD_AT {
            draft.bytes
        } else {
            let mut moved = Draft::with_room(draft.payload().len());
            moved.write(draft.payload());
            moved.bytes
        };
        bytes.reserve_exact(pad + TAG_BYTES + base64url::SPARE);
        bytes.resize(bytes.len() + pad, 0);
        header.write(pad as u8, &mut bytes[FRAME_AT..]); // a bucket is at most 128
        self.finish(Role::Inline, nonce, bytes, out);
    }

    pub(crate) fn seal_reference_with(
        &self,
        nonce: Nonce,
        header: &Header,
        to: &Reference,
        out: &mut String,
    ) {
        let mut bytes = Draft::with_room(FIELDS_BYTES).bytes;
        Header { schema: 0, ..*header }.write(0, &mut bytes[FRAME_AT..]);
        bytes.extend_from_slice(&to.generation.to_be_bytes());
        bytes.extend_from_slice(&to.secret);
        self.finish(Role::Reference, nonce, bytes, out);
    }

    /// Encrypts the frame in `bytes`, and appends the text of the envelope to `out`.
    fn finish(&self, role: Role, nonce: Nonce, mut bytes: Vec<u8>, out: &mut String) {
        let key = self.sealing();
        bytes[0] = VERSION << 4 | role as u8;
        bytes[1..AAD_BYTES].copy_from_slice(key.id.as_bytes());
        bytes[AAD_BYTES..FRAME_AT].copy_from_slice(nonce.as_bytes());
        let (clear, frame) = bytes.split_at_mut(FRAME_AT);
        let tag = key.aead(role).encrypt(nonce.as_bytes(), &clear[..AAD_BYTES], frame);
        bytes.extend_from_slice(&tag);
        base64url::encode_vec(bytes, out);
    }

    /// Opens the value of a cookie. This checks everything except the timestamps.
    ///
    /// # Errors
    ///
    /// Returns the first [`Refusal`] that applies, in the order of the format: `malformed`, `unsupported_version`,
    /// `unknown_key`, `forged`, `bad_frame`.
    pub fn open<'b>(&self, value: &[u8], buffer: &'b mut Buffer) -> Result<Unsealed<'b>, Refusal> {
        self.open_in(value, &mut buffer.0)
    }

    /// Opens the value of a cookie in a space that is long enough for it, or for the longest.
    pub(crate) fn open_in<'b>(&self, value: &[u8], space: &'b mut [u8]) -> Result<Unsealed<'b>, Refusal> {
        if value.len() > LONGEST_VALUE {
            return Err(Refusal::Malformed);
        }
        let length = base64url::decode(value, space).ok_or(Refusal::Malformed)?;
        let envelope = &mut space[..length];

        let role = match envelope.first().ok_or(Refusal::Malformed)? {
            0x00..=0x0f => return Err(Refusal::Malformed),
            0x11 => Role::Inline,
            0x12 => Role::Reference,
            0x10..=0x1f => return Err(Refusal::Malformed),
            0x20.. => return Err(Refusal::UnsupportedVersion),
        };
        if length < SHORTEST {
            return Err(Refusal::Malformed);
        }

        let (clear, rest) = envelope.split_at_mut(FRAME_AT);
        let (aad, nonce) = clear.split_at(AAD_BYTES);
        let (index, key) = self.find(aad[1..].try_into().expect("four bytes"))?;

        let (frame, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().expect("longer than the shortest");
        key.aead(role).decrypt(nonce.try_into().expect("24 bytes"), aad, frame, tag)?;

        let (header, content) = match role {
            Role::Inline => frame::read_inline(frame)?,
            _ => frame::read_reference(frame)?,
        };
        Ok(Unsealed { header, content, current_key: index == 0 })
    }
}

#[cfg(test)]
#[path = "../../tests/unit/seal/envelope.rs"]
mod tests;
