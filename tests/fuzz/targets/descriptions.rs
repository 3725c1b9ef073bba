#![no_main]
//! Descriptions that are well-formed and make little sense, to a live pair: what is refused changes nothing, what is taken
//! can be answered, and everything can be taken back.

use libfuzzer_sys::fuzz_target;
use purertc::crypto::rustcrypto;
use purertc::wire::sdp::attribute::{Attribute, Setup};
use purertc::wire::sdp::description::Description;
use purertc::{
    BundlePolicy, Configuration, Init, Instant, LocalAddress, MediaKind, MediaStreamTrack, PeerConnection,
    RtcpMuxPolicy, RtpTransceiverInit, SdpType, SessionDescription, SignalingState, SocketId, StatsSelector,
};
use std::time::{Duration, SystemTime};

const NOW: Instant = Instant::ZERO;

/// What the input is read from: operations, each followed by its operands.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> usize {
        self.next().unwrap_or(0).into()
    }
}

fn peer(number: u8, settings: u8) -> PeerConnection {
    let wall_clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let init = Init { now: NOW, wall_clock, seed: [number; 32], crypto: rustcrypto::provider() };
    let mut configuration = Configuration::default();
    let policies = [BundlePolicy::Balanced, BundlePolicy::MaxCompat, BundlePolicy::MaxBundle];
    configuration.bundle_policy = policies[usize::from(settings) % 3];
    if settings & 0x80 != 0 {
        configuration.rtcp_mux_policy = RtcpMuxPolicy::Negotiate;
    }
    let mut pc = PeerConnection::new(configuration, init).expect("a good configuration");
    let address = ([192, 0, 2, number], 5_000).into();
    pc.add_local_address(NOW, LocalAddress::udp(SocketId(0), address));
    pc
}

/// Turns a description into another one.
fn change(description: &mut Description<'_>, script: &mut Script<'_>) {
    let (what, at, with) = (script.number(), script.number(), script.number());
    let count = description.sections.len();
    if count == 0 {
        return;
    }
    let (here, there) = (at % count, with % count);
    let number = with % description.sections[here].attributes.len().max(1);
    match what % 13 {
        0 if number < description.sections[here].attributes.len() => {
            description.sections[here].attributes.remove(number);
        }
        1 | 2 => {
            let copied = description.sections[here].attributes.get(number).cloned();
            let to = if what % 13 == 1 { here } else { (here + 1) % count };
            description.sections[to].attributes.extend(copied);
        }
        3 => drop(description.sections.remove(here)),
        4 if count < 64 => {
            let section = description.sections[here].clone();
            description.sections.push(section);
        }
        5 => description.sections.swap(here, there),
        6 => description.sections[here].port ^= 9,
        7 => {
            let setups = [Setup::Active, Setup::Passive, Setup::ActPass, Setup::HoldConn];
            description.sections[here].attributes.insert(0, Attribute::Setup(setups[with % 4]));
        }
        8 if !description.attributes.is_empty() => {
            let gone = with % description.attributes.len();
            description.attributes.remove(gone);
        }
        9 => {
            let lifted = description.sections[here].attributes.get(number).cloned();
            description.attributes.extend(lifted);
        }
        10 => description.sections[here].media = ["audio", "video", "application", "text"][with % 4],
        11 => description.sections[here].attributes.push(Attribute::BundleOnly),
        12 => description.sections[here].attributes.retain(|attribute| *attribute != Attribute::RtcpMux),
        _ => {}
    }
}

/// What an application can see of a session.
fn visible(pc: &PeerConnection) -> String {
    let texts = [
        pc.current_local_description(),
        pc.pending_local_description(),
        pc.current_remote_description(),
        pc.pending_remote_description(),
    ];
    let transceivers: Vec<_> = pc.transceivers().collect();
    let stats = pc.get_stats(NOW, StatsSelector::All).map(|report| report.len());
    let media = pc.negotiated_media();
    format!("{:?} {texts:?} {transceivers:?} {media:?} {stats:?} {:?}", pc.signaling_state(), pc.sctp())
}

/// Hands one side's description to the other, changed; whether it was taken.
fn tell(from: &PeerConnection, to: &mut PeerConnection, script: &mut Script<'_>) -> bool {
    let Some(said) = from.local_description().cloned() else { return false };
    let mut parsed = Description::parse(&said.sdp).expect("what was made reads back");
    for _ in 0..script.number() % 4 {
        change(&mut parsed, script);
    }
    let text = parsed.to_text();
    drop(parsed);
    let before = visible(to);
    let taken = to.set_remote_description(NOW, SessionDescription::new(said.kind, text.clone())).is_ok();
    assert!(taken || visible(to) == before, "an error changed something: {text}");
    taken
}

fuzz_target!(|data: &[u8]| {
    let mut script = Script(data);
    let settings = script.next().unwrap_or(0);
    let mut peers = [peer(1, settings), peer(2, settings.rotate_left(3))];
    let mut buffer = Vec::new();
    let mut made = 0;
    while let Some(what) = script.next() {
        let (left, right) = peers.split_at_mut(1);
        let (a, b) = match what & 1 {
            0 => (&mut left[0], &mut right[0]),
            _ => (&mut right[0], &mut left[0]),
        };
        match what >> 1 & 7 {
            0 if made < 24 => {
                made += 1;
                let kind = if what & 0x80 == 0 { MediaKind::Audio } else { MediaKind::Video };
                if what & 0x40 == 0 {
                    let track = MediaStreamTrack::new(kind, format!("track{made}"));
                    a.add_track(track, ["s"]).expect("a new track");
                } else {
                    a.add_transceiver(kind, RtpTransceiverInit::default()).expect("a transceiver");
                }
            }
            1 if made < 24 => {
                made += 1;
                let _ = a.create_data_channel("fuzz", Default::default());
            }
            2 => a.restart_ice(),
            3 => {
                let id = a.transceivers().nth(usize::from(what >> 4));
                if let Some(mut found) = id.and_then(|id| a.transceiver(id)) {
                    found.stop().expect("it is not closed");
                }
            }
            4 if a.signaling_state() != SignalingState::Stable => {
                let _ = a.set_local_description(NOW, Some(SdpType::Rollback.into()));
            }
            _ => {
                // An exchange, as far as it goes.
                if a.set_local_description(NOW, None).is_err() || !tell(a, b, &mut script) {
                    continue;
                }
                if b.signaling_state() == SignalingState::HaveRemoteOffer {
                    b.set_local_description(NOW, None).expect("what was taken can be answered");
                    tell(b, a, &mut script);
                }
            }
        }
        for pc in &mut peers {
            let mut rounds = 0;
            while pc.poll_transmit(NOW, &mut buffer).is_some() {
                rounds += 1;
                assert!(rounds < 10_000, "it never stops sending");
            }
            while pc.poll_event().is_some() {}
            while pc.poll_io_request().is_some() {}
        }
    }
});
