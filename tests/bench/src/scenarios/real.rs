//! `dc-real`: two processes on this host, one thread each, through real sockets on loopback; beside the implementations that
//! have sockets of their own.
//!
//! Each peer is a process that signals by lines of JSON on its standard input and output. The one that offers sends messages of
//! 64 KiB without end; the other counts for some seconds, after one that does not count, and says what came.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mio::{Events, Poll, Token};
use purertc::{ChannelEvent, Configuration, DataChannelId, Event, IceGatheringState, SessionDescription};
use purertc_mio::Driver;
use purertc_mio::net::SocketSettings;
use serde::{Deserialize, Serialize};

use crate::report::{Metric, Report};
use crate::scenarios::Options;

const RATE: Metric = Metric::higher("payload", "Mbit/s");
const MESSAGE: usize = 64 << 10;
const WARM_UP: Duration = Duration::from_secs(1);
/// Bytes that the sender keeps queued.
const QUEUE: u64 = 1 << 20;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What a receiver says in the end.
#[derive(Serialize, Deserialize)]
struct Came {
    bytes: u64,
    seconds: f64,
}

/// A description on its way.
#[derive(Serialize, Deserialize)]
struct Line {
    r#type: String,
    sdp: String,
}

/// An implementation: its column, and the command that starts a peer of it.
struct Kind {
    name: &'static str,
    command: fn(mtu: &str) -> Command,
}

const KINDS: [Kind; 5] = [
    Kind { name: "purertc-mio", command: |mtu| ours("mio", mtu) },
    Kind { name: "purertc-tokio", command: |mtu| ours("tokio", mtu) },
    Kind { name: "node-datachannel", command: |_| script("node", "node-datachannel.mjs") },
    Kind { name: "werift", command: |_| script("node", "werift.mjs") },
    Kind {
        name: "aiortc",
        command: |_| {
            script(concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/peers/venv/bin/python"), "aiortc_peer.py")
        },
    },
];

fn ours(adapter: &str, mtu: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program has a path"));
    command.args(["dc-real", "--mtu", mtu, "--child", adapter]);
    command
}

fn script(program: &str, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name));
    command
}

pub fn run(options: &Options) {
    let mut report = Report::new("dc-real");
    let wanted = |kind: &&Kind| options.only.as_ref().is_none_or(|only| kind.name.contains(only.as_str()));
    for _ in 0..options.runs {
        for kind in KINDS.iter().filter(wanted) {
            let sizes =
                if kind.name.starts_with("purertc") { &[1_200, 1_452, 9_000, 16_000][..] } else { &[0] };
            for &size in sizes.iter().filter(|&&size| size == 0 || options.mtu.is_none_or(|mtu| mtu == size))
            {
                let case =
                    if size == 0 { "as it comes".to_owned() } else { format!("datagrams of {size} B") };
                match measure(kind, size, options.secs) {
                    Ok(Came { bytes, seconds }) => {
                        report.add(&case, RATE, kind.name, bytes as f64 * 8.0 / seconds / 1e6);
                    }
                    Err(error) => eprintln!("{}, {case}: {error}", kind.name),
                }
            }
        }
    }
    report.print(options.json);
}

/// A peer in a process of its own, which ends with this.
struct Peer {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Peer {
    fn start(kind: &Kind, mtu: usize, offers: bool, seconds: f64) -> Outcome<Self> {
        let mut command = (kind.command)(&mtu.to_string());
        if offers {
            command.arg("--offer");
        }
        if kind.name.starts_with("purertc") {
            command.arg("--secs");
        }
        command.arg(seconds.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, lines })
    }

    fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("it ended early".into());
        }
        Ok(line)
    }

    fn tell(&mut self, line: &str) -> Outcome {
        self.input.write_all(line.as_bytes())?;
        Ok(self.input.flush()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure(kind: &Kind, mtu: usize, seconds: f64) -> Outcome<Came> {
    let mut sender = Peer::start(kind, mtu, true, seconds)?;
    let mut receiver = Peer::start(kind, mtu, false, seconds)?;
    receiver.tell(&sender.hear()?)?;
    sender.tell(&receiver.hear()?)?;
    Ok(serde_json::from_str(&receiver.hear()?)?)
}

/// The process of one of our peers.
pub fn serve(options: &Options) {
    let tokio = options.child.as_deref() == Some("tokio");
    let outcome = if tokio { tokio_peer(options) } else { mio_peer(options) };
    if let Err(error) = outcome {
        eprintln!("{error}");
    }
}

fn settings(options: &Options) -> (Configuration, SocketSettings) {
    let (mut configuration, mut sockets) = (Configuration::default(), SocketSettings::default());
    if let Some(mtu) = options.mtu {
        configuration.mtu = mtu;
        configuration.data.largest_ip_packet = 0;
    }
    sockets.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    (configuration, sockets)
}

fn say(description: Option<&SessionDescription>) -> Outcome {
    let description = description.ok_or("no description")?;
    let line = Line { r#type: description.kind.to_string(), sdp: description.sdp.clone() };
    println!("{}", serde_json::to_string(&line)?);
    Ok(())
}

fn hear() -> Outcome<SessionDescription> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let Line { r#type, sdp } = serde_json::from_str(&line)?;
    Ok(SessionDescription::new(r#type.parse()?, sdp))
}

/// Counts what comes, from a second after the first on.
struct Counter {
    span: Duration,
    bytes: u64,
    began: Option<Instant>,
}

impl Counter {
    fn new(options: &Options) -> Self {
        Self { span: Duration::from_secs_f64(options.secs), bytes: 0, began: None }
    }

    /// Whether the time is over, and it has been said what came.
    fn take(&mut self, len: usize) -> Outcome<bool> {
        let began = *self.began.get_or_insert_with(|| Instant::now() + WARM_UP);
        let Some(passed) = Instant::now().checked_duration_since(began) else { return Ok(false) };
        self.bytes += len as u64;
        if passed >= self.span {
            let came = Came { bytes: self.bytes, seconds: passed.as_secs_f64() };
            println!("{}", serde_json::to_string(&came)?);
            return Ok(true);
        }
        Ok(false)
    }
}

/// One thread, one loop.
struct MioPeer {
    driver: Driver,
    channel: Option<DataChannelId>,
    message: Bytes,
    counter: Counter,
}

fn mio_peer(options: &Options) -> Outcome {
    let (configuration, sockets) = settings(options);
    let mut poll = Poll::new()?;
    let driver = Driver::new(configuration, &sockets, poll.registry(), Token(0))?;
    let message = Bytes::from(vec![7; MESSAGE]);
    let mut peer = MioPeer { driver, channel: None, message, counter: Counter::new(options) };
    let now = peer.driver.now();
    let connection = peer.driver.connection();
    if options.offer {
        peer.channel = Some(connection.create_data_channel("bench", Default::default())?);
    } else {
        connection.set_remote_description(now, hear()?)?;
    }
    peer.driver.connection().set_local_description(now, None)?;
    let mut events = Events::with_capacity(64);
    loop {
        if peer.take_events(options)? {
            return Ok(());
        }
        peer.fill();
        peer.driver.flush();
        poll.poll(&mut events, peer.driver.timeout())?;
        peer.driver.turn(&events);
    }
}

impl MioPeer {
    /// Whether it is over.
    fn take_events(&mut self, options: &Options) -> Outcome<bool> {
        while let Some(event) = self.driver.poll_event() {
            match event {
                Event::IceGatheringStateChange(IceGatheringState::Complete) => {
                    say(self.driver.connection().local_description())?;
                    if options.offer {
                        let (now, answer) = (self.driver.now(), hear()?);
                        self.driver.connection().set_remote_description(now, answer)?;
                    }
                }
                Event::Channel(_, ChannelEvent::Message(message))
                    if self.counter.take(message.data.len())? =>
                {
                    return Ok(true);
                }
                _ => (),
            }
        }
        Ok(false)
    }

    fn fill(&mut self) {
        let now = self.driver.now();
        let channel = self.channel.and_then(|id| self.driver.connection().data_channel(id));
        let Some(mut channel) = channel else { return };
        channel.set_buffered_amount_low_threshold(QUEUE / 2);
        while channel.buffered_amount() < QUEUE && channel.send(now, self.message.clone()).is_ok() {}
    }
}

fn tokio_peer(options: &Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (configuration, sockets) = settings(options);
        let mut settings = purertc_tokio::Settings::from(configuration);
        settings.sockets = sockets;
        let pc = purertc_tokio::PeerConnection::new(settings).await?;
        let channel = match options.offer {
            true => Some(pc.create_data_channel("bench", Default::default())?),
            false => None,
        };
        if !options.offer {
            pc.set_remote_description(hear()?).await?;
        }
        pc.set_local_description(None).await?;
        pc.gathering_complete().await;
        say(pc.local_description().as_ref())?;
        if let Some(channel) = channel {
            pc.set_remote_description(hear()?).await?;
            let message = Bytes::from(vec![7; MESSAGE]);
            // Until the receiver has seen enough.
            while channel.send(message.clone()).await.is_ok() {}
            return Ok(());
        }
        let mut counter = Counter::new(options);
        while let Some(event) = pc.next_event().await {
            if let purertc_tokio::Event::DataChannel(channel) = event {
                while let Some(message) = channel.recv().await {
                    if counter.take(message.data.len())? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    })
}
