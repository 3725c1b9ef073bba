//! Every cell of the transition table, by the table of webrtc-pc written out once more, and the slots with it.

use super::{Peer, exchange, pranswer};
use crate::base::w3c::ErrorKind;
use crate::signaling::description::SessionDescription;
use crate::signaling::session::Session;
use crate::signaling::state::{SdpType, Side, SignalingState};

/// What a cell says.
#[derive(Clone, Copy, PartialEq)]
enum Cell {
    To(SignalingState),
    /// An implicit rollback first.
    Via(SignalingState),
    No,
}

const COLUMNS: [(Side, SdpType); 8] = [
    (Side::Local, SdpType::Offer),
    (Side::Remote, SdpType::Offer),
    (Side::Local, SdpType::Pranswer),
    (Side::Local, SdpType::Answer),
    (Side::Remote, SdpType::Pranswer),
    (Side::Remote, SdpType::Answer),
    (Side::Local, SdpType::Rollback),
    (Side::Remote, SdpType::Rollback),
];

const TABLE: [(SignalingState, [Cell; 8]); 6] = {
    use Cell::{No, To, Via};
    use SignalingState as S;
    [
        (S::Stable, [To(S::HaveLocalOffer), To(S::HaveRemoteOffer), No, No, No, No, No, No]),
        (
            S::HaveLocalOffer,
            [
                To(S::HaveLocalOffer),
                Via(S::HaveRemoteOffer),
                No,
                No,
                To(S::HaveRemotePranswer),
                To(S::Stable),
                To(S::Stable),
                To(S::Stable),
            ],
        ),
        (
            S::HaveRemoteOffer,
            [
                No,
                To(S::HaveRemoteOffer),
                To(S::HaveLocalPranswer),
                To(S::Stable),
                No,
                No,
                To(S::Stable),
                To(S::Stable),
            ],
        ),
        (S::HaveLocalPranswer, [No, No, To(S::HaveLocalPranswer), To(S::Stable), No, No, No, No]),
        (S::HaveRemotePranswer, [No, No, No, No, To(S::HaveRemotePranswer), To(S::Stable), No, No]),
        (S::Closed, [No; 8]),
    ]
};

/// A peer in `state`, and another one that can say what comes next.
fn in_state(state: SignalingState) -> (Peer, Peer) {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    // Slots are told apart best when all are filled.
    exchange(&mut a, &mut b);
    match state {
        SignalingState::Stable => {}
        SignalingState::HaveLocalOffer => {
            a.offer();
        }
        SignalingState::HaveRemoteOffer => {
            let (offer, _) = b.offer();
            a.hear(&offer);
        }
        SignalingState::HaveLocalPranswer => {
            let (offer, _) = b.offer();
            a.hear(&offer);
            a.set_local(SdpType::Pranswer).unwrap();
        }
        SignalingState::HaveRemotePranswer => {
            let (offer, _) = a.offer();
            b.hear(&offer);
            let answer = b.create_answer();
            a.hear(&pranswer(answer.sdp));
        }
        SignalingState::Closed => a.session.close(),
    }
    assert_eq!(a.state(), state);
    (a, b)
}

/// What the peer would say: a description that fits as well as one of this type can.
fn said_by(b: &mut Peer, a: &mut Peer, kind: SdpType) -> SessionDescription {
    let sdp = match kind {
        SdpType::Rollback => String::new(),
        SdpType::Offer => {
            if b.state() != SignalingState::Stable && b.state() != SignalingState::HaveLocalOffer {
                b.set_local(SdpType::Answer).unwrap();
            }
            b.create_offer().sdp
        }
        SdpType::Pranswer | SdpType::Answer => {
            if let Some(offer) = a.session.pending_local_description() {
                b.hear(&SessionDescription::new(SdpType::Offer, offer.sdp.clone()));
            }
            if b.state() == SignalingState::HaveRemoteOffer {
                b.create_answer().sdp
            } else {
                b.create_offer().sdp
            }
        }
    };
    SessionDescription { kind, sdp }
}

#[test]
fn every_transition_is_as_the_table_says() {
    for (state, cells) in TABLE {
        for ((side, kind), cell) in COLUMNS.into_iter().zip(cells) {
            let (mut a, mut b) = in_state(state);
            let before = a.visible();
            let result = match side {
                Side::Local => a.set_local(kind),
                Side::Remote => {
                    let description = said_by(&mut b, &mut a, kind);
                    a.set_remote(&description)
                }
            };
            let what = format!("{state} {side:?} {kind}");
            match (cell, result) {
                (Cell::To(next), Ok(changes)) => {
                    let passed: &[_] = if next == state { &[] } else { &[next] };
                    assert_eq!((a.state(), changes.signaling_states.as_slice()), (next, passed), "{what}");
                    check_slots(&a, side, kind, &what);
                }
                (Cell::Via(next), Ok(changes)) => {
                    assert_eq!(changes.signaling_states, [SignalingState::Stable, next], "{what}");
                    assert_eq!(a.session.pending_local_description(), None, "{what}");
                    check_slots(&a, side, kind, &what);
                }
                (Cell::No, Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidState, "{what}: {error}");
                    assert_eq!(a.visible(), before, "{what}");
                }
                (_, result) => panic!("{what}: {result:?}"),
            }
        }
    }
}

