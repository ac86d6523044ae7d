//! One row: a type, some values, and what becomes of them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_fingerprint::{Samples, Schema, named};

/// The outcome for a type's values, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every value reads back equal.
    Carried,
    /// The same, with the row's first value as a sample. Only for compact.
    NeedsSample,
    /// Tracing rejects the type, with and without a sample. Only for compact.
    Rejected,
    /// A value is rejected when it is written.
    NotWritten,
    /// A value is rejected when it is read.
    NotRead,
    /// A value reads back as another one.
    Changed,
}

/// All encodings carry the type.
pub const YES: [Outcome; 3] = [Outcome::Carried; 3];

/// All encodings carry the type but compact, which has no names and types to tell the type what it is reading.
pub const DYNAMIC: [Outcome; 3] = [Outcome::Rejected, Outcome::Carried, Outcome::Carried];

impl Outcome {
    pub fn is_carried(self) -> bool {
        self <= Self::NeedsSample
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Carried => "yes",
            Self::NeedsSample => "with a sample",
            Self::Rejected => "rejected",
            Self::NotWritten => "error when written",
            Self::NotRead => "error when read",
            Self::Changed => "**another value**",
        }
    }
}

/// An outcome and, if there was an error, its text.
type Found = (Outcome, String);

/// A type, with the outcomes for compact, self-describing and JSON.
pub struct Row {
    pub name: &'static str,
    pub expected: [Outcome; 3],
    found: [Found; 3],
}

impl Row {
    pub fn compact(&self) -> Outcome {
        self.expected[0]
    }

    pub fn self_describing(&self) -> Outcome {
        self.expected[1]
    }

    pub fn json(&self) -> Outcome {
        self.expected[2]
    }

    /// The outcomes that are not the expected ones, in words.
    pub fn surprises(&self) -> impl Iterator<Item = String> {
        let encodings =
            ["compact", "self-describing", "JSON"].into_iter().zip(self.expected).zip(&self.found);
        encodings.filter(|((_, expected), (found, _))| expected != found).map(
            |((encoding, expected), (found, why))| {
                format!("{}, {encoding}: {found:?} instead of {expected:?} {why}", self.name)
            },
        )
    }
}

/// A row whose values are compared by `PartialEq`.
pub fn row<T>(name: &'static str, expected: [Outcome; 3], values: impl IntoIterator<Item = T>) -> Row
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    compare(name, expected, values, |one, other| one == other)
}

/// A row of a type without `PartialEq`, or with values that do not equal themselves: equal is what is written alike.
pub fn row_by_bytes<T>(name: &'static str, expected: [Outcome; 3], values: impl IntoIterator<Item = T>) -> Row
where
    T: Serialize + DeserializeOwned,
{
    compare(name, expected, values, |one, other| {
        let [one, other] = [one, other].map(|value| write_named(value).map_err(drop));
        one.is_ok() && one == other
    })
}

fn compare<T: Serialize + DeserializeOwned>(
    name: &'static str,
    expected: [Outcome; 3],
    values: impl IntoIterator<Item = T>,
    equal: fn(&T, &T) -> bool,
) -> Row {
    let values: Vec<T> = values.into_iter().collect();
    let found = [
        compact(&values, equal),
        there_and_back(values.len(), &|at| write_named(&values[at]), &|at, bytes| {
            Ok(equal(&values[at], &named::decode(bytes).map_err(text)?))
        }),
        there_and_back(values.len(), &|at| serde_json::to_vec(&values[at]).map_err(text), &|at, bytes| {
            Ok(equal(&values[at], &serde_json::from_slice(bytes).map_err(text)?))
        }),
    ];
    Row { name, expected, found }
}

fn compact<T: Serialize + DeserializeOwned>(values: &[T], equal: fn(&T, &T) -> bool) -> Found {
    let (schema, best) = match Schema::<T>::trace() {
        Ok(schema) => (schema, Outcome::Carried),
        Err(_) => match Schema::trace_with(&Samples::default().with(&values[0])) {
            Ok(schema) => (schema, Outcome::NeedsSample),
            Err(error) => return (Outcome::Rejected, text(error)),
        },
    };
    let (outcome, why) = there_and_back(
        values.len(),
        &|at| {
            let mut out = Vec::new();
            schema.encode_into(&values[at], &mut out).map(|()| out).map_err(text)
        },
        &|at, bytes| Ok(equal(&values[at], &schema.decode(bytes).map_err(text)?)),
    );
    (outcome.max(best), why)
}

/// The worst outcome of this many values: `write` writes one, and `read` reads it and compares it. Not generic, because
/// it would be compiled three times for each of some hundred types.
fn there_and_back(
    count: usize,
    write: &dyn Fn(usize) -> Result<Vec<u8>, String>,
    read: &dyn Fn(usize, &[u8]) -> Result<bool, String>,
) -> Found {
    let one = |at| match write(at).map(|bytes| read(at, &bytes)) {
        Err(error) => (Outcome::NotWritten, error),
        Ok(Err(error)) => (Outcome::NotRead, error),
        Ok(Ok(true)) => (Outcome::Carried, String::new()),
        Ok(Ok(false)) => (Outcome::Changed, String::new()),
    };
    (0..count).map(one).max().expect("each row has a value")
}

fn write_named<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    named::encode_into(value, &mut out).map(|()| out).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    format!("({error})")
}
