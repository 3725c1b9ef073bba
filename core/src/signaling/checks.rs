//! Whether a description may be set (RFC 9429 §5.7, §5.8): its place beside what is there already.

use crate::signaling::agreement::{AgreedTransport, Agreement};
use crate::signaling::changes::DtlsRole;
use crate::signaling::content::{Content, TransportContent};
use crate::signaling::error::InvalidDescription;
use crate::signaling::state::SdpType;
use crate::wire::sdp::attribute::Setup;

/// The protocols that a section may have (RFC 9429 §5.1.2). Others are rejected in the answer, unexamined.
const PROTOCOLS: &[&str] = &[
    "UDP/TLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "TCP/DTLS/RTP/SAVPF",
    "TCP/DTLS/RTP/SAVP",
    "RTP/SAVPF",
    "RTP/SAVP",
    "RTP/AVPF",
    "RTP/AVP",
    "UDP/DTLS/SCTP",
    "TCP/DTLS/SCTP",
    "DTLS/SCTP",
];

/// What a remote description is held against.
#[derive(Clone, Copy, Debug)]
pub(in crate::signaling) struct Against<'a> {
    pub kind: SdpType,
    /// Of an answer, the local offer; of an offer, the current descriptions, local and remote.
    pub offer: Option<&'a Content>,
    pub current: Option<(&'a Content, &'a Content)>,
    /// What the last answer agreed; a provisional one may still be replaced by that of another fork.
    pub settled: &'a Agreement,
}

/// Checks a remote description.
pub(in crate::signaling) fn check(content: &Content, against: Against<'_>) -> Result<(), InvalidDescription> {
    match (against.kind, against.offer) {
        (SdpType::Offer, _) => check_places(content, against.current)?,
        (_, Some(offer)) => {
            check_mirror(content, offer)?;
            check_answered_groups(content, offer)?;
        }
        (_, None) => {}
    }
    for (at, section) in content.sections.iter().enumerate() {
        let known_media = matches!(section.media.as_str(), "audio" | "video" | "application");
        if section.is_live() && known_media && PROTOCOLS.contains(&section.protocol.as_str()) {
            let offered = against.offer.and_then(|offer| offer.transport(at).setup);
            check_transport(content.transport(at), at, (against.kind, offered))?;
        }
    }
    check_data(content, against)?;
    against.settled.transports.iter().try_for_each(|agreed| check_continued(content, agreed, against))
}

// RFC 3264 §8: sections are never removed and never change places; a rejected one may become anything.
fn check_places(content: &Content, current: Option<(&Content, &Content)>) -> Result<(), InvalidDescription> {
    let Some((local, remote)) = current else { return Ok(()) };
    if content.sections.len() < local.sections.len() {
        let (expected, got) = (local.sections.len(), content.sections.len());
        return Err(InvalidDescription::SectionCount { expected, got });
    }
    let pairs = local.sections.iter().zip(&remote.sections).zip(&content.sections);
    for (at, ((local, remote), new)) in pairs.enumerate() {
        let in_use = local.is_live() && remote.is_live();
        if in_use && new.media != local.media {
            return Err(InvalidDescription::SectionChanged(at));
        }
        // A peer from before RFC 5888 leaves mids out.
        if in_use && local.mid.is_some() && new.mid.is_some() && new.mid != local.mid {
            return Err(InvalidDescription::MidChanged(at));
        }
    }
    Ok(())
}

// RFC 3264 §6: an answer mirrors its offer.
fn check_mirror(answer: &Content, offer: &Content) -> Result<(), InvalidDescription> {
    if answer.sections.len() != offer.sections.len() {
        let (expected, got) = (offer.sections.len(), answer.sections.len());
        return Err(InvalidDescription::SectionCount { expected, got });
    }
    for (at, (answer, offer)) in answer.sections.iter().zip(&offer.sections).enumerate() {
        let same_protocol = answer.protocol == offer.protocol || !answer.is_live();
        let revived = answer.is_live() && !offer.is_live();
        if answer.media != offer.media || !same_protocol || revived {
            return Err(InvalidDescription::SectionChanged(at));
        }
        if answer.mid.is_some() && answer.mid != offer.mid {
            return Err(InvalidDescription::MidChanged(at));
        }
    }
    Ok(())
}

