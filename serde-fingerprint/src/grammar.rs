//! What a type's payloads look like, in one flat arena, and its canonical encoding.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::tree::{Body, LeafKind};

/// The place of a node in a [`Grammar`].
pub(super) type Id = u32;

/// A range of [`Grammar::parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) start: u32,
    pub(super) len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Leaf(LeafKind),
    Option(Id),
    Seq(Id),
    Map(Id, Id),
    Tuple(Parts),
    Struct(Parts),
    /// A range of [`Grammar::variants`].
    Enum(Parts),
}

/// A field, or an element of a tuple, whose name is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) is: Id,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) body: Body,
    pub(super) parts: Parts,
}

/// A type's shape: node 0 is the type itself.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    pub(super) nodes: Vec<Node>,
    pub(super) parts: Vec<Part>,
    pub(super) variants: Vec<Variant>,
}

/// A node's tag, and of each of its variants (others have one, without a name) the name, the body and the children.
type Look = (u8, Vec<(&'static str, u8, Vec<(&'static str, Id)>)>);

const OPTION: u8 = 0x20;
const SEQ: u8 = 0x21;
const MAP: u8 = 0x22;
const TUPLE: u8 = 0x23;
const STRUCT: u8 = 0x24;
const ENUM: u8 = 0x25;
const BACK: u8 = 0x26;

/// So that no other hash of anything is taken for a fingerprint.
const DOMAIN: &[u8] = b"sealed-session schema v1\n";

/// An encoding longer than this is given up: a type that refers to the same parts in ever new combinations.
const MAX_ENCODED: usize = 1 << 24;

impl Grammar {
    #[inline]
    pub(super) fn node(&self, id: Id) -> Node {
        self.nodes[id as usize]
    }

    #[inline]
    pub(super) fn parts(&self, parts: Parts) -> &[Part] {
        &self.parts[parts.start as usize..][..parts.len as usize]
    }

    #[inline]
    pub(super) fn variants(&self, variants: Parts) -> &[Variant] {
        &self.variants[variants.start as usize..][..variants.len as usize]
    }

    pub(super) fn add_parts(&mut self, parts: &[Part]) -> Parts {
        let start = self.parts.len() as u32;
        self.parts.extend_from_slice(parts);
        Parts { start, len: parts.len() as u32 }
    }

    pub(super) fn add_variants(&mut self, variants: &[Variant]) -> Parts {
        let start = self.variants.len() as u32;
        self.variants.extend_from_slice(variants);
        Parts { start, len: variants.len() as u32 }
    }

    /// Makes one of all nodes that stand for the same shape.
    ///
    /// Nodes are told apart by the visitors that read them, which is an affair of serde's and of how types refer to
    /// each other. A recursive shape could be written down in many ways, once unrolled or twice; after this there is
    /// only one. (The coarsest partition that tells apart what differs: Moore's algorithm.)
    pub(super) fn fold(&mut self) {
        let mut classes = vec![0; self.nodes.len()];
        let mut count = 1;
        loop {
            let mut known = HashMap::new();
            let refined: Vec<Id> = (0..self.nodes.len() as Id)
                .map(|id| {
                    let next = known.len() as Id;
                    *known.entry(self.look(id, &classes)).or_insert(next)
                })
                .collect();
            classes = refined;
            if known.len() == count {
                break;
            }
            count = known.len();
        }
        let mut firsts = vec![None; count];
        let of: Vec<Id> =
            (0..).zip(&classes).map(|(id, class)| *firsts[*class as usize].get_or_insert(id)).collect();
        for node in &mut self.nodes {
            match node {
                Node::Option(is) | Node::Seq(is) => *is = of[*is as usize],
                Node::Map(key, value) => (*key, *value) = (of[*key as usize], of[*value as usize]),
                Node::Leaf(_) | Node::Tuple(_) | Node::Struct(_) | Node::Enum(_) => {}
            }
        }
        for part in &mut self.parts {
            part.is = of[part.is as usize];
        }
    }

