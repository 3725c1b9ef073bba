//! What a connection tells the application: the W3C events, from one queue, in W3C order.

use crate::data::channel::DataChannelId;
use crate::data::error::ChannelError;
use crate::data::event::{Message, SctpTransportState};
use crate::peer::state::{IceConnectionState, PeerConnectionState};
use crate::signaling::description::IceCandidateInit;
use crate::signaling::state::SignalingState;
use crate::transport::IceGatheringState;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::dtls::alert::Failure;
use crate::transport::ice::IceTransportState;

/// An event of a peer connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// `negotiationneeded`: make an offer when it suits you.
    NegotiationNeeded,
    /// `signalingstatechange`, with the state after the change.
    SignalingStateChange(SignalingState),
    /// `icegatheringstatechange`.
    IceGatheringStateChange(IceGatheringState),
    /// `icecandidate`: send it to the peer. An empty candidate ends a generation; `None` comes once, when
    /// gathering is over, and need not be sent.
    IceCandidate(Option<Box<IceCandidateInit>>),
    /// `selectedcandidatepairchange` of the ICE transport.
    SelectedCandidatePairChange,
    /// `statechange` of the ICE transport.
    IceTransportStateChange(IceTransportState),
    /// `iceconnectionstatechange`.
    IceConnectionStateChange(IceConnectionState),
    /// `error` of the DTLS transport; the state change follows.
    DtlsTransportError(Failure),
    /// `statechange` of the DTLS transport.
    DtlsTransportStateChange(DtlsTransportState),
    /// `connectionstatechange`.
    ConnectionStateChange(PeerConnectionState),
    /// `statechange` of the SCTP transport.
    SctpTransportStateChange(SctpTransportState),
    /// `datachannel`: the peer opened one. It can be sent on at once; its `Open` follows.
    DataChannel(DataChannelId),
    /// An event of a data channel.
    Channel(DataChannelId, ChannelEvent),
}

/// An event of a data channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChannelEvent {
    /// `open`: messages may be sent.
    Open,
    /// `message`.
    Message(Message),
    /// `bufferedamountlow`: what waits has fallen to the threshold.
    BufferedAmountLow,
    /// `closing`: the peer closes the channel.
    Closing,
    /// `error`: it failed; `Close` follows.
    Error(ChannelError),
    /// `close`: the id names nothing any more after the next event.
    Close,
}

#[cfg(test)]
mod tests {
    use super::Event;

    #[test]
    fn an_event_is_small_and_can_travel() {
        fn is_send<T: Send + 'static>() {}
        is_send::<Event>();
        assert!(size_of::<Event>() <= 64, "{}", size_of::<Event>());
    }
}
