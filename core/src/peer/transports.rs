//! What descriptions do to transports: they are gathered for, agreed on and closed.

use crate::base::time::Instant;
use crate::peer::PeerConnection;
use crate::peer::event::Event;
use crate::peer::link::{Blueprint, TransportId};
use crate::signaling::changes::{DtlsRole, TransportAgreement};
use crate::transport::Transport;
use crate::transport::dtls::config::Role;
use crate::transport::ice::IceTransportState;
use crate::wire::candidate::Credentials;

/// Datagrams of a farewell: an SCTP ABORT, a DTLS alert, what a relay is told; with room to spare.
pub(super) const MAX_FAREWELL: usize = 8;

impl PeerConnection {
    /// A description of ours has this generation of a transport now.
    pub(super) fn gather(&mut self, now: Instant, id: TransportId, credentials: &Credentials) {
        let Some(link) = self.links.get_mut(id) else { return };
        link.is_described = true;
        if credentials.ufrag != link.transport.local_credentials().ufrag {
            link.transport.restart(now);
        }
        link.transport.gather(now);
    }

    /// Both sides described a transport.
    pub(super) fn agree_on_transport(&mut self, now: Instant, agreement: TransportAgreement) {
        let TransportAgreement { index, local_ice, remote_ice, fingerprints, dtls_role, .. } = agreement;
        // W3C WebRTC §4.4.1.5: an answer ends the wish for other credentials once they are others.
        self.ufrag_to_replace.take_if(|replaced| *replaced != local_ice.ufrag);
        let id = TransportId::of(index);
        if self.ride.is_on(id) {
            self.data.set_dtls_role(now, dtls_role == DtlsRole::Client);
        }
        let role = match dtls_role {
            DtlsRole::Client => Role::Client,
            DtlsRole::Server => Role::Server,
        };
        let Some(link) = self.links.get_mut(id) else { return };
        let transport = &mut link.transport;
        transport.start_dtls(now, role, fingerprints);
        transport.set_remote_credentials(now, remote_ice.credentials);
        for candidate in &remote_ice.candidates {
            transport.add_remote_candidate(now, candidate);
        }
        if remote_ice.end_of_candidates {
            transport.end_of_remote_candidates(now);
        }
    }

    /// The transport whose peer has this user fragment; `None` for a generation that is not in use: an older one, or
    /// one that its answer will bring.
    pub(super) fn transport_of_remote(&mut self, ufrag: &str) -> Option<&mut Transport> {
        let is_known = |transport: &Transport| {
            transport.ice().remote_credentials().is_some_and(|remote| remote.ufrag == ufrag)
        };
        let (id, _) = self.links.iter().find(|(_, link)| is_known(&link.transport))?;
        self.links.get_mut(id).map(|link| &mut link.transport)
    }

    /// No section needs a transport any more. The peer is told, as far as a path to it exists; what is described later
    /// under the same number is another one.
    pub(super) fn close_link(&mut self, now: Instant, id: TransportId) {
        let Some(link) = self.links.get_mut(id) else { return };
        link.transport.close(now);
        let was_described = std::mem::take(&mut link.is_described);
        // W3C WebRTC §5.5: DTLS closes, and what rode on it.
        self.settle(now);
        self.say_farewell(now, id);
        if let Some(link) = self.links.get_mut(id) {
            link.transport.shut_down();
        }
        if was_described {
            self.events.push(Event::IceTransportStateChange(id, IceTransportState::Closed));
        }
        if id == TransportId::FIRST {
            // There is always a first one.
            let mut rng = self.links.rng().fork();
            let blueprint = self.blueprint();
            if let Ok(transport) = blueprint.build(&mut rng) {
                self.links.put(now, id, transport);
            }
        } else {
            self.links.remove(id);
        }
        self.planes.remove(id);
        if self.ride.is_on(id) {
            self.ride.board(TransportId::FIRST);
        }
        self.derive_states();
        self.derive_gathering_state();
    }

    /// Keeps what a transport has to say at its end until it is polled.
    pub(super) fn say_farewell(&mut self, now: Instant, id: TransportId) {
        let mut datagram = Vec::new();
        for _ in 0..MAX_FAREWELL {
            datagram.clear();
            let Some(link) = self.links.get_mut(id) else { break };
            let Some(transmit) = link.transport.poll_transmit(now, &mut datagram) else { break };
            self.farewell.push((transmit.path, datagram.as_slice().into()));
        }
    }

    /// What a transport of this connection is made of.
    fn blueprint(&self) -> Blueprint<'_> {
        Blueprint { configuration: &self.configuration, certificate: &self.certificate, crypto: &self.crypto }
    }
}
