//! What goes to the network and to the application.
//!
//! Packets are built when asked for, straight into the caller's buffer: room for the record's header, the SCTP
//! packet behind it, sealed in place. Those of audio and video are like that, too
//! ([`media_plane`](crate::peer::media_plane)).

use crate::base::net::{Ecn, Path, Protocol, Transmit};
use crate::base::time::{Instant, earliest};
use crate::data::event::Event as DataEvent;
use crate::peer::PeerConnection;
use crate::peer::event::{ChannelEvent, Event};
use crate::peer::link::TransportId;
use crate::peer::marking;
use crate::transport::SendPath;

/// Datagrams in one run. Linux takes 64 at most in one call with segmentation offload.
const MAX_SEGMENTS: usize = 48;
/// Bytes in one run: what an IP packet of the largest size carries, less its headers.
const MAX_RUN: usize = 65_000;

/// An acknowledgement of the handshake that is longer leaves by itself.
const MAX_ACK: usize = 256;

/// Bytes of the headers of UDP and of IP.
const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// The link that the SCTP association rides on, and where that goes.
#[derive(Debug)]
pub(super) struct DataRide {
    link: TransportId,
    path: Option<Path>,
    mtu: usize,
    /// What path MTU discovery may try.
    largest_ip_packet: usize,
    /// A sealed datagram that did not fit the size of the last run, for the next one.
    carried: Vec<u8>,
}

impl DataRide {
    pub(super) const fn new(mtu: usize, largest_ip_packet: usize) -> Self {
        Self { link: TransportId::FIRST, path: None, mtu, largest_ip_packet, carried: Vec::new() }
    }

    pub(super) const fn link(&self) -> TransportId {
        self.link
    }

    pub(super) fn is_on(&self, link: TransportId) -> bool {
        self.link == link
    }

    /// Rides on another link, or a new one under the same number: what was sealed for the one before is of no use.
    pub(super) fn board(&mut self, link: TransportId) {
        self.link = link;
        self.path = None;
        self.carried.clear();
    }

    /// Takes over where data goes. If it is another path, by how many bytes datagrams may outgrow `mtu` there.
    fn change(&mut self, path: Path) -> Option<usize> {
        if self.path.replace(path) == Some(path) {
            return None;
        }
        let ip = if path.remote.is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
        let most = match path.protocol {
            Protocol::Udp => self.largest_ip_packet.saturating_sub(ip + UDP_HEADER),
            // A stream has no packets.
            Protocol::Tcp => 0,
        };
        Some(most.saturating_sub(self.mtu))
    }
}

