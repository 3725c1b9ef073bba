//! The driver's half: events go from the core to where they are read, tasks are woken, and members come and go.

use crate::state::channels::cost;
use crate::state::member::{Audience, MAX_EVENTS, Member};
use crate::state::{Limits, Phase, State};
use crate::wakers::Wakers;
use purertc::{
    ChannelEvent, DataChannelId, DataChannelState, Endpoint, Event, Instant, PeerConnection, PeerId, Wanted,
};
use purertc_mio::net::{Desk, Exchanged};
use std::collections::HashMap;
use std::task::{Context, Waker};

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) endpoint: Endpoint,
    /// Our place among threads that share our ports.
    desk: Option<Desk>,
    members: HashMap<PeerId, Member>,
    /// Members on their way out.
    ending: Vec<PeerId>,
    /// How many members are not done.
    alive: usize,
    /// Someone has a handle of the endpoint itself, and may add members.
    is_open: bool,
    /// Who waits for the end of all.
    pub(crate) watchers: Wakers,
    /// Members that something happened to, and whether that was an event; empty between calls.
    touched: Vec<(PeerId, bool)>,
    /// The driver's task; taken when it is woken.
    driver: Option<Waker>,
    /// The driver has something to do.
    nudged: bool,
}

impl Group {
    /// Nobody yet. A group that is not `open` ends with its last member.
    pub(crate) fn new(endpoint: Endpoint, is_open: bool) -> Self {
        Self::at_desk(endpoint, is_open, None)
    }

    /// The same, with a place among threads that share ports.
    pub(crate) fn at_desk(mut endpoint: Endpoint, is_open: bool, desk: Option<Desk>) -> Self {
        if desk.is_some() {
            endpoint.tell_route_changes();
        }
        Self {
            endpoint,
            desk,
            members: HashMap::new(),
            ending: Vec::new(),
            alive: 0,
            is_open,
            watchers: Wakers::default(),
            touched: Vec::new(),
            driver: None,
            nudged: false,
        }
    }

    pub(crate) fn add(&mut self, connection: PeerConnection, limits: Limits) -> PeerId {
        let id = self.endpoint.add(connection);
        self.members.insert(id, Member::new(limits));
        self.alive += 1;
        self.nudged = true;
        id
    }

    /// The core of a member.
    pub(crate) fn connection(&self, id: PeerId) -> &PeerConnection {
        self.endpoint.peer(id).expect("a member stays until it is left")
    }

    /// Does something with a member.
    pub(crate) fn at<R>(&mut self, id: PeerId, act: impl FnOnce(&mut State<'_>) -> R) -> R {
        let Self { endpoint, members, ending, nudged, .. } = self;
        let core = endpoint.peer_mut(id).expect("a member stays until it is left");
        let member = members.get_mut(&id).expect("a member stays until it is left");
        let was = member.phase;
        let mut state = State { core, member: &mut *member };
        let result = act(&mut state);
        drop(state);
        *nudged |= std::mem::take(&mut member.nudge);
        if was == Phase::Open && member.phase != Phase::Open {
            ending.push(id);
        }
        result
    }

    /// The last handle of a member is gone.
    pub(crate) fn leave(&mut self, id: PeerId, now: Instant) {
        self.nudged = true;
        self.at(id, |state| state.let_go(now));
        self.forget_if_over(id);
    }

    /// Closes everything, and takes no more members.
    pub(crate) fn close(&mut self, now: Instant) {
        self.is_open = false;
        self.nudged = true;
        let all: Vec<PeerId> = self.members.keys().copied().collect();
        all.into_iter().for_each(|id| self.at(id, |state| state.close(now)));
    }

    /// The last handle of the endpoint itself is gone.
    pub(crate) fn shut(&mut self) {
        self.is_open = false;
        self.nudged = true;
    }

    /// Whether members may be added.
    pub(crate) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether nothing will happen any more.
    pub(crate) const fn is_over(&self) -> bool {
        !self.is_open && self.alive == 0
    }

    /// Tells threads that share the ports what leads to the members now.
    pub(crate) fn publish(&mut self) {
        if let Some(desk) = &self.desk {
            desk.publish(std::iter::from_fn(|| self.endpoint.poll_route_change()));
        }
    }

    /// What those threads handed to this one.
    pub(crate) fn exchanged(&self) -> Exchanged {
        self.desk.as_ref().map(Desk::exchanged).unwrap_or_default()
    }

    /// The driver's task, if it is to be woken.
    pub(super) fn take_nudged(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.nudged) { self.driver.take() } else { None }
    }

    pub(crate) fn set_driver(&mut self, cx: &Context<'_>) {
        if !self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
    }

