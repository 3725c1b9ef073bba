//! Floor 4: one peer connection.
//!
//! [`PeerConnection`] owns the transports, the data channels and the offer/answer session, and moves values between
//! them; none of these knows of the others. It is not where any protocol is spoken.
//!
#![doc = include_str!("surface.md")]

mod channel;
mod close;
mod config;
pub(crate) mod deadlines;
mod dtmf;
mod event;
mod ice_server;
mod identity;
mod inbound;
mod io;
mod legacy;
mod link;
mod links;
mod marking;
mod media;
mod media_plane;
mod objects;
mod offer_answer;
mod outbound;
mod ports;
mod receiver;
mod reconfigure;
pub(crate) mod routes;
mod rtcp;
mod sender;
mod state;
mod statistics;
pub(crate) mod streams;
#[cfg(test)]
mod tests;
mod transceiver;
mod transports;

pub use self::channel::DataChannel;
pub use self::config::{Configuration, ConfigurationError, Init, KeyAgreement, OfferedDtlsRole};
pub use self::dtmf::{DtmfSender, InsertDtmfError, ToneTiming};
pub use self::event::{ChannelEvent, DtlsError, DtlsErrorDetail, Event, IceCandidateError, TrackEvent};
pub use self::ice_server::{IceServer, IceServerError};
pub use self::identity::{IdentityError, IdentityProviderOptions, IdpError, PeerIdentity};
pub use self::link::{IceComponent, TransportId};
pub use self::objects::{DtlsTransport, IceTransport};
pub use self::receiver::{JitterBufferTargetError, RtpReceiver};
pub use self::sender::RtpSender;
pub use self::state::{IceConnectionState, PeerConnectionState};
pub use self::statistics::{StatsError, StatsSelector};
pub use self::transceiver::RtpTransceiver;

use self::dtmf::Tones;
use self::identity::Identity;
use self::link::Blueprint;
use self::links::Links;
use self::media_plane::Planes;
use self::offer_answer::NegotiationCheck;
use self::outbound::DataRide;
use self::statistics::Tally;
use crate::base::drops::Drops;
use crate::base::net::Path;
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::{Instant, WallClock};
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateError, CertificateOptions};
use crate::data::DataChannels;
use crate::data::channel::{DataChannelId, DataChannelInit};
use crate::data::error::CreateDataChannelError;
use crate::data::event::SctpTransportState;
use crate::data::sctp::config::Stats as SctpStats;
use crate::signaling::local::SessionConfig;
use crate::signaling::session::Session;
use crate::signaling::state::SignalingState;
use crate::transport::dtls::verify::fingerprint_of;
use crate::transport::{IceGatheringState, Inbound, Transport};
use crate::wire::fingerprint::{Fingerprint, FingerprintAlgorithm};
use crate::wire::sdp::attribute::Setup;
use std::sync::Arc;
use std::time::Duration;

/// How long a first packet waits for its answer along a path that works and was not measured.
const UNMEASURED: Duration = Duration::from_millis(200);
/// How long it waits at most: what is given up is the whole connection, by ICE, after 30 s without consent.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Options of `createOffer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferOptions {
    /// `iceRestart`: the offer has new ICE credentials, and setting it looks for a path anew. Default false.
    pub ice_restart: bool,
    /// The obsolete `offerToReceiveAudio`: true makes a transceiver that receives unless there is one, false stops
    /// receiving. Default: as the transceivers are.
    pub offer_to_receive_audio: Option<bool>,
    /// The obsolete `offerToReceiveVideo`, likewise.
    pub offer_to_receive_video: Option<bool>,
}

impl OfferOptions {
    /// An offer that restarts ICE.
    #[must_use]
    pub const fn restarting_ice() -> Self {
        Self { ice_restart: true, offer_to_receive_audio: None, offer_to_receive_video: None }
    }
}

/// Options of `createAnswer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerOptions {}

/// `RTCSctpTransport`, as it is at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SctpTransport {
    /// `transport`: the DTLS transport that carries it.
    pub transport: TransportId,
    /// `state`.
    pub state: SctpTransportState,
    /// `maxMessageSize` in bytes: `None` until the peer answered, `u64::MAX` for no limit.
    pub max_message_size: Option<u64>,
    /// `maxChannels`: `None` until connected.
    pub max_channels: Option<u16>,
}

