//! Transceivers through offers and answers: association, directions, streams, ends, simulcast.

use super::{Peer, agreed, answer, exchange, offer};
use crate::base::media::{
    MediaKind, MediaStreamTrack, RtpCodec, RtpTransceiverDirection as Direction, SenderId, TransceiverId,
};
use crate::base::parameters::RtpEncodingParameters;
use crate::signaling::changes::{Changes, TrackChange};
use crate::signaling::local::BundlePolicy;
use crate::signaling::state::{SdpType, SignalingState};
use crate::signaling::transceiver::RtpTransceiverInit;

/// A peer that wants no data.
fn peer(name: char) -> Peer {
    Peer::without_data(name)
}

impl Peer {
    fn add(&mut self, kind: MediaKind, direction: Direction) -> TransceiverId {
        self.session.add_transceiver(kind.into(), RtpTransceiverInit::direction(direction)).unwrap()
    }

    fn add_track(&mut self, kind: MediaKind, id: &str, stream: &str) -> SenderId {
        self.session.add_track(MediaStreamTrack::new(kind, id), vec![stream.to_owned()]).unwrap()
    }

    /// Of every transceiver: its mid, direction and current direction.
    fn lines(&self) -> Vec<(Option<&str>, Direction, Option<Direction>)> {
        let line = |t: &'_ crate::signaling::transceiver::Transceiver| (t.direction(), t.current_direction());
        self.session.transceivers().map(|t| (t.mid(), line(t).0, line(t).1)).collect()
    }

    fn needs_negotiation(&self) -> bool {
        self.session.is_negotiation_needed(false, false)
    }

    fn is_settled(&self) -> bool {
        self.state() == SignalingState::Stable && !self.needs_negotiation()
    }
}

fn tracks(changes: &Changes) -> usize {
    changes.tracks.iter().filter(|change| matches!(change, TrackChange::Track(..))).count()
}

fn sections(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("m="));
    lines.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

const GOLDEN_AUDIO: &str = "\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=mid:0
a=ice-ufrag:a001
a=ice-pwd:a001a001a001a001a001a001
a=fingerprint:sha-256 61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61:61
a=setup:actpass
a=sendrecv
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=msid:home mic
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
";

#[test]
fn an_offer_of_audio_reads_like_this() {
    let mut a = peer('a');
    a.add_track(MediaKind::Audio, "mic", "home");
    let (text, changes) = a.offer();
    let body = text.sdp.split_once("m=").unwrap().1;
    let (golden, sources) = body.split_at(GOLDEN_AUDIO.replace('\n', "\r\n").len() - 2);
    assert_eq!(format!("m={golden}"), GOLDEN_AUDIO.replace('\n', "\r\n"));
    assert!(sources.starts_with("a=ssrc:") && sources.contains("cname:") && sources.lines().count() == 1);
    assert!(text.sdp.contains("a=group:BUNDLE 0\r\n") && text.sdp.contains("a=extmap-allow-mixed\r\n"));
    assert_eq!(changes.gather, [(0, a.ice.clone())]);
}

#[test]
fn what_was_added_is_associated_and_negotiated() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add_track(MediaKind::Audio, "mic", "home");
    a.add_track(MediaKind::Video, "cam", "home");
    assert!(a.needs_negotiation());
    assert_eq!(a.lines()[0], (None, Direction::SendRecv, None));
    let (text, _) = a.offer();
    assert_eq!(a.lines()[1], (Some("1"), Direction::SendRecv, None));
    let changes = b.hear(&text);
    assert_eq!(tracks(&changes), 2);
    assert!(matches!(&changes.tracks[0], TrackChange::StreamAdded(id) if id == "home"));
    assert_eq!(b.lines(), [(Some("0"), Direction::RecvOnly, None), (Some("1"), Direction::RecvOnly, None)]);
    let (text, changes) = b.answer();
    assert!(changes.media && changes.transports.len() == 1);
    assert_eq!(b.lines()[0], (Some("0"), Direction::RecvOnly, Some(Direction::RecvOnly)));
    let changes = a.hear(&text);
    assert_eq!(a.lines()[0], (Some("0"), Direction::SendRecv, Some(Direction::SendOnly)));
    assert!(changes.media && tracks(&changes) == 0);
    // What both sides agree on is the same thing seen from two sides.
    for (ours, theirs) in a.session.media().iter().zip(b.session.media()) {
        assert_eq!((&ours.mid, ours.index, ours.kind), (&theirs.mid, theirs.index, theirs.kind));
        assert_eq!(ours.direction, theirs.direction.reversed());
        assert_eq!(ours.send, theirs.receive);
        assert_eq!(ours.local_sources[0].ssrc, theirs.remote_sources[0].ssrc);
        assert_eq!(ours.rtcp.cname, theirs.remote_sources[0].cname);
        let uris = |s: &crate::base::negotiated::NegotiatedSection| s.extensions.len();
        assert_eq!(uris(ours), uris(theirs));
    }
    let video = &a.session.media()[1];
    assert_eq!((video.send[0].codec.mime_type.as_str(), video.send[0].rtx), ("video/VP8", Some(97)));
    let (named, own) = (&b.session.media()[1].remote_sources[0], video.local_sources[0]);
    assert_eq!((named.rtx, named.fec), (Some(own.rtx), Some(own.fec)));
    assert!(a.is_settled() && b.is_settled());
}

