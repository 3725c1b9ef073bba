//! The attributes that offers and answers use.

mod parse;
mod print;

pub(in crate::wire::sdp) use crate::wire::sdp::attribute::parse::is_token;

use crate::base::redact::Redacted;
use crate::wire::candidate::Candidate;
use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::description::Words;

crate::w3c_enum! {
    /// `a=setup`: who opens the DTLS association (RFC 8842 §5.2).
    pub enum Setup {
        /// The describing side does.
        Active = "active",
        /// The other side does.
        Passive = "passive",
        /// The other side chooses; in offers.
        ActPass = "actpass",
        /// Nobody, for now. Not allowed in WebRTC.
        HoldConn = "holdconn",
    }
}

crate::w3c_enum! {
    /// Which way media flows, as seen by the describing side.
    pub enum Direction {
        /// Both ways.
        SendRecv = "sendrecv",
        /// From the describing side.
        SendOnly = "sendonly",
        /// To the describing side.
        RecvOnly = "recvonly",
        /// Neither way.
        Inactive = "inactive",
    }
}

crate::w3c_enum! {
    /// The direction of an `a=rid` stream.
    pub enum RidDirection {
        /// The describing side sends it.
        Send = "send",
        /// The describing side receives it.
        Recv = "recv",
    }
}

/// One `a=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// `mid` (RFC 5888): the section's name.
    Mid(&'a str),
    /// `group` (RFC 5888, RFC 9143).
    Group {
        /// `BUNDLE`, `LS`, …
        semantics: &'a str,
        /// The mids in it.
        mids: Words<'a>,
    },
    /// `bundle-only` (RFC 9143)
    BundleOnly,
    /// `ice-ufrag` (RFC 8839), of any length: whether it is legal is checked where it is used.
    IceUfrag(&'a str),
    /// `ice-pwd` (RFC 8839), of any length.
    IcePwd(Redacted<&'a str>),
    /// `ice-options` (RFC 8839)
    IceOptions(Words<'a>),
    /// `ice-lite` (RFC 8839)
    IceLite,
    /// `candidate` (RFC 8839)
    Candidate(Box<Candidate<&'a str>>),
    /// `end-of-candidates` (RFC 8840)
    EndOfCandidates,
    /// `remote-candidates` (RFC 8839): which of the other side's candidates are in use; see
    /// [`RemoteChoice`](crate::wire::candidate::RemoteChoice).
    RemoteCandidates(&'a str),
    /// `fingerprint` (RFC 8122)
    Fingerprint(Box<Fingerprint>),
    /// `setup` (RFC 4145, RFC 8842)
    Setup(Setup),
    /// `tls-id` (RFC 8842)
    TlsId(&'a str),
    /// `identity` (RFC 8827)
    Identity(&'a str),
    /// `sctp-port` (RFC 8841)
    SctpPort(u16),
    /// `sctpmap`, from before RFC 8841.
    Sctpmap {
        /// The SCTP port, which is also the section's format.
        port: u16,
        /// `webrtc-datachannel`
        application: &'a str,
        /// The number of streams.
        streams: Option<u16>,
    },
    /// `max-message-size` in bytes; 0 for any (RFC 8841)
    MaxMessageSize(u64),
    /// `sctp-init`: an SCTP INIT chunk in base64, not interpreted here.
    SctpInit(&'a str),
    /// `rtcp` (RFC 3605)
    Rtcp {
        /// The port.
        port: u16,
        /// Network, family and address.
        address: Option<&'a str>,
    },
    /// `rtcp-mux` (RFC 5761)
    RtcpMux,
    /// `rtcp-mux-only` (RFC 8858)
    RtcpMuxOnly,
    /// `rtcp-rsize` (RFC 5506)
    RtcpRsize,
    /// `rtcp-fb` (RFC 4585)
    RtcpFb {
        /// The payload type; `None` for `*`.
        payload_type: Option<u8>,
        /// `nack pli`, `transport-cc`, …
        feedback: &'a str,
    },
    /// `sendrecv`, `sendonly`, `recvonly` or `inactive`
    Direction(Direction),
    /// `msid` (RFC 8830)
    Msid {
        /// The stream's id; `-` for none.
        stream: &'a str,
        /// What follows it.
        appdata: Option<&'a str>,
    },
    /// `msid-semantic`, kept as text.
    MsidSemantic(&'a str),
    /// `rtpmap` (RFC 8866 §6.6)
    Rtpmap {
        /// The payload type.
        payload_type: u8,
        /// The codec's name; compare without case.
        encoding: &'a str,
        /// The clock rate in hertz.
        clock_rate: u32,
        /// For audio, the number of channels.
        parameters: Option<&'a str>,
    },
    /// `fmtp` (RFC 8866 §6.15)
    Fmtp {
        /// A format of the section, mostly a payload type.
        format: &'a str,
        /// The codec's own parameters.
        parameters: &'a str,
    },
    /// `extmap` (RFC 8285)
    Extmap {
        /// The id, from 1.
        id: u16,
        /// Where it is not that of the section.
        direction: Option<Direction>,
        /// Which extension.
        uri: &'a str,
        /// The extension's own parameters.
        parameters: Option<&'a str>,
    },
    /// `extmap-allow-mixed` (RFC 8285)
    ExtmapAllowMixed,
    /// `ssrc` (RFC 5576)
    Ssrc {
        /// The source.
        ssrc: u32,
        /// `cname:…`, `msid:…`, …
        attribute: &'a str,
    },
    /// `ssrc-group` (RFC 5576)
    SsrcGroup {
        /// `FID`, `FEC-FR`, `SIM`, …
        semantics: &'a str,
        /// The sources in it.
        ssrcs: Words<'a>,
    },
    /// `rid` (RFC 8851)
    Rid {
        /// The stream's id.
        id: &'a str,
        /// Who sends it.
        direction: RidDirection,
        /// `pt=…;max-width=…`
        restrictions: Option<&'a str>,
    },
    /// `simulcast` (RFC 8853); see [`simulcast_rids`].
    Simulcast(&'a str),
    /// `ptime` (RFC 8866 §6.4)
    Ptime(PacketTime),
    /// `maxptime` (RFC 8866 §6.5)
    MaxPtime(PacketTime),
    /// `cryptex` (RFC 9335)
    Cryptex,
    /// An attribute that this build has no type for.
    Unknown {
        /// Its name.
        name: &'a str,
        /// What follows the colon.
        value: Option<&'a str>,
    },
}

/// The time that a packet holds, in microseconds; SDP writes milliseconds with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PacketTime {
    /// Microseconds, from 1.
    pub micros: u32,
}

/// The stream ids in the value of `a=simulcast`, without their marks for alternatives and pausing.
pub fn simulcast_rids(value: &str) -> impl Iterator<Item = &str> {
    value
        .split_ascii_whitespace()
        .filter(|word| word.parse::<RidDirection>().is_err())
        // Firefox wrote `send rid=a;b` before the RFC was finished.
        .map(|list| list.strip_prefix("rid=").unwrap_or(list))
        .flat_map(|list| list.split([';', ',']))
        .map(|id| id.strip_prefix('~').unwrap_or(id))
}
