//! RTCP, both ways: reports, requests for packets and key frames, goodbyes.

use crate::base::drops::DropReason;
use crate::base::ids::Id;
use crate::base::media::TransceiverId;
use crate::base::time::{Instant, ntp_of};
use crate::media::event::Event;
use crate::media::receive::stream::Incoming;
use crate::media::round_trips::round_trip;
use crate::media::section::{Feedback, Section};
use crate::media::sources::Source;
use crate::media::{Media, Timer};
use crate::wire::rtcp::extended::{Block, Extended};
use crate::wire::rtcp::feedback::{self, Estimate, Limit, Message, Missing};
use crate::wire::rtcp::list::List;
use crate::wire::rtcp::report::{ReceiverReport, ReportBlock, SenderReport, middle};
use crate::wire::rtcp::source::{Bye, Chunk, Description, Item, ItemKind};
use crate::wire::rtcp::{Packet, packets};
use std::time::Duration;

/// Between two reports, on the average: what browsers do for video, and little beside any stream.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Blocks in one report (RFC 3550 §6.4.1).
const MAX_BLOCKS: usize = 31;
/// Bytes after which another compound packet begins: less than any path takes.
const FULL: usize = 800;
/// Bytes that a packet has in front of RTP: those of UDP and of the smaller IP (RFC 5104 §4.2.1.2).
const PACKET_OVERHEAD: u16 = 28;
/// Limits of one request that are looked at.
const MAX_LIMITS: usize = 32;
/// Key frame requests that come closer together are one: an encoder that obeyed each would do nothing else.
const KEY_INTERVAL: Duration = Duration::from_millis(100);

impl Media {
    /// Takes an RTCP packet that was opened.
    pub fn handle_rtcp(&mut self, now: Instant, packet: &[u8]) {
        for packet in packets(packet) {
            match packet {
                Ok(packet) => self.hear(now, &packet),
                Err(_) => self.drops.count(DropReason::RtcpMalformed),
            }
        }
    }

    fn hear(&mut self, now: Instant, packet: &Packet<'_>) {
        match packet {
            Packet::SenderReport(report) => {
                if let Some((_, stream)) = self.incoming_of(report.ssrc) {
                    stream.hear_sender(now, report.info);
                }
                self.hear_blocks(now, report.blocks);
            }
            Packet::ReceiverReport(report) => self.hear_blocks(now, report.blocks),
            Packet::Bye(bye) => {
                for ssrc in bye.sources.iter() {
                    if let Some(id) = self.incoming_of(ssrc).map(|(id, _)| id) {
                        self.say_goodbye(id);
                    }
                }
            }
            Packet::Feedback(feedback) => self.hear_feedback(now, feedback),
            Packet::Extended(report) => self.hear_extended(now, report),
            _ => {}
        }
    }

    /// A stream ended. With the last one of its section, the track is muted (W3C WebRTC §9.3).
    fn say_goodbye(&mut self, id: Id<Incoming>) {
        let Some(place) = self.incoming.get(id).map(|stream| stream.section) else { return };
        self.forget_stream(id);
        let others = self.incoming.iter().any(|(_, stream)| stream.section == place);
        if let Some(section) = self.sections.get_mut(place).filter(|section| section.unmuted && !others) {
            section.unmuted = false;
            self.events.push(Event::Mute(section.transceiver.receiver()));
        }
    }

    fn incoming_of(&mut self, ssrc: u32) -> Option<(Id<Incoming>, &mut Incoming)> {
        let Some(Source::Media(id)) = self.sources.get(ssrc) else { return None };
        self.incoming.get_mut(id).map(|stream| (id, stream))
    }

    /// The place of our stream of this source.
    fn outgoing_of(&self, ssrc: u32) -> Option<usize> {
        self.by_ssrc.get(&ssrc).copied()
    }

    /// How the peer receives what we send.
    fn hear_blocks(&mut self, now: Instant, blocks: List<'_, ReportBlock>) {
        let arrived = middle(ntp_of(self.wall_clock.at(now)));
        for block in blocks.iter() {
            let Some(at) = self.outgoing_of(block.ssrc) else { continue };
            let sample = round_trip(arrived, block.last_report, block.delay);
            self.outgoing[at].hear(now, &block, sample);
            sample.into_iter().for_each(|sample| self.measured(sample));
        }
    }

