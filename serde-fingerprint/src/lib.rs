#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

// Tracing, from the outside in. `search` makes passes over a type until nothing is left to explore. A pass reads a
// plan (`tree`) with the tracing deserializer (`read`, `access`, `pass`) and records what the value is written as
// (`record`); `learn` compares the two and extends a `grammar`. Refused parts are replaced by `candidates`, made of
// `values` and of the application's `samples`. Then `appended` finds the fields that may be missing.
//
// Payloads: `writer` checks a value against the grammar, `bounded` reads one. `record` and `writer` share `calls`.
mod access;
mod appended;
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

use self::appended::Prefix;
use self::bounded::{Bounded, Bounds};
pub use self::error::{DecodeError, EncodeError, SchemaError};
use self::error::{DecodeFault, Fault};
use self::grammar::Grammar;
pub use self::samples::Samples;

/// The identity of a type's shape, as four bytes.
///
/// Two types with the same fingerprint can read each other's payloads. The fingerprint of a shape never changes. The
/// [crate documentation](self) specifies what it covers and how it is computed.
///
/// Numbers below 16 are not the fingerprint of any shape: they are reserved for formats that put something else in a
/// fingerprint's place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u32);

impl Fingerprint {
    /// Returns the fingerprint of a type.
    ///
    /// A test with this function tells whoever changes a type that its payloads change.
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
    /// assert_eq!(Fingerprint::of::<Visit>().unwrap().to_string(), "d0125ad8");
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

/// The shape of a type, with methods to write and read its payloads.
///
/// Tracing a type takes microseconds to milliseconds, so do it once and keep the schema.
///
/// ```
/// use serde_fingerprint::Schema;
///
/// let schema = Schema::<(u32, String)>::trace().unwrap();
/// let mut payload = Vec::new();
/// schema.encode_into(&(7, "seven".into()), &mut payload).unwrap();
/// assert_eq!(schema.decode(&payload).unwrap(), (7, "seven".into()));
/// ```
pub struct Schema<T> {
    grammar: Grammar,
    fingerprint: Fingerprint,
    prefixes: Vec<Prefix>,
    payload: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Schema<T> {
    /// Traces a type.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
    /// let schema = Schema::<std::net::IpAddr>::trace().unwrap();
    /// assert_eq!(schema.fingerprint().to_string(), "f379ded2");
    /// ```
    ///
    /// # Errors
    ///
    /// If the type
    ///
    /// - asks its payload to describe itself, as `serde_json::Value`, flattened fields, and untagged or internally
    ///   tagged enums do,
    /// - is serialized differently than it is deserialized, or
    /// - rejects every value that tracing tries: then use [`trace_with`](Self::trace_with).
    ///
    /// # Panics
    ///
    /// If the type's own serde implementation panics on a value that it could have rejected.
    pub fn trace() -> Result<Self, SchemaError> {
        Self::trace_with(&Samples::default())
    }

    /// Traces a type, some part of which accepts only values like these samples.
    ///
    /// An example of such a part is a type with `#[serde(try_from = "String")]` and a rule of its own.
    ///
    /// ```
    /// use serde_fingerprint::{Samples, Schema};
    ///
    /// let samples = Samples::default().with(&"order-17");
    /// let schema = Schema::<String>::trace_with(&samples).unwrap();
    /// assert_eq!(schema.fingerprint(), Schema::<String>::trace().unwrap().fingerprint());
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`trace`](Self::trace), and if a sample can't be serialized.
    pub fn trace_with(samples: &Samples) -> Result<Self, SchemaError> {
        let (grammar, example) = search::explore::<T>(samples)?;
        let number = grammar
            .fingerprint()
            .map_err(|what| SchemaError::new(type_name::<T>(), Vec::new(), Fault::Unbounded(what)))?;
        let prefixes = appended::prefixes::<T>(&grammar, &example);
        Ok(Self { grammar, fingerprint: Fingerprint(number), prefixes, payload: PhantomData })
    }

