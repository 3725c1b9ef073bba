//! Frames that a server hands on and cannot read: `cargo run -p purertc-tokio --example sframe`. Alice seals what her
//! encoder gave before `write_frame`, Bob opens what `Event::Frame` brings; between them packets are forwarded.

mod sframe;

use bytes::Bytes;
use purertc::{Delivery, MediaKind, MediaStreamTrack, SendFrame, SendPacket, SenderId};
use purertc_tokio::{Configuration, Event, PeerConnection, Settings};
use sframe::Key;
use std::error::Error;

/// What stays readable of a VP8 frame (RFC 6386 §9.1): whether it is a key frame, and its size. Whoever forwards needs that,
/// and so do packetisers.
fn clear_len(frame: &[u8]) -> usize {
    let is_key = frame.first().is_some_and(|first| first & 1 == 0);
    frame.len().min(if is_key { 10 } else { 3 })
}

fn seal(key: &Key, counter: u64, frame: &[u8]) -> Result<Bytes, Box<dyn Error>> {
    let (clear, rest) = frame.split_at(clear_len(frame));
    let sealed = key.seal(counter, clear, rest).map_err(|_| "it cannot be sealed")?;
    Ok([clear, &sealed].concat().into())
}

fn open(key: &Key, frame: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (clear, sealed) = frame.split_at(clear_len(frame));
    let rest =
        key.open(clear, sealed).map_err(|_| "it was sealed with another key, or changed on the way")?;
    Ok([clear, &rest].concat())
}

/// Two connections of which the first sends pictures to the second.
async fn connect() -> Result<(PeerConnection, SenderId, PeerConnection), Box<dyn Error>> {
    let settings = Settings::from(Configuration::default()).with_loopback();
    let (from, to) = (PeerConnection::new(settings.clone()).await?, PeerConnection::new(settings).await?);
    let sender = from.add_track(MediaStreamTrack::new(MediaKind::Video, "camera"), ["stream"])?;
    from.set_local_description(None).await?;
    from.gathering_complete().await;
    to.set_remote_description(from.local_description().ok_or("no offer")?).await?;
    to.set_local_description(None).await?;
    to.gathering_complete().await;
    from.set_remote_description(to.local_description().ok_or("no answer")?).await?;
    from.connected().await?;
    to.connected().await?;
    Ok((from, sender, to))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (alice, camera, inlet) = connect().await?;
    let (outlet, onward, bob) = connect().await?;
    inlet.receivers().into_iter().for_each(|receiver| inlet.set_delivery(receiver, Delivery::Packets));
    tokio::spawn(async move {
        while let Some(event) = inlet.next_event().await {
            if let Event::Rtp(packet) = event {
                let _ = outlet.write_rtp(onward, &SendPacket::from(&packet));
            }
        }
    });
    // How both come to it is not WebRTC's business: MLS, or a word over the telephone.
    let key = Key::new(7, b"what only the two of them know").map_err(|_| "no key")?;
    let frame = |number: u8| {
        [&[u8::from(number > 0), 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 240, 0][..], &[number; 5_000]].concat()
    };
    for number in 0..10 {
        let data = seal(&key, number.into(), &frame(number))?;
        alice.write_frame(
            camera,
            &SendFrame { timestamp: u32::from(number) * 3_000, data, ..SendFrame::default() },
        )?;
    }
    for number in 0..10 {
        let sealed = loop {
            if let Event::Frame(frame) = bob.next_event().await.ok_or("the connection is gone")? {
                break frame.data;
            }
        };
        let opened = open(&key, &sealed)?;
        println!(
            "{} bytes came, {} of them the picture: {}",
            sealed.len(),
            opened.len(),
            opened == frame(number)
        );
    }
    tokio::join!(alice.close(), bob.close());
    Ok(())
}