    /// Round trips of who only receives: the peer's, and ours.
    fn hear_extended(&mut self, now: Instant, report: &Extended<'_>) {
        let arrived = middle(ntp_of(self.wall_clock.at(now)));
        let reporter = self.reporter();
        for block in report.blocks() {
            match block {
                Block::ReferenceTime(time) => self.references.note(now, report.ssrc, middle(time)),
                Block::Delays(delays) => {
                    let own = delays.iter().find(|delay| delay.ssrc == reporter);
                    let sample = own.and_then(|own| round_trip(arrived, own.last_report, own.delay));
                    let Some(sample) = sample else { continue };
                    self.measured(sample);
                    if let Some((_, stream)) = self.incoming_of(report.ssrc) {
                        stream.measured(sample);
                    }
                }
                Block::Unknown { .. } => {}
            }
        }
    }

    fn measured(&mut self, sample: Duration) {
        let smooth = |before: Duration| (7 * before + sample) / 8;
        self.round_trip = Some(self.round_trip.map_or(sample, smooth));
    }

    fn hear_feedback(&mut self, now: Instant, feedback: &feedback::Feedback<'_>) {
        match feedback.message {
            Message::Nack(missing) => self.repeat(now, feedback.media, missing),
            Message::LimitRequest(limits) => self.hear_limits(feedback.sender, limits),
            Message::PictureLoss => {
                if let Some(at) = self.outgoing_of(feedback.media) {
                    self.outgoing[at].sent.picture_losses += 1;
                    self.hear_key_request(now, feedback.media);
                }
            }
            Message::IntraRequest(requests) => {
                for request in requests.iter() {
                    let Some(at) = self.outgoing_of(request.ssrc) else { continue };
                    let stream = &mut self.outgoing[at];
                    stream.sent.intra_requests += 1;
                    // RFC 5104 §4.3.1.2: with the number of the one before it is that one again.
                    if stream.intra_request.replace(request.sequence) != Some(request.sequence) {
                        self.hear_key_request(now, request.ssrc);
                    }
                }
            }
            _ => {}
        }
    }

    /// The peer wants us to send no faster (RFC 5104 §4.2.1): whoever encodes is told, and the peer that we have heard.
    fn hear_limits(&mut self, owner: u32, limits: List<'_, Limit>) {
        let mut heard = Vec::new();
        for limit in limits.iter().take(MAX_LIMITS) {
            let Some(at) = self.outgoing_of(limit.ssrc) else { continue };
            let stream = &mut self.outgoing[at];
            if stream.limit.replace(limit.bitrate) != Some(limit.bitrate) && !self.events.is_full() {
                let (sender, encoding) = (stream.transceiver.sender(), stream.encoding);
                let bitrate = limit.bitrate;
                self.events.push(Event::BitrateLimit { sender, encoding, bitrate });
            }
            // RFC 5104 §4.2.2.2: with one peer, whose wish is the only one, that is what binds.
            heard.push(Limit { ssrc: owner, ..limit });
        }
        if !heard.is_empty() {
            self.push_feedback(0, Message::LimitNotice(heard.as_slice().into()));
        }
    }

    fn hear_key_request(&mut self, now: Instant, ssrc: u32) {
        let Some(at) = self.outgoing_of(ssrc) else { return };
        let stream = &mut self.outgoing[at];
        let due = stream.key_requested.is_none_or(|at| now.saturating_since(at) >= KEY_INTERVAL);
        if due && !self.events.is_full() {
            stream.key_requested = Some(now);
            let (sender, encoding) = (stream.transceiver.sender(), stream.encoding);
            self.events.push(Event::KeyFrameRequest { sender, encoding });
        }
    }

    /// The peer misses packets.
    fn repeat(&mut self, now: Instant, ssrc: u32, missing: List<'_, Missing>) {
        let round_trip = self.round_trip.unwrap_or_default();
        let Some(at) = self.outgoing_of(ssrc) else { return };
        let stream = &mut self.outgoing[at];
        stream.sent.nacks += 1;
        let section = &self.sections[stream.section];
        for number in missing.iter().flat_map(Missing::numbers) {
            let rtx = |payload_type| section.sent(payload_type).and_then(|codec| codec.rtx);
            // What is not there any more cannot be helped; what was just sent is on its way.
            let _ = stream.repeat(now, number, round_trip, &mut self.pacer, rtx);
        }
        self.make_ready(at);
    }

