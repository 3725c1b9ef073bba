//! Audio and video: what senders and receivers do.
//!
//! What comes is told by [`PeerConnection::next_event`]. Senders and receivers are named by ids, which cost nothing to
//! keep or to copy.

use crate::connection::PeerConnection;
use purertc::{
    Delivery, ReceiverId, RtpReceiver, RtpSender, RtpTransceiver, SendFrame, SendPacket, SenderId,
    TransceiverId, WriteError,
};

impl PeerConnection {
    /// Does something with a transceiver: its direction, its codecs, its end. `None`: there is none of this id.
    ///
    /// The connection stands still meanwhile, so be brief; and do not use a handle of this connection inside, for that
    /// would wait for itself. So with the two below.
    pub fn with_transceiver<R>(
        &self,
        id: TransceiverId,
        act: impl FnOnce(RtpTransceiver<'_>) -> R,
    ) -> Option<R> {
        self.seat().act(|state, _| state.core.transceiver(id).map(act))
    }

    /// Does something with a sender: its parameters, its track, its streams. `None`: there is none of this id.
    pub fn with_sender<R>(&self, id: SenderId, act: impl FnOnce(RtpSender<'_>) -> R) -> Option<R> {
        self.seat().act(|state, _| state.core.sender(id).map(act))
    }

    /// Looks at a receiver: its track, its streams, its parameters. `None`: there is none of this id.
    pub fn with_receiver<R>(&self, id: ReceiverId, act: impl FnOnce(RtpReceiver<'_>) -> R) -> Option<R> {
        self.seat().act(|state, _| state.core.receiver(id).map(act))
    }

    /// Sends a frame, as an encoder gave it: it is cut into packets here.
    ///
    /// # Errors
    ///
    /// [`WriteError`] says what is to be done about it; nothing is sent then. A sender that is gone is not negotiated.
    pub fn write_frame(&self, sender: SenderId, frame: &SendFrame<'_>) -> Result<(), WriteError> {
        let written = self.with_sender(sender, |mut sender| sender.write_frame(frame));
        written.unwrap_or(Err(WriteError::NotNegotiated))
    }

    /// Sends a packet of another source on, under numbers and ids of this connection.
    ///
    /// # Errors
    ///
    /// [`WriteError`] says what is to be done about it; it is not sent then.
    pub fn write_rtp(&self, sender: SenderId, packet: &SendPacket<'_>) -> Result<(), WriteError> {
        let written = self.with_sender(sender, |mut sender| sender.write_rtp(packet));
        written.unwrap_or(Err(WriteError::NotNegotiated))
    }

    /// How what comes is told from now on. Default: as frames.
    pub fn set_delivery(&self, receiver: ReceiverId, delivery: Delivery) {
        self.with_receiver(receiver, |mut receiver| receiver.set_delivery(delivery));
    }

    /// Asks the peer for a key frame: of all that this receiver gets, or of the simulcast stream of this rid. One
    /// request in 300 ms goes out; a wish within that is kept until then.
    pub fn request_key_frame(&self, receiver: ReceiverId, rid: Option<&str>) {
        self.seat().act(|state, now| {
            if let Some(mut receiver) = state.core.receiver(receiver) {
                receiver.request_key_frame(now, rid);
            }
        });
    }
}
