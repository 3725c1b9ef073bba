//! From packets back to frames: put in order, waited for as long as that can help, joined, and handed on.

use crate::base::time::Instant;
use crate::media::codec::{Format, Layer, Part, depacketize};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

/// Packets that may wait for one that is missing.
const MAX_PACKETS: u64 = 4_096;
/// Bytes of one frame: a key frame of lossless 8K is within it.
const MAX_FRAME: usize = 16 << 20;

/// One packet of media.
#[derive(Clone, Debug)]
pub(in crate::media) struct Slot {
    pub timestamp: u32,
    pub marker: bool,
    pub part: Part,
    pub payload: Bytes,
    pub arrived: Instant,
}

/// A frame that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::media) struct Assembled {
    pub timestamp: u32,
    pub data: Bytes,
    pub key: bool,
    pub layer: Layer,
    /// The counts of its packets: the first, and one behind the last.
    pub counts: (u64, u64),
    /// How many of them carried something, and when the first and the last of those came.
    pub packets: usize,
    pub begun: Instant,
    pub arrived: Instant,
}

/// Puts the frames of one stream together.
#[derive(Clone, Debug)]
pub(in crate::media) struct Frames {
    format: Format,
    /// The count of the first slot: the packet that is awaited.
    base: u64,
    slots: VecDeque<Option<Slot>>,
    /// How many slots from the first on are filled without a gap, and how many of them are the first frame, once its end
    /// is among them: kept up packet by packet, so that none is looked at twice.
    filled: usize,
    frame: Option<usize>,
    standing: Standing,
}

/// What the decoder can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// No packet has come.
    New,
    /// The next frame.
    InOrder,
    /// Nothing but a key frame.
    NeedsKey,
    /// The key frame whose first packet came.
    KeyBegun,
}

impl Frames {
    pub(in crate::media) const fn new(format: Format) -> Self {
        Self { format, base: 0, slots: VecDeque::new(), filled: 0, frame: None, standing: Standing::New }
    }

    pub(in crate::media) const fn format(&self) -> Format {
        self.format
    }

    /// Whether only a key frame helps, and none has begun.
    pub(in crate::media) const fn needs_key(&self) -> bool {
        matches!(self.standing, Standing::NeedsKey)
    }

    /// Whether frames of this format build on one another.
    const fn is_predicted(&self) -> bool {
        self.format.marks_ends()
    }

