//! VP9 (RFC 9628): a descriptor and a piece of the frame.
//!
//! We send in flexible mode, where each picture names those that it builds on. Received descriptors of both modes are
//! read, the scalability structure included.

use crate::media::codec::{Head, Layer, Numbers, PacketizeError, Part, Payload, PictureId, pieces};
use crate::wire::cursor::{ParseError, Reader};
use bytes::Bytes;
use smallvec::SmallVec;

const PICTURE_ID: u8 = 0x80;
const PREDICTED: u8 = 0x40;
const LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const BEGIN: u8 = 0x08;
const END: u8 = 0x04;
const STRUCTURE: u8 = 0x02;
const NOT_A_REFERENCE: u8 = 0x01;
/// RFC 9628 §4.2: at most three pictures are named.
const MAX_REFERENCES: usize = 3;

/// Bytes in front of each piece that we send: flags, a picture id of 15 bits, and with layers their byte; then the
/// reference of a picture that builds on another.
const SENT: usize = 5;

/// The payload descriptor (RFC 9628 §4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// The picture's number.
    pub picture_id: Option<PictureId>,
    /// Whether earlier pictures are needed.
    pub predicted: bool,
    /// Which piece of a frame (of one spatial layer) this is.
    pub piece: Piece,
    /// Whether higher spatial layers of other pictures do without this frame.
    pub not_a_reference: bool,
    /// The layers.
    pub layers: Option<Layers>,
    /// In flexible mode: how many pictures before this one those are that it builds on.
    pub references: Option<SmallVec<[u8; MAX_REFERENCES]>>,
}

/// Which piece of a frame a packet has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Piece {
    /// All of it.
    #[default]
    Whole,
    /// The first of several.
    First,
    /// One between the first and the last.
    Middle,
    /// The last of several.
    Last,
}

impl Piece {
    const fn of(begins: bool, ends: bool) -> Self {
        match (begins, ends) {
            (true, true) => Self::Whole,
            (true, false) => Self::First,
            (false, false) => Self::Middle,
            (false, true) => Self::Last,
        }
    }

    const fn begins(self) -> bool {
        matches!(self, Self::Whole | Self::First)
    }

    const fn ends(self) -> bool {
        matches!(self, Self::Whole | Self::Last)
    }
}

/// Where a frame stands among the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// The temporal layer.
    pub temporal: u8,
    /// Whether receivers can begin with this temporal layer here.
    pub switching_point: bool,
    /// The spatial layer.
    pub spatial: u8,
    /// Whether a lower spatial layer of the same picture is needed.
    pub inter_layer: bool,
    /// The number of the base layer's picture; always there outside flexible mode.
    pub tl0_index: Option<u8>,
}

impl Descriptor {
    /// Reads the descriptor; the piece of the frame comes back with it.
    ///
    /// # Errors
    ///
    /// It is cut off, names more pictures than it may, or nothing follows it.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut r = Reader::new(payload);
        let flags = r.u8()?;
        let flexible = flags & FLEXIBLE != 0;
        let mut descriptor = Self {
            predicted: flags & PREDICTED != 0,
            piece: Piece::of(flags & BEGIN != 0, flags & END != 0),
            not_a_reference: flags & NOT_A_REFERENCE != 0,
            ..Self::default()
        };
        if flags & PICTURE_ID != 0 {
            descriptor.picture_id = Some(PictureId::read(&mut r)?);
        }
        if flags & LAYERS != 0 {
            descriptor.layers = Some(Layers::read(&mut r, flexible)?);
        }
        if flexible {
            descriptor.references =
                Some(if descriptor.predicted { references(&mut r)? } else { SmallVec::new() });
        }
        if flags & STRUCTURE != 0 {
            skip_structure(&mut r)?;
        }
        if r.is_empty() {
            return Err(ParseError::Truncated);
        }
        Ok((descriptor, r.rest()))
    }

    /// The bytes of a descriptor without a structure.
    #[must_use]
    pub fn to_head(&self) -> Head {
        let mut head = Head::new();
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        head.push(
            flag(self.picture_id.is_some(), PICTURE_ID)
                | flag(self.predicted, PREDICTED)
                | flag(self.layers.is_some(), LAYERS)
                | flag(self.references.is_some(), FLEXIBLE)
                | flag(self.piece.begins(), BEGIN)
                | flag(self.piece.ends(), END)
                | flag(self.not_a_reference, NOT_A_REFERENCE),
        );
        if let Some(id) = self.picture_id {
            id.write(&mut head);
        }
        if let Some(layers) = self.layers {
            head.push(
                layers.temporal << 5
                    | flag(layers.switching_point, 0x10)
                    | (layers.spatial & 7) << 1
                    | flag(layers.inter_layer, 1),
            );
            if self.references.is_none() {
                head.push(layers.tl0_index.unwrap_or_default());
            }
        }
        if let Some(references) = self.references.as_ref().filter(|_| self.predicted) {
            let last = references.len().saturating_sub(1);
            head.extend(references.iter().enumerate().map(|(at, back)| back << 1 | u8::from(at < last)));
        }
        head
    }

    /// What this says about the frame. A picture begins with its lowest spatial layer.
    #[must_use]
    pub fn part(&self) -> Part {
        let layers = self.layers.unwrap_or_default();
        let begins = self.piece.begins() && layers.spatial == 0;
        Part {
            begins,
            key: begins && !self.predicted,
            layer: Layer {
                temporal: self.layers.map(|layers| layers.temporal),
                spatial: self.layers.map(|layers| layers.spatial),
                switching_point: layers.switching_point,
            },
        }
    }
}

