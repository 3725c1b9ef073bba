//! Trickle (RFC 8838, webrtc-pc §4.4.1.6): candidates on their way in and out, and the texts they go into.

use crate::signaling::agreement::{AgreedTransport, Agreement};
use crate::signaling::changes::{Changes, RemoteCandidate};
use crate::signaling::content::{Content, SectionContent};
use crate::signaling::description::IceCandidateInit;
use crate::signaling::error::AddIceCandidateError;
use crate::signaling::generations::Announcement;
use crate::signaling::session::Session;
use crate::signaling::slots::{Applied, Slots};
use crate::signaling::state::SdpType;
use crate::signaling::text::append_attribute;
use crate::wire::candidate::Candidate;
use crate::wire::sdp::MAX_CANDIDATES;

/// Where a remote candidate goes.
struct Target {
    /// The section that was named, whose text grows.
    section: usize,
    ufrag: String,
}

impl Session {
    /// Resolves, checks and records a remote candidate or, when it is empty, the end of candidates.
    pub(in crate::signaling) fn take_remote(
        &mut self,
        init: &IceCandidateInit,
    ) -> Result<RemoteCandidate, AddIceCandidateError> {
        let named = self.named_section(init)?;
        let parse = || init.candidate.parse().map_err(|_| AddIceCandidateError::Malformed);
        let candidate: Option<Candidate> = if init.candidate.is_empty() { None } else { Some(parse()?) };
        let said =
            init.username_fragment.clone().or_else(|| candidate.as_ref().and_then(|c| c.ufrag.clone()));
        let Some(target) = self.target(named, said.as_deref())? else { return Ok(RemoteCandidate::Ignored) };
        if !record(&mut self.slots.remote, &target, candidate.as_ref())? {
            return Ok(RemoteCandidate::Ignored);
        }
        let Target { section, ufrag } = target;
        // A peer may say the same of several transports, as our own offers do.
        let mut known = self.agreed.transports.iter().filter(|agreed| agreed.remote_ice.ufrag == ufrag);
        let of_section = known.clone().find(|agreed| agreed.sections.contains(&section));
        let Some(agreed) = of_section.or_else(|| known.next()) else { return Ok(RemoteCandidate::Held) };
        // Candidates of a section that joined a bundle lead nowhere any more, unless they are the bundle's.
        let tag = agreed.tag();
        let leads = self
            .slots
            .remote
            .newest()
            .is_some_and(|remote| section == tag || remote.content.candidates_of(tag) == section);
        if !leads {
            return Ok(RemoteCandidate::Ignored);
        }
        let transport = agreed.number;
        Ok(match candidate {
            Some(candidate) => {
                RemoteCandidate::Candidate { transport, ufrag, candidate: Box::new(candidate) }
            }
            None => RemoteCandidate::EndOfCandidates { transport, ufrag },
        })
    }

    /// The section that is named, or `None` when none is.
    fn named_section(&self, init: &IceCandidateInit) -> Result<Option<usize>, AddIceCandidateError> {
        let remote = self.slots.remote.newest().ok_or(AddIceCandidateError::NoRemoteDescription)?;
        let unknown = AddIceCandidateError::UnknownSection;
        match (&init.sdp_mid, init.sdp_m_line_index) {
            (Some(mid), _) => remote.content.section_of_mid(mid).ok_or(unknown).map(Some),
            (None, Some(index)) if usize::from(index) >= remote.content.sections.len() => Err(unknown),
            (None, index) => Ok(index.map(usize::from)),
        }
    }

    /// `Ok(None)` when the section is of no use to us.
    fn target(
        &self,
        named: Option<usize>,
        ufrag: Option<&str>,
    ) -> Result<Option<Target>, AddIceCandidateError> {
        let Some(newest) = self.slots.remote.newest() else { return Ok(None) };
        let tags = self.tags_of_remote(newest);
        let content = &newest.content;
        // A peer that gathers for the whole bundle names the bundle's first section, even if that is rejected.
        let leads_to = |section: usize, tag: usize| {
            let bundled = content.group_of(tag).is_some_and(|group| group.contains(&section));
            let same = content.transport(section).credentials == content.transport(tag).credentials;
            section == tag || bundled && same && content.sections[section].is_live()
        };
        let Some(section) = named.or(tags.first().copied()) else { return Ok(None) };
        if !tags.iter().any(|&tag| leads_to(section, tag)) {
            return Ok(None);
        }
        let of = |applied: &Applied| ufrag_of(&applied.content, section).map(str::to_owned);
        let known = match ufrag {
            None => of(newest),
            Some(ufrag) => {
                let slots = [&self.slots.remote.pending, &self.slots.remote.current];
                slots.into_iter().flatten().filter_map(of).find(|known| known == ufrag)
            }
        };
        known.map(|ufrag| Some(Target { section, ufrag })).ok_or(AddIceCandidateError::UnknownUfrag)
    }

    /// The sections whose addresses a remote description gives: those of an offer as far as we would accept it.
    fn tags_of_remote(&self, remote: &Applied) -> Vec<usize> {
        if remote.description.kind == SdpType::Offer && self.slots.remote.pending.is_some() {
            return self.accept(&remote.content).transports.iter().map(|carrier| carrier.tag).collect();
        }
        self.agreed.transports.iter().map(AgreedTransport::tag).collect()
    }

