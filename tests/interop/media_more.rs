//! What of audio and video is not each codec there and back: tones, protection, simulcast, another track.

use std::collections::BTreeSet;

use purertc::{Event, MediaKind, Protection, ToneTiming};
use purertc_tests::browser::Browser;
use serde_json::json;

use crate::media::{explained, mirrored, page_sees, reflect};
use crate::media_signaling::{Duet, Scene};
use crate::stage::{Failure, Outcome};

/// What is heard, and so tried where there is sound.
pub(crate) const SOUND: &[(&str, Scene)] = &[
    ("tones are heard in the browser", tones_are_heard),
    ("redundant sound there and back", redundant_sound),
];

/// Everything else.
pub(crate) const SCENES: &[(&str, Scene)] = &[
    ("another track without negotiation", another_track),
    ("simulcast of the browser", simulcast_of_the_browser),
    ("parity in the browser", parity_in_the_browser),
];

fn another_track(browser: &mut Browser) -> Outcome {
    let mut duet = mirrored(browser)?;
    duet.page(
        "colour = 'rgb(200, 30, 30)';
        window.camera = pc.addTransceiver(picture, { streams: [new MediaStream()] });",
    )?;
    reflect(&mut duet)?;
    page_sees(&mut duet, "await sees([200, 30, 30]);")?;
    page_sees(
        &mut duet,
        "const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [160, 120];
        const paint = canvas.getContext('2d');
        let n = 0;
        setInterval(() => {
          paint.fillStyle = 'rgb(30, 160, 60)';
          paint.fillRect(0, 0, 160, 120);
          paint.fillStyle = 'white';
          paint.fillRect((n += 3) % 150, 0, 8, 8);
        }, 40);
        await camera.sender.replaceTrack(canvas.captureStream(25).getVideoTracks()[0]);
        await sees([30, 160, 60]);",
    )
}

fn simulcast_of_the_browser(browser: &mut Browser) -> Outcome {
    let mut duet = Duet::new(browser, purertc::BundlePolicy::Balanced)?;
    duet.page(
        "const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [1280, 720];
        const paint = canvas.getContext('2d');
        let n = 0;
        setInterval(() => {
          paint.fillStyle = 'rgb(200, 30, 30)';
          paint.fillRect(0, 0, 1280, 720);
          paint.fillStyle = 'white';
          paint.fillRect((n += 9) % 1200, 0, 60, 60);
        }, 60);
        const sendEncodings = [{ rid: 'a', scaleResolutionDownBy: 2 }, { rid: 'b', scaleResolutionDownBy: 4 }];
        const [track] = canvas.captureStream(15).getVideoTracks();
        const camera = pc.addTransceiver(track, { direction: 'sendonly', sendEncodings });
        prefer(camera, 'video', 'VP8');",
    )?;
    duet.browser_offers()?;
    // Of each name: the width that key frames of VP8 say (RFC 6386 §9.1).
    let outcome = duet.wait("both streams", |ours| {
        let frames =
            ours.events.iter().filter_map(|event| if let Event::Frame(f) = event { Some(f) } else { None });
        let sizes = frames.filter(|frame| frame.key && frame.data.len() > 10).map(|frame| {
            let width = u16::from_le_bytes([frame.data[6], frame.data[7]]) & 0x3fff;
            (frame.rid.as_deref().unwrap_or("").to_owned(), width)
        });
        let sizes: BTreeSet<(String, u16)> = sizes.collect();
        let widths = |rid: &str| sizes.iter().filter(|(of, _)| of == rid).map(|(_, width)| *width).max();
        matches!((widths("a"), widths("b")), (Some(a), Some(b)) if a == 2 * b)
    });
    explained(&duet, outcome.map(|()| json!(null))).map(drop)
}

fn parity_in_the_browser(browser: &mut Browser) -> Outcome {
    let mut duet = mirrored(browser)?;
    let known = duet.page(
        "colour = 'rgb(200, 30, 30)';
        const camera = pc.addTransceiver(picture, { streams: [new MediaStream()] });
        const known = RTCRtpSender.getCapabilities('video').codecs;
        const wanted = known.filter((c) => /VP8|red|ulpfec/.test(c.mimeType));
        if (wanted.length < 3) return false;
        camera.setCodecPreferences(wanted);
        return true;",
    )?;
    if known != json!(true) {
        println!("      no ULPFEC in this browser");
        return Ok(());
    }
    let offer = duet.page("return local();")?;
    duet.hear(offer)?;
    std::thread::sleep(std::time::Duration::from_millis(100));
    protect(&duet, MediaKind::Video, Protection { redundancy: 0, correction: 1.0 });
    let answer = duet.our_description()?;
    duet.tell(&answer)?;
    page_sees(&mut duet, "await sees([200, 30, 30]);")?;
    // Neither a picture's only packet together with its parity, nor anything that could be repeated: no RTX was agreed on.
    duet.ours().loses_each = 13;
    let counted = duet.page(
        "const drawn = await stat('inbound-rtp', 'video', 'framesDecoded');
        const [lost, asked] = [await stat('inbound-rtp', 'video', 'packetsLost'), await stat('inbound-rtp', 'video', 'pliCount')];
        await sleep(5000);
        colour = 'rgb(30, 60, 200)';
        await sees([30, 60, 200]);
        return { lost: await stat('inbound-rtp', 'video', 'packetsLost') - lost,
            asked: await stat('inbound-rtp', 'video', 'pliCount') - asked,
            frames: await stat('inbound-rtp', 'video', 'framesDecoded') - drawn, all: await account() };",
    );
    let counted = explained(&duet, counted)?;
    println!("      {counted}");
    // Browsers do not tell of ULPFEC; that they use it is seen by pictures that go on without another key frame.
    let of = |name: &str| counted[name].as_u64().unwrap_or(0);
    if of("lost") >= 5 && of("asked") == 0 && of("frames") > 40 {
        Ok(())
    } else {
        Err(Failure(counted.to_string()))
    }
}

