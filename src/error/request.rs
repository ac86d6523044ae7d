//! The error type for requests.

use std::fmt;

use http::StatusCode;
use serde_fingerprint::EncodeError;

use super::{Chain, NoRandomBytes, Refusal, StoreError, chain};

/// An error in a request: while its session is loaded, changed, sealed or committed.
///
/// The `is_…` methods tell what happened, and [`status`](Self::status) returns the status to respond with. In an axum
/// handler that returns `Result<_, Error>`, `?` answers with that status and logs the error. No error contains a secret
/// or a part of the session's data. `Display` shows one level, and [`source`](std::error::Error::source) returns the
/// cause. `Debug` shows both.
pub struct Error {
    kind: Box<Kind>,
    /// True if it was logged where it happened.
    #[cfg(feature = "axum")]
    logged: bool,
}

/// The place where a session is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Cookie,
    Store,
}

pub(crate) enum Kind {
    Random(NoRandomBytes),
    Encode(EncodeError),
    TooLarge {
        size: usize,
        limit: usize,
        place: Place,
    },
    /// The session does not fit in its cookie, and `may_overflow` keeps it out of the store.
    Barred {
        size: usize,
        limit: usize,
    },
    /// The store's budget is used up for now.
    OverBudget,
    /// The budget of revocation entries is used up for now.
    OverEntryBudget,
    Window(String),
    /// A frame or blob to seal that no reader would accept.
    Unreadable(&'static str),
    /// A value of a `SessionMap`. Its key is left out, because an application may take keys from visitors.
    Value(&'static str),
    Clock,
    Panicked,
    Finished,
    /// The store failed, or timed out if there is no source.
    Store {
        call: &'static str,
        source: Option<StoreError>,
    },
    /// The store returned something that is not a blob of this session.
    Blob(Refusal),
    /// The session was replaced with a fresh one, because its store had failed.
    Detached,
    /// The log of revocations could not be read for too long.
    Stale,
    /// There is no subject whose sessions could be revoked.
    NoSubject,
    Changed,
    Ended,
    Expired,
    /// Another request was faster than a renewal, which gives way.
    Overtaken,
    /// Two layers would write one cookie.
    #[cfg(any(feature = "tower", feature = "hyper"))]
    Collision,
    /// `Sessions::choosing` rejected the request.
    Misdirected,
    Csrf,
    /// No layer provides sessions of this payload type.
    #[cfg(feature = "axum")]
    MissingLayer(&'static str),
}

impl Error {
    /// Returns true if a value would not read back as it was written.
    pub fn is_schema(&self) -> bool {
        matches!(*self.kind, Kind::Encode(_))
    }

    /// Returns true if a value of a [`SessionMap`](crate::SessionMap) is not of the requested type, or cannot be
    /// serialized.
    pub fn is_value(&self) -> bool {
        matches!(*self.kind, Kind::Value(_))
    }

    /// Returns true if the session does not fit in its cookie, and not in the store either: because there is none, it is
    /// too small, or [`may_overflow`](crate::SessionsBuilder::may_overflow) keeps the session out of it.
    /// [`size_and_limit`](Self::size_and_limit) returns the numbers.
    pub fn is_too_large(&self) -> bool {
        self.size_and_limit().is_some()
    }

    /// Returns the size of a session that [is too large](Self::is_too_large), and the limit, in bytes: those of the
    /// cookie's name and value, or of the blob if the session may enter the store.
    pub fn size_and_limit(&self) -> Option<(usize, usize)> {
        match *self.kind {
            Kind::TooLarge { size, limit, .. } | Kind::Barred { size, limit } => Some((size, limit)),
            _ => None,
        }
    }

    /// Returns true if a budget is used up: the session would have entered the store or grown there
    /// ([`store_budget`](crate::SessionsBuilder::store_budget)), or it has ended, and copies of its cookie are not revoked
    /// ([`entry_budget`](crate::RevocationsBuilder::entry_budget)).
    pub fn is_over_budget(&self) -> bool {
        matches!(*self.kind, Kind::OverBudget | Kind::OverEntryBudget)
    }

    /// Returns true if the call came too late: the session has already been committed to a response, and the response's
    /// headers may have been sent.
    pub fn is_finished(&self) -> bool {
        matches!(*self.kind, Kind::Finished)
    }

    /// Returns true if the store failed, timed out, or returned something that is not a blob of this session.
    ///
    /// The stored session is as it was before the request, or as the request left it if the store carried out the
    /// failed call. In both cases the cookie that the browser has after the response opens, except that the cookie of a
    /// destroyed session is removed.
    pub fn is_store(&self) -> bool {
        matches!(*self.kind, Kind::Store { .. } | Kind::Blob(_) | Kind::Detached)
    }

    /// Returns true if the log of [`Revocations`](crate::Revocations) could not be read for
    /// [`at_most`](crate::RevocationsBuilder::at_most), so that it is not known whether the session was ended.
    pub fn is_stale(&self) -> bool {
        matches!(*self.kind, Kind::Stale)
    }

    /// Returns true if another request changed or ended the session at the same time, and the change of this one
    /// cannot be kept.
    pub fn is_conflict(&self) -> bool {
        matches!(*self.kind, Kind::Changed | Kind::Ended | Kind::Expired)
    }

    /// Returns true if [`Sessions::choosing`](crate::Sessions::choosing) rejected the request, which is for a host that
    /// the application does not serve.
    pub fn is_misdirected(&self) -> bool {
        matches!(*self.kind, Kind::Misdirected)
    }

    /// Returns true if [`Session::verify_csrf`](crate::Session::verify_csrf) rejected a CSRF token.
    pub fn is_csrf(&self) -> bool {
        matches!(*self.kind, Kind::Csrf)
    }

    /// Returns true if a handler or middleware asked for a session, but no layer around it provides sessions of that
    /// type.
    #[cfg(feature = "axum")]
    pub fn is_missing_layer(&self) -> bool {
        matches!(*self.kind, Kind::MissingLayer(_))
    }

    /// Returns the status to respond with.
    ///
    /// | status | error |
    /// |---|---|
    /// | 403 | a [CSRF token](Self::is_csrf) is missing or wrong |
    /// | 409 | a [conflict](Self::is_conflict) |
    /// | 413 | [`may_overflow`](crate::SessionsBuilder::may_overflow) keeps the session out of the store |
    /// | 421 | a [misdirected request](Self::is_misdirected) |
    /// | 503 | the [store](Self::is_store) failed, a [budget](Self::is_over_budget) is used up, or the log of revocations is [stale](Self::is_stale) |
    /// | 500 | anything else |
    pub fn status(&self) -> StatusCode {
        match *self.kind {
            Kind::Csrf => StatusCode::FORBIDDEN,
            Kind::Changed | Kind::Ended | Kind::Expired => StatusCode::CONFLICT,
            Kind::Barred { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Kind::Store { .. }
            | Kind::Blob(_)
            | Kind::Detached
            | Kind::OverBudget
            | Kind::OverEntryBudget
            | Kind::Stale => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns true if clients can cause the error at will, so that it is logged at `DEBUG` only.
    pub(crate) fn is_expected(&self) -> bool {
        matches!(*self.kind, Kind::Barred { .. } | Kind::OverBudget | Kind::Misdirected | Kind::Csrf)
    }

    pub(crate) fn is_overtaken(&self) -> bool {
        matches!(*self.kind, Kind::Overtaken)
    }

    /// Returns the error of a store that breaks a rule of [`Store`](crate::store::Store).
    pub(crate) fn broken_store(call: &'static str, what: &'static str) -> Self {
        Kind::Store { call, source: Some(StoreError::new("checking its answer", what)) }.into()
    }

    /// Returns the error and its causes on one line, for the log.
    pub(crate) fn chain(&self) -> Chain<'_> {
        chain(self)
    }

    /// Marks the error as logged.
    #[cfg(feature = "axum")]
    pub(crate) fn logged(self) -> Self {
        Self { logged: true, ..self }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn is_logged(&self) -> bool {
        self.logged
    }
}

impl From<Kind> for Error {
    #[cold]
    fn from(kind: Kind) -> Self {
        Self {
            kind: Box::new(kind),
            #[cfg(feature = "axum")]
            logged: false,
        }
    }
}

impl From<NoRandomBytes> for Error {
    fn from(error: NoRandomBytes) -> Self {
        Kind::Random(error).into()
    }
}

impl fmt::Debug for Error {
    /// Shows the message and its causes, since `main` and `unwrap` print this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&format_args!("{}", self.chain())).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Random(_) => f.write_str(NoRandomBytes::MESSAGE),
            Kind::Encode(error) => error.fmt(f),
            Kind::TooLarge { size, limit, place: Place::Cookie } => write!(
                f,
                "the session does not fit in its cookie: name and value would take {size} bytes of {limit}; keep less \
                 in it, keep the rest in a database under the session's id, or give the sessions a store"
            ),
            Kind::TooLarge { size, limit, place: Place::Store } => write!(
                f,
                "the session does not fit in its store: it would take {size} bytes of {limit}; keep less in it, or \
                 raise `store_limit`"
            ),
            Kind::Barred { size, limit } => write!(
                f,
                "the session does not fit in its cookie, and `may_overflow` keeps it out of the store: name and value \
                 would take {size} bytes of {limit}; keep less in it"
            ),
            Kind::OverBudget => f.write_str(
                "the store's budget is used up: no session enters the store or grows there until its period ends; \
                 raise `store_budget`, or let fewer sessions into the store with `may_overflow`",
            ),
            Kind::OverEntryBudget => f.write_str(
                "the budget of revocation entries is used up: copies of the cookie of the session that has ended still \
                 open; raise `entry_budget`",
            ),
            Kind::Stale => f.write_str(
                "the log of revocations could not be read for too long, so it is not known whether the session was \
                 ended",
            ),
            Kind::NoSubject => f.write_str(
                "the session has no subject whose sessions could be revoked: set `SessionsBuilder::revocations` and \
                 `SessionsBuilder::subject`, and call it for signed-in users only",
            ),
            Kind::Window(what) => f.write_str(what),
            Kind::Unreadable(what) => f.write_str(what),
            Kind::Value(what) => write!(f, "a session value {what}"),
            Kind::Clock => f.write_str(
                "the clock is outside 1970 to 2106, which the sealed format cannot express: set the server's clock",
            ),
            Kind::Panicked => f.write_str(
                "a closure panicked while it was changing the session: the session's changes are discarded",
            ),
            Kind::Finished => f.write_str(
                "the session has already been committed to a response and can no longer change: change it before the \
                 handler returns",
            ),
            Kind::Store { call, source: Some(_) } => write!(f, "the session store could not {call}"),
            Kind::Store { call, source: None } => {
                write!(f, "the session store could not {call} in time")
            }
            Kind::Blob(_) => f.write_str("the session store returned something that is not a blob of this session"),
            Kind::Detached => f.write_str(
                "the session store had failed when the request began: changes to its session are discarded",
            ),
            Kind::Changed => f.write_str("another request changed the session at the same time"),
            Kind::Ended => f.write_str("another request ended the session at the same time"),
            Kind::Expired => f.write_str("the session expired while the request was handled: sign in again"),
            Kind::Overtaken => f.write_str("another request was faster than this renewal"),
            #[cfg(any(feature = "tower", feature = "hyper"))]
            Kind::Collision => f.write_str(
                "two session layers would write the same cookie: remove one of them, or give one another cookie name",
            ),
            Kind::Misdirected => {
                f.write_str("the request is for a host that this application does not serve")
            }
            Kind::Csrf => f.write_str("the CSRF token is missing, or is not one of this session"),
            #[cfg(feature = "axum")]
            Kind::MissingLayer(payload) => write!(
                f,
                "no layer provides a `Session<{payload}>` to this request: call `.layer(sessions)`, with `Sessions` of \
                 this type, after adding the routes and middleware that ask for the session (axum applies a layer only \
                 to what was added before it)"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.kind {
            Kind::Random(NoRandomBytes(source)) => Some(source),
            Kind::Store { source: Some(source), .. } => Some(source),
            Kind::Blob(refusal) => Some(refusal),
            _ => None,
        }
    }
}
