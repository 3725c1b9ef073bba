//! What a description does to transceivers (webrtc-pc §4.4.1.5, RFC 9429 §5.9–§5.11): each section of audio or video
//! belongs to one; directions and streams follow; the rejected ones end.

use crate::base::media::{MediaKind, RtpTransceiverDirection, TransceiverId};
use crate::base::parameters::RtpEncodingParameters;
use crate::signaling::changes::{Changes, TrackChange};
use crate::signaling::content::{Content, SectionContent};
use crate::signaling::rtp::{RtpContent, SimulcastStream};
use crate::signaling::session::Session;
use crate::signaling::state::{SdpType, Side, SignalingState};
use crate::signaling::transceiver::{
    Life, MAX_ENCODINGS, Origin, Place, RtpTransceiverInit, Stable, Transceiver, draw_sources,
};
use crate::signaling::verbs::scale;

impl Session {
    /// Before the first offer of an exchange: what a rollback goes back to.
    pub(in crate::signaling) fn remember_stable(&mut self) {
        for transceiver in self.transceivers.iter_mut() {
            let ridless = match transceiver.sender.encodings.as_slice() {
                [only] if only.rid.is_none() => Some(only.clone()),
                _ => None,
            };
            transceiver.stable = Some(Box::new(Stable {
                place: transceiver.place.clone(),
                streams: transceiver.receiver.streams.clone(),
                fired_direction: transceiver.fired_direction,
                ridless,
            }));
        }
    }

    /// Our offer is being set: the sections belong to the transceivers that they were made for.
    pub(in crate::signaling) fn place_offered(
        &mut self,
        content: &Content,
        makers: &[Option<TransceiverId>],
    ) {
        self.release_places(content);
        for (at, (section, maker)) in content.sections.iter().zip(makers).enumerate() {
            if section.rtp.is_some()
                && let Some(transceiver) = maker.and_then(|id| self.transceivers.get_mut(id))
            {
                transceiver.place = Some(Place { section: at, mid: section.mid.clone() });
            }
        }
    }

    /// Lets any other description that is being set have its way with the transceivers.
    pub(in crate::signaling) fn associate(
        &mut self,
        side: Side,
        kind: SdpType,
        content: &Content,
        changes: &mut Changes,
    ) {
        if kind == SdpType::Offer {
            self.release_places(content);
        }
        for (at, section) in content.sections.iter().enumerate() {
            let Some(rtp) = section.rtp.as_deref() else { continue };
            match (side, kind) {
                (Side::Local, _) => self.apply_local_answer(at, section, rtp, changes),
                (Side::Remote, SdpType::Offer) => self.apply_remote_offer(at, section, rtp, changes),
                (Side::Remote, _) => self.apply_remote_answer(at, section, rtp, changes),
            }
            // webrtc-pc §4.4.1.5: what the peer rejects, and what we do for good, ends.
            if !section.is_live() && (side == Side::Remote || kind == SdpType::Answer) {
                self.end_at(at, changes);
            }
        }
        if kind == SdpType::Answer {
            // What the peer never heard of has nobody to agree with.
            self.transceivers.retain(|t| !t.is_stopped() && (t.life == Life::Live || t.place.is_some()));
            self.transceivers.iter_mut().for_each(|transceiver| transceiver.stable = None);
        }
    }

    /// An offer that has another section where a transceiver was: RFC 9429 §5.10, a place that is taken again.
    fn release_places(&mut self, content: &Content) {
        for transceiver in self.transceivers.iter_mut() {
            let Some(place) = &transceiver.place else { continue };
            let same = content.sections.get(place.section).is_some_and(|section| {
                let same_mid = section.mid.is_none() || place.mid.is_none() || section.mid == place.mid;
                same_mid && section.media == transceiver.kind.as_str()
            });
            if !same {
                transceiver.place = None;
            }
        }
        self.transceivers.retain(|t| t.place.is_some() || t.origin != Origin::Remote || t.stable.is_some());
    }

    fn apply_local_answer(
        &mut self,
        at: usize,
        section: &SectionContent,
        rtp: &RtpContent,
        changes: &mut Changes,
    ) {
        let Some(transceiver) = self.transceivers.at_mut(at) else { return };
        let direction = if section.is_live() { rtp.direction } else { RtpTransceiverDirection::Inactive };
        if !direction.receives() {
            let streams = Vec::new();
            process_track(transceiver, direction, streams, changes);
        }
        let rids: Vec<&str> = rtp.simulcast.send.iter().map(|stream| stream.rid.as_str()).collect();
        prune(transceiver, direction, &rids);
        negotiate_direction(transceiver, direction);
    }

