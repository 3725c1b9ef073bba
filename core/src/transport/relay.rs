//! Relayed candidates: allocations on TURN servers, and the way through them.
//!
//! To ICE a relayed address is an address of this host. What it sends from there is framed for the server; what the
//! server frames for us comes out as if it had come to that address, and is looked at again.

use crate::base::io::{IoId, IoRequest, StreamName, StreamSecurity};
use crate::base::net::{LocalAddress, Path, Protocol, Transmit};
use crate::base::time::Instant;
use crate::transport::ice::IceTransportState;
use crate::transport::record::frame;
use crate::transport::requests::Purpose;
use crate::transport::server::{CandidateError, IceServer};
use crate::transport::turn::{Carrier, Client, Config, Event as TurnEvent, Handled};
use crate::transport::{IceGatheringState, Ownership, Transport};
use crate::wire::server_url::ServerTransport;
use bytes::BytesMut;
use std::net::SocketAddr;
use std::time::Duration;

/// Allocations of one transport: servers charge for them.
const MAX_RELAYS: usize = 16;
/// A server's address that is silent for this long has the next one asked: two retransmissions.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(1_500);
/// An allocation that was lost with its stream is asked for again, unless it was after less than this.
const WORTH_ANOTHER: Duration = Duration::from_secs(10);

/// Names a relay for the life of its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RelayId(u32);

/// One allocation, or the wish for one.
#[derive(Debug)]
pub(super) struct Relay {
    pub client: Client,
    pub id: RelayId,
    /// The server that was asked first; it may have sent us elsewhere.
    asked: SocketAddr,
    /// Its place in the list of this generation; `None` when it is not in there any more.
    server: Option<usize>,
    /// Its other addresses, which have not been asked.
    others: Vec<SocketAddr>,
    transport: ServerTransport,
    /// The name that it proves to have.
    domain: Box<str>,
    /// The stream to it.
    stream: Option<IoId>,
    /// Since when there is an allocation.
    since: Option<Instant>,
}

impl Relay {
    /// A relayed address as ICE knows it.
    fn as_local(&self, address: SocketAddr) -> LocalAddress {
        LocalAddress { socket: self.client.base().socket, protocol: Protocol::Udp, address }
    }
}

/// The relays of a transport.
#[derive(Debug, Default)]
pub(super) struct Relays {
    pub all: Vec<Relay>,
    named: u32,
}

impl Relays {
    fn name(&mut self) -> RelayId {
        self.named += 1;
        RelayId(self.named)
    }

    /// The one with this name.
    pub(super) fn get_mut(&mut self, id: RelayId) -> Option<&mut Relay> {
        self.all.iter_mut().find(|relay| relay.id == id)
    }

    /// The allocation that `local` is an address of.
    pub(super) fn at(&self, local: SocketAddr) -> Option<&Client> {
        let here = |client: &&Client| client.relayed().any(|relayed| relayed == local);
        self.all.iter().map(|relay| &relay.client).find(here)
    }

    /// The allocation that `local` is an address of.
    pub(super) fn at_mut(&mut self, local: SocketAddr) -> Option<&mut Client> {
        let here = |client: &&mut Client| client.relayed().any(|relayed| relayed == local);
        self.all.iter_mut().map(|relay| &mut relay.client).find(here)
    }
}

impl Transport {
    /// A new generation: what is allocated is kept where its server is, and goes when it carries no data otherwise.
    pub(super) fn disown_relays(&mut self) {
        self.relays.all.iter_mut().for_each(|relay| relay.server = None);
    }

    /// Asks the server at this place for an allocation from `base`, or takes the one that is there. It is asked at the
    /// first of its addresses, and at the next where that is silent.
    pub(super) fn ask_relay(&mut self, now: Instant, base: LocalAddress, place: usize, at: &[SocketAddr]) {
        let IceServer { at: url, turn: Some(login), .. } = &self.gatherer.servers[place] else { return };
        let Some((&first, rest)) = at.split_first() else { return };
        let (transport, domain) = (url.transport, url.host.to_string().into());
        let same = |relay: &&mut Relay| {
            relay.client.base() == base && relay.transport == transport && at.contains(&relay.asked)
        };
        let alive = |relay: &&mut Relay| relay.client.is_allocating() || relay.client.is_allocated();
        if let Some(relay) = self.relays.all.iter_mut().filter(alive).find(same) {
            relay.server = Some(place);
            let id = relay.id;
            // A restart is what one does when something is broken; over a stream one would know.
            match transport {
                ServerTransport::Udp if relay.client.is_allocated() => relay.client.confirm(now),
                ServerTransport::Udp | ServerTransport::Tcp | ServerTransport::Tls => {
                    self.say_relayed(id);
                }
            }
        } else if self.relays.all.len() < MAX_RELAYS {
            let patience = if rest.is_empty() { self.gathering_patience } else { NEXT_ADDRESS_AFTER };
            let carrier = match transport {
                ServerTransport::Udp => Carrier::Datagrams,
                ServerTransport::Tcp | ServerTransport::Tls => Carrier::Stream,
            };
            let config = Config {
                base,
                server: first,
                login: login.clone(),
                patience,
                carrier,
                sole_user: self.ownership == Ownership::Own || carrier == Carrier::Stream,
            };
            let mut client = Client::new(config, self.crypto, self.rng.fork());
            client.allocate(now);
            let id = self.relays.name();
            let (server, others, stream, since) = (Some(place), rest.to_vec(), None, None);
            self.relays.all.push(Relay {
                client,
                id,
                asked: first,
                server,
                others,
                transport,
                domain,
                stream,
                since,
            });
        }
    }

