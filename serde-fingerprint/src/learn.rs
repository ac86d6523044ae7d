//! The knowledge that all passes together have of a type.
//!
//! A pass yields two trees of one value: the calls by which it was read and the calls by which it was written. They
//! must agree. Where they do, they add to a grammar: for each identity ([`Key`]) one node.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::Fault;
use super::grammar::{Grammar, Id, Part, UNKNOWN};
use super::pass::Blame;
use super::tree::{HOLE, Key, Tag, Tree};

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
        let root = self.compare(read, written, &mut path).and_then(|root| {
            if self.grammar.root != UNKNOWN && self.grammar.root != root {
                return Err(Fault::Conflict("it is read in two ways"));
            }
            Ok(root)
        });
        self.grammar.root = root.map_err(|fault| Blame { path, fault })?;
        Ok(())
    }

    /// Returns the node of a part. After an error, `path` leads to the place of it.
    fn compare(&mut self, read: &mut Tree, written: &Tree, path: &mut Vec<usize>) -> Result<Id, Fault> {
        if read.tag == Tag::Newtype {
            path.push(0);
            let inner = read.children.first_mut();
            let id = self.compare(inner.unwrap_or(&mut HOLE.clone()), written, path)?;
            path.pop();
            return Ok(id);
        }
        let tag = read.tag;
        if tag != written.tag || tag == Tag::Hole {
            let sides = format!("{} is deserialized, {} is serialized", tag.noun(), written.tag.noun());
            return Err(Fault::Disagrees(sides));
        }
        if tag.is_leaf() {
            return Ok(tag as Id);
        }
        if tag == Tag::Enum {
            same_variant(read, written, path)?;
        } else if read.children.len() != written.children.len() {
            // A set that was given the same element twice, an option that takes zero for nothing.
            if tag.is_counted() {
                return Err(Fault::normalized());
            }
            return Err(Fault::Disagrees(counts(read, written)));
        } else if !in_order(&written.names, &read.names) {
            let [read, written] = [&read.names, &written.names].map(|names| names.join("`, `"));
            return Err(Fault::Disagrees(format!(
                "the fields `{read}` are deserialized, `{written}` are serialized"
            )));
        } else {
            read.names = Cow::Owned(written.names.to_vec());
        }
        let mut parts = Vec::new();
        for (at, (read, written)) in read.children.iter_mut().zip(&written.children).enumerate() {
            path.push(at);
            let is = self.compare(read, written, path)?;
            path.pop();
            parts.push(Part { name: "", is });
        }
        parts.iter_mut().zip(&*written.names).for_each(|(part, name)| part.name = name);
        match tag {
            Tag::Enum => {
                parts[0].name = written.name;
                parts.splice(..0, vec![UNKNOWN_PART; written.index as usize]);
            }
            Tag::Option | Tag::Seq | Tag::Map => {
                let width = if tag == Tag::Map { 2 } else { 1 };
                if parts.iter().zip(parts.iter().skip(width)).any(|(one, next)| one != next) {
                    return Err(Fault::Conflict("its elements are not all of one shape"));
                }
                parts.resize(width, UNKNOWN_PART);
            }
            _ => {}
        }
        self.define(read.key.expect("a composite was read by a visitor"), parts)
    }

    /// Adds to what is known of a composite, or finds that it is in conflict with it.
    fn define(&mut self, key: Key, parts: Vec<Part>) -> Result<Id, Fault> {
        let grammar = &mut self.grammar;
        let id =
            *self.ids.entry(key).or_insert_with(|| grammar.add(key.tag, vec![UNKNOWN_PART; parts.len()]));
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
        if agrees {
            Ok(id)
        } else {
            Err(Fault::Conflict("the same visitor reads, or the same type writes, several"))
        }
    }
}

fn same_variant(read: &mut Tree, written: &Tree, path: &mut Vec<usize>) -> Result<(), Fault> {
    if written.index < read.index {
        // `#[serde(other)]` reads all higher indices: the variants end below this one.
        let message = "an unknown variant was read as another one".into();
        return Err(Fault::Refused { type_name: "", message, no_such_variant: true });
    }
    read.name = written.name;
    path.push(0);
    if written.index != read.index {
        return Err(Fault::Disagrees(format!(
            "variant number {} is deserialized, number {} is serialized",
            read.index, written.index
        )));
    }
    if !read.names.is_empty() && !read.names.contains(&written.name) {
        let how = format!("the variant is serialized as `{}`, which is not deserialized", written.name);
        return Err(Fault::Disagrees(how));
    }
    path.pop();
    Ok(())
}

fn counts(read: &Tree, written: &Tree) -> String {
    let only =
        |names: &[&'static str], others: &[&str]| names.iter().find(|name| !others.contains(name)).copied();
    let odd = only(&written.names, &read.names).or(only(&read.names, &written.names));
    let which = odd.map(|name| format!(" (`{name}` is on one side only)")).unwrap_or_default();
    let (asked, given) = (read.children.len(), written.children.len());
    format!("{asked} elements are deserialized, {given} are serialized{which}")
}

/// Whether `names` are among `all`, in that order.
fn in_order(names: &[&str], all: &[&str]) -> bool {
    let mut all = all.iter();
    names.iter().all(|name| all.any(|other| other == name))
}
