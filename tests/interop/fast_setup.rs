//! Chromium with the handshake of DTLS inside of checks (SPED), that of SCTP inside of descriptions (SNAP) and interleaved
//! messages (I-DATA) switched on, and a connection of ours that is driven right here, so that it can be asked what happened.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use purertc::transport::dtls::Connection;
use purertc::wire::dtls::codepoints::{NamedGroup, ProtocolVersion};
use purertc::{
    ChannelEvent, Configuration, DataChannelInit, Datagram, Event, Init, Instant, KeyAgreement, LocalAddress,
    PeerConnection, SdpType, SessionDescription, SocketId,
};
use purertc_tests::browser::{Browser, Kind, Options};
use purertc_tests::pages::{Files, PageServer};
use serde_json::{Value, to_string};

use crate::stage::{Failure, Offerer, Outcome};

const TRIALS: &str = "--force-fieldtrials=WebRTC-IceHandshakeDtls/Enabled/WebRTC-Sctp-Snap/Enabled/\
                      WebRTC-DataChannelMessageInterleaving/Enabled";

/// What the page does in every case: a channel that greets, and remembers the answer.
const PAGE: &str = "
    window.pc = new RTCPeerConnection();
    window.answer = new Promise((resolve) => {
        window.use = (channel) => {
            const large = new Uint8Array(200_000).map((_, n) => n * 31 >> 3);
            const same = (data) => data.byteLength === large.length && new Uint8Array(data).every((b, n) => b === large[n]);
            let whole = false;
            channel.binaryType = 'arraybuffer';
            channel.onmessage = ({ data }) => {
                if (data instanceof ArrayBuffer) whole = same(data); else resolve(whole ? data : 'something else');
            };
            const greet = () => { channel.send(large); channel.send('hello'); };
            if (channel.readyState === 'open') greet(); else channel.onopen = greet;
        };
    });
    pc.ondatachannel = ({ channel }) => use(channel);
    window.describe = async () => {
        await pc.setLocalDescription();
        for (let i = 0; i < 500 && pc.iceGatheringState !== 'complete'; i++) await new Promise((r) => setTimeout(r, 20));
        return pc.localDescription.sdp;
    };";

/// One connection on a socket of its own.
struct Ours {
    connection: PeerConnection,
    socket: UdpSocket,
    started: std::time::Instant,
}

fn failure(error: impl std::fmt::Display) -> Failure {
    Failure(error.to_string())
}

impl Ours {
    fn new(configuration: Configuration) -> Result<Self, Failure> {
        let socket = UdpSocket::bind("127.0.0.1:0").map_err(failure)?;
        socket.set_read_timeout(Some(Duration::from_millis(5))).map_err(failure)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(failure)?;
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(&now.as_nanos().to_le_bytes());
        let init = Init::new(Instant::ZERO, SystemTime::now(), seed);
        let mut connection = PeerConnection::new(configuration, init).map_err(failure)?;
        let address = socket.local_addr().map_err(failure)?;
        connection.add_local_address(Instant::ZERO, LocalAddress::udp(SocketId(0), address));
        Ok(Self { connection, socket, started: std::time::Instant::now() })
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.started.elapsed()
    }

    fn describe(&mut self) -> Result<String, Failure> {
        let now = self.now();
        self.connection.set_local_description(now, None).map_err(failure)?;
        self.connection.local_description().map(|d| d.sdp.clone()).ok_or_else(|| failure("no description"))
    }

    fn take(&mut self, kind: SdpType, sdp: &str) -> Outcome {
        let now = self.now();
        self.connection.set_remote_description(now, SessionDescription::new(kind, sdp)).map_err(failure)
    }

    /// Answers every message with itself until told to stop.
    fn run(mut self, stop: Arc<AtomicBool>) -> JoinHandle<PeerConnection> {
        spawn(move || {
            let local = LocalAddress::udp(SocketId(0), self.socket.local_addr().expect("a bound socket"));
            let (mut out, mut input) = (Vec::new(), vec![0; 65_536]);
            while !stop.load(Ordering::Relaxed) {
                while let Some(transmit) = self.connection.poll_transmit(self.now(), &mut out) {
                    for datagram in transmit.datagrams(&out) {
                        // What the system refuses is lost, as on the network.
                        let _ = self.socket.send_to(datagram, transmit.path.remote);
                    }
                }
                while let Some(event) = self.connection.poll_event() {
                    if let Event::Channel(id, ChannelEvent::Message(message)) = event {
                        let now = self.now();
                        let mut channel = self.connection.data_channel(id).expect("an open channel");
                        channel.send_message(now, message.data, message.kind).expect("room for an answer");
                    }
                }
                if let Ok((len, from)) = self.socket.recv_from(&mut input) {
                    let data = BytesMut::from(&input[..len]);
                    let datagram = Datagram { path: local.to(from), ecn: Default::default(), data };
                    self.connection.handle_datagram(self.now(), datagram);
                }
                self.connection.handle_timeout(self.now());
            }
            self.connection
        })
    }
}