    /// Signals the addresses of an allocation that was there before.
    fn say_relayed(&mut self, id: RelayId) {
        let Some(relay) = self.relays.get_mut(id) else { return };
        let (Some(place), transport) = (relay.server, relay.transport) else { return };
        let addresses: Vec<_> =
            relay.client.relayed().map(|address| (address, relay.as_local(address))).collect();
        for (address, local) in addresses {
            self.gatherer.credit(address, place, Some(transport));
            let candidate = self.agent.host_candidate(local);
            self.say_candidate(candidate);
        }
    }

    /// The peer may send to our relays once each of them knows where it comes from.
    pub(super) fn permit(&mut self, now: Instant, address: SocketAddr) {
        self.relays.all.iter_mut().for_each(|relay| relay.client.permit(now, address));
    }

    /// Takes what servers said, and gives up what is not needed any more.
    pub(super) fn collect_relays(&mut self, now: Instant) {
        if self.relays.all.is_empty() {
            return;
        }
        let ids: Vec<_> = self.relays.all.iter().map(|relay| relay.id).collect();
        for id in ids {
            while let Some(event) = self.relays.get_mut(id).and_then(|relay| relay.client.poll_event()) {
                self.relay_changed(now, id, event);
            }
        }
        let in_use = self.agent.send_path().map(|(path, _)| path);
        // Names are looked up first: nobody knows yet what a new generation will take over.
        let is_settled = self.gatherer.state() != IceGatheringState::Gathering;
        for relay in &mut self.relays.all {
            match in_use.filter(|path| relay.client.relayed().any(|relayed| relayed == path.local)) {
                Some(path) => relay.client.bind(now, path.remote),
                None if relay.server.is_none() && is_settled => relay.client.close(now),
                None => {}
            }
        }
        self.remove_relays(|relay| relay.client.is_over());
    }

    /// Takes out the relays that `unwanted` says yes to, with their streams.
    pub(super) fn remove_relays(&mut self, unwanted: impl Fn(&Relay) -> bool) {
        for relay in self.relays.all.extract_if(.., |relay| unwanted(relay)) {
            self.drops.merge(relay.client.drops());
            if let Some(stream) = relay.stream {
                self.requests.forget(|purpose| *purpose == Purpose::Relay(relay.id));
                self.requests.close(StreamName::Requested(stream));
                self.streams.forget(stream);
            }
        }
    }

    fn relay_changed(&mut self, now: Instant, id: RelayId, event: TurnEvent) {
        let Some(relay) = self.relays.get_mut(id) else { return };
        let (base, server_ip, place) = (relay.client.base(), relay.client.server().ip(), relay.server);
        match event {
            TurnEvent::Connect { server, domain } => {
                if let Some(domain) = domain {
                    relay.domain = domain.into();
                }
                self.connect_relay(id, server);
            }
            TurnEvent::Allocated { relayed, mapped } => {
                relay.since = Some(now);
                let (address, transport) = (relay.as_local(relayed), relay.transport);
                self.gatherer.hear(place);
                if let Some(place) = place {
                    self.gatherer.credit(relayed, place, Some(transport));
                }
                let candidate =
                    self.agent.add_relayed(now, address, mapped, server_ip, preference(transport));
                self.say_candidate(candidate);
                for address in self.agent.remote_addresses().collect::<Vec<_>>() {
                    self.permit(now, address);
                }
            }
            TurnEvent::Confirmed => {
                self.gatherer.hear(place);
                self.say_relayed(id);
            }
            TurnEvent::Refused(code, text) => {
                self.gatherer.hear(place);
                if let Some(place) = place {
                    self.report(Some(base.address), place, code, text);
                }
            }
            TurnEvent::Unreachable(why) => {
                if let Some(place) = place {
                    let others = std::mem::take(&mut relay.others);
                    self.ask_relay(now, base, place, &others);
                    self.was_silent(base, place, why);
                }
            }
            TurnEvent::Lost | TurnEvent::Forgotten => {
                let lived = relay.since.is_some_and(|since| since + WORTH_ANOTHER <= now);
                // Whoever asked for it wants one.
                let lived = lived || event == TurnEvent::Forgotten;
                let server = relay.asked;
                self.retire_relayed(now);
                // Another allocation has another address: a candidate that is signalled late. Where all has failed a
                // restart will ask for one.
                let failed = self.agent.state() == IceTransportState::Failed;
                if let Some(place) = place.filter(|_| lived && !failed) {
                    self.ask_relay(now, base, place, &[server]);
                }
            }
        }
    }

