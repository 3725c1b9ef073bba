//! Which sections an offer or an answer has (RFC 9429 §5.2, §5.3).

use crate::base::media::TransceiverId;
use crate::signaling::accept::AcceptedTransport;
use crate::signaling::changes::{DtlsRole, RtcpUse};
use crate::signaling::checks::local_role;
use crate::signaling::content::{Content, DataContent, DataForm, SectionContent};
use crate::signaling::generations::Generation;
use crate::signaling::local::{BundlePolicy, LocalParameters, RtcpMuxPolicy};
use crate::signaling::payloads::Payloads;
use crate::signaling::session::Session;
use crate::signaling::slots::Applied;
use crate::signaling::transceiver::{Life, Transceiver};
use crate::signaling::write::{Planned, PlannedData, PlannedTransport, What};
use crate::wire::candidate::Credentials;
use crate::wire::sdp::attribute::Setup;

/// A description to be.
#[derive(Clone, Debug, Default)]
pub(in crate::signaling) struct Plan {
    pub sections: Vec<Planned>,
    /// Bundle groups, the section that carries the transport first.
    pub groups: Vec<Vec<usize>>,
    /// The transceiver of each section.
    pub makers: Vec<Option<TransceiverId>>,
    /// The transport of each section in use.
    pub numbers: Vec<Option<usize>>,
}

