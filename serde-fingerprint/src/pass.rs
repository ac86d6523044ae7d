//! The state of one pass over a type.

use std::any::type_name;
use std::collections::HashMap;

use serde::de::Error;

use super::error::Fault;
use super::tree::{Key, Tree};

/// Parts that were accepted before, so that they need not be searched for again.
///
/// By the visitor, or by the type that was asked for ([`Key::of_type`]). The latter is more precise, as it includes all
/// conversions, but serde does not tell it inside an option or a newtype struct.
pub(crate) type Memo = HashMap<Key, Tree>;

/// The variants that are known to come to an end, which matters if an enum is recursive.
pub(crate) type Endings = HashMap<Key, u32>;

/// A place, and what is wrong there.
#[derive(Clone, Debug)]
pub(crate) struct Blame {
    pub(crate) path: Vec<usize>,
    pub(crate) fault: Fault,
}

pub(crate) struct Pass<'de> {
    pub(crate) memo: &'de Memo,
    /// New parts for the memo.
    pub(crate) accepted: Vec<(Key, Tree)>,
    pub(crate) endings: Endings,
    pub(crate) blame: Option<Blame>,
    /// The place that is being read.
    pub(crate) path: Vec<usize>,
    /// The enums around the place.
    pub(crate) open_enums: Vec<Key>,
    pub(crate) parts: usize,
}

impl<'de> Pass<'de> {
    pub(crate) fn new(memo: &'de Memo, endings: Endings) -> Self {
        let (accepted, path, open_enums) = (Vec::new(), Vec::new(), Vec::new());
        Self { memo, accepted, endings, blame: None, path, open_enums, parts: 0 }
    }

    /// Remembers what a type or a visitor accepted, if it is the smallest so far.
    pub(crate) fn accept(&mut self, key: Key, part: &Tree) {
        if self.memo.get(&key).is_none_or(|known| part.size() < known.size()) {
            self.accepted.push((key, part.clone()));
        }
    }

    /// Remembers the first refusal: there the pass went wrong, whatever the types around it make of that. Only a
    /// fault that ends tracing takes its place.
    pub(crate) fn blame(&mut self, fault: Fault) {
        if self.blame.as_ref().is_none_or(|blame| blame.fault.is_refusal() && !fault.is_refusal()) {
            self.blame = Some(Blame { path: self.path.clone(), fault });
        }
    }

    /// Ends tracing: no other value would help.
    pub(crate) fn stop<V>(&mut self, fault: Fault) -> Read<V> {
        self.blame(fault);
        Err(Refusal::custom("tracing ended"))
    }

    pub(crate) fn checked<V>(&mut self, result: Read<V>) -> Read<V> {
        self.checked_variant(result, false)
    }

    pub(crate) fn checked_variant<V>(&mut self, result: Read<V>, no_such_variant: bool) -> Read<V> {
        if let Err(refusal) = &result {
            let (type_name, message) = (type_name::<V>(), refusal.to_string());
            self.blame(Fault::Refused { type_name, message, no_such_variant });
        }
        result
    }
}

/// The error that a type sees, and makes, while it is traced.
pub(crate) type Refusal = serde::de::value::Error;
pub(crate) type Read<V> = Result<V, Refusal>;
