//! Offers, answers, renegotiation, rollback and glare between two of ours.

use super::{DataChange, Peer, TransportChange, agreed, answer, candidate, exchange, offer, pranswer, sctp};
use crate::base::random::Rng;
use crate::base::w3c::ErrorKind;
use crate::signaling::changes::{DtlsRole, IceRole};
use crate::signaling::description::SessionDescription;
use crate::signaling::error::{InvalidDescription, SetDescriptionError};
use crate::signaling::local::SessionConfig;
use crate::signaling::session::Session;
use crate::signaling::state::{SdpType, SignalingState};

const GOLDEN_OFFER: &str = "\
v=0
o=- 7 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=ice-options:trickle ice2
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:0
a=ice-ufrag:a001
a=ice-pwd:a001a001a001a001a001a001
a=fingerprint:sha-256 61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61
a=setup:actpass
a=sctp-port:5000
a=max-message-size:262144
";

const GOLDEN_ANSWER: &str = "\
v=0
o=- 7 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=ice-options:trickle ice2
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:0
a=ice-ufrag:b001
a=ice-pwd:b001b001b001b001b001b001
a=fingerprint:sha-256 62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62
a=setup:active
a=sctp-port:5000
a=max-message-size:262144
";

fn version(description: &SessionDescription) -> u64 {
    description.sdp.lines().nth(1).unwrap().split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn the_texts_are_these() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (offer, _) = a.offer();
    assert_eq!(offer.sdp, GOLDEN_OFFER.replace('\n', "\r\n"));
    b.hear(&offer);
    assert_eq!(b.answer().0.sdp, GOLDEN_ANSWER.replace('\n', "\r\n"));
}

#[test]
fn a_first_exchange_says_all_that_is_needed() {
    let (mut a, mut b) = (Peer::new('a'), Peer::without_data('b'));
    let (offer, changes) = a.offer();
    assert_eq!(changes.signaling_states, [SignalingState::HaveLocalOffer]);
    assert_eq!(changes.gather, [(0, a.ice.clone())]);
    assert_eq!(changes.ice_role, Some(IceRole::Controlling));
    assert_eq!((changes.data, changes.transports.as_slice()), (DataChange::Created, [].as_slice()));

    assert_eq!(b.session.can_trickle_ice_candidates(), None);
    let changes = b.hear(&offer);
    assert_eq!(b.session.can_trickle_ice_candidates(), Some(true));
    assert_eq!((changes.gather.as_slice(), changes.ice_role), ([].as_slice(), None));
    assert_eq!((changes.data, changes.transports.as_slice()), (DataChange::Created, [].as_slice()));

    let (answer, changes) = b.answer();
    assert_eq!(changes.gather, [(0, b.ice.clone())]);
    assert_eq!(changes.ice_role, Some(IceRole::Controlled));
    let agreement = agreed(&changes);
    assert_eq!(agreement.dtls_role, DtlsRole::Client);
    assert_eq!((&agreement.local_ice, &agreement.remote_ice.credentials), (&b.ice, &a.ice));
    assert_eq!(agreement.fingerprints, a.fingerprints);
    assert!(!agreement.ice_restarted && !agreement.fingerprints_changed);
    assert!(!agreement.remote_ice.end_of_candidates);
    assert_eq!(sctp(&changes).max_message_size, 262_144);

    let changes = a.hear(&answer);
    assert_eq!((changes.ice_role, agreed(&changes).dtls_role), (None, DtlsRole::Server));
    assert_eq!((sctp(&changes).local_port, sctp(&changes).remote_port), (5000, 5000));
    assert!(!sctp(&changes).restarted);
}

