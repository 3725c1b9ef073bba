//! Connection ids: every combination of who wants some, changes of them, and records of other connections.

use crate::base::drops::DropReason;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Config;
use crate::transport::dtls::tests::{DELAY, Pair, config, config_13};
use crate::transport::dtls::{Connection, SealError, State};
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::connection_id::ConnectionId;
use crate::wire::dtls::message13::{Message13, NewConnectionId, RequestConnectionId, Usage};
use std::time::Duration;

const LENGTHS: [Option<u8>; 5] = [None, Some(0), Some(1), Some(8), Some(20)];

fn pair(base: &Config, client: Option<u8>, server: Option<u8>) -> Pair {
    let with = |connection_id| Config { connection_id, ..base.clone() };
    let mut pair = Pair::new(with(client), with(server));
    pair.run();
    pair
}

fn connected(base: &Config) -> Pair {
    let mut pair = pair(base, Some(8), Some(5));
    pair.assert_connected();
    pair
}

fn remote_id(dtls: &Connection) -> &[u8] {
    dtls.remote_connection_id().unwrap().as_bytes()
}

/// Where an id stands in a record.
fn id_at(record: &[u8]) -> usize {
    if record[0] == 25 { 11 } else { 1 }
}

fn say(dtls: &mut Connection, message: &Message13) {
    let State::Connected(established) = &mut dtls.state else { panic!("connected") };
    established.say(message);
}

#[test]
fn each_side_names_its_records_as_the_other_has_asked() {
    for base in [config(), config_13()] {
        for (client, server) in LENGTHS.into_iter().flat_map(|c| LENGTHS.map(|s| (c, s))) {
            let mut pair = pair(&base, client, server);
            pair.assert_connected();
            let drops = [pair.client.dtls.drops().total(), pair.server.dtls.drops().total()];
            assert_eq!(drops, [0, 0], "{client:?} {server:?}");
            // Who does not speak of ids gets none, whatever it offers itself.
            let both = client.is_some() && server.is_some();
            let expected = |len: Option<u8>| if both { usize::from(len.unwrap_or(0)) } else { 0 };
            for (side, len) in [(&mut pair.client, expected(server)), (&mut pair.server, expected(client))] {
                let id = remote_id(&side.dtls).to_vec();
                assert_eq!(id.len(), len);
                assert_eq!(side.dtls.version(), base.versions.first().copied());
                let record = side.seal(b"content");
                let named = record[0] == 25 || record[0] & 0b1111_0000 == 0b0011_0000;
                assert_eq!(named, len > 0, "{:08b}", record[0]);
                let at = id_at(&record);
                assert_eq!(&record[at..at + len], id);
                assert_eq!(record.len(), b"content".len() + side.dtls.record_overhead());
            }
        }
    }
}

#[test]
fn ids_survive_cookies_small_datagrams_and_loss() {
    for base in [config(), config_13()] {
        let config = Config { connection_id: Some(20), cookie: true, mtu: 200, ..base };
        let mut pair = Pair::new(config.clone(), config);
        let mut n = 0;
        pair.run_with(Duration::from_secs(60), &mut |_, _| {
            n += 1;
            if n % 7 == 0 { vec![] } else { vec![DELAY] }
        });
        pair.assert_connected();
        let longest = pair.client.sent.iter().chain(&pair.server.sent).map(Vec::len).max().unwrap();
        assert!(longest <= 200, "{longest}");
    }
}

/// Datagrams in the wrong order: data before the server's `Finished`.
#[test]
fn early_data_waits_in_1_2() {
    let with = Config { connection_id: Some(8), ..config() };
    let mut pair = Pair::new(with.clone(), with);
    let mut late = None;
    pair.run_with(Duration::from_millis(200), &mut |to_server, datagram| {
        // The server's second datagram is its last flight.
        if !to_server && datagram.windows(1).any(|w| w[0] == 25) && datagram[0] == 20 {
            late = Some(datagram.to_vec());
            return vec![];
        }
        vec![DELAY]
    });
    assert!(!pair.is_connected());
    let data = pair.server.seal(b"early");
    assert_eq!(data[0], 25);
    pair.client.handle(pair.now, &data);
    assert!(pair.client.received.is_empty());
    pair.client.handle(pair.now, &late.unwrap());
    assert_eq!(pair.client.received.pop().as_deref(), Some(&b"early"[..]));
    assert_eq!(pair.client.dtls.drops().total(), 0);
    pair.assert_connected();
}