impl Session {
    /// The sections of an offer: those that are there in their places, then what is new.
    pub(in crate::signaling) fn plan_offer(&self, local: &LocalParameters<'_>) -> Plan {
        let mut payloads = Payloads::of(&self.used);
        let mut plan = Plan::default();
        // One source for all: sections of a peer that uses no mids get theirs now, each its own.
        let mut mids = self.fresh_mids();
        for (at, (section, live)) in self.places().enumerate() {
            let maker = self.transceivers.at(at);
            let offered = maker.filter(|maker| live && maker.life == Life::Live);
            let planned = match offered {
                Some(maker) => {
                    let mid = section.mid.clone().or_else(|| mids.next());
                    self.plan_media(maker, mid, Some(section), &mut payloads)
                }
                None => self.plan_data_again(section, live, local, &mut mids),
            };
            plan.sections.push(planned);
            plan.makers.push(maker.map(|maker| maker.id));
        }
        for maker in self.transceivers.iter().filter(|t| t.place.is_none() && t.life == Life::Live) {
            let planned = self.plan_media(maker, mids.next(), None, &mut payloads);
            plan.put(planned, Some(maker.id));
        }
        if local.wants_data && !plan.sections.iter().any(|planned| matches!(planned.what, What::Data(_))) {
            plan.put(new_data(mids.next(), DataContent::NEW, local), None);
        }
        self.assign_offered(&mut plan, local);
        plan
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

    fn plan_data_again(
        &self,
        section: &SectionContent,
        live: bool,
        local: &LocalParameters<'_>,
        mids: &mut impl Iterator<Item = String>,
    ) -> Planned {
        let data = section.data.filter(|_| live);
        let what = data.map_or(What::Rejected, |data| What::Data(plan_data(data, local)));
        let mid = match &what {
            What::Rejected => section.mid.clone(),
            _ => section.mid.clone().or_else(|| mids.next()),
        };
        Planned { mid, what, ..mirror(section) }
    }

    /// Which sections of an offer have a transport of their own, and which share one.
    fn assign_offered(&self, plan: &mut Plan, local: &LocalParameters<'_>) {
        plan.numbers = vec![None; plan.sections.len()];
        // RFC 9429 §5.2.1: every section in use is in the group, what carried it before in front.
        let used: Vec<usize> = (0..plan.sections.len()).filter(|&at| plan.sections[at].is_used()).collect();
        let carried = |at: usize| self.agreed.carries(at);
        let tag = used.iter().copied().find(|&at| carried(at)).or(used.first().copied());
        let Some(tag) = tag else { return };
        let others = used.iter().copied().filter(|&at| at != tag);
        plan.groups.push([tag].into_iter().chain(others).collect());
        // The tag's first: the others may share it.
        let mut assigned: Vec<usize> = Vec::new();
        let order = [tag].into_iter().chain(used.iter().copied().filter(|&at| at != tag));
        for at in order.collect::<Vec<_>>() {
            let media = &plan.sections[at].media;
            let first_of_kind =
                !used.iter().any(|&before| before < at && plan.sections[before].media == *media);
            let fresh = at != tag && !carried(at);
            let bundle_only = fresh && !self.agreed.bundled && self.needs_bundle(first_of_kind);
            // Firefox takes it for an ICE restart when a section of a bundle says other credentials later than it said
            // at first. Only who asks for it by max-compat has offers with several.
            let apart = matches!(self.config.bundle_policy, BundlePolicy::MaxCompat);
            let shares = fresh && (self.agreed.bundled || !apart);
            let known = if shares { plan.numbers[tag] } else { self.agreed.number_of(at) };
            let free = || (0..).find(|number| !assigned.contains(number) && !self.agreed.has(*number));
            let number = known.or_else(free).unwrap_or_default();
            plan.numbers[at] = Some(number);
            let has_address = !assigned.contains(&number);
            assigned.push(number);
            let planned = &mut plan.sections[at];
            // RFC 9429 §5.2.1: in use as part of the bundle or not at all; said until it was negotiated.
            planned.bundle_only = bundle_only;
            // RFC 9143 §7.1.3 would leave the transport out of what is bundled. Chromium then rejects every section
            // that follows and has one, so that all of them say the same, as browsers' own offers do.
            // RFC 8842 §5.5: actpass again, although the answer will keep the roles.
            let setup = match self.config.offered_setup {
                setup @ (Setup::Active | Setup::Passive) if !self.agreed.has(number) => setup,
                _ => Setup::ActPass,
            };
            let Some(ice) = local.ice.get(number) else { continue };
            let (mux, own) = self.offered_rtcp(number);
            let planned = &mut plan.sections[at];
            if let What::Rtp(rtp) = &mut planned.what {
                rtp.mux = mux;
            }
            planned.transport = Some(self.plan_transport((number, ice), setup, (own, has_address)));
        }
    }

    /// Whether RTCP may go where RTP goes, and whether it has a port of its own, on the transport of this number.
    fn offered_rtcp(&self, number: usize) -> (bool, bool) {
        let agreed = self.agreed.transports.iter().find(|transport| transport.number == number);
        match agreed.map_or(RtcpUse::None, |transport| transport.rtcp) {
            // RFC 5761 §5.1.1: what was agreed stays.
            RtcpUse::Muxed => (true, false),
            RtcpUse::Own => (false, true),
            RtcpUse::None => (true, self.config.rtcp_mux_policy == RtcpMuxPolicy::Negotiate),
        }
    }

    /// Whether a description needs a port for RTCP beside the transport of this number.
    #[must_use]
    pub fn uses_rtcp(&self, number: usize) -> bool {
        let agreed = self.agreed.transports.iter().find(|transport| transport.number == number);
        let said = |applied: &Applied| {
            let mut sections = applied.content.sections.iter().zip(&applied.numbers);
            sections.any(|(section, known)| {
                *known == Some(number) && section.live_rtp().is_some_and(|rtp| rtp.own_rtcp)
            })
        };
        agreed.is_some_and(|transport| transport.rtcp == RtcpUse::Own)
            || self.slots.local.pending.as_ref().is_some_and(said)
    }

    /// Whether the policy wants a section of an offer bundled or not at all (RFC 9429 §4.1.1).
    const fn needs_bundle(&self, first_of_kind: bool) -> bool {
        match self.config.bundle_policy {
            BundlePolicy::MaxBundle => true,
            BundlePolicy::Balanced => !first_of_kind,
            BundlePolicy::MaxCompat => false,
        }
    }

    /// How many transports the next offer has at most: the numbers in it are below this.
    #[must_use]
    pub fn transports_to_offer(&self, wants_data: bool) -> usize {
        let agreed = self.agreed.transports.iter().map(|transport| transport.number + 1).max().unwrap_or(0);
        if self.agreed.bundled {
            return agreed;
        }
        let live = self.transceivers.iter().filter(|transceiver| transceiver.life == Life::Live).count();
        let most = match self.config.bundle_policy {
            BundlePolicy::MaxBundle | BundlePolicy::Balanced => 1,
            BundlePolicy::MaxCompat => live + usize::from(wants_data),
        };
        agreed + most
    }

    /// The same for an answer to the offer under way.
    #[must_use]
    pub fn transports_to_answer(&self) -> usize {
        let accepted = self.slots.remote.pending_offer().map(|offer| self.accept(offer)).unwrap_or_default();
        accepted.transports.iter().map(|transport| transport.number + 1).max().unwrap_or(0)
    }

    /// Whether a description needs the transport of this number: what is agreed, or our offer under way.
    #[must_use]
    pub fn uses_transport(&self, number: usize) -> bool {
        let pending = self.slots.local.pending.as_ref();
        self.agreed.has(number)
            || pending.is_some_and(|applied| applied.numbers.iter().flatten().any(|&known| known == number))
    }

    /// The number of what carries the data section, once that is agreed.
    #[must_use]
    pub fn data_transport(&self) -> Option<usize> {
        self.agreed.number_of(self.agreed.data.as_ref()?.section)
    }

    /// The sections of an answer, each in the place of its counterpart.
    pub(in crate::signaling) fn plan_answer(&self, offer: &Content, local: &LocalParameters<'_>) -> Plan {
        let accepted = self.accept(offer);
        let plan = |(at, section): (usize, &SectionContent)| {
            let mut planned = mirror(section);
            let carrier = accepted.transport_of(at);
            match (self.transceivers.at(at), &section.rtp, section.data) {
                _ if carrier.is_none() => {}
                (Some(maker), Some(rtp), _) => planned.set_rtp(self.answer_rtp(maker, rtp)),
                (_, _, Some(data)) => planned.what = What::Data(plan_data(data, local)),
                _ => {}
            }
            if let Some(carrier) = carrier.filter(|_| planned.is_used()) {
                // RFC 9143 §7.1.3 would say it once. Firefox does not survive that, and so all sections say it, as in
                // browsers' own answers.
                let own = match &mut planned.what {
                    What::Rtp(rtp) => {
                        // What is in a bundle or not at all need not say it.
                        rtp.mux |= section.bundle_only;
                        !rtp.mux
                    }
                    _ => false,
                };
                planned.transport = self.answer_transport(offer, carrier, local, (own, at == carrier.tag));
            }
            planned
        };
        let sections: Vec<_> = offer.sections.iter().enumerate().map(plan).collect();
        let bundles = accepted.transports.iter().filter(|carrier| offer.group_of(carrier.tag).is_some());
        // RFC 9143 §7.3: of the offered group, what was accepted, the section with the address in front.
        let groups = bundles.map(|carrier| {
            let others = carrier.sections.iter().copied().filter(|&at| at != carrier.tag);
            [carrier.tag].into_iter().chain(others).collect()
        });
        let groups = groups.collect();
        let makers = (0..sections.len()).map(|at| self.transceivers.at(at).map(|maker| maker.id)).collect();
        let number = |at| accepted.transport_of(at).map(|carrier| carrier.number);
        let numbers = (0..sections.len()).map(number).collect();
        Plan { sections, groups, makers, numbers }
    }

    fn answer_transport(
        &self,
        offer: &Content,
        carrier: &AcceptedTransport,
        local: &LocalParameters<'_>,
        (rtcp, with_candidates): (bool, bool),
    ) -> Option<PlannedTransport> {
        let &AcceptedTransport { number, tag, .. } = carrier;
        let remote = offer.transport(tag);
        let agreed = self.agreed.transport_of(tag);
        // RFC 9429 §5.3.1: the credentials stay unless the offer restarts ICE.
        let kept = agreed.filter(|agreed| Some(&agreed.remote_ice) == remote.credentials.as_ref());
        let ice = kept.map(|agreed| &agreed.local_ice).or_else(|| local.ice.get(number))?;
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
        Some(self.plan_transport((number, ice), setup, (rtcp, with_candidates)))
    }

    fn plan_transport(
        &self,
        (number, ice): (usize, &Credentials),
        setup: Setup,
        (rtcp, with_candidates): (bool, bool),
    ) -> PlannedTransport {
        let generation = self.generations.get(number, &ice.ufrag).filter(|_| with_candidates);
        PlannedTransport {
            ice: ice.clone(),
            setup,
            rtcp,
            candidates: generation.map_or_else(Vec::new, |known| known.candidates.clone()),
            end_of_candidates: generation.is_some_and(Generation::is_complete),
        }
    }

    fn plan_media<'a>(
        &'a self,
        maker: &Transceiver,
        mid: Option<String>,
        known: Option<&SectionContent>,
        payloads: &mut Payloads<'a>,
    ) -> Planned {
        let mut planned = Planned {
            media: maker.kind.as_str().to_owned(),
            protocol: known.map_or("UDP/TLS/RTP/SAVPF", |known| known.protocol.as_str()).to_owned(),
            formats: String::new(),
            mid,
            bundle_only: false,
            transport: None,
            what: What::Rejected,
        };
        planned.set_rtp(self.offer_rtp(maker, known.and_then(|known| known.rtp.as_deref()), payloads));
        planned
    }

