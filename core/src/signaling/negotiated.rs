//! The agreed sections of audio and video, for the media plane.

use crate::base::media::{CodecRole, RtpCodec, RtpTransceiverDirection};
use crate::base::negotiated::{NegotiatedCodec, NegotiatedExtension, NegotiatedRid, NegotiatedSection};
use crate::base::parameters::RtcpParameters;
use crate::signaling::changes::Changes;
use crate::signaling::codecs::{CodecKey, same_dictionary};
use crate::signaling::rtp::{CodecContent, Retransmissions, RtpContent, SimulcastStream};
use crate::signaling::session::Session;
use crate::signaling::state::SdpType;
use crate::signaling::transceiver::Transceiver;
use crate::wire::sdp::attribute::RidDirection;

impl Session {
    /// The sections of audio and video on which the last answer agreed, in their order.
    #[must_use]
    pub fn media(&self) -> &[NegotiatedSection] {
        &self.media
    }

    /// An answer was set: works out what both descriptions say together.
    pub(in crate::signaling) fn agree_on_media(&mut self, kind: SdpType, changes: &mut Changes) {
        let (Some(local), Some(remote)) = (self.slots.local.newest(), self.slots.remote.newest()) else {
            return;
        };
        let (local, remote) = (&local.content, &remote.content);
        let pairs = local.sections.iter().zip(&remote.sections).enumerate();
        let agreed = pairs.filter_map(|(at, (ours, theirs))| {
            let (ours_rtp, theirs_rtp) = (ours.live_rtp()?, theirs.live_rtp()?);
            let transport = self.agreed.number_of(at)?;
            let maker = self.transceivers.at(at)?;
            let section = NegotiatedSection {
                mid: ours.mid.clone().unwrap_or_default(),
                index: at,
                transport,
                extmap_allow_mixed: local.allow_mixed && remote.allow_mixed,
                ..self.agreed_section(maker, ours_rtp, theirs_rtp)
            };
            Some(section)
        });
        let agreed: Vec<_> = agreed.collect();
        if kind == SdpType::Answer {
            self.drop_codecs_not_in(&agreed);
            self.keep_answered_extensions(&agreed);
            self.end_what_nothing_carries(changes);
        }
        changes.media = agreed != self.media;
        self.media = agreed;
    }

    fn agreed_section(
        &self,
        maker: &Transceiver,
        ours: &RtpContent,
        theirs: &RtpContent,
    ) -> NegotiatedSection {
        let direction = maker.current_direction.unwrap_or(RtpTransceiverDirection::Inactive);
        let sends_simulcast = direction.sends() && maker.is_simulcast();
        let (our_codecs, their_codecs) = (Side::new(ours), Side::new(theirs));
        NegotiatedSection {
            transceiver: maker.id,
            mid: String::new(),
            index: 0,
            transport: 0,
            kind: maker.kind,
            direction,
            send: their_codecs.common(&our_codecs),
            receive: our_codecs.common(&their_codecs),
            extensions: common_extensions(ours, theirs),
            extmap_allow_mixed: false,
            send_rids: if sends_simulcast { rids(maker, &theirs.simulcast.receive) } else { Vec::new() },
            receive_rids: received_rids(ours, theirs),
            local_sources: maker.sender.sources.clone(),
            remote_sources: theirs.sources.clone(),
            rtcp: RtcpParameters {
                cname: Some(self.cname.clone()),
                reduced_size: ours.rtcp.reduced_size && theirs.rtcp.reduced_size,
            },
            cryptex: ours.cryptex && theirs.cryptex,
            max_bitrate: theirs.max_bitrate,
        }
    }

    /// A peer that does not bundle what we have one transport for: RFC 9429 §5.11, as if it had been rejected.
    fn end_what_nothing_carries(&mut self, changes: &mut Changes) {
        let carried = |at: &usize| self.agreed.carries(*at);
        let lost: Vec<usize> =
            self.transceivers.iter().filter_map(Transceiver::section).filter(|at| !carried(at)).collect();
        lost.into_iter().for_each(|at| self.end_at(at, changes));
        self.transceivers.retain(|transceiver| !transceiver.is_stopped());
    }

