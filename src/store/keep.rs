//! Spilling and returning: what the store does for a session before its Set-Cookie is sent.
//!
//! The order of the calls is chosen so that a failure between any two of them, of which it can't be told whether it
//! was carried out, leaves the browser with a cookie that opens: what is written comes first, then the cookie is
//! decided, and what is deleted comes last.

use std::{
    mem,
    time::{Duration, SystemTime},
};

use super::{
    Calls, Stored, Written,
    blob::{ATTEMPTS, Step},
    later::Cleanup,
};
use crate::{
    Payload,
    error::{Error, Kind},
    seal::{Draft, Header},
    sessions::Sessions,
};

/// What becomes of a blob that the session is no longer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The data go on under another id: it is deleted, once it is certain that nobody has ended or changed it.
    Renamed,
    /// The data go on under another realm or cookie name: it is left for requests in flight.
    Moved,
    /// Nothing of it goes on: it is deleted, whatever stands there.
    Discarded,
}

/// A session's data on the way to where they are kept.
pub(crate) struct Write {
    /// The metadata under which the session goes on.
    pub(crate) header: Header,
    /// Those under which it came.
    pub(crate) came: Option<Header>,
    pub(crate) draft: Draft,
    /// The data from which the request began, if it has changed them and they are known.
    pub(crate) base: Option<Draft>,
    /// The bytes of the data as this request has last seen them in the blob, if they are of the present shape.
    pub(crate) stored: Option<Draft>,
    /// Whether the request has changed the data.
    pub(crate) changed: bool,
    /// Whether they are kept though they are empty.
    pub(crate) durable: bool,
    /// Until when `save` has put them where they are.
    pub(crate) saved: Option<SystemTime>,
    /// Whether this is a mere renewal, which steps back for whatever else happens.
    pub(crate) renewal: bool,
    /// The data of this request alone, once the draft has been merged with another's.
    pub(crate) mine: Option<Draft>,
}

impl Write {
    /// Until when `save` has put them where they are, if that is so long, or less by no more than a handler takes.
    fn is_saved_until(&self, expires: SystemTime) -> Option<SystemTime> {
        self.saved.filter(|saved| expires <= *saved + Duration::from_secs(60))
    }

    /// Goes on with other data than those of this request alone.
    pub(super) fn take(&mut self, draft: Draft) {
        let mine = mem::replace(&mut self.draft, draft);
        self.mine.get_or_insert(mine);
    }
}

/// What a request wants of its store.
pub(crate) struct Work {
    /// `None` when nothing is to be kept.
    pub(crate) write: Option<Write>,
    /// The blob that the session is in, and stays in or returns from.
    pub(crate) home: Option<Stored>,
    /// Blobs that it is in no longer.
    pub(crate) leaving: Vec<(Stored, Fate)>,
}

/// What has become of it.
pub(crate) enum Kept {
    /// It is done, and the cookie can be sent. An error came too late to be undone.
    Done(Option<Error>),
    /// Another request was faster than this renewal: nothing is to be sent.
    Overtaken,
}

impl<T: Payload> Sessions<T> {
    /// Does what a commit wants of the store, by its calls.
    ///
    /// # Errors
    ///
    /// Those after which the browser must keep the cookie that it has.
    pub(crate) async fn carry_out(&self, calls: &Calls<'_>, work: &mut Work) -> Result<Kept, Error> {
        // 1. What is written.
        if self.keep(calls, work, true).await? == Written::Conflict {
            return Ok(Kept::Overtaken);
        }
        // 2. From here on the cookie is sent. What is deleted: an answer that does not come is no reason to let the
        //    browser keep a cookie whose blob may be gone.
        let mut late = None;
        for at in 0..work.leaving.len() {
            match self.leave(calls, work, at).await {
                Ok(failed) => late = failed.or(late),
                Err(error) => {
                    self.take_back(calls, work.home).await;
                    return Err(error);
                }
            }
        }
        Ok(Kept::Done(late))
    }

    /// Ends what must end, though the rest of the work has failed. If no time is left, it is begun and not waited for.
    pub(crate) async fn let_go(&self, calls: &Calls<'_>, work: &Work) {
        for (blob, fate) in &work.leaving {
            if *fate == Fate::Discarded
                && let Err(error) = self.clean_up(calls, Cleanup::delete(blob)).await
            {
                tracing::error!(cookie = self.cookie_name(), error = %error.chain(), "an ended session's blob is left behind");
            }
        }
    }

    /// Does what `save` wants of the store: the data are there then, and nothing is deleted yet.
    pub(crate) async fn save(&self, work: &mut Work) -> Result<(), Error> {
        let _ = self.keep(&self.overflow().calls(), work, false).await?;
        Ok(())
    }

