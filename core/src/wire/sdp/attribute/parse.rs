//! Attributes from text.

use crate::base::redact::Redacted;
use crate::wire::sdp::attribute::{Attribute, PacketTime};
use crate::wire::sdp::description::Words;
use std::str::FromStr;

/// The reason that goes into an error: which attribute is malformed.
type Malformed = &'static str;

impl<'a> Attribute<'a> {
    /// Reads what follows `a=`.
    pub(in crate::wire::sdp) fn parse(line: &'a str) -> Result<Self, Malformed> {
        let (name, value) = match split_at(line, b':') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        let known = match value {
            Some(value) => Self::with_value(name, value),
            None => Self::flag(name),
        };
        match known {
            Some(Ok(attribute)) => Ok(attribute),
            Some(Err(Bad)) => Err(malformed(name)),
            None if !is_token(name) => Err("attribute name"),
            // A name that has a type here, with a value where none belongs or the other way round.
            None if malformed(name) != UNKNOWN => Err(malformed(name)),
            None => Ok(Self::Unknown { name, value }),
        }
    }

    fn flag(name: &str) -> Option<Result<Self, Bad>> {
        Some(Ok(match name {
            "bundle-only" => Self::BundleOnly,
            "ice-lite" => Self::IceLite,
            "end-of-candidates" => Self::EndOfCandidates,
            "rtcp-mux" => Self::RtcpMux,
            "rtcp-mux-only" => Self::RtcpMuxOnly,
            "rtcp-rsize" => Self::RtcpRsize,
            "extmap-allow-mixed" => Self::ExtmapAllowMixed,
            "cryptex" => Self::Cryptex,
            _ => return name.parse().ok().map(|direction| Ok(Self::Direction(direction))),
        }))
    }

    fn with_value(name: &str, value: &'a str) -> Option<Result<Self, Bad>> {
        // In the order of how often browsers write them.
        Some(match name {
            "rtcp-fb" => rtcp_fb(value),
            "rtpmap" => rtpmap(value),
            "candidate" => value.parse().map(|c| Self::Candidate(Box::new(c))).map_err(|_| Bad),
            "fmtp" => split(value).map(|(format, parameters)| Self::Fmtp { format, parameters }),
            "extmap" => extmap(value),
            "ssrc" => ssrc(value),
            "ssrc-group" => ssrc_group(value),
            "rtcp" => rtcp(value),
            "msid" => msid(value),
            "msid-semantic" => Ok(Self::MsidSemantic(value)),
            _ => return Self::with_value_of_transport(name, value),
        })
    }

    fn with_value_of_transport(name: &str, value: &'a str) -> Option<Result<Self, Bad>> {
        Some(match name {
            "mid" => token(value).map(Self::Mid),
            "group" => group(value),
            "ice-ufrag" => word(value).map(Self::IceUfrag),
            "ice-pwd" => word(value).map(|pwd| Self::IcePwd(Redacted(pwd))),
            "ice-options" => words(value).map(Self::IceOptions),
            "fingerprint" => value.parse().map(|f| Self::Fingerprint(Box::new(f))).map_err(|_| Bad),
            "setup" => value.parse().map(Self::Setup).map_err(|_| Bad),
            "tls-id" => tls_id(value),
            "sctp-port" => number(value).map(Self::SctpPort),
            "sctpmap" => sctpmap(value),
            "max-message-size" => number(value).map(Self::MaxMessageSize),
            "sctp-init" => word(value).map(Self::SctpInit),
            _ => return Self::with_rare_value(name, value),
        })
    }

    fn with_rare_value(name: &str, value: &'a str) -> Option<Result<Self, Bad>> {
        Some(match name {
            "rid" => rid(value),
            "simulcast" => some(value).map(Self::Simulcast),
            "ptime" => packet_time(value).map(Self::Ptime),
            "maxptime" => packet_time(value).map(Self::MaxPtime),
            "identity" => some(value).map(Self::Identity),
            "remote-candidates" => some(value).map(Self::RemoteCandidates),
            _ => return None,
        })
    }
}

const UNKNOWN: Malformed = "attribute";

