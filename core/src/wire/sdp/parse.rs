//! Descriptions from text, in one pass.

use crate::wire::decimal::decimal;
use crate::wire::sdp::attribute::Attribute;
use crate::wire::sdp::attribute::is_token;
use crate::wire::sdp::description::{
    Bandwidth, Description, Line, LineKind, NetAddress, Origin, Section, Words,
};
use crate::wire::sdp::{SdpError, SdpErrorReason};
use memchr::memchr3;

/// The longest text in bytes: several hundred media sections of a browser.
pub const MAX_LENGTH: usize = 1 << 20;
/// The most `m=` sections.
pub const MAX_SECTIONS: usize = 512;
/// The most lines between one `m=` and the next.
pub const MAX_LINES_PER_SECTION: usize = 2048;
/// The most `a=candidate` lines in a section.
pub const MAX_CANDIDATES: usize = 256;
/// What there is room for in a section at first: so many attributes, and more for each format.
const USUAL_ATTRIBUTES: usize = 24;
const ATTRIBUTES_PER_FORMAT: usize = 4;
/// Bytes of a line that is short.
const USUAL_LINE: usize = 24;
/// The most formats of a section: there are no more payload types.
pub const MAX_FORMATS: usize = 128;

impl<'a> Description<'a> {
    /// Reads a description. Lines end with CRLF or LF; their order is that of RFC 8866 §5.
    ///
    /// # Errors
    ///
    /// With the line and what is wrong with it. Attributes without a type here are no error; a malformed one
    /// that has a type is.
    pub fn parse(text: &'a str) -> Result<Self, SdpError> {
        let mut parser = Parser::new(text);
        parser.run().map_err(|reason| SdpError { line: parser.line, reason })?;
        Ok(parser.description)
    }
}

/// Where in the order of lines the parser stands: the rank of the last line, in the session part or a section.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Session(u8),
    Section(u8),
}

struct Parser<'a> {
    rest: &'a str,
    line: u32,
    at: At,
    lines: usize,
    candidates: usize,
    description: Description<'a>,
}

