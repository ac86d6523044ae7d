//! The checked writer: postcard, with each call held against the grammar before it writes.

use std::fmt::Display;

use postcard::ser_flavors::Flavor;
use serde::ser::{Serialize, Serializer};

use super::error::Step;
use super::grammar::{Grammar, Id, Node, Part, Variant};
use super::tree::{Body, LeafKind};
use super::trouble::{Trouble, What};
use super::writer_parts::{Counted, Fixed};

/// Appends `value` to `out`, or says what it writes otherwise than the grammar has it.
pub(super) fn write<T: Serialize>(grammar: &Grammar, value: &T, out: &mut Vec<u8>) -> Result<(), Trouble> {
    let mut sink = Sink { grammar, postcard: postcard::Serializer { output: Append(out) } };
    value.serialize(Writer { sink: &mut sink, at: 0 })
}

/// Appends; truncating on an error is the caller's.
pub(super) struct Append<'o>(&'o mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        // Most numbers are one byte long, for which a copy of a slice is a detour.
        match data {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(data),
        }
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

pub(super) struct Sink<'g, 'o> {
    pub(super) grammar: &'g Grammar,
    pub(super) postcard: postcard::Serializer<Append<'o>>,
}

/// The serializer of one place.
pub(super) struct Writer<'w, 'g, 'o> {
    pub(super) sink: &'w mut Sink<'g, 'o>,
    pub(super) at: Id,
}

#[cold]
pub(super) fn output(_: postcard::Error) -> Trouble {
    Trouble::new(What::Output)
}

fn noun(node: Node) -> &'static str {
    match node {
        Node::Leaf(kind) => kind.noun(),
        Node::Option(_) => "option",
        Node::Seq(_) => "seq",
        Node::Map(..) => "map",
        Node::Tuple(_) => "tuple",
        Node::Struct(_) => "struct",
        Node::Enum(_) => "enum",
    }
}

#[inline]
pub(super) fn same(one: &'static str, other: &'static str) -> bool {
    std::ptr::eq(one, other) || one == other
}

impl<'w, 'g, 'o> Writer<'w, 'g, 'o> {
    #[inline]
    fn node(&self) -> Node {
        self.sink.grammar.node(self.at)
    }

    #[cold]
    fn differs<V>(&self, found: &'static str) -> Result<V, Trouble> {
        Err(Trouble::new(What::Differs { expected: noun(self.node()), found }))
    }

    #[inline(always)]
    fn expect(&self, kind: LeafKind) -> Result<(), Trouble> {
        if self.node() == Node::Leaf(kind) { Ok(()) } else { self.differs(kind.noun()) }
    }

    /// Finds the variant, checks its kind, and writes its index.
    #[inline]
    fn variant(&mut self, index: u32, name: &'static str, body: Body) -> Result<&'g Variant, Trouble> {
        let Node::Enum(variants) = self.node() else { return self.differs("enum") };
        let grammar = self.sink.grammar;
        match grammar.variants(variants).get(index as usize) {
            Some(known) if same(known.name, name) => {
                if known.body != body {
                    let what = What::Differs { expected: known.body.noun(), found: body.noun() };
                    return Err(Trouble::new(what).inside(Step::Variant(name)));
                }
                (&mut self.sink.postcard).serialize_unit_variant("", index, "").map_err(output)?;
                Ok(known)
            }
            _ => Err(Trouble::new(What::Variant { index, found: name })),
        }
    }

    #[inline]
    fn parts(self, parts: &'g [Part], variant: Option<&'static str>) -> Fixed<'w, 'g, 'o> {
        Fixed { sink: self.sink, rest: parts.iter(), count: parts.len(), variant }
    }
}

macro_rules! leaves {
    ($($method:ident $type:ty, $kind:ident);* $(;)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Trouble> {
            self.expect(LeafKind::$kind)?;
            (&mut self.sink.postcard).$method(value).map_err(output)
        }
    )*};
}

