//! A deserializer around another one that bounds the work that a payload can cause, and for MessagePack also checks
//! what kind of value stands where.
//!
//! A payload is authentic, but its content is a visitor's. Without these bounds, a list that holds a list that holds
//! a list would overflow the stack, and eight bytes could announce 2^60 elements that take no bytes.
//!
//! Everything here is generic and inlined: around postcard, a scalar is read by postcard's own method, and only
//! composites pass through a [`Bounded`].

use std::cell::Cell;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// The deepest nesting that is written or read, in options, lists, maps, tuples, structs and variants with content.
/// A newtype struct does not count: it adds no level of its own to any value.
pub(crate) const MAX_DEPTH: u8 = 128;

/// The bounds of one payload.
pub(crate) struct Bounds {
    /// Elements that lists and maps may still announce. It starts with the number of bytes, and elements other than
    /// units take at least one; without it, lists of lists of units would cost the square of a payload's length.
    elements: Cell<usize>,
    /// The number of fields that the outermost struct has in this payload, if that is fewer than its type has.
    prefix: Option<usize>,
}

impl Bounds {
    /// Bounds for a payload of this many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { elements: Cell::new(bytes), prefix: None }
    }

    /// Bounds for a payload whose outermost struct ends after `fields` of its fields.
    pub(crate) fn with_prefix(bytes: usize, fields: usize) -> Self {
        Self { elements: Cell::new(bytes), prefix: Some(fields) }
    }
}

/// The values that a visitor must not be given, though it would take them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Any,
    /// Anything that serde is about to buffer. Bytes become a list of numbers, as they are in JSON: a buffer would
    /// otherwise read them as text where text comes first.
    Buffered,
    /// Text: bytes are rejected, which the standard library's types would take.
    Text,
    /// A list, whose length is announced.
    List,
    /// Names with values: a list of values alone is rejected.
    Fields,
    /// A name: a number is rejected, which derived implementations would take for a field's or variant's index.
    Name,
}

/// A place in a payload: how much deeper it may go, and what it may hold.
#[derive(Clone, Copy)]
struct Place<'b> {
    bounds: &'b Bounds,
    levels: u8,
    expect: Expect,
}

impl Place<'_> {
    #[inline]
    fn expecting(self, expect: Expect) -> Self {
        Self { expect, ..self }
    }

    #[inline]
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, expect: Expect::Any, ..self }),
            None => Err(rejected("it is nested too deep")),
        }
    }

    /// Takes the elements of a list or a map from what is left of them.
    #[inline]
    fn announce<E: Error>(self, len: Option<usize>) -> Result<(), E> {
        match len.and_then(|len| self.bounds.elements.get().checked_sub(len)) {
            Some(left) => {
                self.bounds.elements.set(left);
                Ok(())
            }
            None => Err(rejected("more elements are announced than bytes are left")),
        }
    }
}

/// Kept out of line, so that the way without an error stays short.
#[cold]
#[inline(never)]
fn rejected<E: Error>(why: &str) -> E {
    E::custom(why)
}

/// The deserializer. `NAMED` is for formats that describe themselves, where a type could be read from another kind
/// of value than it was written as.
pub(crate) struct Bounded<'b, D, const NAMED: bool> {
    inner: D,
    place: Place<'b>,
}

impl<'b, D, const NAMED: bool> Bounded<'b, D, NAMED> {
    pub(crate) fn new(inner: D, bounds: &'b Bounds) -> Self {
        Self { inner, place: Place { bounds, levels: MAX_DEPTH, expect: Expect::Any } }
    }
}

/// A visitor or a seed, with the place that it is to be given.
struct At<'b, T, const NAMED: bool> {
    inner: T,
    place: Place<'b>,
}

/// Elements, entries or a variant, with the place that they are in.
struct Access<'b, A, const NAMED: bool> {
    inner: A,
    place: Place<'b>,
}

macro_rules! scalars {
    ($expect:ident: $($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            if NAMED {
                let place = self.place.expecting(Expect::$expect);
                return self.inner.$method(At::<V, NAMED> { inner: visitor, place });
            }
            self.inner.$method(visitor)
        }
    )*};
}

macro_rules! wide {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            if NAMED { self.inner.deserialize_any(Wide(visitor)) } else { self.inner.$method(visitor) }
        }
    )*};
}

macro_rules! composites {
    ($($method:ident $expect:ident ($($name:ident: $type:ty),*));* $(;)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let place = self.place.expecting(Expect::$expect);
            self.inner.$method($($name,)* At::<V, NAMED> { inner: visitor, place })
        }
    )*};
}

impl<'de, D: Deserializer<'de>, const NAMED: bool> Deserializer<'de> for Bounded<'_, D, NAMED> {
    type Error = D::Error;

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    scalars! {
        Any: deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_ignored_any
    }

    scalars! { Text: deserialize_str deserialize_string }

    scalars! { Buffered: deserialize_any }

    wide! { deserialize_i128 deserialize_u128 }

