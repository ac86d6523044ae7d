//! What is tried in the place of a part that was refused, and in which order.

use super::samples::Samples;
use super::tree::{Kind, Leaf, Tree};

/// How many values are tried in the place of one that was refused.
const MAX_CANDIDATES: usize = 3000;

/// What could stand in the place of `refused`, likely ones first, without end but for a bound.
pub(super) fn candidates<'t>(refused: &'t Tree, samples: &'t Samples) -> impl Iterator<Item = Tree> + 't {
    let mut leaves = Vec::new();
    let mut forks = Vec::new();
    refused.walk(&mut Vec::new(), &mut |part, path| match &part.kind {
        Kind::Leaf(Leaf::Unit) => {}
        Kind::Leaf(leaf) => leaves.push((path.to_vec(), samples.of_kind(leaf.kind()))),
        Kind::None | Kind::Some | Kind::Seq | Kind::Map | Kind::Variant { .. } => {
            forks.push((path.to_vec(), turns(part)));
        }
        _ => {}
    });
    let replayed = samples.like(refused).cloned().collect::<Vec<_>>();
    let widest = leaves.iter().map(|(_, values)| values.len()).max().unwrap_or(0);

    // Every leaf alike: three numbers that must all be at least one.
    let alike = {
        let leaves = if leaves.len() > 1 { leaves.clone() } else { Vec::new() };
        (0..if leaves.is_empty() { 0 } else { widest.min(60) }).map(move |nth| {
            let mut tree = refused.clone();
            for (path, values) in &leaves {
                put(&mut tree, path, Tree::leaf(values[nth.min(values.len() - 1)].clone()));
            }
            tree
        })
    };
    // One leaf otherwise, the last one first, as it was the last to be judged.
    let single = {
        let leaves = leaves.clone();
        leaves.into_iter().rev().flat_map(move |(path, values)| {
            values.into_iter().map(move |value| refused.with(&path, Tree::leaf(value)))
        })
    };
    // One turn otherwise: the other side of an option, another length, another variant.
    let turned = {
        let forks = forks.clone();
        forks
            .into_iter()
            .flat_map(move |(path, turns)| turns.into_iter().map(move |turn| refused.with(&path, turn)))
    };
    // And then anything, always in the same order.
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let rolls = if leaves.len() + forks.len() > 1 { MAX_CANDIDATES } else { 0 };
    let mixed = (0..rolls).map(move |_| {
        let mut tree = refused.clone();
        for (path, turns) in &forks {
            if dice.below(3) == 0 && !turns.is_empty() {
                put(&mut tree, path, turns[dice.below(turns.len())].clone());
            }
        }
        for (path, values) in &leaves {
            // Half of the time one of the first few, which are the likely ones.
            let range = if dice.below(2) == 0 { values.len() } else { values.len().min(4) };
            put(&mut tree, path, Tree::leaf(values[dice.below(range)].clone()));
        }
        tree
    });
    replayed.into_iter().chain(alike).chain(turned).chain(single).chain(mixed).take(MAX_CANDIDATES)
}

/// Replaces what is at the path, if the tree still has such a place.
fn put(tree: &mut Tree, path: &[usize], other: Tree) {
    if let Some(place) = tree.at_mut(path) {
        *place = other;
    }
}

/// The other ways that a composite could have gone.
fn turns(place: &Tree) -> Vec<Tree> {
    let filled = |kind: Kind, len: usize| Tree::of(kind, vec![Tree::hole(); len]);
    match &place.kind {
        Kind::None => vec![filled(Kind::Some, 1)],
        Kind::Some => vec![filled(Kind::None, 0)],
        Kind::Seq => [1, 2, 3, 0, 4, 8, 16].map(|len| filled(Kind::Seq, len)).into(),
        Kind::Map => [2, 4, 0, 6].map(|len| filled(Kind::Map, len)).into(),
        Kind::Variant { index: refused, .. } => {
            let count = place.variants.len().clamp(1, 64) as u32;
            (0..count)
                .filter(|index| index != refused)
                .map(|index| filled(Kind::Variant { index, name: "", body: None }, 0))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// SplitMix64: the same numbers on every machine, so that a type that traces once always traces.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}