#[test]
fn add_track_before_the_answer_sends_back() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add_track(MediaKind::Audio, "mic", "home");
    // One that was there before is taken up, and one that comes in time, too.
    b.add_track(MediaKind::Audio, "theirs", "away");
    let (text, _) = a.offer();
    b.hear(&text);
    assert_eq!(b.lines().len(), 1);
    let (text, _) = b.answer();
    let changes = a.hear(&text);
    assert_eq!(tracks(&changes), 1);
    assert_eq!(a.lines()[0].2, Some(Direction::SendRecv));
    assert!(a.is_settled() && b.is_settled());
    // What `addTransceiver` made is never taken up.
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add_track(MediaKind::Audio, "mic", "home");
    b.add(MediaKind::Audio, Direction::SendRecv);
    let (text, _) = a.offer();
    b.hear(&text);
    assert_eq!(b.lines().len(), 2);
    b.answer();
    assert!(b.needs_negotiation());
}

#[test]
fn directions_follow_the_algebra() {
    let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    for offered in all {
        for wanted in all {
            let (mut a, mut b) = (peer('a'), peer('b'));
            a.add(MediaKind::Video, offered);
            let (text, _) = a.offer();
            b.hear(&text);
            let id = b.session.transceivers().next().unwrap().id();
            b.session.set_direction(id, wanted).unwrap();
            let (text, _) = b.answer();
            let changes = a.hear(&text);
            let agreed = offered.intersect(wanted.reversed());
            assert_eq!(a.lines()[0].2, Some(agreed), "{offered} {wanted}");
            assert_eq!(b.lines()[0].2, Some(agreed.reversed()), "{offered} {wanted}");
            assert_eq!(tracks(&changes), usize::from(agreed.receives()));
            // W3C WebRTC §4.7.3: what wants to send and was not asked to has yet to name its streams.
            let unheard = wanted.sends() && !agreed.receives();
            assert_eq!(
                (a.needs_negotiation(), b.needs_negotiation()),
                (false, unheard),
                "{offered} {wanted}"
            );
        }
    }
}

#[test]
fn a_changed_direction_mutes_and_asks_for_negotiation() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    let sender = a.add_track(MediaKind::Audio, "mic", "home");
    exchange(&mut a, &mut b);
    a.session.remove_track(sender).unwrap();
    assert!(a.needs_negotiation());
    let (text, _) = a.offer();
    let changes = b.hear(&text);
    let receiver = b.session.transceivers().next().unwrap().id();
    let expected = [
        TrackChange::Muted(receiver),
        TrackChange::LeftStream(receiver, "home".into()),
        TrackChange::StreamRemoved("home".into()),
    ];
    assert_eq!(changes.tracks, expected);
    let (text, _) = b.answer();
    a.hear(&text);
    assert_eq!(a.lines()[0].2, Some(Direction::Inactive));
    // The sender is not taken again: it has sent.
    let again = a.add_track(MediaKind::Audio, "other", "home");
    assert_ne!(again, sender);
}

#[test]
fn streams_can_change() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    let sender = a.add_track(MediaKind::Audio, "mic", "home");
    exchange(&mut a, &mut b);
    a.session.set_streams(sender, vec!["home".into(), "work".into()]).unwrap();
    assert!(a.needs_negotiation());
    let (text, _) = a.offer();
    let changes = b.hear(&text);
    assert!(matches!(&changes.tracks[0], TrackChange::StreamAdded(id) if id == "work"));
    assert!(matches!(&changes.tracks[1], TrackChange::Track(_, streams) if streams.len() == 2));
}

