//! The scalars that tracing thinks of by itself.

use std::borrow::Cow;

use super::tree::{Leaf, LeafKind};

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
    "USD",
    "US",
    "DEU",
    "eng",
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
pub(super) fn builtin(kind: LeafKind) -> Vec<Leaf> {
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
