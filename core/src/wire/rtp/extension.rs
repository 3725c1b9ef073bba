//! The elements of header extensions, in their one-byte and two-byte forms (RFC 8285 §4).

use crate::wire::rtp::EXTENSION;

/// The profile of the one-byte form.
pub const ONE_BYTE: u16 = 0xBEDE;
/// The profile of the two-byte form, less the four bits that are the application's.
pub const TWO_BYTE: u16 = 0x1000;

/// The largest id of the one-byte form.
pub const MAX_ONE_BYTE_ID: u8 = 14;
/// The most bytes of an element of the one-byte form.
pub const MAX_ONE_BYTE_LEN: usize = 16;
/// The most bytes of an element.
pub const MAX_LEN: usize = 255;

/// The forms of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Ids 1 to 14 with 1 to 16 bytes each.
    OneByte,
    /// Ids 1 to 255 with 0 to 255 bytes each.
    TwoByte,
}

impl Form {
    /// The form of a profile, where it is one of the two.
    #[must_use]
    pub const fn of(profile: u16) -> Option<Self> {
        match profile {
            ONE_BYTE => Some(Self::OneByte),
            _ if profile & 0xfff0 == TWO_BYTE => Some(Self::TwoByte),
            _ => None,
        }
    }

    /// The smaller form that takes an element with this id and length; `None` where no form does.
    #[must_use]
    pub const fn for_element(id: u8, len: usize) -> Option<Self> {
        match (id, len) {
            (1..=MAX_ONE_BYTE_ID, 1..=MAX_ONE_BYTE_LEN) => Some(Self::OneByte),
            (1.., 0..=MAX_LEN) => Some(Self::TwoByte),
            _ => None,
        }
    }

    /// The form that takes what either takes.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneByte, Self::OneByte) => Self::OneByte,
            _ => Self::TwoByte,
        }
    }

    const fn profile(self) -> u16 {
        match self {
            Self::OneByte => ONE_BYTE,
            Self::TwoByte => TWO_BYTE,
        }
    }
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// What it is, as was agreed on by `a=extmap`.
    pub id: u8,
    /// Its value.
    pub data: &'a [u8],
}

/// Iterates over elements. What is malformed ends the iteration: the payload is none the worse for it.
#[derive(Clone, Debug, Default)]
pub struct Elements<'a> {
    form: Option<Form>,
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The elements in `bytes`; none where the profile is not one of RFC 8285's.
    #[must_use]
    pub const fn new(profile: u16, bytes: &'a [u8]) -> Self {
        Self { form: Form::of(profile), rest: bytes }
    }

    fn take(&mut self) -> Option<Element<'a>> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            self.rest = rest;
            let (id, len) = match self.form? {
                // RFC 8285 §4.1: an id of 0 is padding, whose length bits are of no interest.
                _ if first == 0 => continue,
                Form::OneByte => (first >> 4, usize::from(first & 0x0f) + 1),
                Form::TwoByte => {
                    let (&len, rest) = rest.split_first()?;
                    self.rest = rest;
                    (first, usize::from(len))
                }
            };
            // RFC 8285 §4.2: with 15, and with 0 and a length, processing ends.
            if self.form == Some(Form::OneByte) && matches!(id, 0 | 15) {
                return None;
            }
            let (data, rest) = self.rest.split_at_checked(len)?;
            self.rest = rest;
            return Some(Element { id, data });
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.take();
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

/// Writes a header extension behind a packet's header.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    form: Form,
    /// Where the packet begins.
    packet: usize,
    /// Where the extension begins.
    start: usize,
}

impl<'a> Writer<'a> {
    /// Begins an extension at the end of `out`, for the packet that began at `packet`.
    pub fn begin(out: &'a mut Vec<u8>, packet: usize, form: Form) -> Self {
        let start = out.len();
        out.extend_from_slice(&form.profile().to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        Self { out, form, packet, start }
    }

    /// Appends an element whose value `body` writes. An element that the form cannot take is left out, and `false`
    /// comes back; an id that cannot be, or more than 255 bytes, are such.
    pub fn put(&mut self, id: u8, body: impl FnOnce(&mut Vec<u8>)) -> bool {
        let at = self.out.len();
        let head = match self.form {
            Form::OneByte => 1,
            Form::TwoByte => 2,
        };
        self.out.resize(at + head, 0);
        body(self.out);
        let len = self.out.len() - at - head;
        match (Form::for_element(id, len), self.form) {
            (Some(Form::OneByte), Form::OneByte) => self.out[at] = id << 4 | (len - 1) as u8,
            (Some(_), Form::TwoByte) => self.out[at..at + 2].copy_from_slice(&[id, len as u8]),
            _ => {
                self.out.truncate(at);
                return false;
            }
        }
        true
    }

    /// The same for a value of so many bytes, at least one, as stamps are that every packet bears.
    pub fn put_bytes<const N: usize>(&mut self, id: u8, value: [u8; N]) -> bool {
        match (self.form, Form::for_element(id, N)) {
            (Form::OneByte, Some(Form::OneByte)) => self.out.push(id << 4 | (N - 1) as u8),
            (Form::TwoByte, Some(_)) => self.out.extend_from_slice(&[id, N as u8]),
            _ => return false,
        }
        self.out.extend_from_slice(&value);
        true
    }

    /// Pads to whole words, fills in the length and sets the packet's bit. Without elements nothing remains.
    pub fn finish(self) {
        let body = self.out.len() - self.start - 4;
        if body == 0 {
            return self.out.truncate(self.start);
        }
        let words = body.div_ceil(4);
        self.out.resize(self.start + 4 + 4 * words, 0);
        self.out[self.start + 2..self.start + 4].copy_from_slice(&(words as u16).to_be_bytes());
        self.out[self.packet] |= EXTENSION;
    }
}
