//! Descriptions that browsers and other stacks wrote, taken as offers and answers.

use super::{Peer, agreed, answer, offer, sctp};
use crate::signaling::changes::{DtlsRole, RemoteCandidate};
use crate::signaling::description::IceCandidateInit;
use crate::signaling::state::{SdpType, SignalingState};

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/vectors/sdp/", $name, ".sdp"))
    };
}

/// Each offer, the index of its data section, the largest message, and the number of candidates of its first section.
const OFFERS: &[(&str, &str, Option<usize>, u64, usize)] = &[
    ("aiortc", vector!("aiortc-av-data-offer"), Some(2), 262_144, 2),
    ("chromium ccfb", vector!("chromium-av-ccfb-offer"), None, 0, 8),
    ("chromium cryptex", vector!("chromium-av-data-experimental-cryptex-offer"), Some(0), 262_144, 8),
    ("chromium max-compat", vector!("chromium-av-data-maxcompat-offer"), Some(2), 262_144, 8),
    ("chromium mdns", vector!("chromium-av-data-mdns-offer"), Some(2), 262_144, 2),
    ("chromium av data", vector!("chromium-av-data-offer"), Some(2), 262_144, 8),
    ("chromium av", vector!("chromium-av-offer"), None, 0, 8),
    ("chromium data", vector!("chromium-data-offer"), Some(0), 262_144, 8),
    ("chromium snap idata", vector!("chromium-data-snap-idata-offer"), Some(0), 262_144, 8),
    ("chromium snap", vector!("chromium-data-snap-offer"), Some(0), 262_144, 8),
    ("chromium sped", vector!("chromium-data-sped-offer"), Some(0), 262_144, 8),
    ("chromium simulcast", vector!("chromium-simulcast-offer"), None, 0, 8),
    ("firefox mdns", vector!("firefox-av-data-mdns-offer"), Some(2), 1_073_741_823, 8),
    ("firefox av data", vector!("firefox-av-data-offer"), Some(2), 1_073_741_823, 8),
    ("firefox data", vector!("firefox-data-offer"), Some(0), 1_073_741_823, 4),
    ("firefox simulcast", vector!("firefox-simulcast-offer"), None, 0, 8),
    ("gstreamer", vector!("gstreamer-av-data-offer"), Some(2), 65_536, 9),
    ("libdatachannel", vector!("libdatachannel-data-offer"), Some(0), 262_144, 4),
    ("werift", vector!("werift-av-data-offer"), Some(2), 65_536, 1),
];

#[test]
fn recorded_offers_are_answered() {
    for &(name, text, data, size, candidates) in OFFERS {
        let mut b = Peer::without_data('b');
        b.set_remote(&offer(text)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (answer, changes) = b.answer();
        let media = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix("m="));
            lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
        };
        assert_eq!(media(&answer.sdp), media(text), "{name}");
        let rejected = |line: &&str| line.starts_with("m=") && line.split(' ').nth(1) == Some("0");
        assert_eq!(answer.sdp.lines().filter(rejected).count(), 0, "{name}\n{}", answer.sdp);
        let group =
            |text: &str| text.lines().find(|line| line.starts_with("a=group:BUNDLE")).map(str::to_owned);
        assert_eq!(group(&answer.sdp), group(text), "{name}");
        let agreed_data = b.session.agreed.data.as_ref();
        assert_eq!(agreed_data.map(|agreed| agreed.section), data, "{name}");
        if data.is_some() {
            assert_eq!((sctp(&changes).max_message_size, sctp(&changes).remote_port), (size, 5000), "{name}");
        }
        let agreement = agreed(&changes);
        assert_eq!(agreement.dtls_role, DtlsRole::Client, "{name}");
        assert_eq!(agreement.remote_ice.candidates.len(), candidates, "{name}");
        let sections = media(text).iter().filter(|kind| *kind != "application").count();
        assert_eq!(b.session.media().len(), sections, "{name}");
        assert!(b.session.media().iter().all(|m| !m.receive.is_empty() && !m.send.is_empty()), "{name}");
        assert_eq!(b.state(), SignalingState::Stable);
        // And what we offer next is understood by one of ours, whatever went before.
        let (again, _) = b.offer();
        assert_eq!(media(&again.sdp), media(text), "{name}");
        let mut c = Peer::without_data('c');
        c.hear(&again);
        let (_, changes) = c.answer();
        assert_eq!(c.session.media().len(), sections, "{name}\n{}", again.sdp);
        assert_eq!(changes.transports.len(), 1, "{name}");
    }
}

