//! Reports from what the machines say of themselves.

use crate::base::negotiated::NegotiatedCodec;
use crate::base::time::{Instant, WallClock};
use crate::data::channel::{Channel, DataChannelId};
use crate::stats::dictionaries::{
    CandidatePairStats, CertificateStats, CodecStats, DataChannelStats, IceCandidateStats, PairStatsState,
    PeerConnectionStats, TransportStats,
};
use crate::stats::{StatsOf, StatsReport};
use crate::transport::Transport;
use crate::transport::dtls::Connection;
use crate::transport::dtls::config::Role;
use crate::transport::ice::{PairInfo, PairState};
use crate::wire::candidate::Candidate;
use crate::wire::dtls::codepoints::{CipherSuite, SrtpProfile};
use crate::wire::fingerprint::Fingerprint;
use data_encoding::BASE64;

/// What is told of a certificate.
#[derive(Clone, Debug)]
pub struct CertificateFacts<'a> {
    /// The certificate.
    pub der: &'a [u8],
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// What a transport's owner counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportFacts {
    /// Packets sent.
    pub packets_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Packets that came.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// How often the pair in use changed.
    pub selected_pair_changes: u32,
    /// The number of the transport of RTCP alone beside it.
    pub rtcp: Option<usize>,
}

/// Makes a report, all of one moment.
#[derive(Debug)]
pub struct Collector {
    pub(in crate::stats) wall_clock: WallClock,
    timestamp: f64,
    report: StatsReport,
}

impl Collector {
    /// An empty report at this moment.
    #[must_use]
    pub fn new(wall_clock: WallClock, now: Instant) -> Self {
        Self { wall_clock, timestamp: wall_clock.unix_millis(now), report: StatsReport::default() }
    }

    /// The report.
    #[must_use]
    pub fn finish(self) -> StatsReport {
        self.report
    }

    /// The report, of these objects and of what they refer to.
    #[must_use]
    pub fn finish_about(mut self, roots: Vec<String>) -> StatsReport {
        self.report.keep(roots);
        self.report
    }

    /// Adds the connection.
    pub fn connection(&mut self, stats: PeerConnectionStats) {
        self.put("P".to_owned(), StatsOf::PeerConnection(stats));
    }

    /// Adds a data channel.
    pub fn channel(&mut self, id: DataChannelId, channel: &Channel) {
        let counters = channel.counters();
        let stats = DataChannelStats {
            label: channel.label().to_owned(),
            protocol: channel.protocol().to_owned(),
            data_channel_identifier: channel.id(),
            state: channel.ready_state(),
            messages_sent: counters.messages_sent,
            bytes_sent: counters.bytes_sent,
            messages_received: counters.messages_received,
            bytes_received: counters.bytes_received,
        };
        self.put(format!("D{}", id.as_u64()), StatsOf::DataChannel(stats));
    }

    /// Adds a codec; its id comes back.
    pub(in crate::stats) fn codec(&mut self, transport: &str, negotiated: &NegotiatedCodec) -> String {
        let codec = &negotiated.codec;
        // W3C webrtc-stats §8.3: one for each payload type of a transport, or two where the directions differ.
        let fmtp = codec.sdp_fmtp_line.as_deref().unwrap_or("");
        let id = format!("C{transport}_{}_{}", negotiated.payload_type, digest(&[&codec.mime_type, fmtp]));
        let stats = CodecStats {
            payload_type: negotiated.payload_type,
            transport_id: transport.to_owned(),
            mime_type: codec.mime_type.clone(),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            sdp_fmtp_line: codec.sdp_fmtp_line.clone(),
        };
        self.put(id.clone(), StatsOf::Codec(stats));
        id
    }

    /// Adds the transport of this number with its candidates, pairs and certificates.
    pub fn transport(
        &mut self,
        number: usize,
        transport: &Transport,
        facts: TransportFacts,
        ours: &CertificateFacts<'_>,
        theirs: Option<&CertificateFacts<'_>>,
    ) {
        let name = transport_id(number);
        let local: Vec<Candidate> = transport.ice().local_candidates().collect();
        let remote: Vec<Candidate> = transport.ice().remote_candidates().collect();
        for candidate in &local {
            let mut stats = candidate_stats(&name, candidate);
            if let Some(source) = transport.candidate_source(candidate) {
                stats.url = Some(source.url.to_string());
                stats.relay_protocol = source.relay_protocol.map(|protocol| protocol.to_string());
            }
            self.put(candidate_id(&name, "L", candidate), StatsOf::LocalCandidate(stats));
        }
        for candidate in &remote {
            let stats = candidate_stats(&name, candidate);
            self.put(candidate_id(&name, "R", candidate), StatsOf::RemoteCandidate(stats));
        }
        for pair in transport.ice().pairs() {
            let (Some(ours), Some(theirs)) = (local.get(pair.local), remote.get(pair.remote)) else {
                continue;
            };
            let traffic = transport.traffic(&pair.path);
            let mut stats = pair_stats(&name, &pair, ours, theirs);
            let date = |at: Option<Instant>| at.map(|at| self.wall_clock.unix_millis(at));
            stats.packets_sent = traffic.packets_sent;
            stats.bytes_sent = traffic.bytes_sent;
            stats.last_packet_sent_timestamp = date(traffic.last_sent);
            stats.packets_received = traffic.packets_received;
            stats.bytes_received = traffic.bytes_received;
            stats.last_packet_received_timestamp = date(traffic.last_received);
            self.put(pair_id(&name, pair.id), StatsOf::CandidatePair(stats));
        }
        let local_certificate_id = self.certificate(ours);
        let remote_certificate_id = theirs.map(|theirs| self.certificate(theirs));
        let dtls = transport.dtls();
        let stats = TransportStats {
            packets_sent: facts.packets_sent,
            packets_received: facts.packets_received,
            bytes_sent: facts.bytes_sent,
            bytes_received: facts.bytes_received,
            ice_role: transport.ice().role(),
            ice_local_username_fragment: transport.local_credentials().ufrag.clone(),
            dtls_state: transport.dtls_state(),
            ice_state: transport.ice_state(),
            selected_candidate_pair_id: transport.selected_pair().map(|pair| pair_id(&name, pair.id)),
            local_certificate_id,
            remote_certificate_id,
            tls_version: dtls
                .and_then(Connection::version)
                .map(|version| format!("{:04X}", u16::from(version))),
            dtls_cipher: dtls.and_then(Connection::cipher_suite).and_then(suite_name).map(str::to_owned),
            dtls_role: match dtls.map(Connection::role) {
                Some(Role::Client) => "client",
                Some(Role::Server) => "server",
                None => "unknown",
            },
            srtp_cipher: dtls.and_then(Connection::srtp_profile).and_then(profile_name).map(str::to_owned),
            selected_candidate_pair_changes: facts.selected_pair_changes,
            rtcp_transport_stats_id: facts.rtcp.map(transport_id),
        };
        self.put(name, StatsOf::Transport(stats));
    }

