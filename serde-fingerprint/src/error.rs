//! What can go wrong: at set-up in full words, at encoding without a value, at decoding in one sentence.

use std::fmt;

use super::trouble::{Said, Trouble};

/// One step from a type towards the trouble inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(&'static str),
    Index(usize),
    Element,
    MapKey,
    MapValue,
    Variant(&'static str),
}

/// A path like `Visit.cart[].price`.
pub(super) struct Path<'a>(pub(super) &'static str, pub(super) &'a [Step]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(self.0))?;
        self.1.iter().try_for_each(|step| match step {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Index(at) => write!(f, ".{at}"),
            Step::Element => f.write_str("[]"),
            Step::MapKey => f.write_str("{key}"),
            Step::MapValue => f.write_str("{value}"),
            Step::Variant(name) => write!(f, "::{name}"),
        })
    }
}

/// `alloc::vec::Vec<shop::Visit>` as `Vec<Visit>`.
fn short(type_name: &str) -> String {
    let mut short = String::new();
    let mut word = 0;
    let mut rest = type_name;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("::") {
            short.truncate(word);
            rest = after;
        } else {
            short.push(next);
            rest = &rest[next.len_utf8()..];
            if !(next.is_alphanumeric() || next == '_') {
                word = short.len();
            }
        }
    }
    short
}

/// A type whose values can't be sealed, from [`Schema::trace`](super::Schema::trace).
///
/// It names the type, the place inside it, what is wrong there and the way out.
///
/// ```
/// use serde_fingerprint::Schema;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Visit {
///     extra: serde_json::Value,
/// }
///
/// let error = Schema::<Visit>::trace().unwrap_err().to_string();
/// assert!(error.contains("Visit.extra"), "{error}");
/// ```
#[derive(Debug)]
pub struct SchemaError(Box<SchemaTrouble>);

#[derive(Debug)]
struct SchemaTrouble {
    type_name: &'static str,
    steps: Vec<Step>,
    fault: Fault,
}

