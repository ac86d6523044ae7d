//! The targets of revocations.

use std::{
    fmt::{self, Display, Write},
    hash::Hasher,
    hint::black_box,
};

use siphasher::sip::SipHasher24;
use zeroize::Zeroizing;

use crate::{Key, seal::key::lp};

/// The target of a revocation, as the log knows it: a session, a subject, a key of the application, or all sessions of
/// a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target(pub(super) u64);

/// The kind of a target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Session = 1,
    Subject = 2,
    Key = 3,
    All = 4,
}

impl Target {
    /// The bit that is set in a session's target, and in no other. A hash table looks at the bits at both ends.
    const SESSION: u64 = 1 << 32;

    pub(super) fn is_session(self) -> bool {
        self.0 & Self::SESSION != 0
    }
}

/// The key from which targets are computed.
///
/// ```text
/// TARGETS = HKDF-Expand(PRK, lp("revocation") ‖ suite, 16)
/// target  = SipHash-2-4(TARGETS, length of realm ‖ realm ‖ scope ‖ id), with bit 32 set for a session and else cleared
/// ```
///
/// `PRK` and `lp` are those of the [sealed format](mod@crate::seal). The length has eight bytes, and the scope one. The id
/// is the session's 16 bytes, or the text of the subject or key. It is last, so that it needs no length. SipHash-2-4 is a
/// pseudorandom function: without its key, a target reveals nothing of the id, and nobody can choose an id that hits
/// another target.
pub(super) struct Targets {
    key: Zeroizing<[u8; 16]>,
}

impl Targets {
    pub(super) fn new(key: &Key) -> Self {
        let mut derived = Zeroizing::new([0; 16]);
        let info = [&lp(b"revocation")[..], &[key.suite().number()]].concat();
        key.extract().expand(&info, &mut *derived).expect("16 bytes are within HKDF's limit");
        Self { key: derived }
    }

    /// Returns the target of a session.
    pub(super) fn session(&self, realm: &str, id: &[u8; 16]) -> Target {
        self.scoped(realm, Scope::Session).session(id)
    }

    /// Returns any other target.
    pub(super) fn other(&self, realm: &str, scope: Scope, id: &dyn Display) -> Target {
        self.scoped(realm, scope).other(id)
    }

    /// Hashes everything that comes before the id.
    pub(super) fn scoped(&self, realm: &str, scope: Scope) -> Scoped {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(&(realm.len() as u64).to_be_bytes());
        hasher.write(realm.as_bytes());
        hasher.write(&[scope as u8]);
        Scoped(hasher)
    }
}

/// The targets of one kind in one realm.
pub(super) struct Scoped(SipHasher24);

impl Scoped {
    pub(super) fn session(&self, id: &[u8; 16]) -> Target {
        let mut hasher = self.0;
        hasher.write(id);
        Target(hasher.finish() | Target::SESSION)
    }

    pub(super) fn other(&self, id: &dyn Display) -> Target {
        let mut text = Text(self.0);
        let _ = write!(text, "{id}"); // hashing cannot fail
        Target(text.0.finish() & !Target::SESSION)
    }
}

/// It holds a copy of the key, which does not wipe itself.
impl Drop for Scoped {
    fn drop(&mut self) {
        self.0 = SipHasher24::new();
        // Otherwise the compiler could remove the last write, which is never read.
        black_box(&mut self.0);
    }
}

/// Hashes a text while it is formatted.
struct Text(SipHasher24);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
#[path = "../../tests/unit/revocation/target.rs"]
mod tests;
