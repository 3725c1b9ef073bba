//! What the handles and the driver of one connection share: the core, and what waits on either side of it.
//!
//! Not a machine: it moves events into queues and wakes whom they concern.

use crate::error::{ChannelClosed, SendError};
use crate::wakers::Wakers;
use bytes::Bytes;
use purertc::{
    ChannelError, ChannelEvent, DataChannelId, DataChannelState, Event, Instant, Message, MessageKind,
    PeerConnection, PeerConnectionState, Priority,
};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Events that wait to be read.
const MAX_EVENTS: usize = 1_024;
/// What a message counts on top of its length, so that empty ones are bounded too.
const MESSAGE_OVERHEAD: usize = 64;
/// How long a closed connection tries to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// The clock that the driver's timer counts by, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(tokio::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }

    pub(crate) fn at(&self, instant: Instant) -> tokio::time::Instant {
        self.0 + instant.saturating_since(Instant::ZERO)
    }
}

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

/// What a task waits for on the sending side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// To be open and have room, or to be refused.
    Writable,
    /// That everything is on its way.
    Drained,
    /// The end.
    Closed,
}

/// What never changes about a channel.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) label: String,
    pub(crate) protocol: String,
    pub(crate) ordered: bool,
    pub(crate) max_packet_life_time: Option<u16>,
    pub(crate) max_retransmits: Option<u16>,
    pub(crate) negotiated: bool,
    pub(crate) priority: Priority,
}

/// A channel that someone has, or will have, a handle of.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) facts: Arc<Facts>,
    inbox: VecDeque<Message>,
    readers: Wakers,
    wanting: Vec<(Want, Waker)>,
    /// `Close` was seen: no message comes behind those in the inbox.
    ended: bool,
    error: Option<ChannelError>,
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

fn cost(message: &Message) -> usize {
    message.data.len() + MESSAGE_OVERHEAD
}

/// For the driver.
impl State {
    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn set_driver(&mut self, cx: &Context<'_>) {
        if !self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
    }

    /// Moves the core's events to where they are read, as far as there is room, and collects who is to be woken.
    pub(crate) fn distribute(&mut self, now: Instant, due: &mut Vec<Waker>) {
        let mut moved = false;
        while self.has_room() {
            let Some(event) = self.core.poll_event() else { break };
            moved = true;
            self.sort(event, now, due);
        }
        if moved {
            // Any of them may have come with another state.
            self.watchers.release(due);
        }
        self.serve_waiting(due);
    }

