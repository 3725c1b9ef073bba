//! Floor 4, used by `peer` alone: what the machines below counted, in the dictionaries of W3C's statistics.
//!
//! Nothing is counted here and nothing is kept: a [`StatsReport`] is made of what its owner hands in. Members whose
//! layer does not measure them are absent.

mod collect;
mod dictionaries;

pub use crate::stats::collect::{CertificateFacts, Collector, TransportFacts};
pub use crate::stats::dictionaries::{
    CandidatePairStats, CertificateStats, CodecStats, DataChannelStats, IceCandidateStats, PairStatsState,
    PeerConnectionStats, TransportStats,
};

use std::collections::BTreeMap;

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
    /// A codec that was negotiated for a direction that is in use.
    Codec(CodecStats),
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

    fn put(&mut self, timestamp: f64, id: String, of: StatsOf) {
        self.objects.insert(id.clone(), Stats { id, timestamp, of });
    }
}
