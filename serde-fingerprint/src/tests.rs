//! The canonical encoding can be decoded, so no two grammars share one.

use std::collections::HashSet;

use proptest::prelude::*;

use super::grammar::{Grammar, Id, Part, number};
use super::tree::Tag;

/// A grammar as a tree, which is what an encoding describes.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Of(Tag, Vec<(&'static str, Shape)>),
    Back(usize),
}

use Shape::{Back, Of};

const NAMES: &[&str] = &["", "a", "b", "ab", "id", "a\0\0\0\u{1}b", "\u{7}", "admin", "\0\0\0\0", "é"];
const BODIES: [Tag; 4] = [Tag::UnitVariant, Tag::NewtypeVariant, Tag::TupleVariant, Tag::StructVariant];

fn is_named(tag: Tag) -> bool {
    matches!(tag, Tag::Struct | Tag::Enum | Tag::StructVariant)
}

/// The number of parts, where that is fixed.
fn arity(tag: Tag) -> Option<usize> {
    match tag {
        Tag::Option | Tag::Seq | Tag::NewtypeVariant => Some(1),
        Tag::Map => Some(2),
        Tag::Tuple | Tag::Struct | Tag::Enum | Tag::TupleVariant | Tag::StructVariant => None,
        _ => Some(0),
    }
}

fn of(tag: Tag, parts: Vec<(&'static str, Shape)>) -> Shape {
    let parts = parts.into_iter().take(arity(tag).unwrap_or(usize::MAX));
    Of(tag, parts.map(|(name, part)| (if is_named(tag) { name } else { "" }, part)).collect())
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        5 => prop::sample::select(&Tag::ALL[..=Tag::Bytes as usize]).prop_map(|tag| of(tag, Vec::new())),
        1 => (0_usize..4).prop_map(Back),
    ];
    leaf.prop_recursive(5, 60, 4, |inner| {
        let name = || prop::sample::select(NAMES);
        let composite = |tags: &[Tag]| {
            let parts = prop::collection::vec((name(), inner.clone()), 2..5);
            (prop::sample::select(tags.to_vec()), parts, 0_usize..5).prop_map(|(tag, mut parts, len)| {
                parts.truncate(arity(tag).unwrap_or(len));
                of(tag, parts)
            })
        };
        let variants = prop::collection::vec((name(), composite(&BODIES)), 0..4);
        let enums = variants.prop_map(|variants| of(Tag::Enum, variants));
        prop_oneof![5 => composite(&[Tag::Option, Tag::Seq, Tag::Map, Tag::Tuple, Tag::Struct]), 1 => enums]
    })
    // Nothing is around the outermost place, and around others no more than there is.
    .prop_map(|shape| bound(shape, 0))
}

/// Few enough for two of them to be the same now and then.
fn small() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![Just(of(Tag::Unit, Vec::new())), (0_usize..3).prop_map(Back)];
    leaf.prop_recursive(4, 8, 2, |inner| {
        (prop::sample::select(vec![Tag::Option, Tag::Tuple]), prop::collection::vec(inner, 1..3))
            .prop_map(|(tag, parts)| of(tag, parts.into_iter().map(|part| ("", part)).collect()))
    })
    .prop_map(|shape| bound(shape, 0))
}

/// Keeps references within the composites around their place.
fn bound(shape: Shape, depth: usize) -> Shape {
    match shape {
        Back(_) if depth == 0 => of(Tag::Unit, Vec::new()),
        Back(levels) => Back(levels % depth),
        Of(tag, parts) => {
            let depth = depth + usize::from(!BODIES.contains(&tag));
            of(tag, parts.into_iter().map(|(name, part)| (name, bound(part, depth))).collect())
        }
    }
}

fn grammar(shape: &Shape) -> Grammar {
    let mut grammar = Grammar::default();
    grammar.root = add(&mut grammar, shape, &mut Vec::new());
    grammar
}

fn folded(shape: &Shape) -> Grammar {
    let mut grammar = grammar(shape);
    grammar.fold();
    grammar
}

fn add(grammar: &mut Grammar, shape: &Shape, open: &mut Vec<Id>) -> Id {
    match shape {
        Back(levels) => open[open.len() - 1 - levels],
        Of(tag, _) if tag.is_leaf() => *tag as Id,
        Of(tag, parts) => {
            let id = grammar.add(*tag, Vec::new());
            let depth = open.len();
            open.extend((!BODIES.contains(tag)).then_some(id));
            let parts =
                parts.iter().map(|(name, part)| Part { name, is: add(grammar, part, open) }).collect();
            open.truncate(depth);
            grammar.nodes[id as usize].parts = parts;
            id
        }
    }
}