/// What came of it.
pub(crate) struct Met {
    /// What came back to the page.
    pub(crate) greeting: String,
    pub(crate) descriptions: [String; 2],
    pub(crate) connection: PeerConnection,
}

/// Connects a page with a connection of ours, and lets the page greet.
pub(crate) fn meet(
    kind: Kind,
    switches: &[&str],
    configuration: Configuration,
    offerer: Offerer,
) -> Result<Met, Failure> {
    let switches = switches.iter().map(|&switch| switch.to_owned()).collect();
    let options = Options { switches, ..Options::default() };
    let mut browser = Browser::launch(kind, &options)?;
    let page = b"<!doctype html><title>fast setup</title>".to_vec();
    let server = PageServer::start(Files::from([("/index.html".to_owned(), page)])).map_err(failure)?;
    browser.open(&server.origin())?;
    browser.run_async(PAGE)?;

    let mut ours = Ours::new(configuration)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (descriptions, thread) = match offerer {
        Offerer::Page => {
            let offer = text(browser.run_async("use(pc.createDataChannel('x')); return await describe();")?)?;
            ours.take(SdpType::Offer, &offer)?;
            let answer = ours.describe()?;
            // Not sooner: a page of Chromium 156 may crash over a handshake that comes before the answer.
            browser.run_async(&take("answer", &answer))?;
            ([offer, answer], ours.run(Arc::clone(&stop)))
        }
        Offerer::Server => {
            ours.connection.create_data_channel("x", DataChannelInit::default()).map_err(failure)?;
            let offer = ours.describe()?;
            browser.run_async(&take("offer", &offer))?;
            let answer = text(browser.run_async("return await describe();")?)?;
            ours.take(SdpType::Answer, &answer)?;
            ([offer, answer], ours.run(Arc::clone(&stop)))
        }
    };
    let late = "new Promise((r) => setTimeout(() => r('nothing'), 15000))";
    let greeting = browser.run_async(&format!("return await Promise.race([answer, {late}]);"));
    stop.store(true, Ordering::Relaxed);
    let connection = thread.join().map_err(|_| failure("our side panicked"))?;
    Ok(Met { greeting: text(greeting?)?, descriptions, connection })
}

/// Connects, says hello, and looks at how it went.
pub(crate) fn play(offerer: Offerer) -> Outcome {
    let mut configuration = Configuration::default();
    (configuration.sped, configuration.snap) = (true, true);
    let Met { greeting, descriptions, connection } = meet(Kind::Chromium, &[TRIALS], configuration, offerer)?;
    let embedded = connection.transport().embedded();
    let told = format!("{embedded:?}, drops {:?}", connection.drops());
    if greeting != "hello" {
        return Err(Failure(format!("{greeting} came back; {told}\n{}", descriptions.join("\n"))));
    }
    if embedded.sent == 0 || embedded.received == 0 {
        return Err(Failure(format!("the handshake did not go with the checks: {told}")));
    }
    if !descriptions.iter().all(|sdp| sdp.contains("\r\na=sctp-init:")) {
        return Err(Failure(format!("no SCTP handshake in a description:\n{}", descriptions.join("\n"))));
    }
    let sctp = connection.sctp_stats();
    if !sctp.interleaving {
        return Err(Failure(format!("messages do not interleave: {sctp:?}\n{}", descriptions.join("\n"))));
    }
    // Who answers begins the handshake, and Chromium does so with a post-quantum share of two datagrams.
    let group = connection.transport().dtls().and_then(Connection::group);
    if offerer == Offerer::Server && group != Some(NamedGroup::X25519MlKem768) {
        return Err(Failure(format!("keys were agreed on with {group:?}")));
    }
    println!("{}: {told}", offerer.name());
    Ok(())
}

/// Keys that no quantum computer finds out (X25519MLKEM768), with nothing else switched on: of a page that answers in its
/// hello, which takes two datagrams, and of a page that offers in ours.
pub(crate) fn play_post_quantum(kind: Kind, offerer: Offerer) -> Outcome {
    let mut configuration = Configuration::default();
    if offerer == Offerer::Page {
        configuration.key_agreement = KeyAgreement::PostQuantum;
    }
    let Met { greeting, connection, .. } = meet(kind, &[], configuration, offerer)?;
    let dtls = connection.transport().dtls();
    let agreed = (dtls.and_then(Connection::version), dtls.and_then(Connection::group));
    if greeting != "hello" || agreed != (Some(ProtocolVersion::Dtls13), Some(NamedGroup::X25519MlKem768)) {
        return Err(Failure(format!("{greeting} came back; {agreed:?}, drops {:?}", connection.drops())));
    }
    Ok(())
}

fn take(kind: &str, sdp: &str) -> String {
    let sdp = to_string(sdp).unwrap_or_default();
    format!("await pc.setRemoteDescription({{ type: '{kind}', sdp: {sdp} }});")
}

fn text(value: Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(Failure(format!("{other} instead of text"))),
    }
}
