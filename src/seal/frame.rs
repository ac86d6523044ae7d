//! The content of an envelope: an inline frame, which holds the session data, or a reference frame, which names the
//! stored blob that holds it.

use std::fmt;

use crate::error::{Error, Kind, Refusal};

pub(super) const HEADER_BYTES: usize = 34;
/// The length of what follows the header in a reference frame: a generation and a secret.
pub(super) const FIELDS_BYTES: usize = 40;
pub(super) const REFERENCE_BYTES: usize = HEADER_BYTES + FIELDS_BYTES;
const PERSISTENT: u8 = 1;

/// The timestamps and metadata at the beginning of every frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The schema number of the payload, or 0 in a reference.
    pub schema: u32,
    /// The time at which the session began, in Unix seconds.
    pub created: u32,
    /// The time at which this cookie was sealed, in Unix seconds.
    pub issued: u32,
    /// The idle timeout: the number of seconds after `issued` at which the cookie stops opening.
    pub window: u32,
    /// The session's id.
    pub session_id: [u8; 16],
    /// True if the cookie is persistent: it has a Max-Age, so that it survives the closing of the browser.
    pub persistent: bool,
}

impl fmt::Debug for Header {
    /// Hides the session id, which identifies a visit.
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
    /// Returns the header of the next cookie of the same session. If the clock is behind the beginning of the session,
    /// the cookie is issued at the beginning.
    pub(crate) fn renewed(&self, now: u32) -> Self {
        Self { issued: now.max(self.created), ..*self }
    }

    fn is_readable(&self) -> bool {
        self.created <= self.issued && self.window > 0
    }

    /// Rejects a header that no reader would accept.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.is_readable() {
            true => Ok(()),
            false => Err(Kind::Unreadable(
                "a header whose window is 0, or that was issued before it was created, cannot be sealed",
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

    /// Reads the header. Returns it with the length of the padding and the bytes that follow the header.
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

/// The reference to the blob of a stored session, from which the blob's id and key are derived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The lowest generation of the blob that this cookie accepts.
    pub generation: u64,
    /// Random bytes drawn when the session moved to the store. The blob's index and key are derived from them.
    pub secret: [u8; 32],
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// The content of an authentic frame, after its header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// The payload itself.
    Inline(&'a [u8]),
    /// The reference to the stored blob that holds the payload.
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
    let fields: &[u8; FIELDS_BYTES] = rest.try_into().map_err(|_| Refusal::BadFrame)?;
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

/// Removes `pad` bytes from the end, all of which must be zero.
pub(super) fn strip_pad(padded: &[u8], pad: usize) -> Result<&[u8], Refusal> {
    let length = padded.len().checked_sub(pad).ok_or(Refusal::BadFrame)?;
    let (payload, zeroes) = padded.split_at(length);
    if zeroes.iter().all(|byte| *byte == 0) { Ok(payload) } else { Err(Refusal::BadFrame) }
}

/// Returns the smallest number of bytes that pads `length` to a multiple of `bucket`.
pub(super) fn pad_to(length: usize, bucket: usize) -> usize {
    length.next_multiple_of(bucket) - length
}
