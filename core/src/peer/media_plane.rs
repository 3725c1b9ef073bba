//! What moves between the media plane, the transport and the application: packets, frames, requests.
//!
//! Which sections there are is what descriptions agree on; this is where the plane learns of it.

use crate::base::drops::DropReason;
use crate::base::media::{ReceiverId, SenderId};
use crate::base::net::Transmit;
use crate::base::time::Instant;
use crate::media::error::WriteError;
use crate::media::event::Delivery;
use crate::media::event::{SendFrame, SendPacket};
use crate::media::{Media, PacketKind};
use crate::peer::PeerConnection;
use crate::peer::event::Event;
use crate::transport::MediaPath;
use crate::transport::srtp::Config;
use bytes::BytesMut;

impl PeerConnection {
    /// Tells the media plane what descriptions agree on now. The first time that is audio or video, there begins to be
    /// one.
    pub(super) fn change_media(&mut self, now: Instant) {
        let sections = self.session.media();
        if self.media.is_none() && sections.is_empty() {
            return;
        }
        if self.media.is_none() {
            // RFC 9335 §4: of the transport, and so of all its sections.
            let cryptex = sections.iter().all(|section| section.cryptex);
            self.transport.enable_media(Config { cryptex, ..Config::default() });
        }
        let media = self.media.get_or_insert_with(|| {
            let mut media = Media::new(self.media_rng.fork(), self.wall_clock);
            self.deliveries.iter().for_each(|&(receiver, delivery)| media.set_delivery(receiver, delivery));
            Box::new(media)
        });
        media.set_sections(now, sections);
    }

    pub(super) fn handle_rtp(&mut self, now: Instant, packet: BytesMut) {
        let Some(media) = &mut self.media else { return self.drops.count(DropReason::SrtpNotReady) };
        self.tally.received(packet.len());
        media.handle_rtp(now, packet);
    }

    pub(super) fn handle_rtcp(&mut self, now: Instant, packet: &[u8]) {
        let Some(media) = &mut self.media else { return self.drops.count(DropReason::SrtpNotReady) };
        self.tally.received(packet.len());
        media.handle_rtcp(now, packet);
    }

    /// Lays out and seals packets of media, as many of one size as there are.
    pub(super) fn poll_media(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        if !self.media.as_ref()?.has_packets() {
            return None;
        }
        let MediaPath { path, .. } = self.transport.media_path()?;
        self.fill_run(path, out, |pc, out| pc.append_media(now, out))
    }

    /// Appends one sealed packet, if there is one.
    fn append_media(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(media) = &mut self.media else { return false };
        loop {
            let Some(packet) = self.transport.begin_packet(out) else { return false };
            let at = out.len();
            let Some(kind) = media.poll_transmit(now, out) else {
                packet.cancel(out);
                return false;
            };
            let size = out.len() - at;
            let sealed = match kind {
                PacketKind::Rtp => self.transport.finish_rtp(packet, out),
                PacketKind::Rtcp => self.transport.finish_rtcp(packet, out),
            };
            // One that cannot be sealed is as good as lost on the way.
            if sealed.is_ok() {
                self.tally.sent(size);
                return true;
            }
        }
    }

    pub(super) fn poll_media_event(&mut self) -> Option<Event> {
        self.media.as_mut()?.poll_event().map(Event::from)
    }

    pub(super) fn deliver_to(&mut self, receiver: ReceiverId, delivery: Delivery) {
        self.deliveries.retain(|(known, _)| *known != receiver);
        self.deliveries.push((receiver, delivery));
        self.media.iter_mut().for_each(|media| media.set_delivery(receiver, delivery));
    }

    pub(super) fn ask_for_key_frame(&mut self, now: Instant, receiver: ReceiverId, rid: Option<&str>) {
        let now = self.tick(now);
        self.media.iter_mut().for_each(|media| media.request_key_frame(now, receiver, rid));
    }

    pub(super) fn send_frame(&mut self, sender: SenderId, frame: &SendFrame<'_>) -> Result<(), WriteError> {
        let (media, limit) = self.sending_plane()?;
        media.write_frame(sender, frame, limit)
    }

    pub(super) fn send_packet(
        &mut self,
        sender: SenderId,
        packet: &SendPacket<'_>,
    ) -> Result<(), WriteError> {
        let (media, limit) = self.sending_plane()?;
        media.write_rtp(sender, packet, limit)
    }

    /// The plane, and how large its packets may be.
    fn sending_plane(&mut self) -> Result<(&mut Media, usize), WriteError> {
        let media = self.media.as_mut().ok_or(WriteError::NotNegotiated)?;
        let path = self.transport.media_path().ok_or(WriteError::NotConnected)?;
        Ok((media, path.max_rtp))
    }
}
