//! ICE candidates and credentials as text (RFC 8839 §5.1, §5.4; RFC 6544 §4.5).

use crate::base::redact::Redacted;
use crate::wire::cursor::ParseError;
use crate::wire::decimal::decimal;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

/// A candidate's transport address: an IP address, or a name that has to be resolved (mDNS, FQDN).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateAddress<S = String> {
    /// An address.
    Ip(IpAddr),
    /// A host name, such as `….local`.
    Name(S),
}

impl<S> CandidateAddress<S> {
    /// The address, unless it is a name.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) => None,
        }
    }

    fn map<'s, T>(&'s self, change: impl Fn(&'s S) -> T) -> CandidateAddress<T> {
        match self {
            Self::Ip(ip) => CandidateAddress::Ip(*ip),
            Self::Name(name) => CandidateAddress::Name(change(name)),
        }
    }
}

impl<'a> CandidateAddress<&'a str> {
    fn parse(text: &'a str) -> Result<Self, ParseError> {
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        let name = text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_'));
        if name && !text.is_empty() && text.len() <= 253 {
            Ok(Self::Name(text))
        } else {
            Err(ParseError::BadValue("candidate address"))
        }
    }
}

impl<S: AsRef<str>> fmt::Display for CandidateAddress<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name.as_ref()),
        }
    }
}

/// What carries a candidate's datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateProtocol<S = String> {
    /// `udp`
    Udp,
    /// `tcp`
    Tcp,
    /// Another token, compared without case and owned in lower case. Such candidates are ignored, not refused.
    Unknown(S),
}

impl<S: AsRef<str>> fmt::Display for CandidateProtocol<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Unknown(token) => token.as_ref(),
        })
    }
}

crate::w3c_enum! {
    /// How a candidate was learnt (`RTCIceCandidateType`).
    pub enum CandidateType {
        /// An address of the host itself.
        Host = "host",
        /// As a STUN server saw the host.
        ServerReflexive = "srflx",
        /// As the peer saw the host.
        PeerReflexive = "prflx",
        /// An address on a TURN server.
        Relayed = "relay",
    }
}

crate::w3c_enum! {
    /// Who opens the connection of a TCP candidate (`RTCIceTcpCandidateType`).
    pub enum TcpType {
        /// This side does.
        Active = "active",
        /// The other side does.
        Passive = "passive",
        /// Both do at once.
        SimultaneousOpen = "so",
    }
}

/// A candidate, as `a=candidate` and trickled candidates write it. One in a description borrows from its text
/// (`Candidate<&str>`); others own what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate<S: AsRef<str> = String> {
    /// 1 to 32 ICE characters; equal for candidates that are alike (RFC 8445 §5.1.1.3).
    pub foundation: S,
    /// 1 to 256: 1 is RTP (and everything, when muxed), 2 is RTCP.
    pub component: u16,
    /// What carries it.
    pub protocol: CandidateProtocol<S>,
    /// 1 to 2³¹ − 1.
    pub priority: u32,
    /// Where it is.
    pub address: CandidateAddress<S>,
    /// The port; 9 for active TCP candidates.
    pub port: u16,
    /// How it was learnt.
    pub kind: CandidateType,
    /// `raddr` and `rport`: the base of a reflexive candidate, the mapped address of a relayed one.
    pub related: Option<(CandidateAddress<S>, u16)>,
    /// Of a TCP candidate.
    pub tcp_type: Option<TcpType>,
    /// The `ufrag` extension: the generation that the candidate belongs to.
    pub ufrag: Option<S>,
    /// Other extensions, in order.
    pub extensions: CandidateExtensions<S>,
}

/// Extensions of a candidate that mean nothing here: names and values, kept in one text.
#[derive(Clone, Copy, Debug, Default)]
pub struct CandidateExtensions<S: AsRef<str> = String> {
    /// What follows the type, as it is written; those that have fields of their own may be among them.
    text: S,
}

impl<S: AsRef<str>> CandidateExtensions<S> {
    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.text.as_ref())
            .filter(|(name, _)| !matches!(*name, "raddr" | "rport" | "tcptype" | "ufrag"))
    }

    fn owned(&self) -> CandidateExtensions {
        let mut text = String::new();
        for (name, value) in self.iter() {
            if text.is_empty() {
                text.reserve(self.text.as_ref().len());
            }
            [name, " ", value, " "].into_iter().for_each(|part| text.push_str(part));
        }
        CandidateExtensions { text }
    }
}

