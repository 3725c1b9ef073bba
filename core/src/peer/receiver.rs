//! A borrowed handle to one receiver: its attributes and verbs, under their W3C names.

use crate::base::media::{MediaStreamTrack, ReceiverId, TransceiverId};
use crate::base::parameters::RtpReceiveParameters;
use crate::base::time::Instant;
use crate::base::w3c::ErrorKind;
use crate::media::contributing::RtpContributingSource;
use crate::media::event::Delivery;
use crate::media::receive::playout::MAX_TARGET;
use crate::peer::PeerConnection;
use crate::peer::link::TransportId;
use crate::signaling::transceiver::Transceiver;
use std::time::Duration;
use thiserror::Error;

/// Why a target was not taken: it is longer than four seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("frames wait four seconds at most; set a shorter target")]
#[non_exhaustive]
pub struct JitterBufferTargetError;

impl JitterBufferTargetError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        ErrorKind::Range
    }
}

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

    /// The obsolete `rtcpTransport`: what carries its RTCP, where that has a port of its own; `None` while it shares that of
    /// RTP.
    #[must_use]
    pub fn rtcp_transport(&self) -> Option<TransportId> {
        self.pc.rtcp_transport_of(self.transceiver())
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

    /// `jitterBufferTarget`: how long frames wait at least, so that they come evenly; see
    /// [`set_jitter_buffer_target`](Self::set_jitter_buffer_target).
    #[must_use]
    pub fn jitter_buffer_target(&self) -> Option<Duration> {
        self.pc.planes.jitter_buffer_target(self.id)
    }

    /// How long [frames](Delivery::Frames) wait at least before they are handed on (`jitterBufferTarget`). Default
    /// `None`: not at all, each comes as soon as it is whole, which is what recording and forwarding want.
    ///
    /// With a target, zero included, they come evenly, to be played: behind the fastest one by as much as their jitter
    /// demands, up to a second, and by the target at least. What they cost is that delay and up to 16 MiB of memory.
    ///
    /// # Errors
    ///
    /// [`JitterBufferTargetError`]: more than four seconds.
    pub fn set_jitter_buffer_target(
        &mut self,
        target: Option<Duration>,
    ) -> Result<(), JitterBufferTargetError> {
        // W3C WebRTC Extensions, `jitterBufferTarget`.
        if target.is_some_and(|target| target > MAX_TARGET) {
            return Err(JitterBufferTargetError);
        }
        self.pc.planes.set_jitter_buffer_target(self.id, target);
        Ok(())
    }

    /// The sources of what came in the last ten seconds, the latest first (`getSynchronizationSources`), with their audio
    /// level where packets say it.
    #[must_use]
    pub fn get_synchronization_sources(&self, now: Instant) -> Vec<RtpContributingSource> {
        let now = now.max(self.pc.now);
        self.pc.planes.media().flat_map(|media| media.synchronization_sources(now, self.id)).collect()
    }

    /// The sources that a mixer named in what came in the last ten seconds (`getContributingSources`), likewise.
    #[must_use]
    pub fn get_contributing_sources(&self, now: Instant) -> Vec<RtpContributingSource> {
        let now = now.max(self.pc.now);
        self.pc.planes.media().flat_map(|media| media.contributing_sources(now, self.id)).collect()
    }

    /// Asks the peer for a key frame: of all its streams, or of the simulcast stream of this rid. One request in 300 ms
    /// goes out; a wish within that is kept until then.
    pub fn request_key_frame(&mut self, now: Instant, rid: Option<&str>) {
        self.pc.ask_for_key_frame(now, self.id, rid);
    }
}
