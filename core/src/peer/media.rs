//! Tracks and transceivers: the verbs of the connection, and what it tells of the tracks that come from the peer.

use crate::base::media::{MediaStreamTrack, ReceiverId, SenderId, TrackOrKind, TransceiverId};
use crate::base::negotiated::NegotiatedSection;
use crate::peer::PeerConnection;
use crate::peer::event::{Event, TrackEvent};
use crate::peer::offer_answer::NegotiationCheck;
use crate::peer::receiver::RtpReceiver;
use crate::peer::sender::RtpSender;
use crate::peer::transceiver::RtpTransceiver;
use crate::signaling::changes::TrackChange;
use crate::signaling::media_error::{AddTrackError, AddTransceiverError, TransceiverError};
use crate::signaling::transceiver::{RtpTransceiverInit, Transceiver};

impl PeerConnection {
    /// Makes a transceiver for a track or a kind of media (`addTransceiver`), and asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`AddTransceiverError`] says which part of `init` cannot be.
    pub fn add_transceiver(
        &mut self,
        track_or_kind: impl Into<TrackOrKind>,
        init: RtpTransceiverInit,
    ) -> Result<TransceiverId, AddTransceiverError> {
        let id = self.session.add_transceiver(track_or_kind.into(), init)?;
        self.update_negotiation_needed(NegotiationCheck::AfterVerb);
        Ok(id)
    }

    /// Sends a track, in these streams (`addTrack`): by a sender that is free, or by a new one. Asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`AddTrackError`]: closed, or the track is sent already.
    pub fn add_track(
        &mut self,
        track: MediaStreamTrack,
        streams: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<SenderId, AddTrackError> {
        let streams = streams.into_iter().map(Into::into).collect();
        let id = self.session.add_track(track, streams)?;
        self.update_negotiation_needed(NegotiationCheck::AfterVerb);
        Ok(id)
    }

    /// Sends nothing more by this sender (`removeTrack`), which stays for another track. Asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`TransceiverError`]: closed, or the sender of another connection.
    pub fn remove_track(&mut self, sender: SenderId) -> Result<(), TransceiverError> {
        self.session.remove_track(sender)?;
        self.update_negotiation_needed(NegotiationCheck::AfterVerb);
        Ok(())
    }

    /// Every transceiver, in order of creation (`getTransceivers`).
    pub fn transceivers(&self) -> impl Iterator<Item = TransceiverId> {
        self.session.transceivers().map(Transceiver::id)
    }

    /// Every sender whose transceiver has not ended (`getSenders`).
    pub fn senders(&self) -> impl Iterator<Item = SenderId> {
        self.session.senders().map(|transceiver| transceiver.id().sender())
    }

    /// Every receiver whose transceiver has not ended (`getReceivers`).
    pub fn receivers(&self) -> impl Iterator<Item = ReceiverId> {
        self.session.senders().map(|transceiver| transceiver.id().receiver())
    }

    /// A handle to the transceiver that `id` names.
    pub fn transceiver(&mut self, id: TransceiverId) -> Option<RtpTransceiver<'_>> {
        RtpTransceiver::find(self, id)
    }

    /// A handle to the sender that `id` names.
    pub fn sender(&mut self, id: SenderId) -> Option<RtpSender<'_>> {
        RtpSender::find(self, id)
    }

    /// A handle to the receiver that `id` names.
    pub fn receiver(&mut self, id: ReceiverId) -> Option<RtpReceiver<'_>> {
        RtpReceiver::find(self, id)
    }

    /// The sections of audio and video on which both sides agree: payload types, header extensions, simulcast, sources.
    #[must_use]
    pub fn negotiated_media(&self) -> &[NegotiatedSection] {
        self.session.media()
    }

    /// What became of the tracks that come from the peer, as events.
    pub(super) fn tell_tracks(&mut self, changes: Vec<TrackChange>) {
        for change in changes {
            let event = match change {
                TrackChange::Muted(id) => Event::TrackMute(id.receiver()),
                TrackChange::Ended(id) => Event::TrackEnded(id.receiver()),
                TrackChange::LeftStream(id, stream) => Event::StreamRemoveTrack(stream.into(), id.receiver()),
                TrackChange::JoinedStream(id, stream) => Event::StreamAddTrack(stream.into(), id.receiver()),
                TrackChange::StreamRemoved(stream) => Event::RemoveStream(stream.into()),
                TrackChange::StreamAdded(stream) => Event::AddStream(stream.into()),
                TrackChange::Track(id, streams) => {
                    let Some(transceiver) = self.session.transceiver(id) else { continue };
                    Event::Track(Box::new(TrackEvent {
                        transceiver: id,
                        receiver: id.receiver(),
                        track: transceiver.receiver_track().clone(),
                        streams,
                    }))
                }
            };
            self.events.push(event);
        }
    }
}
