//! The parts of a description: lines, sections, and the whole.

use crate::wire::sdp::attribute::Attribute;
use std::fmt;

/// A session description. Everything in it borrows from the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description<'a> {
    /// `o=`
    pub origin: Origin<'a>,
    /// `s=`; browsers write `-`.
    pub name: &'a str,
    /// The lines that WebRTC has no use for, and `t=`, in their order.
    pub lines: Vec<Line<'a>>,
    /// `c=`
    pub connection: Option<NetAddress<'a>>,
    /// `b=`
    pub bandwidths: Vec<Bandwidth<'a>>,
    /// `a=` lines before the first section.
    pub attributes: Vec<Attribute<'a>>,
    /// `m=` lines and what belongs to them.
    pub sections: Vec<Section<'a>>,
}

/// `o=`: who made the session, and which version of it this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user, or `-`.
    pub username: &'a str,
    /// Digits that name the session.
    pub session_id: &'a str,
    /// Digits that grow with each version.
    pub session_version: &'a str,
    /// The maker's address; browsers hide it.
    pub address: NetAddress<'a>,
}

/// `IN IP4 192.0.2.1`: the address part of `o=` and `c=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetAddress<'a> {
    /// `IN`
    pub network: &'a str,
    /// `IP4` or `IP6`
    pub family: &'a str,
    /// The address or name; with `/ttl` or `/count` when it is a multicast one.
    pub address: &'a str,
}

impl NetAddress<'static> {
    /// `IN IP4 0.0.0.0`: no address yet, or none to tell.
    pub const UNSPECIFIED: Self = Self { network: "IN", family: "IP4", address: "0.0.0.0" };
}

/// `b=`: a bandwidth in the unit of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth<'a> {
    /// `AS` (kilobits a second), `TIAS` (bits a second), `CT`, `RR`, `RS`, …
    pub kind: &'a str,
    /// The number.
    pub value: u64,
}

/// The kinds of lines that are kept as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// `i=`
    Information,
    /// `u=`
    Uri,
    /// `e=`
    Email,
    /// `p=`
    Phone,
    /// `t=`: two numbers, `0 0` for a session without bounds.
    Time,
    /// `r=`
    Repeat,
    /// `z=`
    Zone,
    /// `k=`, which nobody may use any more.
    Key,
}

/// A line that is kept as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Which one.
    pub kind: LineKind,
    /// What follows `=`.
    pub value: &'a str,
}

/// `m=` and the lines that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// `audio`, `video`, `application`, …
    pub media: &'a str,
    /// 0 when the section is rejected or bundle-only.
    pub port: u16,
    /// The number of ports, where one is given.
    pub port_count: Option<u16>,
    /// `UDP/TLS/RTP/SAVPF`, `UDP/DTLS/SCTP`, …
    pub protocol: &'a str,
    /// Payload types or other formats.
    pub formats: Words<'a>,
    /// `i=` and `k=`
    pub lines: Vec<Line<'a>>,
    /// `c=`
    pub connection: Option<NetAddress<'a>>,
    /// `b=`
    pub bandwidths: Vec<Bandwidth<'a>>,
    /// `a=`
    pub attributes: Vec<Attribute<'a>>,
}

/// Words with single spaces between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words<'a>(pub &'a str);

impl<'a> Words<'a> {
    /// The words in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        // Words are short, so that a plain loop is ahead of `str::split`.
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let start = rest.bytes().position(|c| c != b' ')?;
            let text = &rest[start..];
            let (word, after) = text.split_at(text.bytes().position(|c| c == b' ').unwrap_or(text.len()));
            rest = after;
            Some(word)
        })
    }
}

impl Description<'_> {
    /// The text, with CRLF after each line.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A line is seldom longer than this; growing once or twice does no harm.
        let lines =
            self.attributes.len() + self.sections.iter().map(|s| s.attributes.len() + 2).sum::<usize>();
        let mut out = String::with_capacity(64 * (lines + 4));
        self.write_to(&mut out);
        // A description is kept as long as its connection.
        out.shrink_to_fit();
        out
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
