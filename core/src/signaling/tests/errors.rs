//! What is refused, and as which kind of error.

use super::{Peer, answer, exchange, offer};
use crate::base::w3c::ErrorKind;
use crate::signaling::description::LocalDescriptionInit;
use crate::signaling::error::{CreateDescriptionError, InvalidDescription, SetDescriptionError};
use crate::signaling::local::BundlePolicy;
use crate::signaling::session::Session;
use crate::signaling::state::{SdpType, SignalingState};

/// An offer of ours with `from` replaced by `to`, set remotely.
fn refused_offer(from: &str, to: &str) -> SetDescriptionError {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    refused(&mut b, &text.sdp, from, to, SdpType::Offer)
}

/// As above, with the answer to a first offer.
fn refused_answer(from: &str, to: &str) -> SetDescriptionError {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&text);
    let (text, _) = b.answer();
    refused(&mut a, &text.sdp, from, to, SdpType::Answer)
}

fn refused(peer: &mut Peer, text: &str, from: &str, to: &str, kind: SdpType) -> SetDescriptionError {
    assert!(text.contains(from), "{from}");
    let before = peer.visible();
    let description =
        if kind == SdpType::Offer { offer(text.replace(from, to)) } else { answer(text.replace(from, to)) };
    let error = peer.set_remote(&description).expect_err(to);
    assert_eq!(peer.visible(), before, "{to}");
    error
}

fn invalid(error: SetDescriptionError) -> InvalidDescription {
    assert_eq!(error.kind(), ErrorKind::InvalidAccess, "{error}");
    match error {
        SetDescriptionError::Invalid(invalid) => invalid,
        other => panic!("{other}"),
    }
}

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\n";
const END: &str = "a=max-message-size:262144\r\n";

fn with_audio(lines: &str) -> String {
    format!("{END}{AUDIO}{lines}")
}

#[test]
fn syntax_errors_name_their_line() {
    let error = refused_offer("a=setup:actpass", "a=setup:perhaps");
    assert_eq!((error.kind(), error.sdp_line_number()), (ErrorKind::Operation, Some(13)));
    assert_eq!(error.to_string(), "line 13: malformed a=setup");
    let error = refused_offer("t=0 0\r\n", "");
    assert_eq!(error.sdp_line_number(), Some(4));
}

#[test]
fn offers_that_make_no_sense_are_refused() {
    use InvalidDescription as I;
    for (from, to, error) in [
        ("a=ice-ufrag:a001\r\n", "", I::NoIceCredentials(0)),
        ("a=ice-ufrag:a001", "a=ice-ufrag:abc", I::NoIceCredentials(0)),
        ("a=ice-pwd:a001", "a=ice-pwd:ab!1", I::NoIceCredentials(0)),
        ("a=fingerprint", "a=finger", I::NoFingerprint(0)),
        ("a=setup:actpass", "a=setup:holdconn", I::BadSetup(0)),
        ("a=group:BUNDLE 0", "a=group:BUNDLE 0 1", I::BadGroup),
        ("a=group:BUNDLE 0", "a=group:BUNDLE 0 0", I::BadGroup),
        ("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 0", I::BadGroup),
        (END, &with_audio("").replace("mid:1", "mid:0"), I::DuplicateMid(1)),
        (END, &with_audio(""), I::NoIceCredentials(1)),
    ] {
        assert_eq!(invalid(refused_offer(from, to)), error, "{to}");
    }
}

