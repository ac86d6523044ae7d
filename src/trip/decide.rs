//! What is to become of a session after a request.

use http::StatusCode;

use super::write::Decision;
use crate::{
    Payload, Sessions,
    error::{Error, Kind},
    sealer::{Metadata, Stamped},
    session::{Before, Identity, SessionKind, State},
    settings::policy::Renewal,
    settings::timeouts::stamp,
    store::{Fate, Stored, Work, Write},
};

/// What follows from what a request's verbs have left behind.
pub(super) enum Plan {
    Send(Decision),
    /// The store has its part first.
    Store(Box<StorePlan>),
}

/// A commit that the store has a part in.
pub(super) struct StorePlan {
    pub(super) work: Work,
    pub(super) stamped: Option<Stamped>,
    /// To be removed from the browser though the rest fails.
    pub(super) ended: bool,
}

impl<T: Payload> Sessions<T> {
    /// Nothing is sent, unless the session was destroyed.
    pub(super) fn ended(&self, state: &State<T>) -> Plan {
        match state.destroyed {
            true => self.removed(state),
            false => Plan::Send(Decision::Keep),
        }
    }

    /// The browser's cookie goes, and the session's blobs with it. After `destroy` those, too, that other cookies of the
    /// request refer to, and those that did not open.
    fn removed(&self, state: &State<T>) -> Plan {
        let leaving: Vec<_> =
            state.blobs().chain(state.disowned()).map(|blob| (*blob, Fate::Discarded)).collect();
        match leaving.is_empty() {
            true if state.presented.any() => Plan::Send(Decision::Remove),
            true => Plan::Send(Decision::Keep),
            false => Plan::Store(Box::new(StorePlan {
                work: Work { write: None, home: None, leaving },
                stamped: None,
                ended: true,
            })),
        }
    }

