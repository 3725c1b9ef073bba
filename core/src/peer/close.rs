//! The orderly end.

use crate::base::time::Instant;
use crate::peer::PeerConnection;
use crate::peer::state::{IceConnectionState, PeerConnectionState};

/// Datagrams of a farewell: RTCP goodbyes, an SCTP ABORT and a DTLS alert, with room to spare.
const MAX_FAREWELL: usize = 8;

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
        self.media.iter_mut().for_each(|media| media.close());
        for _ in 0..MAX_FAREWELL {
            datagram.clear();
            let transmit = self.poll_media(now, &mut datagram);
            let Some(transmit) = transmit.or_else(|| self.poll_data(now, &mut datagram)) else { break };
            for part in transmit.datagrams(&datagram) {
                self.farewell.push((transmit.path, part.into()));
            }
        }
        self.transport.close(now);
        for _ in 0..MAX_FAREWELL {
            datagram.clear();
            let Some(transmit) = self.transport.poll_transmit(now, &mut datagram) else { break };
            self.farewell.push((transmit.path, datagram.as_slice().into()));
        }
        self.session.close();
        self.transport.shut_down();
        self.ice_connection_state = IceConnectionState::Closed;
        self.connection_state = PeerConnectionState::Closed;
        self.media = None;
        while self.data.poll_event().is_some() {}
        self.events.clear();
    }
}
