//! Moving into the store, within it, and out of it: the store's part of a commit, before Set-Cookie is sent.
//!
//! The calls are ordered so that a failure between any two of them, even one that was carried out all the same, leaves
//! the browser with a cookie that opens: writes come first, then the cookie is decided, and deletions come last.

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
    /// Writes a session, and leaves the blobs that it is no longer in. Returns an error that came too late to keep the
    /// new cookie back.
    ///
    /// # Errors
    ///
    /// Those after which the browser must keep the cookie that it has.
    pub(crate) async fn carry_out(&self, change: &mut Change) -> Result<Option<Error>, Error> {
        // 1. Write.
        self.write(change, true).await?;
        // 2. From here on the new cookie is sent: a deletion that is not confirmed is no reason to let the browser keep a
        //    cookie whose blob may be gone.
        let mut late = None;
        for at in 0..change.leaving.len() {
            match self.leave_old(change, at).await {
                Ok(failed) => late = failed.or(late),
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

    /// Deletes the blobs of a session that was destroyed. Returns the last failure.
    pub(crate) async fn delete_ended(&self, leaving: &[(Stored, Leave)]) -> Option<Error> {
        let mut failed = None;
        for (blob, _) in leaving.iter().filter(|(_, how)| *how == Leave::Delete) {
            failed = self.delete(blob, None).await.err().or(failed);
        }
        failed
    }

    /// Writes the data where they are to be kept. With `may_return`, a session that fits its cookie leaves the store.
    pub(crate) async fn write(&self, change: &mut Change, may_return: bool) -> Result<(), Error> {
        let settings = &self.overflow.settings;
        let (header, came) = (change.header, change.came);
        let expires = settings.expiry(&header);
        // The handler has outlived its session. Whatever is still stored belongs to another request, which has made the
        // session persistent, and is not to expire for this one.
        if expires <= settings.now() {
            return Err(Kind::Ended.into());
        }
        // As if it had only been renewed: a browser that keeps its old cookie, because something fails, must find its
        // blob until that cookie expires.
        let renewed = came.map_or(expires, |came| {
            settings.expiry(&Header { issued: header.issued.max(came.issued), ..came })
        });
        match change.home {
            Some(home) => {
                // A session that is to end with the browser is not kept longer for its persistent cookie.
                let is_of_before = came.is_some_and(|came| {
                    came.session_id == home.session_id && (header.persistent || !came.persistent)
                });
                let expires = if is_of_before { expires.max(renewed) } else { expires };
                self.write_home(change, home, expires, may_return).await
            }
            None => self.write_elsewhere(change, expires, renewed).await,
        }
    }

    /// Writes the data to the blob that the session is in.
    ///
    /// A session that has shrunk is written all the same: so it is certain that no other request has ended or changed
    /// it, and requests in flight find it as it is now.
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
            // It is stored since it was saved, and would only have lived a little longer.
            let saved = change.is_saved_until(expires).filter(|_| step == Step::Extend && error.is_store());
            let Some(saved) = saved else { return Err(error) };
            tracing::warn!(cookie = settings.cookie_name(), error = %error.chain(), "a saved session's expiry stays as it was");
            self.expire_by(&mut change.header, saved);
            return Ok(());
        }
        // Another request has written it meanwhile, with an older key.
        if step == Step::Extend && !blob.settled {
            step = Step::Replace;
            self.advance(&mut blob, change, step, expires).await?;
            change.home = Some(blob);
        }
        let leaves = settings.sealer.fits(&change.draft) || change.is_over(&settings.empty);
        // Unless another request has changed or ended it since: then the blob holds.
        if step == Step::Replace && may_return && leaves && self.expire(&blob, expires).await == Written::Done
        {
            change.home = None;
            if !change.is_over(&settings.empty) {
                settings.tally.moved_to_cookie.add(1);
            }
        }
        Ok(())
    }

    /// Writes the data to a new blob, or leaves them to the cookie.
    ///
    /// The blobs that it leaves must still be there: a session that another request has ended is not revived. And of two
    /// requests that both move it to another name, the second finds out.
    async fn write_elsewhere(
        &self,
        change: &mut Change,
        expires: SystemTime,
        renewed: SystemTime,
    ) -> Result<(), Error> {
        let settings = &self.overflow.settings;
        for at in 0..change.leaving.len() {
            let (mut blob, how) = change.leaving[at];
            let step = match how {
                Leave::Delete => continue,
                Leave::DeleteUnchanged => Step::Extend,
                Leave::Expire => Step::Replace,
            };
            // Likewise, though the session begins again under another id.
            if renewed <= settings.now() {
                return Err(Kind::Ended.into());
            }
            self.advance(&mut blob, change, step, renewed).await?;
            change.leaving[at].0 = blob;
        }
        if !settings.sealer.fits(&change.draft) {
            let replaced = change.leaving.iter().map(|(blob, _)| blob.length).max().unwrap_or(0);
            change.home = Some(self.create(&change.header, &change.draft, expires, replaced).await?);
            if change.leaving.is_empty() {
                settings.tally.moved_to_store.add(1);
            }
        }
        Ok(())
    }

    /// Has a cookie expire with its blob, which does so a little earlier: as if it had been sealed when that was stored.
    fn expire_by(&self, header: &mut Header, blob: SystemTime) {
        // The first step can be too short, if it was the absolute timeout that ended the cookie.
        for _ in 0..2 {
            let later =
                self.overflow.settings.expiry(header).duration_since(blob).unwrap_or_default().as_secs();
            let later = u32::try_from(later).unwrap_or(u32::MAX);
            header.issued = header.issued.saturating_sub(later).max(header.created);
        }
    }

    /// Leaves one of the blobs that the session is no longer in. Returns the failure to delete it.
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
                // Nothing is stored there any more, which is as good.
                Ok(Written::Conflict) if how == Leave::Delete => return Ok(None),
                Ok(Written::Conflict) => {}
                Err(error) => return Ok(Some(error)),
            }
            let before = change.draft.payload().to_vec();
            self.catch_up(&mut blob, change).await?;
            // Merged with what came in between: that is stored before its blob is left.
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
