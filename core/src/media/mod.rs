//! Floor 3: audio and video as RTP. It takes and gives plain packets: sealing them and finding a way to the peer is
//! the transport's business, deciding what is sent is signaling's.
//!
//! [`Media`] is a machine like the others. From below come packets ([`Media::handle_rtp`], [`Media::handle_rtcp`]), to
//! below go packets ([`Media::poll_transmit`]); from above come frames or packets to send, to above go frames or packets
//! that came ([`Media::poll_event`]). It neither encodes nor decodes, and it has no opinion on bandwidth.

mod backlog;
pub mod codec;
pub mod contributing;
pub mod counters;
pub mod error;
pub mod event;
pub mod extensions;
mod inbound;
mod outbound;
pub mod packet;
mod parity;
pub mod receive;
mod round_trips;
mod rtcp;
mod section;
pub mod send;
mod sources;
#[cfg(test)]
mod tests;

use crate::base::drops::Drops;
use crate::base::ids::{Id, Slots};
use crate::base::map::SeededMap;
use crate::base::media::{ReceiverId, SenderId, TransceiverId};
use crate::base::negotiated::NegotiatedSection;
use crate::base::queue::BusyQueue;
use crate::base::random::Rng;
use crate::base::time::{Instant, WallClock, earliest, ntp_of};
use crate::media::backlog::Backlog;
use crate::media::contributing::{Heard, RtpContributingSource};
use crate::media::counters::{Inbound, Outbound};
use crate::media::error::WriteError;
use crate::media::event::Delivery;
use crate::media::event::{Event, SendFrame, SendPacket};
use crate::media::extensions::Extensions;
use crate::media::receive::arrivals::Arrivals;
use crate::media::receive::congestion::CongestionReports;
use crate::media::receive::stream::Incoming;
use crate::media::round_trips::References;
use crate::media::section::{Feedback, Section, Taking};
use crate::media::send::guard::Protection;
use crate::media::send::pacer::Pacer;
use crate::media::send::stream::Stream;
use crate::media::send::tone::Tone;
use crate::media::sources::Sources;
use crate::timer_keys;
use std::time::Duration;

/// RTCP packets that wait to be sent: there is no path, or nobody asks.
const MAX_PACKETS: usize = 256;
/// The round trip that is assumed before one was measured.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);

timer_keys! {
    enum Timer {
        /// The next compound report.
        Report,
        /// Feedback on the transport's packets.
        Arrivals,
        /// Something is to be asked for.
        Missing,
        /// A frame is given up.
        Frames,
        /// More is to be said of a tone.
        Tones,
        /// More of what waits may be sent.
        Burst,
    }
}

type Timers = crate::base::timers::Timers<Timer, { Timer::COUNT }>;

/// The media of one connection.
///
/// * Do: [`set_sections`](Self::set_sections), [`write_frame`](Self::write_frame), [`write_rtp`](Self::write_rtp),
///   [`send_tone`](Self::send_tone), [`request_key_frame`](Self::request_key_frame), [`set_delivery`](Self::set_delivery).
/// * Handle: [`handle_rtp`](Self::handle_rtp), [`handle_rtcp`](Self::handle_rtcp),
///   [`handle_timeout`](Self::handle_timeout).
/// * Poll: `poll_transmit`, `poll_event`, `poll_timeout`, in any order and as late as one likes.
#[derive(Debug)]
pub struct Media {
    rng: Rng,
    wall_clock: WallClock,
    ntp: Ntp,
    sections: Vec<Section>,
    /// Where the section of a transceiver is.
    places: SeededMap<TransceiverId, usize>,
    extensions: Extensions,
    cname: String,
    reduced_size: bool,
    /// Who reports where nothing is sent.
    reporter: u32,
    incoming: Slots<Incoming>,
    sources: Sources,
    outgoing: Vec<Stream>,
    /// Where the stream of an encoding is, and that of a source.
    encodings: SeededMap<(TransceiverId, usize), usize>,
    by_ssrc: SeededMap<u32, usize>,
    /// Tones that sound.
    tones: Vec<Tone>,
    /// Streams with packets that wait, in turn; and those that the pacer holds up.
    ready: BusyQueue<usize>,
    held: Vec<usize>,
    pacer: Pacer,
    /// The number of the next packet on the transport.
    transport_sequence: u16,
    arrivals: Arrivals,
    /// The same as RFC 8888 has it, where that was agreed on: then it is instead.
    congestion: Option<Box<CongestionReports>>,
    /// The sender of the packets that arrived last: feedback names one.
    arrivals_of: u32,
    packets: BusyQueue<Vec<u8>>,
    references: References,
    takings: SeededMap<TransceiverId, Taking>,
    protections: SeededMap<TransceiverId, Protection>,
    round_trip: Option<Duration>,
    /// The round trip that is assumed until one was measured.
    assumed_round_trip: Duration,
    timers: Timers,
    events: Backlog,
    drops: Drops,
}

