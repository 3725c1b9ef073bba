use crate::transport::sped::{Embedding, Load};
use crate::wire::stun::sped::{Acks, hash};

fn acks(datagrams: &[&[u8]]) -> Option<Acks> {
    Some(Acks::of(&datagrams.iter().map(|d| hash(d)).collect::<Vec<_>>()))
}

fn loaded(sped: &mut Embedding) -> Option<Vec<u8>> {
    sped.load(false).unwrap().datagram.map(<[u8]>::to_vec)
}

#[test]
fn a_flight_is_carried_in_turns_until_it_is_acknowledged() {
    let mut sped = Embedding::new();
    assert_eq!(sped.load(false), Some(Load { datagram: None, acks: Acks::default() }));
    sped.set_flight(vec![b"one".to_vec(), b"two".to_vec()]);
    let turns: Vec<_> = (0..3).map(|_| loaded(&mut sped).unwrap()).collect();
    assert_eq!(turns, [b"one", b"two", b"one"]);
    assert_eq!(sped.handle(None, acks(&[b"one", b"other"])), None);
    assert_eq!((loaded(&mut sped), loaded(&mut sped)), (Some(b"two".to_vec()), Some(b"two".to_vec())));
    sped.set_flight(vec![b"three".to_vec()]);
    assert_eq!(loaded(&mut sped), Some(b"three".to_vec()));
    assert_eq!(sped.handle(None, acks(&[b"three"])), None);
    assert_eq!(loaded(&mut sped), None);
}

#[test]
fn what_arrives_is_named_and_delivered_once() {
    let mut sped = Embedding::new();
    assert_eq!(sped.handle(Some(b"a"), None), Some(&b"a"[..]));
    assert_eq!(sped.handle(Some(b"a"), None), None);
    assert_eq!(sped.handle(Some(b""), acks(&[])), None);
    // Whether it came inside of a check or by itself.
    assert!(sped.note(b"b") && !sped.note(b"b") && !sped.note(b"a"));
    assert_eq!(sped.handle(Some(b"b"), None), None);
    assert_eq!(Some(sped.load(false).unwrap().acks), acks(&[b"a", b"b"]));
    assert_eq!(sped.carried().received, 1);
}

#[test]
fn a_peer_without_it_is_left_alone_and_the_flight_goes_by_itself() {
    let mut sped = Embedding::new();
    sped.set_flight(vec![b"hello".to_vec()]);
    assert_eq!(loaded(&mut sped), Some(b"hello".to_vec()));
    assert_eq!(sped.handle(None, None), None);
    assert!(!sped.is_on());
    assert_eq!(sped.load(true), None);
    assert_eq!(sped.poll_transmit(), Some(&b"hello"[..]));
    assert_eq!(sped.poll_transmit(), None);
    assert!(sped.note(b"x") && sped.note(b"x"), "nothing is remembered");
}

#[test]
fn what_left_along_a_path_that_works_does_not_leave_again_by_itself() {
    let mut sped = Embedding::new();
    sped.set_flight(vec![b"one".to_vec(), b"two".to_vec()]);
    assert!(sped.load(true).is_some());
    assert_eq!(sped.poll_transmit(), Some(&b"two"[..]));
    assert_eq!(sped.poll_transmit(), None);
    // It is carried on nevertheless, until it is acknowledged.
    assert_eq!(loaded(&mut sped), Some(b"two".to_vec()));
}

#[test]
fn it_ends_when_neither_side_lacks_anything() {
    let mut sped = Embedding::new();
    sped.set_flight(vec![b"finished".to_vec()]);
    assert_eq!(sped.handle(Some(b"theirs"), acks(&[])), Some(&b"theirs"[..]));
    sped.complete();
    assert!(sped.is_on());
    assert_eq!(sped.handle(Some(b"theirs"), acks(&[b"finished"])), None);
    assert!(sped.is_on(), "the peer still lacks our acknowledgement");
    assert_eq!(sped.load(true).map(|load| load.datagram), Some(None));
    assert_eq!(sped.handle(None, acks(&[])), None);
    assert!(!sped.is_on());

    let mut sped = Embedding::new();
    sped.complete();
    assert!(!sped.is_on(), "the peer was not heard of");
    let mut sped = Embedding::off();
    assert_eq!(sped.load(true), None);
    assert_eq!(sped.handle(Some(b"x"), None), None);
}

#[test]
fn hashes_are_bounded() {
    let mut sped = Embedding::new();
    for n in 0..100u8 {
        assert_eq!(sped.handle(Some(&[n]), None), Some(&[n][..]));
    }
    assert_eq!(Some(sped.load(false).unwrap().acks), acks(&[&[96], &[97], &[98], &[99]]));
}
