//! Compact payloads that would cost more than they weigh: deep ones, and ones that announce elements of no bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_fingerprint::Schema;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List(Vec<List>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Some(Option<Box<Tree>>),
    Pair(Box<Tree>, u8),
    Named { inner: Box<Tree> },
    Map(BTreeMap<u8, Tree>),
}

#[test]
fn bytes_that_nest_deeper_than_allowed_are_an_error() {
    let schema = Schema::<List>::trace().unwrap();
    let nested = |levels: usize| [vec![1; levels - 1], vec![0]].concat();
    assert!(schema.decode(&nested(128)).is_ok());
    for levels in [129, 9_000, 1_000_000] {
        assert!(schema.decode(&nested(levels)).is_err(), "{levels}");
    }
}

#[test]
fn every_kind_of_nesting_counts() {
    let schema = Schema::<Tree>::trace().unwrap();
    // The bytes of one level around what follows, and how many levels they are.
    for (around, after, each) in [
        (&[1, 1][..], &[][..], 2), // a variant around an option
        (&[2], &[7], 1),           // a tuple variant, with a byte behind its inner tree
        (&[3], &[], 1),            // a struct variant
        (&[4, 1, 9], &[], 2),      // a variant around a map of one entry
    ] {
        let nested = |times: usize| [around.repeat(times), vec![0], after.repeat(times)].concat();
        assert!(schema.decode(&nested(128 / each)).is_ok(), "{around:?}");
        assert!(schema.decode(&nested(128 / each + 1)).is_err(), "{around:?}");
    }
}

#[test]
fn elements_of_no_bytes_are_bounded_by_the_bytes_of_the_payload() {
    // A length of 2^63, and of 2, with nothing behind it.
    let schema = Schema::<Vec<()>>::trace().unwrap();
    assert!(schema.decode(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).is_err());
    assert!(schema.decode(&[2]).is_err());
    assert_eq!(schema.decode(&[0]).unwrap(), []);

    // Lists of lists: each would announce as many elements as bytes are left.
    let schema = Schema::<Vec<Vec<()>>>::trace().unwrap();
    let mut payload = vec![0x80, 0x80, 0x04]; // 65,536 lists
    payload.extend((0..32_000_u32).flat_map(|_| [0xff, 0x7f])); // of 16,383 elements each
    payload.extend([0; 33_536]);
    assert!(schema.decode(&payload).is_err());
}

#[test]
fn a_list_of_elements_with_bytes_is_bounded_by_them_alone() {
    let schema = Schema::<Vec<u8>>::trace().unwrap();
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut payload = Vec::new();
    schema.encode_into(&value, &mut payload).unwrap();
    assert_eq!(schema.decode(&payload).unwrap(), value);
}
