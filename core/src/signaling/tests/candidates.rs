//! Candidates in both directions, and the texts that they end up in.

use super::{Peer, agreed, candidate, exchange, offer};
use crate::base::w3c::ErrorKind;
use crate::signaling::changes::RemoteCandidate;
use crate::signaling::description::IceCandidateInit;
use crate::signaling::error::AddIceCandidateError;
use crate::signaling::state::SdpType;

fn init(number: u16) -> IceCandidateInit {
    let candidate = candidate(number).to_string();
    IceCandidateInit {
        candidate,
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    }
}

fn end() -> IceCandidateInit {
    IceCandidateInit { candidate: String::new(), ..init(0) }
}

/// `b` has a remote offer of `a` and no answer yet.
fn offered() -> (Peer, Peer) {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&text);
    (a, b)
}

fn add(peer: &mut Peer, init: &IceCandidateInit) -> Result<RemoteCandidate, AddIceCandidateError> {
    peer.session.add_remote_candidate(Some(init))
}

#[test]
fn local_candidates_come_early_or_at_once() {
    let mut a = Peer::new('a');
    assert_eq!(a.session.add_local_candidate(0, "a001", &candidate(1)), None);
    let (text, changes) = a.offer();
    let expected = IceCandidateInit { username_fragment: Some("a001".into()), ..init(1) };
    assert_eq!(changes.early_candidates, std::slice::from_ref(&expected));
    assert_eq!(changes.gather, [(0, a.ice.clone())]);
    assert!(
        text.sdp.ends_with(
            "a=max-message-size:262144\r\na=candidate:1 1 udp 2130706431 192.0.2.1 1 typ host\r\n"
        )
    );

    let second = a.session.add_local_candidate(0, "a001", &candidate(2)).unwrap();
    assert_eq!(second, IceCandidateInit { username_fragment: Some("a001".into()), ..init(2) });
    assert_eq!(a.session.add_local_candidate(0, "a001", &candidate(2)), None, "known");
    assert_eq!(a.session.add_local_candidate(0, "a009", &candidate(3)), None, "another generation");
    let last = a.session.end_of_local_candidates(0, "a001").unwrap();
    assert_eq!(last, IceCandidateInit { username_fragment: Some("a001".into()), ..end() });
    assert_eq!(a.session.end_of_local_candidates(0, "a001"), None);

    let text = &a.session.local_description().unwrap().sdp;
    assert_eq!(text.matches("a=candidate").count(), 2);
    assert!(text.ends_with("192.0.2.1 2 typ host\r\na=end-of-candidates\r\n"));
}

#[test]
fn an_end_that_came_early_is_announced_with_the_description() {
    let mut a = Peer::new('a');
    a.session.add_local_candidate(0, "a001", &candidate(1));
    a.session.end_of_local_candidates(0, "a001");
    let (text, changes) = a.offer();
    assert_eq!(changes.early_candidates.len(), 2);
    assert_eq!(changes.early_candidates[1].candidate, "");
    assert!(text.sdp.ends_with("a=end-of-candidates\r\n"));
}

#[test]
fn an_offer_set_late_lists_what_was_found_meanwhile() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let text = a.create_offer();
    assert!(a.session.add_local_candidate(0, "a001", &candidate(1)).is_some());
    let changes = a.set_local(text).unwrap();
    assert_eq!(changes.early_candidates, []);
    assert!(a.session.pending_local_description().unwrap().sdp.contains("a=candidate:1 1"));
    // And later ones go into both.
    a.session.add_local_candidate(0, "a001", &candidate(2));
    for text in [a.session.pending_local_description(), a.session.current_local_description()] {
        assert!(text.unwrap().sdp.contains("192.0.2.1 2 typ"));
    }
}

#[test]
fn a_new_generation_lists_its_own_candidates_only() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    a.session.add_local_candidate(0, "a001", &candidate(1));
    a.session.end_of_local_candidates(0, "a001");
    a.restart_ice(2);
    let (text, _) = a.offer();
    assert!(!text.sdp.contains("a=candidate") && !text.sdp.contains("end-of-candidates"));
    a.session.add_local_candidate(0, "a002", &candidate(2));
    assert!(a.session.pending_local_description().unwrap().sdp.contains("192.0.2.1 2 typ"));
    assert!(!a.session.current_local_description().unwrap().sdp.contains("192.0.2.1 2 typ"));
}

#[test]
fn remote_candidates_are_held_until_the_answer() {
    let (mut a, mut b) = offered();
    assert_eq!(add(&mut b, &init(1)), Ok(RemoteCandidate::Held));
    assert_eq!(add(&mut b, &init(1)), Ok(RemoteCandidate::Ignored), "known");
    assert!(b.session.remote_description().unwrap().sdp.ends_with("192.0.2.1 1 typ host\r\n"));
    let (text, changes) = b.answer();
    assert_eq!(agreed(&changes).remote_ice.candidates, [candidate(1)]);

    let expected =
        RemoteCandidate::Candidate { transport: 0, ufrag: "a001".into(), candidate: Box::new(candidate(2)) };
    assert_eq!(add(&mut b, &init(2)), Ok(expected));
    assert_eq!(
        add(&mut b, &end()),
        Ok(RemoteCandidate::EndOfCandidates { transport: 0, ufrag: "a001".into() })
    );
    assert_eq!(add(&mut b, &end()), Ok(RemoteCandidate::Ignored), "known");
    assert!(b.session.remote_description().unwrap().sdp.ends_with("2 typ host\r\na=end-of-candidates\r\n"));

    a.hear(&text);
    let expected =
        RemoteCandidate::Candidate { transport: 0, ufrag: "b001".into(), candidate: Box::new(candidate(1)) };
    assert_eq!(add(&mut a, &init(1)), Ok(expected));
}

