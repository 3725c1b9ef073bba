//! Two connections on a made-up network and a made-up clock: an hour passes in an instant, and the same seed gives the
//! same bytes, packet for packet.
//!
//! ```text
//! cargo run -p purertc --example simulation --features rustcrypto
//! ```

use bytes::BytesMut;
use purertc::crypto::rustcrypto;
use purertc::{
    ChannelEvent, Configuration, DataChannelInit, Datagram, Ecn, Event, Init, Instant, LocalAddress,
    PeerConnection, SocketId,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// One way.
const DELAY: Duration = Duration::from_millis(40);

fn main() -> Result<(), Box<dyn Error>> {
    let first = hour(7)?;
    println!("an hour: {} datagrams, {} pings answered, checksum {:016x}", first.0, first.1, first.2);
    assert_eq!(first, hour(7)?, "the same seed, the same hour");
    assert_ne!(first.2, hour(8)?.2, "another seed, another hour");
    println!("and again the same, byte for byte");
    Ok(())
}

/// Simulates an hour: how many datagrams were sent, how many pings were answered, and a checksum over every byte.
fn hour(seed: u8) -> Result<(u64, u32, u64), Box<dyn Error>> {
    let addresses: [SocketAddr; 2] = ["192.0.2.1:1000".parse()?, "192.0.2.2:2000".parse()?];
    let mut peers = [peer(seed, 0, addresses[0])?, peer(seed, 1, addresses[1])?];
    let mut now = Instant::ZERO;
    let pings = peers[0].create_data_channel("pings", DataChannelInit::default())?;
    peers[0].set_local_description(now, None)?;
    let offer = peers[0].local_description().expect("it was just set").clone();
    peers[1].set_remote_description(now, offer)?;
    peers[1].set_local_description(now, None)?;
    let answer = peers[1].local_description().expect("it was just set").clone();
    peers[0].set_remote_description(now, answer)?;

    // Datagrams under way, by when they arrive.
    let mut wire: BTreeMap<(Instant, u64), (usize, Vec<u8>)> = BTreeMap::new();
    let (mut sent, mut answered, mut checksum) = (0_u64, 0, 0xcbf2_9ce4_8422_2325_u64);
    let mut next_ping = None;
    let mut out = Vec::new();
    let end = Instant::ZERO + Duration::from_secs(3_600);
    while now < end {
        for from in [0, 1] {
            while let Some(event) = peers[from].poll_event() {
                match event {
                    Event::Channel(id, ChannelEvent::Open) if id == pings && from == 0 => {
                        next_ping = Some(now);
                    }
                    Event::Channel(id, ChannelEvent::Message(message)) if from == 1 => {
                        peers[1].data_channel(id).expect("open").send(now, message.data)?;
                    }
                    Event::Channel(_, ChannelEvent::Message(_)) => answered += 1,
                    _ => {}
                }
            }
            while let Some(transmit) = peers[from].poll_transmit(now, &mut out) {
                for datagram in transmit.datagrams(&out) {
                    for byte in datagram {
                        checksum = (checksum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
                    }
                    // Every fiftieth is lost.
                    if sent % 50 != 49 {
                        wire.insert((now + DELAY, sent), (1 - from, datagram.to_vec()));
                    }
                    sent += 1;
                }
            }
        }
        // On to whatever comes next.
        let arrival = wire.keys().next().map(|(at, _)| *at);
        let deadlines = peers.iter().map(PeerConnection::poll_timeout);
        now = deadlines.chain([arrival, next_ping, Some(end)]).flatten().min().unwrap_or(end).max(now);
        while let Some(entry) = wire.first_entry().filter(|entry| entry.key().0 <= now) {
            let (to, bytes) = entry.remove();
            let path = LocalAddress::udp(SocketId(0), addresses[to]).to(addresses[1 - to]);
            let data = BytesMut::from(&bytes[..]);
            peers[to].handle_datagram(now, Datagram { path, ecn: Ecn::NotEct, data });
        }
        peers.iter_mut().for_each(|peer| peer.handle_timeout(now));
        if next_ping.is_some_and(|at| at <= now) {
            peers[0].data_channel(pings).expect("open").send_text(now, "ping")?;
            next_ping = Some(now + Duration::from_secs(10));
        }
    }
    Ok((sent, answered, checksum))
}

fn peer(seed: u8, number: u8, address: SocketAddr) -> Result<PeerConnection, Box<dyn Error>> {
    // Cryptography that draws its randomness from the seed too, and a certificate made with it.
    let (crypto, wall_clock) = (rustcrypto::provider(), SystemTime::UNIX_EPOCH);
    let seed = [seed ^ number << 7; 32];
    let init = Init { now: Instant::ZERO, wall_clock, seed, crypto };
    let mut pc = PeerConnection::new(Configuration::default(), init)?;
    pc.add_local_address(Instant::ZERO, LocalAddress::udp(SocketId(0), address));
    Ok(pc)
}
