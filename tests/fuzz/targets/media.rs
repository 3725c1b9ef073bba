#![no_main]
//! The media plane: packets of a peer that does as it likes, between frames, packets and time.

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use purertc::base::negotiated::NegotiatedSection;
use purertc::base::random::Rng;
use purertc::media::Media;
use purertc::{
    Configuration, Delivery, Init, Instant, MediaKind, PeerConnection, Protection, RtpTransceiverInit,
    SendFrame, SendPacket, WallClock,
};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// What two connections of ours agree on.
static SECTIONS: LazyLock<Vec<NegotiatedSection>> = LazyLock::new(|| {
    let now = Instant::ZERO;
    let peer = |seed| {
        let init = Init::new(now, SystemTime::UNIX_EPOCH, [seed; 32]);
        PeerConnection::new(Configuration::default(), init).expect("a good configuration")
    };
    let (mut ours, mut theirs) = (peer(1), peer(2));
    for kind in [MediaKind::Audio, MediaKind::Video] {
        ours.add_transceiver(kind, RtpTransceiverInit::default()).expect("a transceiver");
        theirs.add_transceiver(kind, RtpTransceiverInit::default()).expect("a transceiver");
    }
    ours.set_local_description(now, None).expect("an offer");
    theirs.set_remote_description(now, ours.local_description().expect("it").clone()).expect("good");
    theirs.set_local_description(now, None).expect("an answer");
    ours.set_remote_description(now, theirs.local_description().expect("it").clone()).expect("good");
    ours.negotiated_media().to_vec()
});

fuzz_target!(|data: &[u8]| {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let mut now = Instant::from_millis(1);
    let clock = WallClock::new(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let mut media = Media::new(Rng::from_number(first.into()), clock);
    media.set_sections(&SECTIONS);
    for section in SECTIONS.iter() {
        let id = section.transceiver;
        media.set_protection(
            id.sender(),
            Protection { redundancy: first & 3, correction: f32::from(first >> 4) / 8.0 },
        );
        if first & 4 != 0 {
            media.set_delivery(id.receiver(), Delivery::Packets);
        }
        media.set_jitter_buffer_target(id.receiver(), (first & 8 != 0).then_some(Duration::from_millis(50)));
    }
    // Each operation: which, how many of the bytes that follow, and how long it takes.
    while let Some((&[what, len, time], tail)) = rest.split_first_chunk() {
        let (bytes, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        let section = &SECTIONS[usize::from(what >> 7) % SECTIONS.len()];
        let sender = section.transceiver.sender();
        let codec = section.receive.get(usize::from(what >> 3 & 15));
        match what & 7 {
            0 => media.handle_rtcp(now, bytes),
            1 => {
                let frame = SendFrame { data: Bytes::copy_from_slice(bytes), ..SendFrame::default() };
                let _ = media.write_frame(sender, &frame, 300);
            }
            2 => {
                let (source, payload) = (u64::from(time & 1), Bytes::copy_from_slice(bytes));
                let packet = SendPacket { source, count: u64::from(time), payload, ..SendPacket::default() };
                let _ = media.write_rtp(now, sender, &packet, 600);
            }
            3 => media.handle_rtp(now, BytesMut::from(bytes)),
            _ => {
                // A packet with a good header, of a payload type that was agreed on.
                let payload_type = codec.map_or(what, |codec| codec.payload_type);
                let mut packet =
                    vec![0x80, payload_type | time << 7, 0, time, 0, 0, 0, time >> 1, 0, 0, 0, what & 3];
                packet.extend_from_slice(bytes);
                media.handle_rtp(now, BytesMut::from(&packet[..]));
            }
        }
        now += Duration::from_millis(u64::from(time));
        media.handle_timeout(now);
        let mut out = Vec::new();
        while media.poll_transmit(now, &mut out).is_some() {
            assert!(out.len() < 1_500);
            out.clear();
        }
        if what & 1 == 0 {
            while media.poll_event().is_some() {}
        }
    }
    assert!(media.inbound_streams().count() <= 512);
});
