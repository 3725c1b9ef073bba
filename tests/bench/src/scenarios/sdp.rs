//! `sdp`: a browser's whole offer of audio, video and data, read, and answered.

use std::hint::black_box;

use purertc::wire::sdp::description::Description;
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::sdp::RTCSessionDescription;
use str0m::change::SdpOffer;

use crate::clock::{Time, cpu_seconds, nanos_per_call, to_std};
use crate::report::{FLOOR, Metric, Report};
use crate::scenarios::{Options, setups};
use crate::stacks::purertc::Purertc;
use crate::stacks::rtc::Rtc;
use crate::stacks::str0m::Str0m;
use crate::stacks::{Profile, Stack};

const TIME: Metric = Metric::lower("CPU per description", "us");

/// What Chromium offers by default, with eight candidates in each section.
const OFFER: &str = include_str!("../../../vectors/sdp/chromium-av-data-offer.sdp");

/// Connections that answer in one timing, so that the clock's steps do not show.
const BATCH: usize = 50;

pub fn run(options: &Options) {
    let mut report = Report::new("sdp");
    for _ in 0..options.runs {
        let mut parse = |stack, mut work: Box<dyn FnMut()>| {
            report.add("parse", TIME, stack, nanos_per_call(options.secs / 4.0, &mut work) / 1e3);
        };
        parse(
            FLOOR,
            Box::new(|| {
                black_box(split(OFFER));
            }),
        );
        parse(Purertc::NAME, Box::new(|| drop(black_box(Description::parse(black_box(OFFER))))));
        parse(
            Rtc::NAME,
            Box::new(|| drop(black_box(RTCSessionDescription::offer(black_box(OFFER).to_owned())))),
        );
        parse(Str0m::NAME, Box::new(|| drop(black_box(SdpOffer::from_sdp_string(black_box(OFFER))))));
        report.add("parse, apply, answer", TIME, Purertc::NAME, answers::<Purertc>());
        report.add("parse, apply, answer", TIME, Rtc::NAME, rtc_answers());
        report.add("parse, apply, answer", TIME, Str0m::NAME, answers::<Str0m>());
    }
    report.print(options.json);
}

/// What every parser has to do: find the lines of a text that is known to be one.
fn split(text: &str) -> usize {
    let checked = std::str::from_utf8(black_box(text.as_bytes())).expect("UTF-8");
    checked.lines().map(|line| line.split_once('=').map_or(0, |(_, value)| value.len())).sum()
}

/// Microseconds of one answer, the connections being there already.
fn answers<S: Stack>() -> f64 {
    let identity = S::identity();
    let peers = (0..BATCH as u64).map(|seed| {
        let (_, answerer) = setups(Profile::Default, Some(&identity), seed);
        S::new(Time::ZERO, &answerer)
    });
    let mut peers: Vec<S> = peers.collect();
    let start = cpu_seconds();
    for peer in &mut peers {
        black_box(peer.answer(Time::ZERO, OFFER));
    }
    (cpu_seconds() - start) * 1e6 / BATCH as f64
}

/// As [`answers`], for the stack whose peers have no codecs unless they are told.
fn rtc_answers() -> f64 {
    let identity = Rtc::identity();
    let peers = (0..BATCH).map(|_| {
        let mut media = MediaEngine::default();
        media.register_default_codecs().expect("its own codecs");
        RTCPeerConnectionBuilder::new()
            .with_configuration(
                RTCConfigurationBuilder::new().with_certificates(vec![identity.clone()]).build(),
            )
            .with_media_engine(media)
            .build(to_std(Time::ZERO))
            .expect("a peer connection")
    });
    let mut peers: Vec<_> = peers.collect();
    let start = cpu_seconds();
    for peer in &mut peers {
        let offer = RTCSessionDescription::offer(OFFER.to_owned()).expect("a valid offer");
        peer.set_remote_description(to_std(Time::ZERO), offer).expect("an acceptable offer");
        let answer = peer.create_answer(None).expect("an answer");
        peer.set_local_description(to_std(Time::ZERO), answer).expect("a usable answer");
        black_box(peer.local_description());
    }
    (cpu_seconds() - start) * 1e6 / BATCH as f64
}
