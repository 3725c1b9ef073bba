//! Which sections an offer or an answer has (RFC 9429 §5.2, §5.3).

use crate::signaling::changes::DtlsRole;
use crate::signaling::checks::local_role;
use crate::signaling::content::{Content, DataContent, DataForm, SectionContent};
use crate::signaling::generations::Generation;
use crate::signaling::local::{BundlePolicy, LocalParameters};
use crate::signaling::session::Session;
use crate::signaling::write::{Planned, PlannedData, What};
use crate::wire::candidate::{Candidate, Credentials};
use crate::wire::sdp::attribute::Setup;

impl Session {
    /// The sections of an offer: those that are there in their places, and data where it is wanted.
    pub(in crate::signaling) fn plan_offer(&self, local: &LocalParameters<'_>) -> Vec<Planned> {
        let mut planned: Vec<_> =
            self.places().map(|(section, live)| self.plan_again(section, live, local)).collect();
        let has_data = planned.iter().any(|planned| matches!(planned.what, What::Data(_)));
        if local.wants_data && !has_data {
            let data = self.plan_data(local.ice, Setup::ActPass, DataContent::NEW, local);
            let new = Planned {
                media: "application".to_owned(),
                protocol: "UDP/DTLS/SCTP".to_owned(),
                formats: "webrtc-datachannel".to_owned(),
                mid: Some(self.fresh_mid()),
                what: What::Data(Box::new(data)),
            };
            // RFC 9429 §5.2.2: a rejected place is taken before a new one is made.
            match planned.iter_mut().find(|planned| matches!(planned.what, What::Rejected)) {
                Some(rejected) => *rejected = new,
                None => planned.push(new),
            }
        }
        planned
    }

    /// The sections that an offer has to keep, and whether they are in use.
    fn places(&self) -> impl Iterator<Item = (&SectionContent, bool)> {
        let pending = self.slots.local.pending_offer();
        let (local, remote): (&[SectionContent], &[SectionContent]) = match (pending, self.slots.current()) {
            (Some(offer), _) => (&offer.sections, &offer.sections),
            (None, Some((local, remote))) => (&local.sections, &remote.sections),
            (None, None) => (&[], &[]),
        };
        local.iter().zip(remote).map(|(local, remote)| (local, local.is_live() && remote.is_live()))
    }

    fn plan_again(&self, section: &SectionContent, live: bool, local: &LocalParameters<'_>) -> Planned {
        let data = section.data.filter(|_| live);
        let what = data.map_or(What::Rejected, |data| {
            // RFC 8842 §5.5: actpass again, although the answer will keep the roles.
            What::Data(Box::new(self.plan_data(local.ice, Setup::ActPass, data, local)))
        });
        let mid = match &what {
            What::Data(_) => Some(section.mid.clone().unwrap_or_else(|| self.fresh_mid())),
            What::Rejected => section.mid.clone(),
        };
        Planned { mid, what, ..mirror(section) }
    }

    /// The sections of an answer, each in the place of its counterpart.
    pub(in crate::signaling) fn plan_answer(
        &self,
        offer: &Content,
        local: &LocalParameters<'_>,
    ) -> Vec<Planned> {
        let accepted = self.acceptable_data(offer);
        let plan = |(at, section): (usize, &SectionContent)| {
            let what = if accepted == Some(at) { self.answer_data(offer, at, local) } else { What::Rejected };
            Planned { what, ..mirror(section) }
        };
        offer.sections.iter().enumerate().map(plan).collect()
    }

