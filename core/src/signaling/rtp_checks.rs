//! What must hold in the RTP sections of a remote description, whether or not they will be accepted.

use crate::signaling::content::Content;
use crate::signaling::error::{InvalidDescription, SetDescriptionError};
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
        let has = |wanted| section.attributes.contains(&wanted);
        // webrtc-pc §4.4.1.5: the policy "require", which is the only one. A bundle-only section says it in
        // its bundle's first section, if at all.
        if section.port != 0 && !has(Attribute::RtcpMux) {
            return Err(SetDescriptionError::NoRtcpMux { section: at });
        }
    }
    for (at, section) in rtp() {
        check_section(at, section)?;
    }
    for group in &content.groups {
        check_group(description, group)?;
    }
    Ok(())
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
