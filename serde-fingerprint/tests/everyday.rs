//! Everyday types are traced without samples, and their values are read back unchanged.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::*;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_fingerprint::{Schema, SchemaError};

#[track_caller]
fn traced<T: Serialize + DeserializeOwned>() -> Schema<T> {
    Schema::trace().unwrap_or_else(|error| panic!("{error}"))
}

/// Traces the type, writes the values and reads them back.
#[track_caller]
fn there_and_back<T>(values: impl IntoIterator<Item = T>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let schema = traced::<T>();
    for value in values {
        let mut payload = b"before".to_vec();
        schema.encode_into(&value, &mut payload).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(payload[6..], postcard::to_allocvec(&value).unwrap(), "as postcard writes it");
        assert_eq!(schema.decode(&payload[6..]).unwrap(), value);
    }
}

#[test]
fn scalars() {
    there_and_back([true, false]);
    there_and_back([i8::MIN, 0, i8::MAX]);
    there_and_back([i16::MIN, 0, i16::MAX]);
    there_and_back([i32::MIN, 0, i32::MAX]);
    there_and_back([i64::MIN, 0, i64::MAX]);
    there_and_back([i128::MIN, 0, i128::MAX]);
    there_and_back([isize::MIN, 0, isize::MAX]);
    there_and_back([0, u8::MAX]);
    there_and_back([0, u16::MAX]);
    there_and_back([0, u32::MAX]);
    there_and_back([0, u64::MAX]);
    there_and_back([0, u128::MAX]);
    there_and_back([0, usize::MAX]);
    there_and_back([0.5_f32, -1e9]);
    there_and_back([0.5_f64, -1e99]);
    there_and_back(['a', 'é', '🦀', '\0']);
    there_and_back([()]);
    there_and_back([std::marker::PhantomData::<u8>]);
}

#[test]
fn texts_and_bytes() {
    there_and_back([String::new(), "Ada Lovelace".into()]);
    there_and_back([Cow::Borrowed("lent"), Cow::Owned("owned".to_owned())]);
    there_and_back([Box::<str>::from("boxed")]);
    there_and_back([PathBuf::from("/srv/shop")]);
    there_and_back([c"C".to_owned()]);
    there_and_back([vec![1_u8, 2, 3]]);
    there_and_back([Box::<[u16]>::from([1, 2])]);
}

#[test]
fn numbers_that_are_never_zero() {
    there_and_back([NonZeroU8::MAX]);
    there_and_back([NonZeroU16::MAX]);
    there_and_back([NonZeroU32::MAX]);
    there_and_back([NonZeroU64::MAX]);
    there_and_back([NonZeroU128::MAX]);
    there_and_back([NonZeroUsize::MAX]);
    there_and_back([NonZeroI8::MIN]);
    there_and_back([NonZeroI16::MIN]);
    there_and_back([NonZeroI32::MIN]);
    there_and_back([NonZeroI64::MIN]);
    there_and_back([NonZeroI128::MIN]);
    there_and_back([NonZeroIsize::MIN]);
    there_and_back([Some(NonZeroU8::MIN), None]);
    there_and_back([vec![NonZeroU64::MIN; 3]]);
}

#[test]
fn addresses() {
    there_and_back([IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])]);
    there_and_back([Ipv4Addr::LOCALHOST]);
    there_and_back([Ipv6Addr::LOCALHOST]);
    there_and_back([SocketAddr::from(([192, 0, 2, 1], 443)), SocketAddr::from((Ipv6Addr::LOCALHOST, 443))]);
    there_and_back([SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80)]);
    there_and_back([SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0)]);
    there_and_back([url::Url::parse("https://ada@example.org:8443/shop?q=1#top").unwrap()]);
    there_and_back([url::Host::<String>::Domain("example.org".into())]);
}

#[test]
fn uuids() {
    there_and_back([uuid::Uuid::nil(), uuid::Uuid::from_u128(7)]);
    there_and_back([uuid::NonNilUuid::new(uuid::Uuid::from_u128(7)).unwrap()]);
    there_and_back([HashMap::from([(uuid::Uuid::from_u128(7), vec![uuid::Uuid::nil()])])]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Forms {
        #[serde(with = "uuid::serde::compact")]
        compact: uuid::Uuid,
        #[serde(with = "uuid::serde::simple")]
        simple: uuid::Uuid,
        #[serde(with = "uuid::serde::urn")]
        urn: uuid::Uuid,
    }
    let id = uuid::Uuid::from_u128(7);
    there_and_back([Forms { compact: id, simple: id, urn: id }]);
}

#[test]
fn std_times() {
    there_and_back([Duration::ZERO, Duration::MAX]);
    there_and_back([
        SystemTime::UNIX_EPOCH,
        SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123),
    ]);
}

