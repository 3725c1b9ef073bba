#![no_main]
//! Data channels whose peer says anything on any stream: what DCEP makes of it.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use purertc::base::random::Rng;
use purertc::base::time::Instant;
use purertc::crypto::rustcrypto;
use purertc::data::DataChannels;
use purertc::data::config::Config;
use purertc::data::event::{Event, MessageKind};
use purertc::data::sctp::Association;
use purertc::data::sctp::config::Config as SctpConfig;
use std::time::Duration;

fuzz_target!(|data: &[u8]| {
    let mut now = Instant::from_millis(1);
    let hmac = rustcrypto::provider().hmac;
    let mut ours = DataChannels::new(Config::default(), hmac, Rng::from_number(1));
    let mut peer = Association::new(SctpConfig::default(), hmac, Rng::from_number(2)).unwrap();
    let init = ours.sctp_init();
    ours.set_remote_sctp_init(Some(&peer.init_chunk())).unwrap();
    peer.connect_at_once(now, &init).unwrap();
    ours.set_dtls_role(now, data.first().is_some_and(|byte| byte & 1 == 0));
    ours.set_remote(5_000, 65_536);
    ours.start(now);
    let mut rest = data;
    while let [op, stream, len, more @ ..] = rest {
        let (content, after) = more.split_at(usize::from(*len).min(more.len()));
        rest = after;
        let stream = u16::from(*stream % 8);
        let ppid = [50, 50, 50, 51, 52, 53, 54, 56, 57, 99][usize::from(*op % 10)];
        match op >> 4 {
            0..=9 => drop(peer.send(now, stream, ppid, Bytes::copy_from_slice(content), Default::default())),
            10 | 11 => drop(peer.reset_stream(stream)),
            12 => now += Duration::from_secs(u64::from(*len)),
            _ => {
                let label = String::from_utf8_lossy(content);
                let _ = ours.create(now, &label, Default::default());
            }
        }
        for _ in 0..3 {
            let mut out = Vec::new();
            while peer.poll_transmit(now, 1_172, &mut out).is_some() {
                ours.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
            }
            while ours.poll_transmit(now, 1_172, &mut out).is_some() {
                peer.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
            }
        }
        ours.handle_timeout(now);
        peer.handle_timeout(now);
        while let Some(event) = ours.poll_event() {
            if let Event::Open(id) = event {
                let _ = ours.send(now, id, Bytes::from_static(b"hello"), MessageKind::Text);
            }
            if let Event::Message { message, .. } = event {
                assert!(message.kind == MessageKind::Binary || std::str::from_utf8(&message.data).is_ok());
            }
        }
        while peer.poll_event().is_some() {}
        assert!(ours.channels().count() <= 2_048);
    }
});
