#![no_main]
//! Packets, chunks and parameters of SCTP; messages of DCEP.

use libfuzzer_sys::fuzz_target;
use purertc::wire::dcep::Dcep;
use purertc::wire::sctp::{Packet, has_valid_checksum};

fuzz_target!(|data: &[u8]| {
    if let Ok(packet) = Packet::parse(data) {
        let _ = has_valid_checksum(&mut data.to_vec());
        for chunk in packet.chunks() {
            drop(format!("{chunk:?}"));
        }
    }
    if let Ok(message) = Dcep::parse(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(Dcep::parse(&written), Ok(message));
    }
});
