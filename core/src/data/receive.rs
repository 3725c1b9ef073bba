//! What the association tells becomes events of channels.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::data::channel::{Channel, Phase};
use crate::data::error::ChannelError;
use crate::data::event::{Event, Message, MessageKind, SctpTransportState};
use crate::data::sctp::Association;
use crate::data::sctp::event::Event as SctpEvent;
use crate::data::{DataChannels, Link, StreamUse};
use crate::wire::dcep::Ppid;
use bytes::Bytes;

impl DataChannels {
    /// Takes what the association has to say. Done after each call into it, so that nothing waits for the application to poll.
    pub(super) fn pump(&mut self, now: Instant) {
        while let Link::Up(association) = &mut self.link {
            let Some(event) = association.next_event() else { break };
            match event {
                SctpEvent::Message { stream, ppid, data } => self.on_message(now, stream, ppid, data),
                SctpEvent::Connected => {
                    self.events.push(Event::StateChange(SctpTransportState::Connected));
                    self.open_all();
                }
                SctpEvent::Restarted => self.on_restarted(),
                SctpEvent::MessageTooLarge { stream } => self.fail(stream, ChannelError::MessageTooLarge),
                SctpEvent::BufferedLow { stream } => {
                    if let Some(&StreamUse::Channel(id)) = self.streams.get(stream) {
                        self.events.push(Event::BufferedAmountLow(id));
                    }
                }
                // A peer that will not reset will never use the stream otherwise either.
                SctpEvent::OutgoingReset { stream, performed } => {
                    self.on_reset(now, stream, true, !performed);
                }
                SctpEvent::IncomingReset { stream } => self.on_incoming_reset(now, stream),
                SctpEvent::Closed(reason) => self.on_association_closed(reason),
            }
        }
    }

    fn on_message(&mut self, now: Instant, stream: u16, ppid: u32, data: Bytes) {
        let len = data.len();
        match self.take_message(now, stream, Ppid::from(ppid), data) {
            Ok(Taken::Queued) => (),
            Ok(Taken::Kept) => self.with_association(Association::keep),
            Ok(Taken::Done) => self.release(len),
            Err(reason) => {
                self.drops.count(reason);
                self.release(len);
            }
        }
    }

    fn take_message(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: Ppid,
        data: Bytes,
    ) -> Result<Taken, DropReason> {
        if ppid == Ppid::Dcep {
            return self.on_dcep(now, stream, &data).map(|()| Taken::Done);
        }
        let max = self.config.max_message_size as usize;
        let Some(&StreamUse::Channel(id)) = self.streams.get(stream) else {
            return Err(DropReason::DataChannelClosed);
        };
        let channel = self.channels.get_mut(id).ok_or(DropReason::DataChannelClosed)?;
        if !matches!(channel.phase, Phase::Open { .. }) {
            return Err(DropReason::DataChannelClosed);
        }
        // RFC 8832 §6: any message shows that the peer knows the channel.
        channel.confirm();
        let charged = data.len();
        let (kind, data) = match ppid {
            Ppid::String | Ppid::Binary => {
                let kind = if ppid == Ppid::String { MessageKind::Text } else { MessageKind::Binary };
                (kind, channel.complete(data, max))
            }
            // RFC 8831 §6.6: the one byte is to be ignored.
            Ppid::StringEmpty => (MessageKind::Text, Some(Bytes::new())),
            Ppid::BinaryEmpty => (MessageKind::Binary, Some(Bytes::new())),
            Ppid::StringPartial | Ppid::BinaryPartial if channel.parts.len() + data.len() <= max => {
                channel.parts.extend_from_slice(&data);
                return Ok(Taken::Kept);
            }
            Ppid::StringPartial | Ppid::BinaryPartial => (MessageKind::Binary, None),
            Ppid::Dcep | Ppid::Unknown(_) => return Err(DropReason::DataPayloadProtocol),
        };
        let Some(data) = data else {
            self.fail(stream, ChannelError::MessageTooLarge);
            return Err(DropReason::SctpMessageTooLarge);
        };
        if kind == MessageKind::Text && std::str::from_utf8(&data).is_err() {
            let parts = data.len() - charged.min(data.len());
            self.with_association(|association| association.drop_kept(parts));
            return Err(DropReason::DataNotUtf8);
        }
        channel.counters.messages_received += 1;
        channel.counters.bytes_received += data.len() as u64;
        if data.is_empty() {
            // The byte that stood for nothing.
            self.with_association(|association| association.drop_kept(charged));
        }
        self.events.push(Event::Message { id, message: Message { kind, data } });
        Ok(Taken::Queued)
    }

    pub(super) fn with_association(&mut self, tell: impl FnOnce(&mut Association)) {
        if let Link::Up(association) = &mut self.link {
            tell(association);
        }
    }
}

/// What became of a message.
enum Taken {
    /// It is among the events, and charged until the application takes it.
    Queued,
    /// It is a part of one that is not complete; its bytes stay charged.
    Kept,
    /// It was for us.
    Done,
}

impl Channel {
    /// Puts the last part of a message to those that came before; `None` when that is too large.
    fn complete(&mut self, last: Bytes, max: usize) -> Option<Bytes> {
        if self.parts.is_empty() {
            return Some(last);
        }
        if self.parts.len() + last.len() > max {
            return None;
        }
        self.parts.extend_from_slice(&last);
        Some(Bytes::from(std::mem::take(&mut self.parts)))
    }
}
