//! What is sent: the headers of a response.

use std::convert::Infallible;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use super::open::{Presented, Seen};
use crate::{
    Commit, Payload, Sessions,
    error::Error,
    seal::{Draft, REFERENCE_CHARACTERS, Reference},
    sealer::Stamped,
    session::State,
    settings::cookie::SessionCookie,
};

/// What becomes of the browser's cookie.
pub(super) enum Decision {
    Keep,
    Remove,
    Set(HeaderValue),
}

impl<T: Payload> Sessions<T> {
    /// The Set-Cookie header of a session.
    pub(super) fn set_cookie(&self, draft: Draft, stamped: Stamped) -> Result<HeaderValue, Error> {
        let sealer = &self.inner.sealer;
        let length = draft.sealed_len(sealer.padding());
        let max_age = self.timeouts().max_age(&stamped.header);
        self.inner.cookie.header(length, max_age, |out| sealer.seal_draft(draft, stamped, out))
    }

    /// The Set-Cookie header of a session that is in the store.
    pub(super) fn set_reference(&self, to: &Reference, stamped: Stamped) -> HeaderValue {
        let max_age = self.timeouts().max_age(&stamped.header);
        let Ok(cookie) = self.inner.cookie.header(REFERENCE_CHARACTERS, max_age, |out| {
            self.inner.sealer.seal_reference(to, stamped, out);
            Ok::<_, Infallible>(())
        });
        cookie
    }

    /// Writes the headers of a decision.
    pub(super) fn send(&self, decision: Decision, state: &State<T>, headers: &mut HeaderMap) -> Commit {
        let (set, commit) = match decision {
            Decision::Set(cookie) => (Some(cookie), Commit::Set),
            Decision::Remove => (None, Commit::Remove),
            Decision::Keep => (None, Commit::Keep),
        };

        vary(headers);
        let removals = self.removals(commit, &state.presented);
        let commit = match commit {
            Commit::Keep if state.held.is_none() && !removals.is_empty() => Commit::Remove,
            commit => commit,
        };
        if set.is_some() || !removals.is_empty() {
            append_token(headers, CACHE_CONTROL, &["no-store"], HeaderValue::from_static("no-store"));
        }
        for cookie in removals.into_iter().chain(set) {
            headers.append(SET_COOKIE, cookie);
        }
        commit
    }

    /// The Set-Cookie headers for the cookies that the browser is to drop.
    fn removals(&self, commit: Commit, presented: &Presented) -> Vec<HeaderValue> {
        let drops = |seen: Seen| match commit {
            // What the browser sent and no node could open for this request goes; the rest stays.
            Commit::Keep => seen == Seen::Removable,
            Commit::Set | Commit::Remove => seen != Seen::Absent,
        };
        let inner = &*self.inner;
        let mut dropped: Vec<&SessionCookie> = Vec::new();
        if commit != Commit::Set && drops(presented.current) {
            dropped.push(&inner.cookie);
        }
        for (previous, seen) in inner.previous.iter().zip(&presented.previous) {
            let same = |cookie: &SessionCookie| cookie == &previous.cookie;
            // A cookie that is about to be set, or is removed already, needs no removal of its own.
            let covered =
                (commit == Commit::Set && same(&inner.cookie)) || dropped.iter().any(|cookie| same(cookie));
            if drops(*seen) && !covered {
                dropped.push(&previous.cookie);
            }
        }
        dropped.into_iter().map(SessionCookie::removal).collect()
    }
}

/// Says that the response depends on the request's cookies.
pub(crate) fn vary(headers: &mut HeaderMap) {
    append_token(headers, VARY, &["cookie", "*"], HeaderValue::from_static("Cookie"));
}

/// Appends a line to a header of comma-separated tokens, unless one of `satisfied` is there already.
fn append_token(headers: &mut HeaderMap, name: HeaderName, satisfied: &[&str], line: HeaderValue) {
    let present = headers
        .get_all(&name)
        .into_iter()
        .flat_map(|line| members(line.as_bytes()))
        .any(|token| satisfied.iter().any(|wanted| token.eq_ignore_ascii_case(wanted.as_bytes())));
    if !present {
        headers.append(name, line);
    }
}

/// The members of a comma-separated list (RFC 9110, section 5.6.1). A comma within a quoted string separates nothing,
/// and a backslash there takes the meaning from the character after it (section 5.6.4).
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