/// The time of NTP, worked out once for all packets of one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Ntp(Option<(Instant, u64)>);

impl Ntp {
    fn at(&mut self, now: Instant, wall_clock: &WallClock) -> u64 {
        match self.0 {
            Some((at, ntp)) if at == now => ntp,
            _ => {
                let ntp = ntp_of(wall_clock.at(now));
                self.0 = Some((now, ntp));
                ntp
            }
        }
    }
}

/// What a packet that is to be sent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// RTP.
    Rtp,
    /// RTCP, compound or of reduced size.
    Rtcp,
}

impl Media {
    /// A machine that has agreed on nothing yet.
    #[must_use]
    pub fn new(mut rng: Rng, wall_clock: WallClock) -> Self {
        Self {
            reporter: rng.secret_u32(),
            takings: SeededMap::new(&mut rng),
            protections: SeededMap::new(&mut rng),
            places: SeededMap::new(&mut rng),
            sources: Sources::new(&mut rng),
            encodings: SeededMap::new(&mut rng),
            by_ssrc: SeededMap::new(&mut rng),
            rng,
            wall_clock,
            ntp: Ntp::default(),
            sections: Vec::new(),
            tones: Vec::new(),
            extensions: Extensions::default(),
            cname: String::new(),
            reduced_size: false,
            incoming: Slots::default(),
            outgoing: Vec::new(),
            ready: BusyQueue::default(),
            held: Vec::new(),
            pacer: Pacer::default(),
            transport_sequence: 0,
            arrivals: Arrivals::default(),
            congestion: None,
            arrivals_of: 0,
            packets: BusyQueue::default(),
            references: References::default(),
            round_trip: None,
            assumed_round_trip: FIRST_ROUND_TRIP,
            timers: Timers::default(),
            events: Backlog::default(),
            drops: Drops::default(),
        }
    }

    /// Takes what the descriptions agree on, in place of what they did before.
    pub fn set_sections(&mut self, sections: &[NegotiatedSection]) {
        let before = std::mem::replace(&mut self.sections, sections.iter().map(Section::of).collect());
        for section in &mut self.sections {
            let before = before.iter().find(|before| before.transceiver == section.transceiver);
            // A track is muted until something comes, and again once nothing is to come.
            section.unmuted = before.is_some_and(|before| before.unmuted) && section.direction.receives();
            section.taking = self.takings.get(&section.transceiver).copied().unwrap_or_default();
        }
        self.places = SeededMap::new(&mut self.rng);
        for (at, section) in sections.iter().enumerate() {
            self.places.insert(section.transceiver, at);
        }
        self.extensions = Extensions::of(sections);
        self.cname = sections.iter().find_map(|section| section.rtcp.cname.clone()).unwrap_or_default();
        self.reduced_size = !sections.is_empty() && sections.iter().all(|section| section.rtcp.reduced_size);
        let receives = |id: &TransceiverId| {
            self.sections.iter().any(|section| section.transceiver == *id && section.direction.receives())
        };
        let gone: Vec<Id<Incoming>> = self
            .incoming
            .iter()
            .filter(|(_, stream)| !receives(&stream.transceiver))
            .map(|(id, _)| id)
            .collect();
        gone.into_iter().for_each(|id| self.forget_stream(id));
        for (_, stream) in self.incoming.iter_mut() {
            let place = self.sections.iter().position(|section| section.transceiver == stream.transceiver);
            stream.section = place.unwrap_or_default();
        }
        let mut agreed = self.sections.iter().flat_map(|section| section.receive.iter());
        if !agreed.any(|codec| codec.feedback.has(Feedback::CONGESTION)) {
            self.congestion = None;
        } else if self.congestion.is_none() {
            self.congestion = Some(Box::new(CongestionReports::new(&mut self.rng)));
        }
        self.make_streams(sections);
    }

