//! The way out: a session to a response's Set-Cookie.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{
    Payload,
    cookie::SessionCookie,
    error::Error,
    lifetime::stamp,
    policy::{OnServerError, Renewal},
    seal::Draft,
    sealer::{Marks, Stamped},
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
    Set(HeaderValue),
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
            let first = !state.committed;
            match self.decide(state, status) {
                Ok(decision) => Ok(self.send(decision, state, response.headers_mut())),
                Err(error) => {
                    if first {
                        self.send_failed(state, response.headers_mut());
                    }
                    Err(error)
                }
            }
        });
        self.inner.tally.committed(&result);
        if let Err(error) = &result {
            tracing::error!(cookie = self.cookie_name(), %error, "a session could not be kept");
        }
        result
    }

    /// The headers of a response whose session could not be kept: that it was read, and that it was ended.
    pub(crate) fn send_failed(&self, state: &State<T>, headers: &mut HeaderMap) {
        let _ = self.send(self.ended(state), state, headers);
    }

    /// `destroy` holds whatever else happens.
    fn ended(&self, state: &State<T>) -> Decision {
        if state.is_ended() { Decision::Remove } else { Decision::Keep }
    }

    /// What is to become of the browser's cookie.
    fn decide(&self, state: &mut State<T>, status: StatusCode) -> Result<Decision, Error> {
        // 1. Once, and nothing of a change that broke off.
        let open = state.check_open();
        state.committed = true;
        open?;

        // 2. A server error undoes all but `destroy`.
        if status.is_server_error() && self.inner.on_server_error == OnServerError::Discard {
            return Ok(self.ended(state));
        }

        // 3. The content decides whether it has changed.
        let sealer = &self.inner.sealer;
        let remarked = state.is_remarked();
        let draft = match &state.before {
            Before::Untouched if !remarked => return self.decide_unchanged(state),
            _ => sealer.draft(&state.data)?,
        };
        let unchanged = match &state.before {
            Before::Untouched => true,
            Before::Empty => draft.payload() == self.inner.empty,
            Before::Serialised(before) => draft.payload() == before.payload(),
            Before::Unknown => false,
        };
        if unchanged && !remarked {
            return self.decide_unchanged(state);
        }

        // 4. An empty session is none.
        let as_it_came = matches!(state.before, Before::Untouched) && state.held.is_some();
        if draft.payload() == self.inner.empty && !state.durable && !as_it_came {
            return Ok(if state.held.is_some() { Decision::Remove } else { self.ended(state) });
        }

        // 5. Neither is one that is over by now.
        let now = stamp(self.now())?;
        let stamped = self.stamp_changed(state, now)?;
        if self.lifetimes().deadline(&stamped.header) <= u64::from(now) {
            return Ok(Decision::Remove);
        }
        self.set_cookie(draft, stamped).map(Decision::Set)
    }

    /// A session that is as it arrived is renewed when its time has come.
    fn decide_unchanged(&self, state: &State<T>) -> Result<Decision, Error> {
        let Some(Marks { header, .. }) = &state.held else { return Ok(Decision::Keep) };
        let now = stamp(self.now())?;
        let due = match self.inner.renewal {
            _ if state.touched => true,
            _ if state.passive => false,
            _ if state.presented.moved => true,
            Renewal::WhenSpent => {
                let parts = if state.presented.background { 2 } else { 4 };
                self.lifetimes().is_spent(header, now.into(), parts)
            }
            Renewal::EveryRequest => true,
            Renewal::OnChange => false,
        };
        if !due || self.lifetimes().deadline(header) <= u64::from(now) {
            return Ok(Decision::Keep);
        }
        let renewed = self.inner.sealer.draft(&state.data);
        let renewed = renewed.and_then(|draft| self.set_cookie(draft, Stamped::again(header, now)?));
        // A renewal that fails loses nothing: the cookie that the browser has goes on to the end of its window.
        Ok(renewed.map_or_else(
            |error| {
                tracing::error!(cookie = self.cookie_name(), %error, "a session could not be renewed");
                Decision::Keep
            },
            Decision::Set,
        ))
    }

    /// The marks under which a changed session goes on.
    fn stamp_changed(&self, state: &State<T>, now: u32) -> Result<Stamped, Error> {
        let sealer = &self.inner.sealer;
        let mut stamped = match (&state.held, state.identity) {
            (None, _) => sealer.begin(now)?,
            (Some(Marks { header, .. }), Identity::Kept) => Stamped::again(header, now)?,
            (Some(Marks { header, .. }), identity) => {
                let mut stamped = sealer.begin(now)?;
                (stamped.header.window, stamped.header.persistent) = (header.window, header.persistent);
                if identity == Identity::NewId {
                    stamped.header.created = header.created;
                    stamped.header.issued = now.max(header.created);
                }
                stamped
            }
        };
        let header = &mut stamped.header;
        if let Some(id) = state.next_id {
            header.session_id = *id.as_bytes();
        }
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
        Ok(stamped)
    }

    /// The Set-Cookie header of a session.
    fn set_cookie(&self, draft: Draft, stamped: Stamped) -> Result<HeaderValue, Error> {
        let sealer = &self.inner.sealer;
        let length = draft.sealed_len(sealer.padding());
        let max_age = self.lifetimes().max_age(&stamped.header);
        self.inner.cookie.header(length, max_age, |out| sealer.seal_draft(draft, stamped, out))
    }

    /// Writes the headers of a decision.
    fn send(&self, decision: Decision, state: &State<T>, headers: &mut HeaderMap) -> Commit {
        let (set, commit) = match decision {
            Decision::Set(cookie) => (Some(cookie), Commit::Set),
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