    /// Has a stream to a relay's server opened, in place of the one before.
    fn connect_relay(&mut self, id: RelayId, server: SocketAddr) {
        let Some(relay) = self.relays.get_mut(id) else { return };
        let security = match relay.transport {
            ServerTransport::Udp => return,
            ServerTransport::Tcp => StreamSecurity::Plain,
            ServerTransport::Tls => StreamSecurity::Tls(relay.domain.clone()),
        };
        let from = SocketAddr::new(relay.client.base().address.ip(), 0);
        let before = relay.stream;
        if let Some(before) = before {
            self.requests.forget(|purpose| *purpose == Purpose::Relay(id));
            self.requests.close(StreamName::Requested(before));
            self.streams.forget(before);
        }
        let connect = |io| IoRequest::Connect { id: io, from, to: server, security };
        let stream = self.requests.ask(Purpose::Relay(id), connect);
        if let Some(relay) = self.relays.get_mut(id) {
            relay.stream = Some(stream);
        }
    }

    /// The stream to a relay's server is open.
    pub(super) fn relay_connected(&mut self, io: IoId, id: RelayId, local: LocalAddress) {
        let Some(relay) = self.relays.get_mut(id) else { return };
        let path = Path { protocol: Protocol::Tcp, ..local.to(relay.client.server()) };
        relay.client.connected(path);
        self.streams.add_relay(io, id, path);
    }

    /// The stream to a relay's server ended, or there is none.
    pub(super) fn relay_disconnected(&mut self, now: Instant, id: RelayId, why: String) {
        if let Some(relay) = self.relays.get_mut(id) {
            relay.stream = None;
            relay.client.disconnected(now, why);
        }
    }

    /// Addresses on servers that are gone are addresses of ours no longer.
    fn retire_relayed(&mut self, now: Instant) {
        let gone: Vec<_> =
            self.agent.relayed_addresses().filter(|a| self.relays.at(a.address).is_none()).collect();
        gone.into_iter().for_each(|address| self.agent.remove_local_address(now, address));
    }

    /// The network of `base` is gone, and every allocation that was made from there.
    pub(super) fn lose_relays(&mut self, now: Instant, base: LocalAddress) {
        self.remove_relays(|relay| relay.client.base() == base);
        self.retire_relayed(now);
    }

    /// Whether an allocation at this server may still come.
    pub(super) fn awaits_relay(&self, server: Option<usize>) -> bool {
        let wanted = |relay: &&Relay| server.is_none() || relay.server == server;
        let may_come = |relay: &Relay| relay.client.is_allocating() || relay.client.is_unsure();
        self.relays.all.iter().filter(wanted).any(may_come)
    }

    /// What came along `path`, without the frame of a server. `None`: it was for us and the server alone.
    pub(super) fn unwrap(&mut self, now: Instant, path: Path, data: BytesMut) -> Option<(Path, BytesMut)> {
        let Some(relay) = self.relays.all.iter_mut().find(|relay| relay.client.path() == Some(path)) else {
            return Some((path, data));
        };
        match relay.client.handle_datagram(now, data) {
            Handled::Other(data) => Some((path, data)),
            Handled::Done => None,
            Handled::Data(peer, data) => {
                let local = relay.client.relayed_for(peer)?;
                Some((relay.as_local(local).to(peer), data))
            }
        }
    }

    /// Hands what was written to `out` from `start` on to the relay that it is to leave from; `Some` when it leaves
    /// from this host.
    pub(super) fn wrap(
        &mut self,
        now: Instant,
        transmit: Transmit,
        start: usize,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Path { local, remote, .. } = transmit.path;
        let Some(client) = self.relays.at_mut(local) else {
            return Some(frame(transmit, start, out));
        };
        let datagram = out.split_off(start);
        client.send(now, remote, &datagram);
        None
    }

    /// What waits for a server.
    pub(super) fn poll_relays(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.relays.all.iter_mut().find_map(|relay| relay.client.poll_transmit(now, out))
    }

    /// Says that no server gave a candidate, once for each server (W3C WebRTC §4.8.4).
    pub(super) fn was_silent(&mut self, base: LocalAddress, server: usize, why: String) {
        let hope = !self.stun.is_done_with(|other| other.server == server) || self.awaits_relay(Some(server));
        if !hope && !self.gatherer.heard_of(server) {
            self.report(Some(base.address), server, CandidateError::UNREACHABLE, why);
            self.gatherer.hear(Some(server));
        }
    }
}

/// Which of several relays is better: the one with less between us and the server.
const fn preference(transport: ServerTransport) -> u8 {
    match transport {
        ServerTransport::Udp => 2,
        ServerTransport::Tcp => 1,
        ServerTransport::Tls => 0,
    }
}
