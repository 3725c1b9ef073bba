//! The defaults that W3C's documents name, member by member.

use crate::base::media::{MediaKind, MediaStreamTrack, RtpTransceiverDirection};
use crate::base::parameters::RtpEncodingParameters;
use crate::base::priority::Priority;
use crate::base::time::Instant;
use crate::data::channel::DataChannelInit;
use crate::data::event::DataChannelState;
use crate::peer::{
    Configuration, IceConnectionState, Init, OfferOptions, PeerConnection, PeerConnectionState, ToneTiming,
};
use crate::signaling::description::{IceCandidateInit, LocalDescriptionInit};
use crate::signaling::local::{BundlePolicy, RtcpMuxPolicy};
use crate::signaling::state::SignalingState;
use crate::signaling::transceiver::RtpTransceiverInit;
use crate::transport::{IceGatheringState, IceTransportPolicy};
use std::time::{Duration, SystemTime};

fn peer() -> PeerConnection {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    PeerConnection::new(Configuration::default(), Init::new(Instant::ZERO, date, [1; 32])).unwrap()
}

#[test]
fn of_a_connection_at_rest() {
    let pc = peer();
    assert_eq!(pc.signaling_state(), SignalingState::Stable);
    assert_eq!(pc.ice_gathering_state(), IceGatheringState::New);
    assert_eq!(pc.ice_connection_state(), IceConnectionState::New);
    assert_eq!(pc.connection_state(), PeerConnectionState::New);
    let texts = [
        pc.local_description(),
        pc.current_local_description(),
        pc.pending_local_description(),
        pc.remote_description(),
        pc.current_remote_description(),
        pc.pending_remote_description(),
    ];
    assert_eq!(texts, [None; 6]);
    assert_eq!(pc.can_trickle_ice_candidates(), None);
    assert_eq!(pc.sctp(), None);
    assert_eq!(pc.peer_identity(), None);
    assert_eq!((pc.idp_login_url(), pc.idp_error_info()), (None, None));
    assert_eq!((pc.senders().count(), pc.receivers().count(), pc.transceivers().count()), (0, 0, 0));
    assert!(pc.local_streams().is_empty() && pc.remote_streams().is_empty());
    assert!(PeerConnection::default_ice_servers().is_empty());
    assert_eq!(pc.dtls_transports().count(), 0);
}

#[test]
fn of_dictionaries() {
    let configuration = Configuration::default();
    assert!(configuration.ice_servers.is_empty() && configuration.certificates.is_empty());
    assert_eq!(configuration.ice_transport_policy, IceTransportPolicy::All);
    assert_eq!(configuration.bundle_policy, BundlePolicy::Balanced);
    assert_eq!(configuration.rtcp_mux_policy, RtcpMuxPolicy::Require);
    assert_eq!(configuration.ice_candidate_pool_size, 0);
    assert_eq!(configuration.peer_identity, None);
    let options = OfferOptions::default();
    assert!(!options.ice_restart);
    assert_eq!((options.offer_to_receive_audio, options.offer_to_receive_video), (None, None));
    let description = LocalDescriptionInit::default();
    assert_eq!((description.kind, description.sdp.as_str()), (None, ""));
    let candidate = IceCandidateInit::default();
    assert_eq!(
        (candidate.candidate.as_str(), candidate.sdp_mid, candidate.sdp_m_line_index),
        ("", None, None)
    );
    let init = RtpTransceiverInit::default();
    assert_eq!(
        (init.direction, init.streams.len(), init.send_encodings.len()),
        (RtpTransceiverDirection::SendRecv, 0, 0)
    );
    let encoding = RtpEncodingParameters::default();
    assert!(encoding.active && encoding.rid.is_none() && encoding.codec.is_none());
    assert_eq!((encoding.priority, encoding.network_priority), (Priority::Low, None));
    let channel = DataChannelInit::default();
    assert!(channel.ordered && !channel.negotiated && channel.id.is_none() && channel.protocol.is_empty());
    assert_eq!(
        (channel.max_packet_life_time, channel.max_retransmits, channel.priority),
        (None, None, Priority::Low)
    );
    let timing = ToneTiming::default();
    assert_eq!(
        (timing.duration, timing.inter_tone_gap),
        (Duration::from_millis(100), Duration::from_millis(70))
    );
}

#[test]
fn of_objects() {
    let mut pc = peer();
    let audio = pc.add_track(MediaStreamTrack::new(MediaKind::Audio, "mic"), ["s", "s"]).unwrap();
    let video = pc.add_transceiver(MediaKind::Video, RtpTransceiverInit::default()).unwrap();
    let sender = pc.sender(audio).unwrap();
    assert_eq!(sender.streams(), ["s"]);
    assert_eq!((sender.transport(), sender.rtcp_transport()), (None, None));
    let transceiver = pc.transceiver(video).unwrap();
    assert_eq!(
        (transceiver.mid(), transceiver.current_direction(), transceiver.stopped()),
        (None, None, false)
    );
    assert_eq!(transceiver.direction(), RtpTransceiverDirection::SendRecv);
    let mut sender = pc.sender(video.sender()).unwrap();
    assert_eq!(sender.track(), None);
    assert!(sender.dtmf().is_none());
    let parameters = sender.get_parameters();
    assert_eq!(parameters.encodings.len(), 1);
    assert_eq!(parameters.encodings[0].scale_resolution_down_by, Some(1.0));
    assert!(parameters.codecs.is_empty() && parameters.header_extensions.is_empty());
    assert_eq!(parameters.degradation_preference, None);
    let receiver = pc.receiver(video.receiver()).unwrap();
    assert_eq!(
        (receiver.jitter_buffer_target(), receiver.streams().len(), receiver.transport()),
        (None, 0, None)
    );
    assert_ne!(receiver.track().id, "");
    let mut sender = pc.sender(audio).unwrap();
    let dtmf = sender.dtmf().unwrap();
    assert!(!dtmf.can_insert_dtmf() && dtmf.tone_buffer().is_empty());
    let id = pc.create_data_channel("chat", DataChannelInit::default()).unwrap();
    let channel = pc.data_channel(id).unwrap();
    assert_eq!((channel.ready_state(), channel.id()), (DataChannelState::Connecting, None));
    assert_eq!((channel.buffered_amount(), channel.buffered_amount_low_threshold()), (0, 0));
}