/// What is wrong with a type.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// `deserialize_any` and its kin, or a map of unknown length: the format would have to describe itself.
    SelfDescribing(&'static str),
    /// Nothing that was offered was accepted.
    Refused { type_name: &'static str, message: String },
    /// The two halves of serde differ.
    Disagrees(String),
    /// One visitor, two shapes.
    Conflict(String),
    /// `skip_field`.
    Skips(&'static str),
    /// A value that was read can't be written.
    Unwritable(String),
    /// A sample that the application gave can't be written.
    BadSample(String),
    /// Work without end.
    Unbounded(&'static str),
}

impl SchemaError {
    pub(super) fn new(type_name: &'static str, steps: Vec<Step>, fault: Fault) -> Self {
        Self(Box::new(SchemaTrouble { type_name, steps, fault }))
    }

    pub(super) fn is_unwritable(&self) -> bool {
        matches!(self.0.fault, Fault::Unwritable(_))
    }

    /// The full name of the type that was traced.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// let error = Schema::<serde_json::Value>::trace().unwrap_err();
    /// assert_eq!(error.type_name(), "serde_json::value::Value");
    /// ```
    pub fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    /// The place of the trouble, from the type inwards.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// let error = Schema::<(u8, Vec<serde_json::Value>)>::trace().unwrap_err();
    /// assert_eq!(error.path(), "(u8, Vec<Value>).1[]");
    /// ```
    pub fn path(&self) -> String {
        Path(self.0.type_name, &self.0.steps).to_string()
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SchemaTrouble { type_name, steps, fault } = &*self.0;
        write!(f, "`{type_name}` can't be sealed: `{}` ", Path(type_name, steps))?;
        match fault {
            Fault::SelfDescribing(call) => write!(
                f,
                "calls `{call}`, which asks a payload to describe itself, and a sealed payload holds no names or \
                 types. `#[serde(flatten)]`, `#[serde(untagged)]`, `#[serde(tag = ...)]` and dynamic types such as \
                 `serde_json::Value` do so. Use serde's default (externally tagged) enums and plain fields, or keep \
                 this part as a `String` or as bytes"
            ),
            Fault::Refused { type_name, message } => {
                write!(
                    f,
                    "(a `{}`) refused every value it was offered (the first time: {message}). Give a value that it \
                     accepts, as a sample: `Samples::default().with(&value)`",
                    short(type_name)
                )
            }
            Fault::Disagrees(how) => write!(
                f,
                "is serialised otherwise than it is deserialised: {how}. Look for `skip_serializing`, \
                 `skip_deserializing`, `skip` on a variant that is not the last, `rename(serialize = ...)`, \
                 `serialize_with`, `into` without a matching `from`, or hand-written implementations, and make both \
                 sides alike"
            ),
            Fault::Conflict(how) => write!(
                f,
                "has no single shape: {how}. Hand-written visitors that decide at run time do so, and a \
                 `serialize_with` on one of several fields of a type. Use a visitor type of its own for each shape, \
                 and write a type in one way"
            ),
            Fault::Skips(field) => write!(
                f,
                "leaves out its field `{field}` when it is serialised, so that what follows would be read into the \
                 wrong fields. Remove `skip_serializing_if` from it"
            ),
            Fault::Unwritable(message) => write!(
                f,
                "was deserialised, but the value can't be serialised: {message}. Every value that can be read must \
                 be one that can be written"
            ),
            Fault::BadSample(message) => {
                write!(f, "was given a sample value that can't be serialised: {message}")
            }
            Fault::Unbounded(what) => write!(
                f,
                "is more than tracing will follow: {what}. Keep this part as a `String` or as bytes, or make the \
                 type smaller"
            ),
        }
    }
}

impl std::error::Error for SchemaError {}

/// A value that would not be read back as what it is, from
/// [`Schema::encode_into`](super::Schema::encode_into).
///
/// It names the place and what differs, and never shows a value.
///
/// ```
/// use serde_fingerprint::Schema;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Visit {
///     #[serde(default, skip_serializing_if = "Vec::is_empty")]
///     seen: Vec<u32>,
///     #[serde(default, skip_serializing_if = "is_seven")]
///     luck: u8,
/// }
/// # fn is_seven(n: &u8) -> bool { *n == 7 }
///
/// // The list is seen empty while tracing, so that one is known from the start.
/// assert!(Schema::<Visit>::trace().is_err());
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Luck {
///     #[serde(default, skip_serializing_if = "is_seven")]
///     luck: u8,
/// }
///
/// let schema = Schema::<Luck>::trace().unwrap();
/// let error = schema.encode_into(&Luck { luck: 7 }, &mut Vec::new()).unwrap_err();
/// assert!(error.to_string().contains("`luck`"), "{error}");
/// ```
pub struct EncodeError {
    type_name: &'static str,
    trouble: Trouble,
}

impl EncodeError {
    pub(super) fn new(type_name: &'static str, trouble: Trouble) -> Self {
        Self { type_name, trouble }
    }

    /// The place of the trouble, from the type inwards.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Luck { #[serde(default, skip_serializing_if = "is_seven")] luck: u8 }
    /// # fn is_seven(n: &u8) -> bool { *n == 7 }
    /// let schema = Schema::<Vec<Luck>>::trace().unwrap();
    /// let error = schema.encode_into(&vec![Luck { luck: 7 }], &mut Vec::new()).unwrap_err();
    /// assert_eq!(error.path(), "Vec<Luck>[]");
    /// ```
    pub fn path(&self) -> String {
        Path(self.type_name, &self.trouble.steps()).to_string()
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was not sealed: {}", self.path(), Said(self.trouble.what(), false))
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncodeError").field(&self.to_string()).finish()
    }
}

impl std::error::Error for EncodeError {}

/// Bytes that are not a payload of the type, from [`Schema::decode`](super::Schema::decode).
///
/// ```
/// use serde_fingerprint::Schema;
///
/// let schema = Schema::<u8>::trace().unwrap();
/// assert!(schema.decode(&[1, 2]).unwrap_err().is_left_over());
/// assert!(!schema.decode(&[]).unwrap_err().is_left_over());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError(pub(super) DecodeFault);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecodeFault {
    Malformed,
    LeftOver,
}

impl DecodeError {
    /// Whether a value was read and bytes were left after it.
    ///
    /// ```
    /// # use serde_fingerprint::Schema;
    /// let schema = Schema::<bool>::trace().unwrap();
    /// assert!(schema.decode(&[0, 0]).unwrap_err().is_left_over());
    /// ```
    pub fn is_left_over(&self) -> bool {
        self.0 == DecodeFault::LeftOver
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            DecodeFault::Malformed => "the payload does not decode",
            DecodeFault::LeftOver => "the payload goes on after its value",
        })
    }
}

impl std::error::Error for DecodeError {}
