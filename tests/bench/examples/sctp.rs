//! Messages of so many bytes through two associations, for `perf` and `valgrind --tool=callgrind`: nothing but SCTP.

use bytes::{Bytes, BytesMut};
use purertc::base::random::Rng;
use purertc::data::sctp::Association;
use purertc::data::sctp::config::Config;
use purertc::data::sctp::event::{Event, SendOptions};
use purertc::{CryptoProvider, Instant};
use std::time::Duration;

/// Bytes that wait to be sent, at most, unless told.
const QUEUE: usize = 1 << 20;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().expect("a number"));
    let (size, messages) = (args.next().unwrap_or(1_024), args.next().unwrap_or(1_000_000));
    let queue = args.next().unwrap_or(QUEUE);
    let mut ends = [1, 2].map(|seed| {
        let mut config = Config::default();
        config.zero_checksum = false;
        Association::new(config, CryptoProvider::default().hmac, Rng::from_number(seed)).expect("an HMAC")
    });
    let mut now = Instant::from_millis(1);
    ends.iter_mut().for_each(|end| end.connect(now));
    let message = vec![7; size];
    let (mut received, mut up) = (0, false);
    while received < messages {
        while up && ends[0].buffered(1) + size <= queue {
            ends[0]
                .send(now, 1, 53, Bytes::copy_from_slice(&message), SendOptions::default())
                .expect("it is up");
        }
        while carry(now, &mut ends, 0, &mut received, &mut up)
            | carry(now, &mut ends, 1, &mut received, &mut up)
        {}
        now += Duration::from_micros(20);
        ends.iter_mut().for_each(|end| end.handle_timeout(now));
    }
}

/// Thirty-two packets from one end to the other; whether there were any.
fn carry(
    now: Instant,
    ends: &mut [Association; 2],
    from: usize,
    received: &mut usize,
    up: &mut bool,
) -> bool {
    let (mut run, mut lengths) = (Vec::with_capacity(64 << 10), Vec::with_capacity(32));
    while lengths.len() < 32 {
        let Some(len) = ends[from].poll_transmit(now, 1_172, &mut run) else { break };
        lengths.push(len);
    }
    let any = !lengths.is_empty();
    let mut run = BytesMut::from(Bytes::from(run));
    for len in lengths {
        ends[1 - from].handle_packet(now, run.split_to(len));
    }
    while let Some(event) = ends[1 - from].poll_event() {
        match event {
            Event::Message { .. } => *received += 1,
            Event::Connected => *up = true,
            _ => (),
        }
    }
    any
}
