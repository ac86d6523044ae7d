//! Saving a session before the commit.

use http::StatusCode;

use super::decide::{change, next_header};
use crate::{
    Payload,
    error::{Error, Kind},
    seal::timeouts::stamp,
    session::{
        App, Arrival, Session,
        state::{Before, Blobs, State},
    },
    store::{Change, Reason, Stored},
};

impl<T: Payload> Session<T> {
    /// Performs the steps of the commit that can fail, ahead of the response. Call it before work that must not happen
    /// unless the session is kept.
    ///
    /// It serializes the data, checks its size, and stores a session that does not fit in its cookie. The cookie is
    /// sent with the response, and includes changes made until then.
    ///
    /// Data that was saved to the blob of a stored session stays there, whatever the handler's response. After
    /// [`destroy`](Self::destroy), the destroyed session is deleted from the store. If the store fails, it may have stored
    /// the data all the same, so the commit stores what they are by then, even if the handler has undone its change.
    ///
    /// ```
    /// use sealed_session::{Error, Session};
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Cart { items: Vec<String> }
    ///
    /// async fn charge() {}
    ///
    /// async fn order(session: Session<Cart>) -> Result<(), Error> {
    ///     session.update(|cart| cart.items.push("receipt 17".into()));
    ///     session.save().await?;
    ///     charge().await;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the session fits neither in its cookie nor in a store ([`Error::is_too_large`]), the store
    /// fails ([`Error::is_store`]), another request has changed or ended the session since ([`Error::is_conflict`]), a
    /// value would not read back as it was written, a closure that changed the data panicked, or the response headers
    /// have already been sent ([`Error::is_finished`]).
    pub async fn save(&self) -> Result<(), Error> {
        let app = self.app();
        let _saving = self.begin_saving().await?;
        let deletion = self.with("save", |state| state.check_open().map(|()| state.blobs.deletion.take()))?;
        if let Some(mut deletion) = deletion {
            let deleted = deletion.carry_out().await;
            self.with("save", |state| match &deleted {
                Ok(()) => state.blobs = Blobs::default(),
                // The commit retries.
                Err(_) => state.blobs.deletion = Some(deletion),
            });
            deleted?;
        }
        if let Some(ending) = self.with("save", |state| state.asked.ending.take()) {
            ending.carry_out().await?;
        }
        app.catch_up(self, StatusCode::OK).await?;
        let change = self.with("save", |state| {
            state.check_open()?;
            match state.arrived.arrival {
                // The deletion that `destroy` asked for is done.
                Arrival::Unavailable
                    if state.is_destroyed()
                        && app.settings.sealer.draft(&state.data)?.payload() == app.settings.empty =>
                {
                    Ok(None)
                }
                Arrival::Unavailable => Err(Kind::Detached.into()),
                _ => plan(app, state),
            }
        })?;
        let (Some(mut change), Some(overflow)) = (change, &app.overflow) else { return Ok(()) };
        // If the store fails or this call is dropped, the blob may hold the changed data or not. So the data are not
        // compared with those of before any more: they are a change whatever becomes of them.
        let before = self.with("save", |state| match state.before {
            Before::Serialized(_) if change.reason == Reason::Changed => state.take_before(),
            _ => None,
        });
        let written = Box::pin(overflow.calls().write(&mut change, false)).await;
        self.with("save", |state| match (written, before) {
            (Ok(()), _) => record(app, state, change),
            (Err(error), Some(before)) if !error.is_store() => {
                state.before = Before::Serialized(before);
                Err(error)
            }
            (Err(error), _) => Err(error),
        })
    }
}

/// Returns the session to write to the store now, or `None` if it fits in its cookie.
fn plan<T: Payload>(app: &App<T>, state: &mut State<T>) -> Result<Option<Change>, Error> {
    let settings = &*app.settings;
    let draft = settings.sealer.draft(&state.data)?;
    state.next_id()?; // the blob is sealed for it
    app.keep_standing(state); // a merge may change the data
    app.check_goes_on(state)?;
    app.check_not_expired(state)?;
    let header = next_header(app, state, stamp(settings.now())?);
    let (changed, base) = match &state.before {
        Before::Untouched => (false, None),
        Before::Serialized(before) => (draft.payload() != before.payload(), Some(before.clone())),
        Before::Empty | Before::Unknown => (true, None),
    };
    let reason = if changed { Reason::Changed } else { Reason::Resealed };
    let mut change = change(app, state, reason, header, draft, true)?;
    (change.stored, change.base) = (state.blobs.payload.clone(), base);
    let stores = change.home.is_some() || !settings.sealer.fits(&change.draft);
    Ok(stores.then_some(change))
}

/// Records what was written, for the commit.
fn record<T: Payload>(app: &App<T>, state: &mut State<T>, change: Change) -> Result<(), Error> {
    state.check_open()?;
    let sealer = &app.settings.sealer;
    state.blobs.saved = Some(app.settings.expiry(&change.header));
    let has_changed = change.reason == Reason::Changed;
    let Change { home, leaving, draft, base, stored, mine, .. } = change;
    state.blobs.left = leaving.into_iter().map(|(blob, _)| blob).collect();
    // A change that was saved to another blob is still a change to the data of the blob that the session leaves.
    let (home, base) = match (base, state.blobs.left.is_empty()) {
        (Some(base), false) => (home.map(Stored::to_be_written), Some(base)),
        _ => (home, None),
    };
    // The bytes in the blob are kept if the next write begins with them.
    state.blobs.payload = match has_changed {
        _ if base.is_some() => None,
        true => home.map(|_| draft.clone()),
        false => stored,
    };
    // If no closure could change the data yet, they are unchanged.
    let untouched = matches!(state.before, Before::Untouched);
    let before = |saved| match untouched {
        true => Before::Untouched,
        false => Before::Serialized(base.unwrap_or(saved)),
    };
    (state.blobs.home, state.before) = match mine {
        None => (home, before(draft)),
        Some(mine) if sealer.draft(&state.data)?.payload() == mine.payload() => {
            state.data = sealer.decode(sealer.schema(), draft.payload()).map_err(Kind::Blob)?;
            (home, before(draft))
        }
        // Another thread has changed the data in the meantime, so the next write merges again.
        Some(mine) => {
            state.blobs.payload = None;
            (home.map(Stored::seen_earlier), Before::Serialized(mine))
        }
    };
    Ok(())
}
