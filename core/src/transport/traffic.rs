//! What each pair carried, beside its checks: packets of data and media, as their owner counts them.

use crate::base::net::Path;
use crate::base::time::Instant;
use crate::transport::Transport;

/// Paths that are counted. ICE forms at most 100 pairs.
const MAX_PATHS: usize = 128;

/// What a pair carried. Bytes are those inside of the encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairTraffic {
    /// Packets sent.
    pub packets_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// When the last was sent.
    pub last_sent: Option<Instant>,
    /// Packets that came.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// When the last came.
    pub last_received: Option<Instant>,
}

/// The paths of a transport that carried anything.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    paths: Vec<(Path, PairTraffic)>,
    /// The place of the one that was sent along last, which is the next one's in almost all cases.
    sending: u8,
    /// The place of the one that the datagram in hand came on.
    arriving: u8,
    /// A new generation began: its pairs begin with nothing once one of them is in use.
    is_stale: bool,
}

impl Traffic {
    /// Notes where a datagram came, ICE having found that to be a path of the peer.
    pub(super) fn arrive(&mut self, path: Path) {
        self.arriving = self.place(path, self.arriving);
    }

    /// Another generation begins; the pair in use goes on for now.
    pub(super) const fn restart(&mut self) {
        self.is_stale = true;
    }

    /// Another pair is in use.
    pub(super) fn switch(&mut self) {
        if std::mem::take(&mut self.is_stale) {
            self.paths.clear();
        }
    }

    /// The place of a path; most often that is `likely`. One that is one too many has none.
    fn place(&mut self, path: Path, likely: u8) -> u8 {
        let is_there = self.paths.get(usize::from(likely)).is_some_and(|(known, _)| *known == path);
        if is_there {
            return likely;
        }
        let known = self.paths.iter().position(|(known, _)| *known == path);
        let at = known.unwrap_or(self.paths.len());
        if known.is_none() && at < MAX_PATHS {
            // Most have one.
            self.paths.reserve_exact(1);
            self.paths.push((path, PairTraffic::default()));
        }
        at as u8
    }

    fn at(&mut self, place: u8) -> Option<&mut PairTraffic> {
        self.paths.get_mut(usize::from(place)).map(|(_, traffic)| traffic)
    }

    /// What goes along a path.
    fn on(&mut self, path: Path) -> Option<&mut PairTraffic> {
        self.sending = self.place(path, self.sending);
        self.at(self.sending)
    }
}

impl Transport {
    /// Counts a packet of so many bytes, sent along the pair in use.
    pub fn note_sent(&mut self, now: Instant, bytes: usize) {
        let Some((path, _consent)) = self.agent.send_path() else { return };
        if let Some(traffic) = self.traffic.on(path) {
            traffic.packets_sent += 1;
            traffic.bytes_sent += bytes as u64;
            traffic.last_sent = Some(now);
        }
    }

    /// Counts a packet of so many bytes, which was in the datagram that was taken last.
    pub fn note_received(&mut self, now: Instant, bytes: usize) {
        if let Some(traffic) = self.traffic.at(self.traffic.arriving) {
            traffic.packets_received += 1;
            traffic.bytes_received += bytes as u64;
            traffic.last_received = Some(now);
        }
    }

    /// What went along a path of a pair so far.
    #[must_use]
    pub fn traffic(&self, path: &Path) -> PairTraffic {
        let found = self.traffic.paths.iter().find(|(known, _)| known == path);
        found.map(|(_, traffic)| *traffic).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PATHS, Traffic};
    use crate::base::net::{LocalAddress, SocketId};

    #[test]
    fn paths_are_counted_apart_and_anew_after_a_restart() {
        let local = LocalAddress::udp(SocketId(0), "192.0.2.1:5000".parse().unwrap());
        let to = |port: u16| local.to(([192, 0, 2, 2], port).into());
        let mut traffic = Traffic::default();
        for (port, times) in [(1, 3), (2, 1), (1, 2)] {
            (0..times).for_each(|_| traffic.on(to(port)).unwrap().packets_sent += 1);
        }
        let sent = |traffic: &mut Traffic, port| traffic.on(to(port)).unwrap().packets_sent;
        assert_eq!((sent(&mut traffic, 1), sent(&mut traffic, 2)), (5, 1));
        traffic.switch();
        assert_eq!(sent(&mut traffic, 1), 5, "the same generation");
        traffic.restart();
        assert_eq!(sent(&mut traffic, 1), 5, "until another pair is in use");
        traffic.switch();
        assert_eq!((sent(&mut traffic, 2), sent(&mut traffic, 1)), (0, 0));
        assert_eq!((10..10 + MAX_PATHS as u16).filter(|&port| traffic.on(to(port)).is_none()).count(), 2);
    }
}
