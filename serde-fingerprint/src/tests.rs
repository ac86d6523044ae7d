//! The canonical encoding can be decoded, so no two grammars share one.

use std::collections::HashSet;

use proptest::prelude::*;

use super::grammar::{Grammar, Id, Node, Part, Parts, Variant};
use super::tree::{Body, LeafKind};

/// A grammar as a tree, which is what an encoding writes down.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Leaf(LeafKind),
    Option(Box<Shape>),
    Seq(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Tuple(Vec<Shape>),
    Struct(Vec<(&'static str, Shape)>),
    Enum(Vec<(&'static str, Content)>),
    Back(u32),
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Unit,
    Newtype(Shape),
    Tuple(Vec<Shape>),
    Struct(Vec<(&'static str, Shape)>),
}

const NAMES: &[&str] = &["", "a", "b", "ab", "id", "a\0\0\0\u{1}b", "\u{7}", "admin", "\0\0\0\0", "é"];

const LEAVES: &[LeafKind] = &[
    LeafKind::Unit,
    LeafKind::Bool,
    LeafKind::I8,
    LeafKind::I16,
    LeafKind::I32,
    LeafKind::I64,
    LeafKind::I128,
    LeafKind::U8,
    LeafKind::U16,
    LeafKind::U32,
    LeafKind::U64,
    LeafKind::U128,
    LeafKind::F32,
    LeafKind::F64,
    LeafKind::Char,
    LeafKind::Str,
    LeafKind::Bytes,
];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES)
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        5 => prop::sample::select(LEAVES).prop_map(Shape::Leaf),
        1 => (0_u32..4).prop_map(Shape::Back),
    ];
    leaf.prop_recursive(5, 60, 4, |inner| {
        let fields = || prop::collection::vec((name(), inner.clone()), 0..4);
        let elements = || prop::collection::vec(inner.clone(), 0..4);
        let content = prop_oneof![
            Just(Content::Unit),
            inner.clone().prop_map(Content::Newtype),
            elements().prop_map(Content::Tuple),
            fields().prop_map(Content::Struct),
        ];
        prop_oneof![
            inner.clone().prop_map(|shape| Shape::Option(shape.into())),
            inner.clone().prop_map(|shape| Shape::Seq(shape.into())),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| Shape::Map(key.into(), value.into())),
            elements().prop_map(Shape::Tuple),
            fields().prop_map(Shape::Struct),
            prop::collection::vec((name(), content), 0..4).prop_map(Shape::Enum),
        ]
    })
    // Nothing is around the outermost place, and around others no more than there is.
    .prop_map(|shape| bound(shape, 0))
}

/// Few enough for two of them to be the same now and then.
fn small() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![Just(Shape::Leaf(LeafKind::Unit)), (0_u32..3).prop_map(Shape::Back)];
    leaf.prop_recursive(4, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|shape| Shape::Option(shape.into())),
            prop::collection::vec(inner, 1..3).prop_map(Shape::Tuple),
        ]
    })
    .prop_map(|shape| bound(shape, 0))
}

fn bound(shape: Shape, depth: u32) -> Shape {
    let all = |shapes: Vec<Shape>| shapes.into_iter().map(|shape| bound(shape, depth + 1)).collect();
    let named = |fields: Vec<(&'static str, Shape)>| {
        fields.into_iter().map(|(name, shape)| (name, bound(shape, depth + 1))).collect()
    };
    match shape {
        Shape::Back(_) if depth == 0 => Shape::Leaf(LeafKind::Unit),
        Shape::Back(levels) => Shape::Back(levels % depth),
        Shape::Leaf(kind) => Shape::Leaf(kind),
        Shape::Option(some) => Shape::Option(bound(*some, depth + 1).into()),
        Shape::Seq(element) => Shape::Seq(bound(*element, depth + 1).into()),
        Shape::Map(key, value) => Shape::Map(bound(*key, depth + 1).into(), bound(*value, depth + 1).into()),
        Shape::Tuple(shapes) => Shape::Tuple(all(shapes)),
        Shape::Struct(fields) => Shape::Struct(named(fields)),
        Shape::Enum(variants) => Shape::Enum(
            variants
                .into_iter()
                .map(|(name, content)| {
                    let content = match content {
                        Content::Unit => Content::Unit,
                        Content::Newtype(shape) => Content::Newtype(bound(shape, depth + 1)),
                        Content::Tuple(shapes) => Content::Tuple(all(shapes)),
                        Content::Struct(fields) => Content::Struct(named(fields)),
                    };
                    (name, content)
                })
                .collect(),
        ),
    }
}

