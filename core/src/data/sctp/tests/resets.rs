use crate::data::sctp::config::Config;
use crate::data::sctp::event::{Event, SendError};
use crate::data::sctp::tests::{Link, Net, pattern, plain};
use crate::wire::sctp::param::Params;
use crate::wire::sctp::reconfig::{Reconfig, ReconfigResult};

fn count(net: &Net, end: usize, which: impl Fn(&Event) -> bool) -> usize {
    net.events[end].iter().filter(|event| which(event)).count()
}

#[test]
fn a_stream_starts_anew_after_everything_queued_has_arrived() {
    for config in [Config::default(), plain()] {
        for link in [Link::default(), Link::lossy(0.2), Link::wild()] {
            let mut net = Net::with(link, [config.clone(), config.clone()], 13);
            net.connect();
            for round in 0..5 {
                (0..20).for_each(|n| net.send(0, 3, pattern(1_000 + n, round)));
                net.ends[0].reset_stream(3).unwrap();
                assert_eq!(net.ends[0].reset_stream(3), Err(SendError::Resetting));
                assert_eq!(
                    net.ends[0].send(net.now, 3, 53, pattern(1, 1), Default::default()),
                    Err(SendError::Resetting)
                );
                // The other stream goes on meanwhile.
                net.send(0, 4, pattern(3_000, round));
                let outgoing = Event::OutgoingReset { stream: 3, performed: true };
                assert!(
                    net.run_until(300_000, |net| count(net, 0, |e| *e == outgoing) == round + 1),
                    "{round} {link:?} {:?}",
                    net.ends
                );
                assert_eq!(count(&net, 1, |e| matches!(e, Event::IncomingReset { stream: 3 })), round + 1);
                assert_eq!(
                    net.messages(1).iter().filter(|(stream, _)| *stream == 3).count(),
                    20 * (round + 1)
                );
            }
        }
    }
}

#[test]
fn both_ends_may_reset_at_once_and_many_streams() {
    let mut net = Net::connected(Link::wild());
    for stream in 0..600 {
        net.send(0, stream, pattern(10, 1));
        net.send(1, stream, pattern(10, 1));
        net.ends[0].reset_stream(stream).unwrap();
        net.ends[1].reset_stream(stream).unwrap();
    }
    let done = |net: &Net| {
        (0..2)
            .all(|end| count(net, end, |e| matches!(e, Event::OutgoingReset { performed: true, .. })) == 600)
    };
    assert!(net.run_until(120_000, done), "{:?}", net.ends);
    for end in 0..2 {
        assert_eq!(net.message_count(end), 600);
        assert_eq!(count(&net, end, |e| matches!(e, Event::IncomingReset { .. })), 600);
    }
}

#[test]
fn a_peer_without_the_extension_cannot() {
    let mut net = Net::connected(Link::default());
    let mut peer = net.ends[0].peer.unwrap();
    peer.extensions = Default::default();
    net.ends[0].peer = Some(peer);
    net.ends[0].reset_stream(3).unwrap();
    net.flush();
    assert_eq!(net.events[0].last(), Some(&Event::OutgoingReset { stream: 3, performed: false }));
}

#[test]
fn a_request_that_is_in_the_way_of_the_peers_is_made_again() {
    let mut net = Net::connected(Link::default());
    net.run(100);
    net.ends[0].reset_stream(3).unwrap();
    net.ends[0].poll_transmit(net.now, 1_172, &mut Vec::new()).unwrap();
    let request = net.ends[0].local.initial_tsn;
    let mut params = Vec::new();
    Reconfig::Response { request, result: ReconfigResult::AlreadyInProgress }.write(&mut params);
    net.ends[0].on_reconfig(Params::new(&params)).unwrap();
    // The first request never arrived, so the peer must be told the number it expects: it refuses the next one.
    net.run(2_000);
    assert_eq!(net.events[0].last(), Some(&Event::OutgoingReset { stream: 3, performed: false }));
    // Had it seen the first, the second is carried out.
    net.ends[1].resets.begin(request.plus(2));
    net.ends[0].reset_stream(3).unwrap();
    net.run(2_000);
    assert_eq!(net.events[0].last(), Some(&Event::OutgoingReset { stream: 3, performed: true }));
}