#[test]
fn times_of_the_time_crate() {
    let moment = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    there_and_back([moment]);
    there_and_back([time::PrimitiveDateTime::new(moment.date(), moment.time())]);
    there_and_back([moment.date()]);
    there_and_back([moment.time()]);
    there_and_back([time::Duration::MIN, time::Duration::ZERO, time::Duration::milliseconds(-1)]);
    there_and_back([time::UtcOffset::from_hms(-1, -30, 0).unwrap()]);
    there_and_back([time::Weekday::Monday, time::Weekday::Sunday]);
    there_and_back([time::Month::January, time::Month::December]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Stamps {
        #[serde(with = "time::serde::timestamp")]
        at: time::OffsetDateTime,
        #[serde(with = "time::serde::timestamp::milliseconds::option")]
        until: Option<time::OffsetDateTime>,
    }
    there_and_back([Stamps { at: moment, until: Some(moment) }, Stamps { at: moment, until: None }]);
}

#[test]
fn times_of_the_chrono_crate() {
    let moment = chrono::DateTime::from_timestamp(1_700_000_000, 5).unwrap();
    there_and_back([moment]);
    there_and_back([moment.fixed_offset()]);
    there_and_back([moment.date_naive()]);
    there_and_back([moment.naive_utc()]);
    there_and_back([moment.time()]);
    there_and_back([chrono::Weekday::Mon, chrono::Weekday::Sun]);
    there_and_back([chrono::Month::January, chrono::Month::December]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Stamps {
        #[serde(with = "chrono::serde::ts_nanoseconds")]
        at: chrono::DateTime<chrono::Utc>,
        #[serde(with = "chrono::serde::ts_seconds_option")]
        until: Option<chrono::DateTime<chrono::Utc>>,
    }
    there_and_back([Stamps { at: moment, until: None }]);
}

#[test]
fn decimals_as_their_crate_s_feature_serde_str_writes_them() {
    there_and_back([rust_decimal::Decimal::new(1999, 2), rust_decimal::Decimal::ZERO]);
}

#[test]
fn decimals_as_text() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Price {
        #[serde(with = "rust_decimal::serde::str")]
        net: rust_decimal::Decimal,
        #[serde(with = "rust_decimal::serde::str_option")]
        discount: Option<rust_decimal::Decimal>,
    }
    let net = rust_decimal::Decimal::new(1999, 2);
    there_and_back([Price { net, discount: None }]);
}

#[test]
fn collections() {
    there_and_back([Vec::new(), vec![1_u32, 2]]);
    there_and_back([VecDeque::from([1_u32, 2])]);
    there_and_back([LinkedList::from([1_u32, 2])]);
    there_and_back([BTreeSet::from([1_u32, 2])]);
    there_and_back([HashSet::from([1_u32, 2])]);
    there_and_back([BTreeMap::from([(1_u32, "one".to_owned())])]);
    there_and_back([HashMap::from([("one".to_owned(), 1_u32), ("two".to_owned(), 2)])]);
    let schema = traced::<BinaryHeap<u8>>();
    let mut payload = Vec::new();
    schema.encode_into(&BinaryHeap::from([3]), &mut payload).unwrap();
    assert_eq!(schema.decode(&payload).unwrap().into_vec(), [3]);
}

#[test]
fn tuples_and_arrays_of_all_lengths() {
    there_and_back([(1_u8,)]);
    there_and_back([(1_u8, true)]);
    there_and_back([(1_u8, true, 'c', 4_i8, 5_u16, 6_i16, 7_u32, 8_i32, 9_u64, 10_i64, 0.5_f32, ())]);
    there_and_back([[0_u8; 0]]);
    there_and_back([[7_u8; 1]]);
    there_and_back([[NonZeroU8::MAX; 16]]);
    there_and_back([[[1_u8; 32]; 32]]);
}

#[test]
fn wrappers_are_what_they_wrap() {
    there_and_back([Box::new(7_u8)]);
    there_and_back([std::num::Wrapping(7_u8)]);
    there_and_back([std::num::Saturating(7_u8)]);
    there_and_back([std::cmp::Reverse(7_u8)]);
    there_and_back([std::cell::Cell::new(7_u8)]);
    there_and_back([std::cell::RefCell::new(7_u8)]);
    assert_eq!(traced::<std::sync::Mutex<u8>>().fingerprint(), traced::<u8>().fingerprint());
    assert_eq!(traced::<std::sync::atomic::AtomicU32>().fingerprint(), traced::<u32>().fingerprint());
}

#[test]
fn options_ranges_and_results() {
    there_and_back([None, Some(1_u8)]);
    there_and_back([None, Some(None), Some(Some(1_u8))]);
    there_and_back(Some(0..7_u8));
    there_and_back([0..=7_u8]);
    there_and_back([std::ops::Bound::Included(7_u8), std::ops::Bound::Unbounded]);
    there_and_back([Ok(7_u8), Err("no".to_owned())]);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Order {
    Less,
    Equal,
    Greater,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Payment {
    Nothing,
    Card { holder: String, digits: [u8; 4] },
    Transfer(String),
    Split(Box<Payment>, Box<Payment>),
    Later(Option<time::Date>),
}

#[test]
fn enums_of_every_kind() {
    there_and_back([Order::Less, Order::Equal, Order::Greater]);
    let card = Payment::Card { holder: "Ada".into(), digits: [1, 2, 3, 4] };
    there_and_back([
        Payment::Nothing,
        card.clone(),
        Payment::Transfer("DE".into()),
        Payment::Split(
            Box::new(card.clone()),
            Box::new(Payment::Split(Box::new(card.clone()), Box::new(card))),
        ),
        Payment::Later(None),
        Payment::Later(Some(time::Date::MIN)),
    ]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List {
    value: u8,
    next: Option<Box<List>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Node(Box<Tree>, Box<Tree>),
    Leaf,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Menu {
    title: String,
    entries: Vec<Menu>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Folder(HashMap<String, Folder>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Expression {
    Sum(Vec<Term>),
    Number(i64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Term {
    negative: bool,
    of: Box<Expression>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Ping {
    Back(Box<Pong>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Pong {
    Back(Box<Ping>),
    Again(Box<Pong>),
    Out,
}

#[test]
fn recursive_types() {
    there_and_back([List { value: 1, next: Some(Box::new(List { value: 2, next: None })) }]);
    there_and_back([Tree::Node(
        Box::new(Tree::Node(Box::new(Tree::Leaf), Box::new(Tree::Leaf))),
        Box::new(Tree::Leaf),
    )]);
    there_and_back([Menu {
        title: "Tea".into(),
        entries: vec![Menu { title: "Green".into(), entries: Vec::new() }],
    }]);
    there_and_back([Folder(HashMap::from([("home".to_owned(), Folder(HashMap::new()))]))]);
    there_and_back([Expression::Sum(vec![
        Term { negative: true, of: Box::new(Expression::Number(1)) },
        Term { negative: false, of: Box::new(Expression::Sum(Vec::new())) },
    ])]);
    there_and_back([Ping::Back(Box::new(Pong::Again(Box::new(Pong::Back(Box::new(Ping::Back(
        Box::new(Pong::Out),
    )))))))]);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(u8, u8)", into = "(u8, u8)")]
struct Span {
    from: u8,
    to: u8,
}

impl TryFrom<(u8, u8)> for Span {
    type Error = &'static str;
    fn try_from((from, to): (u8, u8)) -> Result<Self, Self::Error> {
        if from < to { Ok(Self { from, to }) } else { Err("a span is never empty") }
    }
}

impl From<Span> for (u8, u8) {
    fn from(span: Span) -> Self {
        (span.from, span.to)
    }
}

/// Refuses the empty list, as `#[serde(try_from)]` types do that are never empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<T>", into = "Vec<T>", bound(serialize = "T: Clone + Serialize"))]
struct NonEmpty<T>(Vec<T>);

impl<T> TryFrom<Vec<T>> for NonEmpty<T> {
    type Error = &'static str;
    fn try_from(elements: Vec<T>) -> Result<Self, Self::Error> {
        if elements.is_empty() { Err("empty") } else { Ok(Self(elements)) }
    }
}

impl<T> From<NonEmpty<T>> for Vec<T> {
    fn from(list: NonEmpty<T>) -> Self {
        list.0
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Percent(u8);

impl TryFrom<u8> for Percent {
    type Error = &'static str;
    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        if (1..=100).contains(&percent) { Ok(Self(percent)) } else { Err("not a percentage") }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

#[test]
fn types_that_check_what_they_are_given() {
    there_and_back([Span { from: 1, to: 9 }]);
    there_and_back([vec![Some(Span { from: 1, to: 9 })]]);
    there_and_back([NonEmpty(vec![uuid::Uuid::nil()])]);
    there_and_back([NonEmpty(vec![NonEmpty(vec![Percent(100)])])]);
    there_and_back([BTreeMap::from([(1, Percent(100))])]);
    there_and_back([Some(Percent(100)), None]);
    there_and_back([[Percent(1), Percent(2)]]);
}

/// Checks a raw form of itself, as types with rules across their fields do.
macro_rules! checked {
    ($name:ident, $raw:ident { $($field:ident: $type:ty),* }, $valid:expr) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "Raw", into = "Raw")]
        struct $name(Raw);

        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        struct Raw {
            $($field: $type),*
        }

        impl TryFrom<Raw> for $name {
            type Error = &'static str;
            fn try_from($raw: Raw) -> Result<Self, Self::Error> {
                if $valid { Ok(Self($raw)) } else { Err("against the rule") }
            }
        }

        impl From<$name> for Raw {
            fn from(checked: $name) -> Raw {
                checked.0
            }
        }
    };
}

#[test]
fn one_of_two_options() {
    checked!(Contact, raw { phone: Option<u64>, email: Option<String> }, raw.phone.is_some() != raw.email.is_some());
    there_and_back([
        Contact(Raw { phone: Some(1), email: None }),
        Contact(Raw { phone: None, email: Some("ada@example.org".into()) }),
    ]);
}

#[test]
fn an_option_that_must_be_there() {
    checked!(Signed, raw { by: Option<uuid::Uuid> }, raw.by.is_some());
    there_and_back([Some(Signed(Raw { by: Some(uuid::Uuid::nil()) }))]);
}

#[test]
fn a_list_with_as_many_elements_as_announced() {
    checked!(Counted, raw { count: u8, of: Vec<NonZeroU8> }, usize::from(raw.count) == raw.of.len());
    there_and_back([Counted(Raw { count: 2, of: vec![NonZeroU8::MIN; 2] })]);
}

#[test]
fn three_numbers_in_order() {
    checked!(Ordered, raw { low: u32, mid: u32, high: u32 }, raw.low < raw.mid && raw.mid < raw.high);
    there_and_back([vec![Ordered(Raw { low: 1, mid: 2, high: 3 })]]);
}

#[test]
fn a_code_that_is_one_of_a_few_numbers() {
    checked!(Status, raw { code: u16 }, [404, 500].contains(&raw.code));
    there_and_back([Status(Raw { code: 500 })]);
}

mod old {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub struct User {
        pub id: u32,
    }
}
mod new {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub struct User {
        pub name: String,
        pub before: Option<super::old::User>,
    }
}

#[test]
fn types_that_share_a_name() {
    there_and_back([(
        new::User { name: "Ada".into(), before: Some(old::User { id: 1 }) },
        old::User { id: 2 },
    )]);
}

#[test]
fn keys_that_are_enums_or_tuples() {
    there_and_back([BTreeMap::from([((1_u8, true), vec![Some(())])])]);
    there_and_back([HashMap::from([(std::net::IpAddr::from([192, 0, 2, 1]), Order::Less)])]);
}

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(rename = "identity", alias = "uid", alias = "user_id")]
    id: u64,
    #[serde(default)]
    first_name: String,
    #[serde(skip)]
    cached: Option<String>,
    #[serde(with = "as_text")]
    number: u32,
    nested: Transparent,
}

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Transparent {
    inner: Vec<u8>,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Mood {
    #[serde(alias = "cheerful")]
    Happy,
    #[serde(rename = "sad")]
    Sad,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Range")]
struct RangeDef {
    from: u8,
    to: u8,
}

#[derive(Debug, PartialEq)]
struct Range {
    from: u8,
    to: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Remote(#[serde(with = "RangeDef")] Range);

#[test]
fn attributes_that_both_sides_share() {
    there_and_back([
        Attributes::default(),
        Attributes { id: 7, number: 9, first_name: "Ada".into(), ..Attributes::default() },
    ]);
    there_and_back([Mood::Happy, Mood::Sad, Mood::Unknown]);
    there_and_back([Remote(Range { from: 1, to: 2 })]);
}

#[test]
fn a_long_enum_is_seen_to_its_end() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[rustfmt::skip]
    enum Letter { A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z }
    there_and_back([Letter::A, Letter::Z]);
}

#[test]
fn tracing_is_the_same_each_time() -> Result<(), SchemaError> {
    let once = traced::<HashMap<String, Payment>>().fingerprint();
    for _ in 0..20 {
        assert_eq!(Schema::<HashMap<String, Payment>>::trace()?.fingerprint(), once);
    }
    Ok(())
}

#[test]
fn a_schema_is_shared_whatever_its_payload_is() {
    #[derive(Serialize, Deserialize)]
    struct Neither(std::cell::Cell<u8>, std::marker::PhantomData<*const u8>);
    fn shared<S: Send + Sync + Debug>(schema: S) -> String {
        format!("{schema:?}")
    }
    assert!(shared(traced::<Neither>()).contains("Neither"));
}
