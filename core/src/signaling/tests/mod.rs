//! Two sessions talk to each other, and to recorded browsers.

mod candidates;
mod errors;
mod exchange;
mod fast_setup;
mod header_extensions;
mod interleavings;
mod media;
mod media_errors;
mod random;
mod recorded;
mod states;
mod structured;
mod transports;

use crate::base::media::{KindCapabilities, MediaCapabilities};
use crate::base::random::Rng;
use crate::signaling::changes::{Changes, DataChange, SctpAgreement, TransportAgreement, TransportChange};
use crate::signaling::description::{LocalDescriptionInit, SessionDescription};
use crate::signaling::error::SetDescriptionError;
use crate::signaling::fast_setup::FastSetup;
use crate::signaling::local::{
    BundlePolicy, DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_SCTP_PORT, LocalParameters, SessionConfig,
};
use crate::signaling::session::Session;
use crate::signaling::state::{SdpType, SignalingState};
use crate::wire::candidate::{Candidate, Credentials};
use crate::wire::fingerprint::Fingerprint;
use std::sync::Arc;

/// A session with what its owner would have.
#[derive(Clone, Debug)]
struct Peer {
    session: Session,
    name: char,
    ice: Credentials,
    fingerprints: Vec<Fingerprint>,
    ice_lite: bool,
    wants_data: bool,
}

fn credentials(name: char, generation: u32) -> Credentials {
    let ufrag = format!("{name}{generation:03}");
    Credentials::new(&ufrag, &ufrag.repeat(6)).unwrap()
}

fn fingerprint(name: char) -> Fingerprint {
    format!("sha-256 {}", vec![format!("{:02X}", name as u8); 32].join(":")).parse().unwrap()
}

fn candidate(number: u16) -> Candidate {
    format!("candidate:1 1 udp 2130706431 192.0.2.1 {number} typ host").parse().unwrap()
}

impl Peer {
    /// A peer that wants data. The name is one letter, and its credentials begin with it.
    fn new(name: char) -> Self {
        Self::with_policy(name, BundlePolicy::Balanced)
    }

    fn with_policy(name: char, bundle_policy: BundlePolicy) -> Self {
        Self {
            session: Session::new(
                SessionConfig { bundle_policy, ..SessionConfig::default() },
                7,
                Rng::from_number(u64::from(name as u32)),
            ),
            name,
            ice: credentials(name, 1),
            fingerprints: vec![fingerprint(name)],
            ice_lite: false,
            wants_data: true,
        }
    }

    /// One that has no codecs.
    fn deaf(name: char) -> Self {
        let nothing = Arc::new(MediaCapabilities {
            audio: KindCapabilities::default(),
            video: KindCapabilities::default(),
        });
        let config = SessionConfig { media: nothing, ..SessionConfig::default() };
        Self { session: Session::new(config, 7, Rng::from_number(1)), ..Self::new(name) }
    }

    fn without_data(name: char) -> Self {
        Self { wants_data: false, ..Self::new(name) }
    }

    fn act<T>(&mut self, verb: impl FnOnce(&mut Session, &LocalParameters<'_>) -> T) -> T {
        let ice = self.all_ice();
        let local = LocalParameters {
            ice: &ice,
            ice_lite: self.ice_lite,
            fingerprints: &self.fingerprints,
            sctp_port: DEFAULT_SCTP_PORT,
            max_message_size: DEFAULT_MAX_MESSAGE_SIZE,
            wants_data: self.wants_data,
            fast: FastSetup::default(),
            identity: None,
        };
        verb(&mut self.session, &local)
    }

    /// The credentials of each transport; those of the first are `ice`.
    fn all_ice(&self) -> Vec<Credentials> {
        let generation: u32 = self.ice.ufrag[1..].parse().unwrap();
        let more = (1..16).map(|number| credentials(self.name, generation + 100 * number));
        [self.ice.clone()].into_iter().chain(more).collect()
    }

    fn restart_ice(&mut self, generation: u32) {
        self.ice = credentials(self.name, generation);
    }

    fn set_local(&mut self, init: impl Into<LocalDescriptionInit>) -> Result<Changes, SetDescriptionError> {
        let init = Some(init.into());
        self.act(|session, local| session.set_local(init, local))
    }

    fn create_offer(&mut self) -> SessionDescription {
        self.act(Session::create_offer).unwrap()
    }

    fn create_answer(&mut self) -> SessionDescription {
        self.act(Session::create_answer).unwrap()
    }

    /// Creates and sets an offer.
    fn offer(&mut self) -> (SessionDescription, Changes) {
        let changes = self.set_local(SdpType::Offer).unwrap();
        (self.session.pending_local_description().unwrap().clone(), changes)
    }

    /// Creates and sets an answer.
    fn answer(&mut self) -> (SessionDescription, Changes) {
        let changes = self.set_local(SdpType::Answer).unwrap();
        (self.session.current_local_description().unwrap().clone(), changes)
    }

    fn set_remote(&mut self, description: &SessionDescription) -> Result<Changes, SetDescriptionError> {
        self.session.set_remote(description.clone())
    }

    fn hear(&mut self, description: &SessionDescription) -> Changes {
        self.set_remote(description).unwrap()
    }

    fn state(&self) -> SignalingState {
        self.session.signaling_state()
    }

    /// Everything that an error must leave as it was.
    fn visible(&self) -> String {
        let s = &self.session;
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            s.state, s.slots, s.agreed, s.ice_role, s.next_mid, s.generations, s.transceivers, s.media
        )
    }
}

/// A whole exchange. What each side has to carry out comes back, the offerer's first.
fn exchange(offerer: &mut Peer, answerer: &mut Peer) -> (Changes, Changes) {
    let (offer, _) = offerer.offer();
    answerer.hear(&offer);
    let (answer, answered) = answerer.answer();
    (offerer.hear(&answer), answered)
}

fn agreed(changes: &Changes) -> &TransportAgreement {
    match changes.transports.as_slice() {
        [TransportChange::Agreed(agreement)] => agreement,
        other => panic!("{other:?}"),
    }
}

fn sctp(changes: &Changes) -> SctpAgreement {
    match changes.data {
        DataChange::Agreed(agreement) => agreement,
        other => panic!("{other:?}"),
    }
}

fn offer(sdp: impl Into<String>) -> SessionDescription {
    SessionDescription::new(SdpType::Offer, sdp)
}

fn answer(sdp: impl Into<String>) -> SessionDescription {
    SessionDescription::new(SdpType::Answer, sdp)
}

fn pranswer(sdp: impl Into<String>) -> SessionDescription {
    SessionDescription::new(SdpType::Pranswer, sdp)
}
