//! Offers, answers and candidates: asks [`Session`](crate::signaling::session::Session) and carries out what it
//! says.

use crate::base::media::MediaKind;
use crate::base::time::Instant;
use crate::data::event::DataChannelState;
use crate::peer::event::Event;
use crate::peer::link::TransportId;
use crate::peer::{AnswerOptions, DataSection, OfferOptions, PeerConnection};
use crate::signaling::changes::{
    Changes, DataChange, IceRole as AgreedIceRole, RemoteCandidate, TransportChange,
};
use crate::signaling::description::{IceCandidateInit, LocalDescriptionInit, SessionDescription};
use crate::signaling::error::{AddIceCandidateError, CreateDescriptionError, SetDescriptionError};
use crate::signaling::fast_setup::FastSetup;
use crate::signaling::identity::may_claim;
use crate::signaling::local::{DEFAULT_SCTP_PORT, LocalParameters};
use crate::signaling::state::{SdpType, SignalingState};
use crate::transport::ice::IceRole;

/// Which of our ICE credentials a description is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Those in use.
    InUse,
    /// Those of the next restart.
    Next,
}

/// The parameters of the local side, borrowing all fields but the session. A macro, because a method would
/// borrow the session with the rest.
macro_rules! local_parameters {
    ($pc:ident, $ice:expr) => {
        LocalParameters {
            ice_lite: $pc.links.first().ice().is_lite(),
            ice: $ice,
            fingerprints: &$pc.fingerprints,
            sctp_port: DEFAULT_SCTP_PORT,
            max_message_size: u64::from($pc.max_message_size),
            wants_data: $pc.data_section != DataSection::Absent,
            fast: FastSetup { sped: $pc.sped, sctp_init: $pc.sctp_init.as_deref() },
            identity: $pc.identity.as_ref().and_then(|identity| identity.assertion()),
        }
    };
}

impl PeerConnection {
    /// An offer of everything that was asked for so far (`createOffer`). Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`CreateDescriptionError`] when closed, or while a remote offer waits for its answer.
    pub fn create_offer(
        &mut self,
        options: OfferOptions,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        let OfferOptions { ice_restart, offer_to_receive_audio, offer_to_receive_video } = options;
        self.may_create()?;
        if matches!(self.signaling_state(), SignalingState::Stable | SignalingState::HaveLocalOffer) {
            // W3C WebRTC §4.4.3.1: before the offer, and without asking for negotiation.
            let kinds =
                [(MediaKind::Audio, offer_to_receive_audio), (MediaKind::Video, offer_to_receive_video)];
            for (kind, receive) in kinds {
                receive.into_iter().for_each(|receive| self.session.offer_to_receive(kind, receive));
            }
        }
        let generation = if ice_restart { Generation::Next } else { self.offered_generation() };
        let ice = self.credentials_to_offer(generation);
        let local = local_parameters!(self, &ice);
        self.session.create_offer(&local)
    }

    /// W3C Identity §5.1: with a provider, descriptions have its assertion.
    fn may_create(&self) -> Result<(), CreateDescriptionError> {
        match &self.identity {
            Some(identity) if !self.is_closed() => identity.ready(),
            _ => Ok(()),
        }
    }

    /// Asks for new ICE credentials in the next offer (`restartIce`), as after a change of networks: a path is
    /// looked for anew, and data goes on along the present one until another is found. No effect before the
    /// first description.
    pub fn restart_ice(&mut self) {
        if self.is_closed() || self.session.local_description().is_none() {
            return;
        }
        self.note_credentials_to_replace();
        self.update_negotiation_needed(NegotiationCheck::AfterVerb);
    }

    /// The generation of an offer without options: the next one while the one in use is to be replaced.
    fn offered_generation(&self) -> Generation {
        let mut in_use = self.links.iter().map(|(_, link)| &link.transport.local_credentials().ufrag);
        let replace = in_use.any(|ufrag| self.ufrags_to_replace.contains(ufrag));
        if replace { Generation::Next } else { Generation::InUse }
    }

