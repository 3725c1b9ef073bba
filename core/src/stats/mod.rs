//! Floor 4, used by `peer` alone: what the machines below counted, in the dictionaries of W3C's statistics.
//!
//! Nothing is counted here and nothing is kept: a [`StatsReport`] is made of what its owner hands in. Members whose
//! layer does not measure them are absent.

mod collect;
mod collect_rtp;
mod dictionaries;
mod rtp;

pub use crate::stats::collect::{CertificateFacts, Collector, TransportFacts};
pub use crate::stats::dictionaries::{
    CandidatePairStats, CertificateStats, CodecStats, DataChannelStats, IceCandidateStats, PairStatsState,
    PeerConnectionStats, TransportStats,
};

pub use crate::stats::rtp::{
    InboundRtpStats, MediaSourceStats, OutboundRtpStats, RemoteInboundRtpStats, RemoteOutboundRtpStats,
    RtpStreamStats,
};

use std::collections::{BTreeMap, BTreeSet};

/// One object of a report.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Stats {
    /// `id`: stable for the life of what it describes.
    pub id: String,
    /// `timestamp`: milliseconds since 1970, when it was collected.
    pub timestamp: f64,
    /// What it describes, and its members.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub of: StatsOf,
}

/// What an object of a report describes (`RTCStatsType`).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "type", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum StatsOf {
    /// A certificate, ours or the peer's.
    Certificate(CertificateStats),
    /// A codec that a stream has.
    Codec(CodecStats),
    /// A stream that comes.
    InboundRtp(InboundRtpStats),
    /// A stream of ours.
    OutboundRtp(OutboundRtpStats),
    /// How the peer receives a stream of ours.
    RemoteInboundRtp(RemoteInboundRtpStats),
    /// What the peer says of a stream that it sends.
    RemoteOutboundRtp(RemoteOutboundRtpStats),
    /// The track of a sender.
    MediaSource(MediaSourceStats),
    /// A pair of candidates.
    CandidatePair(CandidatePairStats),
    /// A candidate of ours.
    LocalCandidate(IceCandidateStats),
    /// A candidate of the peer.
    RemoteCandidate(IceCandidateStats),
    /// A data channel.
    DataChannel(DataChannelStats),
    /// The connection.
    PeerConnection(PeerConnectionStats),
    /// A transport.
    Transport(TransportStats),
}

impl StatsOf {
    /// The ids that it refers to.
    fn references(&self) -> Vec<&String> {
        match self {
            Self::Codec(of) => vec![&of.transport_id],
            Self::CandidatePair(of) => {
                vec![&of.transport_id, &of.local_candidate_id, &of.remote_candidate_id]
            }
            Self::LocalCandidate(of) | Self::RemoteCandidate(of) => vec![&of.transport_id],
            Self::Transport(of) => [Some(&of.local_certificate_id)]
                .into_iter()
                .chain([of.remote_certificate_id.as_ref(), of.selected_candidate_pair_id.as_ref()])
                .flatten()
                .collect(),
            Self::InboundRtp(of) => {
                named([&of.stream.transport_id], [&of.stream.codec_id, &of.remote_id, &None])
            }
            Self::OutboundRtp(of) => {
                named([&of.stream.transport_id], [&of.stream.codec_id, &of.remote_id, &of.media_source_id])
            }
            Self::RemoteInboundRtp(of) => {
                named([&of.stream.transport_id, &of.local_id], [&of.stream.codec_id])
            }
            Self::RemoteOutboundRtp(of) => {
                named([&of.stream.transport_id, &of.local_id], [&of.stream.codec_id])
            }
            Self::Certificate(_) | Self::DataChannel(_) | Self::PeerConnection(_) | Self::MediaSource(_) => {
                Vec::new()
            }
        }
    }
}

fn named<'a, const N: usize, const M: usize>(
    always: [&'a String; N],
    perhaps: [&'a Option<String>; M],
) -> Vec<&'a String> {
    always.into_iter().chain(perhaps.into_iter().flatten()).collect()
}

/// `RTCStatsReport`: objects by their ids. Under `serde`, the JSON that a browser's report becomes.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct StatsReport {
    objects: BTreeMap<String, Stats>,
}

impl StatsReport {
    /// The object of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Stats> {
        self.objects.get(id)
    }

    /// Every object, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Stats> {
        self.objects.values()
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Keeps these objects, what they refer to, and what that refers to.
    fn keep(&mut self, roots: Vec<String>) {
        let (mut kept, mut open) = (BTreeSet::new(), roots);
        while let Some(id) = open.pop() {
            if let Some(object) = self.objects.get(&id) {
                open.extend(object.of.references().into_iter().filter(|id| !kept.contains(*id)).cloned());
                kept.insert(id);
            }
        }
        self.objects.retain(|id, _| kept.contains(id));
    }

    fn put(&mut self, timestamp: f64, id: String, of: StatsOf) {
        self.objects.insert(id.clone(), Stats { id, timestamp, of });
    }
}
