//! Revocations from a handler.

use super::Session;
use crate::{
    Payload,
    error::{Error, Kind},
    revocation::judge::Caller,
    session::state::Identity,
};

impl<T: Payload> Session<T> {
    /// Ends all other sessions of this session's subject ("log out everywhere else"), and gives this one a new id. Call
    /// it after a change of password, and when the user asks for it.
    ///
    /// The other sessions are ended when the call has returned, by the promise of
    /// [`Revocations`](crate::Revocations). This session needs a new cookie to go on, so call it last: if the response is
    /// a 5xx, this session is ended, too.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no revocations or the session has no
    /// [subject](crate::SessionsBuilder::subject), the log fails ([`Error::is_store`]), the session was ended in the
    /// meantime ([`Error::is_conflict`]), or the response headers have already been sent ([`Error::is_finished`]).
    pub async fn revoke_others(&self) -> Result<(), Error> {
        let judge = self.app().judge.as_ref().ok_or(Kind::NoSubject)?;
        // A session that was ended elsewhere must not end those that ended it.
        judge.catch_up().await?;
        let caller = self.with("revoke_others", |state| {
            state.check_open()?;
            if self.app().has_ended(state) {
                return Err(Error::from(Kind::Ended));
            }
            if self.app().has_expired(state) {
                return Err(Kind::Expired.into());
            }
            let subject = judge.subject(&state.data).ok_or(Kind::NoSubject)?;
            let goes_on = state.arrived.header().filter(|_| !state.is_destroyed());
            Ok(Caller {
                subject,
                began: goes_on.map(|header| header.created),
                arrived_with_subject: state.standing(judge).subject() == Some(subject),
                own: state.asked.revoked_others,
            })
        })?;
        let is_own = caller.arrived_with_subject;
        let revoked = judge.revoke_others(caller).await?;
        self.with("revoke_others", |state| {
            // A session that arrived with another subject can be ended by a revocation of that one.
            if is_own {
                state.asked.revoked_others = Some(revoked);
            }
            state.cycle_id(Identity::Restarted);
        });
        Ok(())
    }

    /// Returns true if the session was ended since the request began, for example to check a long connection now and
    /// then. It asks no store. Without [`Revocations`](crate::Revocations), it is always false.
    ///
    /// Ask more often than once per idle timeout: the entry that ended a single session is not kept for longer.
    ///
    /// # Errors
    ///
    /// Returns an error that [is stale](Error::is_stale) if the log of revocations could not be read in time.
    pub fn is_revoked(&self) -> Result<bool, Error> {
        let Some(judge) = &self.app().judge else { return Ok(false) };
        judge.check_fresh(&self.settings().tally)?;
        Ok(self.with("is_revoked", |state| self.app().has_ended(state)))
    }
}