#[test]
fn records_of_other_connections_are_dropped_with_all_behind_them() {
    for base in [config(), config_13()] {
        let mut pair = connected(&base);
        let good = pair.client.seal(b"good");
        let mut foreign = pair.client.seal(b"foreign");
        let at = id_at(&foreign);
        foreign[at] ^= 1;
        let behind = pair.client.seal(b"behind");
        pair.server.handle(pair.now, &[&good[..], &foreign, &behind].concat());
        assert_eq!(pair.server.received.len(), 1);
        assert_eq!(pair.server.dropped(DropReason::DtlsConnectionId), 1);
        assert_eq!(pair.server.dtls.drops().total(), 1);
        pair.server.handle(pair.now, &behind);
        assert_eq!(pair.server.received.len(), 2);
    }
}

/// RFC 9146 §4, RFC 9147 §4: where ids were agreed on, a datagram without one is for nobody.
#[test]
fn records_without_an_id_are_dropped() {
    for base in [config(), config_13()] {
        let mut named = connected(&base);
        let mut plain = pair(&base, None, None);
        let record = plain.client.seal(b"without");
        named.server.handle(named.now, &record);
        assert_eq!(named.server.dropped(DropReason::DtlsConnectionId), 1);
        let record = named.client.seal(b"with");
        plain.server.handle(plain.now, &record);
        assert_eq!(plain.server.dropped(DropReason::DtlsConnectionId), 1);
        assert_eq!(plain.server.dtls.drops().total(), 1);
        assert!(plain.server.received.is_empty() && named.server.received.is_empty());
    }
}

/// RFC 9147 §4: only the first record of a datagram has to be named.
#[test]
fn the_id_of_a_datagram_may_stand_in_its_first_record_alone() {
    let mut pair = connected(&config_13());
    let named = pair.client.seal(b"named");
    // A client that would leave the id out.
    let State::Connected(established) = &mut pair.client.dtls.state else { panic!("connected") };
    established.sender.set_connection_id(ConnectionId::default());
    let silent = pair.client.seal(b"silent");
    pair.server.handle(pair.now, &[&named[..], &silent].concat());
    assert_eq!(pair.server.received.len(), 2);
    let silent = pair.client.seal(b"silent");
    pair.server.handle(pair.now, &silent);
    assert_eq!(pair.server.dropped(DropReason::DtlsConnectionId), 1);
}

#[test]
fn another_path_gets_another_id() {
    let mut pair = connected(&config_13());
    let first = remote_id(&pair.client.dtls).to_vec();
    let overtaken = pair.client.seal(b"overtaken");
    let mut seen = vec![first];
    for _ in 0..20 {
        pair.client.dtls.change_path();
        let id = remote_id(&pair.client.dtls).to_vec();
        assert!(!seen.contains(&id), "an id is used on one path");
        seen.push(id);
        pair.talk(b"a", b"b");
        pair.run();
        assert!(pair.server.dtls.local_connection_ids().len() <= 4, "old ones are forgotten");
        if seen.len() == 2 {
            pair.server.handle(pair.now, &overtaken);
            assert_eq!(pair.server.received.pop().as_deref(), Some(&b"overtaken"[..]));
        }
    }
    assert_eq!(pair.server.dtls.drops().total(), 0);
    // Without news of the peer there are two to spare, and then the last is kept.
    let mut ids: Vec<_> = (0..5)
        .map(|_| {
            pair.client.dtls.change_path();
            remote_id(&pair.client.dtls).to_vec()
        })
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 2);
    // In 1.2 there is but the one.
    let mut pair = connected(&config());
    let before = remote_id(&pair.client.dtls).to_vec();
    pair.client.dtls.change_path();
    assert_eq!(remote_id(&pair.client.dtls), before);
    assert!(!pair.client.dtls.renew_connection_id());
}

