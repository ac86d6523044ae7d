//! Unit tests of src/seal/xchacha.rs: of what no test from outside can reach.

use super::XChaCha;
use crate::seal::wipes_itself;

impl XChaCha {
    /// Names every field, so that a new one has to be looked at.
    pub(in crate::seal) fn wipes_itself(&self) {
        let Self(xchacha) = self;
        wipes_itself(xchacha);
    }
}

#[test]
fn a_key_wipes_itself() {
    XChaCha::new(&[7; 32]).wipes_itself();
}
