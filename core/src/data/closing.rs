//! How channels end: by resetting both sides of their stream (RFC 8831 §6.7), or with the association.

use crate::base::time::Instant;
use crate::data::channel::{DataChannelId, Phase};
use crate::data::error::ChannelError;
use crate::data::event::{Event, SctpTransportState};
use crate::data::sctp::event::CloseReason;
use crate::data::{DataChannels, Link, StreamUse};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a channel waits for the peer to reset its side, before it is closed all the same. Its identifier stays taken.
const LINGER: Duration = Duration::from_secs(10);

/// Channels whose own side is reset and whose peer's is not, by when that takes too long.
#[derive(Debug, Default)]
pub(super) struct Lingering(VecDeque<(Instant, DataChannelId)>);

impl Lingering {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.front().map(|&(at, _)| at)
    }
}

impl DataChannels {
    /// Starts the closing procedure of a channel (`close`): what was sent before still goes out. Nothing happens when it is
    /// closing or closed.
    pub fn close_channel(&mut self, id: DataChannelId) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        if !matches!(channel.phase, Phase::Connecting | Phase::Open { .. }) {
            return;
        }
        channel.phase = Phase::Closing { outgoing: false, incoming: false };
        let stream = channel.stream;
        match (&self.link, stream) {
            (Link::Up(_), Some(stream)) => self.reset_outgoing(stream),
            // The peer has never heard of it.
            _ => {
                if let Some(stream) = stream {
                    self.free(stream);
                }
                self.finish(id, None);
            }
        }
    }

    /// Ends everything at once, as closing the connection does: channels are closed without an event, the peer gets an ABORT
    /// with the next packet.
    pub fn close(&mut self) {
        let association = match std::mem::replace(&mut self.link, Link::Closed(None)) {
            Link::Up(mut association) => {
                association.abort();
                Some(association)
            }
            Link::Closed(association) => association,
            Link::Idle => None,
        };
        self.link = Link::Closed(association);
        let ids: Vec<_> = self.channels.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.set_closed(id));
        self.events.clear();
        self.lingering.0.clear();
    }

    /// The transport is gone: channels are closed, nothing is sent any more.
    pub fn transport_closed(&mut self) {
        if let Link::Up(association) = &mut self.link {
            association.abandon_silently();
        }
        if !matches!(self.link, Link::Closed(_)) {
            self.end(None);
        }
        self.link = Link::Closed(None);
    }

    /// The descriptions have no association any more, and a later one may: what is left of the last is forgotten. Its
    /// channels stay closed.
    pub fn reopen(&mut self) {
        if matches!(self.link, Link::Closed(_)) {
            self.link = Link::Idle;
            self.remote = None;
            self.snap = None;
            self.ids = Default::default();
        }
    }

    /// The association is over, or never came to be.
    pub(super) fn end(&mut self, error: Option<ChannelError>) {
        let association = match std::mem::replace(&mut self.link, Link::Idle) {
            Link::Up(association) | Link::Closed(Some(association)) => Some(association),
            Link::Idle | Link::Closed(None) => None,
        };
        self.link = Link::Closed(association);
        self.events.push_back(Event::StateChange(SctpTransportState::Closed));
        self.end_channels(error);
    }

    fn end_channels(&mut self, error: Option<ChannelError>) {
        let ids: Vec<_> =
            self.channels.iter().filter(|(_, c)| c.phase != Phase::Closed).map(|(id, _)| id).collect();
        for id in ids {
            self.finish(id, error);
        }
        self.streams = Default::default();
        self.ids.put_back(0);
        self.ids.put_back(1);
        self.lingering.0.clear();
    }

    pub(super) fn on_association_closed(&mut self, reason: CloseReason) {
        self.end(match reason {
            CloseReason::Shutdown | CloseReason::LocalAbort => None,
            CloseReason::PeerAbort(cause) => Some(ChannelError::Aborted { cause }),
            CloseReason::Timeout => Some(ChannelError::Timeout),
            CloseReason::ProtocolViolation => Some(ChannelError::Sctp),
        });
    }

    /// The peer has begun a new association: it knows none of the channels any more.
    pub(super) fn on_restarted(&mut self) {
        self.end_channels(Some(ChannelError::Restarted));
    }

    fn set_closed(&mut self, id: DataChannelId) {
        let left = self.buffered_amount(id);
        if let Some(channel) = self.channels.get_mut(id) {
            (channel.phase, channel.left) = (Phase::Closed, left);
        }
    }

    /// A channel is closed: its last events.
    fn finish(&mut self, id: DataChannelId, error: Option<ChannelError>) {
        self.set_closed(id);
        let Some(channel) = self.channels.get_mut(id) else { return };
        let parts = std::mem::take(&mut channel.parts).len();
        self.with_association(|association| association.drop_kept(parts));
        if let Some(error) = error {
            self.events.push_back(Event::Error { id, error });
        }
        self.events.push_back(Event::Close(id));
    }

    /// A channel fails that no stream stands behind.
    pub(super) fn fail_at_once(&mut self, id: DataChannelId, error: ChannelError) {
        self.finish(id, Some(error));
    }

    /// A channel fails while its stream is in use: the error now, the end when both sides are reset.
    pub(super) fn fail(&mut self, stream: u16, error: ChannelError) {
        let Some(&StreamUse::Channel(id)) = self.streams.get(stream) else { return };
        let Some(channel) = self.channels.get_mut(id) else { return };
        if matches!(channel.phase, Phase::Connecting | Phase::Open { .. }) {
            channel.phase = Phase::Closing { outgoing: false, incoming: false };
            let parts = std::mem::take(&mut channel.parts).len();
            self.with_association(|association| association.drop_kept(parts));
            self.events.push_back(Event::Error { id, error });
            self.reset_outgoing(stream);
        }
    }

    /// The peer opened a channel on a stream that is in use.
    pub(super) fn violate(&mut self, stream: u16) {
        self.fail(stream, ChannelError::ProtocolViolation);
    }

    /// The peer opened a channel that cannot be: its stream is reset.
    pub(super) fn refuse(&mut self, stream: u16) {
        if self.streams.slot_of(stream).is_some() {
            return self.violate(stream);
        }
        if let Link::Up(association) = &mut self.link
            && association.reset_stream(stream).is_ok()
        {
            self.streams.get_or_insert_with(stream, || StreamUse::Reserved);
        }
    }

    fn reset_outgoing(&mut self, stream: u16) {
        let Link::Up(association) = &mut self.link else { return };
        if association.reset_stream(stream).is_err() {
            // There is no such stream, or no association: nothing to wait for.
            self.on_reset(Instant::ZERO, stream, true, true);
        }
    }

    /// The peer has reset its side of a stream.
    pub(super) fn on_incoming_reset(&mut self, now: Instant, stream: u16) {
        let Some(&StreamUse::Channel(id)) = self.streams.get(stream) else {
            return self.on_reset(now, stream, false, true);
        };
        let Some(channel) = self.channels.get_mut(id) else { return };
        if matches!(channel.phase, Phase::Connecting | Phase::Open { .. }) {
            channel.phase = Phase::Closing { outgoing: false, incoming: true };
            self.events.push_back(Event::Closing(id));
            self.reset_outgoing(stream);
        } else {
            self.on_reset(now, stream, false, true);
        }
    }

    /// One side, or both, of a stream that is to end has been reset.
    pub(super) fn on_reset(&mut self, now: Instant, stream: u16, now_outgoing: bool, now_incoming: bool) {
        let Some(&StreamUse::Channel(id)) = self.streams.get(stream) else {
            // A stream without a channel: free once the peer has let go of it.
            if now_incoming {
                self.free(stream);
            }
            return;
        };
        let Some(channel) = self.channels.get_mut(id) else { return };
        let Phase::Closing { outgoing, incoming } = &mut channel.phase else { return };
        *outgoing |= now_outgoing;
        *incoming |= now_incoming;
        let (outgoing, incoming) = (*outgoing, *incoming);
        if outgoing && incoming {
            self.free(stream);
            self.finish(id, None);
        } else if outgoing {
            self.lingering.0.push_back((now + LINGER, id));
        }
    }

    /// Closes channels whose peers take too long.
    pub(super) fn end_lingering(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.lingering.0.front() {
            let over = self.channels.get(id).is_none_or(|channel| channel.phase == Phase::Closed);
            if at > now && !over {
                break;
            }
            self.lingering.0.pop_front();
            let stream = self.channels.get(id).and_then(|channel| channel.stream);
            if let (false, Some(stream)) = (over, stream) {
                if let Some(used) = self.streams.get_mut(stream) {
                    *used = StreamUse::Reserved;
                }
                self.finish(id, None);
            }
        }
    }

    /// A stream may be used again.
    fn free(&mut self, stream: u16) {
        if self.streams.remove(stream).is_some() {
            self.ids.put_back(stream);
        }
    }
}
