//! A connection inside a game that draws sixty frames a second: once a frame it is given what has come and the time,
//! and asked what is to be sent. Nothing waits, nothing blocks, no thread is needed.
//!
//! Positions go over a channel that never repeats anything: a position that is late is worth nothing. Two players run
//! in one loop here, so that the example ends by itself.
//!
//! ```text
//! cargo run -p purertc --example game_loop
//! ```

// The core itself has neither clock nor sockets; a program that drives it has both.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use bytes::BytesMut;
use purertc::{
    ChannelEvent, Configuration, DataChannelId, DataChannelInit, Datagram, Ecn, Event, Init, Instant,
    LocalAddress, PeerConnection, SocketId,
};
use std::error::Error;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, SystemTime};

const FRAME: Duration = Duration::from_micros(16_667);
/// Five seconds of play.
const FRAMES: u32 = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let mut players = [Player::new([1; 32])?, Player::new([2; 32])?];
    let origin = std::time::Instant::now();
    let now = || Instant::from_micros(origin.elapsed().as_micros() as u64);

    // Unordered and never repeated: the newest position is the only one that counts.
    let init = DataChannelInit { ordered: false, max_retransmits: Some(0), ..DataChannelInit::default() };
    players[0].positions = Some(players[0].pc.create_data_channel("positions", init)?);
    let [first, second] = &mut players;
    first.pc.set_local_description(now(), None)?;
    second
        .pc
        .set_remote_description(now(), first.pc.local_description().expect("it was just set").clone())?;
    second.pc.set_local_description(now(), None)?;
    first
        .pc
        .set_remote_description(now(), second.pc.local_description().expect("it was just set").clone())?;

    for frame in 0..FRAMES {
        let began = std::time::Instant::now();
        for player in &mut players {
            player.receive(now())?;
            player.play(now(), frame);
            player.send(now())?;
        }
        // The rest of the frame is for drawing.
        std::thread::sleep(FRAME.saturating_sub(began.elapsed()));
    }
    for (number, player) in players.iter().enumerate() {
        println!(
            "player {number} saw {} positions of the other, the last at {:?}",
            player.seen, player.other
        );
    }
    Ok(())
}

struct Player {
    pc: PeerConnection,
    socket: UdpSocket,
    positions: Option<DataChannelId>,
    /// Whether the channel is open.
    plays: bool,
    other: Option<u32>,
    seen: u32,
    buffer: Vec<u8>,
    out: Vec<u8>,
}

impl Player {
    /// The seed is a constant to keep this short; a game takes it from the operating system.
    fn new(seed: [u8; 32]) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let init = Init::new(Instant::ZERO, SystemTime::now(), seed);
        let mut pc = PeerConnection::new(Configuration::default(), init)?;
        pc.add_local_address(Instant::ZERO, LocalAddress::udp(SocketId(0), socket.local_addr()?));
        let (buffer, out) = (vec![0; 65_536], Vec::new());
        Ok(Self { pc, socket, positions: None, plays: false, other: None, seen: 0, buffer, out })
    }

    /// Hands over what has come since the last frame, and the time.
    fn receive(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        let local = LocalAddress::udp(SocketId(0), self.socket.local_addr()?);
        loop {
            match self.socket.recv_from(&mut self.buffer) {
                Ok((len, from)) => {
                    let data = BytesMut::from(&self.buffer[..len]);
                    self.pc.handle_datagram(now, Datagram { path: local.to(from), ecn: Ecn::NotEct, data });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        // Early calls are harmless, so it need not be asked for the deadline.
        self.pc.handle_timeout(now);
        Ok(())
    }

    fn play(&mut self, now: Instant, frame: u32) {
        while let Some(event) = self.pc.poll_event() {
            match event {
                Event::DataChannel(id) => self.positions = Some(id),
                Event::Channel(_, ChannelEvent::Open) => self.plays = true,
                Event::Channel(_, ChannelEvent::Message(message)) => {
                    if let Ok(bytes) = <[u8; 4]>::try_from(&message.data[..]) {
                        // What was overtaken is older than what is known.
                        self.other = self.other.max(Some(u32::from_be_bytes(bytes)));
                        self.seen += 1;
                    }
                }
                _ => {}
            }
        }
        if self.plays
            && let Some(mut channel) = self.positions.and_then(|id| self.pc.data_channel(id))
        {
            // A full buffer means that the network is slow; the next frame has a newer position.
            let _ = channel.send(now, frame.to_be_bytes().to_vec());
        }
    }

    fn send(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        while let Some(transmit) = self.pc.poll_transmit(now, &mut self.out) {
            for datagram in transmit.datagrams(&self.out) {
                self.socket.send_to(datagram, transmit.path.remote)?;
            }
        }
        Ok(())
    }
}
