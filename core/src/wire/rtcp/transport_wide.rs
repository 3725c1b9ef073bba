//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): for each packet of a transport
//! whether it arrived, and how long after the one before.

use crate::base::seq::Serial16;
use crate::wire::cursor::{ParseError, Reader};

/// The format among transport feedback.
pub(super) const FORMAT: u8 = 15;

/// Microseconds of one unit of a delta.
pub const DELTA_MICROS: i64 = 250;
/// Microseconds of one unit of a reference time.
pub const REFERENCE_MICROS: i64 = 64_000;

/// What a chunk says of a packet, in its two-bit form.
const LOST: u16 = 0;
const SMALL: u16 = 1;
const LARGE: u16 = 2;
/// The most packets of a chunk of each form.
const MAX_RUN: usize = 0x1fff;
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;

/// Which packets arrived, and when.
#[derive(Clone, Copy, Debug)]
pub struct TransportWide<'a> {
    /// The number of the first packet.
    pub base: Serial16,
    /// What the first delta counts from, in units of [`REFERENCE_MICROS`]: of 24 bits with sign.
    pub reference: i32,
    /// The number of this feedback.
    pub sequence: u8,
    statuses: Statuses<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Statuses<'a> {
    Wire { count: u16, chunks: &'a [u8], deltas: &'a [u8] },
    Values(&'a [Option<i16>]),
}

impl<'a> TransportWide<'a> {
    /// Feedback on `arrivals`, of which there are at most 65,535: for each packet from `base` on, the units of
    /// [`DELTA_MICROS`] that it came after the one that arrived before it (the first: after the reference time), or
    /// nothing where it did not arrive.
    #[must_use]
    pub const fn new(base: Serial16, reference: i32, sequence: u8, arrivals: &'a [Option<i16>]) -> Self {
        Self { base, reference, sequence, statuses: Statuses::Values(arrivals) }
    }

    pub(super) fn parse(data: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(data);
        let (base, count) = (Serial16(r.u16()?), r.u16()?);
        let reference = (r.u24()? << 8) as i32 >> 8;
        let sequence = r.u8()?;
        let all = r.rest();
        // Chunks until every packet has a symbol, then as many bytes of deltas as the symbols say.
        let (mut left, mut delta_len) = (usize::from(count), 0);
        while left > 0 {
            let chunk = Chunk(r.u16()?);
            let len = chunk.len().min(left);
            if len == 0 {
                return Err(ParseError::BadLength);
            }
            delta_len += chunk.delta_len(len)?;
            left -= len;
        }
        let chunks = &all[..all.len() - r.len()];
        let deltas = r.bytes(delta_len)?;
        Ok(Self { base, reference, sequence, statuses: Statuses::Wire { count, chunks, deltas } })
    }

    /// How many packets there is a word on.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.statuses {
            Statuses::Wire { count, .. } => count as usize,
            Statuses::Values(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For each packet from `base` on: units of [`DELTA_MICROS`] since the one that arrived before it, or nothing
    /// where it did not arrive.
    pub fn arrivals(&self) -> impl Iterator<Item = Option<i16>> + use<'a> {
        let (count, chunks, deltas, values): (u16, &[u8], &[u8], &[Option<i16>]) = match self.statuses {
            Statuses::Wire { count, chunks, deltas } => (count, chunks, deltas, &[]),
            Statuses::Values(values) => (0, &[], &[], values),
        };
        let mut deltas = Reader::new(deltas);
        let chunks = chunks.chunks_exact(2).map(|c| Chunk(u16::from_be_bytes([c[0], c[1]])));
        let symbols = chunks.flat_map(|chunk| (0..chunk.len()).map(move |at| chunk.symbol(at)));
        let read = symbols.take(count.into()).map(move |symbol| match symbol {
            SMALL => deltas.u8().ok().map(i16::from),
            LARGE => deltas.u16().ok().map(|delta| delta as i16),
            _ => None,
        });
        read.chain(values.iter().copied())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.len()).expect("at most 65,535 packets");
        out.extend_from_slice(&self.base.0.to_be_bytes());
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&(self.reference as u32 & 0x00ff_ffff).to_be_bytes()[1..]);
        out.push(self.sequence);
        match self.statuses {
            Statuses::Wire { chunks, deltas, .. } => {
                out.extend_from_slice(chunks);
                out.extend_from_slice(deltas);
            }
            Statuses::Values(values) => {
                put_chunks(values, out);
                values.iter().flatten().for_each(|&delta| match u8::try_from(delta) {
                    Ok(small) => out.push(small),
                    Err(_) => out.extend_from_slice(&delta.to_be_bytes()),
                });
            }
        }
    }
}

impl PartialEq for TransportWide<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.base, self.reference, self.sequence) == (other.base, other.reference, other.sequence)
            && self.len() == other.len()
            && self.arrivals().eq(other.arrivals())
    }
}

/// A chunk: `0 S2 run13`, `1 0` and fourteen symbols of one bit, or `1 1` and seven of two bits.
#[derive(Clone, Copy)]
struct Chunk(u16);

impl Chunk {
    const fn is_run(self) -> bool {
        self.0 >> 15 == 0
    }

    const fn len(self) -> usize {
        match self.0 >> 14 {
            0 | 1 => self.0 as usize & MAX_RUN,
            2 => ONE_BIT_SYMBOLS,
            _ => TWO_BIT_SYMBOLS,
        }
    }

    const fn symbol(self, at: usize) -> u16 {
        match self.0 >> 14 {
            0 | 1 => self.0 >> 13 & 3,
            2 => self.0 >> (ONE_BIT_SYMBOLS - 1 - at) & 1,
            _ => self.0 >> (2 * (TWO_BIT_SYMBOLS - 1 - at)) & 3,
        }
    }

    /// Bytes of deltas of the first `len` packets.
    fn delta_len(self, len: usize) -> Result<usize, ParseError> {
        let of = |symbol| match symbol {
            LOST | SMALL | LARGE => Ok(usize::from(symbol)),
            _ => Err(ParseError::BadValue("a packet status")),
        };
        match self.is_run() {
            true => of(self.symbol(0)).map(|each| each * len),
            false => (0..len).map(|at| of(self.symbol(at))).sum(),
        }
    }
}

const fn symbol_of(arrival: Option<i16>) -> u16 {
    match arrival {
        None => LOST,
        Some(0..=255) => SMALL,
        Some(_) => LARGE,
    }
}

/// Appends chunks: long runs as such, and vectors of the shorter form where it does.
fn put_chunks(mut arrivals: &[Option<i16>], out: &mut Vec<u8>) {
    while let Some(&first) = arrivals.first() {
        let symbol = symbol_of(first);
        let run = arrivals.iter().take(MAX_RUN).take_while(|&&a| symbol_of(a) == symbol).count();
        let narrow = arrivals.iter().take(ONE_BIT_SYMBOLS).all(|&a| symbol_of(a) != LARGE);
        let vector_len = if narrow { ONE_BIT_SYMBOLS } else { TWO_BIT_SYMBOLS };
        let (chunk, len) = if run >= vector_len.min(arrivals.len()) {
            (symbol << 13 | run as u16, run)
        } else {
            let bits = if narrow { 1 } else { 2 };
            let symbols = arrivals.iter().map(|&a| symbol_of(a)).chain(std::iter::repeat(LOST));
            let vector = symbols.take(vector_len).fold(0, |chunk, symbol| chunk << bits | symbol);
            let form = if narrow { 0b10 } else { 0b11 };
            (form << 14 | vector, vector_len)
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        arrivals = arrivals.get(len..).unwrap_or_default();
    }
}
