//! `connectionState` and `iceConnectionState` from the states of the transports: pure tables.
//!
//! Not a machine: nothing is remembered here.

use crate::transport::IceGatheringState;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::ice::IceTransportState;

crate::w3c_enum! {
    /// `RTCPeerConnectionState`: ICE and DTLS of all transports in one word.
    pub enum PeerConnectionState {
        /// [`close`](crate::peer::PeerConnection::close) was called.
        Closed = "closed",
        /// A transport failed.
        Failed = "failed",
        /// A transport lost its peer, perhaps for a moment.
        Disconnected = "disconnected",
        /// Nothing has begun.
        New = "new",
        /// Checks or handshakes are under way.
        Connecting = "connecting",
        /// Every transport in use is ready for data.
        Connected = "connected",
    }
}

crate::w3c_enum! {
    /// `RTCIceConnectionState`: ICE of all transports in one word.
    pub enum IceConnectionState {
        /// [`close`](crate::peer::PeerConnection::close) was called.
        Closed = "closed",
        /// A transport found no pair that works, or lost consent for good.
        Failed = "failed",
        /// A transport does not hear from its peer.
        Disconnected = "disconnected",
        /// No checks have begun.
        New = "new",
        /// Checks are under way.
        Checking = "checking",
        /// Every transport found its best pair and is done checking.
        Completed = "completed",
        /// Every transport found a pair that works.
        Connected = "connected",
    }
}

/// The state of one transport: its ICE half and its DTLS half.
pub(super) type TransportState = (IceTransportState, DtlsTransportState);

/// W3C WebRTC §4.3.2, for the transports of descriptions.
pub(super) fn ice_gathering_state(
    mut transports: impl Iterator<Item = IceGatheringState> + Clone,
) -> IceGatheringState {
    use IceGatheringState as Gathering;
    if transports.clone().any(|state| state == Gathering::Gathering) {
        Gathering::Gathering
    } else if transports.clone().next().is_none() || transports.any(|state| state == Gathering::New) {
        Gathering::New
    } else {
        Gathering::Complete
    }
}

/// W3C WebRTC §4.3.3, the rows tried from the top.
pub(super) fn ice_connection_state(
    closed: bool,
    transports: &(impl Iterator<Item = TransportState> + Clone),
) -> IceConnectionState {
    use IceTransportState as Ice;
    let any = |wanted: Ice| transports.clone().any(|(ice, _)| ice == wanted);
    let all = |wanted: &[Ice]| transports.clone().all(|(ice, _)| wanted.contains(&ice));
    if closed {
        IceConnectionState::Closed
    } else if any(Ice::Failed) {
        IceConnectionState::Failed
    } else if any(Ice::Disconnected) {
        IceConnectionState::Disconnected
    } else if all(&[Ice::New, Ice::Closed]) {
        IceConnectionState::New
    } else if any(Ice::New) || any(Ice::Checking) {
        IceConnectionState::Checking
    } else if all(&[Ice::Completed, Ice::Closed]) {
        IceConnectionState::Completed
    } else {
        IceConnectionState::Connected
    }
}

/// W3C WebRTC §4.3.4, the rows tried from the top. ICE `completed` counts as connected, as in browsers.
pub(super) fn connection_state(
    closed: bool,
    transports: &(impl Iterator<Item = TransportState> + Clone),
) -> PeerConnectionState {
    use DtlsTransportState as Dtls;
    let ice = ice_connection_state(closed, transports);
    let all_dtls = |wanted: &[Dtls]| transports.clone().all(|(_, dtls)| wanted.contains(&dtls));
    match ice {
        IceConnectionState::Closed => PeerConnectionState::Closed,
        IceConnectionState::Failed => PeerConnectionState::Failed,
        _ if transports.clone().any(|(_, dtls)| dtls == Dtls::Failed) => PeerConnectionState::Failed,
        IceConnectionState::Disconnected => PeerConnectionState::Disconnected,
        IceConnectionState::New if all_dtls(&[Dtls::New, Dtls::Closed]) => PeerConnectionState::New,
        IceConnectionState::Connected | IceConnectionState::Completed
            if all_dtls(&[Dtls::Connected, Dtls::Closed]) =>
        {
            PeerConnectionState::Connected
        }
        _ => PeerConnectionState::Connecting,
    }
}

#[cfg(test)]
mod tests {
    use super::{IceConnectionState, PeerConnectionState, connection_state, ice_connection_state};
    use crate::transport::dtls::DtlsTransportState as Dtls;
    use crate::transport::ice::IceTransportState as Ice;

    #[test]
    fn one_transport_goes_through_its_life() {
        let rows = [
            (Ice::New, Dtls::New, IceConnectionState::New, PeerConnectionState::New),
            (Ice::Checking, Dtls::New, IceConnectionState::Checking, PeerConnectionState::Connecting),
            (Ice::Connected, Dtls::New, IceConnectionState::Connected, PeerConnectionState::Connecting),
            (
                Ice::Connected,
                Dtls::Connecting,
                IceConnectionState::Connected,
                PeerConnectionState::Connecting,
            ),
            (Ice::Connected, Dtls::Connected, IceConnectionState::Connected, PeerConnectionState::Connected),
            (Ice::Completed, Dtls::Connected, IceConnectionState::Completed, PeerConnectionState::Connected),
            (Ice::Completed, Dtls::Closed, IceConnectionState::Completed, PeerConnectionState::Connected),
            (
                Ice::Disconnected,
                Dtls::Connected,
                IceConnectionState::Disconnected,
                PeerConnectionState::Disconnected,
            ),
            (Ice::Failed, Dtls::Connected, IceConnectionState::Failed, PeerConnectionState::Failed),
            (Ice::Connected, Dtls::Failed, IceConnectionState::Connected, PeerConnectionState::Failed),
        ];
        for (ice, dtls, ice_state, state) in rows {
            assert_eq!(ice_connection_state(false, &[(ice, dtls)].into_iter()), ice_state, "{ice} {dtls}");
            assert_eq!(connection_state(false, &[(ice, dtls)].into_iter()), state, "{ice} {dtls}");
        }
    }

    #[test]
    fn the_worst_of_several_decides() {
        let good = (Ice::Connected, Dtls::Connected);
        assert_eq!(
            connection_state(false, &[good, (Ice::Failed, Dtls::New)].into_iter()),
            PeerConnectionState::Failed
        );
        assert_eq!(
            connection_state(false, &[good, (Ice::New, Dtls::New)].into_iter()),
            PeerConnectionState::Connecting
        );
        assert_eq!(
            ice_connection_state(false, &[good, (Ice::New, Dtls::New)].into_iter()),
            IceConnectionState::Checking
        );
    }

    #[test]
    fn nothing_is_new_and_closed_is_closed() {
        assert_eq!(connection_state(false, &std::iter::empty()), PeerConnectionState::New);
        assert_eq!(
            connection_state(true, &[(Ice::Connected, Dtls::Connected)].into_iter()),
            PeerConnectionState::Closed
        );
    }
}
