//! Setting a description: everything is checked first, then everything changes.

use crate::base::media::TransceiverId;
use crate::signaling::agreement::Agreement;
use crate::signaling::changes::{Changes, DataChange, IceRole, TransportChange};
use crate::signaling::checks::{self, Against};
use crate::signaling::content::Content;
use crate::signaling::description::SessionDescription;
use crate::signaling::error::SetDescriptionError;
use crate::signaling::generations::Generations;
use crate::signaling::session::Session;
use crate::signaling::slots::{Applied, Created};
use crate::signaling::state::{SdpType, Side, SignalingState};
use crate::signaling::{fast_setup, rtp_checks};
use crate::wire::sdp::description::Description;

/// A description that may be set.
#[derive(Debug)]
pub(in crate::signaling) struct Checked {
    side: Side,
    applied: Applied,
    /// The transceiver of each section, of an offer of ours.
    makers: Vec<Option<TransceiverId>>,
    next: SignalingState,
    /// Our own outstanding offer gives way first.
    rolls_back: bool,
}

impl Checked {
    /// One that we made, and that leads to `next`: there is nothing to check.
    pub fn own(kind: SdpType, created: Created, next: SignalingState) -> Self {
        let Created { sdp, content, makers, numbers, .. } = created;
        let applied = Applied { description: SessionDescription { kind, sdp }, content, numbers };
        Self { side: Side::Local, applied, makers, next, rolls_back: false }
    }
}

/// What is known of the ICE role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) enum KnownRole {
    #[default]
    Unknown,
    /// Until an answer says who the peer is.
    Provisional(IceRole),
    Settled(IceRole),
}

impl Session {
    /// Checks a remote description, in the order in which webrtc-pc §4.4.1.5 names the errors.
    pub(in crate::signaling) fn check(
        &self,
        description: SessionDescription,
    ) -> Result<Checked, SetDescriptionError> {
        let kind = description.kind;
        let (next, rolls_back) = self.next_state(kind)?;
        let parsed = Description::parse(&description.sdp)?;
        let content = Content::read(&parsed, kind)?;
        self.check_rtcp(kind, &content)?;
        rtp_checks::check(&parsed, &content)?;
        fast_setup::check(&parsed)?;
        let against = Against {
            kind,
            offer: self.slots.local.pending_offer().filter(|_| kind != SdpType::Offer),
            current: self.slots.current(),
            settled: &self.settled,
        };
        checks::check(&content, against)?;
        let applied = Applied { description, content, numbers: Vec::new() };
        Ok(Checked { side: Side::Remote, applied, makers: Vec::new(), next, rolls_back })
    }

    /// Where a remote description leads, and whether ours has to give way.
    fn next_state(&self, kind: SdpType) -> Result<(SignalingState, bool), SetDescriptionError> {
        let state = self.state;
        if let Some(next) = state.next(Side::Remote, kind) {
            return Ok((next, false));
        }
        if kind != SdpType::Offer {
            return Err(SetDescriptionError::RemoteInState { kind, state });
        }
        // webrtc-pc §4.4.1.5: a remote offer rolls back ours, where that can be.
        let stable = state.next(Side::Local, SdpType::Rollback);
        let next = stable.and_then(|stable| stable.next(Side::Remote, kind));
        next.map(|next| (next, true)).ok_or(SetDescriptionError::RollbackInState(state))
    }

    /// Makes a checked description part of the session, and says what follows.
    pub(in crate::signaling) fn commit(&mut self, checked: Checked) -> Changes {
        let Checked { side, applied, makers, next, rolls_back } = checked;
        let kind = applied.description.kind;
        let had_sctp = self.has_sctp();
        let streams = self.remote_streams();
        let mut changes = Changes::default();
        if rolls_back {
            self.undo(&mut changes);
            self.enter(SignalingState::Stable, &mut changes);
        }
        if self.state == SignalingState::Stable {
            self.remember_stable();
        }
        self.enter(next, &mut changes);
        self.note_mids(&applied.content);
        match (side, kind) {
            (Side::Local, SdpType::Offer) => self.place_offered(&applied.content, &makers),
            _ => self.associate(side, kind, &applied.content, &mut changes),
        }
        self.note_use(side, &applied);
        self.slots.put(side, applied);
        match (side, kind) {
            (_, SdpType::Answer) => (self.last_offer, self.last_answer) = (None, None),
            // An answer to the offer before would no longer fit.
            (Side::Remote, SdpType::Offer) => self.last_answer = None,
            _ => {}
        }
        if kind == SdpType::Offer {
            changes.data = match (had_sctp, self.has_sctp()) {
                (false, true) => DataChange::Created,
                (true, false) => DataChange::RolledBack,
                _ => DataChange::Unchanged,
            };
            self.expect_role(side, &mut changes);
        } else {
            self.agree(side, kind, had_sctp, &mut changes);
            self.agree_on_media(kind, &mut changes);
        }
        if side == Side::Local {
            self.describe_generations(&mut changes);
        }
        self.note_streams(&streams, &mut changes);
        changes
    }

