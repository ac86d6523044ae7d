//! The tracing deserializer: it feeds a type from a plan, as postcard's deserializer would from bytes, and notes
//! what was asked for.

use std::borrow::Cow;

use serde::de::{self, Visitor};

use super::access::{Elements, Entries, Enum};
use super::error::{Fault, Step};
use super::pass::{MemoKey, Pass, Refusal};
use super::tree::{HOLE, Key, Kind, Leaf, LeafKind, Method, Tree};
use super::values;

/// Deeper than this, a type is taken to have no end.
const MAX_DEPTH: usize = 100;
/// More places than this in one value are not followed.
const MAX_NODES: usize = 1 << 17;

/// The deserializer of one place.
pub(super) struct Reader<'a, 'de> {
    pub(super) pass: &'a mut Pass<'de>,
    pub(super) plan: &'de Tree,
    pub(super) seen: &'a mut Tree,
}

impl<'a, 'de> Reader<'a, 'de> {
    /// Enters a composite: counts it, finds its plan, notes its identity.
    fn enter<V>(&mut self, method: Method) -> Result<Key, Refusal> {
        self.pass.nodes += 1;
        if self.pass.path.len() > MAX_DEPTH {
            return self.pass.stop(Fault::Unbounded("it is nested too deep, or recursive without an end"));
        }
        if self.pass.nodes > MAX_NODES {
            return self.pass.stop(Fault::Unbounded("one value of it has too many parts"));
        }
        let key = Key { visitor: typeid::of::<V>(), method };
        if self.plan.is_hole()
            && let Some(known) = self.pass.memo.get(&MemoKey::Composite(key))
        {
            self.plan = known;
        }
        self.seen.key = Some(key);
        Ok(key)
    }

    fn leave<V>(self, result: Result<V, Refusal>) -> Result<V, Refusal> {
        self.seen.accepted = result.is_ok();
        self.pass.checked(result)
    }

    fn any<V>(self, call: &'static str) -> Result<V, Refusal> {
        self.pass.stop(Fault::SelfDescribing(call))
    }

    fn planned(&self, fits: impl FnOnce(&Kind) -> bool) -> &'de [Tree] {
        if fits(&self.plan.kind) { &self.plan.children } else { &[] }
    }

    /// A fixed number of elements: tuples, structs, and the like inside of variants.
    fn elements<V: Visitor<'de>>(
        self,
        len: usize,
        plan: &'de [Tree],
        visitor: V,
        step: impl Fn(usize) -> Step,
    ) -> Result<V::Value, Refusal> {
        if len > MAX_NODES {
            return self.pass.stop(Fault::Unbounded("one value of it has too many parts"));
        }
        let result =
            visitor.visit_seq(Elements { pass: &mut *self.pass, plan, seen: &mut *self.seen, len, step });
        self.leave(result)
    }
}

/// Reads what a visitor goes on to ask for in its own place: the inside of an option or a newtype struct.
fn inside<'de, V>(
    pass: &mut Pass<'de>,
    plan: &'de Tree,
    seen: &mut Tree,
    read: impl FnOnce(Reader<'_, 'de>) -> Result<V, Refusal>,
) -> Result<V, Refusal> {
    pass.path.push(0);
    seen.children.push(Tree::hole());
    let result = read(Reader { pass: &mut *pass, plan, seen: &mut seen.children[0] });
    let result = pass.checked(result);
    pass.path.pop();
    result
}

