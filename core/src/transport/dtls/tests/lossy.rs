//! Handshakes over networks that lose, repeat and reorder.

use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::traits::Group;
use crate::transport::dtls::config::{Config, Retransmit};
use crate::transport::dtls::tests::{DELAY, Fate, Pair, config, config_13};
use crate::transport::dtls::{DtlsTransportState, Event};
use crate::wire::dtls::codepoints::ProtocolVersion;
use quickcheck::{TestResult, quickcheck};
use std::time::Duration;

/// Loses about `loss` of 100 datagrams, repeats some, and delays each by up to `spread`.
fn bad_network(seed: u64, loss: u64, spread: Duration) -> impl FnMut(bool, &[u8]) -> Fate {
    let mut rng = Rng::from_number(seed);
    move |_, _| {
        let copies = if rng.jitter() % 100 < 20 { 2 } else { 1 };
        let mut fate = Fate::new();
        for _ in 0..copies {
            if rng.jitter() % 100 >= loss {
                fate.push(DELAY + spread.mul_f64(rng.jitter_unit()));
            }
        }
        fate
    }
}

fn with_mtu(mtu: usize) -> Config {
    Config { mtu, ..config() }
}

fn with_mtu_13(mtu: usize) -> Config {
    Config { mtu, ..config_13() }
}

quickcheck! {
    fn a_handshake_survives_loss_repetition_and_disorder(seed: u64, loss: u8, mtu: u16) -> TestResult {
        let (loss, mtu) = (u64::from(loss) % 40, 150 + usize::from(mtu) % 1_100);
        let mut network = bad_network(seed, loss, Duration::from_millis(150));
        let mut pair = Pair::new(with_mtu(mtu), with_mtu(mtu));
        let until = Instant::from_millis(3_600_000);
        while !pair.is_connected() {
            if !pair.step(until, &mut network) {
                return TestResult::error(format!("not connected after an hour: {:?}", pair.client.dtls));
            }
        }
        pair.assert_connected();
        TestResult::passed()
    }

    fn a_handshake_of_1_3_survives_loss_repetition_and_disorder(seed: u64, loss: u8, mtu: u16, hard: bool) -> TestResult {
        let (loss, mtu) = (u64::from(loss) % 40, 150 + usize::from(mtu) % 1_100);
        let mut network = bad_network(seed, loss, Duration::from_millis(150));
        let (mut client, mut server) = (with_mtu_13(mtu), with_mtu_13(mtu));
        if hard {
            // Another round trip, and large messages.
            (client.groups, client.key_shares) = (vec![Group::X25519MlKem768, Group::X25519], vec![Group::X25519]);
            (server.groups, server.cookie) = (vec![Group::X25519MlKem768], true);
        }
        let mut pair = Pair::new(client, server);
        let until = Instant::from_millis(3_600_000);
        while !pair.is_connected() || pair.client.dtls.poll_timeout().is_some() {
            if !pair.step(until, &mut network) {
                return TestResult::error(format!("not connected after an hour: {:?}", pair.client.dtls));
            }
        }
        pair.assert_connected();
        assert_eq!(pair.client.dtls.version(), Some(ProtocolVersion::Dtls13));
        TestResult::passed()
    }
}

/// Loses the `n`th datagram, counted over both directions.
fn losing(n: usize) -> impl FnMut(bool, &[u8]) -> Fate {
    let mut count = 0;
    move |_, _| {
        count += 1;
        if count == n + 1 { vec![] } else { vec![DELAY] }
    }
}

#[test]
fn any_single_datagram_may_be_lost() {
    for mtu in [300, 1_200] {
        for n in 0.. {
            let mut sent = 0;
            for config in [with_mtu(mtu), with_mtu_13(mtu)] {
                let mut pair = Pair::new(config.clone(), config);
                let mut network = losing(n);
                pair.run_with(Duration::from_secs(20), &mut network);
                pair.assert_connected();
                sent = sent.max(pair.client.sent.len() + pair.server.sent.len());
            }
            if sent <= n {
                break;
            }
        }
    }
}

#[test]
fn the_last_flight_is_repeated_on_demand() {
    let mut pair = Pair::default_config();
    let mut lost = 0;
    pair.run_with(Duration::from_secs(60), &mut |to_server, datagram| {
        // The server's second flight begins with `ChangeCipherSpec`.
        let is_last = !to_server && datagram[0] == 20;
        lost += usize::from(is_last && lost < 3);
        if is_last && lost < 3 { vec![] } else { vec![DELAY] }
    });
    pair.assert_connected();
    assert_eq!(lost, 3);
    assert_eq!(pair.server.events.len(), 2);
}

