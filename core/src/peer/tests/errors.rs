//! Every error that W3C's documents name, as the whole connection throws it, and that nothing has changed then.
//!
//! Rows are named after the clause of the document (webrtc-pc unless said otherwise) and what is wrong. What descriptions
//! can have wrong inside is in [`signaling`](crate::signaling), row by row; here is one of each kind.

use crate::base::media::{MediaKind, MediaStreamTrack, RtpCodec, RtpTransceiverDirection, SenderId};
use crate::base::parameters::RtpEncodingParameters;
use crate::base::time::Instant;
use crate::base::w3c::ErrorKind;
use crate::crypto::certificate::CertificateOptions;
use crate::data::channel::{DataChannelId, DataChannelInit};
use crate::peer::{
    AnswerOptions, Configuration, IceServer, IdentityProviderOptions, Init, OfferOptions, PeerConnection,
    StatsSelector, ToneTiming,
};
use crate::signaling::description::{IceCandidateInit, LocalDescriptionInit, SessionDescription};
use crate::signaling::local::{BundlePolicy, RtcpMuxPolicy};
use crate::signaling::state::SdpType;
use crate::signaling::transceiver::RtpTransceiverInit;
use std::time::{Duration, SystemTime};

/// Short, as every row names one.
type E = ErrorKind;

const NOW: Instant = Instant::ZERO;

/// The date of everything here.
fn date() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn init(number: u8) -> Init {
    Init::new(NOW, date(), [number; 32])
}

fn blank(number: u8) -> PeerConnection {
    PeerConnection::new(Configuration::default(), init(number)).unwrap()
}

/// At rest, with sound, pictures and a channel to come.
fn fresh() -> PeerConnection {
    let mut pc = blank(1);
    for (kind, id) in [(MediaKind::Audio, "mic"), (MediaKind::Video, "cam")] {
        pc.add_track(MediaStreamTrack::new(kind, id), ["s"]).unwrap();
    }
    pc.create_data_channel("chat", DataChannelInit::default()).unwrap();
    pc
}

/// In `have-local-offer`.
fn offering() -> PeerConnection {
    let mut pc = fresh();
    pc.set_local_description(NOW, None).unwrap();
    pc
}

/// In `have-remote-offer`.
fn answering() -> PeerConnection {
    let mut pc = blank(2);
    pc.set_remote_description(NOW, offering().local_description().unwrap().clone()).unwrap();
    pc
}

/// The answer to what [`offering`] offers.
fn answer() -> String {
    let mut pc = answering();
    pc.set_local_description(NOW, None).unwrap();
    pc.local_description().unwrap().sdp.clone()
}

/// In `stable`, after an exchange.
fn agreed() -> PeerConnection {
    let mut pc = offering();
    pc.set_remote_description(NOW, SessionDescription::new(SdpType::Answer, answer())).unwrap();
    pc
}

/// In `have-local-offer`, after an exchange.
fn offering_again() -> PeerConnection {
    let mut pc = agreed();
    pc.set_local_description(NOW, None).unwrap();
    pc
}

fn closed() -> PeerConnection {
    let mut pc = agreed();
    pc.close(NOW);
    pc
}

/// Whose first transceiver was stopped.
fn stopped() -> PeerConnection {
    let mut pc = agreed();
    let id = pc.transceivers().next().unwrap();
    pc.transceiver(id).unwrap().stop().unwrap();
    pc
}

fn sender(pc: &PeerConnection) -> SenderId {
    pc.transceivers().next().unwrap().sender()
}

fn channel(pc: &PeerConnection) -> DataChannelId {
    pc.data_channels().next().unwrap()
}

