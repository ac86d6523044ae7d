//! The faults that the serializers find in a value.

use std::fmt;

use super::bounded::MAX_DEPTH;
use super::error::Step;

/// A fault and the steps to it, from the inside out. One pointer, so that the way without an error stays cheap.
#[derive(Debug)]
pub(crate) struct Trouble(Box<(Vec<Step>, What)>);

#[derive(Debug)]
pub(crate) enum What {
    Differs { expected: &'static str, found: &'static str },
    Field { expected: &'static str, found: &'static str },
    Skipped(&'static str),
    Count { expected: usize, found: usize },
    Variant { index: u32, found: &'static str },
    UnknownLength,
    TooManyElements { elements: usize, bytes: usize },
    TooDeep,
    Custom(String),
    Output,
}

impl Trouble {
    #[cold]
    pub(crate) fn new(what: What) -> Self {
        Self(Box::new((Vec::new(), what)))
    }

    /// The same, one level further out.
    #[cold]
    pub(crate) fn inside(mut self, step: Step) -> Self {
        self.0.0.push(step);
        self
    }

    /// The same, inside a variant if there is one.
    #[cold]
    pub(crate) fn within(self, variant: Option<&'static str>) -> Self {
        match variant {
            Some(name) => self.inside(Step::Variant(name)),
            None => self,
        }
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.0.0.iter().rev().copied().collect()
    }

    pub(crate) fn what(&self) -> &What {
        &self.0.1
    }

    /// Returns the words for it with those of the type's own implementation, which may show a value. They are for
    /// tracing only, where values are made up.
    pub(crate) fn explained(&self) -> String {
        match self.what() {
            What::Custom(message) => message.clone(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what() {
            What::Differs { expected, found } => write!(f, "{expected} was expected, {found} was serialized"),
            What::Field { expected, found } => {
                write!(f, "the field `{expected}` was expected, `{found}` was serialized")
            }
            What::Skipped(name) => write!(f, "the field `{name}` was left out (`skip_serializing_if`?)"),
            What::Count { expected, found } => {
                write!(f, "{expected} elements were expected, {found} were serialized")
            }
            What::Variant { index, found } => {
                write!(f, "the variant `{found}` (number {index}) is never deserialized")
            }
            What::UnknownLength => f.write_str("the length was not known in advance (`flatten`?)"),
            What::TooManyElements { elements, bytes } => write!(
                f,
                "its sequences and maps have {elements} elements for {bytes} bytes. Elements that take no bytes, as in \
                 `Vec<()>`, can't be counted that way: store their number instead"
            ),
            What::TooDeep => write!(f, "it is nested too deep, more than {MAX_DEPTH} levels"),
            What::Custom(_) => f.write_str("its Serialize implementation rejected the value"),
            What::Output => f.write_str("a scalar could not be written"),
        }
    }
}

impl std::error::Error for Trouble {}

impl serde::ser::Error for Trouble {
    #[cold]
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::new(What::Custom(message.to_string()))
    }
}
