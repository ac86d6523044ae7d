//! The judgment of a session by the revocations, for applications that have them.

use http::StatusCode;

use super::decide::{Decision, is_discarded};
use crate::{
    Payload,
    error::{Error, Refusal},
    revocation::{Ending, judge::Standing},
    seal::Header,
    session::{
        App, Session,
        state::{Before, Identity, State},
    },
};

impl<T> App<T> {
    /// Judges a session by its header. Returns true if it has ended, but can still be read.
    pub(super) fn judge_header(&self, header: &Header) -> Result<bool, Refusal> {
        self.judge.as_ref().map_or(Ok(false), |judge| judge.judge_header(header))
    }

    /// Judges a session by its data.
    pub(super) fn judge_data(
        &self,
        data: &T,
        header: &Header,
        ending: bool,
    ) -> Result<Option<Standing>, Refusal> {
        self.judge.as_ref().map_or(Ok(None), |judge| judge.judge_data(data, header, ending))
    }

    /// Returns true if a cookie that was rejected for this reason is removed from the browser.
    pub(super) fn removes(&self, refusal: Refusal) -> bool {
        match &self.judge {
            Some(judge) if refusal == Refusal::Revoked => judge.removes_revoked(),
            _ => refusal.removes(),
        }
    }

    /// Judges a session that was loaded from the store.
    pub(super) fn judge_stored(&self, data: &T, header: &Header) -> Result<Option<Standing>, Refusal> {
        self.judge_data(data, header, self.judge_header(header)?)
    }
}

impl<T: Payload> App<T> {
    /// Reads the log of revocations before a session goes on under a new id or a user signs in. A session that was ended
    /// elsewhere does not escape this way, and one that begins does not fall under an earlier revocation.
    ///
    /// # Errors
    ///
    /// Returns an error if a session that arrived would get a new id, and the log cannot be read.
    pub(super) async fn catch_up(&self, session: &Session<T>, status: StatusCode) -> Result<(), Error> {
        let Some(judge) = &self.judge else { return Ok(()) };
        match session.with("commit", |state| self.must_catch_up(state, status)) {
            false => Ok(()),
            true => {
                let done = judge.catch_up().await;
                let goes_on =
                    session.with("commit", |state| state.arrived.metadata.is_some() && !state.is_destroyed());
                if goes_on { done } else { Ok(()) }
            }
        }
    }

    /// Returns true if the log must be read before this session is committed.
    pub(super) fn must_catch_up(&self, state: &State<T>, status: StatusCode) -> bool {
        let Some(judge) = &self.judge else { return false };
        if state.check_open().is_err() || is_discarded(&self.settings, status) {
            return false;
        }
        match state.asked.identity {
            Identity::NewId | Identity::Restarted if state.arrived.metadata.is_some() => true,
            // A user can also sign in without a new id.
            Identity::Same if state.arrived.metadata.is_some() => {
                !matches!(state.before, Before::Untouched)
                    && judge.has_other_subject(&state.data, &state.standing(judge))
            }
            _ => judge.subject(&state.data).is_some(),
        }
    }

    /// Returns the end of the session that arrived, if this decision ends it.
    pub(super) fn end(&self, state: &mut State<T>, decision: &Decision) -> Option<Ending> {
        let destroyed = state.asked.ending.take();
        if destroyed.is_some() {
            return destroyed;
        }
        let (judge, header) = (self.judge.as_ref()?, state.arrived.header()?);
        if state.is_destroyed() {
            return None;
        }
        let ends = match decision {
            Decision::Keep => false,
            // A session that has reached its absolute timeout has ended by itself.
            Decision::Remove(_) => self.settings.expiry(header) > self.settings.now(),
            Decision::Write(change) => {
                change.draws_id
                    || change.header.session_id != header.session_id
                    || change.is_over(&self.settings.empty)
            }
        };
        if ends { self.ending(judge, state) } else { None }
    }

    /// Returns true if this decision writes a stored session under the id with which it arrived, and the changes of other
    /// requests decide whether it ends.
    pub(super) fn keeps_id(&self, state: &State<T>, decision: &Decision) -> bool {
        let (Some(_), Some(header), Decision::Write(change)) =
            (&self.judge, state.arrived.header(), decision)
        else {
            return false;
        };
        let is_stored = change.home.is_some() || !change.leaving.is_empty();
        is_stored && !change.durable && change.header.session_id == header.session_id
    }

    /// Returns the end of the session that arrived, if only the changes of another request have ended it.
    pub(super) fn late_end(&self, state: &State<T>) -> Option<Ending> {
        self.ending(self.judge.as_ref()?, state)
    }
}
