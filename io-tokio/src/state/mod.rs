//! What the handles and the driver of one connection share: the core, and what waits on either side of it.
//!
//! Not a machine: it moves events into queues and wakes whom they concern. Here is what handles of connections do
//! with it, `distribute` has what the driver does, `channels` what handles of channels do.

mod channels;
mod distribute;

pub(crate) use self::channels::{Facts, Want};

use self::channels::Entry;
use crate::clock::Clock;
use crate::wakers::Wakers;
use purertc::{DataChannelId, Event, Instant, PeerConnection, PeerConnectionState};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Events that wait to be read.
const MAX_EVENTS: usize = 1_024;
/// How long a closed connection tries to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much may wait, from the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) send_buffer: usize,
    pub(crate) receive_buffer: usize,
    pub(crate) linger: Duration,
}

/// One connection, seen from handles and driver.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) span: tracing::Span,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(core: PeerConnection, clock: Clock, limits: Limits, span: tracing::Span) -> Self {
        let state = State {
            core,
            limits,
            channels: HashMap::new(),
            unread: 0,
            events: VecDeque::new(),
            audience: Audience::Nobody,
            readers: Wakers::default(),
            watchers: Wakers::default(),
            waiting: Vec::new(),
            phase: Phase::Open,
            driver: None,
            nudge: false,
        };
        Self { clock, span, state: Mutex::new(state) }
    }

    /// The state, whatever happened to a thread that held it: what it holds is always whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something under the lock, and wakes the driver afterwards if that needs it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State, Instant) -> R) -> R {
        let _entered = self.span.enter();
        let mut state = self.lock();
        let result = act(&mut state, self.clock.now());
        let driver = if std::mem::take(&mut state.nudge) { state.driver.take() } else { None };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }

    /// Does a verb of the core, which may have something to send.
    pub(crate) fn act<R>(&self, verb: impl FnOnce(&mut State, Instant) -> R) -> R {
        self.with(|state, now| {
            state.nudge = true;
            verb(state, now)
        })
    }
}

/// Where a connection is in its life, as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In use.
    Open,
    /// No handle is left; channels empty and close.
    Lingering {
        /// No longer than this.
        until: Instant,
    },
    /// The core is closed; the last datagrams go out.
    Closing {
        /// No longer than this.
        until: Instant,
    },
    /// The driver is gone.
    Done,
}

/// Whether anybody reads events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Nobody,
    Someone,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) core: PeerConnection,
    limits: Limits,
    channels: HashMap<DataChannelId, Entry>,
    /// What the messages in all inboxes count.
    unread: usize,
    events: VecDeque<Event>,
    audience: Audience,
    readers: Wakers,
    /// Who waits for a state of the connection.
    watchers: Wakers,
    /// Channels with tasks that want something.
    waiting: Vec<DataChannelId>,
    phase: Phase,
    /// The driver's task; taken when it is woken.
    driver: Option<Waker>,
    /// The driver has something to do.
    nudge: bool,
}

impl State {
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
    pub(crate) fn let_go(&mut self, now: Instant) {
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