    /// Streams of ours: kept where their source is, made where it is new, gone where it is gone.
    fn make_streams(&mut self, sections: &[NegotiatedSection]) {
        let mut streams = Vec::new();
        for (place, section) in sections.iter().enumerate() {
            for (encoding, source) in section.local_sources.iter().enumerate() {
                let known = self.outgoing.iter().position(|stream| stream.ssrc == source.ssrc);
                let mut stream = match known {
                    Some(at) => self.outgoing.swap_remove(at),
                    None => Stream::new(section.transceiver, encoding, source, &mut self.rng),
                };
                stream.section = place;
                stream.protection = self.protections.get(&section.transceiver).copied().unwrap_or_default();
                stream.rid = section.send_rids.get(encoding).map(|rid| rid.id.as_str().into());
                if !section.direction.sends() {
                    stream.clear();
                }
                streams.push(stream);
            }
        }
        self.outgoing = streams;
        self.encodings = SeededMap::new(&mut self.rng);
        self.by_ssrc = SeededMap::new(&mut self.rng);
        for (at, stream) in self.outgoing.iter().enumerate() {
            self.encodings.insert((stream.transceiver, stream.encoding), at);
            self.by_ssrc.insert(stream.ssrc, at);
        }
        self.ready.clear();
        self.held.clear();
        self.pacer.restart(self.outgoing.iter().map(Stream::paced_bytes).sum());
        for at in 0..self.outgoing.len() {
            self.outgoing[at].is_ready = false;
            self.make_ready(at);
        }
    }

    /// How the application takes what this receiver gets. Until it is told otherwise: frames.
    pub fn set_delivery(&mut self, receiver: ReceiverId, delivery: Delivery) {
        self.change_taking(receiver.transceiver(), |taking| taking.delivery = delivery);
    }

    /// How long frames of this receiver wait at least, so that they come evenly: as long as their jitter demands, and
    /// this long (up to 4 s). Until it is told otherwise, `None`: they come as soon as they are whole.
    pub fn set_jitter_buffer_target(&mut self, receiver: ReceiverId, target: Option<Duration>) {
        let id = receiver.transceiver();
        self.change_taking(id, |taking| taking.buffer = target);
        let own = self.incoming.iter_mut().map(|(_, stream)| stream);
        own.filter(|stream| stream.transceiver == id).for_each(|stream| stream.playout.set_target(target));
    }

    /// Asks the peer to send what this receiver gets at no more than this rate, in bits a second: now, and again with each
    /// report. Its streams together, by `TMMBR` (RFC 5104) where that was agreed on, by REMB otherwise.
    pub fn limit_bitrate(&mut self, receiver: ReceiverId, bitrate: u64) {
        let id = receiver.transceiver();
        self.change_taking(id, |taking| taking.limit = Some(bitrate));
        self.tell_limits(Some(id));
    }

    fn change_taking(&mut self, id: TransceiverId, change: impl FnOnce(&mut Taking)) {
        let mut taking = self.takings.get(&id).copied().unwrap_or_default();
        change(&mut taking);
        self.takings.insert(id, taking);
        self.sections.iter_mut().filter(|s| s.transceiver == id).for_each(|s| s.taking = taking);
    }

    /// How what this sender sends is protected against loss. Until it is told otherwise: not at all.
    pub fn set_protection(&mut self, sender: SenderId, protection: Protection) {
        let id = sender.transceiver();
        self.protections.insert(id, protection);
        let own = self.outgoing.iter_mut().filter(|stream| stream.transceiver == id);
        own.for_each(|stream| stream.protection = protection);
    }

    /// Asks the peer for a key frame of what this receiver gets, of all its streams or of the one with this rid. No more
    /// often than every 300 ms: an encoder needs a while.
    pub fn request_key_frame(&mut self, now: Instant, receiver: ReceiverId, rid: Option<&str>) {
        let wanted = |stream: &&mut Incoming| {
            stream.transceiver == receiver.transceiver() && (rid.is_none() || stream.rid.as_deref() == rid)
        };
        self.incoming.iter_mut().map(|(_, stream)| stream).filter(wanted).for_each(Incoming::want_key);
        self.ask(now);
    }

