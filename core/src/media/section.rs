//! One section of audio or video as packets need it: payload types, names, sources.

use crate::base::media::{CodecRole, MediaKind, RtpTransceiverDirection, TransceiverId};
use crate::base::negotiated::{NegotiatedCodec, NegotiatedSection, RemoteSource};
use crate::media::codec::{Format, opus};
use crate::media::event::Delivery;
use crate::media::send::guard::Carrier;
use std::time::Duration;

/// What is agreed on for one transceiver.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub transceiver: TransceiverId,
    pub mid: Box<str>,
    pub kind: MediaKind,
    pub direction: RtpTransceiverDirection,
    pub send: Codecs,
    pub receive: Codecs,
    pub receive_rids: Vec<Box<str>>,
    pub remote_sources: Vec<RemoteSource>,
    /// How the application takes what comes.
    pub taking: Taking,
    /// Whether something came since the track was muted last.
    pub unmuted: bool,
}

/// How the application takes what a receiver gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taking {
    pub delivery: Delivery,
    /// How many bits in a second the peer is asked for at most.
    pub limit: Option<u64>,
    /// How long frames wait at least, so that they come evenly.
    pub buffer: Option<Duration>,
}

/// A codec of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Codec {
    pub payload_type: u8,
    pub clock_rate: u32,
    /// Where frames of it are known.
    pub format: Option<Format>,
    pub role: CodecRole,
    /// How its payloads count samples.
    pub sampling: Sampling,
    /// What it is around or beside other codecs.
    pub protection: Option<Protection>,
    /// The payload type of its retransmissions.
    pub rtx: Option<u8>,
    pub feedback: Feedback,
}

/// How payloads count samples of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    /// Each says how many it has.
    Opus,
    /// A byte each (RFC 3551 §4.5.14).
    Bytes,
    /// Two a byte, at twice the clock's rate (RFC 3551 §4.5.2).
    TwoInAByte,
    /// Nobody knows.
    Unknown,
}

impl Sampling {
    fn of(name: &str) -> Self {
        let known =
            [("opus", Self::Opus), ("PCMU", Self::Bytes), ("PCMA", Self::Bytes), ("G722", Self::TwoInAByte)];
        let found = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(Self::Unknown, |(_, sampling)| sampling)
    }

    /// Samples of one channel in a payload.
    pub fn samples(self, payload: &[u8]) -> u64 {
        match self {
            Self::Opus => opus::duration(payload).unwrap_or_default().into(),
            Self::Bytes => payload.len() as u64,
            Self::TwoInAByte => 2 * payload.len() as u64,
            Self::Unknown => 0,
        }
    }
}

/// What protects other codecs' packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// RFC 2198: it wraps them, and may carry older ones along.
    Redundancy,
    /// RFC 5109: it is computed from them, and travels among them.
    Ulpfec,
    /// FlexFEC as browsers have it: it is computed from them, and is a stream of its own.
    Flexfec,
}

impl Protection {
    fn of(name: &str) -> Option<Self> {
        let known = [("red", Self::Redundancy), ("ulpfec", Self::Ulpfec), ("flexfec-03", Self::Flexfec)];
        known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, found)| found)
    }
}

/// Which feedback both sides know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Feedback(u8);

impl Feedback {
    pub const NACK: Self = Self(1);
    pub const PLI: Self = Self(2);
    pub const FIR: Self = Self(4);
    pub const TRANSPORT: Self = Self(8);
    pub const CONGESTION: Self = Self(16);
    pub const REMB: Self = Self(32);
    pub const TMMBR: Self = Self(64);

    fn of(texts: &[String]) -> Self {
        let known = [
            ("nack", Self::NACK),
            ("nack pli", Self::PLI),
            ("ccm fir", Self::FIR),
            ("transport-cc", Self::TRANSPORT),
            ("ack ccfb", Self::CONGESTION),
            ("goog-remb", Self::REMB),
            ("ccm tmmbr", Self::TMMBR),
        ];
        let agreed = known.into_iter().filter(|(name, _)| texts.iter().any(|text| text == name));
        Self(agreed.fold(0, |bits, (_, feedback)| bits | feedback.0))
    }

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The codecs of one direction, the first choice in front; each is found by its payload types without searching.
#[derive(Clone, Debug)]
pub(super) struct Codecs {
    list: Vec<Codec>,
    /// The place of the codec that each payload type stands for, or [`NOWHERE`](Self::NOWHERE).
    places: Box<[u8; 128]>,
}

impl Codecs {
    const NOWHERE: u8 = u8::MAX;