impl Layers {
    fn read(r: &mut Reader<'_>, flexible: bool) -> Result<Self, ParseError> {
        let byte = r.u8()?;
        Ok(Self {
            temporal: byte >> 5,
            switching_point: byte & 0x10 != 0,
            spatial: byte >> 1 & 7,
            inter_layer: byte & 1 != 0,
            tl0_index: if flexible { None } else { Some(r.u8()?) },
        })
    }
}

fn references(r: &mut Reader<'_>) -> Result<SmallVec<[u8; MAX_REFERENCES]>, ParseError> {
    let mut references = SmallVec::new();
    loop {
        if references.len() == MAX_REFERENCES {
            return Err(ParseError::TooMany("reference pictures"));
        }
        let byte = r.u8()?;
        references.push(byte >> 1);
        if byte & 1 == 0 {
            return Ok(references);
        }
    }
}

/// Steps over the scalability structure (RFC 9628 §4.2.1).
fn skip_structure(r: &mut Reader<'_>) -> Result<(), ParseError> {
    let flags = r.u8()?;
    let layers = usize::from(flags >> 5) + 1;
    if flags & 0x10 != 0 {
        r.bytes(4 * layers)?;
    }
    if flags & 0x08 != 0 {
        for _ in 0..r.u8()? {
            let references = usize::from(r.u8()? >> 2 & 3);
            r.bytes(references)?;
        }
    }
    Ok(())
}

/// Whether the frame needs no other: the first bits of its header (VP9 bitstream specification §6.2).
fn is_key(frame: &[u8]) -> Result<bool, ParseError> {
    let &[first, ..] = frame else { return Err(ParseError::Truncated) };
    if first >> 6 != 0b10 {
        return Err(ParseError::BadValue("the VP9 frame marker"));
    }
    // Two bits of the profile, the lower one first, and one reserved bit after profile 3; then `show_existing_frame`
    // and `frame_type`.
    let skip = if first >> 4 & 3 == 3 { 5 } else { 4 };
    let bit = |at: u8| first >> (7 - at) & 1;
    Ok(bit(skip) == 0 && bit(skip + 1) == 0)
}

/// Cuts a frame of one spatial layer.
pub(super) fn packetize(
    frame: &Bytes,
    limit: usize,
    numbers: Numbers,
    layer: Layer,
    out: &mut Vec<Payload>,
) -> Result<(), PacketizeError> {
    let room = limit.checked_sub(SENT).filter(|room| *room > 0).ok_or(PacketizeError::NoRoom(limit))?;
    let predicted = !is_key(frame)?;
    let mut descriptor = Descriptor {
        picture_id: Some(PictureId::Long(numbers.picture)),
        predicted,
        layers: layer.temporal.map(|temporal| Layers {
            temporal: temporal & 7,
            switching_point: layer.switching_point,
            ..Layers::default()
        }),
        // What the encoder really referred to is not known here; the picture before is what a receiver has to have.
        references: Some(SmallVec::from_slice(if predicted { &[1] } else { &[] })),
        ..Descriptor::default()
    };
    for range in pieces(frame.len(), room) {
        descriptor.piece = Piece::of(range.start == 0, range.end == frame.len());
        out.push(Payload { head: descriptor.to_head(), body: frame.slice(range) });
    }
    Ok(())
}
