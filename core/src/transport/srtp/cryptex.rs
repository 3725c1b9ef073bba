//! Which part of an RTP packet is hidden: the payload, or with cryptex (RFC 9335) everything but the fixed header
//! and the four bytes in front of the extension.

use crate::wire::rtp::extension::{ONE_BYTE, TWO_BYTE};
use crate::wire::rtp::{EXTENSION_HEADER_LEN, HEADER_LEN, Layout};

/// Stands for [`ONE_BYTE`] where the extension is hidden.
const HIDDEN_ONE_BYTE: u16 = 0xC0DE;
/// Stands for [`TWO_BYTE`] where the extension is hidden.
const HIDDEN_TWO_BYTE: u16 = 0xC2DE;
/// The extension bit of a packet's first byte.
const EXTENSION: u8 = 0x10;

/// What is hidden of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// What stands behind the header.
    Payload { header_len: usize },
    /// Contributing sources, extension and payload.
    Extension { csrcs_end: usize },
}

impl Hidden {
    /// What is hidden of a packet that came; `cryptex` is whether it was agreed on.
    pub(super) const fn of(layout: &Layout, cryptex: bool) -> Self {
        match layout.profile {
            Some(HIDDEN_ONE_BYTE | HIDDEN_TWO_BYTE) if cryptex => {
                Self::Extension { csrcs_end: layout.csrcs_end }
            }
            _ => Self::Payload { header_len: layout.header_len },
        }
    }

    /// Prepares `out[start..]` to leave with as much hidden as cryptex can.
    pub(super) fn prepare(layout: &Layout, out: &mut Vec<u8>, start: usize) -> Self {
        let at = start + layout.csrcs_end;
        let profile = match layout.profile {
            Some(ONE_BYTE) => HIDDEN_ONE_BYTE,
            Some(TWO_BYTE) => HIDDEN_TWO_BYTE,
            // RFC 9335 §5.1: contributing sources alone get an empty extension to be hidden with.
            None if layout.csrcs_end > HEADER_LEN => {
                out.splice(at..at, [0; EXTENSION_HEADER_LEN]);
                out[start] |= EXTENSION;
                HIDDEN_ONE_BYTE
            }
            // RFC 9335 §4: other extensions stay as they are.
            _ => return Self::Payload { header_len: layout.header_len },
        };
        out[at..at + 2].copy_from_slice(&profile.to_be_bytes());
        Self::Extension { csrcs_end: layout.csrcs_end }
    }

    /// Gives an opened packet the profile back that its extension had.
    pub(super) fn restore(self, packet: &mut [u8]) {
        let Self::Extension { csrcs_end } = self else { return };
        let profile = &mut packet[csrcs_end..csrcs_end + 2];
        let was = if *profile == HIDDEN_TWO_BYTE.to_be_bytes() { TWO_BYTE } else { ONE_BYTE };
        profile.copy_from_slice(&was.to_be_bytes());
    }

    /// Calls `act` with what stays clear of `packet` and with what is hidden.
    ///
    /// RFC 9335 §6.2: the key stream passes over the extension's first four bytes, which stay clear in the middle
    /// of what is hidden; they stand in front of the contributing sources while `act` runs.
    pub(super) fn within<T>(self, packet: &mut [u8], act: impl FnOnce(&[u8], &mut [u8]) -> T) -> T {
        match self {
            Self::Payload { header_len } => {
                let (clear, hidden) = packet.split_at_mut(header_len);
                act(clear, hidden)
            }
            Self::Extension { csrcs_end } => {
                let moved = HEADER_LEN..csrcs_end + EXTENSION_HEADER_LEN;
                packet[moved.clone()].rotate_right(EXTENSION_HEADER_LEN);
                let (clear, hidden) = packet.split_at_mut(HEADER_LEN + EXTENSION_HEADER_LEN);
                let result = act(clear, hidden);
                packet[moved].rotate_left(EXTENSION_HEADER_LEN);
                result
            }
        }
    }
}
