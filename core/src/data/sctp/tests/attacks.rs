//! Rows 20 to 27 and 30 of the list of attacks, as far as an association stops them.

use crate::base::drops::DropReason;
use crate::base::seq::{Serial16, Serial32};
use crate::data::sctp::config::Config;
use crate::data::sctp::cookie::Cookie;
use crate::data::sctp::event::{CloseReason, Event};
use crate::data::sctp::tests::{Link, Net, association, pattern, plain};
use crate::wire::sctp::chunk::{Chunk, Init};
use crate::wire::sctp::data::{Data, DataFlags, ForwardTsn, IData, IForwardTsn, SkippedMessages, put_sack};
use crate::wire::sctp::param::{ParamType, Params, put_param};
use crate::wire::sctp::reconfig::{Reconfig, ReconfigResult, StreamList};
use crate::wire::sctp::{Packet, fill_checksum, put_chunk};
use bytes::Bytes;
use quickcheck::quickcheck;

/// Two ends that are up; the second one's place is taken by an attacker who knows everything.
fn victim(config: Config) -> Net {
    let mut net = Net::with(Link::default(), [config.clone(), config], 3);
    net.connect();
    net.run(2_000);
    net
}

/// A packet to the first end with what `body` writes.
fn forge(net: &Net, body: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::new();
    net.ends[1].header(net.ends[0].local.tag).write(&mut out);
    body(&mut out);
    fill_checksum(&mut out, 0);
    out.into()
}

fn hit(net: &mut Net, body: impl FnOnce(&mut Vec<u8>)) {
    let packet = forge(net, body);
    net.ends[0].handle_packet(net.now, packet.into());
}

fn drops(net: &Net, reason: DropReason) -> u64 {
    net.ends[0].drops().of(reason)
}

/// The association still works both ways.
fn still_works(net: &mut Net) {
    let before = (net.message_count(0), net.message_count(1));
    net.send(0, 77, pattern(5_000, 1));
    net.run(3_000);
    assert_eq!((net.message_count(0), net.message_count(1)), (before.0, before.1 + 1), "{:?}", net.ends);
}

#[test]
fn attack_20_chunks_of_no_length_or_beyond_the_packet() {
    let mut net = victim(Config::default());
    for tail in [[0u8, 3, 0, 0], [0, 3, 0, 3], [0, 3, 0xff, 0xff], [3, 0, 0, 5], [130, 0, 0, 200]] {
        hit(&mut net, |out| {
            Chunk::Heartbeat(Params::default()).write(out);
            out.extend_from_slice(&tail);
        });
    }
    assert_eq!(drops(&net, DropReason::SctpMalformed), 5);
    still_works(&mut net);
}

#[test]
fn attack_21_init_with_a_parameter_across_the_end() {
    let mut net = victim(Config::default());
    let header = net.ends[1].header(0);
    for params in [&[0, 7, 0xff, 0xff, 1, 2][..], &[0, 7, 0, 3], &[0x80, 8, 0, 0], &[0, 7, 0]] {
        let init = Init {
            tag: 9,
            window: 9,
            outbound_streams: 9,
            inbound_streams: 9,
            initial_tsn: Serial32(9),
            params: Params::new(params),
        };
        let mut out = Vec::new();
        header.write(&mut out);
        Chunk::Init(init).write(&mut out);
        fill_checksum(&mut out, 0);
        net.ends[0].handle_packet(net.now, out.as_slice().into());
    }
    assert_eq!(drops(&net, DropReason::SctpMalformed), 4);
    assert_eq!(net.ends[0].poll_transmit(net.now, 1_172, &mut Vec::new()), None);
    still_works(&mut net);
}

