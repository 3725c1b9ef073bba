//! Relayed candidates: allocations on TURN servers, and the way through them.
//!
//! To ICE a relayed address is an address of this host. What it sends from there is framed for the server; what the
//! server frames for us comes out as if it had come to that address, and is looked at again.

use crate::base::net::{LocalAddress, Path, Transmit};
use crate::base::time::Instant;
use crate::transport::Transport;
use crate::transport::event::Event;
use crate::transport::server::CandidateError;
use crate::transport::turn::{Client, Config, Event as TurnEvent, Handled};
use crate::wire::candidate::Candidate;
use bytes::BytesMut;
use std::net::SocketAddr;
use std::time::Duration;

/// Allocations of one transport: servers charge for them.
const MAX_RELAYS: usize = 16;
/// A server's address that is silent for this long has the next one asked: two retransmissions.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(1_500);

/// One allocation, or the wish for one.
#[derive(Debug)]
pub(super) struct Relay {
    pub client: Client,
    /// The server that was asked first; it may have sent us elsewhere.
    asked: SocketAddr,
    /// Its place in the list of this generation; `None` when it is not in there any more.
    server: Option<usize>,
    /// Its other addresses, which have not been asked.
    others: Vec<SocketAddr>,
}

impl Relay {
    /// The relayed address as ICE knows it.
    fn address(&self) -> Option<LocalAddress> {
        Some(LocalAddress { address: self.client.relayed()?, ..self.client.base() })
    }
}

impl Transport {
    /// A new generation: what is allocated is kept where its server is, and goes when it carries no data otherwise.
    pub(super) fn disown_relays(&mut self) {
        self.relays.iter_mut().for_each(|relay| relay.server = None);
    }

    /// Asks the server at this place for an allocation from `base`, or takes the one that is there. It is asked at the
    /// first of its addresses, and at the next where that is silent.
    pub(super) fn ask_relay(&mut self, now: Instant, base: LocalAddress, place: usize, at: &[SocketAddr]) {
        let Some(login) = &self.gatherer.servers[place].turn else { return };
        let Some((&first, rest)) = at.split_first() else { return };
        let same = |relay: &&mut Relay| relay.client.base() == base && at.contains(&relay.asked);
        if let Some(relay) = self.relays.iter_mut().filter(|r| !r.client.is_over()).find(same) {
            relay.server = Some(place);
            let candidate = relay.address().and_then(|address| self.agent.host_candidate(address));
            self.events.extend(candidate.map(|candidate| Event::LocalCandidate(Box::new(candidate))));
        } else if self.relays.len() < MAX_RELAYS {
            let patience = if rest.is_empty() { self.gathering_patience } else { NEXT_ADDRESS_AFTER };
            let config = Config { base, server: first, login: login.clone(), patience };
            let mut client = Client::new(config, self.crypto, self.rng.fork());
            client.allocate(now);
            self.relays.push(Relay { client, asked: first, server: Some(place), others: rest.to_vec() });
        }
    }

    /// The peer may send to our relays once each of them knows where it comes from.
    pub(super) fn permit(&mut self, now: Instant, candidate: &Candidate) {
        let Some(ip) = candidate.address.ip() else { return };
        let address = SocketAddr::new(ip, candidate.port);
        self.relays.iter_mut().for_each(|relay| relay.client.permit(now, address));
    }

    /// Takes what servers said, and gives up what is not needed any more.
    pub(super) fn collect_relays(&mut self, now: Instant) {
        if self.relays.is_empty() {
            return;
        }
        for at in 0..self.relays.len() {
            while let Some(event) = self.relays[at].client.poll_event() {
                self.relay_changed(now, at, event);
            }
        }
        let in_use = self.agent.send_path().map(|(path, _)| path);
        for relay in &mut self.relays {
            let local = relay.client.relayed();
            match in_use.filter(|path| Some(path.local) == local) {
                Some(path) => relay.client.bind(now, path.remote),
                None if relay.server.is_none() => relay.client.close(now),
                None => {}
            }
        }
        let drops = &mut self.drops;
        self.relays.retain(|relay| {
            let over = relay.client.is_over();
            if over {
                drops.merge(relay.client.drops());
            }
            !over
        });
    }

