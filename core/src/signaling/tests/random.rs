//! Two sessions under arbitrary sequences of verbs: what must hold holds after each.

use super::{Peer, candidate};
use crate::signaling::changes::{Changes, TransportChange};
use crate::signaling::description::{IceCandidateInit, SessionDescription};
use crate::signaling::error::SetDescriptionError;
use crate::signaling::state::{SdpType, SignalingState};
use crate::wire::sdp::description::Description;
use quickcheck::{Arbitrary, Gen, quickcheck};

#[derive(Clone, Copy, Debug)]
enum Verb {
    /// Creates and sets a description of this type, without sending it.
    SetLocal(SdpType),
    /// Hands over the newest local description, whatever it is.
    Deliver,
    /// Hands over any description that was ever created, as a description of this type.
    Replay(usize, SdpType),
    Rollback,
    WantData,
    RestartIce,
    Gather(u16),
    GatheringDone,
    /// Hands over the oldest candidate that was not handed over.
    Trickle,
}

impl Arbitrary for Verb {
    fn arbitrary(g: &mut Gen) -> Self {
        let kinds = [SdpType::Offer, SdpType::Pranswer, SdpType::Answer];
        let kind = *g.choose(&kinds).unwrap();
        match u8::arbitrary(g) % 16 {
            0..=4 => Self::SetLocal(kind),
            5..=8 => Self::Deliver,
            9 => Self::Replay(usize::arbitrary(g), kind),
            10 => Self::Rollback,
            11 => Self::WantData,
            12 => Self::RestartIce,
            13 => Self::Gather(u16::arbitrary(g) % 8),
            14 => Self::GatheringDone,
            _ => Self::Trickle,
        }
    }
}

/// One side, and what was ever seen of it.
struct Side {
    peer: Peer,
    generation: u32,
    version: u64,
    media: Vec<String>,
    trickle: Vec<IceCandidateInit>,
}

impl Side {
    fn new(name: char) -> Self {
        let peer = Peer::without_data(name);
        Self { peer, generation: 1, version: 0, media: Vec::new(), trickle: Vec::new() }
    }

    fn local(&mut self, verb: Verb) -> Result<Option<Changes>, SetDescriptionError> {
        let ufrag = self.peer.ice.ufrag.clone();
        match verb {
            Verb::SetLocal(kind) => return self.peer.set_local(kind).map(Some),
            Verb::Rollback => return self.peer.set_local(SdpType::Rollback).map(Some),
            Verb::WantData => self.peer.wants_data = true,
            Verb::RestartIce => {
                self.generation += 1;
                self.peer.restart_ice(self.generation);
            }
            Verb::Gather(port) => {
                self.trickle.extend(self.peer.session.add_local_candidate(0, &ufrag, &candidate(port)));
            }
            Verb::GatheringDone => self.trickle.extend(self.peer.session.end_of_local_candidates(0, &ufrag)),
            Verb::Deliver | Verb::Replay(..) | Verb::Trickle => {}
        }
        Ok(None)
    }

    /// Versions only grow, and only with the text; sections never go and never change places.
    fn check_texts(&mut self) {
        let session = &self.peer.session;
        let state = session.signaling_state();
        let pending = (session.pending_local_description(), session.pending_remote_description());
        let expected = match state {
            SignalingState::HaveLocalOffer => (Some(SdpType::Offer), None),
            SignalingState::HaveRemoteOffer => (None, Some(SdpType::Offer)),
            SignalingState::HaveLocalPranswer => (Some(SdpType::Pranswer), Some(SdpType::Offer)),
            SignalingState::HaveRemotePranswer => (Some(SdpType::Offer), Some(SdpType::Pranswer)),
            SignalingState::Stable | SignalingState::Closed => (None, None),
        };
        assert_eq!((pending.0.map(|d| d.kind), pending.1.map(|d| d.kind)), expected, "{state}");
        if let (Some(local), Some(remote)) =
            (session.current_local_description(), session.current_remote_description())
        {
            let (local, remote) = (Shape::of(local), Shape::of(remote));
            assert_eq!(local.media, remote.media);
            assert!(local.media.starts_with(&self.media), "{:?} {:?}", local.media, self.media);
            self.media = local.media;
        }
        if let Some(local) = session.local_description() {
            let shape = Shape::of(local);
            if local.kind != SdpType::Rollback && session.pending_local_description().is_some() {
                assert!(shape.version >= self.version);
                self.version = shape.version;
            }
        }
    }
}

struct Shape {
    version: u64,
    media: Vec<String>,
}

