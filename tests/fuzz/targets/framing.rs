#![no_main]
//! Pieces of a stream, cut as the fuzzer likes: messages come out the same however it was cut.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use purertc::wire::framing::{Framing, MAX_FRAME, take};

fn messages(framing: Framing, pieces: impl Iterator<Item = Vec<u8>>) -> (Vec<Vec<u8>>, bool) {
    let (mut held, mut messages) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(&piece);
        loop {
            match take(framing, &mut held) {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
        assert!(held.len() < MAX_FRAME, "what is held is less than one frame");
    }
    (messages, true)
}

fuzz_target!(|data: &[u8]| {
    let Some((&how, stream)) = data.split_first() else { return };
    let framing = if how & 1 == 0 { Framing::Length } else { Framing::Turn };
    let step = usize::from(how >> 1) + 1;
    let whole = messages(framing, std::iter::once(stream.to_vec()));
    let cut = messages(framing, stream.chunks(step).map(<[u8]>::to_vec));
    assert_eq!(whole, cut);
});