/// Reads an encoding by the table in the documentation.
struct Decoder<'e>(&'e [u8]);

impl Decoder<'_> {
    fn take(&mut self, len: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    fn count(&mut self) -> usize {
        u32::from_be_bytes(self.take(4).try_into().unwrap()) as usize
    }

    fn name(&mut self) -> &'static str {
        let len = self.count();
        let name = self.take(len);
        NAMES.iter().find(|known| known.as_bytes() == name).expect("a name that was encoded")
    }

    fn shape(&mut self, is_body: bool) -> Shape {
        let tag = match self.take(1)[0] {
            0x26 => return Back(self.count()),
            byte if is_body => BODIES[usize::from(byte)],
            byte => *Tag::ALL.iter().find(|tag| **tag as u8 == byte).expect("a known tag"),
        };
        let count = arity(tag).unwrap_or_else(|| self.count());
        let parts = (0..count).map(|_| {
            let name = if is_named(tag) { self.name() } else { "" };
            (name, self.shape(tag == Tag::Enum))
        });
        Of(tag, parts.collect())
    }
}

fn decoded(encoding: &[u8]) -> Shape {
    let mut decoder = Decoder(encoding);
    let shape = decoder.shape(false);
    assert!(decoder.0.is_empty());
    shape
}

/// Returns whether two grammars allow the same, however deep one looks.
fn is_same(one: &Grammar, other: &Grammar) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![(one.root, other.root)];
    while let Some((a, b)) = open.pop() {
        if !seen.insert((a, b)) {
            continue;
        }
        let (a, b) = (one.node(a), other.node(b));
        let names = |parts: &[Part]| parts.iter().map(|part| part.name).collect::<Vec<_>>();
        if a.tag != b.tag || names(&a.parts) != names(&b.parts) {
            return false;
        }
        open.extend(a.parts.iter().zip(&b.parts).map(|(a, b)| (a.is, b.is)));
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_encoding_decodes_to_the_shape_it_was_made_from(shape in shape()) {
        let encoding = grammar(&shape).encoding().unwrap();
        prop_assert_eq!(decoded(&encoding), shape);
    }

    #[test]
    fn a_folded_encoding_decodes_to_the_same_shape(shape in shape()) {
        let encoding = folded(&shape).encoding().unwrap();
        let again = decoded(&encoding);
        prop_assert!(is_same(&grammar(&shape), &grammar(&again)));
        prop_assert_eq!(folded(&again).encoding().unwrap(), encoding);
    }

    #[test]
    fn two_shapes_have_one_encoding_if_and_only_if_they_are_the_same(one in small(), other in small()) {
        let same = is_same(&grammar(&one), &grammar(&other));
        prop_assert_eq!(same, folded(&one).encoding() == folded(&other).encoding());
    }
}

#[test]
fn an_example_encodes_as_documented() {
    let option = of(Tag::Option, vec![("", Back(1))]);
    let shape = of(Tag::Struct, vec![("id", of(Tag::U64, Vec::new())), ("a", option)]);
    let expected = b"\x24\0\0\0\x02\0\0\0\x02id\x0a\0\0\0\x01a\x20\x26\0\0\0\x01";
    assert_eq!(grammar(&shape).encoding().unwrap(), expected);
}

#[test]
fn an_unrolled_recursive_shape_has_the_same_encoding() {
    let option = |inner| of(Tag::Option, vec![("", inner)]);
    let [once, twice, thrice] = [option(Back(0)), option(option(Back(1))), option(option(option(Back(1))))];
    assert_ne!(grammar(&once).encoding(), grammar(&twice).encoding());
    assert_eq!(folded(&once).encoding(), folded(&twice).encoding());
    assert_eq!(folded(&once).encoding(), folded(&thrice).encoding());
}

#[test]
fn a_shape_whose_encoding_is_too_long_has_no_fingerprint() {
    // Each level holds the next one sixteen times.
    let mut grammar = Grammar { root: Tag::U8 as Id, ..Grammar::default() };
    for _ in 0..16 {
        grammar.root = grammar.add(Tag::Tuple, vec![Part { name: "", is: grammar.root }; 16]);
    }
    grammar.fold();
    assert!(grammar.fingerprint().is_err());
}

#[test]
fn a_fingerprint_is_never_a_reserved_number() {
    let hash = |last| {
        let mut hash = [0xff; 32];
        hash[..4].copy_from_slice(&[0, 0, 0, last]);
        hash
    };
    assert_eq!([0, 7, 15, 16, 17].map(|last| number(hash(last))), [16, 23, 31, 16, 17]);
    assert_eq!(number([0xff; 32]), u32::MAX);
}