    /// The next thing that time alone brings.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open => self.core.poll_timeout(),
            Phase::Lingering { until } => {
                Some(self.core.poll_timeout().map_or(until, |core| core.min(until)))
            }
            Phase::Closing { until } => Some(until),
            Phase::Done => None,
        }
    }

    /// Goes on with the end, if that is due.
    pub(crate) fn advance(&mut self, now: Instant, due: &mut Vec<Waker>) {
        if let Phase::Lingering { until } = self.phase
            && (now >= until || self.core.data_channels().next().is_none())
        {
            self.close(now);
        }
        if matches!(self.phase, Phase::Closing { .. } | Phase::Done) {
            self.wake_everybody(due);
        }
    }

    pub(crate) fn finish(&mut self, due: &mut Vec<Waker>) {
        self.phase = Phase::Done;
        self.channels.values_mut().for_each(|entry| entry.ended = true);
        self.wake_everybody(due);
    }

    fn has_room(&self) -> bool {
        // Without handles nothing is kept, so there is always room.
        self.phase != Phase::Open
            || self.unread < self.limits.receive_buffer
                && (self.events.len() < MAX_EVENTS || self.audience == Audience::Nobody)
    }

    fn sort(&mut self, event: Event, now: Instant, due: &mut Vec<Waker>) {
        if let Event::Channel(id, event) = event {
            return self.sort_channel(id, event, due);
        }
        if self.phase != Phase::Open {
            return;
        }
        if let Event::DataChannel(id) = event {
            self.adopt(id);
        }
        self.events.push_back(event);
        self.readers.release(due);
        if self.events.len() > MAX_EVENTS
            && let Some(Event::DataChannel(id)) = self.events.pop_front()
        {
            self.forget(id, now);
        }
    }

    fn sort_channel(&mut self, id: DataChannelId, event: ChannelEvent, due: &mut Vec<Waker>) {
        // Nobody has a handle any more.
        let Some(entry) = self.channels.get_mut(&id) else { return };
        match event {
            ChannelEvent::Message(message) => {
                self.unread += cost(&message);
                entry.inbox.push_back(message);
                entry.readers.release(due);
            }
            ChannelEvent::Error(error) => entry.error = Some(error),
            ChannelEvent::Close => {
                entry.ended = true;
                entry.readers.release(due);
            }
            // `serve_waiting` looks at the state itself.
            _ => {}
        }
    }

    /// Wakes who has got what it wants. It asks the core and not its events: those may be stuck behind messages
    /// that are not read because their reader waits to send.
    fn serve_waiting(&mut self, due: &mut Vec<Waker>) {
        let Self { core, channels, waiting, limits, .. } = self;
        waiting.retain(|id| {
            let Some(entry) = channels.get_mut(id) else { return false };
            let (state, buffered) = match core.data_channel(*id) {
                Some(channel) => (channel.ready_state(), channel.buffered_amount()),
                None => (DataChannelState::Closed, 0),
            };
            let low = limits.send_buffer as u64 / 2;
            for (_, waker) in entry.wanting.extract_if(.., |(want, _)| want.is_met(state, buffered, low)) {
                due.push(waker);
            }
            !entry.wanting.is_empty()
        });
    }

    fn wake_everybody(&mut self, due: &mut Vec<Waker>) {
        self.readers.release(due);
        self.watchers.release(due);
        for entry in self.channels.values_mut() {
            entry.readers.release(due);
            due.extend(entry.wanting.drain(..).map(|(_, waker)| waker));
        }
        self.waiting.clear();
    }
}

impl Want {
    fn is_met(self, state: DataChannelState, buffered: u64, low: u64) -> bool {
        match (self, state) {
            (_, DataChannelState::Closed) | (Self::Writable, DataChannelState::Closing) => true,
            (Self::Writable, DataChannelState::Open) => buffered <= low,
            (Self::Drained, _) => buffered == 0,
            (Self::Writable | Self::Closed, _) => false,
        }
    }
}

/// For connection handles.
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
        channels.into_iter().for_each(|id| self.close_channel(id, now));
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

/// For channel handles.
impl State {
    /// Makes the entry of a channel that the core knows.
    pub(crate) fn adopt(&mut self, id: DataChannelId) {
        let Some(channel) = self.core.data_channel(id) else { return };
        let facts = Facts {
            label: channel.label().to_owned(),
            protocol: channel.protocol().to_owned(),
            ordered: channel.ordered(),
            max_packet_life_time: channel.max_packet_life_time(),
            max_retransmits: channel.max_retransmits(),
            negotiated: channel.negotiated(),
            priority: channel.priority(),
        };
        self.channels.insert(
            id,
            Entry {
                facts: Arc::new(facts),
                inbox: VecDeque::new(),
                readers: Wakers::default(),
                wanting: Vec::new(),
                ended: self.phase != Phase::Open,
                error: None,
            },
        );
    }

    pub(crate) fn facts(&self, id: DataChannelId) -> Option<Arc<Facts>> {
        self.channels.get(&id).map(|entry| entry.facts.clone())
    }

    pub(crate) fn close_channel(&mut self, id: DataChannelId, now: Instant) {
        if let Some(mut channel) = self.core.data_channel(id) {
            channel.close(now);
            self.nudge = true;
        }
    }