    /// What a node looks like, as far as its children can be told apart.
    fn look(&self, id: Id, classes: &[Id]) -> Look {
        let class = |id: Id| ("", classes[id as usize]);
        let parts =
            |parts| self.parts(parts).iter().map(|part| (part.name, class(part.is).1)).collect::<Vec<_>>();
        match self.node(id) {
            Node::Leaf(kind) => (kind as u8, Vec::new()),
            Node::Option(some) => (OPTION, vec![("", 0, vec![class(some)])]),
            Node::Seq(element) => (SEQ, vec![("", 0, vec![class(element)])]),
            Node::Map(key, value) => (MAP, vec![("", 0, vec![class(key), class(value)])]),
            Node::Tuple(elements) => (TUPLE, vec![("", 0, parts(elements))]),
            Node::Struct(fields) => (STRUCT, vec![("", 0, parts(fields))]),
            Node::Enum(variants) => {
                let looks = |variant: &Variant| (variant.name, variant.body as u8, parts(variant.parts));
                (ENUM, self.variants(variants).iter().map(looks).collect())
            }
        }
    }

    /// The first four bytes of the hash of the canonical encoding, or `None` if that is beyond all measure.
    pub(super) fn fingerprint(&self) -> Option<u32> {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.encoding()?);
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        Some(u32::from_be_bytes([a, b, c, d]))
    }

    /// The encoding, as the documentation of [`schema`](super) has it; canonical of a folded grammar.
    pub(super) fn encoding(&self) -> Option<Vec<u8>> {
        let mut encoder = Encoder { grammar: self, out: Vec::new(), open: Vec::new() };
        encoder.node(0)?;
        Some(encoder.out)
    }
}

struct Encoder<'g> {
    grammar: &'g Grammar,
    out: Vec<u8>,
    /// The composites around the place that is being written.
    open: Vec<Id>,
}

impl Encoder<'_> {
    fn node(&mut self, id: Id) -> Option<()> {
        if self.out.len() > MAX_ENCODED {
            return None;
        }
        let node = self.grammar.node(id);
        if let Node::Leaf(kind) = node {
            self.out.push(kind as u8);
            return Some(());
        }
        if let Some(levels) = self.open.iter().rev().position(|open| *open == id) {
            self.out.push(BACK);
            self.count(levels as u32);
            return Some(());
        }
        self.open.push(id);
        match node {
            Node::Leaf(_) => {}
            Node::Option(some) => {
                self.out.push(OPTION);
                self.node(some)?;
            }
            Node::Seq(element) => {
                self.out.push(SEQ);
                self.node(element)?;
            }
            Node::Map(key, value) => {
                self.out.push(MAP);
                self.node(key)?;
                self.node(value)?;
            }
            Node::Tuple(parts) => {
                self.out.push(TUPLE);
                self.elements(parts)?;
            }
            Node::Struct(parts) => {
                self.out.push(STRUCT);
                self.fields(parts)?;
            }
            Node::Enum(variants) => {
                self.out.push(ENUM);
                self.count(variants.len);
                for variant in self.grammar.variants(variants) {
                    self.name(variant.name);
                    self.out.push(variant.body as u8);
                    match variant.body {
                        Body::Unit => {}
                        Body::Newtype => self.node(self.grammar.parts(variant.parts)[0].is)?,
                        Body::Tuple => self.elements(variant.parts)?,
                        Body::Struct => self.fields(variant.parts)?,
                    }
                }
            }
        }
        self.open.pop();
        Some(())
    }

    fn elements(&mut self, parts: Parts) -> Option<()> {
        self.count(parts.len);
        self.grammar.parts(parts).iter().try_for_each(|part| self.node(part.is))
    }

    fn fields(&mut self, parts: Parts) -> Option<()> {
        self.count(parts.len);
        self.grammar.parts(parts).iter().try_for_each(|part| {
            self.name(part.name);
            self.node(part.is)
        })
    }

    fn name(&mut self, name: &str) {
        self.count(name.len() as u32);
        self.out.extend_from_slice(name.as_bytes());
    }

    fn count(&mut self, count: u32) {
        self.out.extend_from_slice(&count.to_be_bytes());
    }
}
