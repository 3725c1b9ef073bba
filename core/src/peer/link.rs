//! One link to the peer: a transport, and what belongs to each of them.
//!
//! Sections of a bundle share one; a peer that does not bundle has one for each section. What rides on links is not
//! here: the SCTP association has one link ([`DataRide`](crate::peer::outbound::DataRide)).

use crate::base::io::IoRequest;
use crate::base::net::Path;
use crate::base::queue::Turn;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::Certificate;
use crate::crypto::traits::Group;
use crate::peer::config::{Configuration, KeyAgreement};
use crate::peer::ice_server::{IceServer, IceServerError};
use crate::peer::ports::Ports;
use crate::peer::{LONGEST_WAIT, UNMEASURED};
use crate::signaling::local::MAX_TRANSPORTS;
use crate::stats::TransportFacts;
use crate::transport::dtls::config::{Config as DtlsConfig, Retransmit};
use crate::transport::ice::Config as IceConfig;
use crate::transport::{Config as TransportConfig, IceGatheringState, Transport};
use crate::wire::candidate::Credentials;
use std::fmt;

/// Names one of a connection's transports. The first is 0; a number comes back after its transport was closed. Numbers from
/// 16 on are of transports that carry RTCP alone: that of transport 3 is 19.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TransportId(pub(in crate::peer) u16);

/// What is added to the number of a transport for that of RTCP beside it.
const RTCP: u16 = MAX_TRANSPORTS as u16;
const _: () = assert!(MAX_TRANSPORTS.is_power_of_two());

impl TransportId {
    /// The transport that is always there.
    pub const FIRST: Self = Self(0);

    /// That of the number that signaling uses, which is small: there are no more transports than sections.
    pub(in crate::peer) fn of(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// That of RTCP alone, beside this one.
    pub(in crate::peer) const fn rtcp(self) -> Self {
        Self(self.0 | RTCP)
    }

    /// That of RTP, beside this one.
    pub(in crate::peer) const fn rtp(self) -> Self {
        Self(self.0 & !RTCP)
    }

    /// Whether it carries RTCP alone.
    #[must_use]
    pub const fn is_rtcp(self) -> bool {
        self.0 & RTCP != 0
    }

    /// The number, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

crate::w3c_enum! {
    /// `RTCIceComponent`: what a transport is for.
    pub enum IceComponent {
        /// RTP, or everything.
        Rtp = "rtp",
        /// RTCP alone.
        Rtcp = "rtcp",
    }
}

impl IceComponent {
    /// As candidates have it (RFC 8445 §5.1.1.1).
    pub(in crate::peer) const fn number(self) -> u16 {
        match self {
            Self::Rtp => 1,
            Self::Rtcp => 2,
        }
    }
}

impl fmt::Display for TransportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A transport, and what is kept for each.
#[derive(Debug)]
pub(super) struct Link {
    pub transport: Transport,
    /// What was carried.
    pub traffic: TransportFacts,
    /// How far its candidates are, as far as anybody was told.
    pub gathering: IceGatheringState,
    /// Whether a description has it; only then does it count for the connection's states.
    pub is_described: bool,
    /// What its requests to the driver are told from those of other links by, gone ones included.
    pub serial: u16,
    /// Where it stands in the tables of several.
    pub place: Place,
    /// The ports that it has to itself, if it is one for RTCP.
    pub ports: Option<Box<Ports>>,
}

/// Where a link stands in the tables of several; of no meaning to one that is alone.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The user fragments and the paths that lead to it.
    pub names: Vec<String>,
    pub paths: Vec<Path>,
    /// The deadline that is noted.
    pub deadline: Option<Instant>,
    pub to_transmit: Turn,
    pub to_settle: Turn,
    pub to_request: Turn,
}

impl Link {
    pub fn new(transport: Transport, serial: u16) -> Self {
        Self {
            transport,
            traffic: TransportFacts::default(),
            gathering: IceGatheringState::New,
            is_described: false,
            serial,
            place: Place::default(),
            ports: None,
        }
    }

    /// What is asked of the driver.
    pub fn poll_io_request(&mut self) -> Option<IoRequest> {
        let ports = self.ports.as_mut().and_then(|ports| ports.poll());
        ports.or_else(|| self.transport.poll_io_request())
    }

    /// Something went out, `bytes` inside of the encryption.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        self.transport.note_sent(now, bytes);
        self.traffic.packets_sent += 1;
        self.traffic.bytes_sent += bytes as u64;
    }

    /// Something came in, `bytes` inside of the encryption.
    pub fn received(&mut self, now: Instant, bytes: usize) {
        self.transport.note_received(now, bytes);
        self.traffic.packets_received += 1;
        self.traffic.bytes_received += bytes as u64;
    }
}

/// What every transport of a connection is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blueprint<'a> {
    pub configuration: &'a Configuration,
    pub certificate: &'a Certificate,
    pub crypto: &'a CryptoProvider,
}

impl Blueprint<'_> {
    /// A transport that does nothing yet. No two of one `component` may have the same `credentials`, which an application can
    /// choose for one.
    pub fn build(
        self,
        component: IceComponent,
        credentials: Option<Credentials>,
        rng: &mut Rng,
    ) -> Result<Transport, IceServerError> {
        let Self { configuration, certificate, crypto } = self;
        let servers = configuration.ice_servers.iter().map(IceServer::read).collect::<Result<Vec<_>, _>>()?;
        let config = TransportConfig {
            ice: IceConfig { credentials, component: component.number(), ..configuration.ice.clone() },
            dtls: self.dtls(certificate.clone(), *crypto),
            sped: configuration.sped,
        };
        let mut transport = Transport::new(config, crypto, rng);
        transport.set_ice_servers(servers.concat());
        transport.set_ice_transport_policy(configuration.ice_transport_policy);
        transport.set_host_addresses(configuration.host_addresses);
        transport.set_external_addresses(configuration.external_addresses.clone());
        Ok(transport)
    }

    fn dtls(self, certificate: Certificate, crypto: CryptoProvider) -> DtlsConfig {
        let mut dtls = DtlsConfig::new(certificate, crypto);
        dtls.mtu = self.configuration.mtu;
        dtls.versions.clone_from(&self.configuration.dtls_versions);
        // The path is proven, if not measured: a second's silence is a loss, not a doubt about it.
        dtls.retransmit =
            Retransmit { initial: UNMEASURED, cap: LONGEST_WAIT, twice: 3, ..Retransmit::default() };
        if self.configuration.key_agreement == KeyAgreement::PostQuantum {
            dtls.groups.insert(0, Group::X25519MlKem768);
            dtls.key_shares.insert(0, Group::X25519MlKem768);
        }
        dtls
    }
}
