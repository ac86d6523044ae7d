//! The reasons why a cookie is rejected.

use std::fmt;

/// The reason why a cookie was rejected.
///
/// The client never learns the reason: a request with a rejected cookie is answered as one without a cookie. The
/// handler gets it from [`Session::arrival`](crate::Session::arrival), the log has it at `DEBUG`, and
/// [`Counters`](crate::Counters) counts it. The reasons, and the order in which they are checked, are those of the
/// [sealed format](crate::seal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The value is not one that any version of this crate writes.
    Malformed,
    /// The cookie has a later version of the format.
    UnsupportedVersion,
    /// The cookie was sealed with a key that is not in the key ring.
    UnknownKey,
    /// The cookie was changed after it was sealed, or was sealed for another realm, cookie name or role.
    Forged,
    /// The cookie is authentic, but its frame breaks a rule of the format.
    BadFrame,
    /// The cookie was sealed further in the future than the allowed clock skew.
    NotYetValid,
    /// The cookie is past its idle timeout or its absolute timeout.
    Expired,
    /// The session was ended before it expired: by itself, or with other sessions of its subject, its key or its realm
    /// ([`Revocations`](crate::Revocations)).
    Revoked,
    /// The cookie refers to a stored session that is not in the store.
    MissingBlob,
    /// The cookie refers to a stored session of which the store has only an older generation.
    StaleBlob,
    /// The payload has another shape than the session type and every declared former type.
    UnknownSchema,
    /// The payload cannot be decoded, or has bytes after it.
    Undecodable,
}

impl Refusal {
    /// All reasons, in the order in which they are checked.
    pub const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::UnsupportedVersion,
        Self::UnknownKey,
        Self::Forged,
        Self::BadFrame,
        Self::NotYetValid,
        Self::Expired,
        Self::Revoked,
        Self::MissingBlob,
        Self::StaleBlob,
        Self::UnknownSchema,
        Self::Undecodable,
    ];

    /// Returns the name that the format gives the reason: `malformed`, `unknown_key`, …
    pub fn class(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::BadFrame => "bad_frame",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::MissingBlob => "missing_blob",
            Self::StaleBlob => "stale_blob",
            Self::UnknownSchema => "unknown_schema",
            Self::Undecodable => "undecodable",
        }
    }

    /// Returns true if the browser is told to drop the cookie. Any other cookie stays in the browser: another node, or
    /// this one after the next deployment, may open it.
    pub(crate) fn removes(self) -> bool {
        matches!(self, Self::Malformed | Self::Expired | Self::Revoked)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

impl std::error::Error for Refusal {}
