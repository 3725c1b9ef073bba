//! The session: the signaling state, the four description slots, and the verbs.

use crate::base::negotiated::NegotiatedSection;
use crate::base::random::Rng;
use crate::signaling::agreement::Agreement;
use crate::signaling::apply::{Checked, KnownRole};
use crate::signaling::changes::{Changes, RemoteCandidate};
use crate::signaling::content::{IceOptions, Nominations};
use crate::signaling::description::{IceCandidateInit, LocalDescriptionInit, SessionDescription};
use crate::signaling::error::{AddIceCandidateError, CreateDescriptionError, SetDescriptionError};
use crate::signaling::fast_setup::SPED;
use crate::signaling::generations::Generations;
use crate::signaling::local::{LocalParameters, SessionConfig};
use crate::signaling::payloads::Memory;
use crate::signaling::plan::Plan;
use crate::signaling::slots::{AllSlots, Applied, Created};
use crate::signaling::state::{SdpType, Side, SignalingState};
use crate::signaling::transceiver::{Transceivers, random_text};
use crate::signaling::write::{Frame, Versions, What};
use crate::wire::candidate::Candidate;
use data_encoding::BASE64;

/// The offer/answer side of one peer connection (RFC 9429).
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Session {
    pub(in crate::signaling) config: SessionConfig,
    session_id: String,
    versions: Versions,
    pub(in crate::signaling) state: SignalingState,
    pub(in crate::signaling) slots: AllSlots,
    pub(in crate::signaling) last_offer: Option<Created>,
    pub(in crate::signaling) last_answer: Option<Created>,
    /// Mids that are smaller numbers were used.
    pub(in crate::signaling) next_mid: u32,
    pub(in crate::signaling) generations: Generations,
    /// What the last answer or provisional answer agreed: what the owner was told.
    pub(in crate::signaling) agreed: Agreement,
    /// What the last answer agreed: what the exchange under way has to fit.
    pub(in crate::signaling) settled: Agreement,
    pub(in crate::signaling) ice_role: KnownRole,
    pub(in crate::signaling) transceivers: Transceivers,
    /// The agreed sections of audio and video.
    pub(in crate::signaling) media: Vec<NegotiatedSection>,
    /// Payload types and header extension ids that were ever in use.
    pub(in crate::signaling) used: Memory,
    /// The canonical name of everything that is sent.
    pub(in crate::signaling) cname: String,
    /// The stream of tracks whose peer says nothing of streams.
    pub(in crate::signaling) default_stream: String,
    /// Draws ids and sources.
    pub(in crate::signaling) rng: Rng,
}

impl Session {
    /// A session in `stable` without descriptions. `session_id` is drawn at random by the owner; its top bit
    /// is not used (RFC 9429 §5.2.1).
    #[must_use]
    pub fn new(config: SessionConfig, session_id: u64, mut rng: Rng) -> Self {
        Self {
            config,
            session_id: (session_id & (u64::MAX >> 1)).to_string(),
            versions: Versions::default(),
            state: SignalingState::Stable,
            slots: AllSlots::default(),
            last_offer: None,
            last_answer: None,
            next_mid: 0,
            generations: Generations::default(),
            agreed: Agreement::default(),
            settled: Agreement::default(),
            ice_role: KnownRole::Unknown,
            transceivers: Transceivers::default(),
            media: Vec::new(),
            used: Memory::default(),
            cname: random_text(&mut rng),
            default_stream: random_text(&mut rng),
            rng,
        }
    }

