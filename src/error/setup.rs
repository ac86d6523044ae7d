//! What can go wrong while an application starts.

use std::{fmt, io, path::PathBuf};

use serde_fingerprint::{EncodeError, SchemaError};

use super::chain;
use crate::seal::random::NoRandomBytes;

/// An error while the application starts: in its keys, its configuration or its session type.
///
/// Print it and stop: the message says what is wrong, where, and what to do. It never contains a secret. `Display`
/// shows one level and [`source`](std::error::Error::source) has the cause; `Debug`, which `main` and `unwrap` print,
/// shows both.
///
/// ```
/// use sealed_session::KeyRing;
///
/// let error = KeyRing::parse("ssk1.xaes.abc.def").unwrap_err();
/// assert!(error.is_key());
/// assert!(error.to_string().starts_with("entry 1 of the key ring is not a key"));
/// ```
pub struct SetupError(Box<SetupKind>);

pub(crate) enum SetupKind {
    /// `position` counts from 1, and is absent for a key by itself.
    Key {
        position: Option<usize>,
        fault: KeyFault,
    },
    EmptyRing,
    DuplicateKey {
        first: usize,
        second: usize,
    },
    VariableMissing(String),
    VariableNotUtf8(String),
    File {
        path: PathBuf,
        source: io::Error,
    },
    Random(NoRandomBytes),
    Configuration(String),
    /// A former type.
    Schema(SchemaError),
    /// The session type itself, which could be self-describing.
    Untraceable(SchemaError),
    /// The type's default value.
    Encode(EncodeError),
    /// A type whose default value reads back as something else.
    Unreadable(&'static str),
}

/// The fault in the text of a key. It shows nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    Prefix,
    Suite,
    Shape,
    MasterLength(usize),
    Master,
    Checksum,
    /// All bytes are equal.
    Uniform,
    /// 43 characters of base64: the `=` at the end is missing.
    Unpadded,
    /// 64 hexadecimal digits.
    Hex,
    /// 44 characters that are not canonical base64 of 32 bytes.
    Base64,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => {
                "it does not begin with `ssk1.`, and is not 44 characters of base64 as `openssl rand -base64 32` prints; \
                 copy the whole key, or make one with that command or `Key::generate`"
            }
            Self::Suite => "its suite is neither `xaes` nor `xchacha`; copy the whole key again",
            Self::Shape => "it is not of the form `ssk1.SUITE.KEY.CHECKSUM`; copy the whole key again",
            Self::MasterLength(got) => {
                return write!(
                    f,
                    "its key material is of the wrong length: expected 43 characters, got {got}; copy the whole key again"
                );
            }
            Self::Master => "its key material is not base64url; copy the whole key again",
            Self::Checksum => "its checksum does not match, so it is mistyped or cut off; copy the whole key again",
            Self::Uniform => {
                "all bytes of its key material are equal, as in a placeholder; make a key with `Key::generate`"
            }
            Self::Unpadded => {
                "it has 43 characters of base64, but `openssl rand -base64 32` prints 44, with a `=` at the end; copy \
                 the `=` too"
            }
            Self::Hex => {
                "it has 64 hexadecimal digits, but a key without `ssk1.` must be base64; make one with `openssl rand \
                 -base64 32` or `Key::generate`"
            }
            Self::Base64 => {
                "it has 44 characters that are not the base64 of 32 bytes as `openssl rand -base64 32` prints it; copy \
                 the whole key again"
            }
        })
    }
}

impl SetupError {
    /// Returns true if a key or key ring is wrong, or the place it should come from cannot be read.
    pub fn is_key(&self) -> bool {
        use SetupKind::*;
        matches!(
            *self.0,
            Key { .. }
                | EmptyRing
                | DuplicateKey { .. }
                | VariableMissing(_)
                | VariableNotUtf8(_)
                | File { .. }
        )
    }

    /// Returns true if the configuration asks for something that browsers reject or that contradicts itself.
    pub fn is_configuration(&self) -> bool {
        matches!(*self.0, SetupKind::Configuration(_))
    }

    /// Returns true if the session type, or a declared former type, cannot be sealed: it has no fixed shape, or its
    /// default value does not read back as itself.
    pub fn is_schema(&self) -> bool {
        use SetupKind::*;
        matches!(*self.0, Schema(_) | Untraceable(_) | Encode(_) | Unreadable(_))
    }

    pub(crate) fn configuration(what: impl Into<String>) -> Self {
        SetupKind::Configuration(what.into()).into()
    }
}

impl From<SetupKind> for SetupError {
    #[cold]
    fn from(kind: SetupKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<NoRandomBytes> for SetupError {
    fn from(error: NoRandomBytes) -> Self {
        SetupKind::Random(error).into()
    }
}

impl fmt::Debug for SetupError {
    /// Shows the message and its causes, since `main` and `unwrap` print this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetupError").field(&format_args!("{}", chain(self))).finish()
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            SetupKind::Key { position: Some(at), fault } => {
                write!(f, "entry {at} of the key ring is not a key: {fault}")
            }
            SetupKind::Key { position: None, fault } => write!(f, "this is not a key: {fault}"),
            SetupKind::EmptyRing => {
                f.write_str("the key ring is empty: give it at least one key, which seals the sessions")
            }
            SetupKind::DuplicateKey { first, second } => {
                write!(
                    f,
                    "entries {first} and {second} of the key ring have the same key id: list each key once"
                )
            }
            SetupKind::VariableMissing(variable) => write!(
                f,
                "the environment variable {variable} is not set: set it to the key ring, for example to one key from \
                 `openssl rand -base64 32`"
            ),
            SetupKind::VariableNotUtf8(variable) => {
                write!(f, "the environment variable {variable} is not UTF-8: set it to the key ring's text")
            }
            SetupKind::File { path, .. } => write!(
                f,
                "the key ring cannot be read from {}: check that the file exists, that this process may read it, and \
                 that it is a key ring",
                path.display()
            ),
            SetupKind::Random(error) => error.fmt(f),
            SetupKind::Configuration(what) => f.write_str(what),
            SetupKind::Schema(error) => error.fmt(f),
            SetupKind::Untraceable(error) => {
                write!(f, "{error}. Or choose `Encoding::SelfDescribing`, which follows serde's own rules")
            }
            SetupKind::Encode(error) => error.fmt(f),
            SetupKind::Unreadable(type_name) => write!(
                f,
                "the default value of `{type_name}` does not read back as itself: make the type's `Deserialize` read \
                 what its `Serialize` writes (look for `skip_serializing`, `skip_deserializing` and \
                 `rename(serialize = ...)`)"
            ),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            SetupKind::File { source, .. } => Some(source),
            SetupKind::Random(error) => error.source(),
            _ => None,
        }
    }
}
