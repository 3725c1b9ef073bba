#![no_main]
//! Datagrams and time to a whole connection in the middle of its setup: nothing panics, nothing spins.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use purertc::crypto::rustcrypto;
use purertc::{Configuration, Datagram, Init, Instant, LocalAddress, PeerConnection, SocketId};
use std::time::{Duration, SystemTime};

fuzz_target!(|data: &[u8]| {
    let mut now = Instant::ZERO;
    let mut peers = [1u8, 2].map(|number| {
        let wall_clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let init = Init { now, wall_clock, seed: [number; 32], crypto: rustcrypto::provider() };
        let mut pc = PeerConnection::new(Configuration::default(), init).expect("a good configuration");
        let address = ([192, 0, 2, number], 5_000).into();
        pc.add_local_address(now, LocalAddress::udp(SocketId(0), address));
        pc
    });
    let [offerer, answerer] = &mut peers;
    offerer.create_data_channel("fuzz", Default::default()).expect("a channel");
    offerer.set_local_description(now, None).expect("an offer");
    answerer.set_remote_description(now, offerer.local_description().expect("set").clone()).expect("good");
    answerer.set_local_description(now, None).expect("an answer");
    offerer.set_remote_description(now, answerer.local_description().expect("set").clone()).expect("good");

    let mut rest = data;
    let mut buffer = Vec::new();
    // Each operation: a byte that says what, and its operand.
    while let Some((&what, tail)) = rest.split_first() {
        rest = tail;
        let target = usize::from(what & 1);
        match what >> 6 {
            // Time passes.
            0 => {
                now += Duration::from_millis(u64::from(what) * 4);
                peers.iter_mut().for_each(|pc| pc.handle_timeout(now));
            }
            // What the peers have to say to each other arrives, so that garbage meets every state.
            1 => {
                let [a, b] = &mut peers;
                deliver(now, a, b, &mut buffer);
                deliver(now, b, a, &mut buffer);
            }
            // A datagram of the fuzzer's, from the peer's address or from nowhere.
            _ => {
                let len = usize::from(what & 0x3e) * 2;
                let (bytes, tail) = rest.split_at(len.min(rest.len()));
                rest = tail;
                let host = if what & 0x40 == 0 { 2 - target as u8 } else { 99 };
                let local = LocalAddress::udp(SocketId(0), ([192, 0, 2, target as u8 + 1], 5_000).into());
                let path = local.to(([192, 0, 2, host], 5_000).into());
                let datagram = Datagram { path, ecn: Default::default(), data: BytesMut::from(bytes) };
                peers[target].handle_datagram(now, datagram);
            }
        }
    }
});

fn deliver(now: Instant, from: &mut PeerConnection, to: &mut PeerConnection, buffer: &mut Vec<u8>) {
    let mut rounds = 0;
    while let Some(transmit) = from.poll_transmit(now, buffer) {
        let path = LocalAddress::udp(SocketId(0), transmit.path.remote).to(transmit.path.local);
        for bytes in transmit.datagrams(buffer) {
            to.handle_datagram(now, Datagram { path, ecn: Default::default(), data: BytesMut::from(bytes) });
        }
        rounds += 1;
        assert!(rounds < 10_000, "it never stops sending");
    }
}
