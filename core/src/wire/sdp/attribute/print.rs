//! Attributes to text.

use crate::wire::sdp::attribute::{Attribute, PacketTime};
use std::fmt::{self, Write as _};

impl fmt::Display for Attribute<'_> {
    /// What follows `a=`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mid(mid) => write!(f, "mid:{mid}"),
            Self::Group { semantics, mids } if mids.0.is_empty() => write!(f, "group:{semantics}"),
            Self::Group { semantics, mids } => write!(f, "group:{semantics} {}", mids.0),
            Self::BundleOnly => f.write_str("bundle-only"),
            Self::IceUfrag(ufrag) => write!(f, "ice-ufrag:{ufrag}"),
            Self::IcePwd(pwd) => write!(f, "ice-pwd:{}", pwd.0),
            Self::IceOptions(options) => write!(f, "ice-options:{}", options.0),
            Self::IceLite => f.write_str("ice-lite"),
            Self::Candidate(candidate) => candidate.fmt(f),
            Self::EndOfCandidates => f.write_str("end-of-candidates"),
            Self::RemoteCandidates(value) => write!(f, "remote-candidates:{value}"),
            Self::Fingerprint(fingerprint) => write!(f, "fingerprint:{fingerprint}"),
            Self::Setup(setup) => write!(f, "setup:{setup}"),
            Self::TlsId(id) => write!(f, "tls-id:{id}"),
            Self::Identity(value) => write!(f, "identity:{value}"),
            Self::SctpPort(port) => write!(f, "sctp-port:{port}"),
            Self::Sctpmap { port, application, streams } => {
                write!(f, "sctpmap:{port} {application}")?;
                streams.map_or(Ok(()), |streams| write!(f, " {streams}"))
            }
            Self::MaxMessageSize(size) => write!(f, "max-message-size:{size}"),
            Self::SctpInit(chunk) => write!(f, "sctp-init:{chunk}"),
            Self::Cryptex => f.write_str("cryptex"),
            Self::Unknown { name, value } => {
                f.write_str(name)?;
                value.map_or(Ok(()), |value| write!(f, ":{value}"))
            }
            media => media.fmt_media(f),
        }
    }
}

impl Attribute<'_> {
    fn fmt_media(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtcp { port, address } => {
                write!(f, "rtcp:{port}")?;
                optional(f, *address)
            }
            Self::RtcpMux => f.write_str("rtcp-mux"),
            Self::RtcpMuxOnly => f.write_str("rtcp-mux-only"),
            Self::RtcpRsize => f.write_str("rtcp-rsize"),
            Self::RtcpFb { payload_type: Some(format), feedback } => write!(f, "rtcp-fb:{format} {feedback}"),
            Self::RtcpFb { payload_type: None, feedback } => write!(f, "rtcp-fb:* {feedback}"),
            Self::Direction(direction) => f.write_str(direction.as_str()),
            Self::Msid { stream, appdata } => {
                write!(f, "msid:{stream}")?;
                optional(f, *appdata)
            }
            Self::MsidSemantic(value) => write!(f, "msid-semantic:{value}"),
            Self::Rtpmap { payload_type, encoding, clock_rate, parameters } => {
                write!(f, "rtpmap:{payload_type} {encoding}/{clock_rate}")?;
                parameters.map_or(Ok(()), |parameters| write!(f, "/{parameters}"))
            }
            Self::Fmtp { format, parameters } => write!(f, "fmtp:{format} {parameters}"),
            Self::Extmap { id, direction, uri, parameters } => {
                write!(f, "extmap:{id}")?;
                direction.map_or(Ok(()), |direction| write!(f, "/{direction}"))?;
                write!(f, " {uri}")?;
                optional(f, *parameters)
            }
            Self::ExtmapAllowMixed => f.write_str("extmap-allow-mixed"),
            Self::Ssrc { ssrc, attribute } => write!(f, "ssrc:{ssrc} {attribute}"),
            Self::SsrcGroup { semantics, ssrcs } => write!(f, "ssrc-group:{semantics} {}", ssrcs.0),
            Self::Rid { id, direction, restrictions } => {
                write!(f, "rid:{id} {direction}")?;
                optional(f, *restrictions)
            }
            Self::Simulcast(value) => write!(f, "simulcast:{value}"),
            Self::Ptime(time) => write!(f, "ptime:{time}"),
            Self::MaxPtime(time) => write!(f, "maxptime:{time}"),
            // The others are written above.
            _ => Ok(()),
        }
    }
}

fn optional(f: &mut fmt::Formatter<'_>, text: Option<&str>) -> fmt::Result {
    text.map_or(Ok(()), |text| {
        f.write_char(' ')?;
        f.write_str(text)
    })
}

impl fmt::Display for PacketTime {
    /// Milliseconds, with a fraction where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.micros / 1000, self.micros % 1000);
        match fraction {
            0 => write!(f, "{whole}"),
            _ => f.write_str(format!("{whole}.{fraction:03}").trim_end_matches('0')),
        }
    }
}
