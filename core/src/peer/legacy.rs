//! The obsolete half of `RTCPeerConnection`: streams instead of tracks, and names from its first years. Each verb is put in
//! terms of the one that took its place.
//!
//! A stream is an id here, and what is in it are tracks that say so.

use crate::base::media::{MediaKind, MediaStreamTrack, SenderId};
use crate::peer::PeerConnection;
use crate::peer::dtmf::DtmfSender;
use crate::peer::ice_server::IceServer;
use crate::signaling::media_error::AddTrackError;
use crate::signaling::transceiver::Transceiver;

impl PeerConnection {
    /// Sends every track of a stream (`addStream`), as [`add_track`](Self::add_track) for each. Tracks that are sent
    /// already stay as they are.
    ///
    /// # Errors
    ///
    /// [`AddTrackError`]: closed, or an id that descriptions cannot say; no track was added then.
    pub fn add_stream(
        &mut self,
        stream: &str,
        tracks: impl IntoIterator<Item = MediaStreamTrack>,
    ) -> Result<Vec<SenderId>, AddTrackError> {
        let sent = |pc: &Self, track: &MediaStreamTrack| {
            pc.session.senders().any(|sender| sender.sender_track() == Some(track))
        };
        let mut new: Vec<MediaStreamTrack> = Vec::new();
        for track in tracks {
            if !sent(self, &track) && !new.contains(&track) {
                new.push(track);
            }
        }
        // All or nothing.
        let ids = [stream].into_iter().chain(new.iter().map(|track| track.id.as_str()));
        self.session.may_add_tracks(ids)?;
        new.into_iter().map(|track| self.add_track(track, [stream])).collect()
    }

    /// Sends no track of a stream any more (`removeStream`). A stream that is not sent is no error.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub fn remove_stream(&mut self, stream: &str) -> Result<(), AddTrackError> {
        if self.is_closed() {
            return Err(AddTrackError::Closed);
        }
        let in_stream = self.session.senders().filter(|sender| {
            sender.sender_track().is_some() && sender.sender_streams().iter().any(|id| id == stream)
        });
        let senders: Vec<SenderId> = in_stream.map(|sender| sender.id().sender()).collect();
        for sender in senders {
            // It is this connection's, and that is open.
            let _ = self.remove_track(sender);
        }
        Ok(())
    }

    /// The ids of the streams that are sent, each once (`getLocalStreams`).
    #[must_use]
    pub fn local_streams(&self) -> Vec<&str> {
        let sent = self.session.senders().filter(|sender| sender.sender_track().is_some());
        without_repeats(sent.flat_map(Transceiver::sender_streams))
    }

    /// The ids of the streams that the peer sends, each once (`getRemoteStreams`).
    #[must_use]
    pub fn remote_streams(&self) -> Vec<&str> {
        without_repeats(self.session.senders().flat_map(Transceiver::receiver_streams))
    }

    /// The tracks of a stream that is sent or, if none is, of one that comes (`getStreamById`). `None`: there is no such
    /// stream.
    #[must_use]
    pub fn stream_by_id(&self, stream: &str) -> Option<Vec<&MediaStreamTrack>> {
        let is_in = |streams: &[String]| streams.iter().any(|id| id == stream);
        let sent = self.session.senders().filter(|found| is_in(found.sender_streams()));
        let sent: Vec<_> = sent.filter_map(|found| found.sender_track()).collect();
        if !sent.is_empty() {
            return Some(sent);
        }
        let received = self.session.senders().filter(|found| is_in(found.receiver_streams()));
        let received: Vec<_> = received.map(Transceiver::receiver_track).collect();
        (!received.is_empty()).then_some(received)
    }

    /// What plays tones in a track that is sent (`createDTMFSender`). `None`: it is not sent, or it is no audio.
    pub fn create_dtmf_sender(&mut self, track: &str) -> Option<DtmfSender<'_>> {
        let found = self.session.senders().find(|sender| {
            sender.kind() == MediaKind::Audio && sender.sender_track().is_some_and(|known| known.id == track)
        });
        let sender = found?.id().sender();
        DtmfSender::find(self, sender)
    }

    /// The servers that this implementation comes with (`defaultIceServers`): none.
    #[must_use]
    pub const fn default_ice_servers() -> &'static [IceServer] {
        &[]
    }
}

fn without_repeats<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut unique: Vec<&str> = Vec::new();
    for id in ids {
        if !unique.contains(&id.as_str()) {
            unique.push(id);
        }
    }
    unique
}
