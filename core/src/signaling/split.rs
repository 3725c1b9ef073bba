//! Peers that do not bundle what our offer has one transport for.
//!
//! Under `balanced` (RFC 9429 §4.1.1) the first section of each kind of media may stand alone. Almost every peer bundles,
//! so an offer has one transport for all of them, and says the same credentials in all. Where the answer does not bundle,
//! the section with the address keeps that transport, and each other one gets a transport of its own under those
//! credentials, which is gathered for then.

use crate::signaling::agreement::are_live;
use crate::signaling::session::Session;

impl Session {
    /// Gives sections that an answer of the peer does not bundle transports of their own.
    pub(in crate::signaling) fn split_offered(&mut self) {
        for (section, number) in self.fallen_apart() {
            if let Some(applied) = self.slots.local.filled().next()
                && let Some(known) = applied.numbers.get_mut(section)
            {
                *known = Some(number);
            }
        }
    }

    /// The sections that our offer put on one transport and the answer on another, with the numbers of new ones.
    fn fallen_apart(&self) -> Vec<(usize, usize)> {
        let (Some(local), Some(remote)) = (self.slots.local.newest(), self.slots.remote.newest()) else {
            return Vec::new();
        };
        let (ours, theirs) = (&local.content, &remote.content);
        let count = ours.sections.len().min(theirs.sections.len());
        let live = |at: &usize| are_live(&ours.sections[*at], &theirs.sections[*at]);
        let tag_of = |at: usize| theirs.group_of(at).and_then(|group| group.first().copied()).unwrap_or(at);
        // What has the address in our offer keeps the number.
        let addressed = ours.groups.iter().filter_map(|group| group.first().copied());
        let order: Vec<usize> = addressed.chain(0..count).filter(|at| *at < count).filter(live).collect();
        let mut leads: Vec<(usize, usize)> = Vec::new();
        let mut moved = Vec::new();
        for at in order {
            let tag = tag_of(at);
            if let Some(&(_, number)) = leads.iter().find(|(lead, _)| *lead == tag) {
                if local.numbers.get(at).copied().flatten() != Some(number) {
                    moved.push((at, number));
                }
                continue;
            }
            let Some(number) = local.numbers.get(tag).copied().flatten() else { continue };
            if leads.iter().all(|(_, known)| *known != number) {
                leads.push((tag, number));
                continue;
            }
            // RFC 9429 §5.11: what is for the bundle alone is as good as rejected.
            if ours.sections[tag].bundle_only {
                continue;
            }
            let taken = |number: &usize| {
                self.agreed.has(*number)
                    || local.numbers.iter().flatten().any(|known| known == number)
                    || leads.iter().any(|(_, known)| known == number)
            };
            let Some(fresh) = (0..self.config.max_transports).find(|number| !taken(number)) else { continue };
            leads.push((tag, fresh));
            moved.push((tag, fresh));
        }
        moved
    }
}
