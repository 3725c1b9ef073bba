//! State per stream, made when a stream is first used: 65,535 negotiated streams cost nothing.

/// Streams of one page.
const PAGE: usize = 64;
const NONE: u16 = u16::MAX;

/// A table from stream identifiers (0 to 65,534) to values. Finding, putting and taking are O(1).
///
/// A value has a *slot* besides: a small number that stays its own as long as it is in the table, for lists of streams.
#[derive(Debug)]
pub struct StreamMap<T> {
    pages: Vec<Option<Box<[u16; PAGE]>>>,
    slots: Vec<Option<T>>,
    free: Vec<u16>,
}

impl<T> Default for StreamMap<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> StreamMap<T> {
    /// The slot of `stream`.
    #[must_use]
    pub fn slot_of(&self, stream: u16) -> Option<u16> {
        let (page, at) = split(stream);
        let slot = self.pages.get(page)?.as_ref()?[at];
        (slot != NONE).then_some(slot)
    }

    /// The value of `stream`.
    #[must_use]
    pub fn get(&self, stream: u16) -> Option<&T> {
        self.slots[usize::from(self.slot_of(stream)?)].as_ref()
    }

    /// The value of `stream`.
    pub fn get_mut(&mut self, stream: u16) -> Option<&mut T> {
        let slot = self.slot_of(stream)?;
        self.slots[usize::from(slot)].as_mut()
    }

    /// The value in a slot.
    #[must_use]
    pub fn at(&self, slot: u16) -> Option<&T> {
        self.slots.get(usize::from(slot))?.as_ref()
    }

    /// The value in a slot.
    pub fn at_mut(&mut self, slot: u16) -> Option<&mut T> {
        self.slots.get_mut(usize::from(slot))?.as_mut()
    }

    /// The value of `stream`, made by `make` if there is none.
    ///
    /// # Panics
    ///
    /// With stream 65,535, which does not exist: callers check against the number of streams.
    pub fn get_or_insert_with(&mut self, stream: u16, make: impl FnOnce() -> T) -> &mut T {
        assert_ne!(stream, u16::MAX, "65,535 is not a stream");
        let slot = match self.slot_of(stream) {
            Some(slot) => slot,
            None => self.claim(stream),
        };
        self.slots[usize::from(slot)].get_or_insert_with(make)
    }

    /// Takes out the value of `stream`.
    pub fn remove(&mut self, stream: u16) -> Option<T> {
        let slot = self.slot_of(stream)?;
        let (page, at) = split(stream);
        if let Some(places) = &mut self.pages[page] {
            places[at] = NONE;
            if places.iter().all(|&place| place == NONE) {
                self.pages[page] = None;
            }
        }
        let value = self.slots[usize::from(slot)].take();
        self.free.push(slot);
        if self.free.len() == self.slots.len() {
            *self = Self::default();
        }
        value
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap(&self) -> usize {
        let pages = self.pages.iter().flatten().count() * size_of::<[u16; PAGE]>();
        let tables = self.pages.capacity() * size_of::<Option<Box<[u16; PAGE]>>>();
        pages
            + tables
            + self.slots.capacity() * size_of::<Option<T>>()
            + self.free.capacity() * size_of::<u16>()
    }

    /// Every value, in no particular order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
    }

    fn claim(&mut self, stream: u16) -> u16 {
        let (page, at) = split(stream);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            if self.slots.is_empty() {
                // Most connections use one stream.
                self.slots.reserve_exact(1);
            }
            self.slots.push(None);
            // At most 65,535 streams have a slot, so the number fits and is never `NONE`.
            (self.slots.len() - 1) as u16
        });
        self.pages[page].get_or_insert_with(|| Box::new([NONE; PAGE]))[at] = slot;
        slot
    }
}

const fn split(stream: u16) -> (usize, usize) {
    (stream as usize / PAGE, stream as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::StreamMap;
    use quickcheck::quickcheck;
    use std::collections::BTreeMap;

    #[test]
    fn every_stream_has_room() {
        let mut map = StreamMap::default();
        for stream in 0..u16::MAX {
            *map.get_or_insert_with(stream, || 0u16) = stream;
        }
        assert!((0..u16::MAX).all(|stream| map.get(stream) == Some(&stream)));
        (0..u16::MAX).for_each(|stream| assert_eq!(map.remove(stream), Some(stream)));
        assert_eq!(map.slots.capacity() + map.pages.capacity() + map.free.capacity(), 0);
    }

    quickcheck! {
        fn does_what_a_map_does(steps: Vec<(u16, bool)>) -> bool {
            let (mut map, mut model) = (StreamMap::default(), BTreeMap::new());
            steps.into_iter().enumerate().all(|(n, (stream, put))| {
                let stream = stream % 300;
                if put {
                    map.get_or_insert_with(stream, || n) == model.entry(stream).or_insert(n)
                } else {
                    map.remove(stream) == model.remove(&stream)
                }
            })
        }
    }
}
