//! What every store must do, as a test to call.
//!
//! ```
//! # #[cfg(feature = "memory")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use sealed_session::store::{MemoryStore, conformance};
//!
//! conformance::check(&MemoryStore::new()).await; // your store, in a test of yours
//! # }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```

mod checks;
mod kit;
mod races;

use kit::Subject;

use super::Store;

/// Holds a store to the rules of [`Store`].
///
/// The store may hold other blobs, and others may use it meanwhile: the check draws indexes of its own at random. It
/// stores some four megabytes, the largest blob being 1 MiB, and deletes what it has stored and has not expired. It takes two seconds and
/// not many more, since only the store's own clock can tell that a blob expires by itself; the store's clock and this
/// machine's must agree within half an hour. It runs in any runtime.
///
/// Overlapping calls are futures that one task polls in turn. That finds a store that looks and then writes, with an
/// `.await` in between. A store that does both without one (under a lock, say) is for you to show atomic between threads.
///
/// # Panics
///
/// If a rule is broken, with a sentence that says which; and if a call fails.
pub async fn check<S: Store>(store: &S) {
    let subject = Subject(store);
    checks::absent(subject).await;
    checks::kept(subject).await;
    checks::create(subject).await;
    checks::replace(subject).await;
    checks::set_expiry(subject).await;
    checks::delete(subject).await;
    checks::generations(subject).await;
    checks::most(subject).await;
    checks::indexes(subject).await;
    checks::expired(subject).await;
    checks::expires_by_itself(subject).await;
    races::all(subject).await;
}