    /// Moves the core's events to where they are read, as far as there is room, and collects who is to be woken.
    pub(crate) fn distribute(&mut self, due: &mut Vec<Waker>) {
        let mut touched = std::mem::take(&mut self.touched);
        loop {
            let Self { endpoint, members, .. } = self;
            let next = endpoint.poll_wanted_event(|id| {
                if touched.last().is_none_or(|(last, _)| *last != id) {
                    touched.push((id, false));
                }
                members.get(&id).map_or(Wanted::Everything, Member::wanted)
            });
            let Some((id, event)) = next else { break };
            if let Some((_, heard)) = touched.last_mut() {
                *heard = true;
            }
            self.sort(id, event, due);
        }
        for (id, heard) in touched.drain(..) {
            if let Some(member) = self.members.get_mut(&id) {
                if heard {
                    // Any event may have come with another state.
                    member.watchers.release(due);
                }
                if !member.waiting.is_empty() {
                    self.at(id, |state| state.serve_waiting(due));
                }
            }
        }
        self.touched = touched;
    }

    /// The next thing that time alone brings.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ends = self.ending.iter().filter_map(|id| match self.members.get(id)?.phase {
            Phase::Lingering { until } | Phase::Closing { until } => Some(until),
            Phase::Open | Phase::Done => None,
        });
        ends.chain(self.endpoint.poll_timeout()).min()
    }

    /// Goes on with the ends of members, if that is due.
    pub(crate) fn advance(&mut self, now: Instant, due: &mut Vec<Waker>) {
        for at in 0..self.ending.len() {
            let id = self.ending[at];
            self.at(id, |state| {
                if let Phase::Lingering { until } = state.phase
                    && (now >= until || state.core.data_channels().next().is_none())
                {
                    state.close(now);
                }
                if matches!(state.phase, Phase::Closing { .. }) {
                    state.wake_everybody(due);
                }
            });
        }
    }

    /// Ends closed members: all of them when everything `is_sent`, or those that have had their time.
    pub(crate) fn bury(&mut self, now: Instant, is_sent: bool, due: &mut Vec<Waker>) {
        let mut ending = std::mem::take(&mut self.ending);
        ending.retain(|&id| {
            let phase = self.members.get(&id).map(Member::phase);
            let over = matches!(phase, Some(Phase::Closing { until }) if is_sent || now >= until);
            if over {
                self.end(id, due);
            }
            !over
        });
        self.ending = ending;
        if self.alive == 0 {
            self.watchers.release(due);
        }
    }

    /// The driver is gone, and with it all that could happen.
    pub(crate) fn finish(&mut self, due: &mut Vec<Waker>) {
        self.is_open = false;
        self.ending.clear();
        let all: Vec<PeerId> = self.members.keys().copied().collect();
        all.into_iter().for_each(|id| self.end(id, due));
        self.watchers.release(due);
    }

    fn end(&mut self, id: PeerId, due: &mut Vec<Waker>) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if member.phase == Phase::Done {
            return;
        }
        member.phase = Phase::Done;
        member.channels.values_mut().for_each(|entry| entry.ended = true);
        member.wake_everybody(due);
        self.alive -= 1;
        self.forget_if_over(id);
    }

    fn forget_if_over(&mut self, id: PeerId) {
        if self.members.get(&id).is_some_and(|member| member.phase == Phase::Done && member.is_left) {
            self.members.remove(&id);
            self.endpoint.remove(id);
            // There may be streams of its to close.
            self.nudged = true;
        }
    }

    fn sort(&mut self, id: PeerId, event: Event, due: &mut Vec<Waker>) {
        let Some(member) = self.members.get_mut(&id) else { return };
        match event {
            Event::Channel(channel, event) => member.sort_channel(channel, event, due),
            _ if member.phase != Phase::Open => {}
            Event::DataChannel(channel) => self.at(id, |state| {
                state.adopt(channel);
                state.queue(event, due);
            }),
            _ if member.events.len() >= MAX_EVENTS => self.at(id, |state| state.queue(event, due)),
            _ => member.push(event, due),
        }
    }
}

impl State<'_> {
    /// Lets an event wait. Nobody reads them when there are too many: the oldest goes.
    fn queue(&mut self, event: Event, due: &mut Vec<Waker>) {
        self.push(event, due);
        if self.events.len() > MAX_EVENTS
            && self.audience == Audience::Nobody
            && let Some(Event::DataChannel(id)) = self.events.pop_front()
        {
            self.forget(id);
        }
    }

    /// Wakes who has got what it wants. It asks the core and not its events: those may be stuck behind messages
    /// that are not read because their reader waits to send.
    fn serve_waiting(&mut self, due: &mut Vec<Waker>) {
        let Self { core, member } = self;
        let Member { channels, waiting, limits, .. } = &mut **member;
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
}

impl Member {
    fn push(&mut self, event: Event, due: &mut Vec<Waker>) {
        self.events.push_back(event);
        self.readers.release(due);
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