    /// An answer to the remote offer (`createAnswer`). Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`CreateDescriptionError`] when closed, or when there is no remote offer.
    pub fn create_answer(
        &mut self,
        options: AnswerOptions,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        let AnswerOptions {} = options;
        self.may_create()?;
        // An answer takes up new credentials only where its offer restarts ICE.
        let ice = self.credentials_to_answer();
        let local = local_parameters!(self, &ice);
        self.session.create_answer(&local)
    }

    /// Sets what was created last, or creates it on the spot where type or text are left out
    /// (`setLocalDescription`). Gathering begins.
    ///
    /// # Errors
    ///
    /// [`SetDescriptionError`]; nothing has changed then.
    pub fn set_local_description(
        &mut self,
        now: Instant,
        description: Option<LocalDescriptionInit>,
    ) -> Result<(), SetDescriptionError> {
        let now = self.tick(now);
        let creates =
            |init: &LocalDescriptionInit| init.sdp.is_empty() && init.kind != Some(SdpType::Rollback);
        if description.as_ref().is_none_or(creates) {
            self.may_create()?;
        }
        let answers = self.session.signaling_state() == SignalingState::HaveRemoteOffer;
        let ice = match answers {
            true => self.credentials_to_answer(),
            false => self.credentials_to_offer(self.offered_generation()),
        };
        let local = local_parameters!(self, &ice);
        let changes = self.session.set_local(description, &local)?;
        self.carry_out(now, changes);
        Ok(())
    }