    /// What is to become of the browser's cookie.
    pub(super) fn decide(&self, state: &mut State<T>, status: StatusCode) -> Result<Plan, Error> {
        // 1. Once, and nothing of a change that broke off.
        let open = state.check_open();
        state.committed = true;
        open?;
        if state.detached {
            return Ok(self.decide_detached(state));
        }

        // 2. A server error undoes all but `destroy`. So does a timeout, which a layer answers for a handler that it has
        //    cut off, perhaps between two steps that belong together.
        let failed = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
        if failed && !self.inner.commit_on_server_error {
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

        // 4. An empty session is none. One that is stored tells so to requests in flight first.
        let as_it_came = matches!(state.before, Before::Untouched) && state.held.is_some();
        let durable = state.durable || as_it_came;
        let is_over = draft.payload() == self.inner.empty && !durable;
        let is_stored = !state.discarded && state.blobs().next().is_some();
        if is_over && !is_stored {
            return Ok(if state.held.is_some() { self.removed(state) } else { self.ended(state) });
        }

        // 5. Neither is one that is over by now.
        let now = stamp(self.now())?;
        let stamped = self.stamp_changed(state, now)?;
        if self.timeouts().deadline(&stamped.header) <= u64::from(now) {
            return Ok(match state.identity {
                // Its blob expires by itself, unless another request has prolonged it.
                Identity::Kept => Plan::Send(Decision::Remove),
                _ => self.removed(state),
            });
        }
        let write = Write {
            stored: state.stored.take(),
            // What is empty is written, too, before its cookie is removed, though `save` may have done so already.
            changed: !unchanged || is_over,
            header: stamped.header,
            came: state.held.map(|held| held.header),
            base: state.take_before(),
            draft,
            saved: state.saved,
            renewal: false,
            mine: None,
            durable,
        };
        self.plan_write(state, write, stamped)
    }

    /// A session that is as it arrived is renewed when its time has come.
    fn decide_unchanged(&self, state: &State<T>) -> Result<Plan, Error> {
        let Some(Metadata { header, .. }) = &state.held else { return Ok(Plan::Send(Decision::Keep)) };
        let now = stamp(self.now())?;
        let due = match self.inner.renewal {
            _ if state.touched => true,
            _ if state.passive => false,
            _ if state.presented.moved => true,
            // The answer that brought it back may have been lost. What runs in the background waits, so that it does not
            // carry back what a navigation has changed.
            _ if state.home.is_some_and(|home| home.returns) && !state.presented.background => true,
            Renewal::WhenSpent => {
                let parts = if state.presented.background { 2 } else { 4 };
                self.timeouts().is_spent(header, now.into(), parts)
            }
            Renewal::EveryRequest => true,
            Renewal::OnChange => false,
        };
        if !due || self.timeouts().deadline(header) <= u64::from(now) {
            return Ok(Plan::Send(Decision::Keep));
        }
        let renewed = self.inner.sealer.draft(&state.data);
        let renewed = renewed.and_then(|draft| {
            let stamped = Stamped::again(header, now)?;
            let write = Write {
                header: stamped.header,
                came: Some(*header),
                stored: state.stored.clone(),
                draft,
                base: None,
                changed: false,
                saved: None,
                renewal: true,
                mine: None,
                durable: true,
            };
            self.plan_write(state, write, stamped)
        });
        Ok(renewed.unwrap_or_else(|error| Plan::Send(self.not_renewed(&error))))
    }

    /// A renewal that fails loses nothing: the cookie that the browser has goes on to the end of its window.
    pub(super) fn not_renewed(&self, error: &Error) -> Decision {
        tracing::error!(cookie = self.cookie_name(), error = %error.chain(), "a session could not be renewed");
        Decision::Keep
    }

    /// Nothing of a session is kept that stands for one that could not be loaded.
    fn decide_detached(&self, state: &State<T>) -> Plan {
        if !matches!(state.before, Before::Untouched) && !state.is_ended() {
            tracing::warn!(
                cookie = self.cookie_name(),
                "a change is lost: it was made to a fresh session, in place of one that could not be loaded"
            );
        }
        self.ended(state)
    }

    /// Where the data go: into the cookie, or through the store.
    fn plan_write(&self, state: &State<T>, write: Write, stamped: Stamped) -> Result<Plan, Error> {
        let work = self.work(state, write)?;
        match work {
            Work { home: None, leaving, write: Some(write), .. }
                if leaving.is_empty() && self.inner.sealer.fits(&write.draft) =>
            {
                self.set_cookie(write.draft, stamped).map(|cookie| Plan::Send(Decision::Set(cookie)))
            }
            work => {
                Ok(Plan::Store(Box::new(StorePlan { work, stamped: Some(stamped), ended: state.is_ended() })))
            }
        }
    }

    /// What a write wants of the store.
    ///
    /// # Errors
    ///
    /// When the data fit neither the cookie nor the store.
    pub(super) fn work(&self, state: &State<T>, write: Write) -> Result<Work, Error> {
        match &self.inner.overflow {
            Some(overflow) if !self.inner.sealer.fits(&write.draft) => {
                if !self.may_be_stored(state) {
                    self.inner.tally.barred();
                    let (size, limit) = (self.inner.sealer.size(&write.draft), self.inner.sealer.limit());
                    return Err(Kind::Barred { size, limit }.into());
                }
                overflow.check_size(&write.draft)?;
            }
            Some(_) => {}
            None => self.inner.sealer.check_size(&write.draft)?,
        }
        let id = write.header.session_id;
        let is_home = |blob: &Stored| blob.session_id == id && blob.previous.is_none();
        let fate = |blob: &Stored| match blob.session_id == id {
            _ if state.discarded => Fate::Discarded,
            true => Fate::Moved,
            false => Fate::Renamed,
        };
        let left = state.blobs().filter(|blob| !is_home(blob)).map(|blob| (*blob, fate(blob)));
        let disowned = state.disowned().iter().map(|blob| (*blob, Fate::Discarded));
        Ok(Work {
            write: Some(write),
            home: state.blobs().copied().find(is_home),
            leaving: left.chain(disowned).collect(),
        })
    }

    /// Whether there is a store that the session is in, or may enter. One that is in it stays, or nobody could sign out
    /// whose session is no longer admitted without being signed in.
    pub(crate) fn may_be_stored(&self, state: &State<T>) -> bool {
        let is_stored = !state.discarded && state.blobs().next().is_some();
        self.inner.overflow.as_ref().is_some_and(|overflow| is_stored || (overflow.admits)(&state.data))
    }

    /// The metadata under which a changed session goes on.
    pub(super) fn stamp_changed(&self, state: &State<T>, now: u32) -> Result<Stamped, Error> {
        let sealer = &self.inner.sealer;
        let mut stamped = match (&state.held, state.identity) {
            (None, _) => sealer.begin(now)?,
            (Some(Metadata { header, .. }), Identity::Kept) => Stamped::again(header, now)?,
            (Some(Metadata { header, .. }), identity) => {
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
            header.window = self.timeouts().idle_window();
        }
        Ok(stamped)
    }
}