#[test]
fn an_offer_without_sections_is_valid() {
    let (mut a, mut b) = (Peer::without_data('a'), Peer::without_data('b'));
    let (offer, changes) = a.offer();
    assert!(!offer.sdp.contains("m=") && !offer.sdp.contains("group"));
    assert_eq!((changes.gather.len(), changes.ice_role, changes.data), (0, None, DataChange::Unchanged));
    b.hear(&offer);
    let (answer, _) = b.answer();
    let changes = a.hear(&answer);
    assert_eq!((changes.transports.as_slice(), changes.data), ([].as_slice(), DataChange::Unchanged));
    // Data may come later, from either side.
    b.wants_data = true;
    let (changes, _) = exchange(&mut b, &mut a);
    assert_eq!(agreed(&changes).dtls_role, DtlsRole::Server);
}

#[test]
fn versions_grow_with_every_text_that_differs() {
    let mut a = Peer::without_data('a');
    let first = a.create_offer();
    assert_eq!(a.create_offer(), first);
    a.wants_data = true;
    let second = a.create_offer();
    assert_eq!(version(&second), version(&first) + 1);
    assert_eq!(a.offer().0, second);
    a.set_local(SdpType::Rollback).unwrap();
    a.restart_ice(2);
    assert_eq!(version(&a.create_offer()), version(&second) + 1);
}

#[test]
fn both_sides_can_renegotiate_and_nothing_moves() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (first, _) = exchange(&mut a, &mut b);
    let (by_b, a_answered) = exchange(&mut b, &mut a);
    let (by_a, _) = exchange(&mut a, &mut b);
    assert_eq!(agreed(&by_a), agreed(&first));
    assert_eq!(sctp(&by_a), sctp(&first));
    // The roles stay whoever offers, and gathering and ICE go on as they are.
    assert_eq!(agreed(&by_b).dtls_role, DtlsRole::Client);
    assert_eq!(agreed(&a_answered).dtls_role, DtlsRole::Server);
    assert_eq!((by_b.gather.len(), by_b.ice_role), (0, None));
    let text = &a.session.current_local_description().unwrap().sdp;
    assert!(text.contains("a=setup:actpass") && text.contains("a=mid:0\r\n"));
    let answered = &b.session.current_local_description().unwrap().sdp;
    assert!(answered.contains("a=setup:active"));
}

#[test]
fn the_role_is_kept_when_the_server_answers() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let (offer, _) = b.offer();
    a.hear(&offer);
    assert!(a.answer().0.sdp.contains("a=setup:passive"));
}

#[test]
fn an_offer_may_fix_the_role() {
    for (setup, ours, role) in
        [("active", "passive", DtlsRole::Server), ("passive", "active", DtlsRole::Client)]
    {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let (text, _) = a.offer();
        b.hear(&offer(text.sdp.replace("actpass", setup)));
        let (text, changes) = b.answer();
        assert!(text.sdp.contains(&format!("a=setup:{ours}")));
        assert_eq!(agreed(&changes).dtls_role, role);
    }
    // An offer that says nothing leaves it to us.
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&offer(text.sdp.replace("a=setup:actpass\r\n", "")));
    assert!(b.answer().0.sdp.contains("a=setup:active"));
}

#[test]
fn a_restart_of_ice_goes_both_ways() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    a.restart_ice(2);
    let (offer, changes) = a.offer();
    assert_eq!(changes.gather, [(0, a.ice.clone())]);
    b.hear(&offer);
    b.restart_ice(2);
    let (answer, changes) = b.answer();
    assert_eq!(changes.gather, [(0, b.ice.clone())]);
    assert!(agreed(&changes).ice_restarted && !agreed(&changes).fingerprints_changed);
    assert_eq!(agreed(&changes).dtls_role, DtlsRole::Client);
    let changes = a.hear(&answer);
    assert!(agreed(&changes).ice_restarted);
    assert_eq!(agreed(&changes).remote_ice.credentials, b.ice);
}

#[test]
fn an_answer_takes_up_new_credentials_only_for_a_restart() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let old = b.ice.clone();
    b.restart_ice(2);
    let (first, _) = exchange(&mut a, &mut b);
    assert_eq!(agreed(&first).remote_ice.credentials, old);
    assert!(!agreed(&first).ice_restarted);
}

