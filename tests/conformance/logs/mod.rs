//! The logs of this crate follow the rules of `store::RevocationLog`, and the suite that shows it finds faulty logs.

#[cfg(feature = "memory")]
mod memory;
mod mutants;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::SystemTime;

use sealed_session::store::{RevocationEntry, RevocationLog};

fn unix(time: SystemTime) -> u32 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32
}

/// Returns an entry with this key that expires this many seconds from now.
fn entry(key: u64, expires_in: i32) -> RevocationEntry {
    RevocationEntry {
        key,
        stamp: 1_800_000_000,
        until: unix(SystemTime::now()).saturating_add_signed(expires_in),
    }
}

async fn keys(log: &dyn RevocationLog) -> Vec<u64> {
    log.read(0, 100_000).await.unwrap().entries.iter().map(|(_, entry)| entry.key).collect()
}
