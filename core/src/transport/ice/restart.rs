//! ICE restart: a new generation begins, and the one before carries the data until it is through (RFC 8445 §9).
//!
//! What stays: the role, the addresses of this host, and the pair in use with its consent. What is new:
//! credentials, the peer's candidates, the checklist. Until a pair of the new generation is selected, and a moment
//! longer, checks of the former one are answered with its own credentials.

use crate::base::drops::DropReason;
use crate::base::net::Path;
use crate::base::random::Rng;
use crate::base::redact::Redacted;
use crate::base::time::Instant;
use crate::transport::ice::auth::Party;
use crate::transport::ice::candidate::Remotes;
use crate::transport::ice::check::{Purpose, Transaction};
use crate::transport::ice::checklist::Checklist;
use crate::transport::ice::consent::Sending;
use crate::transport::ice::pair::{Pair, PairId};
use crate::transport::ice::scan::Scan;
use crate::transport::ice::send::{Answer, Outgoing};
use crate::transport::ice::state::IceTransportState;
use crate::transport::ice::{Agent, Ended, Event, PASSWORD_LEN, Patience, Timer, UFRAG_LEN};
use crate::wire::candidate::{Credentials, ICE_CHARS};
use crate::wire::stun::Message;
use std::mem;
use std::time::Duration;

/// How long the former generation is answered for after the switch: what the peer sent before it knew of it, and
/// the retransmissions of the check that told it, are on their way.
const LINGER: Duration = Duration::from_secs(3);

/// A generation that was replaced, whole, so that it can come back.
#[derive(Debug)]
pub(super) struct Former {
    pub local: Party,
    pub remote: Option<Party>,
    pub username: String,
    pub remotes: Remotes,
    pub list: Checklist,
    pub selected: Option<PairId>,
    number: u32,
    ended: Ended,
    patience: Patience,
}

impl Former {
    /// Whether its checks ever began.
    pub fn has_begun(&self) -> bool {
        self.patience != Patience::NotBegun
    }
}

/// Draws credentials that nobody can guess (attack 40).
pub(super) fn draw(rng: &mut Rng) -> Credentials {
    let ufrag = rng.secret_text(ICE_CHARS, UFRAG_LEN);
    Credentials { ufrag, password: Redacted(rng.secret_text(ICE_CHARS, PASSWORD_LEN)) }
}

impl Agent {
    /// The credentials that the next [`restart`](Self::restart) will use, the same until then. They are for an
    /// offer that asks for a restart, or the answer to one: nothing changes before the restart itself.
    pub fn prepare_restart(&mut self) -> &Credentials {
        self.prepared.get_or_insert_with(|| draw(&mut self.rng))
    }

    /// Has the next [`restart`](Self::restart) use these: components of one stream have the same credentials (RFC 8445
    /// §5.3).
    pub fn prepare_restart_with(&mut self, credentials: Credentials) {
        self.prepared = Some(credentials);
    }

    /// Begins a new generation (RFC 8445 §9); its credentials come back. It needs the peer's new credentials and
    /// candidates, and has to be told anew of each end of candidates. Meanwhile data goes on where it went.
    ///
    /// An agent that failed is alive again. On a closed one it has no effect.
    pub fn restart(&mut self, now: Instant) -> &Credentials {
        let now = self.tick(now);
        if self.state != IceTransportState::Closed {
            self.begin_generation();
            self.run(now);
        }
        &self.local.credentials
    }

    fn begin_generation(&mut self) {
        let credentials = self.prepared.take().unwrap_or_else(|| draw(&mut self.rng));
        let fresh = Party::new(self.hmac, credentials);
        let next = self.newest + 1;
        self.newest = next;
        let list = self.list.successor();
        let gone = Former {
            local: mem::replace(&mut self.local, fresh),
            remote: self.remote.take(),
            username: mem::take(&mut self.outgoing_username),
            remotes: self.candidates.take_remotes(),
            list: mem::replace(&mut self.list, list),
            selected: self.selected.take(),
            number: mem::replace(&mut self.number, next),
            ended: mem::take(&mut self.ended),
            patience: mem::replace(&mut self.patience, Patience::NotBegun),
        };
        // A generation that never got to know the peer leaves nothing worth keeping.
        let established = gone.remote.is_some();
        let carries_data = self.sending.is_some_and(|sending| gone.list.get(sending.pair).is_some());
        if self.former.is_none() || established && (carries_data || self.sending.is_none()) {
            self.former = Some(Box::new(gone));
        }
        self.candidates.forget_servers();
        self.leave_generation();
        if self.state == IceTransportState::Failed {
            // RFC 8445 §9, W3C WebRTC §5.6: failed is final only until now.
            self.state = IceTransportState::Checking;
            self.push_event(Event::StateChange(self.state));
        }
    }

