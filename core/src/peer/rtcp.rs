//! RTCP with a port of its own (`rtcpMuxPolicy` `negotiate`): a second component beside each link that carries audio or
//! video.
//!
//! It is a link like any other, with ports, checks and a handshake of its own, under the credentials of the first
//! (RFC 8445 §5.3, RFC 5764 §4). Offers have it as long as the policy allows, and it lives on where the answer does not
//! multiplex.

use crate::base::time::Instant;
use crate::peer::PeerConnection;
use crate::peer::link::{IceComponent, TransportId};
use crate::wire::candidate::Candidate;

impl TransportId {
    /// Whether a candidate is of this component. Those of unknown ones are left to the first, which counts them.
    pub(super) fn is_for(self, candidate: &Candidate) -> bool {
        self.is_rtcp() == (candidate.component == IceComponent::Rtcp.number())
    }
}

impl PeerConnection {
    /// Gathers for the second components that descriptions have now, each in the generation of its first one.
    pub(super) fn gather_rtcp(&mut self, now: Instant) {
        for id in self.links.ids().into_iter().filter(|id| !id.is_rtcp()) {
            if !self.session.uses_rtcp(id.index()) {
                continue;
            }
            let Some(link) = self.links.get(id) else { continue };
            let credentials = link.transport.local_credentials().clone();
            self.make_link(id.rtcp());
            self.links.gather_apart(now, id.rtcp(), &credentials);
        }
    }

    /// Closes a second component that no description needs: the peer multiplexes, or the offer was taken back.
    pub(super) fn close_unused_rtcp(&mut self, now: Instant, id: TransportId) {
        let first = id.rtp();
        if self.session.uses_rtcp(first.index()) && self.links.get(first).is_some() {
            return;
        }
        let ufrag = self.links.get(id).map(|link| link.transport.local_credentials().ufrag.clone());
        ufrag.iter().for_each(|ufrag| self.session.drop_rtcp_candidates(first.index(), ufrag));
        self.close_link(now, id);
        self.tell_end_of_candidates(first);
    }
}