type Reason = SdpErrorReason;

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let origin =
            Origin { username: "", session_id: "", session_version: "", address: NetAddress::UNSPECIFIED };
        let description = Description {
            origin,
            name: "",
            lines: Vec::new(),
            connection: None,
            bandwidths: Vec::new(),
            attributes: Vec::new(),
            sections: Vec::new(),
        };
        Self { rest: text, line: 0, at: At::Start, lines: 0, candidates: 0, description }
    }

    fn run(&mut self) -> Result<(), Reason> {
        if self.rest.len() > MAX_LENGTH {
            self.line = 1;
            return Err(Reason::TooMany("bytes"));
        }
        while let Some(line) = self.next_line()? {
            // Some peers end with an empty line.
            if line.is_empty() && self.rest.trim_ascii().is_empty() {
                break;
            }
            let (letter, value) = type_and_value(line)?;
            if letter == 'a' && matches!(self.at, At::Section(SECTION_ATTRIBUTES)) {
                // Most lines are like the one before.
                self.count_line()?;
                self.attribute(value)?;
            } else if letter == 'm' {
                self.enter_section()?;
                let mut section = section(value)?;
                // So that the usual section grows once, and what is short takes no more than in proportion.
                let usual = USUAL_ATTRIBUTES + ATTRIBUTES_PER_FORMAT * section.formats.iter().count();
                section.attributes.reserve(usual.min(self.rest.len() / USUAL_LINE));
                self.description.sections.push(section);
            } else {
                self.advance(letter)?;
                self.take(letter, value)?;
            }
        }
        self.line = self.line.saturating_add(1);
        self.session_is_complete()
    }

    /// Lines end with CRLF or LF; neither CR nor NUL may be inside of one.
    fn next_line(&mut self) -> Result<Option<&'a str>, Reason> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.line = self.line.saturating_add(1);
        // Both sides of these are whole characters.
        let end = memchr3(b'\n', b'\r', 0, self.rest.as_bytes()).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = match rest.as_bytes() {
            [] | [b'\r'] => "",
            [b'\n', ..] => &rest[1..],
            [b'\r', b'\n', ..] => &rest[2..],
            _ => return Err(Reason::NotALine),
        };
        Ok(Some(line))
    }

    fn enter_section(&mut self) -> Result<(), Reason> {
        self.session_is_complete()?;
        if self.description.sections.len() == MAX_SECTIONS {
            return Err(Reason::TooMany("sections"));
        }
        (self.at, self.lines, self.candidates) = (At::Section(0), 0, 0);
        Ok(())
    }

    fn session_is_complete(&self) -> Result<(), Reason> {
        match self.at {
            At::Section(_) | At::Session(TIME..) => Ok(()),
            At::Start => Err(Reason::Missing('v')),
            At::Session(rank) => Err(Reason::Missing(missing_after(rank))),
        }
    }

    fn count_line(&mut self) -> Result<(), Reason> {
        self.lines += 1;
        if self.lines > MAX_LINES_PER_SECTION { Err(Reason::TooMany("lines")) } else { Ok(()) }
    }

    // RFC 8866 §5: the order is fixed, and `v o s t` are mandatory.
    fn advance(&mut self, letter: char) -> Result<(), Reason> {
        self.count_line()?;
        let order = match self.at {
            At::Start | At::Session(_) => session_rank(letter),
            At::Section(_) => section_rank(letter),
        };
        let (rank, repeats) = order.ok_or(if session_rank(letter).is_some() {
            Reason::OutOfOrder(letter)
        } else {
            Reason::NotALine
        })?;
        let last = match self.at {
            At::Start if rank == 0 => None,
            At::Start => return Err(Reason::Missing('v')),
            At::Session(last) | At::Section(last) => Some(last),
        };
        if last.is_some_and(|last| rank < last || rank == last && !repeats) {
            return Err(Reason::OutOfOrder(letter));
        }
        self.at = match self.at {
            At::Section(_) => At::Section(rank),
            At::Start | At::Session(_) => {
                let last = last.unwrap_or(0);
                if rank > missing_rank(last) || matches!(letter, 'r' | 'z') && last != TIME {
                    return Err(Reason::Missing(missing_after(last)));
                }
                At::Session(rank)
            }
        };
        Ok(())
    }

    fn take(&mut self, letter: char, value: &'a str) -> Result<(), Reason> {
        let description = &mut self.description;
        match letter {
            'v' if value == "0" => {}
            'v' => return Err(Reason::Malformed("v=")),
            'o' => description.origin = origin(value).ok_or(Reason::Malformed("o="))?,
            // RFC 8866 §5.3 wants at least a space; peers that write nothing do no harm.
            's' => description.name = value,
            'a' => self.attribute(value)?,
            'c' => {
                let connection = Some(net_address(value).ok_or(Reason::Malformed("c="))?);
                match description.sections.last_mut() {
                    Some(section) => section.connection = connection,
                    None => description.connection = connection,
                }
            }
            'b' => {
                let bandwidth = bandwidth(value).ok_or(Reason::Malformed("b="))?;
                match description.sections.last_mut() {
                    Some(section) => section.bandwidths.push(bandwidth),
                    None => description.bandwidths.push(bandwidth),
                }
            }
            _ => {
                let line = other_line(letter, value)?;
                match description.sections.last_mut() {
                    Some(section) => section.lines.push(line),
                    None => description.lines.push(line),
                }
            }
        }
        Ok(())
    }

    fn attribute(&mut self, value: &'a str) -> Result<(), Reason> {
        let attribute = Attribute::parse(value).map_err(Reason::Malformed)?;
        if matches!(attribute, Attribute::Candidate(_)) {
            self.candidates += 1;
            if self.candidates > MAX_CANDIDATES {
                return Err(Reason::TooMany("candidates"));
            }
        }
        match self.description.sections.last_mut() {
            Some(section) => section.attributes.push(attribute),
            None => self.description.attributes.push(attribute),
        }
        Ok(())
    }
}

fn type_and_value(line: &str) -> Result<(char, &str), Reason> {
    match line.as_bytes() {
        [letter @ b'a'..=b'z', b'=', ..] => Ok((char::from(*letter), &line[2..])),
        _ => Err(Reason::NotALine),
    }
}

/// The ranks of `t=`, and of the last lines of a section.
const TIME: u8 = 9;
const SECTION_ATTRIBUTES: u8 = 5;

