//! Header extensions under the ids that both sides agreed on.

use crate::base::negotiated::NegotiatedSection;
use crate::wire::rtp::extension::{Element, Form};
use crate::wire::rtp::value::{AudioLevel, CaptureTime, Kind, Value};
use crate::wire::rtp::{Packet, extension};

/// Ids and kinds, both ways.
///
/// RFC 8843 §9.1: where sections share a transport, an id means the same in all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// In order of their ids.
    by_id: Vec<(u8, Kind)>,
    /// The id of each kind; 0 is none (RFC 8285 §4.2).
    ids: [u8; Kind::ALL.len()],
    /// Whether both forms may be used in one stream (RFC 8285 §4.1.2).
    mixed: bool,
    /// Whether an id is beyond the one-byte form.
    long_ids: bool,
}

/// What routing and feedback want to know of a packet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tags<'a> {
    pub mid: Option<&'a str>,
    pub rid: Option<&'a str>,
    pub repaired_rid: Option<&'a str>,
    /// The packet's number on its transport.
    pub transport_sequence: Option<u16>,
    /// How loud it is, and each of those that contribute to it.
    pub audio_level: Option<AudioLevel>,
    pub csrc_levels: &'a [u8],
    pub capture: Option<CaptureTime>,
}

impl Extensions {
    /// Those of all `sections`.
    #[must_use]
    pub fn of(sections: &[NegotiatedSection]) -> Self {
        let mut by_id: Vec<(u8, Kind)> = Vec::new();
        for extension in sections.iter().flat_map(|section| &section.extensions) {
            let (Ok(id), Some(kind)) = (u8::try_from(extension.id), Kind::from_uri(&extension.uri)) else {
                continue;
            };
            if let Err(at) = by_id.binary_search_by_key(&id, |known| known.0) {
                by_id.insert(at, (id, kind));
            }
        }
        let mut ids = [0; Kind::ALL.len()];
        // Under the smallest, should a kind have several.
        by_id.iter().rev().for_each(|&(id, kind)| ids[kind as usize] = id);
        let long_ids = by_id.iter().any(|known| known.0 > extension::MAX_ONE_BYTE_ID);
        Self { by_id, ids, long_ids, mixed: sections.iter().all(|section| section.extmap_allow_mixed) }
    }

    /// The id of a kind, where it was agreed on.
    #[must_use]
    pub fn id(&self, kind: Kind) -> Option<u8> {
        Some(self.ids[kind as usize]).filter(|id| *id > 0)
    }

    /// The kind of an id.
    #[must_use]
    pub fn kind(&self, id: u8) -> Option<Kind> {
        self.by_id.binary_search_by_key(&id, |known| known.0).ok().map(|at| self.by_id[at].1)
    }

    /// The form in which packets are to be written: two-byte where an id or a value needs it and the peer takes it.
    pub(super) fn form(&self, longest: usize) -> Form {
        if self.mixed && (self.long_ids || longest > extension::MAX_ONE_BYTE_LEN) {
            Form::TwoByte
        } else {
            Form::OneByte
        }
    }

    /// Reads what a packet says of itself.
    pub(super) fn tags<'a>(&self, packet: &Packet<'a>) -> Tags<'a> {
        let mut tags = Tags::default();
        for element in packet.extensions() {
            self.read(&element, &mut tags);
        }
        tags
    }

    fn read<'a>(&self, element: &Element<'a>, tags: &mut Tags<'a>) {
        match Value::of(element, |id| self.kind(id)) {
            Some(Value::Mid(mid)) => tags.mid = Some(mid),
            Some(Value::Rid(rid)) => tags.rid = Some(rid),
            Some(Value::RepairedRid(rid)) => tags.repaired_rid = Some(rid),
            Some(Value::TransportSequence(number) | Value::TransportSequence2(number, _)) => {
                tags.transport_sequence = Some(number);
            }
            Some(Value::AudioLevel(level)) => tags.audio_level = Some(level),
            Some(Value::CsrcAudioLevels(levels)) => tags.csrc_levels = levels,
            Some(Value::AbsCaptureTime(time)) => tags.capture = Some(time),
            _ => {}
        }
    }
}
