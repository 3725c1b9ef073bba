//! `media-forward`: what one publisher sends, to 10 and to 500 subscribers; and what those cost to whom nothing is sent.
//!
//! Each subscriber is a whole connection with its other end, which reports, misses and asks as a browser would. Only the
//! forwarder's side is in the figures: the publisher's datagrams come, and those to all subscribers are sealed.

use std::time::Duration;

use bytes::Bytes;

use crate::alloc::{counts, track};
use crate::clock::{Time, cpu_seconds};
use crate::media::{Media, PAYLOAD, Path, purertc, rtc, str0m};
use crate::report::{Metric, Report};
use crate::scenarios::Options;
use crate::scenarios::rtp::FRAME;

const FORWARD: Metric = Metric::lower("per packet out", "ns");
const ALLOCATIONS: Metric = Metric::lower("allocations per packet out", "");
const IDLE: Metric = Metric::lower("idle, per subscriber and second", "us");
const WAKE_UPS: Metric = Metric::lower("wake-ups per subscriber and second", "");

/// Frames before anything is timed.
const WARM_UP: u64 = 60;
/// Between two frames.
const FRAME_TIME: Duration = Duration::from_micros(33_333);
/// How long nothing is sent.
const IDLE_TIME: Duration = Duration::from_secs(60);
/// How often is looked at who is due then.
const TICK: Duration = Duration::from_millis(5);
/// How long the last reports of what was sent are waited for.
const SETTLE: Duration = Duration::from_secs(10);

pub fn run(options: &Options) {
    let mut report = Report::new("media-forward");
    track();
    for _ in 0..options.runs {
        for subscribers in [10, 500] {
            one_to_many::<purertc::Ours>(options, subscribers, &mut report);
            one_to_many::<str0m::Theirs>(options, subscribers, &mut report);
            one_to_many::<rtc::Theirs>(options, subscribers, &mut report);
        }
    }
    report.print(options.json);
}

/// A forwarder's side of connections, and the other ends of those.
struct Room<M: Media> {
    publisher: Path<M>,
    senders: Vec<M>,
    subscribers: Vec<M>,
    now: Time,
    /// Datagrams of the publisher, and of each subscriber.
    wire: Vec<M::Wire>,
    mail: Vec<Vec<M::Wire>>,
}

impl<M: Media> Room<M> {
    fn new(subscribers: usize) -> Self {
        let identity = M::identity();
        // Each connects by the same clock, which then goes on from the same time.
        let path = |at| Path::<M>::connected(&identity, 1, at, &mut Time::from_secs(0));
        let publisher = path(1);
        let paths = (0..subscribers).map(|at| path(2 + at as u64));
        let (senders, subscribers): (Vec<M>, Vec<M>) = paths.map(|path| (path.from, path.to)).unzip();
        let mail = subscribers.iter().map(|_| Vec::new()).collect();
        Self { publisher, senders, subscribers, now: Time::from_secs(10), wire: Vec::new(), mail }
    }

    /// Forwards one frame; how long that took, and how many allocations.
    fn frame(&mut self, number: u64, payload: &Bytes) -> (f64, u64) {
        let Self { publisher, senders, now, wire, .. } = self;
        (0..FRAME).for_each(|at| publisher.from.send(*now, 0, number * FRAME + at, payload));
        publisher.from.flush(*now);
        publisher.from.collect(wire);
        let (begun, before) = (cpu_seconds(), counts().calls);
        let count = publisher.to.forward(*now, wire, senders);
        let figures = (cpu_seconds() - begun, counts().calls - before);
        assert_eq!(count as u64, FRAME, "{}: packets went missing", M::NAME);
        figures
    }

    /// What is due, and what waits, goes to the other ends and back; how long the forwarder's side took, and how many of it
    /// were woken.
    fn exchange(&mut self) -> (f64, u64) {
        let Self { publisher, senders, subscribers, now, mail, .. } = self;
        let now = *now;
        publisher.exchange(now);
        let is_due = |end: &mut M| end.deadline().is_some_and(|at| at <= now);
        let due: Vec<usize> = (0..senders.len()).filter(|&at| is_due(&mut senders[at])).collect();
        let spent = timed(&due, |at| {
            senders[at].timeout(now);
            senders[at].flush(now);
        });
        for (at, theirs) in subscribers.iter_mut().enumerate() {
            senders[at].collect(&mut mail[at]);
            if mail[at].is_empty() && !is_due(theirs) {
                continue;
            }
            theirs.receive(now, &mut mail[at]);
            theirs.timeout(now);
            theirs.flush(now);
            theirs.collect(&mut mail[at]);
        }
        let came: Vec<usize> = (0..mail.len()).filter(|&at| !mail[at].is_empty()).collect();
        let answered = timed(&came, |at| {
            senders[at].receive(now, &mut mail[at]);
            senders[at].flush(now);
        });
        (spent + answered, due.len() as u64)
    }
}

/// Processor time of work on each of these, the clock being looked at twice in all.
fn timed(of: &[usize], work: impl FnMut(usize)) -> f64 {
    if of.is_empty() {
        return 0.0;
    }
    let begun = cpu_seconds();
    of.iter().copied().for_each(work);
    cpu_seconds() - begun
}

fn one_to_many<M: Media>(options: &Options, subscribers: usize, report: &mut Report) {
    if !options.wants(M::NAME) {
        return;
    }
    let mut room = Room::<M>::new(subscribers);
    let payload = Bytes::from(vec![0x10; PAYLOAD]);
    let (mut spent, mut allocations, mut number, mut count) = (0.0, 0, 0, 0);
    while spent < options.secs {
        let (took, calls) = room.frame(number, &payload);
        number += 1;
        if number > WARM_UP {
            (spent, allocations, count) = (spent + took, allocations + calls, count + FRAME);
        }
        room.now += FRAME_TIME;
        room.exchange();
    }
    let case = format!("{subscribers} subscribers");
    let packets = (count * subscribers as u64) as f64;
    report.add(&case, FORWARD, M::NAME, spent * 1e9 / packets);
    report.add(&case, ALLOCATIONS, M::NAME, allocations as f64 / packets);

    let quiet = room.now + SETTLE;
    while room.now < quiet {
        room.exchange();
        room.now += TICK;
    }
    let (mut spent, mut woken) = (0.0, 0);
    let end = room.now + IDLE_TIME;
    while room.now < end {
        let (took, count) = room.exchange();
        (spent, woken) = (spent + took, woken + count);
        room.now += TICK;
    }
    let seconds = IDLE_TIME.as_secs_f64() * subscribers as f64;
    report.add(&case, IDLE, M::NAME, spent * 1e6 / seconds);
    report.add(&case, WAKE_UPS, M::NAME, woken as f64 / seconds);
}
