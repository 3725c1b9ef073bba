//! Which sections of an offer are accepted, and over which transport (RFC 9429 §5.3.1, RFC 9143 §7.3).

use crate::signaling::content::Content;
use crate::signaling::local::BundlePolicy;
use crate::signaling::session::Session;
use crate::signaling::transceiver::Life;

/// What is accepted of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Accepted {
    /// The section whose address the answer gives.
    pub tag: Option<usize>,
    /// In the order of the offer; the tag is among them.
    pub sections: Vec<usize>,
}

impl Session {
    /// The transport that is in use already, or else the first that can be: one bundle, or one section.
    pub(in crate::signaling) fn accept(&self, offer: &Content) -> Accepted {
        let data = self.acceptable_data(offer);
        let acceptable = |&at: &usize| data == Some(at) || self.is_acceptable_media(offer, at);
        let all: Vec<usize> = (0..offer.sections.len()).filter(acceptable).collect();
        let in_use = |at: usize| self.agreed.carries(at);
        // RFC 9143 §7.3.1: what carries the answer's bundle has an address of its own. In a session that goes on
        // the transport is there already and needs none: Firefox offers what is in use as bundle-only behind every
        // section that is added.
        let addressed = |at: usize| in_use(at) || !offer.sections[at].bundle_only;
        // RFC 9429 §5.3.1: one transport, that of the first section.
        let with_first = |at: usize| at == 0 || offer.group_of(at).is_some_and(|group| group.contains(&0));
        let may_lead = |at: usize| {
            addressed(at) && (self.config.bundle_policy != BundlePolicy::MaxBundle || with_first(at))
        };
        let leads: Vec<usize> = all.iter().copied().filter(|&at| may_lead(at)).collect();
        // What leads already goes on leading; otherwise the order is that of the group.
        let Some(first) = leads.iter().copied().find(|&at| in_use(at)).or(leads.first().copied()) else {
            return Accepted::default();
        };
        let Some(group) = offer.group_of(first) else {
            return Accepted { tag: Some(first), sections: vec![first] };
        };
        let old_tag = self.agreed.transport_of(first).map(|transport| transport.sections[0]);
        let keeps = old_tag.filter(|tag| leads.contains(tag) && group.contains(tag));
        let tag = keeps.or_else(|| group.iter().copied().find(|at| leads.contains(at))).unwrap_or(first);
        Accepted { tag: Some(tag), sections: all.into_iter().filter(|at| group.contains(at)).collect() }
    }

    fn is_acceptable_media(&self, offer: &Content, at: usize) -> bool {
        let section = &offer.sections[at];
        let Some(rtp) = section.live_rtp() else { return false };
        // RFC 8827 §6.5: nothing without DTLS. `RTP/AVP` and the like may stand for it (RFC 9429 §5.1.2).
        let transport = offer.transport(at);
        let reachable = transport.credentials.is_some() && !transport.fingerprints.is_empty();
        let maker = self.transceivers.at(at).filter(|maker| maker.life != Life::Stopped);
        reachable && maker.is_some_and(|maker| self.has_common_codec(maker, rtp))
    }

    /// The data section of an offer that the answer accepts, provided that its transport is: the one in use, or
    /// else the first.
    pub(in crate::signaling) fn acceptable_data(&self, offer: &Content) -> Option<usize> {
        let acceptable = |at: &usize| {
            let section = &offer.sections[*at];
            section.is_live_data()
                && section.data.and_then(|data| data.port).is_some_and(|port| port != 0)
                && offer.transport(*at).credentials.is_some()
        };
        let in_use = self.agreed.data.as_ref().map(|data| data.section);
        let all = 0..offer.sections.len();
        in_use.filter(|at| all.contains(at) && acceptable(at)).or_else(|| all.clone().find(acceptable))
    }

    /// The data section that the answer to an offer will have.
    pub(in crate::signaling) fn accepted_data(&self, offer: &Content) -> Option<usize> {
        let data = self.acceptable_data(offer)?;
        self.accept(offer).sections.contains(&data).then_some(data)
    }
}
