use crate::data::sctp::config::Config;
use crate::data::sctp::event::{Reliability, SendOptions};
use crate::data::sctp::tests::{Link, Net, pattern, plain};
use bytes::Bytes;
use quickcheck::quickcheck;
use std::collections::BTreeMap;
use std::time::Duration;

quickcheck! {
    /// Conservation: whatever the network does short of cutting the wire, each reliable message comes once, and the
    /// ordered ones of a stream in order.
    fn every_reliable_message_comes_once_and_in_order(seed: u64, loss: u8, jitter: u8, messages: Vec<(u8, u16, bool)>) -> bool {
        let link = Link {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(u64::from(jitter % 30)),
            loss: f64::from(loss % 30) / 100.0,
            duplication: 0.05,
        };
        let config = if seed.is_multiple_of(2) { Config::default() } else { plain() };
        let mut net = Net::with(link, [config.clone(), config], seed % 1_000);
        net.connect();
        let mut ordered: BTreeMap<u16, Vec<Bytes>> = BTreeMap::new();
        let mut unordered: BTreeMap<u16, Vec<Bytes>> = BTreeMap::new();
        for (n, &(stream, len, is_unordered)) in messages.iter().enumerate() {
            let (stream, data) = (u16::from(stream % 4), pattern(1 + usize::from(len) % 20_000, n));
            let of = if is_unordered { &mut unordered } else { &mut ordered };
            of.entry(stream).or_default().push(data.clone());
            net.send_with(0, stream, data, SendOptions { unordered: is_unordered, ..SendOptions::default() });
        }
        let done = net.run_until(600_000, |net| net.message_count(1) >= messages.len());
        net.run(2_000);
        let mut came: BTreeMap<u16, Vec<Bytes>> = BTreeMap::new();
        for (stream, data) in net.messages(1) {
            let waiting = unordered.entry(stream).or_default();
            match waiting.iter().position(|w| *w == data) {
                // An ordered message with the same content is told apart by its place.
                Some(at) if !ordered.get(&stream).is_some_and(|o| o.contains(&data)) => { waiting.remove(at); }
                _ => came.entry(stream).or_default().push(data),
            }
        }
        done && came == ordered && unordered.values().all(Vec::is_empty)
    }

    /// Polling late, or more often than needed, changes when things happen and never what.
    fn late_polling_changes_nothing(seed: u64, pauses: Vec<u8>) -> bool {
        let run = |lazy: bool| {
            let mut net = Net::with(Link::lossy(0.05), [Config::default(), Config::default()], seed % 1_000);
            net.connect();
            for (n, &pause) in pauses.iter().enumerate() {
                let reliability = if n % 5 == 4 { Reliability::Retransmits(300) } else { Reliability::Reliable };
                let options = SendOptions { reliability, ..SendOptions::default() };
                net.send_with(0, n as u16 % 3, pattern(1 + n * 977 % 5_000, n), options);
                if lazy {
                    // Nothing is polled; time-outs come early and twice.
                    net.ends.iter_mut().for_each(|end| end.handle_timeout(net.now));
                    net.ends.iter_mut().for_each(|end| end.handle_timeout(net.now));
                } else {
                    net.run(u64::from(pause));
                    net.flush();
                    net.flush();
                }
            }
            net.run(120_000);
            let mut messages = net.messages(1);
            messages.sort_by_key(|&(stream, _)| stream);
            messages
        };
        run(true) == run(false)
    }
}
