//! The way in: a request's cookies to a session.

use std::{cmp::Reverse, time::SystemTime};

use http::HeaderMap;

use crate::{
    Payload,
    error::{Error, Refusal},
    seal::{Context, Draft},
    sealer::{Found, Metadata, Opened},
    session::{Arrival, Session, State},
    sessions::Sessions,
    settings::cookie::SessionCookie,
    store::{Loaded, Stored},
};

/// How many cookies of one name are tried: the browser's own, and one that a changed path or another host has left.
const TRIED: usize = 2;

/// Which cookies a request has presented: that of the current name first, then the previous ones.
#[derive(Default)]
pub(crate) struct Presented {
    pub(super) current: Seen,
    pub(super) previous: Vec<Seen>,
    /// Whether the session must move to the current cookie.
    pub(super) moved: bool,
    /// Whether the request says that it is no navigation.
    pub(super) background: bool,
}

/// How the cookies of one source fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Seen {
    /// There was none.
    #[default]
    Absent,
    /// None opened, and none may open elsewhere or later.
    Removable,
    /// None opened, but one may: elsewhere, later, or when the store is asked.
    Foreign,
    /// One did.
    Opened,
}

/// The cookies of a request, read as far as that goes without a store.
pub(crate) struct Arrived<T> {
    sessions: Sessions<T>,
    presented: Presented,
    /// The one issued last of those that opened.
    opened: Option<Candidate<T>>,
    /// Those that are in the store, if they are.
    references: Vec<(Metadata, Stored)>,
    /// Those of them that did not open, or were not asked for.
    unopened: Vec<Stored>,
    /// Why the first that did not open did not.
    refusal: Option<Refusal>,
}

/// A session that may be the request's.
struct Candidate<T> {
    content: Opened<T>,
    /// Of which former realm or name its cookie is, if it is of one.
    previous: Option<usize>,
}

impl<T: Payload> Sessions<T> {
    // ---- The way in ----

    /// Reads the cookies of a request that began at a certain time.
    pub(crate) fn read_cookies(&self, headers: &HeaderMap, began: SystemTime) -> Arrived<T> {
        let inner = &*self.inner;
        let mut arrived = Arrived {
            sessions: self.clone(),
            presented: Presented { background: is_background(headers), ..Presented::default() },
            opened: None,
            references: Vec::new(),
            unopened: Vec::new(),
            refusal: None,
        };
        let current = arrived.read(inner.sealer.context(), &inner.cookie, None, headers, began);
        arrived.presented.current = current;
        for (at, previous) in inner.previous.iter().enumerate() {
            let seen = arrived.read(&previous.context, &previous.cookie, Some(at), headers, began);
            arrived.presented.previous.push(seen);
        }
        arrived
    }
}

impl<T: Payload> Arrived<T> {
    /// Reads the cookies of one name.
    fn read(
        &mut self,
        context: &Context,
        cookie: &SessionCookie,
        previous: Option<usize>,
        headers: &HeaderMap,
        began: SystemTime,
    ) -> Seen {
        let mut seen = Seen::Absent;
        for (index, value) in cookie.values(headers).enumerate() {
            if index == TRIED {
                // One that nobody has looked at may be somebody's.
                return if seen == Seen::Removable { Seen::Foreign } else { seen };
            }
            let this = match self.sessions.sealer().find_in(context, value, began) {
                Ok(Found::Inline(opened)) => {
                    let best = self.opened.as_ref().map(|best| best.content.metadata.header.issued);
                    if best < Some(opened.metadata.header.issued) {
                        self.opened = Some(Candidate { content: opened, previous });
                    }
                    Seen::Opened
                }
                Ok(Found::Reference(metadata, reference)) => {
                    let stored = Stored::unseen(reference, metadata.header.session_id, previous);
                    self.references.push((metadata, stored));
                    Seen::Foreign
                }
                Err(refusal) => {
                    self.refusal.get_or_insert(refusal);
                    if refusal.removes() { Seen::Removable } else { Seen::Foreign }
                }
            };
            seen = match (seen, this) {
                (Seen::Absent, this) => this,
                (Seen::Opened, _) | (_, Seen::Opened) => Seen::Opened,
                (Seen::Removable, Seen::Removable) => Seen::Removable,
                _ => Seen::Foreign,
            };
        }
        seen
    }

