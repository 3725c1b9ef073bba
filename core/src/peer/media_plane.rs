//! What moves between media planes, links and the application: packets, frames, requests.
//!
//! Each link that carries audio or video has a plane of its own: numbers, feedback and reports are those of a
//! transport. With BUNDLE there is one. Which sections there are is what descriptions agree on; a plane learns of it
//! here.

use crate::base::drops::{DropReason, Drops};
use crate::base::media::{ReceiverId, SenderId, TransceiverId};
use crate::base::negotiated::NegotiatedSection;
use crate::base::net::Transmit;
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::{Instant, WallClock, earliest};
use crate::media::error::WriteError;
use crate::media::event::{Delivery, SendFrame, SendPacket};
use crate::media::send::guard::Protection;
use crate::media::{Media, PacketKind};
use crate::peer::PeerConnection;
use crate::peer::event::Event;
use crate::peer::link::{Link, TransportId};
use crate::peer::links::Links;
use crate::peer::outbound::fill_run;
use crate::transport::MediaPath;
use crate::transport::srtp::Config;
use bytes::BytesMut;
use std::time::Duration;

/// The media planes of a connection; none until a description agrees on audio or video.
#[derive(Debug)]
pub(super) struct Planes {
    list: Vec<Plane>,
    /// How the application takes what receivers get, where that is not the default.
    deliveries: Vec<(ReceiverId, Delivery)>,
    buffers: Vec<(ReceiverId, Duration)>,
    /// How what senders send is protected, likewise.
    protections: Vec<(SenderId, Protection)>,
    rng: Rng,
}

/// The media of one link.
#[derive(Debug)]
struct Plane {
    link: TransportId,
    media: Box<Media>,
    /// A sealed packet that did not fit the size of the last run, for the next one.
    carried: Vec<u8>,
    /// RTCP that has a link of its own, until its turn comes.
    aside: Queue<Box<[u8]>>,
}

impl Plane {
    /// Whether RTCP goes along a link of its own.
    fn aside_for(&self, links: &Links) -> bool {
        links.get(self.link.rtcp()).is_some()
    }

    /// Seals a packet of RTCP by the keys of its own link. What cannot go yet is late already.
    fn poll_aside(&mut self, now: Instant, links: &mut Links, out: &mut Vec<u8>) -> Option<Transmit> {
        while let Some(report) = self.aside.pop() {
            let Some(link) = links.get_quietly(self.link.rtcp()) else { continue };
            let Some(MediaPath { path, .. }) = link.transport.media_path() else { continue };
            let start = out.len();
            let Some(packet) = link.transport.begin_packet(out) else { continue };
            out.extend_from_slice(&report);
            if link.transport.finish_rtcp(packet, out).is_ok() {
                link.sent(now, report.len());
                return Some(Transmit::single(path, out.len() - start));
            }
        }
        None
    }
}

impl Planes {
    pub(super) const fn new(rng: Rng) -> Self {
        Self { list: Vec::new(), deliveries: Vec::new(), buffers: Vec::new(), protections: Vec::new(), rng }
    }

    fn of_link(&mut self, link: TransportId) -> Option<&mut Plane> {
        self.list.iter_mut().find(|plane| plane.link == link)
    }

    fn of_transceiver(&mut self, id: TransceiverId) -> Option<&mut Plane> {
        self.list.iter_mut().find(|plane| plane.media.carries(id))
    }

    /// The media of each link.
    pub(super) fn media(&self) -> impl Iterator<Item = &Media> {
        self.list.iter().map(|plane| &*plane.media)
    }

    fn add(&mut self, link: TransportId, wall_clock: WallClock) {
        let mut media = Media::new(self.rng.fork(), wall_clock);
        self.deliveries.iter().for_each(|&(receiver, delivery)| media.set_delivery(receiver, delivery));
        self.buffers.iter().for_each(|&(receiver, buffer)| {
            media.set_jitter_buffer_target(receiver, Some(buffer));
        });
        self.protections.iter().for_each(|&(sender, protection)| media.set_protection(sender, protection));
        self.list.push(Plane { link, media: Box::new(media), carried: Vec::new(), aside: Queue::default() });
    }

