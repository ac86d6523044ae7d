//! The opening of a request's session, from its cookies.

use std::{cmp::Reverse, sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderName};

use crate::{
    Payload,
    error::{Error, Refusal},
    revocation::judge::Standing,
    seal::Context,
    sealer::{Metadata, Unsealed},
    session::{
        App, Arrival, Session,
        state::{Arrived, Blobs, Seen, State},
    },
    settings::cookie::SessionCookie,
    store::{Loaded, Stored},
};

/// The number of cookies of one name that are tried: the application's own, and one that a changed path or another host
/// has left.
const TRIED: usize = 2;

/// The session cookies of a request, read as far as possible without the store.
pub(crate) struct Candidates<T> {
    app: Arc<App<T>>,
    arrived: Arrived,
    /// The session that was issued last, among those that opened.
    opened: Option<Candidate<T>>,
    /// The references to sessions in the store.
    references: Vec<(Metadata, Stored)>,
    /// The blobs of references that did not open, or that were not loaded.
    unopened: Vec<Stored>,
    /// The first reason to reject a cookie.
    refusal: Option<Refusal>,
}

/// A session that may be the request's.
struct Candidate<T> {
    value: T,
    metadata: Metadata,
    /// The index of the previous realm or name that its cookie is from. `None` for the present one.
    previous: Option<usize>,
    standing: Option<Standing>,
}

/// Reads the cookies of a request that began at this time.
pub(crate) fn read_cookies<T: Payload>(
    app: &Arc<App<T>>,
    headers: &HeaderMap,
    began: SystemTime,
) -> Candidates<T> {
    let settings = &app.settings;
    let mut candidates = Candidates {
        app: Arc::clone(app),
        arrived: Arrived { began: Some(began), background: is_background(headers), ..Arrived::default() },
        opened: None,
        references: Vec::new(),
        unopened: Vec::new(),
        refusal: None,
    };
    candidates.arrived.current =
        candidates.read(settings.sealer.context(), &settings.cookie, None, headers, began);
    for (at, previous) in settings.previous.iter().enumerate() {
        let seen = candidates.read(&previous.context, &previous.cookie, Some(at), headers, began);
        candidates.arrived.previous.push(seen);
    }
    candidates
}