    /// Cuts a frame into packets, to be sent. `limit`: bytes that an RTP packet may have on the path.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; then nothing of it is sent.
    pub fn write_frame(
        &mut self,
        sender: SenderId,
        frame: &SendFrame<'_>,
        limit: usize,
    ) -> Result<(), WriteError> {
        self.queue_frame(sender.transceiver(), frame, limit)
    }

    /// Queues a packet of another source, to be sent under a name, numbers and ids of ours. `limit`: bytes that an RTP
    /// packet may have on the path.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; then it is not sent.
    pub fn write_rtp(
        &mut self,
        now: Instant,
        sender: SenderId,
        packet: &SendPacket<'_>,
        limit: usize,
    ) -> Result<(), WriteError> {
        self.queue_packet(now, sender.transceiver(), packet, limit)
    }

    /// Sends a tone of DTMF, in place of one that still sounds. The peer hears it for `duration`.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: nothing is sent, or no telephone events were negotiated.
    pub fn send_tone(
        &mut self,
        now: Instant,
        sender: SenderId,
        key: char,
        duration: Duration,
    ) -> Result<(), WriteError> {
        self.begin_tone(now, sender.transceiver(), key, duration)
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Report => self.report(now),
                Timer::Arrivals => self.report_arrivals(now),
                Timer::Missing => self.ask(now),
                Timer::Frames => self.deliver_all(now),
                Timer::Tones => self.report_tones(now),
                Timer::Burst => self.release(),
            }
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest([self.timers.deadline()])
    }

    /// Whether a section of this transceiver was agreed on.
    #[must_use]
    pub fn carries(&self, transceiver: TransceiverId) -> bool {
        self.places.get(&transceiver).is_some()
    }

    /// The path is known to take this long, there and back: what to go by until reports have told more.
    pub const fn assume_round_trip(&mut self, time: Duration) {
        self.assumed_round_trip = time;
    }

    /// The sources of what a receiver got in the last ten seconds, the latest first (`getSynchronizationSources`).
    #[must_use]
    pub fn synchronization_sources(&self, now: Instant, receiver: ReceiverId) -> Vec<RtpContributingSource> {
        self.sources_of(receiver, |stream| {
            let heard = stream.heard.and_then(|heard| heard.tell(stream.ssrc, now, &self.wall_clock));
            heard.into_iter().collect()
        })
    }

    /// The sources that a mixer named in it, likewise (`getContributingSources`).
    #[must_use]
    pub fn contributing_sources(&self, now: Instant, receiver: ReceiverId) -> Vec<RtpContributingSource> {
        self.sources_of(receiver, |stream| {
            let tell = |(source, heard): (u32, Heard)| heard.tell(source, now, &self.wall_clock);
            stream.contributing.iter().filter_map(tell).collect()
        })
    }

    fn sources_of(
        &self,
        receiver: ReceiverId,
        tell: impl Fn(&Incoming) -> Vec<RtpContributingSource>,
    ) -> Vec<RtpContributingSource> {
        let own = self.incoming.iter().map(|(_, stream)| stream);
        let own = own.filter(|stream| stream.transceiver == receiver.transceiver());
        let mut sources: Vec<RtpContributingSource> = own.flat_map(tell).collect();
        sources.sort_by(|a, b| b.timestamp.total_cmp(&a.timestamp));
        sources
    }

    /// What is known of each stream that comes.
    pub fn inbound_streams(&self) -> impl Iterator<Item = Inbound> {
        self.incoming.iter().map(|(_, stream)| stream.facts())
    }

    /// What is known of each stream of ours.
    pub fn outbound_streams(&self) -> impl Iterator<Item = Outbound<'_>> {
        self.outgoing.iter().map(|stream| stream.facts(&self.sections[stream.section]))
    }

    /// The ids of header extensions.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// What was refused.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    fn push_rtcp(&mut self, packet: Vec<u8>) {
        if self.packets.len() < MAX_PACKETS {
            self.packets.push(packet);
        }
    }

    fn round_trip(&self) -> Duration {
        self.round_trip.unwrap_or(self.assumed_round_trip)
    }
}
