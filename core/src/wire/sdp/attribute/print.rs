//! Attributes to text.
//!
//! Text is appended piece by piece: a description has hundreds of attributes, and formatting each would cost more than all
//! the rest of writing it.

use crate::wire::sdp::attribute::{Attribute, Direction, PacketTime};
use std::fmt::{self, Write as _};

/// Something that text is made of.
trait Piece {
    fn append(self, out: &mut String);
}

impl Piece for &str {
    fn append(self, out: &mut String) {
        out.push_str(self);
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl Piece for $number {
            fn append(self, out: &mut String) {
                u64::from(self).append(out);
            }
        })+
    };
}

numbers!(u8, u16, u32);

impl Piece for u64 {
    fn append(mut self, out: &mut String) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(self % 10).unwrap_or_default();
            self /= 10;
            if self == 0 {
                break;
            }
        }
        out.extend(digits[at..].iter().map(|&digit| char::from(digit)));
    }
}

impl<P: Piece> Piece for (&str, Option<P>) {
    /// Both, or neither.
    fn append(self, out: &mut String) {
        if let (before, Some(piece)) = self {
            out.push_str(before);
            piece.append(out);
        }
    }
}

macro_rules! append {
    ($out:expr, $($piece:expr),+) => {{ $($piece.append($out);)+ }};
}

impl fmt::Display for Attribute<'_> {
    /// What follows `a=`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.append_to(&mut text);
        f.write_str(&text)
    }
}

impl Attribute<'_> {
    /// Appends what follows `a=`.
    pub(in crate::wire::sdp) fn append_to(&self, out: &mut String) {
        match self {
            Self::Mid(mid) => append!(out, "mid:", *mid),
            Self::Group { semantics, mids } if mids.0.is_empty() => append!(out, "group:", *semantics),
            Self::Group { semantics, mids } => append!(out, "group:", *semantics, " ", mids.0),
            Self::BundleOnly => append!(out, "bundle-only"),
            Self::IceUfrag(ufrag) => append!(out, "ice-ufrag:", *ufrag),
            Self::IcePwd(pwd) => append!(out, "ice-pwd:", pwd.0),
            Self::IceOptions(options) => append!(out, "ice-options:", options.0),
            Self::IceLite => append!(out, "ice-lite"),
            Self::Candidate(candidate) => display(out, candidate),
            Self::EndOfCandidates => append!(out, "end-of-candidates"),
            Self::RemoteCandidates(value) => append!(out, "remote-candidates:", *value),
            Self::Fingerprint(fingerprint) => display(appended(out, "fingerprint:"), fingerprint),
            Self::Setup(setup) => append!(out, "setup:", setup.as_str()),
            Self::TlsId(id) => append!(out, "tls-id:", *id),
            Self::Identity(value) => append!(out, "identity:", *value),
            Self::SctpPort(port) => append!(out, "sctp-port:", *port),
            Self::Sctpmap { port, application, streams } => {
                append!(out, "sctpmap:", *port, " ", *application, (" ", *streams));
            }
            Self::MaxMessageSize(size) => append!(out, "max-message-size:", *size),
            Self::SctpInit(chunk) => append!(out, "sctp-init:", *chunk),
            Self::Cryptex => append!(out, "cryptex"),
            Self::Unknown { name, value } => append!(out, *name, (":", *value)),
            media => media.append_media(out),
        }
    }

    fn append_media(&self, out: &mut String) {
        match self {
            Self::Rtcp { port, address } => append!(out, "rtcp:", *port, (" ", *address)),
            Self::RtcpMux => append!(out, "rtcp-mux"),
            Self::RtcpMuxOnly => append!(out, "rtcp-mux-only"),
            Self::RtcpRsize => append!(out, "rtcp-rsize"),
            Self::RtcpFb { payload_type: Some(format), feedback } => {
                append!(out, "rtcp-fb:", *format, " ", *feedback);
            }
            Self::RtcpFb { payload_type: None, feedback } => append!(out, "rtcp-fb:* ", *feedback),
            Self::Direction(direction) => append!(out, direction.as_str()),
            Self::Msid { stream, appdata } => append!(out, "msid:", *stream, (" ", *appdata)),
            Self::MsidSemantic(value) => append!(out, "msid-semantic:", *value),
            Self::Rtpmap { payload_type, encoding, clock_rate, parameters } => {
                append!(out, "rtpmap:", *payload_type, " ", *encoding, "/", *clock_rate, ("/", *parameters));
            }
            Self::Fmtp { format, parameters } => append!(out, "fmtp:", *format, " ", *parameters),
            Self::Extmap { id, direction, uri, parameters } => {
                let direction = direction.map(Direction::as_str);
                append!(out, "extmap:", *id, ("/", direction), " ", *uri, (" ", *parameters));
            }
            Self::ExtmapAllowMixed => append!(out, "extmap-allow-mixed"),
            Self::Ssrc { ssrc, attribute } => append!(out, "ssrc:", *ssrc, " ", *attribute),
            Self::SsrcGroup { semantics, ssrcs } => {
                append!(out, "ssrc-group:", *semantics, " ", ssrcs.0);
            }
            Self::Rid { id, direction, restrictions } => {
                append!(out, "rid:", *id, " ", direction.as_str(), (" ", *restrictions));
            }
            Self::Simulcast(value) => append!(out, "simulcast:", *value),
            Self::Ptime(time) => display(appended(out, "ptime:"), time),
            Self::MaxPtime(time) => display(appended(out, "maxptime:"), time),
            // The others are written above.
            _ => {}
        }
    }
}

fn appended<'a>(out: &'a mut String, text: &str) -> &'a mut String {
    out.push_str(text);
    out
}

fn display(out: &mut String, value: &impl fmt::Display) {
    // A `String` takes everything.
    let _ = write!(out, "{value}");
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