    /// The link is gone.
    pub(super) fn remove(&mut self, link: TransportId) {
        self.list.retain(|plane| plane.link != link);
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// Has goodbyes said.
    pub(super) fn close(&mut self) {
        self.list.iter_mut().for_each(|plane| plane.media.close());
    }

    fn set_delivery(&mut self, receiver: ReceiverId, delivery: Delivery) {
        self.deliveries.retain(|(known, _)| *known != receiver);
        self.deliveries.push((receiver, delivery));
        self.list.iter_mut().for_each(|plane| plane.media.set_delivery(receiver, delivery));
    }

    pub(super) fn jitter_buffer_target(&self, receiver: ReceiverId) -> Option<Duration> {
        self.buffers.iter().find(|(known, _)| *known == receiver).map(|(_, buffer)| *buffer)
    }

    pub(super) fn set_jitter_buffer_target(&mut self, receiver: ReceiverId, target: Option<Duration>) {
        self.buffers.retain(|(known, _)| *known != receiver);
        self.buffers.extend(target.map(|target| (receiver, target)));
        self.list.iter_mut().for_each(|plane| plane.media.set_jitter_buffer_target(receiver, target));
    }

    pub(super) fn set_protection(&mut self, sender: SenderId, protection: Protection) {
        self.protections.retain(|(known, _)| *known != sender);
        self.protections.push((sender, protection));
        self.list.iter_mut().for_each(|plane| plane.media.set_protection(sender, protection));
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.list.iter_mut().for_each(|plane| plane.media.handle_timeout(now));
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.list.iter_mut().find_map(|plane| plane.media.poll_event()).map(Event::from)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.list.iter().map(|plane| plane.media.poll_timeout()).fold(None, |a, b| earliest([a, b]))
    }

    pub(super) fn merge_drops(&self, drops: &mut Drops) {
        self.list.iter().for_each(|plane| drops.merge(plane.media.drops()));
    }
}

impl PeerConnection {
    /// Tells the planes what descriptions agree on now. The first time that is audio or video on a link, there begins
    /// to be one.
    pub(super) fn change_media(&mut self, now: Instant) {
        let sections = self.session.media().to_vec();
        for section in &sections {
            let id = TransportId::of(section.transport);
            let Some(link) = self.links.get_mut(id) else { continue };
            // RFC 9335 §4: of the transport, and so of all its sections.
            let config = Config { cryptex: section.cryptex, ..Config::default() };
            link.transport.enable_media(config);
            if let Some(rtcp) = self.links.get_mut(id.rtcp()) {
                rtcp.transport.enable_media(config);
            }
            if self.planes.of_link(id).is_none() {
                self.planes.add(id, self.wall_clock);
                self.tell_round_trip(id);
            }
        }
        for plane in &mut self.planes.list {
            let own = |section: &&NegotiatedSection| TransportId::of(section.transport) == plane.link;
            let own: Vec<NegotiatedSection> = sections.iter().filter(own).cloned().collect();
            plane.media.set_sections(now, &own);
        }
    }

    /// Tells a plane how long its path takes, by the checks of that. Who only receives has nothing else to go by.
    pub(super) fn tell_round_trip(&mut self, id: TransportId) {
        let pair = self.links.get(id).and_then(|link| link.transport.selected_pair());
        let time = pair.and_then(|pair| pair.rtt);
        if let (Some(time), Some(plane)) = (time, self.planes.of_link(id)) {
            plane.media.assume_round_trip(time);
        }
    }

    pub(super) fn handle_rtp(&mut self, now: Instant, link: TransportId, packet: BytesMut) {
        if let Some(media) = self.receiving_plane(now, link, packet.len()) {
            media.handle_rtp(now, packet);
        }
    }

    pub(super) fn handle_rtcp(&mut self, now: Instant, link: TransportId, packet: &[u8]) {
        if let Some(media) = self.receiving_plane(now, link, packet.len()) {
            media.handle_rtcp(now, packet);
        }
    }