#[test]
fn candidates_find_their_generation() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    a.restart_ice(2);
    let (text, _) = a.offer();
    b.hear(&text);
    let of = |ufrag: &str, number| IceCandidateInit { username_fragment: Some(ufrag.into()), ..init(number) };
    let old =
        RemoteCandidate::Candidate { transport: 0, ufrag: "a001".into(), candidate: Box::new(candidate(1)) };
    assert_eq!(add(&mut b, &of("a001", 1)), Ok(old));
    assert_eq!(add(&mut b, &of("a002", 2)), Ok(RemoteCandidate::Held));
    assert_eq!(add(&mut b, &init(3)), Ok(RemoteCandidate::Held), "the newest");
    let current = &b.session.current_remote_description().unwrap().sdp;
    assert!(current.contains("192.0.2.1 1 typ") && !current.contains("192.0.2.1 2 typ"));
    // The extension in the candidate says it as well.
    let mut named = init(4);
    named.candidate += " ufrag a001";
    assert!(matches!(add(&mut b, &named), Ok(RemoteCandidate::Candidate { .. })));
    named.candidate = named.candidate.replace("a001", "a003");
    assert_eq!(add(&mut b, &named), Err(AddIceCandidateError::UnknownUfrag));
}

#[test]
fn candidates_that_cannot_be_added_are_refused_by_kind() {
    let mut fresh = Peer::new('b');
    let nowhere = IceCandidateInit { sdp_mid: None, sdp_m_line_index: None, ..init(1) };
    assert_eq!(add(&mut fresh, &nowhere).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(add(&mut fresh, &init(1)).unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(fresh.session.add_remote_candidate(None).unwrap_err().kind(), ErrorKind::InvalidState);

    let (_, mut b) = offered();
    let before = b.visible();
    let cases = [
        (IceCandidateInit { sdp_mid: Some("9".into()), ..init(1) }, AddIceCandidateError::UnknownSection),
        (
            IceCandidateInit { sdp_mid: None, sdp_m_line_index: Some(1), ..init(1) },
            AddIceCandidateError::UnknownSection,
        ),
        (
            IceCandidateInit { username_fragment: Some("zzzz".into()), ..init(1) },
            AddIceCandidateError::UnknownUfrag,
        ),
        (IceCandidateInit { candidate: "candidate:x".into(), ..init(1) }, AddIceCandidateError::Malformed),
    ];
    for (case, error) in cases {
        assert_eq!(add(&mut b, &case), Err(error));
        assert_eq!(error.kind(), ErrorKind::Operation);
        assert_eq!(b.visible(), before);
    }
    // The mid wins; prefixes do not matter.
    let both = IceCandidateInit { sdp_m_line_index: Some(77), ..init(1) };
    assert_eq!(add(&mut b, &both), Ok(RemoteCandidate::Held));
    let prefixed = IceCandidateInit { candidate: format!("a={}", candidate(2)), ..init(1) };
    assert_eq!(add(&mut b, &prefixed), Ok(RemoteCandidate::Held));
    assert_eq!(b.session.remote_description().unwrap().sdp.matches("\r\na=candidate:").count(), 2);
}

#[test]
fn the_end_of_candidates_may_name_no_section() {
    let (_, mut b) = offered();
    b.answer();
    let ended = RemoteCandidate::EndOfCandidates { transport: 0, ufrag: "a001".into() };
    assert_eq!(b.clone().session.add_remote_candidate(None), Ok(ended.clone()));
    assert_eq!(add(&mut b, &IceCandidateInit::default()), Ok(ended));
}

#[test]
fn there_is_room_for_so_many_candidates() {
    let (_, mut b) = offered();
    for number in 0..256 {
        assert_eq!(add(&mut b, &init(number)), Ok(RemoteCandidate::Held));
    }
    assert_eq!(add(&mut b, &init(256)), Err(AddIceCandidateError::TooMany));
    assert_eq!(add(&mut b, &init(255)), Ok(RemoteCandidate::Ignored));
}

#[test]
fn candidates_of_rejected_sections_are_ignored() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&offer(text.sdp.replace("a=sctp-port:5000\r\n", "")));
    assert_eq!(add(&mut b, &init(1)), Ok(RemoteCandidate::Ignored));
    b.set_local(SdpType::Answer).unwrap();
    assert_eq!(add(&mut b, &init(1)), Ok(RemoteCandidate::Ignored));
    assert_eq!(b.session.add_remote_candidate(None), Ok(RemoteCandidate::Ignored));
}
