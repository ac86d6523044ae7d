//! One session's blob: loading it, and the steps that a write takes with it, each of which names the generation that it
//! follows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{BlobId, Calls, Generation, StoreError, Write, Written, budget::Allowance, later::Cleanup};
use crate::{
    Payload,
    error::{Error, Kind, Refusal},
    seal::{Blob, Context, Draft, Header, Reference, blob_len, random},
    session::Place,
    sessions::{Overflow, Sessions},
    settings::policy::Conflict,
};

/// How often a write is tried again because another request came in between.
pub(super) const ATTEMPTS: usize = 100;

/// A session's blob, as this request last saw it.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    /// With the generation that was seen.
    pub(crate) reference: Reference,
    pub(crate) session_id: [u8; 16],
    /// Which of the former realms or cookie names it is sealed for, if not for the present one.
    pub(crate) previous: Option<usize>,
    /// Whether it is sealed by the key that seals now, in the payload's present shape.
    pub(super) settled: bool,
    /// The number of bytes that it takes in the store; 0 if nobody has looked.
    pub(super) length: usize,
    /// Whether it would fit the cookie: its session has returned, and the browser does not know, or is to return.
    pub(crate) returns: bool,
}

impl Stored {
    pub(super) fn index(&self) -> BlobId {
        BlobId::new(self.reference.index())
    }

    pub(super) fn generation(&self) -> Generation {
        Generation::new(self.reference.generation)
    }

    /// A reference's blob, before anybody has looked at what stands there.
    pub(crate) fn unseen(reference: Reference, session_id: [u8; 16], previous: Option<usize>) -> Self {
        Self { reference, session_id, previous, settled: false, length: 0, returns: false }
    }

    /// As if it had been seen one write earlier, so that the next write finds that another came in between.
    pub(crate) fn seen_earlier(self) -> Self {
        let generation = self.reference.generation.saturating_sub(1);
        Self { reference: Reference { generation, ..self.reference }, ..self }
    }

    /// As if it had to be sealed anew: the next write writes it, changed or not.
    pub(crate) fn to_be_written(self) -> Self {
        Self { settled: false, ..self }
    }
}

/// The content of a blob.
pub(crate) struct Loaded<T> {
    pub(crate) value: T,
    pub(crate) stored: Stored,
    /// The very bytes of the data, if they are of the present shape. Whatever seals a blob again without changing
    /// its data keeps them: data with hash maps would serialize in another order, and look changed to others.
    pub(crate) payload: Option<Draft>,
}

/// What a write does to a blob.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Makes it live on.
    Extend,
    /// Writes the next generation.
    Replace,
}

impl<T: Payload> Sessions<T> {
    /// Loads and opens a blob: the data, or why not.
    pub(crate) async fn fetch(
        &self,
        calls: &Calls<'_>,
        sought: &Stored,
    ) -> Result<Result<Loaded<T>, Refusal>, Error> {
        let overflow = self.overflow();
        // One byte more than is accepted, so that what is too long is seen to be.
        let Some(mut bytes) = calls.load(sought.index(), overflow.limit.saturating_add(1)).await? else {
            return Ok(Err(Refusal::MissingBlob));
        };
        let Stored { reference, session_id, previous, .. } = *sought;
        let context = self.context_of(previous);
        let current = previous.is_none() && context.would_seal(&bytes);
        let length = bytes.len();
        let mut open = || {
            let blob = context.open_blob(&reference, &session_id, overflow.limit, &mut bytes)?;
            let sealer = self.sealer();
            let stored = Stored {
                reference: Reference { generation: blob.generation, ..reference },
                session_id,
                previous,
                settled: current && blob.schema == sealer.schema(),
                length,
                returns: blob.payload.len() <= sealer.longest_payload(),
            };
            let value = sealer.decode(blob.schema, blob.payload)?;
            let payload = (blob.schema == sealer.schema()).then(|| Draft::of(blob.payload));
            Ok(Loaded { value, stored, payload })
        };
        Ok(open())
    }

