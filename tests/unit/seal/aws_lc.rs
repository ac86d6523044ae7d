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

/// Has each of two implementations of a suite open what the other has sealed, and reject another tag and other additional
/// data.
macro_rules! agree {
    ($name:ident, $one:ty, $other:ty) => {
        proptest! {
            #[test]
            fn $name(
                key: [u8; 32], nonce: [u8; 24], aad: Vec<u8>,
                text in proptest::collection::vec(any::<u8>(), 0..4000),
                bit in 0..8_u32, at: prop::sample::Index,
            ) {
                let (one, other) = (<$one>::new(&key), <$other>::new(&key));
                let (mut first, mut second) = (text.clone(), text.clone());
                let tag = one.encrypt(&nonce, &aad, &mut first).unwrap();
                prop_assert_eq!(tag, other.encrypt(&nonce, &aad, &mut second).unwrap());
                prop_assert_eq!(&first, &second);

                let mut forged = tag;
                forged[at.index(16)] ^= 1 << bit;
                prop_assert!(one.decrypt(&nonce, &aad, &mut first.clone(), &forged).is_err());
                prop_assert!(other.decrypt(&nonce, &aad, &mut first.clone(), &forged).is_err());
                let longer = [&aad[..], &[0]].concat();
                prop_assert!(one.decrypt(&nonce, &longer, &mut first.clone(), &tag).is_err());
                prop_assert!(other.decrypt(&nonce, &longer, &mut first.clone(), &tag).is_err());

                one.decrypt(&nonce, &aad, &mut first, &tag).unwrap();
                prop_assert_eq!(&first, &text);
                other.decrypt(&nonce, &aad, &mut second, &tag).unwrap();
                prop_assert_eq!(&second, &text);
            }
        }
    };
}

agree!(each_implementation_of_xaes_opens_what_the_other_seals, Xaes, xaes::Xaes);
agree!(each_implementation_of_xchacha_opens_what_the_other_seals, XChaCha, xchacha::XChaCha);
