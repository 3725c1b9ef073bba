use crate::base::redact::Redacted;
use crate::wire::candidate::Candidate;
use crate::wire::sdp::attribute::{Attribute, Direction, PacketTime, RidDirection, Setup, simulcast_rids};
use crate::wire::sdp::description::{
    Bandwidth, Description, Line, LineKind, NetAddress, Origin, Section, Words,
};
use crate::wire::sdp::{SdpError, SdpErrorReason};
use quickcheck::{Arbitrary, Gen, quickcheck};

macro_rules! vectors {
    ($($name:literal),+ $(,)?) => {
        /// Every recorded description, by name.
        const VECTORS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../../tests/vectors/sdp/", $name, ".sdp")))),+];
    };
}

vectors!(
    "aiortc-av-data-offer",
    "chromium-av-ccfb-offer",
    "chromium-av-data-answer",
    "chromium-av-data-experimental-cryptex-offer",
    "chromium-av-data-maxcompat-offer",
    "chromium-av-data-mdns-offer",
    "chromium-av-data-offer",
    "chromium-av-offer",
    "chromium-data-answer",
    "chromium-data-offer",
    "chromium-data-snap-idata-offer",
    "chromium-data-snap-offer",
    "chromium-data-sped-offer",
    "chromium-simulcast-offer",
    "firefox-av-data-answer",
    "firefox-av-data-mdns-offer",
    "firefox-av-data-offer",
    "firefox-data-answer",
    "firefox-data-offer",
    "firefox-simulcast-offer",
    "gstreamer-av-data-offer",
    "libdatachannel-data-offer",
    "werift-av-data-offer",
);

fn read(text: &str) -> Result<Description<'_>, SdpError> {
    Description::parse(text)
}

/// Candidates print their transport in lower case and `ufrag` before other extensions; nothing else changes.
fn spelled_alike(text: &str) -> String {
    text.lines()
        .map(|line| {
            let line = if line.starts_with("a=candidate:") {
                line.replace(" UDP ", " udp ")
                    .replace(" TCP ", " tcp ")
                    .replace(" generation 0 ufrag b7c0", " ufrag b7c0 generation 0")
            } else {
                line.to_owned()
            };
            line + "\r\n"
        })
        .collect()
}

#[test]
fn recorded_descriptions_print_as_they_were() {
    for (name, text) in VECTORS {
        let description = read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(description.to_text(), spelled_alike(text), "{name}");
        assert_eq!(description.to_string(), description.to_text());
    }
}

#[test]
fn recorded_descriptions_need_few_untyped_attributes() {
    for (name, text) in VECTORS {
        let description = read(text).unwrap();
        let sections = description.sections.iter().flat_map(|section| &section.attributes);
        for attribute in description.attributes.iter().chain(sections) {
            if let Attribute::Unknown { name: unknown, .. } = attribute {
                assert!(matches!(*unknown, "rtcp-xr" | "framerate"), "{name}: {unknown}");
            }
        }
    }
}

#[test]
fn line_endings_and_a_last_empty_line_do_not_matter() {
    let text = VECTORS.iter().find(|(name, _)| *name == "chromium-data-offer").unwrap().1;
    let lf = text.replace("\r\n", "\n");
    let expected = read(text).unwrap();
    assert_eq!(read(&lf), Ok(expected.clone()));
    assert_eq!(read(lf.trim_end()), Ok(expected.clone()));
    assert_eq!(read(&format!("{lf}\r\n\r\n")), Ok(expected));
}

const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
const SECTION: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n";

fn error_of(text: &str) -> (u32, SdpErrorReason) {
    let error = read(text).expect_err(text);
    (error.line, error.reason)
}

