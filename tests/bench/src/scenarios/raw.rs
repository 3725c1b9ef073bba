//! `raw`: what this machine needs for the work that no stack can avoid.

use std::collections::VecDeque;
use std::hint::black_box;

use crc_fast::{CrcAlgorithm, checksum};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::clock::nanos_per_call;
use crate::report::{FLOOR, Metric, Report};
use crate::scenarios::Options;

const TIME: Metric = Metric::lower("CPU per datagram", "ns");
const RATE: Metric = Metric::higher("throughput", "GB/s");

/// Bytes of a full datagram.
const DATAGRAM: usize = 1200;
/// DTLS 1.2 record header, explicit nonce and tag.
const DTLS: usize = 13 + 8 + 16;
/// SCTP common header.
const SCTP: usize = 12;
/// Header of a DATA chunk.
const CHUNK: usize = 16;

/// Nanoseconds for [`DATAGRAM`] bytes.
#[derive(Clone, Copy)]
pub struct Floor {
    seal_open: f64,
    crc: f64,
    copy: f64,
}

impl Floor {
    /// MB/s of messages of this size with nothing done but the unavoidable, both ends together: seal and open a
    /// datagram, checksum it at each end, copy it once at each end.
    pub fn bulk_rate(&self, message: usize) -> f64 {
        let room = DATAGRAM - DTLS - SCTP;
        let chunk = CHUNK + message.next_multiple_of(4);
        let payload = if chunk > room { room - CHUNK } else { room / chunk * message };
        payload as f64 * 1e3 / (self.seal_open + 2.0 * self.crc + 2.0 * self.copy)
    }
}

pub fn run(options: &Options) {
    let mut report = Report::new("raw");
    for _ in 0..options.runs {
        let floor = measure(options.secs / 2.0);
        for (case, nanos) in [
            ("AES-128-GCM seal and open, ring", floor.seal_open),
            ("CRC32c, crc-fast", floor.crc),
            ("memcpy in cache", floor.copy),
        ] {
            report.add(case, TIME, FLOOR, nanos);
            report.add(case, RATE, FLOOR, DATAGRAM as f64 / nanos);
        }
    }
    report.print(options.json);
}

/// Measures each primitive for `seconds`.
pub fn measure(seconds: f64) -> Floor {
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("a key of 16 bytes"));
    let mut data = vec![0x5a; DATAGRAM];
    let mut sealed = vec![0u8; DATAGRAM + AES_128_GCM.tag_len()];
    let mut counter = 0u64;
    let seal_open = nanos_per_call(seconds, || {
        counter += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&counter.to_be_bytes());
        let nonce = || Nonce::assume_unique_for_key(nonce);
        let additional = [0u8; 13];
        let (body, tag_at) = sealed.split_at_mut(DATAGRAM);
        let tag =
            key.seal_in_place_separate_tag(nonce(), Aad::from(additional), body).expect("a short datagram");
        tag_at.copy_from_slice(tag.as_ref());
        key.open_in_place(nonce(), Aad::from(additional), black_box(&mut sealed)).expect("what was sealed");
    });
    let crc = nanos_per_call(seconds, || {
        black_box(checksum(CrcAlgorithm::Crc32Iscsi, black_box(&data)));
    });
    let source = vec![0xa5; DATAGRAM];
    let copy = nanos_per_call(seconds, || {
        black_box(&mut data).copy_from_slice(black_box(&source));
    });
    Floor { seal_open, crc, copy }
}

/// Nanoseconds that the copies of a message cost in a queue of `waiting` bytes, measured for `seconds`: into memory of its own as
/// the application hands it in, and from there into packets. What the memory itself takes when a queue does not fit the caches.
pub fn queue_nanos(seconds: f64, message: usize, waiting: usize) -> f64 {
    let source = vec![0xa5; message];
    let mut packet = vec![0; DATAGRAM];
    let mut queue: VecDeque<Vec<u8>> = (0..waiting / message).map(|_| source.clone()).collect();
    nanos_per_call(seconds, || {
        let next = queue.pop_front().unwrap_or_default();
        for part in next.chunks(DATAGRAM) {
            packet[..part.len()].copy_from_slice(part);
            black_box(&mut packet);
        }
        queue.push_back(black_box(&source).clone());
    })
}

#[cfg(test)]
mod tests {
    use super::Floor;

    #[test]
    fn small_messages_share_a_datagram_and_large_ones_fill_theirs() {
        // A microsecond a datagram in all: the rate in MB/s is the payload in bytes.
        let floor = Floor { seal_open: 600.0, crc: 100.0, copy: 100.0 };
        assert_eq!(floor.bulk_rate(100), 900.0);
        assert_eq!(floor.bulk_rate(1024), 1024.0);
        assert_eq!(floor.bulk_rate(65536), 1135.0);
    }
}
