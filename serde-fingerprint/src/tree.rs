//! A value as serde sees it: what a pass over a type is driven by, and what it leaves behind.

use std::any::TypeId;
use std::borrow::Cow;

/// A scalar, as one of serde's primitive calls carries it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Unit,
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Str(Cow<'static, str>),
    Bytes(Cow<'static, [u8]>),
}

/// The kind of a scalar. The discriminant is its tag in the canonical encoding, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum LeafKind {
    Unit = 0x00,
    Bool = 0x01,
    I8 = 0x02,
    I16 = 0x03,
    I32 = 0x04,
    I64 = 0x05,
    I128 = 0x06,
    U8 = 0x07,
    U16 = 0x08,
    U32 = 0x09,
    U64 = 0x0a,
    U128 = 0x0b,
    F32 = 0x0c,
    F64 = 0x0d,
    Char = 0x0e,
    Str = 0x0f,
    Bytes = 0x10,
}

impl Leaf {
    pub(super) fn kind(&self) -> LeafKind {
        match self {
            Leaf::Unit => LeafKind::Unit,
            Leaf::Bool(_) => LeafKind::Bool,
            Leaf::I8(_) => LeafKind::I8,
            Leaf::I16(_) => LeafKind::I16,
            Leaf::I32(_) => LeafKind::I32,
            Leaf::I64(_) => LeafKind::I64,
            Leaf::I128(_) => LeafKind::I128,
            Leaf::U8(_) => LeafKind::U8,
            Leaf::U16(_) => LeafKind::U16,
            Leaf::U32(_) => LeafKind::U32,
            Leaf::U64(_) => LeafKind::U64,
            Leaf::U128(_) => LeafKind::U128,
            Leaf::F32(_) => LeafKind::F32,
            Leaf::F64(_) => LeafKind::F64,
            Leaf::Char(_) => LeafKind::Char,
            Leaf::Str(_) => LeafKind::Str,
            Leaf::Bytes(_) => LeafKind::Bytes,
        }
    }
}

impl LeafKind {
    /// What an error calls it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            LeafKind::Unit => "unit",
            LeafKind::Bool => "bool",
            LeafKind::I8 => "i8",
            LeafKind::I16 => "i16",
            LeafKind::I32 => "i32",
            LeafKind::I64 => "i64",
            LeafKind::I128 => "i128",
            LeafKind::U8 => "u8",
            LeafKind::U16 => "u16",
            LeafKind::U32 => "u32",
            LeafKind::U64 => "u64",
            LeafKind::U128 => "u128",
            LeafKind::F32 => "f32",
            LeafKind::F64 => "f64",
            LeafKind::Char => "char",
            LeafKind::Str => "str",
            LeafKind::Bytes => "bytes",
        }
    }
}

/// What an enum's variant holds. The discriminant is its tag in the canonical encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Body {
    Unit = 0,
    Newtype = 1,
    Tuple = 2,
    Struct = 3,
}

impl Body {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Body::Unit => "a unit variant",
            Body::Newtype => "a newtype variant",
            Body::Tuple => "a tuple variant",
            Body::Struct => "a struct variant",
        }
    }
}

/// Which shape a call of serde announced.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// In a plan: free to choose. In what was seen: nothing was asked here.
    Hole,
    Leaf(Leaf),
    None,
    Some,
    /// Transparent in the grammar; kept while reading, because a newtype may check what it is given.
    Newtype,
    Seq,
    /// Keys and values alternate among the children.
    Map,
    Tuple,
    Struct,
    /// `body` is `None` while reading until the content was asked for.
    Variant {
        index: u32,
        name: &'static str,
        body: Option<Body>,
    },
}

impl Kind {
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Kind::Hole => "nothing",
            Kind::Leaf(leaf) => leaf.kind().noun(),
            Kind::None | Kind::Some => "option",
            Kind::Newtype => "newtype struct",
            Kind::Seq => "seq",
            Kind::Map => "map",
            Kind::Tuple => "tuple",
            Kind::Struct => "struct",
            Kind::Variant { .. } => "enum",
        }
    }
}

