//! How large packets may be: path MTU discovery by probes (RFC 8899), from the size that every path carries upwards.
//!
//! A probe is a HEARTBEAT that a PAD chunk fills up (§6.2.1, RFC 4820), or its own parameter where the peer does not name PAD
//! (then the answer is as large, and both ways have to carry it); its answer shows that packets of this size pass, and its loss
//! says nothing about congestion. Chunks stay small enough for the safe size whatever is found, because a chunk that was
//! sent cannot be cut again: when a path stops to carry large packets, what is sent again always passes.

use crate::base::time::Instant;
use crate::data::sctp::Association;
use crate::data::sctp::state::{Extensions, State};
use crate::data::sctp::timeout::Timer;
use crate::wire::sctp::chunk::Chunk;
use crate::wire::sctp::param::{ParamType, Params, put_param};
use crate::wire::sctp::{CHUNK_HEADER_LEN, HEADER_LEN};
use std::time::Duration;

/// Bytes of a parameter in front of its value.
const PARAM_HEADER_LEN: usize = 4;
/// Probes of one size that have to be lost until it is too large (`MAX_PROBES` of RFC 8899 §5.1.2).
const TRIES: u32 = 3;
/// The search ends when so few bytes are open.
const PRECISION: usize = 32;
/// When a search that is over begins again (`PMTU_RAISE_TIMER`).
const RAISE: Duration = Duration::from_secs(600);
/// Full packets that have to be waiting for a probe to be worth its bytes.
const WORTH: usize = 8;
/// How often a chunk is sent in vain until large packets are thought to vanish.
pub(super) const MAX_VAIN: u16 = 4;

/// What is known of the path.
#[derive(Debug, Default)]
pub(super) struct PathMtu {
    /// The largest packet that is tried.
    largest: usize,
    /// The largest packet that has passed, where probes have.
    confirmed: usize,
    search: Search,
}

#[derive(Clone, Copy, Debug, Default)]
enum Search {
    /// Nothing was tried.
    #[default]
    Fresh,
    /// Packets of `failed` bytes do not pass.
    Between { failed: usize },
    /// An answer is waited for.
    Asking { probe: Probe, failed: usize },
    /// It is known what passes.
    Over,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    size: usize,
    nonce: u64,
    tries: u32,
}

impl PathMtu {
    /// The largest packet that may be sent where `safe` bytes pass in any case.
    pub(super) fn packet(&self, safe: usize) -> usize {
        safe.max(self.confirmed)
    }

    /// The largest packet that is tried, where one is.
    pub(super) const fn largest(&self) -> usize {
        self.largest
    }

    /// What was found out may not be so any more: begins again from the safe size. Whether that is news.
    pub(super) fn forget(&mut self) -> bool {
        let was_larger = self.confirmed > 0;
        self.confirmed = 0;
        if was_larger {
            self.search = Search::Fresh;
        }
        was_larger
    }

    /// The size of the next probe, if there is one to send; `failed` is the size that does not pass.
    fn next(&self, safe: usize) -> Option<(usize, usize)> {
        let known = self.packet(safe);
        let (size, failed) = match self.search {
            Search::Fresh => (self.largest & !3, self.largest + 1),
            Search::Between { failed } => (((known + failed) / 2) & !3, failed),
            Search::Asking { .. } | Search::Over => return None,
        };
        (size > known && failed - known > PRECISION).then_some((size, failed))
    }

    /// Takes an answer to a probe. Whether it was one.
    fn answered(&mut self, info: &[u8]) -> bool {
        let Search::Asking { probe, failed } = self.search else { return false };
        // What follows the nonce is padding, where the parameter had to be that.
        let fits = info.starts_with(&probe.nonce.to_be_bytes());
        if fits {
            self.confirmed = probe.size;
            self.search = Search::Between { failed };
        }
        fits
    }

