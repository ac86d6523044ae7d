//! An application's own values, for places that refuse everything else.

use serde::Serialize;

use super::record::record;
use super::tree::{Tag, Tree};
use super::trouble::Trouble;
use super::values::values;

/// Example values for types that reject everything that tracing tries by itself.
///
/// The default is empty, which is enough for nearly every type. Tracing serializes a sample, and offers it and its
/// parts to the places that rejected everything else. So a sample can be a whole payload or one small part of it.
/// A sample never changes a fingerprint.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use serde_fingerprint::{Fingerprint, Samples, Schema};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// #[serde(try_from = "String", into = "String")]
/// struct OrderId(String);
///
/// impl TryFrom<String> for OrderId {
///     type Error = &'static str;
///
///     fn try_from(id: String) -> Result<Self, Self::Error> {
///         if id.starts_with("order-") { Ok(Self(id)) } else { Err("not an order") }
///     }
/// }
///
/// impl From<OrderId> for String {
///     fn from(id: OrderId) -> String {
///         id.0
///     }
/// }
///
/// fn main() -> Result<(), serde_fingerprint::SchemaError> {
///     assert!(Schema::<Vec<OrderId>>::trace().is_err());
///
///     let samples = Samples::default().with(&OrderId("order-17".into()));
///     let schema = Schema::<Vec<OrderId>>::trace_with(&samples)?;
///     assert_eq!(schema.fingerprint(), Fingerprint::of::<Vec<String>>()?);
///     Ok(())
/// }
/// ```
#[derive(Debug, Default)]
pub struct Samples {
    parts: Vec<Tree>,
    pub(crate) failure: Option<Trouble>,
}

impl Samples {
    /// Adds one value.
    ///
    /// [`trace_with`](super::Schema::trace_with) returns an error if the value can't be serialized.
    ///
    /// ```
    /// use serde_fingerprint::Samples;
    ///
    /// let samples = Samples::default().with(&"order-17").with(&("from", "to"));
    /// ```
    #[must_use]
    pub fn with<S: Serialize + ?Sized>(mut self, value: &S) -> Self {
        match record(value) {
            Ok(tree) => tree.walk(&mut Vec::new(), &mut |part, _| {
                if !self.parts.iter().any(|known| known.is_same(part)) {
                    self.parts.push(part.clone());
                }
            }),
            Err(trouble) => self.failure = self.failure.or(Some(trouble)),
        }
        self
    }

    /// Returns every value of a kind that is worth a try, the application's first.
    pub(crate) fn of_kind(&self, tag: Tag) -> Vec<Tree> {
        let own = self.parts.iter().filter(|part| part.tag == tag).cloned();
        own.chain(values(tag).iter().map(|bytes| Tree::leaf(tag, bytes.clone()))).collect()
    }

    /// Returns the composites that could stand where `place` was read.
    pub(crate) fn like<'s>(&'s self, mut place: &'s Tree) -> impl Iterator<Item = &'s Tree> + 's {
        while let (Tag::Newtype, Some(inner)) = (place.tag, place.children.first()) {
            place = inner;
        }
        self.parts.iter().filter(move |part| part.tag == place.tag && !part.tag.is_leaf())
    }
}
