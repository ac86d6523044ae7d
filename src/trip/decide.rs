//! The decision of a commit: keep the browser's cookie, remove it, or write the session. It depends only on its
//! arguments: it uses no key, no randomness, no header and no store.

use std::time::SystemTime;

use http::StatusCode;

use crate::{
    Payload,
    error::{Error, Kind},
    seal::{Draft, Header, timeouts::stamp},
    session::{
        App, Arrival,
        state::{Before, Identity, Persistence, Phase, Renewing, State},
    },
    settings::{Settings, policy::Renewal},
    store::{Change, Leave, Reason, Stored},
};

/// The outcome of a commit for the browser's session.
pub(crate) enum Decision {
    /// The cookie stays as it is.
    Keep,
    /// The cookie is removed, and these blobs are deleted.
    Remove(Vec<(Stored, Leave)>),
    /// The session is written, to the cookie or to the store.
    Write(Box<Change>),
}

/// Decides the outcome of a commit.
///
/// # Errors
///
/// Returns an error if the session cannot be kept. [`fallback`] then decides the outcome.
pub(crate) fn decide<T: Payload>(
    app: &App<T>,
    state: &mut State<T>,
    status: StatusCode,
    now: SystemTime,
) -> Result<Decision, Error> {
    let settings = &*app.settings;
    // 1. A session is committed once, and not at all if a closure that changed it panicked.
    let open = state.check_open();
    state.phase = Phase::Committed;
    open?;
    if state.arrived.arrival == Arrival::Unavailable {
        return Ok(decide_unavailable(settings, state));
    }

    // 2. A server error discards everything except `destroy`. So does a 408, with which a timeout layer responds for a
    //    handler that it canceled, perhaps between two steps that belong together.
    if is_discarded(settings, status) {
        return Ok(fallback(state));
    }

    // 3. The session has changed if its serialized data differs.
    let has_new_header = state.has_new_header();
    let draft = match &state.before {
        Before::Untouched if !has_new_header => return decide_unchanged(app, state, now),
        _ => settings.sealer.draft(&state.data)?,
    };
    let unchanged = match &state.before {
        Before::Untouched => true,
        Before::Empty => draft.payload() == settings.empty,
        Before::Serialized(before) => draft.payload() == before.payload(),
        Before::Unknown => false,
    };
    if unchanged && !has_new_header {
        return decide_unchanged(app, state, now);
    }
    // Another request has ended the session, and this one must not bring it back.
    app.check_cookie_goes_on(state)?;

    // 4. An empty session is removed. If it is stored, the empty data is written first, for requests in flight.
    let as_it_came = matches!(state.before, Before::Untouched) && state.arrived.metadata.is_some();
    let durable = state.asked.durable || as_it_came;
    let is_over = draft.payload() == settings.empty && !durable;
    if is_over && !state.is_stored() {
        return Ok(if state.arrived.metadata.is_some() { remove(state) } else { fallback(state) });
    }

    // 5. A session that has reached its absolute timeout is removed.
    let now = stamp(now)?;
    let header = next_header(app, state, now);
    if settings.timeouts().deadline(&header) <= u64::from(now) {
        return Ok(match (state.asked.identity, state.asked.persistence) {
            // The blob expires by itself, unless another request has extended it.
            (Identity::Same, None) => Decision::Remove(Vec::new()),
            _ => remove(state),
        });
    }
    // An empty session is written too, before its cookie is removed, even if `save` has already written it.
    let reason = if unchanged && !is_over { Reason::Resealed } else { Reason::Changed };
    let (stored, base) = (state.blobs.payload.take(), state.take_before());
    let mut change = change(app, state, reason, header, draft, durable)?;
    (change.stored, change.base, change.saved) = (stored, base, state.blobs.saved);
    Ok(Decision::Write(Box::new(change)))
}

/// Returns true if a response of this status discards all changes except `destroy`.
pub(super) fn is_discarded<T>(settings: &Settings<T>, status: StatusCode) -> bool {
    let failed = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
    failed && !settings.commit_on_server_error
}

/// Decides the outcome for a session that cannot be kept, or whose changes are discarded. `destroy` still takes effect.
pub(crate) fn fallback<T>(state: &State<T>) -> Decision {
    if state.is_destroyed() { remove(state) } else { Decision::Keep }
}

/// Removes the browser's cookie, and deletes the session's blobs.
fn remove<T>(state: &State<T>) -> Decision {
    Decision::Remove(state.delete_blobs())
}

