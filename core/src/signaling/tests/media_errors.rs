//! What the verbs of tracks and transceivers refuse: the state before is the state after.

use super::{Peer, exchange};
use crate::base::media::{
    MediaKind, MediaStreamTrack, RtpCodec, RtpTransceiverDirection as Direction, SenderId, TransceiverId,
};
use crate::base::parameters::RtpEncodingParameters as Encoding;
use crate::base::w3c::ErrorKind;
use crate::signaling::media_error::{AddTransceiverError as Add, EncodingError, SetParametersError};
use crate::signaling::transceiver::RtpTransceiverInit;

fn video(encodings: Vec<Encoding>) -> Result<Vec<Encoding>, Add> {
    let mut a = Peer::new('a');
    let before = a.visible();
    let init = RtpTransceiverInit::default().encodings(encodings);
    let result = a.session.add_transceiver(MediaKind::Video.into(), init);
    if result.is_err() {
        assert_eq!(a.visible(), before);
    }
    result.map(|id| a.session.transceiver(id).unwrap().encodings().to_vec())
}

fn rid(text: &str) -> Encoding {
    Encoding::with_rid(text)
}

#[test]
fn encodings_that_cannot_be_are_refused() {
    let scaled = |by| rid("a").scaled_down_by(by);
    let rate = |rate| Encoding { max_framerate: Some(rate), ..rid("a") };
    let coded = |codec| Encoding { codec: Some(codec), ..rid("a") };
    let mode = |mode: &str| Encoding { scalability_mode: Some(mode.into()), ..rid("a") };
    for (encodings, error, kind) in [
        (vec![rid("a b")], Add::BadRid, ErrorKind::Type),
        (vec![rid("")], Add::BadRid, ErrorKind::Type),
        (vec![rid("seventeen-letters")], Add::BadRid, ErrorKind::Type),
        (vec![rid("a"), Encoding::default()], Add::MissingRid, ErrorKind::Type),
        (vec![Encoding::default(), Encoding::default()], Add::MissingRid, ErrorKind::Type),
        (vec![rid("a"), rid("a")], Add::DuplicateRid, ErrorKind::Type),
        (vec![scaled(0.5)], Add::Encoding(EncodingError::ScaleBelowOne), ErrorKind::Range),
        (vec![scaled(f64::NAN)], Add::Encoding(EncodingError::NotFinite), ErrorKind::Type),
        (vec![rate(-1.0)], Add::Encoding(EncodingError::NegativeFramerate), ErrorKind::Range),
        (vec![rate(f64::INFINITY)], Add::Encoding(EncodingError::NotFinite), ErrorKind::Type),
        (
            vec![coded(RtpCodec::new("video/none", 90_000))],
            Add::Encoding(EncodingError::UnknownCodec),
            ErrorKind::Operation,
        ),
        (
            vec![coded(RtpCodec::new("video/rtx", 90_000))],
            Add::Encoding(EncodingError::UnknownCodec),
            ErrorKind::Operation,
        ),
        (vec![mode("L4T1")], Add::Encoding(EncodingError::UnknownScalabilityMode), ErrorKind::Operation),
        (vec![mode("S1T1")], Add::Encoding(EncodingError::UnknownScalabilityMode), ErrorKind::Operation),
    ] {
        let got = video(encodings.clone()).unwrap_err();
        assert_eq!((got, got.kind()), (error, kind), "{encodings:?}");
    }
}

#[test]
fn encodings_are_completed() {
    assert_eq!(video(vec![]).unwrap()[0].scale_resolution_down_by, Some(1.0));
    assert_eq!(video(vec![rid("only")]).unwrap()[0].rid, None);
    let some = video(vec![rid("a"), rid("b").scaled_down_by(3.0)]).unwrap();
    assert_eq!(some.iter().map(|e| e.scale_resolution_down_by).collect::<Vec<_>>(), [Some(1.0), Some(3.0)]);
    let many = (0..20).map(|n| rid(&n.to_string())).collect();
    assert_eq!(video(many).unwrap().len(), 8);
    for mode in ["L1T3", "L2T2h", "L3T3_KEY", "L2T2_KEY_SHIFT", "S3T3h", "S2T1"] {
        let encoding = Encoding { scalability_mode: Some(mode.into()), ..Encoding::default() };
        assert!(video(vec![encoding]).is_ok(), "{mode}");
    }
    // Audio has neither size nor frames.
    let mut a = Peer::new('a');
    let init = RtpTransceiverInit::default().encodings(vec![rid("a").scaled_down_by(0.1)]);
    let id = a.session.add_transceiver(MediaKind::Audio.into(), init).unwrap();
    assert_eq!(a.session.transceiver(id).unwrap().encodings(), [Encoding::default()]);
}

