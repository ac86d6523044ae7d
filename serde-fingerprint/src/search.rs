//! Passes over a type, again and again, until nothing in it is left unexplored.

use std::any::type_name;
use std::collections::{HashSet, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::candidates::candidates;
use super::error::{Fault, SchemaError, Step};
use super::grammar::Grammar;
use super::learn::{Learned, Mismatch};
use super::pass::{Blame, Enums, Memo, MemoKey, Pass, Refusal};
use super::read::Reader;
use super::record::record;
use super::samples::Samples;
use super::tree::{Key, Kind, Tree};
use super::trouble::{Said, What};
use super::values::nth;

/// No type takes nearly as many passes; one that never settles ends here.
const MAX_PASSES: usize = 2_000_000;
/// How many passes the repair of one value may take.
const MAX_REPAIR: usize = 20_000;
/// The same for a value that is only tried for the sake of its differences.
const MAX_SHAKE: usize = 1000;
const MAX_VARIANTS: u32 = 4096;
/// How far one repair may go on inside of another.
const MAX_NESTING: usize = 4;
/// How many values such a repair may try in one place.
const MAX_NESTED: usize = 300;

/// Traces a type.
pub(super) fn explore<T: Serialize + DeserializeOwned>(samples: &Samples) -> Result<Grammar, SchemaError> {
    if let Some(message) = samples.failure() {
        return Err(SchemaError::new(type_name::<T>(), Vec::new(), Fault::BadSample(message)));
    }
    let explorer = Explorer::<T> {
        samples,
        memo: Memo::new(),
        enums: Enums::default(),
        learned: Learned::default(),
        known: HashSet::new(),
        targets: VecDeque::new(),
        passes: 0,
        budget: 0,
        traced: PhantomData,
    };
    explorer.run()
}

/// A place in a type, wherever that type is found: a child of a composite (or of one variant of it).
type Slot = (Option<(Key, u32)>, usize);

/// One of the ways a place can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    None,
    Some,
    Filled,
    Variant(u32),
}

impl Way {
    fn of(tree: &Tree) -> Option<Self> {
        match tree.kind {
            Kind::None => Some(Way::None),
            Kind::Some => Some(Way::Some),
            Kind::Seq | Kind::Map if !tree.children.is_empty() => Some(Way::Filled),
            Kind::Variant { index, .. } => Some(Way::Variant(index)),
            _ => None,
        }
    }
}

/// A way to go that no pass went yet, in a value that was accepted.
struct Target {
    base: Rc<Tree>,
    path: Vec<usize>,
    way: Way,
    tried_again: bool,
}

enum Outcome {
    Done(Tree),
    /// Boxed: the way of a refusal is the slow one anyway.
    Refused(Box<(Blame, Tree)>),
    /// Accepted, but the target was not met: what was repaired turned the value away from it.
    Astray,
    /// There is no such variant.
    Closed,
}

