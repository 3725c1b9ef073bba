//! What is remembered of each stream: how far its packets have come, and which of the latest were seen.

use crate::base::map::SeededMap;
use crate::base::random::Rng;
use crate::base::seq::Serial16;
use crate::transport::srtp::cipher::Authentic;

/// Words of a window.
const WORDS: usize = 32;
/// How far behind the newest packet one may be (RFC 3711 §3.3.2 asks for 64, which is less than a retransmission takes).
pub(super) const WINDOW: u64 = (WORDS as u64 - 1) * 64;

/// RTP's indexes have 48 bits.
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// Which of the latest packets were seen, as a ring of bits.
#[derive(Clone, Default)]
pub(super) struct Window {
    /// One more than the highest index seen.
    end: u64,
    /// Bit `i` is that of the index which is `i` modulo the ring; bits ahead of `end` in its word are clear.
    seen: [u64; WORDS],
}

impl Window {
    /// The index that a packet with this sequence number most likely has (RFC 3711 §3.3.1); `None` where that is
    /// before the first or after the last.
    pub(super) fn estimate(&self, sequence: Serial16) -> Option<u64> {
        let Some(highest) = self.end.checked_sub(1) else { return Some(u64::from(sequence.0)) };
        let ahead = sequence.distance_from(Serial16(highest as u16)) as i16;
        highest.checked_add_signed(ahead.into()).filter(|&index| index <= MAX_RTP_INDEX)
    }

    pub(super) const fn is_new(&self, index: u64) -> bool {
        if index >= self.end {
            return true;
        }
        self.end - index <= WINDOW && self.seen[word(index)] >> (index % 64) & 1 == 0
    }

    /// Remembers an index.
    pub(super) fn mark(&mut self, index: u64) {
        if index >= self.end {
            // Words between the newest index and this one are those of a round ago.
            let first = self.end.div_ceil(64);
            let last = index / 64;
            for number in first.max(last.saturating_sub(WORDS as u64 - 1))..=last {
                self.seen[number as usize % WORDS] = 0;
            }
            self.end = index + 1;
        }
        self.seen[word(index)] |= 1 << (index % 64);
    }
}

const fn word(index: u64) -> usize {
    (index / 64) as usize % WORDS
}

/// The windows of many streams.
///
/// The map is seeded: a peer picks the identifiers.
pub(super) struct Streams {
    places: SeededMap<u32, usize>,
    streams: Vec<Stream>,
    limit: usize,
    /// Packets that were remembered.
    clock: u64,
}

struct Stream {
    ssrc: u32,
    /// When the latest packet was remembered.
    used: u64,
    window: Window,
}

/// Where a stream is, if it is known.
#[derive(Clone, Copy)]
pub(super) struct Place(Option<usize>);

impl Place {
    pub(super) const fn is_unknown(self) -> bool {
        self.0.is_none()
    }
}

impl Streams {
    pub(super) fn new(limit: usize, rng: &mut Rng) -> Self {
        Self { places: SeededMap::new(rng), streams: Vec::new(), limit: limit.max(1), clock: 0 }
    }

    pub(super) fn find(&self, ssrc: u32) -> Place {
        Place(self.places.get(&ssrc).copied())
    }

    /// The index of a packet that may come or go now: one that is neither too old nor was there before.
    pub(super) fn next_index(&self, place: Place, sequence: Serial16) -> Option<u64> {
        match place.0 {
            Some(at) => {
                let window = &self.streams[at].window;
                window.estimate(sequence).filter(|&index| window.is_new(index))
            }
            None => Some(u64::from(sequence.0)),
        }
    }

    /// Whether a packet with this index was not there before.
    pub(super) fn is_new(&self, place: Place, index: u64) -> bool {
        place.0.is_none_or(|at| self.streams[at].window.is_new(index))
    }

    /// Whether one more stream would push another one out.
    pub(super) const fn is_full(&self) -> bool {
        self.streams.len() >= self.limit
    }

    /// Remembers a packet that came. A new stream takes the place of the one that was silent for longest where there
    /// are too many, which only a peer that holds the keys can bring about.
    pub(super) fn note(&mut self, _tag_was_right: Authentic, place: Place, ssrc: u32, index: u64) {
        self.note_own(place, ssrc, index);
    }

    /// Remembers a packet of our own.
    pub(super) fn note_own(&mut self, place: Place, ssrc: u32, index: u64) {
        self.clock += 1;
        let at = place.0.unwrap_or_else(|| self.admit(ssrc));
        let stream = &mut self.streams[at];
        stream.used = self.clock;
        stream.window.mark(index);
    }

    fn admit(&mut self, ssrc: u32) -> usize {
        let stream = Stream { ssrc, used: self.clock, window: Window::default() };
        let at = if self.is_full() {
            let silent = self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.used);
            let at = silent.map_or(0, |(at, _)| at);
            self.places.remove(&self.streams[at].ssrc);
            self.streams[at] = stream;
            at
        } else {
            self.streams.push(stream);
            self.streams.len() - 1
        };
        self.places.insert(ssrc, at);
        at
    }

    pub(super) const fn len(&self) -> usize {
        self.streams.len()
    }
}
