//! str0m 0.25, with the cryptography that it comes with (aws-lc-rs).

use std::net::SocketAddr;
use std::sync::Once;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::config::{DtlsCert, DtlsVersion};
use str0m::crypto::from_feature_flags;
use str0m::net::{DatagramSend, Protocol, Receive};
use str0m::{Candidate, Event, Input, Output};

use crate::clock::{Time, from_std, to_std};
use crate::link::Link;
use crate::stacks::{Profile, Protocols, Received, Security, Setup, Stack};

/// One `str0m::Rtc`.
///
/// Its send buffer keeps its default limit, which is [`QUEUE`](crate::stacks::QUEUE) and also its fastest setting: with
/// 1 MiB it needs several times the processor time a byte.
pub struct Str0m {
    rtc: str0m::Rtc,
    local: SocketAddr,
    remote: SocketAddr,
    offered: Option<SdpPendingOffer>,
    channel: Option<ChannelId>,
    open: bool,
    received: Received,
}

/// [`DatagramSend`] under a type of ours.
pub struct Datagram(pub DatagramSend);

impl AsRef<[u8]> for Datagram {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Str0m {
    fn on_event(&mut self, event: Event) {
        match event {
            Event::ChannelData(data) => {
                self.received.messages += 1;
                self.received.bytes += data.data.len() as u64;
            }
            Event::ChannelOpen(id, _) => {
                self.channel = Some(id);
                self.open = true;
            }
            _ => {}
        }
    }
}

impl Stack for Str0m {
    const NAME: &'static str = "str0m";

    // Its documentation asks to be drained after every datagram. Handing over 16 first works in these scenarios and
    // is a third faster, so it gets that; at 32 its DTLS runs out of room and refuses input.
    const BATCH: usize = 16;

    type Identity = DtlsCert;
    type Datagram = Datagram;

    fn speaks(protocols: Protocols) -> bool {
        !protocols.sped && protocols.security != Security::PostQuantum
    }

    fn identity() -> DtlsCert {
        from_feature_flags().dtls_provider.generate_certificate().expect("a certificate")
    }

    fn new(now: Time, setup: &Setup<'_, DtlsCert>) -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| from_feature_flags().install_process_default());

        let mut config = str0m::Rtc::builder();
        if let Profile::Speaking(protocols) = setup.profile {
            let version = match protocols.security {
                Security::Dtls12 => DtlsVersion::Dtls12,
                Security::Dtls13 | Security::PostQuantum => DtlsVersion::Dtls13,
            };
            config = config.set_dtls_version(version).set_snap_enabled(protocols.snap);
        }
        if let Some(identity) = setup.identity {
            config = config.set_dtls_cert(identity.clone());
        }
        let mut rtc = config.build(to_std(now));
        rtc.add_local_candidate(Candidate::host(setup.local, "udp").expect("a host candidate"));
        Self {
            rtc,
            local: setup.local,
            remote: setup.remote,
            offered: None,
            channel: None,
            open: false,
            received: Received::default(),
        }
    }

    fn offer(&mut self, _now: Time) -> String {
        let mut change = self.rtc.sdp_api();
        self.channel = Some(change.add_channel("bench".to_owned()));
        let (offer, pending) = change.apply().expect("an offer");
        self.offered = Some(pending);
        offer.to_sdp_string()
    }

    fn answer(&mut self, _now: Time, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).expect("a valid offer");
        self.rtc.sdp_api().accept_offer(offer).expect("an answer").to_sdp_string()
    }

    fn accept(&mut self, _now: Time, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("a valid answer");
        let pending = self.offered.take().expect("an offer was made");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("an acceptable answer");
    }

    fn receive(&mut self, now: Time, batch: &mut Vec<Datagram>) {
        for datagram in batch.drain(..) {
            let receive = Receive {
                proto: Protocol::Udp,
                source: self.remote,
                destination: self.local,
                contents: datagram.as_ref().try_into().expect("a known protocol"),
            };
            // What it refuses after losses is lost, too.
            let _ = self.rtc.handle_input(Input::Receive(to_std(now), receive));
        }
    }

    fn timeout(&mut self, now: Time) {
        let _ = self.rtc.handle_input(Input::Timeout(to_std(now)));
    }

    fn drain(&mut self, now: Time, out: &mut Link<Datagram>) -> Option<Time> {
        loop {
            // Its handshake gives up after enough losses, and nothing comes of the connection any more.
            let Ok(output) = self.rtc.poll_output() else { return None };
            match output {
                Output::Timeout(at) => return Some(from_std(at)),
                Output::Transmit(transmit) => out.push(now, Datagram(transmit.contents)),
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn send(&mut self, _now: Time, message: &[u8]) -> bool {
        let channel = self.channel.and_then(|id| self.rtc.channel(id));
        channel.is_some_and(|mut channel| channel.write(true, message).expect("an open channel"))
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn received(&self) -> Received {
        self.received
    }
}
