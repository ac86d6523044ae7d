//! What the application may choose otherwise.

use std::fmt;

use http::StatusCode;

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

/// Whether a session's changes are kept when the response is a 5xx or a 408 (Request Timeout). `destroy` holds in any
/// case.
///
/// A timeout layer inside the sessions answers 408 for a handler that it has cut off, which may have made only half of
/// its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnServerError {
    /// They are dropped, as the handler's work presumably is. The default.
    #[default]
    Discard,
    /// They are kept.
    Commit,
}

/// What is answered when a session can't be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCommitFailure {
    /// An empty response of this status, in place of the handler's. The browser keeps the session it had, unless that
    /// was destroyed, or goes on under a new id already. The default, with the error's own
    /// [status](crate::Error::status).
    Replace(StatusCode),
    /// The handler's response. As for the session, the same holds.
    SendUnchanged,
}

/// What becomes of a request whose session is in a store that fails, or does not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// It is an error for whoever asks for the session: 503 from the axum extractor. The default.
    #[default]
    Fail,
    /// The handler gets a fresh session, whose [arrival](crate::Session::arrival) says why, and of which nothing is
    /// kept: the browser's cookie stays as it is, unless the handler destroys the session.
    ServeFresh,
}

/// What becomes of a change to a stored session that another request has changed meanwhile.
///
/// Of sessions in cookies nobody can tell: the response that arrives last wins.
#[derive(Default)]
#[non_exhaustive]
pub enum OnConflict<T> {
    /// It replaces the other. That is counted ([`Counters::overwritten`](crate::Counters::overwritten)), and logged as a
    /// warning. The default.
    #[default]
    LastWriteWins,
    /// It is dropped: the commit fails with an error that [is a conflict](crate::Error::is_conflict), which is
    /// answered by 409.
    Refuse,
    /// It is merged with the other by a function of the application: [`merge`](Self::merge).
    Merge(Box<dyn Fn(Conflict<T>) -> T + Send + Sync>),
}

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

impl<T> OnConflict<T> {
    /// Merges by a function, which may be called again when yet another request comes in between.
    ///
    /// ```
    /// use sealed_session::{KeyRing, OnConflict, Sessions};
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Cart { items: Vec<String> }
    ///
    /// let sessions = Sessions::<Cart>::builder(KeyRing::generate()?)
    ///     .on_conflict(OnConflict::merge(|conflict| {
    ///         let Cart { mut items } = conflict.theirs;
    ///         items.retain(|item| conflict.mine.items.contains(item) || !conflict.base.items.contains(item));
    ///         items.extend(conflict.mine.items.into_iter().filter(|item| !conflict.base.items.contains(item)));
    ///         Cart { items }
    ///     }))
    ///     .build()?;
    /// # Ok::<(), sealed_session::Error>(())
    /// ```
    pub fn merge(merge: impl Fn(Conflict<T>) -> T + Send + Sync + 'static) -> Self {
        Self::Merge(Box::new(merge))
    }
}

impl<T> fmt::Debug for OnConflict<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastWriteWins => "LastWriteWins",
            Self::Refuse => "Refuse",
            Self::Merge(_) => "Merge(…)",
        })
    }
}

impl<T> fmt::Debug for Conflict<T> {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conflict(…)")
    }
}