    fn certificate(&mut self, facts: &CertificateFacts<'_>) -> String {
        let text = facts.fingerprint.to_string();
        let (algorithm, fingerprint) = text.split_once(' ').unwrap_or(("", &text));
        let id = format!("F{fingerprint}");
        let stats = CertificateStats {
            fingerprint: fingerprint.to_owned(),
            fingerprint_algorithm: algorithm.to_owned(),
            base64_certificate: BASE64.encode(facts.der),
        };
        self.put(id.clone(), StatsOf::Certificate(stats));
        id
    }

    pub(in crate::stats) fn put(&mut self, id: String, of: StatsOf) {
        self.report.put(self.timestamp, id, of);
    }

    /// Adds what was learnt at another moment.
    pub(in crate::stats) fn put_of(&mut self, timestamp: f64, id: String, of: StatsOf) {
        self.report.put(timestamp, id, of);
    }
}

pub(in crate::stats) fn transport_id(number: usize) -> String {
    format!("T{number}")
}

fn pair_id(transport: &str, id: u32) -> String {
    format!("{transport}_CP{id}")
}

fn candidate_id(transport: &str, prefix: &str, candidate: &Candidate) -> String {
    format!("{transport}_{prefix}{}", digest(&[&candidate.to_string()]))
}

/// FNV-1a: names what has no number of its own.
fn digest(parts: &[&str]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

fn candidate_stats(transport: &str, candidate: &Candidate) -> IceCandidateStats {
    IceCandidateStats {
        transport_id: transport.to_owned(),
        address: candidate.address.to_string(),
        port: candidate.port,
        protocol: candidate.protocol.to_string(),
        candidate_type: candidate.kind,
        priority: candidate.priority,
        foundation: candidate.foundation.clone(),
        related_address: candidate.related.as_ref().map(|(address, _)| address.to_string()),
        related_port: candidate.related.as_ref().map(|(_, port)| *port),
        username_fragment: candidate.ufrag.clone(),
        tcp_type: candidate.tcp_type,
        url: None,
        relay_protocol: None,
    }
}

fn pair_stats(transport: &str, pair: &PairInfo, ours: &Candidate, theirs: &Candidate) -> CandidatePairStats {
    CandidatePairStats {
        transport_id: transport.to_owned(),
        local_candidate_id: candidate_id(transport, "L", ours),
        remote_candidate_id: candidate_id(transport, "R", theirs),
        state: match pair.state {
            PairState::Frozen => PairStatsState::Frozen,
            PairState::Waiting => PairStatsState::Waiting,
            PairState::InProgress => PairStatsState::InProgress,
            PairState::Succeeded => PairStatsState::Succeeded,
            PairState::Failed => PairStatsState::Failed,
        },
        nominated: pair.nominated,
        packets_sent: 0,
        packets_received: 0,
        bytes_sent: 0,
        bytes_received: 0,
        last_packet_sent_timestamp: None,
        last_packet_received_timestamp: None,
        current_round_trip_time: pair.rtt.latest.map(|rtt| rtt.as_secs_f64()),
        total_round_trip_time: pair.rtt.total.as_secs_f64(),
        requests_received: pair.counters.requests_received,
        requests_sent: pair.counters.requests_sent,
        responses_received: pair.counters.responses_received,
        responses_sent: pair.counters.responses_sent,
        consent_requests_sent: pair.counters.consent_requests_sent,
    }
}

/// Names of the IANA registry.
const fn suite_name(suite: CipherSuite) -> Option<&'static str> {
    Some(match suite {
        CipherSuite::Aes128GcmSha256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::Aes256GcmSha384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::ChaCha20Poly1305Sha256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::EcdheEcdsaAes128GcmSha256 => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::EcdheEcdsaAes256GcmSha384 => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::EcdheRsaAes128GcmSha256 => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::EcdheRsaAes256GcmSha384 => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::EcdheEcdsaChaCha20Poly1305 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::EcdheRsaChaCha20Poly1305 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return None,
    })
}

const fn profile_name(profile: SrtpProfile) -> Option<&'static str> {
    Some(match profile {
        SrtpProfile::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        SrtpProfile::Aes128CmSha1_32 => "SRTP_AES128_CM_HMAC_SHA1_32",
        SrtpProfile::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
        SrtpProfile::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        SrtpProfile::Unknown(_) => return None,
    })
}
