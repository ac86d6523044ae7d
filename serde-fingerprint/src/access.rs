//! What a visitor is handed by the tracing deserializer: elements, entries and variants.

use std::any::type_name;
use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::error::Step;
use super::pass::{MemoKey, Pass, Refusal};
use super::read::Reader;
use super::tree::{Body, HOLE, Kind, Tree};

/// Reads what a slot asks for, and remembers that its type accepted it.
fn child<'de, S: DeserializeSeed<'de>>(
    pass: &mut Pass<'de>,
    plan: &'de [Tree],
    seen: &mut Tree,
    step: Step,
    seed: S,
) -> Result<S::Value, Refusal> {
    let at = seen.children.len();
    let slot_type = typeid::of::<S::Value>();
    let mut plan = plan.get(at).unwrap_or(&HOLE);
    if plan.is_hole()
        && let Some(known) = pass.memo.get(&MemoKey::Slot(slot_type))
    {
        plan = known;
    }
    pass.path.push(at);
    pass.steps.push(step);
    seen.children.push(Tree::hole());
    let slot = &mut seen.children[at];
    let result = seed.deserialize(Reader { pass: &mut *pass, plan, seen: &mut *slot });
    let result = pass.checked(result);
    if result.is_ok() {
        slot.slot_type = Some(slot_type);
    }
    pass.steps.pop();
    pass.path.pop();
    result
}

/// The elements of a sequence, a tuple or a struct.
pub(super) struct Elements<'a, 'de, F> {
    pub(super) pass: &'a mut Pass<'de>,
    pub(super) plan: &'de [Tree],
    pub(super) seen: &'a mut Tree,
    pub(super) len: usize,
    pub(super) step: F,
}

impl<'de, F: Fn(usize) -> Step> de::SeqAccess<'de> for Elements<'_, 'de, F> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        let at = self.seen.children.len();
        if at == self.len {
            return Ok(None);
        }
        child(self.pass, self.plan, self.seen, (self.step)(at), seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.seen.children.len())
    }
}

/// The entries of a map.
pub(super) struct Entries<'a, 'de> {
    pub(super) pass: &'a mut Pass<'de>,
    pub(super) plan: &'de [Tree],
    pub(super) seen: &'a mut Tree,
    pub(super) len: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_, 'de> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        if self.seen.children.len() >= self.len {
            return Ok(None);
        }
        child(self.pass, self.plan, self.seen, Step::MapKey, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        child(self.pass, self.plan, self.seen, Step::MapValue, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len.saturating_sub(self.seen.children.len()) / 2)
    }
}

/// A variant: its index, then its content.
pub(super) struct Enum<'a, 'de> {
    pub(super) pass: &'a mut Pass<'de>,
    pub(super) plan: &'de [Tree],
    pub(super) seen: &'a mut Tree,
    pub(super) index: u32,
}

impl Enum<'_, '_> {
    fn body(&mut self, is: Body) {
        if let Kind::Variant { body, .. } = &mut self.seen.kind {
            *body = Some(is);
        }
    }
}

impl<'de> de::EnumAccess<'de> for Enum<'_, 'de> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Refusal> {
        match seed.deserialize(self.index.into_deserializer()) {
            Ok(value) => Ok((value, self)),
            Err(error) => {
                if let Some(key) = self.seen.key {
                    let limit = self.pass.enums.limits.entry(key).or_insert(self.index);
                    *limit = self.index.min(*limit);
                }
                self.pass.blame_at(&error, type_name::<S::Value>(), true);
                Err(error)
            }
        }
    }
}

impl<'de> de::VariantAccess<'de> for Enum<'_, 'de> {
    type Error = Refusal;

    fn unit_variant(mut self) -> Result<(), Refusal> {
        self.body(Body::Unit);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, Refusal> {
        self.body(Body::Newtype);
        child(self.pass, self.plan, self.seen, Step::Index(0), seed)
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.body(Body::Tuple);
        let Self { pass, plan, seen, .. } = self;
        let result = visitor.visit_seq(Elements { pass: &mut *pass, plan, seen, len, step: Step::Index });
        pass.checked(result)
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.body(Body::Struct);
        let Self { pass, plan, seen, .. } = self;
        seen.names = Cow::Borrowed(fields);
        let step = |at| Step::Field(fields[at]);
        let result = visitor.visit_seq(Elements { pass: &mut *pass, plan, seen, len: fields.len(), step });
        pass.checked(result)
    }
}