macro_rules! leaves {
    ($($method:ident $visit:ident $leaf:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let leaf = match &self.plan.kind {
                Kind::Leaf(leaf @ Leaf::$leaf(_)) => leaf.clone(),
                _ => values::first(LeafKind::$leaf),
            };
            let Leaf::$leaf(value) = leaf else { unreachable!("samples are of the kind asked for") };
            self.seen.kind = Kind::Leaf(Leaf::$leaf(value));
            let result = visitor.$visit(value);
            self.pass.checked(result)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_, 'de> {
    type Error = Refusal;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        deserialize_bool visit_bool Bool,
        deserialize_i8 visit_i8 I8,
        deserialize_i16 visit_i16 I16,
        deserialize_i32 visit_i32 I32,
        deserialize_i64 visit_i64 I64,
        deserialize_i128 visit_i128 I128,
        deserialize_u8 visit_u8 U8,
        deserialize_u16 visit_u16 U16,
        deserialize_u32 visit_u32 U32,
        deserialize_u64 visit_u64 U64,
        deserialize_u128 visit_u128 U128,
        deserialize_f32 visit_f32 F32,
        deserialize_f64 visit_f64 F64,
        deserialize_char visit_char Char,
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        self.any("deserialize_any")
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        self.any("deserialize_ignored_any")
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        self.any("deserialize_identifier")
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let value: &'de str = match &self.plan.kind {
            Kind::Leaf(Leaf::Str(value)) => value,
            _ => "",
        };
        self.seen.kind = Kind::Leaf(Leaf::Str(Cow::Owned(value.to_owned())));
        let result = visitor.visit_borrowed_str(value);
        self.pass.checked(result)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let value: &'de str = match &self.plan.kind {
            Kind::Leaf(Leaf::Str(value)) => value,
            _ => "",
        };
        self.seen.kind = Kind::Leaf(Leaf::Str(Cow::Owned(value.to_owned())));
        let result = visitor.visit_str(value);
        self.pass.checked(result)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let value: &'de [u8] = match &self.plan.kind {
            Kind::Leaf(Leaf::Bytes(value)) => value,
            _ => &[],
        };
        self.seen.kind = Kind::Leaf(Leaf::Bytes(Cow::Owned(value.to_owned())));
        let result = visitor.visit_borrowed_bytes(value);
        self.pass.checked(result)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let value: &'de [u8] = match &self.plan.kind {
            Kind::Leaf(Leaf::Bytes(value)) => value,
            _ => &[],
        };
        self.seen.kind = Kind::Leaf(Leaf::Bytes(Cow::Owned(value.to_owned())));
        let result = visitor.visit_bytes(value);
        self.pass.checked(result)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.seen.kind = Kind::Leaf(Leaf::Unit);
        let result = visitor.visit_unit();
        self.pass.checked(result)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.enter::<V>(Method::Option)?;
        let result = if self.plan.kind == Kind::Some {
            self.seen.kind = Kind::Some;
            let plan = self.plan.children.first().unwrap_or(&HOLE);
            inside(self.pass, plan, self.seen, |reader| visitor.visit_some(reader))
        } else {
            self.seen.kind = Kind::None;
            visitor.visit_none()
        };
        self.leave(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.enter::<V>(Method::Newtype)?;
        self.seen.kind = Kind::Newtype;
        // A sample was recorded as it is written, where newtype structs are transparent.
        let plan = match self.plan.kind {
            Kind::Newtype => self.plan.children.first().unwrap_or(&HOLE),
            _ => self.plan,
        };
        let result = inside(self.pass, plan, self.seen, |reader| visitor.visit_newtype_struct(reader));
        self.leave(result)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.enter::<V>(Method::Seq)?;
        self.seen.kind = Kind::Seq;
        let plan = self.planned(|kind| *kind == Kind::Seq);
        let len = plan.len();
        let result = visitor.visit_seq(Elements {
            pass: &mut *self.pass,
            plan,
            seen: &mut *self.seen,
            len,
            step: |_| Step::Element,
        });
        let result = if result.is_ok() && self.seen.children.len() < len {
            Err(Refusal("it left elements unread".into()))
        } else {
            result
        };
        self.leave(result)
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.enter::<V>(Method::Tuple)?;
        self.seen.kind = Kind::Tuple;
        let plan = self.planned(|kind| matches!(kind, Kind::Tuple));
        self.elements(len, plan, visitor, Step::Index)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.enter::<V>(Method::Map)?;
        self.seen.kind = Kind::Map;
        let plan = self.planned(|kind| *kind == Kind::Map);
        let len = plan.len();
        let result = visitor.visit_map(Entries { pass: &mut *self.pass, plan, seen: &mut *self.seen, len });
        let result = if result.is_ok() && self.seen.children.len() < len {
            Err(Refusal("it left entries unread".into()))
        } else {
            result
        };
        self.leave(result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.enter::<V>(Method::Struct)?;
        self.seen.kind = Kind::Struct;
        self.seen.names = Cow::Borrowed(fields);
        let plan = self.planned(|kind| *kind == Kind::Struct);
        self.elements(fields.len(), plan, visitor, |at| Step::Field(fields[at]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let key = self.enter::<V>(Method::Enum)?;
        let index = match self.plan.kind {
            Kind::Variant { index, .. } => index,
            _ => self.pass.enums.ending.get(&key).copied().unwrap_or_else(|| {
                // The first variant may lead back here for ever: further in, a later one is tried.
                let again = self.pass.open_enums.iter().filter(|open| **open == key).count();
                let count = match self.pass.enums.limits.get(&key) {
                    Some(limit) => *limit as usize,
                    None => variants.len(),
                };
                again.min(count.saturating_sub(1)) as u32
            }),
        };
        let name = variants.get(index as usize).copied().unwrap_or("?");
        self.seen.kind = Kind::Variant { index, name, body: None };
        self.seen.variants = variants;
        let plan = self.planned(|kind| matches!(kind, Kind::Variant { .. }));
        self.pass.open_enums.push(key);
        self.pass.steps.push(Step::Variant(name));
        let result = visitor.visit_enum(Enum { pass: &mut *self.pass, plan, seen: &mut *self.seen, index });
        self.pass.steps.pop();
        self.pass.open_enums.pop();
        if result.is_ok() {
            self.pass.enums.ending.entry(key).or_insert(index);
        }
        self.leave(result)
    }
}