impl<S: AsRef<str>> PartialEq for CandidateExtensions<S> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<S: AsRef<str>> Eq for CandidateExtensions<S> {}

impl<S: AsRef<str>> Hash for CandidateExtensions<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|pair| pair.hash(state));
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || Some((next_word(&mut rest)?, next_word(&mut rest)?)))
}

/// Which candidate of the other side the describing side has selected: one entry of `a=remote-candidates`
/// (RFC 8839 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteChoice {
    /// 1 to 256.
    pub component: u16,
    /// Where it is, as the other side signalled it.
    pub address: CandidateAddress,
    /// The port there.
    pub port: u16,
}

impl RemoteChoice {
    /// Takes the value of the attribute, which has an entry for each component; that of `component`.
    #[must_use]
    pub fn parse(text: &str, component: u16) -> Option<Self> {
        let mut rest = text;
        for _ in 0..MAX_COMPONENTS {
            let of: u16 = decimal(next_word(&mut rest)?)?;
            let address = CandidateAddress::parse(next_word(&mut rest)?).ok()?;
            let port = decimal(next_word(&mut rest)?)?;
            if of == component {
                return Some(Self { component, address: address.map(|name| (*name).to_owned()), port });
            }
        }
        None
    }
}

impl fmt::Display for RemoteChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, address, port } = self;
        write!(f, "{component} {address} {port}")
    }
}

/// More components than a section can have.
const MAX_COMPONENTS: usize = 256;
/// More extension pairs than any implementation sends.
const MAX_EXTENSIONS: usize = 16;

impl FromStr for Candidate {
    type Err = ParseError;

    /// Takes the value of the attribute, with or without `a=` and `candidate:` in front.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let text = text.strip_prefix("a=").unwrap_or(text);
        let text = text.strip_prefix("candidate:").unwrap_or(text);
        Candidate::parse(text).map(|candidate| candidate.owned())
    }
}

impl<'a> Candidate<&'a str> {
    /// Takes the value of the attribute, what follows `candidate:`.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let mut rest = text;
        let mut word = || next_word(&mut rest).ok_or(ParseError::Truncated);
        let foundation = word()?;
        if foundation.len() > 32 || !foundation.bytes().all(is_ice_char) {
            return Err(ParseError::BadValue("candidate foundation"));
        }
        let component = number(word()?, "candidate component")?;
        let protocol = match word()? {
            protocol if protocol.eq_ignore_ascii_case("udp") => CandidateProtocol::Udp,
            protocol if protocol.eq_ignore_ascii_case("tcp") => CandidateProtocol::Tcp,
            other => CandidateProtocol::Unknown(other),
        };
        let priority = number(word()?, "candidate priority")?;
        let address = CandidateAddress::parse(word()?)?;
        let port = number(word()?, "candidate port")?;
        if !(1..=256).contains(&component) || !(1..=0x7fff_ffff).contains(&priority) {
            return Err(ParseError::BadValue("candidate component or priority"));
        }
        if word()? != "typ" {
            return Err(ParseError::BadValue("candidate type"));
        }
        let kind = word()?.parse().map_err(|_| ParseError::BadValue("candidate type"))?;
        let mut candidate = Self {
            foundation,
            component,
            protocol,
            priority,
            address,
            port,
            kind,
            related: None,
            tcp_type: None,
            ufrag: None,
            extensions: CandidateExtensions { text: rest },
        };
        candidate.read_extensions(rest)?;
        Ok(candidate)
    }

    fn read_extensions(&mut self, mut rest: &'a str) -> Result<(), ParseError> {
        let mut others = 0;
        while let Some(name) = next_word(&mut rest) {
            let value = next_word(&mut rest).ok_or(ParseError::Truncated)?;
            match name {
                "raddr" => self.related = Some((CandidateAddress::parse(value)?, 0)),
                "rport" => {
                    let port = number(value, "candidate rport")?;
                    self.related.as_mut().ok_or(ParseError::BadValue("candidate rport"))?.1 = port;
                }
                "tcptype" => {
                    let kind = value.parse().map_err(|_| ParseError::BadValue("candidate tcptype"))?;
                    self.tcp_type = Some(kind);
                }
                "ufrag" => self.ufrag = Some(value),
                _ if others == MAX_EXTENSIONS => return Err(ParseError::TooMany("candidate extensions")),
                _ => others += 1,
            }
        }
        Ok(())
    }

    /// The same, with a copy of everything that it says.
    #[must_use]
    pub fn owned(&self) -> Candidate {
        let own = |text: &&str| str::to_owned(text);
        Candidate {
            foundation: own(&self.foundation),
            component: self.component,
            protocol: match self.protocol {
                CandidateProtocol::Udp => CandidateProtocol::Udp,
                CandidateProtocol::Tcp => CandidateProtocol::Tcp,
                CandidateProtocol::Unknown(token) => CandidateProtocol::Unknown(token.to_ascii_lowercase()),
            },
            priority: self.priority,
            address: self.address.map(own),
            port: self.port,
            kind: self.kind,
            related: self.related.as_ref().map(|(address, port)| (address.map(own), *port)),
            tcp_type: self.tcp_type,
            ufrag: self.ufrag.as_ref().map(own),
            extensions: self.extensions.owned(),
        }
    }
}

