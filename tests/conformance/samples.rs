//! What the stores are tested with.

use std::time::{Duration, SystemTime};

use sealed_session::store::{BlobId, Generation};

pub const HOUR: Duration = Duration::from_secs(3600);

pub fn future() -> SystemTime {
    SystemTime::now() + HOUR
}

pub fn id(number: u128) -> BlobId {
    BlobId::new(number.to_be_bytes())
}

/// A blob of this generation, and of nothing else.
pub fn blob(generation: u64) -> Vec<u8> {
    let mut blob = vec![0x13; 20_000];
    blob[Generation::BYTES].copy_from_slice(&generation.to_be_bytes());
    blob
}
