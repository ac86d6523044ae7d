//! Each representation of enums that serde has, its attributes, and what is known to be hard about them: serde reads
//! the content of tagged and untagged enums and of flattened fields into a buffer, which does not hold every kind of
//! value.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outcome::Outcome::*;
use crate::outcome::{DYNAMIC, Row, YES, row, row_by_bytes};

/// Adds the same derives to each type.
macro_rules! types {
    ($($item:item)*) => {$(
        #[derive(Clone, PartialEq, Serialize, Deserialize)]
        $item
    )*};
}

types! {
    struct Unit;
    struct Empty {}
    struct Newtype(u64);
    struct Tuple(u8, String);
    struct EmptyTuple();
    struct Named { id: u64, name: String }
    struct Generic<T> { value: T }

    enum External { Unit, Newtype(u8), Tuple(u8, bool), Struct { a: u8 } }
    enum ExternalEmpty { Tuple(), Struct {} }
    #[derive(Eq, PartialOrd, Ord)]
    enum Key { Home, Other }
    enum ExternalOf<T> { Value(T), Values { one: T } }

    #[serde(tag = "kind")]
    enum Internal { Unit, Newtype(Named), Struct { a: u8 } }
    #[serde(tag = "kind")]
    enum InternalOf<T> { Nothing, Values { one: T } }
    #[serde(tag = "kind")]
    enum InternalNewtype<T> { Value(T) }
    #[serde(tag = "kind")]
    struct TaggedStruct { id: u64 }

    #[serde(tag = "kind", content = "content")]
    enum Adjacent { Unit, Newtype(u8), Tuple(u8, bool), Struct { a: u8 } }
    #[serde(tag = "kind", content = "content")]
    enum AdjacentOf<T> { Value(T) }

    #[serde(untagged)]
    enum Untagged { Newtype(u8), Tuple(u8, bool), Struct { a: u8 }, Unit }
    #[serde(untagged)]
    enum UntaggedOf<T> { Value(T), Values { one: T } }
    #[serde(untagged)]
    enum TextOrBytes { Text(String), Bytes(ByteBuf) }
    #[serde(untagged)]
    enum BytesOrText { Bytes(ByteBuf), Text(String) }
    #[serde(untagged)]
    enum IntegerOrFloat { Integer(i64), Float(f64) }
    enum UntaggedVariant { Known, #[serde(untagged)] Unknown(String) }

    struct Flat<T> { id: u64, #[serde(flatten)] rest: T }
    #[serde(deny_unknown_fields)]
    struct FlatStrict { id: u64, #[serde(flatten)] rest: Generic<u8> }
    struct FlatTwice { #[serde(flatten)] one: Named, #[serde(flatten)] rest: BTreeMap<String, Value> }

    struct SkipNone { #[serde(default, skip_serializing_if = "Option::is_none")] value: Option<u8>, more: u8 }
    struct SkipSeven { #[serde(default = "seven", skip_serializing_if = "is_seven")] value: u8, more: u8 }
    struct SkipEmpty { #[serde(default, skip_serializing_if = "Vec::is_empty")] value: Vec<u8>, more: u8 }
    struct Skipped { #[serde(skip)] cached: (), id: u64 }
    enum SkippedVariant { Kept(u8), #[serde(skip)] #[expect(dead_code)] Gone }
    enum SkippedVariantFirst { #[serde(skip)] #[expect(dead_code)] Gone, Kept(u8) }
    struct WriteOnly { id: u64, #[serde(skip_deserializing)] extra: () }

    #[serde(default)]
    struct ContainerDefault { id: u64, name: String }
    struct FieldDefault { id: u64, #[serde(default)] name: String, #[serde(default = "seven")] luck: u8 }
    #[serde(deny_unknown_fields)]
    struct Strict { id: u64 }
    struct BytesAsList { #[serde(serialize_with = "serde_bytes::serialize")] value: Vec<u8> }
    struct Alias { #[serde(alias = "uid")] id: u64 }
    #[serde(rename_all = "camelCase")]
    struct Renamed { first_name: String, #[serde(rename = "ID")] id: u64 }
    #[serde(rename_all = "SCREAMING-KEBAB-CASE", rename_all_fields = "kebab-case")]
    enum RenamedEnum { InStock { in_all: u8 }, SoldOut }
    struct RenamedOneSide { #[serde(rename(serialize = "uid", deserialize = "id"))] id: u64 }
    #[serde(transparent)]
    struct Transparent { id: u64 }

    enum Other { Red, #[serde(other)] Unknown }
    #[serde(tag = "kind")]
    enum OtherInternal { Red { a: u8 }, #[serde(other)] Unknown }

    #[serde(from = "(u8, u8)", into = "(u8, u8)")]
    struct FromInto { a: u8, b: u8 }
    #[serde(into = "(u8, u8)")]
    struct IntoTuple { a: u8, b: u8 }
    #[serde(try_from = "u8", into = "u8")]
    struct Percent(u8);
    #[serde(try_from = "String", into = "String")]
    struct OrderId(String);

    struct List { value: u8, next: Option<Box<List>> }
    enum Tree { Node(Vec<Tree>), Leaf(u8) }
    #[serde(tag = "kind")]
    enum TaggedTree { Node { children: Vec<TaggedTree> }, Leaf { value: u8 } }
    #[serde(untagged)]
    enum UntaggedTree { Node(Vec<UntaggedTree>), Leaf(u8) }
    struct Folder(HashMap<String, Folder>);
}

fn seven() -> u8 {
    7
}

fn is_seven(number: &u8) -> bool {
    *number == 7
}

/// Each element is two levels, a struct and an option. JSON counts only the struct.
fn list(levels: u8) -> List {
    (1..levels).fold(List { value: 0, next: None }, |inner, value| List { value, next: Some(inner.into()) })
}

impl Default for ContainerDefault {
    fn default() -> Self {
        Self { id: 1, name: "anonymous".into() }
    }
}

impl From<(u8, u8)> for FromInto {
    fn from((a, b): (u8, u8)) -> Self {
        Self { a, b }
    }
}

impl From<FromInto> for (u8, u8) {
    fn from(value: FromInto) -> Self {
        (value.a, value.b)
    }
}

impl From<IntoTuple> for (u8, u8) {
    fn from(value: IntoTuple) -> Self {
        (value.a, value.b)
    }
}

impl TryFrom<u8> for Percent {
    type Error = &'static str;
    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        if percent <= 100 { Ok(Self(percent)) } else { Err("more than a hundred percent") }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl TryFrom<String> for OrderId {
    type Error = &'static str;
    fn try_from(id: String) -> Result<Self, Self::Error> {
        if id.starts_with("order-") { Ok(Self(id)) } else { Err("not an order") }
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

/// Writes borrowed text, and reads owned text.
#[derive(PartialEq, Serialize, Deserialize)]
struct Lent {
    #[serde(deserialize_with = "owned")]
    name: std::borrow::Cow<'static, str>,
}

fn owned<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<std::borrow::Cow<'static, str>, D::Error> {
    String::deserialize(reader).map(Into::into)
}

pub fn rows() -> Vec<Row> {
    let text = || "text".to_owned();
    let named = || Named { id: 7, name: text() };
    let ip = IpAddr::from([192, 0, 2, 1]);
    let uuid = Uuid::from_u128(7);
    let keys = || BTreeMap::from([(1_u8, text()), (2, text())]);
    let enum_keys = || BTreeMap::from([(Key::Home, 1_u8), (Key::Other, 2)]);
    let words = || BTreeMap::from([(text(), 1_u8)]);
    let tree = |leaf| UntaggedTree::Node(vec![UntaggedTree::Leaf(leaf)]);
    vec![
        row("unit struct", YES, [Unit]),
        row("struct without fields", YES, [Empty {}]),
        row("newtype struct", YES, [Newtype(u64::MAX)]),
        row("tuple struct", YES, [Tuple(7, text())]),
        row("tuple struct without fields", YES, [EmptyTuple()]),
        row("struct", YES, [named()]),
        row("generic struct", YES, [Generic { value: Some(named()) }]),
        row(
            "enum",
            YES,
            [External::Unit, External::Newtype(1), External::Tuple(1, true), External::Struct { a: 1 }],
        ),
        row(
            "enum, tuple and struct variants without fields",
            YES,
            [ExternalEmpty::Tuple(), ExternalEmpty::Struct {}],
        ),
        row("enum, `()` inside", YES, [ExternalOf::Value(())]),
        row(
            "enum, `Option<Option<u8>>` inside",
            [Carried, Changed, Changed],
            [ExternalOf::Value(Some(None::<u8>)), ExternalOf::Values { one: None }],
        ),
        row("enum, unit struct inside", YES, [ExternalOf::Value(Unit)]),
        row("`tag`", DYNAMIC, [Internal::Unit, Internal::Newtype(named()), Internal::Struct { a: 1 }]),
        row("`tag` on a struct", DYNAMIC, [TaggedStruct { id: 7 }]),
        row(
            "`tag`, `bool`, `char`, `f64` inside",
            DYNAMIC,
            [InternalOf::Nothing, InternalOf::Values { one: (true, 'é', 0.5_f64) }],
        ),
        row("`tag`, `f32` inside", DYNAMIC, [InternalOf::Values { one: 0.1_f32 }]),
        row(
            "`tag`, infinite `f64` inside",
            [Rejected, Carried, NotRead],
            [InternalOf::Values { one: f64::INFINITY }],
        ),
        row("`tag`, `IpAddr` inside", DYNAMIC, [InternalOf::Values { one: ip }]),
        row("`tag`, `Uuid` inside", DYNAMIC, [InternalOf::Values { one: uuid }]),
        row(
            "`tag`, `SystemTime` and `Duration` inside",
            DYNAMIC,
            [InternalOf::Values { one: (SystemTime::UNIX_EPOCH, Duration::MAX) }],
        ),
        row(
            "`tag`, `chrono::DateTime` inside",
            DYNAMIC,
            [InternalOf::Values { one: chrono::DateTime::<chrono::Utc>::UNIX_EPOCH }],
        ),
        row(
            "`tag`, `jiff::Timestamp` inside",
            DYNAMIC,
            [InternalOf::Values { one: jiff::Timestamp::UNIX_EPOCH }],
        ),
        row(
            "`tag`, `time::OffsetDateTime` inside",
            DYNAMIC,
            [InternalOf::Values { one: time::OffsetDateTime::UNIX_EPOCH }],
        ),
        row(
            "`tag`, `bson::oid::ObjectId` inside",
            DYNAMIC,
            [InternalOf::Values { one: bson::oid::ObjectId::from_bytes([7; 12]) }],
        ),
        row(
            "`tag`, `rust_decimal::Decimal` inside",
            DYNAMIC,
            [InternalOf::Values { one: rust_decimal::Decimal::new(1999, 2) }],
        ),
        row(
            "`tag`, `Option<u8>` inside",
            DYNAMIC,
            [InternalOf::Values { one: None }, InternalOf::Values { one: Some(7_u8) }],
        ),
        row("`tag`, `()` and a unit struct inside", DYNAMIC, [InternalOf::Values { one: ((), Unit) }]),
        row(
            "`tag`, an enum inside",
            DYNAMIC,
            [
                InternalOf::Values { one: External::Unit },
                InternalOf::Values { one: External::Struct { a: 1 } },
            ],
        ),
        row("`tag`, bytes inside", DYNAMIC, [InternalOf::Values { one: ByteBuf::from([0, 255]) }]),
        row(
            "`tag`, bytes that are read as a list inside",
            [Rejected, NotRead, Carried],
            [InternalNewtype::Value(BytesAsList { value: vec![0, 255] })],
        ),
        row("`tag`, `[u8; 2]` inside", DYNAMIC, [InternalOf::Values { one: [0_u8, 255] }]),
        row("`tag`, small `u128` inside", [Rejected, NotRead, NotRead], [InternalOf::Values { one: 7_u128 }]),
        row(
            "`tag`, large `u128` inside",
            [Rejected, NotRead, NotRead],
            [InternalOf::Values { one: u128::MAX }],
        ),
        row(
            "`tag`, small `i128` inside",
            [Rejected, NotRead, NotRead],
            [InternalOf::Values { one: -7_i128 }],
        ),
        row(
            "`tag`, large `i128` inside",
            [Rejected, NotRead, NotRead],
            [InternalOf::Values { one: i128::MIN }],
        ),
        row(
            "`tag`, map with integer keys inside",
            [Rejected, Carried, NotRead],
            [InternalOf::Values { one: keys() }],
        ),
        row("`tag`, newtype variant of a unit struct", DYNAMIC, [InternalNewtype::Value(Unit)]),
        row(
            "`tag`, newtype variant of a number",
            [Rejected, NotWritten, NotWritten],
            [InternalNewtype::Value(7_u8)],
        ),
        row(
            "`tag`, newtype variant of a list",
            [Rejected, NotWritten, NotWritten],
            [InternalNewtype::Value(vec![7_u8])],
        ),
        row("`tag`, newtype variant of a map with text keys", DYNAMIC, [InternalNewtype::Value(words())]),
        row(
            "`tag`, newtype variant of a map with integer keys",
            [Rejected, Carried, NotRead],
            [InternalNewtype::Value(keys())],
        ),
        row(
            "`tag`, newtype variant of an enum",
            DYNAMIC,
            [InternalNewtype::Value(External::Newtype(1)), InternalNewtype::Value(External::Struct { a: 1 })],
        ),
        row(
            "`tag`, newtype variant of an untagged enum",
            DYNAMIC,
            [InternalNewtype::Value(UntaggedOf::Values { one: 1_u8 })],
        ),
        row(
            "`tag` + `content`",
            DYNAMIC,
            [Adjacent::Unit, Adjacent::Newtype(1), Adjacent::Tuple(1, true), Adjacent::Struct { a: 1 }],
        ),
        row("`tag` + `content`, `IpAddr` inside", DYNAMIC, [AdjacentOf::Value(ip)]),
        row("`tag` + `content`, unit struct inside", DYNAMIC, [AdjacentOf::Value(Unit)]),
        row("`tag` + `content`, large `u128` inside", DYNAMIC, [AdjacentOf::Value(u128::MAX)]),
        row("`tag` + `content`, map with integer keys inside", DYNAMIC, [AdjacentOf::Value(keys())]),
        row(
            "`untagged`",
            DYNAMIC,
            [Untagged::Newtype(1), Untagged::Tuple(1, true), Untagged::Struct { a: 1 }, Untagged::Unit],
        ),
        row(
            "`untagged`, integer or float",
            DYNAMIC,
            [IntegerOrFloat::Integer(1), IntegerOrFloat::Float(1.0)],
        ),
        row(
            "`untagged`, text or bytes",
            [Rejected, Changed, Carried],
            [TextOrBytes::Text(text()), TextOrBytes::Bytes(ByteBuf::from(text()))],
        ),
        row(
            "`untagged`, bytes or text",
            [Rejected, Changed, Changed],
            [BytesOrText::Bytes(ByteBuf::from(text())), BytesOrText::Text(text())],
        ),
        row("`untagged` on a variant", DYNAMIC, [UntaggedVariant::Known, UntaggedVariant::Unknown(text())]),
        row("`untagged`, `bool`, `char`, `f64` inside", DYNAMIC, [UntaggedOf::Value((true, 'é', 0.5_f64))]),
        row("`untagged`, `f32` inside", DYNAMIC, [UntaggedOf::Value(0.1_f32)]),
        row_by_bytes(
            "`untagged`, NaN inside",
            [Rejected, Carried, NotRead],
            [UntaggedOf::Values { one: f64::NAN }],
        ),
        row("`untagged`, `IpAddr` inside", DYNAMIC, [UntaggedOf::Value(ip)]),
        row("`untagged`, `Uuid` inside", DYNAMIC, [UntaggedOf::Value(uuid)]),
        row(
            "`untagged`, `Option<u8>` inside",
            DYNAMIC,
            [UntaggedOf::Value(None), UntaggedOf::Value(Some(7_u8))],
        ),
        row(
            "`untagged`, `Option<Option<u8>>` inside",
            [Rejected, Changed, Changed],
            [UntaggedOf::Value(Some(None::<u8>))],
        ),
        row("`untagged`, `()` inside", DYNAMIC, [UntaggedOf::Value(())]),
        row("`untagged`, unit struct inside", DYNAMIC, [UntaggedOf::Value(Unit)]),
        row("`untagged`, `PhantomData` inside", DYNAMIC, [UntaggedOf::Value(std::marker::PhantomData::<u8>)]),
        row(
            "`untagged`, an enum inside",
            DYNAMIC,
            [UntaggedOf::Value(External::Unit), UntaggedOf::Value(External::Struct { a: 1 })],
        ),
        row("`untagged`, bytes inside", DYNAMIC, [UntaggedOf::Value(ByteBuf::from([0, 255]))]),
        row("`untagged`, `[u8; 2]` inside", DYNAMIC, [UntaggedOf::Value([0_u8, 255])]),
        row("`untagged`, small `u128` inside", [Rejected, NotRead, NotRead], [UntaggedOf::Value(7_u128)]),
        row("`untagged`, large `u128` inside", [Rejected, NotRead, NotRead], [UntaggedOf::Value(u128::MAX)]),
        row("`untagged`, small `i128` inside", [Rejected, NotRead, NotRead], [UntaggedOf::Value(-7_i128)]),
        row("`untagged`, large `i128` inside", [Rejected, NotRead, NotRead], [UntaggedOf::Value(i128::MIN)]),
        row(
            "`untagged`, map with integer keys inside",
            [Rejected, Carried, NotRead],
            [UntaggedOf::Value(keys())],
        ),
        row(
            "`untagged`, map with `bool` keys inside",
            [Rejected, Carried, NotRead],
            [UntaggedOf::Value(BTreeMap::from([(true, 1_u8)]))],
        ),
        row("`untagged`, map with enum keys inside", DYNAMIC, [UntaggedOf::Value(enum_keys())]),
        row(
            "`untagged`, map with `Uuid` keys inside",
            DYNAMIC,
            [UntaggedOf::Value(BTreeMap::from([(uuid, 1_u8)]))],
        ),
        row("`untagged`, `serde_json::Value` inside", DYNAMIC, [UntaggedOf::Value(json!({"a": [1, null]}))]),
        row("`flatten`, struct", DYNAMIC, [Flat { id: 7, rest: Generic { value: text() } }]),
        row(
            "`flatten`, struct, with `deny_unknown_fields`",
            DYNAMIC,
            [FlatStrict { id: 7, rest: Generic { value: 7 } }],
        ),
        row("`flatten`, struct with an `IpAddr`", DYNAMIC, [Flat { id: 7, rest: Generic { value: ip } }]),
        row("`flatten`, struct with a unit struct", DYNAMIC, [Flat { id: 7, rest: Generic { value: Unit } }]),
        row(
            "`flatten`, struct with bytes",
            DYNAMIC,
            [Flat { id: 7, rest: Generic { value: ByteBuf::from([0, 255]) } }],
        ),
        row(
            "`flatten`, struct with a small `u128`",
            [Rejected, NotRead, NotRead],
            [Flat { id: 7, rest: Generic { value: 7_u128 } }],
        ),
        row(
            "`flatten`, struct with a large `u128`",
            [Rejected, NotRead, NotRead],
            [Flat { id: 7, rest: Generic { value: u128::MAX } }],
        ),
        row(
            "`flatten`, struct with a map with integer keys",
            [Rejected, Carried, NotRead],
            [Flat { id: 7, rest: Generic { value: keys() } }],
        ),
        row("`flatten`, map with text keys", DYNAMIC, [Flat { id: 7, rest: words() }]),
        row("`flatten`, map with integer keys", [Rejected, NotRead, NotRead], [Flat { id: 7, rest: keys() }]),
        row(
            "`flatten`, map with `bool` keys",
            [Rejected, NotRead, NotRead],
            [Flat { id: 7, rest: BTreeMap::from([(true, 1_u8)]) }],
        ),
        row("`flatten`, map with enum keys", DYNAMIC, [Flat { id: 7, rest: enum_keys() }]),
        row(
            "`flatten`, map with `Uuid` keys",
            DYNAMIC,
            [Flat { id: 7, rest: BTreeMap::from([(uuid, 1_u8)]) }],
        ),
        row("`flatten`, `serde_json::Value`", DYNAMIC, [Flat { id: 7, rest: json!({"a": [1, null]}) }]),
        row(
            "`flatten`, struct and map",
            DYNAMIC,
            [FlatTwice { one: named(), rest: BTreeMap::from([(text(), json!(1))]) }],
        ),
        row(
            "`flatten`, `Option` of a struct",
            DYNAMIC,
            [Flat { id: 7, rest: Some(Generic { value: 7_u8 }) }, Flat { id: 7, rest: None }],
        ),
        row(
            "`flatten`, enum",
            DYNAMIC,
            [Flat { id: 7, rest: External::Newtype(1) }, Flat { id: 7, rest: External::Struct { a: 1 } }],
        ),
        row(
            "`flatten`, `tag`",
            DYNAMIC,
            [Flat { id: 7, rest: Internal::Unit }, Flat { id: 7, rest: Internal::Struct { a: 1 } }],
        ),
        row("`flatten`, `()`", DYNAMIC, [Flat { id: 7, rest: () }]),
        row(
            "`skip_serializing_if = \"Option::is_none\"`",
            DYNAMIC,
            [None, Some(7)].map(|value| SkipNone { value, more: 1 }),
        ),
        row(
            "`skip_serializing_if = \"Vec::is_empty\"`",
            DYNAMIC,
            [vec![], vec![7]].map(|value| SkipEmpty { value, more: 1 }),
        ),
        row(
            "`skip_serializing_if` of a value that tracing does not try",
            [NotWritten, Carried, Carried],
            [6, 7].map(|value| SkipSeven { value, more: 1 }),
        ),
        row("`skip`", YES, [Skipped { cached: (), id: 7 }]),
        row("`skip` on the last variant", YES, [SkippedVariant::Kept(7)]),
        row("`skip` on the first variant", DYNAMIC, [SkippedVariantFirst::Kept(7)]),
        row("`skip_deserializing`", DYNAMIC, [WriteOnly { id: 7, extra: () }]),
        row("`default` on the container", YES, [ContainerDefault::default()]),
        row("`default` on fields", YES, [FieldDefault { id: 7, name: text(), luck: 8 }]),
        row("`deny_unknown_fields`", YES, [Strict { id: 7 }]),
        row(
            "`serialize_with = \"serde_bytes::serialize\"`, read as a list",
            DYNAMIC,
            [BytesAsList { value: vec![0, 255] }],
        ),
        row("`alias`", YES, [Alias { id: 7 }]),
        row("`rename`, `rename_all`", YES, [Renamed { first_name: text(), id: 7 }]),
        row("`rename_all_fields`", YES, [RenamedEnum::InStock { in_all: 7 }, RenamedEnum::SoldOut]),
        row(
            "`rename(serialize = ..., deserialize = ...)`",
            [Rejected, NotRead, NotRead],
            [RenamedOneSide { id: 7 }],
        ),
        row("`transparent`", YES, [Transparent { id: 7 }]),
        row("`other`", YES, [Other::Red, Other::Unknown]),
        row("`other` with `tag`", DYNAMIC, [OtherInternal::Red { a: 1 }, OtherInternal::Unknown]),
        row("`from`, `into`", YES, [FromInto { a: 1, b: 2 }]),
        row("`into` a tuple, without `from`", [Rejected, NotRead, Carried], [IntoTuple { a: 1, b: 2 }]),
        row("`try_from` a range of numbers", YES, [Percent(100)]),
        row(
            "`try_from` a text with a rule of its own",
            [NeedsSample, Carried, Carried],
            [OrderId("order-17".into())],
        ),
        row("`deserialize_with` on a `Cow`", YES, [Lent { name: "lent".into() }]),
        row(
            "recursive struct",
            YES,
            [List { value: 1, next: Some(Box::new(List { value: 2, next: None })) }],
        ),
        row("recursive struct, 64 levels", YES, [list(64)]),
        row("recursive struct, 100 levels", [NotRead, NotWritten, Carried], [list(100)]),
        row("recursive struct, 200 levels", [NotRead, NotWritten, NotRead], [list(200)]),
        row("recursive enum", YES, [Tree::Node(vec![Tree::Leaf(1), Tree::Node(vec![])])]),
        row(
            "recursive enum, `tag`",
            DYNAMIC,
            [TaggedTree::Node { children: vec![TaggedTree::Leaf { value: 1 }] }],
        ),
        row(
            "recursive enum, `untagged`",
            DYNAMIC,
            [UntaggedTree::Node(vec![tree(1), UntaggedTree::Leaf(2)])],
        ),
        row("recursive map", YES, [Folder(HashMap::from([(text(), Folder(HashMap::new()))]))]),
    ]
}
