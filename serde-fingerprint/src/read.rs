//! The tracing deserializer: feeds a type from a plan, as postcard's would from bytes, and notes the calls.

use serde::de::{self, Visitor};

use super::access::{Children, Variant};
use super::error::Fault;
use super::pass::{Pass, Read, Refusal};
use super::tree::{HOLE, Key, Tag, Tree};
use super::values::values;

/// Types that are nested deeper than this are taken to have no end.
const MAX_PATH: usize = 150;
const MAX_PARTS: usize = 1 << 17;

/// The deserializer of one place: reads what is planned there, and writes down what is seen.
pub(crate) struct Reader<'a, 'de> {
    pub(crate) pass: &'a mut Pass<'de>,
    pub(crate) plan: &'de Tree,
    pub(crate) seen: &'a mut Tree,
}

/// Reads the next child of a composite.
pub(crate) fn descend<'de, V>(
    pass: &mut Pass<'de>,
    plan: &'de [Tree],
    seen: &mut Tree,
    read: impl FnOnce(Reader<'_, 'de>) -> Read<V>,
) -> Read<V> {
    pass.parts += 1;
    if pass.parts > MAX_PARTS || pass.path.len() > MAX_PATH {
        return pass.stop(Fault::Unbounded("it has too many parts, or is recursive without an end"));
    }
    let at = seen.children.len();
    pass.path.push(at);
    seen.children.push(Tree::of(Tag::Hole, Vec::new()));
    let plan = plan.get(at).unwrap_or(&HOLE);
    let result = read(Reader { pass, plan, seen: &mut seen.children[at] });
    let result = pass.checked(result);
    pass.path.pop();
    result
}

impl<'a, 'de> Reader<'a, 'de> {
    /// Enters a composite: notes its identity and finds its plan.
    fn enter<V>(mut self, tag: Tag) -> Self {
        let key = Key { visitor: typeid::of::<V>(), tag, variant: 0 };
        self.seen.tag = tag;
        self.seen.key = Some(key);
        if self.plan.is_hole()
            && let Some(known) = self.pass.memo.get(&key)
        {
            self.plan = known;
        }
        // A sample was recorded as it is written, where newtype structs are transparent.
        if self.plan.tag != tag && tag != Tag::Newtype {
            self.plan = &HOLE;
        }
        self
    }

    fn leave<V>(self, result: Read<V>) -> Read<V> {
        if let (Ok(_), Some(key)) = (&result, self.seen.key) {
            self.pass.accept(key, self.seen);
        }
        self.pass.checked(result)
    }

    /// Reads a composite of `len` children.
    fn children<V>(self, len: usize, visit: impl FnOnce(Children<'_, 'de>) -> Read<V>) -> Read<V> {
        let (pass, seen) = (&mut *self.pass, &mut *self.seen);
        let mut result = visit(Children { pass, plan: &self.plan.children, seen, len });
        if self.seen.tag.is_counted() && result.is_ok() && self.seen.children.len() < len {
            result = Err(de::Error::custom("it did not read all elements"));
        }
        self.leave(result)
    }

    fn leaf(&mut self, tag: Tag) -> &'de [u8] {
        let bytes = if self.plan.tag == tag { &self.plan.bytes } else { &values(tag)[0] };
        *self.seen = Tree::leaf(tag, bytes.clone());
        bytes
    }
}

macro_rules! leaves {
    ($($method:ident $visit:ident $tag:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Read<V::Value> {
            let bytes = self.leaf(Tag::$tag);
            let value = postcard::from_bytes::<$type>(bytes).expect("bytes of this kind");
            let result = visitor.$visit(value);
            self.pass.checked(result)
        }
    )*};
}

macro_rules! self_describing {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
            self.pass.stop(Fault::SelfDescribing(stringify!($method)))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_, 'de> {
    type Error = Refusal;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        deserialize_bool visit_bool Bool bool, deserialize_char visit_char Char char,
        deserialize_i8 visit_i8 I8 i8, deserialize_i16 visit_i16 I16 i16, deserialize_i32 visit_i32 I32 i32,
        deserialize_i64 visit_i64 I64 i64, deserialize_i128 visit_i128 I128 i128,
        deserialize_u8 visit_u8 U8 u8, deserialize_u16 visit_u16 U16 u16, deserialize_u32 visit_u32 U32 u32,
        deserialize_u64 visit_u64 U64 u64, deserialize_u128 visit_u128 U128 u128,
        deserialize_f32 visit_f32 F32 f32, deserialize_f64 visit_f64 F64 f64,
        deserialize_str visit_borrowed_str Str &'de str, deserialize_string visit_str Str &str,
        deserialize_bytes visit_borrowed_bytes Bytes &'de [u8], deserialize_byte_buf visit_bytes Bytes &[u8],
    }

    self_describing! { deserialize_any deserialize_ignored_any deserialize_identifier }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Read<V::Value> {
        self.leaf(Tag::Unit);
        let result = visitor.visit_unit();
        self.pass.checked(result)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let this = self.enter::<V>(Tag::Option);
        let result = if this.plan.children.is_empty() {
            visitor.visit_none()
        } else {
            descend(this.pass, &this.plan.children, this.seen, |inside| visitor.visit_some(inside))
        };
        this.leave(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        let this = self.enter::<V>(Tag::Newtype);
        let plan = match this.plan.tag {
            Tag::Newtype => &this.plan.children,
            _ => std::slice::from_ref(this.plan),
        };
        let result = descend(this.pass, plan, this.seen, |inside| visitor.visit_newtype_struct(inside));
        this.leave(result)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let this = self.enter::<V>(Tag::Seq);
        let len = this.plan.children.len();
        this.children(len, |elements| visitor.visit_seq(elements))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let this = self.enter::<V>(Tag::Map);
        let len = this.plan.children.len();
        this.children(len, |entries| visitor.visit_map(entries))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.enter::<V>(Tag::Tuple).children(len, |elements| visitor.visit_seq(elements))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Read<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let this = self.enter::<V>(Tag::Struct);
        this.seen.names = fields.to_vec();
        this.children(fields.len(), |fields| visitor.visit_seq(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let this = self.enter::<V>(Tag::Enum);
        let key = this.seen.key.expect("an enum was entered");
        let index = match this.plan.tag {
            Tag::Enum => this.plan.index,
            _ => this.pass.endings.get(&key).copied().unwrap_or_else(|| {
                // The first variant may lead back here for ever: further in, a later one is tried.
                let again = this.pass.open_enums.iter().filter(|open| **open == key).count();
                again.min(variants.len().saturating_sub(1)) as u32
            }),
        };
        this.seen.index = index;
        this.seen.name = variants.get(index as usize).unwrap_or(&"?");
        this.seen.names = variants.to_vec();
        this.pass.open_enums.push(key);
        let variant = Reader { pass: &mut *this.pass, plan: this.plan, seen: &mut *this.seen };
        let result = visitor.visit_enum(Variant(variant));
        this.pass.open_enums.pop();
        if this.seen.children.is_empty() {
            this.seen.children.push(HOLE.clone());
        }
        if result.is_ok() {
            this.pass.endings.entry(key).or_insert(index);
        }
        this.leave(result)
    }
}
