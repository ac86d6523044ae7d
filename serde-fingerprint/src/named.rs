//! MessagePack with the names of fields and variants: a payload that describes itself, for types that need serde's
//! own rules.
//!
//! `#[serde(default)]`, `alias`, `flatten`, `untagged`, `tag` and dynamic types such as `serde_json::Value` work as
//! they do with JSON. There is no fingerprint: the names in a payload are what holds it to its type. So reading is
//! stricter than MessagePack readers are by themselves. A list is not a struct, a number is not the name of a field or
//! a variant, and nothing may follow the value. Where serde buffers a part before it decides what that part is
//! (`flatten`, `untagged`, `tag`), it decides without these rules. What JSON loses is lost here too: `Some(None)` reads as
//! `None`. The catalog beside this crate's sources lists the outcome for some 300 types.
//!
//! Types see a human-readable format, because serde's buffers present themselves as one: an IP address inside of a
//! tagged enum would otherwise be written as bytes and read as text.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use serde_fingerprint::named;
//!
//! #[derive(Serialize)]
//! struct Before { user: u64 }
//!
//! #[derive(Debug, PartialEq, Deserialize)]
//! struct After { #[serde(default)] theme: Option<String>, user: u64 }
//!
//! let mut payload = Vec::new();
//! named::encode_into(&Before { user: 7 }, &mut payload)?;
//! assert_eq!(named::decode::<After>(&payload)?, After { theme: None, user: 7 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::any::type_name;
use std::cell::Cell;

use rmp_serde::decode::Error;
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::bounded::{Bounded, Bounds, MAX_DEPTH};
use crate::error::{DecodeError, DecodeFault, EncodeError};
use crate::trouble::{Trouble, What};

/// Appends the bytes of a value.
///
/// ```
/// let mut out = Vec::new();
/// serde_fingerprint::named::encode_into(&("views", 3), &mut out)?;
/// assert_eq!(out, b"\x92\xa5views\x03");
/// # Ok::<(), serde_fingerprint::EncodeError>(())
/// ```
///
/// # Errors
///
/// If the value nests more than 128 levels deep, or its type's `Serialize` rejects it. `out` is then unchanged.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    let too_deep = Cell::new(false);
    let mut writer = rmp_serde::Serializer::new(&mut *out).with_struct_map().with_human_readable();
    let levels = Levels { left: MAX_DEPTH, too_deep: &too_deep };
    value.serialize(Deep { inner: &mut writer, levels }).map_err(|_| {
        out.truncate(before);
        // The text of the error is the type's own, and may show a piece of the value.
        let what = if too_deep.get() { What::TooDeep } else { What::Custom(String::new()) };
        EncodeError::new(type_name::<T>(), Trouble::new(what))
    })
}

/// Reads a value from its bytes, to the very last.
///
/// ```
/// let payload = b"\x92\xa5views\x03";
/// assert_eq!(serde_fingerprint::named::decode::<(String, u8)>(payload)?, ("views".to_owned(), 3));
/// assert!(serde_fingerprint::named::decode::<String>(payload).is_err());
/// # Ok::<(), serde_fingerprint::DecodeError>(())
/// ```
///
/// # Errors
///
/// If the bytes are not those of such a value, nest more than 128 levels deep, or go on after it.
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(payload).with_human_readable();
    let bounds = Bounds::new(payload.len());
    match T::deserialize(Bounded::<_, true>::new(&mut reader, &bounds)) {
        // This reader does not tell its position. At the end, and only there, it finds no marker for a number.
        Ok(value) if matches!(u8::deserialize(&mut reader), Err(Error::InvalidMarkerRead(_))) => Ok(value),
        Ok(_) => Err(DecodeError(DecodeFault::LeftOver)),
        Err(_) => Err(DecodeError(DecodeFault::Malformed)),
    }
}

/// The levels that a serializer may go deeper, and whether one wanted to go deeper than that.
#[derive(Clone, Copy)]
struct Levels<'l> {
    left: u8,
    too_deep: &'l Cell<bool>,
}

