//! Records that came before they can be opened or delivered, because datagrams overtake each other.

use crate::base::drops::DropReason;
use bytes::BytesMut;

/// Records that may wait: a flight's worth, and the first application data behind it.
const MAX_RECORDS: usize = 16;
/// Bytes that may wait.
const MAX_BYTES: usize = 16 * 1024;

/// Sealed records, as they came.
#[derive(Default)]
pub(super) struct EarlyRecords(Vec<BytesMut>);

impl EarlyRecords {
    /// Keeps a record, unless there are too many. It is copied, so that it does not keep a larger buffer alive.
    pub(super) fn keep(&mut self, record: &[u8]) -> Result<(), DropReason> {
        let bytes: usize = self.0.iter().map(BytesMut::len).sum();
        if self.0.len() == MAX_RECORDS || bytes + record.len() > MAX_BYTES {
            return Err(DropReason::DtlsBuffered);
        }
        self.0.push(BytesMut::from(record));
        Ok(())
    }

    /// Takes all of them out, in the order in which they came.
    pub(super) fn take(&mut self) -> Vec<BytesMut> {
        std::mem::take(&mut self.0)
    }
}