struct Explorer<'s, T> {
    samples: &'s Samples,
    memo: Memo,
    enums: Enums,
    learned: Learned,
    /// The ways that were gone, or are among the targets.
    known: HashSet<(Slot, Way)>,
    targets: VecDeque<Target>,
    passes: usize,
    budget: usize,
    traced: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Explorer<'_, T> {
    fn run(mut self) -> Result<Grammar, SchemaError> {
        self.budget = MAX_REPAIR;
        match self.settle(Tree::hole(), None, None, 0)? {
            Outcome::Done(tree) => self.accept(tree)?,
            Outcome::Refused(refused) => return Err(refusal::<T>(refused.0)),
            Outcome::Astray | Outcome::Closed => unreachable!("there was no target"),
        }
        while let Some(target) = self.targets.pop_front() {
            let part = match target.way {
                Way::None => Tree::of(Kind::None, Vec::new()),
                Way::Some => Tree::of(Kind::Some, vec![Tree::hole()]),
                Way::Variant(index) => Tree::of(Kind::Variant { index, name: "", body: None }, Vec::new()),
                Way::Filled => {
                    let map = target.base.at(&target.path).is_some_and(|tree| tree.kind == Kind::Map);
                    let (kind, len) = if map { (Kind::Map, 2) } else { (Kind::Seq, 1) };
                    Tree::of(kind, vec![Tree::hole(); len])
                }
            };
            let plan = target.base.with(&target.path, part);
            self.budget = MAX_REPAIR;
            match self.settle(plan, Some(&target), None, 0)? {
                Outcome::Done(tree) => self.accept(tree)?,
                Outcome::Closed => {}
                // An option that must be there tells nothing by its absence.
                _ if target.way == Way::None => {}
                // What is learned meanwhile may help.
                _ if !target.tried_again => self.targets.push_back(Target { tried_again: true, ..target }),
                Outcome::Refused(refused) => return Err(refusal::<T>(refused.0)),
                Outcome::Astray => {
                    let message = "it was never accepted as a part of the whole".into();
                    let fault = Fault::Refused { type_name: type_name::<T>(), message };
                    return Err(SchemaError::new(type_name::<T>(), Vec::new(), fault));
                }
            }
        }
        self.learned.grammar().ok_or_else(|| {
            let fault = Fault::Unbounded("some part of it was never reached");
            SchemaError::new(type_name::<T>(), Vec::new(), fault)
        })
    }

    /// Looks closer at a value that was accepted, and goes on from there.
    fn accept(&mut self, tree: Tree) -> Result<(), SchemaError> {
        self.shake(&tree)?;
        self.schedule(tree)
    }

    /// Tries the value once more with all of its scalars different from each other, as far as the type allows:
    /// where all are zero, nobody sees that two of them change places.
    fn shake(&mut self, tree: &Tree) -> Result<(), SchemaError> {
        let mut plan = tree.clone();
        if make_distinct(&mut plan, &mut 0) < 2 {
            return Ok(());
        }
        self.budget = MAX_SHAKE;
        match self.settle(plan, None, None, 0) {
            // A value that tracing made up, and that the type reads but won't write, is not its fault.
            Err(error) if !error.is_unwritable() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the value that was written is read as something else again. A type that brings its parts into an
    /// order of its own does so once; one whose two sides differ goes back and forth.
    fn is_stable(&mut self, written: &Tree) -> bool {
        let mut seen = Tree::hole();
        let mut pass = Pass::new(&self.memo, std::mem::take(&mut self.enums));
        let result = T::deserialize(Reader { pass: &mut pass, plan: written, seen: &mut seen });
        self.enums = pass.enums;
        result.is_ok_and(|value| record(&value).is_ok_and(|again| same_value(written, &again)))
    }

    /// Passes until one is accepted, repairing what is refused; only inside of `scope`, if there is one.
    fn settle(
        &mut self,
        plan: Tree,
        target: Option<&Target>,
        scope: Option<&[usize]>,
        nesting: usize,
    ) -> Result<Outcome, SchemaError> {
        let mut refused = match self.pass(&plan, target)? {
            Outcome::Refused(refused) => refused,
            other => return Ok(other),
        };
        'repair: loop {
            let (blame, seen) = &*refused;
            let spot = blame.path.clone();
            if scope.is_some_and(|scope| spot.len() <= scope.len() || !spot.starts_with(scope)) {
                return Ok(Outcome::Refused(refused));
            }
            let Some(part) = seen.at(&spot).cloned() else { return Ok(Outcome::Refused(refused)) };
            // A variant was picked that does not exist: now that this is known, leave the choice open again.
            let reopened = blame.no_such_variant.then(Tree::hole);
            let limit = if nesting == 0 { usize::MAX } else { MAX_NESTED };
            for candidate in reopened.into_iter().chain(candidates(&part, self.samples).take(limit)) {
                if self.budget == 0 {
                    break;
                }
                let open = candidate.has_hole();
                let plan = seen.with(&spot, candidate);
                let outcome = if open && nesting < MAX_NESTING {
                    self.settle(plan, target, Some(&spot), nesting + 1)?
                } else {
                    self.pass(&plan, target)?
                };
                match outcome {
                    Outcome::Refused(next) if is_beyond(&next.0.path, &spot) => {
                        refused = next;
                        continue 'repair;
                    }
                    Outcome::Refused(_) | Outcome::Astray => {}
                    settled => return Ok(settled),
                }
            }
            return Ok(Outcome::Refused(refused));
        }
    }

    /// One pass: read the plan, write the result, compare, remember.
    fn pass(&mut self, plan: &Tree, target: Option<&Target>) -> Result<Outcome, SchemaError> {
        self.passes += 1;
        self.budget = self.budget.saturating_sub(1);
        if self.passes > MAX_PASSES {
            let fault = Fault::Unbounded("it took too many attempts");
            return Err(SchemaError::new(type_name::<T>(), Vec::new(), fault));
        }
        let mut seen = Tree::hole();
        let mut pass = Pass::new(&self.memo, std::mem::take(&mut self.enums));
        let result = T::deserialize(Reader { pass: &mut pass, plan, seen: &mut seen });
        if let Err(error) = &result {
            pass.blame_at(error, type_name::<T>(), false);
        }
        let (fault, blame) = (pass.fault, pass.blame);
        self.enums = pass.enums;
        if let Some((steps, fault)) = fault {
            return Err(SchemaError::new(type_name::<T>(), steps, fault));
        }
        self.remember(&seen);
        // A refusal that a type makes light of is one all the same: bytes would be left where it happened.
        let (value, None) = (result, &blame) else {
            return Ok(self.refused(blame.expect("just seen"), seen, plan, target));
        };
        let value = match value {
            Ok(value) => value,
            Err(Refusal(message)) => unreachable!("an error without blame: {message}"),
        };
        let written = record(&value).map_err(|trouble| {
            let fault = match trouble.what() {
                What::Skipped(name) => Fault::Skips(name),
                What::UnknownLength => Fault::SelfDescribing("serialize_map(None)"),
                what => Fault::Unwritable(Said(what, true).to_string()),
            };
            SchemaError::new(type_name::<T>(), trouble.steps(), fault)
        })?;
        let (path, steps, message, no_such_variant) = match self.learned.learn(&seen, &written) {
            Ok(()) => {
                if let Some(steps) = shuffled(&seen, &written)
                    && !self.is_stable(&written)
                {
                    let how = "its parts are read in one order and written in another".into();
                    return Err(SchemaError::new(type_name::<T>(), steps, Fault::Disagrees(how)));
                }
                let met =
                    target.is_none_or(|target| seen.at(&target.path).and_then(Way::of) == Some(target.way));
                return Ok(if met { Outcome::Done(seen) } else { Outcome::Astray });
            }
            Err(Mismatch::Fault(steps, fault)) => {
                return Err(SchemaError::new(type_name::<T>(), steps, fault));
            }
            Err(Mismatch::Normalised { path, steps }) => {
                (path, steps, "what was read was written as something else", false)
            }
            Err(Mismatch::Alias { path, steps, key, index }) => {
                let limit = self.enums.limits.entry(key).or_insert(index);
                *limit = index.min(*limit);
                (path, steps, "an unknown variant was read as another one", true)
            }
        };
        let blame =
            Blame { path, steps, type_name: type_name::<T>(), message: message.into(), no_such_variant };
        Ok(self.refused(blame, seen, plan, target))
    }

    fn refused(&self, blame: Blame, seen: Tree, plan: &Tree, target: Option<&Target>) -> Outcome {
        match target {
            Some(target)
                if blame.no_such_variant
                    && blame.path == target.path
                    && seen.at(&target.path).and_then(Way::of) == Some(target.way) =>
            {
                Outcome::Closed
            }
            _ => Outcome::Refused(Box::new((blame, seen.completed_by(plan)))),
        }
    }

    /// Keeps what slots and visitors accepted, the smallest of each.
    fn remember(&mut self, seen: &Tree) {
        let memo = &mut self.memo;
        seen.walk(&mut Vec::new(), &mut |part, _| {
            let slot = part.slot_type.map(MemoKey::Slot);
            let composite = part.key.filter(|_| part.accepted).map(MemoKey::Composite);
            for key in slot.into_iter().chain(composite) {
                if memo.get(&key).is_none_or(|known| part.size() < known.size()) {
                    memo.insert(key, part.clone());
                }
            }
        });
    }

    /// Finds the ways that an accepted value went, and those that it did not go.
    fn schedule(&mut self, tree: Tree) -> Result<(), SchemaError> {
        let base = Rc::new(tree);
        let mut visit = vec![(&*base, Vec::new(), (None, 0))];
        let mut targets = Vec::new();
        while let Some((part, path, slot)) = visit.pop() {
            if let Some(way) = Way::of(part) {
                self.known.insert((slot, way));
            }
            let mut other = |way| {
                if self.known.insert((slot, way)) {
                    let (base, path) = (Rc::clone(&base), path.clone());
                    targets.push(Target { base, path, way, tried_again: false });
                }
            };
            match part.kind {
                Kind::None => other(Way::Some),
                Kind::Some => other(Way::None),
                Kind::Seq | Kind::Map => other(Way::Filled),
                Kind::Variant { index, .. } if index >= MAX_VARIANTS => {
                    let fault = Fault::Unbounded("one of its enums has too many variants");
                    return Err(SchemaError::new(type_name::<T>(), Vec::new(), fault));
                }
                Kind::Variant { index, .. } => (0..=index + 1).map(Way::Variant).for_each(other),
                _ => {}
            }
            let variant = match part.kind {
                Kind::Variant { index, .. } => index,
                _ => 0,
            };
            for (at, child) in part.children.iter().enumerate() {
                let place = match part.kind {
                    Kind::Seq => 0,
                    Kind::Map => at % 2,
                    _ => at,
                };
                let slot = (part.key.map(|key| (key, variant)), place);
                visit.push((child, [path.as_slice(), &[at]].concat(), slot));
            }
        }
        self.targets.extend(targets);
        Ok(())
    }
}