#[test]
fn errors_name_the_line() {
    use SdpErrorReason::{Malformed, Missing, NotALine, OutOfOrder};
    let rest = "o=- 1 2 IN IP4 0.0.0.0\ns=-\nt=0 0\n";
    let cases = [
        (String::new(), 1, Missing('v')),
        ("v=0\n".into(), 2, Missing('o')),
        (rest.to_owned(), 1, Missing('v')),
        ("v=1\n".into(), 1, Malformed("v=")),
        ("v=0\nv=0\n".into(), 2, OutOfOrder('v')),
        ("v=0\ns=-\n".into(), 2, Missing('o')),
        ("v=0\no=- 1 2 IN IP4\n".into(), 2, Malformed("o=")),
        ("v=0\no=- x 2 IN IP4 0.0.0.0\n".into(), 2, Malformed("o=")),
        ("v=0\no=- 1 2 IN IP4 0.0.0.0\nt=0 0\n".into(), 3, Missing('s')),
        ("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\n".into(), 4, Missing('t')),
        ("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\nr=1 2\n".into(), 4, Missing('t')),
        ("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\na=mid:0\n".into(), 4, Missing('t')),
        ("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\nm=audio 9 RTP/AVP 0\n".into(), 4, Missing('t')),
        ("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\nt=0\n".into(), 4, Malformed("t=")),
        (format!("{HEAD}x=1\n"), 5, NotALine),
        (format!("{HEAD}\nv=0\n"), 5, NotALine),
        (format!("{HEAD}hello\n"), 5, NotALine),
        (format!("{HEAD}a=b\0c\n"), 5, NotALine),
        (format!("{HEAD}a=b\rc\n"), 5, NotALine),
        (format!("{HEAD}a=mid:0\nc=IN IP4 0.0.0.0\n"), 6, OutOfOrder('c')),
        (format!("{HEAD}m=audio 9 RTP/AVP 0\nt=0 0\n"), 6, OutOfOrder('t')),
        (format!("{HEAD}{SECTION}c=IN IP4 0.0.0.0\n"), 7, OutOfOrder('c')),
        (format!("{HEAD}{SECTION}a=mid:0\nb=AS:1\n"), 8, OutOfOrder('b')),
        (format!("{HEAD}{SECTION}b=AS:-1\n"), 7, Malformed("b=")),
        (format!("{HEAD}m=audio 9 RTP/AVP 0\nc=IN IP4\n"), 6, Malformed("c=")),
        (format!("{HEAD}i=\n"), 5, OutOfOrder('i')),
        (format!("{HEAD}a=\n"), 5, Malformed("attribute name")),
        (format!("{HEAD}a=x y:1\n"), 5, Malformed("attribute name")),
    ];
    for (text, line, reason) in cases {
        assert_eq!(error_of(&text), (line, reason), "{text}");
    }
}

#[test]
fn malformed_media_lines_are_refused() {
    for line in [
        "audio",
        "audio 9",
        "audio 9 RTP/AVP",
        "audio 9 RTP/AVP ",
        "audio x RTP/AVP 0",
        "audio -1 RTP/AVP 0",
        "audio +1 RTP/AVP 0",
        "audio 65536 RTP/AVP 0",
        "audio 9/0 RTP/AVP 0",
        "audio 9/x RTP/AVP 0",
        "audio 9 RTP//AVP 0",
        " 9 RTP/AVP 0",
    ] {
        assert_eq!(error_of(&format!("{HEAD}m={line}\r\n")), (5, SdpErrorReason::Malformed("m=")), "{line}");
    }
    let text = format!("{HEAD}m=audio 9/2 RTP/AVP 0\r\n");
    assert_eq!(read(&text).unwrap().sections[0].port_count, Some(2));
}

