//! Every order of the verbs on both sides, up to a depth: what webrtc-pc says must always hold is looked at after each.

use super::{Peer, credentials};
use crate::base::media::{
    KindCapabilities, MediaCapabilities, MediaKind, MediaStreamTrack, RtpTransceiverDirection as Direction,
};
use crate::base::random::Rng;
use crate::signaling::description::SessionDescription;
use crate::signaling::local::SessionConfig;
use crate::signaling::session::Session;
use crate::signaling::state::{SdpType, SignalingState};
use crate::signaling::transceiver::RtpTransceiverInit;
use crate::wire::sdp::description::{Description, Section};
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
enum Verb {
    SetLocal(SdpType),
    /// The other side's newest local description.
    Deliver,
    RemoteRollback,
    AddTrack,
    AddTransceiver,
    RemoveTrack,
    /// Turns the last transceiver round.
    Turn,
    StopFirst,
    /// A data channel is created.
    WantData,
    /// Other credentials are wanted, once.
    RestartIce,
}

const VERBS: [Verb; 13] = [
    Verb::SetLocal(SdpType::Offer),
    Verb::SetLocal(SdpType::Pranswer),
    Verb::SetLocal(SdpType::Answer),
    Verb::SetLocal(SdpType::Rollback),
    Verb::Deliver,
    Verb::RemoteRollback,
    Verb::AddTrack,
    Verb::AddTransceiver,
    Verb::RemoveTrack,
    Verb::Turn,
    Verb::StopFirst,
    Verb::WantData,
    Verb::RestartIce,
];

/// More transceivers than this tell nothing new.
const MOST: usize = 3;

#[derive(Default, Debug)]
struct Counts {
    done: u64,
    refused: u64,
    idle: u64,
}

/// One codec of each kind, so that a description is short.
fn small(name: char) -> Peer {
    let all = MediaCapabilities::default();
    let first = |of: &KindCapabilities| KindCapabilities {
        codecs: of.codecs[..1].to_vec(),
        header_extensions: of.header_extensions[..1].to_vec(),
    };
    let media = Arc::new(MediaCapabilities { audio: first(&all.audio), video: first(&all.video) });
    let config = SessionConfig { media, ..SessionConfig::default() };
    let session = Session::new(config, 7, Rng::from_number(u64::from(name as u32)));
    Peer { session, ..Peer::without_data(name) }
}

/// Does one thing. `None`: there is nothing to do.
fn act(sides: &mut [Peer; 2], at: usize, verb: Verb) -> Option<bool> {
    let said = sides[1 - at].session.local_description().cloned();
    let peer = &mut sides[at];
    let number = peer.session.transceivers().count();
    Some(match verb {
        Verb::SetLocal(kind) => peer.set_local(kind).is_ok(),
        Verb::Deliver => peer.set_remote(&said?).is_ok(),
        Verb::RemoteRollback => peer.set_remote(&SessionDescription::rollback()).is_ok(),
        Verb::AddTrack | Verb::AddTransceiver if number >= MOST => return None,
        Verb::AddTrack => {
            let track = MediaStreamTrack::new(MediaKind::Audio, format!("t{number}"));
            peer.session.add_track(track, vec!["s".into()]).is_ok()
        }
        Verb::AddTransceiver => {
            peer.session.add_transceiver(MediaKind::Video.into(), RtpTransceiverInit::default()).is_ok()
        }
        Verb::RemoveTrack => {
            let id = peer.session.transceivers().find(|t| t.sender_track().is_some())?.id();
            peer.session.remove_track(id.sender()).is_ok()
        }
        Verb::Turn => {
            let last = peer.session.transceivers().next_back()?;
            let direction = match last.direction() {
                Direction::SendRecv => Direction::RecvOnly,
                _ => Direction::SendRecv,
            };
            let id = last.id();
            peer.session.set_direction(id, direction).is_ok()
        }
        Verb::WantData if peer.wants_data => return None,
        Verb::WantData => {
            peer.wants_data = true;
            true
        }
        Verb::RestartIce if peer.ice != credentials(peer.name, 1) => return None,
        // The answer to a restart has other credentials, too.
        Verb::RestartIce => {
            sides.iter_mut().for_each(|side| side.restart_ice(2));
            true
        }
        Verb::StopFirst => {
            let id = peer.session.transceivers().find(|t| !t.is_stopping())?.id();
            peer.session.stop(id).is_ok()
        }
    })
}