#[test]
fn a_new_certificate_needs_new_ice() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    a.fingerprints = vec![super::fingerprint('z')];
    let (offer, _) = a.offer();
    let error = b.set_remote(&offer).unwrap_err();
    assert_eq!(error, SetDescriptionError::Invalid(InvalidDescription::CertificateChanged(0)));
    a.restart_ice(2);
    let (offer, _) = a.offer();
    b.hear(&offer);
    b.restart_ice(2);
    let (_, changes) = b.answer();
    assert!(agreed(&changes).ice_restarted && agreed(&changes).fingerprints_changed);
    assert_eq!(agreed(&changes).fingerprints, a.fingerprints);
}

#[test]
fn a_rejected_data_section_closes_and_its_place_is_taken_again() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&text);
    let (text, _) = b.answer();
    let rejected = text.sdp.replace("m=application 9", "m=application 0").replace("a=group:BUNDLE 0\r\n", "");
    let changes = a.hear(&answer(rejected));
    assert_eq!(
        (changes.data, changes.transports.as_slice()),
        (DataChange::Closed, [TransportChange::Closed(0)].as_slice())
    );
    assert!(!a.session.is_negotiation_needed(true, false));

    let again = a.create_offer();
    assert_eq!(again.sdp.matches("m=").count(), 1);
    assert!(again.sdp.contains("a=group:BUNDLE 1\r\n") && again.sdp.contains("a=mid:1\r\n"));
    let changes = a.clone().offer().1;
    assert_eq!(changes.gather, [(0, a.ice.clone())]);
    assert_eq!(changes.ice_role, Some(IceRole::Controlling));
    a.wants_data = false;
    let without = a.create_offer();
    assert!(without.sdp.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(without.sdp.contains("a=mid:0\r\n") && !without.sdp.contains("group"));
}

#[test]
fn a_peer_may_close_the_data_section_later() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let (text, _) = a.offer();
    let closing = text.sdp.replace("m=application 9", "m=application 0").replace("a=group:BUNDLE 0\r\n", "");
    let changes = b.hear(&offer(closing));
    assert_eq!(changes.data, DataChange::Unchanged);
    let (text, changes) = b.answer();
    assert!(text.sdp.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert_eq!(
        (changes.data, changes.transports.as_slice()),
        (DataChange::Closed, [TransportChange::Closed(0)].as_slice())
    );
}

#[test]
fn a_changed_sctp_port_is_a_new_association() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let (text, _) = a.offer();
    b.hear(&offer(text.sdp.replace("sctp-port:5000", "sctp-port:5001")));
    let (_, changes) = b.answer();
    assert_eq!((sctp(&changes).remote_port, sctp(&changes).restarted), (5001, true));
}

#[test]
fn message_sizes_have_their_defaults() {
    for (line, size) in [("", 65_536), ("a=max-message-size:0\r\n", 0), ("a=max-message-size:1\r\n", 1)] {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let (text, _) = a.offer();
        b.hear(&offer(text.sdp.replace("a=max-message-size:262144\r\n", line)));
        assert_eq!(sctp(&b.answer().1).max_message_size, size, "{line}");
    }
}

#[test]
fn the_old_form_of_data_sections_is_answered_in_kind() {
    for size in ["", "a=max-message-size:100000\r\n"] {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let (text, _) = a.offer();
        let old = text
            .sdp
            .replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5001")
            .replace("a=sctp-port:5000\r\n", "a=sctpmap:5001 webrtc-datachannel 1024\r\n")
            .replace("a=max-message-size:262144\r\n", size);
        b.hear(&offer(old));
        let (text, changes) = b.answer();
        assert!(text.sdp.contains("m=application 9 DTLS/SCTP 5001\r\n"));
        assert!(text.sdp.contains("a=sctpmap:5001 webrtc-datachannel 1024\r\n"));
        assert!(!text.sdp.contains("sctp-port"));
        assert_eq!(text.sdp.contains("max-message-size"), !size.is_empty());
        assert_eq!((sctp(&changes).local_port, sctp(&changes).remote_port), (5001, 5001));
        // Our own next offer keeps the form.
        assert!(b.create_offer().sdp.contains("m=application 9 DTLS/SCTP 5001\r\n"));
        assert!(b.create_offer().sdp.contains("a=sctpmap:5001 webrtc-datachannel 1024\r\n"));
    }
}