    /// Writes the data where they are to be kept. Only a renewal is told of a conflict.
    async fn keep(&self, calls: &Calls<'_>, work: &mut Work, may_return: bool) -> Result<Written, Error> {
        let Work { write: Some(write), home, leaving } = work else { return Ok(Written::Done) };
        let (header, came) = (write.header, write.came);
        let expires = self.expiry(&header);
        // The handler has outlived its session. Whatever still stands there is another request's, which has remembered
        // it, and is not to expire for this one.
        if expires <= self.now() {
            return Err(Kind::Ended.into());
        }
        // As if it had only been renewed: who is left with the cookie of before, since something fails, must find its
        // blob until that expires.
        let renewed = came
            .map_or(expires, |came| self.expiry(&Header { issued: header.issued.max(came.issued), ..came }));

        // 1. In the blob in which it is. If it has shrunk, it is written all the same: so it is certain that nobody
        //    has ended or changed it, and requests in flight find what it is now.
        if let Some(blob) = home {
            let is_of_before = came.is_some_and(|came| came.session_id == blob.session_id);
            let expires = if is_of_before { expires.max(renewed) } else { expires };
            let writes = write.changed || !blob.settled || (may_return && blob.returns);
            let mut step = if writes { Step::Replace } else { Step::Extend };
            match self.advance(calls, blob, write, step, expires).await {
                Ok(Written::Done) => {}
                Ok(Written::Conflict) => return Ok(Written::Conflict),
                Err(error) => {
                    // It is there since it was saved, and would only have lived a little longer.
                    let saved =
                        write.is_saved_until(expires).filter(|_| step == Step::Extend && error.is_store());
                    let Some(saved) = saved else { return Err(error) };
                    tracing::warn!(cookie = self.cookie_name(), error = %error.chain(), "a saved session's expiry stays as it was");
                    self.expire_by(&mut write.header, saved);
                    return Ok(Written::Done);
                }
            }
            // Another request has written it meanwhile, by an older key.
            if step == Step::Extend && !blob.settled {
                step = Step::Replace;
                let _ = self.advance(calls, blob, write, step, expires).await?;
            }
            let leaves = self.sealer().fits(&write.draft) || self.is_over(write);
            if step == Step::Replace && may_return && leaves {
                // Unless another has changed or ended it since: then the blob is what holds.
                if self.retire(calls, blob, expires).await == Written::Conflict {
                    return Ok(Written::Done);
                }
                *home = None;
                if !self.is_over(write) {
                    self.inner.tally.returned();
                }
            }
            return Ok(Written::Done);
        }

        // 2. In a new place. What it leaves must still stand: what another request has ended is not revived. And of
        //    two requests that both move it to another name, the second finds out.
        for (blob, fate) in leaving.iter_mut() {
            let step = match fate {
                Fate::Discarded => continue,
                Fate::Renamed => Step::Extend,
                Fate::Moved => Step::Replace,
            };
            // Likewise, though the session begins anew under another id.
            if renewed <= self.now() {
                return Err(Kind::Ended.into());
            }
            if self.advance(calls, blob, write, step, renewed).await? == Written::Conflict {
                return Ok(Written::Conflict);
            }
        }
        if !self.sealer().fits(&write.draft) {
            let replaced = leaving.iter().map(|(blob, _)| blob.length).max().unwrap_or(0);
            *home = Some(self.create(calls, &header, &write.draft, expires, replaced).await?);
            if leaving.is_empty() {
                self.inner.tally.spilled();
            }
        }
        Ok(Written::Done)
    }

    /// Has a cookie expire with its blob, which does so a little earlier: as if it had been sealed when that was stored.
    fn expire_by(&self, header: &mut Header, blob: SystemTime) {
        // The first step can be too short, if it was the absolute timeout that ended the cookie.
        for _ in 0..2 {
            let later = self.expiry(header).duration_since(blob).unwrap_or_default().as_secs();
            let later = u32::try_from(later).unwrap_or(u32::MAX);
            header.issued = header.issued.saturating_sub(later).max(header.created);
        }
    }

    /// Whether nothing is left of the session but to be removed.
    pub(crate) fn is_over(&self, write: &Write) -> bool {
        !write.durable && write.draft.payload() == self.inner.empty
    }

    /// Leaves one of the blobs that the session is in no longer. That it may still be there is told, and no failure.
    async fn leave(&self, calls: &Calls<'_>, work: &mut Work, at: usize) -> Result<Option<Error>, Error> {
        let (blob, fate) = &mut work.leaving[at];
        let (Fate::Renamed | Fate::Moved, Some(write)) = (*fate, &mut work.write) else {
            // Also when nothing stands there any more, which is as good.
            return Ok(self.clean_up(calls, Cleanup::delete(blob)).await.err());
        };
        let (header, expires) = (write.header, self.expiry(&write.header));
        for _ in 0..ATTEMPTS {
            let left = match fate {
                Fate::Moved => Ok(self.retire(calls, blob, expires).await),
                _ => self.clean_up(calls, Cleanup::delete_seen(blob)).await,
            };
            match left {
                Ok(Written::Done) => return Ok(None),
                Ok(Written::Conflict) => {}
                Err(error) => return Ok(Some(error)),
            }
            let before = write.draft.payload().to_vec();
            self.catch_up(calls, blob, write).await?;
            // Merged with what came in between: that is kept before its blob is left.
            if write.draft.payload() != before {
                work.home = match work.home {
                    Some(mut home) => {
                        let _ = self.advance(calls, &mut home, write, Step::Replace, expires).await?;
                        Some(home)
                    }
                    None if self.sealer().fits(&write.draft) => None,
                    None => Some(self.create(calls, &header, &write.draft, expires, blob.length).await?),
                };
            }
        }
        Err(Kind::Changed.into())
    }
}