/// Decides the outcome for an unchanged session, which is renewed if it is due.
fn decide_unchanged<T: Payload>(app: &App<T>, state: &State<T>, now: SystemTime) -> Result<Decision, Error> {
    let settings = &*app.settings;
    let Some(header) = state.arrived.header() else { return Ok(Decision::Keep) };
    let now = stamp(now)?;
    let arrived = &state.arrived;
    let due = match settings.renewal {
        _ if state.asked.renewal == Renewing::Always => true,
        _ if state.asked.renewal == Renewing::Never => false,
        _ if arrived.moved => true,
        // The response that moved it back to its cookie may have been lost. A background request does not renew it, so
        // that it does not undo the change of a navigation.
        _ if state.blobs.home.is_some_and(|home| home.returns) && !arrived.background => true,
        Renewal::WhenSpent => {
            let parts = if arrived.background { 2 } else { 4 };
            settings.timeouts().is_spent(header, now.into(), parts)
        }
        Renewal::EveryRequest => true,
        Renewal::OnChange => false,
    };
    if !due
        || settings.timeouts().deadline(header) <= u64::from(now)
        || app.check_cookie_goes_on(state).is_err()
    {
        return Ok(Decision::Keep);
    }
    let renewal = settings.sealer.draft(&state.data).and_then(|draft| {
        let mut change = change(app, state, Reason::Renewed, header.renewed(now), draft, true)?;
        change.stored = state.blobs.payload.clone();
        Ok(change)
    });
    Ok(match renewal {
        Ok(change) => Decision::Write(Box::new(change)),
        Err(error) => {
            not_renewed(settings, &error);
            Decision::Keep
        }
    })
}

/// Logs that a renewal failed. This loses nothing: the browser's cookie stays valid until it expires.
pub(super) fn not_renewed<T: Payload>(settings: &Settings<T>, error: &Error) {
    tracing::error!(cookie = settings.cookie_name(), error = %error.chain(), "a session could not be renewed");
}

/// Decides the outcome for a fresh session that stands in for one that could not be loaded. No part of it is kept.
fn decide_unavailable<T: Payload>(settings: &Settings<T>, state: &State<T>) -> Decision {
    if !matches!(state.before, Before::Untouched) && !state.is_destroyed() {
        tracing::warn!(
            cookie = settings.cookie_name(),
            "a change is lost: it was made to a fresh session, in place of one that could not be loaded"
        );
    }
    fallback(state)
}

/// Returns a session to be written, with the blob that it is in and those that it leaves.
///
/// # Errors
///
/// Returns an error if the data fits neither in the cookie nor in the store.
pub(super) fn change<T: Payload>(
    app: &App<T>,
    state: &State<T>,
    reason: Reason,
    header: Header,
    draft: Draft,
    durable: bool,
) -> Result<Change, Error> {
    check_size(app, state, &draft)?;
    let id = state.known_id().map(|id| *id.as_bytes());
    let is_home = |blob: &Stored| Some(blob.session_id) == id && blob.previous.is_none();
    let leave = |blob: &Stored| match Some(blob.session_id) == id {
        _ if state.is_destroyed() => Leave::Delete,
        true => Leave::Expire,
        false => Leave::DeleteUnchanged,
    };
    Ok(Change {
        reason,
        header: Header { session_id: id.unwrap_or_default(), ..header },
        draws_id: id.is_none(),
        came: state.arrived.header().copied(),
        draft,
        base: None,
        stored: None,
        mine: None,
        durable,
        ended: state.is_destroyed(),
        saved: None,
        home: state.all_blobs().copied().find(is_home),
        leaving: state.all_blobs().filter(|blob| !is_home(blob)).map(|blob| (*blob, leave(blob))).collect(),
    })
}

fn check_size<T: Payload>(app: &App<T>, state: &State<T>, draft: &Draft) -> Result<(), Error> {
    let sealer = &app.settings.sealer;
    match (&app.overflow, app.overflow_for(state)) {
        (Some(_), _) if sealer.fits(draft) => Ok(()),
        (Some(_), Some(overflow)) => overflow.check_size(draft),
        (Some(_), None) => {
            app.settings.tally.barred.add(1);
            Err(Kind::Barred { size: sealer.size(draft), limit: sealer.limit() }.into())
        }
        (None, _) => sealer.check_size(draft),
    }
}

/// Returns the header with which a changed session goes on, except for its id.
pub(super) fn next_header<T: Payload>(app: &App<T>, state: &State<T>, now: u32) -> Header {
    let settings = &*app.settings;
    let begun = settings.sealer.begin(now);
    let mut header = match (state.arrived.header(), state.asked.identity) {
        (None, _) | (_, Identity::Another) => begun,
        (Some(header), Identity::Same | Identity::NewId) => header.renewed(now),
        (Some(Header { window, persistent, .. }), Identity::Restarted) => {
            Header { window: *window, persistent: *persistent, ..begun }
        }
    };
    match state.asked.persistence {
        None if header.persistent && settings.timeouts().are_all_persistent() => {
            header.window = header.window.max(begun.window);
        }
        None => {}
        Some(Persistence::Browser) => header.persistent = false,
        Some(Persistence::Persistent(window)) => (header.persistent, header.window) = (true, window),
    }
    if !header.persistent {
        header.window = settings.timeouts().idle_window();
    }
    // The session of a user who signs in after a revocation must differ from those that were revoked.
    if let Some(revoked) = app.judge.as_ref().and_then(|judge| judge.revoked_up_to(&state.data))
        && header.created <= revoked
    {
        header.created = revoked.saturating_add(1);
        header.issued = header.issued.max(header.created);
    }
    header
}
