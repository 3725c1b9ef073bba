//! Descriptions to text.

use crate::wire::sdp::attribute::Attribute;
use crate::wire::sdp::description::{Bandwidth, Description, Line, LineKind, NetAddress, Section};
use std::fmt::Write as _;

impl LineKind {
    const fn letter(self) -> char {
        match self {
            Self::Information => 'i',
            Self::Uri => 'u',
            Self::Email => 'e',
            Self::Phone => 'p',
            Self::Time => 't',
            Self::Repeat => 'r',
            Self::Zone => 'z',
            Self::Key => 'k',
        }
    }
}

impl Description<'_> {
    /// Appends the text to `out`, in the order of RFC 8866 §5.
    pub fn write_to(&self, out: &mut String) {
        let origin = &self.origin;
        out.push_str("v=0\r\n");
        put(out, format_args!("o={} {} {} ", origin.username, origin.session_id, origin.session_version));
        address(out, &origin.address);
        put(out, format_args!("s={}\r\n", self.name));
        let before = |kind| kind < LineKind::Time;
        lines(out, self.lines.iter().filter(|line| before(line.kind)));
        connection_and_bandwidths(out, self.connection.as_ref(), &self.bandwidths);
        lines(out, self.lines.iter().filter(|line| !before(line.kind)));
        attributes(out, &self.attributes);
        self.sections.iter().for_each(|section| section.write_to(out));
    }
}

impl Section<'_> {
    fn write_to(&self, out: &mut String) {
        put(out, format_args!("m={} {}", self.media, self.port));
        if let Some(count) = self.port_count {
            put(out, format_args!("/{count}"));
        }
        put(out, format_args!(" {} {}\r\n", self.protocol, self.formats.0));
        lines(out, self.lines.iter().filter(|line| line.kind != LineKind::Key));
        connection_and_bandwidths(out, self.connection.as_ref(), &self.bandwidths);
        lines(out, self.lines.iter().filter(|line| line.kind == LineKind::Key));
        attributes(out, &self.attributes);
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A `String` takes everything.
    let _ = out.write_fmt(text);
}

fn lines<'a>(out: &mut String, lines: impl Iterator<Item = &'a Line<'a>>) {
    lines.for_each(|line| put(out, format_args!("{}={}\r\n", line.kind.letter(), line.value)));
}

fn address(out: &mut String, address: &NetAddress<'_>) {
    put(out, format_args!("{} {} {}\r\n", address.network, address.family, address.address));
}

fn connection_and_bandwidths(out: &mut String, connection: Option<&NetAddress<'_>>, all: &[Bandwidth<'_>]) {
    if let Some(connection) = connection {
        out.push_str("c=");
        address(out, connection);
    }
    all.iter().for_each(|bandwidth| put(out, format_args!("b={}:{}\r\n", bandwidth.kind, bandwidth.value)));
}

fn attributes(out: &mut String, attributes: &[Attribute<'_>]) {
    for attribute in attributes {
        out.push_str("a=");
        attribute.append_to(out);
        out.push_str("\r\n");
    }
}