    /// Takes back the exchange under way.
    pub(in crate::signaling) fn roll_back(&mut self, side: Side) -> Result<Changes, SetDescriptionError> {
        let next = self.state.next(side, SdpType::Rollback);
        let next = next.ok_or(SetDescriptionError::RollbackInState(self.state))?;
        let had_sctp = self.has_sctp();
        let streams = self.remote_streams();
        let mut changes = Changes::default();
        self.undo(&mut changes);
        self.last_answer = None;
        self.enter(next, &mut changes);
        if had_sctp && !self.has_sctp() {
            changes.data = DataChange::RolledBack;
        }
        self.note_streams(&streams, &mut changes);
        Ok(changes)
    }

    fn undo(&mut self, changes: &mut Changes) {
        self.slots.roll_back();
        self.dissociate(self.state, changes);
    }

    fn enter(&mut self, state: SignalingState, changes: &mut Changes) {
        if self.state != state {
            self.state = state;
            changes.signaling_states.push(state);
        }
    }

    /// Whether SCTP is agreed or described by the offer under way.
    fn has_sctp(&self) -> bool {
        let ours = self.slots.local.pending_offer().and_then(Content::live_data);
        let theirs = self.slots.remote.pending_offer().and_then(|offer| self.accepted_data(offer));
        self.agreed.data.is_some() || ours.is_some() || theirs.is_some()
    }

    /// What is used from now on: what the peer says, and what of ours it answered.
    fn note_use(&mut self, side: Side, applied: &Applied) {
        if applied.description.kind != SdpType::Offer
            && let Some(ours) = self.slots.local.pending_offer()
        {
            self.used.note(ours);
        }
        if side == Side::Remote || applied.description.kind != SdpType::Offer {
            self.used.note(&applied.content);
        }
    }

    fn note_mids(&mut self, content: &Content) {
        /// Mids that are larger numbers than this are names that happen to be numbers.
        const LARGEST: u32 = 1 << 20;
        let mids = content.sections.iter().filter_map(|section| section.mid()?.parse::<u32>().ok());
        let largest = mids.filter(|&mid| mid < LARGEST).max();
        self.next_mid = self.next_mid.max(largest.map_or(0, |mid| mid + 1));
    }

    /// An answer was set: what both sides agree on.
    fn agree(&mut self, side: Side, kind: SdpType, had_sctp: bool, changes: &mut Changes) {
        if side == Side::Remote {
            self.split_offered();
        }
        let (Some(local), Some(remote)) = (self.slots.local.newest(), self.slots.remote.newest()) else {
            return;
        };
        let agreed = Agreement::of(local, &remote.content, side, self.config.max_transports);
        let nothing = agreed.transports.is_empty();
        // A provisional answer frees nothing (RFC 9429 §4.1.10.1).
        if nothing && kind == SdpType::Pranswer {
            return;
        }
        for transport in &agreed.transports {
            let before = self.agreed.transports.iter().find(|before| before.number == transport.number);
            let change = transport.changes(&remote.content, before);
            changes.transports.push(TransportChange::Agreed(Box::new(change)));
        }
        let before = self.agreed.transports.iter().map(|before| before.number);
        let gone = before.filter(|&number| !agreed.has(number));
        changes.transports.extend(gone.map(TransportChange::Closed));
        changes.data = match agreed.sctp(&self.agreed) {
            Some(sctp) => DataChange::Agreed(sctp),
            None if had_sctp && kind == SdpType::Answer => DataChange::Closed,
            None => DataChange::Unchanged,
        };
        let role = agreed.transports.first().map(|transport| settled_role(side, transport.lite));
        self.agreed = agreed;
        if let Some(role) = role {
            self.settle_role(role, changes);
        } else if self.ice_role != KnownRole::Unknown {
            // An offer that came to nothing had begun with the first. What comes after it starts from nothing.
            if changes.transports.is_empty() {
                changes.transports.push(TransportChange::Closed(0));
            }
            self.generations = Generations::default();
            self.ice_role = KnownRole::Unknown;
        }
        if kind == SdpType::Answer {
            self.settled.clone_from(&self.agreed);
        }
    }

    /// Checks may come in as soon as our offer is out, before the answer settles the roles.
    fn expect_role(&mut self, side: Side, changes: &mut Changes) {
        let Some(offer) = self.slots.local.pending_offer().filter(|_| side == Side::Local) else { return };
        if let (KnownRole::Unknown, Some(at)) = (self.ice_role, offer.first_live()) {
            // RFC 8445 §6.1.1: the offerer controls, unless it is lite and the peer is not.
            let lite = offer.transport(at).lite;
            let role = if lite { IceRole::Controlled } else { IceRole::Controlling };
            self.ice_role = KnownRole::Provisional(role);
            changes.ice_role = Some(role);
        }
    }

    /// The first answer settles the role for good: restarts keep it.
    fn settle_role(&mut self, role: IceRole, changes: &mut Changes) {
        match self.ice_role {
            KnownRole::Settled(_) => return,
            KnownRole::Provisional(known) if known == role => {}
            KnownRole::Provisional(_) | KnownRole::Unknown => changes.ice_role = Some(role),
        }
        self.ice_role = KnownRole::Settled(role);
    }
}

// RFC 8445 §6.1.1
fn settled_role(answerer: Side, lite: (bool, bool)) -> IceRole {
    match lite {
        (true, false) => IceRole::Controlled,
        (false, true) => IceRole::Controlling,
        _ if answerer == Side::Remote => IceRole::Controlling,
        _ => IceRole::Controlled,
    }
}
