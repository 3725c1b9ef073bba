//! Alerts and the two other contents of a record that are no handshake messages.

use crate::wire::cursor::{ParseError, Reader, put_prefixed_u16};
use crate::wire::dtls::codepoints::{AlertDescription, AlertLevel};
use crate::wire::dtls::vector;

/// An alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// How bad it is.
    pub level: AlertLevel,
    /// What it says.
    pub description: AlertDescription,
}

impl Alert {
    /// Reads the content of an alert record.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes);
        let alert = Self { level: reader.u8()?.into(), description: reader.u8()?.into() };
        reader.finish()?;
        Ok(alert)
    }

    /// The content of an alert record.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 2] {
        [self.level.into(), self.description.into()]
    }
}

/// The one content that a `ChangeCipherSpec` record has.
pub const CHANGE_CIPHER_SPEC: [u8; 1] = [1];

/// The number of a record, as a DTLS 1.3 acknowledgement names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordNumber {
    /// The epoch.
    pub epoch: u64,
    /// The number within the epoch.
    pub sequence: u64,
}

/// An acknowledgement of records (RFC 9147 §7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The records that arrived.
    pub records: Vec<RecordNumber>,
}

/// The most that one acknowledgement may name: far more than there are records in any flight.
const MAX_ACKED: usize = 1_024;

impl Ack {
    /// Reads the content of an acknowledgement record.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes);
        let list = reader.prefixed_u16()?;
        reader.finish()?;
        let records = vector::list(list, MAX_ACKED, "acknowledged records", |r| {
            Ok(RecordNumber { epoch: r.u64()?, sequence: r.u64()? })
        })?;
        Ok(Self { records })
    }

    /// Appends the content of an acknowledgement record.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_prefixed_u16(out, |out| {
            for record in &self.records {
                out.extend_from_slice(&record.epoch.to_be_bytes());
                out.extend_from_slice(&record.sequence.to_be_bytes());
            }
        });
    }
}