#[test]
fn malformed_attributes_are_refused_by_name() {
    for line in [
        "mid:",
        "mid",
        "mid:a b",
        "group:",
        "group:BUNDLE a\u{e9}",
        "ice-ufrag:",
        "ice-ufrag:a b",
        "ice-pwd:",
        "ice-options:",
        "ice-options: ",
        "ice-lite:1",
        "candidate:1 1 udp",
        "candidate",
        "end-of-candidates:x",
        "fingerprint:sha-256",
        "fingerprint:sha-256 zz",
        "setup:both",
        "setup",
        "tls-id:short",
        "identity:",
        "sctp-port:",
        "sctp-port:65536",
        "sctp-port:+1",
        "sctpmap:5000",
        "sctpmap:5000 x y",
        "rid:a both",
        "max-message-size:-1",
        "max-message-size:18446744073709551616",
        "sctp-init:",
        "rtcp:x",
        "rtcp:9 IN IP4",
        "rtcp-mux:1",
        "rtcp-fb:96",
        "rtcp-fb:128 nack",
        "rtcp-fb:* ",
        "sendrecv:1",
        "msid:",
        "rtpmap:96",
        "rtpmap:96 opus",
        "rtpmap:128 opus/48000",
        "rtpmap:96 opus/0",
        "rtpmap:96 /8000",
        "rtpmap:96 opus/48000/",
        "extmap:0 urn:x",
        "extmap:1",
        "extmap:1/both urn:x",
        "extmap:65536 urn:x",
        "ssrc:1",
        "ssrc:4294967296 cname:x",
        "ssrc-group:FID",
        "ssrc-group:FID 1 x",
        "rid:a",
        "rid:\u{e9} send",
        "simulcast:",
        "ptime:",
        "ptime:0",
        "ptime:x",
        "ptime:.5",
        "ptime:1.x",
        "cryptex:1",
        "extmap-allow-mixed:1",
        "bundle-only:1",
        "remote-candidates:",
    ] {
        let (at, reason) = error_of(&format!("{HEAD}{SECTION}a={line}\r\n"));
        let name = line.split(':').next().unwrap();
        assert_eq!(at, 7, "{line}");
        assert_eq!(reason.to_string(), format!("malformed a={name}"), "{line}");
    }
}

#[test]
fn limits_hold() {
    let too_many = |what| SdpErrorReason::TooMany(what);
    let big = format!("{HEAD}a=x:{}\r\n", "x".repeat(1 << 20));
    assert_eq!(error_of(&big), (1, too_many("bytes")));
    let sections = format!("{HEAD}{}", "m=audio 9 RTP/AVP 0\n".repeat(513));
    assert_eq!(error_of(&sections), (517, too_many("sections")));
    let lines = format!("{HEAD}{}", "a=x\n".repeat(3000));
    assert_eq!(error_of(&lines).1, too_many("lines"));
    let candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n";
    let candidates = format!("{HEAD}{SECTION}{}", candidate.repeat(257));
    assert_eq!(error_of(&candidates), (6 + 257, too_many("candidates")));
    let formats = format!("{HEAD}m=audio 9 RTP/AVP{}\n", " 0".repeat(129));
    assert_eq!(error_of(&formats), (5, too_many("formats")));
}

#[test]
fn attack_36_hostile_formats_and_numbers_are_refused_with_their_line() {
    for line in
        ["fmtp:", "fmtp:96", "fmtp: ", "fmtp:96 ", "ptime:99999999999999999999", "maxptime:4294967295"]
    {
        let (at, reason) = error_of(&format!("{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na={line}\r\n"));
        assert_eq!(at, 6, "{line}");
        assert!(matches!(reason, SdpErrorReason::Malformed(_)), "{line}");
    }
    for formats in ["128", "256", "-1", "x", "0 x", "99999999999999999999", ""] {
        let text = format!("{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF {formats}\r\n");
        assert_eq!(error_of(&text), (5, SdpErrorReason::Malformed("m=")), "{formats}");
    }
    // Several groups are legal, and so is an empty one.
    let text = format!("{HEAD}a=group:BUNDLE 0\r\na=group:BUNDLE 1 2\r\na=group:LS\r\n");
    assert_eq!(read(&text).unwrap().to_text(), text);
}

#[test]
fn passwords_are_not_printed() {
    let text = format!("{HEAD}{SECTION}a=ice-pwd:0123456789012345678901\r\n");
    assert!(!format!("{:?}", read(&text).unwrap()).contains("0123456"));
}

#[test]
fn simulcast_lists_name_their_streams() {
    let rids = |value| simulcast_rids(value).collect::<Vec<_>>();
    assert_eq!(rids("send q;h,~f recv a"), ["q", "h", "f", "a"]);
    assert_eq!(rids(" send rid=a;b"), ["a", "b"]);
}

// --- generated descriptions ---

fn pick<T: Clone>(g: &mut Gen, from: &[T]) -> T {
    g.choose(from).expect("something to choose from").clone()
}

fn some_of<T>(g: &mut Gen, most: usize, mut make: impl FnMut(&mut Gen) -> T) -> Vec<T> {
    let count = usize::arbitrary(g) % (most + 1);
    (0..count).map(|_| make(g)).collect()
}

