//! What the agent does by itself: beginning, what is due, and the state that follows.

use crate::base::drops::DropReason;
use crate::base::net::Protocol;
use crate::base::time::Instant;
use crate::transport::ice::address::may_probe;
use crate::transport::ice::candidate::{Candidates, LocalCandidate, Signalled};
use crate::transport::ice::checklist::NoPair;
use crate::transport::ice::consent::Watch;
use crate::transport::ice::pair::{Pair, pair_priority};
use crate::transport::ice::state::{Checks, Facts, Health, IceRole, IceTransportState, Outlook};
use crate::transport::ice::{Agent, Event, Patience, Timer};
use crate::wire::candidate::{Candidate, CandidateType, TcpType};
use std::mem::discriminant;
use std::net::IpAddr;
use std::time::Duration;

/// Between two states that follow at once.
const A_MOMENT: Duration = Duration::from_micros(1);
/// Beyond this many unread events, only the latest of each kind is kept.
const MAX_EVENTS: usize = 32;

impl Agent {
    pub(super) fn tick(&mut self, now: Instant) -> Instant {
        self.clock = self.clock.max(now);
        self.clock
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, IceTransportState::Failed | IceTransportState::Closed)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.patience != Patience::NotBegun
    }

    pub(super) fn more_candidates_may_come(&self) -> bool {
        self.patience != Patience::Over && !(self.ended.local && self.ended.remote)
    }

    pub(super) fn take_remote_candidate(&mut self, candidate: &Candidate, ip: Option<IpAddr>) {
        let ours = self.remote.as_ref().map(|remote| &remote.credentials.ufrag);
        // RFC 8838 §15, RFC 8839 §5.1: a candidate that names another generation is none of this one.
        if candidate.ufrag.is_some() && candidate.ufrag.as_ref() != ours {
            return self.drops.count(DropReason::IceCandidateGeneration);
        }
        match self.candidates.signal(candidate, ip, self.config.max_remote_candidates) {
            Ok(Signalled::New(at)) => {
                self.add_active();
                let locals = 0..self.candidates.local.len();
                self.form_pairs(locals.map(|local| (local, at)).collect());
            }
            Ok(Signalled::Replaced(_)) => self.list.reprioritise(&self.candidates, self.role),
            Ok(Signalled::Known) => {}
            Err(reason) => self.drops.count(reason),
        }
    }

    /// Checks begin when the role and the peer's credentials are known.
    fn begin(&mut self, now: Instant) {
        if self.has_begun() || self.role == IceRole::Unknown || self.remote.is_none() {
            return;
        }
        self.patience = Patience::Waiting;
        self.timers.set(Timer::Patience, now + self.config.patience);
        let (locals, remotes) = (self.candidates.local.len(), self.candidates.remote.len());
        self.form_pairs((0..locals).flat_map(|l| (0..remotes).map(move |r| (l, r))).collect());
        self.replay_early_checks(now);
    }

    /// Pairs host candidates with remote ones, the best first, so that of each foundation the best is tried
    /// first (RFC 8445 §6.1.2.6). What comes after the selection is paired and checked, too: it stands by.
    pub(super) fn form_pairs(&mut self, mut pairs: Vec<(usize, usize)>) {
        // RFC 8445 §6.1.1: a lite agent sends no checks, so the peer's show its pairs.
        if !self.has_begun() || self.is_lite() {
            return;
        }
        let Candidates { local, remote, .. } = &self.candidates;
        // RFC 8445 §6.1.2.4: a reflexive candidate would be sent from its base, which has its own pair.
        // RFC 6544 §6.2: where the peer opens the stream, its check shows the pair.
        let opens = |l: usize, r: usize| match local[l].tcp {
            None => remote[r].protocol == Protocol::Udp,
            Some(TcpType::Active) => remote[r].is_passive(),
            Some(TcpType::Passive) => false,
            Some(TcpType::SimultaneousOpen) => remote[r].tcp_type() == Some(TcpType::SimultaneousOpen),
        };
        pairs
            .retain(|&(l, r)| self.may_use(l) && opens(l, r) && may_probe(&local[l].base, remote[r].address));
        pairs.sort_by_key(|&(l, r)| {
            std::cmp::Reverse(pair_priority(self.role, local[l].priority, remote[r].priority))
        });
        for pair in pairs {
            let added = self.list.add(&self.candidates, self.role, pair, self.config.max_pairs);
            if added == Err(NoPair::Full) {
                self.drops.count(DropReason::IceTooManyCandidates);
            }
        }
    }

    /// Whether checks may be sent from, and answered at, this local candidate: a base that is there, and that the
    /// policy allows.
    pub(super) fn may_use(&self, local: usize) -> bool {
        let LocalCandidate { kind, gone, .. } = self.candidates.local[local];
        let base = kind == CandidateType::Relayed || kind == CandidateType::Host && !self.relayed_only;
        base && !gone
    }

    /// Everything that time and inputs have made due.
    pub(super) fn run(&mut self, now: Instant) {
        if self.is_over() {
            return;
        }
        self.begin(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                // Looked at below in any case.
                Timer::Pace | Timer::Settle | Timer::Complete => {}
                Timer::Retransmit => self.retransmit(now),
                Timer::Consent => self.ask_for_consent(now),
                Timer::Silence => self.went_silent(),
                Timer::Expiry => self.consent_expired(now),
                Timer::Patience => self.patience = Patience::Over,
                Timer::Former => self.forget_former(),
            }
        }
        self.choose_sending(now);
        let settle = self.consider_nomination(now);
        self.start_next_check(now);
        let pace = (self.has_begun() && self.list.has_next()).then_some(self.next_check_at);
        self.arm(Timer::Pace, pace);
        self.arm(Timer::Settle, settle);
        self.arm(Timer::Retransmit, self.next_retransmission());
        self.publish();
    }

    fn arm(&mut self, timer: Timer, at: Option<Instant>) {
        match at {
            Some(at) => self.timers.set(timer, at),
            None => self.timers.cancel(timer),
        }
    }

    fn publish(&mut self) {
        let mut state = IceTransportState::from_facts(self.facts());
        if state == IceTransportState::Completed && self.has_to_be_seen_connected() {
            state = IceTransportState::Connected;
        }
        if state == self.state {
            return;
        }
        if state == IceTransportState::Failed {
            self.stop(state);
        }
        self.state = state;
        self.push_event(Event::StateChange(state));
    }

    /// W3C WebRTC §5.6: what is completed was connected before. Where one check does both, whoever watches sees both: the
    /// second one a moment later.
    fn has_to_be_seen_connected(&mut self) -> bool {
        if matches!(self.state, IceTransportState::New | IceTransportState::Checking) {
            self.timers.set(Timer::Complete, self.clock + A_MOMENT);
        }
        self.timers.get(Timer::Complete).is_some()
    }

    fn facts(&self) -> Facts {
        let health = match (self.sending, self.watch) {
            (None, _) => Health::Nothing,
            // W3C WebRTC §5.6: a restart makes checking of disconnected.
            (Some(sending), Watch::Gone) if self.list.get(sending.pair).is_none() => Health::Nothing,
            (Some(_), Watch::Gone) => Health::Silent,
            (Some(sending), _) if self.selected == Some(sending.pair) => Health::Selected,
            (Some(_), _) => Health::Valid,
        };
        let checks = if self.is_cut_off() {
            Checks::Lost
        } else if self.list.is_empty() {
            Checks::None
        } else if self.list.iter().any(Pair::unfinished) {
            Checks::Running
        } else if self.list.iter().any(|pair| pair.seen_as.is_some()) {
            Checks::Lost
        } else {
            Checks::AllFailed
        };
        let all_ended = self.ended.local && self.ended.remote;
        let nobody_home = all_ended && self.candidates.local.is_empty() && self.has_begun();
        let outlook = if nobody_home || self.patience == Patience::Over {
            Outlook::Nothing
        } else if all_ended {
            Outlook::PeerReflexive
        } else {
            Outlook::MoreCandidates
        };
        let restarted = self.former.as_ref().is_some_and(|former| former.has_begun());
        let remote_known = restarted || self.has_begun() && !self.candidates.remote.is_empty();
        Facts { health, checks, outlook, remote_known }
    }

    /// Ends all activity. What is known of candidates and pairs stays, for statistics.
    pub(super) fn stop(&mut self, state: IceTransportState) {
        self.state = state;
        self.sending = None;
        self.transactions = Vec::new();
        self.outbox.clear();
        self.early = Vec::new();
        self.pending = Vec::new();
        self.timers.cancel_all();
    }

    pub(super) fn push_event(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.retain(|other| discriminant(other) != discriminant(&event));
        }
        self.events.push(event);
    }
}