/// The server may send at once what the client cannot read before it has seen `Finished`.
#[test]
fn early_application_data_waits_for_finished() {
    let mut pair = Pair::default_config();
    let mut held = Vec::new();
    while pair.server.dtls.state() != DtlsTransportState::Connected {
        assert!(pair.step(Instant::from_millis(9_000), &mut |_, _| vec![DELAY]));
    }
    pair.transmit(&mut |_, datagram| {
        held.push(datagram.to_vec());
        vec![]
    });
    for text in [&b"first"[..], b"second"] {
        let record = pair.server.seal(text);
        pair.client.handle(pair.now, &record);
    }
    assert!(pair.client.received.is_empty());
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Connecting);
    held.iter().for_each(|datagram| pair.client.handle(pair.now, datagram));
    assert!(matches!(pair.client.events[..], [Event::Connecting, Event::Connected(_)]));
    assert_eq!(pair.client.received, [&b"first"[..], b"second"]);
    assert_eq!(pair.client.dtls.drops().total(), 0);
}

/// Everything that a server gets in one flight, turned round.
#[test]
fn a_flight_in_reverse_is_understood() {
    let mut pair = Pair::new(with_mtu(100), with_mtu(100));
    for _ in 0..6 {
        let mut flight = Vec::new();
        pair.transmit(&mut |to_server, datagram| {
            flight.push((to_server, datagram.to_vec()));
            vec![]
        });
        for (to_server, datagram) in flight.into_iter().rev() {
            let side = if to_server { &mut pair.server } else { &mut pair.client };
            side.handle(pair.now, &datagram);
        }
    }
    pair.assert_connected();
    assert_eq!(pair.client.dtls.drops().total() + pair.server.dtls.drops().total(), 0);
}

#[test]
fn waits_double_up_to_the_cap() {
    let mut pair = Pair::default_config();
    let mut times = Vec::new();
    while times.len() < 9 {
        let now = pair.now;
        assert!(pair.step(Instant::from_millis(1_000_000), &mut |_, _| {
            times.push(now.as_micros() / 1_000_000);
            vec![]
        }));
    }
    assert_eq!(times[..9], [0, 1, 2, 4, 8, 16, 32, 64, 124]);
}

#[test]
fn on_a_proven_path_a_flight_is_sent_twice_before_waits_double() {
    let config = || Config { retransmit: Retransmit { twice: 3, ..Retransmit::default() }, ..config() };
    let mut pair = Pair::new(config(), config());
    let mut times = Vec::new();
    while times.len() < 11 {
        let now = pair.now;
        assert!(pair.step(Instant::from_millis(1_000_000), &mut |_, _| {
            times.push(now.as_micros() / 1_000_000);
            vec![]
        }));
    }
    assert_eq!(times[..11], [0, 1, 1, 2, 2, 3, 3, 4, 6, 10, 18]);
}

#[test]
fn on_a_path_that_loses_flights_begin_twice() {
    for (twice, copies) in [(0, 1), (3, 2)] {
        let config = || Config { retransmit: Retransmit { twice, ..Retransmit::default() }, ..config() };
        let mut pair = Pair::at_rest(config(), config());
        pair.client.dtls.note_loss();
        pair.client.dtls.start(pair.now);
        let mut sent = 0;
        pair.transmit(&mut |_, _| {
            sent += 1;
            vec![]
        });
        assert_eq!(sent, copies);
        assert_eq!(pair.client.dtls.poll_timeout(), Some(Instant::from_millis(1_000)), "and no sooner again");
    }
}

#[test]
fn the_round_trip_time_sets_the_first_wait() {
    for (rtt, wait) in [(1, 50), (40, 50), (2_000, 2_500), (99_000, 60_000)] {
        let mut pair = Pair::at_rest(config(), config());
        pair.client.dtls.set_rtt(Duration::from_millis(rtt));
        pair.client.dtls.start(pair.now);
        assert_eq!(pair.client.dtls.poll_timeout(), None, "nothing was sent yet");
        pair.transmit(&mut |_, _| vec![]);
        assert_eq!(pair.client.dtls.poll_timeout(), Some(Instant::from_millis(wait)));
    }
}

