//! Random bytes, from a new call to the operating system each time.
//!
//! The process has no generator of its own, because a fork or a cloned machine could repeat its state. A single
//! repeated nonce would let a client forge every session.

use rand::{TryRng, rngs::SysRng};

use crate::error::NoRandomBytes;

/// Fills `out` with random bytes.
pub(crate) fn fill(out: &mut [u8]) -> Result<(), NoRandomBytes> {
    SysRng.try_fill_bytes(out).map_err(NoRandomBytes)
}

/// The nonce of one seal. It cannot be cloned, and sealing consumes it.
pub(crate) struct Nonce([u8; 24]);

impl Nonce {
    /// Draws a nonce for one seal.
    pub(crate) fn draw() -> Result<Self, NoRandomBytes> {
        bytes().map(Self)
    }

    /// Draws a nonce, and the id of a session that begins with it, in one call to the operating system.
    pub(crate) fn draw_with_id() -> Result<(Self, [u8; 16]), NoRandomBytes> {
        let drawn: [u8; 40] = bytes()?;
        let (nonce, id) = drawn.split_first_chunk().expect("forty bytes begin with 24");
        Ok((Self(*nonce), id.try_into().expect("and end with sixteen")))
    }

    #[cfg(feature = "__vectors")]
    pub(crate) fn given(nonce: [u8; 24]) -> Self {
        Self(nonce)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }
}

/// Draws random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomBytes> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}
