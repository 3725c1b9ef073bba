//! The load: peers with a socket each, all in one loop, driven by hand so that thousands fit into one process.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream, UdpSocket as StdSocket};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use purertc::{
    ChannelEvent, Configuration, DataChannelId, Event, Instant, LocalAddress, PeerConnection,
    PeerConnectionState, SdpType, SessionDescription, SocketId,
};
use purertc_mio::net::{Clock, Inbox, Outbox, Socket, SocketSettings, init};

use crate::scenarios::Options;
use crate::scenarios::scale::signals::{Signal, Signals};
use crate::scenarios::scale::{Kind, Outcome, Seen, Task, server};

/// The token of the waker; others are those of peers.
const WAKER: Token = Token(usize::MAX - 1);
/// Longer than this is a failure.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that one that floods keeps queued.
const QUEUE: u64 = 1 << 18;

struct Peer {
    pc: PeerConnection,
    socket: Socket<UdpSocket>,
    channel: DataChannelId,
    began: Instant,
    outbox: Outbox,
    armed: Option<Instant>,
    is_open: bool,
}

struct World {
    task: Task,
    configuration: Configuration,
    poll: Poll,
    clock: Clock,
    signals: Vec<Signals>,
    peers: Vec<Option<Box<Peer>>>,
    deadlines: BTreeSet<(Instant, usize)>,
    inbox: Inbox,
    message: Bytes,
    /// Milliseconds until each was open.
    opened: Vec<f64>,
    done: usize,
    failed: usize,
}

/// The process of the load.
pub fn generate(options: &Options) {
    let task = options.child.as_deref().and_then(|task| serde_json::from_str(task).ok());
    let outcome = task.ok_or_else(|| "no task".into()).and_then(|task: Task| World::new(task)?.run());
    if let Err(error) = outcome {
        eprintln!("load: {error}");
    }
}

