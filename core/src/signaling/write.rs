//! Our own descriptions: planned sections become text. Nothing that a peer sent is repeated here unless it was
//! understood.

use crate::base::media::RtpTransceiverDirection;
use crate::base::redact::Redacted;
use crate::signaling::content::{Content, DataForm};
use crate::signaling::error::InvalidDescription;
use crate::signaling::media_plan::PlannedRtp;
use crate::signaling::rtp::{CodecContent, to_wire};
use crate::signaling::state::SdpType;
use crate::wire::candidate::{Candidate, Credentials};
use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::attribute::{Attribute, Direction, Setup};
use crate::wire::sdp::description::{Description, Line, LineKind, NetAddress, Origin, Section, Words};

/// A section to write.
#[derive(Clone, Debug)]
pub(in crate::signaling) struct Planned {
    pub media: String,
    pub protocol: String,
    pub formats: String,
    pub mid: Option<String>,
    /// Port 0 that does not reject: it is used in its bundle or not at all.
    pub bundle_only: bool,
    /// Its own, unless its bundle's first section has that.
    pub transport: Option<PlannedTransport>,
    pub what: What,
}

impl Planned {
    /// Whether it is not rejected.
    pub const fn is_used(&self) -> bool {
        !matches!(self.what, What::Rejected)
    }

    /// Makes it one of audio or video, unless there is nothing to send it with.
    pub fn set_rtp(&mut self, rtp: PlannedRtp) {
        let formats: Vec<String> = rtp.codecs.iter().map(|codec| codec.payload_type.to_string()).collect();
        if !formats.is_empty() {
            self.formats = formats.join(" ");
            self.what = What::Rtp(Box::new(rtp));
        }
    }
}

/// What a planned section says.
#[derive(Clone, Debug)]
pub(in crate::signaling) enum What {
    /// Port 0 and nothing else.
    Rejected,
    /// A data section.
    Data(PlannedData),
    /// Audio or video.
    Rtp(Box<PlannedRtp>),
}

/// The transport of a section, or of the bundle that it carries.
#[derive(Clone, Debug)]
pub(in crate::signaling) struct PlannedTransport {
    pub ice: Credentials,
    pub setup: Setup,
    /// RTCP has an address of its own.
    pub rtcp: bool,
    pub candidates: Vec<Candidate>,
    pub end_of_candidates: bool,
}

/// A data section to write.
#[derive(Clone, Copy, Debug)]
pub(in crate::signaling) struct PlannedData {
    pub port: u16,
    pub form: DataForm,
    /// In bytes, 0 for any; `None` is not written.
    pub max_message_size: Option<u64>,
}

/// What a description says besides its sections.
#[derive(Clone, Copy, Debug)]
pub(in crate::signaling) struct Frame<'a> {
    pub session_id: &'a str,
    /// The mids of each bundle group.
    pub groups: &'a [String],
    /// The words of `a=ice-options`; empty for none.
    pub ice_options: &'a str,
    pub ice_lite: bool,
    /// Our SCTP INIT chunk in base64, when SCTP is to do without its handshake.
    pub sctp_init: Option<&'a str>,
    /// One- and two-byte header extensions may be mixed.
    pub allow_mixed: bool,
    pub fingerprints: &'a [Fingerprint],
    /// The value of `a=identity`.
    pub identity: Option<&'a str>,
}