/// The place of a line in the session part, and whether several may follow one another.
const fn session_rank(letter: char) -> Option<(u8, bool)> {
    Some(match letter {
        'v' => (0, false),
        'o' => (1, false),
        's' => (2, false),
        'i' => (3, false),
        'u' => (4, false),
        'e' => (5, true),
        'p' => (6, true),
        'c' => (7, false),
        'b' => (8, true),
        't' | 'r' | 'z' => (TIME, true),
        'k' => (10, false),
        'a' => (11, true),
        _ => return None,
    })
}

/// The place of a line in a section.
const fn section_rank(letter: char) -> Option<(u8, bool)> {
    Some(match letter {
        'i' => (1, false),
        'c' => (2, false),
        'b' => (3, true),
        'k' => (4, false),
        'a' => (SECTION_ATTRIBUTES, true),
        _ => return None,
    })
}

/// The rank of the next mandatory line after a line of rank `last`: how far one may go.
const fn missing_rank(last: u8) -> u8 {
    match last {
        0 => 1,
        1 => 2,
        2..TIME => TIME,
        _ => u8::MAX,
    }
}

const fn missing_after(last: u8) -> char {
    match last {
        0 => 'o',
        1 => 's',
        _ => 't',
    }
}

fn section(value: &str) -> Result<Section<'_>, Reason> {
    let malformed = Reason::Malformed("m=");
    let mut parts = value.splitn(4, ' ');
    let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or(malformed);
    let (media, port, protocol, formats) = (part()?, part()?, part()?, part()?);
    let (port, port_count) = match port.split_once('/') {
        Some((port, count)) => (port, Some(decimal(count).filter(|&count| count > 0).ok_or(malformed)?)),
        None => (port, None),
    };
    let port = decimal(port).ok_or(malformed)?;
    if !is_token(media) || !protocol.split('/').all(is_token) {
        return Err(malformed);
    }
    let formats = Words(formats);
    // RFC 8866 §5.14: with RTP, formats are payload types.
    let is_rtp = protocol.contains("RTP/");
    let is_format = |format| match is_rtp {
        true => decimal::<u8>(format).is_some_and(|format| format < 128),
        false => is_token(format),
    };
    let mut count = 0;
    for format in formats.iter() {
        count += 1;
        if count > MAX_FORMATS {
            return Err(Reason::TooMany("formats"));
        }
        if !is_format(format) {
            return Err(malformed);
        }
    }
    if count == 0 {
        return Err(malformed);
    }
    Ok(Section {
        media,
        port,
        port_count,
        protocol,
        formats,
        lines: Vec::new(),
        connection: None,
        bandwidths: Vec::new(),
        attributes: Vec::new(),
    })
}

fn origin(value: &str) -> Option<Origin<'_>> {
    let mut parts = value.splitn(4, ' ');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (username, session_id, session_version, address) = (part()?, part()?, part()?, part()?);
    let is_number = |text: &str| text.len() <= 32 && text.bytes().all(|c| c.is_ascii_digit());
    if !is_number(session_id) || !is_number(session_version) {
        return None;
    }
    Some(Origin { username, session_id, session_version, address: net_address(address)? })
}

fn net_address(value: &str) -> Option<NetAddress<'_>> {
    let mut parts = value.split(' ');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let address = NetAddress { network: part()?, family: part()?, address: part()? };
    if parts.next().is_none() { Some(address) } else { None }
}

fn bandwidth(value: &str) -> Option<Bandwidth<'_>> {
    let (kind, value) = value.split_once(':')?;
    if !is_token(kind) || value.is_empty() {
        return None;
    }
    Some(Bandwidth { kind, value: decimal(value)? })
}

fn other_line(letter: char, value: &str) -> Result<Line<'_>, Reason> {
    let (kind, name) = match letter {
        'i' => (LineKind::Information, "i="),
        'u' => (LineKind::Uri, "u="),
        'e' => (LineKind::Email, "e="),
        'p' => (LineKind::Phone, "p="),
        't' => (LineKind::Time, "t="),
        'r' => (LineKind::Repeat, "r="),
        'z' => (LineKind::Zone, "z="),
        'k' => (LineKind::Key, "k="),
        _ => return Err(Reason::NotALine),
    };
    let is_time = |text: &str| {
        let mut numbers = text.split(' ').map(decimal::<u64>);
        matches!((numbers.next(), numbers.next(), numbers.next()), (Some(Some(_)), Some(Some(_)), None))
    };
    if value.is_empty() || kind == LineKind::Time && !is_time(value) {
        return Err(Reason::Malformed(name));
    }
    Ok(Line { kind, value })
}
