//! Offers and answers with audio and video, between a connection of ours in this process and one of the browser's in a
//! blank page: what either side writes is taken by the other, the transport connects, and a data channel works beside it.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use purertc::{
    BundlePolicy, ChannelEvent, Configuration, DataChannelId, Datagram, Event, IceGatheringState, Init,
    Instant, IoId, IoRequest, IoResponse, LocalAddress, MediaKind, MediaStreamTrack, MessageKind,
    OfferOptions, PeerConnection, RtcpMuxPolicy, RtpEncodingParameters, RtpTransceiverDirection,
    RtpTransceiverInit, SdpType, SessionDescription, SignalingState, SocketId, StatsOf, StatsSelector,
    StreamName,
};
use purertc_tests::browser::Browser;
use purertc_tests::pages::{Files, PageServer};
use serde_json::{Value, json};

use crate::stage::{Failure, Outcome};

/// What the page brings along.
pub(crate) const PAGE: &str = r"<!doctype html><title>media</title><script>
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function until(test, what) {
  for (let i = 0; i < 400; i++) { if (await test()) return; await sleep(25); }
  throw new Error(`${what}: ${pc.signalingState} ${pc.iceConnectionState} ${pc.connectionState}`);
}
function make(bundlePolicy) {
  window.pc?.close();
  window.pc = new RTCPeerConnection({ bundlePolicy });
  window.received = 0;
  pc.ondatachannel = ({ channel }) => { window.theirs = channel; listen(channel); };
}
function listen(channel) {
  channel.binaryType = 'arraybuffer';
  channel.onmessage = ({ data }) => {
    if (typeof data === 'string' && data.startsWith('ping')) channel.send(data.replace('ping', 'pong'));
    else window.received += data.byteLength ?? 0;
    if (typeof data === 'string') window.heard = data;
  };
}
async function local() {
  await pc.setLocalDescription();
  await until(() => pc.iceGatheringState === 'complete', 'gathering');
  return pc.localDescription.toJSON();
}
const shape = () => pc.getTransceivers().map((t) => [t.mid, t.currentDirection]);
</script>";

/// Our side: a connection and its socket, driven by a thread.
pub(crate) struct Native {
    pub(crate) pc: PeerConnection,
    socket: UdpSocket,
    address: LocalAddress,
    /// Sockets that the connection asked for.
    ports: Vec<(IoId, UdpSocket, LocalAddress)>,
    start: std::time::Instant,
    pub(crate) events: Vec<Event>,
    bytes: usize,
    /// Takes events that something is to be done about at once: `true` for those that nobody asks for later.
    pub(crate) react: Reaction,
    /// How often the network loses a datagram, either way: one in so many. 0 for never.
    pub(crate) loses_one_in: u32,
    /// The same, evenly: never two of neighbours.
    pub(crate) loses_each: u32,
    dice: u32,
    datagrams: u32,
}

/// What is done about an event at once.
pub(crate) type Reaction = fn(&mut PeerConnection, Instant, &Event) -> bool;

