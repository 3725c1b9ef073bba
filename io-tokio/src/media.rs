//! Audio and video: the verbs of the connection that have to do with tracks.
//!
//! What comes is told by [`PeerConnection::next_event`]. Senders and receivers are named by ids, which cost nothing to
//! keep or to copy.

use crate::connection::PeerConnection;
use purertc::{
    AddTrackError, AddTransceiverError, Delivery, MediaStreamTrack, ReceiverId, RtpReceiver, RtpSender,
    RtpTransceiver, RtpTransceiverInit, SendFrame, SendPacket, SenderId, TrackOrKind, TransceiverError,
    TransceiverId, WriteError,
};

impl PeerConnection {
    /// Sends a track, in these streams (`addTrack`): by a sender that is free, or by a new one. Asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`AddTrackError`]: closed, or the track is sent already.
    pub fn add_track(
        &self,
        track: MediaStreamTrack,
        streams: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<SenderId, AddTrackError> {
        self.shared().act(|state, _| state.core.add_track(track, streams))
    }

    /// Sends nothing more by this sender (`removeTrack`), which stays for another track. Asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`TransceiverError`]: closed, or the sender of another connection.
    pub fn remove_track(&self, sender: SenderId) -> Result<(), TransceiverError> {
        self.shared().act(|state, _| state.core.remove_track(sender))
    }

    /// Makes a transceiver for a track or a kind of media (`addTransceiver`), and asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`AddTransceiverError`] says which part of `init` cannot be.
    pub fn add_transceiver(
        &self,
        track_or_kind: impl Into<TrackOrKind>,
        init: RtpTransceiverInit,
    ) -> Result<TransceiverId, AddTransceiverError> {
        self.shared().act(|state, _| state.core.add_transceiver(track_or_kind, init))
    }

    /// Does something with a transceiver: its direction, its codecs, its end. `None`: there is none of this id.
    ///
    /// The connection stands still meanwhile, so be brief; and do not use a handle of this connection inside, for that
    /// would wait for itself. So with the two below.
    pub fn with_transceiver<R>(
        &self,
        id: TransceiverId,
        act: impl FnOnce(RtpTransceiver<'_>) -> R,
    ) -> Option<R> {
        self.shared().act(|state, _| state.core.transceiver(id).map(act))
    }

    /// Does something with a sender: its parameters, its track, its streams. `None`: there is none of this id.
    pub fn with_sender<R>(&self, id: SenderId, act: impl FnOnce(RtpSender<'_>) -> R) -> Option<R> {
        self.shared().act(|state, _| state.core.sender(id).map(act))
    }

    /// Looks at a receiver: its track, its streams, its parameters. `None`: there is none of this id.
    pub fn with_receiver<R>(&self, id: ReceiverId, act: impl FnOnce(RtpReceiver<'_>) -> R) -> Option<R> {
        self.shared().act(|state, _| state.core.receiver(id).map(act))
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
        self.shared().act(|state, now| {
            if let Some(mut receiver) = state.core.receiver(receiver) {
                receiver.request_key_frame(now, rid);
            }
        });
    }
}
