//! The two sides of a value laid over each other, and what all values together say of a type.

use std::collections::{BTreeMap, HashMap};

use super::error::{Fault, Step};
use super::grammar::{Grammar, Id, Node, Part, Parts, Variant};
use super::tree::{Body, Key, Kind, LeafKind, Tree};

/// What is in a place: a scalar, or one of the composites known so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ref {
    Leaf(LeafKind),
    Composite(usize),
}

#[derive(Debug, PartialEq)]
enum Def {
    /// Announced, while its inside is being learned for the first time.
    Open,
    Option(Option<Ref>),
    Seq(Option<Ref>),
    Map(Option<(Ref, Ref)>),
    Tuple(Vec<Ref>),
    Struct(Vec<(&'static str, Ref)>),
    Enum(BTreeMap<u32, Known>),
}

/// A variant; the names of what it holds are empty unless it is a struct variant.
#[derive(Debug, PartialEq)]
struct Known {
    name: &'static str,
    body: Body,
    parts: Vec<(&'static str, Ref)>,
}

/// How the two sides differ.
pub(super) enum Mismatch {
    /// It can't be helped.
    Fault(Vec<Step>, Fault),
    /// The value was normalised into another one: with a different value the sides may still agree.
    Normalised { path: Vec<usize>, steps: Vec<Step> },
    /// A variant that was read by an index above its own (`#[serde(other)]`).
    Alias { path: Vec<usize>, steps: Vec<Step>, key: Key, index: u32 },
}

/// Everything learned so far.
#[derive(Default)]
pub(super) struct Learned {
    ids: HashMap<Key, usize>,
    defs: Vec<Def>,
    path: Vec<usize>,
    steps: Vec<Step>,
    pub(super) root: Option<Ref>,
}

impl Learned {
    /// Compares what was read with what the result was written as, and adds it to what is known.
    pub(super) fn learn(&mut self, read: &Tree, written: &Tree) -> Result<(), Mismatch> {
        self.path.clear();
        self.steps.clear();
        let root = self.compare(read, written)?;
        if *self.root.get_or_insert(root) != root {
            return self.conflict("it is read in two ways");
        }
        Ok(())
    }

    fn fault<V>(&self, fault: Fault) -> Result<V, Mismatch> {
        Err(Mismatch::Fault(self.steps.clone(), fault))
    }

    fn disagrees<V>(&self, how: String) -> Result<V, Mismatch> {
        self.fault(Fault::Disagrees(how))
    }

    fn conflict<V>(&self, how: impl Into<String>) -> Result<V, Mismatch> {
        self.fault(Fault::Conflict(how.into()))
    }

    fn normalised<V>(&self) -> Result<V, Mismatch> {
        Err(Mismatch::Normalised { path: self.path.clone(), steps: self.steps.clone() })
    }

    fn inside(
        &mut self,
        at: usize,
        step: Option<Step>,
        read: &Tree,
        written: &Tree,
    ) -> Result<Ref, Mismatch> {
        self.path.push(at);
        self.steps.extend(step);
        let found = self.compare(read, written)?;
        self.steps.truncate(self.steps.len() - usize::from(step.is_some()));
        self.path.pop();
        Ok(found)
    }

    fn compare(&mut self, read: &Tree, written: &Tree) -> Result<Ref, Mismatch> {
        match (&read.kind, &written.kind) {
            (Kind::Newtype, _) => match read.children.first() {
                Some(inner) => self.inside(0, None, inner, written),
                None => self.disagrees("a newtype struct reads nothing".into()),
            },
            (Kind::Leaf(asked), Kind::Leaf(given)) if asked.kind() == given.kind() => {
                Ok(Ref::Leaf(asked.kind()))
            }
            (Kind::None, Kind::None) => self.define(read, Def::Option(None)),
            (Kind::None, Kind::Some) | (Kind::Some, Kind::None) => self.normalised(),
            (Kind::Some, Kind::Some) => {
                let some = self.inside(0, None, &read.children[0], &written.children[0])?;
                self.define(read, Def::Option(Some(some)))
            }
            (Kind::Seq, Kind::Seq) => {
                let refs = self.elements(read, written, &|_| Step::Element)?;
                self.alike(&refs, 1)?;
                self.define(read, Def::Seq(refs.first().copied()))
            }
            (Kind::Map, Kind::Map) => {
                let step = |at: usize| if at.is_multiple_of(2) { Step::MapKey } else { Step::MapValue };
                let refs = self.elements(read, written, &step)?;
                self.alike(&refs, 2)?;
                self.define(read, Def::Map(refs.first().copied().zip(refs.get(1).copied())))
            }
            (Kind::Tuple, Kind::Tuple) => {
                self.same_count(read, written)?;
                let refs = self.elements(read, written, &Step::Index)?;
                self.define(read, Def::Tuple(refs))
            }
            (Kind::Struct, Kind::Struct) => {
                let fields = self.fields(read, written)?;
                self.define(read, Def::Struct(fields))
            }
            (Kind::Variant { .. }, Kind::Variant { .. }) => self.variant(read, written),
            (Kind::Hole, _) => self.disagrees("nothing is read there".into()),
            (asked, given) => {
                self.disagrees(format!("{} is deserialised, {} is serialised", asked.noun(), given.noun()))
            }
        }
    }

    fn variant(&mut self, read: &Tree, written: &Tree) -> Result<Ref, Mismatch> {
        let (
            &Kind::Variant { index, body: asked, .. },
            &Kind::Variant { index: written_index, name, body: given },
        ) = (&read.kind, &written.kind)
        else {
            unreachable!("called for variants")
        };
        if written_index < index
            && let Some(key) = read.key
        {
            let (path, steps) = (self.path.clone(), self.steps.clone());
            return Err(Mismatch::Alias { path, steps, key, index });
        }
        self.steps.push(Step::Variant(name));
        if written_index != index {
            return self.disagrees(format!(
                "variant number {index} is deserialised, number {written_index} is serialised"
            ));
        }
        if !read.variants.is_empty() && !in_order(&[name], read.variants) {
            return self
                .disagrees(format!("the variant is serialised as `{name}`, which is not deserialised"));
        }
        let (Some(body), true) = (given, asked == given) else {
            let asked = asked.map_or("nothing", Body::noun);
            return self.disagrees(format!(
                "{asked} is deserialised, {} is serialised",
                given.map_or("nothing", Body::noun)
            ));
        };
        let parts = match body {
            Body::Unit => Vec::new(),
            Body::Newtype => vec![("", self.inside(0, None, &read.children[0], &written.children[0])?)],
            Body::Tuple => {
                self.same_count(read, written)?;
                let refs = self.elements(read, written, &Step::Index)?;
                refs.into_iter().map(|is| ("", is)).collect()
            }
            Body::Struct => self.fields(read, written)?,
        };
        let found = self.define(read, Def::Enum(BTreeMap::from([(index, Known { name, body, parts })])));
        self.steps.pop();
        found
    }

    fn same_count(&self, read: &Tree, written: &Tree) -> Result<(), Mismatch> {
        let (asked, given) = (read.children.len(), written.children.len());
        if asked == given {
            return Ok(());
        }
        let odd = written.names.iter().find(|name| !read.names.contains(name));
        let unread = read.names.iter().find(|name| !written.names.contains(name));
        let which = match odd.or(unread) {
            Some(name) => format!(" (`{name}` is on one side only)"),
            None => String::new(),
        };
        self.disagrees(format!("{asked} elements are deserialised, {given} are serialised{which}"))
    }

    fn fields(&mut self, read: &Tree, written: &Tree) -> Result<Vec<(&'static str, Ref)>, Mismatch> {
        self.same_count(read, written)?;
        if !in_order(&written.names, &read.names) {
            return self.disagrees(format!(
                "the fields {} are deserialised, {} are serialised",
                listed(&read.names),
                listed(&written.names)
            ));
        }
        let names = written.names.to_vec();
        let refs = self.elements(read, written, &|at| Step::Field(names[at]))?;
        Ok(names.iter().copied().zip(refs).collect())
    }

    fn elements(
        &mut self,
        read: &Tree,
        written: &Tree,
        step: &dyn Fn(usize) -> Step,
    ) -> Result<Vec<Ref>, Mismatch> {
        if read.children.len() != written.children.len() {
            // A set that was given the same element twice, a list that drops what is empty.
            return self.normalised();
        }
        read.children
            .iter()
            .zip(&written.children)
            .enumerate()
            .map(|(at, (read, written))| self.inside(at, Some(step(at)), read, written))
            .collect()
    }

    fn alike(&self, refs: &[Ref], every: usize) -> Result<(), Mismatch> {
        if refs.iter().zip(refs.iter().skip(every)).all(|(one, next)| one == next) {
            return Ok(());
        }
        self.conflict("its elements are not all of one shape")
    }

    /// Adds to what is known of a composite, or finds that it contradicts it.
    fn define(&mut self, read: &Tree, new: Def) -> Result<Ref, Mismatch> {
        let Some(key) = read.key else {
            return self.disagrees("it has no visitor".into());
        };
        let id = *self.ids.entry(key).or_insert_with(|| {
            self.defs.push(Def::Open);
            self.defs.len() - 1
        });
        let contradicts = match (&mut self.defs[id], new) {
            (known @ Def::Open, new) => {
                *known = new;
                false
            }
            (Def::Option(known), Def::Option(new)) | (Def::Seq(known), Def::Seq(new)) => merge(known, new),
            (Def::Map(known), Def::Map(new)) => merge(known, new),
            (Def::Enum(known), Def::Enum(new)) => new.into_iter().any(|(index, new)| {
                *known.entry(index).or_insert(Known {
                    name: new.name,
                    body: new.body,
                    parts: new.parts.clone(),
                }) != new
            }),
            (known, new) => *known != new,
        };
        if contradicts {
            return self.conflict(
                "the same visitor reads, or the same type writes, one thing here and another there",
            );
        }
        Ok(Ref::Composite(id))
    }

    /// The whole, once nothing is left to explore; the steps to a place that was never filled otherwise.
    pub(super) fn grammar(&self) -> Option<Grammar> {
        let mut building = Building {
            learned: self,
            grammar: Grammar::default(),
            ids: HashMap::new(),
            leaves: HashMap::new(),
        };
        building.node(self.root?)?;
        building.grammar.fold();
        Some(building.grammar)
    }
}

fn merge<V: PartialEq + Copy>(known: &mut Option<V>, new: Option<V>) -> bool {
    match (*known, new) {
        (_, None) => false,
        (None, new) => {
            *known = new;
            false
        }
        (known, new) => known != new,
    }
}

/// Whether `names` are among `all`, in that order: `all` holds aliases, too.
fn in_order(names: &[&str], all: &[&str]) -> bool {
    let mut all = all.iter();
    names.iter().all(|name| all.any(|other| other == name))
}

fn listed(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// Numbers the nodes from the root inwards, so that the arena depends on the shape alone.
struct Building<'l> {
    learned: &'l Learned,
    grammar: Grammar,
    ids: HashMap<usize, Id>,
    leaves: HashMap<LeafKind, Id>,
}

impl Building<'_> {
    fn node(&mut self, is: Ref) -> Option<Id> {
        let next = self.grammar.nodes.len() as Id;
        let def = match is {
            Ref::Leaf(kind) => {
                return Some(*self.leaves.entry(kind).or_insert_with(|| {
                    self.grammar.nodes.push(Node::Leaf(kind));
                    next
                }));
            }
            Ref::Composite(def) => def,
        };
        if let Some(known) = self.ids.get(&def) {
            return Some(*known);
        }
        self.ids.insert(def, next);
        self.grammar.nodes.push(Node::Leaf(LeafKind::Unit));
        let node = match &self.learned.defs[def] {
            Def::Open => return None,
            Def::Option(some) => Node::Option(self.node((*some)?)?),
            Def::Seq(element) => Node::Seq(self.node((*element)?)?),
            Def::Map(entry) => {
                let (key, value) = (*entry)?;
                Node::Map(self.node(key)?, self.node(value)?)
            }
            Def::Tuple(refs) => {
                let parts = refs.iter().map(|is| ("", *is)).collect::<Vec<_>>();
                Node::Tuple(self.parts(&parts)?)
            }
            Def::Struct(fields) => Node::Struct(self.parts(fields)?),
            Def::Enum(known) => {
                let mut variants = Vec::new();
                for (nth, (index, known)) in known.iter().enumerate() {
                    if *index as usize != nth {
                        return None;
                    }
                    let parts = self.parts(&known.parts)?;
                    variants.push(Variant { name: known.name, body: known.body, parts });
                }
                Node::Enum(self.grammar.add_variants(&variants))
            }
        };
        self.grammar.nodes[next as usize] = node;
        Some(next)
    }

    fn parts(&mut self, refs: &[(&'static str, Ref)]) -> Option<Parts> {
        let parts: Option<Vec<Part>> =
            refs.iter().map(|&(name, is)| Some(Part { name, is: self.node(is)? })).collect();
        Some(self.grammar.add_parts(&parts?))
    }
}