impl World {
    fn new(task: Task) -> Outcome<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let connect =
            |port: &u16| Signals::new(TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?, waker.clone());
        let signals = task.ports.iter().map(connect).collect::<Outcome<_>>()?;
        let mut configuration = Configuration::default();
        configuration.certificates = vec![server::certificate()?];
        let size = if task.kind == Kind::Floods { 16 << 10 } else { 100 };
        Ok(Self {
            configuration,
            poll,
            clock: Clock::start(),
            signals,
            peers: Vec::new(),
            deadlines: BTreeSet::new(),
            inbox: Inbox::default(),
            message: Bytes::from(vec![7; size]),
            opened: Vec::new(),
            done: 0,
            failed: 0,
            task,
        })
    }

    fn run(mut self) -> Outcome {
        let mut events = Events::with_capacity(1_024);
        let began = self.clock.now();
        let mut told = false;
        let (stop, stopped) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = io::stdin().read(&mut [0]);
            let _ = stop.send(());
        });
        loop {
            self.begin_due(began)?;
            let now = self.clock.now();
            let next = self.deadlines.first().map(|(at, _)| at.saturating_since(now));
            let next_begins = (self.peers.len() < self.task.peers)
                .then(|| (began + self.begins_after(self.peers.len())).saturating_since(now));
            let wait = [next, next_begins].into_iter().flatten().min().unwrap_or(Duration::from_secs(1));
            self.poll.poll(&mut events, Some(wait.min(Duration::from_secs(1))))?;
            self.take_answers()?;
            for event in &events {
                if event.token() != WAKER {
                    self.receive(event.token().0);
                }
            }
            self.take_deadlines();
            if !told && self.done + self.failed >= self.task.peers {
                told = true;
                self.report(began)?;
            }
            if stopped.try_recv().is_ok() {
                return Ok(());
            }
        }
    }

    fn begins_after(&self, number: usize) -> Duration {
        Duration::from_secs_f64(number as f64 / self.task.rate)
    }

    fn report(&mut self, began: Instant) -> Outcome {
        self.opened.sort_by(f64::total_cmp);
        let slowest = self.opened.get(self.opened.len() * 99 / 100).copied().unwrap_or_default();
        let seconds = self.clock.now().saturating_since(began).as_secs_f64();
        let seen = Seen { connected: self.opened.len(), failed: self.failed, seconds, slowest };
        println!("{}", serde_json::to_string(&seen)?);
        Ok(())
    }

    /// Has those begin whose time has come, a few at a time, so that the others are not kept waiting.
    fn begin_due(&mut self, began: Instant) -> Outcome {
        for _ in 0..16 {
            let number = self.peers.len();
            if number >= self.task.peers || self.clock.now() < began + self.begins_after(number) {
                break;
            }
            self.begin(number)?;
        }
        Ok(())
    }

    fn begin(&mut self, number: usize) -> Outcome {
        let now = self.clock.now();
        let mut pc = PeerConnection::new(self.configuration.clone(), init(now)?)?;
        let io = StdSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        io.set_nonblocking(true)?;
        let local = LocalAddress::udp(SocketId(0), io.local_addr()?);
        let mut io = UdpSocket::from_std(io);
        self.poll.registry().register(&mut io, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        let socket = Socket::new(io, local, &SocketSettings::default())?;
        pc.add_local_address(now, local);
        let channel = pc.create_data_channel("load", Default::default())?;
        pc.set_local_description(now, None)?;
        let sdp = pc.local_description().ok_or("it was just set")?.sdp.clone();
        let member = number % self.signals.len();
        self.signals[member].say(&Signal { number, sdp })?;
        let outbox = Outbox::default();
        let peer = Peer { pc, socket, channel, began: now, outbox, armed: None, is_open: false };
        self.peers.push(Some(Box::new(peer)));
        self.look_after(number);
        Ok(())
    }

    fn take_answers(&mut self) -> Outcome {
        let now = self.clock.now();
        for member in 0..self.signals.len() {
            loop {
                let Ok(heard) = self.signals[member].hear() else { return Err("the server is gone".into()) };
                let Some(Signal { number, sdp }) = heard else { break };
                if let Some(peer) = &mut self.peers[number] {
                    peer.pc.set_remote_description(now, SessionDescription::new(SdpType::Answer, sdp))?;
                    self.look_after(number);
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, number: usize) {
        // Its answer cannot have come to one that is gone.
        let Some(Some(peer)) = self.peers.get_mut(number) else { return };
        while peer.socket.io().try_io(|| peer.socket.receive(&mut self.inbox)).is_ok() {
            let now = self.clock.now();
            peer.pc.handle_datagrams(now, self.inbox.drain());
        }
        self.look_after(number);
    }

    fn take_deadlines(&mut self) {
        let now = self.clock.now();
        while let Some(&(at, number)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            let Some(peer) = &mut self.peers[number] else { continue };
            peer.armed = None;
            if !peer.is_open && now.saturating_since(peer.began) > PATIENCE {
                self.fail(number, "too slow");
                continue;
            }
            if peer.pc.poll_timeout().is_some_and(|due| due <= now) {
                peer.pc.handle_timeout(now);
            }
            self.look_after(number);
        }
    }

    fn fail(&mut self, number: usize, why: &str) {
        if let Some(peer) = self.peers[number].take() {
            if self.failed < 5 {
                let (ice, dtls) = (peer.pc.ice_connection_state(), peer.pc.transport().dtls_state());
                eprintln!("load: peer {number}: {why}: {ice}, DTLS {dtls}, dropped {:?}", peer.pc.drops());
            }
            self.deadlines.retain(|(_, other)| *other != number);
            self.failed += 1;
        }
    }

    /// Reads what happened, sends what is to be sent, and notes when the next thing is due.
    fn look_after(&mut self, number: usize) {
        let kind = self.task.kind;
        let now = self.clock.now();
        let Some(peer) = &mut self.peers[number] else { return };
        let mut over = None;
        while let Some(event) = peer.pc.poll_event() {
            match event {
                Event::Channel(id, ChannelEvent::Open) => {
                    peer.is_open = true;
                    self.opened.push(now.saturating_since(peer.began).as_secs_f64() * 1e3);
                    match kind {
                        Kind::Stays | Kind::Floods => self.done += 1,
                        Kind::Visits => {
                            let mut channel = peer.pc.data_channel(id).expect("it is open");
                            channel.send(now, self.message.clone()).expect("there is room");
                        }
                    }
                }
                Event::Channel(_, ChannelEvent::Message(_)) if kind == Kind::Visits => over = Some(None),
                Event::ConnectionStateChange(PeerConnectionState::Failed) => over = Some(Some("failed")),
                _ => {}
            }
        }
        if kind == Kind::Floods
            && peer.is_open
            && let Some(mut channel) = peer.pc.data_channel(peer.channel)
        {
            channel.set_buffered_amount_low_threshold(QUEUE / 2);
            while channel.buffered_amount() < QUEUE && channel.send(now, self.message.clone()).is_ok() {}
        }
        if over == Some(None) {
            peer.pc.close(now);
        }
        while peer.outbox.load(self.clock.now(), &mut peer.pc).is_some() {
            if peer.socket.io().try_io(|| peer.socket.send(&mut peer.outbox)).is_err() {
                break;
            }
        }
        let mut due = peer.pc.poll_timeout();
        if !peer.is_open {
            due = due.into_iter().chain([peer.began + PATIENCE + Duration::from_millis(1)]).min();
        }
        if due != peer.armed {
            peer.armed.map(|at| self.deadlines.remove(&(at, number)));
            peer.armed = due;
            self.deadlines.extend(due.map(|at| (at, number)));
        }
        match over {
            None => {}
            Some(Some(why)) => self.fail(number, why),
            Some(None) => {
                peer.armed.map(|at| self.deadlines.remove(&(at, number)));
                self.peers[number] = None;
                self.done += 1;
            }
        }
    }
}
