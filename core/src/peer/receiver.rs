//! A borrowed handle to one receiver: its attributes, under their W3C names.

use crate::base::media::{MediaStreamTrack, ReceiverId, TransceiverId};
use crate::base::parameters::RtpReceiveParameters;
use crate::peer::PeerConnection;
use crate::signaling::transceiver::Transceiver;

/// `RTCRtpReceiver`, for as long as the connection is borrowed. Keep the [`ReceiverId`].
#[derive(Clone, Copy, Debug)]
pub struct RtpReceiver<'a> {
    pc: &'a PeerConnection,
    state: &'a Transceiver,
}

impl<'a> RtpReceiver<'a> {
    pub(super) fn find(pc: &'a PeerConnection, id: ReceiverId) -> Option<Self> {
        let state = pc.session.transceiver(id.transceiver())?;
        Some(Self { pc, state })
    }

    /// Its transceiver.
    #[must_use]
    pub const fn transceiver(&self) -> TransceiverId {
        self.state.id()
    }

    /// `track`: what comes from the peer, under an id that this side drew.
    #[must_use]
    pub const fn track(&self) -> &'a MediaStreamTrack {
        self.state.receiver_track()
    }

    /// The ids of the streams that the peer says this is in.
    #[must_use]
    pub fn streams(&self) -> &'a [String] {
        self.state.receiver_streams()
    }

    /// What it is ready to receive (`getParameters`).
    #[must_use]
    pub fn get_parameters(&self) -> RtpReceiveParameters {
        self.pc.session.receive_parameters(self.state.id().receiver()).unwrap_or_default()
    }
}
