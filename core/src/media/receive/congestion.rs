//! Which packets of each stream arrived and when, as RFC 8888 tells it to the sender's congestion control.

use crate::base::map::SeededMap;
use crate::base::random::Rng;
use crate::base::seq::Serial16;
use crate::base::time::Instant;
use crate::wire::rtcp::congestion::{Arrival, Congestion, Metric, OFFSET_TOO_LARGE, StreamMetrics};

/// Packets between two reports: at 2,000 a second and ten reports there are 200.
const MAX_PACKETS: usize = 4_096;
/// Numbers of one stream in one report. What is before them is reported no more.
const MAX_SPAN: u16 = 1_024;
/// Numbers in one packet: two bytes each, which any path takes.
const MAX_METRICS: usize = 350;
/// Packets say when they came in 1/1,024 of a second.
const UNITS: u128 = 1_024;

/// Arrivals that the sender has not been told yet.
#[derive(Debug)]
pub(in crate::media) struct CongestionReports {
    arrivals: Vec<(u32, Serial16, Instant)>,
    /// The number after the last one that was reported of each stream.
    next: SeededMap<u32, Serial16>,
}

/// What is known of the packets of one stream from a number on.
#[derive(Debug)]
struct Run {
    ssrc: u32,
    begin: Serial16,
    metrics: Vec<Metric>,
}

impl CongestionReports {
    pub(in crate::media) fn new(rng: &mut Rng) -> Self {
        Self { arrivals: Vec::new(), next: SeededMap::new(rng) }
    }

    /// Takes note of a packet of a stream that is known. What exceeds any real rate is reported as lost.
    pub(in crate::media) fn receive(&mut self, now: Instant, ssrc: u32, number: Serial16) {
        if self.arrivals.len() < MAX_PACKETS {
            self.arrivals.push((ssrc, number, now));
        }
    }

    /// The stream is gone.
    pub(in crate::media) fn forget(&mut self, ssrc: u32) {
        self.next.remove(&ssrc);
    }

