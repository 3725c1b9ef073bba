//! VP8 (RFC 7741): a descriptor of one to six bytes and a piece of the frame.

use crate::media::codec::{Head, Layer, Numbers, PacketizeError, Part, Payload, PictureId, pieces};
use crate::wire::cursor::{ParseError, Reader};
use bytes::Bytes;

const EXTENDED: u8 = 0x80;
const NON_REFERENCE: u8 = 0x20;
const START: u8 = 0x10;
const PARTITION: u8 = 0x07;
const PICTURE_ID: u8 = 0x80;
const TL0_INDEX: u8 = 0x40;
const TEMPORAL: u8 = 0x20;
const KEY_INDEX: u8 = 0x10;

/// Bytes in front of each piece that we send: the flags, the extension's flags and a picture id of 15 bits.
const SENT: usize = 4;
/// With the temporal layer and the index of its base.
const SENT_LAYERED: usize = 6;

/// The payload descriptor (RFC 7741 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Whether a partition begins here.
    pub start: bool,
    /// Which; only the first eight have a number.
    pub partition: u8,
    /// Whether no other frame needs this one.
    pub non_reference: bool,
    /// The picture's number.
    pub picture_id: Option<PictureId>,
    /// The number of the base layer's frame that this one builds on.
    pub tl0_index: Option<u8>,
    /// The temporal layer, and whether it depends on the base layer alone.
    pub temporal: Option<(u8, bool)>,
    /// The number of the latest key frame, of five bits.
    pub key_index: Option<u8>,
}

impl Descriptor {
    /// Reads the descriptor; the piece of the frame comes back with it.
    ///
    /// # Errors
    ///
    /// It is cut off, or nothing follows it.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut r = Reader::new(payload);
        let first = r.u8()?;
        let mut descriptor = Self {
            start: first & START != 0,
            partition: first & PARTITION,
            non_reference: first & NON_REFERENCE != 0,
            ..Self::default()
        };
        if first & EXTENDED != 0 {
            descriptor.extend(&mut r)?;
        }
        if r.is_empty() {
            return Err(ParseError::Truncated);
        }
        Ok((descriptor, r.rest()))
    }

    fn extend(&mut self, r: &mut Reader<'_>) -> Result<(), ParseError> {
        let flags = r.u8()?;
        if flags & PICTURE_ID != 0 {
            self.picture_id = Some(PictureId::read(r)?);
        }
        if flags & TL0_INDEX != 0 {
            self.tl0_index = Some(r.u8()?);
        }
        if flags & (TEMPORAL | KEY_INDEX) != 0 {
            let byte = r.u8()?;
            self.temporal = (flags & TEMPORAL != 0).then_some((byte >> 6, byte & 0x20 != 0));
            self.key_index = (flags & KEY_INDEX != 0).then_some(byte & 0x1f);
        }
        Ok(())
    }

    /// The bytes of the descriptor.
    #[must_use]
    pub fn to_head(&self) -> Head {
        let mut head = Head::new();
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let extended = flag(self.picture_id.is_some(), PICTURE_ID)
            | flag(self.tl0_index.is_some(), TL0_INDEX)
            | flag(self.temporal.is_some(), TEMPORAL)
            | flag(self.key_index.is_some(), KEY_INDEX);
        head.push(
            flag(extended != 0, EXTENDED)
                | flag(self.non_reference, NON_REFERENCE)
                | flag(self.start, START)
                | self.partition & PARTITION,
        );
        if extended == 0 {
            return head;
        }
        head.push(extended);
        if let Some(id) = self.picture_id {
            id.write(&mut head);
        }
        head.extend(self.tl0_index);
        if extended & (TEMPORAL | KEY_INDEX) != 0 {
            let (layer, sync) = self.temporal.unwrap_or_default();
            head.push(layer << 6 | flag(sync, 0x20) | self.key_index.unwrap_or_default() & 0x1f);
        }
        head
    }

    /// What this says about the frame of which `piece` is a part.
    #[must_use]
    pub fn part(&self, piece: &[u8]) -> Part {
        let begins = self.start && self.partition == 0;
        // RFC 7741 §4.3: the inverse key frame flag is the first bit of the frame.
        let key = begins && piece.first().is_some_and(|byte| byte & 1 == 0);
        let temporal = self.temporal.map(|(layer, _)| layer);
        let switching_point = self.temporal.is_some_and(|(_, sync)| sync);
        Part { begins, key, layer: Layer { temporal, spatial: None, switching_point } }
    }
}

/// Cuts a frame. Pieces have the same size, more or less, and each names the picture.
pub(super) fn packetize(
    frame: &Bytes,
    limit: usize,
    numbers: Numbers,
    layer: Layer,
    out: &mut Vec<Payload>,
) -> Result<(), PacketizeError> {
    let head = if layer.temporal.is_some() { SENT_LAYERED } else { SENT };
    let room = limit.checked_sub(head).filter(|room| *room > 0).ok_or(PacketizeError::NoRoom(limit))?;
    let mut descriptor = Descriptor {
        start: true,
        picture_id: Some(PictureId::Long(numbers.picture)),
        temporal: layer.temporal.map(|temporal| (temporal & 3, layer.switching_point)),
        // RFC 7741 §4.2: a temporal layer is of no use without the number of its base.
        tl0_index: layer.temporal.map(|_| numbers.tl0),
        ..Descriptor::default()
    };
    for range in pieces(frame.len(), room) {
        out.push(Payload { head: descriptor.to_head(), body: frame.slice(range) });
        descriptor.start = false;
    }
    Ok(())
}
