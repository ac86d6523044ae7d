//! Self-describing payloads: what reads back, and what is rejected rather than guessed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_fingerprint::named::{decode, encode_into};

fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(value, &mut out).unwrap();
    out
}

/// Writes one type and reads another one.
fn read_as<T: DeserializeOwned>(value: impl Serialize) -> Option<T> {
    decode(&encoded(&value)).ok()
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Rights {
    admin: bool,
    premium: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Role {
    Visitor,
    Member(u32),
    Team(String, u8),
    Owner { since: u64, rights: Rights },
}

const RIGHTS: Rights = Rights { admin: true, premium: false };

#[test]
fn every_kind_of_variant_reads_back() {
    for role in [
        Role::Visitor,
        Role::Member(7),
        Role::Team("blue".into(), 2),
        Role::Owner { since: 1_700_000_000, rights: RIGHTS },
    ] {
        assert_eq!(read_as::<Role>(&role).as_ref(), Some(&role));
    }
}

#[test]
fn a_list_is_not_a_struct() {
    assert_eq!(read_as::<Rights>(RIGHTS), Some(RIGHTS));
    assert_eq!(read_as::<Rights>([true, false]), None);
    assert_eq!(read_as::<Vec<Rights>>(vec![[true, false]]), None);
    assert_eq!(read_as::<Option<Rights>>(Some([true, false])), None);
    assert_eq!(read_as::<BTreeMap<String, Rights>>(BTreeMap::from([("a", [true, false])])), None);
}

#[test]
fn a_list_is_not_the_content_of_a_struct_variant() {
    let content = BTreeMap::from([("Owner", (1_u64, RIGHTS))]);
    assert_eq!(read_as::<Role>(content), None);
}

#[test]
fn a_list_of_one_name_is_not_a_variant() {
    assert_eq!(read_as::<Role>(["Visitor"]), None);
    // rmp-serde by itself would read the name from the list, and the number after the list as its content.
    assert_eq!(read_as::<(Role, u8)>((["Member"], 7, 8)), None);
    assert_eq!(read_as::<Vec<Role>>(vec![["Visitor"]]), None);
}

#[test]
fn a_number_is_neither_a_variant_nor_a_field() {
    assert_eq!(read_as::<Role>(0_u8), None);
    assert_eq!(read_as::<Role>(BTreeMap::from([(1_u8, 7_u32)])), None);
    assert_eq!(read_as::<Rights>(BTreeMap::from([(0_u8, true), (1, false)])), None);
    assert_eq!(read_as::<Vec<Role>>(vec![0_u8]), None);
}

#[test]
fn bytes_are_not_text() {
    assert_eq!(decode::<String>(b"\xc4\x01a").ok(), None);
    assert_eq!(decode::<char>(b"\xa1a").ok(), Some('a'));
    assert_eq!(decode::<BTreeMap<String, u8>>(b"\x81\xc4\x01a\x07").ok(), None);
}

#[test]
fn numbers_of_128_bits_keep_their_sign_and_all_of_their_bits() {
    for number in [0, 1, -1, i64::MAX.into(), i64::MIN.into(), i128::MAX, i128::MIN, 1 << 63, 1 << 70] {
        assert_eq!(read_as::<i128>(number), Some(number));
        assert_eq!(read_as::<u128>(number), number.try_into().ok());
    }
    for number in [0, u64::MAX.into(), u128::MAX, 1 << 127] {
        assert_eq!(read_as::<u128>(number), Some(number));
        assert_eq!(read_as::<i128>(number), number.try_into().ok());
    }
    for text in ["five", "5", "007", "+5", "-5"] {
        assert_eq!(read_as::<u128>(text), None);
        assert_eq!(read_as::<i128>(text), None);
    }
}

#[test]
fn bytes_that_serde_buffers_are_not_taken_for_text() {
    struct Bytes(&'static [u8]);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Text(String),
        Bytes(Vec<u8>),
    }
    assert_eq!(read_as::<Any>(Bytes(b"text")), Some(Any::Bytes(b"text".to_vec())));
    assert_eq!(read_as::<Any>("text"), Some(Any::Text("text".into())));
}

#[test]
fn a_map_of_two_variants_is_none() {
    assert_eq!(read_as::<Role>(BTreeMap::from([("Member", 7_u32), ("Visitor", 8)])), None);
    assert_eq!(read_as::<Role>(BTreeMap::<String, u32>::new()), None);
}

#[test]
fn what_follows_a_value_is_an_error() {
    // A number, an empty list, a list whose element is missing, and a byte that MessagePack never uses.
    for more in [&[0x00][..], &[0x90], &[0x91], &[0xc1], &[0xc0, 0xc0]] {
        let payload = [encoded(&RIGHTS).as_slice(), more].concat();
        let error = decode::<Rights>(&payload).unwrap_err();
        assert!(error.is_left_over(), "{more:x?}: {error}");
    }
}

#[test]
fn every_part_of_a_payload_is_an_error() {
    let payload = encoded(&Role::Owner { since: 1, rights: RIGHTS });
    for end in 0..payload.len() {
        assert!(!decode::<Role>(&payload[..end]).unwrap_err().is_left_over());
    }
}

#[test]
fn an_address_inside_of_a_tagged_enum_reads_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Origin {
        Direct { address: IpAddr },
    }
    let origin = Origin::Direct { address: "2001:db8::1".parse().unwrap() };
    assert_eq!(read_as::<Origin>(&origin), Some(origin));
}

#[test]
fn a_unit_struct_in_an_untagged_enum_reads_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nothing;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u64),
        Nothing(Nothing),
    }
    assert_eq!(read_as::<Any>(Any::Nothing(Nothing)), Some(Any::Nothing(Nothing)));
    assert_eq!(read_as::<Nothing>(Nothing), Some(Nothing));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

/// A struct is one level and an option another one.
fn chain(levels: usize) -> Chain {
    (1..levels).fold(Chain { next: None }, |inner, _| Chain { next: Some(inner.into()) })
}

#[test]
fn as_deep_as_is_allowed_reads_back_and_deeper_is_an_error() {
    let fits = chain(64);
    assert_eq!(read_as::<Chain>(&fits), Some(fits));
    let error = encode_into(&chain(65), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("nested too deep"), "{error}");
}

#[test]
fn a_deep_value_is_not_written_at_all() {
    // Built and dropped level by level, as the derived drop would recurse by itself.
    let mut value = chain(9_000);
    let mut out = vec![0xaa];
    assert!(encode_into(&value, &mut out).is_err());
    assert_eq!(out, [0xaa]);
    while let Some(inner) = value.next.take() {
        value = *inner;
    }
}

#[test]
fn bytes_that_nest_deeper_than_allowed_are_an_error() {
    #[derive(Debug, Deserialize)]
    struct List(#[expect(dead_code)] Vec<List>);
    let nested = |levels: usize| [vec![0x91; levels - 1], vec![0x90]].concat();
    assert!(decode::<List>(&nested(128)).is_ok());
    for levels in [129, 1_000, 1_000_000] {
        assert!(decode::<List>(&nested(levels)).is_err(), "{levels}");
        assert!(decode::<serde_json::Value>(&nested(levels)).is_err(), "{levels}");
        assert!(decode::<serde::de::IgnoredAny>(&nested(levels)).is_err(), "{levels}");
    }
}

#[test]
fn an_announced_length_costs_nothing() {
    // An array of 2^32 - 1 elements, of which none is there.
    assert!(decode::<Vec<()>>(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(decode::<BTreeMap<(), ()>>(&[0xdf, 0xff, 0xff, 0xff, 0xff]).is_err());
}