    /// Reports what came until `now`, of which NTP's middle bits say `timestamp`, in as many packets as that takes.
    pub(in crate::media) fn report(
        &mut self,
        now: Instant,
        (sender, timestamp): (u32, u32),
        mut put: impl FnMut(Congestion<'_>),
    ) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        // In order of their streams; within one as they came.
        arrivals.sort_by_key(|(ssrc, ..)| *ssrc);
        let runs: Vec<Run> =
            arrivals.chunk_by(|a, b| a.0 == b.0).filter_map(|of| self.run(now, of)).collect();
        arrivals.clear();
        self.arrivals = arrivals;
        let pieces = runs.iter().flat_map(Run::pieces);
        let (mut streams, mut count): (Vec<StreamMetrics<'_>>, usize) = (Vec::new(), 0);
        for piece in pieces {
            if count + piece.metrics.len() > MAX_METRICS {
                put(Congestion::new(sender, timestamp, &streams));
                streams.clear();
                count = 0;
            }
            // A stream costs as much as four numbers.
            count += piece.metrics.len() + 4;
            streams.push(piece);
        }
        if !streams.is_empty() {
            put(Congestion::new(sender, timestamp, &streams));
        }
    }

    /// Arrivals of one stream, from the number on that was not reported yet.
    fn run(&mut self, now: Instant, arrivals: &[(u32, Serial16, Instant)]) -> Option<Run> {
        let &(ssrc, first, _) = arrivals.first()?;
        let numbers = || arrivals.iter().map(|&(_, number, _)| number);
        let last = numbers().fold(first, |a, b| if b.is_at_or_after(a) { b } else { a });
        let earliest = numbers().fold(first, |a, b| if b.is_before(a) { b } else { a });
        let begin = self.next.get(&ssrc).copied().unwrap_or(earliest);
        // RFC 8888 §3.1: what was reported is not reported anew; a jump begins anew.
        let begin = match last.distance_from(begin) {
            ahead if ahead >= 1 << 15 && begin.distance_from(last) <= MAX_SPAN => return None,
            ahead if ahead >= MAX_SPAN => Serial16(last.0.wrapping_sub(MAX_SPAN - 1)),
            _ => begin,
        };
        self.next.insert(ssrc, last.next());
        let mut metrics = vec![Metric(None); usize::from(last.distance_from(begin)) + 1];
        for &(_, number, at) in arrivals {
            // Those from before it are late, and were reported missing.
            let Some(place) = metrics.get_mut(usize::from(number.distance_from(begin))) else { continue };
            let units = now.saturating_since(at).as_micros() * UNITS / 1_000_000;
            let offset = u16::try_from(units).unwrap_or(OFFSET_TOO_LARGE).min(OFFSET_TOO_LARGE);
            // The first copy counts. How datagrams were marked does not reach this floor: none is said to be.
            place.0.get_or_insert(Arrival { ecn: 0, offset });
        }
        Some(Run { ssrc, begin, metrics })
    }
}

impl Run {
    fn pieces(&self) -> impl Iterator<Item = StreamMetrics<'_>> {
        self.metrics.chunks(MAX_METRICS - 4).enumerate().map(|(at, metrics)| StreamMetrics {
            ssrc: self.ssrc,
            begin: self.begin.plus((at * (MAX_METRICS - 4)) as u16),
            metrics: metrics.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CongestionReports, MAX_PACKETS};
    use crate::base::random::Rng;
    use crate::base::seq::Serial16;
    use crate::base::time::Instant;
    use quickcheck::quickcheck;

    type Told = Vec<(u32, u16, Vec<Option<u16>>)>;

    fn told(reports: &mut CongestionReports, now: Instant) -> Vec<Told> {
        let mut all = Vec::new();
        reports.report(now, (1, 2), |feedback| {
            let streams = feedback.streams().map(|stream| {
                let offsets = stream.metrics.iter().map(|metric| metric.0.map(|arrival| arrival.offset));
                (stream.ssrc, stream.begin.0, offsets.collect())
            });
            all.push(streams.collect());
        });
        all
    }

    #[test]
    fn each_stream_is_told_of_from_where_the_last_report_ended() {
        let mut reports = CongestionReports::new(&mut Rng::from_number(1));
        let at = Instant::from_millis;
        for (ssrc, number, ms) in [(7, 65_535, 1_000), (9, 5, 1_000), (7, 1, 1_500), (9, 5, 1_900)] {
            reports.receive(at(ms), ssrc, Serial16(number));
        }
        let both = vec![(7, 65_535, vec![Some(1_024), None, Some(512)]), (9, 5, vec![Some(1_024)])];
        assert_eq!(told(&mut reports, at(2_000)), [both]);
        assert!(told(&mut reports, at(2_100)).is_empty());
        // 2 was lost; 65,535 comes once more, and 0 too late; 3 came longer ago than can be said.
        for (number, ms) in [(3, 2_100), (65_535, 2_100), (0, 2_100)] {
            reports.receive(at(ms), 7, Serial16(number));
        }
        assert_eq!(told(&mut reports, at(60_000)), [vec![(7, 2, vec![None, Some(0x1ffe)])]]);
        reports.receive(at(60_000), 7, Serial16(1));
        assert!(told(&mut reports, at(60_000)).is_empty(), "nothing new");
    }

    #[test]
    fn a_jump_and_a_flood_stay_bounded() {
        let mut reports = CongestionReports::new(&mut Rng::from_number(1));
        reports.receive(Instant::ZERO, 7, Serial16(0));
        reports.receive(Instant::ZERO, 7, Serial16(30_000));
        let all = told(&mut reports, Instant::ZERO);
        assert_eq!(all.iter().flatten().map(|(.., metrics)| metrics.len()).sum::<usize>(), 1_024);
        (0..=u16::MAX).for_each(|number| reports.receive(Instant::ZERO, 8, Serial16(number)));
        assert_eq!(reports.arrivals.len(), MAX_PACKETS);
    }

    quickcheck! {
        fn any_numbers_make_packets_that_fit(numbers: Vec<(u8, u16)>) -> bool {
            let mut reports = CongestionReports::new(&mut Rng::from_number(1));
            numbers.iter().for_each(|&(ssrc, n)| reports.receive(Instant::ZERO, u32::from(ssrc % 4), Serial16(n)));
            let all = told(&mut reports, Instant::ZERO);
            all.iter().all(|streams| streams.iter().map(|(.., metrics)| metrics.len() + 4).sum::<usize>() <= 354)
        }
    }
}
