use crate::base::io::{IoId, IoRequest, IoResponse, StreamName};
use crate::base::media::MediaKind;
use crate::base::net::{Datagram, Ecn, LocalAddress, SocketId};
use crate::base::time::Instant;
use crate::crypto::CryptoProvider;
use crate::data::channel::DataChannelInit;
use crate::endpoint::{Endpoint, PeerId};
use crate::peer::{Configuration, IceServer, Init, PeerConnection};
use crate::signaling::local::RtcpMuxPolicy;
use crate::signaling::transceiver::RtpTransceiverInit;
use crate::transport::HostAddresses;
use bytes::BytesMut;
use std::time::SystemTime;

const NOW: Instant = Instant::ZERO;

fn init(number: u8) -> Init {
    let (wall_clock, crypto) = (SystemTime::UNIX_EPOCH, CryptoProvider::default());
    Init { now: NOW, wall_clock, seed: [number; 32], crypto }
}

/// A peer that has begun to gather.
fn gathering(endpoint: &mut Endpoint, number: u8, servers: &[IceServer], hosts: HostAddresses) -> PeerId {
    let configuration =
        Configuration { ice_servers: servers.to_vec(), host_addresses: hosts, ..Configuration::default() };
    let mut connection = PeerConnection::new(configuration, init(number)).unwrap();
    connection.create_data_channel("", DataChannelInit::default()).unwrap();
    let id = endpoint.add(connection);
    endpoint.peer_mut(id).unwrap().set_local_description(NOW, None).unwrap();
    id
}

fn endpoint() -> Endpoint {
    let mut endpoint = Endpoint::new([7; 32]);
    let address = "192.0.2.1:4000".parse().unwrap();
    endpoint.add_local_address(NOW, LocalAddress::udp(SocketId(0), address));
    endpoint
}

fn resolve(endpoint: &mut Endpoint) -> (IoId, String) {
    match endpoint.poll_io_request() {
        Some(IoRequest::Resolve { id, host }) => (id, host.into_string()),
        other => panic!("{other:?}"),
    }
}

fn connect(endpoint: &mut Endpoint, name: IoId) -> IoId {
    endpoint.handle_io_response(NOW, name, IoResponse::Resolved(vec!["203.0.113.9".parse().unwrap()]));
    match endpoint.poll_io_request() {
        Some(IoRequest::Connect { id, to, .. }) => {
            assert_eq!(to.to_string(), "203.0.113.9:3478");
            id
        }
        other => panic!("{other:?}"),
    }
}

fn connected(socket: u32) -> IoResponse {
    IoResponse::Connected(LocalAddress::tcp(SocketId(socket), "192.0.2.1:5000".parse().unwrap()))
}

#[test]
fn requests_of_peers_have_numbers_of_their_own_and_answers_find_them() {
    let mut endpoint = endpoint();
    let turn = |host: &str| [IceServer::turn(&format!("turn:{host}?transport=tcp"), "me", "secret")];
    let one = gathering(&mut endpoint, 1, &turn("one.example"), HostAddresses::Shown);
    let other = gathering(&mut endpoint, 2, &turn("other.example"), HostAddresses::Shown);
    let (first, host) = resolve(&mut endpoint);
    assert_eq!(host, "one.example");
    let (second, host) = resolve(&mut endpoint);
    assert_eq!(host, "other.example");
    assert_ne!(first, second);
    assert_eq!(endpoint.poll_io_request(), None);

    // The later one first: what comes of it is that peer's.
    let stream = connect(&mut endpoint, second);
    endpoint.handle_io_response(NOW, stream, connected(5));
    let mut buffer = Vec::new();
    let (peer, transmit) = endpoint.poll_transmit(NOW, &mut buffer).unwrap();
    assert_eq!((peer, transmit.path.socket), (other, SocketId(5)), "it asks for an allocation");

    // Of a peer that is gone, nothing stays open, and nothing is opened for it.
    assert!(endpoint.remove(other).is_some());
    let close = |id| Some(IoRequest::Close { stream: StreamName::Requested(id) });
    assert_eq!(endpoint.poll_io_request(), close(stream));
    endpoint.handle_stream_closed(NOW, SocketId(5));
    let stream = connect(&mut endpoint, first);
    endpoint.remove(one);
    assert_eq!(endpoint.poll_io_request(), close(stream));
    endpoint.handle_io_response(NOW, stream, connected(6));
    assert_eq!(endpoint.poll_io_request(), close(stream), "it was opened all the same");
    assert_eq!(endpoint.poll_io_request(), None);
}

#[test]
fn what_a_peer_gives_up_is_closed_under_the_number_that_the_driver_knows() {
    let mut endpoint = endpoint();
    let turn = [IceServer::turn("turn:one.example?transport=tcp", "me", "secret")];
    // Numbers of the endpoint are not those of the peer.
    gathering(&mut endpoint, 1, &turn, HostAddresses::Shown);
    let peer = gathering(&mut endpoint, 2, &turn, HostAddresses::Shown);
    resolve(&mut endpoint);
    let (name, _) = resolve(&mut endpoint);
    let stream = connect(&mut endpoint, name);
    endpoint.handle_io_response(NOW, stream, connected(5));
    endpoint.peer_mut(peer).unwrap().close(NOW);
    assert_eq!(endpoint.poll_io_request(), None, "its farewell goes along that stream");
    while endpoint.poll_transmit(NOW, &mut Vec::new()).is_some() {}
    let closed = std::iter::from_fn(|| endpoint.poll_io_request()).collect::<Vec<_>>();
    assert_eq!(closed, [IoRequest::Close { stream: StreamName::Requested(stream) }]);
    endpoint.remove(peer);
    assert_eq!(endpoint.poll_io_request(), None, "once is enough");
}

