//! A room: one who publishes, and those who watch.

use purertc::{
    Delivery, MediaKind, MediaStreamTrack, NegotiatedCodec, NegotiatedSection, ReceiverId, RtpPacket,
    RtpTransceiverDirection, SendPacket, SenderId,
};
use purertc_tokio::{Event, PeerConnection, PeerConnectionState};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who is there.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<Members>);

#[derive(Debug, Default)]
struct Members {
    publisher: Option<Publisher>,
    viewers: HashMap<u64, Viewer>,
}

#[derive(Debug)]
struct Publisher {
    number: u64,
    pc: PeerConnection,
    tracks: Vec<Track>,
}

/// What the publisher sends.
#[derive(Debug)]
struct Track {
    kind: MediaKind,
    receiver: ReceiverId,
    codecs: Vec<NegotiatedCodec>,
}

#[derive(Debug)]
struct Viewer {
    pc: PeerConnection,
    lanes: Vec<Lane>,
}

/// Where the track of a kind goes.
#[derive(Debug)]
struct Lane {
    kind: MediaKind,
    sender: SenderId,
    codecs: Vec<NegotiatedCodec>,
    /// The viewer's payload type for each of the publisher's.
    types: Vec<(u8, u8)>,
}

impl Lane {
    fn translate(&mut self, tracks: &[Track]) {
        let theirs = tracks.iter().filter(|track| track.kind == self.kind).flat_map(|track| &track.codecs);
        let pairs = theirs.filter_map(|theirs| {
            let is_same = |ours: &&NegotiatedCodec| {
                let (ours, theirs) = (&ours.codec, &theirs.codec);
                ours.mime_type.eq_ignore_ascii_case(&theirs.mime_type)
                    && ours.clock_rate == theirs.clock_rate
                    && ours.sdp_fmtp_line == theirs.sdp_fmtp_line
            };
            let ours = self.codecs.iter().find(is_same)?;
            Some((theirs.payload_type, ours.payload_type))
        });
        self.types = pairs.collect();
    }
}

fn sections(pc: &PeerConnection) -> Vec<NegotiatedSection> {
    pc.inspect(|core| core.negotiated_media().to_vec())
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_publisher(&self) -> bool {
        self.lock().publisher.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let members = self.lock();
        members.publisher.is_none() && members.viewers.is_empty()
    }

    /// Takes a publisher whose connection is negotiated; `false` when there is one already.
    pub(crate) fn publish(&self, number: u64, pc: &PeerConnection) -> bool {
        let mut members = self.lock();
        if members.publisher.is_some() {
            return false;
        }
        let receives = sections(pc).into_iter().filter(|section| section.direction.receives());
        let tracks: Vec<Track> = receives
            .map(|section| {
                let receiver = section.transceiver.receiver();
                pc.set_delivery(receiver, Delivery::Packets);
                Track { kind: section.kind, receiver, codecs: section.receive }
            })
            .collect();
        members.publisher = Some(Publisher { number, pc: pc.clone(), tracks });
        true
    }

    /// Readies a connection that a viewer has offered: a track of each kind that is published.
    pub(crate) fn prepare(&self, pc: &PeerConnection) {
        let members = self.lock();
        let published = members.publisher.iter().flat_map(|publisher| &publisher.tracks);
        let kinds: Vec<MediaKind> = published.map(|track| track.kind).collect();
        for id in pc.transceivers() {
            let kind = pc.with_transceiver(id, |mut transceiver| {
                let sends = kinds.contains(&transceiver.kind());
                use RtpTransceiverDirection::{Inactive, SendOnly};
                // It refuses only where it was stopped.
                let _ = transceiver.set_direction(if sends { SendOnly } else { Inactive });
                sends.then(|| transceiver.kind())
            });
            if let Some(kind) = kind.flatten() {
                pc.with_sender(id.sender(), |mut sender| {
                    let _ = sender.replace_track(Some(MediaStreamTrack::new(kind, kind.as_str())));
                    let _ = sender.set_streams(["live"]);
                });
            }
        }
    }

    /// Takes a viewer whose connection is negotiated.
    pub(crate) fn watch(&self, number: u64, pc: &PeerConnection) {
        let mut members = self.lock();
        let sends = sections(pc).into_iter().filter(|section| section.direction.sends());
        let lanes = sends.map(|section| {
            let sender = section.transceiver.sender();
            let mut lane = Lane { kind: section.kind, sender, codecs: section.send, types: Vec::new() };
            lane.translate(
                members.publisher.as_ref().map(|publisher| &*publisher.tracks).unwrap_or_default(),
            );
            lane
        });
        let viewer = Viewer { pc: pc.clone(), lanes: lanes.collect() };
        members.viewers.insert(number, viewer);
    }

    /// Lives through one connection, until it fails or is closed.
    pub(crate) async fn live(&self, number: u64, pc: &PeerConnection) {
        while let Some(event) = pc.next_event().await {
            match event {
                Event::Rtp(packet) => self.forward(number, &packet),
                // A viewer that just came, or that lost something, needs a picture that needs none before it.
                Event::KeyFrameRequest { .. }
                | Event::ConnectionStateChange(PeerConnectionState::Connected) => self.ask_for_key_frames(),
                Event::ConnectionStateChange(PeerConnectionState::Failed) => return,
                Event::DtlsTransportStateChange(_, purertc::DtlsTransportState::Closed) => return,
                _ => {}
            }
        }
    }

    /// Forgets a connection; without a publisher nobody has anything to watch.
    pub(crate) async fn leave(&self, number: u64) {
        let left: Vec<PeerConnection> = {
            let mut members = self.lock();
            let publishes = members.publisher.as_ref().is_some_and(|publisher| publisher.number == number);
            members.viewers.remove(&number);
            if publishes {
                members.publisher = None;
                members.viewers.drain().map(|(_, viewer)| viewer.pc).collect()
            } else {
                Vec::new()
            }
        };
        for pc in left {
            pc.close().await;
        }
    }

    /// Hands a packet on to everybody.
    fn forward(&self, from: u64, packet: &RtpPacket) {
        let header = packet.parse().header;
        let members = self.lock();
        let tracks = members.publisher.iter().flat_map(|publisher| &publisher.tracks);
        let Some(track) = tracks.into_iter().find(|track| track.receiver == packet.receiver) else { return };
        for viewer in members.viewers.values() {
            let Some(lane) = viewer.lanes.iter().find(|lane| lane.kind == track.kind) else { continue };
            let known = lane.types.iter().find(|(theirs, _)| *theirs == header.payload_type);
            // A codec that this viewer does not know.
            let Some(&(_, payload_type)) = known else { continue };
            let onward =
                SendPacket { source: from, payload_type: Some(payload_type), ..SendPacket::from(packet) };
            // One that is not connected yet, or does not keep up, misses it.
            let _ = viewer.pc.write_rtp(lane.sender, &onward);
        }
    }

    fn ask_for_key_frames(&self) {
        if let Some(Publisher { pc, tracks, .. }) = &self.lock().publisher {
            for track in tracks.iter().filter(|track| track.kind == MediaKind::Video) {
                pc.request_key_frame(track.receiver, None);
            }
        }
    }
}
