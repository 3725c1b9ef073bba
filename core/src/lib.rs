//! `purertc` is the WebRTC peer connection as a pure state machine.
//!
//! Datagrams, timestamps and API calls go in; transmits, deadlines and events come out. It never opens a
//! socket, reads a clock, spawns a thread or draws randomness that it was not handed. `purertc-tokio` and
//! `purertc-mio` bind it to sockets; a program with a loop of its own, or a simulation, drives it by hand.
//!
//! # The whole driver
//!
//! ```no_run
//! # use std::net::UdpSocket;
//! # use purertc::SessionDescription;
//! # fn receive(_: &UdpSocket, _: Option<purertc::Instant>) -> Option<purertc::Datagram> { None }
//! # fn signal(_: &SessionDescription) -> SessionDescription { SessionDescription::rollback() }
//! # fn unguessable() -> [u8; 32] { [0; 32] }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use purertc::{Configuration, Init, Instant, LocalAddress, PeerConnection, SocketId};
//!
//! let start = std::time::Instant::now();
//! let clock = || Instant::from_micros(start.elapsed().as_micros() as u64);
//! let socket = UdpSocket::bind("192.0.2.1:0")?;
//!
//! let init = Init::new(clock(), std::time::SystemTime::now(), unguessable());
//! let mut pc = PeerConnection::new(Configuration::default(), init)?;
//! pc.add_local_address(clock(), LocalAddress::udp(SocketId(0), socket.local_addr()?));
//! pc.create_data_channel("chat", Default::default())?;
//! pc.set_local_description(clock(), None)?;
//! let answer = signal(pc.local_description().expect("it was just set"));
//! pc.set_remote_description(clock(), answer)?;
//!
//! let mut buffer = Vec::new();
//! loop {
//!     while let Some(transmit) = pc.poll_transmit(clock(), &mut buffer) {
//!         for datagram in transmit.datagrams(&buffer) {
//!             socket.send_to(datagram, transmit.path.remote)?;
//!         }
//!     }
//!     while let Some(event) = pc.poll_event() {
//!         println!("{event:?}");
//!     }
//!     match receive(&socket, pc.poll_timeout()) {
//!         Some(datagram) => pc.handle_datagram(clock(), datagram),
//!         None => pc.handle_timeout(clock()),
//!     }
//! }
//! # }
//! ```
//!
//! # The floors
//!
//! | module | what it is |
//! | --- | --- |
//! | [`endpoint`] | many connections behind shared sockets |
//! | [`peer`], [`stats`] | one connection: [`PeerConnection`], its configuration and events; its statistics |
//! | [`media`], [`data`], [`signaling`] | audio and video as RTP; data channels over SCTP; offers and answers |
//! | [`transport`] | ICE, TURN, DTLS and SRTP |
//! | [`wire`], [`crypto`] | formats; cryptographic primitives and certificates |
//! | [`base`] | time, randomness, addresses, ids, serial numbers |
//!
//! How to choose sockets and threads, what to tune, and how to move here from another API stands in the [`manual`].
//!
//! A floor imports only what is below it, so the machines are usable alone: [`transport::ice::Agent`],
//! [`transport::dtls::Connection`], [`transport::srtp::Sender`], [`data::sctp::Association`].
//!
//! # Features
//!
//! * `ring` (default): cryptography by ring.
//! * `rustcrypto`: pure-Rust cryptography that draws all its randomness from the connection's generator, so that a
//!   simulation repeats to the byte.
//! * `serde`: descriptions, candidates and states in the JSON of browsers.

pub mod base;
pub mod crypto;
pub mod data;
pub mod endpoint;
pub mod manual;
pub mod media;
pub mod peer;
pub mod signaling;
pub mod stats;
pub mod transport;
pub mod wire;

pub use base::drops::{DropReason, Drops};
pub use base::identity::{
    IdentityAnswer, IdentityErrorDetail, IdentityFailure, IdentityProvider, IdentityRequest,
};
pub use base::io::{IoId, IoRequest, IoResponse, StreamName, StreamSecurity};
pub use base::media::{
    CodecCapability, HeaderExtensionCapability, KindCapabilities, MediaCapabilities, MediaKind,
    MediaStreamTrack, ReceiverId, RtpCodec, RtpTransceiverDirection, SenderId, TrackOrKind, TransceiverId,
};
pub use base::negotiated::{NegotiatedCodec, NegotiatedSection};
pub use base::net::{Datagram, Ecn, LocalAddress, Path, Protocol, SocketId, Transmit};
pub use base::parameters::{
    DegradationPreference, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionCapability, RtpHeaderExtensionParameters, RtpReceiveParameters, RtpSendParameters,
};
pub use base::priority::Priority;
pub use base::routes::RouteChange;
pub use base::time::{Instant, WallClock};
pub use base::w3c::ErrorKind;
pub use crypto::CryptoProvider;
pub use crypto::certificate::{Certificate, CertificateOptions};
pub use data::channel::{DataChannelId, DataChannelInit};
pub use data::error::{ChannelError, CreateDataChannelError, SendError};
pub use data::event::{DataChannelState, Message, MessageKind, SctpTransportState};
pub use endpoint::{Endpoint, PeerId, PeerMut, Wanted};
pub use media::contributing::RtpContributingSource;
pub use media::error::WriteError;
pub use media::event::{Delivery, Frame, SendFrame, SendPacket};
pub use media::packet::RtpPacket;
pub use media::send::guard::Protection;
pub use peer::{
    AnswerOptions, ChannelEvent, Configuration, ConfigurationError, DataChannel, DtlsError, DtlsErrorDetail,
    DtlsTransport, DtmfSender, Event, IceCandidateError, IceComponent, IceConnectionState, IceServer,
    IceServerError, IceTransport, IdentityError, IdentityProviderOptions, IdpError, Init, InsertDtmfError,
    JitterBufferTargetError, KeyAgreement, OfferOptions, OfferedDtlsRole, PeerConnection,
    PeerConnectionState, PeerIdentity, RtpReceiver, RtpSender, RtpTransceiver, SctpTransport, StatsError,
    StatsSelector, ToneTiming, TrackEvent, TransportId,
};
pub use signaling::description::{IceCandidateInit, LocalDescriptionInit, SessionDescription};
pub use signaling::error::{AddIceCandidateError, CreateDescriptionError, SetDescriptionError};
pub use signaling::local::{BundlePolicy, RtcpMuxPolicy};
pub use signaling::media_error::{
    AddTrackError, AddTransceiverError, EncodingError, SetParametersError, TransceiverError,
};
pub use signaling::state::{SdpType, SignalingState};
pub use signaling::transceiver::RtpTransceiverInit;
pub use stats::{Stats, StatsOf, StatsReport};
pub use transport::dtls::DtlsTransportState;
pub use transport::ice::{IceRole, IceTransportState};
pub use transport::{ExternalAddress, HostAddresses, IceGatheringState, IceTransportPolicy};
