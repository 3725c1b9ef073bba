//! Attributes from text.

use crate::base::redact::Redacted;
use crate::wire::candidate::Candidate;
use crate::wire::decimal::decimal;
use crate::wire::sdp::attribute::{Attribute, PacketTime};
use crate::wire::sdp::description::Words;

/// The reason that goes into an error: which attribute is malformed.
type Malformed = &'static str;

impl<'a> Attribute<'a> {
    /// Reads what follows `a=`.
    pub(in crate::wire::sdp) fn parse(line: &'a str) -> Result<Self, Malformed> {
        let (name, value) = match split_at(line, b':') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        let Some((malformed, read)) = known(name) else {
            return if is_token(name) { Ok(Self::Unknown { name, value }) } else { Err("attribute name") };
        };
        match (read, value) {
            (Read::Flag(attribute), None) => Ok(attribute()),
            (Read::Value(read), Some(value)) => read(value).map_err(|Bad| *malformed),
            // A value where none belongs, or the other way round.
            (Read::Flag(_), Some(_)) | (Read::Value(_), None) => Err(malformed),
        }
    }
}

/// How an attribute is read.
enum Read {
    /// It has no value.
    Flag(fn() -> Attribute<'static>),
    /// By its value.
    Value(for<'t> fn(&'t str) -> Result<Attribute<'t>, Bad>),
}

/// What has a type: how it is called in errors, and how it is read. By first letters, and then in the order of how
/// often browsers write them.
const KNOWN: &[(Malformed, Read)] = {
    use self::Read::{Flag, Value};
    use crate::wire::sdp::attribute::Direction;
    &[
        ("a=bundle-only", Flag(|| Attribute::BundleOnly)),
        ("a=candidate", Value(candidate)),
        ("a=cryptex", Flag(|| Attribute::Cryptex)),
        ("a=extmap", Value(extmap)),
        ("a=extmap-allow-mixed", Flag(|| Attribute::ExtmapAllowMixed)),
        ("a=end-of-candidates", Flag(|| Attribute::EndOfCandidates)),
        (
            "a=fmtp",
            Value(|value| split(value).map(|(format, parameters)| Attribute::Fmtp { format, parameters })),
        ),
        ("a=fingerprint", Value(fingerprint)),
        ("a=group", Value(group)),
        ("a=ice-ufrag", Value(|value| word(value).map(Attribute::IceUfrag))),
        ("a=ice-pwd", Value(|value| word(value).map(|pwd| Attribute::IcePwd(Redacted(pwd))))),
        ("a=ice-options", Value(|value| words(value).map(Attribute::IceOptions))),
        ("a=inactive", Flag(|| Attribute::Direction(Direction::Inactive))),
        ("a=ice-lite", Flag(|| Attribute::IceLite)),
        ("a=identity", Value(|value| some(value).map(Attribute::Identity))),
        ("a=msid", Value(msid)),
        ("a=mid", Value(|value| token(value).map(Attribute::Mid))),
        ("a=max-message-size", Value(|value| number(value).map(Attribute::MaxMessageSize))),
        ("a=msid-semantic", Value(|value| Ok(Attribute::MsidSemantic(value)))),
        ("a=maxptime", Value(|value| packet_time(value).map(Attribute::MaxPtime))),
        ("a=ptime", Value(|value| packet_time(value).map(Attribute::Ptime))),
        ("a=rtcp-fb", Value(rtcp_fb)),
        ("a=rtpmap", Value(rtpmap)),
        ("a=rid", Value(rid)),
        ("a=rtcp", Value(rtcp)),
        ("a=rtcp-mux", Flag(|| Attribute::RtcpMux)),
        ("a=rtcp-rsize", Flag(|| Attribute::RtcpRsize)),
        ("a=recvonly", Flag(|| Attribute::Direction(Direction::RecvOnly))),
        ("a=rtcp-mux-only", Flag(|| Attribute::RtcpMuxOnly)),
        ("a=remote-candidates", Value(|value| some(value).map(Attribute::RemoteCandidates))),
        ("a=ssrc", Value(ssrc)),
        ("a=ssrc-group", Value(ssrc_group)),
        ("a=setup", Value(|value| value.parse().map(Attribute::Setup).map_err(|_| Bad))),
        ("a=sendrecv", Flag(|| Attribute::Direction(Direction::SendRecv))),
        ("a=sctp-port", Value(|value| number(value).map(Attribute::SctpPort))),
        ("a=simulcast", Value(|value| some(value).map(Attribute::Simulcast))),
        ("a=sctpmap", Value(sctpmap)),
        ("a=sctp-init", Value(|value| word(value).map(Attribute::SctpInit))),
        ("a=sendonly", Flag(|| Attribute::Direction(Direction::SendOnly))),
        ("a=tls-id", Value(tls_id)),
    ]
};

/// Where the names that begin with a letter are in [`KNOWN`].
const BY_LETTER: [(usize, usize); 26] = {
    let mut places = [(0, 0); 26];
    let mut at = 0;
    while at < KNOWN.len() {
        let place = &mut places[(KNOWN[at].0.as_bytes()[2] - b'a') as usize];
        if place.1 == 0 {
            place.0 = at;
        }
        assert!(place.1 == 0 || place.1 == at, "names with one first letter follow one another");
        place.1 = at + 1;
        at += 1;
    }
    places
};

fn known(name: &str) -> Option<&'static (Malformed, Read)> {
    let letter = name.bytes().next()?.checked_sub(b'a')?;
    let &(start, end) = BY_LETTER.get(usize::from(letter))?;
    KNOWN[start..end].iter().find(|(malformed, _)| &malformed["a=".len()..] == name)
}

