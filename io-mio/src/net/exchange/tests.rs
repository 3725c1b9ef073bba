use crate::net::exchange::{Desk, Exchanged, MAX_WAITING};
use bytes::BytesMut;
use purertc::wire::stun::{Attribute, Builder, Class, Method, TransactionId};
use purertc::{Datagram, Ecn, LocalAddress, Path, RouteChange, SocketId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn path(remote: u16) -> Path {
    let local = LocalAddress::udp(SocketId(0), "192.0.2.1:443".parse().unwrap());
    local.to(([198, 51, 100, 7], remote).into())
}

fn datagram(remote: u16, data: &[u8]) -> Datagram {
    Datagram { path: path(remote), ecn: Ecn::NotEct, data: BytesMut::from(data) }
}

fn stun(class: Class, remote: u16, name: &str) -> Datagram {
    let mut bytes = Vec::new();
    let builder = Builder::new(&mut bytes, class, Method::Binding, TransactionId([7; 12]));
    builder.attribute(&Attribute::Username(name)).finish();
    datagram(remote, &bytes)
}

/// What a member is left with, and what it got.
fn exchange(desk: &Desk, datagrams: impl IntoIterator<Item = Datagram>) -> Vec<Vec<u8>> {
    let mut datagrams: Vec<Datagram> = datagrams.into_iter().collect();
    desk.exchange(&mut datagrams, Some);
    datagrams.into_iter().map(|datagram| datagram.data.to_vec()).collect()
}

fn proven(remote: u16) -> RouteChange {
    RouteChange::Path { path: path(remote), is_proven: true }
}

fn asked(remote: u16) -> RouteChange {
    RouteChange::Path { path: path(remote), is_proven: false }
}

fn two() -> [Desk; 2] {
    Desk::crew(2).try_into().unwrap()
}

#[test]
fn a_check_goes_to_whom_it_names_and_the_rest_by_its_path() {
    let [one, other] = two();
    other.publish([RouteChange::Name("abcd".to_owned())]);
    let check = stun(Class::Request, 1, "abcd:efgh");
    assert!(exchange(&one, [check.clone(), datagram(1, b"\x16what nobody knows")]).len() == 1);
    assert_eq!(exchange(&other, []), [check.data.to_vec()]);
    other.publish([proven(1)]);
    assert_eq!(
        exchange(&one, [datagram(1, b"\x16a"), datagram(2, b"\x16b"), datagram(1, b"\x80c")]),
        [b"\x16b"]
    );
    assert_eq!(exchange(&other, []), [b"\x16a", b"\x80c"]);
    assert_eq!(other.exchanged(), Exchanged { taken: 3, lost: 0 });
    // To a name that nobody has, on a path that leads somewhere: whoever has the path may say no to it.
    exchange(&one, [stun(Class::Request, 1, "gone:efgh")]);
    assert_eq!(exchange(&other, []).len(), 1);
}

#[test]
fn who_is_authenticated_last_has_the_path() {
    let [one, other] = two();
    one.publish([proven(1)]);
    other.publish([asked(1)]);
    assert_eq!(exchange(&one, [datagram(1, b"\x16a")]).len(), 1, "asking takes no path away");
    other.publish([proven(1)]);
    assert!(exchange(&one, [datagram(1, b"\x16b")]).is_empty());
    assert_eq!(exchange(&other, []), [b"\x16b"]);
    other.publish([RouteChange::PathGone(path(1))]);
    assert_eq!(exchange(&other, [datagram(1, b"\x16c")]).len(), 0, "it is the first one's again");
    one.publish([RouteChange::PathGone(path(1))]);
    assert_eq!(exchange(&other, [datagram(1, b"\x16d")]).len(), 1, "nobody's");
}

#[test]
fn an_answer_is_for_everybody_who_asks_there() {
    let crew = Desk::crew(3);
    crew[0].publish([asked(3478)]);
    crew[2].publish([asked(3478)]);
    let answer = stun(Class::Success, 3478, "");
    assert!(exchange(&crew[1], [answer.clone()]).is_empty());
    assert_eq!((exchange(&crew[0], []).len(), exchange(&crew[2], []).len()), (1, 1));
    assert_eq!(exchange(&crew[0], [answer]).len(), 1);
    assert_eq!(exchange(&crew[2], []).len(), 1);
}

#[test]
fn a_member_that_is_gone_is_forgotten() {
    let [one, other] = two();
    other.publish([RouteChange::Name("abcd".to_owned()), proven(1)]);
    let clone = other.clone();
    drop(other);
    assert!(exchange(&one, [datagram(1, b"\x16a")]).is_empty());
    drop(clone);
    assert_eq!(exchange(&one, [stun(Class::Request, 1, "abcd:efgh"), datagram(1, b"\x16a")]).len(), 2);
}

#[test]
fn the_bell_rings_once_for_what_waits_and_what_does_not_fit_is_counted() {
    let [one, other] = two();
    other.publish([proven(1)]);
    exchange(&one, [datagram(1, b"\x16early")]);
    let rings = Arc::new(AtomicUsize::new(0));
    let bell = rings.clone();
    other.begin(Arc::new(move || {
        bell.fetch_add(1, Ordering::Relaxed);
    }));
    assert_eq!(rings.load(Ordering::Relaxed), 1, "something waited before");
    for _ in 0..MAX_WAITING / 64 {
        exchange(&one, (0..64).map(|_| datagram(1, b"\x16later")));
    }
    assert_eq!(rings.load(Ordering::Relaxed), 1);
    assert_eq!(exchange(&other, []).len(), MAX_WAITING);
    assert_eq!(other.exchanged(), Exchanged { taken: MAX_WAITING as u64, lost: 1 });
    exchange(&one, [datagram(1, b"\x16again")]);
    assert_eq!(rings.load(Ordering::Relaxed), 2);
}
