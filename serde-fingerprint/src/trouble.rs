//! What a serializer here finds wrong with a value, and where.

use std::fmt;

use super::error::Step;

/// The error of both serializers here: one pointer, so that the way without an error stays cheap.
#[derive(Debug)]
pub(super) struct Trouble(Box<(Vec<Step>, What)>);

#[derive(Debug)]
pub(super) enum What {
    Differs { expected: &'static str, found: &'static str },
    Field { expected: &'static str, found: &'static str },
    Skipped(&'static str),
    Count { expected: usize, found: usize },
    Variant { index: u32, found: &'static str },
    UnknownLength,
    TooDeep,
    Custom(String),
    Output,
}

impl Trouble {
    #[cold]
    pub(super) fn new(what: What) -> Self {
        Self(Box::new((Vec::new(), what)))
    }

    /// The same, one level further out.
    #[cold]
    pub(super) fn inside(mut self, step: Step) -> Self {
        self.0.0.push(step);
        self
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.0.0.iter().rev().copied().collect()
    }

    pub(super) fn what(&self) -> &What {
        &self.0.1
    }
}

/// The words for it; what a type's own implementation said is for set-up only, as it may show a value.
pub(super) struct Said<'a>(pub(super) &'a What, pub(super) bool);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Differs { expected, found } => write!(f, "{expected} was expected, {found} was serialised"),
            What::Field { expected, found } => {
                write!(f, "the field `{expected}` was expected, `{found}` was serialised")
            }
            What::Skipped(name) => write!(f, "the field `{name}` was left out (`skip_serializing_if`?)"),
            What::Count { expected, found } => {
                write!(f, "{expected} elements were announced, {found} were serialised")
            }
            What::Variant { index, found } => {
                write!(f, "the variant `{found}` (number {index}) is none that would be deserialised")
            }
            What::UnknownLength => f.write_str("a length was not known beforehand (`flatten`?)"),
            What::TooDeep => f.write_str("it is nested too deep"),
            What::Custom(message) if self.1 => f.write_str(message),
            What::Custom(_) => f.write_str("its Serialize implementation refused the value"),
            What::Output => f.write_str("the output could not be written"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Said(self.what(), false).fmt(f)
    }
}

impl std::error::Error for Trouble {}

impl serde::ser::Error for Trouble {
    #[cold]
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::new(What::Custom(message.to_string()))
    }
}
