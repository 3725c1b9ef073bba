//! What an offer or an answer says of audio or video (RFC 9429 §5.2.1, §5.3.1): codecs, header extensions, streams,
//! simulcast.

use crate::base::media::{
    CodecCapability, CodecRole, HeaderExtensionCapability, MediaKind, RtpTransceiverDirection,
};
use crate::base::negotiated::LocalSource;
use crate::signaling::codecs::{CodecKey, answer_fmtp, same_dictionary};
use crate::signaling::payloads::Payloads;
use crate::signaling::rtp::{CodecContent, ExtensionContent, RidContent, RtpContent};
use crate::signaling::session::Session;
use crate::signaling::transceiver::Transceiver;
use crate::wire::sdp::attribute::RidDirection;

/// Audio or video to write.
#[derive(Clone, Debug)]
pub(in crate::signaling) struct PlannedRtp {
    pub direction: RtpTransceiverDirection,
    pub codecs: Vec<CodecContent>,
    pub extensions: Vec<ExtensionContent>,
    /// The streams and what follows them; empty unless it sends.
    pub msids: Vec<(String, String)>,
    /// RTCP may go, or goes, where RTP goes.
    pub mux: bool,
    pub reduced_size: bool,
    pub rids: Vec<RidContent>,
    /// `send a;b recv c;d`
    pub simulcast_text: Option<String>,
    /// Sources without names of their own, with `cname:…`.
    pub source_lines: Vec<(u32, String)>,
    /// A source and that of its retransmissions.
    pub source_group: Option<String>,
}