#[test]
fn a_stopped_transceiver_leaves_a_place_for_another() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    let audio = a.add(MediaKind::Audio, Direction::SendRecv);
    a.add(MediaKind::Video, Direction::SendRecv);
    exchange(&mut a, &mut b);
    assert!(a.session.stop(audio).unwrap());
    assert!(!a.session.stop(audio).unwrap() && a.needs_negotiation());
    assert_eq!(a.lines()[0].1, Direction::Stopped);
    let (text, _) = a.offer();
    assert_eq!(sections(&text.sdp), ["audio 0", "video 9"]);
    // The transport goes on, carried by what is left.
    assert!(text.sdp.contains("a=group:BUNDLE 1\r\n") && text.sdp.matches("a=ice-ufrag").count() == 1);
    let changes = b.hear(&text);
    assert!(
        matches!(changes.tracks.as_slice(), [TrackChange::Muted(_), TrackChange::Ended(_)]),
        "{:?}",
        changes.tracks
    );
    let (text, changes) = b.answer();
    assert_eq!(sections(&text.sdp), ["audio 0", "video 9"]);
    assert!(!agreed(&changes).ice_restarted && !agreed(&changes).fingerprints_changed);
    a.hear(&text);
    assert_eq!((a.lines().len(), b.lines().len()), (1, 1));
    assert!(a.is_settled() && b.is_settled());
    // Another one takes the place, under a new mid; the peer may be the one to do so.
    for (offerer, answerer) in [(&mut a.clone(), &mut b.clone()), (&mut b, &mut a)] {
        offerer.add(MediaKind::Video, Direction::SendOnly);
        let (text, _) = offerer.offer();
        assert_eq!(sections(&text.sdp), ["video 9", "video 9"]);
        assert!(text.sdp.contains("a=mid:2\r\n") && text.sdp.contains("a=group:BUNDLE 1 2\r\n"));
        answerer.hear(&text);
        let (text, changes) = answerer.answer();
        assert_eq!(sections(&text.sdp), ["video 9", "video 9"]);
        assert!(!agreed(&changes).ice_restarted);
        offerer.hear(&text);
        assert_eq!(offerer.session.media().len(), 2);
    }
}

#[test]
fn one_that_nobody_heard_of_is_gone_with_the_next_answer() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    let id = a.add(MediaKind::Audio, Direction::SendRecv);
    a.session.stop(id).unwrap();
    exchange(&mut a, &mut b);
    assert!(a.lines().is_empty() && a.is_settled());
}

#[test]
fn a_rollback_takes_back_what_the_offer_brought() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add_track(MediaKind::Audio, "mic", "home");
    let (text, _) = a.offer();
    let before = (b.visible(), b.lines().len());
    b.hear(&text);
    let changes = b.set_local(SdpType::Rollback).unwrap();
    assert_eq!(before.1, b.lines().len());
    let kinds: Vec<_> = changes.tracks.iter().map(|change| matches!(change, TrackChange::Muted(_))).collect();
    assert_eq!(kinds, [true, false, false]);
    // Its own offer is taken back without a trace, but the transceiver stays.
    a.set_local(SdpType::Rollback).unwrap();
    assert_eq!(a.lines(), [(None, Direction::SendRecv, None)]);
    // What the application took over stays, too.
    b.hear(&text);
    b.add_track(MediaKind::Audio, "reply", "away");
    assert_eq!(b.lines().len(), 1);
    b.set_local(SdpType::Rollback).unwrap();
    assert_eq!(b.lines(), [(None, Direction::SendRecv, None)]);
}

#[test]
fn glare_is_survived_by_the_polite_side() {
    let (mut polite, mut impolite) = (peer('p'), peer('i'));
    polite.add_track(MediaKind::Audio, "p", "p");
    impolite.add_track(MediaKind::Audio, "i", "i");
    polite.offer();
    let (text, _) = impolite.offer();
    let changes = polite.hear(&text);
    assert_eq!(changes.signaling_states, [SignalingState::Stable, SignalingState::HaveRemoteOffer]);
    assert_eq!(polite.lines(), [(Some("0"), Direction::SendRecv, None)]);
    let (text, _) = polite.answer();
    impolite.hear(&text);
    assert!(polite.is_settled() && impolite.is_settled());
    assert_eq!(polite.lines()[0].2, Some(Direction::SendRecv));
}

