//! Test suites for implementations of [`Store`] and [`RevocationLog`].
//!
//! ```
//! # #[cfg(feature = "memory")]
//! use sealed_session::store::{MemoryStore, conformance};
//!
//! # #[cfg(feature = "memory")]
//! #[tokio::main]
//! async fn main() {
//!     conformance::check(&MemoryStore::new()).await; // replace with your store
//! }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```

mod checks;
mod kit;
mod log;
mod races;

use kit::Subject;

use super::{RevocationLog, Store};

/// Checks that a store follows the rules of [`Store`].
///
/// The store may contain other blobs and be in use, because the check uses random blob ids. It stores about four
/// megabytes in total, with a largest blob of 1 MiB, and deletes the blobs that have not expired.
///
/// The check takes a little more than two seconds, because it waits for blobs to expire, and longer with a slow store. At
/// most eight calls overlap. The clocks of the store and of this machine must agree within half an hour.
///
/// Overlapping calls are futures that one task polls in turn. This detects a store that reads and then writes with an
/// `.await` in between. It cannot detect a race between threads in a store that does both without an `.await`, such as
/// one that releases a lock too early. Test that yourself.
///
/// # Panics
///
/// Panics if the store breaks a rule, with a message that names the rule, or if a call fails. Panics outside of a tokio
/// runtime with a clock.
pub async fn check(store: &dyn Store) {
    let subject = Subject(store);
    checks::absent(subject).await;
    checks::kept(subject).await;
    checks::create(subject).await;
    checks::replace(subject).await;
    checks::set_expiry(subject).await;
    checks::delete(subject).await;
    checks::generations(subject).await;
    checks::most(subject).await;
    checks::ids(subject).await;
    checks::expired(subject).await;
    checks::expires_by_itself(subject).await;
    races::all(subject).await;
}

/// Checks that a log follows the rules of [`RevocationLog`].
///
/// Other entries and other users do not disturb the check. It appends about 900 entries with random keys, which end
/// no session and expire after two hours.
///
/// Overlapping calls are futures that one task polls in turn. A log in a database needs a second test, in which several
/// connections append and read at the same time. The clocks of the log and of this machine must agree within half an
/// hour.
///
/// # Panics
///
/// Panics if the log breaks a rule, with a message that names the rule, or if a call fails. Panics outside of a tokio
/// runtime with a clock.
pub async fn check_log(log: &dyn RevocationLog) {
    let subject = log::Subject(log);
    log::order(subject).await;
    log::values(subject).await;
    log::expiry(subject).await;
    log::overlapping(subject).await;
}
