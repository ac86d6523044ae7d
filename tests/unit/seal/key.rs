//! Unit tests of src/seal/key.rs: of what no test from outside can reach.

use super::{Key, KeyText};
use crate::seal::wipes_itself;

/// Names every field, so that a new one has to be looked at.
#[test]
fn a_key_and_its_text_wipe_themselves() {
    let key = Key::generate().unwrap();
    let Key { master, suite: _, id: _ } = &key;
    wipes_itself(master);
    let KeyText(text) = &key.expose();
    wipes_itself(text);
}

#[test]
fn a_key_can_not_be_cloned() {
    trait IsUnlessClone<A> {
        fn compiles() {}
    }
    impl<T> IsUnlessClone<()> for T {}
    impl<T: Clone> IsUnlessClone<u8> for T {}
    // With `Clone`, both implementations apply, and the compiler can't tell which is meant.
    <Key as IsUnlessClone<_>>::compiles();
    <KeyText as IsUnlessClone<_>>::compiles();
}
