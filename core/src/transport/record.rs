//! Packets on their way out: laid out and sealed in place, and framed in place where they go through a relay.

use crate::base::net::{Path, Protocol, Transmit};
use crate::base::time::Instant;
use crate::transport::dtls::{RecordStart as DtlsStart, SealError};
use crate::transport::event::SendPath;
use crate::transport::turn::Frame;
use crate::transport::{Dtls, DtlsTransportState, Transport};
use crate::wire::framing::{self, LENGTH_LEN};

/// A packet that was begun in a buffer.
#[derive(Debug)]
#[must_use = "finish the record or cancel it"]
pub struct RecordStart {
    record: DtlsStart,
    frame: Option<Outer>,
}

/// What is around a sealed packet.
#[derive(Debug)]
pub(super) enum Outer {
    /// A relay's frame.
    Relay(Frame),
    /// A length, at this place (RFC 4571): the pair in use is a stream.
    Length(usize),
}

impl Outer {
    pub(super) fn cancel(self, out: &mut Vec<u8>) {
        match self {
            Self::Relay(frame) => frame.cancel(out),
            Self::Length(at) => out.truncate(at),
        }
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        match self {
            Self::Relay(frame) => frame.finish(out),
            Self::Length(at) => framing::finish(out, at),
        }
    }
}

/// Puts a length before what was written to `out` from `start` on, where it goes over a stream.
pub(super) fn frame(transmit: Transmit, start: usize, out: &mut Vec<u8>) -> Transmit {
    if transmit.path.protocol == Protocol::Udp {
        return transmit;
    }
    out.splice(start..start, [0; LENGTH_LEN]);
    framing::finish(out, start);
    Transmit { size: transmit.size + LENGTH_LEN, ..transmit }
}

impl RecordStart {
    /// Gives up on the record and cuts `out` back to where it began.
    pub fn cancel(self, out: &mut Vec<u8>) {
        self.record.cancel(out);
        if let Some(frame) = self.frame {
            frame.cancel(out);
        }
    }
}

impl Transport {
    /// Where a sealed packet may go now; `None` before the handshake is done and when consent is lost. The path is
    /// the one to the relay where the pair in use has one on our side.
    #[must_use]
    pub fn send_path(&self) -> Option<SendPath> {
        let (path, _consent) = self.agent.send_path()?;
        let connection = self.dtls().filter(|dtls| dtls.state() == DtlsTransportState::Connected)?;
        let (path, framing) = self.outer_path(path)?;
        // SCTP pads to four bytes, so full packets are all of one size only when the room is a multiple of it.
        let max_payload = self.mtu.saturating_sub(connection.record_overhead() + framing) & !3;
        Some(SendPath { path, max_payload })
    }

    /// Reserves room for a record's header in `out`, and for that of a relay; the packet is appended behind it.
    pub fn begin_record(&mut self, out: &mut Vec<u8>) -> Option<RecordStart> {
        let (path, _consent) = self.agent.send_path()?;
        let frame = self.begin_outer(path, out)?;
        let record = match &self.dtls {
            Dtls::Ready(connection) => connection.begin_record(out),
            Dtls::RoleUnknown { .. } => None,
        };
        let Some(record) = record else {
            if let Some(frame) = frame {
                frame.cancel(out);
            }
            return None;
        };
        Some(RecordStart { record, frame })
    }

    /// Where what goes along `path` leaves this host, and how many bytes are around it.
    pub(super) fn outer_path(&self, path: Path) -> Option<(Path, usize)> {
        match (self.relays.at(path.local), path.protocol) {
            (Some(client), _) => Some((client.path()?, client.overhead(path.remote))),
            (None, Protocol::Tcp) => Some((path, LENGTH_LEN)),
            (None, Protocol::Udp) => Some((path, 0)),
        }
    }

    /// Begins what has to be around a sealed packet on its way along `path`; `None` when it may not go there now.
    pub(super) fn begin_outer(&mut self, path: Path, out: &mut Vec<u8>) -> Option<Option<Outer>> {
        if let Some(client) = self.relays.at_mut(path.local) {
            return client.begin(path.remote, out).map(|frame| Some(Outer::Relay(frame)));
        }
        Some((path.protocol == Protocol::Tcp).then(|| {
            let at = out.len();
            out.extend_from_slice(&[0; LENGTH_LEN]);
            Outer::Length(at)
        }))
    }

    /// How many bytes of the next datagram an acknowledgement of the handshake would take, when one is due
    /// ([`finish_acknowledging`](Self::finish_acknowledging)).
    #[must_use]
    pub fn owed_ack(&self, now: Instant) -> Option<usize> {
        self.dtls()?.owed_ack(now)
    }

    /// Seals, in place, what was appended to `out` since `start`.
    ///
    /// # Errors
    ///
    /// When the connection ended in between; `out` is cut back to where the record began.
    pub fn finish_record(&mut self, start: RecordStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.finish_with(start, None, out)
    }

    /// As [`finish_record`](Self::finish_record); what the handshake has to acknowledge follows in the same datagram.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn finish_acknowledging(
        &mut self,
        now: Instant,
        start: RecordStart,
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        self.finish_with(start, Some(now), out)
    }

    fn finish_with(
        &mut self,
        start: RecordStart,
        acknowledging: Option<Instant>,
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let RecordStart { record, frame } = start;
        let sealed = match &mut self.dtls {
            Dtls::Ready(connection) => connection.finish_record(record, out),
            Dtls::RoleUnknown { .. } => {
                record.cancel(out);
                Err(SealError::NotConnected)
            }
        };
        if let (Ok(()), Some(now), Dtls::Ready(connection)) = (&sealed, acknowledging, &mut self.dtls) {
            connection.append_ack(now, out);
        }
        match (&sealed, frame) {
            (Ok(()), Some(frame)) => frame.finish(out),
            (Err(_), Some(frame)) => frame.cancel(out),
            (_, None) => {}
        }
        sealed
    }
}