/// `RTCPeerConnection`.
///
/// Four kinds of methods, and one rule about time:
///
/// * **Ask** (`&self`): states, descriptions, counters. They work after `close` too.
/// * **Do**: the W3C verbs. What they refuse changes nothing, and the error says what a browser would throw.
/// * **Handle**, from the network and the clock: [`handle_datagrams`](Self::handle_datagrams),
///   [`handle_timeout`](Self::handle_timeout). They never fail; what cannot be used is counted in
///   [`drops`](Self::drops).
/// * **Poll**, to the network, the clock and the application: [`poll_transmit`](Self::poll_transmit),
///   [`poll_timeout`](Self::poll_timeout), [`poll_event`](Self::poll_event).
///
/// In any order: nothing has to be drained before the next call. `now` may repeat; one that goes backwards counts
/// as the latest seen.
#[derive(Debug)]
pub struct PeerConnection {
    now: Instant,
    wall_clock: WallClock,
    session: Session,
    links: Links,
    data: DataChannels,
    ride: DataRide,
    /// Audio and video, for each link that carries any.
    planes: Planes,
    certificate: Certificate,
    configuration: Configuration,
    crypto: CryptoProvider,
    tally: Tally,
    fingerprints: Vec<Fingerprint>,
    max_message_size: u32,
    /// Whether descriptions say that the handshake of DTLS may go inside of checks.
    sped: bool,
    /// Our SCTP INIT chunk, where descriptions are to carry it.
    sctp_init: Option<Vec<u8>>,
    data_section: DataSection,
    /// The local ICE generations that `restart_ice` wants to see replaced (`LocalIceCredentialsToReplace`).
    ufrags_to_replace: Vec<String>,
    /// Once anybody asked about identities.
    identity: Option<Box<Identity>>,
    /// `negotiationneeded` was said and not answered yet.
    negotiation_needed: bool,
    ice_gathering_state: IceGatheringState,
    ice_connection_state: IceConnectionState,
    connection_state: PeerConnectionState,
    /// Tones that wait or sound, of each sender that has any.
    tones: Vec<Tones>,
    events: Queue<Event>,
    /// What is left to say after `close`.
    farewell: Queue<(Path, Box<[u8]>)>,
    drops: Drops,
    /// Where one datagram's contents are collected; empty between calls.
    received: Vec<Inbound>,
}

/// The data section of the descriptions, as the application sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataSection {
    /// Nobody asked for one.
    Absent,
    /// A data channel was created: the next offer has one.
    Wanted,
    /// An offer has one: `sctp` exists.
    Described,
}

impl PeerConnection {
    /// A connection at rest: no description, no path, nothing to send.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] says which part of the configuration cannot be.
    pub fn new(configuration: Configuration, init: Init) -> Result<Self, ConfigurationError> {
        configuration.check(init.wall_clock)?;
        let Init { now, wall_clock, seed, crypto } = init;
        let mut rng = Rng::from_seed(seed);
        let certificate = match configuration.certificates.first() {
            Some(certificate) => certificate.clone(),
            None => Certificate::generate(&crypto, CertificateOptions::default(), wall_clock, &mut rng)?,
        };
        let fingerprint = fingerprint_of(certificate.der(), FingerprintAlgorithm::Sha256, &crypto)
            .map_err(CertificateError::Key)?;
        let blueprint =
            Blueprint { configuration: &configuration, certificate: &certificate, crypto: &crypto };
        let mut transport =
            blueprint.build(IceComponent::Rtp, configuration.ice.credentials.clone(), &mut rng)?;
        if configuration.ice_candidate_pool_size > 0 {
            transport.fill_pool(now);
        }
        let Configuration { mtu, sped, snap, .. } = configuration;
        let max_message_size = configuration.data.max_message_size;
        let ride = DataRide::new(mtu, configuration.data.largest_ip_packet);
        let mut data = DataChannels::new(configuration.data.clone(), crypto.hmac, rng.fork());
        let sctp_init = snap.then(|| data.sctp_init());
        let planes = Planes::new(rng.fork());
        Ok(Self {
            now,
            wall_clock: WallClock::new(now, wall_clock),
            session: new_session(&configuration, &mut rng),
            links: Links::new(transport, rng),
            max_message_size,
            data,
            sped,
            sctp_init,
            ride,
            planes,
            certificate,
            configuration,
            crypto,
            tally: Tally::default(),
            fingerprints: vec![fingerprint],
            data_section: DataSection::Absent,
            ufrags_to_replace: Vec::new(),
            identity: None,
            negotiation_needed: false,
            ice_gathering_state: IceGatheringState::New,
            ice_connection_state: IceConnectionState::New,
            connection_state: PeerConnectionState::New,
            tones: Vec::new(),
            events: Queue::default(),
            farewell: Queue::default(),
            drops: Drops::default(),
            received: Vec::new(),
        })
    }

