//! Floor 3: data channels over SCTP (RFC 8831, RFC 8832, RFC 9260).
//!
//! [`DataChannels`] is every `RTCDataChannel` of one connection and the [`sctp::Association`] under them. It
//! takes and gives SCTP packets; that they travel inside DTLS is the business of its owner.

pub mod channel;
pub mod config;
pub mod error;
pub mod event;
pub mod sctp;

use crate::base::drops::Drops;
use crate::base::ids::Slots;
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::traits::Hmac;
use crate::data::channel::{Channel, DataChannelId, DataChannelInit};
use crate::data::config::Config;
use crate::data::error::{ChannelError, CreateDataChannelError, SendError};
use crate::data::event::{DataChannelState, Event, Message, MessageKind, SctpTransportState};
use crate::data::sctp::Association;
use crate::data::sctp::config::Stats;
use crate::data::sctp::event::{Event as SctpEvent, Reliability, SendOptions};
use crate::wire::dcep::{ChannelType, Dcep, Open, Ppid};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// All data channels of a connection.
pub struct DataChannels {
    channels: Slots<Channel>,
    by_stream: BTreeMap<u16, DataChannelId>,
    config: Config,
    hmac: &'static dyn Hmac,
    rng: Rng,
    assoc: Option<Association>,
    client: Option<bool>,
    remote: Option<(u16, u64)>,
    state: SctpTransportState,
    events: Queue<Event>,
    now: Instant,
}

