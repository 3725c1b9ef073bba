//! Protection against loss where asking for what is lost takes too long: half a second there and back.

use crate::media::{call, frames, picture, write};
use crate::world::{Link, Setup};
use purertc::{KindCapabilities, MediaCapabilities, Protection, SendFrame, TransceiverId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const FRAME: Duration = Duration::from_millis(20);

/// What of 250 pictures and sounds comes within 280 ms of being sent, where each way takes 250 ms and 4 % is lost.
fn in_time(names: &[&str], protection: Protection) -> (usize, usize) {
    let mut setup = Setup::new(230, Link::clean(250));
    let all = MediaCapabilities::shared();
    let only = |of: &KindCapabilities| KindCapabilities {
        codecs: of.codecs.iter().filter(|codec| names.contains(&codec.codec.name())).cloned().collect(),
        header_extensions: of.header_extensions.clone(),
    };
    setup.configuration.media =
        Arc::new(MediaCapabilities { audio: only(&all.audio), video: only(&all.video) });
    let (mut world, [audio, video]) = call(&setup);
    world.run(Duration::from_secs(1));
    for id in [audio, video] {
        world.nodes[0].pc.sender(id.sender()).unwrap().set_protection(protection);
    }
    world.link.loss = 0.04;
    let mut came = [BTreeSet::new(), BTreeSet::new()];
    let mut sent = Vec::new();
    for number in 0..250_u32 {
        sent.push(world.now);
        write(&mut world, 0, video.sender(), &picture(number, true));
        let data = number.to_be_bytes().to_vec().into();
        let frame = SendFrame { timestamp: number * 960, data, ..SendFrame::default() };
        write(&mut world, 0, audio.sender(), &frame);
        world.run(FRAME);
    }
    world.run(Duration::from_secs(2));
    let ids: [TransceiverId; 2] = [audio, video];
    for (came, id) in came.iter_mut().zip(ids) {
        for frame in frames(&world, 1, id) {
            let at = usize::from(id == video);
            let number = u32::from_be_bytes(frame.data[at..at + 4].try_into().unwrap());
            // Of sound a frame that was in the next packet counts as well.
            if frame.arrived.saturating_since(sent[number as usize]) < Duration::from_millis(280) {
                came.insert(number);
            }
        }
    }
    (came[0].len(), came[1].len())
}

#[test]
fn protection_saves_round_trips() {
    let plain = in_time(&["opus", "VP8"], Protection::default());
    // Four of a hundred sounds, and a picture of four packets with each of those.
    assert!(plain.0 < 246 && plain.1 < 225, "{plain:?}");
    let protection = Protection { redundancy: 1, correction: 0.3 };
    for names in [&["opus", "red", "VP8", "flexfec-03"], &["opus", "red", "VP8", "ulpfec"]] {
        let (sounds, pictures) = in_time(names, protection);
        assert!(sounds >= 246 && pictures >= 245, "{names:?}: {sounds}, {pictures}");
    }
}