#[test]
fn a_side_can_have_its_id_replaced_at_once() {
    let mut pair = connected(&config_13());
    for _ in 0..20 {
        let before = remote_id(&pair.client.dtls).to_vec();
        assert!(pair.server.dtls.renew_connection_id());
        pair.run();
        assert_ne!(remote_id(&pair.client.dtls), before);
        pair.talk(b"a", b"b");
        let old = ConnectionId::new(&before);
        pair.client.dtls.change_path();
        pair.talk(b"c", b"d");
        assert!(!pair.server.dtls.local_connection_ids().contains(&old));
        pair.run();
    }
    let mut none = pair_without_ids();
    assert!(!none.server.dtls.renew_connection_id());
}

fn pair_without_ids() -> Pair {
    pair(&config_13(), None, None)
}

/// The owner holds a record half written when the peer asks for a longer id.
#[test]
fn a_record_that_was_begun_takes_the_id_of_its_end() {
    let mut pair = connected(&config_13());
    let mut out = b"before".to_vec();
    let start = pair.client.dtls.begin_record(&mut out).unwrap();
    out.extend_from_slice(b"content");
    let id = ConnectionId::new(&[9; 40]);
    let State::Connected(established) = &mut pair.client.dtls.state else { panic!("connected") };
    established.sender.set_connection_id(id.clone());
    assert_eq!(pair.client.dtls.finish_record(start, &mut out), Ok::<(), SealError>(()));
    assert!(out.starts_with(b"before") && out[7..].starts_with(id.as_bytes()));
    assert_eq!(out.len(), 6 + 7 + pair.client.dtls.record_overhead());
}

/// RFC 9147 §9: "MUST terminate the connection".
#[test]
fn who_speaks_of_ids_that_were_not_agreed_on_ends_the_connection() {
    let ids = vec![ConnectionId::new(b"an id")];
    let new = Message13::NewConnectionId(NewConnectionId { ids, usage: Usage::Spare });
    let request = Message13::RequestConnectionId(RequestConnectionId { count: 1 });
    for (message, got) in
        [(&new, HandshakeType::NewConnectionId), (&request, HandshakeType::RequestConnectionId)]
    {
        let mut pair = pair_without_ids();
        say(&mut pair.client.dtls, message);
        pair.run();
        let failure = Failure::UnexpectedMessage { expected: "KeyUpdate", got };
        assert_eq!(pair.server.dtls.failure(), Some(failure));
    }
    let empty = NewConnectionId { ids: vec![ConnectionId::default()], usage: Usage::Immediate };
    let mut pair = connected(&config_13());
    say(&mut pair.client.dtls, &Message13::NewConnectionId(empty));
    pair.run();
    assert_eq!(pair.server.dtls.failure(), Some(Failure::IllegalParameter("connection id")));
}

/// However many it asks for, and however often.
#[test]
fn attack_30_a_peer_that_asks_for_ids_without_end_gets_few() {
    let mut pair = connected(&config_13());
    for _ in 0..50 {
        say(&mut pair.client.dtls, &Message13::RequestConnectionId(RequestConnectionId { count: 255 }));
        pair.run();
        let ids: Vec<_> = (0..32).map(|n| ConnectionId::new(&[n, 1, 2])).collect();
        let new = NewConnectionId { ids, usage: Usage::Spare };
        say(&mut pair.client.dtls, &Message13::NewConnectionId(new));
        pair.run();
        assert!(pair.server.dtls.local_connection_ids().len() <= 8);
    }
    // The one in use is still among them, and of those that were given two were kept.
    pair.talk(b"a", b"b");
    let mut ids: Vec<_> = (0..9)
        .map(|_| {
            pair.server.dtls.change_path();
            remote_id(&pair.server.dtls).to_vec()
        })
        .collect();
    ids.dedup();
    assert!(ids.len() <= 2);
}