fn check_slots(peer: &Peer, side: Side, kind: SdpType, what: &str) {
    let s = &peer.session;
    let local = (s.current_local_description(), s.pending_local_description());
    let remote = (s.current_remote_description(), s.pending_remote_description());
    let ((current, pending), (other_current, other_pending)) =
        if side == Side::Local { (local, remote) } else { (remote, local) };
    match kind {
        SdpType::Offer | SdpType::Pranswer => assert_eq!(pending.map(|d| d.kind), Some(kind), "{what}"),
        SdpType::Answer => {
            assert_eq!(current.map(|d| d.kind), Some(SdpType::Answer), "{what}");
            assert_eq!(other_current.map(|d| d.kind), Some(SdpType::Offer), "{what}");
        }
        SdpType::Rollback => {}
    }
    if matches!(kind, SdpType::Answer | SdpType::Rollback) {
        assert_eq!((pending, other_pending), (None, None), "{what}");
    }
    assert_eq!(s.local_description(), local.1.or(local.0), "{what}");
    assert_eq!(s.remote_description(), remote.1.or(remote.0), "{what}");
}

#[test]
fn the_table_has_nothing_that_is_not_said_here() {
    for (state, cells) in TABLE {
        for ((side, kind), cell) in COLUMNS.into_iter().zip(cells) {
            let expected = if let Cell::To(next) = cell { Some(next) } else { None };
            assert_eq!(state.next(side, kind), expected, "{state} {side:?} {kind}");
        }
    }
}

#[test]
fn a_closed_session_refuses_every_verb_and_still_reads() {
    let (mut a, _) = in_state(SignalingState::Closed);
    assert_eq!(a.act(Session::create_offer).unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(a.act(Session::create_answer).unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(a.session.add_remote_candidate(None).unwrap_err().kind(), ErrorKind::InvalidState);
    assert!(a.session.local_description().is_some());
}

#[test]
fn the_implicit_type_follows_the_state() {
    use SignalingState::{HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, Stable};
    for (state, next) in [
        (Stable, HaveLocalOffer),
        (HaveLocalOffer, HaveLocalOffer),
        (HaveRemoteOffer, Stable),
        (HaveLocalPranswer, Stable),
    ] {
        let (mut a, _) = in_state(state);
        a.act(|session, local| session.set_local(None, local)).unwrap();
        assert_eq!(a.state(), next, "{state}");
    }
    let (mut a, _) = in_state(SignalingState::HaveRemotePranswer);
    let error = a.act(|session, local| session.set_local(None, local)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
}

#[test]
fn offers_and_answers_are_created_in_their_states_only() {
    for &state in SignalingState::ALL {
        let (mut a, _) = in_state(state);
        let before = a.visible();
        let offers = matches!(state, SignalingState::Stable | SignalingState::HaveLocalOffer);
        let answers = matches!(state, SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer);
        let created = a.act(Session::create_offer);
        assert_eq!(created.is_ok(), offers, "{state}");
        let created = a.act(Session::create_answer);
        assert_eq!(created.is_ok(), answers, "{state}");
        assert!(created.is_ok() || created.unwrap_err().kind() == ErrorKind::InvalidState);
        assert_eq!(a.visible(), before, "{state}: creating changes nothing");
    }
}

/// The table that the session goes by, beside the one that is checked in and was written from webrtc-pc §4.3.1. What has no
/// transition is an `InvalidStateError`, but for a remote offer that rolls ours back first.
#[test]
fn the_declared_table_is_the_one_that_is_checked_in() {
    let mut lines = vec!["# state, whose description, its type -> state".to_owned()];
    for &state in SignalingState::ALL {
        for (side, name) in [(Side::Local, "local"), (Side::Remote, "remote")] {
            for &kind in SdpType::ALL {
                let next = state.next(side, kind).map_or("InvalidStateError", SignalingState::as_str);
                lines.push(format!("{state} {name} {kind} -> {next}"));
            }
        }
    }
    let printed = lines.join("\n") + "\n";
    println!("{printed}");
    assert_eq!(printed, include_str!("transitions.txt"));
}
