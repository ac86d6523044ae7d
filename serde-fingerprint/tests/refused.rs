//! Types and values that postcard would carry wrongly, or not at all, are rejected: by tracing where every value shows
//! it, and by the writer where only some values do (B52).

use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_fingerprint::{Fingerprint, Samples, Schema};

/// Asserts that the type can't be traced, and that the error contains all of these words.
#[track_caller]
fn refused<T: Serialize + DeserializeOwned>(words: &[&str]) {
    let message = Schema::<T>::trace().expect_err("it must not trace").to_string();
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

/// Asserts that the type can be traced, but that this value is rejected without leaving a byte behind.
#[track_caller]
fn not_written<T: Serialize + DeserializeOwned>(value: &T, words: &[&str]) {
    let schema = Schema::<T>::trace().unwrap_or_else(|error| panic!("{error}"));
    let mut out = b"before".to_vec();
    let message = schema.encode_into(value, &mut out).expect_err("it must not be written").to_string();
    assert_eq!(out, b"before");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

// --- Payloads that would have to describe themselves ---

#[derive(Serialize, Deserialize)]
struct Extra {
    extra: serde_json::Value,
}

#[test]
fn b52_a_json_value() {
    refused::<serde_json::Value>(&[
        "`serde_json::value::Value`",
        "deserialize_any",
        "describe itself",
        "as a `String`",
    ]);
    refused::<Extra>(&["`Extra.extra`", "serde_json::Value"]);
    refused::<BTreeMap<String, Vec<Option<Extra>>>>(&["{value}[].extra`"]);
}

#[derive(Default, Serialize, Deserialize)]
struct Page {
    #[serde(default)]
    number: Option<u32>,
}

#[test]
fn b52_a_flattened_field() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        user: u64,
        #[serde(flatten)]
        page: Page,
    }
    refused::<Visit>(&["Visit", "flatten", "describe itself"]);
}

#[test]
fn b52_a_flattened_field_that_would_take_an_empty_map() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(default)]
        user: Option<u64>,
        #[serde(flatten)]
        page: Page,
    }
    refused::<Visit>(&["Visit", "flatten"]);
    refused::<Vec<Option<Visit>>>(&["[]", "flatten"]);
}

#[test]
fn b52_a_flattened_map() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(flatten)]
        rest: HashMap<String, u32>,
    }
    refused::<Visit>(&["Visit", "flatten"]);
}

#[test]
fn b52_an_untagged_enum() {
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Name(String),
    }
    refused::<(u8, Id)>(&[".1`", "untagged", "externally tagged"]);
}

#[test]
fn b52_one_untagged_variant() {
    #[derive(Serialize, Deserialize)]
    enum Id {
        Number(u64),
        #[serde(untagged)]
        Other(String),
    }
    refused::<Option<Id>>(&["untagged"]);
}

#[test]
fn b52_a_flattened_field_of_a_variant() {
    #[derive(Serialize, Deserialize)]
    enum Event {
        Seen {
            #[serde(flatten)]
            page: Page,
        },
    }
    refused::<Event>(&["Event::Seen", "flatten"]);
}

#[test]
fn b52_an_internally_tagged_enum() {
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Event {
        Click { x: u32 },
        Key { code: u32 },
    }
    refused::<Vec<Event>>(&["Vec<Event>[]", "serde(tag = ...)"]);
}

#[test]
fn b52_an_adjacently_tagged_enum() {
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind", content = "of")]
    enum Event {
        Click(u32),
        Key(String),
    }
    refused::<Event>(&["`Event.kind`", "serde(tag = ...)"]);
}

#[test]
fn b52_an_adjacently_tagged_enum_with_a_unit_variant() {
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind", content = "of")]
    enum Event {
        Nothing,
        Click(u32),
    }
    refused::<Event>(&["Event"]);
}

// --- Two sides that differ ---

#[derive(Serialize, Deserialize)]
struct Skipping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    admin: bool,
}

#[test]
fn b52_a_field_that_is_left_out_when_it_is_none() {
    refused::<Skipping>(&["Skipping", "`note`", "skip_serializing_if"]);
    refused::<HashMap<u8, Skipping>>(&["{value}", "`note`"]);
}

