//! Serde's calls to a serializer, reduced to a few.
//!
//! A value is serialized for two purposes: to record what its type writes ([`record`](super::record)), and to write
//! it checked ([`writer`](super::writer)). Both are a [`Place`] here, and so share what must be the same: the tags,
//! the nesting depth, and the path in an error. All of it is generic and inlined, because the checked writer is on
//! the path of every payload.

use std::fmt::Display;

use serde::ser::{self, Serialize, Serializer};

use super::bounded::MAX_DEPTH;
use super::error::Step;
use super::tree::Tag;
use super::trouble::{Trouble, What};

type Written<P> = Result<<P as Place>::Out, Trouble>;
type Opened<P> = Result<Parts<<P as Place>::Composite>, Trouble>;

/// The place of one value.
pub(crate) trait Place: Sized {
    type Out;
    type Composite: Composite<Out = Self::Out>;

    fn leaf<V: Serialize + ?Sized>(self, tag: Tag, value: &V) -> Result<Self::Out, Trouble>;

    /// `len` is the number of elements of an option, a sequence or a map. That of others is known from their type.
    fn composite(self, tag: Tag, len: usize) -> Result<Self::Composite, Trouble>;

    fn variant(self, index: u32, name: &'static str, body: Tag) -> Result<Self::Composite, Trouble>;
}

/// A composite that is being serialized.
pub(crate) trait Composite: Sized {
    type Out;
    type Place<'p>: Place<Out = Self::Out>
    where
        Self: 'p;

    /// Returns the place of the child number `at`.
    fn child(&mut self, at: usize, step: Step) -> Result<Self::Place<'_>, Trouble>;

    fn keep(&mut self, child: Self::Out);

    fn end(self, count: usize) -> Result<Self::Out, Trouble>;
}

/// The serializer of one place, below `depth` composites.
pub(crate) struct Calls<P> {
    pub(crate) place: P,
    pub(crate) depth: u8,
}

pub(crate) struct Parts<C> {
    composite: C,
    depth: u8,
    at: usize,
    variant: Option<&'static str>,
}

/// Bytes and displayed values, as postcard is to write them.
struct Bytes<'b>(&'b [u8]);
struct Displayed<'d, T: ?Sized>(&'d T);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<T: Display + ?Sized> Serialize for Displayed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

impl<P: Place> Calls<P> {
    fn deeper(&self) -> Result<u8, Trouble> {
        if self.depth < MAX_DEPTH { Ok(self.depth + 1) } else { Err(Trouble::new(What::TooDeep)) }
    }

    fn composite(self, tag: Tag, len: usize) -> Opened<P> {
        let depth = self.deeper()?;
        Ok(Parts { composite: self.place.composite(tag, len)?, depth, at: 0, variant: None })
    }

    fn counted(self, tag: Tag, len: Option<usize>) -> Opened<P> {
        self.composite(tag, len.ok_or_else(|| Trouble::new(What::UnknownLength))?)
    }

    fn variant(self, index: u32, name: &'static str, body: Tag) -> Opened<P> {
        let depth = self.deeper()?;
        Ok(Parts { composite: self.place.variant(index, name, body)?, depth, at: 0, variant: Some(name) })
    }
}

impl<C: Composite> Parts<C> {
    #[inline]
    fn put<V: Serialize + ?Sized>(&mut self, step: Step, value: &V) -> Result<(), Trouble> {
        let (depth, variant) = (self.depth, self.variant);
        let child = match self.composite.child(self.at, step) {
            Ok(place) => value.serialize(Calls { place, depth }).map_err(|trouble| trouble.inside(step)),
            Err(trouble) => Err(trouble),
        };
        self.composite.keep(child.map_err(|trouble| trouble.within(variant))?);
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn finish(self) -> Result<C::Out, Trouble> {
        self.composite.end(self.at).map_err(|trouble| trouble.within(self.variant))
    }
}

macro_rules! leaves {
    ($($method:ident $type:ty, $tag:ident;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Written<P> {
            self.place.leaf(Tag::$tag, &value)
        }
    )*};
}

macro_rules! methods {
    ($($method:ident |$this:ident $(, $arg:ident: $type:ty)*| -> $out:ty { $body:expr })*) => {$(
        #[inline]
        fn $method($this $(, $arg: $type)*) -> $out {
            $body
        }
    )*};
}

impl<P: Place> Serializer for Calls<P> {
    type Ok = P::Out;
    type Error = Trouble;
    type SerializeSeq = Parts<P::Composite>;
    type SerializeTuple = Parts<P::Composite>;
    type SerializeTupleStruct = Parts<P::Composite>;
    type SerializeTupleVariant = Parts<P::Composite>;
    type SerializeMap = Parts<P::Composite>;
    type SerializeStruct = Parts<P::Composite>;
    type SerializeStructVariant = Parts<P::Composite>;

