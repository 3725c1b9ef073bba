//! What descriptions do to transports: they are gathered for, agreed on and closed.

use crate::base::time::Instant;
use crate::peer::event::Event;
use crate::peer::link::{Blueprint, IceComponent, Link, TransportId};
use crate::peer::links::PortsOf;
use crate::peer::offer_answer::Generation;
use crate::peer::{DataSection, PeerConnection};
use crate::signaling::changes::{DtlsRole, RtcpUse, TransportAgreement, TransportChange};
use crate::signaling::local::MAX_TRANSPORTS;
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
    pub(super) fn agree_on_transport(&mut self, now: Instant, agreement: &TransportAgreement) {
        // W3C WebRTC §4.4.1.5: an answer ends the wish for other credentials once they are others.
        if !self.ufrags_to_replace.contains(&agreement.local_ice.ufrag) {
            self.ufrags_to_replace.clear();
        }
        let id = TransportId::of(agreement.index);
        if self.ride.is_on(id) {
            self.data.set_dtls_role(now, agreement.dtls_role == DtlsRole::Client);
        }
        self.agree_on_component(now, id, agreement);
        if agreement.rtcp == RtcpUse::Own {
            self.agree_on_component(now, id.rtcp(), agreement);
        }
    }

    /// RFC 5764 §4: both components of a transport have the same credentials, fingerprints and roles, and shake hands each.
    fn agree_on_component(&mut self, now: Instant, id: TransportId, agreement: &TransportAgreement) {
        let role = match agreement.dtls_role {
            DtlsRole::Client => Role::Client,
            DtlsRole::Server => Role::Server,
        };
        let renomination = self.session.agreed_renomination();
        let Some(link) = self.links.get_mut(id) else { return };
        let transport = &mut link.transport;
        transport.set_renomination(renomination);
        transport.start_dtls(now, role, agreement.fingerprints.clone());
        let remote_ice = &agreement.remote_ice;
        // Checks begin with the first credentials, and then it is best to know of all candidates; those of a restart are told
        // from older ones by the credentials.
        let begins = transport.ice().remote_credentials().is_none();
        if !begins {
            transport.set_remote_credentials(now, remote_ice.credentials.clone());
        }
        for candidate in remote_ice.candidates.iter().filter(|candidate| id.is_for(candidate)) {
            transport.add_remote_candidate(now, candidate);
        }
        if remote_ice.end_of_candidates {
            transport.end_of_remote_candidates(now);
        }
        if begins {
            transport.set_remote_credentials(now, remote_ice.credentials.clone());
        }
    }

    /// The links that descriptions have; the first, if only the peer has described one so far.
    pub(super) fn described_links(&self) -> impl Iterator<Item = (TransportId, &Link)> {
        let none = self.links.described().next().is_none();
        self.links.described().chain(self.links.iter().take(usize::from(none)))
    }

    /// The components of a transport whose peer has this user fragment. None for a generation that is not in use: an older
    /// one, or one that its answer will bring.
    pub(super) fn components_of(
        &self,
        number: usize,
        ufrag: &str,
    ) -> impl Iterator<Item = TransportId> + use<> {
        let id = TransportId::of(number);
        let is_known = |id: &TransportId| {
            let remote = self.links.get(*id).and_then(|link| link.transport.ice().remote_credentials());
            remote.is_some_and(|remote| remote.ufrag == ufrag)
        };
        let known = [id, id.rtcp()].map(|id| is_known(&id).then_some(id));
        known.into_iter().flatten()
    }

    /// No section needs a transport any more. The peer is told, as far as a path to it exists; what is described later
    /// under the same number is another one.
    pub(super) fn close_link(&mut self, now: Instant, id: TransportId) {
        let Some(link) = self.links.get_mut(id) else { return };
        // The first one is always there: one that nothing was made of is as good as new.
        if id == TransportId::FIRST && !link.is_described {
            return;
        }
        let before = link.transport.dtls_state();
        link.transport.close(now);
        let after = link.transport.dtls_state();
        self.settle(now);
        self.say_farewell(now, id);
        let Some(link) = self.links.get_mut(id) else { return };
        link.transport.shut_down();
        if before != after {
            self.events.push(Event::DtlsTransportStateChange(id, after));
        }
        if link.is_described {
            self.events.push(Event::IceTransportStateChange(id, IceTransportState::Closed));
        }
        match self.new_transport(id) {
            Some(transport) if id == TransportId::FIRST => self.links.put(now, id, transport, PortsOf::All),
            _ => self.links.remove(id),
        }
        self.planes.remove(id);
        if self.ride.is_on(id) {
            self.ride.board(TransportId::FIRST);
        }
        self.derive_states();
        self.derive_gathering_state();
    }

    /// Closes what no description needs: what an answer bundled, what was offered and taken back. After a rollback the
    /// first stays for the next offer, with what was gathered for it.
    pub(super) fn close_unused_links(&mut self, now: Instant, agreed: bool) {
        for id in self.links.ids() {
            if id.is_rtcp() {
                self.close_unused_rtcp(now, id);
            } else if (agreed || id != TransportId::FIRST) && !self.session.uses_transport(id.index()) {
                self.close_link(now, id);
            }
        }
    }

    /// The association rides on the transport that carries its section.
    pub(super) fn move_data(&mut self, changes: &[TransportChange]) {
        let carrier = self.session.data_transport().map(TransportId::of);
        if let Some(id) = carrier.filter(|&id| !changes.is_empty() && !self.ride.is_on(id)) {
            self.ride.board(id);
        }
    }

    /// The credentials of the transports that the next offer may have; those that are missing are made.
    pub(super) fn credentials_to_offer(&mut self, generation: Generation) -> Vec<Credentials> {
        let wants_data = self.data_section != DataSection::Absent;
        let most = self.session.transports_to_offer(wants_data);
        self.credentials(most, generation)
    }

    /// The same for the answer. It takes up new ones only where its offer restarts ICE.
    pub(super) fn credentials_to_answer(&mut self) -> Vec<Credentials> {
        let most = self.session.transports_to_answer();
        self.credentials(most, Generation::Next)
    }

    fn credentials(&mut self, most: usize, generation: Generation) -> Vec<Credentials> {
        if self.is_closed() {
            return Vec::new();
        }
        let ids = (0..most.clamp(1, MAX_TRANSPORTS)).map(TransportId::of);
        let mut all = Vec::with_capacity(most.max(1));
        for id in ids {
            self.make_link(id);
            let Some(link) = self.links.get_mut(id) else { break };
            all.push(match generation {
                Generation::InUse => link.transport.local_credentials().clone(),
                Generation::Next => link.transport.prepare_restart().clone(),
            });
        }
        all
    }

    pub(super) fn make_link(&mut self, id: TransportId) {
        if self.links.get(id).is_some() {
            return;
        }
        let role = self.links.first().ice().role();
        if let Some(mut transport) = self.new_transport(id) {
            transport.set_ice_role(self.now, role);
            let ports = if id.is_rtcp() { PortsOf::One } else { PortsOf::All };
            self.links.put(self.now, id, transport, ports);
        }
    }

    /// The peer does not bundle what our offer has one transport for: makes the others, under the same credentials.
    pub(super) fn split_links(&mut self, now: Instant, changes: &[TransportChange]) {
        for change in changes {
            let TransportChange::Agreed(agreement) = change else { continue };
            let id = TransportId::of(agreement.index);
            if self.links.get(id).is_some() {
                continue;
            }
            let mut rng = self.links.rng().fork();
            let Self { configuration, certificate, crypto, .. } = self;
            let blueprint = Blueprint { configuration, certificate, crypto };
            let credentials = agreement.local_ice.clone();
            // The servers were read when the configuration was set.
            let Ok(mut transport) = blueprint.build(IceComponent::Rtp, Some(credentials), &mut rng) else {
                continue;
            };
            transport.set_ice_role(now, self.links.first().ice().role());
            self.links.put(now, id, transport, PortsOf::One);
            self.links.gather_apart(now, id, &agreement.local_ice);
        }
    }

    fn new_transport(&mut self, id: TransportId) -> Option<Transport> {
        let mut rng = self.links.rng().fork();
        let Self { configuration, certificate, crypto, .. } = self;
        let blueprint = Blueprint { configuration, certificate, crypto };
        let chosen = || configuration.ice.credentials.clone().filter(|_| id == TransportId::FIRST);
        // The servers were read when the configuration was set.
        let built = if id.is_rtcp() {
            let shared = self.links.get(id.rtp())?.transport.local_credentials().clone();
            blueprint.build(IceComponent::Rtcp, Some(shared), &mut rng)
        } else {
            blueprint.build(IceComponent::Rtp, chosen(), &mut rng)
        };
        built.ok()
    }

    /// `LocalIceCredentialsToReplace` of W3C WebRTC §4.4.1.
    pub(super) fn note_credentials_to_replace(&mut self) {
        self.ufrags_to_replace = self
            .links
            .described()
            .map(|(_, link)| link.transport.local_credentials().ufrag.clone())
            .collect();
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
}
