//! The checked writer: postcard, with each call compared to the grammar before anything is written.

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use super::calls::{Calls, Composite, Place};
use super::error::Step;
use super::grammar::{Grammar, Id, Node, Part};
use super::tree::Tag;
use super::trouble::{Trouble, What};

/// Appends `value` to `out`. After an error, the caller truncates `out`.
pub(crate) fn write<T: Serialize>(grammar: &Grammar, value: &T, out: &mut Vec<u8>) -> Result<(), Trouble> {
    let before = out.len();
    let postcard = postcard::Serializer { output: Append(out) };
    let mut sink = Sink { grammar, postcard, elements: 0, longest: (0, 0) };
    value.serialize(Calls { place: Writer { sink: &mut sink, at: grammar.root }, depth: 0 })?;
    // The reader bounds its work by the payload's length, and would not read back what this rejects. It is a matter
    // of elements that take no bytes.
    let (elements, (end, len)) = (sink.elements, sink.longest);
    let (elements, bytes) = match end.checked_sub(out.len()) {
        Some(missing) if missing > 0 => (len, len - missing),
        _ => (elements, out.len() - before),
    };
    if elements > bytes { Err(Trouble::new(What::TooManyElements { elements, bytes })) } else { Ok(()) }
}

struct Append<'o>(&'o mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        // Most numbers are one byte long. Pushing it is faster than copying a slice.
        match data {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(data),
        }
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

struct Sink<'g, 'o> {
    grammar: &'g Grammar,
    postcard: postcard::Serializer<Append<'o>>,
    /// The lengths of all sequences and maps, added up.
    elements: usize,
    /// The end that the payload needs for each sequence's and map's elements to take a byte, and the length of that
    /// sequence or map.
    longest: (usize, usize),
}

struct Writer<'w, 'g, 'o> {
    sink: &'w mut Sink<'g, 'o>,
    at: Id,
}

/// A composite: its parts in order, or one part (two in a map) again and again.
struct Writing<'w, 'g, 'o> {
    sink: &'w mut Sink<'g, 'o>,
    parts: &'g [Part],
    /// The number of children, two for each entry of a map.
    expected: usize,
}

#[cold]
fn output(_: postcard::Error) -> Trouble {
    Trouble::new(What::Output)
}

#[inline]
fn same(one: &'static str, other: &'static str) -> bool {
    std::ptr::eq(one, other) || one == other
}

impl<'g> Writer<'_, 'g, '_> {
    #[inline]
    fn parts(&self, tag: Tag) -> Result<&'g [Part], Trouble> {
        let grammar: &'g Grammar = self.sink.grammar;
        let node = grammar.node(self.at);
        if node.tag == tag { Ok(&node.parts) } else { Err(differs(node, tag)) }
    }
}

#[cold]
fn differs(expected: &Node, found: Tag) -> Trouble {
    Trouble::new(What::Differs { expected: expected.tag.noun(), found: found.noun() })
}

impl<'w, 'g, 'o> Place for Writer<'w, 'g, 'o> {
    type Out = ();
    type Composite = Writing<'w, 'g, 'o>;

    #[inline(always)]
    fn leaf<V: Serialize + ?Sized>(self, tag: Tag, value: &V) -> Result<(), Trouble> {
        if self.at != tag as Id {
            return Err(differs(self.sink.grammar.node(self.at), tag));
        }
        value.serialize(&mut self.sink.postcard).map_err(output)
    }

    #[inline(always)]
    fn composite(self, tag: Tag, len: usize) -> Result<Writing<'w, 'g, 'o>, Trouble> {
        let parts = self.parts(tag)?;
        let expected = match tag {
            Tag::Option => {
                self.sink.postcard.output.try_push(len as u8).map_err(output)?;
                len
            }
            Tag::Seq | Tag::Map => {
                self.sink.elements = self.sink.elements.saturating_add(len);
                (len as u64).serialize(&mut self.sink.postcard).map_err(output)?;
                let end = self.sink.postcard.output.0.len().saturating_add(len);
                self.sink.longest = self.sink.longest.max((end, len));
                if tag == Tag::Map { len.saturating_mul(2) } else { len }
            }
            _ => parts.len(),
        };
        Ok(Writing { sink: self.sink, parts, expected })
    }

    #[inline(always)]
    fn variant(self, index: u32, name: &'static str, body: Tag) -> Result<Writing<'w, 'g, 'o>, Trouble> {
        match self.parts(Tag::Enum)?.get(index as usize) {
            Some(variant) if same(variant.name, name) => {
                let grammar: &'g Grammar = self.sink.grammar;
                let node = grammar.node(variant.is);
                if node.tag != body {
                    return Err(differs(node, body).inside(Step::Variant(name)));
                }
                index.serialize(&mut self.sink.postcard).map_err(output)?;
                Ok(Writing { sink: self.sink, parts: &node.parts, expected: node.parts.len() })
            }
            _ => Err(Trouble::new(What::Variant { index, found: name })),
        }
    }
}

impl<'g, 'o> Composite for Writing<'_, 'g, 'o> {
    type Out = ();
    type Place<'p>
        = Writer<'p, 'g, 'o>
    where
        Self: 'p;

    #[inline(always)]
    fn child(&mut self, at: usize, step: Step) -> Result<Writer<'_, 'g, 'o>, Trouble> {
        let expected = self.expected;
        if at == expected {
            return Err(Trouble::new(What::Count { expected, found: at + 1 }));
        }
        let Part { name: expected, is } = match step {
            Step::Element | Step::Content => self.parts[0],
            Step::MapKey | Step::MapValue => self.parts[at & 1],
            _ => self.parts[at],
        };
        match step {
            Step::Field(found) if !same(expected, found) => {
                Err(Trouble::new(What::Field { expected, found }))
            }
            _ => Ok(Writer { sink: self.sink, at: is }),
        }
    }

    #[inline(always)]
    fn keep(&mut self, (): ()) {}

    #[inline(always)]
    fn end(self, count: usize) -> Result<(), Trouble> {
        if count == self.expected {
            Ok(())
        } else {
            Err(Trouble::new(What::Count { expected: self.expected, found: count }))
        }
    }
}
