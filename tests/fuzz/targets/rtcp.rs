#![no_main]
//! A compound packet to the RTCP parser; what is written of each of its packets is read and written the same.

use libfuzzer_sys::fuzz_target;
use purertc::wire::rtcp::packets;

fuzz_target!(|data: &[u8]| {
    for packet in packets(data).flatten() {
        let mut again = Vec::new();
        packet.write(&mut again);
        // Of what is not known, and not of whole words, the rest of the last one is filled up.
        let mut twice = Vec::new();
        packets(&again).flatten().for_each(|packet| packet.write(&mut twice));
        assert_eq!(again, twice);
        // What is iterated lies within the packet.
        assert!(format!("{packet:?}").len() < 64 * (data.len() + 64));
    }
});
