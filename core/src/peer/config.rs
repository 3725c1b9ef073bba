//! What an application may choose about a connection. Checked once, in `PeerConnection::new`.

use crate::base::media::MediaCapabilities;
use crate::base::time::Instant;
use crate::base::w3c::ErrorKind;
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateError};
use crate::data::config::Config as DataConfig;
use crate::peer::ice_server::{IceServer, IceServerError};
use crate::signaling::local::{BundlePolicy, RtcpMuxPolicy};
use crate::transport::ice::Config as IceConfig;
use crate::transport::{ExternalAddress, HostAddresses, IceTransportPolicy};
use crate::wire::candidate::Credentials;
use crate::wire::dtls::codepoints::ProtocolVersion;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use thiserror::Error;

/// `RTCConfiguration`, and what of the machines below may be tuned. `Configuration::default()` works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configuration {
    /// The first of them identifies this side; the others are kept and not used, as in browsers.
    ///
    /// Default: none, so that an ECDSA P-256 certificate is made for this connection alone. That costs about
    /// 50 µs, and another connection cannot be recognised by it. Programs with many connections make one with
    /// [`Certificate::generate`] and hand out clones, which share it.
    pub certificates: Vec<Certificate>,
    /// STUN and TURN servers to learn candidates from, of which the first 32 URLs count. Default none: the addresses of
    /// this host have to do. Each server is asked from each address, which costs a few datagrams.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used. Default `all`. With `relay` the peer learns no address of ours, at the cost of a
    /// server that carries everything.
    pub ice_transport_policy: IceTransportPolicy,
    /// How candidates show the addresses of this host. Default: as they are.
    pub host_addresses: HostAddresses,
    /// How the world sees addresses of this host that are behind a 1:1 NAT. Default none.
    pub external_addresses: Vec<ExternalAddress>,
    /// How many ICE transports gather before the first description is set. Default 0. A number above 0 saves the time
    /// that servers take to answer, and costs their allocations even where nothing comes of the connection; there is one
    /// transport to fill, so higher numbers do no more.
    pub ice_candidate_pool_size: u8,
    /// Which sections of an offer have an address of their own, and which of an offer without a bundle group are
    /// accepted. Default `balanced`, as in browsers.
    pub bundle_policy: BundlePolicy,
    /// Whether RTCP may have a port of its own. Default `require`: it shares that of RTP, as everywhere today. With `negotiate`
    /// peers from before that are served, too; every transport that carries audio or video then asks its driver for a second
    /// port ([`IoRequest::Bind`](crate::base::io::IoRequest::Bind)), which is given up again when the peer multiplexes.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// Who the peer has to be (`peerIdentity`), such as `alice@example.org`. Default: anyone. With a name, the descriptions of a
    /// peer are set after [`validate_identity`](crate::PeerConnection::validate_identity) has found it to be that.
    pub peer_identity: Option<String>,
    /// The codecs and header extensions of audio and video. Default: all that browsers have, shared by all
    /// connections. As media goes in and out encoded, a codec costs nothing but its lines in descriptions.
    pub media: Arc<MediaCapabilities>,
    /// The largest datagram to send before the path has shown that it carries larger ones, in bytes of UDP payload.
    /// Default 1,200, which fits every path that WebRTC meets, tunnels included. From 576 to 65,000; a value that a
    /// path cannot carry loses every full packet. How far probes go beyond it says `data.largest_ip_packet`.
    pub mtu: usize,
    /// Versions of DTLS, the most preferred first. Default 1.3, then 1.2, which every peer has. Without any of them a
    /// connection fails when DTLS begins.
    pub dtls_versions: Vec<ProtocolVersion>,
    /// Which DTLS role offers want. Default [`OfferedDtlsRole::Either`].
    pub offered_dtls_role: OfferedDtlsRole,
    /// What keys are agreed on with. Default [`KeyAgreement::Elliptic`].
    pub key_agreement: KeyAgreement,
    /// Whether the handshake of DTLS may go inside of ICE's checks (SPED, draft-hancke-webrtc-sped), which saves a round
    /// trip with a peer that does so too. Default no: it is a draft, and the first checks become as large as what they carry.
    pub sped: bool,
    /// Whether descriptions carry what SCTP's handshake would (SNAP, draft-hancke-tsvwg-snap), which saves two round trips
    /// with a peer that does so too. Default no: it is a draft.
    pub snap: bool,
    /// Timings and caps of ICE. Defaults as [`IceConfig`] has them, but for a check that is first sent again after 100 ms, not
    /// 500: as often as browsers check a pair that has not answered. The two best pairs are checked anew five times before waits
    /// grow; on a path that loses a quarter either way, all of that fails once in a hundred and forty times. A check is sent
    /// nine times, 27 s in all.
    pub ice: IceConfig,
    /// Message sizes, send buffer and SCTP settings of data channels.
    pub data: DataConfig,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            ice_servers: Vec::new(),
            ice_transport_policy: IceTransportPolicy::All,
            host_addresses: HostAddresses::Shown,
            external_addresses: Vec::new(),
            ice_candidate_pool_size: 0,
            bundle_policy: BundlePolicy::Balanced,
            rtcp_mux_policy: RtcpMuxPolicy::Require,
            peer_identity: None,
            media: MediaCapabilities::shared(),
            mtu: 1_200,
            dtls_versions: vec![ProtocolVersion::Dtls13, ProtocolVersion::Dtls12],
            offered_dtls_role: OfferedDtlsRole::Either,
            key_agreement: KeyAgreement::Elliptic,
            sped: false,
            snap: false,
            ice: IceConfig { minimum_rto: CHECK_AGAIN, anew: 5, max_sends: 9, ..IceConfig::default() },
            data: DataConfig::default(),
        }
    }
}

