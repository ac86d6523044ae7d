//! What the application may choose otherwise.

use std::fmt;

/// When a session that was used but not changed is sealed anew, so that its idle window begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Renewal {
    /// When a quarter of the window is spent; on requests that say that they are no navigation (`Sec-Fetch-Mode`),
    /// when half is, so that a page's parallel requests seldom carry old data back. The default.
    #[default]
    WhenSpent,
    /// At every request that asks for the session.
    EveryRequest,
    /// Never: only a change begins the window anew.
    OnChange,
}

/// Resolves a conflict; `None` rejects this request's change.
pub(crate) type Resolve<T> = Box<dyn Fn(Conflict<T>) -> Option<T> + Send + Sync>;

/// Three values of one session, when two requests have changed it at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Conflict<T> {
    /// The value from which both requests began; after a further conflict, the one merged with last.
    pub base: T,
    /// What the other request has stored.
    pub theirs: T,
    /// What this request wants to store.
    pub mine: T,
}

impl<T> fmt::Debug for Conflict<T> {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conflict(…)")
    }
}
