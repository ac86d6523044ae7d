//! The bounds of a payload: its nesting, and the number of its elements. The writer rejects what the reader would.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_fingerprint::Schema;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nested(Vec<Nested>);

fn nested(levels: usize) -> Nested {
    (1..levels).fold(Nested(Vec::new()), |inner, _| Nested(vec![inner]))
}

#[test]
fn a_value_of_128_levels_is_written_and_read() {
    let schema = Schema::<Nested>::trace().unwrap();
    let mut out = Vec::new();
    schema.encode_into(&nested(128), &mut out).unwrap();
    assert_eq!(schema.decode(&out).unwrap(), nested(128));
}

#[test]
fn a_value_of_129_levels_is_not_written() {
    let schema = Schema::<Nested>::trace().unwrap();
    for levels in [129, 9000] {
        let mut out = Vec::new();
        let error = schema.encode_into(&nested(levels), &mut out).unwrap_err().to_string();
        assert!(error.contains("nested too deep, more than 128 levels"), "{error}");
        assert_eq!(out, []);
    }
}

#[test]
fn a_payload_of_129_levels_is_not_read() {
    let schema = Schema::<Nested>::trace().unwrap();
    for levels in [129, 9000] {
        let mut payload = vec![1; levels - 1];
        payload.push(0);
        assert!(schema.decode(&payload).is_err());
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Step {
    End,
    Some(Option<Box<Step>>),
    Tuple(Box<Step>, ()),
    Struct { next: Box<Step> },
}

#[test]
fn a_variant_with_content_is_a_level_and_one_without_is_none() {
    let schema = Schema::<Step>::trace().unwrap();
    let encoded = |step: &Step| {
        let mut out = Vec::new();
        schema.encode_into(step, &mut out).map(|()| out)
    };
    let tuples = |levels| (0..levels).fold(Step::End, |next, _| Step::Tuple(Box::new(next), ()));
    let structs = |levels| (0..levels).fold(Step::End, |next, _| Step::Struct { next: Box::new(next) });
    // An option in a newtype variant: two levels.
    let options = |levels| (0..levels / 2).fold(Step::End, |next, _| Step::Some(Some(Box::new(next))));
    for step in [tuples(128), structs(128), options(128)] {
        assert_eq!(schema.decode(&encoded(&step).unwrap()).unwrap(), step);
    }
    for step in [tuples(129), structs(129), options(130)] {
        assert!(encoded(&step).is_err());
    }
}

#[test]
fn elements_need_bytes_behind_their_length() {
    let schema = Schema::<Vec<()>>::trace().unwrap();
    let mut out = Vec::new();
    schema.encode_into(&Vec::new(), &mut out).unwrap();
    assert_eq!(schema.decode(&out).unwrap(), []);

    let error = schema.encode_into(&vec![(); 3], &mut out).unwrap_err().to_string();
    assert!(
        error.starts_with("`Vec<()>` can't be encoded: its sequences and maps have 3 elements"),
        "{error}"
    );
    assert!(error.contains("for 0 bytes"), "{error}");
    assert_eq!(out, [0]);
    assert!(schema.decode(&[3]).is_err());
}

#[test]
fn elements_are_counted_over_the_whole_payload() {
    type Lists = (Vec<Vec<()>>, BTreeMap<u8, ()>, String);
    let schema = Schema::<Lists>::trace().unwrap();
    // Six bytes of text, four lengths, and the map's one key; two lists, and eight elements in them and in the map.
    let lists =
        |nothing| (vec![vec![(); 3], vec![(); nothing]], BTreeMap::from([(7, ())]), "12345".to_owned());
    let mut out = b"before".to_vec();
    schema.encode_into(&lists(5), &mut out).unwrap();
    assert_eq!(out.len() - 6, 11);
    assert_eq!(schema.decode(&out[6..]).unwrap(), lists(5));

    let error = schema.encode_into(&lists(6), &mut out).unwrap_err().to_string();
    assert!(error.contains("12 elements for 11 bytes"), "{error}");
    assert!(schema.decode(&postcard::to_allocvec(&lists(6)).unwrap()).is_err());
}

proptest! {
    #[test]
    fn lists_of_nothing_are_written_if_and_only_if_they_are_read(
        lists in prop::collection::vec((prop::collection::vec(0_usize..5, 0..4), ".{0,4}"), 0..4)
    ) {
        type Lists = Vec<(Vec<Vec<()>>, String)>;
        let schema = Schema::<Lists>::trace().unwrap();
        let value: Lists = lists
            .into_iter()
            .map(|(lens, text)| (lens.into_iter().map(|len| vec![(); len]).collect(), text))
            .collect();
        let mut out = Vec::new();
        let payload = postcard::to_allocvec(&value).unwrap();
        prop_assert_eq!(schema.encode_into(&value, &mut out).is_ok(), schema.decode(&payload).is_ok());
    }
}
