//! What an offer and its answer agree on, and what follows from it.

use crate::signaling::changes::{DtlsRole, RemoteIce, RtcpUse, SctpAgreement, TransportAgreement};
use crate::signaling::content::{Content, SectionContent};
use crate::signaling::slots::Applied;
use crate::signaling::state::Side;
use crate::wire::candidate::Credentials;
use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::attribute::Setup;

/// What the last answer settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Agreement {
    pub transports: Vec<AgreedTransport>,
    pub data: Option<AgreedData>,
    /// Whether the answer has a bundle: sections to come join it.
    pub bundled: bool,
}

/// One transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct AgreedTransport {
    /// What its owner knows it by.
    pub number: usize,
    /// What it carries, the section with its address first.
    pub sections: Vec<usize>,
    pub local_ice: Credentials,
    pub remote_ice: Credentials,
    pub fingerprints: Vec<Fingerprint>,
    pub tls_id: Option<String>,
    pub dtls_role: DtlsRole,
    pub rtcp: RtcpUse,
    /// Whether we are lite, and the peer is.
    pub lite: (bool, bool),
}

/// The data section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct AgreedData {
    pub section: usize,
    pub ports: (u16, u16),
    /// In bytes; 0 for any.
    pub max_message_size: u64,
}

impl Agreement {
    /// Compares both sides' descriptions after `answerer` answered. Of the transports that the answer wants, as
    /// many as `most` are kept.
    pub fn of(local: &Applied, remote: &Content, answerer: Side, most: usize) -> Self {
        let Applied { content: local, numbers, .. } = local;
        let answer = if answerer == Side::Local { local } else { remote };
        let mut agreed = Self::default();
        let mut tags: Vec<usize> = Vec::new();
        for (at, (ours, theirs)) in local.sections.iter().zip(&remote.sections).enumerate() {
            if !are_live(ours, theirs) {
                continue;
            }
            // RFC 9143 §7.5: the first of the group carries the others.
            let tag = answer.group_of(at).and_then(|group| group.first().copied());
            agreed.bundled |= tag.is_some();
            let tag = tag.unwrap_or(at);
            if !tags.contains(&tag)
                && agreed.transports.len() < most
                && let Some(number) =
                    numbers.get(tag).copied().flatten().filter(|&number| !agreed.has(number))
                && let Some(transport) = AgreedTransport::of(local, remote, answerer, (tag, number))
            {
                agreed.transports.reserve_exact(1);
                agreed.transports.push(transport);
                tags.push(tag);
            }
            if let Some(known) = tags.iter().position(|&known| known == tag).filter(|_| at != tag) {
                agreed.transports[known].sections.push(at);
            }
        }
        for transport in &mut agreed.transports {
            transport.rtcp = RtcpUse::of(answer, &transport.sections);
        }
        let carried = |at: &usize| agreed.carries(*at);
        let data = (0..local.sections.len()).filter(carried).find_map(|at| {
            let (ours, theirs) = (local.sections[at].data?, remote.sections[at].data?);
            Some(AgreedData {
                section: at,
                ports: (ours.port?, theirs.port?),
                max_message_size: theirs.max_message_size.bytes(),
            })
        });
        Self { data, ..agreed }
    }

    /// Whether a section is in use.
    pub fn carries(&self, section: usize) -> bool {
        self.transport_of(section).is_some()
    }

    /// What carries a section.
    pub fn transport_of(&self, section: usize) -> Option<&AgreedTransport> {
        self.transports.iter().find(|transport| transport.sections.contains(&section))
    }

    /// The number of what carries a section.
    pub fn number_of(&self, section: usize) -> Option<usize> {
        self.transport_of(section).map(|transport| transport.number)
    }

    /// Whether a number is in use.
    pub fn has(&self, number: usize) -> bool {
        self.transports.iter().any(|transport| transport.number == number)
    }

    /// What the association has to know, compared with what was agreed `before`.
    pub fn sctp(&self, before: &Self) -> Option<SctpAgreement> {
        let data = self.data.as_ref()?;
        Some(SctpAgreement {
            local_port: data.ports.0,
            remote_port: data.ports.1,
            max_message_size: data.max_message_size,
            restarted: before.data.as_ref().is_some_and(|before| before.ports != data.ports),
        })
    }
}

pub(in crate::signaling) fn are_live(ours: &SectionContent, theirs: &SectionContent) -> bool {
    let data = ours.data.is_some() && theirs.data.is_some();
    ours.is_live() && theirs.is_live() && (data || ours.rtp.is_some() && theirs.rtp.is_some())
}

impl RtcpUse {
    /// What an answer says of these sections.
    fn of(answer: &Content, sections: &[usize]) -> Self {
        let mut muxed = sections.iter().filter_map(|&at| Some(answer.sections[at].live_rtp()?.rtcp.mux));
        match muxed.next() {
            None => Self::None,
            Some(first) if first && muxed.all(|muxed| muxed) => Self::Muxed,
            Some(_) => Self::Own,
        }
    }
}

impl AgreedTransport {
    fn of(local: &Content, remote: &Content, answerer: Side, (tag, number): (usize, usize)) -> Option<Self> {
        let (ours, theirs) = (local.transport(tag), remote.transport(tag));
        let dtls_role = match answerer {
            Side::Local if ours.setup == Some(Setup::Passive) => DtlsRole::Server,
            Side::Remote if theirs.setup == Some(Setup::Active) => DtlsRole::Server,
            _ => DtlsRole::Client,
        };
        Some(Self {
            number,
            sections: vec![tag],
            local_ice: ours.credentials.clone()?,
            remote_ice: theirs.credentials.clone()?,
            fingerprints: theirs.fingerprints.clone(),
            tls_id: theirs.tls_id.clone(),
            dtls_role,
            rtcp: RtcpUse::None,
            lite: (ours.lite, theirs.lite),
        })
    }

    /// The section that has its address.
    pub fn tag(&self) -> usize {
        self.sections.first().copied().unwrap_or(0)
    }

    /// Whether these name the certificates of this DTLS association, in whatever order (RFC 8842 §4).
    pub fn same_association(&self, fingerprints: &[Fingerprint], tls_id: Option<&str>) -> bool {
        self.tls_id.as_deref() == tls_id
            && self.fingerprints.iter().all(|f| fingerprints.contains(f))
            && fingerprints.iter().all(|f| self.fingerprints.contains(f))
    }

    /// What the transport has to know, compared with what was agreed `before`.
    pub fn changes(&self, remote: &Content, before: Option<&Self>) -> TransportAgreement {
        let fingerprints_changed =
            before.is_some_and(|before| !before.same_association(&self.fingerprints, self.tls_id.as_deref()));
        let listed = &remote.sections[remote.candidates_of(self.tag())];
        TransportAgreement {
            index: self.number,
            local_ice: self.local_ice.clone(),
            remote_ice: RemoteIce {
                credentials: self.remote_ice.clone(),
                candidates: listed.candidates.clone(),
                // RFC 8838 §3: a peer that does not trickle has said everything.
                end_of_candidates: listed.end_of_candidates || !remote.options.trickle,
                lite: self.lite.1,
            },
            ice_restarted: before.is_some_and(|before| before.remote_ice != self.remote_ice),
            fingerprints: self.fingerprints.clone(),
            fingerprints_changed,
            dtls_role: self.dtls_role,
            rtcp: self.rtcp,
        }
    }
}
