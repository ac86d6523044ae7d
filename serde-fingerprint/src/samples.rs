//! An application's own values, for places that refuse everything else.

use serde::Serialize;

use super::record::record;
use super::tree::{Kind, Leaf, LeafKind, Tree};
use super::trouble::{Said, Trouble};
use super::values::builtin;

/// Values of an application's own, for types that accept nothing of what tracing thinks of by itself.
///
/// The default is empty, and is enough for nearly every type. A sample is only looked at as it serialises; what it
/// holds is offered to the places that refused everything else. It never changes a fingerprint, and a sample may
/// be a whole payload as well as one small part of it.
///
/// ```
/// use serde_fingerprint::{Fingerprint, Samples, Schema};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(try_from = "String", into = "String")]
/// # #[derive(Clone)]
/// struct OrderId(String);
///
/// impl TryFrom<String> for OrderId {
///     type Error = &'static str;
///     fn try_from(id: String) -> Result<Self, Self::Error> {
///         if id.starts_with("order-") { Ok(Self(id)) } else { Err("not an order") }
///     }
/// }
/// # impl From<OrderId> for String { fn from(id: OrderId) -> String { id.0 } }
///
/// assert!(Schema::<Vec<OrderId>>::trace().is_err());
///
/// let samples = Samples::default().with(&OrderId("order-17".into()));
/// let schema = Schema::<Vec<OrderId>>::trace_with(&samples)?;
/// assert_eq!(schema.fingerprint(), Fingerprint::of::<Vec<String>>()?);
/// # Ok::<(), serde_fingerprint::SchemaError>(())
/// ```
#[derive(Default)]
pub struct Samples {
    leaves: Vec<Leaf>,
    composites: Vec<Tree>,
    failure: Option<Trouble>,
}

impl Samples {
    /// Adds one value.
    ///
    /// A value that can't be serialised is reported by
    /// [`trace_with`](super::Schema::trace_with).
    ///
    /// ```
    /// # use serde_fingerprint::Samples;
    /// let samples = Samples::default().with(&"order-17").with(&("from", "to"));
    /// ```
    #[must_use]
    pub fn with<S: Serialize + ?Sized>(mut self, value: &S) -> Self {
        match record(value) {
            Ok(tree) => tree.walk(&mut Vec::new(), &mut |part, _| match &part.kind {
                Kind::Leaf(leaf) if !self.leaves.contains(leaf) => self.leaves.push(leaf.clone()),
                Kind::Leaf(_) | Kind::Hole | Kind::None => {}
                _ => self.composites.push(part.clone()),
            }),
            Err(trouble) => self.failure = self.failure.or(Some(trouble)),
        }
        self
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(|trouble| Said(trouble.what(), true).to_string())
    }

    /// Every value of a kind that is worth a try, the application's first.
    pub(super) fn of_kind(&self, kind: LeafKind) -> Vec<Leaf> {
        let own = self.leaves.iter().filter(|leaf| leaf.kind() == kind).cloned();
        own.chain(builtin(kind)).collect()
    }

    /// The recorded composites that could stand where `place` was read.
    pub(super) fn like<'s>(&'s self, place: &'s Tree) -> impl Iterator<Item = &'s Tree> + 's {
        let mut place = place;
        while place.kind == Kind::Newtype
            && let Some(inner) = place.children.first()
        {
            place = inner;
        }
        self.composites.iter().filter(move |tree| match (&tree.kind, &place.kind) {
            (Kind::Some, Kind::None | Kind::Some) => true,
            (Kind::Variant { .. }, Kind::Variant { .. }) => true,
            (mine, asked) => mine == asked,
        })
    }
}

impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Samples")
            .field("leaves", &self.leaves.len())
            .field("composites", &self.composites.len())
            .finish()
    }
}