fn check(peer: &Peer) {
    let session = &peer.session;
    let state = session.signaling_state();
    let kind = |description: Option<&SessionDescription>| description.map(|d| d.kind);
    let pending = (kind(session.pending_local_description()), kind(session.pending_remote_description()));
    let expected = match state {
        SignalingState::Stable | SignalingState::Closed => (None, None),
        SignalingState::HaveLocalOffer => (Some(SdpType::Offer), None),
        SignalingState::HaveRemoteOffer => (None, Some(SdpType::Offer)),
        SignalingState::HaveLocalPranswer => (Some(SdpType::Pranswer), Some(SdpType::Offer)),
        SignalingState::HaveRemotePranswer => (Some(SdpType::Offer), Some(SdpType::Pranswer)),
    };
    assert_eq!(pending, expected, "{state}");
    let newest = session.local_description().map_or(0, |d| d.sdp.matches("\nm=").count());
    let newest = newest.max(session.remote_description().map_or(0, |d| d.sdp.matches("\nm=").count()));
    let mut places = Vec::new();
    for transceiver in session.transceivers() {
        if let Some(place) = &transceiver.place {
            assert!(place.section < newest, "{transceiver:?}");
            // Two that ended may have had one place; of those that live each has its own.
            assert!(transceiver.is_stopped() || !places.contains(&place.section), "{transceiver:?}");
            places.push(place.section);
        }
        let current = transceiver.current_direction();
        assert!(
            current.is_none() || transceiver.place.is_some() || transceiver.is_stopped(),
            "{transceiver:?}"
        );
        assert!(!transceiver.sender.encodings.is_empty());
        assert!(transceiver.sender.sources.len() >= transceiver.sender.encodings.len());
        if state == SignalingState::Stable {
            assert!(transceiver.stable.is_none() && !transceiver.is_stopped(), "{transceiver:?}");
        }
    }
    for section in session.media() {
        let transceiver = session.transceiver(section.transceiver);
        assert!(transceiver.is_none_or(|t| t.kind() == section.kind));
        assert!(!section.send.is_empty() && !section.receive.is_empty());
    }
    if state == SignalingState::Stable
        && let Some(local) = session.current_local_description()
    {
        let parsed = Description::parse(&local.sdp).expect("what is kept reads back");
        let live = |section: &&Section<'_>| section.port != 0 && section.media != "application";
        let live = parsed.sections.iter().filter(live).count();
        assert_eq!(session.media().len(), live, "{}", local.sdp);
    }
}

/// Two sides that both are stable and agree can always go on.
fn check_progress(sides: &[Peer; 2]) {
    let text = |description: Option<&SessionDescription>| description.map(|d| d.sdp.clone());
    let said = |peer: &Peer| {
        let session = &peer.session;
        (text(session.current_local_description()), text(session.current_remote_description()))
    };
    let (ours, theirs) = (said(&sides[0]), said(&sides[1]));
    let agree = ours.0 == theirs.1 && ours.1 == theirs.0;
    if !agree || sides.iter().any(|side| side.state() != SignalingState::Stable) {
        return;
    }
    let [mut a, mut b] = sides.clone();
    for _ in 0..2 {
        super::exchange(&mut a, &mut b);
        super::exchange(&mut b, &mut a);
    }
    [&a, &b].into_iter().for_each(check);
    for (ours, theirs) in a.session.media().iter().zip(b.session.media()) {
        assert_eq!((ours.direction, &ours.send), (theirs.direction.reversed(), &theirs.receive));
    }
    let needed = |peer: &Peer| peer.session.is_negotiation_needed(peer.wants_data, false);
    assert!(!needed(&a) && !needed(&b), "two exchanges each way settle everything");
}

fn explore(sides: &[Peer; 2], depth: usize, counts: &mut Counts) {
    if depth == 0 {
        return check_progress(sides);
    }
    for at in 0..2 {
        for verb in VERBS {
            let mut next = sides.clone();
            match act(&mut next, at, verb) {
                None => counts.idle += 1,
                Some(false) => {
                    counts.refused += 1;
                    assert_eq!(
                        next[at].visible(),
                        sides[at].visible(),
                        "{verb:?} was refused and changes nothing"
                    );
                }
                Some(true) => {
                    counts.done += 1;
                    check(&next[at]);
                    explore(&next, depth - 1, counts);
                }
            }
        }
    }
}

/// Each beginning, and how many steps are taken from there.
#[test]
fn every_order_of_verbs_keeps_both_sides_whole() {
    let fresh = || [small('a'), small('b')];
    let mut talked = fresh();
    let [a, b] = &mut talked;
    act_all(a, b);
    let mut glare = talked.clone();
    glare.iter_mut().for_each(|side| drop(side.offer()));
    let mut answered = talked.clone();
    let [a, b] = &mut answered;
    let (text, _) = a.offer();
    b.hear(&text);
    for (name, start, depth) in
        [("fresh", fresh(), 4), ("talked", talked, 3), ("glare", glare, 3), ("offered", answered, 3)]
    {
        let mut counts = Counts::default();
        explore(&start, depth, &mut counts);
        println!("{name}, depth {depth}: {counts:?}");
        assert!(counts.done > 1_000 && counts.refused > 100, "{name}: {counts:?}");
    }
}

/// A first exchange with audio and video.
fn act_all(a: &mut Peer, b: &mut Peer) {
    let track = MediaStreamTrack::new(MediaKind::Audio, "first");
    a.session.add_track(track, vec!["s".into()]).unwrap();
    a.session.add_transceiver(MediaKind::Video.into(), RtpTransceiverInit::default()).unwrap();
    super::exchange(a, b);
}
