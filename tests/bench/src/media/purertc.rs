//! Ours, with its default settings.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use purertc::{
    Certificate, Datagram, Delivery, Ecn, Event, Init, Instant, LocalAddress, MediaKind, MediaStreamTrack,
    PeerConnection, PeerConnectionState, RtpPacket, RtpTransceiverDirection, RtpTransceiverInit, SdpType,
    SendPacket, SenderId, SessionDescription, SocketId,
};

use crate::clock::Time;
use crate::media::Media;
use crate::scenarios::setups;
use crate::stacks::purertc::{Purertc, configuration};
use crate::stacks::{Profile, Setup, Stack};

/// One `PeerConnection`.
pub struct Ours {
    pub pc: PeerConnection,
    local: LocalAddress,
    remote: SocketAddr,
    senders: Vec<SenderId>,
    /// Runs of datagrams that wait, each with the size of those but the last; and buffers for more. Who sends to sockets
    /// needs one.
    waiting: Vec<(usize, Vec<u8>)>,
    buffers: Vec<Vec<u8>>,
    /// What came and is to be forwarded.
    packets: Vec<RtpPacket>,
}

pub fn instant(time: Time) -> Instant {
    Instant::ZERO + time
}

impl Ours {
    fn new(setup: &Setup<'_, Certificate>) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&setup.seed.to_le_bytes());
        let init = Init::new(instant(Time::ZERO), SystemTime::UNIX_EPOCH, seed);
        let mut pc = PeerConnection::new(configuration(setup.identity), init).expect("a peer connection");
        let local = LocalAddress::udp(SocketId(0), setup.local);
        pc.add_local_address(instant(Time::ZERO), local);
        Self {
            pc,
            local,
            remote: setup.remote,
            senders: Vec::new(),
            waiting: Vec::new(),
            buffers: Vec::new(),
            packets: Vec::new(),
        }
    }

    fn describe(&mut self, kind: SdpType, of: &Self) {
        let sdp = of.pc.local_description().expect("a description").sdp.clone();
        let description = SessionDescription::new(kind, &sdp);
        self.pc.set_remote_description(instant(Time::ZERO), description).expect("a good description");
    }

    fn take(&mut self, now: Time, batch: &mut Vec<BytesMut>) {
        let path = self.local.to(self.remote);
        let datagrams = batch.drain(..).map(|data| Datagram { path, ecn: Ecn::NotEct, data });
        self.pc.handle_datagrams(instant(now), datagrams);
    }
}

impl Media for Ours {
    const NAME: &'static str = Purertc::NAME;
    type Wire = BytesMut;
    type Identity = Certificate;

    fn identity() -> Certificate {
        Purertc::identity()
    }

    fn introduced(identity: &Certificate, sections: usize, seed: u64) -> (Self, Self) {
        let (a, b) = setups(Profile::Default, Some(identity), seed);
        let (mut a, mut b) = (Self::new(&a), Self::new(&b));
        for at in 0..sections {
            let track = MediaStreamTrack::new(MediaKind::Video, format!("track{at}"));
            let init = RtpTransceiverInit::direction(RtpTransceiverDirection::SendOnly);
            let id = a.pc.add_transceiver(track, init).expect("a transceiver");
            a.senders.push(id.sender());
        }
        a.pc.set_local_description(instant(Time::ZERO), None).expect("an offer");
        b.describe(SdpType::Offer, &a);
        b.pc.set_local_description(instant(Time::ZERO), None).expect("an answer");
        a.describe(SdpType::Answer, &b);
        (a, b)
    }

    fn is_up(&self) -> bool {
        self.pc.connection_state() == PeerConnectionState::Connected
    }

    fn set_up(&mut self) {
        let receivers: Vec<_> = self.pc.receivers().collect();
        for id in receivers {
            self.pc
                .receiver(id)
                .into_iter()
                .for_each(|mut receiver| receiver.set_delivery(Delivery::Packets));
        }
    }

    fn send(&mut self, _now: Time, section: usize, number: u64, payload: &Bytes) {
        let packet = SendPacket {
            count: 70_000 + number,
            timestamp: (number * 90) as u32,
            payload: payload.clone(),
            ..SendPacket::default()
        };
        let mut sender = self.pc.sender(self.senders[section]).expect("a sender");
        sender.write_rtp(&packet).expect("room");
    }

    fn flush(&mut self, now: Time) {
        loop {
            let mut buffer = self.buffers.pop().unwrap_or_default();
            let Some(transmit) = self.pc.poll_transmit(instant(now), &mut buffer) else {
                return self.buffers.push(buffer);
            };
            self.waiting.push((transmit.segment_size.unwrap_or(transmit.size), buffer));
        }
    }

    fn collect(&mut self, out: &mut Vec<BytesMut>) {
        for (size, buffer) in self.waiting.drain(..) {
            out.extend(buffer.chunks(size).map(BytesMut::from));
            self.buffers.push(buffer);
        }
    }

    fn transmit(&mut self, mut send: impl FnMut(&[u8], usize)) {
        for (size, buffer) in self.waiting.drain(..) {
            send(&buffer, size);
            self.buffers.push(buffer);
        }
    }

    fn receive(&mut self, now: Time, batch: &mut Vec<BytesMut>) -> usize {
        self.take(now, batch);
        std::iter::from_fn(|| self.pc.poll_event()).filter(|event| matches!(event, Event::Rtp(_))).count()
    }

    fn forward(&mut self, now: Time, batch: &mut Vec<BytesMut>, to: &mut [Self]) -> usize {
        self.take(now, batch);
        let events = std::iter::from_fn(|| self.pc.poll_event());
        let packets = events.filter_map(|event| match event {
            Event::Rtp(packet) => Some(packet),
            _ => None,
        });
        self.packets.extend(packets);
        for peer in to {
            let id = peer.senders[0];
            let mut sender = peer.pc.sender(id).expect("a sender");
            for packet in &self.packets {
                let source = packet.parse().header.ssrc.into();
                let out = SendPacket { source, ..SendPacket::from(packet) };
                sender.write_rtp(&out).expect("room");
            }
            peer.flush(now);
        }
        let count = self.packets.len();
        self.packets.clear();
        count
    }

    fn deadline(&mut self) -> Option<Time> {
        self.pc.poll_timeout().map(|at| Duration::from_micros(at.as_micros()))
    }

    fn timeout(&mut self, now: Time) {
        self.pc.handle_timeout(instant(now));
    }
}
