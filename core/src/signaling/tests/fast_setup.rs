//! SNAP and SPED in descriptions.

use crate::signaling::description::SessionDescription;
use crate::signaling::error::{InvalidDescription, SetDescriptionError};
use crate::signaling::fast_setup::FastSetup;
use crate::signaling::session::Session;
use crate::signaling::state::SdpType;
use crate::signaling::tests::Peer;
use data_encoding::BASE64;

/// An INIT chunk with `tag`.
fn chunk(tag: u8) -> Vec<u8> {
    vec![1, 0, 0, 20, 0, 0, 0, tag, 0, 5, 0, 0, 0, 1, 0, 1, 0, 0, 0, 9]
}

struct Ends {
    peers: [Peer; 2],
    can: [bool; 2],
    chunks: [Vec<u8>; 2],
}

impl Ends {
    fn new(can: [bool; 2]) -> Self {
        Self { peers: [Peer::new('a'), Peer::new('b')], can, chunks: [chunk(1), chunk(2)] }
    }

    fn create(&mut self, who: usize, kind: SdpType) -> SessionDescription {
        let fast = FastSetup { sped: self.can[who], sctp_init: self.can[who].then_some(&self.chunks[who]) };
        self.peers[who].act(|session, local| {
            let local = crate::signaling::local::LocalParameters { fast, ..*local };
            session.set_local(Some(kind.into()), &local).unwrap();
        });
        self.session(who).local_description().unwrap().clone()
    }

    fn session(&mut self, who: usize) -> &mut Session {
        &mut self.peers[who].session
    }

    fn exchange(&mut self) -> [SessionDescription; 2] {
        let offer = self.create(0, SdpType::Offer);
        self.session(1).set_remote(offer.clone()).unwrap();
        let answer = self.create(1, SdpType::Answer);
        self.session(0).set_remote(answer.clone()).unwrap();
        [offer, answer]
    }
}

#[test]
fn what_both_sides_can_is_agreed_on() {
    let mut ends = Ends::new([true; 2]);
    let descriptions = ends.exchange();
    for (who, description) in descriptions.iter().enumerate() {
        let line = format!("\r\na=sctp-init:{}\r\n", BASE64.encode(&ends.chunks[who]));
        assert!(description.sdp.contains(&line));
        assert!(description.sdp.contains("\r\na=ice-options:trickle ice2 sped googspedv1\r\n"));
    }
    let chunks = ends.chunks.clone();
    assert_eq!(ends.session(0).agreed_sctp_init(), Some(chunks[1].clone()));
    assert_eq!(ends.session(1).agreed_sctp_init(), Some(chunks[0].clone()));
    // Again and again the same.
    assert_eq!(ends.create(0, SdpType::Offer).sdp.matches("a=sctp-init").count(), 1);
}

#[test]
fn what_one_side_cannot_is_not_used() {
    for can in [[true, false], [false, true], [false, false]] {
        let mut ends = Ends::new(can);
        let [offer, answer] = ends.exchange();
        assert_eq!(offer.sdp.contains("sctp-init"), can[0]);
        assert!(!answer.sdp.contains("sctp-init") && !answer.sdp.contains("sped"));
        assert!((0..2).all(|who| ends.session(who).agreed_sctp_init().is_none()));
    }
}

#[test]
fn a_chunk_that_is_none_is_refused() {
    for bad in ["*", "AQAA", "AAAAFAAAAAEABQAAAAEAAQAAAAk="] {
        let mut ends = Ends::new([true; 2]);
        let offer = ends.create(0, SdpType::Offer);
        let good = BASE64.encode(&ends.chunks[0]);
        let broken = SessionDescription::new(SdpType::Offer, offer.sdp.replace(&good, bad));
        let error = SetDescriptionError::Invalid(InvalidDescription::BadSctpInit(0));
        assert_eq!(ends.session(1).set_remote(broken), Err(error), "{bad}");
        assert!(ends.session(1).set_remote(offer).is_ok());
    }
}
