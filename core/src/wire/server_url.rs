//! The URLs of STUN and TURN servers (RFC 7064, RFC 7065), read as W3C WebRTC §4.4.1.5 wants it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use thiserror::Error;
use url::{Host, Url};

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// `stun:`, `stuns:`: how it sees us.
    Stun,
    /// `turn:`, `turns:`: an address to relay for us.
    Turn,
}

crate::w3c_enum! {
    /// `RTCIceServerTransportProtocol`: what carries our words to a server.
    pub enum ServerTransport {
        /// Datagrams.
        Udp = "udp",
        /// A stream.
        Tcp = "tcp",
        /// TLS over a stream.
        Tls = "tls",
    }
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerHost {
    /// At this address.
    Ip(IpAddr),
    /// Wherever the DNS says.
    Name(Box<str>),
}

impl fmt::Display for ServerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// One URL of an `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    /// What it is asked for.
    pub kind: ServerKind,
    /// How it is reached.
    pub transport: ServerTransport,
    /// Where it is.
    pub host: ServerHost,
    /// Its port; 3478 where none is given, 5349 with TLS.
    pub port: u16,
}

/// Why a text is not the URL of a server that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ServerUrlError {
    /// It has not the form of one.
    #[error("not a stun:, stuns:, turn: or turns: URL")]
    Syntax,
    /// It means DTLS to the server, which is not spoken here.
    #[error("DTLS to a server is not supported; use transport=tcp")]
    NotSupported,
}

const PORT: u16 = 3478;
const TLS_PORT: u16 = 5349;

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    // W3C WebRTC §4.4.1.5, "validate an ICE server URL".
    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let url = Url::parse(text).map_err(|_| ServerUrlError::Syntax)?;
        let (kind, secure) = match url.scheme() {
            "stun" => (ServerKind::Stun, false),
            "stuns" => (ServerKind::Stun, true),
            "turn" => (ServerKind::Turn, false),
            "turns" => (ServerKind::Turn, true),
            _ => return Err(ServerUrlError::Syntax),
        };
        let path = url.path();
        if !url.cannot_be_a_base() || path.contains(['/', '@']) || url.fragment().is_some() {
            return Err(ServerUrlError::Syntax);
        }
        let transport = match (url.query(), kind, secure) {
            (None, _, true) | (Some("transport=tcp"), ServerKind::Turn, true) => ServerTransport::Tls,
            (None, _, false) | (Some("transport=udp"), ServerKind::Turn, false) => ServerTransport::Udp,
            (Some("transport=tcp"), ServerKind::Turn, false) => ServerTransport::Tcp,
            (Some("transport=udp"), ServerKind::Turn, true) => return Err(ServerUrlError::NotSupported),
            _ => return Err(ServerUrlError::Syntax),
        };
        let (host, port) = host_and_port(path)?;
        Ok(Self { kind, transport, host, port: port.unwrap_or(if secure { TLS_PORT } else { PORT }) })
    }
}

/// Reads them as those of a web page's URL.
fn host_and_port(path: &str) -> Result<(ServerHost, Option<u16>), ServerUrlError> {
    let read = |scheme| Url::parse(&format!("{scheme}://{path}")).map_err(|_| ServerUrlError::Syntax);
    // The parser hides a port that is its scheme's own, so it is asked twice.
    let (https, http) = (read("https")?, read("http")?);
    let bare = https.username().is_empty() && https.password().is_none() && https.path() == "/";
    let host = match https.host().filter(|_| bare).ok_or(ServerUrlError::Syntax)? {
        Host::Ipv4(ip) => ServerHost::Ip(ip.into()),
        Host::Ipv6(ip) => ServerHost::Ip(ip.into()),
        Host::Domain(name) => ServerHost::Name(name.into()),
    };
    match https.port().or(http.port()) {
        Some(0) => Err(ServerUrlError::Syntax),
        port => Ok((host, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::{ServerHost, ServerKind, ServerTransport, ServerUrl, ServerUrlError};
    use quickcheck::quickcheck;

    fn read(text: &str) -> Result<(ServerKind, ServerTransport, String, u16), ServerUrlError> {
        let ServerUrl { kind, transport, host, port } = text.parse()?;
        Ok((kind, transport, host.to_string(), port))
    }

    #[test]
    fn urls_are_read_as_browsers_read_them() {
        use ServerKind::{Stun, Turn};
        use ServerTransport::{Tcp, Tls, Udp};
        for (text, kind, transport, host, port) in [
            ("stun:stun.example.net", Stun, Udp, "stun.example.net", 3478),
            ("stun:[2001:db8::1]:19302", Stun, Udp, "2001:db8::1", 19302),
            ("STUN:Stun.Example.NET:", Stun, Udp, "stun.example.net", 3478),
            ("stuns:stun.example.net", Stun, Tls, "stun.example.net", 5349),
            ("turn:192.0.2.1", Turn, Udp, "192.0.2.1", 3478),
            ("turn:0xc0000201?transport=udp", Turn, Udp, "192.0.2.1", 3478),
            ("turn:turn.example.org:80?transport=tcp", Turn, Tcp, "turn.example.org", 80),
            ("turns:turn.example.org", Turn, Tls, "turn.example.org", 5349),
            ("turns:turn.example.org:443?transport=tcp", Turn, Tls, "turn.example.org", 443),
            ("turn:b\u{fc}cher.example", Turn, Udp, "xn--bcher-kva.example", 3478),
        ] {
            assert_eq!(read(text), Ok((kind, transport, host.to_owned(), port)), "{text}");
        }
        assert!(matches!("stun:1.2.3.4".parse(), Ok(ServerUrl { host: ServerHost::Ip(_), .. })));
    }

    #[test]
    fn what_is_no_server_is_refused_as_browsers_refuse_it() {
        for text in [
            "",
            "stun.example.net",
            "http://example.com",
            "stun:",
            "stun://example.com",
            "stun:example.com/path",
            "stun:user@example.com",
            "stun:example.com#f",
            "stun:example.com?transport=udp",
            "stuns:example.com?x",
            "turn:example.com?transport=sctp",
            "turn:example.com?transport=tcp&x=y",
            "turn:example.com?transport=",
            "turn:example.com:65536",
            "turn:example.com:abc",
            "turn:example.com:0",
            "turn:[::1",
            "turn:exa mple.com",
        ] {
            assert_eq!(read(text), Err(ServerUrlError::Syntax), "{text}");
        }
        assert_eq!(read("turns:example.com?transport=udp"), Err(ServerUrlError::NotSupported));
    }

    quickcheck! {
        fn arbitrary_text_does_no_harm(text: String, scheme: u8) -> bool {
            let text = ["", "stun:", "turn:", "turns:"][usize::from(scheme % 4)].to_owned() + &text;
            text.parse::<ServerUrl>().is_ok_and(|url| url.port != 0) || text.parse::<ServerUrl>().is_err()
        }
    }
}