    leaves! {
        serialize_bool bool, Bool;
        serialize_i8 i8, I8; serialize_i16 i16, I16; serialize_i32 i32, I32;
        serialize_i64 i64, I64; serialize_i128 i128, I128;
        serialize_u8 u8, U8; serialize_u16 u16, U16; serialize_u32 u32, U32;
        serialize_u64 u64, U64; serialize_u128 u128, U128;
        serialize_f32 f32, F32; serialize_f64 f64, F64; serialize_char char, Char; serialize_str &str, Str;
    }

    methods! {
        serialize_bytes |self, value: &[u8]| -> Written<P> { self.place.leaf(Tag::Bytes, &Bytes(value)) }
        serialize_unit |self| -> Written<P> { self.place.leaf(Tag::Unit, &()) }
        serialize_unit_struct |self, _name: &'static str| -> Written<P> { self.serialize_unit() }
        serialize_none |self| -> Written<P> { self.place.composite(Tag::Option, 0)?.end(0) }
        serialize_unit_variant |self, _name: &'static str, index: u32, name: &'static str| -> Written<P> {
            self.place.variant(index, name, Tag::UnitVariant)?.end(0)
        }
        serialize_seq |self, len: Option<usize>| -> Opened<P> { self.counted(Tag::Seq, len) }
        serialize_map |self, len: Option<usize>| -> Opened<P> { self.counted(Tag::Map, len) }
        serialize_tuple |self, _len: usize| -> Opened<P> { self.composite(Tag::Tuple, 0) }
        serialize_tuple_struct |self, _name: &'static str, _len: usize| -> Opened<P> {
            self.composite(Tag::Tuple, 0)
        }
        serialize_struct |self, _name: &'static str, _len: usize| -> Opened<P> { self.composite(Tag::Struct, 0) }
        serialize_tuple_variant
            |self, _name: &'static str, index: u32, name: &'static str, _len: usize| -> Opened<P> {
                self.variant(index, name, Tag::TupleVariant)
            }
        serialize_struct_variant
            |self, _name: &'static str, index: u32, name: &'static str, _len: usize| -> Opened<P> {
                self.variant(index, name, Tag::StructVariant)
            }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn collect_str<V: Display + ?Sized>(self, value: &V) -> Written<P> {
        self.place.leaf(Tag::Str, &Displayed(value))
    }

    fn serialize_some<V: Serialize + ?Sized>(self, value: &V) -> Written<P> {
        let mut some = self.composite(Tag::Option, 1)?;
        some.put(Step::Content, value)?;
        some.finish()
    }

    fn serialize_newtype_struct<V: Serialize + ?Sized>(self, _: &'static str, value: &V) -> Written<P> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        value: &V,
    ) -> Written<P> {
        let mut variant = self.variant(index, name, Tag::NewtypeVariant)?;
        variant.put(Step::Index(0), value)?;
        variant.finish()
    }
}

macro_rules! parts {
    ($($trait:ident $($method:ident ($($name:ident)?) |$self:ident| $step:expr),*;)*) => {$(
        impl<C: Composite> ser::$trait for Parts<C> {
            type Ok = C::Out;
            type Error = Trouble;

            $(#[inline]
            fn $method<V: Serialize + ?Sized>(
                &mut $self,
                $($name: &'static str,)?
                value: &V,
            ) -> Result<(), Trouble> {
                $self.put($step, value)
            })*

            $($(fn skip_field(&mut self, $name: &'static str) -> Result<(), Trouble> {
                Err(Trouble::new(What::Skipped($name)).within(self.variant))
            })?)*

            #[inline]
            fn end(self) -> Result<C::Out, Trouble> {
                self.finish()
            }
        }
    )*};
}

parts! {
    SerializeSeq serialize_element() |self| Step::Element;
    SerializeTuple serialize_element() |self| Step::Index(self.at);
    SerializeTupleStruct serialize_field() |self| Step::Index(self.at);
    SerializeTupleVariant serialize_field() |self| Step::Index(self.at);
    SerializeStruct serialize_field(name) |self| Step::Field(name);
    SerializeStructVariant serialize_field(name) |self| Step::Field(name);
    SerializeMap serialize_key() |self| Step::MapKey, serialize_value() |self| Step::MapValue;
}