impl Session {
    /// What an offer says for a transceiver; `known` is what its section said last.
    pub(in crate::signaling) fn offer_rtp<'a>(
        &'a self,
        maker: &Transceiver,
        known: Option<&RtpContent>,
        payloads: &mut Payloads<'a>,
    ) -> PlannedRtp {
        let extensions = &self.config.media.of(maker.kind).header_extensions;
        let extension =
            |capability: &'a HeaderExtensionCapability, payloads: &mut Payloads<'a>| ExtensionContent {
                id: payloads.extension(&capability.uri, known, capability.id),
                uri: capability.uri.clone(),
                direction: maker.extension_direction(&capability.uri),
            };
        let offered = |capability: &&HeaderExtensionCapability| {
            maker.extension_direction(&capability.uri) != RtpTransceiverDirection::Stopped
        };
        let mut planned = PlannedRtp {
            direction: maker.direction,
            codecs: self.offered_codecs(maker, known, payloads),
            extensions: extensions
                .iter()
                .filter(offered)
                .map(|capability| extension(capability, payloads))
                .collect(),
            msids: Vec::new(),
            mux: true,
            reduced_size: true,
            rids: Vec::new(),
            simulcast_text: None,
            source_lines: Vec::new(),
            source_group: None,
        };
        self.add_sender(maker, &mut planned);
        if maker.is_simulcast() && maker.direction.sends() {
            let rids = maker.sender.encodings.iter().filter_map(|encoding| encoding.rid.clone());
            planned.add_rids(RidDirection::Send, &rids.collect::<Vec<_>>());
        }
        planned
    }

    /// What an answer says for a transceiver.
    pub(in crate::signaling) fn answer_rtp(&self, maker: &Transceiver, offered: &RtpContent) -> PlannedRtp {
        let known = &self.config.media.of(maker.kind).header_extensions;
        // RFC 8285 §6: the offer's ids, and no direction that it does not allow.
        let wanted = |e: &&ExtensionContent| {
            known.iter().any(|known| known.uri == e.uri)
                && maker.extension_direction(&e.uri) != RtpTransceiverDirection::Stopped
        };
        let extensions = offered.extensions.iter().filter(wanted);
        let answered = |e: &ExtensionContent| ExtensionContent {
            direction: e.direction.reversed().intersect(maker.extension_direction(&e.uri)),
            ..e.clone()
        };
        let mut planned = PlannedRtp {
            // RFC 3264 §6.1: the other side of what was offered, as far as it is wanted.
            direction: offered.direction.reversed().intersect(maker.direction),
            codecs: self.answered_codecs(maker, offered),
            extensions: extensions.map(answered).collect(),
            msids: Vec::new(),
            mux: offered.rtcp.mux,
            reduced_size: offered.rtcp.reduced_size,
            rids: Vec::new(),
            simulcast_text: None,
            source_lines: Vec::new(),
            source_group: None,
        };
        self.add_sender(maker, &mut planned);
        if planned.direction.sends() && maker.is_simulcast() {
            // W3C WebRTC §4.4.3.2: what both name.
            let ours = |rid: &str| maker.sender.encodings.iter().any(|e| e.rid.as_deref() == Some(rid));
            let kept =
                offered.simulcast.receive.iter().map(|stream| stream.rid.clone()).filter(|rid| ours(rid));
            planned.add_rids(RidDirection::Send, &kept.collect::<Vec<_>>());
        }
        if planned.direction.receives() {
            let named = |rid: &str| offered.rids_to(RidDirection::Send).any(|known| known == rid);
            let sent =
                offered.simulcast.send.iter().map(|stream| stream.rid.as_str()).filter(|rid| named(rid));
            let mut sent: Vec<String> = sent.map(str::to_owned).collect();
            if sent.is_empty() {
                sent.extend(offered.rids_to(RidDirection::Send).take(1).map(str::to_owned));
            }
            planned.add_rids(RidDirection::Recv, &sent);
        }
        planned
    }

    fn add_sender(&self, maker: &Transceiver, planned: &mut PlannedRtp) {
        if !planned.direction.sends() {
            return;
        }
        let sender = &maker.sender;
        let msid = |stream: &str| (stream.to_owned(), sender.label.clone());
        planned.msids = sender.streams.iter().map(|stream| msid(stream)).collect();
        if planned.msids.is_empty() {
            // RFC 8830 §2: in no stream.
            planned.msids.push(msid("-"));
        }
        // Streams with names are told apart by them (RFC 8852); others have to be named here for peers that know
        // no mids in packets.
        let source = sender.sources.first().filter(|_| !maker.is_simulcast());
        if let Some(&LocalSource { ssrc, rtx }) = source {
            let cname = format!("cname:{}", self.cname);
            planned.source_lines.push((ssrc, cname.clone()));
            if planned.codecs.iter().any(|codec| codec.role() == CodecRole::Rtx) {
                planned.source_lines.push((rtx, cname));
                planned.source_group = Some(format!("{ssrc} {rtx}"));
            }
        }
    }

    /// This side's codecs as the transceiver wants them, in order, and whether retransmissions are among them.
    fn wanted(&self, maker: &Transceiver) -> (Vec<&CodecCapability>, bool) {
        let all = &self.config.media.of(maker.kind).codecs;
        let of = |codec| all.iter().find(|known| same_dictionary(&known.codec, codec));
        let wanted: Vec<&CodecCapability> = if maker.preferred.is_empty() {
            all.iter().collect()
        } else {
            maker.preferred.iter().filter_map(of).collect()
        };
        let is_rtx = |known: &&CodecCapability| CodecRole::of(known.codec.name()) == CodecRole::Rtx;
        let has_rtx = wanted.iter().any(is_rtx);
        (wanted.into_iter().filter(|known| !is_rtx(known)).collect(), has_rtx)
    }

    fn offered_codecs<'a>(
        &'a self,
        maker: &Transceiver,
        known: Option<&RtpContent>,
        payloads: &mut Payloads<'a>,
    ) -> Vec<CodecContent> {
        let (mut wanted, has_rtx) = self.wanted(maker);
        if let Some(known) = known.filter(|_| maker.preferred.is_empty()) {
            // RFC 9429 §5.2.2: the order of the last answer, then what it had not.
            let keys: Vec<_> = known.codecs.iter().map(CodecKey::from).collect();
            let rank = |capability: &&CodecCapability| {
                let key = CodecKey::from(&capability.codec);
                keys.iter().position(|known| *known == key).unwrap_or(usize::MAX)
            };
            wanted.sort_by_cached_key(rank);
        }
        let mut codecs = Vec::with_capacity(wanted.len() * 2);
        for capability in wanted {
            let key = CodecKey::from(&capability.codec);
            let Some(payload_type) = payloads.codec(key, known, capability.payload_type) else { continue };
            codecs.push(content(
                capability,
                payload_type,
                capability.codec.sdp_fmtp_line.clone(),
                capability.feedback.clone(),
            ));
            let rtx = capability.rtx_payload_type.filter(|_| has_rtx);
            if let Some(rtx) = rtx.and_then(|preferred| payloads.rtx(payload_type, preferred)) {
                codecs.push(retransmission(rtx, payload_type));
            }
        }
        set_redundancy(maker.kind, &mut codecs);
        codecs
    }

    /// What of the offered codecs is accepted, under the offer's payload types.
    fn answered_codecs(&self, maker: &Transceiver, offered: &RtpContent) -> Vec<CodecContent> {
        let (wanted, has_rtx) = self.wanted(maker);
        let keys: Vec<_> = wanted.iter().map(|known| CodecKey::from(&known.codec)).collect();
        let mut accepted: Vec<(usize, CodecContent)> = Vec::new();
        for codec in offered.codecs.iter().filter(|codec| codec.role() != CodecRole::Rtx) {
            let key = CodecKey::from(codec);
            let Some(rank) = keys.iter().position(|known| *known == key) else { continue };
            let ours = wanted[rank];
            let feedback =
                codec.feedback.iter().filter(|text| ours.feedback.contains(text)).cloned().collect();
            accepted.push((rank, content(ours, codec.payload_type, answer_fmtp(ours, codec), feedback)));
        }
        if !maker.preferred.is_empty() {
            accepted.sort_by_key(|(rank, _)| *rank);
        }
        let mut codecs = Vec::with_capacity(accepted.len() * 2);
        let rtx = offered.retransmissions();
        for (_, codec) in accepted {
            let payload_type = codec.payload_type;
            codecs.push(codec);
            // RFC 4588 §8: only for what it repeats.
            if let Some(rtx) = rtx.of(payload_type).filter(|_| has_rtx) {
                codecs.push(retransmission(rtx, payload_type));
            }
        }
        set_redundancy(maker.kind, &mut codecs);
        codecs
    }

    /// Whether an answer has a codec for the media itself.
    pub(in crate::signaling) fn has_common_codec(&self, maker: &Transceiver, offered: &RtpContent) -> bool {
        let (wanted, _) = self.wanted(maker);
        offered.kind == maker.kind
            && offered.codecs.iter().filter(|codec| codec.role() == CodecRole::Media).any(|codec| {
                let key = CodecKey::from(codec);
                wanted.iter().any(|known| key == CodecKey::from(&known.codec))
            })
    }
}

