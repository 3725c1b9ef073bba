//! Descriptions that are well-formed and make little sense, to sides in the middle of a session: what is refused changes
//! nothing, and what is taken can be answered.

use super::{Peer, answer, exchange, offer};
use crate::base::media::{MediaKind, MediaStreamTrack};
use crate::signaling::description::SessionDescription;
use crate::signaling::state::{SdpType, SignalingState};
use crate::signaling::transceiver::RtpTransceiverInit;
use crate::wire::sdp::attribute::{Attribute, Setup};
use crate::wire::sdp::description::Description;
use quickcheck::{QuickCheck, TestResult};

/// One change: which, where, and with what.
type Change = (u8, u8, u8);

fn change(description: &mut Description<'_>, (what, at, with): Change) {
    let (at, with) = (usize::from(at), usize::from(with));
    let count = description.sections.len();
    if count == 0 {
        return;
    }
    let (here, there) = (at % count, with % count);
    let attributes = description.sections[here].attributes.len().max(1);
    let number = with % attributes;
    match what % 12 {
        0 if number < description.sections[here].attributes.len() => {
            description.sections[here].attributes.remove(number);
        }
        1 | 2 => {
            let copied = description.sections[here].attributes.get(number).cloned();
            let to = if what % 12 == 1 { here } else { (here + 1) % count };
            description.sections[to].attributes.extend(copied);
        }
        3 => drop(description.sections.remove(here)),
        4 => {
            let section = description.sections[here].clone();
            description.sections.push(section);
        }
        5 => description.sections.swap(here, there),
        6 => description.sections[here].port ^= 9,
        7 => {
            let setups = [Setup::Active, Setup::Passive, Setup::ActPass, Setup::HoldConn];
            description.sections[here].attributes.insert(0, Attribute::Setup(setups[with % 4]));
        }
        8 if !description.attributes.is_empty() => {
            let gone = with % description.attributes.len();
            description.attributes.remove(gone);
        }
        9 => {
            let lifted = description.sections[here].attributes.get(number).cloned();
            description.attributes.extend(lifted);
        }
        10 => description.sections[here].media = ["audio", "video", "application", "text"][with % 4],
        11 => description.sections[here].attributes.push(Attribute::BundleOnly),
        _ => {}
    }
}

fn changed(description: &SessionDescription, changes: &[Change]) -> String {
    let mut parsed = Description::parse(&description.sdp).expect("what was made reads back");
    changes.iter().for_each(|&one| change(&mut parsed, one));
    parsed.to_text()
}

/// Two sides with sound, pictures and data; `talked`: that have agreed on all of it.
fn sides(talked: bool) -> [Peer; 2] {
    let [mut a, mut b] = ['a', 'b'].map(Peer::new);
    let track = MediaStreamTrack::new(MediaKind::Audio, "mic");
    a.session.add_track(track, vec!["s".into()]).unwrap();
    a.session.add_transceiver(MediaKind::Video.into(), RtpTransceiverInit::default()).unwrap();
    if talked {
        exchange(&mut a, &mut b);
    }
    [a, b]
}

/// Sets it. Whether it was taken; if not, nothing has changed.
fn takes(peer: &mut Peer, description: &SessionDescription) -> bool {
    let before = peer.visible();
    let taken = peer.set_remote(description).is_ok();
    assert!(taken || peer.visible() == before, "an error changed something: {}", description.sdp);
    taken
}

#[test]
fn structured_offers_are_refused_whole_or_can_be_answered() {
    #[expect(clippy::needless_pass_by_value, reason = "quickcheck hands over what it draws")]
    fn holds(talked: bool, changes: Vec<Change>) -> TestResult {
        let [mut a, mut b] = sides(talked);
        let (said, _) = a.offer();
        if !takes(&mut b, &offer(changed(&said, &changes))) {
            return TestResult::from_bool(b.state() == SignalingState::Stable);
        }
        let answered = b.set_local(SdpType::Answer);
        assert!(answered.is_ok(), "{answered:?}");
        let text = &b.session.current_local_description().expect("just set").sdp;
        assert!(Description::parse(text).is_ok(), "{text}");
        // And the session goes on.
        TestResult::from_bool(b.set_local(SdpType::Offer).is_ok())
    }
    QuickCheck::new().tests(300).quickcheck(holds as fn(bool, Vec<Change>) -> TestResult);
}

#[test]
fn structured_answers_are_refused_whole_or_end_the_exchange() {
    #[expect(clippy::needless_pass_by_value, reason = "quickcheck hands over what it draws")]
    fn holds(talked: bool, changes: Vec<Change>) -> TestResult {
        let [mut a, mut b] = sides(talked);
        let (said, _) = a.offer();
        b.hear(&said);
        let (answered, _) = b.answer();
        let taken = takes(&mut a, &answer(changed(&answered, &changes)));
        let state = if taken { SignalingState::Stable } else { SignalingState::HaveLocalOffer };
        assert_eq!(a.state(), state);
        // What was refused can be taken back, and what was taken be followed.
        let next = if taken { SdpType::Offer } else { SdpType::Rollback };
        TestResult::from_bool(a.set_local(next).is_ok())
    }
    QuickCheck::new().tests(300).quickcheck(holds as fn(bool, Vec<Change>) -> TestResult);
}

/// Our offer names all sections that a peer without mids has.
#[test]
fn sections_without_mids_get_one_each() {
    let [mut a, mut b] = sides(false);
    let (said, _) = a.offer();
    let text: String = said.sdp.split_inclusive("\r\n").filter(|line| !line.starts_with("a=mid:")).collect();
    let text = text.replace("a=group:BUNDLE 0 1 2\r\n", "");
    b.set_remote(&offer(text)).unwrap();
    b.set_local(SdpType::Answer).unwrap();
    let (ours, _) = b.offer();
    let mids: Vec<&str> = ours.sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    assert_eq!(mids, ["0", "1", "2"]);
}
