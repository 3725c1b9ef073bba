//! The driver's half: events go from the core to where they are read, and tasks are woken.

use crate::state::channels::cost;
use crate::state::{Audience, MAX_EVENTS, Phase, State};
use purertc::{ChannelEvent, DataChannelId, DataChannelState, Event, Instant};
use std::task::{Context, Waker};

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
    pub(crate) fn distribute(&mut self, due: &mut Vec<Waker>) {
        let mut moved = false;
        while let Some(event) = self.take_event() {
            moved = true;
            self.sort(event, due);
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

    /// The core's next event that there is room for. Messages that nobody reads do not hold up what the
    /// connection itself has to tell.
    fn take_event(&mut self) -> Option<Event> {
        // Without handles nothing is kept, so there is always room.
        let discarding = self.phase != Phase::Open;
        if !discarding && self.events.len() >= MAX_EVENTS && self.audience != Audience::Nobody {
            return None;
        }
        if discarding || self.unread < self.limits.receive_buffer {
            self.core.poll_event()
        } else {
            self.core.poll_connection_event()
        }
    }

    fn sort(&mut self, event: Event, due: &mut Vec<Waker>) {
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
            self.forget(id);
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