/// The arena of a shape.
fn grammar(shape: &Shape) -> Grammar {
    let mut grammar = Grammar::default();
    add(&mut grammar, shape, &mut Vec::new());
    grammar
}

fn add(grammar: &mut Grammar, shape: &Shape, open: &mut Vec<Id>) -> Id {
    if let Shape::Back(levels) = shape {
        return open[open.len() - 1 - *levels as usize];
    }
    let id = grammar.nodes.len() as Id;
    grammar.nodes.push(Node::Leaf(LeafKind::Unit));
    open.push(id);
    let node = match shape {
        Shape::Back(_) => unreachable!(),
        Shape::Leaf(kind) => Node::Leaf(*kind),
        Shape::Option(some) => Node::Option(add(grammar, some, open)),
        Shape::Seq(element) => Node::Seq(add(grammar, element, open)),
        Shape::Map(key, value) => Node::Map(add(grammar, key, open), add(grammar, value, open)),
        Shape::Tuple(shapes) => Node::Tuple(add_parts(grammar, shapes.iter().map(|is| ("", is)), open)),
        Shape::Struct(fields) => {
            Node::Struct(add_parts(grammar, fields.iter().map(|(name, is)| (*name, is)), open))
        }
        Shape::Enum(variants) => {
            let variants: Vec<_> = variants
                .iter()
                .map(|(name, content)| {
                    let (body, parts) = match content {
                        Content::Unit => (Body::Unit, Vec::new()),
                        Content::Newtype(is) => (Body::Newtype, vec![("", is)]),
                        Content::Tuple(shapes) => (Body::Tuple, shapes.iter().map(|is| ("", is)).collect()),
                        Content::Struct(fields) => {
                            (Body::Struct, fields.iter().map(|(name, is)| (*name, is)).collect())
                        }
                    };
                    Variant { name, body, parts: add_parts(grammar, parts.into_iter(), open) }
                })
                .collect();
            Node::Enum(grammar.add_variants(&variants))
        }
    };
    open.pop();
    grammar.nodes[id as usize] = node;
    id
}

fn add_parts<'s>(
    grammar: &mut Grammar,
    parts: impl Iterator<Item = (&'static str, &'s Shape)>,
    open: &mut Vec<Id>,
) -> Parts {
    let parts: Vec<_> = parts.map(|(name, is)| Part { name, is: add(grammar, is, open) }).collect();
    grammar.add_parts(&parts)
}

/// Reads an encoding, by the table in the documentation.
struct Decoder<'e>(&'e [u8]);

impl Decoder<'_> {
    fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().expect("the encoding goes on");
        self.0 = rest;
        *byte
    }

    fn count(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn name(&mut self) -> &'static str {
        let len = self.count() as usize;
        let (name, rest) = self.0.split_at(len);
        self.0 = rest;
        NAMES.iter().find(|known| known.as_bytes() == name).expect("a name that was encoded")
    }

    fn elements(&mut self) -> Vec<Shape> {
        (0..self.count()).map(|_| self.shape()).collect()
    }

    fn fields(&mut self) -> Vec<(&'static str, Shape)> {
        (0..self.count()).map(|_| (self.name(), self.shape())).collect()
    }

    fn shape(&mut self) -> Shape {
        match self.byte() {
            0x20 => Shape::Option(self.shape().into()),
            0x21 => Shape::Seq(self.shape().into()),
            0x22 => Shape::Map(self.shape().into(), self.shape().into()),
            0x23 => Shape::Tuple(self.elements()),
            0x24 => Shape::Struct(self.fields()),
            0x25 => {
                let variant = |this: &mut Self| {
                    let name = this.name();
                    let content = match this.byte() {
                        0 => Content::Unit,
                        1 => Content::Newtype(this.shape()),
                        2 => Content::Tuple(this.elements()),
                        3 => Content::Struct(this.fields()),
                        tag => panic!("no variant has the tag {tag}"),
                    };
                    (name, content)
                };
                Shape::Enum((0..self.count()).map(|_| variant(self)).collect())
            }
            0x26 => Shape::Back(self.count()),
            tag => Shape::Leaf(*LEAVES.iter().find(|kind| **kind as u8 == tag).expect("a known tag")),
        }
    }
}

