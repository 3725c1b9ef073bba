//! The orderly end.

use crate::base::time::Instant;
use crate::peer::PeerConnection;
use crate::peer::state::{IceConnectionState, PeerConnectionState};
use crate::peer::transports::MAX_FAREWELL;

impl PeerConnection {
    /// Ends the connection (`close`). The peer is told once, as far as a path to it exists: what
    /// [`poll_transmit`](Self::poll_transmit) gives afterwards are these last datagrams.
    ///
    /// Every state is `closed` from now on and no event comes any more, as W3C wants it. Later calls change
    /// nothing.
    pub fn close(&mut self, now: Instant) {
        let now = self.tick(now);
        if self.is_closed() {
            return;
        }
        // W3C WebRTC §4.4.2: channels close abruptly, sources say goodbye, SCTP aborts, DTLS says so, ICE stops.
        let mut datagram = Vec::new();
        self.data.close();
        self.planes.close();
        for _ in 0..MAX_FAREWELL {
            datagram.clear();
            let transmit = self.poll_media(now, &mut datagram);
            let Some(transmit) = transmit.or_else(|| self.poll_data(now, &mut datagram)) else { break };
            for part in transmit.datagrams(&datagram) {
                self.farewell.push((transmit.path, part.into()));
            }
        }
        for id in self.links.ids() {
            if let Some(link) = self.links.get_mut(id) {
                link.transport.close(now);
            }
            self.say_farewell(now, id);
        }
        self.session.close();
        self.links.shut_down();
        self.ice_connection_state = IceConnectionState::Closed;
        self.connection_state = PeerConnectionState::Closed;
        self.planes.clear();
        while self.data.poll_event().is_some() {}
        self.tones.clear();
        if let Some(identity) = &mut self.identity {
            identity.close();
        }
        self.events.clear();
    }
}
