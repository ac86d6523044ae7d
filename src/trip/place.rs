//! The way out: what is decided, then what the store does for it, then what is sent.

use std::pin::Pin;

use http::{HeaderMap, StatusCode};

use super::{
    decide::{Plan, StorePlan},
    write::Decision,
};
use crate::{Commit, Payload, Sessions, error::Error, session::Session, store::Kept};

/// A commit that has begun.
pub(crate) enum Begun {
    /// And ended.
    Done(Outcome),
    /// And waits for the store.
    Store(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl Begun {
    /// Waits for the store, if there is anything to wait for.
    pub(crate) async fn outcome(self) -> Outcome {
        match self {
            Self::Done(outcome) => outcome,
            Self::Store(working) => working.await,
        }
    }
}

/// How a commit went.
pub(crate) struct Outcome {
    /// What is to be sent; `None` when everything has been sent before.
    decision: Option<Decision>,
    error: Option<Error>,
}

impl Outcome {
    #[cfg(any(feature = "tower", feature = "hyper"))]
    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

impl<T: Payload> Sessions<T> {
    /// Commits, as far as that goes without a store.
    pub(crate) fn begin_commit(&self, session: &Session<T>, status: StatusCode) -> Begun {
        // A `save` that is still at work, in a task of its own, comes first.
        match session.try_begin_saving() {
            Some(_saving) => self.plan(session, status),
            None => {
                let (these, session) = (self.clone(), session.clone());
                Begun::Store(Box::pin(async move {
                    match session.begin_saving().await {
                        Ok(_saving) => these.plan(&session, status).outcome().await,
                        Err(error) => these.gave_up(&session, error),
                    }
                }))
            }
        }
    }

    /// A `save` in a task of its own has taken all the time there was.
    fn gave_up(&self, session: &Session<T>, error: Error) -> Outcome {
        let (ended, ending) = session.with("commit", |state| {
            state.committed = true;
            (state.is_ended(), state.ending.take())
        });
        // No time is left to wait for it.
        drop(ending);
        let decision = if ended { Decision::Remove } else { Decision::Keep };
        Outcome { decision: Some(decision), error: Some(error) }
    }

    /// Sends what was decided, on the handler's response or on the one that replaces it.
    pub(crate) fn finish_commit(
        &self,
        session: &Session<T>,
        outcome: Outcome,
        headers: &mut HeaderMap,
    ) -> (Commit, Option<Error>) {
        let Outcome { decision, error } = outcome;
        let commit = match decision {
            Some(decision) => session.with("commit", |state| {
                state.settle_ending();
                self.send(decision, state, headers)
            }),
            None => Commit::Keep,
        };
        self.inner.tally.committed(commit, error.is_some());
        match &error {
            Some(error) if error.is_expected() => {
                tracing::debug!(cookie = self.cookie_name(), error = %error.chain(), "a session could not be kept");
            }
            Some(error) => {
                tracing::error!(cookie = self.cookie_name(), error = %error.chain(), "a session could not be kept")
            }
            None => {}
        }
        (commit, error)
    }

    /// Decides what is to become of the session, and begins to do it.
    fn plan(&self, session: &Session<T>, status: StatusCode) -> Begun {
        let (plan, error) = session.with("commit", |state| {
            let first = !state.committed;
            match self.decide(state, status) {
                Ok(plan) => (Some(plan), None),
                // `destroy` holds whatever else happens.
                Err(error) if first => (Some(self.ended(state)), Some(error)),
                Err(error) => (None, Some(error)),
            }
        });
        match plan {
            None => Begun::Done(Outcome { decision: None, error }),
            Some(Plan::Send(decision)) => Begun::Done(Outcome { decision: Some(decision), error }),
            Some(Plan::Store(plan)) => {
                let these = self.clone();
                Begun::Store(Box::pin(async move {
                    let (decision, failed) = these.store(*plan).await;
                    Outcome { decision: Some(decision), error: error.or(failed) }
                }))
            }
        }
    }

    /// Has the store do its part, and decides what is sent.
    async fn store(&self, plan: StorePlan) -> (Decision, Option<Error>) {
        let StorePlan { mut work, stamped, ended } = plan;
        let renewal = work.write.as_ref().is_some_and(|write| write.renewal);
        let calls = self.overflow().calls();
        let late = match self.carry_out(&calls, &mut work).await {
            Ok(Kept::Done(late)) => late,
            Ok(Kept::Overtaken) => return (Decision::Keep, None),
            Err(error) if renewal => return (self.not_renewed(&error), None),
            Err(error) if ended => {
                self.let_go(&calls, &work).await;
                return (Decision::Remove, Some(error));
            }
            Err(error) => return (Decision::Keep, Some(error)),
        };
        let (Some(write), Some(mut stamped)) = (work.write, stamped) else { return (Decision::Remove, late) };
        stamped.header = write.header;
        if work.home.is_none() && self.is_over(&write) {
            return (Decision::Remove, late);
        }
        let cookie = match work.home {
            Some(blob) => Ok(self.set_reference(&blob.reference, stamped)),
            None => self.set_cookie(write.draft, stamped),
        };
        match cookie {
            Ok(cookie) => (Decision::Set(cookie), late),
            Err(error) => (Decision::Keep, Some(error)),
        }
    }
}