impl Shape {
    fn of(description: &SessionDescription) -> Self {
        let parsed = Description::parse(&description.sdp).expect("every text that is kept reads back");
        Self {
            version: parsed.origin.session_version.parse().unwrap(),
            media: parsed.sections.iter().map(|section| section.media.to_owned()).collect(),
        }
    }
}

fn check_changes(before: SignalingState, after: SignalingState, changes: &Changes) {
    let states = &changes.signaling_states;
    assert_eq!(states.last().copied().unwrap_or(before), after);
    assert!(states.windows(2).all(|pair| pair[0] != pair[1]) && states.first() != Some(&before));
    for change in &changes.transports {
        if let TransportChange::Agreed(agreement) = change {
            assert!(!agreement.fingerprints.is_empty());
        }
    }
}

/// Does what `verb` says on side `at`; `false` when it was refused.
fn step(sides: &mut [Side; 2], at: usize, verb: Verb, created: &mut Vec<SessionDescription>) -> bool {
    let before = (sides[at].peer.state(), sides[at].peer.visible());
    let result = match verb {
        Verb::Deliver | Verb::Replay(..) => {
            let newest = sides[1 - at].peer.session.pending_local_description();
            let newest = newest.or(sides[1 - at].peer.session.current_local_description()).cloned();
            let replayed = |index: usize, kind| {
                created
                    .get(index % created.len().max(1))
                    .map(|d| SessionDescription::new(kind, d.sdp.clone()))
            };
            let description =
                if let Verb::Replay(index, kind) = verb { replayed(index, kind) } else { newest };
            match description {
                Some(description) => sides[at].peer.set_remote(&description).map(Some),
                None => Ok(None),
            }
        }
        Verb::Trickle => {
            if !sides[1 - at].trickle.is_empty() {
                let init = sides[1 - at].trickle.remove(0);
                let _ = sides[at].peer.session.add_remote_candidate(Some(&init));
            }
            Ok(None)
        }
        local => sides[at].local(local),
    };
    match result {
        Ok(changes) => {
            if let Some(changes) = changes {
                check_changes(before.0, sides[at].peer.state(), &changes);
                sides[at].trickle.extend(changes.early_candidates);
            }
            created.extend(sides[at].peer.session.pending_local_description().cloned());
            true
        }
        Err(_) => {
            assert_eq!(sides[at].peer.visible(), before.1, "an error changes nothing");
            false
        }
    }
}

quickcheck! {
    fn any_sequence_of_verbs_keeps_the_session_whole(verbs: Vec<(bool, Verb)>) -> bool {
        let mut sides = [Side::new('a'), Side::new('b')];
        let mut created = Vec::new();
        for (second, verb) in verbs {
            step(&mut sides, usize::from(second), verb, &mut created);
            sides.iter_mut().for_each(Side::check_texts);
        }
        true
    }

    /// Whatever went on before: both back to stable, and the next honest exchange succeeds.
    fn honest_exchanges_always_succeed(rounds: Vec<(bool, bool, bool, bool)>) -> bool {
        let mut sides = [Side::new('a'), Side::new('b')];
        for (second, want_data, restart, glare) in rounds {
            let (offerer, answerer) = (usize::from(second), 1 - usize::from(second));
            let mut created = Vec::new();
            let mut act = |sides: &mut [Side; 2], at, verb| {
                assert!(step(sides, at, verb, &mut created), "{verb:?}");
                sides.iter_mut().for_each(Side::check_texts);
            };
            if want_data {
                act(&mut sides, offerer, Verb::WantData);
            }
            if restart {
                act(&mut sides, offerer, Verb::RestartIce);
                act(&mut sides, answerer, Verb::RestartIce);
            }
            act(&mut sides, offerer, Verb::SetLocal(SdpType::Offer));
            if glare {
                act(&mut sides, answerer, Verb::SetLocal(SdpType::Offer));
            }
            act(&mut sides, answerer, Verb::Deliver);
            act(&mut sides, answerer, Verb::SetLocal(SdpType::Answer));
            act(&mut sides, offerer, Verb::Deliver);
            assert!(sides.iter().all(|side| side.peer.state() == SignalingState::Stable));
            let [a, b] = [0, 1].map(|at: usize| sides[at].peer.session.agreed.clone());
            assert_eq!(a.transports.len(), b.transports.len());
            assert_eq!(a.data.as_ref().map(|data| data.section), b.data.as_ref().map(|data| data.section));
            for (a, b) in a.transports.iter().zip(&b.transports) {
                assert_eq!((&a.local_ice, &a.remote_ice), (&b.remote_ice, &b.local_ice));
                assert_ne!(a.dtls_role, b.dtls_role);
                assert_eq!(a.sections, b.sections);
            }
            assert!(a.data.is_some() || !sides[offerer].peer.wants_data);
        }
        true
    }
}