#[test]
fn verbs_that_cannot_be_are_refused() {
    let mut a = Peer::new('a');
    let track = || MediaStreamTrack::new(MediaKind::Audio, "mic");
    let sender = a.session.add_track(track(), vec!["s".into(), "s".into()]).unwrap();
    let id = sender.transceiver();
    assert_eq!(a.session.transceiver(id).unwrap().sender_streams(), ["s"]);
    let before = a.visible();
    let foreign = SenderId(TransceiverId(7));
    let named = |id: &str| MediaStreamTrack::new(MediaKind::Audio, id);
    let video = MediaStreamTrack::new(MediaKind::Video, "cam");
    let rtx = vec![RtpCodec::new("audio/CN", 8_000)];
    let s = &mut a.session;
    let stopped = RtpTransceiverInit::direction(Direction::Stopped);
    let errors = [
        s.add_track(track(), vec![]).unwrap_err().kind(),
        s.add_track(named("a b"), vec![]).unwrap_err().kind(),
        s.add_track(named("x"), vec!["\r\na=".into()]).unwrap_err().kind(),
        s.add_transceiver(MediaKind::Audio.into(), stopped).unwrap_err().kind(),
        s.remove_track(foreign).unwrap_err().kind(),
        s.set_direction(id, Direction::Stopped).unwrap_err().kind(),
        s.replace_track(sender, Some(video)).unwrap_err().kind(),
        s.replace_track(sender, Some(named("\n"))).unwrap_err().kind(),
        s.set_streams(sender, vec!["-".into()]).unwrap_err().kind(),
        s.set_codec_preferences(id, vec![RtpCodec::new("audio/none", 1)]).unwrap_err().kind(),
        s.set_codec_preferences(id, rtx).unwrap_err().kind(),
    ];
    use ErrorKind::{InvalidAccess, InvalidModification, Type};
    let expected = [
        InvalidAccess,
        Type,
        Type,
        Type,
        InvalidAccess,
        Type,
        Type,
        Type,
        Type,
        InvalidModification,
        InvalidModification,
    ];
    assert_eq!(errors, expected);
    assert_eq!(a.visible(), before);

    a.session.stop(id).unwrap();
    let before = a.visible();
    let s = &mut a.session;
    assert_eq!(s.set_direction(id, Direction::SendOnly).unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(s.replace_track(sender, None).unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(s.remove_track(sender), Ok(()), "silently");
    assert_eq!(a.visible(), before);

    a.session.close();
    let before = a.visible();
    let s = &mut a.session;
    let errors = [
        s.add_track(named("y"), vec![]).unwrap_err().kind(),
        s.add_transceiver(MediaKind::Audio.into(), RtpTransceiverInit::default()).unwrap_err().kind(),
        s.remove_track(sender).unwrap_err().kind(),
        s.stop(id).unwrap_err().kind(),
        s.set_streams(sender, vec![]).unwrap_err().kind(),
        s.replace_track(sender, None).unwrap_err().kind(),
    ];
    assert_eq!(errors, [ErrorKind::InvalidState; 6]);
    assert_eq!(a.visible(), before);
}

#[test]
fn parameters_go_out_and_come_back() {
    let (mut a, mut b) = (Peer::new('a'), Peer::new('b'));
    let track = MediaStreamTrack::new(MediaKind::Video, "cam");
    let sender = a.session.add_track(track, vec![]).unwrap();
    let unasked = a.session.get_parameters(sender).unwrap();
    assert!(unasked.codecs.is_empty() && unasked.header_extensions.is_empty());
    exchange(&mut a, &mut b);
    // Negotiation used them up.
    let error = a.session.set_parameters(sender, unasked).unwrap_err();
    assert_eq!((error, error.kind()), (SetParametersError::NotAsked, ErrorKind::InvalidState));
    let parameters = a.session.get_parameters(sender).unwrap();
    assert_eq!(a.session.get_parameters(sender).unwrap(), parameters, "the same until it is used");
    let codecs: Vec<_> = parameters.codecs.iter().map(|c| (c.payload_type, c.codec.name())).collect();
    assert_eq!(codecs[..2], [(96, "VP8"), (97, "rtx")]);
    assert!(parameters.rtcp.reduced_size && parameters.rtcp.cname.is_some());
    let receiver = b.session.transceivers().next().unwrap().id().receiver();
    assert_eq!(b.session.receive_parameters(receiver).unwrap().codecs, parameters.codecs);

    let before = a.visible();
    let mut refused = |change: &dyn Fn(&mut crate::base::parameters::RtpSendParameters)| {
        let mut changed = parameters.clone();
        change(&mut changed);
        let error = a.session.set_parameters(sender, changed).unwrap_err();
        assert_eq!(a.visible(), before);
        error.kind()
    };
    use ErrorKind::{InvalidModification, Range};
    assert_eq!(refused(&|p| p.transaction_id.push('x')), InvalidModification);
    assert_eq!(refused(&|p| p.encodings.clear()), InvalidModification);
    assert_eq!(refused(&|p| p.encodings[0].rid = Some("r".into())), InvalidModification);
    assert_eq!(refused(&|p| p.codecs.clear()), InvalidModification);
    assert_eq!(refused(&|p| p.rtcp.reduced_size = false), InvalidModification);
    assert_eq!(refused(&|p| p.encodings[0].codec = Some(RtpCodec::new("video/x", 1))), InvalidModification);
    assert_eq!(refused(&|p| p.encodings[0].scale_resolution_down_by = Some(0.9)), Range);
    assert_eq!(refused(&|p| p.encodings[0].max_framerate = Some(-1.0)), Range);

    let mut changed = parameters.clone();
    changed.encodings[0].max_bitrate = Some(1_000_000);
    changed.encodings[0].active = false;
    a.session.set_parameters(sender, changed.clone()).unwrap();
    assert_eq!(a.session.transceiver(sender.transceiver()).unwrap().encodings(), changed.encodings);
    assert_eq!(a.session.set_parameters(sender, changed).unwrap_err(), SetParametersError::NotAsked);
    let next = a.session.get_parameters(sender).unwrap();
    assert_ne!(next.transaction_id, parameters.transaction_id);
}