impl<'w, 'g, 'o> Serializer for Writer<'w, 'g, 'o> {
    type Ok = ();
    type Error = Trouble;
    type SerializeSeq = Counted<'w, 'g, 'o>;
    type SerializeTuple = Fixed<'w, 'g, 'o>;
    type SerializeTupleStruct = Fixed<'w, 'g, 'o>;
    type SerializeTupleVariant = Fixed<'w, 'g, 'o>;
    type SerializeMap = Counted<'w, 'g, 'o>;
    type SerializeStruct = Fixed<'w, 'g, 'o>;
    type SerializeStructVariant = Fixed<'w, 'g, 'o>;

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        serialize_bool bool, Bool;
        serialize_i8 i8, I8;
        serialize_i16 i16, I16;
        serialize_i32 i32, I32;
        serialize_i64 i64, I64;
        serialize_i128 i128, I128;
        serialize_u8 u8, U8;
        serialize_u16 u16, U16;
        serialize_u32 u32, U32;
        serialize_u64 u64, U64;
        serialize_u128 u128, U128;
        serialize_f32 f32, F32;
        serialize_f64 f64, F64;
        serialize_char char, Char;
        serialize_str &str, Str;
        serialize_bytes &[u8], Bytes;
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Trouble> {
        self.expect(LeafKind::Str)?;
        (&mut self.sink.postcard).collect_str(value).map_err(output)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Trouble> {
        self.expect(LeafKind::Unit)
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Trouble> {
        self.expect(LeafKind::Unit)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Trouble> {
        let Node::Option(_) = self.node() else { return self.differs("option") };
        (&mut self.sink.postcard).serialize_none().map_err(output)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Trouble> {
        let Node::Option(at) = self.node() else { return self.differs("option") };
        // What postcard's `serialize_some` writes before the value.
        (&mut self.sink.postcard).serialize_u8(1).map_err(output)?;
        value.serialize(Writer { sink: self.sink, at })
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Trouble> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
    ) -> Result<(), Trouble> {
        self.variant(index, name, Body::Unit).map(drop)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Trouble> {
        let variant = self.variant(index, name, Body::Newtype)?;
        let at = self.sink.grammar.parts(variant.parts)[0].is;
        value
            .serialize(Writer { sink: self.sink, at })
            .map_err(|trouble| trouble.inside(Step::Index(0)).inside(Step::Variant(name)))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Counted<'w, 'g, 'o>, Trouble> {
        let Node::Seq(element) = self.node() else { return self.differs("seq") };
        Counted::start(self.sink, len, element, element)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Fixed<'w, 'g, 'o>, Trouble> {
        let Node::Tuple(parts) = self.node() else { return self.differs("tuple") };
        let parts = self.sink.grammar.parts(parts);
        Ok(self.parts(parts, None))
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Fixed<'w, 'g, 'o>, Trouble> {
        self.serialize_tuple(len)
    }

    #[inline]
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Fixed<'w, 'g, 'o>, Trouble> {
        let variant = self.variant(index, name, Body::Tuple)?;
        let parts = self.sink.grammar.parts(variant.parts);
        Ok(self.parts(parts, Some(name)))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Counted<'w, 'g, 'o>, Trouble> {
        let Node::Map(key, value) = self.node() else { return self.differs("map") };
        Counted::start(self.sink, len, key, value)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fixed<'w, 'g, 'o>, Trouble> {
        let Node::Struct(parts) = self.node() else { return self.differs("struct") };
        let parts = self.sink.grammar.parts(parts);
        Ok(self.parts(parts, None))
    }

    #[inline]
    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Fixed<'w, 'g, 'o>, Trouble> {
        let variant = self.variant(index, name, Body::Struct)?;
        let parts = self.sink.grammar.parts(variant.parts);
        Ok(self.parts(parts, Some(name)))
    }
}
