//! The trip of a session: open it, then decide, place and write what becomes of it.

pub(crate) mod decide;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod save;
pub(crate) mod write;
