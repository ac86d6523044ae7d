//! The shape of a type's payloads, and its canonical encoding.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::tree::Tag;

/// The place of a node in a [`Grammar`]. The id of a scalar is its tag, so it is known without looking.
pub(crate) type Id = u32;

/// The id of a part that was not seen yet.
pub(crate) const UNKNOWN: Id = Tag::Hole as Id;

/// One shape. Options and sequences have one part, maps two, enums one for each variant.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) tag: Tag,
    pub(crate) parts: Vec<Part>,
}

/// A field or a variant; anything else has an empty name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) is: Id,
}

#[derive(Clone, Debug)]
pub(crate) struct Grammar {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: Id,
}

/// The tag of a reference to a composite around the place (recursion).
const BACK: u8 = 0x26;

/// Keeps fingerprints apart from all other hashes.
const DOMAIN: &[u8] = b"sealed-session schema v1\n";

/// The numbers that are no fingerprints.
const RESERVED: u32 = 16;

/// The longest encoding. Only a type that combines the same parts in ever new ways exceeds it.
const MAX_ENCODED: usize = 1 << 24;

/// Returns the fingerprint for a hash: its first four bytes, but never a reserved number.
pub(crate) fn number([a, b, c, d, ..]: [u8; 32]) -> u32 {
    let number = u32::from_be_bytes([a, b, c, d]);
    if number < RESERVED { number + RESERVED } else { number }
}

impl Default for Grammar {
    fn default() -> Self {
        let simple = Tag::ALL.iter().filter(|tag| **tag as Id <= UNKNOWN);
        Self { nodes: simple.map(|&tag| Node { tag, parts: Vec::new() }).collect(), root: UNKNOWN }
    }
}

impl Grammar {
    #[inline]
    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn add(&mut self, tag: Tag, parts: Vec<Part>) -> Id {
        self.nodes.push(Node { tag, parts });
        self.nodes.len() as Id - 1
    }

    /// Merges all nodes that stand for the same shape.
    ///
    /// Nodes are told apart by the visitors that read them, and two visitors may well read the same shape: a list
    /// that refers to itself and one that refers to a twin of itself are two graphs with equal payloads. After
    /// folding they are one graph, so that a shape has one encoding. This is Moore's algorithm: all nodes begin in
    /// one class, and a class is split while its nodes differ in their tags, names or the classes of their parts.
    pub(crate) fn fold(&mut self) {
        let mut classes = vec![0; self.nodes.len()];
        let mut count = 1;
        loop {
            let mut known = HashMap::new();
            let mut class_of = |node: &Node| {
                let parts: Vec<_> =
                    node.parts.iter().map(|part| (part.name, classes[part.is as usize])).collect();
                let next = known.len();
                *known.entry((node.tag, parts)).or_insert(next)
            };
            classes = self.nodes.iter().map(&mut class_of).collect();
            if known.len() == count {
                break;
            }
            count = known.len();
        }
        let mut firsts = vec![None; count];
        let first: Vec<Id> =
            (0..).zip(&classes).map(|(id, class)| *firsts[*class].get_or_insert(id)).collect();
        self.root = first[self.root as usize];
        for part in self.nodes.iter_mut().flat_map(|node| &mut node.parts) {
            part.is = first[part.is as usize];
        }
    }

    /// The fingerprint of a folded grammar.
    pub(crate) fn fingerprint(&self) -> Result<u32, &'static str> {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.encoding()?);
        Ok(number(hash.finalize().into()))
    }

    /// The encoding that the crate's documentation specifies; canonical if the grammar is folded.
    ///
    /// The error says why a grammar has none.
    pub(crate) fn encoding(&self) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        self.encode(self.root, &mut out, &mut Vec::new())?;
        Ok(out)
    }

    /// `open` holds the composites around the place. The body of a variant is none of its own.
    fn encode(&self, id: Id, out: &mut Vec<u8>, open: &mut Vec<Id>) -> Result<(), &'static str> {
        fn count(out: &mut Vec<u8>, count: usize) {
            out.extend_from_slice(&(count as u32).to_be_bytes());
        }
        if out.len() > MAX_ENCODED {
            return Err("the description of its shape is too long");
        }
        if let Some(levels) = open.iter().rev().position(|open| *open == id) {
            out.push(BACK);
            count(out, levels);
            return Ok(());
        }
        let Node { tag, parts } = self.node(id);
        let is_body = *tag as u8 >= Tag::UnitVariant as u8;
        match tag {
            Tag::Hole => return Err("tracing never reached a part of it"),
            _ if is_body => out.push(*tag as u8 & 0x0f),
            _ => out.push(*tag as u8),
        }
        if matches!(tag, Tag::Tuple | Tag::Struct | Tag::Enum | Tag::TupleVariant | Tag::StructVariant) {
            count(out, parts.len());
        }
        let depth = open.len();
        if !tag.is_leaf() && !is_body {
            open.push(id);
        }
        for part in parts {
            if matches!(tag, Tag::Struct | Tag::Enum | Tag::StructVariant) {
                count(out, part.name.len());
                out.extend_from_slice(part.name.as_bytes());
            }
            self.encode(part.is, out, open)?;
        }
        open.truncate(depth);
        Ok(())
    }
}