impl Levels<'_> {
    fn deeper<E: ser::Error>(self, by: u8) -> Result<Self, E> {
        self.left.checked_sub(by).map(|left| Self { left, ..self }).ok_or_else(|| {
            self.too_deep.set(true);
            E::custom("it is nested too deep")
        })
    }
}

/// A serializer that counts levels. rmp-serde has a limit for reading; for writing it has a setting without effect.
struct Deep<'l, S> {
    inner: S,
    levels: Levels<'l>,
}

/// A value, with the levels that its serializer may go deeper.
struct Within<'v, 'l, T: ?Sized> {
    value: &'v T,
    levels: Levels<'l>,
}

impl<T: Serialize + ?Sized> Serialize for Within<'_, '_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Deep { inner: serializer, levels: self.levels })
    }
}

macro_rules! scalars {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

/// The composites: a variant with several parts is two levels, a map of its name to a map or a list.
macro_rules! composites {
    ($($method:ident $type:ident $by:literal ($($name:ident: $arg:ty),*));* $(;)?) => {$(
        fn $method(self, $($name: $arg),*) -> Result<Self::$type, S::Error> {
            let levels = self.levels.deeper($by)?;
            Ok(Deep { inner: self.inner.$method($($name),*)?, levels })
        }
    )*};
}

impl<'l, S: Serializer> Serializer for Deep<'l, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Deep<'l, S::SerializeSeq>;
    type SerializeTuple = Deep<'l, S::SerializeTuple>;
    type SerializeTupleStruct = Deep<'l, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Deep<'l, S::SerializeTupleVariant>;
    type SerializeMap = Deep<'l, S::SerializeMap>;
    type SerializeStruct = Deep<'l, S::SerializeStruct>;
    type SerializeStructVariant = Deep<'l, S::SerializeStructVariant>;

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    scalars! {
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_f32 f32, serialize_f64 f64, serialize_char char, serialize_str &str,
        serialize_bytes &[u8]
    }

    composites! {
        serialize_seq SerializeSeq 1 (len: Option<usize>);
        serialize_tuple SerializeTuple 1 (len: usize);
        serialize_tuple_struct SerializeTupleStruct 1 (name: &'static str, len: usize);
        serialize_tuple_variant SerializeTupleVariant 2
            (name: &'static str, index: u32, variant: &'static str, len: usize);
        serialize_map SerializeMap 1 (len: Option<usize>);
        serialize_struct SerializeStruct 1 (name: &'static str, len: usize);
        serialize_struct_variant SerializeStructVariant 2
            (name: &'static str, index: u32, variant: &'static str, len: usize);
    }

    // Numbers of 128 bits are text beyond 64 bits: MessagePack has none, and serde's buffers have none either.
    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        match (value.try_into(), value.try_into()) {
            (Ok(value), _) => self.inner.serialize_i64(value),
            (_, Ok(value)) => self.inner.serialize_u64(value),
            _ => self.inner.collect_str(&value),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        match value.try_into() {
            Ok(value) => self.inner.serialize_u64(value),
            Err(_) => self.inner.collect_str(&value),
        }
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let levels = self.levels.deeper(1)?;
        self.inner.serialize_some(&Within { value, levels })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    /// As JSON writes it. rmp-serde writes an empty list, which an untagged enum does not read back.
    fn serialize_unit_struct(self, _: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Within { value, levels: self.levels })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let levels = self.levels.deeper(1)?;
        self.inner.serialize_newtype_variant(name, index, variant, &Within { value, levels })
    }
}

macro_rules! parts {
    ($($trait:ident { $($method:ident($($key:ident)?)),* });* $(;)?) => {$(
        impl<S: $trait> $trait for Deep<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            $(fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), S::Error> {
                self.inner.$method($($key,)? &Within { value, levels: self.levels })
            })*

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

parts! {
    SerializeSeq { serialize_element() };
    SerializeTuple { serialize_element() };
    SerializeTupleStruct { serialize_field() };
    SerializeTupleVariant { serialize_field() };
    SerializeMap { serialize_key(), serialize_value() };
    SerializeStruct { serialize_field(key) };
    SerializeStructVariant { serialize_field(key) };
}
