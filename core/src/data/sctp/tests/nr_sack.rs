//! Acknowledgements that do not tell of everything, where there is more to tell than fits.

use crate::base::drops::DropReason;
use crate::data::sctp::tests::{Link, Net, pattern, plain};
use crate::wire::sctp::Packet;
use crate::wire::sctp::chunk::Chunk;
use crate::wire::sctp::data::put_nr_sack;
use crate::wire::sctp::{fill_checksum, put_chunk};

/// Ten chunks of one packet each are under way; the second end's place is taken.
fn ten_under_way() -> Net {
    let mut net = Net::connected(Link::default());
    net.run(500);
    (0..10).for_each(|n| net.send(0, 1, pattern(1_100, n)));
    net.flush();
    assert_eq!(net.ends[0].flight.unacked_chunks(), 10);
    net
}

fn tell(net: &mut Net, gaps: &[(u16, u16)]) {
    let cumulative = net.ends[1].inbox.tracker.cumulative();
    let mut out = Vec::new();
    net.ends[1].header(net.ends[0].local.tag).write(&mut out);
    put_chunk(&mut out, 16, 0, |out| put_nr_sack(out, cumulative, 100_000, gaps.iter().copied()));
    fill_checksum(&mut out, 0);
    net.ends[0].handle_packet(net.now, out.as_slice().into());
}

#[test]
fn what_another_told_of_still_holds_and_what_none_told_of_is_not_lost() {
    let mut net = ten_under_way();
    tell(&mut net, &[(2, 2), (4, 4), (10, 10)]);
    // The first and the third are missing; of the fifth to the ninth this says nothing.
    let sent = |net: &Net| net.ends[0].flight.unacked_payload() / 1_100;
    assert_eq!(sent(&net), 7);
    assert_eq!(net.ends[0].flight.lost(), 2);
    tell(&mut net, &[(6, 6), (8, 8), (10, 10)]);
    assert_eq!(
        (sent(&net), net.ends[0].flight.lost()),
        (5, 3),
        "the seventh is missing, the fifth may be told of"
    );
    assert!(net.run_until(5_000, |net| net.message_count(1) == 10));
    net.run(500);
    assert_eq!(net.ends[0].flight.unacked_payload(), 0);
}

#[test]
fn blocks_beyond_what_was_sent_are_refused() {
    let mut net = ten_under_way();
    tell(&mut net, &[(2, 2), (11, 11)]);
    tell(&mut net, &[(3, 2)]);
    tell(&mut net, &[(4, 4), (2, 2)]);
    assert_eq!(net.ends[0].drops().of(DropReason::SctpBadSack), 3);
    assert_eq!(net.ends[0].flight.lost(), 0);
}

#[test]
fn more_gaps_than_fit_are_told_in_turns_and_all_arrives() {
    for config in [plain(), Default::default()] {
        let mut net = Net::with(Link::default(), [config.clone(), config], 5);
        net.connect();
        // Enough under way for every second packet of hundreds to vanish.
        (0..300).for_each(|n| net.send(0, 1, pattern(60_000, n)));
        net.run(160);
        net.link = Link::lossy(0.5);
        net.run(60);
        net.link = Link::default();
        assert!(net.run_until(60_000, |net| net.message_count(1) == 300));
        let tells = |packet: &[u8]| {
            Packet::parse(packet).unwrap().chunks().any(|chunk| matches!(chunk, Ok(Chunk::NrSack(_))))
        };
        assert!(net.log[1].iter().any(|packet| tells(packet)), "it came to that");
        assert!(net.messages(1).into_iter().enumerate().all(|(n, (_, data))| data == pattern(60_000, n)));
        net.run(1_000);
        assert_eq!((net.ends[0].flight.unacked_payload(), net.ends[1].inbox.held()), (0, 0));
    }
}
