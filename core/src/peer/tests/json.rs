//! Events as JSON: every one comes back as it was, and its name is W3C's.

use crate::base::identity::{IdentityErrorDetail, IdentityFailure, IdentityProvider};
use crate::base::ids::Slots;
use crate::base::media::{MediaKind, MediaStreamTrack, TransceiverId};
use crate::base::time::Instant;
use crate::data::channel::DataChannelId;
use crate::data::error::ChannelError;
use crate::data::event::{Message, MessageKind, SctpTransportState};
use crate::media::codec::Layer;
use crate::media::event::Frame;
use crate::media::packet::RtpPacket;
use crate::peer::{
    ChannelEvent, DtlsError, Event, IceCandidateError, IceConnectionState, IdpError, PeerConnectionState,
    PeerIdentity, TrackEvent, TransportId,
};
use crate::signaling::description::IceCandidateInit;
use crate::signaling::state::SignalingState;
use crate::transport::IceGatheringState;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::dtls::alert::Failure;
use crate::transport::ice::IceTransportState;
use crate::wire::dtls::codepoints::AlertDescription;
use crate::wire::rtp::value::{AudioLevel, Orientation};
use quickcheck::{Arbitrary, Gen, quickcheck};
use serde_json::json;
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug)]
struct AnyEvent(Event);

fn pick<T: Copy>(g: &mut Gen, all: &[T]) -> T {
    *g.choose(all).unwrap()
}

fn transceiver(g: &mut Gen) -> TransceiverId {
    TransceiverId(u32::arbitrary(g))
}

fn channel(g: &mut Gen) -> DataChannelId {
    serde_json::from_value(json!(u64::arbitrary(g))).unwrap()
}

fn text(g: &mut Gen) -> Box<str> {
    String::arbitrary(g).into()
}

fn transport(g: &mut Gen) -> TransportId {
    TransportId(u16::arbitrary(g))
}

fn packet(g: &mut Gen) -> RtpPacket {
    let mut bytes = vec![0x80, u8::arbitrary(g) & 0x7f];
    bytes.extend((0..10).map(|_| u8::arbitrary(g)));
    bytes.extend(Vec::<u8>::arbitrary(g));
    let value = json!({
        "receiver": u32::arbitrary(g),
        "encoding": u8::arbitrary(g),
        "count": u64::arbitrary(g),
        "arrived": u64::arbitrary(g),
        "bytes": bytes,
    });
    serde_json::from_value(value).unwrap()
}

fn frame(g: &mut Gen) -> Frame {
    let seconds = Duration::new(u64::from(u32::arbitrary(g)), 5);
    Frame {
        receiver: transceiver(g).receiver(),
        rid: Option::<String>::arbitrary(g).map(Into::into),
        ssrc: u32::arbitrary(g),
        payload_type: u8::arbitrary(g),
        timestamp: u32::arbitrary(g),
        captured: bool::arbitrary(g).then_some(SystemTime::UNIX_EPOCH + seconds),
        data: Vec::<u8>::arbitrary(g).into(),
        key: bool::arbitrary(g),
        layer: Layer {
            temporal: Option::arbitrary(g),
            spatial: Option::arbitrary(g),
            switching_point: bool::arbitrary(g),
        },
        arrived: Instant::from_micros(u64::arbitrary(g)),
        audio_level: bool::arbitrary(g).then(|| AudioLevel { voice: true, level: u8::arbitrary(g) }),
        orientation: bool::arbitrary(g).then(Orientation::default),
    }
}

fn idp(g: &mut Gen) -> Box<IdpError> {
    Box::new(IdpError {
        provider: IdentityProvider { domain: String::arbitrary(g), protocol: String::arbitrary(g) },
        failure: IdentityFailure {
            detail: pick(g, IdentityErrorDetail::ALL),
            http_status: Option::arbitrary(g),
            login_url: Option::arbitrary(g),
            text: String::arbitrary(g),
        },
    })
}

fn of_channel(g: &mut Gen) -> ChannelEvent {
    match u8::arbitrary(g) % 6 {
        0 => ChannelEvent::Open,
        1 => ChannelEvent::Message(Message {
            kind: pick(g, &[MessageKind::Text, MessageKind::Binary]),
            data: Vec::<u8>::arbitrary(g).into(),
        }),
        2 => ChannelEvent::BufferedAmountLow,
        3 => ChannelEvent::Closing,
        4 => {
            let aborted = ChannelError::Aborted { cause: Option::arbitrary(g) };
            ChannelEvent::Error(pick(g, &[aborted, ChannelError::NoStream, ChannelError::Timeout]))
        }
        _ => ChannelEvent::Close,
    }
}

fn of_tracks(g: &mut Gen) -> Event {
    let id = transceiver(g);
    match u8::arbitrary(g) % 10 {
        0 => Event::Track(Box::new(TrackEvent {
            transceiver: id,
            receiver: id.receiver(),
            track: MediaStreamTrack::new(pick(g, MediaKind::ALL), String::arbitrary(g)),
            streams: Vec::arbitrary(g),
        })),
        1 => Event::TrackUnmute(id.receiver()),
        2 => Event::TrackMute(id.receiver()),
        3 => Event::TrackEnded(id.receiver()),
        4 => Event::StreamAddTrack(text(g), id.receiver()),
        5 => Event::StreamRemoveTrack(text(g), id.receiver()),
        6 => Event::AddStream(text(g)),
        7 => Event::RemoveStream(text(g)),
        8 => Event::Frame(Box::new(frame(g))),
        _ => Event::Rtp(packet(g)),
    }
}

