//! str0m, in its RTP mode.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::config::DtlsCert;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{DatagramSend, Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::clock::{Time, from_std, to_std};
use crate::media::Media;
use crate::scenarios::setups;
use crate::stacks::str0m::{Datagram, Str0m};
use crate::stacks::{Profile, Setup, Stack};

/// One `Rtc`.
pub struct Theirs {
    rtc: Rtc,
    local: SocketAddr,
    remote: SocketAddr,
    mids: Vec<Mid>,
    payload_types: Vec<Pt>,
    deadline: Time,
    packets: Vec<RtpPacket>,
    payload: Option<Arc<[u8]>>,
    waiting: Vec<DatagramSend>,
}

impl Theirs {
    fn new(setup: &Setup<'_, DtlsCert>) -> Self {
        let mut config = Rtc::builder().set_rtp_mode(true);
        if let Some(identity) = setup.identity {
            config = config.set_dtls_cert(identity.clone());
        }
        let mut rtc = config.build(to_std(Time::ZERO));
        rtc.add_local_candidate(Candidate::host(setup.local, "udp").expect("a host candidate"));
        let (local, remote) = (setup.local, setup.remote);
        Self {
            rtc,
            local,
            remote,
            mids: Vec::new(),
            payload_types: Vec::new(),
            deadline: Time::ZERO,
            packets: Vec::new(),
            payload: None,
            waiting: Vec::new(),
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().expect("it goes on") {
                Output::Timeout(at) => return self.deadline = from_std(at),
                Output::Transmit(transmit) => self.waiting.push(transmit.contents),
                Output::Event(Event::RtpPacket(packet)) => self.packets.push(packet),
                Output::Event(_) => {}
            }
        }
    }

    fn write(&mut self, now: Time, section: usize, (number, time): (u64, u32), payload: Arc<[u8]>) {
        let (mid, pt) = (self.mids[section], self.payload_types[section]);
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, None).expect("a stream");
        stream.write_rtp(RtpWrite::new(pt, number.into(), time, to_std(now), payload).nackable(true));
    }

    fn take(&mut self, now: Time, batch: &mut Vec<Datagram>) {
        for datagram in batch.drain(..) {
            let contents = datagram.as_ref().try_into().expect("a known protocol");
            let (source, destination) = (self.remote, self.local);
            let receive = Receive { proto: Protocol::Udp, source, destination, contents };
            let _ = self.rtc.handle_input(Input::Receive(to_std(now), receive));
            self.drain();
        }
    }
}

impl Media for Theirs {
    const NAME: &'static str = Str0m::NAME;
    type Wire = Datagram;
    type Identity = DtlsCert;

    fn identity() -> DtlsCert {
        let identity = Str0m::identity();
        // What it needs once is done by the stack of the data channels.
        let (a, _) = setups(Profile::Default, Some(&identity), 1);
        drop(Str0m::new(Time::ZERO, &a));
        identity
    }

    fn introduced(identity: &DtlsCert, sections: usize, seed: u64) -> (Self, Self) {
        let (a, b) = setups(Profile::Default, Some(identity), seed);
        let (mut a, mut b) = (Self::new(&a), Self::new(&b));
        let mut change = a.rtc.sdp_api();
        let add = |_| change.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        a.mids = (0..sections).map(add).collect();
        let (offer, pending) = change.apply().expect("an offer");
        let offer = SdpOffer::from_sdp_string(&offer.to_sdp_string()).expect("a good offer");
        let answer = b.rtc.sdp_api().accept_offer(offer).expect("an answer");
        let answer = SdpAnswer::from_sdp_string(&answer.to_sdp_string()).expect("a good answer");
        a.rtc.sdp_api().accept_answer(pending, answer).expect("an acceptable answer");
        (a, b)
    }

    fn is_up(&self) -> bool {
        self.rtc.is_connected()
    }

    fn set_up(&mut self) {
        let first = |mid: &Mid| self.rtc.media(*mid).and_then(|media| media.remote_pts().first().copied());
        self.payload_types = self.mids.iter().map(|mid| first(mid).expect("a payload type")).collect();
    }

    fn send(&mut self, now: Time, section: usize, number: u64, payload: &Bytes) {
        // It shares payloads, too.
        let payload = Arc::clone(self.payload.get_or_insert_with(|| payload.as_ref().into()));
        self.write(now, section, (1_000 + number, (number * 90) as u32), payload);
    }

    fn flush(&mut self, now: Time) {
        // It numbers and seals what was written when it is told the time.
        self.timeout(now);
    }

    fn collect(&mut self, out: &mut Vec<Datagram>) {
        out.extend(self.waiting.drain(..).map(Datagram));
    }

    fn transmit(&mut self, mut send: impl FnMut(&[u8], usize)) {
        self.waiting.drain(..).for_each(|datagram| send(&datagram, datagram.len()));
    }

    fn receive(&mut self, now: Time, batch: &mut Vec<Datagram>) -> usize {
        self.packets.clear();
        self.take(now, batch);
        self.packets.len()
    }

    fn forward(&mut self, now: Time, batch: &mut Vec<Datagram>, to: &mut [Self]) -> usize {
        self.packets.clear();
        self.take(now, batch);
        for peer in to {
            for packet in &self.packets {
                let numbers = (*packet.seq_no, packet.header.timestamp);
                peer.write(now, 0, numbers, Arc::clone(&packet.payload));
            }
            peer.flush(now);
        }
        self.packets.len()
    }

    fn deadline(&mut self) -> Option<Time> {
        Some(self.deadline)
    }

    fn timeout(&mut self, now: Time) {
        let _ = self.rtc.handle_input(Input::Timeout(to_std(now)));
        self.drain();
    }
}
