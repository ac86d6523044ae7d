//! The trip of a session through a request: [`open`] it, [`decide`] the outcome of the commit, [`place`] the session in
//! its cookie or its store, and [`write`](mod@write) the headers. [`save`] performs the steps that can fail ahead of
//! time, and a slot carries the session through the middleware.

pub(crate) mod decide;
mod judge;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod save;
#[cfg(any(feature = "tower", feature = "hyper"))]
pub(crate) mod slot;
pub(crate) mod write;
