//! webrtc-rs `rtc` 0.21, with the cryptography that it comes with (ring), no codecs and no interceptors.

use std::net::SocketAddr;

use bytes::BytesMut;
use rtc::crypto::{SignatureScheme, default_provider};
use rtc::data_channel::{RTCDataChannelId, RTCDataChannelInit};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate, RTCIceCandidateInit,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::clock::{Time, from_std, to_std};
use crate::link::Link;
use crate::stacks::{Protocols, QUEUE, Received, Security, Setup, Stack};

/// One `RTCPeerConnection`.
pub struct Rtc {
    connection: RTCPeerConnection,
    local: SocketAddr,
    remote: SocketAddr,
    channel: Option<RTCDataChannelId>,
    received: Received,
}

pub fn host_candidate(address: SocketAddr) -> RTCIceCandidateInit {
    let base_config = CandidateConfig {
        network: "udp".to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..Default::default()
    };
    let config = CandidateHostConfig { base_config, ..Default::default() };
    let candidate = config.new_candidate_host().expect("a host candidate");
    RTCIceCandidate::from(&candidate).to_json().expect("a candidate as JSON")
}

impl Rtc {
    /// Sets the description just made and returns it as an application would signal it.
    fn set_local(&mut self, now: Time, description: RTCSessionDescription) -> String {
        self.connection.set_local_description(to_std(now), description).expect("a usable description");
        self.connection.local_description().expect("a local description").sdp.clone()
    }
}

impl Stack for Rtc {
    const NAME: &'static str = "rtc";

    // Drained after 32 datagrams it is half again as fast as after each.
    const BATCH: usize = 32;

    type Identity = RTCCertificate;
    type Datagram = BytesMut;

    fn speaks(protocols: Protocols) -> bool {
        !protocols.sped && !protocols.snap && protocols.security == Security::Dtls12
    }

    fn identity() -> RTCCertificate {
        let provider = default_provider().expect("the default provider");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
            .expect("a certificate")
    }

    fn new(now: Time, setup: &Setup<'_, RTCCertificate>) -> Self {
        let mut configuration = RTCConfigurationBuilder::new();
        if let Some(identity) = setup.identity {
            configuration = configuration.with_certificates(vec![identity.clone()]);
        }
        // An active answerer starts DTLS a flight earlier; its default is the same, said here to be sure.
        let settings = SettingEngineBuilder::new().with_answering_dtls_role(RTCDtlsRole::Client).build();
        let mut connection = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration.build())
            .with_setting_engine(settings)
            .build(to_std(now))
            .expect("a peer connection");
        connection.add_local_candidate(host_candidate(setup.local)).expect("a usable candidate");
        Self {
            connection,
            local: setup.local,
            remote: setup.remote,
            channel: None,
            received: Received::default(),
        }
    }

    fn offer(&mut self, now: Time) -> String {
        let init = RTCDataChannelInit { ordered: true, ..Default::default() };
        self.connection.create_data_channel("bench", Some(init)).expect("a channel");
        let offer = self.connection.create_offer(None).expect("an offer");
        self.set_local(now, offer)
    }

    fn answer(&mut self, now: Time, offer: &str) -> String {
        let offer = RTCSessionDescription::offer(offer.to_owned()).expect("a valid offer");
        self.connection.set_remote_description(to_std(now), offer).expect("an acceptable offer");
        let answer = self.connection.create_answer(None).expect("an answer");
        self.set_local(now, answer)
    }

    fn accept(&mut self, now: Time, answer: &str) {
        let answer = RTCSessionDescription::answer(answer.to_owned()).expect("a valid answer");
        self.connection.set_remote_description(to_std(now), answer).expect("an acceptable answer");
    }

    fn receive(&mut self, now: Time, batch: &mut Vec<BytesMut>) {
        for message in batch.drain(..) {
            let transport = TransportContext {
                local_addr: self.local,
                peer_addr: self.remote,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let tagged = TaggedBytesMut { now: to_std(now), transport, message };
            // What it refuses after losses is lost, too.
            let _ = self.connection.handle_read(tagged);
        }
    }

    fn timeout(&mut self, now: Time) {
        // Lost flights lead its handshake into states that it refuses; what comes of that shows in the time.
        let _ = self.connection.handle_timeout(to_std(now));
    }

    fn drain(&mut self, now: Time, out: &mut Link<BytesMut>) -> Option<Time> {
        while let Some(event) = self.connection.poll_event() {
            if let RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) = event {
                self.channel = Some(id);
            }
        }
        while let Some(read) = self.connection.poll_read() {
            if let RTCMessage::DataChannelMessage(_, message) = read.message {
                self.received.messages += 1;
                self.received.bytes += message.data.len() as u64;
            }
        }
        while let Some(write) = self.connection.poll_write() {
            out.push(now, write.message);
        }
        self.connection.poll_timeout().map(from_std)
    }

    fn send(&mut self, now: Time, message: &[u8]) -> bool {
        let channel = self.channel.and_then(|id| self.connection.data_channel(id));
        let Some(mut channel) = channel else { return false };
        // It queues without bound, so the application has to keep count.
        channel.outstanding_bytes() + message.len() <= QUEUE
            && channel.send(to_std(now), BytesMut::from(message)).is_ok()
    }

    fn is_open(&self) -> bool {
        self.channel.is_some()
    }

    fn received(&self) -> Received {
        self.received
    }
}
