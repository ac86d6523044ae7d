//! What can go wrong: [`Error`] for set-up and commit, [`Refusal`] for a cookie that was not opened.

use std::{env::VarError, fmt, io, path::PathBuf};

use http::StatusCode;

use serde_fingerprint::{EncodeError, SchemaError};

use crate::{
    session::Place,
    store::{StoreError, chain},
};

/// Why something could not be set up, sealed or committed.
///
/// The kinds are not for matching: ask the `is_…` questions, print it for a person. No error holds a secret or anything of
/// a payload.
pub struct Error(Box<Kind>);

pub(crate) enum Kind {
    Key {
        position: Option<usize>,
        fault: KeyFault,
    },
    EmptyRing,
    DuplicateKey {
        first: usize,
        second: usize,
    },
    Environment {
        variable: String,
        source: VarError,
    },
    File {
        path: PathBuf,
        source: io::Error,
    },
    Random(rand::rngs::SysError),
    Configuration(String),
    /// A former type.
    Schema(SchemaError),
    /// The session type itself, which could be self-describing.
    Untraceable(SchemaError),
    Encode(EncodeError),
    /// A type whose default value reads back as something else.
    Unreadable(&'static str),
    TooLarge {
        size: usize,
        limit: usize,
        place: Place,
    },
    /// It does not fit its cookie, and the application keeps it out of the store.
    Barred {
        size: usize,
        limit: usize,
    },
    /// The store's budget is used up for now.
    OverBudget,
    Window(String),
    /// A value of a map. Its key is not kept: an application may take keys from visitors.
    Value(&'static str),
    Clock,
    Panicked,
    Finished,
    /// `None` when it did not answer in time.
    Store {
        call: &'static str,
        source: Option<StoreError>,
    },
    /// What the store has given back is not what it was given.
    Blob(Refusal),
    /// The session was replaced by a fresh one, since its store had failed.
    Detached,
    Changed,
    Ended,
    /// `Sessions::choosing` has refused the request.
    Misdirected,
}

/// What is wrong with the text of a key. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    Prefix,
    Suite,
    Shape,
    MasterLength(usize),
    Master,
    Checksum,
    /// A master whose bytes are all equal.
    Uniform,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix => f.write_str("it does not begin with `ssk1.`"),
            Self::Suite => f.write_str("its suite is neither `xaes` nor `xchacha`"),
            Self::Shape => f.write_str("it is not of the form `ssk1.SUITE.KEY.CHECKSUM`"),
            Self::MasterLength(got) => {
                write!(f, "its key material is of the wrong length: expected 43 characters, got {got}")
            }
            Self::Master => f.write_str("its key material is not base64url"),
            Self::Checksum => f.write_str("its checksum does not match: it is misspelt or cut short"),
            Self::Uniform => f.write_str(
                "all bytes of its key material are equal, as in a placeholder; make one with `Key::generate`",
            ),
        }
    }
}

impl Error {
    /// A key, a key ring, or the place it was to come from is at fault.
    pub fn is_key(&self) -> bool {
        matches!(
            *self.0,
            Kind::Key { .. }
                | Kind::EmptyRing
                | Kind::DuplicateKey { .. }
                | Kind::Environment { .. }
                | Kind::File { .. }
        )
    }

    /// The configuration asks for something that browsers refuse or that makes no sense.
    pub fn is_configuration(&self) -> bool {
        matches!(*self.0, Kind::Configuration(_))
    }

    /// The payload's type has no fixed shape, its default value can't be read back, or a value would be serialized
    /// otherwise than its type is read.
    pub fn is_schema(&self) -> bool {
        matches!(*self.0, Kind::Schema(_) | Kind::Untraceable(_) | Kind::Encode(_) | Kind::Unreadable(_))
    }

    /// A value of a [`SessionMap`](crate::SessionMap) is not of the requested type, or can't be serialized.
    pub fn is_value(&self) -> bool {
        matches!(*self.0, Kind::Value(_))
    }

    /// The session fits neither its cookie nor, if it has one, its store; [`size_and_limit`](Self::size_and_limit) says by how much.
    pub fn is_too_large(&self) -> bool {
        self.size_and_limit().is_some()
    }

    /// For a session that does not fit: the bytes that it would take, and the limit. They are those of the cookie's
    /// name and value, or of the stored blob if there is a store.
    pub fn size_and_limit(&self) -> Option<(usize, usize)> {
        match *self.0 {
            Kind::TooLarge { size, limit, .. } | Kind::Barred { size, limit } => Some((size, limit)),
            _ => None,
        }
    }

