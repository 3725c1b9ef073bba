//! A borrowed handle to one receiver: its attributes and verbs, under their W3C names.

use crate::base::media::{MediaStreamTrack, ReceiverId, TransceiverId};
use crate::base::parameters::RtpReceiveParameters;
use crate::base::time::Instant;
use crate::media::event::Delivery;
use crate::peer::PeerConnection;
use crate::peer::link::TransportId;
use crate::signaling::transceiver::Transceiver;

/// `RTCRtpReceiver`, for as long as the connection is borrowed. Keep the [`ReceiverId`].
#[derive(Debug)]
pub struct RtpReceiver<'a> {
    pc: &'a mut PeerConnection,
    id: ReceiverId,
}

impl<'a> RtpReceiver<'a> {
    pub(super) fn find(pc: &'a mut PeerConnection, id: ReceiverId) -> Option<Self> {
        pc.session.transceiver(id.transceiver()).is_some().then_some(Self { pc, id })
    }

    fn state(&self) -> &Transceiver {
        let found = self.pc.session.transceiver(self.id.transceiver());
        // The handle holds the only borrow since `find` saw it, and no verb here removes one.
        found.expect("a handle is only made for a receiver that exists")
    }

    /// Its transceiver.
    #[must_use]
    pub const fn transceiver(&self) -> TransceiverId {
        self.id.transceiver()
    }

    /// `track`: what comes from the peer, under an id that this side drew.
    #[must_use]
    pub fn track(&self) -> &MediaStreamTrack {
        self.state().receiver_track()
    }

    /// What carries it (`transport`); `None` until that is negotiated.
    #[must_use]
    pub fn transport(&self) -> Option<TransportId> {
        self.pc.transport_of(self.transceiver())
    }

    /// The ids of the streams that the peer says this is in.
    #[must_use]
    pub fn streams(&self) -> &[String] {
        self.state().receiver_streams()
    }

    /// What it is ready to receive (`getParameters`).
    #[must_use]
    pub fn get_parameters(&self) -> RtpReceiveParameters {
        self.pc.session.receive_parameters(self.id).unwrap_or_default()
    }

    /// How the application takes what comes from now on. Default: as [frames](Delivery::Frames).
    pub fn set_delivery(&mut self, delivery: Delivery) {
        self.pc.deliver_to(self.id, delivery);
    }

    /// Asks the peer for a key frame: of all its streams, or of the simulcast stream of this rid. One request in 300 ms
    /// goes out; a wish within that is kept until then.
    pub fn request_key_frame(&mut self, now: Instant, rid: Option<&str>) {
        self.pc.ask_for_key_frame(now, self.id, rid);
    }
}