    fn relay_changed(&mut self, now: Instant, at: usize, event: TurnEvent) {
        let Relay { client, server, .. } = &self.relays[at];
        let (base, server_ip, place) = (client.base(), client.path().remote.ip(), *server);
        match event {
            TurnEvent::Allocated { relayed, mapped } => {
                self.gatherer.hear(place);
                let address = LocalAddress { address: relayed, ..base };
                let candidate = self.agent.add_relayed(now, address, mapped, server_ip);
                self.events.extend(candidate.map(|candidate| Event::LocalCandidate(Box::new(candidate))));
                for candidate in self.agent.remote_candidates().collect::<Vec<_>>() {
                    self.permit(now, &candidate);
                }
            }
            TurnEvent::Refused(code, text) => {
                self.gatherer.hear(place);
                if let Some(place) = place {
                    self.report(Some(base.address), place, code, text);
                }
            }
            TurnEvent::Unreachable => {
                if let Some(place) = place {
                    let others = std::mem::take(&mut self.relays[at].others);
                    self.ask_relay(now, base, place, &others);
                    self.was_silent(base, place);
                }
            }
            TurnEvent::Lost => self.retire_relayed(now),
        }
    }

    /// Addresses on servers that are gone are addresses of ours no longer.
    fn retire_relayed(&mut self, now: Instant) {
        let here =
            |address: SocketAddr| self.relays.iter().any(|relay| relay.client.relayed() == Some(address));
        let gone: Vec<_> = self.agent.relayed_addresses().filter(|a| !here(a.address)).collect();
        gone.into_iter().for_each(|address| self.agent.remove_local_address(now, address));
    }

    /// The network of `base` is gone, and every allocation that was made from there.
    pub(super) fn lose_relays(&mut self, now: Instant, base: LocalAddress) {
        self.relays.retain(|relay| relay.client.base() != base);
        self.retire_relayed(now);
    }

    /// Whether an allocation at this server may still come.
    pub(super) fn awaits_relay(&self, server: Option<usize>) -> bool {
        let wanted = |relay: &&Relay| server.is_none() || relay.server == server;
        self.relays.iter().filter(wanted).any(|relay| relay.client.is_allocating())
    }

    /// What came along `path`, without the frame of a server. `None`: it was for us and the server alone.
    pub(super) fn unwrap(&mut self, now: Instant, path: Path, data: BytesMut) -> Option<(Path, BytesMut)> {
        let Some(relay) = self.relays.iter_mut().find(|relay| relay.client.path() == path) else {
            return Some((path, data));
        };
        match relay.client.handle_datagram(now, data) {
            Handled::Other(data) => Some((path, data)),
            Handled::Done => None,
            Handled::Data(peer, data) => {
                let local = relay.client.relayed()?;
                Some((Path { local, remote: peer, ..path }, data))
            }
        }
    }

    /// The allocation that `local` is the address of.
    pub(super) fn relay_at(&self, local: SocketAddr) -> Option<&Client> {
        self.relays.iter().map(|relay| &relay.client).find(|client| client.relayed() == Some(local))
    }

    /// The allocation that `local` is the address of.
    pub(super) fn relay_at_mut(&mut self, local: SocketAddr) -> Option<&mut Client> {
        self.relays.iter_mut().map(|relay| &mut relay.client).find(|client| client.relayed() == Some(local))
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
        let Some(client) = self.relay_at_mut(local) else { return Some(transmit) };
        let datagram = out.split_off(start);
        client.send(now, remote, &datagram);
        None
    }

    /// What waits for a server.
    pub(super) fn poll_relays(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.relays.iter_mut().find_map(|relay| relay.client.poll_transmit(now, out))
    }

    /// Says that no server gave a candidate, once for each server (W3C WebRTC §4.8.4).
    pub(super) fn was_silent(&mut self, base: LocalAddress, server: usize) {
        let hope = !self.stun.is_done_with(|other| other.server == server) || self.awaits_relay(Some(server));
        if !hope && !self.gatherer.heard_of(server) {
            self.report(
                Some(base.address),
                server,
                CandidateError::UNREACHABLE,
                "the server did not answer".to_owned(),
            );
            self.gatherer.hear(Some(server));
        }
    }
}