    /// Takes the packet `count`. Where it is the begin of what a decoder waits for, all before it is given up. `false`: its
    /// place was given up.
    pub(in crate::media) fn push(&mut self, count: u64, slot: Slot) -> bool {
        if self.standing == Standing::New {
            self.base = count;
            self.standing = if self.is_predicted() { Standing::NeedsKey } else { Standing::InOrder };
        }
        let Some(at) = count.checked_sub(self.base) else { return false };
        if at >= MAX_PACKETS {
            // Too far ahead: what is missing did not come in time.
            self.give_up_to(count);
            return self.push(count, slot);
        }
        let at = at as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, || None);
        }
        let begins_key = slot.part.key && self.begins_frame(at, &slot);
        self.slots[at].get_or_insert(slot);
        if self.needs_key() && begins_key {
            self.drop_first(at);
            self.standing = Standing::KeyBegun;
        }
        true
    }

    /// Lets the first `len` slots go.
    fn drop_first(&mut self, len: usize) {
        self.slots.drain(..len);
        self.base += len as u64;
        (self.filled, self.frame) = (0, None);
    }

    /// Finds the end of the first frame among what follows the first slot without a gap.
    fn measure(&mut self) {
        let Some(Some(first)) = self.slots.front() else { return };
        let timestamp = first.timestamp;
        while self.frame.is_none()
            && let Some(Some(slot)) = self.slots.get(self.filled)
        {
            self.frame = match slot {
                _ if !self.format.marks_ends() => Some(1),
                // A frame without a marker ends where the next one begins.
                slot if slot.timestamp != timestamp => Some(self.filled),
                slot if slot.marker => Some(self.filled + 1),
                _ => None,
            };
            self.filled += 1;
        }
    }

    /// Whether the packet at this place begins a frame, as far as can be told.
    fn begins_frame(&self, at: usize, slot: &Slot) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.slots.get(before));
        match before {
            // H.264 and H.265 do not say; the packet before does, and a parameter set comes first as a rule.
            Some(Some(before)) => before.timestamp != slot.timestamp,
            _ => slot.part.begins || matches!(self.format, Format::H264 { .. } | Format::H265),
        }
    }

    /// The next frame. What is missing is waited for until something behind it is `patience` old.
    pub(in crate::media) fn pop(&mut self, now: Instant, patience: Duration) -> Option<Assembled> {
        loop {
            self.measure();
            match self.frame {
                Some(len) => {
                    if let Some(frame) = self.take(len) {
                        return Some(frame);
                    }
                }
                None => {
                    let held_up = self.held_up_since()?;
                    if now.saturating_since(held_up) < patience {
                        return None;
                    }
                    self.skip();
                }
            }
        }
    }

    /// When `pop` gives up on what is missing.
    pub(in crate::media) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.held_up_since().map(|since| since + patience)
    }

    /// When the first packet came that something missing stands in front of.
    fn held_up_since(&self) -> Option<Instant> {
        self.slots.iter().skip(self.filled).flatten().next().map(|slot| slot.arrived)
    }

    /// Takes the first `len` packets as a frame. `None`: they are none, or none that a decoder can take now.
    fn take(&mut self, len: usize) -> Option<Assembled> {
        let slots: Vec<Slot> = self.slots.iter_mut().take(len).filter_map(Option::take).collect();
        let counts = (self.base, self.base + len as u64);
        self.drop_first(len);
        let first = slots.first()?;
        let (timestamp, layer) = (first.timestamp, first.part.layer);
        let key = slots.iter().any(|slot| slot.part.key);
        if matches!(self.standing, Standing::NeedsKey | Standing::KeyBegun) && !key {
            return None;
        }
        let begun = slots.iter().map(|slot| slot.arrived).min()?;
        let arrived = slots.iter().map(|slot| slot.arrived).max()?;
        let payloads: Vec<Bytes> = slots.into_iter().map(|slot| slot.payload).collect();
        // Packets of padding alone carry nothing.
        let payloads: Vec<Bytes> = payloads.into_iter().filter(|payload| !payload.is_empty()).collect();
        if payloads.is_empty() {
            return None;
        }
        let packets = payloads.len();
        match depacketize(self.format, &payloads, MAX_FRAME) {
            Ok(data) => {
                self.standing = Standing::InOrder;
                Some(Assembled { timestamp, data, key, layer, counts, packets, begun, arrived })
            }
            Err(_) => {
                self.lose();
                None
            }
        }
    }

    /// Gives up on the frame that something is missing of, and on what is missing.
    fn skip(&mut self) {
        let missing = self.slots.iter().skip(self.filled).take_while(|slot| slot.is_none()).count();
        let mut drop = self.filled + missing;
        if self.is_predicted() {
            // What is left of that frame, or of the one behind the gap, whose begin may be missing, too.
            let rest = self.slots.iter().skip(drop).flatten().next().map(|slot| (slot.timestamp, slot.part));
            if let Some((timestamp, part)) = rest.filter(|(_, part)| !part.begins)
                && !(part.key && matches!(self.format, Format::H264 { .. } | Format::H265))
            {
                let same = |slot: &&Option<Slot>| slot.as_ref().is_none_or(|s| s.timestamp == timestamp);
                drop += self.slots.iter().skip(drop).take_while(same).count();
            }
            self.lose();
        }
        self.drop_first(drop);
    }

    /// All before `count` is given up.
    pub(in crate::media) fn give_up_to(&mut self, count: u64) {
        let drop = count.saturating_sub(self.base).min(self.slots.len() as u64);
        self.drop_first(drop as usize);
        self.base = self.base.max(count);
        self.lose();
    }

    fn lose(&mut self) {
        if self.is_predicted() {
            self.standing = Standing::NeedsKey;
        }
    }

    /// The first packet that is still of use.
    pub(in crate::media) const fn base(&self) -> u64 {
        self.base
    }
}

#[cfg(test)]
mod tests {
    use super::{Frames, Slot};
    use crate::base::time::Instant;
    use crate::media::codec::{Format, Layer, Packetizer};
    use bytes::Bytes;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_millis(100);

