//! What is inside an envelope: the inline frame, with the session's data, and the reference frame, with the place
//! where they are.

use std::fmt;

use crate::error::{Error, Kind, Refusal};

pub(super) const HEADER_BYTES: usize = 34;
pub(super) const REFERENCE_BYTES: usize = 74;
const PERSISTENT: u8 = 1;

/// The stamps and metadata that every frame begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The fingerprint of the payload's shape; 0 in a reference.
    pub schema: u32,
    /// When the session began, in Unix seconds.
    pub created: u32,
    /// When this cookie was sealed, in Unix seconds.
    pub issued: u32,
    /// How many seconds after `issued` the cookie stops to open.
    pub window: u32,
    /// The session's id.
    pub session_id: [u8; 16],
    /// Whether the cookie has a Max-Age, and so outlives the browser.
    pub persistent: bool,
}

impl fmt::Debug for Header {
    /// Without the session id, which names a person's visit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("schema", &self.schema)
            .field("created", &self.created)
            .field("issued", &self.issued)
            .field("window", &self.window)
            .field("persistent", &self.persistent)
            .finish_non_exhaustive()
    }
}

impl Header {
    /// The header of the next cookie of the same session. A clock that is behind the session's beginning seals at that.
    pub(crate) fn renewed(&self, now: u32) -> Self {
        Self { issued: now.max(self.created), ..*self }
    }

    fn is_readable(&self) -> bool {
        self.created <= self.issued && self.window > 0
    }

    /// Refuses to seal what no reader would accept.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.is_readable() {
            true => Ok(()),
            false => Err(Kind::Unreadable(
                "a header cannot be sealed whose window is 0, or that was issued before it was created",
            )
            .into()),
        }
    }

    pub(super) fn write(&self, pad: u8, out: &mut [u8]) {
        out[0..4].copy_from_slice(&self.schema.to_be_bytes());
        out[4..8].copy_from_slice(&self.created.to_be_bytes());
        out[8..12].copy_from_slice(&self.issued.to_be_bytes());
        out[12..16].copy_from_slice(&self.window.to_be_bytes());
        out[16..32].copy_from_slice(&self.session_id);
        out[32] = if self.persistent { PERSISTENT } else { 0 };
        out[33] = pad;
    }

    /// The header, the pad's length, and what follows the header.
    fn read(frame: &[u8]) -> Result<(Self, u8, &[u8]), Refusal> {
        let (head, rest) = frame.split_first_chunk::<HEADER_BYTES>().ok_or(Refusal::BadFrame)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let header = Self {
            schema: word(0),
            created: word(4),
            issued: word(8),
            window: word(12),
            session_id: head[16..32].try_into().expect("sixteen bytes"),
            persistent: head[32] == PERSISTENT,
        };
        let flags_known = head[32] & !PERSISTENT == 0;
        if !flags_known || !header.is_readable() {
            return Err(Refusal::BadFrame);
        }
        Ok((header, head[33], rest))
    }
}

/// Where an overflowed session's blob is, and how to open it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The lowest generation of the blob that this cookie accepts.
    pub generation: u64,
    /// Drawn when the session was spilled: the blob's index and key come from it.
    pub secret: [u8; 32],
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// What an authentic frame carries behind its header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// The payload itself.
    Inline(&'a [u8]),
    /// The place where it is.
    Reference(Reference),
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(payload) => write!(f, "Inline({} bytes)", payload.len()),
            Self::Reference(reference) => reference.fmt(f),
        }
    }
}

/// Reads an inline frame.
pub(super) fn read_inline(frame: &[u8]) -> Result<(Header, Content<'_>), Refusal> {
    let (header, pad, rest) = Header::read(frame)?;
    Ok((header, Content::Inline(strip_pad(rest, usize::from(pad))?)))
}

/// Reads a reference frame.
pub(super) fn read_reference(frame: &[u8]) -> Result<(Header, Content<'static>), Refusal> {
    let (header, pad, rest) = Header::read(frame)?;
    let fields: &[u8; REFERENCE_BYTES - HEADER_BYTES] = rest.try_into().map_err(|_| Refusal::BadFrame)?;
    if header.schema != 0 || pad != 0 {
        return Err(Refusal::BadFrame);
    }
    let (generation, secret) = fields.split_first_chunk().expect("forty bytes begin with eight");
    let reference = Reference {
        generation: u64::from_be_bytes(*generation),
        secret: secret.try_into().expect("and end with thirty-two"),
    };
    Ok((header, Content::Reference(reference)))
}

/// Takes `pad` bytes off the end, all of which must be zero.
pub(super) fn strip_pad(padded: &[u8], pad: usize) -> Result<&[u8], Refusal> {
    let length = padded.len().checked_sub(pad).ok_or(Refusal::BadFrame)?;
    let (payload, zeroes) = padded.split_at(length);
    if zeroes.iter().all(|byte| *byte == 0) { Ok(payload) } else { Err(Refusal::BadFrame) }
}

/// The fewest bytes that bring `length` to a multiple of `bucket`.
pub(super) fn pad_to(length: usize, bucket: usize) -> usize {
    length.next_multiple_of(bucket) - length
}
