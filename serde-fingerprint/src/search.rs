//! Tracing: passes over a type, until nothing in it is left unexplored.
//!
//! Serde has no description of a type. There is only its `Deserialize` implementation, which asks a deserializer for
//! what it needs. So tracing deserializes the type from nothing and sees what it asks for. That is a *pass*. A single
//! pass shows a single value, so there are many:
//!
//! 1. The first pass has an empty *plan*: every scalar is zero, every option and list is empty, every enum is its
//!    first variant.
//! 2. Each place of an accepted value has other *ways* to go: an option can be there, a list can have an element, an
//!    enum has more variants. A way that no pass went yet is a *target*. Its plan is that value with a hole in that
//!    place. Holes are filled as they are read, so a target shows what is behind it, which has further targets.
//! 3. A way is known by its [`Slot`], not by its path. So a recursive type has few, and tracing ends.
//! 4. A type may refuse a value (`NonZero`, `try_from`). A *repair* replaces the part that was refused by one
//!    candidate after another. A candidate with holes may be refused inside of itself: such a repair is nested.
//!
//! Each accepted value is serialized and compared with what was read ([`learn`](super::learn)).

use std::any::type_name;
use std::collections::{HashSet, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::candidates::candidates;
use super::error::{Fault, SchemaError};
use super::grammar::Grammar;
use super::learn::Learned;
use super::pass::{Blame, Endings, Memo, Pass};
use super::read::Reader;
use super::record::record;
use super::samples::Samples;
use super::tree::{HOLE, Key, Tag, Tree};
use super::trouble::What;
use super::values::values;

/// The accepted values of one type, which no real type comes near.
const MAX_VALUES: usize = 8192;
/// The passes for one target.
const MAX_REPAIR: usize = 20_000;
/// The repairs within repairs: a list that is never empty, of lists that are never empty, …
const MAX_NESTING: usize = 4;

/// Traces a type. Returns its grammar, and what one of its values is written as.
pub(crate) fn explore<T: Serialize + DeserializeOwned>(
    samples: &Samples,
) -> Result<(Grammar, Tree), SchemaError> {
    if let Some(trouble) = &samples.failure {
        let fault = Fault::BadSample(trouble.explained());
        return Err(SchemaError::new(type_name::<T>(), Vec::new(), fault));
    }
    let explorer = Explorer::<T> {
        samples,
        memo: Memo::new(),
        endings: Endings::new(),
        learned: Learned::default(),
        known: HashSet::new(),
        targets: VecDeque::new(),
        budget: 0,
        example: HOLE.clone(),
        traced: PhantomData,
    };
    explorer.run()
}

/// A place in a type: a composite (or one variant's body) and the number of the child, the same for all elements.
type Slot = (Option<Key>, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    Any,
    Empty,
    Filled,
    Variant(u32),
}

impl Way {
    fn of(tree: &Tree) -> Self {
        match tree.tag {
            Tag::Enum => Way::Variant(tree.index),
            tag if !tag.is_counted() => Way::Any,
            _ if tree.children.is_empty() => Way::Empty,
            _ => Way::Filled,
        }
    }

    fn plan(self, tag: Tag) -> Tree {
        match self {
            Way::Any => HOLE.clone(),
            Way::Empty => Tree::open(tag, 0),
            Way::Filled => Tree::open(tag, if tag == Tag::Map { 2 } else { 1 }),
            Way::Variant(index) => Tree::variant(index, "?", HOLE.clone()),
        }
    }
}

/// A way that no pass went yet, from a place in an accepted value.
struct Target {
    base: Rc<Tree>,
    path: Vec<usize>,
    way: Way,
    tried_before: bool,
}

impl Target {
    fn whole(base: Tree) -> Self {
        Self { base: Rc::new(base), path: Vec::new(), way: Way::Any, tried_before: true }
    }

    fn is_met(&self, seen: &Tree) -> bool {
        self.way == Way::Any || seen.at(&self.path).is_some_and(|part| Way::of(part) == self.way)
    }
}

enum Outcome {
    /// Accepted, and the target is met.
    Done(Tree),
    /// Refused, with the value as far as it was read.
    Refused(Box<(Blame, Tree)>),
    /// Accepted, but a repair turned the value away from the target.
    Astray,
    /// The target is a variant that does not exist.
    Closed,
}

struct Explorer<'s, T> {
    samples: &'s Samples,
    memo: Memo,
    endings: Endings,
    learned: Learned,
    /// The ways that passes went, or that are targets.
    known: HashSet<(Slot, Way)>,
    targets: VecDeque<Target>,
    /// The passes that are left for the current target.
    budget: usize,
    /// The first value that was accepted, as it was written.
    example: Tree,
    traced: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Explorer<'_, T> {
    fn run(mut self) -> Result<(Grammar, Tree), SchemaError> {
        self.targets.push_back(Target::whole(HOLE.clone()));
        let mut accepted = 0;
        while let Some(target) = self.targets.pop_front() {
            let tag = target.base.at(&target.path).map_or(Tag::Hole, |part| part.tag);
            let plan = target.base.with(&target.path, target.way.plan(tag));
            self.budget = MAX_REPAIR;
            match self.settle(plan, &target, &[], 0)? {
                Outcome::Done(tree) => {
                    accepted += 1;
                    if accepted > MAX_VALUES {
                        let fault = Fault::Unbounded("tracing keeps finding new options or variants in it");
                        return Err(self.error(&tree, Blame { path: target.path, fault }));
                    }
                    self.shake(&tree)?;
                    self.schedule(tree);
                }
                Outcome::Closed => {}
                // A type that is never empty shows no less without that.
                _ if target.way == Way::Empty => {}
                // What is learned meanwhile may help.
                _ if !target.tried_before => self.targets.push_back(Target { tried_before: true, ..target }),
                Outcome::Refused(refused) => return Err(self.error(&refused.1, refused.0)),
                Outcome::Astray => {
                    let fault = Fault::refused("it was never accepted as a part of the whole");
                    return Err(self.error(&target.base, Blame { path: target.path, fault }));
                }
            }
        }
        let mut grammar = self.learned.grammar;
        grammar.fold();
        Ok((grammar, self.example))
    }

    fn error(&self, seen: &Tree, blame: Blame) -> SchemaError {
        SchemaError::new(type_name::<T>(), seen.steps(&blame.path), blame.fault)
    }

    /// Tries an accepted value once more with scalars that differ from each other: among zeros, nobody sees that
    /// two of them change places.
    fn shake(&mut self, tree: &Tree) -> Result<(), SchemaError> {
        let mut plan = tree.clone();
        let mut count = 0;
        tree.walk(&mut Vec::new(), &mut |part, path| {
            if part.tag.is_leaf() {
                let values = values(part.tag);
                let likely = values.len().min(24);
                plan.put(path, Tree::leaf(part.tag, values[count % likely].clone()));
                count += 1;
            }
        });
        if count < 2 {
            return Ok(());
        }
        self.budget = MAX_REPAIR / 20;
        match self.settle(plan, &Target::whole(HOLE.clone()), &[], 0) {
            // A made-up value that a type reads but does not write says nothing against the type.
            Err(error) if !matches!(error.fault(), Fault::Unwritable(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes passes until one is accepted, and repairs what is refused: a nested repair only inside `scope`.
    fn settle(
        &mut self,
        plan: Tree,
        target: &Target,
        scope: &[usize],
        nesting: usize,
    ) -> Result<Outcome, SchemaError> {
        let mut outcome = self.pass(&plan, target)?;
        'repair: while let Outcome::Refused(refused) = outcome {
            let (Blame { path: spot, .. }, seen) = &*refused;
            if nesting > 0 && (spot.len() <= scope.len() || !spot.starts_with(scope)) {
                return Ok(Outcome::Refused(refused));
            }
            let part = seen.at(spot).unwrap_or(&HOLE);
            for candidate in candidates(part, self.samples) {
                if self.budget == 0 {
                    break;
                }
                let has_hole = candidate.has_hole();
                let plan = seen.with(spot, candidate);
                let next = if has_hole && nesting < MAX_NESTING {
                    self.settle(plan, target, spot, nesting + 1)?
                } else {
                    self.pass(&plan, target)?
                };
                match next {
                    Outcome::Refused(next) if is_beyond(&next.0.path, spot) => {
                        outcome = Outcome::Refused(next);
                        continue 'repair;
                    }
                    Outcome::Refused(_) | Outcome::Astray => {}
                    settled => return Ok(settled),
                }
            }
            return Ok(Outcome::Refused(refused));
        }
        Ok(outcome)
    }

    fn read(&mut self, plan: &Tree) -> (Option<T>, Tree, Option<Blame>) {
        let mut seen = HOLE.clone();
        let mut pass = Pass::new(&self.memo, std::mem::take(&mut self.endings));
        let result = T::deserialize(Reader { pass: &mut pass, plan, seen: &mut seen });
        let result = pass.checked(result);
        let Pass { endings, accepted, blame, .. } = pass;
        self.endings = endings;
        for (key, part) in accepted {
            if self.memo.get(&key).is_none_or(|known| part.size() < known.size()) {
                self.memo.insert(key, part);
            }
        }
        (result.ok(), seen, blame)
    }

    /// Makes one pass: reads the plan, writes the value, compares, remembers.
    fn pass(&mut self, plan: &Tree, target: &Target) -> Result<Outcome, SchemaError> {
        self.budget = self.budget.saturating_sub(1);
        let (value, mut seen, blame) = self.read(plan);
        // A refusal that a type makes light of is one all the same: bytes would be left where it happened.
        let blame = match (value, blame) {
            (Some(value), None) => {
                let written = record(&value).map_err(|trouble| {
                    let fault = match trouble.what() {
                        What::Skipped(name) => Fault::Skips(name),
                        What::UnknownLength => Fault::SelfDescribing("serialize_map(None)"),
                        _ => Fault::Unwritable(trouble.explained()),
                    };
                    SchemaError::new(type_name::<T>(), trouble.steps(), fault)
                })?;
                match self.learned.learn(&mut seen, &written) {
                    Ok(()) => {
                        self.check_order(&seen, &written)?;
                        if self.example.is_hole() {
                            self.example = written;
                        }
                        return Ok(if target.is_met(&seen) { Outcome::Done(seen) } else { Outcome::Astray });
                    }
                    Err(blame) => blame,
                }
            }
            (_, blame) => blame.expect("a refusal has a place"),
        };
        if !blame.fault.is_refusal() {
            return Err(self.error(&seen, blame));
        }
        if blame.fault.is_no_such_variant() && blame.path == target.path && target.is_met(&seen) {
            return Ok(Outcome::Closed);
        }
        seen.complete(plan);
        Ok(Outcome::Refused(Box::new((blame, seen))))
    }

    /// Rejects types that read their parts in one order and write them in another. A type that sorts its parts does
    /// so once; one whose two sides differ goes back and forth.
    fn check_order(&mut self, seen: &Tree, written: &Tree) -> Result<(), SchemaError> {
        let mut path = Vec::new();
        if !is_shuffled(seen, written, &mut path) {
            return Ok(());
        }
        let again = self.read(written).0.and_then(|value| record(&value).ok());
        if again.is_some_and(|again| again.is_same(written)) {
            return Ok(());
        }
        let fault = Fault::Disagrees("its parts are read in one order and written in another".into());
        Err(self.error(seen, Blame { path, fault }))
    }

    /// Finds the ways that an accepted value went, and makes targets of those next to them.
    fn schedule(&mut self, tree: Tree) {
        let base = Rc::new(tree);
        base.walk(&mut Vec::new(), &mut |part, path| {
            let slot = path.split_last().map_or((None, 0), |(at, above)| {
                let above = base.at(above).unwrap_or(&HOLE);
                let at = match above.tag {
                    Tag::Seq => 0,
                    Tag::Map => at % 2,
                    _ => *at,
                };
                (above.key, at)
            });
            let way = Way::of(part);
            self.known.insert((slot, way));
            let others = match way {
                Way::Any => [None, None],
                Way::Empty => [Some(Way::Filled), None],
                Way::Filled => [Some(Way::Empty), None],
                Way::Variant(index) => {
                    [index.checked_sub(1), index.checked_add(1)].map(|at| at.map(Way::Variant))
                }
            };
            for way in others.into_iter().flatten() {
                if self.known.insert((slot, way)) {
                    let (base, path) = (Rc::clone(&base), path.to_vec());
                    self.targets.push_back(Target { base, path, way, tried_before: false });
                }
            }
        });
    }
}

/// Returns whether somewhere the written parts are those that were read, in another order; `path` leads there.
fn is_shuffled(read: &Tree, written: &Tree, path: &mut Vec<usize>) -> bool {
    if read.tag == Tag::Newtype {
        path.push(0);
        return read.children.first().is_some_and(|inner| is_shuffled(inner, written, path));
    }
    let pairs = || read.children.iter().zip(&written.children);
    let is_among = |part: &Tree| written.children.iter().any(|other| part.is_same(other));
    if !read.tag.is_counted()
        && !pairs().all(|(part, other)| part.is_same(other))
        && read.children.iter().all(is_among)
    {
        return true;
    }
    let depth = path.len();
    pairs().enumerate().any(|(at, (part, other))| {
        path.truncate(depth);
        path.push(at);
        is_shuffled(part, other, path)
    })
}

/// Returns whether a pass that was refused at `next` got past the place at `spot`.
fn is_beyond(next: &[usize], spot: &[usize]) -> bool {
    if spot.starts_with(next) {
        return next.len() < spot.len();
    }
    !next.starts_with(spot) && next > spot
}
