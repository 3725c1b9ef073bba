//! Whole sequences of events, as the W3C algorithms queue them. What the network brings about is in the simulations.

use crate::base::media::{MediaKind, MediaStreamTrack};
use crate::base::net::{LocalAddress, SocketId};
use crate::base::time::Instant;
use crate::peer::{Configuration, Event, Init, PeerConnection};
use crate::signaling::description::SessionDescription;
use crate::signaling::state::SdpType;
use std::time::{Duration, SystemTime};

const NOW: Instant = Instant::ZERO;

fn peer(number: u8) -> PeerConnection {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut peer = PeerConnection::new(Configuration::default(), Init::new(NOW, date, [number; 32])).unwrap();
    peer.add_local_address(NOW, LocalAddress::udp(SocketId(0), ([192, 0, 2, number], 5_000).into()));
    peer
}

/// One that sends sound and pictures in one stream.
fn sender(number: u8) -> PeerConnection {
    let mut peer = peer(number);
    for (kind, id) in [(MediaKind::Audio, "mic"), (MediaKind::Video, "cam")] {
        peer.add_track(MediaStreamTrack::new(kind, id), ["s"]).unwrap();
    }
    peer
}

/// The events so far, but for those of transports, under their W3C names.
fn told(peer: &mut PeerConnection) -> Vec<String> {
    let name = |event| {
        Some(match event {
            Event::NegotiationNeeded => "negotiationneeded".to_owned(),
            Event::SignalingStateChange(state) => format!("signalingstatechange {state}"),
            Event::IceGatheringStateChange(state) => format!("icegatheringstatechange {state}"),
            Event::IceTransportGatheringStateChange(_, state) => format!("gatheringstatechange {state}"),
            Event::IceCandidate(None) => "icecandidate null".to_owned(),
            Event::IceCandidate(Some(init)) if init.candidate.is_empty() => "icecandidate end".to_owned(),
            Event::IceCandidate(Some(_)) => "icecandidate".to_owned(),
            Event::Track(track) => format!("track {}", track.track.kind),
            Event::AddStream(stream) => format!("addstream {stream}"),
            Event::RemoveStream(stream) => format!("removestream {stream}"),
            Event::StreamAddTrack(stream, _) => format!("addtrack {stream}"),
            Event::StreamRemoveTrack(stream, _) => format!("removetrack {stream}"),
            Event::TrackMute(_) => "mute".to_owned(),
            Event::TrackEnded(_) => "ended".to_owned(),
            Event::IceTransportStateChange(..)
            | Event::IceConnectionStateChange(_)
            | Event::ConnectionStateChange(_) => return None,
            other => format!("{other:?}"),
        })
    };
    std::iter::from_fn(|| peer.poll_event()).filter_map(name).collect()
}

const GATHERED: [&str; 7] = [
    "gatheringstatechange gathering",
    "icegatheringstatechange gathering",
    "icecandidate",
    "icecandidate end",
    "gatheringstatechange complete",
    "icegatheringstatechange complete",
    "icecandidate null",
];

fn and_gathered<'a>(first: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(&GATHERED).copied().collect()
}

/// Sets an offer, and says it.
fn offer(peer: &mut PeerConnection) -> SessionDescription {
    peer.set_local_description(NOW, Some(SdpType::Offer.into())).unwrap();
    peer.local_description().unwrap().clone()
}

/// Both sides agree on what `a` sends.
fn agreed() -> [PeerConnection; 2] {
    let (mut a, mut b) = (sender(1), peer(2));
    b.set_remote_description(NOW, offer(&mut a)).unwrap();
    b.set_local_description(NOW, None).unwrap();
    a.set_remote_description(NOW, b.local_description().unwrap().clone()).unwrap();
    [&mut a, &mut b].into_iter().for_each(|peer| drop(told(peer)));
    [a, b]
}

#[test]
fn two_tracks_ask_for_negotiation_once() {
    assert_eq!(told(&mut sender(1)), ["negotiationneeded"]);
}

#[test]
fn an_exchange_with_a_stream() {
    let (mut a, mut b) = (sender(1), peer(2));
    told(&mut a);
    let said = offer(&mut a);
    assert_eq!(told(&mut a), and_gathered(&["signalingstatechange have-local-offer"]));
    b.set_remote_description(NOW, said).unwrap();
    let expected = ["signalingstatechange have-remote-offer", "addstream s", "track audio", "track video"];
    assert_eq!(told(&mut b), expected);
    b.set_local_description(NOW, None).unwrap();
    assert_eq!(told(&mut b), and_gathered(&["signalingstatechange stable"]));
    a.set_remote_description(NOW, b.local_description().unwrap().clone()).unwrap();
    assert_eq!(told(&mut a), ["signalingstatechange stable"]);
}

#[test]
fn the_peer_stops_sending() {
    let [mut a, mut b] = agreed();
    let senders: Vec<_> = a.senders().collect();
    senders.into_iter().for_each(|sender| a.remove_track(sender).unwrap());
    assert_eq!(told(&mut a), ["negotiationneeded"]);
    b.set_remote_description(NOW, offer(&mut a)).unwrap();
    let expected = [
        "signalingstatechange have-remote-offer",
        "mute",
        "mute",
        "removetrack s",
        "removetrack s",
        "removestream s",
    ];
    assert_eq!(told(&mut b), expected);
}

#[test]
fn a_remote_offer_is_rolled_back() {
    let (mut a, mut b) = (sender(1), peer(2));
    b.set_remote_description(NOW, offer(&mut a)).unwrap();
    told(&mut b);
    b.set_remote_description(NOW, SessionDescription::rollback()).unwrap();
    let expected =
        ["signalingstatechange stable", "mute", "mute", "removetrack s", "removetrack s", "removestream s"];
    assert_eq!(told(&mut b), expected);
    assert_eq!(b.transceivers().count(), 0);
}

#[test]
fn the_polite_side_gives_way() {
    let (mut a, mut b) = (sender(1), peer(2));
    b.create_data_channel("chat", Default::default()).unwrap();
    offer(&mut b);
    told(&mut b);
    b.set_remote_description(NOW, offer(&mut a)).unwrap();
    let expected = [
        "signalingstatechange stable",
        "signalingstatechange have-remote-offer",
        "addstream s",
        "track audio",
        "track video",
    ];
    assert_eq!(told(&mut b), expected);
}

#[test]
fn a_restart_asks_for_negotiation_and_gathers_anew() {
    let [mut a, _] = agreed();
    a.restart_ice();
    assert_eq!(told(&mut a), ["negotiationneeded"]);
    offer(&mut a);
    assert_eq!(told(&mut a), and_gathered(&["signalingstatechange have-local-offer"]));
}

#[test]
fn a_transceiver_is_stopped() {
    let [mut a, mut b] = agreed();
    let first = a.transceivers().next().unwrap();
    a.transceiver(first).unwrap().stop().unwrap();
    // The track of the side that stops ends at once.
    assert_eq!(told(&mut a), ["ended", "negotiationneeded"]);
    b.set_remote_description(NOW, offer(&mut a)).unwrap();
    let events = told(&mut b);
    assert_eq!(events[0], "signalingstatechange have-remote-offer");
    assert!(
        events.contains(&"ended".to_owned()) && events.contains(&"removetrack s".to_owned()),
        "{events:?}"
    );
}

#[test]
fn the_end_is_silent() {
    let [mut a, _] = agreed();
    a.restart_ice();
    a.close(NOW);
    assert_eq!(told(&mut a), [""; 0]);
}