    /// An offer of what the session has and wants. Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// Closed, in another state than `stable` and `have-local-offer`, or without a fingerprint.
    pub fn create_offer(
        &mut self,
        local: &LocalParameters<'_>,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        match self.state {
            SignalingState::Stable | SignalingState::HaveLocalOffer => {}
            SignalingState::Closed => return Err(CreateDescriptionError::Closed),
            state => return Err(CreateDescriptionError::OfferInState(state)),
        }
        let plan = self.plan_offer(local);
        let nominations = self.nominations();
        let options = IceOptions { trickle: true, ice2: true, nominations };
        let offer = self.write(SdpType::Offer, plan, (options, true), local)?;
        Ok(self.last_offer.insert(offer).description())
    }

    /// An answer to the pending remote offer. Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// Closed, in another state than `have-remote-offer` and `have-local-pranswer`, or without a fingerprint.
    pub fn create_answer(
        &mut self,
        local: &LocalParameters<'_>,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        let offer = match (self.state, self.slots.remote.pending_offer()) {
            (SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer, Some(offer)) => offer,
            (SignalingState::Closed, _) => return Err(CreateDescriptionError::Closed),
            (state, _) => return Err(CreateDescriptionError::AnswerInState(state)),
        };
        let plan = self.plan_answer(offer, local);
        let options = (offer.options, offer.allow_mixed);
        let answer = self.write(SdpType::Answer, plan, options, local)?;
        Ok(self.last_answer.insert(answer).description())
    }

    /// Whether both sides say that nominations may be numbered (draft-thatcher-ice-renomination).
    #[must_use]
    pub fn agreed_renomination(&self) -> bool {
        let theirs = self.slots.remote.newest().map(|theirs| theirs.content.options.nominations);
        (self.nominations(), theirs) == (Nominations::Numbered, Some(Nominations::Numbered))
    }

    const fn nominations(&self) -> Nominations {
        if self.config.renomination { Nominations::Numbered } else { Nominations::Plain }
    }

    fn write(
        &mut self,
        kind: SdpType,
        plan: Plan,
        (options, allow_mixed): (IceOptions, bool),
        local: &LocalParameters<'_>,
    ) -> Result<Created, CreateDescriptionError> {
        if local.fingerprints.is_empty() {
            return Err(CreateDescriptionError::NoFingerprint);
        }
        let mid = |at: &usize| plan.sections[*at].mid.clone();
        let mids = |group: &Vec<usize>| group.iter().filter_map(mid).collect::<Vec<_>>().join(" ");
        let groups: Vec<String> = plan.groups.iter().map(mids).filter(|group| !group.is_empty()).collect();
        let has_media = plan.sections.iter().any(|section| matches!(section.what, What::Rtp(_)));
        let answers =
            matches!(self.state, SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer);
        let fast = self.fast_setup(local.fast, answers);
        let numbered = [options.nominations, self.nominations()] == [Nominations::Numbered; 2];
        // RFC 9429 §5.3.1: an answer has the options that were offered.
        let words = [
            (options.trickle, "trickle"),
            (options.ice2, "ice2"),
            (numbered, "renomination"),
            (fast.sped, SPED),
        ];
        let words: Vec<_> = words.into_iter().filter(|(is_said, _)| *is_said).map(|(_, word)| word).collect();
        let words = words.join(" ");
        let chunk = fast.sctp_init.map(|chunk| BASE64.encode(chunk));
        let frame = Frame {
            session_id: &self.session_id,
            groups: &groups,
            ice_options: &words,
            sctp_init: chunk.as_deref(),
            ice_lite: local.ice_lite,
            allow_mixed: allow_mixed && has_media,
            fingerprints: local.fingerprints,
            identity: local.identity,
        };
        let stamped = self.versions.stamp(kind, &plan.sections, frame);
        let (sdp, content) = stamped.map_err(|_| CreateDescriptionError::BadCredentials)?;
        let Plan { makers, numbers, .. } = plan;
        Ok(Created { kind, sdp, content, makers, numbers })
    }

    /// Sets a local description: the one created last, or, with the text left out, one created on the spot.
    /// `None` leaves out the type, too. All or nothing: after an error the session is as it was.
    ///
    /// # Errors
    ///
    /// See [`SetDescriptionError`]; among them that the text is not the one created last.
    pub fn set_local(
        &mut self,
        description: Option<LocalDescriptionInit>,
        local: &LocalParameters<'_>,
    ) -> Result<Changes, SetDescriptionError> {
        if self.state == SignalingState::Closed {
            return Err(SetDescriptionError::Closed);
        }
        let LocalDescriptionInit { kind, sdp } = description.unwrap_or_default();
        let kind = kind.unwrap_or_else(|| self.implicit_type());
        if kind == SdpType::Rollback {
            return self.roll_back(Side::Local);
        }
        let created = if kind == SdpType::Offer { &self.last_offer } else { &self.last_answer };
        if !sdp.is_empty() && created.as_ref().is_none_or(|created| created.sdp != sdp) {
            return Err(SetDescriptionError::Modified(kind));
        }
        let next = self.state.next(Side::Local, kind);
        let next = next.ok_or(SetDescriptionError::LocalInState { kind, state: self.state })?;
        if sdp.is_empty() {
            self.create_implicitly(kind, local)?;
        }
        let created = match kind {
            SdpType::Answer => self.last_answer.take(),
            SdpType::Offer => self.last_offer.clone(),
            _ => self.last_answer.clone(),
        };
        // There is one now, in any case.
        let created = created.ok_or(SetDescriptionError::Modified(kind))?;
        Ok(self.commit(Checked::own(kind, created, next)))
    }

    // webrtc-pc §4.4.1.4
    const fn implicit_type(&self) -> SdpType {
        match self.state {
            SignalingState::Stable | SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer => {
                SdpType::Offer
            }
            _ => SdpType::Answer,
        }
    }

    fn create_implicitly(
        &mut self,
        kind: SdpType,
        local: &LocalParameters<'_>,
    ) -> Result<(), CreateDescriptionError> {
        match kind {
            SdpType::Offer => self.create_offer(local),
            _ => self.create_answer(local),
        }
        .map(|_| ())
    }

    /// Sets a remote description. An offer that meets our own outstanding one rolls that back first, provided
    /// that the offer can be set. All or nothing: after an error the session is as it was.
    ///
    /// # Errors
    ///
    /// See [`SetDescriptionError`].
    pub fn set_remote(&mut self, description: SessionDescription) -> Result<Changes, SetDescriptionError> {
        if self.state == SignalingState::Closed {
            return Err(SetDescriptionError::Closed);
        }
        if description.kind == SdpType::Rollback {
            return self.roll_back(Side::Remote);
        }
        let checked = self.check(description)?;
        Ok(self.commit(checked))
    }

    /// Takes a trickled remote candidate and writes it into the remote descriptions that it belongs to.
    /// `None`, or no section and an empty candidate: no more candidates will come for any section.
    ///
    /// # Errors
    ///
    /// See [`AddIceCandidateError`].
    pub fn add_remote_candidate(
        &mut self,
        candidate: Option<&IceCandidateInit>,
    ) -> Result<RemoteCandidate, AddIceCandidateError> {
        let end = IceCandidateInit::default();
        let init = candidate.unwrap_or(&end);
        let no_section = init.sdp_mid.is_none() && init.sdp_m_line_index.is_none();
        if !init.candidate.is_empty() && no_section {
            return Err(AddIceCandidateError::NoSection);
        }
        if self.state == SignalingState::Closed {
            return Err(AddIceCandidateError::Closed);
        }
        self.take_remote(init)
    }

    /// Records a gathered candidate of the local generation `ufrag` of a transport and writes it into the local descriptions
    /// of that generation. `Some` is an `icecandidate` to announce now. `None`: it was known, or no
    /// description names the generation yet and the candidate comes with a later
    /// [`Changes::early_candidates`].
    pub fn add_local_candidate(
        &mut self,
        transport: usize,
        ufrag: &str,
        candidate: &Candidate,
    ) -> Option<IceCandidateInit> {
        let new = self.generations.entry(transport, ufrag).add(candidate);
        if new { self.announce(transport, ufrag, Some(candidate)) } else { None }
    }

    /// Records that the local generation `ufrag` of a transport is gathered. As with
    /// [`add_local_candidate`](Self::add_local_candidate), with an empty candidate.
    pub fn end_of_local_candidates(&mut self, transport: usize, ufrag: &str) -> Option<IceCandidateInit> {
        let new = self.generations.entry(transport, ufrag).complete();
        if new { self.announce(transport, ufrag, None) } else { None }
    }

    /// The port for RTCP is gone, and what was gathered for it in the local generation `ufrag` of a transport: later descriptions do not
    /// have it.
    pub fn drop_rtcp_candidates(&mut self, transport: usize, ufrag: &str) {
        self.generations.entry(transport, ufrag).drop_rtcp();
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

    /// The pending local description, or else the current one, with every candidate announced so far.
    #[must_use]
    pub fn local_description(&self) -> Option<&SessionDescription> {
        self.slots.local.newest().map(text_of)
    }

    /// The local description of the last completed exchange.
    #[must_use]
    pub fn current_local_description(&self) -> Option<&SessionDescription> {
        self.slots.local.current.as_ref().map(text_of)
    }

    /// The local description of the exchange under way.
    #[must_use]
    pub fn pending_local_description(&self) -> Option<&SessionDescription> {
        self.slots.local.pending.as_ref().map(text_of)
    }

    /// The pending remote description, or else the current one, with every candidate added so far.
    #[must_use]
    pub fn remote_description(&self) -> Option<&SessionDescription> {
        self.slots.remote.newest().map(text_of)
    }

    /// The remote description of the last completed exchange.
    #[must_use]
    pub fn current_remote_description(&self) -> Option<&SessionDescription> {
        self.slots.remote.current.as_ref().map(text_of)
    }

    /// The remote description of the exchange under way.
    #[must_use]
    pub fn pending_remote_description(&self) -> Option<&SessionDescription> {
        self.slots.remote.pending.as_ref().map(text_of)
    }

    /// Whether the peer takes trickled candidates; `None` before its first description.
    #[must_use]
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.slots.remote.newest().map(|applied| applied.content.options.trickle)
    }
}

const fn text_of(applied: &Applied) -> &SessionDescription {
    &applied.description
}