    /// The session: of the cookie issued last, or of the blob that it refers to.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub(crate) async fn settle(mut self) -> Result<Session<T>, Error> {
        if self.references.is_empty() {
            return Ok(self.session(None));
        }
        let error = match Box::pin(self.load()).await {
            Ok(stored) => return Ok(self.session(stored)),
            Err(error) => error,
        };
        let Sessions { inner, .. } = &self.sessions;
        inner.tally.unavailable();
        tracing::error!(cookie = self.sessions.cookie_name(), error = %error.chain(), "a session could not be loaded");
        if !inner.overflow.as_ref().is_some_and(|overflow| overflow.serve_fresh) {
            return Err(error);
        }
        let mut state = State::new(T::default(), Arrival::Unavailable, None, self.presented);
        (state.detached, state.unopened) = (true, self.unopened);
        Ok(Session::new(self.sessions, state))
    }

    /// Asks the store for the sessions that are there, the one issued last first, until one opens.
    async fn load(&mut self) -> Result<Option<(Stored, Option<Draft>)>, Error> {
        let Some(overflow) = &self.sessions.inner.overflow else {
            self.refusal.get_or_insert(Refusal::MissingBlob);
            return Ok(None);
        };
        let calls = overflow.calls();
        // At the very same second, the present name's.
        let rank = |metadata: &Metadata, previous| (metadata.header.issued, Reverse(previous));
        let mut references = std::mem::take(&mut self.references);
        references.sort_by_key(|(metadata, stored)| Reverse(rank(metadata, stored.previous)));
        self.unopened = references.iter().map(|(_, stored)| *stored).collect();
        for (at, (metadata, sought)) in references.into_iter().enumerate() {
            let previous = sought.previous;
            let best = self.opened.as_ref().map(|best| rank(&best.content.metadata, best.previous));
            if best >= Some(rank(&metadata, previous)) {
                break;
            }
            match self.sessions.fetch(&calls, &sought).await? {
                Ok(Loaded { value, stored, payload }) => {
                    self.opened = Some(Candidate { content: Opened { value, metadata }, previous });
                    self.unopened.remove(at);
                    return Ok(Some((stored, payload)));
                }
                Err(refusal) => {
                    self.refusal.get_or_insert(refusal);
                }
            }
        }
        Ok(None)
    }

    /// The session of what has opened, which is in this blob if it is in one.
    fn session(mut self, stored: Option<(Stored, Option<Draft>)>) -> Session<T> {
        let arrival = match (&self.opened, self.refusal) {
            (Some(_), _) => Arrival::Opened,
            (None, Some(refusal)) => Arrival::Refused(refusal),
            (None, None) => Arrival::Absent,
        };
        if let Arrival::Refused(refusal) = arrival {
            tracing::debug!(
                cookie = self.sessions.cookie_name(),
                refusal = refusal.class(),
                "a session cookie was refused"
            );
        }
        self.sessions.inner.tally.arrived(arrival);
        let (data, held) = match self.opened {
            Some(Candidate { content: Opened { value, metadata }, previous }) => {
                self.presented.moved = previous.is_some();
                (value, Some(metadata))
            }
            None => (T::default(), None),
        };
        let mut state = State::new(data, arrival, held, self.presented);
        if let Some((home, payload)) = stored {
            (state.home, state.stored) = (Some(home), payload);
        }
        state.unopened = self.unopened;
        Session::new(self.sessions, state)
    }
}

impl Presented {
    pub(crate) fn any(&self) -> bool {
        self.current != Seen::Absent || self.previous.iter().any(|seen| *seen != Seen::Absent)
    }
}

/// Whether a request says that it is not a navigation (Fetch Metadata, section 2.2).
fn is_background(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
}
