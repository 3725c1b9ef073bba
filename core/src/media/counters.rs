//! What is counted of streams, and how their owner is told: plain values, exact at the moment they are asked for. What
//! they are called in statistics is not known here.

use crate::base::media::{MediaKind, TransceiverId};
use crate::base::time::Instant;
use crate::wire::rtcp::report::SenderInfo;
use std::time::Duration;

/// Counted of a stream that comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Received {
    /// Packets, repetitions among them; and their payloads, and the bytes that are not payload.
    pub packets: u64,
    /// Bytes of payloads.
    pub bytes: u64,
    /// Bytes of headers and padding.
    pub header_bytes: u64,
    /// Repetitions alone.
    pub repeated_packets: u64,
    /// Their payloads.
    pub repeated_bytes: u64,
    /// Parity of it.
    pub parity_packets: u64,
    /// Its bytes.
    pub parity_bytes: u64,
    /// Packets that came when their place was given up.
    pub discarded: u64,
    /// When the last one came.
    pub latest: Option<Instant>,
    /// Packets sent that ask for missing ones.
    pub nacks: u32,
    /// Picture losses told.
    pub picture_losses: u32,
    /// Samples that came, where the codec says how many.
    pub samples: u64,
    /// Frames that came whole.
    pub frames: u32,
    /// Those that had several packets.
    pub assembled: u32,
    /// From their first packet to the last, added up.
    pub assembly: Duration,
    /// What was handed on, and how long it was here.
    pub held: Held,
}

/// How long samples of audio, or frames of video, stay until they are handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    /// How many were handed on.
    pub emitted: u64,
    /// From their first packet on, added up, in seconds.
    pub delay: f64,
    /// What was aimed at when they were, added up, in seconds.
    pub target: f64,
    /// What the network alone demanded, added up, in seconds.
    pub least: f64,
}

impl Held {
    pub(super) fn add(&mut self, count: u64, delay: Duration, target: Duration, least: Duration) {
        self.emitted += count;
        self.delay += delay.as_secs_f64() * count as f64;
        self.target += target.as_secs_f64() * count as f64;
        self.least += least.as_secs_f64() * count as f64;
    }
}

/// Counted of a stream of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Packets, repetitions among them.
    pub packets: u64,
    /// Bytes of payloads.
    pub bytes: u64,
    /// Bytes of headers.
    pub header_bytes: u64,
    /// Repetitions alone.
    pub repeated_packets: u64,
    /// Their payloads.
    pub repeated_bytes: u64,
    /// Frames, by the markers of their last packets.
    pub frames: u32,
    /// Those of at least two and a half times the average size.
    pub huge_frames: u32,
    /// Packets that came and ask for missing ones.
    pub nacks: u32,
    /// Full intra requests that came.
    pub intra_requests: u32,
    /// Picture losses that the peer told.
    pub picture_losses: u32,
    /// How long packets were held up, added up.
    pub waited: Duration,
    /// Bytes of the frame that is being sent, and of all before.
    frame_bytes: u64,
    all_frame_bytes: u64,
}

impl Sent {
    /// A packet left.
    pub(super) fn count(&mut self, payload: usize, header: usize, repeats: bool) {
        self.packets += 1;
        self.bytes += payload as u64;
        self.header_bytes += header as u64;
        if repeats {
            self.repeated_packets += 1;
            self.repeated_bytes += payload as u64;
        }
    }

    /// A packet of a frame left, its last or another.
    pub(super) fn count_frame(&mut self, payload: usize, ends: bool) {
        self.frame_bytes += payload as u64;
        if ends {
            let size = std::mem::take(&mut self.frame_bytes);
            self.all_frame_bytes += size;
            self.frames += 1;
            // webrtc-stats §8.6: at least 2.5 times the average.
            let is_huge = 2 * size * u64::from(self.frames) >= 5 * self.all_frame_bytes;
            self.huge_frames += u32::from(is_huge);
        }
    }
}

/// Round trips of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrips {
    /// The last one.
    pub latest: Option<Duration>,
    /// All of them, added up.
    pub total: Duration,
    /// How many there were.
    pub count: u64,
}

impl RoundTrips {
    pub(super) fn add(&mut self, sample: Duration) {
        self.latest = Some(sample);
        self.total += sample;
        self.count += 1;
    }
}

/// What the peer reports of a stream that it sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemoteSent {
    /// When the last report came.
    pub arrived: Instant,
    /// What it said.
    pub info: SenderInfo,
    /// Reports so far.
    pub reports: u64,
    /// Round trips by its answers to our extended reports.
    pub round_trips: RoundTrips,
}

/// What the peer reports of a stream that it gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemoteReceived {
    /// When the last report came.
    pub arrived: Instant,
    /// Packets that came there.
    pub packets: u64,
    /// Packets that did not.
    pub lost: i64,
    /// Of the packets since the report before: the part that was lost.
    pub fraction_lost: f64,
    /// In seconds.
    pub jitter: f64,
    /// Round trips by its reports.
    pub round_trips: RoundTrips,
}

/// A stream that comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inbound {
    /// Whose.
    pub transceiver: TransceiverId,
    /// Audio or video.
    pub kind: MediaKind,
    /// The source.
    pub ssrc: u32,
    /// That of its repetitions, once one came.
    pub rtx: Option<u32>,
    /// Whether repetitions are negotiated.
    pub repeats: bool,
    /// The payload type of the last packet.
    pub payload_type: u8,
    /// What was counted.
    pub received: Received,
    /// Packets that did not come (RFC 3550 §6.4.1).
    pub lost: i64,
    /// In seconds.
    pub jitter: f64,
    /// What the peer says of it.
    pub remote: Option<RemoteSent>,
}

/// A stream of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outbound<'a> {
    /// Whose.
    pub transceiver: TransceiverId,
    /// Audio or video.
    pub kind: MediaKind,
    /// The place of its encoding.
    pub encoding: usize,
    /// Its name in simulcast.
    pub rid: Option<&'a str>,
    /// The source.
    pub ssrc: u32,
    /// That of its repetitions, where they are negotiated.
    pub rtx: Option<u32>,
    /// The payload type of the last packet, or that of the next one.
    pub payload_type: Option<u8>,
    /// Whether its direction sends.
    pub sends: bool,
    /// What was counted.
    pub sent: Sent,
    /// What the peer says of it.
    pub remote: Option<RemoteReceived>,
}

#[cfg(test)]
mod tests {
    use super::Sent;

    #[test]
    fn frames_far_above_the_average_are_huge() {
        let mut sent = Sent::default();
        for size in [100, 100, 100, 100, 1_000] {
            sent.count_frame(size / 2, false);
            sent.count_frame(size / 2, true);
        }
        assert_eq!((sent.frames, sent.huge_frames), (5, 1));
    }
}