impl<T: Payload> Candidates<T> {
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
                // A cookie that was not tried may belong to another application or node.
                return Seen::Kept;
            }
            let this = match self.unseal(context, value, began) {
                Ok((Unsealed::Inline(value, metadata), standing)) => {
                    let best = self.opened.as_ref().map(|best| best.metadata.header.issued);
                    if best < Some(metadata.header.issued) {
                        self.opened = Some(Candidate { value, metadata, previous, standing });
                    }
                    Seen::Kept
                }
                Ok((Unsealed::Reference(metadata, reference), _)) => {
                    let stored = Stored::unseen(reference, metadata.header.session_id, previous);
                    self.references.push((metadata, stored));
                    Seen::Kept
                }
                Err(refusal) => {
                    self.refusal.get_or_insert(refusal);
                    if self.app.removes(refusal) { Seen::Removable } else { Seen::Kept }
                }
            };
            seen = seen.max(this);
        }
        seen
    }

    /// Opens a cookie, and judges the session by what is in the cookie.
    fn unseal(
        &self,
        context: &Context,
        value: &[u8],
        began: SystemTime,
    ) -> Result<(Unsealed<T>, Option<Standing>), Refusal> {
        let mut ending = false;
        let unsealed = self.app.settings.sealer.unseal(context, value, began, |header| {
            ending = self.app.judge_header(header)?;
            Ok(())
        })?;
        let standing = match &unsealed {
            Unsealed::Inline(data, metadata) => self.app.judge_data(data, &metadata.header, ending)?,
            Unsealed::Reference(..) => None, // it is judged when it is loaded
        };
        Ok((unsealed, standing))
    }

    /// Returns true if a session came, and it is not known whether it was ended.
    fn is_stale(&self) -> bool {
        let came = self.opened.is_some() || !self.references.is_empty();
        came && self.app.judge.as_ref().is_some_and(|judge| judge.revocations.is_stale())
    }

    /// Returns the session of the cookie that was issued last, or the candidates if the store must be asked first
    /// or it is not known whether the session was ended.
    ///
    /// This is not a future, because futures move what they hold: nearly all sessions open without a store.
    pub(crate) fn open(self) -> Result<Session<T>, Box<Self>> {
        match self.references.is_empty() && !self.is_stale() {
            true => Ok(self.session(Blobs::default())),
            false => Err(Box::new(self)),
        }
    }

    /// Returns the session of the cookie that was issued last, or of the blob that it refers to.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails, or if it is not known whether the session was ended.
    pub(crate) async fn open_from_store(mut self: Box<Self>) -> Result<Session<T>, Error> {
        // In a box, because every request that may open a session makes room for this future.
        let loaded = Box::pin(self.load()).await;
        match loaded {
            Ok(blobs) => {
                self.check_fresh()?; // the store may have taken its time
                Ok(self.session(blobs))
            }
            Err(error) => {
                let settings = &self.app.settings;
                settings.tally.unavailable.add(1);
                tracing::error!(cookie = settings.cookie_name(), error = %error.chain(), "a session could not be loaded");
                match &self.app.overflow {
                    Some(overflow) if overflow.serve_fresh => Ok(self.unavailable()),
                    _ => Err(error),
                }
            }
        }
    }

    /// Fails if a session has opened, and it is not known whether it was ended.
    fn check_fresh(&self) -> Result<(), Error> {
        match (&self.app.judge, &self.opened) {
            (Some(judge), Some(_)) => judge.check_fresh(&self.app.settings.tally),
            _ => Ok(()),
        }
    }

    /// Loads sessions from the store, starting with the one issued last, until one opens.
    async fn load(&mut self) -> Result<Blobs, Error> {
        let app = Arc::clone(&self.app);
        let Some(overflow) = &app.overflow else {
            self.refusal.get_or_insert(Refusal::MissingBlob);
            return Ok(Blobs::default());
        };
        let calls = overflow.calls();
        // Of two that were issued in the same second, the one of the present name comes first.
        let rank = |metadata: &Metadata, previous| (metadata.header.issued, Reverse(previous));
        let mut references = std::mem::take(&mut self.references);
        references.sort_by_key(|(metadata, stored)| Reverse(rank(metadata, stored.previous)));
        self.unopened = references.iter().map(|(_, stored)| *stored).collect();
        for (at, (metadata, sought)) in references.into_iter().enumerate() {
            let previous = sought.previous;
            let best = self.opened.as_ref().map(|best| rank(&best.metadata, best.previous));
            if best >= Some(rank(&metadata, previous)) {
                break;
            }
            match calls.load(&sought).await? {
                Ok(Loaded { value, stored, payload }) => match app.judge_stored(&value, &metadata.header) {
                    Ok(standing) => {
                        self.opened = Some(Candidate { value, metadata, previous, standing });
                        self.unopened.remove(at);
                        return Ok(Blobs { home: Some(stored), payload, ..Blobs::default() });
                    }
                    Err(refusal) => {
                        self.refusal.get_or_insert(refusal);
                        if self.opened.is_none() && app.removes(refusal) {
                            *self.arrived.seen_mut(previous) = Seen::Removable;
                        }
                    }
                },
                Err(refusal) => {
                    self.refusal.get_or_insert(refusal);
                }
            }
        }
        Ok(Blobs::default())
    }

    /// Returns the session of the candidate that opened, or a fresh one.
    fn session(self, blobs: Blobs) -> Session<T> {
        let tally = &self.app.settings.tally;
        let arrival = match (&self.opened, self.refusal) {
            (Some(_), _) => Arrival::Opened,
            (None, Some(refusal)) => Arrival::Refused(refusal),
            (None, None) => Arrival::Absent,
        };
        let counter = match arrival {
            Arrival::Refused(refusal) => {
                let cookie = self.app.settings.cookie_name();
                tracing::debug!(cookie, refusal = refusal.class(), "a session cookie was rejected");
                tally.refused(refusal)
            }
            Arrival::Opened => &tally.opened,
            Arrival::Absent | Arrival::Unavailable => &tally.absent,
        };
        counter.add(1);
        let arrived = Arrived { arrival, ..self.arrived };
        let (data, arrived) = match self.opened {
            Some(Candidate { value, metadata, previous, standing }) => {
                let (metadata, moved) = (Some(metadata), previous.is_some());
                (value, Arrived { metadata, moved, standing, ..arrived })
            }
            None => (T::default(), arrived),
        };
        Session::new(self.app, State::new(data, arrived, Blobs { unopened: self.unopened, ..blobs }))
    }

    /// Returns a fresh session in place of one that could not be loaded.
    fn unavailable(self) -> Session<T> {
        let arrived = Arrived { arrival: Arrival::Unavailable, ..self.arrived };
        let blobs = Blobs { unopened: self.unopened, ..Blobs::default() };
        Session::new(self.app, State::new(T::default(), arrived, blobs))
    }
}

/// Returns true if a request says that it is not a navigation (Fetch Metadata, section 2.2).
fn is_background(headers: &HeaderMap) -> bool {
    static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    headers.get(&SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate")
}
