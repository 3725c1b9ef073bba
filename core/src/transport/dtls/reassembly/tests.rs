use crate::base::drops::DropReason;
use crate::transport::dtls::reassembly::{
    Inserted, MAX_AHEAD, MAX_BUFFERED, MAX_MESSAGE, MAX_RANGES, Reassembly,
};
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::handshake::Fragment;
use quickcheck::quickcheck;

fn piece(message_seq: u16, length: usize, offset: usize, body: &[u8]) -> Fragment<'_> {
    Fragment { kind: HandshakeType::Certificate, message_seq, length, offset, body }
}

#[test]
fn messages_come_out_in_order() {
    let mut reassembly = Reassembly::default();
    assert_eq!(reassembly.insert(&piece(1, 2, 0, b"cd")), Ok(Inserted::Kept));
    assert!(reassembly.pop().is_none() && reassembly.peek().is_none());
    assert_eq!(reassembly.insert(&piece(0, 2, 0, b"ab")), Ok(Inserted::Kept));
    assert_eq!(reassembly.peek(), Some(HandshakeType::Certificate));
    let bodies = [reassembly.pop().unwrap(), reassembly.pop().unwrap()].map(|m| (m.seq, m.body));
    assert_eq!(bodies, [(0, b"ab".to_vec()), (1, b"cd".to_vec())]);
    assert_eq!(reassembly.insert(&piece(1, 2, 0, b"c")), Ok(Inserted::Old));
    assert_eq!(reassembly.insert(&piece(1, 2, 1, b"d")), Ok(Inserted::EndOfOld(1)));
    assert_eq!(reassembly.next(), 2);
}

#[test]
fn an_empty_message_is_complete_at_once() {
    let mut reassembly = Reassembly::default();
    assert_eq!(reassembly.insert(&piece(0, 0, 0, b"")), Ok(Inserted::Kept));
    assert!(reassembly.pop().unwrap().body.is_empty());
}

#[test]
fn attack_15_pointless_and_contradicting_fragments_are_refused() {
    let mut reassembly = Reassembly::default();
    let refused = Err(DropReason::DtlsReassembly);
    assert_eq!(reassembly.insert(&piece(0, 4, 2, b"")), refused);
    assert_eq!(reassembly.insert(&piece(0, 4, 0, b"ab")), Ok(Inserted::Kept));
    assert_eq!(reassembly.insert(&piece(0, 5, 2, b"cde")), refused);
    let other_kind = Fragment { kind: HandshakeType::Finished, ..piece(0, 4, 2, b"cd") };
    assert_eq!(reassembly.insert(&other_kind), refused);
    assert!(reassembly.pop().is_none());
}

#[test]
fn attack_15_what_came_first_stays() {
    let mut reassembly = Reassembly::default();
    assert_eq!(reassembly.insert(&piece(0, 6, 2, b"cd")), Ok(Inserted::Kept));
    assert_eq!(reassembly.insert(&piece(0, 6, 0, b"XXXXXX")), Ok(Inserted::Kept));
    assert_eq!(reassembly.pop().unwrap().body, b"XXcdXX");
}

#[test]
fn attack_15_fragment_bombs_are_bounded() {
    let mut reassembly = Reassembly::default();
    let refused = Err(DropReason::DtlsReassembly);
    // A message too long, one too far ahead, and too many at once.
    assert_eq!(reassembly.insert(&piece(0, MAX_MESSAGE + 1, 0, b"x")), refused);
    assert_eq!(reassembly.insert(&piece(MAX_AHEAD, 4, 0, b"x")), refused);
    assert_eq!(reassembly.insert(&piece(u16::MAX, 4, 0, b"x")), refused);
    let kept = (0..MAX_AHEAD).filter(|&seq| reassembly.insert(&piece(seq, MAX_MESSAGE, 0, b"x")).is_ok());
    assert_eq!(kept.count(), MAX_BUFFERED / MAX_MESSAGE);
    // Single bytes with gaps in between.
    let mut reassembly = Reassembly::default();
    let kept = (0..1_000).filter(|n| reassembly.insert(&piece(0, 2_000, 2 * n, b"x")).is_ok());
    assert_eq!(kept.count(), MAX_RANGES);
    // What closes gaps is still welcome.
    assert_eq!(reassembly.insert(&piece(0, 2_000, 0, &[7; 2_000])), Ok(Inserted::Kept));
    assert_eq!(reassembly.pop().unwrap().body.len(), 2_000);
}

quickcheck! {
    /// Pieces in any order, of any size, overlapping at will, give the message.
    fn pieces_give_the_whole(body: Vec<u8>, cuts: Vec<(u16, u8)>) -> bool {
        let mut reassembly = Reassembly::default();
        for (start, len) in cuts {
            let start = usize::from(start) % body.len().max(1);
            let end = (start + usize::from(len)).min(body.len());
            let _ = reassembly.insert(&piece(0, body.len(), start, &body[start..end]));
        }
        let _ = reassembly.insert(&piece(0, body.len(), 0, &body));
        reassembly.pop().is_some_and(|message| message.body == body)
    }

    /// Ranges stay sorted, apart, and complete exactly when every byte was there.
    fn complete_means_every_byte(len: u8, cuts: Vec<(u8, u8)>) -> bool {
        let len = usize::from(len % 40) + 1;
        let body: Vec<u8> = (0..len as u8).collect();
        let mut seen = vec![false; len];
        let mut reassembly = Reassembly::default();
        for (start, n) in cuts {
            let start = usize::from(start) % len;
            let end = (start + usize::from(n % 8)).min(len);
            if reassembly.insert(&piece(0, len, start, &body[start..end])).is_ok() {
                seen[start..end].fill(true);
            }
        }
        match reassembly.pop() {
            Some(message) => seen.iter().all(|&s| s) && message.body == body,
            None => seen.iter().any(|&s| !s),
        }
    }
}