#[test]
fn attack_22_sacks_that_cannot_be() {
    let mut net = victim(Config::default());
    (0..5).for_each(|n| net.send(0, 1, pattern(1_100, n)));
    while net.ends[0].poll_transmit(net.now, 1_172, &mut Vec::new()).is_some() {}
    let cumulative = net.ends[1].inbox.tracker.cumulative();
    let many: Vec<_> = (0..250).map(|n| (2 * n + 2, 2 * n + 2)).collect();
    let cases: [(Serial32, &[(u16, u16)]); 8] = [
        (cumulative.plus(6), &[]),
        (cumulative.plus(0x7fff_ffff), &[]),
        (cumulative, &[(3, 2)]),
        (cumulative, &[(0, 1)]),
        (cumulative, &[(2, 4), (3, 5)]),
        (cumulative, &[(4, 4), (2, 2)]),
        (cumulative, &[(2, 65_535)]),
        (cumulative, &many),
    ];
    for (tsn, gaps) in cases {
        hit(&mut net, |out| {
            put_chunk(out, 3, 0, |out| put_sack(out, tsn, 100_000, gaps.iter().copied(), &[]));
        });
    }
    assert_eq!(drops(&net, DropReason::SctpBadSack), 8);
    assert_eq!(net.ends[0].flight.unacked_chunks(), 5);
    // One of the past is ignored: it opens no window and closes none.
    hit(&mut net, |out| {
        put_chunk(out, 3, 0, |out| put_sack(out, cumulative.minus(7), 0, [].into_iter(), &[]));
    });
    assert!(net.ends[0].stats().peer_rwnd > 1 << 20);
    assert!(net.run_until(5_000, |net| net.message_count(1) == 5));
    still_works(&mut net);
}

#[test]
fn attack_23_forward_tsn_to_the_end_of_the_world() {
    let mut net = victim(plain());
    let cumulative = net.ends[0].inbox.tracker.cumulative();
    for tsn in [cumulative.plus(1 << 21), cumulative.plus(0x7fff_ffff), cumulative.minus(5)] {
        hit(&mut net, |out| Chunk::ForwardTsn(ForwardTsn::new(tsn, &[])).write(out));
    }
    assert_eq!(drops(&net, DropReason::SctpBadTsn), 2);
    assert_eq!(net.ends[0].inbox.tracker.cumulative(), cumulative);
    still_works(&mut net);
}

#[test]
fn attack_23_chunks_of_an_extension_that_was_not_negotiated() {
    let flags = DataFlags::BEGIN.with(DataFlags::END);
    for (config, idata) in [(plain(), true), (Config::default(), false)] {
        let mut net = victim(config);
        let tsn = net.ends[0].inbox.tracker.cumulative().next();
        hit(&mut net, |out| {
            if idata {
                IData { flags, tsn, stream: 1, mid: Serial32(0), ppid_or_fsn: 53, payload: b"x" }.write(out);
                Chunk::IForwardTsn(IForwardTsn::new(tsn, &[])).write(out);
            } else {
                Data { flags, tsn, stream: 1, ssn: Serial16(0), ppid: 53, payload: b"x" }.write(out);
                Chunk::ForwardTsn(ForwardTsn::new(tsn, &[])).write(out);
            }
        });
        assert_eq!(drops(&net, DropReason::SctpNotNegotiated), 2);
        assert_eq!(net.message_count(0), 0);
        still_works(&mut net);
    }
}

#[test]
fn attack_24_crafted_message_identifiers() {
    let mut net = victim(Config::default());
    let mut tsn = net.ends[0].inbox.tracker.cumulative();
    let (begin, end) = (DataFlags::BEGIN, DataFlags::END);
    let numbers = [0, 1, 5, 5, u32::MAX, 0x8000_0000, 0x7fff_ffff, 0];
    for unordered in [DataFlags::default(), DataFlags::UNORDERED] {
        for flags in [begin, end, begin.with(end), DataFlags::default()] {
            for (mid, fsn) in numbers.into_iter().flat_map(|mid| numbers.map(|fsn| (mid, fsn))) {
                tsn = tsn.next();
                hit(&mut net, |out| {
                    let (flags, mid) = (flags.with(unordered), Serial32(mid));
                    IData { flags, tsn, stream: 1, mid, ppid_or_fsn: fsn, payload: b"abc" }.write(out);
                    let mut skipped = Vec::new();
                    SkippedMessages { stream: 1, unordered: fsn % 2 == 0, mid }.write(&mut skipped);
                    Chunk::IForwardTsn(IForwardTsn::new(tsn.plus(fsn % 3), &skipped)).write(out);
                });
                while net.ends[0].poll_event().is_some() {}
            }
        }
    }
    assert!(net.ends[0].is_up());
    assert!(net.ends[0].inbox.held() < 1 << 20);
}

