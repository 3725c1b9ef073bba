//! What was known when a packet was sent: from it and its acknowledgement comes the rate at which data arrives
//! (draft-ietf-ccwg-bbr §4.1, delivery rate samples).

use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::data::sctp::congestion::Sample;
use std::collections::VecDeque;

/// A packet that was sent, of which chunks are still under way.
#[derive(Clone, Copy, Debug)]
struct Packet {
    sent_at: Instant,
    /// Bytes that had arrived, when the last of them had, and when the packet that told so was sent.
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    lost: u64,
    in_flight: usize,
    /// Chunks in it whose fate is open.
    open: u32,
    app_limited: bool,
}

/// Packets by number, and what has happened in total.
#[derive(Debug)]
pub(super) struct Packets {
    ring: VecDeque<Packet>,
    /// The number of the packet at the front of the ring.
    base: Serial32,
    /// Chunks in the packet that is being built.
    building: u32,
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    lost: u64,
    /// What will have arrived when there is no trace any more of too little having been sent.
    app_limited_until: Option<u64>,
}

impl Packets {
    pub(super) const fn new() -> Self {
        Self {
            ring: VecDeque::new(),
            base: Serial32(0),
            building: 0,
            delivered: 0,
            delivered_at: Instant::ZERO,
            first_sent_at: Instant::ZERO,
            lost: 0,
            app_limited_until: None,
        }
    }

    /// The number of the packet that is being built.
    pub(super) fn current(&self) -> Serial32 {
        self.base.plus(self.ring.len() as u32)
    }

    /// A chunk goes into the packet being built.
    pub(super) const fn add(&mut self) {
        self.building += 1;
    }

    /// Closes the packet being built, `in_flight` bytes being under way with it, and `len` in it.
    pub(super) fn close(&mut self, now: Instant, in_flight: usize, len: usize) {
        if in_flight <= len {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        self.ring.push_back(Packet {
            sent_at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            lost: self.lost,
            in_flight,
            open: std::mem::take(&mut self.building),
            app_limited: self.app_limited_until.is_some(),
        });
    }

    /// The fate of a chunk in a packet is known.
    #[inline]
    pub(super) fn settle(&mut self, number: Serial32) {
        match self.ring.get_mut(number.distance_from(self.base) as usize) {
            Some(packet) => packet.open -= 1,
            None => self.building -= 1,
        }
    }

    /// Forgets packets that nothing is under way of.
    pub(super) fn prune(&mut self) {
        while self.ring.front().is_some_and(|packet| packet.open == 0) {
            self.ring.pop_front();
            self.base = self.base.next();
        }
    }

    /// Chunks of so many bytes are lost.
    pub(super) const fn note_lost(&mut self, bytes: usize) {
        self.lost += bytes as u64;
    }

    /// There is room for more than there is to send.
    pub(super) fn note_app_limited(&mut self, in_flight: usize) {
        self.app_limited_until = Some(self.delivered + in_flight as u64);
    }

    /// So many bytes have arrived, with the packet `newest` as the one that was sent last; what that measured.
    pub(super) fn sample(&mut self, now: Instant, bytes: usize, newest: Serial32) -> Option<Sample> {
        self.delivered += bytes as u64;
        self.delivered_at = now;
        if self.app_limited_until.is_some_and(|until| self.delivered > until) {
            self.app_limited_until = None;
        }
        let packet = self.ring.get(newest.distance_from(self.base) as usize)?;
        self.first_sent_at = packet.sent_at;
        let sending = packet.sent_at.saturating_since(packet.first_sent_at);
        Some(Sample {
            delivered: self.delivered,
            prior_delivered: packet.delivered,
            interval: sending.max(now.saturating_since(packet.delivered_at)),
            lost: self.lost - packet.lost,
            in_flight: packet.in_flight,
            app_limited: packet.app_limited,
        })
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.ring.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::Packets;
    use crate::base::seq::Serial32;
    use crate::base::time::Instant;
    use std::time::Duration;

    fn send(packets: &mut Packets, millis: u64, in_flight: usize) {
        packets.add();
        packets.close(Instant::from_millis(millis), in_flight, 1_000);
    }

    #[test]
    fn the_rate_is_that_of_arrival_or_of_sending_if_that_was_slower() {
        let mut packets = Packets::new();
        (0..4).for_each(|n| send(&mut packets, n, 1_000 * (n as usize + 1)));
        let first = packets.sample(Instant::from_millis(50), 1_000, Serial32(0)).unwrap();
        assert_eq!((first.prior_delivered, first.delivered), (0, 1_000));
        assert_eq!(first.interval, Duration::from_millis(50));
        send(&mut packets, 60, 4_000);
        packets.note_lost(1_000);
        let late = packets.sample(Instant::from_millis(110), 3_000, Serial32(4)).unwrap();
        // Since the packet was sent three thousand bytes have come; they were sent within 60 ms, and came within as many.
        assert_eq!((late.prior_delivered, late.delivered), (1_000, 4_000));
        assert_eq!((late.interval, late.lost), (Duration::from_millis(60), 1_000));
    }

    #[test]
    fn what_is_settled_is_forgotten_in_order() {
        let mut packets = Packets::new();
        (0..3).for_each(|n| send(&mut packets, n, 1_000));
        packets.settle(Serial32(1));
        packets.prune();
        assert_eq!((packets.ring.len(), packets.current()), (3, Serial32(3)));
        packets.settle(Serial32(0));
        packets.prune();
        assert_eq!((packets.ring.len(), packets.current()), (1, Serial32(3)));
        // A packet that is gone measures nothing.
        assert!(packets.sample(Instant::ZERO, 1, Serial32(0)).is_none());
    }

    #[test]
    fn too_little_to_send_shows_until_all_of_it_has_arrived() {
        let mut packets = Packets::new();
        send(&mut packets, 0, 1_000);
        packets.note_app_limited(1_000);
        send(&mut packets, 1, 2_000);
        let limited = |packets: &mut Packets, number| {
            packets.sample(Instant::from_millis(9), 1_000, Serial32(number)).unwrap().app_limited
        };
        assert!(!limited(&mut packets, 0));
        assert!(limited(&mut packets, 1));
        send(&mut packets, 10, 1_000);
        assert!(!limited(&mut packets, 2));
    }
}