impl PlannedRtp {
    /// RFC 8853 §5.2: each stream by itself, and more than one as simulcast.
    fn add_rids(&mut self, direction: RidDirection, rids: &[String]) {
        self.rids.extend(rids.iter().map(|id| RidContent { id: id.clone(), direction }));
        if rids.len() > 1 {
            let text = self.simulcast_text.get_or_insert_default();
            let space = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{space}{direction} {}", rids.join(";")));
        }
    }
}

fn content(
    capability: &CodecCapability,
    payload_type: u8,
    fmtp: Option<String>,
    feedback: Vec<String>,
) -> CodecContent {
    let codec = &capability.codec;
    CodecContent {
        payload_type,
        name: codec.name().to_owned(),
        clock_rate: codec.clock_rate,
        channels: codec.channels.unwrap_or(1),
        fmtp,
        feedback,
    }
}

fn retransmission(payload_type: u8, apt: u8) -> CodecContent {
    CodecContent {
        payload_type,
        name: "rtx".to_owned(),
        clock_rate: 90_000,
        channels: 1,
        fmtp: Some(format!("apt={apt}")),
        feedback: Vec::new(),
    }
}

/// RFC 2198 §5: redundant audio says what is inside, which is Opus, and is not there without it.
fn set_redundancy(kind: MediaKind, codecs: &mut Vec<CodecContent>) {
    if kind == MediaKind::Video {
        return;
    }
    let opus =
        codecs.iter().find(|codec| codec.name.eq_ignore_ascii_case("opus")).map(|codec| codec.payload_type);
    codecs.retain(|codec| opus.is_some() || !codec.name.eq_ignore_ascii_case("red"));
    let red = codecs.iter_mut().filter(|codec| codec.name.eq_ignore_ascii_case("red"));
    red.for_each(|red| red.fmtp = opus.map(|opus| format!("{opus}/{opus}")));
}