#[test]
fn attack_24_partial_messages_without_end() {
    let mut net = victim(Config::default());
    let mut tsn = net.ends[0].inbox.tracker.cumulative();
    for mid in 0..100_000 {
        tsn = tsn.next();
        hit(&mut net, |out| {
            let flags = DataFlags::BEGIN.with(DataFlags::UNORDERED);
            IData { flags, tsn, stream: 1, mid: Serial32(mid), ppid_or_fsn: 53, payload: b"abc" }.write(out);
        });
    }
    assert!(net.ends[0].inbox.held() < 100_000);
    assert!(drops(&net, DropReason::SctpWindow) > 90_000);
}

fn sealed(net: &Net, change: impl FnOnce(&mut Cookie)) -> Vec<u8> {
    let end = &net.ends[0];
    let mut cookie = Cookie { made_at: net.now, local: end.local, peer: end.peer.unwrap(), tie_tags: (0, 0) };
    change(&mut cookie);
    cookie.seal(&*end.cookie_key)
}

#[test]
fn attack_25_forged_cookies() {
    let mut net = victim(Config::default());
    let good = sealed(&net, |_| ());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        hit(&mut net, |out| Chunk::CookieEcho(&bad).write(out));
    }
    for len in [0, 1, 40, good.len() - 1] {
        hit(&mut net, |out| Chunk::CookieEcho(&good[..len]).write(out));
    }
    assert_eq!(drops(&net, DropReason::SctpCookie), good.len() as u64 + 4);
    // Genuine ones that do not belong: other tags, and no tie tags that would make it a restart.
    let other = sealed(&net, |cookie| cookie.peer.tag ^= 1);
    hit(&mut net, |out| Chunk::CookieEcho(&other).write(out));
    let header = net.ends[1].header(1);
    let restart = sealed(&net, |cookie| {
        cookie.local.tag = 1;
        cookie.peer.tag = 2;
    });
    let mut out = Vec::new();
    header.write(&mut out);
    Chunk::CookieEcho(&restart).write(&mut out);
    fill_checksum(&mut out, 0);
    net.ends[0].handle_packet(net.now, out.as_slice().into());
    assert_eq!(drops(&net, DropReason::SctpCookie), good.len() as u64 + 6);
    assert!(!net.events[0].contains(&Event::Restarted));
    still_works(&mut net);
}

#[test]
fn attack_25_tags_of_zero_and_data_behind_a_forged_cookie() {
    let mut net = victim(plain());
    let tsn = net.ends[0].inbox.tracker.cumulative().next();
    let flags = DataFlags::BEGIN.with(DataFlags::END);
    let header = net.ends[1].header(0xdead_beef);
    let mut out = Vec::new();
    header.write(&mut out);
    Chunk::CookieEcho(&[7; 70]).write(&mut out);
    Data { flags, tsn, stream: 1, ssn: Serial16(0), ppid: 53, payload: b"in" }.write(&mut out);
    fill_checksum(&mut out, 0);
    net.ends[0].handle_packet(net.now, out.as_slice().into());
    net.flush();
    assert_eq!(net.message_count(0), 0);
    // An INIT with a tag of zero is no INIT, nor is one with company.
    for (tag, company) in [(0, false), (5, true)] {
        let params = Params::default();
        let (window, initial_tsn) = (9, Serial32(9));
        let init = Init { tag, window, outbound_streams: 9, inbound_streams: 9, initial_tsn, params };
        let mut out = Vec::new();
        net.ends[1].header(0).write(&mut out);
        Chunk::Init(init).write(&mut out);
        if company {
            Chunk::CookieAck.write(&mut out);
        }
        fill_checksum(&mut out, 0);
        net.ends[0].handle_packet(net.now, out.as_slice().into());
    }
    assert_eq!(net.ends[0].poll_transmit(net.now, 1_172, &mut Vec::new()), None);
    still_works(&mut net);
}

