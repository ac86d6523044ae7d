//! What the application may choose otherwise.

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

/// What becomes of a session's changes when the handler answers 5xx. `destroy` holds in any case.
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
    /// An empty response of this status, in place of the handler's. The browser keeps the session it had. The
    /// default, with 500.
    Replace(StatusCode),
    /// The handler's response, without a word on the session: the browser keeps the one it had.
    SendUnchanged,
}