// RFC 9143 §7.3: an answer's group is part of an offered one, and its first section carries the transport.
fn check_answered_groups(answer: &Content, offer: &Content) -> Result<(), InvalidDescription> {
    for group in &answer.groups {
        let Some(&tag) = group.first() else { continue };
        let offered = offer.group_of(tag).ok_or(InvalidDescription::GroupNotOffered)?;
        if !group.iter().all(|at| offered.contains(at)) {
            return Err(InvalidDescription::GroupNotOffered);
        }
        if !answer.sections[tag].is_live() {
            return Err(InvalidDescription::TaggedSectionRejected(tag));
        }
    }
    Ok(())
}

fn check_transport(
    transport: &TransportContent,
    at: usize,
    (kind, offered): (SdpType, Option<Setup>),
) -> Result<(), InvalidDescription> {
    if transport.credentials.is_none() {
        return Err(InvalidDescription::NoIceCredentials(at));
    }
    // RFC 8827 §6.5: without a fingerprint there is nobody to talk to.
    if transport.fingerprints.is_empty() {
        return Err(InvalidDescription::NoFingerprint(at));
    }
    // RFC 8842 §5.3: offers should say actpass, and answers say which. Offers that say nothing are taken as
    // actpass; an answer that says nothing would leave both sides waiting.
    let legal = match (kind, transport.setup) {
        (_, Some(Setup::HoldConn)) => false,
        (SdpType::Offer, _) => true,
        // RFC 4145 §4.1: of two, one is active.
        (_, setup @ Some(Setup::Active | Setup::Passive)) => setup != offered,
        (_, _) => false,
    };
    if legal { Ok(()) } else { Err(InvalidDescription::BadSetup(at)) }
}

fn check_data(content: &Content, against: Against<'_>) -> Result<(), InvalidDescription> {
    let Some(at) = content.live_data() else { return Ok(()) };
    // RFC 8841 §5.1; an offer without a port is rejected in the answer instead.
    let port = content.sections[at].data.and_then(|data| data.port);
    if against.kind != SdpType::Offer && port.is_none_or(|port| port == 0) {
        return Err(InvalidDescription::NoSctpPort(at));
    }
    Ok(())
}

/// What a description says of a transport that is in use.
fn check_continued(
    content: &Content,
    agreed: &AgreedTransport,
    against: Against<'_>,
) -> Result<(), InvalidDescription> {
    let live = |at: &usize| {
        content
            .sections
            .get(*at)
            .is_some_and(|section| section.is_live_data() || section.live_rtp().is_some())
    };
    let Some(at) = agreed.sections.iter().copied().find(live) else { return Ok(()) };
    // RFC 9143 §7.5: an answer that bundles it with another transport's section ends this one.
    let tag = content.group_of(at).and_then(|group| group.first());
    if against.kind != SdpType::Offer && tag.is_some_and(|tag| !agreed.sections.contains(tag)) {
        return Ok(());
    }
    let transport = content.transport(at);
    let Some(credentials) = &transport.credentials else { return Ok(()) };
    let restarts = *credentials != agreed.remote_ice;
    if against.kind != SdpType::Offer {
        // RFC 9429 §5.3.2: an answer restarts ICE exactly when its offer does.
        let offered = against.offer.map(|offer| offer.transport(at).credentials.as_ref());
        let we_restart = offered.is_some_and(|offered| offered != Some(&agreed.local_ice));
        match (restarts, we_restart) {
            (true, false) => return Err(InvalidDescription::UnexpectedIceRestart(at)),
            (false, true) => return Err(InvalidDescription::MissingIceRestart(at)),
            _ => {}
        }
    }
    // RFC 8842 §4: another certificate or tls-id is another association, which needs another transport.
    if !agreed.same_association(&transport.fingerprints, transport.tls_id.as_deref()) {
        return if restarts { Ok(()) } else { Err(InvalidDescription::CertificateChanged(at)) };
    }
    // RFC 8842 §5.4: the roles of a living association stay.
    match transport.setup {
        Some(setup @ (Setup::Active | Setup::Passive)) if local_role(setup) != agreed.dtls_role => {
            Err(InvalidDescription::RoleChanged(at))
        }
        _ => Ok(()),
    }
}

/// Our role towards a peer that is active or passive.
pub(in crate::signaling) const fn local_role(remote: Setup) -> DtlsRole {
    match remote {
        Setup::Active => DtlsRole::Server,
        _ => DtlsRole::Client,
    }
}
