//! Peers that bundle and peers that do not: how many transports there are, which section has which, and what becomes of
//! the others.

use super::{DataChange, Peer, TransportChange, answer, candidate, offer};
use crate::base::media::MediaKind;
use crate::signaling::changes::{Changes, RemoteCandidate};
use crate::signaling::description::{IceCandidateInit, SessionDescription};
use crate::signaling::local::BundlePolicy;
use crate::signaling::transceiver::RtpTransceiverInit;

/// Audio, two of video, and data.
fn peer(name: char, policy: BundlePolicy) -> Peer {
    let mut peer = Peer::with_policy(name, policy);
    for kind in [MediaKind::Audio, MediaKind::Video, MediaKind::Video] {
        peer.session.add_transceiver(kind.into(), RtpTransceiverInit::default()).unwrap();
    }
    peer
}

fn without_groups(description: &SessionDescription) -> String {
    description.sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=group")).collect()
}

/// What each section says: its port and its user fragment.
fn sections(sdp: &str) -> Vec<String> {
    let says = |section: &str| {
        let port = section.split(' ').nth(1).unwrap_or("?").to_owned();
        let ufrag = section.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap_or("-");
        format!("{port} {ufrag}")
    };
    sdp.split("\r\nm=").skip(1).map(says).collect()
}

fn agreed(changes: &Changes) -> Vec<(usize, String, String)> {
    let of = |change: &TransportChange| match change {
        TransportChange::Agreed(agreed) => {
            Some((agreed.index, agreed.local_ice.ufrag.clone(), agreed.remote_ice.credentials.ufrag.clone()))
        }
        TransportChange::Closed(_) => None,
    };
    changes.transports.iter().filter_map(of).collect()
}

#[test]
fn policies_say_which_sections_of_an_offer_have_a_transport() {
    let rows = [
        (BundlePolicy::Balanced, ["9 a001", "9 a001", "0 a001", "9 a001"].as_slice(), 1),
        (BundlePolicy::MaxCompat, ["9 a001", "9 a101", "9 a201", "9 a301"].as_slice(), 4),
        (BundlePolicy::MaxBundle, ["9 a001", "0 a001", "0 a001", "0 a001"].as_slice(), 1),
    ];
    for (policy, expected, count) in rows {
        let (mut a, mut b) = (peer('a', policy), peer('b', BundlePolicy::Balanced));
        assert_eq!(a.session.transports_to_offer(true), count, "{policy}");
        let (text, changes) = a.offer();
        assert_eq!(sections(&text.sdp), expected, "{policy}");
        assert_eq!(changes.gather.len(), count, "{policy}");
        assert!((0..count).all(|number| a.session.uses_transport(number)));
        assert_eq!(
            text.sdp.matches("bundle-only").count(),
            expected.iter().filter(|s| s.starts_with('0')).count()
        );

        // A peer that bundles: one is left.
        b.hear(&text);
        assert_eq!(b.session.transports_to_answer(), 1);
        let (text, changes) = b.answer();
        assert_eq!(changes.gather.len(), 1);
        assert_eq!(sections(&text.sdp), ["9 b001"; 4], "{policy}");
        let changes = a.hear(&text);
        assert_eq!(agreed(&changes), [(0, "a001".to_owned(), "b001".to_owned())], "{policy}");
        assert!(!(1..16).any(|number| a.session.uses_transport(number)), "{policy}");
        assert!(a.session.media().iter().all(|section| section.transport == 0));
        assert_eq!(a.session.data_transport(), Some(0));
        // And it stays so.
        a.session.add_transceiver(MediaKind::Audio.into(), RtpTransceiverInit::default()).unwrap();
        assert_eq!(sections(&a.offer().0.sdp), ["9 a001"; 5], "{policy}");
    }
}

#[test]
fn a_peer_that_does_not_bundle_gets_what_has_a_transport() {
    let rows = [
        (BundlePolicy::MaxCompat, BundlePolicy::MaxCompat, vec!["9 b001", "9 b101", "9 b201", "9 b301"]),
        (BundlePolicy::MaxCompat, BundlePolicy::Balanced, vec!["9 b001", "9 b101", "0 -", "9 b201"]),
        (BundlePolicy::MaxCompat, BundlePolicy::MaxBundle, vec!["9 b001", "0 -", "0 -", "0 -"]),
        (BundlePolicy::MaxBundle, BundlePolicy::MaxCompat, vec!["9 b001", "0 -", "0 -", "0 -"]),
    ];
    for (ours, theirs, expected) in rows {
        let (mut a, mut b) = (peer('a', ours), Peer::with_policy('b', theirs));
        let (text, _) = a.offer();
        b.hear(&offer(without_groups(&text)));
        let (text, changes) = b.answer();
        assert_eq!(sections(&text.sdp), expected, "{ours} {theirs}");
        assert!(!text.sdp.contains("BUNDLE"));
        let live = expected.iter().filter(|section| section.starts_with('9')).count();
        assert_eq!((changes.gather.len(), agreed(&changes).len()), (live, live), "{ours} {theirs}");
        let changes = a.hear(&text);
        assert_eq!(agreed(&changes).len(), live);
        assert!(agreed(&changes).iter().all(|(number, ..)| a.session.uses_transport(*number)));
        // What is not carried has ended.
        let media = expected[..3].iter().filter(|section| section.starts_with('9')).count();
        assert_eq!(a.session.transceivers().count(), media, "{ours} {theirs}");
    }
}

