#![no_main]
//! Payloads of parity and of redundant audio.

use libfuzzer_sys::fuzz_target;
use purertc::media::codec::{red, telephone_event};
use purertc::wire::rtp::fec::Correction;

fuzz_target!(|data: &[u8]| {
    if let Ok(correction) = Correction::parse_ulpfec(data) {
        let mut again = Vec::new();
        correction.write_ulpfec(&mut again);
        assert_eq!(Correction::parse_ulpfec(&again), Ok(correction));
    }
    if let Ok(correction) = Correction::parse_flexfec(data) {
        let mut again = Vec::new();
        correction.write_flexfec(&mut again);
        assert_eq!(Correction::parse_flexfec(&again), Ok(correction));
    }
    if let Ok(blocks) = red::parse(data) {
        assert!(!blocks.is_empty());
        assert!(blocks.iter().map(|block| block.data.len()).sum::<usize>() < data.len());
    }
    let _ = telephone_event::TelephoneEvent::parse(data);
});
