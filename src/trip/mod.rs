//! The trip of a session through a request: [`open`] it; then [`decide`] what becomes of it, [`place`] it in its cookie or
//! its store, and [`write`](mod@write) the headers. [`save`] does ahead of time what can
//! fail, and a slot carries the session through the middleware.

pub(crate) mod decide;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod save;
#[cfg(any(feature = "tower", feature = "hyper"))]
pub(crate) mod slot;
pub(crate) mod write;

/// The hook that selected the sessions of a request. It is only compared: rooms below do not know its type.
pub(crate) type HookId = std::sync::Arc<dyn std::any::Any + Send + Sync>;
