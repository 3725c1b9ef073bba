//! Streams of audio and video, from what the media plane says of them.

use crate::base::media::{MediaKind, MediaStreamTrack};
use crate::base::negotiated::{NegotiatedCodec, NegotiatedSection};
use crate::base::parameters::RtpEncodingParameters;
use crate::base::time::date_of;
use crate::media::counters::{Inbound, Outbound, RemoteReceived, RemoteSent};
use crate::stats::StatsOf;
use crate::stats::collect::{Collector, transport_id};
use crate::stats::rtp::{
    InboundRtpStats, MediaSourceStats, OutboundRtpStats, RemoteInboundRtpStats, RemoteOutboundRtpStats,
    RtpStreamStats,
};
use std::time::SystemTime;

impl Collector {
    /// Adds a stream that comes, what the peer says of it, and its codec; its id comes back.
    pub fn inbound(&mut self, section: &NegotiatedSection, track: &MediaStreamTrack, of: &Inbound) -> String {
        let stream = self.stream(section, &section.receive, (of.ssrc, of.kind, Some(of.payload_type)));
        let id = format!("I{}_{}", stream.transport_id, of.ssrc);
        let remote_id = of.remote.map(|_| format!("RO{}_{}", stream.transport_id, of.ssrc));
        let (received, is_video) = (&of.received, of.kind == MediaKind::Video);
        let stats = InboundRtpStats {
            stream: stream.clone(),
            packets_received: received.packets,
            packets_lost: of.lost,
            jitter: of.jitter,
            track_identifier: track.id.clone(),
            mid: mid_of(section),
            remote_id: remote_id.clone(),
            last_packet_received_timestamp: received.latest.map(|at| self.wall_clock.unix_millis(at)),
            header_bytes_received: received.header_bytes,
            fec_packets_received: received.parity_packets,
            fec_bytes_received: received.parity_bytes,
            packets_discarded: received.discarded,
            bytes_received: received.bytes,
            nack_count: received.nacks,
            fir_count: is_video.then_some(0),
            pli_count: is_video.then_some(received.picture_losses),
            jitter_buffer_delay: received.held.delay,
            jitter_buffer_target_delay: received.held.target,
            jitter_buffer_minimum_delay: received.held.least,
            jitter_buffer_emitted_count: received.held.emitted,
            total_samples_received: (!is_video).then_some(received.samples),
            frames_received: is_video.then_some(received.frames),
            frames_assembled_from_multiple_packets: is_video.then_some(received.assembled),
            total_assembly_time: is_video.then_some(received.assembly.as_secs_f64()),
            retransmitted_packets_received: of.repeats.then_some(received.repeated_packets),
            retransmitted_bytes_received: of.repeats.then_some(received.repeated_bytes),
            rtx_ssrc: of.rtx,
        };
        self.put(id.clone(), StatsOf::InboundRtp(stats));
        if let (Some(remote_id), Some(remote)) = (remote_id, &of.remote) {
            self.remote_outbound(remote_id, id.clone(), stream, remote);
        }
        id
    }

    /// Adds a stream of ours, its track, how the peer receives it, and its codec; its id comes back.
    pub fn outbound(
        &mut self,
        section: &NegotiatedSection,
        track: Option<&MediaStreamTrack>,
        encoding: Option<&RtpEncodingParameters>,
        of: &Outbound<'_>,
    ) -> String {
        let stream = self.stream(section, &section.send, (of.ssrc, of.kind, of.payload_type));
        let id = format!("O{}_{}", stream.transport_id, of.ssrc);
        let remote_id = of.remote.map(|_| format!("RI{}_{}", stream.transport_id, of.ssrc));
        let (sent, is_video) = (&of.sent, of.kind == MediaKind::Video);
        let media_source_id = track.map(|track| {
            let id = format!("S{}", of.transceiver.as_u64());
            let stats = MediaSourceStats { track_identifier: track.id.clone(), kind: track.kind };
            self.put(id.clone(), StatsOf::MediaSource(stats));
            id
        });
        let stats = OutboundRtpStats {
            stream: stream.clone(),
            packets_sent: sent.packets,
            bytes_sent: sent.bytes,
            mid: mid_of(section),
            media_source_id,
            remote_id: remote_id.clone(),
            rid: of.rid.map(str::to_owned),
            encoding_index: is_video.then_some(of.encoding),
            header_bytes_sent: sent.header_bytes,
            total_packet_send_delay: sent.waited.as_secs_f64(),
            retransmitted_packets_sent: sent.repeated_packets,
            retransmitted_bytes_sent: sent.repeated_bytes,
            rtx_ssrc: of.rtx,
            frames_sent: is_video.then_some(sent.frames),
            huge_frames_sent: is_video.then_some(sent.huge_frames),
            nack_count: sent.nacks,
            fir_count: is_video.then_some(sent.intra_requests),
            pli_count: is_video.then_some(sent.picture_losses),
            active: of.sends && encoding.is_none_or(|encoding| encoding.active),
            scalability_mode: encoding.and_then(|encoding| encoding.scalability_mode.clone()),
        };
        self.put(id.clone(), StatsOf::OutboundRtp(stats));
        if let (Some(remote_id), Some(remote)) = (remote_id, &of.remote) {
            self.remote_inbound(remote_id, id.clone(), stream, remote);
        }
        id
    }

    fn remote_outbound(&mut self, id: String, local_id: String, stream: RtpStreamStats, of: &RemoteSent) {
        let date = date_of(of.info.ntp).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stats = RemoteOutboundRtpStats {
            stream,
            packets_sent: of.info.packets.into(),
            bytes_sent: of.info.octets.into(),
            local_id,
            remote_timestamp: date.as_secs_f64() * 1e3,
            reports_sent: of.reports,
            round_trip_time: of.round_trips.latest.map(|time| time.as_secs_f64()),
            total_round_trip_time: of.round_trips.total.as_secs_f64(),
            round_trip_time_measurements: of.round_trips.count,
        };
        // webrtc-stats §5: what the peer reports bears the time when it came.
        let arrived = self.wall_clock.unix_millis(of.arrived);
        self.put_of(arrived, id, StatsOf::RemoteOutboundRtp(stats));
    }

    fn remote_inbound(&mut self, id: String, local_id: String, stream: RtpStreamStats, of: &RemoteReceived) {
        let stats = RemoteInboundRtpStats {
            stream,
            packets_received: of.packets,
            packets_lost: of.lost,
            jitter: of.jitter,
            local_id,
            round_trip_time: of.round_trips.latest.map(|time| time.as_secs_f64()),
            total_round_trip_time: of.round_trips.total.as_secs_f64(),
            fraction_lost: of.fraction_lost,
            round_trip_time_measurements: of.round_trips.count,
        };
        let arrived = self.wall_clock.unix_millis(of.arrived);
        self.put_of(arrived, id, StatsOf::RemoteInboundRtp(stats));
    }

    fn stream(
        &mut self,
        section: &NegotiatedSection,
        codecs: &[NegotiatedCodec],
        (ssrc, kind, payload_type): (u32, MediaKind, Option<u8>),
    ) -> RtpStreamStats {
        let transport_id = transport_id(section.transport);
        // webrtc-stats §8.3: a codec is told of while a stream refers to it.
        let codec = codecs.iter().find(|codec| Some(codec.payload_type) == payload_type);
        let codec_id = codec.map(|codec| self.codec(&transport_id, codec));
        RtpStreamStats { ssrc, kind, transport_id, codec_id }
    }
}

fn mid_of(section: &NegotiatedSection) -> Option<String> {
    Some(section.mid.clone()).filter(|mid| !mid.is_empty())
}
