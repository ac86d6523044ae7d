//! The recording serializer: it keeps what a value's serde implementation writes, as a tree.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::error::Step;
use super::tree::{Body, Kind, Leaf, Tree};
use super::trouble::{Trouble, What};

const MAX_DEPTH: usize = 200;

/// The tree of what `value` writes.
pub(super) fn record<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Trouble> {
    value.serialize(Recorder { depth: 0 })
}

#[derive(Clone, Copy)]
struct Recorder {
    depth: usize,
}

impl Recorder {
    fn deeper(self) -> Result<Self, Trouble> {
        if self.depth >= MAX_DEPTH {
            return Err(Trouble::new(What::TooDeep));
        }
        Ok(Self { depth: self.depth + 1 })
    }

    fn parts(self, kind: Kind) -> Result<Parts, Trouble> {
        Ok(Parts { kind, children: Vec::new(), names: Vec::new(), announced: None, inner: self.deeper()? })
    }

    /// Sequences and maps, of which postcard writes the length first.
    fn counted(self, kind: Kind, len: Option<usize>, each: usize) -> Result<Parts, Trouble> {
        let len = len.ok_or_else(|| Trouble::new(What::UnknownLength))?;
        Ok(Parts { announced: Some(len.saturating_mul(each)), ..self.parts(kind)? })
    }
}

macro_rules! leaves {
    ($($method:ident $type:ty, $leaf:ident);* $(;)?) => {$(
        fn $method(self, value: $type) -> Result<Tree, Trouble> {
            Ok(Tree::leaf(Leaf::$leaf(value)))
        }
    )*};
}

impl Serializer for Recorder {
    type Ok = Tree;
    type Error = Trouble;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

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
    }

    fn serialize_str(self, value: &str) -> Result<Tree, Trouble> {
        Ok(Tree::leaf(Leaf::Str(Cow::Owned(value.to_owned()))))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Tree, Trouble> {
        self.serialize_str(&value.to_string())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, Trouble> {
        Ok(Tree::leaf(Leaf::Bytes(Cow::Owned(value.to_owned()))))
    }

    fn serialize_unit(self) -> Result<Tree, Trouble> {
        Ok(Tree::leaf(Leaf::Unit))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, Trouble> {
        self.serialize_unit()
    }

    fn serialize_none(self) -> Result<Tree, Trouble> {
        Ok(Tree::of(Kind::None, Vec::new()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Trouble> {
        Ok(Tree::of(Kind::Some, vec![value.serialize(self.deeper()?)?]))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Trouble> {
        value.serialize(self.deeper()?)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
    ) -> Result<Tree, Trouble> {
        Ok(Tree::of(Kind::Variant { index, name, body: Some(Body::Unit) }, Vec::new()))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Tree, Trouble> {
        let content =
            value.serialize(self.deeper()?).map_err(|trouble| trouble.inside(Step::Variant(name)))?;
        Ok(Tree::of(Kind::Variant { index, name, body: Some(Body::Newtype) }, vec![content]))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Parts, Trouble> {
        self.counted(Kind::Seq, len, 1)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Trouble> {
        self.parts(Kind::Tuple)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Trouble> {
        self.parts(Kind::Tuple)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, Trouble> {
        self.parts(Kind::Variant { index, name, body: Some(Body::Tuple) })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Parts, Trouble> {
        self.counted(Kind::Map, len, 2)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Trouble> {
        self.parts(Kind::Struct)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, Trouble> {
        self.parts(Kind::Variant { index, name, body: Some(Body::Struct) })
    }
}

/// A composite under way.
struct Parts {
    kind: Kind,
    children: Vec<Tree>,
    names: Vec<&'static str>,
    announced: Option<usize>,
    inner: Recorder,
}

impl Parts {
    fn push<T: Serialize + ?Sized>(&mut self, step: Step, value: &T) -> Result<(), Trouble> {
        let child = value.serialize(self.inner).map_err(|trouble| {
            let trouble = trouble.inside(step);
            match self.kind {
                Kind::Variant { name, .. } => trouble.inside(Step::Variant(name)),
                _ => trouble,
            }
        })?;
        self.children.push(child);
        Ok(())
    }

    fn finish(self) -> Result<Tree, Trouble> {
        if let Some(expected) = self.announced
            && expected != self.children.len()
        {
            return Err(Trouble::new(What::Count { expected, found: self.children.len() }));
        }
        let mut tree = Tree::of(self.kind, self.children);
        tree.names = Cow::Owned(self.names);
        Ok(tree)
    }
}

impl ser::SerializeSeq for Parts {
    type Ok = Tree;
    type Error = Trouble;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        self.push(Step::Element, value)
    }

    fn end(self) -> Result<Tree, Trouble> {
        self.finish()
    }
}

impl ser::SerializeMap for Parts {
    type Ok = Tree;
    type Error = Trouble;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Trouble> {
        self.push(Step::MapKey, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        self.push(Step::MapValue, value)
    }

    fn end(self) -> Result<Tree, Trouble> {
        self.finish()
    }
}

macro_rules! by_position {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Parts {
            type Ok = Tree;
            type Error = Trouble;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
                self.push(Step::Index(self.children.len()), value)
            }

            fn end(self) -> Result<Tree, Trouble> {
                self.finish()
            }
        }
    )*};
}

macro_rules! by_name {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Parts {
            type Ok = Tree;
            type Error = Trouble;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Trouble> {
                self.names.push(name);
                self.push(Step::Field(name), value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Trouble> {
                Err(Trouble::new(What::Skipped(name)))
            }

            fn end(self) -> Result<Tree, Trouble> {
                self.finish()
            }
        }
    )*};
}

by_position!(SerializeTuple serialize_element, SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);
by_name!(SerializeStruct, SerializeStructVariant);
