//! Unit tests of src/seal/context.rs: of what no test from outside can reach.

use super::{Context, ContextKey};
use crate::{Key, KeyRing, Suite, seal::wipes_itself};

/// Names every field, so that a new one has to be looked at.
#[test]
fn all_that_is_derived_from_a_key_wipes_itself() {
    let keys = [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305].map(|suite| Key::generate_for(suite).unwrap());
    let Context { keys, name_length: _ } =
        Context::new(&KeyRing::new(keys).unwrap(), "tests", "session").unwrap();
    assert_eq!(keys.len(), 2);
    for ContextKey { id: _, suite: _, inline, reference, blob, csrf } in &keys {
        inline.wipes_itself();
        reference.wipes_itself();
        wipes_itself(blob);
        wipes_itself(csrf);
    }
}

#[test]
fn a_context_knows_the_length_of_its_cookie_s_name() {
    let ring = KeyRing::generate().unwrap();
    assert_eq!(Context::new(&ring, "tests", "__Host-session").unwrap().name_length(), 14);
}
