//! The ICE agent alone: two agents find a path through sockets of loopback. No DTLS, no data: what one builds another
//! protocol on.
//!
//! ```text
//! cargo run -p purertc --example ice
//! ```

// The core itself has neither clock nor sockets; a program that drives it has both.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use purertc::base::random::Rng;
use purertc::transport::ice::{Agent, Config, Event, IceRole};
use purertc::{CryptoProvider, Instant, LocalAddress, SocketId};
use std::error::Error;
use std::net::UdpSocket;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let origin = std::time::Instant::now();
    let now = || Instant::from_micros(origin.elapsed().as_micros() as u64);
    // A program takes its numbers from the operating system.
    let mut ends = [End::new(1)?, End::new(2)?];
    ends[0].agent.set_role(now(), IceRole::Controlling);
    ends[1].agent.set_role(now(), IceRole::Controlled);
    for (us, peer) in [(0, 1), (1, 0)] {
        // What signalling would carry: credentials and candidates.
        let credentials = ends[peer].agent.local_credentials().clone();
        let address = LocalAddress::udp(SocketId(0), ends[peer].socket.local_addr()?);
        let candidate = ends[peer].agent.add_local_address(now(), address);
        let candidate =
            candidate.or_else(|| ends[peer].agent.host_candidate(address)).ok_or("no candidate")?;
        println!("{peer} offers {candidate}");
        ends[us].agent.set_remote_credentials(now(), credentials);
        ends[us].agent.add_remote_candidate(now(), &candidate);
        ends[us].agent.end_of_remote_candidates(now());
        ends[peer].agent.end_of_local_candidates(now());
    }
    while !ends.iter().all(|end| end.agent.selected().is_some()) {
        for (number, end) in ends.iter_mut().enumerate() {
            end.turn(now())?;
            while let Some(event) = end.agent.poll_event() {
                if let Event::StateChange(state) = event {
                    println!("{number} is {state}");
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    for end in &ends {
        let pair = end.agent.selected().ok_or("no pair")?;
        println!("{}, round trip {:?}", pair.path, pair.rtt.unwrap_or_default());
    }
    Ok(())
}

struct End {
    agent: Agent,
    socket: UdpSocket,
}

impl End {
    fn new(seed: u64) -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let hmac = CryptoProvider::default().hmac;
        Ok(Self { agent: Agent::new(Config::default(), hmac, Rng::from_number(seed)), socket })
    }

    fn turn(&mut self, now: Instant) -> std::io::Result<()> {
        let mut datagram = [0; 2_048];
        let local = LocalAddress::udp(SocketId(0), self.socket.local_addr()?);
        while let Ok((len, from)) = self.socket.recv_from(&mut datagram) {
            self.agent.handle_stun(now, local.to(from), &datagram[..len]);
        }
        self.agent.handle_timeout(now);
        let mut out = Vec::new();
        while let Some(transmit) = self.agent.poll_transmit(now, &mut out) {
            self.socket.send_to(&out, transmit.path.remote)?;
            out.clear();
        }
        Ok(())
    }
}
