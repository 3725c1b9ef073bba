//! webrtc-rs `rtc`, with its default codecs and interceptors: reports and repetitions, as the others have.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::certificate::RTCCertificate;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_VP8, MediaEngine};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::clock::{Time, from_std, to_std};
use crate::media::Media;
use crate::scenarios::setups;
use crate::stacks::rtc::{Rtc, host_candidate};
use crate::stacks::{Profile, Setup, Stack};

/// One `RTCPeerConnection`.
pub struct Theirs {
    connection: RTCPeerConnection,
    local: SocketAddr,
    remote: SocketAddr,
    /// Each with its source.
    senders: Vec<(RTCRtpSenderId, u32)>,
    payload_type: u8,
    packets: Vec<Packet>,
    waiting: Vec<BytesMut>,
    up: bool,
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec { mime_type: MIME_TYPE_VP8.to_owned(), clock_rate: 90_000, ..Default::default() }
}

impl Theirs {
    fn new(setup: &Setup<'_, RTCCertificate>) -> Self {
        let mut engine = MediaEngine::default();
        engine.register_default_codecs().expect("codecs");
        let registry = register_default_interceptors(Registry::new(), &mut engine).expect("interceptors");
        let identity = setup.identity.cloned().into_iter().collect();
        let configuration = RTCConfigurationBuilder::new().with_certificates(identity).build();
        let settings = SettingEngineBuilder::new().with_answering_dtls_role(RTCDtlsRole::Client).build();
        let mut connection = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_setting_engine(settings)
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(to_std(Time::ZERO))
            .expect("a peer connection");
        connection.add_local_candidate(host_candidate(setup.local)).expect("a usable candidate");
        let (local, remote) = (setup.local, setup.remote);
        Self {
            connection,
            local,
            remote,
            senders: Vec::new(),
            payload_type: 0,
            packets: Vec::new(),
            waiting: Vec::new(),
            up: false,
        }
    }

    fn add_track(&mut self, at: usize) {
        let ssrc = 1_000 + at as u32;
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            codec: vp8(),
            ..Default::default()
        };
        let (stream, id) = (format!("stream{at}"), format!("track{at}"));
        let track = MediaStreamTrack::new(stream, id.clone(), id, RtpCodecKind::Video, vec![coding]);
        let direction = RTCRtpTransceiverDirection::Sendonly;
        let init = RTCRtpTransceiverInit { direction, ..Default::default() };
        self.connection.add_transceiver_from_track(track, Some(init)).expect("a transceiver");
        let sender = self.connection.get_senders().last().expect("a sender");
        self.senders.push((sender, ssrc));
    }

    fn describe(&mut self, description: RTCSessionDescription) -> String {
        let now = to_std(Time::ZERO);
        self.connection.set_local_description(now, description).expect("a usable description");
        self.connection.local_description().expect("a description").sdp.clone()
    }

    fn write(&mut self, now: Time, section: usize, header: Header, payload: Bytes) {
        let (id, ssrc) = self.senders[section];
        let header = Header { ssrc, payload_type: self.payload_type, ..header };
        let mut sender = self.connection.rtp_sender(id).expect("a sender");
        sender.write_rtp(to_std(now), Packet { header, payload }).expect("room");
    }

    fn hear(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            if let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event {
                self.up = state == RTCPeerConnectionState::Connected;
            }
        }
    }

    fn take(&mut self, now: Time, batch: &mut Vec<BytesMut>) {
        for message in batch.drain(..) {
            let transport = TransportContext {
                local_addr: self.local,
                peer_addr: self.remote,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let _ = self.connection.handle_read(TaggedBytesMut { now: to_std(now), transport, message });
        }
        self.hear();
        self.packets.clear();
        while let Some(read) = self.connection.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = read.message {
                self.packets.push(packet);
            }
        }
    }
}

impl Media for Theirs {
    const NAME: &'static str = Rtc::NAME;
    type Wire = BytesMut;
    type Identity = RTCCertificate;

    fn identity() -> RTCCertificate {
        Rtc::identity()
    }

    fn introduced(identity: &RTCCertificate, sections: usize, seed: u64) -> (Self, Self) {
        let (a, b) = setups(Profile::Default, Some(identity), seed);
        let (mut a, mut b) = (Self::new(&a), Self::new(&b));
        (0..sections).for_each(|at| a.add_track(at));
        let now = to_std(Time::ZERO);
        let offer = a.connection.create_offer(None).expect("an offer");
        let offer = RTCSessionDescription::offer(a.describe(offer)).expect("a good offer");
        b.connection.set_remote_description(now, offer).expect("an acceptable offer");
        let answer = b.connection.create_answer(None).expect("an answer");
        let answer = RTCSessionDescription::answer(b.describe(answer)).expect("a good answer");
        a.connection.set_remote_description(now, answer).expect("an acceptable answer");
        (a, b)
    }

    fn is_up(&self) -> bool {
        self.up
    }

    fn set_up(&mut self) {
        let Some(&(id, _)) = self.senders.first() else { return };
        let mut sender = self.connection.rtp_sender(id).expect("a sender");
        let codecs = &sender.get_parameters().rtp_parameters.codecs;
        let known = codecs.iter().find(|codec| codec.rtp_codec.mime_type == MIME_TYPE_VP8);
        self.payload_type = known.expect("VP8").payload_type;
    }

    fn send(&mut self, now: Time, section: usize, number: u64, payload: &Bytes) {
        let header = Header {
            version: 2,
            sequence_number: number as u16,
            timestamp: (number * 90) as u32,
            ..Default::default()
        };
        self.write(now, section, header, payload.clone());
    }

    fn flush(&mut self, _now: Time) {
        while let Some(write) = self.connection.poll_write() {
            self.waiting.push(write.message);
        }
    }

    fn collect(&mut self, out: &mut Vec<BytesMut>) {
        out.append(&mut self.waiting);
    }

    fn transmit(&mut self, mut send: impl FnMut(&[u8], usize)) {
        self.waiting.drain(..).for_each(|datagram| send(&datagram, datagram.len()));
    }

    fn receive(&mut self, now: Time, batch: &mut Vec<BytesMut>) -> usize {
        self.take(now, batch);
        self.packets.len()
    }

    fn forward(&mut self, now: Time, batch: &mut Vec<BytesMut>, to: &mut [Self]) -> usize {
        self.take(now, batch);
        for peer in to {
            for Packet { header, payload } in &self.packets {
                // Extensions are this connection's own.
                let header = Header {
                    version: 2,
                    marker: header.marker,
                    sequence_number: header.sequence_number,
                    timestamp: header.timestamp,
                    ..Default::default()
                };
                peer.write(now, 0, header, payload.clone());
            }
            peer.flush(now);
        }
        self.packets.len()
    }

    fn deadline(&mut self) -> Option<Time> {
        self.connection.poll_timeout().map(from_std)
    }

    fn timeout(&mut self, now: Time) {
        let _ = self.connection.handle_timeout(to_std(now));
        self.hear();
    }
}