    /// Returns the fingerprint of the type.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct UserId(u64);
    ///
    /// let fingerprint = Schema::<UserId>::trace().unwrap().fingerprint();
    /// assert_eq!(fingerprint, Schema::<u64>::trace().unwrap().fingerprint());
    /// assert_ne!(fingerprint, Schema::<u32>::trace().unwrap().fingerprint());
    /// ```
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns the fingerprints of the shapes that `T` had before its last fields were appended, the latest first.
    ///
    /// These are the structs of the first fields of `T` whose payloads `T` reads, because each of its other fields has
    /// a default (`#[serde(default)]` on the field or on the struct).
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use serde_fingerprint::{Fingerprint, Schema};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Before {
    ///     user: u64,
    /// }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct After {
    ///     user: u64,
    ///     #[serde(default)]
    ///     theme: Option<String>,
    /// }
    ///
    /// let schema = Schema::<After>::trace().unwrap();
    /// let before = Fingerprint::of::<Before>().unwrap();
    /// assert_eq!(schema.prefixes().collect::<Vec<_>>(), [before]);
    /// ```
    pub fn prefixes(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.prefixes.iter().map(|prefix| prefix.fingerprint)
    }

    /// Appends the bytes of a value.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
    /// let mut out = vec![0xff];
    /// Schema::<(bool, u8)>::trace().unwrap().encode_into(&(true, 5), &mut out).unwrap();
    /// assert_eq!(out, [0xff, 1, 5]);
    /// ```
    ///
    /// # Errors
    ///
    /// If the value
    ///
    /// - is serialized differently than its type was traced, for example with `skip_serializing_if`,
    /// - is nested more than 128 levels deep, or
    /// - has more elements in its sequences and maps than bytes for them, which takes elements without bytes, as in
    ///   `Vec<()>`.
    ///
    /// `out` is then unchanged.
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
    /// use serde_fingerprint::Schema;
    ///
    /// let schema = Schema::<(bool, u8)>::trace().unwrap();
    /// assert_eq!(schema.decode(&[1, 5]).unwrap(), (true, 5));
    /// assert!(schema.decode(&[1]).is_err());
    /// assert!(schema.decode(&[1, 5, 0]).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// If the bytes are not those of a value within the bounds of [`encode_into`](Self::encode_into), or go on after
    /// it.
    pub fn decode(&self, payload: &[u8]) -> Result<T, DecodeError> {
        read(payload, &Bounds::new(payload.len()))
    }

    /// Reads a value from the bytes of an earlier shape, one of [`prefixes`](Self::prefixes), and fills in the defaults.
    ///
    /// Returns `None` if the fingerprint is none of them.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use serde_fingerprint::{Fingerprint, Schema};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Before {
    ///     user: u64,
    /// }
    ///
    /// #[derive(Debug, PartialEq, Serialize, Deserialize)]
    /// struct After {
    ///     user: u64,
    ///     #[serde(default)]
    ///     theme: Option<String>,
    /// }
    ///
    /// let before = Schema::<Before>::trace().unwrap();
    /// let mut payload = Vec::new();
    /// before.encode_into(&Before { user: 7 }, &mut payload).unwrap();
    ///
    /// let after = Schema::<After>::trace().unwrap();
    /// let value = after.decode_prefix(before.fingerprint(), &payload).unwrap();
    /// assert_eq!(value.unwrap(), After { user: 7, theme: None });
    /// assert!(after.decode_prefix(Fingerprint::of::<String>().unwrap(), &payload).is_none());
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn decode_prefix(&self, fingerprint: Fingerprint, payload: &[u8]) -> Option<Result<T, DecodeError>> {
        let prefix = self.prefixes.iter().find(|prefix| prefix.fingerprint == fingerprint)?;
        Some(read(payload, &Bounds::with_prefix(payload.len(), prefix.fields)))
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
