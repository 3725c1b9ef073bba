//! The transports as the application sees them: `RTCIceTransport` and `RTCDtlsTransport`.

use crate::base::media::TransceiverId;
use crate::peer::PeerConnection;
use crate::peer::link::{IceComponent, TransportId};
use crate::transport::dtls::{Connection, DtlsTransportState};
use crate::transport::ice::{IceRole, IceTransportState, SelectedPair};
use crate::transport::{IceGatheringState, Transport};
use crate::wire::candidate::{Candidate, Credentials};

/// `RTCIceTransport`, for as long as the connection is borrowed.
#[derive(Clone, Copy, Debug)]
pub struct IceTransport<'a> {
    transport: &'a Transport,
    closed: bool,
}

/// `RTCDtlsTransport`, for as long as the connection is borrowed.
#[derive(Clone, Copy, Debug)]
pub struct DtlsTransport<'a> {
    transport: &'a Transport,
    closed: bool,
}

impl PeerConnection {
    /// The first DTLS transport, which carries everything with a peer that bundles; `None` until a description has a
    /// section for it.
    #[must_use]
    pub fn dtls_transport(&self) -> Option<DtlsTransport<'_>> {
        self.dtls_transports().next().map(|(_, transport)| transport)
    }

    /// Every DTLS transport that descriptions have: what `transport` of senders, of receivers and of `sctp` names.
    pub fn dtls_transports(&self) -> impl Iterator<Item = (TransportId, DtlsTransport<'_>)> {
        let closed = self.is_closed();
        let described = self.described_links().filter(|_| self.has_transport());
        described.map(move |(id, link)| (id, DtlsTransport { transport: &link.transport, closed }))
    }

    /// What carries a transceiver (`transport` of its sender and of its receiver); `None` until that is negotiated.
    pub(super) fn transport_of(&self, id: TransceiverId) -> Option<TransportId> {
        let section = self.session.media().iter().find(|section| section.transceiver == id)?;
        Some(TransportId::of(section.transport))
    }

    /// What carries RTCP of a transceiver where that does not share the port of RTP.
    pub(super) fn rtcp_transport_of(&self, id: TransceiverId) -> Option<TransportId> {
        let rtcp = self.transport_of(id)?.rtcp();
        self.links.get(rtcp).map(|_| rtcp)
    }

    pub(super) fn has_transport(&self) -> bool {
        let descriptions = [self.session.local_description(), self.session.remote_description()];
        descriptions.into_iter().flatten().any(|description| description.sdp.contains("\nm="))
    }
}

impl<'a> DtlsTransport<'a> {
    /// `iceTransport`
    #[must_use]
    pub const fn ice_transport(&self) -> IceTransport<'a> {
        IceTransport { transport: self.transport, closed: self.closed }
    }

    /// `state`
    #[must_use]
    pub fn state(&self) -> DtlsTransportState {
        if self.closed { DtlsTransportState::Closed } else { self.transport.dtls_state() }
    }

    /// `getRemoteCertificates`: the peer's certificate in DER, once the handshake is over.
    #[must_use]
    pub fn remote_certificates(&self) -> Vec<&'a [u8]> {
        let connected = self.state() == DtlsTransportState::Connected;
        let certificate = self.transport.dtls().and_then(Connection::remote_certificate);
        certificate.into_iter().filter(|_| connected).collect()
    }
}

impl IceTransport<'_> {
    /// `role`
    #[must_use]
    pub const fn role(&self) -> IceRole {
        self.transport.ice().role()
    }

    /// `component`: `rtcp` for the port of RTCP where that does not share RTP's.
    #[must_use]
    pub const fn component(&self) -> IceComponent {
        if self.transport.ice().component() == IceComponent::Rtcp.number() {
            IceComponent::Rtcp
        } else {
            IceComponent::Rtp
        }
    }

    /// `state`
    #[must_use]
    pub fn state(&self) -> IceTransportState {
        if self.closed { IceTransportState::Closed } else { self.transport.ice_state() }
    }

    /// `gatheringState`
    #[must_use]
    pub const fn gathering_state(&self) -> IceGatheringState {
        self.transport.gathering_state()
    }

    /// `getLocalCandidates`
    pub fn local_candidates(&self) -> impl Iterator<Item = Candidate> {
        self.transport.ice().local_candidates()
    }

    /// `getRemoteCandidates`
    pub fn remote_candidates(&self) -> impl Iterator<Item = Candidate> {
        self.transport.ice().remote_candidates()
    }

    /// `getSelectedCandidatePair`: `None` before there is one and after the end.
    #[must_use]
    pub fn selected_candidate_pair(&self) -> Option<SelectedPair> {
        self.transport.selected_pair().filter(|_| !self.closed)
    }

    /// `getLocalParameters`
    #[must_use]
    pub fn local_parameters(&self) -> &Credentials {
        self.transport.local_credentials()
    }

    /// `getRemoteParameters`: `None` until an answer was set.
    #[must_use]
    pub fn remote_parameters(&self) -> Option<&Credentials> {
        self.transport.ice().remote_credentials()
    }
}
