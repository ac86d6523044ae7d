//! The way out: a session to a response's Set-Cookie.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{
    Payload,
    cookie::SessionCookie,
    error::{Error, Kind},
    lifetime::stamp,
    policy::{OnServerError, Renewal},
    seal::{Draft, Header},
    sealer::{Marks, SessionId, reissued},
    session::{Before, Identity, Session, SessionKind, State},
    sessions::{
        Commit, Sessions,
        arrive::{Presented, Seen},
    },
};

/// What is to be sent for a session.
enum Decision {
    Keep,
    Remove,
    Change(Draft, Header),
    Renew(Draft, Header),
}

impl<T: Payload> Sessions<T> {
    // ---- The way out ----

    /// [`commit`](Self::commit), without a store to wait for.
    pub(crate) fn commit_to<B>(
        &self,
        session: &Session<T>,
        response: &mut Response<B>,
    ) -> Result<Commit, Error> {
        let status = response.status();
        let result = session.with("commit", |state| {
            let decision = self.decide(state, status)?;
            self.send(decision, state, response.headers_mut())
        });
        self.inner.tally.committed(&result);
        if let Err(error) = &result {
            tracing::error!(cookie = self.cookie_name(), %error, "a session could not be kept");
        }
        result
    }

    /// What is to become of the browser's cookie.
    fn decide(&self, state: &mut State<T>, status: StatusCode) -> Result<Decision, Error> {
        // 1. Once, and nothing of a change that broke off.
        if std::mem::replace(&mut state.committed, true) {
            return Err(Kind::Finished.into());
        }
        if state.changing {
            return Err(Kind::Panicked.into());
        }

        // 2. A server error undoes all but `destroy`.
        let ended = state.destroyed && state.presented.any();
        if status.is_server_error() && self.inner.on_server_error == OnServerError::Discard {
            return Ok(if ended { Decision::Remove } else { Decision::Keep });
        }

        // 3. The content decides whether it has changed.
        let now = stamp(self.now())?;
        let sealer = &self.inner.sealer;
        let remarked = state.identity != Identity::Kept || state.kind != SessionKind::Kept;
        let draft = match &state.before {
            Before::Untouched if !remarked => return self.decide_unchanged(state, now),
            _ => sealer.draft(&state.data)?,
        };
        let unchanged = match &state.before {
            Before::Untouched => true,
            Before::Empty => draft.payload() == self.inner.empty,
            Before::Serialised(before) => draft.payload() == before.payload(),
            Before::Unknown => false,
        };
        if unchanged && !remarked {
            return self.decide_unchanged(state, now);
        }

        // 4. An empty session is none.
        if draft.payload() == self.inner.empty {
            return Ok(if ended || state.held.is_some() { Decision::Remove } else { Decision::Keep });
        }

        // 5. Neither is one that is over by now.
        let header = self.changed_header(state, now)?;
        if self.lifetimes().deadline(&header) <= u64::from(now) {
            return Ok(Decision::Remove);
        }
        Ok(Decision::Change(draft, header))
    }

    /// A session that is as it arrived is renewed when its time has come.
    fn decide_unchanged(&self, state: &State<T>, now: u32) -> Result<Decision, Error> {
        let Some(held) = &state.held else { return Ok(Decision::Keep) };
        let header = reissued(&held.header, now);
        let due = match self.inner.renewal {
            _ if state.presented.moved => true,
            Renewal::WhenSpent => {
                let parts = if state.presented.background { 2 } else { 4 };
                self.lifetimes().is_spent(&held.header, now.into(), parts)
            }
            Renewal::EveryRequest => true,
            Renewal::OnChange => false,
        };
        if !due || self.lifetimes().deadline(&header) <= u64::from(now) {
            return Ok(Decision::Keep);
        }
        Ok(match self.inner.sealer.draft(&state.data) {
            Ok(draft) => Decision::Renew(draft, header),
            Err(error) => self.skip_renewal(&error),
        })
    }

    /// A renewal that fails loses nothing: the cookie that the browser has goes on to the end of its window.
    fn skip_renewal(&self, error: &Error) -> Decision {
        tracing::error!(cookie = self.cookie_name(), %error, "a session could not be renewed");
        Decision::Keep
    }

    /// The marks under which a changed session goes on.
    fn changed_header(&self, state: &State<T>, now: u32) -> Result<Header, Error> {
        let sealer = &self.inner.sealer;
        let mut header = match (&state.held, state.identity) {
            (Some(Marks { header, .. }), Identity::Kept) => reissued(header, now),
            (Some(Marks { header, .. }), identity) => {
                let begun = sealer.begin(SessionId::random()?, now);
                let created = if identity == Identity::NewId { header.created } else { begun.created };
                Header { session_id: begun.session_id, created, ..reissued(header, now) }
            }
            (None, _) => sealer.begin(SessionId::random()?, now),
        };
        match state.kind {
            SessionKind::Kept => {}
            SessionKind::Ordinary => header.persistent = false,
            SessionKind::Remembered(window) => {
                header.persistent = true;
                header.window = window;
            }
        }
        if !header.persistent {
            header.window = self.lifetimes().idle_window();
        }
        Ok(header)
    }

    /// Writes the headers of a decision.
    fn send(&self, decision: Decision, state: &State<T>, headers: &mut HeaderMap) -> Result<Commit, Error> {
        let seal = |draft, header: &Header| -> Result<HeaderValue, Error> {
            let sealer = &self.inner.sealer;
            let length = Draft::sealed_len(&draft, sealer.padding());
            let max_age = self.lifetimes().max_age(header);
            self.inner.cookie.header(length, max_age, |out| sealer.seal_draft(draft, header, out))
        };
        let (set, commit) = match decision {
            Decision::Change(draft, header) => (Some(seal(draft, &header)?), Commit::Set),
            Decision::Renew(draft, header) => match seal(draft, &header) {
                Ok(cookie) => (Some(cookie), Commit::Set),
                Err(error) => {
                    let _ = self.skip_renewal(&error);
                    (None, Commit::Keep)
                }
            },
            Decision::Remove => (None, Commit::Remove),
            Decision::Keep => (None, Commit::Keep),
        };

        append_token(headers, VARY, &["cookie", "*"], HeaderValue::from_static("Cookie"));
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
        Ok(commit)
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
            // An opened session does not lose its own cookie to a refusal under another realm.
            let shared = presented.current == Seen::Opened && commit == Commit::Keep && same(&inner.cookie);
            if drops(*seen) && !covered && !shared {
                dropped.push(&previous.cookie);
            }
        }
        dropped.into_iter().map(SessionCookie::removal).collect()
    }
}

/// Appends a line to a header of comma-separated tokens, unless one of `satisfied` is there already.
fn append_token(headers: &mut HeaderMap, name: HeaderName, satisfied: &[&str], line: HeaderValue) {
    let present = headers
        .get_all(&name)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|token| satisfied.iter().any(|wanted| token.eq_ignore_ascii_case(wanted.as_bytes())));
    if !present {
        headers.append(name, line);
    }
}