    /// The data of a reference that was just sent.
    pub(crate) async fn find_stored(
        &self,
        reference: Reference,
        session_id: [u8; 16],
    ) -> Result<Result<T, Refusal>, Error> {
        let Some(overflow) = &self.inner.overflow else { return Ok(Err(Refusal::MissingBlob)) };
        let found = self.fetch(&overflow.calls(), &Stored::unseen(reference, session_id, None)).await?;
        Ok(found.map(|loaded| loaded.value))
    }

    /// Takes one step with a blob, again if another request came in between, and tells what is to be kept then. Only a
    /// renewal steps back instead.
    pub(super) async fn advance(
        &self,
        calls: &Calls<'_>,
        blob: &mut Stored,
        write: &mut Write,
        step: Step,
        expires: SystemTime,
    ) -> Result<Written, Error> {
        for _ in 0..ATTEMPTS {
            let (index, seen) = (blob.index(), blob.generation());
            let written = match step {
                Step::Extend => calls.set_expiry(index, seen, expires).await?,
                Step::Replace => {
                    let unchanged = if write.changed { None } else { write.stored.as_ref() };
                    let (next, bytes) = self.seal_next(blob, unchanged.unwrap_or(&write.draft))?;
                    let added = self.spend(blob.length, next.length)?;
                    let written = calls.replace(index, seen, &bytes, expires).await?;
                    if written == Written::Done {
                        self.inner.tally.stored(next.length, added);
                        *blob = next;
                    }
                    written
                }
            };
            if written == Written::Done || write.renewal {
                return Ok(written);
            }
            self.catch_up(calls, blob, write).await?;
        }
        Err(Kind::Changed.into())
    }

    /// Learns what another request has stored, and tells what is to be kept then.
    pub(super) async fn catch_up(
        &self,
        calls: &Calls<'_>,
        blob: &mut Stored,
        write: &mut Write,
    ) -> Result<(), Error> {
        match self.fetch(calls, blob).await? {
            Ok(Loaded { value, stored, payload }) => {
                *blob = stored;
                self.reconcile(write, value, payload)
            }
            Err(Refusal::MissingBlob) => Err(Kind::Ended.into()),
            Err(refusal) => Err(Kind::Blob(refusal).into()),
        }
    }

    /// What is to be kept, now that another request has stored something else.
    fn reconcile(&self, write: &mut Write, theirs: T, payload: Option<Draft>) -> Result<(), Error> {
        let sealer = self.sealer();
        let same_bytes = |seen: &Draft| payload.as_ref().is_some_and(|now| now.payload() == seen.payload());
        if write.changed && write.stored.as_ref().is_some_and(same_bytes) {
            return Ok(()); // they have only sealed it anew
        }
        let stored = match &payload {
            Some(payload) => payload.clone(),
            None => sealer.draft(&theirs)?,
        };
        write.stored = payload;
        if !write.changed {
            // Nothing of this request's own: theirs it is.
            write.take(stored);
            return Ok(());
        }
        if write.base.as_ref().is_some_and(|base| base.payload() == stored.payload()) {
            return Ok(()); // they have only sealed it anew
        }
        let Some(resolve) = &self.overflow().on_conflict else {
            self.inner.tally.overwritten();
            tracing::warn!(
                cookie = self.cookie_name(),
                "two requests have changed a session at once: the change of the first is lost"
            );
            return Ok(());
        };
        let decode = |draft: &Draft| sealer.decode(sealer.schema(), draft.payload()).ok();
        let resolved = || {
            let (base, mine) = (decode(write.base.as_ref()?)?, decode(&write.draft)?);
            resolve(Conflict { base, theirs, mine })
        };
        write.take(sealer.draft(&resolved().ok_or(Kind::Changed)?)?);
        write.base = Some(stored);
        self.inner.tally.merged();
        Ok(())
    }

