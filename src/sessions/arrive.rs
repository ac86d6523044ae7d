//! The way in: a request's cookies to a session.

use std::time::SystemTime;

use http::HeaderMap;

use crate::{
    Payload,
    cookie::SessionCookie,
    error::Refusal,
    seal::Context,
    sealer::{Opened, Sealer},
    session::{Arrival, Session, State},
    sessions::Sessions,
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
    /// None opened, but one may.
    Foreign,
    /// One did.
    Opened,
}

impl<T: Payload> Sessions<T> {
    // ---- The way in ----

    /// The session of a request that began at a certain time.
    pub(crate) fn open_headers(&self, headers: &HeaderMap, began: SystemTime) -> Session<T> {
        let inner = &*self.inner;
        let mut arrived = Arrived { opened: None, refusal: None };
        let mut presented = Presented { background: is_background(headers), ..Presented::default() };

        presented.current =
            arrived.try_all(&inner.sealer, inner.sealer.context(), &inner.cookie, headers, began);
        for previous in &inner.previous {
            let issued = arrived.issued();
            let seen = arrived.try_all(&inner.sealer, &previous.context, &previous.cookie, headers, began);
            presented.previous.push(seen);
            // If the previous one was issued later, the session moves.
            presented.moved |= arrived.issued() != issued;
        }

        let arrival = match (&arrived.opened, arrived.refusal) {
            (Some(_), _) => Arrival::Opened,
            (None, Some(refusal)) => Arrival::Refused(refusal),
            (None, None) => Arrival::Absent,
        };
        if let Arrival::Refused(refusal) = arrival {
            tracing::debug!(
                cookie = self.cookie_name(),
                refusal = refusal.class(),
                "a session cookie was refused"
            );
        }
        inner.tally.arrived(arrival);
        let (data, held) = match arrived.opened {
            Some(Opened { value, marks }) => (value, Some(marks)),
            None => (T::default(), None),
        };
        Session::new(self.clone(), State::new(data, arrival, held, presented))
    }
}

/// The cookies of a request, tried one after another.
struct Arrived<T> {
    /// The one issued last of those that opened.
    opened: Option<Opened<T>>,
    /// Why the first that did not open did not.
    refusal: Option<Refusal>,
}

impl<T: Payload> Arrived<T> {
    /// When the best so far was issued; `None`, which is before any other, for none.
    fn issued(&self) -> Option<u32> {
        self.opened.as_ref().map(|opened| opened.marks.header.issued)
    }

    fn try_all(
        &mut self,
        sealer: &Sealer<T>,
        context: &Context,
        cookie: &SessionCookie,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Seen {
        let mut seen = Seen::Absent;
        for (index, value) in cookie.values(headers).enumerate() {
            if index == TRIED {
                // One that nobody has looked at may be somebody's.
                return if seen == Seen::Removable { Seen::Foreign } else { seen };
            }
            let this = match sealer.open_in(context, value, now) {
                Ok(opened) => {
                    if self.issued() < Some(opened.marks.header.issued) {
                        self.opened = Some(opened);
                    }
                    Seen::Opened
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