    /// The time for an answer, or until the next search, is over.
    fn unanswered(&mut self) {
        match self.search {
            Search::Asking { probe, .. } if probe.tries >= TRIES => {
                self.search = Search::Between { failed: probe.size };
            }
            Search::Over => self.search = Search::Fresh,
            // The same again, in the first case; `tries` counts on.
            Search::Asking { .. } | Search::Fresh | Search::Between { .. } => (),
        }
    }
}

impl Association {
    /// Says that another path carries the packets from now on: what was found out about the last one is forgotten. `largest` is
    /// the largest packet that probes try; what is not above the `max_len` of [`poll_transmit`](Self::poll_transmit) turns them
    /// off, as at first.
    pub fn set_path(&mut self, largest: usize) {
        self.path_mtu = PathMtu { largest: largest.min(u16::MAX.into()), ..PathMtu::default() };
        self.timers.cancel(Timer::PathMtu);
    }

    /// Appends a probe, if one is due and worth it.
    // RFC 8899 §3 item 5: not limited by congestion control, and at most one a round trip.
    pub(super) fn write_probe(&mut self, now: Instant, safe: usize, out: &mut Vec<u8>) -> Option<usize> {
        let waiting = self.timers.get(Timer::PathMtu).is_some();
        // A receiver has use for larger packets too, where its acknowledgements do not fit any more.
        let worth = self.outbox.queued() >= WORTH * safe || self.inbox.tracker.gap_count() > safe / 8;
        if waiting || self.state != State::Established || !worth {
            return None;
        }
        let (probe, failed) = match (self.path_mtu.search, self.path_mtu.next(safe)) {
            (Search::Asking { probe, failed }, _) => (Probe { tries: probe.tries + 1, ..probe }, failed),
            (_, Some((size, failed))) => (Probe { size, nonce: self.rng.secret_u64(), tries: 1 }, failed),
            // The search is over; much later there may be another path under the same address.
            _ => {
                self.path_mtu.search = Search::Over;
                self.timers.set(Timer::PathMtu, now + RAISE);
                return None;
            }
        };
        self.path_mtu.search = Search::Asking { probe, failed };
        self.timers.set(Timer::PathMtu, now + self.rtt.rto());
        let start = out.len();
        self.header(self.peer?.tag).write(out);
        put_heartbeat(probe, self.has_extension(Extensions::PADDING), out);
        Some(out.len() - start)
    }

    /// An answer to a HEARTBEAT arrived. Whether it was to a probe.
    pub(super) fn on_probe_answer(&mut self, info: &[u8]) -> bool {
        let answered = self.path_mtu.answered(info);
        if answered {
            self.timers.cancel(Timer::PathMtu);
        }
        answered
    }

    pub(super) fn on_path_mtu_timeout(&mut self) {
        self.path_mtu.unanswered();
    }

    /// Large packets may have ceased to pass: back to the safe size, and probes find out.
    // RFC 8899 §4.3
    pub(super) fn suspect_black_hole(&mut self) {
        if self.path_mtu.forget() {
            self.timers.cancel(Timer::PathMtu);
        }
    }
}

/// Appends the chunks of a probe: those of a packet of its size.
fn put_heartbeat(probe: Probe, in_chunk: bool, out: &mut Vec<u8>) {
    let mut info = probe.nonce.to_be_bytes().to_vec();
    let used = HEADER_LEN + CHUNK_HEADER_LEN + PARAM_HEADER_LEN + info.len();
    let padding = probe.size.saturating_sub(used);
    // RFC 4820 §3 lets a receiver that does not know PAD step over it. Some give up on the whole association instead, so those
    // that do not name it get none. What the parameter holds is the sender's affair (RFC 9260 §3.3.5).
    if !in_chunk {
        info.resize(info.len() + padding, 0);
    }
    let mut params = Vec::new();
    put_param(&mut params, ParamType::HeartbeatInfo, &info);
    Chunk::Heartbeat(Params::new(&params)).write(out);
    if in_chunk {
        Chunk::Pad(&vec![0; padding.saturating_sub(CHUNK_HEADER_LEN)]).write(out);
    }
}