fn is_seven(number: &u8) -> bool {
    *number == 7
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Luck {
    #[serde(default, skip_serializing_if = "is_seven")]
    luck: u8,
    admin: bool,
}

#[derive(Serialize, Deserialize)]
enum Lucky {
    Yes {
        #[serde(default, skip_serializing_if = "is_seven")]
        luck: u8,
    },
}

#[test]
fn b52_a_field_that_is_left_out_for_a_value_never_seen_while_tracing() {
    not_written(&Luck { luck: 7, admin: false }, &["`Luck`", "`luck`", "left out"]);
    not_written(&vec![(1_u8, Luck { luck: 7, admin: false })], &["[].1`", "`luck`"]);
    not_written(&Lucky::Yes { luck: 7 }, &["`Lucky::Yes`", "`luck`"]);
}

#[test]
fn b52_a_value_of_the_same_type_that_leaves_nothing_out_is_sealed() {
    let schema = Schema::<Luck>::trace().unwrap();
    let mut out = Vec::new();
    schema.encode_into(&Luck { luck: 8, admin: true }, &mut out).unwrap();
    assert_eq!(schema.decode(&out).unwrap(), Luck { luck: 8, admin: true });
}

#[test]
fn b52_a_field_that_is_only_read() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(skip_serializing)]
        #[allow(dead_code)]
        user: u64,
        admin: bool,
    }
    refused::<Visit>(&["Visit", "`user` is on one side only", "skip_serializing"]);
}

#[test]
fn b52_a_field_that_is_only_written() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(skip_deserializing)]
        user: u64,
        admin: bool,
    }
    refused::<Visit>(&["Visit", "`user` is on one side only", "skip_deserializing"]);
}

#[test]
fn b52_a_field_with_two_names() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(rename(serialize = "user", deserialize = "admin"))]
        user: u64,
    }
    refused::<Visit>(&["`admin` are deserialized", "`user` are serialized"]);
}

#[test]
fn b52_fields_that_swap_their_names() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(rename(serialize = "a", deserialize = "b"))]
        one: u64,
        #[serde(rename(serialize = "b", deserialize = "a"))]
        other: u64,
    }
    refused::<Visit>(&["`b`, `a` are deserialized", "`a`, `b` are serialized"]);
}

#[test]
fn b52_a_variant_with_two_names() {
    #[derive(Serialize, Deserialize)]
    enum Role {
        #[serde(rename(serialize = "guest", deserialize = "admin"))]
        Guest,
    }
    refused::<Role>(&["Role::guest", "`guest`, which is not deserialized"]);
}

#[test]
fn b52_a_skipped_variant_that_others_follow() {
    #[derive(Serialize, Deserialize)]
    enum Role {
        Guest,
        #[serde(skip)]
        #[allow(dead_code)]
        Internal,
        Admin,
    }
    refused::<Role>(&["Role", "variant number 1 is deserialized, number 2 is serialized"]);
}

#[test]
fn b52_a_skipped_variant_before_the_one_for_all_others() {
    #[derive(Serialize, Deserialize)]
    enum Role {
        Guest,
        #[serde(skip)]
        #[allow(dead_code)]
        Internal,
        #[serde(other)]
        Other,
    }
    refused::<Role>(&["variant number 1 is deserialized, number 2 is serialized"]);
}

#[test]
fn b52_a_variant_that_is_only_read() {
    #[derive(Serialize, Deserialize)]
    enum Role {
        Guest,
        #[serde(skip_serializing)]
        Old,
    }
    refused::<Role>(&["Role", "can't be serialized"]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Trailing {
    Guest,
    #[serde(skip)]
    Internal,
}

#[test]
fn b52_a_skipped_last_variant_is_never_sealed() {
    not_written(&Trailing::Internal, &["Trailing"]);
}

#[test]
fn b52_a_last_variant_that_is_only_written() {
    #[derive(Serialize, Deserialize)]
    enum Role {
        Guest,
        #[serde(skip_deserializing)]
        Internal,
    }
    not_written(&Role::Internal, &["`Internal` (number 1)", "is never deserialized"]);
}

#[test]
fn b52_a_type_written_as_text_and_read_as_a_number() {
    #[derive(Deserialize)]
    struct Id(u64);
    impl Serialize for Id {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&self.0)
        }
    }
    refused::<Vec<Id>>(&["Vec<Id>[]", "u64 is deserialized, str is serialized"]);
}

