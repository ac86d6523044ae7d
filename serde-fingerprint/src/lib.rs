//! The shape of a payload: its fingerprint, and an encoding that can't be read as anything else.
//!
//! A sealed payload is [postcard](https://docs.rs/postcard): compact, and without the names of fields. Bytes of a
//! struct whose fields were reordered, or renamed with another meaning, would decode without an error, and `admin`
//! could become true by a deployment. So each payload carries the [`Fingerprint`] of its type's shape. It is taken
//! by *tracing*: [`Schema::trace`] drives the type's `Deserialize` implementation with made-up values, again and
//! again, until every variant of every enum and both sides of every option were seen at every depth, and lays what
//! each value is written as, by `Serialize`, over what was read. A type whose two sides differ is an error then and
//! there. What only some values do, such as `skip_serializing_if`, is found by the writer, which holds each call of
//! a value's `Serialize` against the traced grammar before it writes.
//!
//! ```
//! use serde_fingerprint::Schema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Visit {
//!     user: Option<u64>,
//!     views: u32,
//! }
//!
//! let schema = Schema::<Visit>::trace()?;
//! let mut payload = Vec::new();
//! schema.encode_into(&Visit { user: Some(7), views: 2 }, &mut payload)?;
//! assert_eq!(schema.decode(&payload)?, Visit { user: Some(7), views: 2 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The map
//!
//! `search` makes passes over a type until nothing is left. A pass reads a plan (`tree`) by the tracing deserializer
//! (`read`, `access`, `pass`), writes the value down again (`record`), and lays one over the other (`learn`). What is
//! refused is repaired from `candidates`, made of `values` and of the application's `samples`. The outcome is a
//! `grammar`, by which the `writer` checks.
//!
//! # Which types
//!
//! Whatever derives serde's traits, and all of the standard library's types that have them, `NonZero` and IP addresses
//! included. Of other crates, without a word: `uuid`, `time`, `chrono`, `url`; `rust_decimal` with its feature
//! `serde-str`, since otherwise it asks the payload to describe itself. A type that reads only values of its own kind,
//! such as an order number with a check digit, needs a [sample](Samples).
//!
//! # What a fingerprint covers
//!
//! The names of fields and of variants as serde writes them, their order, and the types of everything, at every
//! depth. Not the names of structs and enums, so that the old shape of `Visit` can be declared as `VisitV1`. Not
//! aliases, nor `default`, which change no payload. And not newtype structs: postcard writes `struct Id(u64)` as it
//! writes the `u64`, whose meaning is the same, and nobody should be logged out because an id was given a type.
//! `isize` and `usize` are `i64` and `u64`, as in serde.
//!
//! # The canonical encoding
//!
//! A fingerprint is the first four bytes, as a big-endian number, of SHA-256 over `sealed-session schema v1\n` and
//! the encoding of the type's shape, which is:
//!
//! | shape | encoding |
//! |---|---|
//! | unit, unit struct | `00` |
//! | bool | `01` |
//! | i8, i16, i32, i64, i128 | `02`, `03`, `04`, `05`, `06` |
//! | u8, u16, u32, u64, u128 | `07`, `08`, `09`, `0a`, `0b` |
//! | f32, f64 | `0c`, `0d` |
//! | char, str, bytes | `0e`, `0f`, `10` |
//! | newtype struct | its content |
//! | option | `20` content |
//! | seq | `21` element |
//! | map | `22` key value |
//! | tuple, array, tuple struct | `23` *elements* |
//! | struct | `24` *fields* |
//! | enum | `25` count, then of each variant in the order of indices: name, and its body |
//! | body of a unit variant | `00` |
//! | body of a newtype variant | `01` content |
//! | body of a tuple variant | `02` *elements* |
//! | body of a struct variant | `03` *fields* |
//! | a composite around this place (recursion) | `26` count of the composites between: 0 is the innermost |
//!
//! *Elements* are a count and the elements; *fields* are a count, and of each field its name and what it holds. A
//! count is four bytes, big-endian. A name is the count of its bytes, and the bytes. The composites are option, seq,
//! map, tuple, struct and enum; an enum counts once, whatever its variant. Wherever the shape of a composite around
//! the place occurs again, however the types are called or refer to each other, it is written as a reference to the
//! innermost such composite: so a recursive shape, too, has one encoding.

mod access;
mod bounded;
mod calls;
mod candidates;
mod error;
mod grammar;
mod learn;
pub mod named;
mod pass;
mod read;
mod record;
mod samples;
mod search;
#[cfg(test)]
mod tests;
mod tree;
mod trouble;
mod values;
mod writer;

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::bounded::{Bounded, Bounds};
pub use self::error::{DecodeError, EncodeError, SchemaError};
use self::error::{DecodeFault, Fault};
use self::grammar::Grammar;
pub use self::samples::Samples;

/// The identity of a payload's shape: four bytes, in front of every payload.
///
/// Two types with one fingerprint are read from each other's payloads. [The module](self) has what it covers and
/// how it is computed; it will not change for a given shape.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u32);

