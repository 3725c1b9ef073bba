//! What must hold in the RTP sections of a remote description, whether or not they will be accepted.

use crate::signaling::changes::RtcpUse;
use crate::signaling::content::Content;
use crate::signaling::error::{InvalidDescription, SetDescriptionError};
use crate::signaling::local::RtcpMuxPolicy;
use crate::signaling::session::Session;
use crate::signaling::state::SdpType;
use crate::wire::sdp::attribute::{Attribute, simulcast_rids};
use crate::wire::sdp::description::{Description, Section};

/// Checks every RTP section that is not rejected.
pub(in crate::signaling) fn check(
    description: &Description<'_>,
    content: &Content,
) -> Result<(), SetDescriptionError> {
    let rtp = || {
        let sections = description.sections.iter().enumerate();
        sections.filter(|&(at, section)| is_rtp(section) && content.sections[at].is_live())
    };
    for (at, section) in rtp() {
        check_section(at, section)?;
    }
    for group in &content.groups {
        check_group(description, group)?;
    }
    Ok(())
}

impl Session {
    /// Where RTCP may go (webrtc-pc §4.4.1.5, RFC 5761 §5.1.1).
    pub(in crate::signaling) fn check_rtcp(
        &self,
        kind: SdpType,
        content: &Content,
    ) -> Result<(), SetDescriptionError> {
        let offer = self.slots.local.pending_offer().filter(|_| kind != SdpType::Offer);
        for (at, section) in content.sections.iter().enumerate() {
            let Some(rtp) = section.live_rtp() else { continue };
            let offered = offer.and_then(|offer| offer.sections.get(at)?.live_rtp());
            if rtp.rtcp.mux {
                if offered.is_some_and(|offered| !offered.rtcp.mux) {
                    return Err(InvalidDescription::RtcpMuxNotOffered(at).into());
                }
                continue;
            }
            // A bundle-only section says it in its bundle's first section, if at all.
            if section.port == 0 {
                continue;
            }
            let is_rtp = |other: &&usize| content.sections[**other].live_rtp().is_some();
            let others = content.group_of(at).map_or(0, |group| group.iter().filter(is_rtp).count());
            let may_be_own = match (kind, offered) {
                (SdpType::Offer, _) => {
                    let agreed = self.agreed.transport_of(at).map(|transport| transport.rtcp);
                    self.config.rtcp_mux_policy == RtcpMuxPolicy::Negotiate && agreed != Some(RtcpUse::Muxed)
                }
                (_, offered) => offered.is_some_and(|offered| offered.own_rtcp),
            };
            // RFC 9143 §9.3: media that share a transport share it with RTCP.
            if !may_be_own || others > 1 {
                return Err(SetDescriptionError::NoRtcpMux { section: at });
            }
        }
        Ok(())
    }
}

fn is_rtp(section: &Section<'_>) -> bool {
    section.protocol.contains("RTP/")
}

fn check_section(at: usize, section: &Section<'_>) -> Result<(), InvalidDescription> {
    let has = |wanted| section.attributes.contains(&wanted);
    // RFC 8853 §5.2: every stream in the list is defined.
    let defined = |id: &str| {
        section
            .attributes
            .iter()
            .any(|attribute| matches!(attribute, Attribute::Rid { id: rid, .. } if *rid == id))
    };
    for attribute in &section.attributes {
        if let Attribute::Simulcast(value) = attribute
            && !simulcast_rids(value).all(defined)
        {
            return Err(InvalidDescription::UnknownRid(at));
        }
    }
    // RFC 8858 §3
    if has(Attribute::RtcpMuxOnly) && !has(Attribute::RtcpMux) {
        return Err(InvalidDescription::RtcpMuxOnly(at));
    }
    // RFC 5761 §4: these look like RTCP when both share a port.
    let reserved =
        section.formats.iter().filter_map(|format| format.parse().ok()).find(|n| (64..96).contains(n));
    match reserved {
        Some(payload_type) if has(Attribute::RtcpMux) => {
            Err(InvalidDescription::PayloadType { section: at, payload_type })
        }
        _ => Ok(()),
    }
}

/// A codec as far as two sections may not differ about it.
type Codec<'a> = (&'a str, u32, &'a str);

/// RFC 9143 §9.1 and §9.2: in a bundle, a payload type means one codec and an id one header extension.
fn check_group(description: &Description<'_>, group: &[usize]) -> Result<(), InvalidDescription> {
    let mut codecs: [Option<Codec<'_>>; 128] = [None; 128];
    let mut extensions: Vec<(u16, &str)> = Vec::new();
    for &section in group {
        for attribute in &description.sections[section].attributes {
            match attribute {
                Attribute::Rtpmap { payload_type, encoding, clock_rate, parameters } => {
                    let known = &mut codecs[usize::from(*payload_type & 0x7f)];
                    // One channel need not be said.
                    let codec = (*encoding, *clock_rate, parameters.unwrap_or("1"));
                    if known.is_some_and(|known| !same_codec(known, codec)) {
                        return Err(InvalidDescription::PayloadType { section, payload_type: *payload_type });
                    }
                    *known = Some(codec);
                }
                Attribute::Extmap { id, uri, .. } => match extensions.iter().find(|(known, _)| known == id) {
                    Some((_, known)) if known != uri => {
                        return Err(InvalidDescription::ExtensionId { section, id: *id });
                    }
                    Some(_) => {}
                    None => extensions.push((*id, uri)),
                },
                _ => {}
            }
        }
    }
    Ok(())
}

fn same_codec(a: Codec<'_>, b: Codec<'_>) -> bool {
    a.0.eq_ignore_ascii_case(b.0) && (a.1, a.2) == (b.1, b.2)
}