    /// Takes the last restart back, as long as the peer has not joined in: what was before is in use again, with
    /// its credentials. For an offer that was rolled back. `false` when there is nothing to take back.
    pub fn cancel_restart(&mut self, now: Instant) -> bool {
        let now = self.tick(now);
        self.prepared = None;
        let alone = self.remote.is_none() && self.state != IceTransportState::Closed;
        let Some(former) = self.former.take_if(|_| alone) else { return false };
        let Former { local, remote, username, remotes, mut list, selected, number, ended, patience } =
            *former;
        list.continue_after(&self.list);
        self.local = local;
        self.remote = remote;
        self.outgoing_username = username;
        self.candidates.put_remotes(remotes);
        self.list = list;
        self.selected = selected;
        self.number = number;
        self.ended = ended;
        self.patience = patience;
        self.leave_generation();
        if patience == Patience::Waiting {
            self.timers.set(Timer::Patience, now + self.config.patience);
        }
        self.list.restart_checks();
        self.run(now);
        true
    }

    /// Forgets what belongs to neither generation: checks under way, what came early.
    fn leave_generation(&mut self) {
        let kept = self.sending.map(|sending| sending.pair);
        self.transactions.retain(|t| Some(t.pair) == kept && t.purpose == Purpose::Consent);
        self.early = Vec::new();
        self.pending = Vec::new();
        for timer in [Timer::Pace, Timer::Retransmit, Timer::Settle, Timer::Patience, Timer::Former] {
            self.timers.cancel(timer);
        }
    }

    /// A pair of this generation was selected: the former one is remembered for a moment, and then gone.
    pub(super) fn switch_generation(&mut self, now: Instant) {
        if self.former.is_some() && self.timers.get(Timer::Former).is_none() {
            self.timers.set(Timer::Former, now + LINGER);
        }
    }

    pub(super) fn forget_former(&mut self) {
        let Some(former) = self.former.take_if(|_| self.selected.is_some()) else { return };
        self.transactions.retain(|t| former.list.get(t.pair).is_none());
    }

    /// The pair of the former generation that carries the data, as long as it is fit to and nothing was selected.
    pub(super) fn former_in_use(&self, now: Instant) -> Option<&Pair> {
        let Sending { pair, .. } = self.sending?;
        let former = self.former.as_ref().filter(|_| self.selected.is_none())?;
        let pair = former.list.get(pair).filter(|pair| pair.consented(now))?;
        // RFC 8445 §9 keeps it until another is nominated; one that is silent is of no use to anyone.
        (!self.watch.is_silent() || self.list.best_valid(now).is_none()).then_some(pair)
    }

    /// A pair of either generation.
    pub(super) fn pair(&self, id: PairId) -> Option<&Pair> {
        self.list.get(id).or_else(|| self.former.as_ref()?.list.get(id))
    }

    /// A pair of either generation.
    pub(super) fn pair_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        match self.list.get(id) {
            Some(_) => self.list.get_mut(id),
            None => self.former.as_mut()?.list.get_mut(id),
        }
    }

    /// Whom a request of ours is for: the peer in the generation of its pair, and the USERNAME there.
    pub(super) fn addressee(&self, transaction: &Transaction) -> Option<(&Party, &str)> {
        match &self.former {
            Some(former) if former.list.get(transaction.pair).is_some() => {
                Some((former.remote.as_ref()?, &former.username))
            }
            _ => Some((self.remote.as_ref()?, &self.outgoing_username)),
        }
    }

    /// Who answers for a generation, as long as it is remembered.
    pub(super) fn answering(&self, number: u32) -> Option<&Party> {
        if number == self.number {
            return Some(&self.local);
        }
        self.former.as_ref().filter(|former| former.number == number).map(|former| &former.local)
    }

    /// Answers a check of the former generation; `false` when it is for none. Nothing is learnt from it.
    pub(super) fn answer_for_former(&mut self, path: Path, message: &Message<'_>, scan: &Scan<'_>) -> bool {
        let Some(former) = &self.former else { return false };
        let known = |(ours, theirs): (&str, &str)| {
            let remote = former.remote.as_ref().map(|remote| &*remote.credentials.ufrag);
            ours == former.local.credentials.ufrag && remote.is_none_or(|ufrag| ufrag == theirs)
        };
        if !scan.username.and_then(|name| name.split_once(':')).is_some_and(known) {
            return false;
        }
        let refusal = if !former.local.signed(message) {
            Some(DropReason::StunIntegrity)
        } else if scan.unknown().next().is_some() {
            Some(DropReason::StunUnknownAttribute)
        } else {
            // RFC 7675 §5.1: not on a path whose consent was lost.
            former.list.on_path(&path).is_some_and(Pair::is_revoked).then_some(DropReason::StunUnexpected)
        };
        match refusal {
            Some(reason) => self.drops.count(reason),
            None => {
                let generation = former.number;
                self.queue_answer(Outgoing::Response {
                    path,
                    id: message.transaction,
                    answer: Answer::Success,
                    generation,
                });
            }
        }
        true
    }
}
