//! Tracks, frames and packets between two connections.

use crate::support::{Pair, soon};
use bytes::Bytes;
use purertc_tokio::purertc::{
    Delivery, MediaKind, MediaStreamTrack, RtpTransceiverDirection, SendFrame, WriteError,
};
use purertc_tokio::{Event, PeerConnection};

/// The next event that `wanted` knows.
async fn next<T>(connection: &PeerConnection, wanted: impl Fn(Event) -> Option<T>) -> T {
    soon(async {
        loop {
            let event = connection.next_event().await.expect("the connection is open");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    })
    .await
}

fn sound(number: u32) -> SendFrame<'static> {
    let data = Bytes::copy_from_slice(&number.to_be_bytes());
    SendFrame { timestamp: number * 960, data, ..SendFrame::default() }
}

#[tokio::test]
async fn frames_and_packets_pass() {
    let pair = Pair::new().await;
    let Pair { alice, bob } = &pair;
    let sender = alice.add_track(MediaStreamTrack::new(MediaKind::Audio, "mic"), ["s"]).unwrap();
    assert_eq!(alice.write_frame(sender, &sound(0)), Err(WriteError::NotNegotiated));
    pair.negotiate().await;
    let track = next(bob, |event| if let Event::Track(track) = event { Some(track) } else { None }).await;
    assert_eq!((track.track.kind, track.streams.as_slice()), (MediaKind::Audio, &["s".to_owned()][..]));
    let direction = bob.with_transceiver(track.transceiver, |transceiver| transceiver.current_direction());
    assert_eq!(direction, Some(Some(RtpTransceiverDirection::RecvOnly)));
    soon(alice.connected()).await.unwrap();
    soon(bob.connected()).await.unwrap();
    for number in 0..3 {
        alice.write_frame(sender, &sound(number)).unwrap();
        let frame = next(bob, |event| if let Event::Frame(frame) = event { Some(frame) } else { None }).await;
        assert_eq!((frame.receiver, frame.data), (track.receiver, sound(number).data));
    }
    bob.set_delivery(track.receiver, Delivery::Packets);
    alice.write_frame(sender, &sound(3)).unwrap();
    let packet = next(bob, |event| if let Event::Rtp(packet) = event { Some(packet) } else { None }).await;
    assert_eq!(packet.payload(), sound(3).data);
    alice.remove_track(sender).unwrap();
    assert_eq!(alice.write_frame(sender, &sound(4)), Err(WriteError::NoTrack));
}

#[tokio::test]
async fn a_key_frame_is_asked_for() {
    let pair = Pair::new().await;
    let Pair { alice, bob } = &pair;
    let sender = alice.add_track(MediaStreamTrack::new(MediaKind::Video, "cam"), ["s"]).unwrap();
    pair.negotiate().await;
    soon(alice.connected()).await.unwrap();
    soon(bob.connected()).await.unwrap();
    let picture = SendFrame { data: vec![0; 3_000].into(), ..SendFrame::default() };
    alice.write_frame(sender, &picture).unwrap();
    let frame = next(bob, |event| if let Event::Frame(frame) = event { Some(frame) } else { None }).await;
    assert!(frame.key && frame.data == picture.data);
    bob.request_key_frame(frame.receiver, None);
    let asked = next(alice, |event| match event {
        Event::KeyFrameRequest { sender, encoding } => Some((sender, encoding)),
        _ => None,
    });
    assert_eq!(asked.await, (sender, 0));
}
