//! The placing of a session after the decision. It is sealed into its cookie at once, or written to the store first.

use std::{convert::Infallible, pin::Pin, sync::Arc};

use http::{HeaderValue, StatusCode};

use super::decide::{Decision, decide, fallback, not_renewed};
use crate::{
    Payload,
    error::Error,
    revocation::Ending,
    seal::{REFERENCE_CHARACTERS, random::Nonce},
    session::{App, Session},
    settings::Settings,
    store::{Change, Overflow, Reason},
};

/// The effect of the response on the browser's cookie.
pub(crate) enum SetCookie {
    Nothing,
    Remove,
    Set(HeaderValue),
}

/// A placed session: the cookie to write, and the error if the session could not be kept.
pub(crate) struct Placed {
    pub(crate) cookie: SetCookie,
    pub(crate) error: Option<Error>,
}

/// The placing of a session. Without a store it is done at once, and allocates nothing.
pub(crate) enum Placing {
    Ready(Placed),
    Store(PlacingInStore),
}

pub(crate) type PlacingInStore = Pin<Box<dyn Future<Output = Placed> + Send>>;

impl Placing {
    pub(crate) async fn finish(self) -> Placed {
        match self {
            Self::Ready(placed) => placed,
            Self::Store(placing) => placing.await,
        }
    }
}

/// Decides the outcome of a commit, and begins to place the session.
pub(crate) fn place<T: Payload>(session: &Session<T>, status: StatusCode) -> Placing {
    let app = session.app();
    // Without a store and revocations, nothing is waited for while a session is saved or committed.
    if app.overflow.is_none() && app.judge.is_none() {
        return place_decided(session, status);
    }
    // A `save` that is still running in another task comes first, and sometimes the log of revocations.
    let must_wait = app.judge.is_some() && session.with("commit", |state| app.must_catch_up(state, status));
    if !must_wait && let Some(_saving) = session.try_begin_saving() {
        return place_decided(session, status);
    }
    let session = session.clone();
    Placing::Store(Box::pin(async move {
        let ready = async {
            let saving = session.begin_saving().await?;
            session.app().catch_up(&session, status).await?;
            Ok(saving)
        };
        match ready.await {
            Ok(_saving) => place_decided(&session, status).finish().await,
            Err(error) => gave_up(&session, error),
        }
    }))
}

/// Fails a commit because a `save` in another task has taken all of the time, or the log of revocations cannot be read.
fn gave_up<T: Payload>(session: &Session<T>, error: Error) -> Placed {
    let is_destroyed = session.with("commit", |state| state.is_destroyed());
    // No time is left to wait for the deletion of a destroyed session.
    session.finish();
    Placed { cookie: if is_destroyed { SetCookie::Remove } else { SetCookie::Nothing }, error: Some(error) }
}

fn place_decided<T: Payload>(session: &Session<T>, status: StatusCode) -> Placing {
    let (app, now) = (session.app(), session.settings().now());
    let (ending, keeps_id, decision, error) = session.with("commit", |state| {
        let (decision, error) = match decide(app, state, status, now) {
            Ok(decision) => (decision, None),
            // The session was committed before, and the cookie was removed then if necessary.
            Err(error) if error.is_finished() => (Decision::Keep, Some(error)),
            Err(error) => (fallback(state), Some(error)),
        };
        let ending = app.end(state, &decision);
        (ending, app.keeps_id(state, &decision), decision, error)
    });
    let placing = place_decision(app, decision, error);
    match (ending, keeps_id) {
        (None, false) => placing,
        (ending, keeps_id) => Placing::Store(Box::pin(end_old(session.clone(), placing, ending, keeps_id))),
    }
}

/// Places the session, and then revokes the one that arrived, unless it goes on. With the changes of another request, a
/// session under the same id can be empty that was not before, and the other way around.
async fn end_old<T: Payload>(
    session: Session<T>,
    placing: Placing,
    ending: Option<Ending>,
    keeps_id: bool,
) -> Placed {
    let placed = placing.finish().await;
    let ends = match placed.cookie {
        SetCookie::Nothing => false,
        SetCookie::Remove => true,
        SetCookie::Set(_) => !keeps_id,
    };
    let ending = match ending {
        _ if ends => ending.or_else(|| session.with("commit", |state| session.app().late_end(state))),
        Some(ending) => {
            ending.disarm();
            None
        }
        None => None,
    };
    let Some(ending) = ending else { return placed };
    let failed = ending.carry_out().await.err();
    Placed { error: placed.error.or(failed), ..placed }
}

