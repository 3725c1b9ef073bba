//! The allocation of a video's layers (`video-layers-allocation00`): which spatial and temporal layers of which streams
//! a sender sends now, at what rates and sizes.

use crate::wire::cursor::{ParseError, Reader};

/// The most streams, spatial layers of a stream, and temporal layers of these.
pub const MAX: usize = 4;
/// Bytes of a size and frame rate.
const SIZE_LEN: usize = 5;

/// Which layers are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// Which stream the packet belongs to that says this: 0 to 3.
    pub stream: u8,
    /// The spatial layers of each stream, 1 to 4 streams; none at all where nothing is sent.
    pub streams: Vec<Vec<SpatialLayer>>,
}

/// A spatial layer that is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpatialLayer {
    /// Which one: 0 to 3, ascending.
    pub id: u8,
    /// Of each temporal layer, 1 to 4, the rate in kbit/s with all below it.
    pub rates: Vec<u32>,
    /// How large its pictures are; all layers say so, or none does.
    pub size: Option<Size>,
}

/// How large and how frequent pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// In pixels, 1 to 65,536.
    pub width: u32,
    /// In pixels, 1 to 65,536.
    pub height: u32,
    /// At most, frames per second.
    pub frames: u8,
}

impl Allocation {
    /// Reads an allocation.
    pub fn parse(data: &[u8]) -> Result<Self, ParseError> {
        if data == [0] {
            return Ok(Self::default());
        }
        let mut r = Reader::new(data);
        let first = r.u8()?;
        let count = usize::from(first >> 4 & 3) + 1;
        let masks = read_masks(&mut r, first & 0x0f, count)?;
        let layer_count: u32 = masks.iter().map(|mask| mask.count_ones()).sum();
        let temporal = r.bytes((layer_count as usize).div_ceil(MAX))?;
        let mut depths = (0..).map(|at| usize::from(temporal[at / MAX] >> (6 - 2 * (at % MAX)) & 3) + 1);
        let mut streams = Vec::with_capacity(count);
        for mask in &masks[..count] {
            let mut layers = Vec::new();
            for (id, depth) in (0..MAX as u8).filter(|id| mask >> id & 1 == 1).zip(depths.by_ref()) {
                let rates = (0..depth).map(|_| leb128(&mut r)).collect::<Result<_, _>>()?;
                layers.push(SpatialLayer { id, rates, size: None });
            }
            streams.push(layers);
        }
        if !r.is_empty() {
            for layer in streams.iter_mut().flatten() {
                layer.size = Some(Size::read(&mut r)?);
            }
        }
        r.finish().map(|()| Self { stream: first >> 6, streams })
    }

    /// Appends the allocation. More than four of anything, or layers out of order, are a bug of the caller; sizes are
    /// written when the first layer has one.
    pub fn write(&self, out: &mut Vec<u8>) {
        let layers = || self.streams.iter().flatten();
        let Some(lowest) = layers().next() else { return out.push(0) };
        let mut masks = [0; MAX];
        for (mask, layers) in masks.iter_mut().zip(&self.streams) {
            *mask = layers.iter().fold(0, |mask, layer| mask | 1 << layer.id);
        }
        let count = self.streams.len();
        let same = masks[..count].iter().all(|&mask| mask == masks[0]);
        let shared = if same { masks[0] } else { 0 };
        out.push(self.stream << 6 | (count as u8 - 1) << 4 | shared);
        if !same {
            masks[..count.next_multiple_of(2)].chunks(2).for_each(|two| out.push(two[0] << 4 | two[1]));
        }
        let depths: Vec<u8> = layers().map(|layer| layer.rates.len() as u8 - 1).collect();
        for four in depths.chunks(MAX) {
            out.push(four.iter().enumerate().fold(0, |byte, (at, depth)| byte | depth << (6 - 2 * at)));
        }
        layers().flat_map(|layer| &layer.rates).for_each(|&rate| put_leb128(rate, out));
        if lowest.size.is_some() {
            layers().filter_map(|layer| layer.size).for_each(|size| size.write(out));
        }
    }
}

/// The spatial layers of each stream: the same of all, or four bits of each.
fn read_masks(r: &mut Reader<'_>, shared: u8, count: usize) -> Result<[u8; MAX], ParseError> {
    let mut masks = [0; MAX];
    if shared != 0 {
        masks[..count].fill(shared);
        return Ok(masks);
    }
    for two in masks[..count.next_multiple_of(2)].chunks_mut(2) {
        let byte = r.u8()?;
        two.copy_from_slice(&[byte >> 4, byte & 0x0f]);
    }
    masks[count..].fill(0);
    if masks == [0; MAX] { Err(ParseError::BadValue("the spatial layers")) } else { Ok(masks) }
}

