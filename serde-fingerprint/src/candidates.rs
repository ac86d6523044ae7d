//! The values that are tried in the place of one that was refused.

use super::samples::Samples;
use super::tree::{HOLE, Tag, Tree};

/// All candidates for the place of `refused`, the likeliest first.
pub(crate) fn candidates<'t>(refused: &'t Tree, samples: &'t Samples) -> impl Iterator<Item = Tree> + 't {
    let mut leaves = Vec::new();
    let mut forks = Vec::new();
    refused.walk(&mut Vec::new(), &mut |part, path| match part.tag {
        Tag::Unit => {}
        tag if tag.is_leaf() => leaves.push((path.to_vec(), samples.of_kind(tag))),
        _ => forks.push((path.to_vec(), turns(part))),
    });
    let widest = if leaves.len() > 1 { leaves.iter().map(|(_, values)| values.len()).max() } else { None };
    // One leaf differs, the last one first: the type judged it last.
    let single: Vec<_> = leaves.iter().rev().cloned().collect();
    let single = single
        .into_iter()
        .flat_map(move |(path, values)| values.into_iter().map(move |value| refused.with(&path, value)));
    // All leaves differ together: three numbers that must be at least one, or that must ascend.
    let together =
        (0..widest.unwrap_or(0)).flat_map(|first| [(first, 0), (first, 1)]).map(move |(first, step)| {
            let mut tree = refused.clone();
            for (nth, (path, values)) in leaves.iter().enumerate() {
                tree.put(path, values[(first + nth * step).min(values.len() - 1)].clone());
            }
            tree
        });
    // One composite takes another turn.
    let turned = forks
        .into_iter()
        .flat_map(move |(path, turns)| turns.into_iter().map(move |turn| refused.with(&path, turn)));
    samples.like(refused).cloned().chain(together.take(120)).chain(turned).chain(single)
}

/// The other turns that a composite could take: another length, another variant.
fn turns(place: &Tree) -> Vec<Tree> {
    match place.tag {
        Tag::Option => vec![Tree::open(Tag::Option, 1 - place.children.len())],
        Tag::Seq => [1, 2, 3, 0, 4, 8, 16].map(|len| Tree::open(Tag::Seq, len)).into(),
        Tag::Map => [2, 4, 0, 6].map(|len| Tree::open(Tag::Map, len)).into(),
        Tag::Enum => (0..place.names.len().clamp(1, 64) as u32)
            .filter(|index| *index != place.index)
            .map(|index| Tree::variant(index, "?", HOLE.clone()))
            .collect(),
        _ => Vec::new(),
    }
}
