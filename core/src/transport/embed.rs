//! The handshake inside of checks: what the owner of ICE, DTLS and [`sped`](crate::transport::sped) carries from one to the
//! other.

use crate::base::net::{Path, Transmit};
use crate::base::time::Instant;
use crate::transport::event::Inbound;
use crate::transport::ice::{AuthenticCheck, Luggage};
use crate::transport::sped::{Carried, Embedding, Load, OVERHEAD};
use crate::transport::{Dtls, Transport};
use crate::wire::stun::sped::Acks;
use crate::wire::stun::{Attribute, Builder, Message};
use bytes::BytesMut;

/// Packs a flight into checks.
pub(super) struct Packer<'a>(pub &'a mut Embedding);

impl Luggage for Packer<'_> {
    fn pack<'o>(&mut self, proven: bool, message: Builder<'o>) -> Builder<'o> {
        match self.0.load(proven) {
            Some(Load { datagram, acks }) => message
                .maybe(datagram.map(Attribute::DtlsInStun))
                .attribute(&Attribute::DtlsInStunAck(acks.as_bytes())),
            None => message,
        }
    }
}

impl Transport {
    /// How much of the handshake went inside of checks.
    #[must_use]
    pub const fn embedded(&self) -> Carried {
        self.sped.carried()
    }

    /// Has the flight of the moment cut to what a check has room for, and takes it over.
    pub(super) fn load_flight(&mut self, now: Instant) {
        let Dtls::Ready(connection) = &mut self.dtls else { return };
        if !self.sped.is_on() {
            return;
        }
        let user = self.agent.remote_credentials().map_or(0, |remote| remote.ufrag.len());
        connection.set_mtu(self.mtu.saturating_sub(OVERHEAD + user));
        let mut flight = Vec::new();
        let mut out = Vec::new();
        while connection.poll_transmit(now, &mut out).is_some() {
            flight.push(std::mem::take(&mut out));
        }
        if !flight.is_empty() {
            self.sped.set_flight(flight);
        }
    }

    /// A datagram of the handshake by itself, along the path that works.
    pub(super) fn poll_handshake(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let (path, _consent) = self.agent.send_path()?;
        if let Some(datagram) = self.sped.poll_transmit() {
            out.extend_from_slice(datagram);
            return Some(Transmit::single(path, datagram.len()));
        }
        let Dtls::Ready(connection) = &mut self.dtls else { return None };
        if self.sped.is_on() {
            return None;
        }
        let size = connection.poll_transmit(now, out)?;
        Some(Transmit::single(path, size))
    }

    /// What an authentic check, or the answer to one, carried.
    pub(super) fn unpack(
        &mut self,
        now: Instant,
        _gate: AuthenticCheck,
        path: Path,
        data: &[u8],
        received: &mut Vec<Inbound>,
    ) {
        if !self.sped.is_on() {
            return;
        }
        self.traffic.arrive(path);
        let (mut datagram, mut acks) = (None, None);
        let message = Message::parse(data);
        for attribute in message.iter().flat_map(Message::attributes).flatten() {
            match attribute {
                Attribute::DtlsInStun(value) => datagram = datagram.or(Some(value)),
                Attribute::DtlsInStunAck(value) => acks = acks.or(Acks::parse(value).ok()),
                _ => {}
            }
        }
        let embedded = self.sped.handle(datagram, acks);
        self.end_embedding_if_over();
        // The check that it came in has proven the path.
        if let (Some(datagram), Some(validated)) = (embedded, self.agent.validated(&path)) {
            self.handle_dtls(now, validated, BytesMut::from(datagram), received);
        }
    }

    /// Flights have all the room there is when they do not go inside of checks.
    pub(super) fn end_embedding_if_over(&mut self) {
        if let (false, Dtls::Ready(connection)) = (self.sped.is_on(), &mut self.dtls) {
            connection.set_mtu(self.mtu);
        }
    }
}