fn place_decision<T: Payload>(app: &Arc<App<T>>, decision: Decision, error: Option<Error>) -> Placing {
    let cookie = match decision {
        Decision::Keep => SetCookie::Nothing,
        Decision::Remove(leaving) if leaving.is_empty() => SetCookie::Remove,
        // A session that fits in its cookie, and neither is in the store nor leaves it, does not need the store.
        Decision::Write(change)
            if change.home.is_none()
                && change.leaving.is_empty()
                && app.settings.sealer.fits(&change.draft) =>
        {
            return Placing::Ready(inline(&app.settings, *change));
        }
        Decision::Remove(leaving) => {
            let app = Arc::clone(app);
            return Placing::Store(Box::pin(async move {
                let failed = app.stored().calls().delete_ended(&leaving).await;
                Placed { cookie: SetCookie::Remove, error: error.or(failed) }
            }));
        }
        Decision::Write(change) => {
            let app = Arc::clone(app);
            return Placing::Store(Box::pin(async move { through_store(app.stored(), *change).await }));
        }
    };
    Placing::Ready(Placed { cookie, error })
}

/// Seals a session into its cookie.
fn inline<T: Payload>(settings: &Settings<T>, mut change: Change) -> Placed {
    let (reason, ended) = (change.reason, change.ended);
    match draw(&mut change).and_then(|nonce| seal(settings, change, nonce)) {
        Ok(cookie) => Placed { cookie: SetCookie::Set(cookie), error: None },
        Err(error) => not_kept(settings, reason, ended, error),
    }
}

/// Writes to the store, and then seals the cookie, with the session or the reference to its blob.
async fn through_store<T: Payload>(overflow: &Overflow<T>, mut change: Change) -> Placed {
    let (settings, calls) = (&*overflow.settings, overflow.calls());
    let (reason, ended) = (change.reason, change.ended);
    let written = async {
        let nonce = draw(&mut change)?;
        Ok((nonce, calls.carry_out(&mut change).await?))
    };
    match written.await {
        Ok((_, late)) if change.home.is_none() && change.is_over(&settings.empty) => {
            Placed { cookie: SetCookie::Remove, error: late }
        }
        Ok((nonce, late)) => match seal(settings, change, nonce) {
            Ok(cookie) => Placed { cookie: SetCookie::Set(cookie), error: late },
            Err(error) => not_kept(settings, reason, ended, error),
        },
        Err(error) => {
            // The deletion is attempted even though the rest has failed. If no time is left, a background task does it.
            let _ = calls.delete_ended(&change.leaving).await;
            not_kept(settings, reason, ended, error)
        }
    }
}

/// Draws the nonce, and the id of a session that has none yet. This can fail, so it comes before anything is written.
fn draw(change: &mut Change) -> Result<Nonce, Error> {
    if !change.draws_id {
        return Ok(Nonce::draw()?);
    }
    let (nonce, id) = Nonce::draw_with_id()?;
    (change.header.session_id, change.draws_id) = (id, false);
    Ok(nonce)
}

/// Lets the browser keep its cookie, unless the session was destroyed.
fn not_kept<T: Payload>(settings: &Settings<T>, reason: Reason, ended: bool, error: Error) -> Placed {
    if ended {
        return Placed { cookie: SetCookie::Remove, error: Some(error) };
    }
    if reason != Reason::Renewed {
        return Placed { cookie: SetCookie::Nothing, error: Some(error) };
    }
    // A renewal does not fail just because another request was faster.
    if !error.is_overtaken() {
        not_renewed(settings, &error);
    }
    Placed { cookie: SetCookie::Nothing, error: None }
}

/// Returns the Set-Cookie header with a session, or with the reference to its blob.
fn seal<T: Payload>(settings: &Settings<T>, change: Change, nonce: Nonce) -> Result<HeaderValue, Error> {
    let Change { header, draft, home, .. } = change;
    let (sealer, cookie) = (&settings.sealer, &settings.cookie);
    let max_age = settings.timeouts().max_age(&header);
    match home {
        None => {
            let length = draft.sealed_len(sealer.padding());
            cookie.header(length, max_age, |out| sealer.seal_draft(draft, &header, nonce, out))
        }
        Some(blob) => {
            let Ok(cookie) = cookie.header(REFERENCE_CHARACTERS, max_age, |out| {
                sealer.context().seal_reference_with(nonce, &header, &blob.reference, out);
                Ok::<_, Infallible>(())
            });
            Ok(cookie)
        }
    }
}

impl<T> App<T> {
    fn stored(&self) -> &Overflow<T> {
        self.overflow.as_ref().expect("only a session with a store has blobs or outgrows its cookie")
    }
}