    /// A packet came or left: before long that is reported. Where nothing flows there is nothing to tell, and nobody is woken;
    /// whether the peer is there is what consent asks for.
    pub(super) fn expect_report(&mut self, now: Instant) {
        if self.timers.get(Timer::Report).is_none() {
            // RFC 3550 §6.2: between half and one and a half, so that peers do not fall into step.
            let share = 0.5 + self.rng.jitter_unit();
            self.timers.set(Timer::Report, now + REPORT_INTERVAL.mul_f64(share));
        }
    }

    /// Tells what we sent and how we receive.
    pub(super) fn report(&mut self, now: Instant) {
        self.tell_limits(None);
        let ntp = ntp_of(self.wall_clock.at(now));
        let mut blocks: Vec<ReportBlock> = Vec::new();
        for (_, stream) in self.incoming.iter_mut() {
            blocks.push(stream.reception.report(now, stream.ssrc));
        }
        let mut blocks = blocks.chunks(MAX_BLOCKS);
        let (mut compound, mut full) = (Vec::new(), Vec::new());
        for stream in &mut self.outgoing {
            let Some(info) = stream.report(now, ntp) else { continue };
            let list = blocks.next().unwrap_or_default();
            let report = SenderReport { ssrc: stream.ssrc, info, blocks: list.into(), extension: &[] };
            Packet::SenderReport(report).write(&mut compound);
            describe(stream.ssrc, &self.cname, &mut compound);
            if compound.len() > FULL {
                full.push(std::mem::take(&mut compound));
            }
        }
        let sends = !(compound.is_empty() && full.is_empty());
        full.into_iter().for_each(|packet| self.push_rtcp(packet));
        let reporter = self.reporter();
        for list in blocks {
            if !compound.is_empty() {
                self.push_rtcp(std::mem::take(&mut compound));
            }
            let report = ReceiverReport { ssrc: reporter, blocks: list.into(), extension: &[] };
            Packet::ReceiverReport(report).write(&mut compound);
            describe(reporter, &self.cname, &mut compound);
        }
        // RFC 3550 §6.1: a compound packet begins with a report.
        if compound.is_empty() {
            return;
        }
        let answers = self.references.answer(now);
        // Reports of who sends are answered as they are; who only receives has to ask.
        let reference = (!sends).then_some(Block::ReferenceTime(ntp));
        let answers = (!answers.is_empty()).then(|| Block::Delays(answers.as_slice().into()));
        let extended: Vec<Block<'_>> = reference.into_iter().chain(answers).collect();
        if !extended.is_empty() {
            Packet::Extended(Extended::new(reporter, &extended)).write(&mut compound);
        }
        self.push_rtcp(compound);
    }

    /// Who feedback is from: a source of ours, where there is one.
    fn reporter(&self) -> u32 {
        self.outgoing.first().map_or(self.reporter, |stream| stream.ssrc)
    }

    /// Queues feedback, behind an empty report where the peer wants compound packets (RFC 5506).
    fn push_feedback(&mut self, media: u32, message: Message<'_>) {
        let sender = self.reporter();
        self.push_early(Packet::Feedback(feedback::Feedback { sender, media, message }));
    }

    /// Queues what is not to wait for the next report.
    ///
    /// RFC 4585 §3.5.2: between two nothing is dithered (`T_dither_max` is 0), so it leaves at once.
    fn push_early(&mut self, feedback: Packet<'_>) {
        let sender = self.reporter();
        let mut packet = Vec::new();
        if !self.reduced_size {
            Packet::ReceiverReport(ReceiverReport { ssrc: sender, ..ReceiverReport::default() })
                .write(&mut packet);
            describe(sender, &self.cname, &mut packet);
        }
        feedback.write(&mut packet);
        self.push_rtcp(packet);
    }

