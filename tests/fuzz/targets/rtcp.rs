#![no_main]
//! A compound packet to the RTCP parser; each of its packets is what it is written as.

use libfuzzer_sys::fuzz_target;
use purertc::wire::rtcp::{Packet, packets};

fuzz_target!(|data: &[u8]| {
    for packet in packets(data).flatten() {
        let mut again = Vec::new();
        packet.write(&mut again);
        let read: Vec<Packet<'_>> = packets(&again).flatten().collect();
        assert_eq!(read, [packet]);
        // What is iterated lies within the packet.
        assert!(format!("{packet:?}").len() < 64 * (data.len() + 64));
    }
});