const TOKENS: &[&str] = &["0", "video0", "{a-b}", "x", "BUNDLE", "opus", "H264", "a.b+c"];
const TEXTS: &[&str] = &["-", "a", "apt=96", "a b c", "urn:x:y", "é ü", "cname:x y:z", "; ;"];

fn attribute(g: &mut Gen) -> Attribute<'static> {
    let (token, text) = (pick(g, TOKENS), pick(g, TEXTS));
    let maybe = bool::arbitrary(g).then_some(text);
    let payload_type = u8::arbitrary(g) % 128;
    match u8::arbitrary(g) % 36 {
        0 => Attribute::Mid(token),
        1 => Attribute::Group { semantics: token, mids: Words(pick(g, &["", "0", "0 1 2"])) },
        2 => Attribute::BundleOnly,
        3 => Attribute::IceUfrag(token),
        4 => Attribute::IcePwd(Redacted(token)),
        5 => Attribute::IceOptions(Words(pick(g, &["trickle", "trickle ice2", "ice2,trickle"]))),
        6 => Attribute::IceLite,
        7 => Attribute::Candidate(Box::new(Candidate::parse("1 1 udp 7 192.0.2.1 9 typ host").unwrap())),
        8 => Attribute::EndOfCandidates,
        9 => Attribute::RemoteCandidates(text),
        10 => Attribute::Fingerprint(Box::new("sha-256 AA:BB".parse().unwrap())),
        11 => Attribute::Setup(pick(g, Setup::ALL)),
        12 => Attribute::TlsId("0123456789-abcdefghij_+/"),
        13 => Attribute::Identity(text),
        14 => Attribute::SctpPort(u16::arbitrary(g)),
        15 => {
            let (port, streams) = (u16::arbitrary(g), Option::arbitrary(g));
            Attribute::Sctpmap { port, application: token, streams }
        }
        16 => Attribute::MaxMessageSize(u64::arbitrary(g)),
        17 => Attribute::SctpInit(token),
        18 => {
            Attribute::Rtcp { port: u16::arbitrary(g), address: bool::arbitrary(g).then_some("IN IP6 ::1") }
        }
        19 => Attribute::RtcpMux,
        20 => Attribute::RtcpMuxOnly,
        21 => Attribute::RtcpRsize,
        22 => Attribute::RtcpFb { payload_type: bool::arbitrary(g).then_some(payload_type), feedback: text },
        23 => Attribute::Direction(pick(g, Direction::ALL)),
        24 => Attribute::Msid { stream: token, appdata: maybe },
        25 => Attribute::MsidSemantic(pick(g, &["", " WMS", "WMS *"])),
        26 => Attribute::Rtpmap {
            payload_type,
            encoding: token,
            clock_rate: u32::arbitrary(g).max(1),
            parameters: bool::arbitrary(g).then_some("2"),
        },
        27 => Attribute::Fmtp { format: token, parameters: text },
        28 => Attribute::Extmap {
            id: u16::arbitrary(g).max(1),
            direction: bool::arbitrary(g).then(|| pick(g, Direction::ALL)),
            uri: token,
            parameters: maybe,
        },
        29 => Attribute::ExtmapAllowMixed,
        30 => Attribute::Ssrc { ssrc: u32::arbitrary(g), attribute: text },
        31 => Attribute::SsrcGroup { semantics: token, ssrcs: Words(pick(g, &["1", "1 4294967295"])) },
        32 => {
            let direction = pick(g, RidDirection::ALL);
            Attribute::Rid { id: pick(g, &["q", "a-b_c"]), direction, restrictions: maybe }
        }
        33 => Attribute::Simulcast(text),
        34 => Attribute::Ptime(PacketTime { micros: (u32::arbitrary(g) % 10_000_000).max(1) }),
        _ => Attribute::Unknown { name: pick(g, &["x-unknown", "rtcp-xr"]), value: maybe },
    }
}

fn line(g: &mut Gen, kind: LineKind) -> Line<'static> {
    Line { kind, value: if kind == LineKind::Time { "0 18446744073709551615" } else { pick(g, TEXTS) } }
}

fn address(g: &mut Gen) -> NetAddress<'static> {
    NetAddress { address: pick(g, &["0.0.0.0", "224.2.1.1/127/3"]), ..NetAddress::UNSPECIFIED }
}

