//! What a connection is told at its start.

use crate::crypto::CryptoProvider;
use crate::crypto::certificate::Certificate;
use crate::crypto::traits::Group;
use crate::transport::dtls::suite;
use crate::wire::dtls::codepoints::{CipherSuite, ProtocolVersion, SrtpProfile};
use std::time::Duration;

/// Which side of the handshake: what SDP's `a=setup` decides (RFC 5763 §5), independent of ICE roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `setup:active`: sends the `ClientHello`.
    Client,
    /// `setup:passive`: waits for one.
    Server,
}

/// Everything about a connection that is decided before it starts.
///
/// Cheap to clone but for its small lists; the certificate is shared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Our certificate. Share one among connections: making it is the most costly step of all.
    pub certificate: Certificate,
    /// Where cryptography comes from.
    pub crypto: CryptoProvider,
    /// Versions to speak, the most preferred first. Default 1.3, then 1.2: a handshake of 1.3 is a round trip
    /// shorter, and every peer that has only 1.2 takes that. A version without any of its cipher suites in
    /// `cipher_suites` is not spoken.
    pub versions: Vec<ProtocolVersion>,
    /// Cipher suites, the most preferred first; those that do not fit the version are left out. Default: AES-128
    /// before AES-256 (a third faster, and beyond reach all the same), ChaCha20 last because every CPU in use
    /// has AES instructions.
    pub cipher_suites: Vec<CipherSuite>,
    /// Groups for key agreement, the most preferred first. Default X25519, P-256, P-384. A server besides
    /// accepts [`Group::X25519MlKem768`] from every client of 1.3 that sends a share of it, before all others:
    /// who pays for that share's 1,216 bytes wants what they buy.
    pub groups: Vec<Group>,
    /// Those of `groups` that a client of 1.3 sends shares of at once. Default X25519 alone, which every peer
    /// has. A server that wants another group costs one round trip more; each share costs its bytes and the
    /// time to make it, and that of X25519MLKEM768 does not fit into one datagram.
    pub key_shares: Vec<Group>,
    /// Whether a server sends nothing but a cookie until the client has repeated it (RFC 6347 §4.2.1, RFC 9147 §5.1).
    /// Default no: it takes a round trip, and ICE has proven the path. For use without ICE.
    pub cookie: bool,
    /// Connection ids (RFC 9146, RFC 9147 §9): how long, in bytes, those are that we ask the peer to put on its
    /// records, 20 at most; 0: we ask for none, and put the peer's on ours. Default none: the extension is not used.
    /// ICE finds a connection by its path, so an id buys nothing but what takes it off a path can be told apart
    /// with; it costs its bytes in every record. For use without ICE, and behind what balances by them.
    pub connection_id: Option<u8>,
    /// SRTP profiles for `use_srtp`, the most preferred first. Default: AES-128-GCM, AES-256-GCM, AES-CM with an
    /// 80-bit tag. Empty: the extension is not used, as for a connection that carries data alone.
    pub srtp_profiles: Vec<SrtpProfile>,
    /// The largest datagram to send, in bytes of UDP payload. Default 1,200: fits every path that WebRTC meets,
    /// tunnels included. Handshake messages are cut to it; application data is the caller's business. Values
    /// below 64 count as 64.
    pub mtu: usize,
    /// How lost flights are repeated.
    pub retransmit: Retransmit,
}

impl Config {
    /// Defaults for all but the two that have none.
    #[must_use]
    pub fn new(certificate: Certificate, crypto: CryptoProvider) -> Self {
        Self {
            certificate,
            crypto,
            versions: vec![ProtocolVersion::Dtls13, ProtocolVersion::Dtls12],
            cipher_suites: vec![
                CipherSuite::Aes128GcmSha256,
                CipherSuite::Aes256GcmSha384,
                CipherSuite::ChaCha20Poly1305Sha256,
                CipherSuite::EcdheEcdsaAes128GcmSha256,
                CipherSuite::EcdheRsaAes128GcmSha256,
                CipherSuite::EcdheEcdsaAes256GcmSha384,
                CipherSuite::EcdheRsaAes256GcmSha384,
                CipherSuite::EcdheEcdsaChaCha20Poly1305,
                CipherSuite::EcdheRsaChaCha20Poly1305,
            ],
            groups: vec![Group::X25519, Group::P256, Group::P384],
            key_shares: vec![Group::X25519],
            cookie: false,
            connection_id: None,
            srtp_profiles: vec![
                SrtpProfile::AeadAes128Gcm,
                SrtpProfile::AeadAes256Gcm,
                SrtpProfile::Aes128CmSha1_80,
            ],
            mtu: 1_200,
            retransmit: Retransmit::default(),
        }
    }

    /// Whether this version is spoken.
    pub(super) fn speaks(&self, version: ProtocolVersion) -> bool {
        self.versions.contains(&version)
            && self.cipher_suites.iter().any(|&s| suite::version_of(s) == Some(version))
    }
}

/// When a flight that was not answered is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmit {
    /// The first wait while the round-trip time is unknown. Default 1 s (RFC 6347 §4.2.4.1).
    pub initial: Duration,
    /// The least first wait once the round-trip time is known (one and a quarter times that time is waited). Default 50 ms: a slow
    /// peer needs as much to sign.
    pub floor: Duration,
    /// No wait is longer; each but the second is twice the one before. Default 60 s (RFC 6347 §4.2.4.1).
    pub cap: Duration,
    /// How often a flight is sent two times at once when it is repeated, and the wait does not grow: what lost one datagram
    /// may well lose another, and one more is cheaper than one more wait (RFC 9002 §6.2.4 has QUIC do the same). After a
    /// first loss the flights that follow begin so. Default 0: a path that nobody has proven gets no more than it must.
    /// With ICE, 3.
    pub twice: u8,
}

impl Default for Retransmit {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            floor: Duration::from_millis(50),
            cap: Duration::from_secs(60),
            twice: 0,
        }
    }
}