    /// A certificate for connections to come (`generateCertificate`), of which each may have a clone.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]: the provider cannot make a key of this kind.
    pub fn generate_certificate(
        options: CertificateOptions,
        init: Init,
    ) -> Result<Certificate, CertificateError> {
        Certificate::generate(&init.crypto, options, init.wall_clock, &mut Rng::from_seed(init.seed))
    }

    /// Makes a data channel (`createDataChannel`). The first one asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`CreateDataChannelError`] says which option cannot be.
    pub fn create_data_channel(
        &mut self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannelId, CreateDataChannelError> {
        if self.is_closed() {
            return Err(CreateDataChannelError::Closed);
        }
        let id = self.data.create(self.now, label, init)?;
        if self.data_section == DataSection::Absent {
            self.data_section = DataSection::Wanted;
        }
        self.update_negotiation_needed(NegotiationCheck::AfterVerb);
        Ok(id)
    }

    /// A handle to the channel that `id` names.
    pub fn data_channel(&mut self, id: DataChannelId) -> Option<DataChannel<'_>> {
        DataChannel::find(&mut self.data, id)
    }

    /// Every channel that is not closed, in order of creation.
    pub fn data_channels(&self) -> impl Iterator<Item = DataChannelId> {
        self.data.channels().map(|(id, _)| id)
    }

    /// `signalingState`.
    #[must_use]
    pub const fn signaling_state(&self) -> SignalingState {
        self.session.signaling_state()
    }

    /// `iceGatheringState`.
    #[must_use]
    pub const fn ice_gathering_state(&self) -> IceGatheringState {
        self.ice_gathering_state
    }

    /// `iceConnectionState`.
    #[must_use]
    pub const fn ice_connection_state(&self) -> IceConnectionState {
        self.ice_connection_state
    }

    /// `connectionState`.
    #[must_use]
    pub const fn connection_state(&self) -> PeerConnectionState {
        self.connection_state
    }

    /// `sctp`: `None` until an offer describes it.
    #[must_use]
    pub fn sctp(&self) -> Option<SctpTransport> {
        (self.data_section == DataSection::Described).then(|| SctpTransport {
            transport: self.ride.link(),
            state: self.data.state(),
            max_message_size: self.data.max_message_size(),
            max_channels: self.data.max_channels(),
        })
    }

    /// Counters and sizes of the SCTP association.
    #[must_use]
    pub fn sctp_stats(&self) -> SctpStats {
        self.data.stats()
    }

    /// The first ICE and DTLS transport: candidates, the selected pair, certificates, ciphers. With a peer that bundles,
    /// which almost all do, it carries everything.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        match self.links.described().next() {
            Some((_, link)) => &link.transport,
            None => self.links.first(),
        }
    }

    /// Every transport.
    pub fn transports(&self) -> impl Iterator<Item = (TransportId, &Transport)> {
        self.links.iter().map(|(id, link)| (id, &link.transport))
    }

    /// The fingerprints of the certificate that identifies this side, as descriptions have them (`getFingerprints`).
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.fingerprints
    }

    /// The certificate that identifies this side.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The date of an instant, by the anchor given at construction.
    #[must_use]
    pub const fn wall_clock(&self) -> &WallClock {
        &self.wall_clock
    }

    /// What was refused from the network, here and below, and how often.
    #[must_use]
    pub fn drops(&self) -> Drops {
        let mut drops = self.drops.clone();
        drops.merge(&self.links.drops());
        drops.merge(&self.data.drops());
        self.planes.merge_drops(&mut drops);
        drops
    }
}

fn new_session(configuration: &Configuration, rng: &mut Rng) -> Session {
    let config = SessionConfig {
        bundle_policy: configuration.bundle_policy,
        rtcp_mux_policy: configuration.rtcp_mux_policy,
        media: Arc::clone(&configuration.media),
        offered_setup: match configuration.offered_dtls_role {
            OfferedDtlsRole::Either => Setup::ActPass,
            OfferedDtlsRole::Client => Setup::Active,
            OfferedDtlsRole::Server => Setup::Passive,
        },
        renomination: configuration.ice.renomination,
        ..SessionConfig::default()
    };
    let session_id = rng.secret_u64();
    Session::new(config, session_id, rng.fork())
}
