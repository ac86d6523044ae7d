//! The public errors: explained at set-up, without values at encoding, one sentence at decoding.

use std::fmt;

use super::trouble::Trouble;

/// One step from a type towards a fault inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Field(&'static str),
    Index(usize),
    Element,
    MapKey,
    MapValue,
    Variant(&'static str),
    /// Into an option or a newtype, which a path does not show.
    Content,
}

/// Returns a path like `Visit.cart[].price`.
fn path(type_name: &str, steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Index(at) => format!(".{at}"),
        Step::Element => "[]".into(),
        Step::MapKey => "{key}".into(),
        Step::MapValue => "{value}".into(),
        Step::Variant(name) => format!("::{name}"),
        Step::Content => String::new(),
    };
    short(type_name) + &steps.iter().map(step).collect::<String>()
}

/// Returns `Vec<Visit>` for `alloc::vec::Vec<shop::Visit>`.
fn short(type_name: &str) -> String {
    let mut short = String::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for part in type_name.split("::") {
        short.truncate(short.trim_end_matches(is_word).len());
        short.push_str(part);
    }
    short
}

/// A type that can't be traced, from [`Schema::trace`](super::Schema::trace).
///
/// The message names the type, the place inside it, the fault and a way out.
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
pub struct SchemaError(Box<(&'static str, Vec<Step>, Fault)>);

/// A fault of a type.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// `deserialize_any` and its kin, or a map of unknown length: the format would have to describe itself.
    SelfDescribing(&'static str),
    /// Nothing that was offered was accepted. The only fault that other values may repair.
    Refused { type_name: &'static str, message: String, no_such_variant: bool },
    /// The two halves of serde differ.
    Disagrees(String),
    /// One visitor, two shapes.
    Conflict(&'static str),
    /// `skip_field`.
    Skips(&'static str),
    /// A value that was read can't be written.
    Unwritable(String),
    /// A sample can't be written.
    BadSample(String),
    /// Work without end.
    Unbounded(&'static str),
}

impl Fault {
    /// A refusal by tracing itself, not by a type inside.
    pub(crate) fn refused(message: &str) -> Self {
        Fault::Refused { type_name: "", message: message.into(), no_such_variant: false }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Fault::Refused { .. })
    }

    pub(crate) fn is_no_such_variant(&self) -> bool {
        matches!(self, Fault::Refused { no_such_variant: true, .. })
    }
}

impl SchemaError {
    pub(crate) fn new(type_name: &'static str, steps: Vec<Step>, fault: Fault) -> Self {
        Self(Box::new((type_name, steps, fault)))
    }

    pub(crate) fn fault(&self) -> &Fault {
        &self.0.2
    }

    /// The full name of the type that was traced.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
    /// let error = Schema::<serde_json::Value>::trace().unwrap_err();
    /// assert_eq!(error.type_name(), "serde_json::value::Value");
    /// ```
    pub fn type_name(&self) -> &'static str {
        self.0.0
    }

    /// The place of the fault, from the type inwards.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
    /// let error = Schema::<(u8, Vec<serde_json::Value>)>::trace().unwrap_err();
    /// assert_eq!(error.path(), "(u8, Vec<Value>).1[]");
    /// ```
    pub fn path(&self) -> String {
        path(self.0.0, &self.0.1)
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.type_name();
        write!(f, "`{name}` can't be traced: `{}` ", self.path())?;
        match self.fault() {
            Fault::SelfDescribing(call) => write!(
                f,
                "calls `{call}`, which asks the payload to describe itself. It can't: it holds no names or types. \
                 The cause is `#[serde(flatten)]`, \
                 `#[serde(untagged)]`, `#[serde(tag = ...)]` or a dynamic type such as `serde_json::Value`. \
                 Use serde's default (externally tagged) enums and plain fields, or keep this part as a `String` or \
                 as bytes"
            ),
            Fault::Refused { type_name, message, .. } => {
                let refused = short(if type_name.is_empty() { name } else { type_name });
                write!(
                    f,
                    "(a `{refused}`) rejected every value that tracing tried (the first time: {message}). Add a \
                     value that it accepts as a sample: `Samples::default().with(&value)`"
                )
            }
            Fault::Disagrees(how) => write!(
                f,
                "is serialized differently than it is deserialized: {how}. Look for `skip_serializing`, \
                 `skip_deserializing`, `skip` on a variant that is not the last, `rename(serialize = ...)`, \
                 `serialize_with`, `into` without a matching `from`, or hand-written implementations, and make both \
                 sides alike"
            ),
            Fault::Conflict(how) => write!(
                f,
                "has no single shape: {how}. The cause is a hand-written visitor that decides at run time, or a \
                 `serialize_with` on one of several fields of a type. Use a separate visitor type for each shape, \
                 and serialize a type in one way"
            ),
            Fault::Skips(field) => write!(
                f,
                "leaves out its field `{field}` when it is serialized, so that the next field would be read in its \
                 place. Remove `skip_serializing_if` from it"
            ),
            Fault::Unwritable(message) => write!(
                f,
                "was deserialized, but that value can't be serialized: {message}. Make every value that can be read \
                 one that can be written"
            ),
            Fault::BadSample(message) => write!(f, "has a sample that can't be serialized: {message}"),
            Fault::Unbounded(what) => write!(
                f,
                "is larger than tracing supports: {what}. Keep this part as a `String` or as bytes, or make the \
                 type smaller"
            ),
        }
    }
}

impl std::error::Error for SchemaError {}

/// A value that would not be read back unchanged, from [`Schema::encode_into`](super::Schema::encode_into).
///
/// The message names the place and the difference. It never shows a value.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use serde_fingerprint::Schema;
///
/// #[derive(Serialize, Deserialize)]
/// struct Visit {
///     #[serde(default, skip_serializing_if = "is_seven")]
///     luck: u8,
/// }
///
/// fn is_seven(number: &u8) -> bool {
///     *number == 7
/// }
///
/// let schema = Schema::<Vec<Visit>>::trace().unwrap();
/// let error = schema.encode_into(&vec![Visit { luck: 7 }], &mut Vec::new()).unwrap_err();
/// assert_eq!(error.path(), "Vec<Visit>[]");
/// assert!(error.to_string().contains("`luck` was left out"), "{error}");
/// ```
pub struct EncodeError {
    type_name: &'static str,
    trouble: Trouble,
}

impl EncodeError {
    pub(crate) fn new(type_name: &'static str, trouble: Trouble) -> Self {
        Self { type_name, trouble }
    }

    /// The place of the fault, from the type inwards.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
    /// let schema = Schema::<(u8, Vec<()>)>::trace().unwrap();
    /// let error = schema.encode_into(&(1, vec![(); 3]), &mut Vec::new()).unwrap_err();
    /// assert_eq!(error.path(), "(u8, Vec<()>)");
    /// ```
    pub fn path(&self) -> String {
        path(self.type_name, &self.trouble.steps())
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` can't be encoded: {}", self.path(), self.trouble)
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncodeError").field(&self.to_string()).finish()
    }
}

impl std::error::Error for EncodeError {}

/// Bytes that are no payload of the type, from [`Schema::decode`](super::Schema::decode).
///
/// ```
/// use serde_fingerprint::Schema;
///
/// let schema = Schema::<u8>::trace().unwrap();
/// assert!(schema.decode(&[1, 2]).unwrap_err().is_left_over());
/// assert!(!schema.decode(&[]).unwrap_err().is_left_over());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError(pub(crate) DecodeFault);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeFault {
    Malformed,
    LeftOver,
}

impl DecodeError {
    /// Returns true if a value was read and bytes were left after it.
    ///
    /// ```
    /// use serde_fingerprint::Schema;
    ///
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
