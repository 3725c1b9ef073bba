//! Forward error correction: packets computed from others, out of which one that is lost can be computed. ULPFEC (RFC 5109)
//! and FlexFEC in the form of draft-ietf-payload-flexible-fec-scheme-03, which browsers have and RFC 8627 is not.
//!
//! Both say the same of one group of packets: which those are, and the parity of their headers and of what follows.
//! What to compute is not known here.

use crate::base::seq::Serial16;
use crate::wire::cursor::{ParseError, Reader};

/// The packets of a group, by how far they are from its base: 48 with ULPFEC, 109 with FlexFEC.
pub const MAX_ULPFEC_SPAN: usize = 48;
/// See [`MAX_ULPFEC_SPAN`].
pub const MAX_FLEXFEC_SPAN: usize = 109;
/// Bytes of the longest header of either.
pub const MAX_HEADER_LEN: usize = 32;

/// Bits of the masks of FlexFEC: how many each part adds.
const FLEXFEC_PARTS: [usize; 3] = [15, 31, 63];
/// That the mask of ULPFEC is the long one.
const LONG_MASK: u8 = 0x40;
/// The bits of the first byte that are parity: padding, extension, count of contributing sources.
const FLAGS: u8 = 0x3f;

/// The parity of fields of the RTP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderParity {
    /// The lower six bits of the first byte, and the second byte.
    pub flags: [u8; 2],
    /// Bytes behind the fixed header.
    pub length: u16,
    /// The timestamp.
    pub timestamp: u32,
}

/// What protects a group of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction<'a> {
    /// The source of the group: ULPFEC is of the same one.
    pub ssrc: Option<u32>,
    /// The number that the group begins at.
    pub base: Serial16,
    /// Bit `n` stands for the packet `n` numbers on.
    pub mask: u128,
    /// Of the headers.
    pub header: HeaderParity,
    /// Of what follows them.
    pub parity: &'a [u8],
}

impl<'a> Correction<'a> {
    /// Reads a payload of ULPFEC: its first level, which is the only one that anybody writes.
    ///
    /// # Errors
    ///
    /// It is too short, or protects nothing.
    pub fn parse_ulpfec(payload: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(payload);
        let (first, second) = (r.u8()?, r.u8()?);
        let base = Serial16(r.u16()?);
        let timestamp = r.u32()?;
        let length = r.u16()?;
        let protected = usize::from(r.u16()?);
        let mut mask = u128::from(r.u16()?.reverse_bits());
        if first & LONG_MASK != 0 {
            mask |= u128::from(r.u32()?.reverse_bits()) << 16;
        }
        let header = HeaderParity { flags: [first & FLAGS, second], length, timestamp };
        let correction = Self { ssrc: None, base, mask, header, parity: r.bytes(protected)? };
        correction.checked()
    }

    /// Reads a payload of FlexFEC.
    ///
    /// # Errors
    ///
    /// It is too short, protects nothing or several sources, or is of a form that browsers do not have.
    pub fn parse_flexfec(payload: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(payload);
        let (first, second) = (r.u8()?, r.u8()?);
        if first & !FLAGS != 0 {
            return Err(ParseError::BadValue("retransmission or fixed form of FlexFEC"));
        }
        let length = r.u16()?;
        let timestamp = r.u32()?;
        let sources = r.u8()?;
        r.u24()?;
        if sources != 1 {
            return Err(ParseError::BadValue("the count of protected sources"));
        }
        let ssrc = r.u32()?;
        let base = Serial16(r.u16()?);
        let mask = read_mask(&mut r)?;
        let header = HeaderParity { flags: [first, second], length, timestamp };
        Self { ssrc: Some(ssrc), base, mask, header, parity: r.rest() }.checked()
    }

    fn checked(self) -> Result<Self, ParseError> {
        if self.mask == 0 { Err(ParseError::BadValue("an empty mask")) } else { Ok(self) }
    }