impl Candidate {
    /// The same, borrowed, as descriptions have it.
    #[must_use]
    pub fn borrowed(&self) -> Candidate<&str> {
        Candidate {
            foundation: &self.foundation,
            component: self.component,
            protocol: match &self.protocol {
                CandidateProtocol::Udp => CandidateProtocol::Udp,
                CandidateProtocol::Tcp => CandidateProtocol::Tcp,
                CandidateProtocol::Unknown(token) => CandidateProtocol::Unknown(token),
            },
            priority: self.priority,
            address: self.address.map(String::as_str),
            port: self.port,
            kind: self.kind,
            related: self.related.as_ref().map(|(address, port)| (address.map(String::as_str), *port)),
            tcp_type: self.tcp_type,
            ufrag: self.ufrag.as_deref(),
            extensions: CandidateExtensions { text: &self.extensions.text },
        }
    }
}

/// Takes the next word of a text; everything up to the space, in ASCII, separates words.
fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let start = rest.bytes().position(|c| c > b' ')?;
    let text = &rest[start..];
    let (word, after) = text.split_at(text.bytes().position(|c| c <= b' ').unwrap_or(text.len()));
    *rest = after;
    Some(word)
}

fn number<T: TryFrom<u64>>(text: &str, what: &'static str) -> Result<T, ParseError> {
    decimal(text).ok_or(ParseError::BadValue(what))
}

impl<S: AsRef<str>> fmt::Display for Candidate<S> {
    /// `candidate:…` without `a=`, as `RTCIceCandidate.candidate` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, protocol, priority, address, port, kind, .. } = self;
        let foundation = self.foundation.as_ref();
        write!(f, "candidate:{foundation} {component} {protocol} {priority} {address} {port} typ {kind}")?;
        if let Some((address, port)) = &self.related {
            write!(f, " raddr {address} rport {port}")?;
        }
        if let Some(tcp_type) = self.tcp_type {
            write!(f, " tcptype {tcp_type}")?;
        }
        if let Some(ufrag) = &self.ufrag {
            write!(f, " ufrag {}", ufrag.as_ref())?;
        }
        self.extensions.iter().try_for_each(|(name, value)| write!(f, " {name} {value}"))
    }
}

/// `ice-char` of RFC 8839 §5.1: letters, digits, `+` and `/`.
#[must_use]
pub const fn is_ice_char(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/')
}

/// The alphabet of user fragments and passwords, for the random generator.
pub const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// One side's ICE credentials: they name a generation and protect its checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user fragment, 4 to 256 ICE characters.
    pub ufrag: String,
    /// The password, 22 to 256 ICE characters; never printed.
    pub password: Redacted<String>,
}