#[test]
fn bundle_policies_differ_in_what_stands_alone() {
    let rows =
        [(BundlePolicy::Balanced, 1, 4), (BundlePolicy::MaxCompat, 0, 1), (BundlePolicy::MaxBundle, 3, 4)];
    for (policy, bundle_only, with_first) in rows {
        let (mut a, mut b) = (Peer::with_policy('a', policy), Peer::with_policy('b', policy));
        a.add(MediaKind::Audio, Direction::SendRecv);
        a.add(MediaKind::Video, Direction::SendRecv);
        a.add(MediaKind::Video, Direction::SendRecv);
        let (text, _) = a.offer();
        assert_eq!(text.sdp.matches("a=bundle-only").count(), bundle_only, "{policy}");
        assert_eq!(text.sdp.matches("a=ice-ufrag:a001").count(), with_first, "{policy}");
        b.hear(&text);
        let (text, _) = b.answer();
        assert_eq!(text.sdp.matches("a=ice-ufrag:b001").count(), 4, "{policy}");
        assert!(!text.sdp.contains("bundle-only") && text.sdp.contains("a=group:BUNDLE 0 1 2 3\r\n"));
        a.hear(&text);
        assert_eq!((a.session.media().len(), a.session.agreed.transports.len()), (3, 1), "{policy}");
        assert!(a.session.agreed.data.is_some());
        // Once bundled, always bundled.
        let (text, _) = a.offer();
        assert!(!text.sdp.contains("bundle-only"), "{policy}");
    }
}

#[test]
fn simulcast_is_offered_answered_and_pruned() {
    let layers = ["q", "h", "f"].map(RtpEncodingParameters::with_rid).to_vec();
    let init = RtpTransceiverInit::direction(Direction::SendOnly).encodings(layers);
    let (mut a, mut b) = (peer('a'), peer('b'));
    let id = a.session.add_transceiver(MediaKind::Video.into(), init).unwrap();
    let scales = |p: &Peer| {
        p.session
            .transceiver(id)
            .unwrap()
            .encodings()
            .iter()
            .map(|e| e.scale_resolution_down_by)
            .collect::<Vec<_>>()
    };
    assert_eq!(scales(&a), [Some(4.0), Some(2.0), Some(1.0)]);
    let (text, _) = a.offer();
    assert!(text.sdp.contains("a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"));
    assert!(!text.sdp.contains("a=ssrc"));
    b.hear(&text);
    let (text, _) = b.answer();
    assert!(text.sdp.contains("a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"));
    assert_eq!(b.session.media()[0].receive_rids.len(), 3);
    // A peer that takes two of them, one of which is to wait.
    let two = text.sdp.replace("recv q;h;f", "recv q;~f").replace("a=rid:h recv\r\n", "");
    let mut c = a.clone();
    c.hear(&answer(two));
    let rids: Vec<_> =
        c.session.media()[0].send_rids.iter().map(|rid| (rid.id.as_str(), rid.paused)).collect();
    assert_eq!(rids, [("q", false), ("f", true)]);
    assert_eq!(c.session.media()[0].local_sources.len(), 2);
    // One that knows nothing of it gets the first.
    let none: String =
        text.sdp.split_inclusive('\n').filter(|l| !l.contains("rid:") && !l.contains("simulcast")).collect();
    let mut d = a.clone();
    d.hear(&answer(none));
    assert_eq!(d.session.transceiver(id).unwrap().encodings().len(), 1);
    a.hear(&text);
    assert_eq!(a.session.media()[0].send_rids.len(), 3);
    assert!(a.is_settled());
}

#[test]
fn a_peer_may_ask_for_simulcast() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add(MediaKind::Video, Direction::RecvOnly);
    b.add_track(MediaKind::Video, "cam", "home");
    let (text, _) = a.offer();
    let asks = format!("{}a=rid:l recv\r\na=rid:m recv\r\na=simulcast:recv l,x;m;l\r\n", text.sdp);
    b.hear(&offer(asks.clone().replace("recv l,x;m;l", "recv l;m")));
    let sender = b.session.transceivers().next().unwrap();
    assert_eq!(sender.encodings().len(), 2);
    let (text, _) = b.answer();
    assert!(text.sdp.contains("a=rid:l send\r\na=rid:m send\r\na=simulcast:send l;m\r\n"), "{}", text.sdp);
    // A rollback forgets the names.
    let mut c = peer('c');
    c.add_track(MediaKind::Video, "cam", "home");
    let (first, _) = peer('x').offer();
    c.hear(&first);
    c.answer();
    c.hear(&offer(asks.replace("recv l,x;m;l", "recv l;m").replace("o=- 7 1", "o=- 7 2")));
    assert_eq!(c.session.transceivers().next().unwrap().encodings().len(), 2);
    c.set_local(SdpType::Rollback).unwrap();
    assert_eq!(c.session.transceivers().next().unwrap().encodings().len(), 1);
}