/// Numbers the scalars of a value by their kind; how many there are.
fn make_distinct(tree: &mut Tree, count: &mut usize) -> usize {
    if let Kind::Leaf(leaf) = &mut tree.kind {
        *leaf = nth(leaf.kind(), *count);
        *count += 1;
    }
    for child in &mut tree.children {
        make_distinct(child, count);
    }
    *count
}

/// The place, if there is one, where the parts that were read are those that were written, in another order.
fn shuffled(read: &Tree, written: &Tree) -> Option<Vec<Step>> {
    if read.kind == Kind::Newtype {
        return shuffled(read.children.first()?, written);
    }
    let fixed = matches!(read.kind, Kind::Tuple | Kind::Struct | Kind::Variant { .. });
    let in_place = |(read, written): (&Tree, &Tree)| same_value(read, written);
    if fixed
        && !read.children.iter().zip(&written.children).all(in_place)
        && read.children.iter().all(|part| written.children.iter().any(|other| same_value(part, other)))
    {
        return Some(Vec::new());
    }
    read.children.iter().zip(&written.children).enumerate().find_map(|(at, (part, other))| {
        let mut steps = shuffled(part, other)?;
        match read.kind {
            Kind::Struct => steps.insert(0, Step::Field(written.names.get(at).copied().unwrap_or("?"))),
            Kind::Tuple => steps.insert(0, Step::Index(at)),
            Kind::Seq => steps.insert(0, Step::Element),
            Kind::Map => steps.insert(0, Step::MapValue),
            _ => {}
        }
        Some(steps)
    })
}

/// Whether two trees are of one value, whoever read or wrote them.
fn same_value(one: &Tree, other: &Tree) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Newtype, _) => return one.children.first().is_some_and(|inner| same_value(inner, other)),
        (_, Kind::Newtype) => return same_value(other, one),
        (Kind::Variant { index, .. }, Kind::Variant { index: same, .. }) if index == same => {}
        (kind, same) if kind == same => {}
        _ => return false,
    }
    one.children.len() == other.children.len()
        && one.children.iter().zip(&other.children).all(|(one, other)| same_value(one, other))
}

/// Whether a pass that was refused at `next` had got past the place at `spot`.
fn is_beyond(next: &[usize], spot: &[usize]) -> bool {
    if spot.starts_with(next) {
        return next.len() < spot.len();
    }
    !next.starts_with(spot) && next > spot
}

fn refusal<T>(blame: Blame) -> SchemaError {
    let fault = Fault::Refused { type_name: blame.type_name, message: blame.message };
    SchemaError::new(type_name::<T>(), blame.steps, fault)
}
