//! The error type for the start of an application.

use std::{error::Error, fmt};

use super::{NoRandomBytes, chain};

type Source = Box<dyn Error + Send + Sync>;

/// An error while the application starts: in its keys, its configuration or its session type.
///
/// Print it and stop: the message says what is wrong, where, and what to do. It never contains a secret. `Display`
/// shows one level, and [`source`](std::error::Error::source) returns the cause. `Debug`, which `main` and `unwrap`
/// print, shows both.
///
/// ```
/// use sealed_session::KeyRing;
///
/// let error = KeyRing::parse("ssk1.xaes.abc.def").unwrap_err();
/// assert!(error.is_key());
/// assert!(error.to_string().starts_with("entry 1 of the key ring is not a key"));
/// ```
pub struct SetupError(Box<Inner>);

struct Inner {
    kind: SetupKind,
    message: String,
    source: Option<Source>,
}

/// The kind of an error, which the `is_…` methods compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetupKind {
    Key,
    Configuration,
    Schema,
    Store,
    Random,
}

impl SetupKind {
    /// Creates an error. The message says what is wrong, where, and what to do. It must not contain any part of a key.
    #[cold]
    pub(crate) fn error(self, message: impl Into<String>) -> SetupError {
        SetupError(Box::new(Inner { kind: self, message: message.into(), source: None }))
    }
}

impl SetupError {
    /// Returns true if a key or key ring is wrong, or if its environment variable or file cannot be read.
    pub fn is_key(&self) -> bool {
        self.0.kind == SetupKind::Key
    }

    /// Returns true if the configuration asks for something that browsers reject or that contradicts itself.
    pub fn is_configuration(&self) -> bool {
        self.0.kind == SetupKind::Configuration
    }

    /// Returns true if the session type, or a declared former type, cannot be sealed: it has no fixed shape, or its
    /// default value does not read back as itself.
    pub fn is_schema(&self) -> bool {
        self.0.kind == SetupKind::Schema
    }

    /// Returns true if the log of [`Revocations`](crate::Revocations) could not be read.
    pub fn is_store(&self) -> bool {
        self.0.kind == SetupKind::Store
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        SetupKind::Configuration.error(message)
    }

    /// Adds the cause.
    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }
}

impl From<NoRandomBytes> for SetupError {
    fn from(NoRandomBytes(source): NoRandomBytes) -> Self {
        SetupKind::Random.error(NoRandomBytes::MESSAGE).because(source)
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
        f.write_str(&self.0.message)
    }
}

impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