    fn apply_remote_offer(
        &mut self,
        at: usize,
        section: &SectionContent,
        rtp: &RtpContent,
        changes: &mut Changes,
    ) {
        let direction = rtp.direction.reversed();
        let id = match self.transceivers.at(at) {
            Some(found) => found.id,
            None if !section.is_live() => return,
            None => self.take_up(rtp.kind, direction),
        };
        let streams = self.streams_of(rtp, direction);
        let Some(transceiver) = self.transceivers.get_mut(id) else { return };
        transceiver.place = Some(Place { section: at, mid: section.mid.clone() });
        if let [only] = transceiver.sender.encodings.as_slice()
            && only.rid.is_none()
            && rtp.kind == MediaKind::Video
        {
            let proposed = proposed_encodings(&rtp.simulcast.receive);
            if !proposed.is_empty() {
                transceiver.sender.encodings = proposed;
                transceiver.sender.last_returned = None;
                draw_sources(&mut transceiver.sender, &mut self.rng);
            }
        }
        let live = if section.is_live() { direction } else { RtpTransceiverDirection::Inactive };
        if transceiver.life == Life::Live {
            process_track(transceiver, live, streams, changes);
        }
    }

    /// RFC 9429 §5.10: what `addTrack` made for this kind and nobody described yet, or a new one that receives.
    fn take_up(&mut self, kind: MediaKind, direction: RtpTransceiverDirection) -> TransceiverId {
        let free = |t: &&Transceiver| {
            t.origin == Origin::AddTrack && t.kind == kind && t.place.is_none() && t.life == Life::Live
        };
        // What the peer wants to receive: the direction is turned round already.
        let found = self.transceivers.iter().find(free).filter(|_| direction.sends()).map(|t| t.id);
        found.unwrap_or_else(|| {
            let init = RtpTransceiverInit::direction(RtpTransceiverDirection::RecvOnly);
            self.transceivers.add(kind.into(), init, Origin::Remote, &mut self.rng).id
        })
    }

    /// The streams that the peer says a track is in. Peers that say nothing have one for all (RFC 9429 §5.10).
    fn streams_of(&self, rtp: &RtpContent, direction: RtpTransceiverDirection) -> Vec<String> {
        if !direction.receives() {
            return Vec::new();
        }
        rtp.streams.clone().unwrap_or_else(|| vec![self.default_stream.clone()])
    }

    fn apply_remote_answer(
        &mut self,
        at: usize,
        section: &SectionContent,
        rtp: &RtpContent,
        changes: &mut Changes,
    ) {
        let offered = self.slots.local.pending_offer().and_then(|offer| offer.sections.get(at)?.rtp.as_ref());
        let offered = offered.map_or(RtpTransceiverDirection::Inactive, |offered| offered.direction);
        // RFC 3264 §6.1: an answer takes no more than was offered.
        let direction = match section.is_live() {
            true => rtp.direction.reversed().intersect(offered),
            false => RtpTransceiverDirection::Inactive,
        };
        let streams = self.streams_of(rtp, direction);
        let Some(transceiver) = self.transceivers.at_mut(at) else { return };
        let ended = transceiver.life != Life::Live;
        if !ended {
            process_track(transceiver, direction, streams, changes);
        }
        let rids: Vec<&str> = rtp.simulcast.receive.iter().map(|stream| stream.rid.as_str()).collect();
        prune(transceiver, direction, &rids);
        negotiate_direction(transceiver, direction);
    }

    pub(in crate::signaling) fn end_at(&mut self, at: usize, changes: &mut Changes) {
        if let Some(transceiver) = self.transceivers.at_mut(at) {
            if transceiver.life == Life::Live {
                changes.tracks.push(TrackChange::Ended(transceiver.id));
            }
            transceiver.end();
        }
    }

    /// A rollback out of `state`: what the exchange had brought about is gone.
    pub(in crate::signaling) fn dissociate(&mut self, state: SignalingState, changes: &mut Changes) {
        for transceiver in self.transceivers.iter_mut() {
            let stable = transceiver.stable.take();
            transceiver.place = stable.as_ref().and_then(|stable| stable.place.clone());
            if state == SignalingState::HaveRemoteOffer && transceiver.life == Life::Live {
                let direction = transceiver.current_direction.unwrap_or(RtpTransceiverDirection::Inactive);
                let streams = stable.as_ref().map_or_else(Vec::new, |stable| stable.streams.clone());
                let streams = if direction.receives() { streams } else { Vec::new() };
                process_track(transceiver, direction, streams, changes);
            }
            let Some(stable) = stable else {
                if transceiver.origin == Origin::Remote {
                    transceiver.end();
                }
                continue;
            };
            transceiver.fired_direction = stable.fired_direction;
            let named = transceiver.sender.encodings.iter().any(|encoding| encoding.rid.is_some());
            if let Some(only) = stable.ridless.filter(|_| named) {
                transceiver.sender.encodings = vec![only];
                transceiver.sender.last_returned = None;
            }
        }
        self.transceivers.retain(|transceiver| !transceiver.is_stopped());
    }