impl Fingerprint {
    /// The fingerprint of a type, so that an application's own test can freeze the shape of its payload.
    ///
    /// ```
    /// use serde_fingerprint::Fingerprint;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Visit {
    ///     user: Option<u64>,
    ///     views: u32,
    /// }
    ///
    /// // Whoever changes `Visit` is told by this line to declare the old one.
    /// assert_eq!(Fingerprint::of::<Visit>()?.to_string(), "d0125ad8");
    /// # Ok::<(), serde_fingerprint::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Schema::trace`].
    pub fn of<T: Serialize + DeserializeOwned>() -> Result<Self, SchemaError> {
        Schema::<T>::trace().map(|schema| schema.fingerprint())
    }
}

impl From<u32> for Fingerprint {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl From<Fingerprint> for u32 {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The shape of a payload type, and the way to and from its bytes.
///
/// Tracing takes some microseconds to milliseconds, so it is done once and the schema is kept.
///
/// ```
/// use serde_fingerprint::Schema;
///
/// let schema = Schema::<(u32, String)>::trace()?;
/// let mut payload = Vec::new();
/// schema.encode_into(&(7, "seven".into()), &mut payload)?;
/// assert_eq!(schema.decode(&payload)?, (7, "seven".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Schema<T> {
    grammar: Grammar,
    fingerprint: Fingerprint,
    payload: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Schema<T> {
    /// Traces a type.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// let schema = Schema::<std::net::IpAddr>::trace()?;
    /// # Ok::<(), serde_fingerprint::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the type asks its payload to describe itself (`serde_json::Value`, flattened fields, untagged or
    /// internally tagged enums), is serialized otherwise than it is deserialized, or accepts none of the values
    /// that it is offered; the last is for [`trace_with`](Self::trace_with).
    ///
    /// # Panics
    ///
    /// If the type's own implementation of serde does, on a value that it could have refused.
    pub fn trace() -> Result<Self, SchemaError> {
        Self::trace_with(&Samples::default())
    }

    /// Traces a type that accepts only values of its own kind, such as `#[serde(try_from = "String")]` with its own
    /// rule, with samples of them.
    ///
    /// ```
    /// # use serde_fingerprint::{Samples, Schema};
    /// let samples = Samples::default().with(&"order-17");
    /// let schema = Schema::<String>::trace_with(&samples)?;
    /// # Ok::<(), serde_fingerprint::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`trace`](Self::trace), and if a sample can't be serialized.
    pub fn trace_with(samples: &Samples) -> Result<Self, SchemaError> {
        let grammar = search::explore::<T>(samples)?;
        let number = grammar
            .fingerprint()
            .map_err(|what| SchemaError::new(type_name::<T>(), Vec::new(), Fault::Unbounded(what)))?;
        Ok(Self { grammar, fingerprint: Fingerprint(number), payload: PhantomData })
    }

    /// The identity of the shape.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// # struct Unrelated;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct UserId(u64);
    ///
    /// assert_eq!(Schema::<UserId>::trace()?.fingerprint(), Schema::<u64>::trace()?.fingerprint());
    /// assert_ne!(Schema::<UserId>::trace()?.fingerprint(), Schema::<u32>::trace()?.fingerprint());
    /// # Ok::<(), serde_fingerprint::SchemaError>(())
    /// ```
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Appends the bytes of a value.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// let mut out = vec![0xff];
    /// Schema::<(bool, u8)>::trace()?.encode_into(&(true, 5), &mut out)?;
    /// assert_eq!(out, [0xff, 1, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the value is serialized otherwise than its type was traced, say by `skip_serializing_if`; `out` is then
    /// as it was.
    pub fn encode_into(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = out.len();
        writer::write(&self.grammar, value, out).map_err(|trouble| {
            out.truncate(before);
            EncodeError::new(type_name::<T>(), trouble)
        })
    }

    /// Reads a value from its bytes, to the very last.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// let schema = Schema::<(bool, u8)>::trace()?;
    /// assert_eq!(schema.decode(&[1, 5])?, (true, 5));
    /// assert!(schema.decode(&[1]).is_err());
    /// assert!(schema.decode(&[1, 5, 0]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the bytes are not those of a value, or go on after it.
    pub fn decode(&self, payload: &[u8]) -> Result<T, DecodeError> {
        read(payload, &Bounds::new(payload.len()))
    }
}

/// Reads a value from postcard within bounds, to the very last byte.
fn read<T: DeserializeOwned>(payload: &[u8], bounds: &Bounds) -> Result<T, DecodeError> {
    let mut reader = postcard::Deserializer::from_bytes(payload);
    let value = T::deserialize(Bounded::<_, false>::new(&mut reader, bounds));
    match (value, reader.finalize()) {
        (Ok(value), Ok([])) => Ok(value),
        (Ok(_), Ok(_)) => Err(DecodeError(DecodeFault::LeftOver)),
        _ => Err(DecodeError(DecodeFault::Malformed)),
    }
}

impl<T> fmt::Debug for Schema<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("type", &type_name::<T>())
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