#[test]
fn attack_26_wrong_tags_and_echoes() {
    let mut net = victim(Config { heartbeat_interval: Some(std::time::Duration::from_secs(5)), ..plain() });
    let tag = net.ends[0].local.tag;
    for wrong in [0, tag ^ 1, net.ends[1].local.tag] {
        for chunk in [
            Chunk::Abort { reflected: false, causes: Default::default() },
            Chunk::ShutdownComplete { reflected: false },
            Chunk::Shutdown { cumulative: Serial32(0) },
            Chunk::Heartbeat(Params::default()),
        ] {
            let mut out = Vec::new();
            net.ends[1].header(wrong).write(&mut out);
            chunk.write(&mut out);
            fill_checksum(&mut out, 0);
            net.ends[0].handle_packet(net.now, out.as_slice().into());
        }
    }
    assert_eq!(drops(&net, DropReason::SctpVerificationTag), 12);
    // An answer to a heartbeat that was not asked for, or with another nonce.
    net.run(6_000);
    let srtt = net.ends[0].stats().srtt;
    let mut info = Vec::new();
    put_param(&mut info, ParamType::HeartbeatInfo, &[1; 8]);
    hit(&mut net, |out| Chunk::HeartbeatAck(Params::new(&info)).write(out));
    assert_eq!(net.ends[0].stats().srtt, srtt);
    // What would not fit an answer is not answered, and answers do not pile up.
    hit(&mut net, |out| Chunk::Heartbeat(Params::new(&[0; 2_000])).write(out));
    (0..1_000).for_each(|_| hit(&mut net, |out| Chunk::Heartbeat(Params::default()).write(out)));
    let mut packets = 0;
    let mut out = Vec::new();
    while net.ends[0].poll_transmit(net.now, 1_172, &mut out).is_some() {
        packets += 1;
    }
    assert!(packets == 1 && out.len() < 200);
    still_works(&mut net);
}

#[test]
fn attack_27_a_cookie_holds_nothing_of_ours_but_numbers_the_peer_knows() {
    let net = victim(Config::default());
    let cookie = sealed(&net, |_| ());
    // Fixed layout: the time, four tags, two TSNs, a window, two counts of streams, the extensions, and the HMAC.
    assert_eq!(cookie.len(), 8 + 16 + 8 + 4 + 4 + 1 + 32);
    let (end, body) = (&net.ends[0], &cookie[..cookie.len() - 32]);
    let mut expected = net.now.as_micros().to_be_bytes().to_vec();
    let peer = end.peer.unwrap();
    for number in [end.local.tag, peer.tag, 0, 0, end.local.initial_tsn.0, peer.initial_tsn.0, peer.window] {
        expected.extend_from_slice(&number.to_be_bytes());
    }
    expected.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, peer.extensions.bits()]);
    assert_eq!(body, expected);
    let again = association(Config::default(), 99);
    assert!(Cookie::open(&cookie, &*again.cookie_key).is_none(), "another key");
}

#[test]
fn attack_29_fragments_without_end() {
    let mut net = victim(Config { max_message_size: 50_000, ..plain() });
    let mut tsn = net.ends[0].inbox.tracker.cumulative();
    let mut most = 0;
    for n in 0..20_000 {
        tsn = tsn.next();
        let flags = if n == 0 { DataFlags::BEGIN } else { DataFlags::default() };
        hit(&mut net, |out| {
            Data { flags, tsn, stream: 1, ssn: Serial16(0), ppid: 53, payload: &[7; 1_000] }.write(out);
        });
        most = most.max(net.ends[0].inbox.held());
    }
    net.flush();
    assert!(most <= 51_200, "{most}");
    let told = net.events[0].iter().filter(|e| matches!(e, Event::MessageTooLarge { stream: 1 })).count();
    assert_eq!(told, 1);
    // The next message of the stream is not lost with it.
    for (flags, ssn, payload) in [(DataFlags::END, 0, b"over"), (DataFlags::from_bits(3), 1, b"next")] {
        tsn = tsn.next();
        hit(&mut net, |out| {
            Data { flags, tsn, stream: 1, ssn: Serial16(ssn), ppid: 53, payload }.write(out);
        });
    }
    net.flush();
    assert_eq!(net.messages(0), [(1, Bytes::from_static(b"next"))]);
}

#[test]
fn attack_29_a_chunk_without_data_ends_the_association() {
    let mut net = victim(plain());
    let tsn = net.ends[0].inbox.tracker.cumulative().next();
    hit(&mut net, |out| {
        let flags = DataFlags::from_bits(3);
        Data { flags, tsn, stream: 1, ssn: Serial16(0), ppid: 53, payload: b"" }.write(out);
    });
    net.run(100);
    assert_eq!(net.events[0].last(), Some(&Event::Closed(CloseReason::ProtocolViolation)));
    assert_eq!(net.events[1].last(), Some(&Event::Closed(CloseReason::PeerAbort(Some(9)))));
}

