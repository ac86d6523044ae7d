//! The fields at the end of the outermost struct that a payload may lack.
//!
//! Nothing in a type's serde implementation says that a field has a default. So tracing tries: it takes the payload of
//! an accepted value, leaves out the last field, then the last two, and so on, and decodes. What decodes is a payload
//! of the struct that the type was before these fields were appended.

use serde::de::DeserializeOwned;

use super::Fingerprint;
use super::bounded::Bounds;
use super::grammar::Grammar;
use super::tree::{Tag, Tree};

/// A struct of the first fields of a type.
pub(crate) struct Prefix {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) fields: usize,
}

/// Returns the prefixes that `T` reads, the longest first.
pub(crate) fn prefixes<T: DeserializeOwned>(grammar: &Grammar, example: &Tree) -> Vec<Prefix> {
    if example.tag != Tag::Struct {
        return Vec::new();
    }
    let prefix = |fields| {
        let payload = example.children[..fields].iter().map(Tree::payload).collect::<Vec<_>>().concat();
        super::read::<T>(&payload, &Bounds::with_prefix(payload.len(), fields)).ok()?;
        // A recursive type's earlier shape has no appended fields further in either, and so no payload that would be
        // read. The root is not changed, but copied: parts that refer to it go on to refer to all of its fields.
        let mut grammar = grammar.clone();
        let parts = grammar.node(grammar.root).parts[..fields].to_vec();
        grammar.root = grammar.add(Tag::Struct, parts);
        grammar.fold();
        Some(Prefix { fingerprint: Fingerprint(grammar.fingerprint().ok()?), fields })
    };
    (0..example.children.len()).rev().map_while(prefix).collect()
}
