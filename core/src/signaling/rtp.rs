//! What the session keeps of a section of audio or video: owned, resolved, and no more than decisions need.

use crate::base::media::{CodecRole, MediaKind, RtpTransceiverDirection};
use crate::base::negotiated::RemoteSource;
use crate::signaling::codecs::parameter;
use crate::wire::sdp::attribute::{Attribute, Direction, RidDirection, simulcast_rids};
use crate::wire::sdp::description::Section;

/// More streams than anyone sends in one section.
const MAX_RIDS: usize = 32;
/// More sources than any peer names in one section.
const MAX_SOURCES: usize = 256;
/// More streams than a track is in.
const MAX_STREAMS: usize = 32;

/// A section of audio or video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct RtpContent {
    pub kind: MediaKind,
    /// As the describing side has it.
    pub direction: RtpTransceiverDirection,
    /// In the order of the section's formats; those that nothing explains are left out.
    pub codecs: Vec<CodecContent>,
    pub extensions: Vec<ExtensionContent>,
    /// The streams that the track is in, without `-`. `None` when nothing is said.
    pub streams: Option<Vec<String>>,
    pub rids: Vec<RidContent>,
    pub simulcast: Simulcast,
    pub sources: Vec<RemoteSource>,
    pub rtcp: RtcpContent,
    /// RTCP has an address of its own (`a=rtcp`), in use where multiplexing is not agreed on.
    pub own_rtcp: bool,
    pub cryptex: bool,
    /// In bits a second.
    pub max_bitrate: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct RtcpContent {
    pub mux: bool,
    pub reduced_size: bool,
}

/// A payload type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct CodecContent {
    pub payload_type: u8,
    pub name: String,
    pub clock_rate: u32,
    /// 1 unless said.
    pub channels: u16,
    pub fmtp: Option<String>,
    pub feedback: Vec<String>,
}

impl CodecContent {
    pub fn role(&self) -> CodecRole {
        CodecRole::of(&self.name)
    }

