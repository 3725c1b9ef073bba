//! The rest of the connection's face: tracks and transceivers, the configuration, statistics.
//!
//! Ids name senders, receivers and transceivers, as in the core; what they have beyond the verbs here is reached with
//! [`PeerConnection::update`] and [`PeerConnection::inspect`].

use crate::connection::PeerConnection;
use purertc::{
    AddTrackError, AddTransceiverError, Configuration, ConfigurationError, Instant, MediaStreamTrack,
    ReceiverId, RtpSendParameters, RtpTransceiverInit, SenderId, SessionDescription, SetParametersError,
    StatsError, StatsReport, StatsSelector, TrackOrKind, TransceiverError, TransceiverId,
};

impl PeerConnection {
    /// Does something with the core that has no verb here: directions, codec preferences, tones, streams. The driver
    /// sends what comes of it.
    ///
    /// The connection stands still meanwhile, so be brief; do not use a handle of this connection inside, for that would
    /// wait for itself, and do not poll the core, which is the driver's business.
    pub fn update<R>(&self, change: impl FnOnce(&mut purertc::PeerConnection, Instant) -> R) -> R {
        self.seat().act(|state, now| change(&mut state.core, now))
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
        self.update(|core, _| core.add_transceiver(track_or_kind, init))
    }

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
        self.update(|core, _| core.add_track(track, streams))
    }

    /// Sends nothing more by this sender (`removeTrack`), which stays for another track. Asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`TransceiverError`]: closed, or the sender of another connection.
    pub fn remove_track(&self, sender: SenderId) -> Result<(), TransceiverError> {
        self.update(|core, _| core.remove_track(sender))
    }

    /// Sends another track, or none for now (`replaceTrack`). Nothing has to be negotiated.
    ///
    /// # Errors
    ///
    /// [`TransceiverError`]: another kind, closed, or stopped.
    pub async fn replace_track(
        &self,
        sender: SenderId,
        track: Option<MediaStreamTrack>,
    ) -> Result<(), TransceiverError> {
        let _turn = self.turn().await;
        self.update(|core, _| core.sender(sender).ok_or(TransceiverError::Stopped)?.replace_track(track))
    }

    /// How a sender is set up (`getParameters`); `None` for one that is gone.
    #[must_use]
    pub fn get_parameters(&self, sender: SenderId) -> Option<RtpSendParameters> {
        self.update(|core, _| Some(core.sender(sender)?.get_parameters()))
    }

    /// Sets a sender up (`setParameters`).
    ///
    /// # Errors
    ///
    /// [`SetParametersError`]; nothing has changed then.
    pub async fn set_parameters(
        &self,
        sender: SenderId,
        parameters: RtpSendParameters,
    ) -> Result<(), SetParametersError> {
        self.update(|core, _| {
            core.sender(sender).ok_or(SetParametersError::Stopped)?.set_parameters(parameters)
        })
    }

    /// Every transceiver, in order of creation (`getTransceivers`).
    #[must_use]
    pub fn transceivers(&self) -> Vec<TransceiverId> {
        self.inspect(|core| core.transceivers().collect())
    }

    /// Every sender whose transceiver has not ended (`getSenders`).
    #[must_use]
    pub fn senders(&self) -> Vec<SenderId> {
        self.inspect(|core| core.senders().collect())
    }

    /// Every receiver whose transceiver has not ended (`getReceivers`).
    #[must_use]
    pub fn receivers(&self) -> Vec<ReceiverId> {
        self.inspect(|core| core.receivers().collect())
    }

    /// What is known of the connection at this moment (`getStats`).
    ///
    /// # Errors
    ///
    /// [`StatsError`]: the selector does not name one sender or receiver.
    pub async fn get_stats(&self, selector: StatsSelector<'_>) -> Result<StatsReport, StatsError> {
        self.seat().with(|state, now| state.core.get_stats(now, selector))
    }

    /// What the connection was made with, or was set to since (`getConfiguration`).
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        self.inspect(|core| core.configuration().clone())
    }

    /// Sets another configuration (`setConfiguration`): servers and the transport policy may differ.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`]; the connection is as it was then.
    pub fn set_configuration(&self, configuration: Configuration) -> Result<(), ConfigurationError> {
        self.update(|core, _| core.set_configuration(configuration))
    }

    /// Whether the peer takes trickled candidates (`canTrickleIceCandidates`); `None` before its first description.
    #[must_use]
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.inspect(purertc::PeerConnection::can_trickle_ice_candidates)
    }

    /// The local description that was negotiated last (`currentLocalDescription`).
    #[must_use]
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.inspect(|core| core.current_local_description().cloned())
    }

    /// The local description that is being negotiated (`pendingLocalDescription`).
    #[must_use]
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        self.inspect(|core| core.pending_local_description().cloned())
    }

    /// The remote description that was negotiated last (`currentRemoteDescription`).
    #[must_use]
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.inspect(|core| core.current_remote_description().cloned())
    }

    /// The remote description that is being negotiated (`pendingRemoteDescription`).
    #[must_use]
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        self.inspect(|core| core.pending_remote_description().cloned())
    }
}