/// Everything that an application can see.
fn visible(pc: &mut PeerConnection) -> String {
    let states = (pc.signaling_state(), pc.ice_gathering_state(), pc.ice_connection_state());
    let texts = [
        pc.current_local_description(),
        pc.pending_local_description(),
        pc.current_remote_description(),
        pc.pending_remote_description(),
    ];
    let texts = format!("{texts:?}");
    let objects: Vec<_> = pc.session.transceivers().map(|found| format!("{found:?}")).collect();
    let media = format!("{:?}", pc.negotiated_media());
    let transports: Vec<_> = pc
        .transports()
        .map(|(id, t)| (id, t.ice_state(), t.dtls_state(), t.local_credentials().ufrag.clone()))
        .collect();
    let transports = format!("{transports:?}");
    let settings = format!("{:?}", pc.configuration());
    let stats = format!("{:?}", pc.get_stats(NOW, StatsSelector::All));
    let channels: Vec<_> = pc.data_channels().collect();
    let channels: Vec<_> = channels
        .into_iter()
        .map(|id| {
            let channel = pc.data_channel(id).unwrap();
            (channel.label().to_owned(), channel.id(), channel.ready_state(), channel.buffered_amount())
        })
        .collect();
    let others = (pc.connection_state(), pc.sctp(), pc.can_trickle_ice_candidates(), pc.peer_identity());
    format!(
        "{states:?} {others:?} {texts} {objects:?} {media} {transports} {settings} {stats} {channels:?} {:?}",
        pc.events
    )
}