#[test]
fn attack_30_resets_that_are_not_answered_or_make_no_sense() {
    let mut net = victim(Config { max_retransmissions: 4, ..Config::default() });
    let number = net.ends[0].peer.unwrap().initial_tsn;
    let streams = StreamList::parse(&[0, 1]).unwrap();
    let requests = [
        (
            Reconfig::OutgoingReset { request: number.plus(5), response: number, last_tsn: number, streams },
            ReconfigResult::BadSequenceNumber,
        ),
        (Reconfig::SsnTsnReset { request: number }, ReconfigResult::Denied),
        (Reconfig::SsnTsnReset { request: number }, ReconfigResult::Denied),
        (
            Reconfig::OutgoingReset {
                request: number.plus(1),
                response: number,
                last_tsn: number.plus(99),
                streams,
            },
            ReconfigResult::InProgress,
        ),
        (
            Reconfig::OutgoingReset {
                request: number.plus(1),
                response: number,
                last_tsn: number.plus(99),
                streams,
            },
            ReconfigResult::InProgress,
        ),
        (Reconfig::AddOutgoing { request: number.plus(2), count: 9 }, ReconfigResult::Performed),
        (
            Reconfig::OutgoingReset {
                request: number.plus(3),
                response: number,
                last_tsn: number.minus(1),
                streams: StreamList::default(),
            },
            ReconfigResult::Denied,
        ),
    ];
    for (request, expected) in requests {
        hit(&mut net, |out| {
            let mut params = Vec::new();
            request.write(&mut params);
            Chunk::Reconfig(Params::new(&params)).write(out);
        });
        let mut out = Vec::new();
        net.ends[0].poll_transmit(net.now, 1_172, &mut out).unwrap();
        let Some(Ok(Chunk::Reconfig(params))) = Packet::parse(&out).unwrap().chunks().next() else {
            panic!()
        };
        let answer = Reconfig::parse(&params.iter().next().unwrap().unwrap()).unwrap().unwrap();
        let Reconfig::Response { result, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(result, expected, "{request:?}");
    }
    assert!(!net.events[0].iter().any(|event| matches!(event, Event::IncomingReset { .. })));
    // Ours is never answered: the association is given up rather than the stream lost for good.
    net.link.loss = 1.0;
    net.ends[0].reset_stream(9).unwrap();
    net.run(60_000);
    assert_eq!(net.events[0].last(), Some(&Event::Closed(CloseReason::Timeout)));
}

#[test]
fn attack_30_every_stream_used_costs_little() {
    let mut net = victim(plain());
    let mut tsn = net.ends[0].inbox.tracker.cumulative();
    for stream in (0..u16::MAX).rev() {
        tsn = tsn.next();
        hit(&mut net, |out| {
            let flags = DataFlags::from_bits(3);
            Data { flags, tsn, stream, ssn: Serial16(0), ppid: 53, payload: b"x" }.write(out);
        });
        net.ends[0].poll_event().unwrap();
    }
    assert_eq!(net.ends[0].inbox.held(), 0);
}

quickcheck! {
    /// Whatever an attacker who knows the tag sends, in whatever state, nothing panics and memory stays bounded.
    fn any_chunks_are_survived(seed: u64, chunks: Vec<(u8, u8, Vec<u8>)>, near: Vec<u8>) -> bool {
        let config = if seed.is_multiple_of(2) { Config::default() } else { plain() };
        let mut net = Net::with(Link::default(), [config.clone(), config], seed % 100);
        net.connect();
        (0..3).for_each(|n| net.send(0, 1, pattern(3_000, n)));
        net.flush();
        let cumulative = net.ends[0].inbox.tracker.cumulative();
        let acked = net.ends[1].inbox.tracker.cumulative();
        const TYPES: [u8; 20] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 64, 130, 132, 192, 194, 63, 255];
        for (n, (ty, flags, mut value)) in chunks.into_iter().enumerate() {
            let ty = TYPES[usize::from(ty) % TYPES.len()];
            // Numbers close to the real ones go deeper.
            let near = u32::from(near.get(n).copied().unwrap_or(1) % 8);
            let base = if ty == 3 || ty == 7 { acked.plus(near) } else { cumulative.plus(near) };
            let mut full = base.0.to_be_bytes().to_vec();
            full.append(&mut value);
            hit(&mut net, |out| Chunk::Unknown { ty, flags, value: &full }.write(out));
            net.now += std::time::Duration::from_millis(u64::from(near) * 30);
            net.ends[0].handle_timeout(net.now);
            net.flush();
        }
        net.ends[0].inbox.held() < 1 << 20
    }
}