/// Whether two grammars allow the same, however deep one looks.
fn is_same(one: &Grammar, other: &Grammar) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![(0, 0)];
    while let Some((a, b)) = open.pop() {
        if !seen.insert((a, b)) {
            continue;
        }
        let mut parts = |first: Parts, second: Parts| {
            let (first, second) = (one.parts(first), other.parts(second));
            open.extend(first.iter().zip(second).map(|(first, second)| (first.is, second.is)));
            first.iter().map(|part| part.name).eq(second.iter().map(|part| part.name))
        };
        let same = match (one.node(a), other.node(b)) {
            (Node::Leaf(a), Node::Leaf(b)) => a == b,
            (Node::Option(a), Node::Option(b)) | (Node::Seq(a), Node::Seq(b)) => {
                open.push((a, b));
                true
            }
            (Node::Map(a, v), Node::Map(b, w)) => {
                open.extend([(a, b), (v, w)]);
                true
            }
            (Node::Tuple(a), Node::Tuple(b)) | (Node::Struct(a), Node::Struct(b)) => parts(a, b),
            (Node::Enum(a), Node::Enum(b)) => {
                let (a, b) = (one.variants(a), other.variants(b));
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|(a, b)| a.name == b.name && a.body == b.body && parts(a.parts, b.parts))
            }
            _ => false,
        };
        if !same {
            return false;
        }
    }
    true
}

fn folded(shape: &Shape) -> Grammar {
    let mut grammar = grammar(shape);
    grammar.fold();
    grammar
}

fn decoded(encoding: &[u8]) -> Shape {
    let mut decoder = Decoder(encoding);
    let shape = decoder.shape();
    assert!(decoder.0.is_empty());
    shape
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_encoding_decodes_to_what_it_was_made_from(shape in shape()) {
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
    fn shapes_have_one_encoding_if_they_are_the_same(one in small(), other in small()) {
        let same = is_same(&grammar(&one), &grammar(&other));
        prop_assert_eq!(same, folded(&one).encoding() == folded(&other).encoding());
    }
}

#[test]
fn the_example_by_hand() {
    let shape =
        Shape::Struct(vec![("id", Shape::Leaf(LeafKind::U64)), ("a", Shape::Option(Shape::Back(1).into()))]);
    let expected = b"\x24\0\0\0\x02\0\0\0\x02id\x0a\0\0\0\x01a\x20\x26\0\0\0\x01";
    assert_eq!(grammar(&shape).encoding().unwrap(), expected);
}

#[test]
fn a_recursive_shape_that_was_unrolled_is_the_same() {
    let once = Shape::Option(Shape::Back(0).into());
    let twice = Shape::Option(Shape::Option(Shape::Back(1).into()).into());
    let thrice = Shape::Option(Shape::Option(Shape::Option(Shape::Back(1).into()).into()).into());
    assert_ne!(grammar(&once).encoding(), grammar(&twice).encoding());
    assert_eq!(folded(&once).encoding(), folded(&twice).encoding());
    assert_eq!(folded(&once).encoding(), folded(&thrice).encoding());
}

#[test]
fn an_encoding_beyond_all_measure_is_given_up() {
    // Each level holds the next one sixteen times.
    let mut grammar = Grammar::default();
    for level in 0..16 {
        let parts = grammar.add_parts(&[Part { name: "", is: level + 1 }; 16]);
        grammar.nodes.push(Node::Tuple(parts));
    }
    grammar.nodes.push(Node::Leaf(LeafKind::U8));
    grammar.fold();
    assert!(grammar.fingerprint().is_none());
}