/// What is wrong, as what it is refused, in which state, and by which verb.
type Row = (&'static str, ErrorKind, fn() -> PeerConnection, fn(&mut PeerConnection) -> Option<ErrorKind>);

fn hold(rows: &[Row]) {
    for (name, kind, state, verb) in rows {
        let mut pc = state();
        let before = visible(&mut pc);
        assert_eq!(verb(&mut pc), Some(*kind), "{name}");
        assert_eq!(visible(&mut pc), before, "{name} changed something");
    }
}

/// What a configuration that differs is refused with.
fn reconfigured(pc: &mut PeerConnection, change: impl FnOnce(&mut Configuration)) -> Option<ErrorKind> {
    let mut configuration = pc.configuration().clone();
    change(&mut configuration);
    pc.set_configuration(configuration).err().map(|error| error.kind())
}

fn with_server(pc: &mut PeerConnection, server: IceServer) -> Option<ErrorKind> {
    reconfigured(pc, |c| c.ice_servers.push(server))
}

const THE_CONFIGURATION: &[Row] = &[
    ("4.4.1.6 closed", E::InvalidState, closed, |pc| reconfigured(pc, |_| {})),
    ("4.4.1.6 bundlePolicy", E::InvalidModification, fresh, |pc| {
        reconfigured(pc, |c| c.bundle_policy = BundlePolicy::MaxBundle)
    }),
    ("4.4.1.6 rtcpMuxPolicy", E::InvalidModification, fresh, |pc| {
        reconfigured(pc, |c| c.rtcp_mux_policy = RtcpMuxPolicy::Negotiate)
    }),
    ("4.4.1.6 certificates, another number", E::InvalidModification, fresh, |pc| {
        let more = PeerConnection::generate_certificate(CertificateOptions::default(), init(9)).unwrap();
        reconfigured(pc, |c| c.certificates.push(more))
    }),
    ("4.4.1.6 iceCandidatePoolSize after setLocalDescription", E::InvalidModification, offering, |pc| {
        reconfigured(pc, |c| c.ice_candidate_pool_size = 2)
    }),
    ("identity 6 peerIdentity", E::InvalidModification, fresh, |pc| {
        reconfigured(pc, |c| c.peer_identity = Some("a@b".into()))
    }),
    ("4.2.4 urls empty", E::Syntax, fresh, |pc| with_server(pc, IceServer::default())),
    ("4.2.4 scheme", E::Syntax, fresh, |pc| with_server(pc, IceServer::stun("http:host"))),
    ("4.2.4 slashes", E::Syntax, fresh, |pc| with_server(pc, IceServer::stun("stun://host"))),
    ("4.2.4 path", E::Syntax, fresh, |pc| with_server(pc, IceServer::stun("stun:host/path"))),
    ("4.2.4 user", E::Syntax, fresh, |pc| with_server(pc, IceServer::stun("stun:user@host"))),
    ("4.2.4 fragment", E::Syntax, fresh, |pc| with_server(pc, IceServer::stun("stun:host#x"))),
    ("4.2.4 query of stun", E::Syntax, fresh, |pc| {
        with_server(pc, IceServer::stun("stun:host?transport=udp"))
    }),
    ("4.2.4 query of turn", E::Syntax, fresh, |pc| {
        with_server(pc, IceServer::turn("turn:host?transport=sctp", "u", "p"))
    }),
    ("4.2.4 port", E::Syntax, fresh, |pc| with_server(pc, IceServer::stun("stun:host:65536"))),
    ("4.2.4 DTLS to a server", E::NotSupported, fresh, |pc| {
        with_server(pc, IceServer::turn("turns:host?transport=udp", "u", "p"))
    }),
    ("4.2.4 no credential", E::InvalidAccess, fresh, |pc| with_server(pc, IceServer::stun("turn:host"))),
    ("4.2.4 long username", E::InvalidAccess, fresh, |pc| {
        with_server(pc, IceServer::turn("turn:host", &"u".repeat(509), "p"))
    }),
    ("4.2.4 password", E::InvalidAccess, fresh, |pc| {
        with_server(pc, IceServer::turn("turn:host", "u", "p\0"))
    }),
];

#[test]
fn rows_of_the_configuration() {
    hold(THE_CONFIGURATION);
    let expired = PeerConnection::generate_certificate(CertificateOptions::default(), init(9)).unwrap();
    let mut configuration = Configuration::default();
    configuration.certificates.push(expired);
    let later = Init::new(NOW, date() + Duration::from_secs(400 * 86_400), [1; 32]);
    let error = PeerConnection::new(configuration, later).unwrap_err();
    assert_eq!(error.kind(), E::InvalidAccess, "4.4.1.1 certificates, expired");
}

fn create_offer(pc: &mut PeerConnection) -> Option<ErrorKind> {
    pc.create_offer(OfferOptions::default()).err().map(|error| error.kind())
}

fn create_answer(pc: &mut PeerConnection) -> Option<ErrorKind> {
    pc.create_answer(AnswerOptions::default()).err().map(|error| error.kind())
}

fn set_local(pc: &mut PeerConnection, kind: SdpType, sdp: &str) -> Option<ErrorKind> {
    let description = LocalDescriptionInit { kind: Some(kind), sdp: sdp.to_owned() };
    pc.set_local_description(NOW, Some(description)).err().map(|error| error.kind())
}

fn set_remote(pc: &mut PeerConnection, kind: SdpType, sdp: &str) -> Option<ErrorKind> {
    let description = SessionDescription::new(kind, sdp);
    pc.set_remote_description(NOW, description).err().map(|error| error.kind())
}

const OFFERS_AND_ANSWERS: &[Row] = &[
    ("4.4.2 createOffer, closed", E::InvalidState, closed, create_offer),
    ("4.4.2 createOffer in have-remote-offer", E::InvalidState, answering, create_offer),
    ("4.4.2 createAnswer, closed", E::InvalidState, closed, create_answer),
    ("4.4.2 createAnswer in stable", E::InvalidState, agreed, create_answer),
    ("4.4.2 createAnswer in have-local-offer", E::InvalidState, offering, create_answer),
    ("4.4.2 setLocalDescription, closed", E::InvalidState, closed, |pc| set_local(pc, SdpType::Offer, "")),
    ("4.4.1.4 another text than createOffer's", E::InvalidModification, fresh, |pc| {
        set_local(pc, SdpType::Offer, "v=0\r\n")
    }),
    ("4.4.1.4 another text than createAnswer's", E::InvalidModification, answering, |pc| {
        set_local(pc, SdpType::Answer, "v=0\r\n")
    }),
    ("4.4.1.5 a local answer in stable", E::InvalidState, agreed, |pc| set_local(pc, SdpType::Answer, "")),
    ("4.4.1.5 a local pranswer in stable", E::InvalidState, fresh, |pc| set_local(pc, SdpType::Pranswer, "")),
    ("4.4.1.5 a local offer in have-remote-offer", E::InvalidState, answering, |pc| {
        set_local(pc, SdpType::Offer, "")
    }),
    ("4.4.1.5 rollback in stable", E::InvalidState, agreed, |pc| set_local(pc, SdpType::Rollback, "")),
    ("4.4.1.5 remote rollback in stable", E::InvalidState, agreed, |pc| {
        set_remote(pc, SdpType::Rollback, "")
    }),
    ("4.4.2 setRemoteDescription, closed", E::InvalidState, closed, |pc| {
        set_remote(pc, SdpType::Answer, &answer())
    }),
    ("4.4.1.5 a remote answer in stable", E::InvalidState, fresh, |pc| {
        set_remote(pc, SdpType::Answer, &answer())
    }),
    ("4.4.1.5 a remote pranswer in stable", E::InvalidState, agreed, |pc| {
        set_remote(pc, SdpType::Pranswer, &answer())
    }),
    ("4.4.1.5 sdp-syntax-error", E::Operation, offering, |pc| {
        set_remote(pc, SdpType::Answer, &answer().replace("t=0 0", "t=zero"))
    }),
    ("4.4.1.5 no rtcp-mux", E::InvalidAccess, offering, |pc| {
        set_remote(pc, SdpType::Answer, &answer().replace("a=rtcp-mux\r\n", ""))
    }),
    ("4.4.1.5 invalid content: no credentials", E::InvalidAccess, offering, |pc| {
        set_remote(pc, SdpType::Answer, &answer().replace("a=ice-ufrag", "a=x-ufrag"))
    }),
    ("4.4.1.5 invalid content: no fingerprint", E::InvalidAccess, offering, |pc| {
        set_remote(pc, SdpType::Answer, &answer().replace("a=fingerprint", "a=x-fingerprint"))
    }),
    ("4.4.1.5 invalid content: an answer says actpass", E::InvalidAccess, offering, |pc| {
        set_remote(pc, SdpType::Answer, &answer().replace("a=setup:active", "a=setup:actpass"))
    }),
    ("4.4.1.5 an answer with fewer sections", E::InvalidAccess, offering, |pc| {
        let text = answer();
        let (front, _) = text.split_once("m=application").unwrap();
        set_remote(pc, SdpType::Answer, &front.replace("BUNDLE 0 1 2", "BUNDLE 0 1"))
    }),
    ("9429 5.8 another certificate without a restart", E::InvalidAccess, offering_again, |pc| {
        set_remote(pc, SdpType::Answer, &with_other_certificate())
    }),
];

#[test]
fn rows_of_offers_and_answers() {
    hold(OFFERS_AND_ANSWERS);
}

/// The answer, as one with another certificate says it.
fn with_other_certificate() -> String {
    let text = answer();
    let at = text.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let first = text[at..at + 2].to_owned();
    let other = if first == "00" { "01" } else { "00" };
    let known = &text[at..at + 95];
    text.replace(known, &format!("{other}{}", &known[2..]))
}

fn add(pc: &mut PeerConnection, mid: Option<&str>, index: Option<u16>, text: &str) -> Option<ErrorKind> {
    let init = IceCandidateInit {
        candidate: text.to_owned(),
        sdp_mid: mid.map(str::to_owned),
        sdp_m_line_index: index,
        username_fragment: None,
    };
    pc.add_ice_candidate(NOW, Some(&init)).err().map(|error| error.kind())
}

const CANDIDATE: &str = "candidate:1 1 udp 1 192.0.2.9 9 typ host";

const CANDIDATES: &[Row] = &[
    ("4.4.1.7 neither mid nor index", E::Type, agreed, |pc| add(pc, None, None, CANDIDATE)),
    ("4.4.1.7 no remote description", E::InvalidState, offering, |pc| add(pc, Some("0"), None, CANDIDATE)),
    ("4.4.1.7 closed", E::InvalidState, closed, |pc| add(pc, Some("0"), None, CANDIDATE)),
    ("4.4.1.7 unknown mid", E::Operation, agreed, |pc| add(pc, Some("9"), Some(0), CANDIDATE)),
    ("4.4.1.7 index too large", E::Operation, agreed, |pc| add(pc, None, Some(3), CANDIDATE)),
    ("4.4.1.7 malformed", E::Operation, agreed, |pc| add(pc, Some("0"), None, "candidate:1 1 udp")),
    ("4.4.1.7 unknown usernameFragment", E::Operation, agreed, |pc| {
        add(pc, Some("0"), None, &format!("{CANDIDATE} ufrag nobody"))
    }),
];

#[test]
fn rows_of_candidates() {
    hold(CANDIDATES);
}

fn video(pc: &mut PeerConnection, encodings: Vec<RtpEncodingParameters>) -> Option<ErrorKind> {
    let init = RtpTransceiverInit::default().encodings(encodings);
    pc.add_transceiver(MediaKind::Video, init).err().map(|error| error.kind())
}

fn rid(name: &str) -> RtpEncodingParameters {
    RtpEncodingParameters::with_rid(name)
}

/// Hands parameters back, changed.
fn set_up(
    pc: &mut PeerConnection,
    change: impl FnOnce(&mut crate::base::parameters::RtpSendParameters),
) -> Option<ErrorKind> {
    let id = pc.transceivers().nth(1).unwrap().sender();
    let mut sender = pc.sender(id).unwrap();
    let mut parameters = sender.get_parameters();
    change(&mut parameters);
    sender.set_parameters(parameters).err().map(|error| error.kind())
}

/// With the parameters of its second sender asked for.
fn asked() -> PeerConnection {
    let mut pc = agreed();
    let id = pc.transceivers().nth(1).unwrap().sender();
    pc.sender(id).unwrap().get_parameters();
    pc
}

const ENCODINGS_AND_PARAMETERS: &[Row] = &[
    ("5.1 addTransceiver, closed", E::InvalidState, closed, |pc| video(pc, Vec::new())),
    ("5.1 rid", E::Type, fresh, |pc| video(pc, vec![rid("no/rid")])),
    ("5.1 some without rid", E::Type, fresh, |pc| {
        video(pc, vec![rid("a"), RtpEncodingParameters::default()])
    }),
    ("5.1 a rid twice", E::Type, fresh, |pc| video(pc, vec![rid("a"), rid("a")])),
    ("5.1 codec", E::Operation, fresh, |pc| {
        let codec = Some(RtpCodec::new("video/none", 90_000));
        video(pc, vec![RtpEncodingParameters { codec, ..rid("a") }])
    }),
    ("5.1 scaleResolutionDownBy", E::Range, fresh, |pc| video(pc, vec![rid("a").scaled_down_by(0.5)])),
    ("5.1 maxFramerate", E::Range, fresh, |pc| {
        video(pc, vec![RtpEncodingParameters { max_framerate: Some(-1.0), ..rid("a") }])
    }),
    ("svc scalabilityMode", E::Operation, fresh, |pc| {
        video(pc, vec![RtpEncodingParameters { scalability_mode: Some("L9T9".into()), ..rid("a") }])
    }),
    ("5.2 setParameters without getParameters", E::InvalidState, agreed, |pc| {
        let id = sender(pc);
        let nothing = Default::default();
        pc.sender(id).unwrap().set_parameters(nothing).err().map(|error| error.kind())
    }),
    ("5.2 setParameters, stopped", E::InvalidState, stopped, |pc| {
        let id = sender(pc);
        pc.sender(id).unwrap().set_parameters(Default::default()).err().map(|error| error.kind())
    }),
    ("5.2 transactionId", E::InvalidModification, asked, |pc| {
        set_up(pc, |parameters| parameters.transaction_id.push('x'))
    }),
    ("5.2 number of encodings", E::InvalidModification, asked, |pc| {
        set_up(pc, |parameters| parameters.encodings.push(rid("a")))
    }),
    ("5.2 rid", E::InvalidModification, asked, |pc| {
        set_up(pc, |parameters| parameters.encodings[0].rid = Some("b".into()))
    }),
    ("5.2 codecs", E::InvalidModification, asked, |pc| set_up(pc, |parameters| parameters.codecs.clear())),
    ("5.2 a codec that was not negotiated", E::InvalidModification, asked, |pc| {
        let codec = RtpCodec::new("video/none", 90_000);
        set_up(pc, |parameters| parameters.encodings[0].codec = Some(codec))
    }),
    ("5.2 scaleResolutionDownBy", E::Range, asked, |pc| {
        set_up(pc, |parameters| parameters.encodings[0].scale_resolution_down_by = Some(0.1))
    }),
    ("5.2 maxFramerate", E::Range, asked, |pc| {
        set_up(pc, |parameters| parameters.encodings[0].max_framerate = Some(-1.0))
    }),
];

#[test]
fn rows_of_encodings_and_parameters() {
    hold(ENCODINGS_AND_PARAMETERS);
}

const TRACKS_AND_TRANSCEIVERS: &[Row] = &[
    ("5.1 addTrack, closed", E::InvalidState, closed, |pc| {
        let track = MediaStreamTrack::new(MediaKind::Audio, "new");
        pc.add_track(track, ["s"]).err().map(|error| error.kind())
    }),
    ("5.1 addTrack twice", E::InvalidAccess, fresh, |pc| {
        let track = MediaStreamTrack::new(MediaKind::Audio, "mic");
        pc.add_track(track, ["s"]).err().map(|error| error.kind())
    }),
    ("5.1 removeTrack, closed", E::InvalidState, closed, |pc| {
        let id = sender(pc);
        pc.remove_track(id).err().map(|error| error.kind())
    }),
    ("5.1 removeTrack, another connection's", E::InvalidAccess, fresh, |pc| {
        let foreign = crate::base::media::TransceiverId(77).sender();
        pc.remove_track(foreign).err().map(|error| error.kind())
    }),
    ("5.2 replaceTrack, another kind", E::Type, agreed, |pc| {
        let id = sender(pc);
        let track = Some(MediaStreamTrack::new(MediaKind::Video, "new"));
        pc.sender(id).unwrap().replace_track(track).err().map(|error| error.kind())
    }),
    ("5.2 replaceTrack, stopped", E::InvalidState, stopped, |pc| {
        let id = sender(pc);
        pc.sender(id).unwrap().replace_track(None).err().map(|error| error.kind())
    }),
    ("5.2 setStreams, closed", E::InvalidState, closed, |pc| {
        let id = sender(pc);
        pc.sender(id).unwrap().set_streams(["t"]).err().map(|error| error.kind())
    }),
    ("5.4 direction, stopped already", E::InvalidState, stopped, |pc| {
        let id = pc.transceivers().next().unwrap();
        let direction = RtpTransceiverDirection::RecvOnly;
        pc.transceiver(id).unwrap().set_direction(direction).err().map(|error| error.kind())
    }),
    ("5.4 direction to stopped", E::Type, agreed, |pc| {
        let id = pc.transceivers().next().unwrap();
        let direction = RtpTransceiverDirection::Stopped;
        pc.transceiver(id).unwrap().set_direction(direction).err().map(|error| error.kind())
    }),
    ("5.4 stop, closed", E::InvalidState, closed, |pc| {
        let id = pc.transceivers().next().unwrap();
        pc.transceiver(id).unwrap().stop().err().map(|error| error.kind())
    }),
    ("5.4 setCodecPreferences, unknown", E::InvalidModification, fresh, |pc| {
        let id = pc.transceivers().next().unwrap();
        let codecs = vec![RtpCodec::new("audio/none", 8_000)];
        pc.transceiver(id).unwrap().set_codec_preferences(codecs).err().map(|error| error.kind())
    }),
    ("5.4 setCodecPreferences, nothing that carries media", E::InvalidModification, fresh, |pc| {
        let id = pc.transceivers().nth(1).unwrap();
        let codecs = vec![RtpCodec::new("video/rtx", 90_000)];
        pc.transceiver(id).unwrap().set_codec_preferences(codecs).err().map(|error| error.kind())
    }),
    ("extensions setHeaderExtensionsToNegotiate, another list", E::InvalidModification, fresh, |pc| {
        let id = pc.transceivers().next().unwrap();
        let mut found = pc.transceiver(id).unwrap();
        found.set_header_extensions_to_negotiate(Vec::new()).err().map(|error| error.kind())
    }),
    ("extensions jitterBufferTarget over four seconds", E::Range, agreed, |pc| {
        let id = pc.transceivers().next().unwrap().receiver();
        let target = Some(Duration::from_millis(4_001));
        pc.receiver(id).unwrap().set_jitter_buffer_target(target).err().map(|error| error.kind())
    }),
    ("8.2 getStats, no such track", E::InvalidAccess, agreed, |pc| {
        pc.get_stats(NOW, StatsSelector::Track("nobody")).err().map(|error| error.kind())
    }),
    ("7.2 insertDTMF, nothing is sent", E::InvalidState, agreed, |pc| {
        let id = sender(pc);
        let mut sender = pc.sender(id).unwrap();
        let mut dtmf = sender.dtmf().unwrap();
        dtmf.insert_dtmf(NOW, "1", ToneTiming::default()).err().map(|error| error.kind())
    }),
    ("2016 addStream, closed", E::InvalidState, closed, |pc| {
        pc.add_stream("s", []).err().map(|error| error.kind())
    }),
    ("2016 removeStream, closed", E::InvalidState, closed, |pc| {
        pc.remove_stream("s").err().map(|error| error.kind())
    }),
];

#[test]
fn rows_of_tracks_and_transceivers() {
    hold(TRACKS_AND_TRANSCEIVERS);
}

fn create(pc: &mut PeerConnection, label: &str, init: DataChannelInit) -> Option<ErrorKind> {
    pc.create_data_channel(label, init).err().map(|error| error.kind())
}

const CHANNELS_AND_IDENTITY: &[Row] = &[
    ("6.1 createDataChannel, closed", E::InvalidState, closed, |pc| {
        create(pc, "", DataChannelInit::default())
    }),
    ("6.1 label too long", E::Type, fresh, |pc| create(pc, &"x".repeat(65_536), DataChannelInit::default())),
    ("6.1 protocol too long", E::Type, fresh, |pc| {
        create(pc, "", DataChannelInit { protocol: "x".repeat(65_536), ..DataChannelInit::default() })
    }),
    ("6.1 negotiated without id", E::Type, fresh, |pc| {
        create(pc, "", DataChannelInit { negotiated: true, ..DataChannelInit::default() })
    }),
    ("6.1 both limits", E::Type, fresh, |pc| {
        let limits = DataChannelInit {
            max_packet_life_time: Some(1),
            max_retransmits: Some(1),
            ..DataChannelInit::default()
        };
        create(pc, "", limits)
    }),
    ("6.1 id 65535", E::Type, fresh, |pc| {
        create(pc, "", DataChannelInit { negotiated: true, id: Some(65_535), ..DataChannelInit::default() })
    }),
    ("6.1 id in use", E::Operation, agreed, |pc| {
        let id = {
            let id = channel(pc);
            pc.data_channel(id).unwrap().id()
        };
        create(pc, "", DataChannelInit { negotiated: true, id, ..DataChannelInit::default() })
    }),
    ("6.2 send while connecting", E::InvalidState, agreed, |pc| {
        let id = channel(pc);
        pc.data_channel(id).unwrap().send_text(NOW, "early").err().map(|error| error.kind())
    }),
    ("identity setIdentityProvider, closed", E::InvalidState, closed, |pc| {
        let set = pc.set_identity_provider("host", IdentityProviderOptions::default());
        set.err().map(|error| error.kind())
    }),
    ("identity protocol with a slash", E::Syntax, fresh, |pc| {
        let options =
            IdentityProviderOptions { protocol: Some("a/b".into()), ..IdentityProviderOptions::default() };
        pc.set_identity_provider("host", options).err().map(|error| error.kind())
    }),
    ("identity getIdentityAssertion, closed", E::InvalidState, closed, |pc| {
        pc.get_identity_assertion(NOW).err().map(|error| error.kind())
    }),
];

#[test]
fn rows_of_channels_and_identity() {
    hold(CHANNELS_AND_IDENTITY);
}