#[test]
fn b52_an_into_without_its_from() {
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(into = "String")]
    struct Id {
        id: u64,
    }
    impl From<Id> for String {
        fn from(id: Id) -> String {
            id.id.to_string()
        }
    }
    refused::<Id>(&["struct is deserialized, str is serialized", "`into`"]);
}

#[test]
fn b52_a_serialize_with_on_one_side_of_an_option() {
    fn nothing<S: Serializer>(_: &Option<u8>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_some("text")
    }
    #[derive(Serialize, Deserialize)]
    struct Visit {
        first: Option<u8>,
        #[serde(serialize_with = "nothing")]
        second: Option<u8>,
    }
    refused::<Visit>(&["Visit.second", "u8 is deserialized, str is serialized"]);
}

#[test]
fn b52_a_list_written_as_a_tuple() {
    fn tuple<S: Serializer>(list: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        <[u8; 1]>::try_from(list).unwrap_or_default().serialize(serializer)
    }
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(serialize_with = "tuple")]
        list: Vec<u8>,
    }
    refused::<Visit>(&["Visit.list", "seq is deserialized, tuple is serialized"]);
}

/// Written by hand, so that what is written can depend on the value.
#[derive(Deserialize)]
struct ByHand {
    how: u8,
    #[allow(dead_code)]
    admin: bool,
}

impl Serialize for ByHand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.how == 1 {
            return serializer.serialize_unit();
        }
        let mut fields = serializer.serialize_struct("ByHand", 2)?;
        match self.how {
            2 => {
                fields.serialize_field("admin", &true)?;
                fields.serialize_field("how", &self.how)?;
            }
            3 => fields.serialize_field("how", &self.how)?,
            4 => {
                fields.serialize_field("how", &self.how)?;
                fields.serialize_field("admin", &true)?;
                fields.serialize_field("admin", &true)?;
            }
            5 => {
                fields.serialize_field("how", &u16::from(self.how))?;
                fields.serialize_field("admin", &true)?;
            }
            6 => return Err(serde::ser::Error::custom("the secret is 1234")),
            _ => {
                fields.serialize_field("how", &self.how)?;
                fields.serialize_field("admin", &true)?;
            }
        }
        fields.end()
    }
}

#[test]
fn b52_what_depends_on_the_value_is_found_by_the_writer() {
    let by_hand = |how| ByHand { how, admin: false };
    not_written(&by_hand(1), &["struct was expected, unit was serialized"]);
    not_written(&by_hand(2), &["the field `how` was expected, `admin` was serialized"]);
    not_written(&by_hand(3), &["2 elements were expected, 1 were serialized"]);
    not_written(&by_hand(4), &["2 elements were expected, 3 were serialized"]);
    not_written(&by_hand(5), &["`ByHand.how`", "u8 was expected, u16 was serialized"]);
}

#[test]
fn b52_an_error_never_shows_a_value() {
    let schema = Schema::<ByHand>::trace().unwrap();
    let error = schema.encode_into(&ByHand { how: 6, admin: false }, &mut Vec::new()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("1234"));
}

/// A list that announces another length than it has.
#[derive(Deserialize)]
struct Liar(Vec<u8>);

impl Serialize for Liar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let announced = if self.0.len() == 2 { 3 } else { self.0.len() };
        let mut seq = serializer.serialize_seq((self.0.len() != 3).then_some(announced))?;
        self.0.iter().try_for_each(|byte| seq.serialize_element(byte))?;
        seq.end()
    }
}

#[test]
fn b52_a_length_that_is_wrong_or_unknown() {
    not_written(&Liar(vec![0; 2]), &["3 elements were expected, 2 were serialized"]);
    not_written(&Liar(vec![0; 3]), &["length was not known"]);
}

