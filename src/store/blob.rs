//! Loading and writing the blob of one session. A write is made of steps, each of which names the generation that it
//! follows.

use std::time::SystemTime;

use super::{Calls, Change, Generation, Reason, Store, Stored, Written, budget::Allowance, cleanup::Cleanup};
use crate::{
    Payload,
    error::{Error, Kind, Refusal},
    seal::{BLOB_PAYLOAD_AT, Blob, Draft, Header, Reference, random},
    settings::policy::Conflict,
};

/// The number of attempts to write, when other requests write in between.
pub(super) const ATTEMPTS: usize = 100;

/// The content of a blob.
pub(crate) struct Loaded<T> {
    pub(crate) value: T,
    pub(crate) stored: Stored,
    /// The exact bytes of the data, if they have the present shape. A write that does not change the data keeps these
    /// bytes. Serialized again, data with hash maps could come out in another order, and would look changed to other
    /// requests.
    pub(crate) payload: Option<Draft>,
}

/// A step of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Sets the expiry of the blob.
    Extend,
    /// Writes the next generation.
    Replace,
}

impl<T: Payload> Calls<'_, T> {
    /// Loads and opens a blob: the data, or the reason to reject it.
    pub(crate) async fn load(&self, sought: &Stored) -> Result<Result<Loaded<T>, Refusal>, Error> {
        let limit = self.overflow.limit;
        // One byte more than is accepted, so that a blob that is too long is noticed.
        let loading = self.store().load(sought.id(), limit.saturating_add(1));
        let Some(mut bytes) = self.deadline.call("load a session", loading).await? else {
            return Ok(Err(Refusal::MissingBlob));
        };
        let Stored { reference, session_id, previous, .. } = *sought;
        let sealer = &self.overflow.settings.sealer;
        let context = self.overflow.settings.context(previous);
        let current = previous.is_none() && context.would_seal(&bytes);
        let length = bytes.len();
        let open = || {
            let blob = context.open_blob(&reference, &session_id, limit, &mut bytes)?;
            let stored = Stored {
                reference: Reference { generation: blob.generation, ..reference },
                session_id,
                previous,
                settled: current && blob.schema == sealer.schema(),
                length,
                returns: blob.payload.len() <= sealer.longest_payload(),
            };
            let value = sealer.decode(blob.schema, blob.payload)?;
            let is_present = blob.schema == sealer.schema();
            let end = BLOB_PAYLOAD_AT + blob.payload.len();
            let payload = is_present.then(|| {
                bytes.truncate(end);
                Draft::within(bytes, BLOB_PAYLOAD_AT)
            });
            Ok(Loaded { value, stored, payload })
        };
        Ok(open())
    }

    /// Takes one step with a blob, and retries it if another request has written in between.
    ///
    /// # Errors
    ///
    /// Returns [`Kind::Overtaken`] if another request has written in between and this is a renewal, which is not
    /// retried.
    pub(super) async fn advance(
        &self,
        blob: &mut Stored,
        change: &mut Change,
        step: Step,
        expires: SystemTime,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let (id, seen) = (blob.id(), blob.generation());
            let written = match step {
                Step::Extend => {
                    let extending = self.store().set_expiry(id, seen, expires);
                    self.deadline.call("set a session's expiry", extending).await?
                }
                Step::Replace => {
                    let unchanged = if change.has_changed() { None } else { change.stored.as_ref() };
                    let (next, bytes) = self.seal_next(blob, unchanged.unwrap_or(&change.draft))?;
                    let added = self.spend(blob.length, next.length)?;
                    let replacing = self.store().replace(id, seen, &bytes, expires);
                    let written = self.deadline.call("replace a session", replacing).await?;
                    match written {
                        Written::Done => {
                            self.count_bytes(next.length, added);
                            *blob = next;
                        }
                        Written::Conflict => self.refund(added),
                    }
                    written
                }
            };
            match written {
                Written::Done => return Ok(()),
                Written::Conflict if change.reason == Reason::Renewed => return Err(Kind::Overtaken.into()),
                Written::Conflict => self.catch_up(blob, change).await?,
            }
        }
        Err(Kind::Changed.into())
    }

    /// Loads the data that another request has stored, and reconciles this request's change with it.
    pub(super) async fn catch_up(&self, blob: &mut Stored, change: &mut Change) -> Result<(), Error> {
        match self.load(blob).await? {
            Ok(Loaded { value, stored, payload }) => {
                *blob = stored;
                self.reconcile(change, value, payload)
            }
            Err(Refusal::MissingBlob) => Err(Kind::Ended.into()),
            Err(refusal) => Err(Kind::Blob(refusal).into()),
        }
    }

    fn reconcile(&self, change: &mut Change, theirs: T, payload: Option<Draft>) -> Result<(), Error> {
        let settings = &*self.overflow.settings;
        let sealer = &settings.sealer;
        let same_bytes = |seen: &Draft| payload.as_ref().is_some_and(|now| now.payload() == seen.payload());
        if change.has_changed() && change.stored.as_ref().is_some_and(same_bytes) {
            return Ok(()); // the other request has only sealed it again
        }
        let stored = match &payload {
            Some(payload) => payload.clone(),
            None => sealer.draft(&theirs)?,
        };
        change.stored = payload;
        if !change.has_changed() {
            // This request has no change of its own.
            change.take(stored);
            return Ok(());
        }
        if change.base.as_ref().is_some_and(|base| base.payload() == stored.payload()) {
            return Ok(()); // the other request has only sealed it again
        }
        let Some(resolve) = &self.overflow.on_conflict else {
            settings.tally.overwritten.add(1);
            tracing::warn!(
                cookie = settings.cookie_name(),
                "two requests changed a session at the same time: the change of the first is lost"
            );
            return Ok(());
        };
        let decode = |draft: &Draft| sealer.decode(sealer.schema(), draft.payload()).ok();
        let resolved = || {
            let (base, mine) = (decode(change.base.as_ref()?)?, decode(&change.draft)?);
            resolve(Conflict { base, theirs, mine })
        };
        let merged = resolved().ok_or(Kind::Changed)?;
        change.take(sealer.draft(&merged)?);
        change.base = Some(stored);
        settings.tally.merged.add(1);
        Ok(())
    }

    /// Creates a blob under a new secret. `replaced` is the length of the blob that it stands in for, or 0.
    pub(super) async fn create(
        &self,
        header: &Header,
        draft: &Draft,
        expires: SystemTime,
        replaced: usize,
    ) -> Result<Stored, Error> {
        let reference = Reference { generation: 0, secret: random::bytes()? };
        let nothing = Stored::unseen(reference, header.session_id, None);
        let (blob, bytes) = self.seal_next(&nothing, draft)?;
        let added = self.spend(replaced, blob.length)?;
        let creating = self.store().create(blob.id(), &bytes, expires);
        match self.deadline.call("store a session", creating).await? {
            Written::Done => {
                self.count_bytes(blob.length, added);
                Ok(blob)
            }
            Written::Conflict => {
                Err(Error::broken_store("store a session", "the store already has its random id"))
            }
        }
    }

    /// Deletes a blob of this generation, or of any. If that fails, a background task retries.
    pub(super) async fn delete(&self, blob: &Stored, expected: Option<Generation>) -> Result<Written, Error> {
        let cleanup = Cleanup::Delete { id: blob.id(), expected };
        self.overflow.cleaner.clean_up(cleanup, self.deadline).await
    }

    /// Lets a blob expire after the grace period, which leaves it to requests in flight. If that fails, a background
    /// task retries.
    ///
    /// The session leaves the blob even after a failure. The call may have been carried out, and then a cookie that
    /// still named the blob would soon name nothing. Only the copy in the cookie is sure to last.
    pub(super) async fn expire(&self, blob: &Stored, expires: SystemTime) -> Written {
        let cleaner = &self.overflow.cleaner;
        let grace = self.overflow.settings.now().checked_add(self.overflow.grace);
        let at = grace.map_or(expires, |grace| expires.min(grace));
        let cleanup = Cleanup::Expire { id: blob.id(), seen: blob.generation(), at };
        match cleaner.attempt(cleanup, self.deadline).await {
            Ok(left) => left,
            // Often only one connection is broken, and the next call gets another.
            Err(_) => cleaner.clean_up(cleanup, self.deadline).await.unwrap_or(Written::Done),
        }
    }

    fn store(&self) -> &dyn Store {
        &*self.overflow.cleaner.store
    }

    pub(super) fn refund(&self, bytes: u64) {
        if let Some(budget) = &self.overflow.budget {
            budget.refund(bytes);
        }
    }

    fn count_bytes(&self, written: usize, added: u64) {
        let tally = &self.overflow.settings.tally;
        tally.bytes_written.add(written as u64);
        tally.bytes_added.add(added);
    }

    /// Deducts the bytes by which a blob grows from the budget, and returns their number.
    fn spend(&self, before: usize, after: usize) -> Result<u64, Error> {
        let added = after.saturating_sub(before) as u64;
        let Some(budget) = &self.overflow.budget else { return Ok(added) };
        let settings = &self.overflow.settings;
        match budget.spend(added, settings.now()) {
            Allowance::Granted => return Ok(added),
            Allowance::FirstRefusal => tracing::warn!(
                cookie = settings.cookie_name(),
                "the store's budget is used up: no session enters the store or grows there until its period ends"
            ),
            Allowance::Refused => {}
        }
        settings.tally.over_budget.add(1);
        Err(Kind::OverBudget.into())
    }

    /// Seals the next generation of a blob.
    fn seal_next(&self, blob: &Stored, draft: &Draft) -> Result<(Stored, Vec<u8>), Error> {
        self.overflow.check_size(draft)?;
        let Some(generation) = blob.reference.generation.checked_add(1) else {
            return Err(Error::broken_store("replace a session", "its generations are used up"));
        };
        let settings = &self.overflow.settings;
        let reference = Reference { generation, ..blob.reference };
        let content = Blob { generation, schema: settings.sealer.schema(), payload: draft.payload() };
        let bytes = settings.context(blob.previous).seal_blob(&reference, &blob.session_id, &content)?;
        let next = Stored { reference, settled: true, length: bytes.len(), returns: false, ..*blob };
        Ok((next, bytes))
    }
}