#[test]
fn protocols_are_echoed_as_they_came() {
    for protocol in ["TCP/DTLS/SCTP", "DTLS/SCTP"] {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let (text, _) = a.offer();
        b.hear(&offer(text.sdp.replace("UDP/DTLS/SCTP", protocol)));
        assert!(b.answer().0.sdp.contains(&format!("m=application 9 {protocol} webrtc-datachannel\r\n")));
    }
}

#[test]
fn a_data_section_without_a_port_is_rejected() {
    for line in ["", "a=sctp-port:0\r\n"] {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let (text, _) = a.offer();
        let changes = b.hear(&offer(text.sdp.replace("a=sctp-port:5000\r\n", line)));
        assert_eq!(changes.data, DataChange::Unchanged);
        let (text, changes) = b.answer();
        assert!(text.sdp.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
        assert!(!text.sdp.contains("group") && !text.sdp.contains("ufrag"));
        assert_eq!((changes.data, changes.transports.len()), (DataChange::Unchanged, 0));
    }
}

#[test]
fn rollback_takes_back_what_the_offer_brought() {
    let mut a = Peer::new('a');
    let (_, changes) = a.offer();
    assert_eq!(changes.data, DataChange::Created);
    let changes = a.set_local(SdpType::Rollback).unwrap();
    assert_eq!(changes.data, DataChange::RolledBack);
    assert_eq!(a.session.local_description(), None);
    // What was gathered is kept for the next offer.
    let (_, changes) = a.offer();
    assert_eq!((changes.gather.len(), changes.data), (0, DataChange::Created));

    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let (offer, _) = b.offer();
    a.hear(&offer);
    let changes = a.hear(&SessionDescription::rollback());
    assert_eq!((changes.data, a.state()), (DataChange::Unchanged, SignalingState::Stable));
}

#[test]
fn the_polite_side_gives_way_in_glare() {
    let (mut polite, mut impolite) = (Peer::new('a'), Peer::new('b'));
    polite.offer();
    let (offer, _) = impolite.offer();
    let changes = polite.hear(&offer);
    assert_eq!(changes.signaling_states, [SignalingState::Stable, SignalingState::HaveRemoteOffer]);
    assert_eq!(changes.data, DataChange::Unchanged, "SCTP was there and is there again");
    let (answer, changes) = polite.answer();
    assert_eq!(changes.gather, [], "the generation of the lost offer goes on");
    assert_eq!(changes.ice_role, Some(IceRole::Controlled), "and its role is corrected");
    let changes = impolite.hear(&answer);
    assert_eq!(agreed(&changes).remote_ice.credentials, polite.ice);
    // The polite side had named its section 0 in an offer that nobody took.
    exchange(&mut polite, &mut impolite);
}

#[test]
fn an_offer_that_cannot_be_set_rolls_nothing_back() {
    let mut a = Peer::new('a');
    a.offer();
    let before = a.visible();
    let error = a.set_remote(&offer("v=0\r\n")).unwrap_err();
    assert_eq!((error.kind(), error.sdp_line_number()), (ErrorKind::Operation, Some(2)));
    assert_eq!((a.state(), a.visible()), (SignalingState::HaveLocalOffer, before));
}

#[test]
fn remote_offers_replace_one_another() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&text);
    let stale = b.create_answer();
    b.hear(&offer(text.sdp.replace("a001", "a002")));
    // What was created for the first one no longer fits.
    assert_eq!(b.set_local(stale).unwrap_err().kind(), ErrorKind::InvalidModification);
    let (_, changes) = b.answer();
    assert_eq!(agreed(&changes).remote_ice.credentials.ufrag, "a002");
}