    /// Mids that no section has or had.
    fn fresh_mids(&self) -> impl Iterator<Item = String> {
        let taken = |mid: &str| self.slots.contents().any(|content| content.section_of_mid(mid).is_some());
        (self.next_mid..).map(|mid| mid.to_string()).filter(move |mid| !taken(mid))
    }
}

impl Plan {
    // RFC 9429 §5.2.2: a rejected place is taken before a new one is made.
    fn put(&mut self, planned: Planned, maker: Option<TransceiverId>) {
        let mut places = self.sections.iter().zip(&self.makers);
        let free = places.position(|(section, maker)| !section.is_used() && maker.is_none());
        match free {
            Some(at) => (self.sections[at], self.makers[at]) = (planned, maker),
            None => {
                self.sections.push(planned);
                self.makers.push(maker);
            }
        }
    }
}

fn new_data(mid: Option<String>, data: DataContent, local: &LocalParameters<'_>) -> Planned {
    Planned {
        media: "application".to_owned(),
        protocol: "UDP/DTLS/SCTP".to_owned(),
        formats: "webrtc-datachannel".to_owned(),
        mid,
        bundle_only: false,
        transport: None,
        what: What::Data(plan_data(data, local)),
    }
}

/// A data section that keeps the form of `like`.
fn plan_data(like: DataContent, local: &LocalParameters<'_>) -> PlannedData {
    // The old form's port is the section's format, which stays; its peers may not know the size.
    let (port, says_size) = match like.form {
        DataForm::Port => (local.sctp_port, true),
        DataForm::Map { .. } => (like.port.unwrap_or(local.sctp_port), like.max_message_size.0.is_some()),
    };
    PlannedData { port, form: like.form, max_message_size: says_size.then_some(local.max_message_size) }
}

/// A section of the same kind in the same place, rejected so far.
fn mirror(section: &SectionContent) -> Planned {
    Planned {
        media: section.media.clone(),
        protocol: section.protocol.clone(),
        formats: section.formats.clone(),
        mid: section.mid.clone(),
        bundle_only: false,
        transport: None,
        what: What::Rejected,
    }
}
