//! The state of one pass over a type: what it may draw on, and where it went wrong.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::fmt;

use serde::de;

use super::error::{Fault, Step};
use super::tree::{Key, Tree};

/// What was accepted before, so that it need not be searched for again.
pub(super) type Memo = HashMap<MemoKey, Tree>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum MemoKey {
    /// By the type that a slot asks for: the most precise, as it includes the conversions on the way.
    Slot(TypeId),
    /// By the visitor, where serde doesn't tell the type (inside of an option or a newtype struct).
    Composite(Key),
}

/// What passes learn about enums, whether they end well or not.
#[derive(Default)]
pub(super) struct Enums {
    /// The lowest index that was refused.
    pub(super) limits: HashMap<Key, u32>,
    /// A variant that is known to come to an end.
    pub(super) ending: HashMap<Key, u32>,
}

/// Where a pass was refused.
#[derive(Clone, Debug)]
pub(super) struct Blame {
    pub(super) path: Vec<usize>,
    pub(super) steps: Vec<Step>,
    pub(super) type_name: &'static str,
    pub(super) message: String,
    /// It was the index of a variant that was refused.
    pub(super) no_such_variant: bool,
}

/// One pass over a type.
pub(super) struct Pass<'de> {
    pub(super) memo: &'de Memo,
    pub(super) enums: Enums,
    pub(super) blame: Option<Blame>,
    pub(super) fault: Option<(Vec<Step>, Fault)>,
    pub(super) path: Vec<usize>,
    pub(super) steps: Vec<Step>,
    pub(super) open_enums: Vec<Key>,
    pub(super) nodes: usize,
}

impl<'de> Pass<'de> {
    pub(super) fn new(memo: &'de Memo, enums: Enums) -> Self {
        Self {
            memo,
            enums,
            blame: None,
            fault: None,
            path: Vec::new(),
            steps: Vec::new(),
            open_enums: Vec::new(),
            nodes: 0,
        }
    }

    /// Remembers the first refusal: it is where the pass went wrong, whatever is made of it further out.
    pub(super) fn blame_at(&mut self, error: &Refusal, type_name: &'static str, no_such_variant: bool) {
        if self.blame.is_none() && self.fault.is_none() {
            self.blame = Some(Blame {
                path: self.path.clone(),
                steps: self.steps.clone(),
                type_name,
                message: error.0.clone(),
                no_such_variant,
            });
        }
    }

    /// Stops the whole search: no other sample would help.
    pub(super) fn stop<V>(&mut self, fault: Fault) -> Result<V, Refusal> {
        if self.fault.is_none() {
            self.fault = Some((self.steps.clone(), fault));
        }
        Err(Refusal(String::new()))
    }

    pub(super) fn checked<V>(&mut self, result: Result<V, Refusal>) -> Result<V, Refusal> {
        match result {
            Err(error) => {
                self.blame_at(&error, type_name::<V>(), false);
                Err(error)
            }
            done => done,
        }
    }
}

/// The error that a type sees and makes while it is traced.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) String);

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