    /// Announces what is known of the generations that the newest local description names, asks for those to be
    /// gathered that nobody gathers for, and completes the description's text.
    pub(in crate::signaling) fn describe_generations(&mut self, changes: &mut Changes) {
        let Some(applied) = self.slots.local.filled().next() else { return };
        for (at, number) in tags_of_local(&self.agreed, applied) {
            let Some(credentials) = applied.content.transport(at).credentials.clone() else { continue };
            let generation = self.generations.entry(number, &credentials.ufrag);
            for candidate in &generation.candidates {
                write_candidate(applied, at, candidate);
            }
            if generation.is_complete() {
                write_end(applied, at);
            }
            let announcements = generation.announce();
            let init = |what| announcement(&applied.content, at, &credentials.ufrag, what);
            changes.early_candidates.extend(announcements.into_iter().map(init));
            if generation.start() {
                changes.gather.push((number, credentials));
            }
        }
    }

    /// Announces what is new of a local generation, when a local description names it.
    pub(in crate::signaling) fn announce(
        &mut self,
        number: usize,
        ufrag: &str,
        new: Option<&Candidate>,
    ) -> Option<IceCandidateInit> {
        let mut place = None;
        for applied in self.slots.local.filled() {
            let tags = tags_of_local(&self.agreed, applied);
            let is_named = |&(at, known): &(usize, usize)| {
                known == number && ufrag_of(&applied.content, at) == Some(ufrag)
            };
            let named = tags.into_iter().find(is_named);
            let Some((at, _)) = named else { continue };
            match new {
                Some(candidate) => write_candidate(applied, at, candidate),
                None => write_end(applied, at),
            };
            place = place.or(Some((applied.content.sections[at].mid.clone(), at)));
        }
        let (mid, at) = place?;
        let what = self.generations.entry(number, ufrag).announce().into_iter().next()?;
        Some(candidate_init(mid, at, ufrag, what))
    }
}

fn ufrag_of(content: &Content, at: usize) -> Option<&str> {
    if at >= content.sections.len() {
        return None;
    }
    content.transport(at).credentials.as_ref().map(|credentials| credentials.ufrag.as_str())
}

/// The sections that give addresses in a local description, with the numbers of their transports: those that carry
/// the transports in use, or else the first of each in the order of the bundle.
fn tags_of_local(agreed: &Agreement, applied: &Applied) -> Vec<(usize, usize)> {
    let Applied { content, numbers, .. } = applied;
    let is_live = |at: usize| content.sections.get(at).is_some_and(SectionContent::is_live);
    let in_use = agreed.transports.iter().map(|transport| (transport.tag(), transport.number));
    let mut tags: Vec<(usize, usize)> = in_use.filter(|&(at, _)| is_live(at)).collect();
    let bundled = content.groups.iter().flatten().copied();
    for at in bundled.chain(0..content.sections.len()) {
        if let Some(&Some(number)) = numbers.get(at)
            && is_live(at)
            && !tags.iter().any(|&(_, known)| known == number)
        {
            tags.push((at, number));
        }
    }
    tags
}

/// Writes it into every remote description of its generation. `Ok(false)`: it was in all of them.
fn record(
    remote: &mut Slots,
    target: &Target,
    candidate: Option<&Candidate>,
) -> Result<bool, AddIceCandidateError> {
    let &Target { section, ref ufrag } = target;
    let mut new = false;
    for applied in remote.filled().filter(|applied| ufrag_of(&applied.content, section) == Some(ufrag)) {
        let known = &applied.content.sections[section].candidates;
        new |= match candidate {
            Some(candidate) if known.contains(candidate) => false,
            Some(_) if known.len() >= MAX_CANDIDATES => return Err(AddIceCandidateError::TooMany),
            Some(candidate) => write_candidate(applied, section, candidate),
            None => write_end(applied, section),
        };
    }
    Ok(new)
}

/// Into the text and the candidates of a section, unless it is there.
fn write_candidate(applied: &mut Applied, section: usize, candidate: &Candidate) -> bool {
    let known = &mut applied.content.sections[section].candidates;
    let new = !known.contains(candidate);
    if new {
        if known.is_empty() {
            known.reserve_exact(1);
        }
        known.push(candidate.clone());
        append_attribute(&mut applied.description.sdp, section, &candidate.to_string());
    }
    new
}

/// As [`write_candidate`], for the end of candidates.
fn write_end(applied: &mut Applied, section: usize) -> bool {
    let end = &mut applied.content.sections[section].end_of_candidates;
    let new = !std::mem::replace(end, true);
    if new {
        append_attribute(&mut applied.description.sdp, section, "end-of-candidates");
    }
    new
}

fn announcement(content: &Content, at: usize, ufrag: &str, what: Announcement) -> IceCandidateInit {
    candidate_init(content.sections[at].mid.clone(), at, ufrag, what)
}

fn candidate_init(mid: Option<String>, at: usize, ufrag: &str, what: Announcement) -> IceCandidateInit {
    IceCandidateInit {
        candidate: match what {
            Announcement::Candidate(candidate) => candidate.to_string(),
            Announcement::End => String::new(),
        },
        sdp_mid: mid,
        sdp_m_line_index: u16::try_from(at).ok(),
        username_fragment: Some(ufrag.to_owned()),
    }
}
