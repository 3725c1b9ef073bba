//! How channels come about: `createDataChannel`, identifiers, and the messages of DCEP (RFC 8832).

use crate::base::drops::DropReason;
use crate::base::priority::Priority;
use crate::base::time::Instant;
use crate::data::channel::{Channel, DataChannelId, DataChannelInit, Phase};
use crate::data::error::{ChannelError, CreateDataChannelError};
use crate::data::event::Event;
use crate::data::sctp::event::SendOptions;
use crate::data::sctp::stream_map::StreamMap;
use crate::data::{DataChannels, Link, StreamUse};
use crate::wire::dcep::{ChannelType, Dcep, Open, Ppid};
use bytes::Bytes;

/// Which identifiers are ours to give, and from where to look for one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ids {
    /// 0 for the DTLS client, 1 for the server (RFC 8832 §6); unknown at first.
    parity: Option<u16>,
    /// No identifier of ours below this is free.
    from: u16,
}

impl Ids {
    /// The smallest one that is free and below `max`.
    fn pick<T>(&mut self, streams: &StreamMap<T>, max: u16) -> Option<u16> {
        let parity = self.parity?;
        let from = self.from.max(parity);
        let found = (from..max).step_by(2).find(|&stream| streams.slot_of(stream).is_none())?;
        self.from = found.saturating_add(2);
        Some(found)
    }

    /// One is free again.
    pub(super) fn put_back(&mut self, stream: u16) {
        if self.parity == Some(stream % 2) {
            self.from = self.from.min(stream);
        }
    }
}

impl DataChannels {
    /// Makes a channel (`createDataChannel`). May come before the transport exists; its id is then assigned with the DTLS role.
    ///
    /// # Errors
    ///
    /// Those of W3C, checked in its order.
    pub fn create(
        &mut self,
        now: Instant,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannelId, CreateDataChannelError> {
        if matches!(self.link, Link::Closed(_)) {
            return Err(CreateDataChannelError::Closed);
        }
        check(label, &init)?;
        let max = self.max_channels().unwrap_or(u16::MAX);
        let stream = match init.id.filter(|_| init.negotiated) {
            Some(stream) if self.streams.slot_of(stream).is_some() => {
                return Err(CreateDataChannelError::IdInUse);
            }
            Some(stream) if stream >= max => return Err(CreateDataChannelError::IdTooLarge),
            Some(stream) => Some(stream),
            None if self.ids.parity.is_none() => None,
            None => Some(self.ids.pick(&self.streams, max).ok_or(CreateDataChannelError::NoIdFree)?),
        };
        self.note_priority(init.priority);
        let id = self.channels.insert(Channel::new(label.to_owned(), init, stream, Phase::Connecting));
        if let Some(stream) = stream {
            self.streams.get_or_insert_with(stream, || StreamUse::Channel(id));
        }
        self.announce(now, id);
        if self.max_channels().is_some() {
            self.open(id);
        }
        Ok(id)
    }

    /// Says which DTLS role we have; channels without an identifier get one. Call it before [`start`](Self::start).
    pub fn set_dtls_role(&mut self, now: Instant, client: bool) {
        if self.ids.parity.is_some() {
            return;
        }
        self.ids.parity = Some(u16::from(!client));
        let waiting: Vec<_> =
            self.channels.iter().filter(|(_, channel)| channel.stream.is_none()).map(|(id, _)| id).collect();
        for id in waiting {
            let max = self.max_channels().unwrap_or(u16::MAX);
            let Some(stream) = self.ids.pick(&self.streams, max) else {
                self.fail_at_once(id, ChannelError::NoStream);
                continue;
            };
            self.streams.get_or_insert_with(stream, || StreamUse::Channel(id));
            if let Some(channel) = self.channels.get_mut(id) {
                channel.stream = Some(stream);
            }
            self.announce(now, id);
        }
    }

    /// Tells the association of a channel, and the peer where that is not the application's business. Nothing happens before
    /// there is an association, or an identifier.
    pub(super) fn announce(&mut self, now: Instant, id: DataChannelId) {
        let (Link::Up(association), Some(channel)) = (&mut self.link, self.channels.get(id)) else { return };
        let (Some(stream), Phase::Connecting) = (channel.stream, channel.phase) else { return };
        if channel.init.priority != Priority::Low {
            association.set_weight(stream, channel.init.priority.weight());
        }
        if channel.threshold > 0 {
            association.set_low_threshold(stream, usize::try_from(channel.threshold).unwrap_or(usize::MAX));
        }
        if channel.init.negotiated {
            return;
        }
        let mut open = Vec::new();
        Dcep::Open(channel.open_message()).write(&mut open);
        // A stream that the association does not have is found out when it is up.
        let _ = association.send(now, stream, Ppid::Dcep.into(), open.into(), DCEP_OPTIONS);
    }

    /// The association is up: channels open, or fail for want of a stream.
    pub(super) fn open_all(&mut self) {
        let max = self.max_channels().unwrap_or(0);
        let connecting: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.phase == Phase::Connecting)
            .map(|(id, channel)| (id, channel.stream))
            .collect();
        for (id, stream) in connecting {
            match stream {
                Some(stream) if stream < max => self.open(id),
                Some(stream) => {
                    self.streams.remove(stream);
                    self.fail_at_once(id, ChannelError::NoStream);
                }
                // The DTLS role is not known, which is for the owner to say.
                None => (),
            }
        }
    }