/// Something about a value is wrong; the attribute's name says enough.
struct Bad;

/// `token-char` of RFC 8866 §9.
const TOKEN_CHARS: [bool; 256] = {
    let mut chars = [false; 256];
    let mut c: u8 = b'!';
    while c <= b'~' {
        chars[c as usize] = !matches!(
            c,
            b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'['..=b']'
        );
        c += 1;
    }
    chars
};

/// `token` of RFC 8866 §9.
pub(in crate::wire::sdp) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| TOKEN_CHARS[usize::from(c)])
}

fn token(text: &str) -> Result<&str, Bad> {
    if is_token(text) { Ok(text) } else { Err(Bad) }
}

fn some(text: &str) -> Result<&str, Bad> {
    if text.is_empty() { Err(Bad) } else { Ok(text) }
}

fn word(text: &str) -> Result<&str, Bad> {
    if text.bytes().any(|c| c == b' ') { Err(Bad) } else { some(text) }
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

fn number<T: TryFrom<u64>>(text: &str) -> Result<T, Bad> {
    decimal(text).ok_or(Bad)
}

fn payload_type(text: &str) -> Result<u8, Bad> {
    number(text).and_then(|n| if n < 128 { Ok(n) } else { Err(Bad) })
}

fn candidate(value: &str) -> Result<Attribute<'_>, Bad> {
    Candidate::parse(value).map(|candidate| Attribute::Candidate(Box::new(candidate))).map_err(|_| Bad)
}

fn fingerprint(value: &str) -> Result<Attribute<'_>, Bad> {
    value.parse().map(|fingerprint| Attribute::Fingerprint(Box::new(fingerprint))).map_err(|_| Bad)
}

fn rtcp_fb(value: &str) -> Result<Attribute<'_>, Bad> {
    let (format, feedback) = split(value)?;
    let payload_type = if format == "*" { None } else { Some(payload_type(format)?) };
    Ok(Attribute::RtcpFb { payload_type, feedback })
}

fn rtpmap(value: &str) -> Result<Attribute<'_>, Bad> {
    let (format, codec) = split(value)?;
    let (encoding, rest) = split_at(codec, b'/').ok_or(Bad)?;
    let (clock_rate, parameters) = match split_at(rest, b'/') {
        Some((rate, parameters)) => (rate, Some(some(parameters)?)),
        None => (rest, None),
    };
    let (encoding, clock_rate) = (token(encoding)?, number(clock_rate)?);
    if clock_rate == 0 {
        return Err(Bad);
    }
    Ok(Attribute::Rtpmap { payload_type: payload_type(format)?, encoding, clock_rate, parameters })
}

fn extmap(value: &str) -> Result<Attribute<'_>, Bad> {
    let (id, rest) = split(value)?;
    let (id, direction) = match split_at(id, b'/') {
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
    if ssrcs.iter().all(|ssrc| decimal::<u32>(ssrc).is_some()) {
        Ok(Attribute::SsrcGroup { semantics: token(semantics)?, ssrcs })
    } else {
        Err(Bad)
    }
}

fn rtcp(value: &str) -> Result<Attribute<'_>, Bad> {
    let (port, address) = split_optional(value)?;
    // Chromium leaves the address empty where candidates hide it.
    let is_whole = |address: &str| match Words(address).iter().count() {
        2 => address.ends_with(' '),
        words => words == 3,
    };
    if !address.is_none_or(is_whole) {
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
