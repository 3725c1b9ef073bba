//! Datagrams on streams: a length before each (RFC 4571, as ICE-TCP uses it), or by the lengths that STUN and channel
//! messages have themselves (RFC 8489 §6.2.2, RFC 8656 §12.5).
//!
//! It cuts one message off the front of what arrived. Collecting what arrived, and giving up on who sends nonsense, is
//! the reader's business.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::stun::{CHANNEL_HEADER_LEN, HEADER_LEN, MAGIC_COOKIE};
use bytes::{Buf as _, BytesMut};

/// Bytes before each message (RFC 4571 §2).
pub const LENGTH_LEN: usize = 2;
/// The most that one message and its frame take in either framing, padding included.
pub const MAX_FRAME: usize = HEADER_LEN + 65_536;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A two-byte length comes before each (RFC 4571).
    Length,
    /// They are STUN and channel messages, which know their lengths.
    Turn,
}

/// Cuts the first whole message off `buffer`, without its length. `None`: more has to arrive first.
///
/// # Errors
///
/// When what is there cannot be a message. Where the next one begins is not known then: the stream is of no use any
/// more.
pub fn take(framing: Framing, buffer: &mut BytesMut) -> Result<Option<BytesMut>, ParseError> {
    match framing {
        Framing::Length => Ok(take_after_length(buffer)),
        Framing::Turn => take_turn(buffer),
    }
}

fn take_after_length(buffer: &mut BytesMut) -> Option<BytesMut> {
    loop {
        let length = usize::from(Reader::new(buffer).u16().ok()?);
        if buffer.len() < LENGTH_LEN + length {
            return None;
        }
        buffer.advance(LENGTH_LEN);
        // RFC 4571 §2: an empty one is nothing.
        if length > 0 {
            return Some(buffer.split_to(length));
        }
    }
}

fn take_turn(buffer: &mut BytesMut) -> Result<Option<BytesMut>, ParseError> {
    let mut r = Reader::new(buffer);
    let (Ok(first), Ok(length)) = (r.u16(), r.u16()) else { return Ok(None) };
    let length = usize::from(length);
    let size = match first {
        0x0000..=0x3FFF => {
            if r.u32().is_ok_and(|cookie| cookie != MAGIC_COOKIE) || length % 4 != 0 {
                return Err(ParseError::BadValue("STUN on a stream"));
            }
            HEADER_LEN + length
        }
        // RFC 8656 §12.5: padded to four bytes.
        0x4000..=0x4FFF => CHANNEL_HEADER_LEN + length.next_multiple_of(4),
        _ => return Err(ParseError::BadValue("TURN on a stream")),
    };
    Ok((buffer.len() >= size).then(|| buffer.split_to(size)))
}

/// Fills in the length of the message that was appended to `out` behind [`LENGTH_LEN`] bytes at `at`.
///
/// # Panics
///
/// With a message of more than 65,535 bytes, which only a caller's own data can be.
pub fn finish(out: &mut [u8], at: usize) {
    let length = u16::try_from(out.len() - at - LENGTH_LEN).expect("a message of at most 65,535 bytes");
    out[at..at + LENGTH_LEN].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::{Framing, LENGTH_LEN, MAX_FRAME, finish, take};
    use crate::wire::stun::{Attribute, Builder, ChannelHeader, Class, Method, TransactionId};
    use bytes::BytesMut;
    use quickcheck::quickcheck;

    fn all(framing: Framing, pieces: impl IntoIterator<Item = Vec<u8>>) -> Option<Vec<Vec<u8>>> {
        let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(&piece);
            while let Some(message) = take(framing, &mut buffer).ok()? {
                messages.push(message.to_vec());
            }
            assert!(buffer.len() < MAX_FRAME);
        }
        Some(messages)
    }

    #[test]
    fn turn_messages_are_cut_by_their_own_lengths() {
        let mut stream = Vec::new();
        Builder::new(&mut stream, Class::Indication, Method::Data, TransactionId([7; 12]))
            .attribute(&Attribute::Data(b"hello"))
            .finish();
        let stun = stream.clone();
        stream.extend_from_slice(&ChannelHeader { number: 0x4001, length: 5 }.to_bytes());
        stream.extend_from_slice(b"world\0\0\0");
        stream.extend_from_slice(&stun);
        let channel = stream[stun.len()..stream.len() - stun.len()].to_vec();
        let bytes = stream.iter().map(|byte| vec![*byte]);
        assert_eq!(all(Framing::Turn, bytes), Some(vec![stun.clone(), channel, stun]));
    }

    #[test]
    fn what_is_no_turn_ends_the_stream() {
        for nonsense in
            [&[0x50, 0, 0, 0][..], &[0x80, 0, 0, 4], b"\x16\x03\x01\x01\x00\x01\x00\x00", &[0, 1, 0, 2]]
        {
            assert!(take(Framing::Turn, &mut BytesMut::from(nonsense)).is_err(), "{nonsense:?}");
        }
        assert!(take(Framing::Turn, &mut BytesMut::from(&b"\0\x01\0\0HTTP"[..])).is_err());
    }

    quickcheck! {
        fn messages_go_through_any_cuts(messages: Vec<Vec<u8>>, cut: usize) -> bool {
            let mut stream = Vec::new();
            for message in &messages {
                let at = stream.len();
                stream.extend_from_slice(&[0; LENGTH_LEN]);
                stream.extend_from_slice(message);
                finish(&mut stream, at);
            }
            let pieces = stream.chunks(cut % 7 + 1).map(<[u8]>::to_vec);
            let wanted: Vec<_> = messages.into_iter().filter(|message| !message.is_empty()).collect();
            all(Framing::Length, pieces) == Some(wanted)
        }

        fn arbitrary_bytes_do_no_harm(pieces: Vec<Vec<u8>>, turn: bool) -> bool {
            let framing = if turn { Framing::Turn } else { Framing::Length };
            let total: usize = pieces.iter().map(Vec::len).sum();
            all(framing, pieces).is_none_or(|m| m.iter().map(Vec::len).sum::<usize>() <= total)
        }
    }
}