fn protect(duet: &Duet<'_>, kind: MediaKind, protection: Protection) {
    let mut ours = duet.ours();
    let ids: Vec<_> = ours.pc.transceivers().collect();
    for id in ids {
        if ours.pc.transceiver(id).is_some_and(|transceiver| transceiver.kind() == kind)
            && let Some(mut sender) = ours.pc.sender(id.sender())
        {
            sender.set_protection(protection);
        }
    }
}

fn redundant_sound(browser: &mut Browser) -> Outcome {
    let mut duet = mirrored(browser)?;
    duet.page(
        "tone.frequency.value = 700;
        const t = pc.addTransceiver(noise, { streams: [new MediaStream()] });
        const known = RTCRtpSender.getCapabilities('audio').codecs;
        const named = (name) => known.filter((c) => c.mimeType === `audio/${name}`);
        t.setCodecPreferences([...named('red'), ...named('opus')]);",
    )?;
    let offer = duet.page("return local();")?;
    duet.hear(offer)?;
    std::thread::sleep(std::time::Duration::from_millis(100));
    protect(&duet, MediaKind::Audio, Protection { redundancy: 2, correction: 0.0 });
    let answer = duet.our_description()?;
    duet.tell(&answer)?;
    // What is lost comes with the packet behind it, which on a path without delay is too late for a player without any.
    page_sees(
        &mut duet,
        "await hears(700); pc.getReceivers()[0].jitterBufferTarget = 200; await sleep(1500);",
    )?;
    duet.ours().loses_one_in = 8;
    page_sees(&mut duet, "tone.frequency.value = 1200; await hears(1200);")?;
    let counted = duet.page(
        "const counts = async () => ({ lost: await stat('inbound-rtp', 'audio', 'packetsLost'),
            concealed: await stat('inbound-rtp', 'audio', 'concealedSamples'),
            samples: await stat('inbound-rtp', 'audio', 'totalSamplesReceived') });
        const before = await counts();
        await sleep(3000);
        const after = await counts();
        for (const name in before) after[name] -= before[name];
        return { ...after, all: await account() };",
    )?;
    println!("      {counted}");
    // What two packets carry besides is not made up: an eighth was lost, and less than a twentieth is missed.
    let of = |name: &str| counted[name].as_u64().unwrap_or(0);
    if of("lost") >= 8 && 20 * of("concealed") < of("samples") {
        Ok(())
    } else {
        Err(Failure(counted.to_string()))
    }
}

fn tones_are_heard(browser: &mut Browser) -> Outcome {
    let mut duet = mirrored(browser)?;
    duet.page("tone.frequency.value = 300; pc.addTransceiver(noise, { streams: [new MediaStream()] });")?;
    reflect(&mut duet)?;
    page_sees(&mut duet, "await hears(300);")?;
    {
        let mut ours = duet.ours();
        let now = ours.now();
        let id = ours.pc.transceivers().next().ok_or_else(|| Failure("no transceiver".to_owned()))?;
        let mut sender = ours.pc.sender(id.sender()).ok_or_else(|| Failure("no sender".to_owned()))?;
        let mut tones = sender.dtmf().ok_or_else(|| Failure("no tones".to_owned()))?;
        let timing = ToneTiming { duration: std::time::Duration::from_secs(5), ..ToneTiming::default() };
        tones.insert_dtmf(now, "5", timing).map_err(|error| Failure(error.to_string()))?;
    }
    // Key 5 is 770 Hz and 1,336 Hz together.
    page_sees(
        &mut duet,
        "const near = () => [770, 1336].some((hertz) => Math.abs(loudest() - hertz) < 30);
        for (let i = 0; i < 200 && !near(); i++) await sleep(25);
        if (!near()) throw new Error(`${loudest()} Hz ${await account()}`);",
    )
}
