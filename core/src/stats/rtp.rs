//! The dictionaries of webrtc-stats for streams of audio and video, under their names there. What an encoder or a decoder
//! would know is not among them: none is in here.

use crate::base::media::MediaKind;

/// `RTCRtpStreamStats`: what all of the following inherit. In JSON its members stand among theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RtpStreamStats {
    /// The source.
    pub ssrc: u32,
    /// Audio or video.
    pub kind: MediaKind,
    /// What carries it.
    pub transport_id: String,
    /// The codec of the last packet.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub codec_id: Option<String>,
}

/// `RTCInboundRtpStreamStats`, with `RTCReceivedRtpStreamStats` and `RTCRtpStreamStats`
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct InboundRtpStats {
    /// What it has in common with the others of its kind.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub stream: RtpStreamStats,
    /// Packets that came, repetitions among them.
    pub packets_received: u64,
    /// Packets that did not (RFC 3550 §6.4.1); fewer than none where some came twice.
    pub packets_lost: i64,
    /// In seconds.
    pub jitter: f64,
    /// The receiver's track.
    pub track_identifier: String,
    /// The section.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub mid: Option<String>,
    /// What the peer reports of it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub remote_id: Option<String>,
    /// In milliseconds since 1970.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_packet_received_timestamp: Option<f64>,
    /// Bytes of headers and padding, of repetitions as well.
    pub header_bytes_received: u64,
    /// Parity of it that came (`fecPacketsReceived`).
    pub fec_packets_received: u64,
    /// Its payloads.
    pub fec_bytes_received: u64,
    /// Packets that came too late to be of use.
    pub packets_discarded: u64,
    /// Bytes of payloads, of repetitions as well.
    pub bytes_received: u64,
    /// Packets sent that ask for missing ones.
    pub nack_count: u32,
    /// Full intra requests sent: none, picture losses ask for the same.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub fir_count: Option<u32>,
    /// Picture losses told.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub pli_count: Option<u32>,
    /// Seconds that samples or frames spent from their first packet on until they were handed on, added up.
    pub jitter_buffer_delay: f64,
    /// The delays that were aimed at when they were, added up.
    pub jitter_buffer_target_delay: f64,
    /// The delays that the network alone demanded, added up.
    pub jitter_buffer_minimum_delay: f64,
    /// Samples or frames that were handed on.
    pub jitter_buffer_emitted_count: u64,
    /// Samples that came; of audio whose codec says how many.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub total_samples_received: Option<u64>,
    /// Frames that came whole.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub frames_received: Option<u32>,
    /// Those of them that had several packets.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub frames_assembled_from_multiple_packets: Option<u32>,
    /// Seconds from the first to the last packet of those, added up.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub total_assembly_time: Option<f64>,
    /// Repetitions that came; where they are negotiated.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub retransmitted_packets_received: Option<u64>,
    /// Their payloads.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub retransmitted_bytes_received: Option<u64>,
    /// Their source.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rtx_ssrc: Option<u32>,
}

/// `RTCRemoteInboundRtpStreamStats`, with what it inherits: how the peer receives a stream of ours.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RemoteInboundRtpStats {
    /// What it has in common with the others of its kind.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub stream: RtpStreamStats,
    /// Packets that came there.
    pub packets_received: u64,
    /// Packets that did not.
    pub packets_lost: i64,
    /// In seconds.
    pub jitter: f64,
    /// Our side of it.
    pub local_id: String,
    /// The last round trip in seconds, once there is one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub round_trip_time: Option<f64>,
    /// All of them, added up.
    pub total_round_trip_time: f64,
    /// Of the packets since the report before: the part that was lost, from 0 to 1.
    pub fraction_lost: f64,
    /// How many round trips were measured.
    pub round_trip_time_measurements: u64,
}

/// `RTCOutboundRtpStreamStats`, with `RTCSentRtpStreamStats` and `RTCRtpStreamStats`
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct OutboundRtpStats {
    /// What it has in common with the others of its kind.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub stream: RtpStreamStats,
    /// Packets sent, repetitions among them.
    pub packets_sent: u64,
    /// Bytes of their payloads.
    pub bytes_sent: u64,
    /// The section.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub mid: Option<String>,
    /// The track, while there is one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub media_source_id: Option<String>,
    /// What the peer reports of it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub remote_id: Option<String>,
    /// The name of its encoding.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rid: Option<String>,
    /// The place of its encoding; of video.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub encoding_index: Option<usize>,
    /// Bytes of headers, of repetitions as well.
    pub header_bytes_sent: u64,
    /// Seconds that packets were held up until it was their turn in a burst, added up.
    pub total_packet_send_delay: f64,
    /// Repetitions sent.
    pub retransmitted_packets_sent: u64,
    /// Their payloads.
    pub retransmitted_bytes_sent: u64,
    /// Their source, where they are negotiated.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rtx_ssrc: Option<u32>,
    /// Frames sent.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub frames_sent: Option<u32>,
    /// Those of at least two and a half times the average size.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub huge_frames_sent: Option<u32>,
    /// Packets that came and ask for missing ones.
    pub nack_count: u32,
    /// Full intra requests that came.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub fir_count: Option<u32>,
    /// Picture losses that the peer told.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub pli_count: Option<u32>,
    /// Whether the encoding is switched on and its direction sends.
    pub active: bool,
    /// The scalability mode that was asked for.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub scalability_mode: Option<String>,
}

/// `RTCRemoteOutboundRtpStreamStats`, with what it inherits: what the peer says that it has sent.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RemoteOutboundRtpStats {
    /// What it has in common with the others of its kind.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub stream: RtpStreamStats,
    /// Packets sent.
    pub packets_sent: u64,
    /// Bytes of their payloads.
    pub bytes_sent: u64,
    /// Our side of it.
    pub local_id: String,
    /// When it said so, by its own clock: milliseconds since 1970.
    pub remote_timestamp: f64,
    /// Reports that came.
    pub reports_sent: u64,
    /// The last round trip in seconds, where the peer answers extended reports.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub round_trip_time: Option<f64>,
    /// All of them, added up.
    pub total_round_trip_time: f64,
    /// How many there were.
    pub round_trip_time_measurements: u64,
}

/// `RTCMediaSourceStats`: the track of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct MediaSourceStats {
    /// The track's id.
    pub track_identifier: String,
    /// Audio or video.
    pub kind: MediaKind,
}