    /// VP8 frames of three packets each; the numbers say which are key frames.
    fn packets(frames: u32, keys: &[u32]) -> Vec<Slot> {
        let mut packetizer = Packetizer::new(Format::Vp8, 0);
        let mut slots = Vec::new();
        for number in 0..frames {
            let mut frame = vec![number as u8; 90];
            frame[0] = u8::from(!keys.contains(&number));
            let mut payloads = Vec::new();
            packetizer.packetize(&frame.into(), 34, Layer::default(), &mut payloads).unwrap();
            for (at, payload) in payloads.iter().enumerate() {
                let mut bytes = Vec::new();
                payload.write(&mut bytes);
                let part = Format::Vp8.inspect(&bytes).unwrap();
                let arrived = Instant::from_millis(u64::from(number) * 33);
                let (timestamp, marker) = (number * 3_000, at + 1 == payloads.len());
                slots.push(Slot { timestamp, marker, part, payload: bytes.into(), arrived });
            }
        }
        slots
    }

    /// The numbers of the frames that come out when these packets come, in this order.
    fn run(order: impl IntoIterator<Item = usize>, slots: &[Slot]) -> Vec<u8> {
        let mut frames = Frames::new(Format::Vp8);
        let mut out = Vec::new();
        let mut now = Instant::ZERO;
        for at in order {
            now = now.max(slots[at].arrived);
            frames.push(1_000 + at as u64, slots[at].clone());
            while let Some(frame) = frames.pop(now, PATIENCE) {
                assert_eq!(frame.data.len(), 90);
                out.push(frame.data[1]);
            }
        }
        out
    }

    #[test]
    fn frames_come_whole_and_in_order() {
        let slots = packets(4, &[0]);
        assert_eq!(run(0..12, &slots), [0, 1, 2, 3]);
        assert_eq!(run([0, 2, 1, 5, 4, 3, 9, 10, 11, 7, 6, 8], &slots), [0, 1, 2, 3]);
    }

    #[test]
    fn nothing_comes_before_a_key_frame() {
        let slots = packets(4, &[2]);
        assert_eq!(run(0..12, &slots), [2, 3]);
        assert_eq!(run(1..12, &slots), [2, 3]);
    }

    #[test]
    fn after_a_loss_the_next_key_frame_goes_on_at_once() {
        let slots = packets(12, &[0, 8]);
        // The second packet of frame 2 never comes.
        assert_eq!(run((0..36).filter(|at| *at != 7), &slots), [0, 1, 8, 9, 10, 11]);
        // The last packet of frame 2 and the first of frame 3.
        assert_eq!(run((0..36).filter(|at| !(8..10).contains(at)), &slots), [0, 1, 8, 9, 10, 11]);
        // A repair within the patience.
        let late = (0..11).filter(|at| *at != 7).chain([7]).chain(11..36);
        assert_eq!(run(late, &slots), (0..12).collect::<Vec<u8>>());
    }

    #[test]
    fn audio_leaves_out_what_did_not_come() {
        let mut frames = Frames::new(Format::Whole);
        let mut out = Vec::new();
        for count in (0..20_u8).filter(|count| *count != 5) {
            let now = Instant::from_millis(u64::from(count) * 20);
            let payload = Bytes::copy_from_slice(&[count]);
            let part = Format::Whole.inspect(&payload).unwrap();
            frames.push(count.into(), Slot { timestamp: 0, marker: false, part, payload, arrived: now });
            out.extend(std::iter::from_fn(|| frames.pop(now, PATIENCE)).map(|frame| frame.data[0]));
            assert!(!(6..11).contains(&count) || out.len() == 5);
        }
        assert_eq!(out, (0..20).filter(|count| *count != 5).collect::<Vec<u8>>());
    }

    #[test]
    fn a_jump_far_ahead_holds_no_memory() {
        let slots = packets(3, &[0, 1, 2]);
        let mut frames = Frames::new(Format::Vp8);
        frames.push(0, slots[0].clone());
        frames.push(10_000_000, slots[3].clone());
        assert_eq!((frames.base(), frames.slots.len()), (10_000_000, 1));
    }
}
