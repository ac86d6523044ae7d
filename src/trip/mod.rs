//! The trip of a session through a request: [`open`] it; then [`decide`] what becomes of it, [`place`] it in its cookie or
//! its store, and [`write`](mod@write) the headers. [`save`] does ahead of time what can fail.

pub(crate) mod decide;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod save;
pub(crate) mod write;