fn of_media(g: &mut Gen) -> Event {
    let (sender, encoding) = (transceiver(g).sender(), usize::from(u8::arbitrary(g)));
    match u8::arbitrary(g) % 7 {
        0 => Event::KeyFrameRequest { sender, encoding },
        1 => Event::BitrateLimit { sender, encoding, bitrate: u64::arbitrary(g) },
        2 => Event::ToneChange(sender, Option::arbitrary(g)),
        3 => Event::IdentityResult(text(g)),
        4 => Event::PeerIdentity(Box::new(PeerIdentity {
            idp: String::arbitrary(g),
            name: String::arbitrary(g),
        })),
        5 => Event::IdpAssertionError(idp(g)),
        _ => Event::IdpValidationError(idp(g)),
    }
}

fn of_transports(g: &mut Gen) -> Event {
    let id = transport(g);
    match u8::arbitrary(g) % 9 {
        0 => Event::SelectedCandidatePairChange(id),
        1 => Event::IceTransportGatheringStateChange(id, pick(g, IceGatheringState::ALL)),
        2 => Event::IceTransportStateChange(id, pick(g, IceTransportState::ALL)),
        3 => Event::IceConnectionStateChange(pick(g, IceConnectionState::ALL)),
        4 => {
            let alert = Failure::PeerAlert(AlertDescription::from(u8::arbitrary(g)));
            let failure = pick(g, &[alert, Failure::FingerprintMismatch, Failure::IllegalParameter("name")]);
            Event::DtlsTransportError(id, Box::new(DtlsError::from(failure)))
        }
        5 => Event::DtlsTransportStateChange(id, pick(g, DtlsTransportState::ALL)),
        6 => Event::ConnectionStateChange(pick(g, PeerConnectionState::ALL)),
        7 => Event::SctpTransportStateChange(pick(g, SctpTransportState::ALL)),
        _ => Event::IceCandidateError(Box::new(IceCandidateError {
            address: bool::arbitrary(g).then(|| std::net::Ipv4Addr::arbitrary(g).into()),
            port: Option::arbitrary(g),
            url: String::arbitrary(g),
            error_code: u16::arbitrary(g),
            error_text: String::arbitrary(g),
        })),
    }
}

impl Arbitrary for AnyEvent {
    fn arbitrary(g: &mut Gen) -> Self {
        Self(match u8::arbitrary(g) % 9 {
            0 => Event::NegotiationNeeded,
            1 => Event::SignalingStateChange(pick(g, SignalingState::ALL)),
            2 => Event::IceGatheringStateChange(pick(g, IceGatheringState::ALL)),
            3 => Event::IceCandidate(bool::arbitrary(g).then(|| {
                Box::new(IceCandidateInit {
                    candidate: String::arbitrary(g),
                    sdp_mid: Option::arbitrary(g),
                    sdp_m_line_index: Option::arbitrary(g),
                    username_fragment: Option::arbitrary(g),
                })
            })),
            4 => Event::DataChannel(channel(g)),
            5 => Event::Channel(channel(g), of_channel(g)),
            6 => of_tracks(g),
            7 => of_media(g),
            _ => of_transports(g),
        })
    }
}

quickcheck! {
    fn every_event_comes_back(event: AnyEvent) -> bool {
        let json = serde_json::to_string(&event.0).unwrap();
        serde_json::from_str::<Event>(&json).unwrap() == event.0
    }
}

#[test]
fn names_are_those_of_w3c() {
    let rows = [
        (Event::NegotiationNeeded, json!("negotiationneeded")),
        (
            Event::SignalingStateChange(SignalingState::HaveLocalOffer),
            json!({"signalingstatechange": "have-local-offer"}),
        ),
        (Event::IceCandidate(None), json!({"icecandidate": null})),
        (Event::ToneChange(TransceiverId(1).sender(), Some('#')), json!({"tonechange": [1, "#"]})),
        (
            Event::DtlsTransportError(
                TransportId(0),
                Box::new(DtlsError::from(Failure::FingerprintMismatch)),
            ),
            json!({"dtlstransporterror": [0, {
                "errorDetail": "fingerprint-failure",
                "receivedAlert": null,
                "sentAlert": 42,
                "message": "the peer's certificate does not fit the signalled fingerprint",
            }]}),
        ),
    ];
    for (event, expected) in rows {
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
    }
}

#[test]
fn bytes_that_are_no_packet_become_none() {
    let value = json!({"receiver": 0, "encoding": 0, "count": 0, "arrived": 0, "bytes": [1, 2, 3]});
    assert!(serde_json::from_value::<RtpPacket>(value).is_err());
}

#[test]
fn an_id_is_its_number() {
    let id = Slots::<u8>::default().insert(1);
    assert_eq!(serde_json::to_value(id).unwrap(), json!(id.as_u64()));
}
