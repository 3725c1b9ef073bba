#![no_main]
//! A packet to the RTP parser: header, extensions in both forms and each of their values, the payload of a repetition; and
//! what is read of values is what they are written as.

use libfuzzer_sys::fuzz_target;
use purertc::wire::rtp::layers::Allocation;
use purertc::wire::rtp::value::{Kind, Value};
use purertc::wire::rtp::{Packet, is_rtcp, rtx};

fuzz_target!(|data: &[u8]| {
    let _ = is_rtcp(data);
    if let Ok(packet) = Packet::parse(data) {
        assert!(packet.payload.len() + usize::from(packet.padding) <= data.len());
        assert!(packet.csrcs().count() <= 15);
        for element in packet.extensions() {
            assert!(packet.find_extension(element.id).is_some());
            values(element.data);
        }
        let _ = rtx::Retransmission::parse(packet.payload);
    }
    values(data);
    if let Ok(allocation) = Allocation::parse(data) {
        let mut again = Vec::new();
        allocation.write(&mut again);
        assert_eq!(Allocation::parse(&again).as_ref(), Ok(&allocation));
    }
});

fn values(data: &[u8]) {
    for &kind in Kind::ALL {
        if let Ok(value) = Value::parse(kind, data) {
            let mut again = Vec::new();
            value.write(&mut again);
            assert_eq!(Value::parse(kind, &again), Ok(value), "{kind:?}");
        }
    }
}