/// Which side of the handshake of DTLS an offer wants to be (`a=setup`). An answer follows its offer, whatever is
/// configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OfferedDtlsRole {
    /// The peer chooses (`actpass`), which RFC 8842 wants: browsers and this library are then the client, and the handshake
    /// begins with their first check.
    #[default]
    Either,
    /// The client (`active`): for peers that can only be the server.
    Client,
    /// The server (`passive`): for peers that can only be the client.
    Server,
}

/// What DTLS 1.3 offers to agree on keys with. Either is taken of a peer, whatever is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyAgreement {
    /// Elliptic curves: X25519, P-256, P-384.
    #[default]
    Elliptic,
    /// X25519MLKEM768 before them, as browsers offer it: safe from a quantum computer as well. Costs 60 µs, and a second
    /// datagram in each of the first two flights.
    PostQuantum,
}

/// When an unanswered check is first sent again.
const CHECK_AGAIN: Duration = Duration::from_millis(100);

/// What `mtu` may be: IPv4 must carry the least, and the most leaves room for headers.
const MTU: RangeInclusive<usize> = 576..=65_000;

impl Configuration {
    pub(super) fn check(&self, wall: SystemTime) -> Result<(), ConfigurationError> {
        // W3C WebRTC §4.4.1.1: an expired certificate is refused before anything else happens.
        if self.certificates.iter().any(|certificate| certificate.expires() < wall) {
            return Err(ConfigurationError::CertificateExpired);
        }
        if !MTU.contains(&self.mtu) {
            return Err(ConfigurationError::Mtu { got: self.mtu });
        }
        // RFC 8839 §5.4.
        let fits = |c: &Credentials| Credentials::new(&c.ufrag, &c.password.0).is_ok();
        if !self.ice.credentials.as_ref().is_none_or(fits) {
            return Err(ConfigurationError::IceCredentials);
        }
        Ok(())
    }
}

/// What a connection cannot find out by itself: the time, the date, randomness and cryptography.
#[derive(Clone, Copy, Debug)]
pub struct Init {
    /// The instant of the call.
    pub now: Instant,
    /// The date of the call.
    pub wall_clock: SystemTime,
    /// 32 bytes that nobody can guess: from the operating system, or a constant in a simulation.
    pub seed: [u8; 32],
    /// Where cryptography comes from.
    pub crypto: CryptoProvider,
}

#[cfg(any(feature = "ring", feature = "rustcrypto"))]
impl Init {
    /// With the default provider of cryptography.
    #[must_use]
    pub fn new(now: Instant, wall_clock: SystemTime, seed: [u8; 32]) -> Self {
        Self { now, wall_clock, seed, crypto: CryptoProvider::default() }
    }
}

/// Why a configuration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// This member cannot change during a connection's life.
    #[error("{0} cannot change any more; make another connection")]
    Modified(&'static str),
    /// A certificate's validity is over.
    #[error("a certificate has expired; make a new one")]
    CertificateExpired,
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] CertificateError),
    /// `ice.credentials` are too short, or have characters that they may not have.
    #[error("ICE user fragments have 4 to 256 letters, digits, + and /, passwords 22 to 256")]
    IceCredentials,
    /// A server cannot be.
    #[error(transparent)]
    IceServer(#[from] IceServerError),
    /// `mtu` is outside of what a path can have.
    #[error("an mtu of {got} bytes cannot work; use one from 576 to 65,000")]
    Mtu {
        /// What was given.
        got: usize,
    },
}

impl ConfigurationError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Closed => ErrorKind::InvalidState,
            Self::Modified(_) => ErrorKind::InvalidModification,
            Self::CertificateExpired => ErrorKind::InvalidAccess,
            Self::Certificate(_) => ErrorKind::Unknown,
            Self::IceCredentials => ErrorKind::Syntax,
            Self::IceServer(error) => error.kind(),
            Self::Mtu { .. } => ErrorKind::Range,
        }
    }
}
