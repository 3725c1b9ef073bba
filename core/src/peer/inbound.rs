//! What comes from the network and from the clock: transport first, then what it found inside.

use crate::base::drops::DropReason;
use crate::base::net::{Datagram, LocalAddress};
use crate::base::time::Instant;
use crate::peer::event::Event;
use crate::peer::link::{Link, TransportId};
use crate::peer::state::{connection_state, ice_connection_state, ice_gathering_state};
use crate::peer::{PeerConnection, UNMEASURED};
use crate::signaling::state::SignalingState;
use crate::transport::dtls::{Connection, DtlsTransportState};
use crate::transport::{Event as TransportEvent, IceGatheringState, Inbound};

impl PeerConnection {
    /// Lets the connection use an address of this host. Add all that are known before the first description is
    /// set: gathering ends with those; later ones are still signalled and tried, and one of them may take over
    /// from an address that was [removed](Self::remove_local_address).
    pub fn add_local_address(&mut self, now: Instant, address: LocalAddress) {
        let now = self.tick(now);
        if !self.is_closed() {
            self.links.add_local_address(now, address);
            self.settle(now);
        }
    }

    /// An address of this host is gone. Where it carried the data, another pair takes over if one works;
    /// otherwise [`restart_ice`](Self::restart_ice) and negotiate.
    pub fn remove_local_address(&mut self, now: Instant, address: LocalAddress) {
        let now = self.tick(now);
        if !self.is_closed() {
            self.links.remove_local_address(now, address);
            self.settle(now);
        }
    }

