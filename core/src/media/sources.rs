//! Which stream a source is, and which section a new source belongs to (RFC 8843 §9.2).

use crate::base::ids::{Id, Slots};
use crate::base::map::SeededMap;
use crate::base::media::TransceiverId;
use crate::base::random::Rng;
use crate::media::extensions::Tags;
use crate::media::receive::stream::Incoming;
use crate::media::section::{Codec, Payload, Protection, Section};

/// Sources that a peer may have: SRTP has checked that they are its own, and yet.
pub(super) const MAX_SOURCES: usize = 512;

/// What a source carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// This stream.
    Media(Id<Incoming>),
    /// Retransmissions of this stream.
    Repeated(Id<Incoming>),
    /// Parity of streams of this section.
    Parity(TransceiverId),
}

/// The table.
#[derive(Debug)]
pub(super) struct Sources {
    by_ssrc: SeededMap<u32, Source>,
}

/// What a source that was not known is.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A new stream of this section.
    Media { section: (usize, &'a Section), codec: &'a Codec },
    /// Retransmissions of this stream.
    Repeated(Id<Incoming>),
    /// Parity of streams of this section.
    Parity(TransceiverId),
    /// No section can be told.
    Nowhere,
    /// A section, and none of its payload types.
    Unknown,
    /// A section that receives nothing.
    Closed,
    /// Retransmissions of a stream that has not come, or cannot be told.
    TooSoon,
}

impl Sources {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { by_ssrc: SeededMap::new(rng) }
    }

    pub(super) fn get(&self, ssrc: u32) -> Option<Source> {
        self.by_ssrc.get(&ssrc).copied()
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_ssrc.len() >= MAX_SOURCES
    }

    pub(super) fn insert(&mut self, ssrc: u32, source: Source) {
        self.by_ssrc.insert(ssrc, source);
    }

    pub(super) fn remove(&mut self, ssrc: u32) {
        self.by_ssrc.remove(&ssrc);
    }
}

/// Finds out what the source `ssrc` is, of which a packet of `payload_type` says `tags`.
pub(super) fn find<'a>(
    sections: &'a [Section],
    incoming: &Slots<Incoming>,
    (ssrc, payload_type): (u32, u8),
    tags: Tags<'_>,
) -> Found<'a> {
    // RFC 8843 §9.2: by mid; else by what the description says of the source; else by a payload type that only one
    // section has.
    let described = |section: &Section| {
        section
            .remote_sources
            .iter()
            .any(|source| [Some(source.ssrc), source.rtx, source.fec].contains(&Some(ssrc)))
    };
    let place = match tags.mid {
        Some(mid) => sections.iter().position(|section| *section.mid == *mid),
        None => sections.iter().position(described).or_else(|| {
            let mut having = (0..sections.len()).filter(|at| sections[*at].received(payload_type).is_some());
            having.next().filter(|_| having.next().is_none())
        }),
    };
    let Some(place) = place else { return Found::Nowhere };
    let section = &sections[place];
    if !section.direction.receives() {
        return Found::Closed;
    }
    match section.received(payload_type) {
        None => Found::Unknown,
        Some(Payload::Media(codec)) if codec.protection == Some(Protection::Flexfec) => {
            Found::Parity(section.transceiver)
        }
        Some(Payload::Media(codec)) => Found::Media { section: (place, section), codec },
        Some(Payload::Repeated(_)) => {
            repeated(section, incoming, ssrc, tags).map_or(Found::TooSoon, Found::Repeated)
        }
    }
}

/// The stream that `ssrc` repeats: by its rid, by the description, or because there is only one (RFC 4588 §5.3).
fn repeated(
    section: &Section,
    incoming: &Slots<Incoming>,
    ssrc: u32,
    tags: Tags<'_>,
) -> Option<Id<Incoming>> {
    let mut own = incoming.iter().filter(|(_, stream)| stream.transceiver == section.transceiver);
    if let Some(rid) = tags.repaired_rid {
        return own.find(|(_, stream)| stream.rid.as_deref() == Some(rid)).map(|(id, _)| id);
    }
    if let Some(source) = section.remote_sources.iter().find(|source| source.rtx == Some(ssrc)) {
        return own.find(|(_, stream)| stream.ssrc == source.ssrc).map(|(id, _)| id);
    }
    let (first, _) = own.next()?;
    own.next().is_none().then_some(first)
}
