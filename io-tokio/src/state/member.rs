//! What handles of connections do: verbs, events, and waiting for either.

use crate::state::channels::Entry;
use crate::state::{Limits, Phase};
use crate::wakers::Wakers;
use purertc::{DataChannelId, Event, Instant, PeerConnectionState, PeerMut, Wanted};
use std::collections::{HashMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll};
use std::time::Duration;

/// Events that wait to be read.
pub(super) const MAX_EVENTS: usize = 1_024;
/// How long a closed connection tries to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// Whether anybody reads events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Nobody,
    Someone,
}

/// What waits on either side of one connection.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) limits: Limits,
    pub(super) channels: HashMap<DataChannelId, Entry>,
    /// What the messages in all inboxes count.
    pub(super) unread: usize,
    pub(super) events: VecDeque<Event>,
    pub(super) audience: Audience,
    pub(super) readers: Wakers,
    /// Who waits for a state of the connection.
    pub(super) watchers: Wakers,
    /// Channels with tasks that want something.
    pub(super) waiting: Vec<DataChannelId>,
    pub(super) phase: Phase,
    /// The last handle is gone.
    pub(super) is_left: bool,
    /// The driver has something to do.
    pub(crate) nudge: bool,
}

impl Member {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            channels: HashMap::new(),
            unread: 0,
            events: VecDeque::new(),
            audience: Audience::Nobody,
            readers: Wakers::default(),
            watchers: Wakers::default(),
            waiting: Vec::new(),
            phase: Phase::Open,
            is_left: false,
            nudge: false,
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// The events that there is room for. Messages that nobody reads do not hold up what the connection itself has to
    /// tell.
    pub(super) fn wanted(&self) -> Wanted {
        // Without handles nothing is kept, so there is always room.
        let discarding = self.phase != Phase::Open;
        if !discarding && self.events.len() >= MAX_EVENTS && self.audience != Audience::Nobody {
            Wanted::Nothing
        } else if discarding || self.unread < self.limits.receive_buffer {
            Wanted::Everything
        } else {
            Wanted::ConnectionEvents
        }
    }
}

/// One connection and what waits beside it, borrowed under the lock.
#[derive(Debug)]
pub(crate) struct State<'a> {
    pub(crate) core: PeerMut<'a>,
    pub(super) member: &'a mut Member,
}

impl Deref for State<'_> {
    type Target = Member;

    fn deref(&self) -> &Member {
        self.member
    }
}

impl DerefMut for State<'_> {
    fn deref_mut(&mut self) -> &mut Member {
        self.member
    }
}

impl State<'_> {
    /// `close` of W3C: abrupt.
    pub(crate) fn close(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Open | Phase::Lingering { .. }) {
            self.core.close(now);
            self.phase = Phase::Closing { until: now + FAREWELL };
            self.events.clear();
            self.channels.values_mut().for_each(|entry| entry.ended = true);
        }
    }

    /// The last handle is gone.
    pub(super) fn let_go(&mut self, now: Instant) {
        self.is_left = true;
        if self.phase != Phase::Open {
            return;
        }
        // Nobody will take the channels that wait in events.
        self.events.clear();
        self.channels.clear();
        self.unread = 0;
        let channels: Vec<DataChannelId> = self.core.data_channels().collect();
        channels.into_iter().for_each(|id| self.close_channel(id));
        if self.core.connection_state() == PeerConnectionState::Connected && !self.limits.linger.is_zero() {
            self.phase = Phase::Lingering { until: now + self.limits.linger };
        } else {
            self.close(now);
        }
    }

    pub(crate) fn poll_event(&mut self, cx: &Context<'_>) -> Poll<Option<Event>> {
        self.audience = Audience::Someone;
        if let Some(event) = self.events.pop_front() {
            // There may be room again for what waits in the core.
            self.nudge |= self.events.len() == MAX_EVENTS / 2;
            return Poll::Ready(Some(event));
        }
        if self.phase != Phase::Open {
            return Poll::Ready(None);
        }
        self.readers.register(cx);
        Poll::Pending
    }

    /// Waits until `look` finds what it looks for.
    pub(crate) fn poll_watch<R>(
        &mut self,
        cx: &Context<'_>,
        look: impl FnOnce(&Self) -> Option<R>,
    ) -> Poll<R> {
        match look(self) {
            Some(found) => Poll::Ready(found),
            None => {
                self.watchers.register(cx);
                Poll::Pending
            }
        }
    }
}