#[test]
fn b52_one_visitor_for_two_shapes() {
    fn either<'de, D: Deserializer<'de>>(deserializer: D, wide: bool) -> Result<u64, D::Error> {
        struct Any(bool);
        impl<'de> serde::de::Visitor<'de> for Any {
            type Value = u64;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number in a tuple")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<u64, A::Error> {
                let number = if self.0 {
                    seq.next_element::<u64>()?
                } else {
                    seq.next_element::<u8>()?.map(u64::from)
                };
                number.ok_or_else(|| serde::de::Error::custom("none"))
            }
        }
        deserializer.deserialize_tuple(1, Any(wide))
    }
    struct Wide(u64);
    struct Narrow(u8);
    impl Serialize for Wide {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            (self.0,).serialize(serializer)
        }
    }
    impl Serialize for Narrow {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            (self.0,).serialize(serializer)
        }
    }
    impl<'de> Deserialize<'de> for Wide {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            either(deserializer, true).map(Wide)
        }
    }
    impl<'de> Deserialize<'de> for Narrow {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            either(deserializer, false).map(|number| Narrow(number as u8))
        }
    }
    Schema::<Wide>::trace().unwrap();
    Schema::<Narrow>::trace().unwrap();
    refused::<(Wide, Narrow)>(&["no single shape", "the same visitor"]);
}

#[test]
fn b52_two_numbers_that_change_places() {
    #[derive(Deserialize)]
    struct Rights {
        level: u32,
        limit: u32,
    }
    impl Serialize for Rights {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Rights", 2)?;
            fields.serialize_field("level", &self.limit)?;
            fields.serialize_field("limit", &self.level)?;
            fields.end()
        }
    }
    refused::<Vec<Rights>>(&["Vec<Rights>[]", "read in one order and written in another"]);
}

#[test]
fn b52_two_numbers_that_a_type_brings_into_its_own_order_are_no_fault() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(from = "(u8, u8)", into = "(u8, u8)")]
    struct Descending(u8, u8);
    impl From<(u8, u8)> for Descending {
        fn from((one, other): (u8, u8)) -> Self {
            Self(one.max(other), one.min(other))
        }
    }
    impl From<Descending> for (u8, u8) {
        fn from(pair: Descending) -> Self {
            (pair.0, pair.1)
        }
    }
    Schema::<Descending>::trace().unwrap();
}

// --- Types that can't be traced ---

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct OrderId(String);

