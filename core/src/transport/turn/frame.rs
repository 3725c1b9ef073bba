//! What goes through the server: channel messages, and indications while there is no channel (RFC 8656 §11, §12).

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::turn::{Carrier, Client, MAX_WAITING, Outgoing};
use crate::wire::stun::{
    Attribute, Builder, CHANNEL_HEADER_LEN, ChannelHeader, Class, HEADER_LEN, Message, Method, TransactionId,
    complete_last,
};
use bytes::BytesMut;
use std::net::SocketAddr;

/// What the header of an attribute takes.
const ATTRIBUTE_HEADER_LEN: usize = 4;

/// A datagram for a peer that was begun in a buffer: where it begins, and how it is framed.
#[derive(Debug)]
#[must_use = "finish the datagram or cut the buffer back"]
pub struct Frame {
    at: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Channel(u16),
    /// The same on a stream, where it is padded (RFC 8656 §12.5).
    PaddedChannel(u16),
    /// Where its DATA begins.
    Indication(usize),
}

impl Frame {
    /// Gives up on the datagram and cuts `out` back to where it began.
    pub fn cancel(self, out: &mut Vec<u8>) {
        out.truncate(self.at);
    }
}

impl Client {
    /// Sends `datagram` to `peer`: through [`poll_transmit`](Self::poll_transmit), as soon as the server permits it.
    pub fn send(&mut self, now: Instant, peer: SocketAddr, datagram: &[u8]) {
        self.permit(now, peer);
        if self.is_permitted(peer) {
            self.queue_framed(peer, datagram);
        } else if self.awaits_permission(peer) {
            self.hold(peer, datagram);
        } else {
            self.drops.count(DropReason::TurnNoPermission);
        }
    }

    pub(super) fn queue_framed(&mut self, peer: SocketAddr, datagram: &[u8]) {
        let waiting = self.outbox.iter().filter(|o| matches!(o, Outgoing::Datagram(_))).count();
        let mut out = Vec::with_capacity(datagram.len() + self.overhead(peer) + 3);
        let Some(frame) = self.begin(peer, &mut out).filter(|_| waiting < MAX_WAITING) else {
            return self.drops.count(DropReason::TurnNoPermission);
        };
        out.extend_from_slice(datagram);
        frame.finish(&mut out);
        self.outbox.push(Outgoing::Datagram(out));
    }

    /// Bytes that framing adds to a datagram for `peer` now, less padding.
    #[must_use]
    pub fn overhead(&self, peer: SocketAddr) -> usize {
        if self.is_bound(peer) {
            return CHANNEL_HEADER_LEN;
        }
        let address = if peer.is_ipv4() { 8 } else { 20 };
        HEADER_LEN + ATTRIBUTE_HEADER_LEN + address + ATTRIBUTE_HEADER_LEN
    }

    /// Begins a datagram for `peer` at the end of `out`: what the caller appends until [`Frame::finish`] is its
    /// content. `None` while the server does not permit it.
    pub fn begin(&mut self, peer: SocketAddr, out: &mut Vec<u8>) -> Option<Frame> {
        if !self.is_permitted(peer) {
            return None;
        }
        let at = out.len();
        if let Some(number) = self.use_channel(peer) {
            out.extend_from_slice(&[0; CHANNEL_HEADER_LEN]);
            let kind = match self.config.carrier {
                Carrier::Datagrams => Kind::Channel(number),
                Carrier::Stream => Kind::PaddedChannel(number),
            };
            return Some(Frame { at, kind });
        }
        let id = TransactionId(self.rng.secret_bytes());
        Builder::new(out, Class::Indication, Method::Send, id)
            .attribute(&Attribute::XorPeerAddress(peer))
            .attribute(&Attribute::Data(&[]))
            .finish();
        Some(Frame { at, kind: Kind::Indication(out.len()) })
    }

    /// The peer of a channel message, and how long what it holds is.
    pub(super) fn channel_peer(&self, data: &[u8]) -> Result<(SocketAddr, usize), DropReason> {
        let header = ChannelHeader::parse(data).map_err(|_| DropReason::TurnMalformed)?;
        if header.length == 0 {
            return Err(DropReason::TurnMalformed);
        }
        let peer = self.peer_of(header.number).ok_or(DropReason::TurnUnknownPeer)?;
        Ok((peer, usize::from(header.length)))
    }

    /// The peer and the datagram that a Data indication holds (attacks 41 and 42).
    pub(super) fn relayed_data(&self, message: &Message<'_>) -> Result<(SocketAddr, BytesMut), DropReason> {
        let (mut peer, mut data) = (None, None);
        for attribute in message.attributes() {
            match attribute.map_err(|_| DropReason::TurnMalformed)? {
                Attribute::XorPeerAddress(address) => peer = peer.or(Some(address)),
                Attribute::Data(bytes) => data = data.or(Some(bytes)),
                Attribute::Unknown(code, _) if Attribute::must_be_understood(code) => {
                    return Err(DropReason::StunUnknownAttribute);
                }
                _ => {}
            }
        }
        let (Some(peer), Some(data)) = (peer, data) else { return Err(DropReason::TurnMalformed) };
        if data.is_empty() {
            return Err(DropReason::TurnMalformed);
        }
        // RFC 8656 §11.6: only from who was permitted.
        if !self.is_permitted(peer) && !self.awaits_permission(peer) {
            return Err(DropReason::TurnUnknownPeer);
        }
        Ok((peer, BytesMut::from(data)))
    }
}

impl Frame {
    /// Completes the datagram: everything in `out` from where it was begun.
    ///
    /// # Panics
    ///
    /// With more than 65,000 bytes in it, which no datagram holds.
    pub fn finish(self, out: &mut Vec<u8>) {
        let Self { at, kind } = self;
        match kind {
            Kind::Channel(number) | Kind::PaddedChannel(number) => {
                let length = u16::try_from(out.len() - at - CHANNEL_HEADER_LEN).expect("a datagram");
                let header = ChannelHeader { number, length };
                out[at..at + CHANNEL_HEADER_LEN].copy_from_slice(&header.to_bytes());
                if matches!(kind, Kind::PaddedChannel(_)) {
                    out.resize(out.len() + (out.len() - at).wrapping_neg() % 4, 0);
                }
            }
            Kind::Indication(value_at) => complete_last(out, at, value_at),
        }
    }
}
