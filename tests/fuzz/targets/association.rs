#![no_main]
//! A whole SCTP association: two ends, a network that loses, doubles and reorders packets, time, and an attacker who changes
//! packets and makes up others.
//!
//! As long as nothing was changed, what one end sends reaches the other once and in order.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use purertc::base::random::Rng;
use purertc::base::time::Instant;
use purertc::crypto::rustcrypto;
use purertc::data::sctp::Association;
use purertc::data::sctp::config::Config;
use purertc::data::sctp::event::{Event, Reliability, SendOptions};
use std::collections::VecDeque;
use std::time::Duration;

const MTU: usize = 1_172;
const STREAMS: u16 = 4;
/// Operations of one run: what goes wrong goes wrong soon, and short runs are many.
const MOST_OPERATIONS: usize = 200;
/// How often the end is waited for: a time-out each, at most, of which an association survives ten.
const PATIENCE: usize = 400;

struct World {
    now: Instant,
    ends: [Association; 2],
    wires: [VecDeque<Bytes>; 2],
    sent: [[u32; STREAMS as usize]; 2],
    come: [[u32; STREAMS as usize]; 2],
    honest: bool,
}

impl World {
    fn new(flags: u8) -> Self {
        let mut config = Config::default();
        config.interleaving = flags & 1 == 0;
        config.zero_checksum = flags & 2 == 0;
        config.receive_buffer = 64 << 10;
        config.max_receive_buffer = 64 << 10;
        config.max_message_size = 32 << 10;
        config.heartbeat_interval = (flags & 4 != 0).then_some(Duration::from_secs(1));
        let now = Instant::from_millis(1);
        let end = |number| {
            Association::new(config.clone(), rustcrypto::provider().hmac, Rng::from_number(number)).unwrap()
        };
        let mut ends = [end(1), end(2)];
        if flags & 8 != 0 {
            let inits = ends.each_ref().map(Association::init_chunk);
            ends[0].connect_at_once(now, &inits[1]).unwrap();
            ends[1].connect_at_once(now, &inits[0]).unwrap();
        } else {
            ends.iter_mut().for_each(|end| end.connect(now));
        }
        if flags & 16 != 0 {
            ends.iter_mut().for_each(|end| end.set_path(1_444));
        }
        Self { now, ends, wires: Default::default(), sent: [[0; 4]; 2], come: [[0; 4]; 2], honest: true }
    }

    fn flush(&mut self) {
        for from in 0..2 {
            for _ in 0..64 {
                let mut out = Vec::new();
                if self.ends[from].poll_transmit(self.now, MTU, &mut out).is_none() {
                    break;
                }
                if self.wires[1 - from].len() < 256 {
                    self.wires[1 - from].push_back(out.into());
                }
            }
        }
    }

    fn read(&mut self, at: usize) {
        while let Some(event) = self.ends[at].poll_event() {
            let Event::Message { stream, data, .. } = event else { continue };
            if self.honest {
                let come = &mut self.come[at][usize::from(stream)];
                assert!(stream == STREAMS - 1 || data[..4] == come.to_be_bytes(), "stream {stream}");
                *come += 1;
                assert!(*come <= self.sent[1 - at][usize::from(stream)]);
            }
        }
    }

    fn send(&mut self, from: usize, stream: u16, len: usize) {
        let number = &mut self.sent[from][usize::from(stream)];
        let mut data = number.to_be_bytes().to_vec();
        data.resize(4 + len, 7);
        // The last stream is for messages with limits, of which some never come.
        let mut options = SendOptions::default();
        if stream == STREAMS - 1 {
            options = SendOptions {
                unordered: len.is_multiple_of(2),
                reliability: Reliability::Retransmits(1),
                ..options
            };
        }
        if self.ends[from].send(self.now, stream, 53, data.into(), options).is_ok() {
            *number += 1;
        }
    }

    fn step(&mut self, op: u8, arg: u8, rest: &mut &[u8]) {
        let side = usize::from(op & 1);
        let wire = &mut self.wires[side];
        match op >> 1 & 15 {
            0 | 1 => self.send(side, u16::from(arg % 4), usize::from(arg) * 40),
            2..=5 => {
                if let Some(packet) = wire.pop_front() {
                    self.ends[side].handle_packet(self.now, packet.into());
                }
            }
            6 => drop(wire.pop_front()),
            7 => {
                if let Some(packet) = wire.front().cloned() {
                    wire.push_back(packet);
                }
            }
            8 if !wire.is_empty() => {
                let by = usize::from(arg) % wire.len();
                wire.rotate_left(by);
            }
            9 | 10 => {
                self.now += Duration::from_millis(u64::from(arg) * u64::from(arg) / 8);
                self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
            }
            11 => self.read(side),
            12 => {
                // Someone turns bytes of a packet.
                if let Some(packet) = wire.pop_front() {
                    self.honest = false;
                    let mut packet = packet.to_vec();
                    let at = usize::from(arg) % packet.len();
                    packet[at] = rest.split_off_first().copied().unwrap_or(0);
                    packet[8..12].fill(0);
                    self.ends[side].handle_packet(self.now, packet.as_slice().into());
                }
            }
            13 => {
                // Someone who knows the tag makes up chunks.
                if let Some(packet) = wire.front() {
                    self.honest = false;
                    let mut made_up = packet[..8].to_vec();
                    made_up.extend_from_slice(&[0; 4]);
                    let chunks = rest.split_off(..usize::from(arg).min(rest.len())).unwrap_or_default();
                    made_up.extend_from_slice(chunks);
                    self.ends[side].handle_packet(self.now, made_up.as_slice().into());
                }
            }
            14 if arg < 8 => {
                self.honest = false;
                let _ = self.ends[side].reset_stream(u16::from(arg));
            }
            15 if arg == 0 => self.ends[side].shutdown(self.now),
            _ => (),
        }
    }

    /// Whether everything that was sent is acknowledged, or given up.
    fn is_quiet(&self) -> bool {
        let is_done = |end: &Association| {
            let stats = end.stats();
            end.is_up() && stats.unacked_chunks == 0 && stats.queued_bytes == 0
                || end.close_reason().is_some()
        };
        self.wires.iter().all(VecDeque::is_empty) && self.ends.iter().all(is_done)
    }

    /// What was sent arrives, now that the network is fair.
    fn settle(&mut self) {
        for _ in 0..PATIENCE {
            self.flush();
            for side in 0..2 {
                while let Some(packet) = self.wires[side].pop_front() {
                    self.ends[side].handle_packet(self.now, packet.into());
                }
                self.read(side);
            }
            self.flush();
            if self.is_quiet() {
                break;
            }
            if self.wires.iter().all(VecDeque::is_empty) {
                let Some(next) = self.ends.iter().filter_map(Association::poll_timeout).min() else { break };
                self.now = self.now.max(next);
                self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&flags, mut rest)) = data.split_first() else { return };
    let mut world = World::new(flags);
    for _ in 0..MOST_OPERATIONS {
        let [op, arg, more @ ..] = rest else { break };
        rest = more;
        world.step(*op, *arg, &mut rest);
        if op & 0x20 == 0 {
            world.flush();
        }
    }
    let was_open = world.ends.iter().all(|end| end.close_reason().is_none());
    world.settle();
    let closed = world.ends.iter().any(|end| end.close_reason().is_some());
    if world.honest && was_open && !closed {
        for from in 0..2 {
            let reliable = usize::from(STREAMS - 1);
            assert_eq!(
                world.sent[from][..reliable],
                world.come[1 - from][..reliable],
                "what was sent has not come"
            );
        }
    }
});
