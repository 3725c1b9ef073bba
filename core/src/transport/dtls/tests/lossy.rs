//! Handshakes over networks that lose, repeat and reorder.

use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::transport::dtls::config::Config;
use crate::transport::dtls::tests::{DELAY, Fate, Pair, config};
use crate::transport::dtls::{DtlsTransportState, Event};
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
    let mut config = config();
    config.mtu = mtu;
    config
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
            let mut pair = Pair::new(with_mtu(mtu), with_mtu(mtu));
            let mut network = losing(n);
            pair.run_with(Duration::from_secs(20), &mut network);
            pair.assert_connected();
            let sent = pair.client.sent.len() + pair.server.sent.len();
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
    assert_eq!(times[..9], [0, 1, 3, 7, 15, 31, 63, 123, 183]);
}

#[test]
fn the_round_trip_time_sets_the_first_wait() {
    for (rtt, wait) in [(1, 50), (40, 80), (2_000, 4_000), (99_000, 60_000)] {
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