/// Names for errors. Everything that has a type is in here.
fn malformed(name: &str) -> Malformed {
    const KNOWN: &[(&str, Malformed)] = &[
        ("bundle-only", "a=bundle-only"),
        ("ice-lite", "a=ice-lite"),
        ("end-of-candidates", "a=end-of-candidates"),
        ("rtcp-mux", "a=rtcp-mux"),
        ("rtcp-mux-only", "a=rtcp-mux-only"),
        ("rtcp-rsize", "a=rtcp-rsize"),
        ("extmap-allow-mixed", "a=extmap-allow-mixed"),
        ("cryptex", "a=cryptex"),
        ("sendrecv", "a=sendrecv"),
        ("sendonly", "a=sendonly"),
        ("recvonly", "a=recvonly"),
        ("inactive", "a=inactive"),
        ("rtcp-fb", "a=rtcp-fb"),
        ("rtpmap", "a=rtpmap"),
        ("candidate", "a=candidate"),
        ("fmtp", "a=fmtp"),
        ("extmap", "a=extmap"),
        ("ssrc", "a=ssrc"),
        ("ssrc-group", "a=ssrc-group"),
        ("rtcp", "a=rtcp"),
        ("msid", "a=msid"),
        ("msid-semantic", "a=msid-semantic"),
        ("mid", "a=mid"),
        ("group", "a=group"),
        ("ice-ufrag", "a=ice-ufrag"),
        ("ice-pwd", "a=ice-pwd"),
        ("ice-options", "a=ice-options"),
        ("fingerprint", "a=fingerprint"),
        ("setup", "a=setup"),
        ("tls-id", "a=tls-id"),
        ("sctp-port", "a=sctp-port"),
        ("sctpmap", "a=sctpmap"),
        ("max-message-size", "a=max-message-size"),
        ("sctp-init", "a=sctp-init"),
        ("rid", "a=rid"),
        ("simulcast", "a=simulcast"),
        ("ptime", "a=ptime"),
        ("maxptime", "a=maxptime"),
        ("identity", "a=identity"),
        ("remote-candidates", "a=remote-candidates"),
    ];
    KNOWN.iter().find(|(known, _)| *known == name).map_or(UNKNOWN, |&(_, text)| text)
}

/// Something about a value is wrong; the attribute's name says enough.
struct Bad;

/// `token` of RFC 8866 §9.
pub(in crate::wire::sdp) fn is_token(text: &str) -> bool {
    let is_token_char = |c: u8| {
        c.is_ascii_alphanumeric()
            || matches!(c, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'{'..=b'~')
    };
    !text.is_empty() && text.bytes().all(is_token_char)
}

fn token(text: &str) -> Result<&str, Bad> {
    if is_token(text) { Ok(text) } else { Err(Bad) }
}

fn some(text: &str) -> Result<&str, Bad> {
    if text.is_empty() { Err(Bad) } else { Ok(text) }
}

fn word(text: &str) -> Result<&str, Bad> {
    if text.contains(' ') { Err(Bad) } else { some(text) }
}

fn words(text: &str) -> Result<Words<'_>, Bad> {
    some(text.trim_matches(' ')).map(|_| Words(text))
}

/// What is before and behind the first `at`. Words are short, so that a plain loop is ahead of `str::split_once`.
fn split_at(text: &str, at: u8) -> Option<(&str, &str)> {
    debug_assert!(at.is_ascii());
    let place = text.bytes().position(|c| c == at)?;
    Some((&text[..place], &text[place + 1..]))
}

/// Two non-empty parts with a space between them.
fn split(text: &str) -> Result<(&str, &str), Bad> {
    let (head, tail) = split_at(text, b' ').ok_or(Bad)?;
    Ok((some(head)?, some(tail)?))
}

/// One word, and what follows it.
fn split_optional(text: &str) -> Result<(&str, Option<&str>), Bad> {
    match split_at(text, b' ') {
        Some((head, tail)) => Ok((some(head)?, Some(some(tail)?))),
        None => some(text).map(|head| (head, None)),
    }
}

/// Digits only: `str::parse` alone would take a plus sign.
pub(in crate::wire::sdp) fn digits<T: FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn number<T: FromStr>(text: &str) -> Result<T, Bad> {
    digits(text).ok_or(Bad)
}

fn payload_type(text: &str) -> Result<u8, Bad> {
    number(text).and_then(|n| if n < 128 { Ok(n) } else { Err(Bad) })
}

fn rtcp_fb(value: &str) -> Result<Attribute<'_>, Bad> {
    let (format, feedback) = split(value)?;
    let payload_type = if format == "*" { None } else { Some(payload_type(format)?) };
    Ok(Attribute::RtcpFb { payload_type, feedback })
}