impl Size {
    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { width: u32::from(r.u16()?) + 1, height: u32::from(r.u16()?) + 1, frames: r.u8()? })
    }

    fn write(self, out: &mut Vec<u8>) {
        let mut bytes = [0; SIZE_LEN];
        bytes[..2].copy_from_slice(&(self.width.saturating_sub(1) as u16).to_be_bytes());
        bytes[2..4].copy_from_slice(&(self.height.saturating_sub(1) as u16).to_be_bytes());
        bytes[4] = self.frames;
        out.extend_from_slice(&bytes);
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn leb128(r: &mut Reader<'_>) -> Result<u32, ParseError> {
    let mut value = 0u64;
    for at in 0..5 {
        let byte = r.u8()?;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_err(|_| ParseError::BadValue("a rate"));
        }
    }
    Err(ParseError::BadValue("a rate"))
}

fn put_leb128(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::{Allocation, Size, SpatialLayer};
    use quickcheck::quickcheck;

    fn layer(id: u8, rates: &[u32], size: Option<Size>) -> SpatialLayer {
        SpatialLayer { id, rates: rates.to_vec(), size }
    }

    fn written(allocation: &Allocation) -> Vec<u8> {
        let mut out = Vec::new();
        allocation.write(&mut out);
        out
    }

    #[test]
    fn allocations_have_these_bytes() {
        let size = |width, height| Some(Size { width, height, frames: 30 });
        let simulcast = Allocation {
            stream: 1,
            streams: vec![vec![layer(0, &[50, 100], size(320, 180))], vec![layer(0, &[300], size(640, 360))]],
        };
        let bytes = [0x51, 0x40, 50, 100, 0xac, 0x02, 1, 0x3f, 0, 179, 30, 2, 0x7f, 1, 0x67, 30];
        assert_eq!(written(&simulcast), bytes);
        assert_eq!(Allocation::parse(&bytes), Ok(simulcast));
        let uneven = Allocation {
            stream: 0,
            streams: vec![
                vec![],
                vec![layer(1, &[7], None)],
                vec![layer(0, &[1], None), layer(2, &[2], None)],
            ],
        };
        let bytes = [0x20, 0x02, 0x50, 0, 7, 1, 2];
        assert_eq!(written(&uneven), bytes);
        assert_eq!(Allocation::parse(&bytes), Ok(uneven));
        assert_eq!(Allocation::parse(&[0]), Ok(Allocation::default()));
        assert_eq!(written(&Allocation::default()), [0]);
    }

    #[test]
    fn bad_forms_are_refused() {
        for bytes in [
            &[][..],
            &[0x01],
            &[0x01, 0x00],
            &[0x00, 0x00],
            &[0x01, 0xc0, 1, 2, 3],
            &[0x01, 0x00, 1, 9],
            &[0x01, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            &[0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert!(Allocation::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    quickcheck! {
        fn allocations_round_trip(stream: u8, masks: Vec<u8>, rates: Vec<u32>, sized: bool) -> bool {
            let mut rate = rates.iter().copied().cycle();
            let mut next = || rate.next().unwrap_or(7);
            let size = |n: u32| sized.then_some(Size { width: (n & 0xffff) + 1, height: (n >> 16) + 1, frames: n as u8 });
            let streams: Vec<Vec<_>> = masks
                .iter()
                .take(4)
                .map(|mask| {
                    let ids = (0..4).filter(|id| mask >> id & 1 == 1);
                    ids.map(|id| {
                        let rates: Vec<_> = (0..mask % 4 + 1).map(|_| next()).collect();
                        layer(id, &rates, size(next()))
                    })
                    .collect()
                })
                .collect();
            let streams = if streams.iter().all(Vec::is_empty) { Vec::new() } else { streams };
            let stream = if streams.is_empty() { 0 } else { stream & 3 };
            let allocation = Allocation { stream, streams };
            Allocation::parse(&written(&allocation)) == Ok(allocation)
        }

        fn any_bytes_do_no_harm(bytes: Vec<u8>) -> bool {
            let Ok(allocation) = Allocation::parse(&bytes) else { return true };
            Allocation::parse(&written(&allocation)) == Ok(allocation)
        }
    }
}