    /// The streams that tracks of the peer are in, each once.
    pub(in crate::signaling) fn remote_streams(&self) -> Vec<String> {
        let mut streams: Vec<String> = Vec::new();
        for stream in self.transceivers.iter().flat_map(|transceiver| &transceiver.receiver.streams) {
            if !streams.contains(stream) {
                streams.push(stream.clone());
            }
        }
        streams
    }

    /// Puts what became of whole streams where it belongs among the changes, and the changes in the order of
    /// webrtc-pc §4.4.1.5: mute, removals, additions, tracks.
    pub(in crate::signaling) fn note_streams(&self, before: &[String], changes: &mut Changes) {
        let after = self.remote_streams();
        let gone = before.iter().filter(|stream| !after.contains(stream));
        changes.tracks.extend(gone.cloned().map(TrackChange::StreamRemoved));
        let new = after.iter().filter(|stream| !before.contains(stream));
        changes.tracks.extend(new.cloned().map(TrackChange::StreamAdded));
        // A new stream has its tracks from the start.
        changes.tracks.retain(|change| match change {
            TrackChange::JoinedStream(_, stream) => before.contains(stream),
            _ => true,
        });
        changes.tracks.sort_by_key(|change| match change {
            TrackChange::Muted(_) => 0,
            TrackChange::LeftStream(..) => 1,
            TrackChange::StreamRemoved(_) => 2,
            TrackChange::JoinedStream(..) => 3,
            TrackChange::StreamAdded(_) => 4,
            TrackChange::Track(..) => 5,
            TrackChange::Ended(_) => 6,
        });
    }
}

/// webrtc-pc §4.4.1.5, "process remote tracks": what `direction` and `streams` mean for the track that comes in.
fn process_track(
    transceiver: &mut Transceiver,
    direction: RtpTransceiverDirection,
    streams: Vec<String>,
    changes: &mut Changes,
) {
    let id = transceiver.id;
    let known = std::mem::take(&mut transceiver.receiver.streams);
    let left = known.iter().filter(|stream| !streams.contains(stream)).cloned();
    changes.tracks.extend(left.map(|stream| TrackChange::LeftStream(id, stream)));
    let joined = streams.iter().filter(|stream| !known.contains(stream)).cloned();
    let joined: Vec<_> = joined.map(|stream| TrackChange::JoinedStream(id, stream)).collect();
    let fired = transceiver.fired_direction.is_some_and(RtpTransceiverDirection::receives);
    if direction.receives() && (!fired || !joined.is_empty()) {
        changes.tracks.push(TrackChange::Track(id, streams.clone()));
    }
    if !direction.receives() && fired {
        changes.tracks.push(TrackChange::Muted(id));
    }
    changes.tracks.extend(joined);
    transceiver.receiver.streams = streams;
    transceiver.fired_direction = Some(direction);
}

fn negotiate_direction(transceiver: &mut Transceiver, direction: RtpTransceiverDirection) {
    transceiver.current_direction = Some(direction);
    transceiver.sender.has_sent |= direction.sends();
    transceiver.sender.last_returned = None;
}

/// webrtc-pc §4.4.1.5: of the encodings of simulcast, those that the answer names; without any, the first.
fn prune(transceiver: &mut Transceiver, direction: RtpTransceiverDirection, rids: &[&str]) {
    let sender = &mut transceiver.sender;
    if sender.encodings.len() < 2 || !direction.sends() {
        return;
    }
    let named =
        |encoding: &RtpEncodingParameters| encoding.rid.as_deref().is_some_and(|rid| rids.contains(&rid));
    if sender.encodings.iter().any(named) {
        let keep: Vec<bool> = sender.encodings.iter().map(named).collect();
        let mut kept = keep.iter();
        sender.encodings.retain(|_| kept.next().copied().unwrap_or(false));
        let mut kept = keep.iter();
        sender.sources.retain(|_| kept.next().copied().unwrap_or(false));
    } else {
        sender.encodings.truncate(1);
        sender.sources.truncate(1);
    }
}

/// webrtc-pc §4.4.1.5: the encodings for which a peer asks that wants simulcast.
fn proposed_encodings(receive: &[SimulcastStream]) -> Vec<RtpEncodingParameters> {
    let named = receive.iter().take(MAX_ENCODINGS);
    let mut proposed: Vec<_> =
        named.map(|stream| RtpEncodingParameters::with_rid(stream.rid.as_str())).collect();
    scale(MediaKind::Video, &mut proposed);
    proposed
}
