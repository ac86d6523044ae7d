//! The keys of a ring, derived once for one application and one cookie name.

use std::fmt;

use zeroize::Zeroizing;

use super::aead::Aead;
use crate::{
    error::{Refusal, SetupError},
    seal::key::{Key, KeyId, lp},
    seal::key_ring::KeyRing,
};

/// The purpose of an envelope. Each role has its own derived key, so that no envelope can be passed off as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Inline = 1,
    Reference = 2,
    Blob = 3,
}

/// The keys of a ring, bound to a realm and a cookie name, which seal and open envelopes.
///
/// All keys are derived once, when the context is created, and none during a request.
///
/// ```text
/// PRK     = HKDF-Extract(salt = "sealed-session/v1", master)
/// kid     = HKDF-Expand(PRK, lp("kid") ‖ suite, 4)
/// K(role) = HKDF-Expand(PRK, lp("enc") ‖ suite ‖ role ‖ lp(realm) ‖ lp(cookie name), 32)
/// CSRF    = HKDF-Expand(PRK, lp("csrf") ‖ suite ‖ lp(realm) ‖ lp(cookie name), 32)
/// ```
pub struct Context {
    keys: Vec<ContextKey>,
    name_length: usize,
}

/// One key of the ring in this context.
pub(super) struct ContextKey {
    pub(super) id: KeyId,
    pub(super) suite: crate::Suite,
    inline: Aead,
    reference: Aead,
    /// K(3). It encrypts nothing itself: the key of each blob is derived from it and the blob's reference.
    pub(super) blob: Zeroizing<[u8; 32]>,
    /// The key of CSRF tokens. It has no role in the format.
    csrf: Zeroizing<[u8; 32]>,
}

impl Context {
    /// Derives the keys of a ring for an application's `realm` and the full cookie name, including its prefix.
    ///
    /// # Errors
    ///
    /// Returns an error if the realm or the name is longer than 65,535 bytes.
    pub fn new(ring: &KeyRing, realm: &str, cookie_name: &str) -> Result<Self, SetupError> {
        for (what, text) in [("realm", realm), ("cookie name", cookie_name)] {
            if text.len() > usize::from(u16::MAX) {
                return Err(SetupError::configuration(format!("the {what} is longer than 65,535 bytes")));
            }
        }
        let keys = ring.keys().iter().map(|key| ContextKey::new(key, realm, cookie_name)).collect();
        Ok(Self { keys, name_length: cookie_name.len() })
    }

    /// Returns the length of the cookie's name, which counts toward the size of the cookie.
    pub(crate) fn name_length(&self) -> usize {
        self.name_length
    }

    /// Returns the keys of CSRF tokens, starting with that of the sealing key.
    pub(crate) fn csrf_keys(&self) -> impl Iterator<Item = &Zeroizing<[u8; 32]>> {
        self.keys.iter().map(|key| &key.csrf)
    }

    /// Returns the sealing key.
    pub(super) fn sealing(&self) -> &ContextKey {
        &self.keys[0] // a ring has at least one key
    }

    /// Finds the key with this id, and its position in the ring. No other key is tried.
    pub(super) fn find(&self, id: [u8; 4]) -> Result<(usize, &ContextKey), Refusal> {
        self.keys.iter().enumerate().find(|(_, key)| *key.id.as_bytes() == id).ok_or(Refusal::UnknownKey)
    }
}

impl ContextKey {
    fn new(key: &Key, realm: &str, cookie_name: &str) -> Self {
        let suite = key.suite();
        let prk = key.extract();
        let expand = |label: &[u8], number: &[u8]| {
            let mut derived = Zeroizing::new([0; 32]);
            let info = [
                &lp(label),
                &[suite.number()][..],
                number,
                &lp(realm.as_bytes()),
                &lp(cookie_name.as_bytes()),
            ];
            prk.expand(&info.concat(), &mut *derived).expect("32 bytes are within HKDF's limit");
            derived
        };
        let derive = |role: Role| expand(b"enc", &[role as u8]);
        Self {
            id: key.id(),
            suite,
            inline: Aead::new(suite, &derive(Role::Inline)),
            reference: Aead::new(suite, &derive(Role::Reference)),
            blob: derive(Role::Blob),
            csrf: expand(b"csrf", &[]),
        }
    }

    /// Returns the cipher for a cookie of this role. Each blob has its own cipher.
    pub(super) fn aead(&self, role: Role) -> &Aead {
        match role {
            Role::Inline => &self.inline,
            Role::Reference => &self.reference,
            Role::Blob => unreachable!("a blob's cipher is derived from its reference"),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("keys", &self.keys.iter().map(|key| key.id).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "../../tests/unit/seal/context.rs"]
mod tests;
