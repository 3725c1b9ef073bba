//! The state cookie (RFC 9260 §5.1.3): everything about an association that has not begun, kept by the peer and not by us.
//!
//! It has a fixed layout of numbers that both ends know anyway, and an HMAC-SHA-256 under a key of this association.

use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::crypto::traits::HmacKey;
use crate::data::sctp::state::{Extensions, Local, Peer};
use crate::wire::cursor::{ParseError, Reader};

const TAG_LEN: usize = 32;
const BODY_LEN: usize = 8 + 4 * 4 + 4 + 4 + 4 + 2 + 2 + 1;

/// What a cookie holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) made_at: Instant,
    pub(super) local: Local,
    pub(super) peer: Peer,
    /// The tags of the association that existed when the cookie was made, ours and the peer's; zero if none did.
    pub(super) tie_tags: (u32, u32),
}

impl Cookie {
    /// The cookie in the form in which it travels.
    pub(super) fn seal(&self, key: &dyn HmacKey) -> Vec<u8> {
        let mut out = Vec::with_capacity(BODY_LEN + TAG_LEN);
        out.extend_from_slice(&self.made_at.as_micros().to_be_bytes());
        let (local_tie, peer_tie) = self.tie_tags;
        let numbers = [self.local.tag, self.peer.tag, local_tie, peer_tie];
        let numbers =
            numbers.into_iter().chain([self.local.initial_tsn.0, self.peer.initial_tsn.0, self.peer.window]);
        numbers.for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
        out.extend_from_slice(&self.peer.outbound_streams.to_be_bytes());
        out.extend_from_slice(&self.peer.inbound_streams.to_be_bytes());
        out.push(self.peer.extensions.bits());
        let mut tag = [0; TAG_LEN];
        key.sign(&[&out], &mut tag);
        out.extend_from_slice(&tag);
        out
    }

    /// Reads a cookie that came back, if it is one of ours.
    pub(super) fn open(bytes: &[u8], key: &dyn HmacKey) -> Option<Self> {
        let (body, tag) = bytes.split_at_checked(BODY_LEN)?;
        if tag.len() != TAG_LEN || key.verify(&[body], tag).is_err() {
            return None;
        }
        Self::parse(body).ok()
    }

    fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let made_at = Instant::from_micros(r.u64()?);
        let (local_tag, peer_tag) = (r.u32()?, r.u32()?);
        let tie_tags = (r.u32()?, r.u32()?);
        let local = Local { tag: local_tag, initial_tsn: Serial32(r.u32()?) };
        let peer = Peer {
            tag: peer_tag,
            initial_tsn: Serial32(r.u32()?),
            window: r.u32()?,
            outbound_streams: r.u16()?,
            inbound_streams: r.u16()?,
            extensions: Extensions::from_bits(r.u8()?),
        };
        Ok(Self { made_at, local, peer, tie_tags })
    }
}