impl Native {
    fn new(configuration: Configuration) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure(error.to_string());
        let socket = UdpSocket::bind((routed_address(), 0)).map_err(failed)?;
        socket.set_read_timeout(Some(Duration::from_millis(2))).map_err(failed)?;
        let address = LocalAddress::udp(SocketId(0), socket.local_addr().map_err(failed)?);
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&address.address.port().to_be_bytes());
        let start = std::time::Instant::now();
        let mut pc = PeerConnection::new(configuration, Init::new(Instant::ZERO, SystemTime::now(), seed))
            .map_err(|error| Failure(error.to_string()))?;
        pc.add_local_address(Instant::ZERO, address);
        let react: Reaction = |_, _, _| false;
        Ok(Self {
            pc,
            socket,
            address,
            ports: Vec::new(),
            start,
            events: Vec::new(),
            bytes: 0,
            react,
            loses_one_in: 0,
            loses_each: 0,
            dice: 1,
            datagrams: 0,
        })
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Opens the ports that the connection asks for, and closes them.
    fn serve(&mut self) {
        while let Some(request) = self.pc.poll_io_request() {
            let now = self.now();
            match request {
                IoRequest::Bind { id, at } => {
                    let number = SocketId(1 + self.ports.len() as u32);
                    let bound = UdpSocket::bind((at, 0)).and_then(|socket| {
                        socket.set_nonblocking(true)?;
                        let local = LocalAddress::udp(number, socket.local_addr()?);
                        self.ports.push((id, socket, local));
                        Ok(local)
                    });
                    let failed = |error: std::io::Error| IoResponse::Failed(error.to_string());
                    let response = bound.map_or_else(failed, IoResponse::Bound);
                    self.pc.handle_io_response(now, id, response);
                }
                IoRequest::Close { stream: StreamName::Requested(id) } => {
                    self.ports.retain(|(known, ..)| *known != id);
                }
                _ => {}
            }
        }
    }

    fn socket_of(&self, id: SocketId) -> &UdpSocket {
        let own = self.ports.iter().find(|(_, _, local)| local.socket == id);
        own.map_or(&self.socket, |(_, socket, _)| socket)
    }

    /// Sends what is to be sent, and takes one datagram of each socket if there is one.
    fn turn(&mut self) {
        self.serve();
        let mut buffer = Vec::new();
        while let Some(transmit) = self.pc.poll_transmit(self.now(), &mut buffer) {
            for datagram in transmit.datagrams(&buffer) {
                if self.is_lost() {
                    continue;
                }
                let _ = self.socket_of(transmit.path.socket).send_to(datagram, transmit.path.remote);
            }
        }
        let mut datagram = [0; 2048];
        if let Ok((size, remote)) = self.socket.recv_from(&mut datagram)
            && !self.is_lost()
        {
            let data = BytesMut::from(&datagram[..size]);
            let path = self.address.to(remote);
            self.pc.handle_datagram(self.now(), Datagram { path, ecn: Default::default(), data });
        }
        for at in 0..self.ports.len() {
            let (_, socket, local) = &self.ports[at];
            if let Ok((size, remote)) = socket.recv_from(&mut datagram) {
                let data = BytesMut::from(&datagram[..size]);
                let path = local.to(remote);
                self.pc.handle_datagram(self.now(), Datagram { path, ecn: Default::default(), data });
            }
        }
        self.pc.handle_timeout(self.now());
        while let Some(event) = self.pc.poll_event() {
            let now = self.now();
            if (self.react)(&mut self.pc, now, &event) {
                continue;
            }
            if let Event::Channel(_, ChannelEvent::Message(message)) = &event
                && message.kind == MessageKind::Binary
            {
                self.bytes += message.data.len();
            } else {
                self.events.push(event);
            }
        }
    }

    /// Whether the network loses the next datagram.
    fn is_lost(&mut self) -> bool {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        self.datagrams += 1;
        self.loses_one_in > 0 && (self.dice >> 8).is_multiple_of(self.loses_one_in)
            || self.loses_each > 0 && self.datagrams.is_multiple_of(self.loses_each)
    }

    fn has_heard(&self, words: &str) -> bool {
        let is_it = |event: &Event| matches!(event, Event::Channel(_, ChannelEvent::Message(message)) if message.data == words.as_bytes());
        self.events.iter().any(is_it)
    }
}

/// The address of this host that the browser gathers, too.
fn routed_address() -> std::net::IpAddr {
    let routed = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("198.51.100.1:9")?;
        socket.local_addr()
    });
    routed.map_or([127, 0, 0, 1].into(), |address| address.ip())
}

/// Ours and the browser's.
pub(crate) struct Duet<'a> {
    browser: &'a mut Browser,
    native: Arc<Mutex<Native>>,
    running: Arc<AtomicBool>,
    channel: DataChannelId,
}

impl Drop for Duet<'_> {
    fn drop(&mut self) {
        self.running.store(false, Ordering::Relaxed);
    }
}

