//! Networks that come and go: addresses taken away, and another pair in the place of one that died, without a
//! restart.

use crate::base::net::LocalAddress;
use crate::base::time::Instant;
use crate::transport::ice::address::plain;
use crate::transport::ice::consent::{Sending, Watch};
use crate::transport::ice::pair::Pair;
use crate::transport::ice::tcp::leaves_from;
use crate::transport::ice::{Agent, Event, Patience, Timer};
use std::time::Duration;

/// A selected pair that has not answered for this long gives way to another one that does: longer than a run of
/// lost datagrams, shorter than people's patience.
const FAIL_OVER_AFTER: Duration = Duration::from_secs(3);

impl Agent {
    /// Takes an address away: nothing is sent from there any more, and if data went that way it goes along the
    /// best of the pairs that are left. What is left is checked again, and the peer's patience is asked for anew:
    /// another address may take its place ([`add_local_address`](Self::add_local_address)).
    pub fn remove_local_address(&mut self, now: Instant, address: LocalAddress) {
        let now = self.tick(now);
        let address = LocalAddress { address: plain(address.address), ..address };
        let Some(base) = self.candidates.retire(address).filter(|_| !self.is_over()) else { return };
        let carried = self.sending.is_some_and(|sending| leaves_from(&base, &sending.path));
        self.list.retire(&base);
        if let Some(former) = &mut self.former {
            former.list.retire(&base);
        }
        self.transactions.retain(|t| !leaves_from(&base, &t.path));
        if self.selected.is_some_and(|id| self.list.get(id).is_none()) {
            self.selected = None;
            self.push_event(Event::SelectedPairChange);
        }
        if carried && self.has_begun() {
            self.patience = Patience::Waiting;
            self.timers.set(Timer::Patience, now + self.config.patience);
            self.reopen(now);
        }
        self.run(now);
    }

    /// The pair in use is in doubt: whatever else there is gets another chance.
    pub(super) fn reopen(&mut self, now: Instant) {
        let (locals, remotes) = (self.candidates.local.len(), self.candidates.remote.len());
        self.list.revive(now);
        self.form_pairs((0..locals).flat_map(|l| (0..remotes).map(move |r| (l, r))).collect());
    }

    /// From when on another pair may be nominated in place of the selected one; `None` while it does its work.
    pub(super) fn replaceable_at(&self, now: Instant) -> Option<Instant> {
        let Some(selected) = self.selected.and_then(|id| self.list.get(id)) else { return Some(now) };
        if !selected.consented(now) {
            return Some(now);
        }
        let in_use = self.sending.is_some_and(|Sending { pair, .. }| pair == selected.id);
        match self.watch {
            Watch::Silent { since } if in_use => Some(since + FAIL_OVER_AFTER),
            Watch::Gone if in_use => Some(now),
            _ => None,
        }
    }

    /// The best valid pair that is not the selected one.
    pub(super) fn best_other(&self, now: Instant) -> Option<&Pair> {
        self.list.best(|pair| pair.consented(now) && Some(pair.id) != self.selected)
    }

    /// Whether this host has lost all addresses that it had.
    pub(super) fn is_cut_off(&self) -> bool {
        let mut local = self.candidates.local.iter().peekable();
        local.peek().is_some() && local.all(|candidate| candidate.gone)
    }
}
