//! Unit tests of src/seal/xaes.rs: of what no test from outside can reach.

use proptest::prelude::*;
use xaes_256_gcm::{
    Xaes256Gcm,
    aead::{AeadInOut as _, KeyInit as _, inout::InOutBuf},
};

use super::{SHORT, Xaes};
use crate::seal::wipes_itself;

impl Xaes {
    /// Names every field, so that a new one has to be looked at.
    pub(in crate::seal) fn wipes_itself(&self) {
        let Self { aes, k1 } = self;
        wipes_itself(aes);
        wipes_itself(k1);
    }
}

#[test]
fn a_key_wipes_itself() {
    Xaes::new(&[7; 32]).wipes_itself();
}

/// The accumulated vectors of the specification: 10,000 (or a million) messages from a SHAKE-128 stream are
/// heavy; its two single vectors and an independent implementation do here.
#[test]
fn the_specification_s_vectors_hold() {
    for (key, aad, sealed) in [
        ([1; 32], &b""[..], "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        ([3; 32], &b"c2sp.org/XAES-256-GCM"[..], "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ] {
        let mut text = *b"XAES-256-GCM";
        let tag = Xaes::new(&key).encrypt(b"ABCDEFGHIJKLMNOPQRSTUVWX", aad, &mut text).unwrap();
        let hex: String = text.iter().chain(&tag).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, sealed);
    }
}

fn sealed_by_an_independent_implementation(
    key: [u8; 32],
    nonce: [u8; 24],
    aad: &[u8],
    text: &[u8],
) -> (Vec<u8>, [u8; 16]) {
    let mut sealed = text.to_vec();
    let tag = Xaes256Gcm::new(&key.into())
        .encrypt_inout_detached(&nonce.into(), aad, InOutBuf::from(&mut sealed[..]))
        .unwrap();
    (sealed, tag.into())
}

/// Short messages are encrypted in another way than long ones.
#[test]
fn an_independent_implementation_agrees_for_each_length_from_none_to_longer_than_short() {
    let (key, nonce, ours) = ([7; 32], [9; 24], Xaes::new(&[7; 32]));
    for length in 0..=SHORT + 32 {
        let text = vec![5; length];
        let mut sealed = text.clone();
        let tag = ours.encrypt(&nonce, b"aad", &mut sealed).unwrap();
        let (oracle, oracle_tag) = sealed_by_an_independent_implementation(key, nonce, b"aad", &text);
        assert_eq!((&sealed, tag), (&oracle, oracle_tag), "{length} bytes");
        ours.decrypt(&nonce, b"aad", &mut sealed, &tag).unwrap();
        assert_eq!(sealed, text, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn an_independent_implementation_agrees(
        key: [u8; 32], nonce: [u8; 24], aad: Vec<u8>,
        text in proptest::collection::vec(any::<u8>(), 0..4000),
    ) {
        let ours = Xaes::new(&key);
        let mut sealed = text.clone();
        let tag = ours.encrypt(&nonce, &aad, &mut sealed).unwrap();
        prop_assert_eq!((sealed.clone(), tag), sealed_by_an_independent_implementation(key, nonce, &aad, &text));
        ours.decrypt(&nonce, &aad, &mut sealed, &tag).unwrap();
        prop_assert_eq!(sealed, text);
    }
}
