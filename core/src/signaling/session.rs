//! The session: the signaling state, the four description slots, and the verbs.

use crate::signaling::changes::{Changes, RemoteCandidate};
use crate::signaling::description::{IceCandidateInit, LocalDescriptionInit, SessionDescription};
use crate::signaling::error::{AddIceCandidateError, CreateDescriptionError, SetDescriptionError};
use crate::signaling::local::{LocalParameters, SessionConfig};
use crate::signaling::state::SignalingState;
use crate::wire::candidate::Candidate;

/// The offer/answer side of one peer connection (RFC 9429).
#[derive(Debug)]
pub struct Session {
    state: SignalingState,
}

impl Session {
    /// A session in `stable` without descriptions. `session_id` is drawn at random by the owner; its top bit
    /// is not used (RFC 9429 §5.2.1).
    #[must_use]
    pub fn new(config: SessionConfig, session_id: u64) -> Self {
        let _ = (config, session_id);
        Self { state: SignalingState::Stable }
    }

    /// An offer of what the session has and wants. Changes nothing that anyone can see.
    pub fn create_offer(
        &mut self,
        local: &LocalParameters<'_>,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        let _ = local;
        todo!()
    }

    /// An answer to the pending remote offer.
    pub fn create_answer(
        &mut self,
        local: &LocalParameters<'_>,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        let _ = local;
        todo!()
    }

    /// Sets a local description: the one created last, or, with the text left out, one created on the spot.
    /// `None` leaves out the type, too. All or nothing: after an error the session is as it was.
    pub fn set_local(
        &mut self,
        description: Option<LocalDescriptionInit>,
        local: &LocalParameters<'_>,
    ) -> Result<Changes, SetDescriptionError> {
        let _ = (description, local);
        todo!()
    }

    /// Sets a remote description. An offer that meets our own outstanding one rolls that back first. All or
    /// nothing: after an error the session is as it was.
    pub fn set_remote(
        &mut self,
        description: SessionDescription,
        local: &LocalParameters<'_>,
    ) -> Result<Changes, SetDescriptionError> {
        let _ = (description, local);
        todo!()
    }

    /// Takes a trickled remote candidate and writes it into the remote description it belongs to. `None`, or
    /// no section and an empty candidate: no more candidates will come for any section.
    pub fn add_remote_candidate(
        &mut self,
        candidate: Option<&IceCandidateInit>,
    ) -> Result<RemoteCandidate, AddIceCandidateError> {
        let _ = candidate;
        todo!()
    }

    /// Records a gathered candidate of the local generation `ufrag` and writes it into the local descriptions
    /// of that generation. `Some` is an `icecandidate` to announce now; `None`: no description names the
    /// generation yet, and the candidate comes with a later [`Changes::early_candidates`].
    pub fn add_local_candidate(&mut self, ufrag: &str, candidate: &Candidate) -> Option<IceCandidateInit> {
        let _ = (ufrag, candidate);
        todo!()
    }

    /// Records that the local generation `ufrag` is gathered. As with
    /// [`add_local_candidate`](Self::add_local_candidate), with an empty candidate.
    pub fn end_of_local_candidates(&mut self, ufrag: &str) -> Option<IceCandidateInit> {
        let _ = ufrag;
        todo!()
    }

    /// Closes the session: the state is `closed`, descriptions stay readable, every verb refuses.
    pub fn close(&mut self) {
        self.state = SignalingState::Closed;
    }

    /// Where the session stands.
    #[must_use]
    pub const fn signaling_state(&self) -> SignalingState {
        self.state
    }

    /// The pending local description, or else the current one.
    #[must_use]
    pub fn local_description(&self) -> Option<&SessionDescription> {
        todo!()
    }

    /// The local description of the last completed exchange.
    #[must_use]
    pub fn current_local_description(&self) -> Option<&SessionDescription> {
        todo!()
    }

    /// The local description of the exchange under way.
    #[must_use]
    pub fn pending_local_description(&self) -> Option<&SessionDescription> {
        todo!()
    }

    /// The pending remote description, or else the current one.
    #[must_use]
    pub fn remote_description(&self) -> Option<&SessionDescription> {
        todo!()
    }

    /// The remote description of the last completed exchange.
    #[must_use]
    pub fn current_remote_description(&self) -> Option<&SessionDescription> {
        todo!()
    }

    /// The remote description of the exchange under way.
    #[must_use]
    pub fn pending_remote_description(&self) -> Option<&SessionDescription> {
        todo!()
    }

    /// Whether the peer takes trickled candidates; `None` before its first description.
    #[must_use]
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        todo!()
    }

    /// The check of webrtc-pc §4.7.3 (the flag and its event are the owner's, and so is asking only in
    /// `stable`): whether what the local side wants differs from what was negotiated.
    ///
    /// `data_wanted`: a data channel was ever created. `restart_wanted`: an ICE restart is due.
    #[must_use]
    pub fn is_negotiation_needed(&self, data_wanted: bool, restart_wanted: bool) -> bool {
        let _ = (data_wanted, restart_wanted);
        todo!()
    }
}
