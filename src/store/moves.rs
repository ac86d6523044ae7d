//! Moves of a session into the store, within it, and out of it. This is the store's part of a commit, before Set-Cookie
//! is sent.
//!
//! The order of the calls leaves the browser with a cookie that opens if any of them fails, even if the failed call was
//! carried out. Writes come first, then the cookie is decided, and deletions come last.

use std::time::SystemTime;

use super::{
    Calls, Change, Stored, Written,
    blob::{ATTEMPTS, Step},
    change::Leave,
};
use crate::{
    Payload,
    error::{Error, Kind},
    seal::Header,
};

impl<T: Payload> Calls<'_, T> {
    /// Writes a session, and leaves the blobs that it is no longer in. The error in `Ok` is a failure despite which the
    /// new cookie is sent.
    ///
    /// # Errors
    ///
    /// Returns an error after which the browser must keep the cookie that it has.
    pub(crate) async fn carry_out(&self, change: &mut Change) -> Result<Option<Error>, Error> {
        // 1. Write.
        let is_saved_elsewhere = change.home.is_some();
        self.write(change, true).await?;
        // 2. From here on the new cookie is sent. If a deletion is not confirmed, the old blob may be gone, so the
        //    browser must not keep the old cookie.
        let mut late = None;
        for at in 0..change.leaving.len() {
            match self.leave_old(change, at).await {
                Ok(None) => match change.leaving[at] {
                    // `save` has paid for the new blob beside this one.
                    (old, Leave::DeleteUnchanged) if is_saved_elsewhere => self.refund(old.length as u64),
                    _ => {}
                },
                Ok(failed) => late = failed,
                Err(error) => {
                    if let Some(unnamed) = change.home {
                        let _ = self.delete(&unnamed, None).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(late)
    }

    /// Deletes the blobs of a destroyed session. Returns the last failure.
    pub(crate) async fn delete_ended(&self, leaving: &[(Stored, Leave)]) -> Option<Error> {
        let mut failed = None;
        for (blob, _) in leaving.iter().filter(|(_, how)| *how == Leave::Delete) {
            failed = self.delete(blob, None).await.err().or(failed);
        }
        failed
    }

    /// Writes the data to the store, if it belongs there. With `may_return`, a session that fits in its cookie leaves
    /// the store.
    pub(crate) async fn write(&self, change: &mut Change, may_return: bool) -> Result<(), Error> {
        let settings = &self.overflow.settings;
        let (header, came) = (change.header, change.came);
        let expires = settings.expiry(&header);
        // The handler has outlived its session. A blob that is still stored belongs to another request, which has made
        // the session persistent, and this request must not let it expire.
        if expires <= settings.now() {
            return Err(Kind::Expired.into());
        }
        // The expiry if the session had only been renewed. If something fails, the browser keeps its old cookie, and
        // must find the blob until that cookie expires.
        let renewed = came.map_or(expires, |came| {
            settings.expiry(&Header { issued: header.issued.max(came.issued), ..came })
        });
        match change.home {
            Some(home) => {
                // A session that now ends with the browser is not kept for as long as its former persistent cookie.
                let is_of_before = came.is_some_and(|came| {
                    came.session_id == home.session_id
                        && (header.persistent || !came.persistent || !may_return)
                });
                let expires = if is_of_before { expires.max(renewed) } else { expires };
                self.write_home(change, home, expires, may_return).await
            }
            None => self.write_elsewhere(change, expires, renewed, may_return).await,
        }
    }

    /// Writes the data to the blob that the session is in.
    ///
    /// A session that has shrunk is written too. This makes certain that no other request has ended or changed it, and
    /// requests in flight find its present data.
    async fn write_home(
        &self,
        change: &mut Change,
        mut blob: Stored,
        expires: SystemTime,
        may_return: bool,
    ) -> Result<(), Error> {
        let settings = &self.overflow.settings;
        let writes = change.has_changed() || !blob.settled || (may_return && blob.returns);
        let mut step = if writes { Step::Replace } else { Step::Extend };
        let advanced = self.advance(&mut blob, change, step, expires).await;
        change.home = Some(blob);
        if let Err(error) = advanced {
            // `save` has stored it, and this call would only have made it expire a little later.
            let saved = change.is_saved_until(expires).filter(|_| step == Step::Extend && error.is_store());
            let Some(saved) = saved else { return Err(error) };
            tracing::warn!(cookie = settings.cookie_name(), error = %error.chain(), "a saved session's expiry stays as it was");
            self.expire_by(&mut change.header, saved);
            return Ok(());
        }
        // Another request has written it in the meantime, with an older key.
        if step == Step::Extend && !blob.settled {
            step = Step::Replace;
            self.advance(&mut blob, change, step, expires).await?;
            change.home = Some(blob);
        }
        let leaves = settings.sealer.fits(&change.draft) || change.is_over(&settings.empty);
        // If another request has changed or ended the session since, the session stays in its blob.
        if step == Step::Replace && may_return && leaves && self.expire(&blob, expires).await == Written::Done
        {
            change.home = None;
            if !change.is_over(&settings.empty) {
                settings.tally.moved_to_cookie.add(1);
            }
        }
        Ok(())
    }

    /// Writes the data to a new blob, or leaves it to the cookie.
    ///
    /// The blobs that the session leaves must still be there, so that a session that another request has ended is not
    /// revived. If two requests move the session to another name, the second one detects it here.
    async fn write_elsewhere(
        &self,
        change: &mut Change,
        expires: SystemTime,
        renewed: SystemTime,
        leaves: bool,
    ) -> Result<(), Error> {
        let settings = &self.overflow.settings;
        for at in 0..change.leaving.len() {
            let (mut blob, how) = change.leaving[at];
            let step = match how {
                Leave::Delete => continue,
                Leave::DeleteUnchanged => Step::Extend,
                Leave::Expire => Step::Replace,
            };
            // As in `write`: the handler has outlived the session, even though it begins again under another id.
            if renewed <= settings.now() {
                return Err(Kind::Expired.into());
            }
            self.advance(&mut blob, change, step, renewed).await?;
            change.leaving[at].0 = blob;
        }
        if !settings.sealer.fits(&change.draft) {
            // `save` leaves no blob, so that what it creates costs the budget its whole size until the commit.
            let left = change.leaving.iter().filter(|_| leaves).map(|(blob, _)| blob.length);
            let replaced = left.max().unwrap_or(0);
            change.home = Some(self.create(&change.header, &change.draft, expires, replaced).await?);
            if change.leaving.is_empty() {
                settings.tally.moved_to_store.add(1);
            }
        }
        Ok(())
    }

    /// Makes a cookie expire with its blob, which expires a little earlier, by dating the cookie back to when the blob
    /// was stored.
    fn expire_by(&self, header: &mut Header, blob: SystemTime) {
        // The first step can be too short, if the absolute timeout determined the cookie's expiry.
        for _ in 0..2 {
            let later =
                self.overflow.settings.expiry(header).duration_since(blob).unwrap_or_default().as_secs();
            let later = u32::try_from(later).unwrap_or(u32::MAX);
            header.issued = header.issued.saturating_sub(later).max(header.created);
        }
    }

    /// Leaves one of the blobs that the session is no longer in. The error in `Ok` is the failure to delete it.
    async fn leave_old(&self, change: &mut Change, at: usize) -> Result<Option<Error>, Error> {
        let (mut blob, how) = change.leaving[at];
        let (header, expires) = (change.header, self.overflow.settings.expiry(&change.header));
        for _ in 0..ATTEMPTS {
            let left = match how {
                Leave::Delete => self.delete(&blob, None).await,
                Leave::DeleteUnchanged => self.delete(&blob, Some(blob.generation())).await,
                Leave::Expire => Ok(self.expire(&blob, expires).await),
            };
            match left {
                Ok(Written::Done) => return Ok(None),
                // The blob is already gone.
                Ok(Written::Conflict) if how == Leave::Delete => return Ok(None),
                Ok(Written::Conflict) => {}
                Err(error) => return Ok(Some(error)),
            }
            let before = change.draft.payload().to_vec();
            self.catch_up(&mut blob, change).await?;
            // The data was merged with another request's change, and is stored before its blob is left.
            if change.draft.payload() != before {
                change.home = match change.home {
                    Some(mut home) => {
                        self.advance(&mut home, change, Step::Replace, expires).await?;
                        Some(home)
                    }
                    None if self.overflow.settings.sealer.fits(&change.draft) => None,
                    None => Some(self.create(&header, &change.draft, expires, blob.length).await?),
                };
            }
        }
        Err(Kind::Changed.into())
    }
}