    /// Announces that a channel is open. The opener does not wait for the peer to agree (RFC 8832 §6).
    fn open(&mut self, id: DataChannelId) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        if channel.stream.is_some() && channel.phase == Phase::Connecting {
            channel.phase = Phase::Open { confirmed: channel.init.negotiated };
            self.events.push_back(Event::Open(id));
        }
    }

    /// A message of DCEP arrived.
    pub(super) fn on_dcep(&mut self, now: Instant, stream: u16, message: &[u8]) -> Result<(), DropReason> {
        match Dcep::parse(message) {
            Ok(Dcep::Ack) => {
                let channel = self.channel_of(stream).ok_or(DropReason::DcepUnexpected)?;
                channel.confirm();
                Ok(())
            }
            Ok(Dcep::Open(open)) => self.on_open(now, stream, &open),
            Err(_) => {
                self.refuse(stream);
                Err(DropReason::DcepMalformed)
            }
        }
    }

    // RFC 8832 §6: an OPEN on a stream of the wrong parity or one that is in use closes the stream.
    fn on_open(&mut self, now: Instant, stream: u16, open: &Open<'_>) -> Result<(), DropReason> {
        if self.streams.slot_of(stream).is_some() {
            self.violate(stream);
            return Err(DropReason::DcepUnexpected);
        }
        let ours = self.ids.parity == Some(stream % 2);
        if ours || self.incoming >= self.config.max_incoming_channels || stream == u16::MAX {
            self.refuse(stream);
            return Err(DropReason::DcepUnexpected);
        }
        let limit = u16::try_from(open.reliability).unwrap_or(u16::MAX);
        let (max_retransmits, max_packet_life_time) = match open.channel_type {
            ChannelType::Reliable => (None, None),
            ChannelType::Retransmissions => (Some(limit), None),
            ChannelType::Lifetime => (None, Some(limit)),
            ChannelType::Unknown(_) => {
                self.refuse(stream);
                return Err(DropReason::DcepMalformed);
            }
        };
        let init = DataChannelInit {
            ordered: !open.unordered,
            max_packet_life_time,
            max_retransmits,
            protocol: open.protocol.to_owned(),
            negotiated: false,
            id: None,
            priority: Priority::from_weight(open.priority),
        };
        let weight = init.priority.weight();
        self.note_priority(init.priority);
        let phase = Phase::Open { confirmed: true };
        let channel = Channel::new(open.label.to_owned(), init, Some(stream), phase);
        let id = self.channels.insert(Channel { incoming: true, ..channel });
        self.streams.get_or_insert_with(stream, || StreamUse::Channel(id));
        self.incoming += 1;
        if let Link::Up(association) = &mut self.link {
            if weight != Priority::Low.weight() {
                association.set_weight(stream, weight);
            }
            let mut ack = Vec::new();
            Dcep::Ack.write(&mut ack);
            // It fails on a stream that is being reset, and then nobody waits for it.
            let _ = association.send(now, stream, Ppid::Dcep.into(), Bytes::from(ack), DCEP_OPTIONS);
        }
        self.events.push_back(Event::DataChannel(id));
        self.events.push_back(Event::Open(id));
        Ok(())
    }

    /// The channel that a stream belongs to.
    pub(super) fn channel_of(&mut self, stream: u16) -> Option<&mut Channel> {
        match self.streams.get(stream) {
            Some(&StreamUse::Channel(id)) => self.channels.get_mut(id),
            _ => None,
        }
    }
}

/// DCEP is ordered, reliable, and not the application's.
const DCEP_OPTIONS: SendOptions = SendOptions {
    unordered: false,
    reliability: crate::data::sctp::event::Reliability::Reliable,
    uncounted: true,
};

impl Channel {
    /// The peer has shown that it knows the channel.
    pub(super) fn confirm(&mut self) {
        if let Phase::Open { confirmed } = &mut self.phase {
            *confirmed = true;
        }
    }
}

fn check(label: &str, init: &DataChannelInit) -> Result<(), CreateDataChannelError> {
    const MAX_TEXT: usize = u16::MAX as usize;
    if label.len() > MAX_TEXT {
        return Err(CreateDataChannelError::LabelTooLong);
    }
    if init.protocol.len() > MAX_TEXT {
        return Err(CreateDataChannelError::ProtocolTooLong);
    }
    if init.negotiated && init.id.is_none() {
        return Err(CreateDataChannelError::MissingId);
    }
    if init.max_packet_life_time.is_some() && init.max_retransmits.is_some() {
        return Err(CreateDataChannelError::BothLimits);
    }
    if init.negotiated && init.id == Some(u16::MAX) {
        return Err(CreateDataChannelError::BadId);
    }
    Ok(())
}
