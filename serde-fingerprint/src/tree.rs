//! A value as serde sees it: the plan of a pass over a type, and what the pass saw.

use std::any::TypeId;

use super::error::Step;

macro_rules! tags {
    ($($tag:ident $byte:literal $noun:literal,)*) => {
        /// The kind of a scalar, of a composite, or of the body of a variant.
        ///
        /// The canonical encoding writes these bytes, so they never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub(crate) enum Tag { $($tag = $byte),* }

        impl Tag {
            pub(crate) const ALL: &[Tag] = &[$(Tag::$tag),*];

            /// The word for it in errors.
            pub(crate) fn noun(self) -> &'static str {
                match self { $(Tag::$tag => $noun),* }
            }
        }
    };
}

tags! {
    Unit 0x00 "unit", Bool 0x01 "bool",
    I8 0x02 "i8", I16 0x03 "i16", I32 0x04 "i32", I64 0x05 "i64", I128 0x06 "i128",
    U8 0x07 "u8", U16 0x08 "u16", U32 0x09 "u32", U64 0x0a "u64", U128 0x0b "u128",
    F32 0x0c "f32", F64 0x0d "f64", Char 0x0e "char", Str 0x0f "str", Bytes 0x10 "bytes",
    // Never encoded. In a plan: free to choose. In what was seen: nothing was asked for. In a grammar: not known yet.
    Hole 0x11 "nothing",
    Option 0x20 "option", Seq 0x21 "seq", Map 0x22 "map", Tuple 0x23 "tuple", Struct 0x24 "struct",
    Enum 0x25 "enum",
    // The bodies of variants, encoded without their upper half. Each is the one child of its enum.
    UnitVariant 0x30 "a unit variant", NewtypeVariant 0x31 "a newtype variant",
    TupleVariant 0x32 "a tuple variant", StructVariant 0x33 "a struct variant",
    // Never encoded: postcard writes nothing for it. Plans have it because a newtype may check what it is given.
    Newtype 0x40 "newtype struct",
}

impl Tag {
    pub(crate) fn is_leaf(self) -> bool {
        self as u8 <= Tag::Bytes as u8
    }

    /// Returns whether values of one type can have different numbers of children here.
    pub(crate) fn is_counted(self) -> bool {
        matches!(self, Tag::Option | Tag::Seq | Tag::Map)
    }
}

/// The identity of a composite.
///
/// Serde passes a type's name to the deserializer, but names are not unique, and options, sequences and tuples have
/// none. The type of the visitor is unique: each implementation of `Deserialize` brings its own. One visitor type can
/// serve several methods of the deserializer, so the tag belongs to the identity. So does the index of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) visitor: TypeId,
    pub(crate) tag: Tag,
    pub(crate) variant: u32,
}

impl Key {
    pub(crate) fn of_type<T>() -> Self {
        Key { visitor: typeid::of::<T>(), tag: Tag::Hole, variant: 0 }
    }
}

/// A value, or a plan of one with holes.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) tag: Tag,
    /// The bytes of a scalar, as postcard writes them.
    pub(crate) bytes: Vec<u8>,
    /// The index and the name of an enum's variant.
    pub(crate) index: u32,
    pub(crate) name: &'static str,
    /// A map's keys and values alternate, an enum's child is the body of its variant.
    pub(crate) children: Vec<Tree>,
    /// The names of a struct's fields or of an enum's variants; before `learn` saw them written, with aliases.
    pub(crate) names: Vec<&'static str>,
    /// The identity of a composite that was read.
    pub(crate) key: Option<Key>,
}

/// The plan that leaves everything open.
pub(crate) static HOLE: Tree = Tree::of(Tag::Hole, Vec::new());

impl Tree {
    pub(crate) const fn of(tag: Tag, children: Vec<Tree>) -> Self {
        Self { tag, bytes: Vec::new(), index: 0, name: "?", children, names: Vec::new(), key: None }
    }