impl PeerConnection {
    /// Writes what is to be sent now to the front of `out` (which is emptied first), and says where it goes.
    /// `None`: nothing for now. Call it until then; what is not asked for is not lost, it waits.
    ///
    /// STUN and handshakes come first, one datagram each; then come media and data, as runs of up to 48 datagrams of one
    /// size.
    /// A buffer that is kept between calls never has to grow beyond 65,000 bytes.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let now = self.tick(now);
        out.clear();
        if let Some((path, datagram)) = self.farewell.pop() {
            out.extend_from_slice(&datagram);
            return Some(Transmit::single(path, datagram.len()));
        }
        if self.is_closed() {
            return None;
        }
        if let Some(transmit) = self.poll_acknowledging(now, out) {
            return Some(transmit);
        }
        let transmit = self.links.poll_transmit(now, out);
        // Sending the last flight of a handshake may be what completes it.
        self.settle(now);
        transmit.or_else(|| self.poll_media(now, out)).or_else(|| self.poll_data(now, out))
    }

    /// Lays out and seals SCTP packets, as many of one size as there are.
    pub(super) fn poll_data(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let link = self.links.get(self.ride.link)?;
        let SendPath { path, max_payload } = link.transport.send_path()?;
        if let Some(more) = self.ride.change(path) {
            self.data.set_path(max_payload + more);
        }
        let mut carried = std::mem::take(&mut self.ride.carried);
        let transmit = fill_run(path, &mut carried, out, |out| self.append_packet(now, max_payload, out));
        self.ride.carried = carried;
        let dscp = marking::of_data(self.data.priority());
        transmit.map(|transmit| Transmit { dscp, ..transmit })
    }

    /// A packet together with what DTLS has to acknowledge, which then needs no datagram of its own: where there is both.
    fn poll_acknowledging(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let link = self.links.get_quietly(self.ride.link)?;
        let ack = link.transport.owed_ack(now).filter(|&ack| ack <= MAX_ACK)?;
        let SendPath { path, max_payload } = link.transport.send_path()?;
        // What was sealed before leaves first.
        if !self.ride.carried.is_empty() || self.ride.path.is_some_and(|before| before != path) {
            return None;
        }
        let record = link.transport.begin_record(out)?;
        let Some(size) = self.data.poll_transmit(now, max_payload.saturating_sub(ack) & !3, out) else {
            record.cancel(out);
            return None;
        };
        link.sent(now, size);
        link.transport.finish_acknowledging(now, record, out).ok()?;
        let dscp = marking::of_data(self.data.priority());
        Some(Transmit { dscp, ..Transmit::single(path, out.len()) })
    }

    /// Appends one sealed packet, if there is one.
    fn append_packet(&mut self, now: Instant, max_payload: usize, out: &mut Vec<u8>) -> bool {
        let Some(link) = self.links.get_quietly(self.ride.link) else { return false };
        let Some(record) = link.transport.begin_record(out) else { return false };
        let Some(size) = self.data.poll_transmit(now, max_payload, out) else {
            record.cancel(out);
            return false;
        };
        link.sent(now, size);
        link.transport.finish_record(record, out).is_ok()
    }

    /// The next event.
    ///
    /// Messages wait inside until they are asked for, and the peer is held back meanwhile: an application that
    /// does not read makes memory grow up to the receive window and no further. Media waits, too, up to 16 MiB, and is
    /// refused beyond: nobody can be held back who speaks in real time.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop();
        let event = event.or_else(|| self.planes.poll_event());
        let event = event.or_else(|| self.data.poll_event().map(Event::from))?;
        self.tally.note(&event);
        Some(event)
    }

    /// The next event of the connection itself: states, candidates, negotiation. Those of data channels stay
    /// where they are.
    ///
    /// For a driver that has no room for messages just now and wants to hear the rest all the same.
    pub fn poll_connection_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_closed() {
            return None;
        }
        let planes = self.planes.poll_timeout();
        let own = earliest([self.next_tone(), self.identity_deadline()]);
        earliest([self.links.poll_timeout(), self.data.poll_timeout(), planes, own])
    }
}

/// Fills a run of datagrams for `path` with what `append` appends, one at a time, until that is `false` or one does not
/// fit the run: it is `carried` to the next one.
pub(super) fn fill_run(
    path: Path,
    carried: &mut Vec<u8>,
    out: &mut Vec<u8>,
    mut append: impl FnMut(&mut Vec<u8>) -> bool,
) -> Option<Transmit> {
    let start = out.len();
    out.append(carried);
    let mut segment_size = out.len() - start;
    for _ in 0..MAX_SEGMENTS {
        let before = out.len();
        if before - start + segment_size > MAX_RUN || !append(out) {
            break;
        }
        let size = out.len() - before;
        if segment_size == 0 {
            segment_size = size;
        } else if size < segment_size {
            break; // The last of a run may be shorter.
        } else if size > segment_size {
            // One that does not fit the run, such as data behind a lone acknowledgement, begins the next.
            carried.extend_from_slice(&out[before..]);
            out.truncate(before);
            break;
        }
    }
    let size = out.len() - start;
    (size > 0).then(|| Transmit {
        path,
        ecn: Ecn::NotEct,
        dscp: 0,
        size,
        segment_size: (size > segment_size).then_some(segment_size),
    })
}

impl From<DataEvent> for Event {
    fn from(event: DataEvent) -> Self {
        match event {
            DataEvent::StateChange(state) => Self::SctpTransportStateChange(state),
            DataEvent::DataChannel(id) => Self::DataChannel(id),
            DataEvent::Open(id) => Self::Channel(id, ChannelEvent::Open),
            DataEvent::Message { id, message } => Self::Channel(id, ChannelEvent::Message(message)),
            DataEvent::BufferedAmountLow(id) => Self::Channel(id, ChannelEvent::BufferedAmountLow),
            DataEvent::Closing(id) => Self::Channel(id, ChannelEvent::Closing),
            DataEvent::Error { id, error } => Self::Channel(id, ChannelEvent::Error(error)),
            DataEvent::Close(id) => Self::Channel(id, ChannelEvent::Close),
        }
    }
}
