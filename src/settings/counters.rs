//! Counters for monitoring.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::Refusal;

/// One counter.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Declares the counters, both as the application reads them and as the crate increments them.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters for monitoring, from [`Sessions::counters`](crate::Sessions::counters). They count the events in
        /// this process since the sessions were built.
        ///
        /// In `refused`, a sudden rise of `unknown_key` indicates a key rotation gone wrong, a rise of `forged` an
        /// attack or a changed realm, and a rise of `unknown_schema` a deployment that changed the session type.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
            /// Requests whose session cookies were all rejected, by the first reason.
            pub refused: Vec<(Refusal, u64)>,
        }

        #[derive(Default)]
        pub(crate) struct Tally {
            $(pub(crate) $name: Count,)*
            refused: [Count; Refusal::ALL.len()],
        }

        impl Tally {
            pub(crate) fn read(&self) -> Counters {
                Counters {
                    $($name: self.$name.read(),)*
                    refused: Refusal::ALL.iter().map(|refusal| (*refusal, self.refused(*refusal).read())).collect(),
                }
            }
        }
    };
}

counters! {
    /// Sessions of requests without a session cookie.
    absent,
    /// Sessions that were opened.
    opened,
    /// Responses that left the cookie as it was.
    kept,
    /// Responses that set the cookie.
    set,
    /// Responses that removed the cookie.
    removed,
    /// Commits that failed.
    failed,
    /// Requests whose session could not be loaded, because the store failed or timed out, or the log of revocations
    /// could not be read in time.
    unavailable,
    /// Sessions that were opened although the log of revocations could not be read in time
    /// ([`accept_when_stale`](crate::RevocationsBuilder::accept_when_stale)).
    stale,
    /// Sessions that outgrew their cookies and moved to the store.
    moved_to_store,
    /// Sessions that shrank and moved back to their cookies.
    moved_to_cookie,
    /// Changes to stored sessions that replaced another request's change.
    overwritten,
    /// Changes to stored sessions that [`on_conflict`](crate::SessionsBuilder::on_conflict) merged with another
    /// request's change.
    merged,
    /// Bytes written to the store.
    bytes_written,
    /// Bytes by which sessions that entered the store, or grew there, have enlarged it.
    bytes_added,
    /// Sessions that outgrew their cookies, and that [`may_overflow`](crate::SessionsBuilder::may_overflow) kept out of
    /// the store.
    barred,
    /// Writes that the [`store_budget`](crate::SessionsBuilder::store_budget) rejected.
    over_budget,
    /// Stored sessions that were no longer needed and could not be removed within their request. A background task
    /// retries for an hour.
    cleanups_retried,
    /// Stored sessions that the background task could not remove either. Each stays in the store until it expires, and
    /// copies of its old cookie open it.
    cleanups_failed,
}

impl Tally {
    pub(crate) fn refused(&self, refusal: Refusal) -> &Count {
        &self.refused[refusal as usize]
    }
}
