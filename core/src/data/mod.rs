//! Floor 3: data channels over SCTP (RFC 8831, RFC 8832, RFC 9260).
//!
//! [`DataChannels`] is every `RTCDataChannel` of one connection and the [`sctp::Association`] under them. It
//! takes and gives SCTP packets; that they travel inside DTLS is the business of its owner.

pub mod channel;
pub mod config;
pub mod error;
pub mod event;
pub mod sctp;

mod closing;
mod opening;
mod receive;

#[cfg(test)]
mod tests;

use crate::base::drops::Drops;
use crate::base::ids::Slots;
use crate::base::priority::Priority;
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::traits::Hmac;
use crate::data::channel::{Channel, DataChannelId, Phase};
use crate::data::closing::Lingering;
use crate::data::config::Config;
use crate::data::error::SendError;
use crate::data::event::{Event, MessageKind, SctpTransportState};
use crate::data::opening::Ids;
use crate::data::sctp::Association;
use crate::data::sctp::config::{Config as SctpConfig, Stats};
use crate::data::sctp::event::InitError;
use crate::data::sctp::init::described;
use crate::data::sctp::state::{Local, Peer};
use crate::data::sctp::stream_map::StreamMap;
use crate::wire::dcep::Ppid;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// What `a=max-message-size` is when a description does not say (RFC 8841 §6.1).
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 65_536;

/// All data channels of a connection.
pub struct DataChannels {
    config: Config,
    hmac: &'static dyn Hmac,
    rng: Rng,
    link: Link,
    channels: Slots<Channel>,
    streams: StreamMap<StreamUse>,
    ids: Ids,
    /// What the peer's description says.
    remote: Option<Remote>,
    /// What the descriptions say of the association, if they do.
    snap: Option<Snap>,
    path_rtt: Option<Duration>,
    /// The largest packet that path MTU discovery tries.
    largest_packet: usize,
    lingering: Lingering,
    events: VecDeque<Event>,
    /// The channel whose `Close` event was taken last: it goes with the next call.
    departing: Option<DataChannelId>,
    /// Channels of the peer that the application has not seen the end of.
    incoming: usize,
    /// The highest priority that a channel was made with.
    priority: Option<Priority>,
    drops: Drops,
}

/// The association.
#[derive(Debug)]
enum Link {
    /// DTLS is not up: nothing exists, whatever arrives.
    Idle,
    Up(Box<Association>),
    /// Over; it may still have a last packet to send.
    Closed(Option<Box<Association>>),
}

/// Who a stream belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamUse {
    Channel(DataChannelId),
    /// Nobody any more, but not both sides have been reset yet.
    Reserved,
}

/// The least time-out of an association that has measured nothing yet.
const LEAST_FIRST_RTO: Duration = Duration::from_millis(50);

/// The two INIT chunks of the descriptions, where they are there (SNAP): ours as far as it was drawn, the peer's as read.
#[derive(Clone, Copy, Debug)]
struct Snap {
    local: Local,
    peer: Option<Peer>,
}

#[derive(Clone, Copy, Debug)]
struct Remote {
    port: u16,
    max_message_size: u64,
}

impl fmt::Debug for DataChannels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannels")
            .field("link", &self.link)
            .field("channels", &self.channels.len())
            .finish_non_exhaustive()
    }
}

impl DataChannels {
    /// No channel and no association yet. `hmac` authenticates the state cookie and must have SHA-256.
    #[must_use]
    pub fn new(config: Config, hmac: &'static dyn Hmac, rng: Rng) -> Self {
        Self {
            config,
            hmac,
            rng,
            link: Link::Idle,
            channels: Slots::default(),
            streams: StreamMap::default(),
            ids: Ids::default(),
            remote: None,
            snap: None,
            path_rtt: None,
            largest_packet: 0,
            lingering: Lingering::default(),
            events: VecDeque::new(),
            departing: None,
            incoming: 0,
            priority: None,
            drops: Drops::default(),
        }
    }