    /// Appends it as ULPFEC. A mask beyond [`MAX_ULPFEC_SPAN`] is a bug of the caller: what is beyond is not written.
    pub fn write_ulpfec(&self, out: &mut Vec<u8>) {
        let HeaderParity { flags: [first, second], length, timestamp } = self.header;
        let is_long = self.mask >> 16 != 0;
        out.extend_from_slice(&[first & FLAGS | if is_long { LONG_MASK } else { 0 }, second]);
        out.extend_from_slice(&self.base.0.to_be_bytes());
        out.extend_from_slice(&timestamp.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&(self.parity.len() as u16).to_be_bytes());
        out.extend_from_slice(&(self.mask as u16).reverse_bits().to_be_bytes());
        if is_long {
            out.extend_from_slice(&((self.mask >> 16) as u32).reverse_bits().to_be_bytes());
        }
        out.extend_from_slice(self.parity);
    }

    /// Appends it as FlexFEC. A mask beyond [`MAX_FLEXFEC_SPAN`] is a bug of the caller: what is beyond is not written.
    pub fn write_flexfec(&self, out: &mut Vec<u8>) {
        let HeaderParity { flags: [first, second], length, timestamp } = self.header;
        out.extend_from_slice(&[first & FLAGS, second]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&timestamp.to_be_bytes());
        out.extend_from_slice(&[1, 0, 0, 0]);
        out.extend_from_slice(&self.ssrc.unwrap_or_default().to_be_bytes());
        out.extend_from_slice(&self.base.0.to_be_bytes());
        write_mask(self.mask, out);
        out.extend_from_slice(self.parity);
    }
}

/// A mask in one, two or three parts, of which the last says that it is.
fn read_mask(r: &mut Reader<'_>) -> Result<u128, ParseError> {
    let (mut mask, mut shift) = (0, 0);
    for (at, bits) in FLEXFEC_PARTS.into_iter().enumerate() {
        let word = match at {
            0 => u64::from(r.u16()?),
            1 => u64::from(r.u32()?),
            _ => r.u64()?,
        };
        // The first bit of all says whether it is the last part; the others stand for packets, the nearest first.
        let numbers = (word << (63 - bits)) << 1;
        mask |= u128::from(numbers.reverse_bits()) << shift;
        if word >> bits & 1 == 1 {
            return Ok(mask);
        }
        shift += bits;
    }
    Err(ParseError::BadValue("a mask without end"))
}