    /// The session would have entered the store, or grown there, after the
    /// [budget](crate::SessionsBuilder::store_budget) of this period was used up.
    pub fn is_over_budget(&self) -> bool {
        matches!(*self.0, Kind::OverBudget)
    }

    /// Returns whether visitors cause it at will, so that it is counted and not logged as an error.
    pub(crate) fn is_expected(&self) -> bool {
        matches!(*self.0, Kind::Barred { .. } | Kind::OverBudget)
    }

    /// The session has already been committed to a response, whose head may be on its way: what was asked for came too
    /// late.
    pub fn is_finished(&self) -> bool {
        matches!(*self.0, Kind::Finished)
    }

    /// The store of sessions that don't fit their cookies has failed, did not answer in time, or has given back what is no
    /// blob of this session. The session is as it was before, or, if the call that failed was carried out all the same, as
    /// it was to be; whichever cookie the browser has after the response opens. One that was destroyed is removed.
    pub fn is_store(&self) -> bool {
        matches!(*self.0, Kind::Store { .. } | Kind::Blob(_) | Kind::Detached)
    }

    /// Another request has changed the session meanwhile, or ended it, and what this one did can't be kept.
    pub fn is_conflict(&self) -> bool {
        matches!(*self.0, Kind::Changed | Kind::Ended)
    }

    /// The request is for a host that the application does not serve:
    /// [`Sessions::choosing`](crate::Sessions::choosing) has refused it.
    pub fn is_misdirected(&self) -> bool {
        matches!(*self.0, Kind::Misdirected)
    }