/// Puts a description together, as version `version`.
pub(in crate::signaling) fn describe<'a>(
    planned: &'a [Planned],
    frame: Frame<'a>,
    version: &'a str,
) -> Description<'a> {
    let groups = frame.groups.iter().map(|mids| Attribute::Group { semantics: "BUNDLE", mids: Words(mids) });
    let mut attributes: Vec<_> = groups.collect();
    if !frame.ice_options.is_empty() {
        attributes.push(Attribute::IceOptions(Words(frame.ice_options)));
    }
    if frame.ice_lite {
        attributes.push(Attribute::IceLite);
    }
    // RFC 8827 §7.4
    attributes.extend(frame.identity.map(Attribute::Identity));
    if frame.allow_mixed {
        attributes.push(Attribute::ExtmapAllowMixed);
    }
    let mut sections: Vec<_> = planned.iter().map(|planned| section(planned, frame.fingerprints)).collect();
    for (section, planned) in sections.iter_mut().zip(planned) {
        if matches!(planned.what, What::Data(_)) {
            section.attributes.extend(frame.sctp_init.map(Attribute::SctpInit));
        }
    }
    Description {
        // RFC 9429 §5.2.1: the address says nothing.
        origin: Origin {
            username: "-",
            session_id: frame.session_id,
            session_version: version,
            address: NetAddress::UNSPECIFIED,
        },
        name: "-",
        lines: vec![Line { kind: LineKind::Time, value: "0 0" }],
        connection: None,
        bandwidths: Vec::new(),
        attributes,
        sections,
    }
}

fn section<'a>(planned: &'a Planned, fingerprints: &[Fingerprint]) -> Section<'a> {
    let mut attributes: Vec<_> = planned.mid.as_deref().map(Attribute::Mid).into_iter().collect();
    let mut formats = planned.formats.as_str();
    if planned.bundle_only {
        attributes.push(Attribute::BundleOnly);
    }
    if let Some(transport) = &planned.transport {
        attributes.push(Attribute::IceUfrag(&transport.ice.ufrag));
        attributes.push(Attribute::IcePwd(Redacted(&transport.ice.password.0)));
        attributes.extend(fingerprints.iter().map(|f| Attribute::Fingerprint(Box::new(f.clone()))));
        attributes.push(Attribute::Setup(transport.setup));
    }
    match &planned.what {
        What::Rejected if planned.media != "application" => {
            // One payload type has to be there; what it would mean is of no interest any more.
            formats = Words(formats).iter().next().unwrap_or("0");
            attributes.push(Attribute::Direction(Direction::Inactive));
        }
        What::Rejected => {}
        What::Data(data) => data_attributes(data, &mut attributes),
        What::Rtp(rtp) => {
            // RFC 3605 §2.1; candidates say where, as for RTP.
            let own = planned.transport.as_ref().is_some_and(|transport| transport.rtcp);
            attributes.extend(own.then_some(Attribute::Rtcp { port: 9, address: Some(RTCP_ADDRESS) }));
            rtp_attributes(rtp, &mut attributes);
        }
    }
    if let Some(transport) = &planned.transport {
        attributes.extend(transport.candidates.iter().map(|c| Attribute::Candidate(Box::new(c.borrowed()))));
        if transport.end_of_candidates {
            attributes.push(Attribute::EndOfCandidates);
        }
    }
    Section {
        media: &planned.media,
        port: if planned.is_used() && !planned.bundle_only { 9 } else { 0 },
        port_count: None,
        protocol: &planned.protocol,
        formats: Words(formats),
        lines: Vec::new(),
        connection: Some(NetAddress::UNSPECIFIED),
        bandwidths: Vec::new(),
        attributes,
    }
}

fn data_attributes<'a>(data: &'a PlannedData, attributes: &mut Vec<Attribute<'a>>) {
    let PlannedData { port, form, max_message_size } = data;
    attributes.push(match *form {
        DataForm::Port => Attribute::SctpPort(*port),
        DataForm::Map { streams } => {
            Attribute::Sctpmap { port: *port, application: "webrtc-datachannel", streams }
        }
    });
    attributes.extend(max_message_size.map(Attribute::MaxMessageSize));
}