fn write_mask(mask: u128, out: &mut Vec<u8>) {
    let (mut rest, parts) = (mask, FLEXFEC_PARTS.len());
    for (at, bits) in FLEXFEC_PARTS.into_iter().enumerate() {
        let numbers = (rest as u64 & ((1 << bits) - 1)).reverse_bits() >> (64 - bits);
        rest >>= bits;
        let is_last = rest == 0 || at + 1 == parts;
        let word = u64::from(is_last) << bits | numbers;
        out.extend_from_slice(&word.to_be_bytes()[7 - bits / 8..]);
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Correction, HeaderParity, MAX_FLEXFEC_SPAN, MAX_HEADER_LEN, MAX_ULPFEC_SPAN};
    use crate::base::seq::Serial16;
    use quickcheck::quickcheck;

    const HEADER: HeaderParity = HeaderParity { flags: [0x12, 0xe0], length: 0x0304, timestamp: 0x0506_0708 };

    fn correction(mask: u128, ssrc: Option<u32>) -> Correction<'static> {
        Correction { ssrc, base: Serial16(0x0a0b), mask, header: HEADER, parity: &[0xaa, 0xbb] }
    }

    /// RFC 5109 §7.3 and §7.4: the first bit of the mask is the base.
    #[test]
    fn ulpfec_has_these_bytes() {
        let mut out = Vec::new();
        correction(0b1000_0000_0000_0101, None).write_ulpfec(&mut out);
        let short = [0x12, 0xe0, 0x0a, 0x0b, 5, 6, 7, 8, 3, 4, 0, 2, 0xa0, 0x01, 0xaa, 0xbb];
        assert_eq!(out, short);
        let mut out = Vec::new();
        correction(1 << 47 | 1 << 16 | 1, None).write_ulpfec(&mut out);
        let long = [0x52, 0xe0, 0x0a, 0x0b, 5, 6, 7, 8, 3, 4, 0, 2, 0x80, 0, 0x80, 0, 0, 1, 0xaa, 0xbb];
        assert_eq!(out, long);
        assert_eq!(Correction::parse_ulpfec(&long), Ok(correction(1 << 47 | 1 << 16 | 1, None)));
    }

    /// draft-ietf-payload-flexible-fec-scheme-03 §4.2: masks of 15, 46 and 109 packets.
    #[test]
    fn flexfec_has_these_bytes() {
        let head = [0x12, 0xe0, 3, 4, 5, 6, 7, 8, 1, 0, 0, 0, 0, 0, 0, 9, 0x0a, 0x0b];
        for (mask, bytes) in [
            (1 << 14 | 1, &[0xc0, 0x01][..]),
            (1 << 45 | 1 << 15, &[0, 0, 0xc0, 0, 0, 1]),
            (1 << 108 | 1 << 46, &[0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 1]),
        ] {
            let mut out = Vec::new();
            correction(mask, Some(9)).write_flexfec(&mut out);
            assert_eq!(out, [&head[..], bytes, &[0xaa, 0xbb]].concat());
            assert!(out.len() <= MAX_HEADER_LEN + 2);
            assert_eq!(Correction::parse_flexfec(&out), Ok(correction(mask, Some(9))));
        }
    }

    #[test]
    fn bad_forms_are_refused() {
        let mut flexfec = Vec::new();
        correction(1, Some(9)).write_flexfec(&mut flexfec);
        for (at, value) in [(0, 0x80), (0, 0x40), (8, 0), (8, 2), (18, 0)] {
            let mut bad = flexfec.clone();
            bad[at] = value;
            assert!(Correction::parse_flexfec(&bad).is_err(), "{at}");
        }
        assert!(Correction::parse_flexfec(&flexfec[..19]).is_err());
        // A protected length beyond the payload, and a mask of nothing.
        let mut ulpfec = Vec::new();
        correction(1, None).write_ulpfec(&mut ulpfec);
        assert!(Correction::parse_ulpfec(&ulpfec[..15]).is_err());
        ulpfec[12] = 0;
        assert!(Correction::parse_ulpfec(&ulpfec).is_err());
    }

    quickcheck! {
        fn what_is_written_is_read(mask: u128, flags: (u8, u8), numbers: (u16, u16, u32, u32), parity: Vec<u8>) -> bool {
            let header = HeaderParity { flags: [flags.0 & 0x3f, flags.1], length: numbers.0, timestamp: numbers.2 };
            let of = |ssrc, span: usize| Correction {
                ssrc,
                base: Serial16(numbers.1),
                mask: mask >> (128 - span) | 1,
                header,
                parity: &parity,
            };
            let (ulpfec, flexfec) = (of(None, MAX_ULPFEC_SPAN), of(Some(numbers.3), MAX_FLEXFEC_SPAN));
            let (mut one, mut other) = (Vec::new(), Vec::new());
            ulpfec.write_ulpfec(&mut one);
            flexfec.write_flexfec(&mut other);
            Correction::parse_ulpfec(&one) == Ok(ulpfec) && Correction::parse_flexfec(&other) == Ok(flexfec)
        }

        fn any_bytes_do_no_harm(bytes: Vec<u8>) -> bool {
            let read = [Correction::parse_ulpfec(&bytes), Correction::parse_flexfec(&bytes)];
            read.into_iter().flatten().all(|correction| correction.mask != 0)
        }
    }
}