#[test]
fn provisional_answers_agree_and_can_be_replaced() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (offer, _) = a.offer();
    b.hear(&offer);
    let changes = b.set_local(SdpType::Pranswer).unwrap();
    assert_eq!(agreed(&changes).dtls_role, DtlsRole::Client);
    let text = b.session.pending_local_description().unwrap().sdp.clone();
    let changes = a.hear(&pranswer(text.clone()));
    assert_eq!(a.state(), SignalingState::HaveRemotePranswer);
    assert_eq!(agreed(&changes).dtls_role, DtlsRole::Server);
    // A fork that answers at last with its own credentials.
    let changes = a.hear(&answer(text.replace("b001", "c001")));
    assert_eq!(agreed(&changes).remote_ice.credentials.ufrag, "c001");
    assert!(agreed(&changes).ice_restarted);
    b.answer();
    assert_eq!(b.state(), SignalingState::Stable);
}

#[test]
fn lite_decides_the_role() {
    let (mut a, mut b) = (Peer::new('a'), Peer { ice_lite: true, ..Peer::new('b') });
    let (offer, changes) = b.offer();
    assert!(offer.sdp.contains("a=ice-lite\r\n"));
    assert_eq!(changes.ice_role, Some(IceRole::Controlled));
    a.hear(&offer);
    let (answer, changes) = a.answer();
    assert_eq!(changes.ice_role, Some(IceRole::Controlling));
    assert!(agreed(&changes).remote_ice.lite);
    assert_eq!(b.hear(&answer).ice_role, None);
}

#[test]
fn nominations_are_numbered_when_both_sides_say_so() {
    let peer = |name, renomination| {
        let config = SessionConfig { renomination, ..SessionConfig::default() };
        Peer { session: Session::new(config, 7, Rng::from_number(1)), ..Peer::new(name) }
    };
    for (ours, theirs) in [(true, true), (true, false), (false, true), (false, false)] {
        let (mut a, mut b) = (peer('a', ours), peer('b', theirs));
        let (offer, _) = a.offer();
        b.hear(&offer);
        let (answer, _) = b.answer();
        a.hear(&answer);
        assert_eq!(offer.sdp.contains("ice2 renomination\r\n"), ours);
        assert_eq!(answer.sdp.contains("ice2 renomination\r\n"), ours && theirs);
        assert_eq!(a.session.agreed_renomination(), ours && theirs);
        assert_eq!(b.session.agreed_renomination(), ours && theirs);
    }
}

#[test]
fn a_peer_that_does_not_trickle_has_said_everything() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    a.session.add_local_candidate(0, "a001", &candidate(1));
    let text = a.session.local_description().map_or(text.sdp, |d| d.sdp.clone());
    b.hear(&offer(text.replace("a=ice-options:trickle ice2\r\n", "")));
    assert_eq!(b.session.can_trickle_ice_candidates(), Some(false));
    let (text, changes) = b.answer();
    assert!(agreed(&changes).remote_ice.end_of_candidates);
    assert_eq!(agreed(&changes).remote_ice.candidates, [candidate(1)]);
    assert!(!text.sdp.contains("ice-options"));
}

#[test]
fn negotiation_is_needed_until_data_was_negotiated() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    assert!(!a.session.is_negotiation_needed(false, false));
    assert!(a.session.is_negotiation_needed(true, false));
    let (offer, _) = a.offer();
    assert!(a.session.is_negotiation_needed(true, false), "pending is not negotiated");
    b.hear(&offer);
    let (answer, _) = b.answer();
    a.hear(&answer);
    assert!(!a.session.is_negotiation_needed(true, false));
    assert!(!b.session.is_negotiation_needed(true, false));
    assert!(a.session.is_negotiation_needed(false, true));
}