/// A question for the address that `name` stands for (RFC 1035 §4.1, RFC 6762 §5.4: an answer to the one who asks).
fn question(name: &str) -> BytesMut {
    let mut message = BytesMut::from(&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..]);
    for label in name.split('.') {
        message.extend_from_slice(&[label.len() as u8]);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0x80, 1]);
    message
}

#[test]
fn the_group_of_multicast_dns_is_joined_once_for_all() {
    let mut endpoint = endpoint();
    let mut peers = vec![
        gathering(&mut endpoint, 1, &[], HostAddresses::Named),
        gathering(&mut endpoint, 2, &[], HostAddresses::Named),
    ];
    let Some(IoRequest::JoinMdns { id }) = endpoint.poll_io_request() else { panic!("nobody joins") };
    assert_eq!(endpoint.poll_io_request(), None);
    let group = LocalAddress::udp(SocketId(1), "192.0.2.1:5353".parse().unwrap());
    endpoint.handle_io_response(NOW, id, IoResponse::Joined(vec![group]));
    peers.push(gathering(&mut endpoint, 3, &[], HostAddresses::Named));
    assert_eq!(endpoint.poll_io_request(), None, "it is joined already");
    let path = group.to("192.168.0.77:5353".parse().unwrap());
    for peer in peers {
        let sdp = &endpoint.peer(peer).unwrap().local_description().unwrap().sdp;
        let name = sdp.split(' ').find(|word| word.ends_with(".local")).unwrap().to_owned();
        endpoint.handle_datagram(NOW, Datagram { path, ecn: Ecn::NotEct, data: question(&name) });
        let mut buffer = Vec::new();
        let answers: Vec<_> = std::iter::from_fn(|| endpoint.poll_transmit(NOW, &mut buffer)).collect();
        let [(answers, transmit)] = answers[..] else { panic!("{answers:?}") };
        assert_eq!((answers, transmit.path), (peer, path));
    }
}

#[test]
fn addresses_of_the_endpoint_are_those_of_every_peer() {
    let mut endpoint = endpoint();
    let peer = gathering(&mut endpoint, 1, &[], HostAddresses::Shown);
    let sdp = |endpoint: &Endpoint| endpoint.peer(peer).unwrap().local_description().unwrap().sdp.clone();
    assert!(sdp(&endpoint).contains("192.0.2.1 4000"));
    let second = LocalAddress::udp(SocketId(2), "198.51.100.7:4000".parse().unwrap());
    endpoint.add_local_address(NOW, second);
    assert!(sdp(&endpoint).contains("198.51.100.7 4000"));
    endpoint.remove_local_address(NOW, second);
    let late = gathering(&mut endpoint, 2, &[], HostAddresses::Shown);
    let late = endpoint.peer(late).unwrap().local_description().unwrap().sdp.clone();
    assert!(late.contains("192.0.2.1 4000") && !late.contains("198.51.100.7"));
}

#[test]
fn a_port_for_one_peer_is_closed_with_it() {
    let mut endpoint = endpoint();
    let mut ask = |number: u8| {
        let configuration =
            Configuration { rtcp_mux_policy: RtcpMuxPolicy::Negotiate, ..Configuration::default() };
        let mut connection = PeerConnection::new(configuration, init(number)).unwrap();
        connection.add_transceiver(MediaKind::Audio, RtpTransceiverInit::default()).unwrap();
        let peer = endpoint.add(connection);
        endpoint.peer_mut(peer).unwrap().set_local_description(NOW, None).unwrap();
        let Some(IoRequest::Bind { id, at }) = endpoint.poll_io_request() else { panic!("a request") };
        assert_eq!(at.to_string(), "192.0.2.1");
        let port = LocalAddress::udp(SocketId(number.into()), (at, 4_000 + u16::from(number)).into());
        endpoint.handle_io_response(NOW, id, IoResponse::Bound(port));
        let text = &endpoint.peer(peer).unwrap().local_description().unwrap().sdp;
        let own = format!("192.0.2.1 {} typ host", port.address.port());
        assert!(text.lines().any(|line| line.contains(" 2 udp ") && line.contains(&own)), "{text}");
        (peer, id)
    };
    let [(first, port), (_, other)] = [1, 2].map(&mut ask);
    assert_ne!(port, other);
    endpoint.remove(first);
    let close = IoRequest::Close { stream: StreamName::Requested(port) };
    assert_eq!(endpoint.poll_io_request(), Some(close));
    assert_eq!(endpoint.poll_io_request(), None);
    // An answer that comes too late is closed at once.
    endpoint.handle_io_response(
        NOW,
        port,
        IoResponse::Bound(LocalAddress::udp(SocketId(9), "192.0.2.1:9".parse().unwrap())),
    );
    assert_eq!(endpoint.poll_io_request(), Some(IoRequest::Close { stream: StreamName::Requested(port) }));
}