    /// Sets what the peer sent (`setRemoteDescription`). An offer that crosses our own rolls ours back.
    ///
    /// # Errors
    ///
    /// [`SetDescriptionError`]; nothing has changed then.
    pub fn set_remote_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), SetDescriptionError> {
        let now = self.tick(now);
        self.admit_identity(&description)?;
        let claims = may_claim(&description.sdp);
        let changes = self.session.set_remote(description)?;
        self.carry_out(now, changes);
        if claims && let Some(remote) = self.session.remote_description() {
            let sdp = remote.sdp.clone();
            self.check_description(now, &sdp);
        }
        Ok(())
    }

    /// Takes a candidate that the peer trickled (`addIceCandidate`). `None`, or an empty candidate: there are
    /// no more.
    ///
    /// # Errors
    ///
    /// [`AddIceCandidateError`]; nothing has changed then.
    pub fn add_ice_candidate(
        &mut self,
        now: Instant,
        candidate: Option<&IceCandidateInit>,
    ) -> Result<(), AddIceCandidateError> {
        let now = self.tick(now);
        match self.session.add_remote_candidate(candidate)? {
            RemoteCandidate::Candidate { transport, ufrag, candidate } => {
                for id in self.components_of(transport, &ufrag) {
                    if let Some(link) = self.links.get_mut(id).filter(|_| id.is_for(&candidate)) {
                        link.transport.add_remote_candidate(now, &candidate);
                    }
                }
            }
            RemoteCandidate::EndOfCandidates { transport, ufrag } => {
                for id in self.components_of(transport, &ufrag) {
                    if let Some(link) = self.links.get_mut(id) {
                        link.transport.end_of_remote_candidates(now);
                    }
                }
            }
            RemoteCandidate::Held | RemoteCandidate::Ignored => {}
        }
        self.settle(now);
        Ok(())
    }

    // W3C WebRTC §4.4.1.5: one task changes everything, then the events go out.
    fn carry_out(&mut self, now: Instant, changes: Changes) {
        let Changes { signaling_states, gather, early_candidates, ice_role, transports, data, tracks, media } =
            changes;
        // Stable again without an agreement: what the offer began is taken back.
        let rolled_back = signaling_states.first() == Some(&SignalingState::Stable) && transports.is_empty();
        self.events.extend(signaling_states.into_iter().map(Event::SignalingStateChange));
        self.tell_tracks(tracks);
        self.events
            .extend(early_candidates.into_iter().map(|early| Event::IceCandidate(Some(Box::new(early)))));
        if let Some(role) = ice_role {
            let role = match role {
                AgreedIceRole::Controlling => IceRole::Controlling,
                AgreedIceRole::Controlled => IceRole::Controlled,
            };
            self.links.for_each(|transport| transport.set_ice_role(now, role));
        }
        for (number, credentials) in gather {
            self.gather(now, TransportId::of(number), &credentials);
        }
        self.split_links(now, &transports);
        self.gather_rtcp(now);
        self.move_data(&transports);
        let agreed = !transports.is_empty();
        for transport in transports {
            match transport {
                TransportChange::Agreed(agreement) => self.agree_on_transport(now, &agreement),
                TransportChange::Closed(index) => self.close_link(now, TransportId::of(index)),
            }
        }
        self.close_unused_links(now, agreed);
        if rolled_back {
            self.links.for_each(|transport| transport.cancel_restart(now));
        }
        self.change_data(now, data);
        if media {
            self.change_media(now);
        }
        self.settle(now);
        self.update_negotiation_needed(NegotiationCheck::AfterDescription);
    }

    fn change_data(&mut self, now: Instant, change: DataChange) {
        match change {
            DataChange::Created => self.data_section = DataSection::Described,
            DataChange::RolledBack => self.data_section = self.without_description(),
            DataChange::Agreed(agreement) => {
                self.data_section = DataSection::Described;
                self.data.set_remote(agreement.remote_port, agreement.max_message_size);
                let init = self.sctp_init.as_ref().and_then(|_| self.session.agreed_sctp_init());
                // A chunk that is well-formed and still of no use: SCTP shakes hands after all.
                let _ = self.data.set_remote_sctp_init(init.as_deref());
                self.start_data(now);
            }
            DataChange::Closed => {
                self.data.transport_closed();
                self.data.reopen();
                // Our chunk was that association's.
                self.sctp_init = None;
                self.data_section = self.without_description();
            }
            DataChange::Unchanged => {}
        }
    }

    fn without_description(&self) -> DataSection {
        let waiting =
            self.data.channels().any(|(_, channel)| channel.ready_state() == DataChannelState::Connecting);
        if waiting { DataSection::Wanted } else { DataSection::Absent }
    }

    // W3C WebRTC §4.7.3. There is no operations chain to wait for: a verb is over when it returns.
    pub(super) fn update_negotiation_needed(&mut self, check: NegotiationCheck) {
        if self.session.signaling_state() != SignalingState::Stable {
            return;
        }
        if check == NegotiationCheck::AfterDescription {
            self.negotiation_needed = false;
        }
        let needed = self.session.is_negotiation_needed(
            self.data_section != DataSection::Absent,
            !self.ufrags_to_replace.is_empty(),
        );
        if needed && !self.negotiation_needed {
            self.events.push(Event::NegotiationNeeded);
        }
        self.negotiation_needed = needed;
    }

    /// The pending local description, or the current one (`localDescription`).
    #[must_use]
    pub fn local_description(&self) -> Option<&SessionDescription> {
        self.session.local_description()
    }

    /// The local description that was negotiated last (`currentLocalDescription`).
    #[must_use]
    pub fn current_local_description(&self) -> Option<&SessionDescription> {
        self.session.current_local_description()
    }

    /// The local description that is being negotiated (`pendingLocalDescription`).
    #[must_use]
    pub fn pending_local_description(&self) -> Option<&SessionDescription> {
        self.session.pending_local_description()
    }

    /// The pending remote description, or the current one (`remoteDescription`).
    #[must_use]
    pub fn remote_description(&self) -> Option<&SessionDescription> {
        self.session.remote_description()
    }

    /// The remote description that was negotiated last (`currentRemoteDescription`).
    #[must_use]
    pub fn current_remote_description(&self) -> Option<&SessionDescription> {
        self.session.current_remote_description()
    }

    /// The remote description that is being negotiated (`pendingRemoteDescription`).
    #[must_use]
    pub fn pending_remote_description(&self) -> Option<&SessionDescription> {
        self.session.pending_remote_description()
    }

    /// Whether the peer takes trickled candidates (`canTrickleIceCandidates`); `None` before its first
    /// description.
    #[must_use]
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.session.can_trickle_ice_candidates()
    }
}

/// What makes the connection look whether it has to negotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NegotiationCheck {
    /// The application asked for something new.
    AfterVerb,
    /// A description was set, which may have answered an earlier need.
    AfterDescription,
}