    fn of(codecs: &[NegotiatedCodec]) -> Self {
        let list: Vec<Codec> = codecs.iter().map(Codec::of).collect();
        let mut places = Box::new([Self::NOWHERE; 128]);
        // From the back, and repetitions first: what is met first, and codecs themselves, prevail.
        let mut put = |payload_type: u8, at: usize| {
            if let Some(place) = places.get_mut(usize::from(payload_type)) {
                *place = u8::try_from(at).unwrap_or(Self::NOWHERE);
            }
        };
        let backwards = || list.iter().enumerate().rev();
        backwards().for_each(|(at, codec)| codec.rtx.into_iter().for_each(|rtx| put(rtx, at)));
        backwards().for_each(|(at, codec)| put(codec.payload_type, at));
        Self { list, places }
    }

    /// The codec that a payload type stands for, be it its own or that of its repetitions.
    pub(super) fn find(&self, payload_type: u8) -> Option<&Codec> {
        let &place = self.places.get(usize::from(payload_type))?;
        self.list.get(usize::from(place))
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Codec> {
        self.list.iter()
    }
}

/// What a payload type of a section stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    /// The codec itself.
    Media(&'a Codec),
    /// Retransmissions of it.
    Repeated(&'a Codec),
}

impl Codec {
    fn of(codec: &NegotiatedCodec) -> Self {
        let fmtp = codec.codec.sdp_fmtp_line.as_deref().unwrap_or_default();
        let mode = fmtp.split(';').any(|parameter| parameter.trim() == "packetization-mode=1");
        let name = codec.codec.name();
        Self {
            payload_type: codec.payload_type,
            clock_rate: codec.codec.clock_rate,
            format: Format::of(name, mode.into()),
            role: CodecRole::of(name),
            sampling: Sampling::of(name),
            protection: Protection::of(name),
            rtx: codec.rtx,
            feedback: Feedback::of(&codec.feedback),
        }
    }
}

impl Section {
    pub(super) fn of(section: &NegotiatedSection) -> Self {
        Self {
            transceiver: section.transceiver,
            mid: section.mid.as_str().into(),
            kind: section.kind,
            direction: section.direction,
            send: Codecs::of(&section.send),
            receive: Codecs::of(&section.receive),
            receive_rids: section.receive_rids.iter().map(|rid| rid.id.as_str().into()).collect(),
            remote_sources: section.remote_sources.clone(),
            taking: Taking::default(),
            unmuted: false,
        }
    }

    /// What a payload type of a received packet stands for.
    pub(super) fn received(&self, payload_type: u8) -> Option<Payload<'_>> {
        let codec = self.receive.find(payload_type)?;
        Some(match codec.payload_type == payload_type {
            true => Payload::Media(codec),
            false => Payload::Repeated(codec),
        })
    }

    /// The codec to send under this payload type.
    pub(super) fn sent(&self, payload_type: u8) -> Option<&Codec> {
        self.send.find(payload_type).filter(|codec| codec.payload_type == payload_type)
    }

    /// The payload type to send this kind of protection under, of the clock of `codec`.
    fn sent_protection(&self, wanted: Protection, codec: &Codec) -> Option<u8> {
        let fits = |other: &&Codec| other.protection == Some(wanted) && other.clock_rate == codec.clock_rate;
        self.send.iter().find(fits).map(|found| found.payload_type)
    }

    /// The payload type of redundant sound around this codec: Opus, by what descriptions say of it.
    pub(super) fn redundancy(&self, codec: &Codec) -> Option<u8> {
        let is_sound = self.kind == MediaKind::Audio && codec.sampling == Sampling::Opus;
        self.sent_protection(Protection::Redundancy, codec).filter(|_| is_sound)
    }

    /// How parity of this codec's packets is sent.
    pub(super) fn carrier(&self, codec: &Codec) -> Option<Carrier> {
        if self.kind != MediaKind::Video {
            return None;
        }
        if let Some(payload_type) = self.sent_protection(Protection::Flexfec, codec) {
            return Some(Carrier::Flexfec { payload_type });
        }
        let red = self.sent_protection(Protection::Redundancy, codec)?;
        let payload_type = self.sent_protection(Protection::Ulpfec, codec)?;
        Some(Carrier::Ulpfec { red, payload_type })
    }

    /// The codec to send where none is named: the peer's first choice that carries media.
    pub(super) fn first_choice(&self) -> Option<&Codec> {
        self.send.iter().find(|codec| codec.role == CodecRole::Media)
    }
}