/// Each datagram of the peer's flight, seen again, draws our flight at most once.
#[test]
fn repetitions_are_answered_sparingly() {
    let mut pair = Pair::default_config();
    let mut hello = Vec::new();
    pair.transmit(&mut |_, datagram| {
        hello = datagram.to_vec();
        vec![]
    });
    pair.server.handle(pair.now, &hello);
    pair.transmit(&mut |_, _| vec![]);
    let flight = pair.server.sent.len();
    (0..50).for_each(|_| pair.server.handle(pair.now, &hello));
    pair.transmit(&mut |_, _| vec![]);
    assert_eq!(pair.server.sent.len(), flight, "too soon");
    pair.now += Duration::from_millis(25);
    (0..50).for_each(|_| pair.server.handle(pair.now, &hello));
    pair.transmit(&mut |_, _| vec![]);
    assert_eq!(pair.server.sent.len(), 2 * flight);
}

/// RFC 9147 §7.2: what arrived is not sent again.
#[test]
fn only_what_was_lost_is_repeated() {
    let mut pair = Pair::new(with_mtu_13(300), with_mtu_13(300));
    let (mut server_sent, mut lost) = (0, 0);
    pair.run_with(Duration::from_secs(20), &mut |to_server, _| {
        server_sent += usize::from(!to_server);
        // Of the server's flight the third datagram.
        if !to_server && server_sent == 3 {
            lost += 1;
            return vec![];
        }
        vec![DELAY]
    });
    pair.assert_connected();
    let whole: usize = pair.server.sent[..4].iter().map(Vec::len).sum();
    let mut lossless = Pair::new(with_mtu_13(300), with_mtu_13(300));
    lossless.run();
    assert_eq!((lost, pair.server.sent.len()), (1, lossless.server.sent.len() + 1), "of {whole} bytes");
}

/// RFC 9147 §7.1: what overtook `ServerHello` cannot be read, and says that something is lost before the timer does.
#[test]
fn a_lost_server_hello_is_noticed_early() {
    let mut pair = Pair::new(with_mtu_13(200), with_mtu_13(200));
    let mut server_sent = 0;
    while !pair.is_connected() {
        assert!(pair.step(Instant::from_millis(900), &mut |to_server, _| {
            server_sent += usize::from(!to_server);
            if !to_server && server_sent == 1 { vec![] } else { vec![DELAY] }
        }));
    }
    assert!(pair.now < Instant::from_millis(400), "{:?}", pair.now);
}

/// A client's last flight is repeated until it is acknowledged, and then no more.
#[test]
fn the_client_s_last_flight_is_repeated_until_acknowledged() {
    let mut pair = Pair::new(config_13(), config_13());
    let mut client_sent = 0;
    pair.run_with(Duration::from_secs(30), &mut |to_server, _| {
        client_sent += usize::from(to_server);
        if to_server && (2..5).contains(&client_sent) { vec![] } else { vec![DELAY] }
    });
    pair.assert_connected();
    // The server repeats itself, too, which asks for another one.
    assert_eq!(pair.client.sent.len(), 6);
    // The acknowledgement lost: the same flight again, and the same answer.
    let mut pair = Pair::new(config_13(), config_13());
    let mut server_sent = 0;
    pair.run_with(Duration::from_secs(30), &mut |to_server, _| {
        server_sent += usize::from(!to_server);
        if !to_server && (2..4).contains(&server_sent) { vec![] } else { vec![DELAY] }
    });
    pair.assert_connected();
    assert_eq!((pair.client.sent.len(), pair.server.sent.len()), (4, 4));
    assert_eq!((pair.client.events.len(), pair.server.events.len()), (2, 2));
}

/// A client may send at once what the server cannot deliver before it has seen who the client is.
#[test]
fn early_application_data_of_1_3_waits_for_the_client_s_certificate() {
    let mut pair = Pair::new(config_13(), config_13());
    while pair.client.dtls.state() != DtlsTransportState::Connected {
        assert!(pair.step(Instant::from_millis(9_000), &mut |_, _| vec![DELAY]));
    }
    for text in [&b"first"[..], b"second"] {
        let record = pair.client.seal(text);
        pair.server.handle(pair.now, &record);
    }
    assert!(pair.server.received.is_empty());
    pair.run();
    assert_eq!(pair.server.received, [&b"first"[..], b"second"]);
    assert_eq!(pair.server.dtls.drops().total(), 0);
}
