//! Our own descriptions: planned sections become text. Nothing that a peer sent is repeated here unless it was
//! understood.

use crate::base::redact::Redacted;
use crate::signaling::content::DataForm;
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
    pub what: What,
}

/// What a planned section says.
#[derive(Clone, Debug)]
pub(in crate::signaling) enum What {
    /// Port 0 and nothing else.
    Rejected,
    /// A data section.
    Data(Box<PlannedData>),
}

/// A data section to write.
#[derive(Clone, Debug)]
pub(in crate::signaling) struct PlannedData {
    pub ice: Credentials,
    pub setup: Setup,
    pub port: u16,
    pub form: DataForm,
    /// In bytes, 0 for any; `None` is not written.
    pub max_message_size: Option<u64>,
    pub candidates: Vec<Candidate>,
    pub end_of_candidates: bool,
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
    pub fingerprints: &'a [Fingerprint],
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
        sections: planned.iter().map(|planned| section(planned, frame.fingerprints)).collect(),
    }
}

fn section<'a>(planned: &'a Planned, fingerprints: &[Fingerprint]) -> Section<'a> {
    let mut attributes: Vec<_> = planned.mid.as_deref().map(Attribute::Mid).into_iter().collect();
    let mut formats = planned.formats.as_str();
    let port = match &planned.what {
        What::Rejected => {
            if planned.media != "application" {
                // One payload type has to be there; what it would mean is of no interest any more.
                formats = Words(formats).iter().next().unwrap_or("0");
                attributes.push(Attribute::Direction(Direction::Inactive));
            }
            0
        }
        What::Data(data) => {
            data_attributes(data, fingerprints, &mut attributes);
            9
        }
    };
    Section {
        media: &planned.media,
        port,
        port_count: None,
        protocol: &planned.protocol,
        formats: Words(formats),
        lines: Vec::new(),
        connection: Some(NetAddress::UNSPECIFIED),
        bandwidths: Vec::new(),
        attributes,
    }
}

fn data_attributes<'a>(
    data: &'a PlannedData,
    fingerprints: &[Fingerprint],
    attributes: &mut Vec<Attribute<'a>>,
) {
    let PlannedData { ice, setup, port, form, max_message_size, candidates, end_of_candidates } = data;
    attributes.push(Attribute::IceUfrag(&ice.ufrag));
    attributes.push(Attribute::IcePwd(Redacted(&ice.password.0)));
    attributes.extend(fingerprints.iter().map(|f| Attribute::Fingerprint(Box::new(f.clone()))));
    attributes.push(Attribute::Setup(*setup));
    attributes.push(match *form {
        DataForm::Port => Attribute::SctpPort(*port),
        DataForm::Map { streams } => {
            Attribute::Sctpmap { port: *port, application: "webrtc-datachannel", streams }
        }
    });
    attributes.extend(max_message_size.map(Attribute::MaxMessageSize));
    attributes.extend(candidates.iter().map(|c| Attribute::Candidate(Box::new(c.clone()))));
    if *end_of_candidates {
        attributes.push(Attribute::EndOfCandidates);
    }
}

/// Our `o=` versions: a new one for every text that differs from the one before.
#[derive(Clone, Debug, Default)]
pub(in crate::signaling) struct Versions {
    version: u64,
    rest: String,
}

impl Versions {
    /// Writes a description under its version.
    ///
    /// RFC 9429 §5.2.2: what differs from what was created last is a new version, whether that was set or not.
    pub fn stamp(&mut self, planned: &[Planned], frame: Frame<'_>) -> String {
        let write = |version: u64| describe(planned, frame, &version.to_string()).to_text();
        let text = write(self.version + 1);
        let rest = after_origin(&text);
        if self.rest == rest {
            return write(self.version);
        }
        self.version += 1;
        rest.clone_into(&mut self.rest);
        text
    }
}

/// What follows the `o=` line, which is the second.
fn after_origin(text: &str) -> &str {
    text.splitn(3, '\n').nth(2).unwrap_or("")
}