const CHROMIUM_AV_ANSWERED: &str = "\
a=group:BUNDLE 2
a=ice-options:trickle
m=audio 0 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=inactive
m=video 0 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=inactive
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:2
a=ice-ufrag:b001
a=ice-pwd:b001b001b001b001b001b001
a=fingerprint:sha-256 62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62:62
a=setup:active
a=sctp-port:5000
a=max-message-size:262144
";

#[test]
fn media_that_is_not_supported_is_rejected_in_its_place() {
    let mut b = Peer::deaf('b');
    b.hear(&offer(vector!("chromium-av-data-offer")));
    let (answer, _) = b.answer();
    let expected = format!("v=0\no=- 7 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n{CHROMIUM_AV_ANSWERED}");
    assert_eq!(answer.sdp, expected.replace('\n', "\r\n"));
}

#[test]
fn an_offer_after_such_an_answer_keeps_every_place() {
    let mut b = Peer::deaf('b');
    b.hear(&offer(vector!("chromium-av-data-offer")));
    b.answer();
    let (text, changes) = b.offer();
    assert_eq!(changes.gather, []);
    let sections: Vec<_> = text.sdp.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        sections,
        [
            "m=audio 0 UDP/TLS/RTP/SAVPF 111",
            "m=video 0 UDP/TLS/RTP/SAVPF 96",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"
        ]
    );
    assert!(text.sdp.contains("a=group:BUNDLE 2\r\n"));
    b.set_local(SdpType::Rollback).unwrap();
    // And the browser's next one, with more sections, is taken.
    let again = format!("{}{MORE}", vector!("chromium-av-data-offer"));
    b.hear(&offer(again));
    let (text, _) = b.answer();
    assert!(
        text.sdp.ends_with("m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=inactive\r\n")
    );
    assert!(text.sdp.contains("m=application 9 "));
}

/// One more section, with a transport of its own.
const MORE: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=rtcp-mux\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AA\r\n";

#[test]
fn a_browser_that_gathers_for_the_whole_bundle_is_heard() {
    // Under max-bundle, Chromium trickles for the first section only, which we reject.
    let text = vector!("chromium-av-data-mdns-offer");
    let stripped: String =
        text.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate")).collect();
    let candidate =
        "candidate:1 1 udp 2113937151 192.0.2.7 1 typ host generation 0 ufrag 2Rms network-cost 999";
    let init = |mid: &str| IceCandidateInit {
        candidate: candidate.into(),
        sdp_mid: Some(mid.into()),
        sdp_m_line_index: None,
        username_fragment: Some("2Rms".into()),
    };
    let mut b = Peer::deaf('b');
    b.hear(&offer(stripped));
    assert_eq!(b.session.add_remote_candidate(Some(&init("0"))), Ok(RemoteCandidate::Held));
    // Whether that section is in the bundle, the answer will say.
    assert_eq!(b.session.add_remote_candidate(Some(&init("1"))), Ok(RemoteCandidate::Held));
    let (_, changes) = b.answer();
    assert_eq!(agreed(&changes).remote_ice.candidates.len(), 1);
    // Candidates in the description itself count as well.
    let (before, data) = text.split_once("m=application").unwrap();
    let data: String = data.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate")).collect();
    let mut b = Peer::deaf('b');
    b.hear(&offer(format!("{before}m=application{data}")));
    assert_eq!(agreed(&b.answer().1).remote_ice.candidates.len(), 2);
}