fn rtpmap(value: &str) -> Result<Attribute<'_>, Bad> {
    let (format, codec) = split(value)?;
    let mut parts = codec.splitn(3, '/');
    let encoding = token(parts.next().ok_or(Bad)?)?;
    let clock_rate = number(parts.next().ok_or(Bad)?)?;
    let parameters = parts.next().map(some).transpose()?;
    if clock_rate == 0 {
        return Err(Bad);
    }
    Ok(Attribute::Rtpmap { payload_type: payload_type(format)?, encoding, clock_rate, parameters })
}

fn extmap(value: &str) -> Result<Attribute<'_>, Bad> {
    let (id, rest) = split(value)?;
    let (id, direction) = match id.split_once('/') {
        Some((id, direction)) => (id, Some(direction.parse().map_err(|_| Bad)?)),
        None => (id, None),
    };
    let id = number(id)?;
    let (uri, parameters) = split_optional(rest)?;
    if id == 0 {
        return Err(Bad);
    }
    Ok(Attribute::Extmap { id, direction, uri, parameters })
}

fn ssrc(value: &str) -> Result<Attribute<'_>, Bad> {
    let (ssrc, attribute) = split(value)?;
    Ok(Attribute::Ssrc { ssrc: number(ssrc)?, attribute })
}

fn ssrc_group(value: &str) -> Result<Attribute<'_>, Bad> {
    let (semantics, ssrcs) = split(value)?;
    let ssrcs = Words(ssrcs);
    if ssrcs.iter().all(|ssrc| digits::<u32>(ssrc).is_some()) {
        Ok(Attribute::SsrcGroup { semantics: token(semantics)?, ssrcs })
    } else {
        Err(Bad)
    }
}

fn rtcp(value: &str) -> Result<Attribute<'_>, Bad> {
    let (port, address) = split_optional(value)?;
    if address.is_some_and(|address| Words(address).iter().count() != 3) {
        return Err(Bad);
    }
    Ok(Attribute::Rtcp { port: number(port)?, address })
}

fn msid(value: &str) -> Result<Attribute<'_>, Bad> {
    let (stream, appdata) = split_optional(value)?;
    Ok(Attribute::Msid { stream: token(stream)?, appdata })
}

fn group(value: &str) -> Result<Attribute<'_>, Bad> {
    // RFC 5888 §5: a group may be empty.
    let (semantics, mids) = split_at(value, b' ').unwrap_or((value, ""));
    if Words(mids).iter().all(is_token) {
        Ok(Attribute::Group { semantics: token(semantics)?, mids: Words(mids) })
    } else {
        Err(Bad)
    }
}

fn tls_id(value: &str) -> Result<Attribute<'_>, Bad> {
    // RFC 8842 §5.1
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_');
    if (20..=255).contains(&value.len()) && value.bytes().all(legal) {
        Ok(Attribute::TlsId(value))
    } else {
        Err(Bad)
    }
}

fn sctpmap(value: &str) -> Result<Attribute<'_>, Bad> {
    let (port, rest) = split(value)?;
    let (application, streams) = split_optional(rest)?;
    let streams = streams.map(number).transpose()?;
    Ok(Attribute::Sctpmap { port: number(port)?, application, streams })
}

fn rid(value: &str) -> Result<Attribute<'_>, Bad> {
    let (id, rest) = split(value)?;
    let (direction, restrictions) = split_optional(rest)?;
    // RFC 8851 §10
    if !id.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')) {
        return Err(Bad);
    }
    Ok(Attribute::Rid { id, direction: direction.parse().map_err(|_| Bad)?, restrictions })
}

/// Milliseconds with an optional fraction; what is below a microsecond is cut off.
fn packet_time(value: &str) -> Result<PacketTime, Bad> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let whole: u32 = number(some(whole)?)?;
    let three = some(fraction)?.bytes().chain(*b"000").take(3);
    if !fraction.bytes().all(|c| c.is_ascii_digit()) {
        return Err(Bad);
    }
    let fraction = three.fold(0, |sum, c| sum * 10 + u32::from(c - b'0'));
    let micros = whole.checked_mul(1000).and_then(|micros| micros.checked_add(fraction));
    match micros {
        None | Some(0) => Err(Bad),
        Some(micros) => Ok(PacketTime { micros }),
    }
}