    /// The last handle of a channel is gone: it closes, and what still comes is discarded.
    pub(crate) fn forget(&mut self, id: DataChannelId, now: Instant) {
        if let Some(entry) = self.channels.remove(&id) {
            self.read(entry.inbox.iter().map(cost).sum());
        }
        self.close_channel(id, now);
    }

    pub(crate) fn ready_state(&mut self, id: DataChannelId) -> DataChannelState {
        self.core.data_channel(id).map_or(DataChannelState::Closed, |channel| channel.ready_state())
    }

    pub(crate) fn closed(&self, id: DataChannelId) -> ChannelClosed {
        ChannelClosed { error: self.channels.get(&id).and_then(|entry| entry.error) }
    }

    pub(crate) fn poll_receive(&mut self, id: DataChannelId, cx: &Context<'_>) -> Poll<Option<Message>> {
        let Some(entry) = self.channels.get_mut(&id) else { return Poll::Ready(None) };
        if let Some(message) = entry.inbox.pop_front() {
            self.read(cost(&message));
            return Poll::Ready(Some(message));
        }
        if entry.ended {
            return Poll::Ready(None);
        }
        entry.readers.register(cx);
        Poll::Pending
    }

    /// Notes that so much was read. The driver moves more once half is free: waking it for each message would
    /// make a slow reader slower.
    fn read(&mut self, bytes: usize) {
        let half = self.limits.receive_buffer / 2;
        let before = self.unread;
        self.unread -= bytes;
        self.nudge |= before > half && self.unread <= half;
    }

    pub(crate) fn try_send(
        &mut self,
        id: DataChannelId,
        data: Bytes,
        kind: MessageKind,
        now: Instant,
    ) -> Result<(), SendError> {
        let closed = self.closed(id);
        let limit = self.limits.send_buffer as u64;
        let Some(mut channel) = self.core.data_channel(id) else { return Err(closed.into()) };
        match channel.ready_state() {
            DataChannelState::Connecting => return Err(SendError::NotNow(data)),
            DataChannelState::Open => {}
            DataChannelState::Closing | DataChannelState::Closed => return Err(closed.into()),
        }
        let buffered = channel.buffered_amount();
        if buffered > 0 && buffered + data.len() as u64 > limit {
            return Err(SendError::NotNow(data));
        }
        match channel.send_message(now, data, kind) {
            Ok(()) => {
                self.nudge = true;
                Ok(())
            }
            Err(purertc::SendError::BufferFull(data)) => Err(SendError::NotNow(data)),
            Err(purertc::SendError::TooLarge { max }) => Err(SendError::TooLarge { max }),
            Err(purertc::SendError::NotUtf8) => Err(SendError::NotUtf8),
            Err(_) => Err(closed.into()),
        }
    }

    /// How long a message may be that is sent now; `None` when there is no room, or none yet.
    pub(crate) fn room(&mut self, id: DataChannelId) -> Option<usize> {
        let most = self.core.sctp().and_then(|sctp| sctp.max_message_size).unwrap_or(u64::MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let Some(channel) = self.core.data_channel(id) else { return Some(most) };
        let buffered = usize::try_from(channel.buffered_amount()).unwrap_or(usize::MAX);
        match channel.ready_state() {
            DataChannelState::Connecting => None,
            DataChannelState::Open if buffered == 0 => Some(most),
            DataChannelState::Open => {
                let free = self.limits.send_buffer.saturating_sub(buffered);
                (free > 0).then_some(free.min(most))
            }
            DataChannelState::Closing | DataChannelState::Closed => Some(most),
        }
    }

    /// Waits until a channel may be what is wanted; the caller looks again then.
    pub(crate) fn want(&mut self, id: DataChannelId, want: Want, cx: &Context<'_>) {
        let Some(entry) = self.channels.get_mut(&id) else { return };
        if entry.wanting.is_empty() {
            self.waiting.push(id);
        }
        if !entry.wanting.iter().any(|(other, waker)| *other == want && waker.will_wake(cx.waker())) {
            entry.wanting.push((want, cx.waker().clone()));
        }
    }
}