#[test]
fn browsers_answers_to_our_offer_are_taken() {
    // Recorded from each browser for the very text of our first offer.
    for (text, size) in
        [(vector!("chromium-data-answer"), 262_144), (vector!("firefox-data-answer"), 1_073_741_823)]
    {
        let mut a = Peer::new('a');
        a.offer();
        let changes = a.hear(&answer(text));
        assert_eq!(agreed(&changes).dtls_role, DtlsRole::Server);
        assert_eq!((sctp(&changes).remote_port, sctp(&changes).max_message_size), (5000, size));
        assert_eq!(a.session.can_trickle_ice_candidates(), Some(true));
    }
}

#[test]
fn data_in_use_survives_media_that_comes_to_lead_its_bundle() {
    // What browsers offer when a track is added to a session whose first section we rejected: the new section
    // takes the rejected place and the head of the bundle. Firefox under max-bundle makes data bundle-only.
    let audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:MID\r\na=rtcp-mux\r\n\
                 a=ice-ufrag:a001\r\na=ice-pwd:a001a001a001a001a001a001\r\na=fingerprint:sha-256 AA\r\n";
    for bundle_only in [false, true] {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let text = a.offer().0.sdp.replace("a=mid:0", "a=mid:2");
        let with = |mid: &str| {
            let section = format!("{}m=application", audio.replace("MID", mid));
            text.replace("m=application", &section).replace("BUNDLE 0", &format!("BUNDLE {mid} 2"))
        };
        b.hear(&offer(with("0")));
        let first = b.answer().1;
        let mut text_2 = with("3");
        if bundle_only {
            text_2 = text_2
                .replace("m=application 9", "m=application 0")
                .replace("a=mid:2", "a=bundle-only\r\na=mid:2");
        }
        b.hear(&offer(text_2));
        let (text, changes) = b.answer();
        assert!(text.sdp.contains("a=group:BUNDLE 2\r\n") && text.sdp.contains("m=audio 0 "));
        assert!(text.sdp.contains("m=application 9 "), "{bundle_only}");
        assert_eq!(agreed(&changes).remote_ice.credentials, agreed(&first).remote_ice.credentials);
        assert!(!agreed(&changes).ice_restarted && !agreed(&changes).fingerprints_changed);
    }
}

#[test]
fn attack_36_unknown_attributes_are_never_echoed() {
    let noise = "a=x-unknown:1\r\na=y\r\na=sctp-init:AQAAFAAAAAEABQAAAAEAAQAAAAk=\r\na=tls-id:0123456789abcdefghij\r\na=setup-x:active\r\n";
    let text = vector!("chromium-data-offer").replace("a=mid:0\r\n", &format!("a=mid:0\r\n{noise}"));
    let text =
        text.replace("a=extmap-allow-mixed\r\n", &format!("a=extmap-allow-mixed\r\na=group:LS 0\r\n{noise}"));
    let mut b = Peer::new('b');
    b.hear(&offer(text));
    let (plain, _) = b.answer();
    let mut c = Peer::new('b');
    c.hear(&offer(vector!("chromium-data-offer")));
    assert_eq!(c.answer().0, plain);
    // And not in the offer that follows.
    let (next, _) = b.offer();
    for word in ["x-unknown", "a=y", "sctp-init", "tls-id", "group:LS"] {
        assert!(!next.sdp.contains(word), "{word}");
    }
}

#[test]
fn attack_36_several_groups_are_answered_one_by_one() {
    let mut b = Peer::new('b');
    let text = vector!("chromium-av-data-offer")
        .replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1\r\na=group:BUNDLE 2");
    b.hear(&offer(text));
    let (answer, _) = b.answer();
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1\r\na=group:BUNDLE 2\r\n"));
    assert!(answer.sdp.contains("m=application 9 "));
    assert_eq!((b.session.agreed.transports.len(), b.session.data_transport()), (2, Some(1)));
}