#[test]
fn rtp_sections_are_checked_before_they_are_rejected() {
    use InvalidDescription as I;
    let bundle = |text: &str, lines: &str| {
        text.replace("BUNDLE 0", "BUNDLE 0 1 2").replace(END, &with_audio(lines))
            + &AUDIO.replace("mid:1", "mid:2").replace("audio", "video")
            + "a=rtpmap:96 VP8/90000\r\na=extmap:1 urn:x\r\n"
    };
    let refused = |lines: &str| {
        let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
        let (text, _) = a.offer();
        b.set_remote(&offer(bundle(&text.sdp, lines)))
    };
    assert!(
        refused("a=rtpmap:96 vp8/90000/1\r\na=extmap:1 urn:x\r\na=rid:a send\r\na=simulcast:send a\r\n")
            .is_ok()
    );
    let codec = I::PayloadType { section: 2, payload_type: 96 };
    for (lines, error) in [
        ("a=rtpmap:96 H264/90000\r\n", codec),
        ("a=extmap:1 urn:y\r\n", I::ExtensionId { section: 2, id: 1 }),
        ("a=rid:a send\r\na=simulcast:send a;~b\r\n", I::UnknownRid(1)),
    ] {
        assert_eq!(invalid(refused(lines).unwrap_err()), error, "{lines}");
    }
    let reserved = with_audio("").replace("SAVPF 96", "SAVPF 64");
    assert_eq!(invalid(refused_offer(END, &reserved)), I::PayloadType { section: 1, payload_type: 64 });
    let error = refused_offer(END, &with_audio("").replace("a=rtcp-mux\r\n", ""));
    assert_eq!(error, SetDescriptionError::NoRtcpMux { section: 1 });
    assert_eq!(error.kind(), ErrorKind::InvalidAccess);
    let only = with_audio("")
        .replace("9 UDP", "0 UDP")
        .replace("a=rtcp-mux\r\n", "a=bundle-only\r\na=rtcp-mux-only\r\n");
    assert_eq!(invalid(refused_offer(END, &only)), I::RtcpMuxOnly(1));
    // What the offer itself rejects is nobody's business.
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    let rejected = with_audio("").replace("9 UDP", "0 UDP").replace("a=rtcp-mux\r\n", "");
    b.hear(&offer(text.sdp.replace(END, &rejected)));
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    use InvalidDescription as I;
    for (from, to, error) in [
        (END, with_audio(""), I::SectionCount { expected: 1, got: 2 }),
        (
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "m=audio 9 UDP/DTLS/SCTP x".into(),
            I::SectionChanged(0),
        ),
        ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP".into(), I::SectionChanged(0)),
        ("a=mid:0", "a=mid:x".into(), I::BadGroup),
        ("a=setup:active", "a=setup:actpass".into(), I::BadSetup(0)),
        ("a=setup:active\r\n", String::new(), I::BadSetup(0)),
        ("a=sctp-port:5000\r\n", String::new(), I::NoSctpPort(0)),
        ("a=sctp-port:5000", "a=sctp-port:0".into(), I::NoSctpPort(0)),
        ("a=fingerprint", "a=finger".into(), I::NoFingerprint(0)),
        ("m=application 9", "m=application 0".into(), I::TaggedSectionRejected(0)),
    ] {
        assert_eq!(invalid(refused_answer(from, &to)), error, "{to}");
    }
    // Without its group, another mid is noticed by itself.
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    b.hear(&text);
    let text = b.answer().0.sdp.replace("a=group:BUNDLE 0\r\n", "").replace("a=mid:0", "a=mid:x");
    assert_eq!(invalid(a.set_remote(&answer(text.clone())).unwrap_err()), I::MidChanged(0));
    // An answer without mids is one from before there were any.
    a.hear(&answer(text.replace("a=mid:x\r\n", "")));
}

#[test]
fn an_answer_may_not_bundle_what_was_offered_apart() {
    // A session whose first section is rejected, and whose second has data.
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = b.offer();
    let two =
        text.sdp.replace("m=application", &format!("{AUDIO}m=application")).replace("9 UDP/TLS", "0 UDP/TLS");
    a.hear(&offer(two));
    let (answered, _) = a.answer();
    let (mine, _) = a.offer();
    assert!(mine.sdp.contains("a=group:BUNDLE 0\r\n") && mine.sdp.contains("m=audio 0 "));
    let theirs = answered.sdp.replace("a001", "b001").replace("61:61", "62:62");
    let theirs = theirs.replace("setup:active", "setup:passive");
    let error = refused(&mut a, &theirs, "BUNDLE 0", "BUNDLE 0 1", SdpType::Answer);
    assert_eq!(invalid(error), InvalidDescription::GroupNotOffered);
    a.hear(&answer(theirs));
    // A group of its own is as wrong.
    a.offer();
    let text = a.session.current_remote_description().unwrap().sdp.clone();
    let error = refused(&mut a, &text, "BUNDLE 0", "BUNDLE 0\r\na=group:BUNDLE 1", SdpType::Answer);
    assert_eq!(invalid(error), InvalidDescription::GroupNotOffered);
}

#[test]
fn an_answer_restarts_ice_exactly_when_the_offer_does() {
    use InvalidDescription as I;
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let (text, _) = a.offer();
    b.hear(&text);
    let (text, _) = b.answer();
    assert_eq!(
        invalid(refused(&mut a, &text.sdp, "b001", "b002", SdpType::Answer)),
        I::UnexpectedIceRestart(0)
    );
    a.restart_ice(2);
    a.offer();
    assert_eq!(invalid(refused(&mut a, &text.sdp, "v=0", "v=0", SdpType::Answer)), I::MissingIceRestart(0));
}

#[test]
fn a_living_association_keeps_its_role_and_certificate() {
    use InvalidDescription as I;
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    // a is the server. Its offer may not become active, and may say passive.
    let (text, _) = a.offer();
    let error = refused(&mut b, &text.sdp, "actpass", "active", SdpType::Offer);
    assert_eq!(invalid(error), I::RoleChanged(0));
    let id = "a=setup:passive\r\na=tls-id:0123456789abcdefghij\r\n";
    let error = refused(&mut b, &text.sdp, "a=setup:actpass\r\n", id, SdpType::Offer);
    assert_eq!(invalid(error), I::CertificateChanged(0));
    b.hear(&offer(text.sdp.replace("actpass", "passive")));
    let (text, _) = b.answer();
    let error = refused(&mut a, &text.sdp, "setup:active", "setup:passive", SdpType::Answer);
    assert_eq!(invalid(error), I::RoleChanged(0));
    let error = refused(&mut a, &text.sdp, "62:62:62", "63:62:62", SdpType::Answer);
    assert_eq!(invalid(error), I::CertificateChanged(0));
}

