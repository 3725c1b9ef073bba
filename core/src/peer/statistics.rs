//! `getStats`: hands what the machines below know to [`stats`](crate::stats).

use crate::base::media::{ReceiverId, SenderId, TransceiverId};
use crate::base::time::Instant;
use crate::base::w3c::ErrorKind;
use crate::data::channel::DataChannelId;
use crate::peer::PeerConnection;
use crate::peer::event::{ChannelEvent, Event};
use crate::signaling::transceiver::Transceiver;
use crate::stats::{CertificateFacts, Collector, PeerConnectionStats, StatsReport, TransportFacts};
use crate::transport::dtls::Connection;
use crate::transport::dtls::verify::fingerprint_of;
use crate::wire::fingerprint::FingerprintAlgorithm;
use std::collections::BTreeSet;
use thiserror::Error;

/// What a report is to be about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatsSelector<'a> {
    /// Everything.
    #[default]
    All,
    /// What this sender sends, and what that refers to.
    Sender(SenderId),
    /// What this receiver receives, and what that refers to.
    Receiver(ReceiverId),
    /// The one sender or receiver that has the track of this id.
    Track(&'a str),
}

/// Whether what is meant sends or receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Sends,
    Receives,
}

/// Why there is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StatsError {
    /// The selector names no sender or receiver of this connection.
    #[error("no sender or receiver fits the selector")]
    NotFound,
    /// Several senders and receivers have the track.
    #[error("several senders or receivers have this track; select one of them")]
    Ambiguous,
}

impl StatsError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        ErrorKind::InvalidAccess
    }
}

/// What the connection counts by itself.
#[derive(Debug, Default)]
pub(super) struct Tally {
    channels: PeerConnectionStats,
    open: BTreeSet<DataChannelId>,
}

impl Tally {
    /// Counts what statistics count of events.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Channel(id, ChannelEvent::Open) if self.open.insert(*id) => {
                self.channels.data_channels_opened += 1;
            }
            // One that never opened is not counted (webrtc-stats §8.11).
            Event::Channel(id, ChannelEvent::Closing | ChannelEvent::Close) if self.open.remove(id) => {
                self.channels.data_channels_closed += 1;
            }
            _ => {}
        }
    }
}

impl PeerConnection {
    /// What is known of the connection at this moment (`getStats`). Channels count as open and closed from the events
    /// on that say so.
    ///
    /// # Errors
    ///
    /// [`StatsError`]: the selector does not name one sender or receiver.
    pub fn get_stats(&self, now: Instant, selector: StatsSelector<'_>) -> Result<StatsReport, StatsError> {
        let selected = match selector {
            StatsSelector::All => None,
            StatsSelector::Sender(id) => Some((self.existing(id.transceiver())?, Way::Sends)),
            StatsSelector::Receiver(id) => Some((self.existing(id.transceiver())?, Way::Receives)),
            StatsSelector::Track(id) => Some(self.owner_of(id)?),
        };
        let mut collector = Collector::new(self.wall_clock, now.max(self.now));
        collector.connection(self.tally.channels);
        self.data.channels().for_each(|(id, channel)| collector.channel(id, channel));
        let streams = self.collect_streams(&mut collector);
        self.collect_transports(&mut collector);
        // W3C WebRTC §8.5: the streams of the selected one, and what they refer to.
        let Some(selected) = selected else { return Ok(collector.finish()) };
        let own = streams.into_iter().filter(|(of, _)| *of == selected);
        Ok(collector.finish_about(own.map(|(_, id)| id).collect()))
    }

    /// Adds the streams of all senders and receivers; their ids come back.
    fn collect_streams(&self, collector: &mut Collector) -> Vec<((TransceiverId, Way), String)> {
        let mut ids = Vec::new();
        for media in self.planes.media() {
            let place = |id: TransceiverId| {
                let section = self.session.media().iter().find(|section| section.transceiver == id)?;
                Some((section, self.session.transceiver(id)?))
            };
            for stream in media.inbound_streams() {
                let Some((section, owner)) = place(stream.transceiver) else { continue };
                let id = collector.inbound(section, owner.receiver_track(), &stream);
                ids.push(((stream.transceiver, Way::Receives), id));
            }
            for stream in media.outbound_streams() {
                let Some((section, owner)) = place(stream.transceiver) else { continue };
                let encoding = owner.encodings().get(stream.encoding);
                let id = collector.outbound(section, owner.sender_track(), encoding, &stream);
                ids.push(((stream.transceiver, Way::Sends), id));
            }
        }
        ids
    }

    fn collect_transports(&self, collector: &mut Collector) {
        let ours = self.fingerprints.first().cloned();
        let ours = ours.map(|fingerprint| CertificateFacts { der: self.certificate.der(), fingerprint });
        // W3C WebRTC §5: transports exist once a description has one.
        let Some(ours) = ours.filter(|_| self.has_transport()) else { return };
        for (id, link) in self.described_links() {
            let der = link.transport.dtls().and_then(Connection::remote_certificate);
            let theirs = der.and_then(|der| {
                let fingerprint = fingerprint_of(der, FingerprintAlgorithm::Sha256, &self.crypto).ok()?;
                Some(CertificateFacts { der, fingerprint })
            });
            let rtcp = id.rtcp();
            let beside = self.links.get(rtcp).filter(|_| !id.is_rtcp()).map(|_| rtcp.index());
            let facts = TransportFacts { rtcp: beside, ..link.traffic };
            collector.transport(id.index(), &link.transport, facts, &ours, theirs.as_ref());
        }
    }

    fn existing(&self, id: TransceiverId) -> Result<TransceiverId, StatsError> {
        self.session.senders().find(|found| found.id() == id).map(Transceiver::id).ok_or(StatsError::NotFound)
    }

    fn owner_of(&self, track: &str) -> Result<(TransceiverId, Way), StatsError> {
        let mut owners = self.session.senders().flat_map(|found| {
            let sends = found.sender_track().is_some_and(|known| known.id == track);
            let receives = found.receiver_track().id == track;
            let ways = [(sends, Way::Sends), (receives, Way::Receives)];
            ways.into_iter().filter(|(has, _)| *has).map(move |(_, way)| (found.id(), way))
        });
        match (owners.next(), owners.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(StatsError::NotFound),
            (Some(_), Some(_)) => Err(StatsError::Ambiguous),
        }
    }
}