    /// Takes one datagram. See [`handle_datagrams`](Self::handle_datagrams), which is cheaper for many.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        self.handle_datagrams(now, [datagram]);
    }

    /// Takes a batch of datagrams: what arrived since the last call, in order. Acknowledgements, deadlines and
    /// events are worked out once for all of them.
    pub fn handle_datagrams(&mut self, now: Instant, datagrams: impl IntoIterator<Item = Datagram>) {
        let now = self.tick(now);
        for datagram in datagrams {
            if self.is_closed() {
                self.drops.count(DropReason::Closed);
                continue;
            }
            let mut received = std::mem::take(&mut self.received);
            match self.links.handle_datagram(now, datagram, &mut received) {
                Ok(id) => received.drain(..).for_each(|inbound| self.receive(now, id, inbound)),
                Err(reason) => self.drops.count(reason),
            }
            self.received = received;
        }
        self.settle(now);
    }

    /// Takes what a link brought to what rides on it.
    fn receive(&mut self, now: Instant, id: TransportId, inbound: Inbound) {
        match inbound {
            Inbound::Sctp(packet) => {
                // The record may have come in one datagram with what completed the handshake.
                self.settle(now);
                if !self.ride.is_on(id) {
                    return self.drops.count(DropReason::UnknownProtocol);
                }
                if let Some(link) = self.links.get_quietly(id) {
                    link.received(now, packet.len());
                }
                self.data.handle_packet(now, packet);
            }
            Inbound::Rtp(packet) => self.handle_rtp(now, id, packet),
            Inbound::Rtcp(packet) => self.handle_rtcp(now, id, &packet),
        }
    }

    /// Does what is due at `now`. Early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.tick(now);
        if !self.is_closed() {
            self.links.handle_timeout(now);
            self.data.handle_timeout(now);
            self.planes.handle_timeout(now);
            self.play_tones(now);
            self.time_out_identity(now);
            self.settle(now);
        }
    }

    /// Clamps a clock that goes backwards.
    pub(super) fn tick(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    pub(super) fn is_closed(&self) -> bool {
        self.session.signaling_state() == SignalingState::Closed
    }

    /// Moves what the transports found out to where it belongs, and into events.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some((id, event)) = self.links.poll_event() {
            match event {
                TransportEvent::GatheringStateChange(state) => self.gathering_changed(id, state),
                TransportEvent::LocalCandidate(candidate) => {
                    let Some(link) = self.links.get(id) else { continue };
                    let ufrag = &link.transport.local_credentials().ufrag;
                    if let Some(init) = self.session.add_local_candidate(id.rtp().index(), ufrag, &candidate)
                    {
                        self.events.push(Event::IceCandidate(Some(Box::new(init))));
                    }
                }
                TransportEvent::CandidateError(error) => {
                    self.events.push(Event::IceCandidateError(Box::new((*error).into())));
                }
                TransportEvent::SelectedPairChange => {
                    if let Some(link) = self.links.get_quietly(id) {
                        link.traffic.selected_pair_changes += 1;
                    }
                    self.tell_round_trip(id);
                    self.events.push(Event::SelectedCandidatePairChange(id));
                }
                TransportEvent::IceStateChange(state) => {
                    self.events.push(Event::IceTransportStateChange(id, state));
                }
                TransportEvent::DtlsStateChange(state) => self.dtls_changed(now, id, state),
            }
            self.derive_states();
        }
    }

    // W3C WebRTC §5.6: the end of the generation, then the state, then the end of it all.
    fn gathering_changed(&mut self, id: TransportId, state: IceGatheringState) {
        let Some(link) = self.links.get_quietly(id) else { return };
        link.gathering = state;
        self.tell_end_of_candidates(id.rtp());
        self.events.push(Event::IceTransportGatheringStateChange(id, state));
        self.derive_gathering_state();
    }

    /// Says that a generation is gathered, once all of its components are.
    pub(super) fn tell_end_of_candidates(&mut self, id: TransportId) {
        let done = |link: &Link| link.gathering == IceGatheringState::Complete;
        let Some(link) = self.links.get(id).filter(|link| done(link)) else { return };
        if self.links.get(id.rtcp()).is_some_and(|rtcp| !done(rtcp)) {
            return;
        }
        let ufrag = link.transport.local_credentials().ufrag.clone();
        if let Some(end) = self.session.end_of_local_candidates(id.index(), &ufrag) {
            self.events.push(Event::IceCandidate(Some(Box::new(end))));
        }
    }

    pub(super) fn derive_gathering_state(&mut self) {
        let state = ice_gathering_state(self.links.described().map(|(_, link)| link.gathering));
        if std::mem::replace(&mut self.ice_gathering_state, state) != state {
            self.events.push(Event::IceGatheringStateChange(state));
            if state == IceGatheringState::Complete {
                self.events.push(Event::IceCandidate(None));
            }
        }
    }

    fn dtls_changed(&mut self, now: Instant, id: TransportId, state: DtlsTransportState) {
        let Some(link) = self.links.get(id) else { return };
        // W3C WebRTC §5.5: the error comes before the state that it leads to.
        if let Some(failure) = link.transport.dtls().and_then(Connection::failure) {
            self.events.push(Event::DtlsTransportError(id, Box::new(failure.into())));
        }
        self.events.push(Event::DtlsTransportStateChange(id, state));
        if !self.ride.is_on(id) {
            return;
        }
        match state {
            DtlsTransportState::Connected => self.start_data(now),
            DtlsTransportState::Closed | DtlsTransportState::Failed => self.data.transport_closed(),
            DtlsTransportState::New | DtlsTransportState::Connecting => {}
        }
    }

    /// Begins the SCTP association once both sides described it and DTLS is up.
    pub(super) fn start_data(&mut self, now: Instant) {
        let agreed = self.data.max_message_size().is_some();
        let Some(link) = self.links.get(self.ride.link()) else { return };
        if agreed && link.transport.dtls_state() == DtlsTransportState::Connected {
            self.data.set_rtt(link.transport.ice().rtt().unwrap_or(UNMEASURED / 2));
            self.data.start(now);
        }
    }

    pub(super) fn derive_states(&mut self) {
        let state = |(_, link): (_, &Link)| (link.transport.ice_state(), link.transport.dtls_state());
        let transports = self.links.described().map(state);
        let (ice, state) = (ice_connection_state(false, &transports), connection_state(false, &transports));
        if std::mem::replace(&mut self.ice_connection_state, ice) != ice {
            self.events.push(Event::IceConnectionStateChange(ice));
        }
        if std::mem::replace(&mut self.connection_state, state) != state {
            self.events.push(Event::ConnectionStateChange(state));
        }
    }
}