impl Credentials {
    /// Checks lengths and characters (RFC 8839 §5.4).
    pub fn new(ufrag: &str, password: &str) -> Result<Self, ParseError> {
        let fits = |text: &str, least| (least..=256).contains(&text.len()) && text.bytes().all(is_ice_char);
        if !fits(ufrag, 4) {
            return Err(ParseError::BadValue("ice-ufrag"));
        }
        if !fits(password, 22) {
            return Err(ParseError::BadValue("ice-pwd"));
        }
        Ok(Self { ufrag: ufrag.to_owned(), password: Redacted(password.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Candidate, CandidateAddress, CandidateProtocol, CandidateType, Credentials, RemoteChoice, TcpType,
    };
    use quickcheck::quickcheck;

    #[test]
    fn what_browsers_write_goes_both_ways() {
        let text = "candidate:842163049 1 udp 1677729535 203.0.113.4 61665 typ srflx raddr 192.0.2.2 rport 9 \
                    ufrag Yd2q generation 0 network-cost 999";
        let read: Candidate = text.parse().unwrap();
        assert_eq!(read.kind, CandidateType::ServerReflexive);
        assert_eq!(read.ufrag.as_deref(), Some("Yd2q"));
        assert_eq!(read.related, Some((CandidateAddress::Ip("192.0.2.2".parse().unwrap()), 9)));
        assert_eq!(read.to_string(), text);
        assert_eq!(format!("a={text}").parse(), Ok(read));
    }

    #[test]
    fn names_tcp_and_unknown_transports_are_kept() {
        let read: Candidate =
            "1 1 TCP 9 8d5e4a3c-0000-4000-8000-000000000000.local 9 typ host tcptype active".parse().unwrap();
        assert_eq!(read.tcp_type, Some(TcpType::Active));
        assert!(matches!(read.address, CandidateAddress::Name(_)));
        let read: Candidate = "1 1 quic 9 ::1 9 typ host".parse().unwrap();
        assert_eq!(read.protocol, CandidateProtocol::Unknown("quic".into()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "candidate:",
            "1 1 udp 1 192.0.2.1 9",
            "1 0 udp 1 192.0.2.1 9 typ host",
            "1 257 udp 1 192.0.2.1 9 typ host",
            "1 1 udp 0 192.0.2.1 9 typ host",
            "1 1 udp 2147483648 192.0.2.1 9 typ host",
            "1 1 udp +1 192.0.2.1 9 typ host",
            "1 1 udp 1 192.0.2.1 65536 typ host",
            "1 1 udp 1 [::1] 9 typ host",
            "1 1 udp 1 192.0.2.1 9 typ home",
            "1 1 udp 1 192.0.2.1 9 typ host rport 9",
            "1 1 udp 1 192.0.2.1 9 typ host ufrag",
            "!! 1 udp 1 192.0.2.1 9 typ host",
        ] {
            assert!(text.parse::<Candidate>().is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_are_checked_and_hidden() {
        let good = Credentials::new("abcd", "0123456789012345678901").unwrap();
        assert!(!format!("{good:?}").contains("0123"));
        assert!(Credentials::new("abc", "0123456789012345678901").is_err());
        assert!(Credentials::new("abcd", "012345678901234567890").is_err());
        assert!(Credentials::new("ab:d", "0123456789012345678901").is_err());
    }

    #[test]
    fn what_the_other_side_selected_has_an_entry_for_each_component() {
        // RFC 8839 §5.2.
        let text = "1 192.0.2.3 45664 2 192.0.2.3 45665";
        let of = |component| RemoteChoice::parse(text, component).map(|choice| choice.to_string());
        assert_eq!([of(1).unwrap(), of(2).unwrap()].join(" "), text);
        assert_eq!(of(3), None);
        let named = "1 8d5e4a3c-0000-4000-8000-000000000000.local 9";
        assert_eq!(RemoteChoice::parse(named, 1).unwrap().to_string(), named);
        for bad in
            ["", "1", "1 192.0.2.3", "1 [::1] 5", "+1 ::1 5", "1 ::1 65536", "x 192.0.2.1 9 1 192.0.2.1 9"]
        {
            assert_eq!(RemoteChoice::parse(bad, 1), None, "{bad}");
        }
    }

    quickcheck! {
        fn arbitrary_choices_do_no_harm(text: String) -> bool {
            RemoteChoice::parse(&text, 1)
                .is_none_or(|choice| RemoteChoice::parse(&choice.to_string(), 1) == Some(choice))
        }

        fn arbitrary_text_does_no_harm(text: String) -> bool {
            match text.parse::<Candidate>() {
                Ok(candidate) => candidate.to_string().parse() == Ok(candidate),
                Err(_) => true,
            }
        }
    }
}