    fn answer_data(&self, offer: &Content, at: usize, local: &LocalParameters<'_>) -> What {
        let Some(offered) = offer.sections[at].data else { return What::Rejected };
        let remote = offer.transport(at);
        let agreed = self.agreed.as_ref().filter(|agreed| agreed.section == at);
        // RFC 9429 §5.3.1: the credentials stay unless the offer restarts ICE.
        let kept = agreed.filter(|agreed| Some(&agreed.remote_ice) == remote.credentials.as_ref());
        let ice = kept.map_or(local.ice, |agreed| &agreed.local_ice);
        // RFC 8842 §5.4: so does the role while the association lives.
        let living = agreed.filter(|a| a.same_association(&remote.fingerprints, remote.tls_id.as_deref()));
        let role = match (living, remote.setup) {
            (Some(agreed), _) => agreed.dtls_role,
            (None, Some(setup @ (Setup::Active | Setup::Passive))) => local_role(setup),
            // RFC 5763 §5: active saves a round trip.
            (None, _) => DtlsRole::Client,
        };
        let setup = match role {
            DtlsRole::Client => Setup::Active,
            DtlsRole::Server => Setup::Passive,
        };
        What::Data(Box::new(self.plan_data(ice, setup, offered, local)))
    }

    /// A data section that keeps the form of `like`.
    fn plan_data(
        &self,
        ice: &Credentials,
        setup: Setup,
        like: DataContent,
        local: &LocalParameters<'_>,
    ) -> PlannedData {
        // The old form's port is the section's format, which stays; its peers may not know the size.
        let (port, says_size) = match like.form {
            DataForm::Port => (local.sctp_port, true),
            DataForm::Map { .. } => (like.port.unwrap_or(local.sctp_port), like.max_message_size.0.is_some()),
        };
        let generation = self.generations.get(&ice.ufrag);
        let candidates: Vec<Candidate> = generation.map_or_else(Vec::new, |known| known.candidates.clone());
        PlannedData {
            ice: ice.clone(),
            setup,
            port,
            form: like.form,
            max_message_size: says_size.then_some(local.max_message_size),
            candidates,
            end_of_candidates: generation.is_some_and(Generation::is_complete),
        }
    }

    /// The data section of an offer that the answer accepts: the one in use, or else the first.
    pub(in crate::signaling) fn acceptable_data(&self, offer: &Content) -> Option<usize> {
        let acceptable = |at: &usize| {
            let section = &offer.sections[*at];
            section.is_live_data()
                && section.data.and_then(|data| data.port).is_some_and(|port| port != 0)
                && offer.transport(*at).credentials.is_some()
                && self.may_be_carried(offer, *at)
        };
        let in_use = self.agreed.as_ref().map(|agreed| agreed.section);
        let all = 0..offer.sections.len();
        in_use.filter(|at| all.contains(at) && acceptable(at)).or_else(|| all.clone().find(acceptable))
    }

    fn may_be_carried(&self, offer: &Content, at: usize) -> bool {
        // RFC 9143 §7.3.1: the section that carries an answer's bundle has an address of its own. As no other
        // section is accepted beside data, data has to be that one, and cannot when it is bundle-only. In a
        // session that goes on, its transport is there already and needs no address: Firefox offers it as
        // bundle-only behind every section that is added.
        let in_use = self.agreed.as_ref().is_some_and(|agreed| agreed.section == at);
        let addressed = in_use || !offer.sections[at].bundle_only;
        // RFC 9429 §5.3.1: one transport, that of the first section.
        let with_first = at == 0 || offer.group_of(at).is_some_and(|group| group.contains(&0));
        addressed && (self.config.bundle_policy != BundlePolicy::MaxBundle || with_first)
    }

    /// A mid that no section has or had.
    fn fresh_mid(&self) -> String {
        let taken = |mid: &str| self.slots.contents().any(|content| content.section_of_mid(mid).is_some());
        let mut mids = (self.next_mid..).map(|mid| mid.to_string());
        mids.find(|mid| !taken(mid)).unwrap_or_default()
    }
}

/// A section of the same kind in the same place, rejected so far.
fn mirror(section: &SectionContent) -> Planned {
    Planned {
        media: section.media.clone(),
        protocol: section.protocol.clone(),
        formats: section.formats.clone(),
        mid: section.mid.clone(),
        what: What::Rejected,
    }
}