#[test]
fn sections_in_use_keep_their_place() {
    use InvalidDescription as I;
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    exchange(&mut a, &mut b);
    let (text, _) = a.offer();
    let error = refused(
        &mut b,
        &text.sdp,
        "application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "video 9 x y",
        SdpType::Offer,
    );
    assert_eq!(invalid(error), I::SectionChanged(0));
    let none = text.sdp.split("a=group").next().unwrap().to_owned();
    let error = b.set_remote(&offer(none)).unwrap_err();
    assert_eq!(invalid(error), I::SectionCount { expected: 1, got: 0 });
    let moved = text.sdp.replace("BUNDLE 0", "BUNDLE 5").replace("a=mid:0", "a=mid:5");
    assert_eq!(invalid(b.set_remote(&offer(moved)).unwrap_err()), I::MidChanged(0));
}

#[test]
fn a_local_description_is_the_one_created_last() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let mut text = a.create_offer();
    text.sdp.push_str("a=x\r\n");
    let error = a.set_local(text.clone()).unwrap_err();
    assert_eq!((error.kind(), a.state()), (ErrorKind::InvalidModification, SignalingState::Stable));
    // Before the state is looked at, as in browsers.
    let as_answer = LocalDescriptionInit { kind: Some(SdpType::Answer), sdp: text.sdp };
    assert_eq!(a.set_local(as_answer).unwrap_err().kind(), ErrorKind::InvalidModification);
    assert_eq!(a.set_local(SdpType::Answer).unwrap_err().kind(), ErrorKind::InvalidState);

    let created = a.create_offer();
    let changes = a.set_local(created.clone()).unwrap();
    assert_eq!(changes.signaling_states, [SignalingState::HaveLocalOffer]);
    b.hear(&created);
    let (text, _) = b.answer();
    a.hear(&text);
    // The exchange is over, and its texts are used up.
    assert_eq!(a.set_local(created).unwrap_err().kind(), ErrorKind::InvalidModification);
    assert_eq!(b.set_local(text).unwrap_err().kind(), ErrorKind::InvalidModification);
}

#[test]
fn nothing_is_created_without_a_fingerprint() {
    let mut a = Peer::new('a');
    a.fingerprints.clear();
    let error = a.act(Session::create_offer).unwrap_err();
    assert_eq!((error, error.kind()), (CreateDescriptionError::NoFingerprint, ErrorKind::Operation));
    let error = a.set_local(SdpType::Offer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Operation);
    assert_eq!(a.state(), SignalingState::Stable);
}

#[test]
fn max_bundle_takes_one_transport_only() {
    let first = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=rtcp-mux\r\n\
                 a=ice-ufrag:a001\r\na=ice-pwd:a001a001a001a001a001a001\r\na=fingerprint:sha-256 AA\r\n";
    for (policy, group, port) in [
        (BundlePolicy::MaxBundle, "a=group:BUNDLE 0\r\n", 0),
        (BundlePolicy::MaxBundle, "a=group:BUNDLE v 0\r\n", 9),
        (BundlePolicy::Balanced, "a=group:BUNDLE 0\r\n", 9),
        (BundlePolicy::MaxCompat, "", 9),
    ] {
        let (mut a, mut b) = (Peer::new('a'), Peer::with_policy('b', policy));
        let text = a.offer().0.sdp.replace("a=group:BUNDLE 0\r\n", group);
        b.hear(&offer(text.replace("m=application", &format!("{first}m=application"))));
        let (text, _) = b.answer();
        assert!(text.sdp.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"));
        assert!(text.sdp.contains(&format!("m=application {port} ")), "{policy} {group}");
    }
}

#[test]
fn attack_07_nobody_without_a_fingerprint_is_talked_to() {
    let strip = |text: &str| -> String {
        text.split_inclusive('\n').filter(|line| !line.starts_with("a=fingerprint")).collect()
    };
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let (text, _) = a.offer();
    assert_eq!(
        invalid(b.set_remote(&offer(strip(&text.sdp))).unwrap_err()),
        InvalidDescription::NoFingerprint(0)
    );
    b.hear(&text);
    let (text, _) = b.answer();
    assert_eq!(
        invalid(a.set_remote(&answer(strip(&text.sdp))).unwrap_err()),
        InvalidDescription::NoFingerprint(0)
    );
    // One that stands before the sections counts for all of them.
    let line = text.sdp.lines().find(|line| line.starts_with("a=fingerprint")).unwrap().to_owned();
    let moved = strip(&text.sdp).replace("m=application", &format!("{line}\r\nm=application"));
    assert_eq!(super::agreed(&a.hear(&answer(moved))).fingerprints, b.fingerprints);
}