    /// Of retransmissions, the payload type that they repeat.
    pub fn apt(&self) -> Option<u8> {
        parameter(self.fmtp.as_deref()?, "apt")?.parse().ok()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct ExtensionContent {
    pub id: u16,
    pub uri: String,
    pub direction: RtpTransceiverDirection,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct RidContent {
    pub id: String,
    pub direction: RidDirection,
}

/// `a=simulcast`: the streams in each direction, of alternatives the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Simulcast {
    pub send: Vec<SimulcastStream>,
    pub receive: Vec<SimulcastStream>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct SimulcastStream {
    pub rid: String,
    pub paused: bool,
}

/// What RFC 3551 §6 says of payload types without `a=rtpmap`.
const STATIC: &[(u8, &str, u32)] =
    &[(0, "PCMU", 8_000), (8, "PCMA", 8_000), (9, "G722", 8_000), (13, "CN", 8_000)];

impl RtpContent {
    /// `None` for what is neither audio nor video over RTP.
    pub fn read(section: &Section<'_>, session_direction: Option<Direction>) -> Option<Self> {
        let kind: MediaKind = section.media.parse().ok()?;
        if !section.protocol.contains("RTP/") {
            return None;
        }
        let mut read = Self {
            kind,
            direction: RtpTransceiverDirection::SendRecv,
            codecs: codecs(section),
            extensions: Vec::new(),
            streams: None,
            rids: Vec::new(),
            simulcast: Simulcast::default(),
            sources: Vec::new(),
            rtcp: RtcpContent::default(),
            own_rtcp: false,
            cryptex: false,
            max_bitrate: max_bitrate(section),
        };
        let mut direction = None;
        for attribute in &section.attributes {
            match attribute {
                Attribute::Direction(value) => direction = direction.or(Some(*value)),
                Attribute::RtcpMux => read.rtcp.mux = true,
                Attribute::Rtcp { .. } => read.own_rtcp = true,
                Attribute::RtcpRsize => read.rtcp.reduced_size = true,
                Attribute::Cryptex => read.cryptex = true,
                other => read.add(other, &section.attributes),
            }
        }
        // RFC 8866 §6.7: the section's, the session's, or both ways.
        read.direction = direction.or(session_direction).map_or(RtpTransceiverDirection::SendRecv, from_wire);
        Some(read)
    }

    fn add(&mut self, attribute: &Attribute<'_>, all: &[Attribute<'_>]) {
        match attribute {
            Attribute::Extmap { id, direction, uri, .. } => self.extensions.push(ExtensionContent {
                id: *id,
                uri: (*uri).to_owned(),
                direction: direction.map_or(RtpTransceiverDirection::SendRecv, from_wire),
            }),
            Attribute::Msid { stream, .. } => self.add_stream(stream),
            Attribute::Rid { id, direction, .. }
                if self.rids.len() < MAX_RIDS && self.rids.iter().all(|known| known.id != *id) =>
            {
                self.rids.push(RidContent { id: (*id).to_owned(), direction: *direction });
            }
            Attribute::Simulcast(value) => self.simulcast = Simulcast::read(value),
            Attribute::Ssrc { ssrc, attribute } => self.add_source(*ssrc, attribute),
            Attribute::SsrcGroup { semantics, ssrcs } => {
                let mut numbers = ssrcs.iter().filter_map(|text| text.parse().ok());
                if let (Some(first), Some(second)) = (numbers.next(), numbers.next()) {
                    self.pair(semantics, first, second, all);
                }
            }
            _ => {}
        }
    }

    fn add_stream(&mut self, stream: &str) {
        let streams = self.streams.get_or_insert_default();
        // RFC 8830 §2: `-` is no stream.
        if stream != "-" && streams.len() < MAX_STREAMS && !streams.iter().any(|known| known == stream) {
            streams.push(stream.to_owned());
        }
    }

    fn add_source(&mut self, ssrc: u32, attribute: &str) {
        // Peers from before RFC 8830 say it of each source.
        if let Some(msid) = attribute.strip_prefix("msid:") {
            self.add_stream(msid.split(' ').next().unwrap_or("-"));
        }
        let cname = attribute.strip_prefix("cname:");
        // A second source of a pair is no source of its own.
        let second = |known: &RemoteSource| known.rtx == Some(ssrc) || known.fec == Some(ssrc);
        if self.sources.iter().any(second) {
            return;
        }
        if let Some(known) = self.sources.iter_mut().find(|known| known.ssrc == ssrc) {
            known.cname = known.cname.take().or(cname.map(str::to_owned));
        } else if self.sources.len() < MAX_SOURCES {
            self.sources.push(RemoteSource {
                ssrc,
                cname: cname.map(str::to_owned),
                ..RemoteSource::default()
            });
        }
    }

    /// RFC 4588 §7 and RFC 5956 §4.3: the second source serves the first.
    fn pair(&mut self, semantics: &str, first: u32, second: u32, all: &[Attribute<'_>]) {
        let described = |ssrc| all.iter().any(|a| matches!(a, Attribute::Ssrc { ssrc: s, .. } if *s == ssrc));
        if !matches!(semantics, "FID" | "FEC-FR") || !described(first) || first == second {
            return;
        }
        self.sources.retain(|known| known.ssrc != second);
        if self.sources.iter().all(|known| known.ssrc != first) && self.sources.len() < MAX_SOURCES {
            self.sources.push(RemoteSource { ssrc: first, ..RemoteSource::default() });
        }
        if let Some(known) = self.sources.iter_mut().find(|known| known.ssrc == first) {
            *(if semantics == "FID" { &mut known.rtx } else { &mut known.fec }) = Some(second);
        }
    }

    /// The streams of `a=rid` in one direction, as a peer lists them that uses no `a=simulcast`.
    pub fn rids_to(&self, direction: RidDirection) -> impl Iterator<Item = &str> {
        self.rids.iter().filter(move |rid| rid.direction == direction).map(|rid| rid.id.as_str())
    }

    /// Which payload types repeat which: of several for one, the first.
    pub fn retransmissions(&self) -> Retransmissions {
        let mut by_type = [None; 128];
        for codec in self.codecs.iter().rev().filter(|codec| codec.role() == CodecRole::Rtx) {
            if let Some(repeated) = codec.apt().and_then(|apt| by_type.get_mut(usize::from(apt))) {
                *repeated = Some(codec.payload_type);
            }
        }
        Retransmissions(by_type)
    }
}

/// The retransmissions of each payload type.
#[derive(Clone, Copy, Debug)]
pub(in crate::signaling) struct Retransmissions([Option<u8>; 128]);

impl Retransmissions {
    pub fn of(&self, payload_type: u8) -> Option<u8> {
        self.0.get(usize::from(payload_type)).copied().flatten()
    }
}

impl Simulcast {
    /// RFC 8853 §5.1, and the form that Firefox wrote before (`send rid=a;b`).
    fn read(value: &str) -> Self {
        let mut read = Self::default();
        let mut words = value.split_ascii_whitespace();
        while let (Some(direction), Some(list)) = (words.next(), words.next()) {
            let streams = match direction.parse() {
                Ok(RidDirection::Send) => &mut read.send,
                Ok(RidDirection::Recv) => &mut read.receive,
                Err(_) => continue,
            };
            for alternatives in list.trim_start_matches("rid=").split(';') {
                let Some(rid) = simulcast_rids(alternatives).next() else { continue };
                // Of what is repeated, the first.
                if !rid.is_empty() && streams.len() < MAX_RIDS && streams.iter().all(|known| known.rid != rid)
                {
                    streams
                        .push(SimulcastStream { rid: rid.to_owned(), paused: alternatives.starts_with('~') });
                }
            }
        }
        read
    }
}

/// The describing side's direction.
pub(in crate::signaling) const fn from_wire(direction: Direction) -> RtpTransceiverDirection {
    match direction {
        Direction::SendRecv => RtpTransceiverDirection::SendRecv,
        Direction::SendOnly => RtpTransceiverDirection::SendOnly,
        Direction::RecvOnly => RtpTransceiverDirection::RecvOnly,
        Direction::Inactive => RtpTransceiverDirection::Inactive,
    }
}

/// A direction as `a=` line; what is stopped does nothing.
pub(in crate::signaling) const fn to_wire(direction: RtpTransceiverDirection) -> Direction {
    match direction {
        RtpTransceiverDirection::SendRecv => Direction::SendRecv,
        RtpTransceiverDirection::SendOnly => Direction::SendOnly,
        RtpTransceiverDirection::RecvOnly => Direction::RecvOnly,
        RtpTransceiverDirection::Inactive | RtpTransceiverDirection::Stopped => Direction::Inactive,
    }
}

fn codecs(section: &Section<'_>) -> Vec<CodecContent> {
    // A table by payload type, so that the attributes are gone through once.
    let mut by_type: [Option<Box<CodecContent>>; 128] = [const { None }; 128];
    for attribute in &section.attributes {
        if let Attribute::Rtpmap { payload_type, encoding, clock_rate, parameters } = attribute {
            by_type[usize::from(*payload_type & 0x7f)].get_or_insert_with(|| {
                Box::new(CodecContent {
                    payload_type: *payload_type,
                    name: (*encoding).to_owned(),
                    clock_rate: *clock_rate,
                    channels: parameters.and_then(|text| text.parse().ok()).unwrap_or(1),
                    fmtp: None,
                    feedback: Vec::new(),
                })
            });
        }
    }
    for &(payload_type, name, clock_rate) in STATIC {
        by_type[usize::from(payload_type)].get_or_insert_with(|| {
            let name = name.to_owned();
            Box::new(CodecContent {
                payload_type,
                name,
                clock_rate,
                channels: 1,
                fmtp: None,
                feedback: Vec::new(),
            })
        });
    }
    for attribute in &section.attributes {
        match attribute {
            Attribute::Fmtp { format, parameters } => {
                let codec = format.parse().ok().and_then(|at: usize| by_type.get_mut(at)?.as_mut());
                if let Some(codec) = codec {
                    codec.fmtp.get_or_insert_with(|| (*parameters).to_owned());
                }
            }
            Attribute::RtcpFb { payload_type: Some(payload_type), feedback } => {
                if let Some(codec) = &mut by_type[usize::from(*payload_type & 0x7f)] {
                    codec.feedback.push((*feedback).to_owned());
                }
            }
            Attribute::RtcpFb { payload_type: None, feedback } => {
                by_type.iter_mut().flatten().for_each(|codec| codec.feedback.push((*feedback).to_owned()));
            }
            _ => {}
        }
    }
    let formats = section.formats.iter().filter_map(|format| format.parse::<usize>().ok());
    formats.filter_map(|at| by_type.get_mut(at)?.take().map(|codec| *codec)).collect()
}

// RFC 9429 §5.10: TIAS, or else AS less what headers take.
fn max_bitrate(section: &Section<'_>) -> Option<u64> {
    let of = |kind| section.bandwidths.iter().find(|bandwidth| bandwidth.kind == kind).map(|b| b.value);
    of("TIAS").or_else(|| of("AS").map(|kilobits| (kilobits.saturating_mul(950)).saturating_sub(16_000)))
}