impl<'a> Duet<'a> {
    /// Both with a connection at rest, ours with a data channel.
    pub(crate) fn new(browser: &'a mut Browser, policy: BundlePolicy) -> Result<Self, Failure> {
        let mut configuration = Configuration::default();
        configuration.bundle_policy = policy;
        Self::with(browser, configuration)
    }

    fn with(browser: &'a mut Browser, configuration: Configuration) -> Result<Self, Failure> {
        let policy = configuration.bundle_policy;
        let mut native = Native::new(configuration)?;
        let channel = native.pc.create_data_channel("ours", Default::default());
        let channel = channel.map_err(|error| Failure(error.to_string()))?;
        let native = Arc::new(Mutex::new(native));
        let running = Arc::new(AtomicBool::new(true));
        let (driven, alive) = (Arc::clone(&native), Arc::clone(&running));
        std::thread::spawn(move || {
            while alive.load(Ordering::Relaxed) {
                lock(&driven).turn();
                // Whoever waits for the lock gets it.
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        browser.run_async(&format!("make('{policy}');"))?;
        Ok(Self { browser, native, running, channel })
    }

    pub(crate) fn ours(&self) -> MutexGuard<'_, Native> {
        lock(&self.native)
    }

    pub(crate) fn page(&mut self, body: &str) -> Result<Value, Failure> {
        Ok(self.browser.run_async(body)?)
    }

    fn add(&self, kind: MediaKind, direction: RtpTransceiverDirection) -> Outcome {
        let init = RtpTransceiverInit::direction(direction).in_streams(["s"]);
        self.ours().pc.add_transceiver(kind, init).map(drop).map_err(|error| Failure(error.to_string()))
    }

    pub(crate) fn our_description(&self) -> Result<SessionDescription, Failure> {
        let mut ours = self.ours();
        let now = ours.now();
        ours.pc.set_local_description(now, None).map_err(|error| Failure(error.to_string()))?;
        ours.pc.local_description().cloned().ok_or_else(|| Failure("no description was set".to_owned()))
    }

    pub(crate) fn hear(&self, said: Value) -> Outcome {
        let said: SessionDescription = serde_json::from_value(said).map_err(|e| Failure(e.to_string()))?;
        let mut ours = self.ours();
        let now = ours.now();
        let text = said.sdp.clone();
        ours.pc.set_remote_description(now, said).map_err(|error| Failure(format!("{error}\n{text}")))
    }

    pub(crate) fn tell(&mut self, description: &SessionDescription) -> Outcome {
        self.page(&format!("await pc.setRemoteDescription({});", json!(description)))
            .map(drop)
            .map_err(|Failure(words)| Failure(format!("{words}\n{}", description.sdp)))
    }

    pub(crate) fn we_offer(&mut self) -> Outcome {
        let offer = self.our_description()?;
        self.tell(&offer)?;
        let answer = self.page("return local();")?;
        self.hear(answer)
    }

    pub(crate) fn browser_offers(&mut self) -> Outcome {
        let offer = self.page("return local();")?;
        self.hear(offer)?;
        let answer = self.our_description()?;
        self.tell(&answer)
    }

    /// A message goes there and back, and the browser is content.
    pub(crate) fn echo(&mut self, word: &str) -> Outcome {
        self.page("await until(() => pc.connectionState === 'connected', 'the browser connects');")?;
        let mut ours = self.ours();
        let (now, channel) = (ours.now(), self.channel);
        let sent = ours.pc.data_channel(channel).map(|mut c| c.send_text(now, format!("ping {word}")));
        if !matches!(sent, Some(Ok(()))) {
            // It opens a moment after the transport.
            drop(ours);
            self.wait("the channel opens", |ours| {
                let opened = |event: &Event| matches!(event, Event::Channel(_, ChannelEvent::Open));
                ours.events.iter().any(opened)
            })?;
            ours = self.ours();
            let now = ours.now();
            let sent = ours.pc.data_channel(channel).map(|mut c| c.send_text(now, format!("ping {word}")));
            if !matches!(sent, Some(Ok(()))) {
                return Err(Failure(format!("the channel does not send: {sent:?}")));
            }
        }
        drop(ours);
        let expected = format!("pong {word}");
        self.wait("the echo", |ours| ours.has_heard(&expected))
    }

    pub(crate) fn wait(&self, what: &str, done: impl Fn(&Native) -> bool) -> Outcome {
        for _ in 0..1_000 {
            if done(&self.ours()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let ours = self.ours();
        let state = (ours.pc.signaling_state(), ours.pc.ice_connection_state(), ours.pc.connection_state());
        let text = ours.pc.remote_description().map_or("", |description| description.sdp.as_str());
        Err(Failure(format!("{what}: {state:?}, {:?}, {:?}\n{text}", ours.events, ours.pc.drops())))
    }

    /// The mids and directions of our transceivers are the other side of the browser's.
    fn agree(&mut self, sections: usize) -> Outcome {
        let theirs = self.page("return shape();")?;
        let mut ours = self.ours();
        let ids: Vec<_> = ours.pc.transceivers().collect();
        let mine: Vec<(Option<String>, Option<String>)> = ids
            .into_iter()
            .filter_map(|id| {
                let transceiver = ours.pc.transceiver(id)?;
                let direction = transceiver.current_direction()?.reversed().to_string();
                Some((transceiver.mid().map(str::to_owned), Some(direction)))
            })
            .collect();
        let mut theirs: Vec<(Option<String>, Option<String>)> =
            serde_json::from_value(theirs).map_err(|error| Failure(error.to_string()))?;
        theirs.retain(|(mid, _)| mid.is_some());
        theirs.sort();
        let mut sorted = mine.clone();
        sorted.sort();
        let agreed = ours.pc.negotiated_media().len();
        if sorted == theirs && agreed == sections {
            Ok(())
        } else {
            let texts = [ours.pc.local_description(), ours.pc.remote_description()];
            let texts: String = texts.into_iter().flatten().map(|text| text.sdp.as_str()).collect();
            Err(Failure(format!("ours {mine:?}, theirs {theirs:?}, agreed {agreed} of {sections}\n{texts}")))
        }
    }
}

fn lock(native: &Mutex<Native>) -> MutexGuard<'_, Native> {
    native.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of the things to try.
pub(crate) type Scene = fn(&mut Browser) -> Outcome;

/// Everything that is tried, with its name.
pub(crate) const SCENES: &[(&str, Scene)] = &[
    ("our offers in every bundle policy", our_offers),
    ("its offers in every bundle policy", its_offers),
    ("simulcast from us", simulcast_from_us),
    ("simulcast from the browser", simulcast_from_the_browser),
    ("sections are added, stopped and recycled", renegotiation),
    ("we give way in glare", we_give_way),
    ("the browser gives way in glare", the_browser_gives_way),
    ("ICE restarts in the middle of a transfer", restart_in_a_transfer),
    ("RTCP may have a port of its own", reports_apart),
];

/// One scene, in a page of its own.
pub(crate) fn play(browser: &mut Browser, page: &str, scene: Scene) -> Outcome {
    let files = Files::from([("/index.html".to_owned(), page.as_bytes().to_vec())]);
    let server = PageServer::start(files).map_err(|error| Failure(error.to_string()))?;
    browser.open(&server.origin())?;
    scene(browser)
}

fn our_offers(browser: &mut Browser) -> Outcome {
    for &policy in BundlePolicy::ALL {
        let mut duet = Duet::new(browser, policy)?;
        duet.add(MediaKind::Audio, RtpTransceiverDirection::SendRecv)?;
        duet.add(MediaKind::Video, RtpTransceiverDirection::SendRecv)?;
        duet.add(MediaKind::Video, RtpTransceiverDirection::RecvOnly)?;
        duet.we_offer()?;
        duet.agree(3)?;
        duet.echo(policy.as_str())?;
    }
    Ok(())
}

fn its_offers(browser: &mut Browser) -> Outcome {
    for &policy in BundlePolicy::ALL {
        let mut duet = Duet::new(browser, policy)?;
        duet.page(
            "pc.addTransceiver('audio'); pc.addTransceiver('video', { direction: 'sendonly' });
            pc.addTransceiver('video', { direction: 'recvonly' }); listen(pc.createDataChannel('page'));",
        )?;
        let track = MediaStreamTrack::new(MediaKind::Audio, "mic");
        duet.ours().pc.add_track(track, ["s"]).map_err(|error| Failure(error.to_string()))?;
        duet.browser_offers()?;
        duet.agree(3)?;
        duet.echo(policy.as_str())?;
    }
    Ok(())
}

fn simulcast_from_us(browser: &mut Browser) -> Outcome {
    let mut duet = Duet::new(browser, BundlePolicy::Balanced)?;
    let layers = ["q", "h", "f"].map(RtpEncodingParameters::with_rid).to_vec();
    let init = RtpTransceiverInit::direction(RtpTransceiverDirection::SendOnly).encodings(layers);
    let id = duet.ours().pc.add_transceiver(MediaKind::Video, init);
    let id = id.map_err(|error| Failure(error.to_string()))?;
    duet.we_offer()?;
    duet.agree(1)?;
    // Browsers receive one layer of what a sender has.
    let encodings =
        duet.ours().pc.sender(id.sender()).map(|mut sender| sender.get_parameters().encodings.len());
    if encodings != Some(1) {
        return Err(Failure(format!("{encodings:?} encodings are left")));
    }
    duet.echo("simulcast")
}

fn simulcast_from_the_browser(browser: &mut Browser) -> Outcome {
    let mut duet = Duet::new(browser, BundlePolicy::Balanced)?;
    duet.page(
        "const canvas = document.createElement('canvas'); canvas.getContext('2d').fillRect(0, 0, 9, 9);
        const [track] = canvas.captureStream(5).getTracks();
        const sendEncodings = [{ rid: 'q' }, { rid: 'h' }, { rid: 'f' }];
        pc.addTransceiver(track, { direction: 'sendonly', sendEncodings }); pc.createDataChannel('page');",
    )?;
    duet.browser_offers()?;
    duet.agree(1)?;
    let rids: Vec<String> =
        duet.ours().pc.negotiated_media()[0].receive_rids.iter().map(|rid| rid.id.clone()).collect();
    let kept = duet.page("return pc.getSenders()[0].getParameters().encodings.map((e) => e.rid);")?;
    if rids != ["q", "h", "f"] || kept != json!(["q", "h", "f"]) {
        return Err(Failure(format!("ours {rids:?}, theirs {kept}")));
    }
    duet.echo("simulcast")
}

fn renegotiation(browser: &mut Browser) -> Outcome {
    let mut duet = Duet::new(browser, BundlePolicy::Balanced)?;
    duet.we_offer()?;
    duet.echo("data alone")?;
    duet.add(MediaKind::Audio, RtpTransceiverDirection::SendRecv)?;
    duet.we_offer()?;
    duet.agree(1)?;
    duet.page("pc.addTransceiver('video');")?;
    duet.browser_offers()?;
    duet.agree(2)?;
    duet.echo("two more")?;
    // We stop the audio, and the browser takes its place; then the other way round.
    let stop = |duet: &Duet<'_>, kind: MediaKind| {
        let mut ours = duet.ours();
        let ids: Vec<_> = ours.pc.transceivers().collect();
        for id in ids {
            if let Some(mut found) = ours.pc.transceiver(id).filter(|found| found.kind() == kind) {
                return found.stop().map_err(|error| Failure(error.to_string()));
            }
        }
        Err(Failure(format!("there is no {kind}")))
    };
    stop(&duet, MediaKind::Audio)?;
    duet.we_offer()?;
    duet.agree(1)?;
    duet.page("pc.addTransceiver('video', { direction: 'recvonly' });")?;
    duet.browser_offers()?;
    duet.agree(2)?;
    duet.page("pc.getTransceivers()[0].stop();")?;
    duet.browser_offers()?;
    duet.agree(1)?;
    duet.add(MediaKind::Audio, RtpTransceiverDirection::SendOnly)?;
    duet.we_offer()?;
    duet.agree(2)?;
    duet.echo("at last")
}

fn we_give_way(browser: &mut Browser) -> Outcome {
    let mut duet = Duet::new(browser, BundlePolicy::Balanced)?;
    duet.add(MediaKind::Audio, RtpTransceiverDirection::SendRecv)?;
    duet.page("pc.addTransceiver('video'); pc.createDataChannel('page');")?;
    duet.our_description()?;
    duet.browser_offers()?;
    if duet.ours().pc.signaling_state() != SignalingState::Stable {
        return Err(Failure("the glare is not over".to_owned()));
    }
    duet.we_offer()?;
    duet.agree(2)?;
    duet.echo("after glare")
}

fn the_browser_gives_way(browser: &mut Browser) -> Outcome {
    let mut duet = Duet::new(browser, BundlePolicy::Balanced)?;
    duet.add(MediaKind::Audio, RtpTransceiverDirection::SendRecv)?;
    // With other media than ours, Chromium would take header extension ids twice and refuse its own next offer.
    duet.page("pc.addTransceiver('audio'); pc.addTransceiver('video'); await pc.setLocalDescription();")?;
    duet.we_offer()?;
    duet.browser_offers()?;
    duet.agree(3)?;
    duet.echo("after glare")
}

fn restart_in_a_transfer(browser: &mut Browser) -> Outcome {
    const PIECES: usize = 200;
    const PIECE: usize = 16_384;
    let mut duet = Duet::new(browser, BundlePolicy::Balanced)?;
    duet.add(MediaKind::Audio, RtpTransceiverDirection::SendRecv)?;
    duet.we_offer()?;
    duet.echo("before")?;
    // The page sends all the while.
    duet.page(&format!(
        "window.sent = (async () => {{
            for (let i = 0; i < {PIECES}; i++) {{
                while (theirs.bufferedAmount > 200000) await sleep(5);
                theirs.send(new Uint8Array({PIECE}));
                if (i % 20 === 0) await sleep(20);
            }}
            window.done = true;
        }})();"
    ))?;
    let offer = {
        let mut ours = duet.ours();
        let now = ours.now();
        let offer = ours.pc.create_offer(OfferOptions::restarting_ice());
        let offer = offer.map_err(|error| Failure(error.to_string()))?;
        ours.pc.set_local_description(now, Some(offer.into())).map_err(|e| Failure(e.to_string()))?;
        ours.pc.local_description().cloned()
    };
    let offer = offer.ok_or_else(|| Failure("no description was set".to_owned()))?;
    duet.tell(&offer)?;
    let answer = duet.page("return local();")?;
    let before = duet.ours().events.len();
    duet.hear(answer)?;
    duet.echo("restarted")?;
    // Firefox 153 fails for good where it is to restart before the restart before is over.
    let is_selected = |event: &Event| matches!(event, Event::SelectedCandidatePairChange(_));
    duet.wait("a path of the new generation", |ours| ours.events[before..].iter().any(is_selected))?;
    duet.page("await until(() => ['connected', 'completed'].includes(pc.iceConnectionState), 'the path');")?;
    // And once more, from the other side.
    duet.page("pc.restartIce();")?;
    duet.browser_offers()?;
    let sent = duet.page("await until(() => window.done, `${theirs.bufferedAmount} bytes are left`);");
    if let Err(Failure(words)) = sent {
        let ours = duet.ours();
        let pairs: Vec<_> = ours.pc.transport().ice().pairs().collect();
        return Err(Failure(format!(
            "{words}; {} came; {:?} {pairs:?} {:?}",
            ours.bytes,
            ours.events,
            ours.pc.drops()
        )));
    }
    duet.wait("every byte", |ours| ours.bytes == PIECES * PIECE)?;
    duet.agree(1)?;
    duet.echo("after")?;
    let rolled_back = {
        let mut ours = duet.ours();
        let now = ours.now();
        let offered = ours.pc.set_local_description(now, Some(SdpType::Offer.into()));
        offered.and_then(|()| ours.pc.set_local_description(now, Some(SdpType::Rollback.into())))
    };
    rolled_back.map_err(|error| Failure(error.to_string()))
}

