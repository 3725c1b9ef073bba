//! A connection in a hand-written loop with nothing but `std`: one thread, one socket, no runtime.
//!
//! Two threads, each with a loop of its own, stand for two programs; what they signal goes through channels of
//! `std::sync::mpsc`. Everything else is real: two UDP sockets, ICE, DTLS and SCTP between them.
//!
//! ```text
//! cargo run -p purertc --example blocking
//! ```

// The core itself has neither clock nor sockets; a program that drives it has both.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use bytes::BytesMut;
use purertc::{
    ChannelEvent, Configuration, DataChannelInit, Datagram, Ecn, Event, Init, Instant, LocalAddress,
    PeerConnection, PeerConnectionState, SessionDescription, SocketId,
};
use std::error::Error;
use std::io::{ErrorKind, Read as _};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let (to_answerer, from_offerer) = channel();
    let (to_offerer, from_answerer) = channel();
    let answerer = std::thread::spawn(move || answer(&to_offerer, &from_offerer));
    offer(&to_answerer, &from_answerer)?;
    answerer.join().expect("the answerer does not panic")
}

fn offer(signal: &Sender<SessionDescription>, answers: &Receiver<SessionDescription>) -> Outcome {
    let mut peer = Peer::new()?;
    let greetings = peer.pc.create_data_channel("greetings", DataChannelInit::default())?;
    peer.pc.set_local_description(peer.now(), None)?;
    signal.send(peer.pc.local_description().expect("it was just set").clone())?;
    peer.pc.set_remote_description(peer.now(), answers.recv()?)?;
    while let Some(event) = peer.next_event()? {
        let now = peer.now();
        match event {
            Event::Channel(id, ChannelEvent::Open) if id == greetings => {
                peer.pc.data_channel(id).expect("it is open").send_text(now, "hello")?;
            }
            Event::Channel(_, ChannelEvent::Message(message)) => {
                println!("offerer: {}", String::from_utf8_lossy(&message.data));
                peer.pc.close(now);
            }
            _ => {}
        }
    }
    Ok(())
}

fn answer(signal: &Sender<SessionDescription>, offers: &Receiver<SessionDescription>) -> Outcome {
    let mut peer = Peer::new()?;
    peer.pc.set_remote_description(peer.now(), offers.recv()?)?;
    peer.pc.set_local_description(peer.now(), None)?;
    signal.send(peer.pc.local_description().expect("it was just set").clone())?;
    while let Some(event) = peer.next_event()? {
        let now = peer.now();
        match event {
            Event::Channel(id, ChannelEvent::Message(message)) => {
                println!("answerer: {}", String::from_utf8_lossy(&message.data));
                peer.pc.data_channel(id).expect("it is open").send_text(now, "and hello to you")?;
            }
            // The other side said goodbye.
            Event::ConnectionStateChange(
                PeerConnectionState::Closed | PeerConnectionState::Disconnected | PeerConnectionState::Failed,
            ) => peer.pc.close(now),
            Event::Channel(_, ChannelEvent::Close) => peer.pc.close(now),
            _ => {}
        }
    }
    Ok(())
}

/// A connection and what drives it.
struct Peer {
    pc: PeerConnection,
    socket: UdpSocket,
    /// What instants are counted from.
    origin: std::time::Instant,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl Peer {
    fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let init = Init::new(Instant::ZERO, SystemTime::now(), seed()?);
        let mut pc = PeerConnection::new(Configuration::default(), init)?;
        pc.add_local_address(Instant::ZERO, LocalAddress::udp(SocketId(0), socket.local_addr()?));
        let origin = std::time::Instant::now();
        Ok(Self { pc, socket, origin, out: Vec::new(), buffer: vec![0; 65_536] })
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.origin.elapsed().as_micros() as u64)
    }

    /// Drives the connection until it has something to say; `None` when it is closed and all is sent.
    fn next_event(&mut self) -> std::io::Result<Option<Event>> {
        loop {
            while let Some(transmit) = self.pc.poll_transmit(self.now(), &mut self.out) {
                for datagram in transmit.datagrams(&self.out) {
                    self.socket.send_to(datagram, transmit.path.remote)?;
                }
            }
            if let Some(event) = self.pc.poll_event() {
                return Ok(Some(event));
            }
            if self.pc.connection_state() == PeerConnectionState::Closed {
                return Ok(None);
            }
            self.wait()?;
        }
    }

    /// Sleeps until a datagram comes or the next deadline does.
    fn wait(&mut self) -> std::io::Result<()> {
        let left = self.pc.poll_timeout().map(|deadline| deadline.saturating_since(self.now()));
        // A socket cannot wait for no time at all.
        self.socket.set_read_timeout(left.map(|left| left.max(Duration::from_micros(1))))?;
        match self.socket.recv_from(&mut self.buffer) {
            Ok((len, from)) => {
                let path = LocalAddress::udp(SocketId(0), self.socket.local_addr()?).to(from);
                let data = BytesMut::from(&self.buffer[..len]);
                self.pc.handle_datagram(self.now(), Datagram { path, ecn: Ecn::NotEct, data });
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.pc.handle_timeout(self.now());
                Ok(())
            }
            // On some systems: a datagram that was sent earlier met a closed port.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What nobody can guess, from the operating system. Programs that run elsewhere than on Unix take the `getrandom`
/// crate.
fn seed() -> std::io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(seed)
}
