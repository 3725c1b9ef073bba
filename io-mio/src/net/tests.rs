//! Runs of datagrams over loopback, with whatever offload this system has.

use crate::net::{Inbox, Outbox, Socket, SocketSettings};
use purertc::{Datagram, Ecn, LocalAddress, Transmit};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

type StdSocket = Socket<UdpSocket>;

fn pair() -> [StdSocket; 2] {
    let settings =
        SocketSettings { addresses: vec![Ipv4Addr::LOCALHOST.into(); 2], ..SocketSettings::default() };
    let bound = settings.bind().unwrap();
    let [near, far] = bound.try_into().unwrap();
    [near, far].map(|one| Socket::new(one.socket, one.local, &settings).unwrap())
}

fn run(local: LocalAddress, remote: SocketAddr, size: usize, segment: usize) -> (Transmit, Vec<u8>) {
    let mut transmit = Transmit::single(local.to(remote), size);
    transmit.segment_size = (segment < size).then_some(segment);
    (transmit, (0..size).map(|n| (n / segment) as u8).collect())
}

/// Sends what waits, however often the system says to come back later.
fn send(socket: &StdSocket, outbox: &mut Outbox) {
    while let Err(error) = socket.send(outbox) {
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        std::thread::yield_now();
    }
    assert_eq!(outbox.socket(), None);
}

fn receive(socket: &StdSocket, count: usize) -> Vec<Datagram> {
    let mut inbox = Inbox::default();
    let begun = Instant::now();
    while inbox.len() < count {
        if let Err(error) = socket.receive(&mut inbox) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            assert!(begun.elapsed() < Duration::from_secs(10), "{} of {count} came", inbox.len());
            std::thread::yield_now();
        }
    }
    inbox.drain().collect()
}

#[test]
fn a_run_arrives_as_the_datagrams_that_it_was_made_of() {
    let [near, far] = pair();
    let mut outbox = Outbox::default();
    for (size, segment) in
        [(48 * 1_200, 1_200), (47 * 1_200 + 7, 1_200), (100, 100), (3, 1), (60_000, 60_000)]
    {
        let (transmit, bytes) = run(near.local(), far.local().address, size, segment);
        outbox.put(transmit, bytes);
        send(&near, &mut outbox);
        let count = size.div_ceil(segment);
        let datagrams = receive(&far, count);
        assert_eq!(datagrams.len(), count);
        for (n, datagram) in datagrams.iter().enumerate() {
            assert_eq!(datagram.path, far.local().to(near.local().address));
            assert_eq!(datagram.data.len(), segment.min(size - n * segment));
            assert!(datagram.data.iter().all(|byte| *byte == n as u8), "datagram {n} of {count}");
        }
    }
}

#[test]
fn ecn_bits_cross() {
    let [near, far] = pair();
    let mut outbox = Outbox::default();
    for ecn in [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce] {
        let (mut transmit, bytes) = run(near.local(), far.local().address, 10, 10);
        transmit.ecn = ecn;
        outbox.put(transmit, bytes);
        send(&near, &mut outbox);
        assert_eq!(receive(&far, 1)[0].ecn, ecn);
    }
}

#[test]
fn what_the_system_refuses_is_skipped_and_the_socket_lives() {
    let [near, far] = pair();
    let mut outbox = Outbox::default();
    let mut refused = |remote: &str, size| {
        let (transmit, bytes) = run(near.local(), remote.parse().unwrap(), size, size);
        outbox.put(transmit, bytes);
        send(&near, &mut outbox);
    };
    // Another family, a network that loopback does not reach, a port that is none, more than UDP can carry.
    refused("[2001:db8::1]:9", 10);
    refused("192.0.2.1:9", 10);
    refused("127.0.0.1:0", 10);
    refused("127.0.0.1:9", 100_000);
    let (transmit, bytes) = run(near.local(), far.local().address, 2_400, 1_200);
    outbox.put(transmit, bytes);
    send(&near, &mut outbox);
    assert_eq!(receive(&far, 2).len(), 2);
}

#[test]
fn nothing_to_receive_is_no_error_but_would_block() {
    let [near, _far] = pair();
    let mut inbox = Inbox::default();
    assert_eq!(near.receive(&mut inbox).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(inbox.is_empty());
}

#[test]
fn a_message_that_is_kept_keeps_no_large_buffer() {
    let [near, far] = pair();
    let mut outbox = Outbox::default();
    let (transmit, bytes) = run(near.local(), far.local().address, 100, 100);
    outbox.put(transmit, bytes);
    send(&near, &mut outbox);
    let datagram = receive(&far, 1).remove(0);
    assert!(datagram.data.capacity() <= 200, "{} bytes for 100", datagram.data.capacity());
}

#[test]
fn a_socket_on_a_wildcard_answers_from_where_it_was_asked() {
    let settings =
        SocketSettings { addresses: vec![Ipv4Addr::UNSPECIFIED.into()], ..SocketSettings::default() };
    let [bound] = settings.bind().unwrap().try_into().unwrap();
    let port = bound.local.address.port();
    let wild = Socket::new(bound.socket, bound.local, &settings).unwrap();
    let [near, _] = pair();
    let mut outbox = Outbox::default();
    // Not the address that the system would answer from.
    let asked = SocketAddr::from(([127, 0, 0, 5], port));
    let (transmit, bytes) = run(near.local(), asked, 10, 10);
    outbox.put(transmit, bytes);
    send(&near, &mut outbox);
    let question = &receive(&wild, 1)[0];
    assert_eq!((question.path.local, question.path.remote), (asked, near.local().address));
    outbox.put(Transmit { path: question.path, ..transmit }, vec![7; 10]);
    send(&wild, &mut outbox);
    assert_eq!(receive(&near, 1)[0].path.remote, asked);
}