impl DataChannels {
    /// new
    #[must_use]
    pub fn new(config: Config, hmac: &'static dyn Hmac, rng: Rng) -> Self {
        Self {
            channels: Slots::default(),
            by_stream: BTreeMap::new(),
            config,
            hmac,
            rng,
            assoc: None,
            client: None,
            remote: None,
            state: SctpTransportState::Connecting,
            events: Queue::default(),
            now: Instant::ZERO,
        }
    }
    /// create
    pub fn create(
        &mut self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannelId, CreateDataChannelError> {
        let stream = if init.negotiated { init.id } else { None };
        let id = self.channels.insert(Channel {
            label: label.to_owned(),
            init,
            stream,
            state: DataChannelState::Connecting,
            threshold: 0,
            counters: Default::default(),
        });
        self.assign();
        if self.state == SctpTransportState::Connected {
            self.open(id);
        }
        Ok(id)
    }
    fn assign(&mut self) {
        let Some(client) = self.client else { return };
        for (id, c) in self.channels.iter_mut() {
            if c.stream.is_none() {
                let mut s = u16::from(!client);
                while self.by_stream.contains_key(&s) {
                    s += 2;
                }
                c.stream = Some(s);
            }
            self.by_stream.insert(c.stream.unwrap(), id);
        }
    }
    fn options(c: &Channel) -> SendOptions {
        let reliability = match (c.init.max_retransmits, c.init.max_packet_life_time) {
            (Some(n), _) => Reliability::Retransmits(n),
            (_, Some(ms)) => Reliability::Lifetime(Duration::from_millis(ms.into())),
            _ => Reliability::Reliable,
        };
        SendOptions { unordered: !c.init.ordered, reliability, uncounted: false }
    }
    fn open(&mut self, id: DataChannelId) {
        let c = self.channels.get_mut(id).unwrap();
        if c.state != DataChannelState::Connecting {
            return;
        }
        c.state = DataChannelState::Open;
        self.events.push(Event::Open(id));
        if c.init.negotiated {
            return;
        }
        let (channel_type, reliability) = match (c.init.max_retransmits, c.init.max_packet_life_time) {
            (Some(n), _) => (ChannelType::Retransmissions, u32::from(n)),
            (_, Some(ms)) => (ChannelType::Lifetime, u32::from(ms)),
            _ => (ChannelType::Reliable, 0),
        };
        let mut out = Vec::new();
        Dcep::Open(Open {
            channel_type,
            unordered: !c.init.ordered,
            priority: 256,
            reliability,
            label: &c.label,
            protocol: &c.init.protocol,
        })
        .write(&mut out);
        let stream = c.stream.unwrap();
        let _ = self.assoc.as_mut().unwrap().send(
            self.now,
            stream,
            Ppid::Dcep.into(),
            Bytes::from(out),
            SendOptions { uncounted: true, ..Default::default() },
        );
    }
    /// role
    pub fn set_dtls_role(&mut self, client: bool) {
        self.client = Some(client);
        self.assign();
    }
    /// remote
    pub fn set_remote(&mut self, port: u16, max_message_size: u64) {
        self.remote = Some((port, max_message_size));
    }
    /// start
    pub fn start(&mut self, now: Instant) {
        if self.assoc.is_some() {
            return;
        }
        let mut a = Association::new(self.config.sctp.clone(), self.hmac, self.rng.fork()).unwrap();
        a.connect(now);
        self.assoc = Some(a);
    }
    /// packet
    pub fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.now = now;
        if let Some(a) = &mut self.assoc {
            a.handle_packet(now, packet);
        }
        self.pump(false);
    }
    fn pump(&mut self, messages: bool) {
        if !self.events.is_empty() && messages {
            return;
        }
        let Some(a) = &mut self.assoc else { return };
        let Some(e) = a.poll_event() else { return };
        match e {
            SctpEvent::Connected => {
                self.state = SctpTransportState::Connected;
                self.events.push(Event::StateChange(self.state));
                let ids: Vec<_> = self.channels.iter().map(|(id, _)| id).collect();
                ids.into_iter().for_each(|id| self.open(id));
            }
            SctpEvent::Message { stream, ppid, data } => {
                let kind = match Ppid::from(ppid) {
                    Ppid::Dcep => {
                        if let Ok(Dcep::Open(o)) = Dcep::parse(&data) {
                            let init = DataChannelInit {
                                ordered: !o.unordered,
                                max_retransmits: (o.channel_type == ChannelType::Retransmissions)
                                    .then_some(o.reliability as u16),
                                max_packet_life_time: (o.channel_type == ChannelType::Lifetime)
                                    .then_some(o.reliability as u16),
                                protocol: o.protocol.to_owned(),
                                ..Default::default()
                            };
                            let id = self.channels.insert(Channel {
                                label: o.label.to_owned(),
                                init,
                                stream: Some(stream),
                                state: DataChannelState::Open,
                                threshold: 0,
                                counters: Default::default(),
                            });
                            self.by_stream.insert(stream, id);
                            let mut out = Vec::new();
                            Dcep::Ack.write(&mut out);
                            let _ = self.assoc.as_mut().unwrap().send(
                                self.now,
                                stream,
                                Ppid::Dcep.into(),
                                Bytes::from(out),
                                SendOptions { uncounted: true, ..Default::default() },
                            );
                            self.events.push(Event::DataChannel(id));
                            self.events.push(Event::Open(id));
                        }
                        return self.pump(messages);
                    }
                    Ppid::String | Ppid::StringEmpty => MessageKind::Text,
                    _ => MessageKind::Binary,
                };
                let data = if matches!(Ppid::from(ppid), Ppid::StringEmpty | Ppid::BinaryEmpty) {
                    Bytes::new()
                } else {
                    data
                };
                if let Some(&id) = self.by_stream.get(&stream) {
                    self.events.push(Event::Message { id, message: Message { kind, data } });
                }
            }
            SctpEvent::BufferedLow { stream } => {
                if let Some(&id) = self.by_stream.get(&stream) {
                    self.events.push(Event::BufferedAmountLow(id));
                }
            }
            SctpEvent::IncomingReset { stream } => {
                if let Some(&id) = self.by_stream.get(&stream) {
                    let c = self.channels.get_mut(id).unwrap();
                    if c.state == DataChannelState::Open {
                        c.state = DataChannelState::Closing;
                        self.events.push(Event::Closing(id));
                        let _ = self.assoc.as_mut().unwrap().reset_stream(stream);
                    }
                }
            }
            SctpEvent::OutgoingReset { stream, .. } => {
                if let Some(id) = self.by_stream.remove(&stream) {
                    self.channels.get_mut(id).unwrap().state = DataChannelState::Closed;
                    self.events.push(Event::Close(id));
                }
            }
            SctpEvent::Closed(_) => self.fail(ChannelError::Aborted { cause: None }),
            _ => {}
        }
        self.pump(messages);
    }
    fn fail(&mut self, error: ChannelError) {
        if self.state == SctpTransportState::Closed {
            return;
        }
        self.state = SctpTransportState::Closed;
        self.events.push(Event::StateChange(self.state));
        let ids: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, c)| c.state != DataChannelState::Closed)
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.channels.get_mut(id).unwrap().state = DataChannelState::Closed;
            self.events.push(Event::Error { id, error });
            self.events.push(Event::Close(id));
        }
    }
    /// timeout
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if let Some(a) = &mut self.assoc {
            a.handle_timeout(now);
        }
        self.pump(false);
    }
    /// transmit
    pub fn poll_transmit(&mut self, now: Instant, max_len: usize, out: &mut Vec<u8>) -> Option<usize> {
        self.assoc.as_mut()?.poll_transmit(now, max_len, out)
    }
    /// event
    pub fn poll_event(&mut self) -> Option<Event> {
        self.pump(true);
        self.events.pop()
    }
    /// timeout
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.assoc.as_ref()?.poll_timeout()
    }
    /// send
    pub fn send(
        &mut self,
        now: Instant,
        id: DataChannelId,
        data: Bytes,
        kind: MessageKind,
    ) -> Result<(), SendError> {
        let c =
            self.channels.get(id).filter(|c| c.state == DataChannelState::Open).ok_or(SendError::NotOpen)?;
        let stream = c.stream.unwrap();
        if data.len() as u64 > self.max_message_size().unwrap() {
            return Err(SendError::TooLarge { max: 262_144 });
        }
        let o = Self::options(c);
        let a = self.assoc.as_mut().unwrap();
        if a.buffered(stream) + data.len() > self.config.max_buffered_amount {
            return Err(SendError::BufferFull(data));
        }
        let (ppid, data) = match (kind, data.is_empty()) {
            (MessageKind::Text, false) => (Ppid::String, data),
            (MessageKind::Text, true) => (Ppid::StringEmpty, Bytes::from_static(&[0])),
            (MessageKind::Binary, false) => (Ppid::Binary, data),
            (MessageKind::Binary, true) => (Ppid::BinaryEmpty, Bytes::from_static(&[0])),
        };
        a.send(now, stream, ppid.into(), data, o).map_err(|_| SendError::NotOpen)
    }
    /// close
    pub fn close_channel(&mut self, _now: Instant, id: DataChannelId) {
        let Some(c) = self.channels.get_mut(id) else { return };
        if c.state == DataChannelState::Open {
            c.state = DataChannelState::Closing;
            let s = c.stream.unwrap();
            let _ = self.assoc.as_mut().unwrap().reset_stream(s);
        }
    }
    /// close
    pub fn close(&mut self) {
        if let Some(a) = &mut self.assoc {
            a.abort();
        }
    }
    /// gone
    pub fn transport_closed(&mut self) {
        self.fail(ChannelError::Timeout);
        self.assoc = None;
    }
    /// channel
    #[must_use]
    pub fn channel(&self, id: DataChannelId) -> Option<&Channel> {
        self.channels.get(id)
    }
    /// threshold
    pub fn set_buffered_amount_low_threshold(&mut self, id: DataChannelId, threshold: u64) {
        let s = self.channels.get(id).and_then(|c| c.stream);
        if let (Some(s), Some(a)) = (s, &mut self.assoc) {
            a.set_low_threshold(s, threshold as usize);
        }
    }
    /// buffered
    #[must_use]
    pub fn buffered_amount(&self, id: DataChannelId) -> u64 {
        let s = self.channels.get(id).and_then(|c| c.stream);
        s.zip(self.assoc.as_ref()).map_or(0, |(s, a)| a.buffered(s) as u64)
    }
    /// channels
    pub fn channels(&self) -> impl Iterator<Item = (DataChannelId, &Channel)> {
        self.channels.iter()
    }
    /// state
    #[must_use]
    pub fn state(&self) -> SctpTransportState {
        self.state
    }
    /// max
    #[must_use]
    pub fn max_channels(&self) -> Option<u16> {
        self.assoc.as_ref().map(Association::outbound_streams)
    }
    /// max
    #[must_use]
    pub fn max_message_size(&self) -> Option<u64> {
        self.remote.map(|(_, m)| if m == 0 { u64::MAX } else { m })
    }
    /// drops
    #[must_use]
    pub fn drops(&self) -> Drops {
        self.assoc.as_ref().map(|a| a.drops().clone()).unwrap_or_default()
    }
    /// stats
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.assoc.as_ref().map(Association::stats).unwrap_or_default()
    }
}

impl std::fmt::Debug for DataChannels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataChannels")
    }
}
