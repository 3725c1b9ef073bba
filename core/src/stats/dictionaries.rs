//! The dictionaries of webrtc-stats, under their names there. `None` is a member that is not there.

use crate::data::event::DataChannelState;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::ice::{IceRole, IceTransportState};
use crate::wire::candidate::{CandidateType, TcpType};

/// `RTCCertificateStats`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct CertificateStats {
    /// The digest: upper-case hexadecimal with colons.
    pub fingerprint: String,
    /// Its hash function, such as `sha-256`.
    pub fingerprint_algorithm: String,
    /// The certificate's DER in base64.
    pub base64_certificate: String,
}

/// `RTCCodecStats`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct CodecStats {
    /// The payload type.
    pub payload_type: u8,
    /// The transport that carries it.
    pub transport_id: String,
    /// `video/VP8`
    pub mime_type: String,
    /// In hertz.
    pub clock_rate: u32,
    /// Of audio with more than one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub channels: Option<u16>,
    /// What `a=fmtp` says.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub sdp_fmtp_line: Option<String>,
}

crate::w3c_enum! {
    /// `RTCStatsIceCandidatePairState`
    pub enum PairStatsState {
        /// Waits for another pair of its foundation.
        Frozen = "frozen",
        /// Its check has not been sent yet.
        Waiting = "waiting",
        /// Its check is under way.
        InProgress = "in-progress",
        /// Its check failed, or consent was lost.
        Failed = "failed",
        /// Its check succeeded.
        Succeeded = "succeeded",
    }
}

/// `RTCIceCandidatePairStats`
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct CandidatePairStats {
    /// The transport.
    pub transport_id: String,
    /// Our candidate.
    pub local_candidate_id: String,
    /// The peer's.
    pub remote_candidate_id: String,
    /// Where its check stands.
    pub state: PairStatsState,
    /// Whether it was nominated.
    pub nominated: bool,
    /// Packets of SCTP and media that were sent along it.
    pub packets_sent: u64,
    /// Those that came.
    pub packets_received: u64,
    /// Bytes of what was sent, inside of the encryption.
    pub bytes_sent: u64,
    /// Bytes of what came.
    pub bytes_received: u64,
    /// When the last of them was sent: milliseconds since 1970.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_packet_sent_timestamp: Option<f64>,
    /// When the last came.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_packet_received_timestamp: Option<f64>,
    /// The last round-trip time in seconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub current_round_trip_time: Option<f64>,
    /// All of them, added up, in seconds.
    pub total_round_trip_time: f64,
    /// Checks that came.
    pub requests_received: u64,
    /// Checks sent, without retransmissions.
    pub requests_sent: u64,
    /// Answers that came.
    pub responses_received: u64,
    /// Answers sent.
    pub responses_sent: u64,
    /// Consent checks sent.
    pub consent_requests_sent: u64,
}

/// `RTCIceCandidateStats`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct IceCandidateStats {
    /// The transport.
    pub transport_id: String,
    /// An address, or the name that stands for it.
    pub address: String,
    /// The port.
    pub port: u16,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// How it was learnt.
    pub candidate_type: CandidateType,
    /// RFC 8445 §5.1.2.
    pub priority: u32,
    /// RFC 8445 §5.1.1.3.
    pub foundation: String,
    /// The base of a reflexive candidate, the mapped address of a relayed one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub related_address: Option<String>,
    /// Its port.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub related_port: Option<u16>,
    /// The generation that it belongs to.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub username_fragment: Option<String>,
    /// The server that told of it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub url: Option<String>,
    /// How its relay is reached: `udp`, `tcp` or `tls`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub relay_protocol: Option<String>,
    /// Of a TCP candidate.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tcp_type: Option<TcpType>,
}

/// `RTCDataChannelStats`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct DataChannelStats {
    /// The label.
    pub label: String,
    /// The subprotocol.
    pub protocol: String,
    /// The stream; absent until it is known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub data_channel_identifier: Option<u16>,
    /// `readyState`
    pub state: DataChannelState,
    /// Messages that were handed to the network.
    pub messages_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Messages that came.
    pub messages_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}

/// `RTCPeerConnectionStats`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct PeerConnectionStats {
    /// Channels that were open once.
    pub data_channels_opened: u32,
    /// Those of them that are not any more.
    pub data_channels_closed: u32,
}

/// `RTCTransportStats`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct TransportStats {
    /// Packets of SCTP and media that were sent.
    pub packets_sent: u64,
    /// Those that came.
    pub packets_received: u64,
    /// Bytes of what was sent, inside of the encryption.
    pub bytes_sent: u64,
    /// Bytes of what came.
    pub bytes_received: u64,
    /// Who chooses the pair.
    pub ice_role: IceRole,
    /// Our generation.
    pub ice_local_username_fragment: String,
    /// `RTCDtlsTransport.state`
    pub dtls_state: DtlsTransportState,
    /// `RTCIceTransport.state`
    pub ice_state: IceTransportState,
    /// The pair in use.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub selected_candidate_pair_id: Option<String>,
    /// Our certificate.
    pub local_certificate_id: String,
    /// The peer's, once known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub remote_certificate_id: Option<String>,
    /// Four hexadecimal digits, such as `FEFC` for DTLS 1.3.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tls_version: Option<String>,
    /// The IANA name of the cipher suite.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub dtls_cipher: Option<String>,
    /// `client`, `server` or `unknown`.
    pub dtls_role: &'static str,
    /// The IANA name of the SRTP profile.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub srtp_cipher: Option<String>,
    /// How often the pair in use changed.
    pub selected_candidate_pair_changes: u32,
    /// The transport of RTCP, where that has a port of its own.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rtcp_transport_stats_id: Option<String>,
}