impl TryFrom<String> for OrderId {
    type Error = &'static str;
    fn try_from(id: String) -> Result<Self, Self::Error> {
        if id.starts_with("order-") { Ok(Self(id)) } else { Err("not an order") }
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> String {
        id.0
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Visit {
    views: u32,
    order: Option<OrderId>,
    history: Vec<OrderId>,
}

#[test]
fn b52_a_text_with_a_rule_of_its_own() {
    refused::<OrderId>(&["OrderId", "not an order", "Samples::default().with(&value)"]);
    refused::<Visit>(&["`Visit.", "OrderId", "not an order"]);
}

#[test]
fn b52_a_text_with_a_rule_of_its_own_traces_with_a_sample() {
    let visit = Visit { views: 3, order: Some(OrderId("order-17".into())), history: vec![] };
    let by_part = Schema::<Visit>::trace_with(&Samples::default().with(&OrderId("order-17".into()))).unwrap();
    let by_whole = Schema::<Visit>::trace_with(&Samples::default().with(&7_u8).with(&visit)).unwrap();
    assert_eq!(by_part.fingerprint(), by_whole.fingerprint());

    #[derive(Serialize, Deserialize)]
    struct Plain {
        views: u32,
        order: Option<String>,
        history: Vec<String>,
    }
    assert_eq!(by_part.fingerprint(), Fingerprint::of::<Plain>().unwrap());

    let mut out = Vec::new();
    by_part.encode_into(&visit, &mut out).unwrap();
    assert_eq!(by_part.decode(&out).unwrap(), visit);
}

/// Two parts that must fit each other: no one part alone can be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
struct Signed(Parts);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Parts {
    text: String,
    sum: u32,
}

impl TryFrom<Parts> for Signed {
    type Error = &'static str;
    fn try_from(parts: Parts) -> Result<Self, Self::Error> {
        let sum = parts.text.bytes().map(u32::from).fold(31337_u32, |sum, byte| sum.wrapping_mul(31) + byte);
        if parts.sum == sum { Ok(Self(parts)) } else { Err("the sum is wrong") }
    }
}

impl From<Signed> for Parts {
    fn from(signed: Signed) -> Parts {
        signed.0
    }
}

#[test]
fn b52_parts_that_must_fit_each_other_trace_with_a_sample() {
    refused::<Vec<Signed>>(&["Signed", "the sum is wrong"]);
    let sum = "ada".bytes().map(u32::from).fold(31337_u32, |sum, byte| sum.wrapping_mul(31) + byte);
    let signed = Signed(Parts { text: "ada".into(), sum });
    let schema = Schema::<Vec<Signed>>::trace_with(&Samples::default().with(&signed)).unwrap();
    assert_eq!(schema.fingerprint(), Fingerprint::of::<Vec<Parts>>().unwrap());
}

#[test]
fn b52_samples_and_their_order_leave_the_fingerprint_alone() {
    let plain = Fingerprint::of::<Page>().unwrap();
    let samples = Samples::default().with("order-17").with(&Page { number: Some(9) }).with(&[1, 2]);
    let reordered = Samples::default().with(&[1, 2]).with(&Page { number: Some(9) }).with("order-17");
    assert_eq!(Schema::<Page>::trace_with(&samples).unwrap().fingerprint(), plain);
    assert_eq!(Schema::<Page>::trace_with(&reordered).unwrap().fingerprint(), plain);
}

#[test]
fn b52_a_sample_that_can_not_be_serialized() {
    let samples = Samples::default().with(&Skipping { note: None, admin: true });
    let error = Schema::<u8>::trace_with(&samples).unwrap_err().to_string();
    assert!(error.contains("sample") && error.contains("`note`"), "{error}");
}

#[test]
fn b52_a_type_without_values() {
    #[derive(Serialize, Deserialize)]
    enum Never {}
    refused::<Never>(&["Never"]);
}

#[test]
fn b52_a_type_without_an_end() {
    #[derive(Serialize, Deserialize)]
    struct Endless {
        more: Box<Endless>,
    }
    refused::<Endless>(&["Endless.more.more", "recursive without an end"]);
}

#[test]
fn an_enum_that_accepts_every_index_is_rejected() {
    struct Number(u32);
    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit_variant("Number", self.0, "N")
        }
    }
    impl<'de> Deserialize<'de> for Number {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Any;
            impl<'de> serde::de::Visitor<'de> for Any {
                type Value = Number;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("any number")
                }
                fn visit_enum<A: serde::de::EnumAccess<'de>>(self, data: A) -> Result<Number, A::Error> {
                    let (number, content) = data.variant::<u32>()?;
                    serde::de::VariantAccess::unit_variant(content)?;
                    Ok(Number(number))
                }
            }
            deserializer.deserialize_enum("Number", &[], Any)
        }
    }
    refused::<Vec<Number>>(&["Vec<Number>[]", "new options or variants"]);
}

#[test]
fn b52_an_error_that_a_type_makes_light_of() {
    fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OrderId>, D::Error> {
        Ok(OrderId::deserialize(deserializer).ok())
    }
    #[derive(Serialize, Deserialize)]
    struct Visit {
        #[serde(deserialize_with = "lenient")]
        order: Option<OrderId>,
    }
    refused::<Visit>(&["Visit.order"]);
}

#[test]
fn a_payload_is_read_to_its_very_end() {
    let schema = Schema::<(bool, String)>::trace().unwrap();
    let mut out = Vec::new();
    schema.encode_into(&(true, "ada".into()), &mut out).unwrap();
    for cut in 0..out.len() {
        assert!(!schema.decode(&out[..cut]).unwrap_err().is_left_over());
    }
    out.push(0);
    assert!(schema.decode(&out).unwrap_err().is_left_over());
}
