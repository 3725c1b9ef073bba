//! Settings and counters of an association.

use std::time::Duration;

/// Which rules say how much may be under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CongestionAlgorithm {
    /// RFC 9260 §7.2: a tenth of the path or less where there is loss or distance. The reference.
    NewReno,
    /// CUBIC (RFC 9438) with `HyStart++` (RFC 9406), as most of the Internet's bulk transfers.
    Cubic,
    /// BBR (draft-ietf-ccwg-bbr, version 3), which does not take every loss for a sign that too much is under way. The default:
    /// in `dc-grid` of `tests/bench` (100 Mbit/s, 50 ms, a queue of one BDP) payload is 91, 90 and 86 % of the link at 0, 1 and
    /// 3 % of loss, where CUBIC has 92, 2 and 1, and small messages beside it take 1.5 round trips at most at the 99th
    /// percentile. Of a path that both use (`dc-fairness`), CUBIC gets half or more where the queue holds a BDP, and a third
    /// where it holds a tenth of that.
    #[default]
    Bbr,
}

/// Settings of an association.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Our SCTP port. Default 5,000, customary for WebRTC.
    pub local_port: u16,
    /// The peer's SCTP port, from its `a=sctp-port`. Default 5,000.
    pub remote_port: u16,
    /// Streams that we offer in each direction. Default 65,535 (RFC 8831 §6.2); unused ones cost nothing.
    pub streams: u16,
    /// Bytes that we hold for messages in reassembly or not yet read: the window that the peer sees at first. Default 4 MiB,
    /// enough for 330 Mbit/s over 100 ms. Memory is used when data is there.
    pub receive_buffer: usize,
    /// What the window grows to while the application reads as fast as data comes: four times what it reads in a round trip.
    /// Default 64 MiB, enough for 1,000 Mbit/s over 200 ms with losses to be repaired. One that does not read never makes it
    /// grow. Not above `receive_buffer` turns growth off.
    pub max_receive_buffer: usize,
    /// The largest message that is reassembled, in bytes. Default 262,144. What is larger is discarded and reported.
    pub max_message_size: usize,
    /// How long an acknowledgement may wait for a second packet. Default 20 ms: long enough for most replies to carry it.
    pub sack_delay: Duration,
    /// Time-out before the round trip was measured. Default 500 ms: with a longer round trip one packet goes out twice.
    pub rto_initial: Duration,
    /// Time-out of INIT and COOKIE ECHO, which are answered at once. Default 500 ms. It doubles when it has passed four times
    /// (RFC 9260 §5.1 has it double from the first time): a lost packet in between is but a loss.
    pub setup_wait: Duration,
    /// What the time-out is above the smoothed round trip, at least. Default 200 ms, the acknowledgement delay of
    /// other implementations. RFC 9260 has a floor of one second for the sum instead, which is a long stall for nothing:
    /// a probe goes out after two round trips anyway.
    pub rto_margin: Duration,
    /// The longest time-out. Default 10 s (RFC 9260: 60 s), so that a path that comes back is noticed.
    pub rto_max: Duration,
    /// Time-outs in a row until the association is given up. Default 20, some 150 s together.
    pub max_retransmissions: u32,
    /// INITs or COOKIE ECHOs until the attempt is given up. Default 20.
    pub max_init_retransmissions: u32,
    /// How often an idle association asks whether the peer is there. Default `None`: ICE consent (RFC 7675) asks already.
    pub heartbeat_interval: Option<Duration>,
    /// How long a state cookie is good for. Default 60 s.
    pub cookie_lifetime: Duration,
    /// The congestion controller.
    pub congestion: CongestionAlgorithm,
    /// Leaves out the checksum where the peer agrees (RFC 9653). Default true: DTLS is below. Turn it off where it is not.
    pub zero_checksum: bool,
    /// Interleaves messages where the peer agrees (I-DATA, RFC 8260). Default true.
    pub interleaving: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            local_port: 5_000,
            remote_port: 5_000,
            streams: u16::MAX,
            receive_buffer: 4 << 20,
            max_receive_buffer: 64 << 20,
            max_message_size: 262_144,
            sack_delay: Duration::from_millis(20),
            rto_initial: Duration::from_millis(500),
            setup_wait: Duration::from_millis(500),
            rto_margin: Duration::from_millis(200),
            rto_max: Duration::from_secs(10),
            max_retransmissions: 20,
            max_init_retransmissions: 20,
            heartbeat_interval: None,
            cookie_lifetime: Duration::from_secs(60),
            congestion: CongestionAlgorithm::default(),
            zero_checksum: true,
            interleaving: true,
        }
    }
}

/// Counters and gauges of an association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The smoothed round trip, once measured.
    pub srtt: Option<Duration>,
    /// The retransmission time-out.
    pub rto: Duration,
    /// The congestion window in bytes.
    pub cwnd: usize,
    /// The slow-start threshold in bytes; `usize::MAX` before the first loss.
    pub ssthresh: usize,
    /// The peer's receive window in bytes, less what is under way.
    pub peer_rwnd: usize,
    /// The receive window that we advertise, in bytes.
    pub local_rwnd: usize,
    /// Bytes of chunks that are sent, and neither acknowledged nor taken for lost.
    pub in_flight: usize,
    /// Chunks that are sent and not cumulatively acknowledged (`unackData`).
    pub unacked_chunks: usize,
    /// Bytes of messages that wait to be sent.
    pub queued_bytes: usize,
    /// SCTP packets sent.
    pub packets_sent: u64,
    /// SCTP packets received.
    pub packets_received: u64,
    /// Bytes of SCTP packets sent.
    pub bytes_sent: u64,
    /// Bytes of SCTP packets received.
    pub bytes_received: u64,
    /// DATA chunks sent again.
    pub chunks_retransmitted: u64,
    /// Retransmission time-outs.
    pub timeouts: u64,
    /// Messages given up by their reliability limit.
    pub messages_abandoned: u64,
    /// Whether both ends interleave messages (I-DATA), so that a long one holds no other up.
    pub interleaving: bool,
    /// Whether packets go without a checksum (RFC 9653).
    pub zero_checksum: bool,
}