/// The method of `Deserializer` by which a visitor was driven: one visitor type can serve several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Method {
    Option,
    Newtype,
    Seq,
    Map,
    Tuple,
    Struct,
    Enum,
}

/// The identity of a composite: its visitor's type, since names of types are not unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) visitor: TypeId,
    pub(super) method: Method,
}

/// A value, or a plan of one with holes.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) kind: Kind,
    pub(super) children: Vec<Tree>,
    /// Field names: those written (exactly), or those announced for reading (aliases among them).
    pub(super) names: Cow<'static, [&'static str]>,
    /// The names of variants announced for reading, aliases among them.
    pub(super) variants: &'static [&'static str],
    /// Who read it, if a composite.
    pub(super) key: Option<Key>,
    /// The type that the slot asked for, once it accepted this value, with all its conversions.
    pub(super) slot_type: Option<TypeId>,
    /// Whether the composite's own visitor accepted it.
    pub(super) accepted: bool,
}

/// The plan that leaves everything open.
pub(super) static HOLE: Tree = Tree::hole();

impl Tree {
    pub(super) const fn hole() -> Self {
        Self::of(Kind::Hole, Vec::new())
    }

    pub(super) const fn of(kind: Kind, children: Vec<Tree>) -> Self {
        Self {
            kind,
            children,
            names: Cow::Borrowed(&[]),
            variants: &[],
            key: None,
            slot_type: None,
            accepted: false,
        }
    }

    pub(super) fn leaf(leaf: Leaf) -> Self {
        Self::of(Kind::Leaf(leaf), Vec::new())
    }

    pub(super) fn is_hole(&self) -> bool {
        self.kind == Kind::Hole
    }

    /// Whether a plan leaves anything open.
    pub(super) fn has_hole(&self) -> bool {
        matches!(self.kind, Kind::Hole | Kind::Variant { body: None, .. })
            || self.children.iter().any(Tree::has_hole)
    }

    pub(super) fn size(&self) -> usize {
        1 + self.children.iter().map(Tree::size).sum::<usize>()
    }

    pub(super) fn at(&self, path: &[usize]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, &step| tree.children.get(step))
    }

    /// This tree with another one in the place at `path`.
    pub(super) fn with(&self, path: &[usize], other: Tree) -> Tree {
        let mut copy = self.clone();
        if let Some(place) = copy.at_mut(path) {
            *place = other;
        }
        copy
    }

    pub(super) fn at_mut(&mut self, path: &[usize]) -> Option<&mut Tree> {
        path.iter().try_fold(self, |tree, &step| tree.children.get_mut(step))
    }

    /// What was seen, completed by the part of the plan that a refusal left unread.
    pub(super) fn completed_by(mut self, plan: &Tree) -> Tree {
        if std::mem::discriminant(&self.kind) != std::mem::discriminant(&plan.kind) {
            return if self.is_hole() { plan.clone() } else { self };
        }
        if let (Kind::Variant { index: seen, .. }, Kind::Variant { index: planned, .. }) =
            (&self.kind, &plan.kind)
            && seen != planned
        {
            return self;
        }
        let read = self.children.len();
        self.children = self
            .children
            .into_iter()
            .enumerate()
            .map(|(at, child)| match plan.children.get(at) {
                Some(planned) => child.completed_by(planned),
                None => child,
            })
            .collect();
        self.children.extend(plan.children.iter().skip(read).cloned());
        self
    }

    /// Visits every node with its path.
    pub(super) fn walk<'t>(&'t self, path: &mut Vec<usize>, see: &mut impl FnMut(&'t Tree, &[usize])) {
        see(self, path);
        for (at, child) in self.children.iter().enumerate() {
            path.push(at);
            child.walk(path, see);
            path.pop();
        }
    }
}
