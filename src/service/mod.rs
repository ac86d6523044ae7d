//! What every middleware does, whatever the framework: it leaves a place for the session among the request's
//! extensions, and commits what was asked for when the response is there. The frameworks' traits are implemented
//! for one service and one future, so that they can't come to differ.

mod future;
mod service;
pub(crate) mod slot;

pub(crate) use future::ResponseFuture;
pub use service::SessionService;
pub(crate) use service::enter;
