//! What a place that refuses a value is offered next.

use std::borrow::Cow;

use serde::Serialize;

use super::error::{Said, Trouble};
use super::record::record;
use super::tree::{Kind, Leaf, LeafKind, Tree};

/// Values of an application's own, for types that accept nothing of what tracing thinks of by itself.
///
/// The default is empty, and is enough for nearly every type. A sample is only looked at as it serialises; what it
/// holds is offered to the places that refused everything else. It never changes a fingerprint, and a sample may
/// be a whole payload as well as one small part of it.
///
/// ```
/// use sealed_session::schema::{Fingerprint, Samples, Schema};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(try_from = "String", into = "String")]
/// # #[derive(Clone)]
/// struct OrderId(String);
///
/// impl TryFrom<String> for OrderId {
///     type Error = &'static str;
///     fn try_from(id: String) -> Result<Self, Self::Error> {
///         if id.starts_with("order-") { Ok(Self(id)) } else { Err("not an order") }
///     }
/// }
/// # impl From<OrderId> for String { fn from(id: OrderId) -> String { id.0 } }
///
/// assert!(Schema::<Vec<OrderId>>::trace().is_err());
///
/// let samples = Samples::default().with(&OrderId("order-17".into()));
/// let schema = Schema::<Vec<OrderId>>::trace_with(&samples)?;
/// assert_eq!(schema.fingerprint(), Fingerprint::of::<Vec<String>>()?);
/// # Ok::<(), sealed_session::schema::SchemaError>(())
/// ```
#[derive(Default)]
pub struct Samples {
    leaves: Vec<Leaf>,
    composites: Vec<Tree>,
    failure: Option<Trouble>,
}

impl Samples {
    /// Adds one value.
    ///
    /// A value that can't be serialised is reported by
    /// [`trace_with`](super::Schema::trace_with).
    ///
    /// ```
    /// # use sealed_session::schema::Samples;
    /// let samples = Samples::default().with(&"order-17").with(&("from", "to"));
    /// ```
    pub fn with<S: Serialize + ?Sized>(mut self, value: &S) -> Self {
        match record(value) {
            Ok(tree) => tree.walk(&mut Vec::new(), &mut |part, _| match &part.kind {
                Kind::Leaf(leaf) if !self.leaves.contains(leaf) => self.leaves.push(leaf.clone()),
                Kind::Leaf(_) | Kind::Hole | Kind::None => {}
                _ => self.composites.push(part.clone()),
            }),
            Err(trouble) => self.failure = self.failure.or(Some(trouble)),
        }
        self
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(|trouble| Said(trouble.what(), true).to_string())
    }

    /// Every value of a kind that is worth a try, the application's first.
    pub(super) fn of_kind(&self, kind: LeafKind) -> Vec<Leaf> {
        let own = self.leaves.iter().filter(|leaf| leaf.kind() == kind).cloned();
        own.chain(builtin(kind)).collect()
    }

    /// The recorded composites that could stand where `place` was read.
    pub(super) fn like<'s>(&'s self, place: &'s Tree) -> impl Iterator<Item = &'s Tree> + 's {
        let mut place = place;
        while place.kind == Kind::Newtype
            && let Some(inner) = place.children.first()
        {
            place = inner;
        }
        self.composites.iter().filter(move |tree| match (&tree.kind, &place.kind) {
            (Kind::Some, Kind::None | Kind::Some) => true,
            (Kind::Variant { .. }, Kind::Variant { .. }) => true,
            (mine, asked) => mine == asked,
        })
    }
}

impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Samples")
            .field("leaves", &self.leaves.len())
            .field("composites", &self.composites.len())
            .finish()
    }
}

/// What a place is offered before anything was refused.
pub(super) fn first(kind: LeafKind) -> Leaf {
    match kind {
        LeafKind::Unit => Leaf::Unit,
        LeafKind::Bool => Leaf::Bool(false),
        LeafKind::I8 => Leaf::I8(0),
        LeafKind::I16 => Leaf::I16(0),
        LeafKind::I32 => Leaf::I32(0),
        LeafKind::I64 => Leaf::I64(0),
        LeafKind::I128 => Leaf::I128(0),
        LeafKind::U8 => Leaf::U8(0),
        LeafKind::U16 => Leaf::U16(0),
        LeafKind::U32 => Leaf::U32(0),
        LeafKind::U64 => Leaf::U64(0),
        LeafKind::U128 => Leaf::U128(0),
        LeafKind::F32 => Leaf::F32(0.0),
        LeafKind::F64 => Leaf::F64(0.0),
        LeafKind::Char => Leaf::Char('a'),
        LeafKind::Str => Leaf::Str(Cow::Borrowed("")),
        LeafKind::Bytes => Leaf::Bytes(Cow::Borrowed(&[])),
    }
}

/// One of the likelier values of a kind: different ones for small numbers.
pub(super) fn nth(kind: LeafKind, at: usize) -> Leaf {
    let values = builtin(kind);
    let likely = values.len().min(24);
    values[at % likely].clone()
}

