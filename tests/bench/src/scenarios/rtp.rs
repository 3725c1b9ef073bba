//! `rtp`: packets of 1,100 bytes through whole connections with 1, 20 and 200 sections of video, each end measured apart.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Time, cpu_seconds};
use crate::media::{Media, PAYLOAD, Path, purertc, rtc, str0m};
use crate::report::{Metric, Report};
use crate::scenarios::Options;

const SEND: Metric = Metric::lower("send", "ns");
const RECEIVE: Metric = Metric::lower("receive", "ns");

/// Packets that are sent together: those of a frame of 2.6 Mbit/s, thirty times a second.
pub const FRAME: u64 = 10;
/// Packets before anything is timed.
const WARM_UP: u64 = 4_000;

pub fn run(options: &Options) {
    let mut report = Report::new("rtp");
    for _ in 0..options.runs {
        for sections in [1, 20, 200] {
            one_way::<purertc::Ours>(options, sections, &mut report);
            one_way::<str0m::Theirs>(options, sections, &mut report);
            one_way::<rtc::Theirs>(options, sections, &mut report);
        }
    }
    report.print(options.json);
}

fn one_way<M: Media>(options: &Options, sections: usize, report: &mut Report) {
    if !options.wants(M::NAME) {
        return;
    }
    let mut now = Time::ZERO;
    let mut path = Path::<M>::connected(&M::identity(), sections, 1, &mut now);
    let payload = Bytes::from(vec![0x10; PAYLOAD]);
    let (mut wire, mut sent, mut count, mut spent) = (Vec::new(), 0, 0, [0.0; 2]);
    while spent[0] + spent[1] < options.secs {
        let begun = cpu_seconds();
        // Section by section, frame by frame.
        let (section, frame) = ((sent / FRAME) as usize % sections, sent / FRAME / sections as u64);
        for at in 0..FRAME {
            path.from.send(now, section, frame * FRAME + at, &payload);
        }
        path.from.flush(now);
        let done = cpu_seconds();
        path.from.collect(&mut wire);
        let begun_there = cpu_seconds();
        let came = path.to.receive(now, &mut wire);
        let received = cpu_seconds();
        assert_eq!(came as u64, FRAME, "{}: packets went missing", M::NAME);
        sent += FRAME;
        if sent > WARM_UP {
            spent = [spent[0] + done - begun, spent[1] + received - begun_there];
            count += FRAME;
        }
        now += Duration::from_millis(1);
        path.exchange(now);
    }
    let case = format!("{sections} sections");
    report.add(&case, SEND, M::NAME, spent[0] * 1e9 / count as f64);
    report.add(&case, RECEIVE, M::NAME, spent[1] * 1e9 / count as f64);
}
