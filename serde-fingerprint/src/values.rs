//! The scalars that tracing tries by itself.
//!
//! Many types accept only some values: a number that is not zero, a text that parses. A value here is tried only
//! where a place refused the first one, and never changes a fingerprint, so the lists can grow and shrink freely.

use std::sync::OnceLock;

use serde::Serialize;

use super::tree::Tag;

/// Small numbers are the likeliest, then percentages, ports, HTTP status codes, years, and moments in time.
const INTEGERS: &str = "0 1 2 3 4 5 6 7 8 10 12 16 20 24 30 32 42 50 60 64 65 97 99 100 128 200 256 360 365 400 404 \
    443 500 512 600 999 1000 1024 1970 2000 2024 4096 8080 9999 10000 65535 65536 100000 1000000 20240229 1700000000 \
    1700000000000 1700000000000000 1700000000000000000 -1 -2 -10 -100 -1000";

const FLOATS: &[f32] = &[0.0, 1.0, 0.5, -1.0, 2.0, 10.0, 42.0, 100.0, 1000.0, 1e6, -0.5, -90.0];

/// Texts that types of popular crates parse, the most common first: URLs and hosts, dates and times (chrono, jiff,
/// time), UUIDs and ULIDs, networks and MAC addresses, languages, currencies and countries, decimals and versions,
/// base64 and hexadecimal digests, MIME types and HTTP methods, durations, phone numbers, colors, names.
const TEXTS: &str = "|a|0|1|https://example.org/|2024-02-29T12:30:45Z|2024-02-29T12:30:45|2024-02-29|12:30:45\
    |67e55044-10b1-426f-9247-bb680e5fe0c8|192.0.2.1|2001:db8::1|192.0.2.1:443|[2001:db8::1]:443|192.0.2.0/24\
    |2001:db8::/32|ada@example.org|en|en-GB|en_GB|UTC|Europe/Berlin|+01:00|0.5|1.2.3|^1.2|true|example.org|/\
    |EUR|USD|US|USA|eng|Mon|Monday|January|GET|text/plain|a=b|YWJj|YWJjZA==|00|0123456789abcdef\
    |507f1f77bcf86cd799439011|0123456789abcdef0123456789abcdef|0123456789abcdef0123456789abcdef01234567\
    |0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef|0x0123456789abcdef0123456789abcdef01234567\
    |0x1|#ffffff|urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8|{67e55044-10b1-426f-9247-bb680e5fe0c8}|PT1S|P1D|1s\
    |2024-02-29 12:30:45|2024-02-29T12:30:45+00:00[UTC]|Thu, 29 Feb 2024 12:30:45 GMT\
    |Thu, 29 Feb 2024 12:30:45 +0000|2024-02|2024|2024-W09-4|00:00:5e:00:53:01|01ARZ3NDEKTSV4RRFFQ69G5FAV\
    |+14155552671|user|Ada Lovelace|ada_lovelace|ada-lovelace|A|AB|ABC|ABCD|abcdef|12345|12345678|{}|[]|null|*";

/// All values of a kind, as postcard's bytes, the likeliest first. A place is given the first one before anything was
/// refused: zero, `false`, `'a'`, or nothing. They are made once, so that tracing is quick.
pub(crate) fn values(tag: Tag) -> &'static [Vec<u8>] {
    static VALUES: [OnceLock<Vec<Vec<u8>>>; Tag::Hole as usize] =
        [const { OnceLock::new() }; Tag::Hole as usize];
    VALUES[tag as usize].get_or_init(|| encode_all(tag))
}

fn encode_all(tag: Tag) -> Vec<Vec<u8>> {
    fn encoded<V: Serialize>(values: impl IntoIterator<Item = V>) -> Vec<Vec<u8>> {
        values.into_iter().filter_map(|value| postcard::to_allocvec(&value).ok()).collect()
    }
    macro_rules! integers {
        ($type:ident) => {{
            let likely = INTEGERS.split_whitespace().filter_map(|number| number.parse().ok());
            encoded(likely.chain([$type::MAX, $type::MIN]))
        }};
    }
    match tag {
        Tag::Bool => encoded([false, true]),
        Tag::I8 => integers!(i8),
        Tag::I16 => integers!(i16),
        Tag::I32 => integers!(i32),
        Tag::I64 => integers!(i64),
        Tag::I128 => integers!(i128),
        Tag::U8 => encoded(0..=u8::MAX),
        Tag::U16 => integers!(u16),
        Tag::U32 => integers!(u32),
        Tag::U64 => integers!(u64),
        Tag::U128 => integers!(u128),
        Tag::F32 => encoded(FLOATS),
        Tag::F64 => encoded(FLOATS.iter().copied().map(f64::from)),
        Tag::Char => encoded("aA0 _-/.zZ9é\0".chars()),
        Tag::Str => encoded(TEXTS.split('|')),
        Tag::Bytes => {
            // Keys and digests, whose lengths are checked. A list of u8 has the same bytes in postcard.
            let lengths =
                [0, 16, 32, 12, 20, 24, 64, 8, 4].into_iter().chain(1..64).chain([96, 128, 256, 512, 1024]);
            let mut values = encoded(lengths.map(|len| vec![1_u8; len]));
            values.extend(encoded(TEXTS.split('|')));
            values
        }
        _ => encoded([()]),
    }
}
