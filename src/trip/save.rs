//! Saving before the commit.

use crate::{
    Payload, Sessions,
    error::{Error, Kind},
    session::{Before, State},
    settings::timeouts::stamp,
    store::{Stored, Work, Write},
};

impl<T: Payload> Sessions<T> {
    /// What `save` wants of the store: `None` when nothing, since the session fits its cookie.
    pub(crate) fn plan_save(&self, state: &mut State<T>) -> Result<Option<Work>, Error> {
        let draft = self.inner.sealer.draft(&state.data)?;
        state.coming_id()?; // the blob is sealed for it
        let stamped = self.stamp_changed(state, stamp(self.now())?)?;
        let changed = match &state.before {
            Before::Untouched => false,
            Before::Serialised(before) => draft.payload() != before.payload(),
            Before::Empty | Before::Unknown => true,
        };
        let base = match &state.before {
            Before::Serialised(before) => Some(before.clone()),
            _ => None,
        };
        let write = Write {
            stored: state.stored.clone(),
            header: stamped.header,
            came: state.held.map(|held| held.header),
            draft,
            base,
            changed,
            saved: None,
            renewal: false,
            mine: None,
            durable: true,
        };
        let work = self.work(state, write)?;
        let fits = work.write.as_ref().is_some_and(|write| self.inner.sealer.fits(&write.draft));
        Ok((work.home.is_some() || !fits).then_some(work))
    }

    /// What `save` has done, for the commit.
    pub(crate) fn record(&self, state: &mut State<T>, work: Work) -> Result<(), Error> {
        state.check_open()?;
        let Work { home, leaving, write: Some(write), .. } = work else { return Ok(()) };
        state.saved = Some(self.expiry(&write.header));
        state.left = leaving.into_iter().map(|(blob, _)| blob).collect();
        // What was saved elsewhere is still a change to what was read in the blob that it leaves.
        let (home, base) = match (write.base, state.left.is_empty()) {
            (Some(base), false) => (home.map(Stored::to_be_written), Some(base)),
            _ => (home, None),
        };
        // The bytes in the blob, where the next write begins from them.
        state.stored = match write.changed {
            _ if base.is_some() => None,
            true => home.map(|_| write.draft.clone()),
            false => write.stored,
        };
        // Who could not change anything yet has changed nothing.
        let untouched = matches!(state.before, Before::Untouched);
        let before = |saved| match untouched {
            true => Before::Untouched,
            false => Before::Serialised(base.unwrap_or(saved)),
        };
        (state.home, state.before) = match write.mine {
            None => (home, before(write.draft)),
            Some(mine) if self.sealer().draft(&state.data)?.payload() == mine.payload() => {
                let merged = self.sealer().decode(self.sealer().schema(), write.draft.payload());
                state.data = merged.map_err(Kind::Blob)?;
                (home, before(write.draft))
            }
            // Changed again meanwhile, by another thread: the next write merges again.
            Some(mine) => {
                state.stored = None;
                (home.map(Stored::seen_earlier), Before::Serialised(mine))
            }
        };
        Ok(())
    }
}