    /// What the peer's description says: its SCTP port, and the largest message that it takes (0: any size).
    pub const fn set_remote(&mut self, port: u16, max_message_size: u64) {
        let max_message_size = if max_message_size == 0 { u64::MAX } else { max_message_size };
        self.remote = Some(Remote { port, max_message_size });
    }

    /// Tells the round-trip time of the path, for the first time-outs of an association that has measured nothing yet. No effect
    /// once it has begun.
    pub const fn set_rtt(&mut self, rtt: Duration) {
        self.path_rtt = Some(rtt);
    }

    /// Our INIT chunk, for a description that offers to do without SCTP's handshake or accepts that (`a=sctp-init` in base64;
    /// SNAP, draft-hancke-tsvwg-snap). The same bytes each time; no association exists for it.
    pub fn sctp_init(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        let snap = self.snap.get_or_insert_with(|| Snap { local: Local::draw(rng), peer: None });
        let local = snap.local;
        described(&self.sctp_config(), local)
    }

    /// Takes the INIT chunk of the peer's description, or `None` for a description that has none. When both descriptions have
    /// one, [`start`](Self::start) makes an association that is up at once. No effect once it has begun.
    ///
    /// # Errors
    ///
    /// [`InitError`]: the bytes are not an INIT chunk that an association could begin with. Nothing has changed then.
    pub fn set_remote_sctp_init(&mut self, chunk: Option<&[u8]>) -> Result<(), InitError> {
        let config = self.sctp_config();
        let peer = chunk.map(|chunk| Peer::described(chunk, &config)).transpose()?;
        let rng = &mut self.rng;
        match &mut self.snap {
            Some(snap) => snap.peer = peer,
            None if peer.is_some() => self.snap = Some(Snap { local: Local::draw(rng), peer }),
            None => (),
        }
        Ok(())
    }