/// Small ones first, then what is likely to be in a range: percentages, ports, years, moments in time.
const INTEGERS: &[i128] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    12,
    16,
    20,
    24,
    30,
    32,
    42,
    50,
    60,
    64,
    65,
    97,
    99,
    100,
    128,
    200,
    256,
    360,
    365,
    400,
    404,
    443,
    500,
    512,
    600,
    999,
    1000,
    1024,
    1970,
    2000,
    2024,
    4096,
    8080,
    9999,
    10_000,
    65_535,
    65_536,
    100_000,
    1_000_000,
    20_240_229,
    1_700_000_000,
    1_700_000_000_000,
    1_700_000_000_000_000,
    1_700_000_000_000_000_000,
    -1,
    -2,
    -10,
    -100,
    -1000,
];

/// Texts that common types parse: the most common first.
const TEXTS: &[&str] = &[
    "",
    "a",
    "0",
    "1",
    "https://example.org/",
    "2024-02-29T12:30:45Z",
    "2024-02-29T12:30:45",
    "2024-02-29",
    "12:30:45",
    "67e55044-10b1-426f-9247-bb680e5fe0c8",
    "urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8",
    "{67e55044-10b1-426f-9247-bb680e5fe0c8}",
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.1:443",
    "[2001:db8::1]:443",
    "192.0.2.0/24",
    "2001:db8::/32",
    "ada@example.org",
    "en",
    "en-GB",
    "en_GB",
    "UTC",
    "Europe/Berlin",
    "+01:00",
    "0.5",
    "1.2.3",
    "^1.2",
    "true",
    "example.org",
    "/",
    "/a/b",
    "a/b",
    "EUR",
    "DE",
    "Mon",
    "Monday",
    "January",
    "GET",
    "text/plain",
    "a=b",
    "YWJjZA==",
    "YWJj",
    "00",
    "abcdef",
    "0123456789abcdef",
    "0123456789abcdef0123456789abcdef",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0x1",
    "#ffffff",
    "PT1S",
    "P1D",
    "1s",
    "2024-02-29 12:30:45",
    "2024-02-29T12:30:45+01:00[Europe/Berlin]",
    "2024-02-29T12:30:45.000000000Z",
    "Thu, 29 Feb 2024 12:30:45 GMT",
    "Thu, 29 Feb 2024 12:30:45 +0000",
    "2024-02",
    "2024",
    "2024-W09-4",
    "00:00:5e:00:53:01",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "507f1f77bcf86cd799439011",
    "+4930123456",
    "4111111111111111",
    "DE89370400440532013000",
    "user",
    "User",
    "USER",
    "Ada Lovelace",
    "ada_lovelace",
    "ada-lovelace",
    "secret-Passw0rd",
    "A",
    "AB",
    "ABC",
    "ABCD",
    "123",
    "1234",
    "12345",
    "123456",
    "12345678",
    "{}",
    "[]",
    "null",
    "SGVsbG8sIHdvcmxkIQ",
    ".*",
    "*",
];

/// Every built-in value of a kind, [`first`] among them.
fn builtin(kind: LeafKind) -> Vec<Leaf> {
    macro_rules! integers {
        ($leaf:ident, $type:ident) => {
            INTEGERS
                .iter()
                .filter_map(|n| $type::try_from(*n).ok())
                .chain([$type::MAX, $type::MIN])
                .map(Leaf::$leaf)
                .collect()
        };
    }
    const FLOATS: &[f32] = &[0.0, 1.0, 0.5, -1.0, 2.0, 10.0, 42.0, 100.0, 1000.0, 1e6, -0.5, -90.0];
    match kind {
        LeafKind::Unit => vec![Leaf::Unit],
        LeafKind::Bool => vec![Leaf::Bool(false), Leaf::Bool(true)],
        LeafKind::I8 => integers!(I8, i8),
        LeafKind::I16 => integers!(I16, i16),
        LeafKind::I32 => integers!(I32, i32),
        LeafKind::I64 => integers!(I64, i64),
        LeafKind::I128 => integers!(I128, i128),
        LeafKind::U8 => (0..=u8::MAX).map(Leaf::U8).collect(),
        LeafKind::U16 => integers!(U16, u16),
        LeafKind::U32 => integers!(U32, u32),
        LeafKind::U64 => integers!(U64, u64),
        LeafKind::U128 => integers!(U128, u128),
        LeafKind::F32 => FLOATS.iter().map(|n| Leaf::F32(*n)).collect(),
        LeafKind::F64 => FLOATS.iter().map(|n| Leaf::F64(f64::from(*n))).collect(),
        LeafKind::Char => "aA0 _-/.zZ9é\0".chars().map(Leaf::Char).collect(),
        LeafKind::Str => TEXTS.iter().map(|text| Leaf::Str(Cow::Borrowed(text))).collect(),
        LeafKind::Bytes => {
            let lengths = [0, 16, 32, 12, 20, 24, 64, 8, 4]
                .into_iter()
                .chain(1..64)
                .chain([96, 128, 192, 256, 384, 512, 1024]);
            let zeros = lengths.clone().map(|len| vec![0; len]);
            let ones = lengths.map(|len| vec![1; len]);
            zeros
                .chain(ones)
                .chain(TEXTS.iter().map(|text| text.as_bytes().to_vec()))
                .map(|bytes| Leaf::Bytes(Cow::Owned(bytes)))
                .collect()
        }
    }
}

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
