//! The end of a single session, which was destroyed or has got a new id.

use super::Revocations;
use crate::{
    error::{Error, Kind},
    seal::timeouts::from_unix,
    store::{Allowance, RevocationEntry},
};

/// An entry that ends every copy of a session's cookie. It is appended even if the request is dropped before there is a
/// response.
pub(crate) struct Ending {
    revocations: Revocations,
    /// `None` once it is appended, or if the budget is used up.
    entry: Option<RevocationEntry>,
}

impl Ending {
    pub(super) fn new(revocations: &Revocations, entry: RevocationEntry) -> Self {
        Self { revocations: revocations.clone(), entry: is_granted(revocations).then_some(entry) }
    }

    /// Leaves the session as it is, because the browser keeps it.
    pub(crate) fn disarm(mut self) {
        self.entry = None;
    }

    /// Appends the entry now. If that fails, the background task retries, and the session has ended in this process.
    pub(crate) async fn carry_out(mut self) -> Result<(), Error> {
        let Some(entry) = self.entry else { return Err(Kind::OverEntryBudget.into()) };
        self.revocations.append(entry).await?; // otherwise it is appended on drop
        self.entry = None;
        Ok(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.revocations.0.follower.append_later(entry);
        }
    }
}

/// Deducts an entry from the budget.
fn is_granted(Revocations(shared): &Revocations) -> bool {
    let allowance = shared.budget.spend(1, from_unix(shared.follower.clock.now().into()));
    if allowance == Allowance::FirstRefusal {
        tracing::error!(
            "the budget of revocation entries is used up: until its period ends, copies of the cookies of sessions \
             that end still open"
        );
    }
    allowance == Allowance::Granted
}