/// What a peer says that neither multiplexes nor bundles.
fn without_mux(said: &SessionDescription) -> SessionDescription {
    let unwanted = |line: &&str| !line.starts_with("a=rtcp-mux") && !line.starts_with("a=group:BUNDLE");
    let lines = said.sdp.split_inclusive('\n').filter(unwanted);
    SessionDescription::new(said.kind, lines.collect::<String>())
}

/// A browser that takes the obsolete policy sends its reports to the port that they have; one that does not still takes
/// offers with one, and multiplexes.
fn reports_apart(browser: &mut Browser) -> Outcome {
    let mut configuration = Configuration::default();
    configuration.rtcp_mux_policy = RtcpMuxPolicy::Negotiate;
    let mut duet = Duet::with(browser, configuration)?;
    duet.add(MediaKind::Audio, RtpTransceiverDirection::SendRecv)?;
    duet.we_offer()?;
    duet.agree(1)?;
    duet.echo("multiplexed after all")?;
    if duet.ours().pc.transports().count() != 1 || !duet.ours().ports.is_empty() {
        return Err(Failure("the second port is still there".to_owned()));
    }
    drop(duet);

    let mut configuration = Configuration::default();
    configuration.rtcp_mux_policy = RtcpMuxPolicy::Negotiate;
    let mut duet = Duet::with(browser, configuration)?;
    let policy = duet.page(
        "pc.close();
        window.pc = new RTCPeerConnection({ bundlePolicy: 'max-compat', rtcpMuxPolicy: 'negotiate' });
        return pc.getConfiguration().rtcpMuxPolicy ?? 'unknown';",
    )?;
    if policy != json!("negotiate") {
        return Ok(());
    }
    let said = duet.page(
        "const sound = new AudioContext();
        const tone = sound.createOscillator();
        const out = sound.createMediaStreamDestination();
        tone.connect(out);
        tone.start();
        sound.resume();
        pc.addTrack(out.stream.getAudioTracks()[0], out.stream);
        return local();",
    )?;
    let said: SessionDescription = serde_json::from_value(said).map_err(|e| Failure(e.to_string()))?;
    duet.hear(json!(without_mux(&said)))?;
    duet.our_description()?;
    duet.wait("both ports are gathered from", |ours| {
        ours.pc.ice_gathering_state() == IceGatheringState::Complete
    })?;
    let answer = duet.ours().pc.local_description().cloned();
    duet.tell(&without_mux(&answer.ok_or_else(|| Failure("no answer was set".to_owned()))?))?;
    duet.page("await until(() => pc.connectionState === 'connected', 'the browser connects');")?;
    // Its reports come to the second port, and ours reach it from there.
    duet.wait("reports", |ours| {
        let Ok(report) = ours.pc.get_stats(ours.now(), StatsSelector::All) else { return false };
        let apart = report.get("T16").is_some_and(|stats| {
            matches!(&stats.of, StatsOf::Transport(of) if of.packets_received > 0 && of.packets_sent > 0)
        });
        apart && report.iter().any(|stats| matches!(&stats.of, StatsOf::RemoteOutboundRtp(_)))
    })?;
    duet.page(
        "await until(async () => [...(await pc.getStats()).values()]
            .some((stats) => stats.type === 'remote-inbound-rtp' && stats.roundTripTime !== undefined), 'our reports');",
    )?;
    Ok(())
}
