//! Which sections of an offer are accepted, and over which transport (RFC 9429 §5.3.1, RFC 9143 §7.3).

use crate::signaling::agreement::AgreedTransport;
use crate::signaling::content::{Content, SectionContent};
use crate::signaling::local::BundlePolicy;
use crate::signaling::session::Session;
use crate::signaling::transceiver::Life;

/// What is accepted of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Accepted {
    /// One for each bundle, and one for each section outside of bundles.
    pub transports: Vec<AcceptedTransport>,
}

/// A transport that the answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct AcceptedTransport {
    pub number: usize,
    /// The section whose address the answer gives.
    pub tag: usize,
    /// In the order of the offer; the tag is among them.
    pub sections: Vec<usize>,
}

impl Accepted {
    /// What carries a section.
    pub fn transport_of(&self, section: usize) -> Option<&AcceptedTransport> {
        self.transports.iter().find(|transport| transport.sections.contains(&section))
    }
}

impl Session {
    /// The sections that an answer accepts, and what carries them: transports in use go on, others follow in the order
    /// of the offer.
    pub(in crate::signaling) fn accept(&self, offer: &Content) -> Accepted {
        let data = self.acceptable_data(offer);
        let acceptable = |&at: &usize| data == Some(at) || self.is_acceptable_media(offer, at);
        let all: Vec<usize> = (0..offer.sections.len()).filter(acceptable).collect();
        let in_use = |at: usize| self.agreed.carries(at);
        // RFC 9143 §7.3.1: what carries the answer's bundle has an address of its own. In a session that goes on
        // the transport is there already and needs none: Firefox offers what is in use as bundle-only behind every
        // section that is added.
        let may_lead =
            |&at: &usize| in_use(at) || !offer.sections[at].bundle_only && self.may_have_transport(offer, at);
        let leads: Vec<usize> = all.iter().copied().filter(may_lead).collect();
        // What leads already goes on leading.
        let (old, new): (Vec<usize>, Vec<usize>) = leads.iter().partition(|&&at| in_use(at));
        let mut accepted = Accepted::default();
        for lead in old.into_iter().chain(new) {
            let full = accepted.transports.len() >= self.config.max_transports;
            if full || accepted.transport_of(lead).is_some() {
                continue;
            }
            let (tag, sections) = match offer.group_of(lead) {
                None => (lead, vec![lead]),
                Some(group) => {
                    let old_tag = self.agreed.transport_of(lead).map(AgreedTransport::tag);
                    let keeps = old_tag.filter(|tag| leads.contains(tag) && group.contains(tag));
                    // Otherwise the order is that of the group.
                    let tag = keeps.or_else(|| group.iter().copied().find(|at| leads.contains(at)));
                    (tag.unwrap_or(lead), all.iter().copied().filter(|at| group.contains(at)).collect())
                }
            };
            let number = self.agreed.transport_of(tag).map(|transport| transport.number);
            let taken = |number: usize| accepted.transports.iter().any(|other| other.number == number);
            let number = number.filter(|&known| !taken(known));
            let free = || (0..).find(|&number| !taken(number) && !self.agreed.has(number));
            let number = number.or_else(free).unwrap_or_default();
            accepted.transports.push(AcceptedTransport { number, tag, sections });
        }
        accepted
    }

    /// Whether the policy lets a section have a transport of its own, or its bundle one (RFC 9429 §5.3.1).
    fn may_have_transport(&self, offer: &Content, at: usize) -> bool {
        let with =
            |first: usize| at == first || offer.group_of(at).is_some_and(|group| group.contains(&first));
        match self.config.bundle_policy {
            BundlePolicy::MaxBundle => with(0),
            BundlePolicy::Balanced => {
                let same_kind = |other: &SectionContent| other.media == offer.sections[at].media;
                offer.sections.iter().position(same_kind).is_none_or(with)
            }
            BundlePolicy::MaxCompat => true,
        }
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
        self.accept(offer).transport_of(data).map(|_| data)
    }
}
