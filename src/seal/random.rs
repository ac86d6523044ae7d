//! Random bytes, from the operating system and asked anew each time.
//!
//! No generator lives in the process whose state a fork or a cloned machine could repeat: one repeated nonce would
//! let a client forge every session.

use rand::{TryRng, rngs::SysRng};

use crate::error::{Error, Kind};

/// Fills `out`, or fails.
pub(crate) fn fill(out: &mut [u8]) -> Result<(), Error> {
    SysRng.try_fill_bytes(out).map_err(|error| Kind::Random(error).into())
}

/// So many random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}
