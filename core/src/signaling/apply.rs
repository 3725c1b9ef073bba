//! Setting a description: everything is checked first, then everything changes.

use crate::signaling::agreement::Agreement;
use crate::signaling::changes::{Changes, DataChange, IceRole, TransportChange};
use crate::signaling::checks::{self, Against};
use crate::signaling::content::Content;
use crate::signaling::description::SessionDescription;
use crate::signaling::error::SetDescriptionError;
use crate::signaling::generations::Generations;
use crate::signaling::rtp_checks;
use crate::signaling::session::Session;
use crate::signaling::slots::Applied;
use crate::signaling::state::{SdpType, Side, SignalingState};
use crate::wire::sdp::description::Description;

/// A description that passed every check.
#[derive(Debug)]
pub(in crate::signaling) struct Checked {
    side: Side,
    applied: Applied,
    next: SignalingState,
    /// Our own outstanding offer gives way first.
    rolls_back: bool,
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
    /// Checks a description for `side`, in the order in which webrtc-pc §4.4.1.5 names the errors.
    pub(in crate::signaling) fn check(
        &self,
        side: Side,
        description: SessionDescription,
    ) -> Result<Checked, SetDescriptionError> {
        let kind = description.kind;
        let (next, rolls_back) = self.next_state(side, kind)?;
        let parsed = Description::parse(&description.sdp)?;
        let mut content = Content::read(&parsed, kind)?;
        if side == Side::Remote {
            rtp_checks::check(&parsed, &content)?;
            let against = Against {
                kind,
                offer: self.slots.local.pending_offer().filter(|_| kind != SdpType::Offer),
                current: self.slots.current(),
                settled: self.settled.as_ref(),
            };
            checks::check(&content, against)?;
            if let Some(at) = self.data_of_remote(&content, kind) {
                content.adopt_candidates(at);
            }
        }
        Ok(Checked { side, applied: Applied { description, content }, next, rolls_back })
    }

    fn next_state(&self, side: Side, kind: SdpType) -> Result<(SignalingState, bool), SetDescriptionError> {
        let state = self.state;
        if let Some(next) = state.next(side, kind) {
            return Ok((next, false));
        }
        if (side, kind) == (Side::Remote, SdpType::Offer) {
            // webrtc-pc §4.4.1.5: a remote offer rolls back ours, where that can be.
            let stable = state.next(Side::Local, SdpType::Rollback);
            let stable = stable.ok_or(SetDescriptionError::RollbackInState(state))?;
            if let Some(next) = stable.next(side, kind) {
                return Ok((next, true));
            }
        }
        Err(match side {
            Side::Local => SetDescriptionError::LocalInState { kind, state },
            Side::Remote => SetDescriptionError::RemoteInState { kind, state },
        })
    }

    /// The data section of a remote description: that of an offer as far as we would accept it.
    pub(in crate::signaling) fn data_of_remote(&self, content: &Content, kind: SdpType) -> Option<usize> {
        if kind == SdpType::Offer { self.acceptable_data(content) } else { content.live_data() }
    }

    /// Makes a checked description part of the session, and says what follows.
    pub(in crate::signaling) fn commit(&mut self, checked: Checked) -> Changes {
        let Checked { side, applied, next, rolls_back } = checked;
        let kind = applied.description.kind;
        let had_sctp = self.has_sctp();
        let mut changes = Changes::default();
        if rolls_back {
            self.slots.roll_back();
            self.enter(SignalingState::Stable, &mut changes);
        }
        self.enter(next, &mut changes);
        self.note_mids(&applied.content);
        self.slots.put(side, applied);
        match (side, kind) {
            (_, SdpType::Answer) => (self.last_offer, self.last_answer) = (None, None),
            // An answer to the offer before would no longer fit.
            (Side::Remote, SdpType::Offer) => self.last_answer = None,
            _ => {}
        }
        if side == Side::Local {
            self.describe_generation(&mut changes);
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
        }
        changes
    }

    /// Takes back the exchange under way.
    pub(in crate::signaling) fn roll_back(&mut self, side: Side) -> Result<Changes, SetDescriptionError> {
        let next = self.state.next(side, SdpType::Rollback);
        let next = next.ok_or(SetDescriptionError::RollbackInState(self.state))?;
        let had_sctp = self.has_sctp();
        let mut changes = Changes::default();
        self.slots.roll_back();
        self.last_answer = None;
        self.enter(next, &mut changes);
        if had_sctp && !self.has_sctp() {
            changes.data = DataChange::RolledBack;
        }
        Ok(changes)
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
        let theirs = self.slots.remote.pending_offer().and_then(|offer| self.acceptable_data(offer));
        self.agreed.is_some() || ours.is_some() || theirs.is_some()
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
        let (Some(local), Some(remote)) = (self.slots.local.newest(), self.slots.remote.newest()) else {
            return;
        };
        let before = self.agreed.as_ref();
        match Agreement::of(&local.content, &remote.content, side) {
            Some(agreed) => {
                let transport = agreed.transport(&remote.content, before);
                let role = settled_role(side, &local.content, &remote.content, agreed.section);
                changes.data = DataChange::Agreed(agreed.sctp(before));
                changes.transport = TransportChange::Agreed(Box::new(transport));
                self.agreed = Some(agreed);
                self.settle_role(role, changes);
            }
            // A provisional answer frees nothing (RFC 9429 §4.1.10.1).
            None if kind == SdpType::Pranswer => {}
            None => {
                self.agreed = None;
                if had_sctp {
                    changes.data = DataChange::Closed;
                    changes.transport = TransportChange::Closed;
                    // What comes after it starts from nothing.
                    self.generations = Generations::default();
                    self.ice_role = KnownRole::Unknown;
                }
            }
        }
        if kind == SdpType::Answer {
            self.settled.clone_from(&self.agreed);
        }
    }

    /// Checks may come in as soon as our offer is out, before the answer settles the roles.
    fn expect_role(&mut self, side: Side, changes: &mut Changes) {
        let Some(offer) = self.slots.local.pending_offer().filter(|_| side == Side::Local) else { return };
        if let (KnownRole::Unknown, Some(at)) = (self.ice_role, offer.live_data()) {
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
fn settled_role(answerer: Side, local: &Content, remote: &Content, section: usize) -> IceRole {
    match (local.transport(section).lite, remote.transport(section).lite) {
        (true, false) => IceRole::Controlled,
        (false, true) => IceRole::Controlling,
        _ if answerer == Side::Remote => IceRole::Controlling,
        _ => IceRole::Controlled,
    }
}