#[test]
fn preferences_choose_and_order_codecs() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    let id = a.add(MediaKind::Video, Direction::SendRecv);
    let h264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    let wanted = vec![
        RtpCodec::new("video/H264", 90_000).fmtp(h264),
        RtpCodec::new("video/VP8", 90_000),
        RtpCodec::new("video/rtx", 90_000),
    ];
    a.session.set_codec_preferences(id, wanted).unwrap();
    let (text, _) = a.offer();
    assert!(text.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 106 107 96 97\r\n"));
    b.hear(&text);
    let id = b.session.transceivers().next().unwrap().id();
    b.session.set_codec_preferences(id, vec![RtpCodec::new("video/VP8", 90_000)]).unwrap();
    let (text, _) = b.answer();
    assert!(text.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"));
    a.hear(&text);
    let codecs =
        |p: &Peer| p.session.media()[0].send.iter().map(|c| (c.payload_type, c.rtx)).collect::<Vec<_>>();
    assert_eq!(codecs(&a), [(96, None)]);
    assert_eq!(codecs(&b), [(96, None)]);
}

#[test]
fn payload_types_keep_their_meaning() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add(MediaKind::Video, Direction::SendRecv);
    let (text, _) = a.offer();
    // A peer with other numbers: VP8 where we would put VP9.
    let other =
        text.sdp.replace(":96 VP8", ":98 VP8").replace(":98 VP9", ":96 VP9").replace("apt=96", "apt=tmp");
    let other =
        other.replace("apt=98", "apt=96").replace("apt=tmp", "apt=98").replace("fmtp:98 ", "fmtp:96 ");
    b.hear(&offer(other));
    b.answer();
    b.add(MediaKind::Video, Direction::SendRecv);
    let (text, _) = b.offer();
    assert_eq!(text.sdp.matches("a=rtpmap:98 VP8/90000").count(), 2);
    assert_eq!(text.sdp.matches("a=rtpmap:96 VP9/90000").count(), 2);
    let ids: Vec<_> = text.sdp.lines().filter(|line| line.ends_with("sdes:mid")).collect();
    assert_eq!(ids, ["a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid"; 2]);
}

#[test]
fn offer_to_receive_makes_or_silences() {
    let mut a = peer('a');
    a.session.offer_to_receive(MediaKind::Audio, true);
    a.session.offer_to_receive(MediaKind::Audio, true);
    assert_eq!(a.lines(), [(None, Direction::RecvOnly, None)]);
    a.add_track(MediaKind::Video, "cam", "home");
    a.session.offer_to_receive(MediaKind::Video, false);
    a.session.offer_to_receive(MediaKind::Audio, false);
    assert_eq!(
        a.lines().iter().map(|line| line.1).collect::<Vec<_>>(),
        [Direction::Inactive, Direction::SendOnly]
    );
}

#[test]
fn a_peer_without_msid_has_one_stream_for_all() {
    let (mut a, mut b) = (peer('a'), peer('b'));
    a.add(MediaKind::Audio, Direction::SendRecv);
    a.add(MediaKind::Video, Direction::SendRecv);
    let (text, _) = a.offer();
    // In no stream at all.
    let changes = b.clone().hear(&text);
    assert!(changes.tracks.iter().all(|c| matches!(c, TrackChange::Track(_, streams) if streams.is_empty())));
    let old: String = text.sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=msid")).collect();
    let changes = b.clone().hear(&offer(old.clone()));
    let added = changes.tracks.iter().filter(|change| matches!(change, TrackChange::StreamAdded(_)));
    assert_eq!((added.count(), tracks(&changes)), (1, 2));
    // Before that attribute, sources said it.
    let older = old.replace(" cname:", " msid:old track\r\na=ssrc:7 cname:");
    let changes = b.hear(&offer(older));
    assert!(changes.tracks.contains(&TrackChange::StreamAdded("old".into())), "{:?}", changes.tracks);
}
