//! One room: what each browser sends goes to all others, unopened, into places that their pages have offered. Of three sizes
//! each gets the one that it has asked for, from a key frame on.

use crate::web::Guests;
use purertc::media::codec::Format;
use purertc::{Delivery, MediaCapabilities, MediaKind, RtpPacket, SendPacket, SenderId};
use purertc_tokio::{Configuration, Event, PeerConnection};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is in it, by number.
#[derive(Default)]
pub(crate) struct Room(Mutex<HashMap<u64, Member>>);

struct Member {
    pc: PeerConnection,
    /// Places for others, and whose each is.
    places: Vec<Place>,
    /// The layer that it wants: 0 is the largest.
    layer: u8,
}

struct Place {
    kind: MediaKind,
    sender: SenderId,
    /// Who is in it, and in which layer.
    of: Option<(u64, u8)>,
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, number: u64, pc: &PeerConnection) {
        let places = pc.inspect(|core| {
            let sections = core.negotiated_media().iter().filter(|section| section.direction.sends());
            let place = |kind, sender| Place { kind, sender, of: None };
            sections.map(|section| place(section.kind, section.transceiver.sender())).collect()
        });
        self.lock().insert(number, Member { pc: pc.clone(), places, layer: 0 });
    }

    fn leave(&self, number: u64) {
        let mut members = self.lock();
        members.remove(&number);
        for place in members.values_mut().flat_map(|member| &mut member.places) {
            place.of = place.of.filter(|(of, _)| *of != number);
        }
    }

    /// Hands a packet on to all others.
    fn forward(&self, from: u64, kind: MediaKind, packet: &RtpPacket) {
        let mut members = self.lock();
        let mut wants_key = false;
        for (_, member) in members.iter_mut().filter(|(number, _)| **number != from) {
            let wanted = if kind == MediaKind::Video { member.layer } else { 0 };
            let find = |wanted: &dyn Fn(&Place) -> bool| {
                member.places.iter().position(|place| place.kind == kind && wanted(place))
            };
            let known = find(&|place| place.of.is_some_and(|(of, _)| of == from));
            let Some(at) = known.or_else(|| find(&|place| place.of.is_none())) else { continue };
            let place = &mut member.places[at];
            // A change of layers, and the begin with whichever comes first, wait for a picture that needs none before it.
            let is_wanted = packet.encoding == wanted || place.of.is_none();
            if place.of != Some((from, packet.encoding)) && is_wanted {
                let part = Format::Vp8.inspect(&packet.payload()).unwrap_or_default();
                let can_begin = kind == MediaKind::Audio || part.begins && part.key;
                wants_key |= !can_begin;
                if can_begin {
                    place.of = Some((from, packet.encoding));
                }
            }
            if place.of != Some((from, packet.encoding)) {
                continue;
            }
            let onward =
                SendPacket { source: from << 8 | u64::from(packet.encoding), ..SendPacket::from(packet) };
            // One that is not connected yet, or does not keep up, misses it.
            let _ = member.pc.write_rtp(place.sender, &onward);
        }
        if wants_key && let Some(member) = members.get(&from) {
            member.pc.request_key_frame(packet.receiver, None);
        }
    }

    /// A page cannot go on: whoever is in that place has to make a key frame.
    fn ask(&self, number: u64, sender: SenderId) {
        let members = self.lock();
        let places = members.get(&number).map(|member| member.places.as_slice()).unwrap_or_default();
        let of = places.iter().find(|place| place.sender == sender).and_then(|place| place.of);
        if let Some(member) = of.and_then(|(of, _)| members.get(&of)) {
            member
                .pc
                .receivers()
                .into_iter()
                .for_each(|receiver| member.pc.request_key_frame(receiver, None));
        }
    }
}

impl Guests for Room {
    /// All speak the same, and nothing that protects packets on one path is carried on to another.
    fn configuration(&self) -> Configuration {
        let mut media = MediaCapabilities::default();
        for codecs in [&mut media.audio.codecs, &mut media.video.codecs] {
            codecs.retain(|known| ["opus", "VP8", "rtx"].contains(&known.codec.name()));
        }
        let mut configuration = Configuration::default();
        configuration.media = Arc::new(media);
        configuration
    }

    async fn join(self: Arc<Self>, pc: PeerConnection) {
        let number = self.lock().keys().max().map_or(0, |last| last + 1);
        self.enter(number, &pc);
        pc.receivers().into_iter().for_each(|receiver| pc.set_delivery(receiver, Delivery::Packets));
        let mut kinds = HashMap::new();
        while let Some(event) = pc.next_event().await {
            match event {
                Event::Track(track) => {
                    kinds.insert(track.receiver, track.track.kind);
                }
                Event::Rtp(packet) => {
                    if let Some(kind) = kinds.get(&packet.receiver) {
                        self.forward(number, *kind, &packet);
                    }
                }
                Event::KeyFrameRequest { sender, .. } => self.ask(number, sender),
                Event::DataChannel(layers) => {
                    let room = Arc::clone(&self);
                    tokio::spawn(async move {
                        while let Some(message) = layers.recv().await {
                            let wanted =
                                [&b"h"[..], b"m", b"l"].iter().position(|rid| message.data == rid[..]);
                            if let (Some(wanted), Some(member)) = (wanted, room.lock().get_mut(&number)) {
                                member.layer = wanted as u8;
                            }
                        }
                    });
                }
                _ => {}
            }
        }
        self.leave(number);
    }
}