fn rtp_attributes<'a>(rtp: &'a PlannedRtp, attributes: &mut Vec<Attribute<'a>>) {
    attributes.push(Attribute::Direction(to_wire(rtp.direction)));
    attributes.extend(rtp.extensions.iter().map(|extension| Attribute::Extmap {
        id: extension.id,
        direction: match extension.direction {
            RtpTransceiverDirection::SendRecv => None,
            other => Some(to_wire(other)),
        },
        uri: &extension.uri,
        parameters: None,
    }));
    let msids = rtp.msids.iter();
    attributes.extend(msids.map(|(stream, label)| Attribute::Msid { stream, appdata: Some(label) }));
    if rtp.mux {
        attributes.push(Attribute::RtcpMux);
    }
    if rtp.reduced_size {
        attributes.push(Attribute::RtcpRsize);
    }
    rtp.codecs.iter().for_each(|codec| codec_attributes(codec, attributes));
    let rids = rtp.rids.iter();
    attributes.extend(rids.map(|rid| Attribute::Rid {
        id: &rid.id,
        direction: rid.direction,
        restrictions: None,
    }));
    attributes.extend(rtp.simulcast_text.as_deref().map(Attribute::Simulcast));
    for (ssrc, cname) in &rtp.source_lines {
        attributes.push(Attribute::Ssrc { ssrc: *ssrc, attribute: cname });
    }
    attributes.extend(
        rtp.source_group
            .as_deref()
            .map(|ssrcs| Attribute::SsrcGroup { semantics: "FID", ssrcs: Words(ssrcs) }),
    );
}

fn codec_attributes<'a>(codec: &'a CodecContent, attributes: &mut Vec<Attribute<'a>>) {
    let payload_type = codec.payload_type;
    attributes.push(Attribute::Rtpmap {
        payload_type,
        encoding: &codec.name,
        clock_rate: codec.clock_rate,
        parameters: (codec.channels == 2).then_some("2"),
    });
    let feedback = codec.feedback.iter();
    attributes
        .extend(feedback.map(|text| Attribute::RtcpFb { payload_type: Some(payload_type), feedback: text }));
    if let Some(parameters) = codec.fmtp.as_deref() {
        attributes
            .push(Attribute::Fmtp { format: PAYLOAD_TYPES[usize::from(payload_type & 0x7f)], parameters });
    }
}

/// The address of RTCP where candidates tell the real one.
const RTCP_ADDRESS: &str = "IN IP4 0.0.0.0";

/// Payload types as formats, which `a=fmtp` borrows.
const PAYLOAD_TYPES: [&str; 128] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
    "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35",
    "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47", "48", "49", "50", "51", "52",
    "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64", "65", "66", "67", "68", "69",
    "70", "71", "72", "73", "74", "75", "76", "77", "78", "79", "80", "81", "82", "83", "84", "85", "86",
    "87", "88", "89", "90", "91", "92", "93", "94", "95", "96", "97", "98", "99", "100", "101", "102", "103",
    "104", "105", "106", "107", "108", "109", "110", "111", "112", "113", "114", "115", "116", "117", "118",
    "119", "120", "121", "122", "123", "124", "125", "126", "127",
];

/// Our `o=` versions: a new one for every text that differs from the one before.
#[derive(Clone, Debug, Default)]
pub(in crate::signaling) struct Versions {
    version: u64,
    rest: String,
}

impl Versions {
    /// Writes a description under its version, and says what it says.
    ///
    /// RFC 9429 §5.2.2: what differs from what was created last is a new version, whether that was set or not.
    ///
    /// # Errors
    ///
    /// What the owner handed in cannot be said.
    pub fn stamp(
        &mut self,
        kind: SdpType,
        planned: &[Planned],
        frame: Frame<'_>,
    ) -> Result<(String, Content), InvalidDescription> {
        let version = (self.version + 1).to_string();
        let mut description = describe(planned, frame, &version);
        let content = Content::read(&description, kind)?;
        let mut text = description.to_text();
        let before = self.version.to_string();
        let rest = after_origin(&text);
        if self.rest == rest {
            description.origin.session_version = &before;
            text = description.to_text();
        } else {
            self.version += 1;
            rest.clone_into(&mut self.rest);
        }
        Ok((text, content))
    }
}

/// What follows the `o=` line, which is the second.
fn after_origin(text: &str) -> &str {
    text.splitn(3, '\n').nth(2).unwrap_or("")
}