    /// Asks for lower rates, of all receivers or of this one.
    pub(super) fn tell_limits(&mut self, of: Option<TransceiverId>) {
        let limited = |section: &&Section| of.is_none_or(|of| section.transceiver == of);
        let limited = self.sections.iter().filter(limited);
        let limited: Vec<(TransceiverId, u64)> =
            limited.filter_map(|section| Some((section.transceiver, section.taking.limit?))).collect();
        for (id, bitrate) in limited {
            let own =
                || self.incoming.iter().map(|(_, stream)| stream).filter(|stream| stream.transceiver == id);
            let agreed = |feedback| own().any(|stream| stream.codec.feedback.has(feedback));
            let sources: Vec<u32> = own().map(|stream| stream.ssrc).take(MAX_BLOCKS).collect();
            if agreed(Feedback::TMMBR) {
                let share = bitrate / sources.len() as u64;
                let limit = |&ssrc: &u32| Limit { ssrc, bitrate: share, overhead: PACKET_OVERHEAD };
                let limits: Vec<Limit> = sources.iter().map(limit).collect();
                self.push_feedback(0, Message::LimitRequest(limits.as_slice().into()));
            } else if agreed(Feedback::REMB) {
                let estimate = Estimate { bitrate, streams: sources.as_slice().into() };
                self.push_feedback(0, Message::Estimate(estimate));
            }
        }
    }

    pub(super) fn push_picture_loss(&mut self, ssrc: u32) {
        self.push_feedback(ssrc, Message::PictureLoss);
    }

    /// Asks for what is missing, and for key frames.
    pub(super) fn ask(&mut self, now: Instant) {
        let round_trip = self.round_trip();
        let mut wishes = Vec::new();
        let mut next = None::<Instant>;
        for (_, stream) in self.incoming.iter_mut() {
            let mut numbers = Vec::new();
            stream.missing(now, round_trip, &mut numbers);
            let key = stream.take_key_request(now);
            if !numbers.is_empty() || key {
                wishes.push((stream.ssrc, numbers, key));
            }
            let due = stream.missing_deadline();
            next = next.into_iter().chain(due).chain(stream.key_deadline()).min();
        }
        for (ssrc, numbers, key) in wishes {
            if !numbers.is_empty() {
                let mut missing = Vec::new();
                Missing::pack(numbers, |record| missing.push(record));
                // A record is four bytes; a gap of any length takes several packets.
                let packets = missing.chunks(FULL / 4);
                if let Some((_, stream)) = self.incoming_of(ssrc) {
                    stream.received.nacks += packets.len() as u32;
                }
                packets.for_each(|records| self.push_feedback(ssrc, Message::Nack(records.into())));
            }
            if key {
                self.push_picture_loss(ssrc);
            }
        }
        if let Some(next) = next {
            self.timers.set_earlier(Timer::Missing, next);
        }
    }

    /// Tells the peer's congestion control when its packets came.
    pub(super) fn report_arrivals(&mut self, now: Instant) {
        if let Some(mut congestion) = self.congestion.take() {
            let name = (self.reporter(), middle(self.ntp.at(now, &self.wall_clock)));
            congestion.report(now, name, |feedback| self.push_early(Packet::Congestion(feedback)));
            self.congestion = Some(congestion);
        }
        let mut arrivals = std::mem::take(&mut self.arrivals);
        while let Some(feedback) = arrivals.feedback() {
            self.push_feedback(self.arrivals_of, Message::TransportWide(feedback));
        }
        self.arrivals = arrivals;
    }

    /// Says that our streams end: what the last packets of a connection carry.
    pub fn close(&mut self) {
        self.ready.clear();
        self.held.clear();
        let sources: Vec<u32> = self.outgoing.iter().filter(|s| s.packets > 0).map(|s| s.ssrc).collect();
        for sources in sources.chunks(MAX_BLOCKS) {
            let mut packet = Vec::new();
            let reporter = self.reporter();
            Packet::ReceiverReport(ReceiverReport { ssrc: reporter, ..ReceiverReport::default() })
                .write(&mut packet);
            describe(reporter, &self.cname, &mut packet);
            let bye = Bye { sources: sources.into(), reason: &[] };
            Packet::Bye(bye).write(&mut packet);
            self.push_rtcp(packet);
        }
    }
}

/// RFC 3550 §6.1: each compound packet names its source.
fn describe(ssrc: u32, cname: &str, out: &mut Vec<u8>) {
    let items = [Item { kind: ItemKind::Cname, text: cname.as_bytes() }];
    Packet::SourceDescription(Description::new(&[Chunk::new(ssrc, &items)])).write(out);
}
