//! Policies with more than two answers.

use std::fmt;

use http::StatusCode;

use crate::error::Error;

/// When a session that was used but not changed is sealed again, so that its idle timeout starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Renewal {
    /// When a quarter of the idle timeout is spent. The default.
    ///
    /// On requests that are not navigations (by their `Sec-Fetch-Mode` header) when half of it is spent, so that a
    /// page's parallel requests seldom carry old data back.
    #[default]
    WhenSpent,
    /// On every request that reads the session.
    EveryRequest,
    /// Never. Only a change starts the idle timeout over.
    OnChange,
}

/// Chooses the status of the response that replaces the handler's when the session cannot be kept; `None` replaces none.
pub(crate) type OnFailure = Box<dyn Fn(&Error) -> Option<StatusCode> + Send + Sync>;

/// Resolves a conflict; `None` rejects this request's change.
pub(crate) type Resolve<T> = Box<dyn Fn(Conflict<T>) -> Option<T> + Send + Sync>;

/// The three values of a session that two requests changed at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Conflict<T> {
    /// The value from which both requests began. After a second conflict, the value that was merged last.
    pub base: T,
    /// The value that the other request stored.
    pub theirs: T,
    /// The value that this request wants to store.
    pub mine: T,
}

impl<T> fmt::Debug for Conflict<T> {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conflict(…)")
    }
}