    // W3C WebRTC §4.4.1.5: an encoding's own codec has to be one that was negotiated.
    fn drop_codecs_not_in(&mut self, agreed: &[NegotiatedSection]) {
        for section in agreed {
            let Some(transceiver) = self.transceivers.get_mut(section.transceiver) else { continue };
            for encoding in &mut transceiver.sender.encodings {
                let negotiated =
                    |codec: &RtpCodec| section.send.iter().any(|known| same_dictionary(&known.codec, codec));
                encoding.codec.take_if(|codec| !negotiated(codec));
            }
        }
    }
}

/// One side's codecs, as they are compared.
struct Side<'a> {
    rtp: &'a RtpContent,
    keys: Vec<(CodecKey<'a>, &'a CodecContent)>,
    rtx: Retransmissions,
}

impl<'a> Side<'a> {
    fn new(rtp: &'a RtpContent) -> Self {
        let media = rtp.codecs.iter().filter(|codec| codec.role() != CodecRole::Rtx);
        let keys = media.map(|codec| (CodecKey::from(codec), codec)).collect();
        Self { rtp, keys, rtx: rtp.retransmissions() }
    }

    /// These codecs, under these payload types, that the other side has, too.
    fn common(&self, other: &Self) -> Vec<NegotiatedCodec> {
        let common = self.keys.iter().filter_map(|(key, codec)| {
            let same = || other.keys.iter().filter(|(other, _)| other == key).map(|(_, codec)| *codec);
            // The same number first: two of one codec may differ in what is not compared.
            let same_number = same().find(|theirs| theirs.payload_type == codec.payload_type);
            let theirs = same_number.or_else(|| same().next())?;
            let feedback = codec.feedback.iter().filter(|text| theirs.feedback.contains(text));
            Some(NegotiatedCodec {
                payload_type: codec.payload_type,
                codec: descriptor(self.rtp, codec),
                rtx: other.rtx.of(theirs.payload_type).and(self.rtx.of(codec.payload_type)),
                feedback: feedback.cloned().collect(),
            })
        });
        common.collect()
    }
}

/// A codec under its W3C names.
pub(in crate::signaling) fn descriptor(rtp: &RtpContent, codec: &CodecContent) -> RtpCodec {
    RtpCodec {
        mime_type: format!("{}/{}", rtp.kind, codec.name),
        clock_rate: codec.clock_rate,
        channels: (codec.channels > 1).then_some(codec.channels),
        sdp_fmtp_line: codec.fmtp.clone(),
    }
}

fn common_extensions(ours: &RtpContent, theirs: &RtpContent) -> Vec<NegotiatedExtension> {
    let common = ours.extensions.iter().filter_map(|extension| {
        let other = theirs.extensions.iter().find(|other| other.uri == extension.uri)?;
        Some(NegotiatedExtension {
            id: other.id,
            uri: extension.uri.clone(),
            direction: extension.direction.intersect(other.direction.reversed()),
        })
    });
    common.collect()
}

fn rids(maker: &Transceiver, wanted: &[SimulcastStream]) -> Vec<NegotiatedRid> {
    let ids = maker.sender.encodings.iter().filter_map(|encoding| encoding.rid.clone());
    let paused = |id: &str| wanted.iter().any(|stream| stream.rid == id && stream.paused);
    ids.map(|id| NegotiatedRid { paused: paused(&id), id }).collect()
}

fn received_rids(ours: &RtpContent, theirs: &RtpContent) -> Vec<NegotiatedRid> {
    let sent = |id: &&str| theirs.rids_to(RidDirection::Send).any(|known| known == *id);
    let paused = |id: &str| theirs.simulcast.send.iter().any(|stream| stream.rid == id && stream.paused);
    let ids = ours.rids_to(RidDirection::Recv).filter(sent);
    ids.map(|id| NegotiatedRid { id: id.to_owned(), paused: paused(id) }).collect()
}
