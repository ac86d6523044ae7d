//! The recording serializer: keeps what a value's serde implementation writes, as a tree.

use serde::Serialize;

use super::calls::{Calls, Composite, Place};
use super::error::Step;
use super::tree::{Tag, Tree};
use super::trouble::{Trouble, What};

/// Returns the tree of what `value` writes.
pub(crate) fn record<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Trouble> {
    value.serialize(Calls { place: Recorder, depth: 0 })
}

struct Recorder;

struct Recording {
    tree: Tree,
    announced: Option<usize>,
    variant: Option<(u32, &'static str)>,
}

impl Place for Recorder {
    type Out = Tree;
    type Composite = Recording;

    fn leaf<V: Serialize + ?Sized>(self, tag: Tag, value: &V) -> Result<Tree, Trouble> {
        let bytes = postcard::to_allocvec(value).map_err(|_| Trouble::new(What::Output))?;
        Ok(Tree::leaf(tag, bytes))
    }

    fn composite(self, tag: Tag, len: usize) -> Result<Recording, Trouble> {
        let children = if tag == Tag::Map { len.saturating_mul(2) } else { len };
        let announced = tag.is_counted().then_some(children);
        Ok(Recording { tree: Tree::of(tag, Vec::new()), announced, variant: None })
    }

    fn variant(self, index: u32, name: &'static str, body: Tag) -> Result<Recording, Trouble> {
        let tree = Tree::of(body, Vec::new());
        Ok(Recording { tree, announced: None, variant: Some((index, name)) })
    }
}

impl Composite for Recording {
    type Out = Tree;
    type Place<'p> = Recorder;

    fn child(&mut self, _: usize, step: Step) -> Result<Recorder, Trouble> {
        if let Step::Field(name) = step {
            self.tree.names.push(name);
        }
        Ok(Recorder)
    }

    fn keep(&mut self, child: Tree) {
        self.tree.children.push(child);
    }

    fn end(self, found: usize) -> Result<Tree, Trouble> {
        match (self.announced, self.variant) {
            (Some(expected), _) if expected != found => Err(Trouble::new(What::Count { expected, found })),
            (_, Some((index, name))) => Ok(Tree::variant(index, name, self.tree)),
            _ => Ok(self.tree),
        }
    }
}
