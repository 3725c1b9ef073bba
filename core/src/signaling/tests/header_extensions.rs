//! Which header extensions are offered, taken and told of.

use super::{Peer, exchange};
use crate::base::media::{MediaCapabilities, MediaKind, RtpTransceiverDirection as Direction, TransceiverId};
use crate::base::parameters::RtpHeaderExtensionCapability as Extension;
use crate::base::w3c::ErrorKind;
use crate::signaling::media_error::TransceiverError;
use crate::signaling::transceiver::RtpTransceiverInit;
use std::sync::Arc;

const LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

/// Two peers, the first with sound.
fn pair() -> (Peer, Peer, TransceiverId) {
    let (mut a, mut b) = (Peer::without_data('a'), Peer::without_data('b'));
    for peer in [&mut a, &mut b] {
        peer.session.config.media = Arc::new(MediaCapabilities::default());
    }
    let id = a.session.add_transceiver(MediaKind::Audio.into(), RtpTransceiverInit::default()).unwrap();
    (a, b, id)
}

fn wanted(peer: &Peer, id: TransceiverId) -> Vec<Extension> {
    peer.session.header_extensions_to_negotiate(id).unwrap()
}

fn direction(list: &[Extension], uri: &str) -> Direction {
    list.iter().find(|extension| extension.uri == uri).expect("the extension").direction
}

fn with(list: &[Extension], uri: &str, direction: Direction) -> Vec<Extension> {
    let mut list = list.to_vec();
    list.iter_mut().find(|extension| extension.uri == uri).expect("the extension").direction = direction;
    list
}

#[test]
fn what_is_stopped_is_neither_offered_nor_taken() {
    let (mut a, mut b, id) = pair();
    let all = wanted(&a, id);
    assert!(all.iter().all(|extension| extension.direction == Direction::SendRecv));
    let negotiated = a.session.negotiated_header_extensions(id).unwrap();
    assert!(negotiated.iter().all(|extension| extension.direction == Direction::Stopped));
    a.session.set_header_extensions_to_negotiate(id, with(&all, TIME, Direction::Stopped)).unwrap();
    let (offer, _) = a.offer();
    assert!(!offer.sdp.contains(TIME) && offer.sdp.contains(LEVEL));
    b.hear(&offer);
    let theirs = b.session.transceivers().next().unwrap().id();
    let list = wanted(&b, theirs);
    b.session.set_header_extensions_to_negotiate(theirs, with(&list, LEVEL, Direction::Stopped)).unwrap();
    let (answer, _) = b.answer();
    assert!(!answer.sdp.contains(LEVEL));
    a.hear(&answer);
    for (peer, id) in [(&a, id), (&b, theirs)] {
        let negotiated = peer.session.negotiated_header_extensions(id).unwrap();
        assert_eq!(direction(&negotiated, MID), Direction::SendRecv);
        assert_eq!(direction(&negotiated, TIME), Direction::Stopped);
        assert_eq!(direction(&negotiated, LEVEL), Direction::Stopped);
    }
    // What the answer did not have is offered again.
    assert_eq!(direction(&wanted(&a, id), LEVEL), Direction::SendRecv);
}

#[test]
fn directions_are_those_of_both() {
    let (mut a, mut b, id) = pair();
    let all = wanted(&a, id);
    a.session.set_header_extensions_to_negotiate(id, with(&all, LEVEL, Direction::SendOnly)).unwrap();
    let (offer, _) = a.offer();
    assert!(offer.sdp.contains(&format!("/sendonly {LEVEL}\r\n")), "{}", offer.sdp);
    b.hear(&offer);
    b.answer();
    let theirs = b.session.transceivers().next().unwrap().id();
    let negotiated = b.session.negotiated_header_extensions(theirs).unwrap();
    assert_eq!(direction(&negotiated, LEVEL), Direction::RecvOnly);
    // And stay so when the other side offers.
    assert_eq!(direction(&wanted(&b, theirs), LEVEL), Direction::RecvOnly);
    let answer = b.session.local_description().unwrap().clone();
    a.hear(&answer);
    exchange(&mut b, &mut a);
    let negotiated = a.session.negotiated_header_extensions(id).unwrap();
    assert_eq!(direction(&negotiated, LEVEL), Direction::SendOnly);
}

#[test]
fn another_list_is_refused() {
    let (mut a, _, id) = pair();
    let all = wanted(&a, id);
    let before = a.visible();
    let shorter = all[1..].to_vec();
    let mut swapped = all.clone();
    swapped.swap(0, 1);
    let refused = [
        (shorter, TransceiverError::OtherHeaderExtensions),
        (swapped, TransceiverError::OtherHeaderExtensions),
        (with(&all, MID, Direction::Stopped), TransceiverError::MandatoryHeaderExtension),
        (with(&all, MID, Direction::SendOnly), TransceiverError::MandatoryHeaderExtension),
    ];
    for (list, error) in refused {
        let got = a.session.set_header_extensions_to_negotiate(id, list).unwrap_err();
        assert_eq!((got, got.kind()), (error, ErrorKind::InvalidModification));
        assert_eq!((wanted(&a, id), a.visible()), (all.clone(), before.clone()));
    }
}
