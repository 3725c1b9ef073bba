#![no_main]
//! Records, fragments and handshake messages of DTLS 1.2 and 1.3.

use libfuzzer_sys::fuzz_target;
use purertc::wire::cursor::Reader;
use purertc::wire::dtls::codepoints::HandshakeType;
use purertc::wire::dtls::handshake::Fragment;
use purertc::wire::dtls::{message12, message13, record, unified};

fuzz_target!(|data: &[u8]| {
    let _ = record::split(data);
    for id_len in [0, 5] {
        if let Ok((_, len)) = unified::Header::split(data, id_len) {
            assert!(len <= data.len());
        }
    }
    let mut reader = Reader::new(data);
    while !reader.is_empty() && Fragment::parse(&mut reader).is_ok() {}
    let Some((&kind, body)) = data.split_first() else { return };
    let kind = HandshakeType::from(kind);
    if let Ok(message) = message12::Message12::parse(kind, body) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(message12::Message12::parse(kind, &written), Ok(message));
    }
    if let Ok(message) = message13::Message13::parse(kind, body) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(message13::Message13::parse(kind, &written), Ok(message));
    }
});
