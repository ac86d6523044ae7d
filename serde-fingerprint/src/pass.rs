//! The state of one pass over a type.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::fmt;

use serde::de;

use super::error::Fault;
use super::tree::{Key, Tree};

/// Parts that were accepted before, so that they need not be searched for again.
pub(crate) type Memo = HashMap<MemoKey, Tree>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MemoKey {
    /// By the type that was asked for: the most precise, as it includes all conversions.
    Slot(TypeId),
    /// By the visitor, where serde doesn't tell the type (inside an option or a newtype struct).
    Composite(Key),
}

/// The experience with enums, from all passes.
#[derive(Default)]
pub(crate) struct Enums {
    /// The lowest index that was refused.
    pub(crate) limits: HashMap<Key, u32>,
    /// A variant that is known to come to an end, which matters if the enum is recursive.
    pub(crate) ending: HashMap<Key, u32>,
}

/// A place, and what is wrong there.
#[derive(Clone, Debug)]
pub(crate) struct Blame {
    pub(crate) path: Vec<usize>,
    pub(crate) fault: Fault,
}

pub(crate) struct Pass<'de> {
    pub(crate) memo: &'de Memo,
    pub(crate) enums: Enums,
    pub(crate) blame: Option<Blame>,
    /// The place that is being read.
    pub(crate) path: Vec<usize>,
    /// The enums around the place.
    pub(crate) open_enums: Vec<Key>,
    pub(crate) parts: usize,
}

impl<'de> Pass<'de> {
    pub(crate) fn new(memo: &'de Memo, enums: Enums) -> Self {
        Self { memo, enums, blame: None, path: Vec::new(), open_enums: Vec::new(), parts: 0 }
    }

    /// Remembers the first refusal: there the pass went wrong, whatever the types around it make of that. Only a
    /// fault that ends tracing takes its place.
    pub(crate) fn blame(&mut self, fault: Fault) {
        if self.blame.as_ref().is_none_or(|blame| blame.fault.is_refusal() && !fault.is_refusal()) {
            self.blame = Some(Blame { path: self.path.clone(), fault });
        }
    }

    /// Ends tracing: no other value would help.
    pub(crate) fn stop<V>(&mut self, fault: Fault) -> Result<V, Refusal> {
        self.blame(fault);
        Err(Refusal(String::new()))
    }

    pub(crate) fn checked<V>(&mut self, result: Result<V, Refusal>) -> Result<V, Refusal> {
        self.checked_variant(result, false)
    }

    pub(crate) fn checked_variant<V>(
        &mut self,
        result: Result<V, Refusal>,
        no_such_variant: bool,
    ) -> Result<V, Refusal> {
        if let Err(Refusal(message)) = &result {
            let type_name = type_name::<V>();
            self.blame(Fault::Refused { type_name, message: message.clone(), no_such_variant });
        }
        result
    }
}

/// The error that a type sees, and makes, while it is traced.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self(message.to_string())
    }
}
