//! What handles of channels do: messages in and out, and waiting for either.

use crate::error::{ChannelClosed, SendError};
use crate::state::Phase;
use crate::state::member::{Member, State};
use crate::wakers::Wakers;
use bytes::Bytes;
use purertc::{ChannelError, DataChannelId, DataChannelState, Instant, Message, MessageKind, Priority};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// What a message counts on top of its length, so that empty ones are bounded too.
const MESSAGE_OVERHEAD: usize = 64;

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

impl Want {
    pub(super) fn is_met(self, state: DataChannelState, buffered: u64, low: u64) -> bool {
        match (self, state) {
            (_, DataChannelState::Closed) | (Self::Writable, DataChannelState::Closing) => true,
            (Self::Writable, DataChannelState::Open) => buffered <= low,
            (Self::Drained, _) => buffered == 0,
            (Self::Writable | Self::Closed, _) => false,
        }
    }
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
pub(super) struct Entry {
    facts: Arc<Facts>,
    pub(super) inbox: VecDeque<Message>,
    pub(super) readers: Wakers,
    pub(super) wanting: Vec<(Want, Waker)>,
    /// `Close` was seen: no message comes behind those in the inbox.
    pub(super) ended: bool,
    pub(super) error: Option<ChannelError>,
}

pub(super) fn cost(message: &Message) -> usize {
    message.data.len() + MESSAGE_OVERHEAD
}

impl State<'_> {
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
        let ended = self.phase != Phase::Open;
        self.channels.insert(
            id,
            Entry {
                facts: Arc::new(facts),
                inbox: VecDeque::new(),
                readers: Wakers::default(),
                wanting: Vec::new(),
                ended,
                error: None,
            },
        );
    }

    pub(crate) fn facts(&self, id: DataChannelId) -> Option<Arc<Facts>> {
        self.channels.get(&id).map(|entry| entry.facts.clone())
    }

    pub(crate) fn close_channel(&mut self, id: DataChannelId) {
        if let Some(mut channel) = self.core.data_channel(id) {
            channel.close();
            self.nudge = true;
        }
    }

    /// The last handle of a channel is gone: it closes, and what still comes is discarded.
    pub(crate) fn forget(&mut self, id: DataChannelId) {
        if let Some(entry) = self.channels.remove(&id) {
            self.read(entry.inbox.iter().map(cost).sum());
        }
        self.close_channel(id);
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
        let Member { channels, waiting, .. } = &mut *self.member;
        let Some(entry) = channels.get_mut(&id) else { return };
        if entry.wanting.is_empty() {
            waiting.push(id);
        }
        if !entry.wanting.iter().any(|(other, waker)| *other == want && waker.will_wake(cx.waker())) {
            entry.wanting.push((want, cx.waker().clone()));
        }
    }
}