    pub(crate) fn leaf(tag: Tag, bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::of(tag, Vec::new()) }
    }

    pub(crate) fn variant(index: u32, name: &'static str, body: Tree) -> Self {
        Self { index, name, ..Self::of(Tag::Enum, vec![body]) }
    }

    /// A plan of a composite whose `len` children are open.
    pub(crate) fn open(tag: Tag, len: usize) -> Self {
        Self::of(tag, vec![HOLE.clone(); len])
    }

    pub(crate) fn is_hole(&self) -> bool {
        self.tag == Tag::Hole
    }

    pub(crate) fn has_hole(&self) -> bool {
        self.is_hole() || self.children.iter().any(Tree::has_hole)
    }

    pub(crate) fn size(&self) -> usize {
        1 + self.children.iter().map(Tree::size).sum::<usize>()
    }

    pub(crate) fn at(&self, path: &[usize]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, &at| tree.children.get(at))
    }

    /// Replaces the part at `path`, if the tree still has it.
    pub(crate) fn put(&mut self, path: &[usize], other: Tree) {
        if let Some(part) = path.iter().try_fold(self, |tree, &at| tree.children.get_mut(at)) {
            *part = other;
        }
    }

    pub(crate) fn with(&self, path: &[usize], other: Tree) -> Tree {
        let mut copy = self.clone();
        copy.put(path, other);
        copy
    }

    /// Adds the part of a plan that was not read because of a refusal.
    pub(crate) fn complete(&mut self, plan: &Tree) {
        if self.is_hole() {
            *self = plan.clone();
        } else if self.tag == plan.tag && self.index == plan.index {
            self.children.iter_mut().zip(&plan.children).for_each(|(child, planned)| child.complete(planned));
            self.children.extend(plan.children.iter().skip(self.children.len()).cloned());
        }
    }

    /// Visits every part with its path.
    pub(crate) fn walk<'t>(&'t self, path: &mut Vec<usize>, see: &mut impl FnMut(&'t Tree, &[usize])) {
        see(self, path);
        for (at, child) in self.children.iter().enumerate() {
            path.push(at);
            child.walk(path, see);
            path.pop();
        }
    }

    /// Returns what postcard writes for the value.
    pub(crate) fn payload(&self) -> Vec<u8> {
        let number = match self.tag {
            Tag::Option | Tag::Seq => Some(self.children.len() as u32),
            Tag::Map => Some(self.children.len() as u32 / 2),
            Tag::Enum => Some(self.index),
            _ => None,
        };
        let mut out = number.and_then(|number| postcard::to_allocvec(&number).ok()).unwrap_or_default();
        out.extend_from_slice(&self.bytes);
        out.extend(self.children.iter().flat_map(Tree::payload));
        out
    }

    /// The path in the words of an error.
    pub(crate) fn steps(&self, path: &[usize]) -> Vec<Step> {
        let mut tree = self;
        let mut steps = Vec::new();
        for &at in path {
            steps.push(match tree.tag {
                Tag::Struct | Tag::StructVariant => Step::Field(tree.names.get(at).unwrap_or(&"?")),
                Tag::Tuple | Tag::TupleVariant | Tag::NewtypeVariant => Step::Index(at),
                Tag::Seq => Step::Element,
                Tag::Map if at % 2 == 0 => Step::MapKey,
                Tag::Map => Step::MapValue,
                Tag::Enum => Step::Variant(tree.name),
                _ => Step::Content,
            });
            tree = tree.children.get(at).unwrap_or(&HOLE);
        }
        steps
    }

    /// Returns whether two trees are the same value. Newtypes don't count.
    pub(crate) fn is_same(&self, other: &Tree) -> bool {
        match (self.tag, other.tag) {
            (Tag::Newtype, _) => self.children.first().is_some_and(|inner| inner.is_same(other)),
            (_, Tag::Newtype) => other.is_same(self),
            (tag, same) => {
                tag == same
                    && self.index == other.index
                    && self.bytes == other.bytes
                    && self.children.len() == other.children.len()
                    && self.children.iter().zip(&other.children).all(|(one, other)| one.is_same(other))
            }
        }
    }
}
