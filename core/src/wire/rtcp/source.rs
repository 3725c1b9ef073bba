//! Who is there: source descriptions, goodbyes, and an application's own packets (RFC 3550 §6.5 to §6.7).

use crate::registry;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtcp::list::List;
use crate::wire::rtcp::{PacketType, pad, put_packet};

registry! {
    /// What an item of a source description says.
    pub enum ItemKind: u8 {
        /// The name that all streams of one endpoint share (RFC 7022).
        Cname = 1,
        /// A person's name.
        Name = 2,
        /// Software.
        Tool = 6,
        /// The media section (RFC 9143 §15.1).
        Mid = 15,
        /// The encoding of a source (RFC 8852 §3.1).
        Rid = 12,
        /// The encoding that is repaired (RFC 8852 §3.2).
        RepairedRid = 13,
    }
}

/// An item of a source description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it says; never 0, which ends the items.
    pub kind: ItemKind,
    /// Its text, UTF-8 as a rule, of at most 255 bytes.
    pub text: &'a [u8],
}

/// What is said of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: u32,
    items: Items<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Items<'a> {
    Wire(&'a [u8]),
    Values(&'a [Item<'a>]),
}

/// SDES: names of sources.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a>(Chunks<'a>);

#[derive(Clone, Copy, Debug)]
enum Chunks<'a> {
    Wire(u8, &'a [u8]),
    Values(&'a [Chunk<'a>]),
}

impl<'a> Chunk<'a> {
    /// What is said of `ssrc`. Items of kind 0, or longer than 255 bytes, are a bug of the caller, and panic when they
    /// are written.
    #[must_use]
    pub const fn new(ssrc: u32, items: &'a [Item<'a>]) -> Self {
        Self { ssrc, items: Items::Values(items) }
    }

    /// The items.
    pub fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let (bytes, values): (&[u8], &[Item<'a>]) = match self.items {
            Items::Wire(bytes) => (bytes, &[]),
            Items::Values(values) => (&[], values),
        };
        let mut r = Reader::new(bytes);
        std::iter::from_fn(move || read_item(&mut r).ok().flatten()).chain(values.iter().copied())
    }

    /// The first item of this kind.
    #[must_use]
    pub fn find(&self, kind: ItemKind) -> Option<&'a [u8]> {
        self.items().find(|item| item.kind == kind).map(|item| item.text)
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        let ssrc = r.u32()?;
        let all = r.rest();
        while read_item(r)?.is_some() {}
        // RFC 3550 §6.5: the items end with a zero, and zeros up to the next word.
        let read = all.len() - r.len();
        r.bytes(read.next_multiple_of(4) - read)?;
        Ok(Self { ssrc, items: Items::Wire(&all[..read]) })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        let start = out.len();
        for Item { kind, text } in self.items() {
            assert_ne!(u8::from(kind), 0, "0 ends the items");
            let len = u8::try_from(text.len()).expect("an item of at most 255 bytes");
            out.extend_from_slice(&[kind.into(), len]);
            out.extend_from_slice(text);
        }
        out.push(0);
        pad(out, start);
    }
}

/// The next item, or nothing where they end.
fn read_item<'a>(r: &mut Reader<'a>) -> Result<Option<Item<'a>>, ParseError> {
    match r.u8()? {
        0 => Ok(None),
        kind => Ok(Some(Item { kind: kind.into(), text: r.prefixed_u8()? })),
    }
}

impl PartialEq for Items<'_> {
    fn eq(&self, other: &Self) -> bool {
        let of = |items: &Self| Chunk { ssrc: 0, items: *items };
        of(self).items().eq(of(other).items())
    }
}

impl Eq for Items<'_> {}

impl<'a> Description<'a> {
    /// A description of at most 31 sources.
    #[must_use]
    pub const fn new(chunks: &'a [Chunk<'a>]) -> Self {
        Self(Chunks::Values(chunks))
    }

    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        for _ in 0..count {
            Chunk::read(&mut r)?;
        }
        Ok(Self(Chunks::Wire(count, body)))
    }

    /// What is said, source by source.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let (count, bytes, values): (u8, &[u8], &[Chunk<'a>]) = match self.0 {
            Chunks::Wire(count, bytes) => (count, bytes, &[]),
            Chunks::Values(values) => (0, &[], values),
        };
        let mut r = Reader::new(bytes);
        (0..count).map_while(move |_| Chunk::read(&mut r).ok()).chain(values.iter().copied())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::SourceDescription, self.chunks().count(), |out| {
            self.chunks().for_each(|chunk| chunk.write(out));
        });
    }
}

impl PartialEq for Description<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chunks().eq(other.chunks())
    }
}

/// BYE: sources that leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bye<'a> {
    /// The sources; at most 31.
    pub sources: List<'a, u32>,
    /// Why, of at most 255 bytes; empty where nothing is said.
    pub reason: &'a [u8],
}

impl<'a> Bye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let sources = List::read(&mut r, count.into())?;
        let reason = if r.is_empty() { &[][..] } else { r.prefixed_u8()? };
        Ok(Self { sources, reason })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::Bye, self.sources.len(), |out| {
            self.sources.write(out);
            if !self.reason.is_empty() {
                out.push(u8::try_from(self.reason.len()).expect("a reason of at most 255 bytes"));
                out.extend_from_slice(self.reason);
            }
        });
    }
}

/// APP: an application's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App<'a> {
    /// Of five bits.
    pub subtype: u8,
    /// Who sent it.
    pub ssrc: u32,
    /// Four letters that the application chose.
    pub name: [u8; 4],
    /// Of whole words.
    pub data: &'a [u8],
}

impl<'a> App<'a> {
    pub(super) fn parse(subtype: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        Ok(Self { subtype, ssrc: r.u32()?, name: r.array()?, data: r.rest() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::App, self.subtype.into(), |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            out.extend_from_slice(&self.name);
            out.extend_from_slice(self.data);
        });
    }
}
