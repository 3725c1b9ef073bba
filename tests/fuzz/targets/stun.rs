#![no_main]
//! A datagram to the STUN parser.

use libfuzzer_sys::fuzz_target;
use purertc::wire::stun::{Message, peek_username};

fuzz_target!(|data: &[u8]| {
    let _ = peek_username(data);
    if let Ok(message) = Message::parse(data) {
        message.attributes().for_each(|attribute| drop(format!("{attribute:?}")));
        let _ = message.integrity();
    }
});
