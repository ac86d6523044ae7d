//! Unit tests of src/seal/aws_lc.rs: of what no test from outside can reach.

use proptest::prelude::*;

use super::{PerMessage as _, XChaCha, Xaes};
use crate::seal::{wipes_itself, xaes, xchacha};

impl Xaes {
    /// Names every field, so that a new one has to be looked at.
    pub(in crate::seal) fn wipes_itself(&self) {
        // aws-lc-rs wipes a schedule when it is dropped, and has no marker to say so.
        let Self { aes: _, k1 } = self;
        wipes_itself(k1);
    }
}

impl XChaCha {
    /// Names every field, so that a new one has to be looked at.
    pub(in crate::seal) fn wipes_itself(&self) {
        let Self(key) = self;
        wipes_itself(key);
    }
}

/// A message, and a bit of its tag.
fn messages() -> impl Strategy<Value = ([u8; 24], Vec<u8>, Vec<u8>, u128)> {
    (any::<[u8; 24]>(), any::<Vec<u8>>(), prop::collection::vec(any::<u8>(), 0..4000), 0..128_u32)
        .prop_map(|(nonce, aad, text, bit)| (nonce, aad, text, 1 << bit))
}

/// Has each of two implementations of a suite open what the other has sealed, and reject another tag and other additional
/// data.
macro_rules! agree {
    ($one:expr, $other:expr, $message:expr) => {{
        let (one, other, (nonce, aad, text, bit)) = ($one, $other, $message);
        let (mut first, mut second) = (text.clone(), text.clone());
        let tag = one.encrypt(&nonce, &aad, &mut first).unwrap();
        prop_assert_eq!(tag, other.encrypt(&nonce, &aad, &mut second).unwrap());
        prop_assert_eq!(&first, &second);

        let forged = (u128::from_be_bytes(tag) ^ bit).to_be_bytes();
        prop_assert!(one.decrypt(&nonce, &aad, &mut first.clone(), &forged).is_err());
        prop_assert!(other.decrypt(&nonce, &aad, &mut first.clone(), &forged).is_err());
        let longer = [&aad[..], &[0]].concat();
        prop_assert!(one.decrypt(&nonce, &longer, &mut first.clone(), &tag).is_err());
        prop_assert!(other.decrypt(&nonce, &longer, &mut first.clone(), &tag).is_err());

        one.decrypt(&nonce, &aad, &mut first, &tag).unwrap();
        prop_assert_eq!(&first, &text);
        other.decrypt(&nonce, &aad, &mut second, &tag).unwrap();
        prop_assert_eq!(&second, &text);
    }};
}

proptest! {
    #[test]
    fn each_implementation_of_xaes_opens_what_the_other_seals(key: [u8; 32], message in messages()) {
        agree!(Xaes::new(&key), xaes::Xaes::new(&key), message);
    }

    #[test]
    fn each_implementation_of_xchacha_opens_what_the_other_seals(key: [u8; 32], message in messages()) {
        agree!(XChaCha::new(&key), xchacha::XChaCha::new(&key), message);
    }
}
