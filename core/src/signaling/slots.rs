//! The four description slots.

use crate::base::media::TransceiverId;
use crate::signaling::content::Content;
use crate::signaling::description::SessionDescription;
use crate::signaling::state::{SdpType, Side};

/// A description that was set: its text, which grows with candidates, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct Applied {
    pub description: SessionDescription,
    pub content: Content,
    /// The transport of each section, in a description of ours.
    pub numbers: Vec<Option<usize>>,
}

/// A description of ours that may be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct Created {
    pub kind: SdpType,
    pub sdp: String,
    /// What the text says.
    pub content: Content,
    /// The transceiver of each section, and its transport.
    pub makers: Vec<Option<TransceiverId>>,
    pub numbers: Vec<Option<usize>>,
}

impl Created {
    pub fn description(&self) -> SessionDescription {
        SessionDescription::new(self.kind, self.sdp.as_str())
    }
}

/// One side's slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Slots {
    pub current: Option<Applied>,
    pub pending: Option<Applied>,
}

/// Both sides' slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct AllSlots {
    pub local: Slots,
    pub remote: Slots,
}

impl Slots {
    /// The pending one, or else the current one.
    pub fn newest(&self) -> Option<&Applied> {
        self.pending.as_ref().or(self.current.as_ref())
    }

    /// Both that are filled, the newest first.
    pub fn filled(&mut self) -> impl Iterator<Item = &mut Applied> {
        self.pending.iter_mut().chain(self.current.iter_mut())
    }

    /// What the pending offer says.
    pub fn pending_offer(&self) -> Option<&Content> {
        let pending = self.pending.as_ref()?;
        (pending.description.kind == SdpType::Offer).then_some(&pending.content)
    }
}

impl AllSlots {
    /// Puts a description where its type says (webrtc-pc §4.4.1.5).
    pub fn put(&mut self, side: Side, applied: Applied) {
        let (own, other) = match side {
            Side::Local => (&mut self.local, &mut self.remote),
            Side::Remote => (&mut self.remote, &mut self.local),
        };
        if applied.description.kind == SdpType::Answer {
            own.current = Some(applied);
            own.pending = None;
            other.current = other.pending.take();
        } else {
            own.pending = Some(applied);
        }
    }

    /// Forgets the exchange under way.
    pub fn roll_back(&mut self) {
        self.local.pending = None;
        self.remote.pending = None;
    }

    /// The current descriptions' contents, local and remote: both or none.
    pub fn current(&self) -> Option<(&Content, &Content)> {
        Some((&self.local.current.as_ref()?.content, &self.remote.current.as_ref()?.content))
    }

    /// Every content.
    pub fn contents(&self) -> impl Iterator<Item = &Content> {
        let Self { local, remote } = self;
        let slots = [&local.current, &local.pending, &remote.current, &remote.pending];
        slots.into_iter().flatten().map(|applied| &applied.content)
    }
}