#[test]
fn a_bundle_that_comes_later_closes_what_it_joins() {
    let (mut a, mut b) =
        (peer('a', BundlePolicy::MaxCompat), Peer::with_policy('b', BundlePolicy::MaxCompat));
    let (text, _) = a.offer();
    b.hear(&offer(without_groups(&text)));
    let (text, _) = b.answer();
    assert_eq!(agreed(&a.hear(&text)).len(), 4);
    assert_eq!(a.session.data_transport(), Some(3));
    // Every section keeps its transport when nobody bundles.
    let (text, changes) = a.offer();
    assert_eq!(sections(&text.sdp), ["9 a001", "9 a101", "9 a201", "9 a301"]);
    assert_eq!(changes.gather, []);
    b.hear(&text);
    let (text, changes) = b.answer();
    assert_eq!(sections(&text.sdp), ["9 b001"; 4]);
    let closed = [1, 2, 3].map(TransportChange::Closed);
    assert_eq!(changes.transports[1..], closed);
    assert_eq!(a.hear(&text).transports[1..], closed);
    assert_eq!((a.session.data_transport(), b.session.data_transport()), (Some(0), Some(0)));
}

#[test]
fn the_first_may_go_while_others_stay() {
    let (mut a, mut b) =
        (peer('a', BundlePolicy::MaxCompat), Peer::with_policy('b', BundlePolicy::MaxCompat));
    let (text, _) = a.offer();
    b.hear(&offer(without_groups(&text)));
    let (text, _) = b.answer();
    a.hear(&text);
    let first = a.session.transceivers().next().unwrap().id();
    a.session.stop(first).unwrap();
    let (text, _) = a.offer();
    assert_eq!(sections(&text.sdp), ["0 -", "9 a101", "9 a201", "9 a301"]);
    b.hear(&offer(without_groups(&text)));
    let (text, changes) = b.answer();
    assert_eq!(sections(&text.sdp), ["0 -", "9 b101", "9 b201", "9 b301"]);
    assert_eq!(changes.transports.last(), Some(&TransportChange::Closed(0)));
    let changes = a.hear(&text);
    assert_eq!(agreed(&changes).iter().map(|agreed| agreed.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(changes.transports.last(), Some(&TransportChange::Closed(0)));
    // What is added next takes the place, and the number.
    a.session.add_transceiver(MediaKind::Audio.into(), RtpTransceiverInit::default()).unwrap();
    a.ice = super::credentials('a', 7);
    let (text, changes) = a.offer();
    assert_eq!(sections(&text.sdp)[0], "9 a007");
    assert!(changes.gather.contains(&(0, a.ice.clone())));
}

#[test]
fn candidates_find_their_transport() {
    let (mut a, mut b) =
        (peer('a', BundlePolicy::MaxCompat), Peer::with_policy('b', BundlePolicy::MaxCompat));
    let (text, _) = a.offer();
    let said = a.session.add_local_candidate(1, "a101", &candidate(7)).unwrap();
    assert_eq!((said.sdp_mid.as_deref(), said.sdp_m_line_index), (Some("1"), Some(1)));
    assert_eq!(a.session.add_local_candidate(0, "a999", &candidate(8)), None);
    b.hear(&offer(without_groups(&text)));
    assert_eq!(b.session.add_remote_candidate(Some(&said)).unwrap(), RemoteCandidate::Held);
    let (text, changes) = b.answer();
    let TransportChange::Agreed(second) = &changes.transports[1] else { panic!() };
    assert_eq!(second.remote_ice.candidates, [candidate(7)]);
    assert_eq!(changes.data, DataChange::Agreed(super::sctp(&changes)));
    a.hear(&answer(text.sdp));
    for (mid, ufrag) in [("0", "b001"), ("1", "b101"), ("3", "b301")] {
        let init = IceCandidateInit {
            candidate: candidate(9).to_string(),
            sdp_mid: Some(mid.to_owned()),
            ..IceCandidateInit::default()
        };
        let found = a.session.add_remote_candidate(Some(&init)).unwrap();
        assert!(matches!(found, RemoteCandidate::Candidate { ufrag: found, .. } if found == ufrag), "{mid}");
    }
}

#[test]
fn every_combination_of_setup_has_one_client() {
    use crate::signaling::changes::DtlsRole;
    use crate::wire::sdp::attribute::Setup;
    let role = |changes: &Changes| match changes.transports.as_slice() {
        [TransportChange::Agreed(agreed)] => agreed.dtls_role,
        other => panic!("{other:?}"),
    };
    for offered in [Setup::ActPass, Setup::Active, Setup::Passive] {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        a.session.config.offered_setup = offered;
        let (text, _) = a.offer();
        assert!(text.sdp.contains(&format!("a=setup:{offered}\r\n")));
        b.hear(&text);
        let (text, answered) = b.answer();
        let (ours, said) = match offered {
            Setup::Active => (DtlsRole::Client, "a=setup:passive\r\n"),
            _ => (DtlsRole::Server, "a=setup:active\r\n"),
        };
        assert!(text.sdp.contains(said), "{offered}");
        // Both active or both passive, or nobody: refused, and nothing has changed.
        let before = a.visible();
        for wrong in ["a=setup:actpass\r\n", "a=setup:holdconn\r\n", "", &format!("a=setup:{offered}\r\n")] {
            a.set_remote(&answer(text.sdp.replace(said, wrong))).unwrap_err();
            assert_eq!(a.visible(), before, "{offered} {wrong}");
        }
        let changes = a.hear(&text);
        assert_eq!((role(&changes), role(&answered) == ours), (ours, false), "{offered}");
        // Later offers leave the choice, and the roles stay.
        let (text, _) = a.offer();
        assert!(text.sdp.contains("a=setup:actpass\r\n"));
        b.hear(&text);
        let (text, _) = b.answer();
        assert!(text.sdp.contains(said), "{offered}");
        assert_eq!(role(&a.hear(&text)), ours);
    }
}
