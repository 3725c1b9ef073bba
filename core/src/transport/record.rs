//! Packets on their way out: laid out and sealed in place, and framed in place where they go through a relay.

use crate::transport::dtls::{RecordStart as DtlsStart, SealError};
use crate::transport::event::SendPath;
use crate::transport::turn::{Client, Frame};
use crate::transport::{Dtls, DtlsTransportState, Transport};

/// A packet that was begun in a buffer.
#[derive(Debug)]
#[must_use = "finish the record or cancel it"]
pub struct RecordStart {
    record: DtlsStart,
    frame: Option<Frame>,
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
        let relay = self.relay_at(path.local);
        let framing = relay.map_or(0, |client| client.overhead(path.remote));
        // SCTP pads to four bytes, so full packets are all of one size only when the room is a multiple of it.
        let max_payload = self.mtu.saturating_sub(connection.record_overhead() + framing) & !3;
        Some(SendPath { path: relay.map_or(path, Client::path), max_payload })
    }

    /// Reserves room for a record's header in `out`, and for that of a relay; the packet is appended behind it.
    pub fn begin_record(&mut self, out: &mut Vec<u8>) -> Option<RecordStart> {
        let (path, _consent) = self.agent.send_path()?;
        let frame = match self.relay_at_mut(path.local) {
            Some(client) => Some(client.begin(path.remote, out)?),
            None => None,
        };
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

    /// Seals, in place, what was appended to `out` since `start`.
    ///
    /// # Errors
    ///
    /// When the connection ended in between; `out` is cut back to where the record began.
    pub fn finish_record(&mut self, start: RecordStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        let RecordStart { record, frame } = start;
        let sealed = match &mut self.dtls {
            Dtls::Ready(connection) => connection.finish_record(record, out),
            Dtls::RoleUnknown { .. } => {
                record.cancel(out);
                Err(SealError::NotConnected)
            }
        };
        match (&sealed, frame) {
            (Ok(()), Some(frame)) => frame.finish(out),
            (Err(_), Some(frame)) => frame.cancel(out),
            (_, None) => {}
        }
        sealed
    }
}