    fn receiving_plane(&mut self, now: Instant, id: TransportId, len: usize) -> Option<&mut Media> {
        self.links.get_quietly(id)?.received(now, len);
        let plane = self.planes.of_link(id.rtp());
        if plane.is_none() {
            self.drops.count(DropReason::SrtpNotReady);
        }
        plane.map(|plane| &mut *plane.media)
    }

    /// Lays out and seals packets of media, as many of one size as there are.
    pub(super) fn poll_media(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let Self { planes, links, .. } = self;
        planes.list.iter_mut().find_map(|plane| {
            if plane.carried.is_empty() && plane.aside.is_empty() && !plane.media.has_packets() {
                return None;
            }
            let aside = plane.aside_for(links);
            let link = links.get_quietly(plane.link)?;
            let run = link.transport.media_path().and_then(|MediaPath { path, .. }| {
                let Plane { media, aside: reports, carried, .. } = plane;
                let mut aside = aside.then_some(reports);
                fill_run(path, carried, out, |out| append_packet(now, media, link, aside.as_deref_mut(), out))
            });
            run.or_else(|| plane.poll_aside(now, links, out))
        })
    }

    pub(super) fn deliver_to(&mut self, receiver: ReceiverId, delivery: Delivery) {
        self.planes.set_delivery(receiver, delivery);
    }

    pub(super) fn ask_for_key_frame(&mut self, now: Instant, receiver: ReceiverId, rid: Option<&str>) {
        let now = self.tick(now);
        if let Some(plane) = self.planes.of_transceiver(receiver.transceiver()) {
            plane.media.request_key_frame(now, receiver, rid);
        }
    }

    pub(super) fn send_frame(&mut self, sender: SenderId, frame: &SendFrame<'_>) -> Result<(), WriteError> {
        let (media, limit) = self.sending_plane(sender)?;
        media.write_frame(sender, frame, limit)
    }

    pub(super) fn send_packet(
        &mut self,
        sender: SenderId,
        packet: &SendPacket<'_>,
    ) -> Result<(), WriteError> {
        let now = self.now;
        let (media, limit) = self.sending_plane(sender)?;
        media.write_rtp(now, sender, packet, limit)
    }

    /// Sends a tone. What stands against that since it was asked for (a path that is gone) loses the tone, as it would a
    /// spoken word.
    pub(super) fn sound(&mut self, now: Instant, sender: SenderId, tone: char, duration: Duration) {
        if let Ok((media, _)) = self.sending_plane(sender) {
            let _ = media.send_tone(now, sender, tone, duration);
        }
    }

    /// The plane, and how large its packets may be.
    fn sending_plane(&mut self, sender: SenderId) -> Result<(&mut Media, usize), WriteError> {
        let plane = self.planes.of_transceiver(sender.transceiver()).ok_or(WriteError::NotNegotiated)?;
        let path = self.links.get(plane.link).and_then(|link| link.transport.media_path());
        Ok((&mut plane.media, path.ok_or(WriteError::NotConnected)?.max_rtp))
    }
}

/// Appends one sealed packet, if there is one. RTCP that has a link of its own goes `aside`.
fn append_packet(
    now: Instant,
    media: &mut Media,
    link: &mut Link,
    mut aside: Option<&mut Queue<Box<[u8]>>>,
    out: &mut Vec<u8>,
) -> bool {
    while let Some(packet) = link.transport.begin_packet(out) {
        let at = out.len();
        let Some(kind) = media.poll_transmit(now, out) else {
            packet.cancel(out);
            return false;
        };
        if let (PacketKind::Rtcp, Some(aside)) = (kind, aside.as_deref_mut()) {
            aside.push(out[at..].into());
            packet.cancel(out);
            continue;
        }
        let size = out.len() - at;
        let sealed = match kind {
            PacketKind::Rtp => link.transport.finish_rtp(packet, out),
            PacketKind::Rtcp => link.transport.finish_rtcp(packet, out),
        };
        // One that cannot be sealed is as good as lost on the way.
        if sealed.is_ok() {
            link.sent(now, size);
            return true;
        }
    }
    false
}