    /// The status of a response that tells of this error: 503 when the [store](Self::is_store) has failed or its
    /// [budget](Self::is_over_budget) is used up, 409 for a [conflict](Self::is_conflict), 413 when
    /// [`may_overflow`](crate::SessionsBuilder::may_overflow) keeps the session out of the store, 421 for a
    /// [misdirected request](Self::is_misdirected), and 500 otherwise.
    pub fn status(&self) -> StatusCode {
        match () {
            () if self.is_store() || self.is_over_budget() => StatusCode::SERVICE_UNAVAILABLE,
            () if matches!(*self.0, Kind::Barred { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            () if self.is_conflict() => StatusCode::CONFLICT,
            () if self.is_misdirected() => StatusCode::MISDIRECTED_REQUEST,
            () => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn configuration(what: impl Into<String>) -> Self {
        Kind::Configuration(what.into()).into()
    }
}

impl From<Kind> for Error {
    #[cold]
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        Kind::Schema(error).into()
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Kind::Encode(error).into()
    }
}

impl fmt::Debug for Error {
    /// The message, as `main` and `unwrap` show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&format_args!("{self}")).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Key { position: Some(at), fault } => {
                write!(f, "entry {at} of the key ring is not a key: {fault}")
            }
            Kind::Key { position: None, fault } => write!(f, "this is not a key: {fault}"),
            Kind::EmptyRing => {
                f.write_str("the key ring is empty: it needs at least one key, the one that seals")
            }
            Kind::DuplicateKey { first, second } => {
                write!(
                    f,
                    "entries {first} and {second} of the key ring have the same key id: list a key once"
                )
            }
            Kind::Environment { variable, source: VarError::NotPresent } => {
                write!(
                    f,
                    "the environment variable {variable} is not set: it should hold the key ring, such as one key that `Key::generate` has made"
                )
            }
            Kind::Environment { variable, .. } => {
                write!(f, "the environment variable {variable} is not UTF-8")
            }
            Kind::File { path, source } => {
                write!(f, "the key ring cannot be read from {}: {source}", path.display())
            }
            Kind::Random(source) => write!(f, "the operating system gives no random bytes: {source}"),
            Kind::Configuration(what) => f.write_str(what),
            Kind::Schema(source) => source.fmt(f),
            Kind::Untraceable(source) => {
                write!(f, "{source}. Or choose `Encoding::SelfDescribing`, which has serde's own rules")
            }
            Kind::Encode(source) => source.fmt(f),
            Kind::Unreadable(type_name) => write!(
                f,
                "the default value of `{type_name}` can't be read back as itself: make the type's `Deserialize` read \
                 what its `Serialize` writes (look for `skip_serializing`, `skip_deserializing` and \
                 `rename(serialize = ...)`)"
            ),
            Kind::TooLarge { size, limit, place: Place::Cookie } => write!(
                f,
                "the session does not fit its cookie: name and value would take {size} bytes of {limit}; keep less in \
                 it, keep the rest elsewhere under the session's id, or give the sessions a store"
            ),
            Kind::TooLarge { size, limit, place: Place::Store } => write!(
                f,
                "the session does not fit its store: it would take {size} bytes of {limit}; keep less in it, or raise \
                 the store's limit"
            ),
            Kind::Barred { size, limit } => write!(
                f,
                "the session does not fit its cookie, and `may_overflow` keeps it out of the store: name and value would \
                 take {size} bytes of {limit}; keep less in it"
            ),
            Kind::OverBudget => f.write_str(
                "the store's budget is used up: no session enters the store or grows there until its period ends; raise \
                 `store_budget`, or let fewer sessions into the store with `may_overflow`",
            ),
            Kind::Window(what) => f.write_str(what),
            Kind::Value(what) => write!(f, "a session value {what}"),
            Kind::Clock => {
                f.write_str("the clock is outside 1970 to 2106, which the sealed format cannot express")
            }
            Kind::Panicked => {
                f.write_str("a closure that was changing the session panicked: nothing of it is kept")
            }
            Kind::Finished => f.write_str(
                "the session has already been committed to a response: it can no longer change with it",
            ),
            Kind::Store { call, source: Some(source) } => {
                write!(f, "the session store could not {call}: {}", chain(source))
            }
            Kind::Store { call, source: None } => {
                write!(f, "the session store could not {call} in time")
            }
            Kind::Blob(refusal) => {
                write!(f, "the session store has given back what is no blob of this session: {refusal}")
            }
            Kind::Detached => f.write_str(
                "the session store had failed when the request began: nothing of its session can be kept",
            ),
            Kind::Changed => f.write_str("another request has changed the session meanwhile"),
            Kind::Ended => f.write_str("another request has ended the session meanwhile"),
            Kind::Misdirected => {
                f.write_str("the request is for a host that this application does not serve")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::File { source, .. } => Some(source),
            Kind::Random(source) => Some(source),
            Kind::Store { source: Some(source), .. } => Some(source),
            Kind::Blob(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// Why a cookie was not opened.
///
/// The client never learns it: whatever the reason, it gets what a fresh session gets. It is there for the handler
/// ([`Arrival`](crate::Arrival)), the log (at `DEBUG`) and the [counters](crate::Counters). The classes, and the order in which they are
/// judged, are those of the [sealed format](crate::seal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Not something that any version of this crate would have written.
    Malformed,
    /// Of a later version of the format.
    UnsupportedVersion,
    /// Sealed by a key that is not in the ring.
    UnknownKey,
    /// Changed since it was sealed, or sealed for another application, cookie name or role.
    Forged,
    /// Authentic, but its frame breaks a rule of the format.
    BadFrame,
    /// Sealed further in the future than the allowed clock skew.
    NotYetValid,
    /// Past its idle window or its absolute lifetime.
    Expired,
    /// A reference to a stored session that is not there.
    MissingBlob,
    /// Stored, but older than the reference that names it.
    StaleBlob,
    /// The payload has another shape than the application's type, and none that it declares.
    UnknownSchema,
    /// The payload does not decode to its very end.
    Undecodable,
}

impl Refusal {
    /// All refusals, in the order in which they are judged.
    pub const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::UnsupportedVersion,
        Self::UnknownKey,
        Self::Forged,
        Self::BadFrame,
        Self::NotYetValid,
        Self::Expired,
        Self::MissingBlob,
        Self::StaleBlob,
        Self::UnknownSchema,
        Self::Undecodable,
    ];

    /// The class as the format names it: `malformed`, `unknown_key`, …
    pub fn class(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::BadFrame => "bad_frame",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::MissingBlob => "missing_blob",
            Self::StaleBlob => "stale_blob",
            Self::UnknownSchema => "unknown_schema",
            Self::Undecodable => "undecodable",
        }
    }

    /// Whether the browser is told to drop such a cookie. Any other is left where it is: another node, or this one
    /// after the next deployment, may open it.
    pub(crate) fn removes(self) -> bool {
        matches!(self, Self::Malformed | Self::Expired)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

impl std::error::Error for Refusal {}