    /// Spills: a new blob, under a secret of its own, in place of another of this length or of none.
    pub(super) async fn create(
        &self,
        calls: &Calls<'_>,
        header: &Header,
        draft: &Draft,
        expires: SystemTime,
        replaced: usize,
    ) -> Result<Stored, Error> {
        let reference = Reference { generation: 0, secret: random::bytes()? };
        let nothing = Stored::unseen(reference, header.session_id, None);
        let (blob, bytes) = self.seal_next(&nothing, draft)?;
        let added = self.spend(replaced, blob.length)?;
        match calls.create(blob.index(), &bytes, expires).await? {
            Written::Done => {
                self.inner.tally.stored(blob.length, added);
                Ok(blob)
            }
            Written::Conflict => {
                let source = StoreError::new("creating a blob", "a random blob id is already taken");
                Err(Kind::Store { call: "store a session", source: Some(source) }.into())
            }
        }
    }

    /// Takes out of the budget by how much a blob grows, and returns it.
    fn spend(&self, before: usize, after: usize) -> Result<u64, Error> {
        let added = after.saturating_sub(before) as u64;
        let Some(budget) = &self.overflow().budget else { return Ok(added) };
        match budget.spend(added, self.now()) {
            Allowance::Granted => return Ok(added),
            Allowance::FirstRefusal => tracing::warn!(
                cookie = self.cookie_name(),
                "the store's budget is used up: no session enters the store or grows there until its period ends"
            ),
            Allowance::Refused => {}
        }
        self.inner.tally.over_budget();
        Err(Kind::OverBudget.into())
    }

    /// The next generation of a blob, sealed.
    fn seal_next(&self, blob: &Stored, draft: &Draft) -> Result<(Stored, Vec<u8>), Error> {
        self.overflow().check_size(draft)?;
        let Some(generation) = blob.reference.generation.checked_add(1) else {
            let source = StoreError::new("replacing a blob", "its generations are used up");
            return Err(Kind::Store { call: "replace a session", source: Some(source) }.into());
        };
        let reference = Reference { generation, ..blob.reference };
        let content = Blob { generation, schema: self.sealer().schema(), payload: draft.payload() };
        let bytes = self.context_of(blob.previous).seal_blob(&reference, &blob.session_id, &content)?;
        let next = Stored { reference, settled: true, length: bytes.len(), returns: false, ..*blob };
        Ok((next, bytes))
    }

    /// Leaves a blob to requests in flight, or, if that fails, has a task do so.
    ///
    /// After a failure the session leaves it all the same. The call may have been carried out, and then a cookie that
    /// went on naming the blob would soon name nothing; the session in its cookie is the one copy that is sure to live.
    pub(super) async fn retire(&self, calls: &Calls<'_>, blob: &Stored, expires: SystemTime) -> Written {
        let grace = self.now().checked_add(self.overflow().grace);
        let at = grace.map_or(expires, |grace| expires.min(grace));
        let (index, seen) = (blob.index(), blob.generation());
        if let Ok(left) = calls.set_expiry(index, seen, at).await {
            return left;
        }
        // Often one connection has ended, and the next call gets another.
        self.clean_up(calls, Cleanup::Expire { index, seen, at }).await.unwrap_or(Written::Done)
    }

    /// Deletes a blob that no cookie will name.
    pub(super) async fn take_back(&self, calls: &Calls<'_>, blob: Option<Stored>) {
        if let Some(blob) = blob {
            let _ = self.clean_up(calls, Cleanup::delete(&blob)).await;
        }
    }

    /// When a blob expires: with the cookie that names it.
    pub(crate) fn expiry(&self, header: &Header) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.timeouts().expires(header))
    }

    /// What seals and opens a blob.
    fn context_of(&self, previous: Option<usize>) -> &Context {
        match previous {
            None => self.sealer().context(),
            Some(at) => &self.inner.previous[at].context,
        }
    }

    pub(crate) fn overflow(&self) -> &Overflow<T> {
        self.inner.overflow.as_ref().expect("only sessions with a store come here")
    }
}

impl<T> Overflow<T> {
    /// The store, for one way of a request.
    pub(crate) fn calls(&self) -> Calls<'_> {
        Calls::new(&*self.store, self.deadline)
    }

    /// Refuses a draft that does not fit the store.
    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), Error> {
        match blob_len(draft.payload().len()) {
            size if size > self.limit => {
                Err(Kind::TooLarge { size, limit: self.limit, place: Place::Store }.into())
            }
            _ => Ok(()),
        }
    }
}