fn bandwidth(g: &mut Gen) -> Bandwidth<'static> {
    Bandwidth { kind: pick(g, &["AS", "TIAS", "X-y"]), value: u64::arbitrary(g) }
}

fn section(g: &mut Gen) -> Section<'static> {
    let (protocol, formats) = pick(
        g,
        &[("UDP/TLS/RTP/SAVPF", "0 96 127"), ("UDP/DTLS/SCTP", "webrtc-datachannel"), ("udp", "a b")],
    );
    let kinds = [LineKind::Information, LineKind::Key];
    Section {
        media: pick(g, &["audio", "video", "application", "x-y"]),
        port: u16::arbitrary(g),
        port_count: bool::arbitrary(g).then(|| u16::arbitrary(g).max(1)),
        protocol,
        formats: Words(formats),
        lines: kinds
            .into_iter()
            .filter(|_| bool::arbitrary(g))
            .map(|kind| (kind, "x"))
            .map(|(kind, value)| Line { kind, value })
            .collect(),
        connection: bool::arbitrary(g).then(|| address(g)),
        bandwidths: some_of(g, 3, bandwidth),
        attributes: some_of(g, 12, attribute),
    }
}

#[derive(Clone, Debug)]
struct Generated(Description<'static>);

impl Arbitrary for Generated {
    fn arbitrary(g: &mut Gen) -> Self {
        use LineKind::{Email, Information, Key, Phone, Repeat, Time, Uri, Zone};
        let mut lines = Vec::new();
        for (kind, most) in
            [(Information, 1), (Uri, 1), (Email, 2), (Phone, 2), (Time, 0), (Repeat, 2), (Zone, 1), (Key, 1)]
        {
            let count = if kind == Time { 1 } else { usize::arbitrary(g) % (most + 1) };
            lines.extend((0..count).map(|_| line(g, kind)));
        }
        Self(Description {
            origin: Origin {
                username: pick(g, &["-", "mozilla...THIS_IS_SDPARTA-99.0"]),
                session_id: pick(g, &["0", "18446744073709551616"]),
                session_version: "2",
                address: address(g),
            },
            name: pick(g, &["-", "", " ", "a name"]),
            lines,
            connection: bool::arbitrary(g).then(|| address(g)),
            bandwidths: some_of(g, 3, bandwidth),
            attributes: some_of(g, 8, attribute),
            sections: some_of(g, 4, section),
        })
    }
}

/// A recorded description with some bytes changed, which gets further into the parser than plain noise.
fn mangle(seed: (usize, Vec<(usize, char)>)) -> String {
    let (which, edits) = seed;
    let mut text: Vec<char> = VECTORS[which % VECTORS.len()].1.chars().collect();
    for (at, to) in edits {
        let at = at % text.len();
        text[at] = to;
    }
    text.into_iter().collect()
}

fn harmless(text: &str) -> bool {
    match read(text) {
        Ok(description) => read(&description.to_text()).as_ref() == Ok(&description),
        Err(error) => error.line >= 1 && error.line as usize <= text.split('\n').count() + 1,
    }
}

quickcheck! {
    fn what_is_printed_reads_back(generated: Generated) -> bool {
        read(&generated.0.to_text()).as_ref() == Ok(&generated.0)
    }

    fn arbitrary_text_does_no_harm(text: String) -> bool {
        harmless(&text) && harmless(&format!("{HEAD}{text}")) && harmless(&format!("{HEAD}{SECTION}a={text}"))
    }

    fn mangled_descriptions_do_no_harm(seed: (usize, Vec<(usize, char)>)) -> bool {
        harmless(&mangle(seed))
    }
}

#[test]
fn a_port_for_rtcp_may_hide_its_address() {
    for line in ["rtcp:9", "rtcp:53950 IN IP4 ", "rtcp:53950 IN IP4 192.0.2.1"] {
        let text = format!("{HEAD}{SECTION}a={line}\r\n");
        let description = Description::parse(&text).unwrap();
        let found = description.sections[0].attributes.last();
        assert!(matches!(found, Some(Attribute::Rtcp { .. })), "{line}");
        assert_eq!(description.to_text(), text);
    }
}
