//! RTP packets as they cross the line between the media plane and the application.

use crate::base::media::ReceiverId;
use crate::base::time::Instant;
use crate::media::extensions::Extensions;
use crate::wire::rtp::Packet;
use crate::wire::rtp::value::{Kind, Value};
use bytes::Bytes;

/// A packet that came, as it came: opened, and found to be well formed.
///
/// It shares the memory of the datagram. Handing it on to others costs a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RtpPacket {
    /// Who receives it.
    pub receiver: ReceiverId,
    /// The place of its stream among the named ones of its section
    /// ([`receive_rids`](crate::base::negotiated::NegotiatedSection::receive_rids)): 0 without simulcast.
    pub encoding: u8,
    /// Its number, counted on where that of 16 bits wraps, and where the source began anew.
    pub count: u64,
    /// When it came.
    pub arrived: Instant,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "well_formed"))]
    bytes: Bytes,
}

/// What comes from outside is no packet before it was found to be one.
#[cfg(feature = "serde")]
fn well_formed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let bytes: Bytes = serde::Deserialize::deserialize(deserializer)?;
    Packet::parse(&bytes).map_err(serde::de::Error::custom)?;
    Ok(bytes)
}

impl RtpPacket {
    pub(super) const fn new(
        receiver: ReceiverId,
        encoding: u8,
        (count, arrived): (u64, Instant),
        bytes: Bytes,
    ) -> Self {
        Self { receiver, encoding, count, arrived, bytes }
    }

    /// Header, header extensions and payload, to read.
    #[must_use]
    pub fn parse(&self) -> Packet<'_> {
        Packet::parse(&self.bytes).expect("it was found to be well formed when it came")
    }

    /// The payload, which shares the packet's memory.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.bytes.slice_ref(self.parse().payload)
    }

    /// The whole packet.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The value of a header extension, under the ids that the connection agreed on.
    #[must_use]
    pub fn extension(&self, extensions: &Extensions, kind: Kind) -> Option<Value<'_>> {
        let id = extensions.id(kind)?;
        Value::parse(kind, self.parse().find_extension(id)?).ok()
    }
}
