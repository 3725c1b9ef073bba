use crate::base::time::Instant;
use crate::data::sctp::congestion::bbr::{Bbr, Mode, Phase};
use crate::data::sctp::congestion::{Ack, Controller, Sample};
use std::time::Duration;

const MTU: usize = 1_000;
const RTT: u64 = 100;

/// A path of a thousand packets a second, of which every `lose`th is lost: what a round trip on it looks like to the controller.
struct Path {
    bbr: Bbr,
    now: u64,
    delivered: u64,
    lose: u64,
}

impl Path {
    fn new(lose: u64) -> Self {
        Self { bbr: Bbr::new(MTU), now: 1_000, delivered: 0, lose }
    }

    /// One round trip, of ten acknowledgements.
    fn round(&mut self) {
        let window = self.bbr.window();
        let rate = self.bbr.pacing_rate().unwrap_or(u64::MAX);
        // A tenth of a second of what was sent, and of what the path takes.
        let sent = (window as u64).min(rate / 1_000 * RTT).min(300_000);
        let arrived = sent.min(100_000);
        let prior = self.delivered;
        for part in 1..=10 {
            self.now += RTT / 10;
            let bytes = arrived / 10;
            self.delivered += bytes;
            let lost = bytes.checked_div(self.lose).unwrap_or(0);
            let overflow = (sent - arrived).saturating_sub(100_000) / 10;
            self.bbr.on_ack(&Ack {
                now: Instant::from_millis(self.now),
                bytes: bytes as usize,
                lost: (lost + overflow) as usize,
                in_flight_before: sent as usize,
                in_flight: sent as usize,
                cumulative: true,
                recovering: false,
                rtt: Some(Duration::from_millis(RTT + (sent - arrived).min(100_000) / 1_000)),
                srtt: Some(Duration::from_millis(RTT)),
                sample: Some(Sample {
                    delivered: self.delivered,
                    prior_delivered: if part == 1 { prior } else { prior.saturating_sub(1) },
                    interval: Duration::from_millis(RTT * part / 10).max(Duration::from_millis(RTT)),
                    lost: (lost + overflow) * 10,
                    in_flight: sent as usize,
                    app_limited: false,
                }),
            });
        }
    }
}

#[test]
fn finds_the_rate_and_then_stays_with_it() {
    for lose in [0, 100, 33] {
        let mut path = Path::new(lose);
        (0..30).for_each(|_| path.round());
        assert!(matches!(path.bbr.mode, Mode::ProbeBw(_)), "{:?}", path.bbr);
        let rate = path.bbr.bandwidth();
        assert!((900_000.0..1_100_000.0).contains(&rate), "{lose}: {rate}");
        for _ in 0..300 {
            path.round();
            let window = path.bbr.window();
            let probing = matches!(path.bbr.mode, Mode::ProbeRtt { .. });
            assert!(probing || (70_000..400_000).contains(&window), "{lose}: {:?}", path.bbr);
        }
    }
}

#[test]
fn probes_for_more_every_few_seconds() {
    let mut path = Path::new(0);
    (0..20).for_each(|_| path.round());
    let mut ups = 0;
    for _ in 0..200 {
        let before = path.bbr.mode;
        path.round();
        ups += u32::from(before != path.bbr.mode && path.bbr.mode == Mode::ProbeBw(Phase::Up));
    }
    // Twenty seconds.
    assert!((4..=10).contains(&ups), "{ups}");
}

#[test]
fn a_time_out_leaves_the_model() {
    let mut path = Path::new(0);
    (0..20).for_each(|_| path.round());
    let rate = path.bbr.bandwidth();
    path.bbr.on_timeout(Instant::from_millis(path.now), 0);
    assert_eq!(path.bbr.window(), 4 * MTU);
    assert_eq!(path.bbr.bandwidth(), rate);
}