    composites! {
        deserialize_option Any ();
        deserialize_newtype_struct Any (name: &'static str);
        deserialize_unit_struct Any (name: &'static str);
        deserialize_seq List ();
        deserialize_tuple Any (len: usize);
        deserialize_tuple_struct Any (name: &'static str, len: usize);
        deserialize_map Fields ();
        deserialize_identifier Name ();
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let place = self.place.expecting(Expect::Fields);
        let visitor = At::<V, NAMED> { inner: visitor, place };
        if NAMED {
            return self.inner.deserialize_struct(name, fields, visitor);
        }
        // postcard reads a struct as a tuple. The outermost struct is the first composite that is read.
        let len = match place.bounds.prefix {
            Some(prefix) if place.levels == MAX_DEPTH => prefix,
            _ => fields.len(),
        };
        self.inner.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, place } = self;
        if NAMED {
            return inner.deserialize_any(Variant { visitor, place });
        }
        inner.deserialize_enum(name, variants, At::<V, NAMED> { inner: visitor, place })
    }
}

impl<'de, S: DeserializeSeed<'de>, const NAMED: bool> DeserializeSeed<'de> for At<'_, S, NAMED> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Bounded::<D, NAMED> { inner: deserializer, place: self.place })
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty),*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            if NAMED && self.place.expect == Expect::Name {
                return Err(rejected("a name was expected"));
            }
            self.inner.$method(value)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident $type:ty),*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! bytes {
    ($($method:ident $type:ty),*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            match self.place.expect {
                Expect::Text | Expect::Name if NAMED => Err(rejected("text was expected, not bytes")),
                Expect::Buffered if NAMED => {
                    self.inner.visit_seq(SeqDeserializer::new(value.iter().copied()))
                }
                _ => self.inner.$method(value),
            }
        }
    )*};
}

impl<'de, V: Visitor<'de>, const NAMED: bool> Visitor<'de> for At<'_, V, NAMED> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    numbers! {
        visit_bool bool, visit_i8 i8, visit_i16 i16, visit_i32 i32, visit_i64 i64, visit_i128 i128, visit_u8 u8,
        visit_u16 u16, visit_u32 u32, visit_u64 u64, visit_u128 u128, visit_f32 f32, visit_f64 f64
    }

    texts! { visit_char char, visit_str &str, visit_borrowed_str &'de str, visit_string String }

    bytes! { visit_bytes &[u8], visit_borrowed_bytes &'de [u8], visit_byte_buf Vec<u8> }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let place = self.place.deeper()?;
        self.inner.visit_some(Bounded::<D, NAMED> { inner, place })
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Bounded::<D, NAMED> { inner, place: self.place })
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let place = self.place.deeper()?;
        match self.place.expect {
            Expect::Fields if NAMED => return Err(rejected("a list of values has no field names")),
            // For a list, postcard gives no hint of a length above the number of bytes that are left.
            Expect::List => place.announce(inner.size_hint())?,
            _ => {}
        }
        self.inner.visit_seq(Access::<A, NAMED> { inner, place })
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let place = self.place.deeper()?;
        place.announce(inner.size_hint())?;
        self.inner.visit_map(Access::<A, NAMED> { inner, place })
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Access::<A, NAMED> { inner, place: self.place })
    }
}

impl<'de, A: SeqAccess<'de>, const NAMED: bool> SeqAccess<'de> for Access<'_, A, NAMED> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(At::<S, NAMED> { inner: seed, place: self.place })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>, const NAMED: bool> MapAccess<'de> for Access<'_, A, NAMED> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(At::<S, NAMED> { inner: seed, place: self.place })
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(At::<S, NAMED> { inner: seed, place: self.place })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'b, A: EnumAccess<'de>, const NAMED: bool> EnumAccess<'de> for Access<'b, A, NAMED> {
    type Error = A::Error;
    type Variant = Access<'b, A::Variant, NAMED>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self { inner, place } = self;
        // postcard reads the index by a deserializer of its own, which needs no bounds.
        let (value, inner) = inner.variant_seed(seed)?;
        Ok((value, Access { inner, place }))
    }
}

impl<'de, A: VariantAccess<'de>, const NAMED: bool> VariantAccess<'de> for Access<'_, A, NAMED> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let place = self.place.deeper()?;
        self.inner.newtype_variant_seed(At::<S, NAMED> { inner: seed, place })
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, At::<V, NAMED> { inner: visitor, place: self.place })
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, At::<V, NAMED> { inner: visitor, place: self.place })
    }
}

/// Reads a variant where values describe themselves: a name, or a map of one name to its content. rmp-serde would
/// also take a list of one name, and then what stands after that list for the content.
struct Variant<'b, V> {
    visitor: V,
    place: Place<'b>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant's name, or a map of one name to its content")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.visitor.visit_enum(StrDeserializer::new(name))
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<V::Value, E> {
        self.visitor.visit_enum(BorrowedStrDeserializer::new(name))
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let place = self.place.deeper()?;
        self.visitor.visit_enum(MapAccessDeserializer::new(Access::<A, true> { inner, place }))
    }
}

/// Reads a number of 128 bits where values describe themselves: a number or, beyond 64 bits, text. rmp-serde would
/// read -1 as the largest `u128`.
struct Wide<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Wide<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<V::Value, E> {
        self.0.visit_i64(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<V::Value, E> {
        self.0.visit_u64(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        match (text.parse(), text.parse()) {
            (Ok(number), _) if number > u64::MAX.into() => self.0.visit_u128(number),
            (_, Ok(number)) if number < i64::MIN.into() => self.0.visit_i128(number),
            _ => Err(rejected("a number was expected")),
        }
    }
}
