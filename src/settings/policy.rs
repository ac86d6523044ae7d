//! Policies with more than two choices.

use std::fmt;

use http::StatusCode;

use crate::error::Error;

/// The rule for renewal: sealing a session again that was used but not changed, so that its idle timeout starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Renewal {
    /// Renews a session when a quarter of the idle timeout is spent. The default.
    ///
    /// Requests that are not navigations, according to their `Sec-Fetch-Mode` header, renew it when half of the idle
    /// timeout is spent. This way the parallel requests of a page seldom bring back old data.
    #[default]
    WhenSpent,
    /// Renews a session on every request that reads it.
    EveryRequest,
    /// Never renews a session. Only a change starts the idle timeout over.
    OnChange,
}

/// Returns the status of the response that replaces the handler's when the session cannot be kept. `None` sends the
/// handler's response.
pub(crate) type OnFailure = Box<dyn Fn(&Error) -> Option<StatusCode> + Send + Sync>;

/// Resolves a conflict. `None` rejects this request's change.
pub(crate) type Resolve<T> = Box<dyn Fn(Conflict<T>) -> Option<T> + Send + Sync>;

/// The three values of a session that two requests changed at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Conflict<T> {
    /// The value that both requests began with. After a second conflict, the value that was merged last.
    pub base: T,
    /// The value that the other request stored.
    pub theirs: T,
    /// The value that this request wants to store.
    pub mine: T,
}

impl<T> fmt::Debug for Conflict<T> {
    /// Hides the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conflict(…)")
    }
}