    /// DTLS is up: the association begins, and channels are announced with its first packets. Where both descriptions had an
    /// INIT chunk it is up with this call, and channels are open.
    ///
    /// That DTLS can *send* is enough: what is laid out then leaves with the last flight of the handshake.
    ///
    /// Nothing happens when it has begun already, or when the provider of cryptography has no HMAC-SHA-256 (the state is then
    /// `closed`).
    pub fn start(&mut self, now: Instant) {
        if !matches!(self.link, Link::Idle) {
            return;
        }
        let sctp = self.sctp_config();
        let local = self.snap.map_or_else(|| Local::draw(&mut self.rng), |snap| snap.local);
        let Ok(mut association) = Association::with_local(sctp, self.hmac, self.rng.fork(), local) else {
            return self.end(None);
        };
        association.set_path(self.largest_packet);
        match self.snap.and_then(|snap| snap.peer) {
            Some(peer) => association.begin_with(now, peer),
            None => association.connect(now),
        }
        self.link = Link::Up(Box::new(association));
        let ids: Vec<_> = self.channels.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.announce(now, id));
        self.pump(now);
    }

    /// The settings of the association, with what comes from elsewhere filled in.
    fn sctp_config(&self) -> SctpConfig {
        let mut sctp = self.config.sctp.clone();
        sctp.max_message_size = self.config.max_message_size as usize;
        if let Some(remote) = self.remote {
            sctp.remote_port = remote.port;
        }
        if let Some(rtt) = self.path_rtt {
            // As a first measurement would: the peer may take as long again, and no less than a slow one takes.
            sctp.rto_initial = (rtt * 2).max(LEAST_FIRST_RTO).min(sctp.rto_initial);
            sctp.setup_wait = (rtt * 5 / 4).max(LEAST_FIRST_RTO).min(sctp.setup_wait);
        }
        sctp
    }

    /// Takes one SCTP packet.
    pub fn handle_packet(&mut self, now: Instant, packet: BytesMut) {
        match &mut self.link {
            Link::Up(association) => {
                association.handle_packet(now, packet);
                self.pump(now);
            }
            Link::Closed(Some(association)) => association.handle_packet(now, packet),
            Link::Idle | Link::Closed(None) => self.drops.count(crate::base::drops::DropReason::Closed),
        }
    }

    /// Does what is due at `now`. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Link::Up(association) = &mut self.link {
            association.handle_timeout(now);
            // The association wakes up once after a burst to give memory back, and so do we.
            if !association.is_busy() {
                self.events.shrink_to_fit();
            }
            self.pump(now);
        }
        self.end_lingering(now);
    }

    /// Appends one SCTP packet to `out` and says how long it is; see [`Association::poll_transmit`] for `max_len`.
    pub fn poll_transmit(&mut self, now: Instant, max_len: usize, out: &mut Vec<u8>) -> Option<usize> {
        match &mut self.link {
            Link::Up(association) => {
                let sent = association.poll_transmit(now, max_len, out);
                self.pump(now);
                sent
            }
            Link::Closed(Some(association)) => association.poll_transmit(now, max_len, out),
            Link::Idle | Link::Closed(None) => None,
        }
    }

    /// Says that another path carries the packets from now on, where a packet of `largest` bytes may be tried.
    pub fn set_path(&mut self, largest: usize) {
        self.largest_packet = largest;
        self.with_association(|association| association.set_path(largest));
    }

    /// What happened, oldest first. A message that is taken makes room for another: while nobody takes messages, the peer is
    /// told to stop sending.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(channel) = self.departing.take().and_then(|id| self.channels.remove(id)) {
            self.incoming -= usize::from(channel.incoming);
        }
        let event = self.events.pop_front()?;
        match &event {
            Event::Message { message, .. } => self.release(message.data.len()),
            Event::Close(id) => self.departing = Some(*id),
            _ => (),
        }
        Some(event)
    }

    /// When `handle_timeout` wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest([self.association().and_then(Association::poll_timeout), self.lingering.deadline()])
    }

    /// Queues a message (`send`).
    ///
    /// # Errors
    ///
    /// See [`SendError`]; the message comes back where it may be sent later.
    pub fn send(
        &mut self,
        now: Instant,
        id: DataChannelId,
        data: Bytes,
        kind: MessageKind,
    ) -> Result<(), SendError> {
        let max = self.max_message_size().unwrap_or(DEFAULT_MAX_MESSAGE_SIZE);
        let channel = self.channels.get_mut(id).ok_or(SendError::NotOpen)?;
        let (Phase::Open { .. }, Some(stream)) = (channel.phase, channel.stream) else {
            return Err(SendError::NotOpen);
        };
        let Link::Up(association) = &mut self.link else { return Err(SendError::NotOpen) };
        if data.len() as u64 > max {
            return Err(SendError::TooLarge { max });
        }
        if kind == MessageKind::Text && std::str::from_utf8(&data).is_err() {
            return Err(SendError::NotUtf8);
        }
        if association.buffered(stream) + data.len() > self.config.max_buffered_amount {
            return Err(SendError::BufferFull(data));
        }
        let len = data.len() as u64;
        let (ppid, data) = encode(kind, data);
        let options = channel.options(len == 0);
        association.send(now, stream, ppid.into(), data, options).map_err(|_| SendError::NotOpen)?;
        channel.counters.messages_sent += 1;
        channel.counters.bytes_sent += len;
        Ok(())
    }

    /// A channel, until the call of [`poll_event`](Self::poll_event) that follows the one that gave its `Close`.
    #[must_use]
    pub fn channel(&self, id: DataChannelId) -> Option<&Channel> {
        self.channels.get(id)
    }

    /// The highest priority that any channel was made with, by either side; that of W3C's default if there was none.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority.unwrap_or(Priority::Low)
    }

    fn note_priority(&mut self, priority: Priority) {
        if self.priority.is_none_or(|highest| highest.weight() < priority.weight()) {
            self.priority = Some(priority);
        }
    }

    /// Every channel.
    pub fn channels(&self) -> impl Iterator<Item = (DataChannelId, &Channel)> {
        self.channels.iter()
    }

    /// Sets `bufferedAmountLowThreshold`, in bytes.
    pub fn set_buffered_amount_low_threshold(&mut self, id: DataChannelId, threshold: u64) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.threshold = threshold;
        if let (Link::Up(association), Some(stream)) = (&mut self.link, channel.stream) {
            association.set_low_threshold(stream, usize::try_from(threshold).unwrap_or(usize::MAX));
        }
    }

    /// Bytes of messages that wait in a channel (`bufferedAmount`): what was not yet put in a packet. Of a channel that is closed,
    /// what waited then.
    // W3C WebRTC §6.2: it is not reset when the channel closes.
    #[must_use]
    pub fn buffered_amount(&self, id: DataChannelId) -> u64 {
        match self.channels.get(id) {
            Some(channel) if channel.phase == Phase::Closed => channel.left,
            Some(channel) => self.waiting(channel),
            None => 0,
        }
    }

    fn waiting(&self, channel: &Channel) -> u64 {
        let (Link::Up(association) | Link::Closed(Some(association))) = &self.link else { return 0 };
        channel.stream.map_or(0, |stream| association.buffered(stream) as u64)
    }

    /// `RTCSctpTransport.state`.
    #[must_use]
    pub fn state(&self) -> SctpTransportState {
        match &self.link {
            Link::Up(association) if association.is_up() => SctpTransportState::Connected,
            Link::Idle | Link::Up(_) => SctpTransportState::Connecting,
            Link::Closed(_) => SctpTransportState::Closed,
        }
    }

    /// `RTCSctpTransport.maxChannels`: `None` until connected.
    #[must_use]
    pub fn max_channels(&self) -> Option<u16> {
        let association = self.association().filter(|association| association.is_up())?;
        Some(association.inbound_streams().min(association.outbound_streams()))
    }

    /// `RTCSctpTransport.maxMessageSize` in bytes: `None` until the peer's description is known, `u64::MAX` for no limit.
    #[must_use]
    pub fn max_message_size(&self) -> Option<u64> {
        self.remote.map(|remote| remote.max_message_size)
    }

    /// What was refused from the network, by reason.
    #[must_use]
    pub fn drops(&self) -> Drops {
        let mut drops = self.drops.clone();
        if let Link::Up(association) | Link::Closed(Some(association)) = &self.link {
            drops.merge(association.drops());
        }
        drops
    }

    /// Counters of the association; all zero before it begins.
    #[must_use]
    pub fn stats(&self) -> Stats {
        match &self.link {
            Link::Up(association) | Link::Closed(Some(association)) => association.stats(),
            Link::Idle | Link::Closed(None) => Stats::default(),
        }
    }

    fn association(&self) -> Option<&Association> {
        match &self.link {
            Link::Up(association) => Some(association),
            Link::Idle | Link::Closed(_) => None,
        }
    }

    /// A message has been read, or is not wanted.
    fn release(&mut self, len: usize) {
        if let Link::Up(association) = &mut self.link {
            association.release(len);
        }
    }
}

/// How a message travels (RFC 8831 §6.6, §8): SCTP has no empty ones, so those are one byte that does not count.
fn encode(kind: MessageKind, data: Bytes) -> (Ppid, Bytes) {
    match (kind, data.is_empty()) {
        (MessageKind::Text, false) => (Ppid::String, data),
        (MessageKind::Binary, false) => (Ppid::Binary, data),
        (MessageKind::Text, true) => (Ppid::StringEmpty, Bytes::from_static(&[0])),
        (MessageKind::Binary, true) => (Ppid::BinaryEmpty, Bytes::from_static(&[0])),
    }
}
