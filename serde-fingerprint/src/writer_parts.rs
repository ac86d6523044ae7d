//! The composites of the checked writer.

use serde::ser::{self, Serialize, Serializer};

use super::error::Step;
use super::grammar::{Id, Part};
use super::trouble::{Trouble, What};
use super::writer::{Sink, Writer, output, same};

/// A sequence or a map: the length is written first, and must come true.
pub(super) struct Counted<'w, 'g, 'o> {
    pub(super) sink: &'w mut Sink<'g, 'o>,
    pub(super) element: Id,
    pub(super) value: Id,
    pub(super) announced: usize,
    pub(super) left: usize,
}

impl<'w, 'g, 'o> Counted<'w, 'g, 'o> {
    #[inline]
    pub(super) fn start(
        sink: &'w mut Sink<'g, 'o>,
        len: Option<usize>,
        element: Id,
        value: Id,
    ) -> Result<Self, Trouble> {
        let Some(announced) = len else { return Err(Trouble::new(What::UnknownLength)) };
        (&mut sink.postcard).serialize_seq(Some(announced)).map_err(output)?;
        Ok(Self { sink, element, value, announced, left: announced })
    }

    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, at: Id, value: &T, step: Step) -> Result<(), Trouble> {
        value.serialize(Writer { sink: &mut *self.sink, at }).map_err(|trouble| trouble.inside(step))
    }

    #[inline]
    fn count(&mut self) -> Result<(), Trouble> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Trouble::new(What::Count { expected: self.announced, found: self.announced + 1 })),
        }
    }

    #[inline]
    fn finish(self) -> Result<(), Trouble> {
        if self.left == 0 {
            return Ok(());
        }
        Err(Trouble::new(What::Count { expected: self.announced, found: self.announced - self.left }))
    }
}

impl ser::SerializeSeq for Counted<'_, '_, '_> {
    type Ok = ();
    type Error = Trouble;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        self.count()?;
        self.put(self.element, value, Step::Element)
    }

    #[inline]
    fn end(self) -> Result<(), Trouble> {
        self.finish()
    }
}

impl ser::SerializeMap for Counted<'_, '_, '_> {
    type Ok = ();
    type Error = Trouble;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Trouble> {
        self.count()?;
        self.put(self.element, key, Step::MapKey)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        self.put(self.value, value, Step::MapValue)
    }

    #[inline]
    fn end(self) -> Result<(), Trouble> {
        self.finish()
    }
}

/// A tuple or a struct, alone or in a variant: exactly these parts, in this order.
pub(super) struct Fixed<'w, 'g, 'o> {
    pub(super) sink: &'w mut Sink<'g, 'o>,
    pub(super) rest: std::slice::Iter<'g, Part>,
    pub(super) count: usize,
    pub(super) variant: Option<&'static str>,
}

impl Fixed<'_, '_, '_> {
    #[inline]
    fn next(&mut self) -> Result<&Part, Trouble> {
        match self.rest.next() {
            Some(part) => Ok(part),
            None => Err(self.around(What::Count { expected: self.count, found: self.count + 1 })),
        }
    }

    #[cold]
    fn around(&self, what: What) -> Trouble {
        self.within(Trouble::new(what))
    }

    #[cold]
    fn within(&self, trouble: Trouble) -> Trouble {
        match self.variant {
            Some(name) => trouble.inside(Step::Variant(name)),
            None => trouble,
        }
    }

    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, at: Id, value: &T, step: Step) -> Result<(), Trouble> {
        match value.serialize(Writer { sink: &mut *self.sink, at }) {
            Ok(()) => Ok(()),
            Err(trouble) => Err(self.within(trouble.inside(step))),
        }
    }

    #[inline]
    fn finish(self) -> Result<(), Trouble> {
        let left = self.rest.len();
        if left == 0 {
            return Ok(());
        }
        Err(self.around(What::Count { expected: self.count, found: self.count - left }))
    }
}

macro_rules! by_position {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Fixed<'_, '_, '_> {
            type Ok = ();
            type Error = Trouble;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
                let at = self.next()?.is;
                let index = self.count - self.rest.len() - 1;
                self.put(at, value, Step::Index(index))
            }

            #[inline]
            fn end(self) -> Result<(), Trouble> {
                self.finish()
            }
        }
    )*};
}

macro_rules! by_name {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Fixed<'_, '_, '_> {
            type Ok = ();
            type Error = Trouble;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Trouble> {
                let Part { name: expected, is } = *self.next()?;
                if !same(expected, name) {
                    return Err(self.around(What::Field { expected, found: name }));
                }
                self.put(is, value, Step::Field(name))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Trouble> {
                Err(self.around(What::Skipped(name)))
            }

            #[inline]
            fn end(self) -> Result<(), Trouble> {
                self.finish()
            }
        }
    )*};
}

by_position!(SerializeTuple serialize_element, SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);
by_name!(SerializeStruct, SerializeStructVariant);
