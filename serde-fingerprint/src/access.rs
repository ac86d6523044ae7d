//! The access that the tracing deserializer gives to visitors: elements, entries and variants.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::pass::{Pass, Read, Refusal};
use super::read::{Reader, descend};
use super::tree::{HOLE, Key, Tag, Tree};

/// The children of a composite.
pub(crate) struct Children<'a, 'de> {
    pub(crate) pass: &'a mut Pass<'de>,
    pub(crate) plan: &'de [Tree],
    pub(crate) seen: &'a mut Tree,
    pub(crate) len: usize,
}

impl<'de> Children<'_, 'de> {
    fn left(&self) -> usize {
        self.len.saturating_sub(self.seen.children.len())
    }

    /// Reads the next child, and remembers that its type accepted it.
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        let slot_type = Key::of_type::<S::Value>();
        let result = descend(self.pass, self.plan, self.seen, |mut reader| {
            if reader.plan.is_hole()
                && let Some(known) = reader.pass.memo.get(&slot_type)
            {
                reader.plan = known;
            }
            seed.deserialize(reader)
        });
        if let (Ok(_), Some(child)) = (&result, self.seen.children.last()) {
            self.pass.accept(slot_type, child);
        }
        result
    }
}

impl<'de> de::SeqAccess<'de> for Children<'_, 'de> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        if self.left() == 0 { Ok(None) } else { self.next(seed).map(Some) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left())
    }
}

impl<'de> de::MapAccess<'de> for Children<'_, 'de> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        if self.left() == 0 { Ok(None) } else { self.next(seed).map(Some) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left() / 2)
    }
}

/// A variant: its index, then its body.
pub(crate) struct Variant<'a, 'de>(pub(crate) Reader<'a, 'de>);

impl<'de> Variant<'_, 'de> {
    fn body<V>(
        self,
        tag: Tag,
        names: &'static [&'static str],
        len: usize,
        read: impl FnOnce(Children<'_, 'de>) -> Read<V>,
    ) -> Read<V> {
        let Reader { pass, plan, seen } = self.0;
        let key = seen.key.map(|key| Key { tag, variant: seen.index, ..key });
        descend(pass, &plan.children, seen, |Reader { pass, plan, seen }| {
            (seen.tag, seen.key, seen.names) = (tag, key, names.to_vec());
            let plan = if plan.tag == tag { plan } else { &HOLE };
            read(Children { pass, plan: &plan.children, seen, len })
        })
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<(S::Value, Self)> {
        let result = seed.deserialize(self.0.seen.index.into_deserializer());
        Ok((self.0.pass.checked_variant(result, true)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;

    fn unit_variant(self) -> Read<()> {
        self.body(Tag::UnitVariant, &[], 0, |_| Ok(()))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<S::Value> {
        self.body(Tag::NewtypeVariant, &[], 1, |mut content| content.next(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.body(Tag::TupleVariant, &[], len, |elements| visitor.visit_seq(elements))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Read<V::Value> {
        self.body(Tag::StructVariant, fields, fields.len(), |fields| visitor.visit_seq(fields))
    }
}
