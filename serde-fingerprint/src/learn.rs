//! The knowledge that all passes together have of a type.
//!
//! A pass yields two trees of one value: the calls by which it was read and the calls by which it was written. They
//! must agree. Where they do, they add to a grammar: for each identity ([`Key`]) one node.

use std::collections::HashMap;

use super::error::Fault;
use super::grammar::{Grammar, Id, Part, UNKNOWN};
use super::pass::Blame;
use super::tree::{Key, Tag, Tree};

#[derive(Default)]
pub(crate) struct Learned {
    ids: HashMap<Key, Id>,
    pub(crate) grammar: Grammar,
}

const UNKNOWN_PART: Part = Part { name: "", is: UNKNOWN };

impl Learned {
    /// Compares what was read with what was written, and adds both to what is known.
    ///
    /// Announced names, among which are aliases, become those that are written.
    pub(crate) fn learn(&mut self, read: &mut Tree, written: &Tree) -> Result<(), Blame> {
        let mut path = Vec::new();
        let root = self.compare(read, written, &mut path).map_err(|fault| Blame { path, fault })?;
        if self.grammar.root != UNKNOWN && self.grammar.root != root {
            return Err(Blame { path: Vec::new(), fault: Fault::Conflict("it is read in two ways") });
        }
        self.grammar.root = root;
        Ok(())
    }

    /// Returns the node of a part. After an error, `path` leads to the place of it.
    fn compare(&mut self, read: &mut Tree, written: &Tree, path: &mut Vec<usize>) -> Result<Id, Fault> {
        if let (Tag::Newtype, Some(inner)) = (read.tag, read.children.first_mut()) {
            path.push(0);
            let id = self.compare(inner, written, path)?;
            path.pop();
            return Ok(id);
        }
        agree(read, written, path)?;
        if read.tag.is_leaf() {
            return Ok(read.tag as Id);
        }
        let mut parts = Vec::new();
        for (at, (read, written)) in read.children.iter_mut().zip(&written.children).enumerate() {
            path.push(at);
            parts.push(Part { name: "", is: self.compare(read, written, path)? });
            path.pop();
        }
        parts.iter_mut().zip(&written.names).for_each(|(part, name)| part.name = name);
        if read.tag == Tag::Enum {
            parts[0].name = written.name;
            parts.splice(..0, vec![UNKNOWN_PART; written.index as usize]);
        } else if read.tag.is_counted() {
            let width = if read.tag == Tag::Map { 2 } else { 1 };
            if parts.iter().zip(parts.iter().skip(width)).any(|(one, next)| one != next) {
                return Err(Fault::Conflict("its elements are not all of one shape"));
            }
            parts.resize(width, UNKNOWN_PART);
        }
        self.define(read.key.expect("a composite was read by a visitor"), parts)
    }

    /// Adds to what is known of a composite, or finds that it is in conflict with it.
    fn define(&mut self, key: Key, parts: Vec<Part>) -> Result<Id, Fault> {
        let nodes = &mut self.grammar;
        let id = *self.ids.entry(key).or_insert_with(|| nodes.add(key.tag, vec![UNKNOWN_PART; parts.len()]));
        let known = &mut self.grammar.nodes[id as usize].parts;
        if key.tag == Tag::Enum && known.len() < parts.len() {
            known.resize(parts.len(), UNKNOWN_PART);
        }
        let mut agrees = key.tag == Tag::Enum || known.len() == parts.len();
        for (known, new) in known.iter_mut().zip(parts).filter(|(_, new)| new.is != UNKNOWN) {
            if known.is == UNKNOWN {
                *known = new;
            }
            agrees &= *known == new;
        }
        let conflict = "the same visitor reads, or the same type writes, one thing here and another there";
        if agrees { Ok(id) } else { Err(Fault::Conflict(conflict)) }
    }
}

/// Compares two composites, not looking into their children.
fn agree(read: &mut Tree, written: &Tree, path: &mut Vec<usize>) -> Result<(), Fault> {
    let disagree = |how: String| Err(Fault::Disagrees(how));
    let tag = read.tag;
    if tag != written.tag {
        return disagree(format!("{} is deserialized, {} is serialized", tag.noun(), written.tag.noun()));
    }
    if tag == Tag::Enum {
        if written.index < read.index {
            // `#[serde(other)]` reads all higher indices: the variants end below this one.
            let message = "an unknown variant was read as another one".into();
            return Err(Fault::Refused { type_name: "", message, no_such_variant: true });
        }
        read.name = written.name;
        path.push(0);
        if written.index != read.index {
            let (read, written) = (read.index, written.index);
            return disagree(format!(
                "variant number {read} is deserialized, number {written} is serialized"
            ));
        }
        if !read.names.is_empty() && !read.names.contains(&written.name) {
            let name = written.name;
            return disagree(format!("the variant is serialized as `{name}`, which is not deserialized"));
        }
        path.pop();
        return Ok(());
    }
    let (asked, given) = (read.children.len(), written.children.len());
    if asked != given && tag.is_counted() {
        // A set that was given the same element twice, an option that takes zero for nothing.
        return Err(Fault::refused("the value that was read was written as another one"));
    }
    if asked != given {
        let mut names = written.names.iter().chain(&read.names);
        let odd = names.find(|name| !(read.names.contains(name) && written.names.contains(name)));
        let which = odd.map(|name| format!(" (`{name}` is on one side only)")).unwrap_or_default();
        return disagree(format!("{asked} elements are deserialized, {given} are serialized{which}"));
    }
    let mut announced = read.names.iter();
    if !written.names.iter().all(|name| announced.any(|other| other == name)) {
        let [read, written] = [&read.names, &written.names].map(|names| names.join("`, `"));
        return disagree(format!("the fields `{read}` are deserialized, `{written}` are serialized"));
    }
    read.names.clone_from(&written.names);
    Ok(())
}
