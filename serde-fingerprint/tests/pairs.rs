//! Types have the same fingerprint if and only if they have the same shape (B50).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_fingerprint::Fingerprint;

fn of<T: Serialize + DeserializeOwned>() -> Fingerprint {
    Fingerprint::of::<T>().unwrap_or_else(|error| panic!("{error}"))
}

/// The fingerprint of the `T` among the items.
macro_rules! shape {
    ($($item:item)*) => {{
        $(
            #[derive(Serialize, Deserialize)]
            #[allow(dead_code)]
            $item
        )*
        of::<T>()
    }};
}

type Pair = (&'static str, Fingerprint, Fingerprint);

#[test]
#[rustfmt::skip]
fn b50_types_of_different_shapes_have_different_fingerprints() {
    let pairs: &[Pair] = &[
        // Fields
        ("fields reordered", shape!(struct T { a: u8, b: u8 }), shape!(struct T { b: u8, a: u8 })),
        ("a field renamed", shape!(struct T { a: u8 }), shape!(struct T { b: u8 })),
        ("a field renamed for serde", shape!(struct T { a: u8 }), shape!(struct T { #[serde(rename = "b")] a: u8 })),
        ("all fields renamed for serde", shape!(struct T { one_two: u8 }), shape!(#[serde(rename_all = "camelCase")] struct T { one_two: u8 })),
        ("a field added", shape!(struct T { a: u8 }), shape!(struct T { a: u8, b: u8 })),
        ("a field of no bytes added", shape!(struct T { a: u8 }), shape!(struct T { a: u8, b: () })),
        ("a field added with a default", shape!(struct T { a: u8 }), shape!(struct T { a: u8, #[serde(default)] b: u8 })),
        ("a field no longer skipped", shape!(struct T { a: u8, #[serde(skip)] b: u8 }), shape!(struct T { a: u8, b: u8 })),
        ("types of fields swapped", shape!(struct T { a: u8, b: bool }), shape!(struct T { a: bool, b: u8 })),
        ("a name's end moved to the next", shape!(struct T { ab: u8, c: u8 }), shape!(struct T { a: u8, bc: u8 })),
        ("a name that holds the next one's encoding", shape!(struct T { #[serde(rename = "a\u{7}\0\0\0\u{1}b")] a: u8 }), shape!(struct T { a: u8, b: u8 })),
        ("another case", shape!(struct T { a: u8 }), shape!(struct T { #[serde(rename = "A")] a: u8 })),
        // Scalars
        ("a wider number", of::<u32>(), of::<u64>()),
        ("a sign", of::<u8>(), of::<i8>()),
        ("a bool for a byte", of::<u8>(), of::<bool>()),
        ("a float for its bits", of::<u32>(), of::<f32>()),
        ("a double float", of::<f32>(), of::<f64>()),
        ("a char for a text", of::<char>(), of::<String>()),
        ("a char for a number", of::<char>(), of::<u32>()),
        ("bytes for a text", of::<std::ffi::CString>(), of::<String>()),
        ("bytes for a list of bytes", of::<std::ffi::CString>(), of::<Vec<u8>>()),
        ("a text for a list of bytes", of::<String>(), of::<Vec<u8>>()),
        ("nothing for an empty tuple of none", of::<()>(), of::<[u8; 0]>()),
        ("a wide number for a wider one", of::<u64>(), of::<u128>()),
        ("a wide signed number for a wider one", of::<i64>(), of::<i128>()),
        ("a short number for a shorter one", of::<i16>(), of::<i8>()),
        // Depth
        ("the type of a field at depth", shape!(struct T { a: Vec<Option<(u8, u8)>> }), shape!(struct T { a: Vec<Option<(u8, i8)>> })),
        ("the name of a field at depth", shape!(struct T { a: Vec<U> } struct U { b: u8 }), shape!(struct T { a: Vec<U> } struct U { c: u8 })),
        ("a field moved out of a list", shape!(struct T { list: Vec<U>, admin: bool } struct U { id: u8 }), shape!(struct T { list: Vec<U> } struct U { id: u8, admin: bool })),
        ("a field moved into a struct", shape!(struct T { u: U, b: u8 } struct U { a: u8 }), shape!(struct T { u: U } struct U { a: u8, b: u8 })),
        ("a struct flattened by hand", shape!(struct T { u: U } struct U { a: u8 }), shape!(struct T { a: u8 })),
        ("one of two equal structs changed", shape!(struct T { a: U, b: U } struct U { x: u8 }), shape!(struct T { a: U, b: V } struct U { x: u8 } struct V { y: u8 })),
        // Options and collections
        ("an option", of::<u8>(), of::<Option<u8>>()),
        ("a second option", of::<Option<u8>>(), of::<Option<Option<u8>>>()),
        ("a list for an option", of::<Option<u8>>(), of::<Vec<u8>>()),
        ("an option moved into a list", of::<Option<Vec<u8>>>(), of::<Vec<Option<u8>>>()),
        ("a map for a list of pairs", of::<BTreeMap<u8, u16>>(), of::<Vec<(u8, u16)>>()),
        ("key and value swapped", of::<BTreeMap<u8, u16>>(), of::<BTreeMap<u16, u8>>()),
        ("a set for a map to nothing", of::<HashSet<u8>>(), of::<HashMap<u8, ()>>()),
        ("a list of lists", of::<Vec<u8>>(), of::<Vec<Vec<u8>>>()),
        // Tuples
        ("a tuple for a struct", shape!(struct T(u8, u8);), shape!(struct T { a: u8, b: u8 })),
        ("an array's length", of::<[u8; 3]>(), of::<[u8; 4]>()),
        ("a list for an array", of::<Vec<u8>>(), of::<[u8; 4]>()),
        ("a tuple's order", of::<(u8, u16)>(), of::<(u16, u8)>()),
        ("a tuple nested to the left", of::<((u8, u8), u8)>(), of::<(u8, (u8, u8))>()),
        ("a tuple made flat", of::<(u8, (u8, u8))>(), of::<(u8, u8, u8)>()),
        ("a tuple of one", of::<(u8,)>(), of::<u8>()),
        ("a struct of one", shape!(struct T { a: u8 }), of::<u8>()),
        // Enums
        ("variants reordered", shape!(enum T { A, B }), shape!(enum T { B, A })),
        ("a variant renamed", shape!(enum T { A, B }), shape!(enum T { A, C })),
        ("a variant renamed for serde", shape!(enum T { A }), shape!(enum T { #[serde(rename = "a")] A })),
        ("a variant added at the end", shape!(enum T { A }), shape!(enum T { A, B })),
        ("a variant added in front", shape!(enum T { B }), shape!(enum T { A, B })),
        ("a variant that takes a value", shape!(enum T { A }), shape!(enum T { A(u8) })),
        ("a variant that takes nothing, in brackets", shape!(enum T { A }), shape!(enum T { A() })),
        ("a variant that takes no fields, in braces", shape!(enum T { A }), shape!(enum T { A {} })),
        ("a variant with a name for its value", shape!(enum T { A(u8) }), shape!(enum T { A { a: u8 } })),
        ("a variant with one value or two", shape!(enum T { A(u8) }), shape!(enum T { A(u8, u8) })),
        ("a variant with a pair or two values", shape!(enum T { A((u8, u8)) }), shape!(enum T { A(u8, u8) })),
        ("a variant's fields reordered", shape!(enum T { A { a: u8, b: u8 } }), shape!(enum T { A { b: u8, a: u8 } })),
        ("the contents of variants swapped", shape!(enum T { A(u8), B(u16) }), shape!(enum T { A(u16), B(u8) })),
        ("the last variant's content", shape!(enum T { A, B(Vec<u8>) }), shape!(enum T { A, B(Vec<u16>) })),
        ("a result for an option", of::<Option<u8>>(), of::<Result<u8, ()>>()),
        ("a bool for an enum of two", of::<bool>(), shape!(enum T { A, B })),
        ("an option for an enum like it", of::<Option<u8>>(), shape!(enum T { None, Some(u8) })),
        ("a struct for an enum of one variant", shape!(struct T { a: u8 }), shape!(enum T { T { a: u8 } })),
        // Recursion
        ("a list's value", shape!(struct T { v: u8, next: Option<Box<T>> }), shape!(struct T { v: u16, next: Option<Box<T>> })),
        ("a list for a chain", shape!(struct T { next: Option<Box<T>> }), shape!(struct T { next: Vec<T> })),
        ("a chain of one for an endless one", shape!(struct T { next: Option<Box<U>> } struct U { v: u8 }), shape!(struct T { next: Option<Box<T>> })),
        ("recursion to the outer or the inner", shape!(struct T { u: Option<Box<U>> } struct U { u: Option<Box<U>> , n: u8 }), shape!(struct T { u: Option<Box<U>> } struct U { u: Option<Box<T>>, n: u8 })),
        ("a second branch", shape!(enum T { N(Box<T>), L }), shape!(enum T { N(Box<T>, Box<T>), L })),
        ("recursion in another variant", shape!(enum T { A(Box<T>), B(u8), C }), shape!(enum T { A(u8), B(Box<T>), C })),
        ("mutual recursion swapped", shape!(struct T { a: Vec<U> } struct U { b: Vec<T> }), shape!(struct T { b: Vec<U> } struct U { a: Vec<T> })),
        ("a map to itself", shape!(struct T { m: BTreeMap<String, T> }), shape!(struct T { m: BTreeMap<String, ()> })),
    ];
    assert!(pairs.len() >= 60);
    for (what, one, other) in pairs {
        assert_ne!(one, other, "{what}");
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
struct Converted(String);

impl From<u64> for Converted {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

impl From<Converted> for u64 {
    fn from(converted: Converted) -> Self {
        converted.0.len() as u64
    }
}

#[test]
#[rustfmt::skip]
fn b50_types_of_the_same_shape_have_the_same_fingerprint() {
    let pairs: &[Pair] = &[
        ("the type renamed", shape!(struct T { a: u8 }), { #[derive(Serialize, Deserialize)] struct V1 { a: u8 } of::<V1>() }),
        ("the type renamed for serde", shape!(struct T { a: u8 }), shape!(#[serde(rename = "V1")] struct T { a: u8 })),
        ("a type inside renamed", shape!(struct T { a: U } enum U { X }), shape!(struct T { a: V } enum V { X })),
        ("an alias", shape!(struct T { a: u8, b: u8 }), shape!(struct T { #[serde(alias = "c", alias = "0")] a: u8, #[serde(alias = "z")] b: u8 })),
        ("an alias of a variant", shape!(enum T { A, B }), shape!(enum T { #[serde(alias = "Z")] A, B })),
        ("an old name kept by renaming", shape!(struct T { old: u8 }), shape!(struct T { #[serde(rename = "old")] new: u8 })),
        ("a default", shape!(struct T { a: u8 }), shape!(#[serde(default)] #[derive(Default)] struct T { a: u8 })),
        ("a field skipped on both sides", shape!(struct T { a: u8 }), shape!(struct T { #[serde(skip)] x: u8, a: u8 })),
        ("a last variant skipped on both sides", shape!(enum T { A }), shape!(enum T { A, #[serde(skip)] B })),
        ("a variant for all others", shape!(enum T { A, B }), shape!(enum T { A, #[serde(other)] B })),
        ("unknown fields denied", shape!(struct T { a: u8 }), shape!(#[serde(deny_unknown_fields)] struct T { a: u8 })),
        ("a newtype", of::<u64>(), shape!(struct T(u64);)),
        ("a newtype inside", shape!(struct T { id: u64 }), shape!(struct T { id: Id } struct Id(u64);)),
        ("a newtype in a newtype", of::<Vec<String>>(), shape!(struct T(Vec<U>); struct U(V); struct V(String);)),
        ("a transparent struct", of::<u64>(), shape!(#[serde(transparent)] struct T { id: u64 })),
        ("a conversion", of::<u64>(), of::<Converted>()),
        ("a generic parameter's name", { #[derive(Serialize, Deserialize)] struct G<A> { a: A } of::<G<u8>>() }, { #[derive(Serialize, Deserialize)] struct G<B> { a: B } of::<G<u8>>() }),
        ("a generic filled in", { #[derive(Serialize, Deserialize)] struct G<A> { a: A } of::<G<u8>>() }, shape!(struct T { a: u8 })),
        ("a unit struct", of::<()>(), shape!(struct T;)),
        ("a phantom", of::<()>(), of::<std::marker::PhantomData<u8>>()),
        ("a tuple struct", of::<(u8, u16)>(), shape!(struct T(u8, u16);)),
        ("an array for a tuple of equals", of::<(u8, u8)>(), of::<[u8; 2]>()),
        ("a box", of::<String>(), of::<Box<str>>()),
        ("a cow", of::<String>(), of::<std::borrow::Cow<'static, str>>()),
        ("another list", of::<Vec<u8>>(), of::<VecDeque<u8>>()),
        ("a set for a list", of::<Vec<u8>>(), of::<HashSet<u8>>()),
        ("another map", of::<BTreeMap<u8, u8>>(), of::<HashMap<u8, u8>>()),
        ("a platform's number", of::<usize>(), of::<u64>()),
        ("a platform's signed number", of::<isize>(), of::<i64>()),
        ("a number that is not zero", of::<u32>(), of::<std::num::NonZeroU32>()),
        ("recursion under another name", shape!(struct T { v: Vec<T> }), { #[derive(Serialize, Deserialize)] struct V1 { v: Vec<V1> } of::<V1>() }),
        ("recursion through a box or a newtype", shape!(enum T { N(Box<T>), L }), shape!(enum T { N(Boxed), L } struct Boxed(Box<T>);)),
        ("recursion unrolled once", shape!(struct T { v: Option<Box<T>> }), shape!(struct T { v: Option<Box<U>> } struct U { v: Option<Box<U>> })),
        ("recursion by way of a twin", shape!(struct T { v: Option<Box<T>> }), shape!(struct T { v: Option<Box<U>> } struct U { v: Option<Box<T>> })),
        ("a result written by hand", of::<Result<u8, String>>(), shape!(enum T { Ok(u8), Err(String) })),
        ("a text behind a check", of::<String>(), of::<url::Url>()),
        ("a date as text", of::<String>(), of::<chrono::NaiveDate>()),
    ];
    for (what, one, other) in pairs {
        assert_eq!(one, other, "{what}");
    }
}
