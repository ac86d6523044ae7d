//! Writing the headers of a response.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, Entry, SET_COOKIE, VARY},
};

use super::place::{Placed, SetCookie};
use crate::{
    Payload,
    error::Error,
    session::{
        Session,
        state::{Arrived, Seen},
    },
    settings::{Settings, cookie::SessionCookie},
};

/// The effect of a commit on the browser's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Commit {
    /// The cookie stays as it was.
    Keep,
    /// The cookie is set.
    Set,
    /// The cookie is removed.
    Remove,
}

/// Writes the headers of a placed session to the handler's response, or to the one that replaces it.
///
/// # Errors
///
/// Returns the error that occurred while the session was placed.
pub(crate) fn write<T: Payload>(
    session: &Session<T>,
    placed: Placed,
    headers: &mut HeaderMap,
) -> Result<Commit, Error> {
    let (settings, Placed { cookie, error }) = (session.settings(), placed);
    let commit = match &error {
        // The session was committed before, to another response.
        Some(error) if error.is_finished() => Commit::Keep,
        _ => session.with("commit", |state| {
            state.disarm_deletion();
            write_headers(settings, cookie, &state.arrived, headers)
        }),
    };
    let tally = &settings.tally;
    let Some(error) = error else {
        let counter = match commit {
            Commit::Keep => &tally.kept,
            Commit::Set => &tally.set,
            Commit::Remove => &tally.removed,
        };
        counter.add(1);
        return Ok(commit);
    };
    tally.failed.add(1);
    let (cookie, causes) = (settings.cookie_name(), error.chain());
    if error.is_expected() {
        tracing::debug!(cookie, error = %causes, "a session could not be kept");
    } else {
        tracing::error!(cookie, error = %causes, "a session could not be kept");
    }
    Err(error)
}

fn write_headers<T: Payload>(
    settings: &Settings<T>,
    cookie: SetCookie,
    arrived: &Arrived,
    headers: &mut HeaderMap,
) -> Commit {
    vary(headers);
    let is_kept = matches!(cookie, SetCookie::Nothing);
    let set = if let SetCookie::Set(cookie) = cookie { Some(cookie) } else { None };
    // If the session stays as it is, only cookies that no node can open are removed.
    let drops = |seen| if is_kept { seen == Seen::Removable } else { seen != Seen::Absent };
    let removals = removals(settings, arrived, set.is_some(), drops);
    let commit = match &set {
        Some(_) => Commit::Set,
        None if removals.is_empty() || (is_kept && arrived.metadata.is_some()) => Commit::Keep,
        None => Commit::Remove,
    };
    if set.is_some() || !removals.is_empty() {
        append_token(headers, CACHE_CONTROL, &["no-store"], HeaderValue::from_static("no-store"));
    }
    for cookie in removals.into_iter().chain(set) {
        headers.append(SET_COOKIE, cookie);
    }
    commit
}

/// Returns the Set-Cookie headers that remove cookies from the browser.
fn removals<T: Payload>(
    settings: &Settings<T>,
    arrived: &Arrived,
    is_set: bool,
    drops: impl Fn(Seen) -> bool,
) -> Vec<HeaderValue> {
    let mut dropped: Vec<&SessionCookie> = Vec::new();
    if !is_set && drops(arrived.current) {
        dropped.push(&settings.cookie);
    }
    for (previous, seen) in settings.previous.iter().zip(&arrived.previous) {
        let same = |cookie: &SessionCookie| cookie == &previous.cookie;
        // A cookie that is about to be set, or is removed already, needs no removal of its own.
        let covered = (is_set && same(&settings.cookie)) || dropped.iter().any(|cookie| same(cookie));
        if drops(*seen) && !covered {
            dropped.push(&previous.cookie);
        }
    }
    dropped.into_iter().map(SessionCookie::removal).collect()
}

/// Adds `Vary: Cookie`, because the response depends on the request's cookies.
pub(crate) fn vary(headers: &mut HeaderMap) {
    append_token(headers, VARY, &["cookie", "*"], HeaderValue::from_static("Cookie"));
}

/// Appends a line to a header of comma-separated tokens, unless it already contains one of the tokens in `satisfied`.
fn append_token(headers: &mut HeaderMap, name: HeaderName, satisfied: &[&str], line: HeaderValue) {
    let is_satisfied = |line: &HeaderValue| {
        members(line.as_bytes())
            .any(|token| satisfied.iter().any(|wanted| token.eq_ignore_ascii_case(wanted.as_bytes())))
    };
    match headers.entry(name) {
        Entry::Vacant(entry) => drop(entry.insert(line)),
        Entry::Occupied(entry) if entry.iter().any(is_satisfied) => {}
        Entry::Occupied(mut entry) => entry.append(line),
    }
}

/// Returns the members of a comma-separated list (RFC 9110, section 5.6.1). A comma within a quoted string is not a
/// separator, and a backslash there escapes the next character (section 5.6.4).
fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' => return !quoted,
            _ => {}
        }
        false
    })
    .map(<[u8]>::trim_ascii)
}
