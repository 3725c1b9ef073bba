//! What the session keeps of a description that was set: owned, resolved, and no more than decisions need.

use crate::signaling::error::InvalidDescription;
use crate::signaling::rtp::RtpContent;
use crate::signaling::state::SdpType;
use crate::wire::candidate::{Candidate, Credentials, RemoteChoice};
use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::attribute::{Attribute, Setup};
use crate::wire::sdp::description::{Description, Section};

/// The size of message that a peer takes when it does not say (RFC 8841 §6.1), in bytes.
const UNSAID_MAX_MESSAGE_SIZE: u64 = 65_536;

/// That of RTP and all that shares its port, and that of RTCP (RFC 8445 §2).
const COMPONENTS: [u16; 2] = [1, 2];

/// A description's sections and bundle groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct Content {
    pub sections: Vec<SectionContent>,
    /// Bundle groups as indices of sections, in the order of the group.
    pub groups: Vec<Vec<usize>>,
    /// Of the session or of any section.
    pub options: IceOptions,
    /// One- and two-byte header extensions may be mixed (RFC 8285 §6): said for the session or for a section.
    pub allow_mixed: bool,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct SectionContent {
    pub media: String,
    pub protocol: String,
    pub formats: String,
    pub port: u16,
    /// Port 0 that does not reject; in offers only.
    pub bundle_only: bool,
    pub mid: Option<String>,
    /// Its own, or else the session's.
    pub transport: TransportContent,
    /// When it is a data section in a form that we know.
    pub data: Option<DataContent>,
    /// When it is a section of audio or video.
    pub rtp: Option<Box<RtpContent>>,
    pub candidates: Vec<Candidate>,
    pub end_of_candidates: bool,
    /// Which candidates of the other side's it has selected, of each component.
    pub choices: Vec<RemoteChoice>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct TransportContent {
    pub credentials: Option<Credentials>,
    pub fingerprints: Vec<Fingerprint>,
    pub setup: Option<Setup>,
    pub tls_id: Option<String>,
    pub lite: bool,
}

/// The ICE options that mean something to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct IceOptions {
    pub trickle: bool,
    pub ice2: bool,
    pub nominations: Nominations,
}

/// How a side may nominate pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) enum Nominations {
    #[default]
    Plain,
    /// With numbers, of which the highest counts (draft-thatcher-ice-renomination).
    Numbered,
}

/// A data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct DataContent {
    /// `None` when the mandatory attribute is missing.
    pub port: Option<u16>,
    pub max_message_size: MaxMessageSize,
    pub form: DataForm,
}

/// Said or not makes a difference for what an answer in the old form repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct MaxMessageSize(pub Option<u64>);

impl MaxMessageSize {
    pub const fn bytes(self) -> u64 {
        match self.0 {
            Some(bytes) => bytes,
            None => UNSAID_MAX_MESSAGE_SIZE,
        }
    }
}

/// How a data section says its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) enum DataForm {
    /// `webrtc-datachannel` and `a=sctp-port` (RFC 8841).
    Port,
    /// The port as format, and `a=sctpmap`: what drafts had before.
    Map { streams: Option<u16> },
}

impl SectionContent {
    /// Whether it is in use, or proposed for use.
    pub const fn is_live(&self) -> bool {
        self.port != 0 || self.bundle_only
    }

    pub const fn is_live_data(&self) -> bool {
        self.is_live() && self.data.is_some()
    }

    /// What it says of audio or video, while it is in use.
    pub fn live_rtp(&self) -> Option<&RtpContent> {
        self.rtp.as_deref().filter(|_| self.is_live())
    }

    pub fn mid(&self) -> Option<&str> {
        self.mid.as_deref()
    }
}

impl Content {
    /// Takes what matters from a description. What comes out has unique mids, groups that name sections, and
    /// credentials of legal length where there are any.
    pub fn read(description: &Description<'_>, kind: SdpType) -> Result<Self, InvalidDescription> {
        let mut options = IceOptions::default();
        options.add(&description.attributes);
        let session = TransportContent::read(&description.attributes, 0)?;
        let direction = description.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Direction(direction) => Some(*direction),
            _ => None,
        });
        let mut allow_mixed = description.attributes.contains(&Attribute::ExtmapAllowMixed);
        let mut sections: Vec<SectionContent> = Vec::with_capacity(description.sections.len());
        for (at, section) in description.sections.iter().enumerate() {
            options.add(&section.attributes);
            let mut read = SectionContent::read(section, kind, &session, at)?;
            read.rtp = RtpContent::read(section, direction).map(Box::new);
            allow_mixed |= read.rtp.is_some() && section.attributes.contains(&Attribute::ExtmapAllowMixed);
            // RFC 5888 §4: a mid names one section.
            if read.mid.is_some() && sections.iter().any(|other| other.mid == read.mid) {
                return Err(InvalidDescription::DuplicateMid(at));
            }
            sections.push(read);
        }
        let groups = groups(description, &sections)?;
        Ok(Self { sections, groups, options, allow_mixed })
    }

    /// The bundle group that section `at` is in.
    pub fn group_of(&self, at: usize) -> Option<&[usize]> {
        self.groups.iter().map(Vec::as_slice).find(|group| group.contains(&at))
    }

    /// The transport attributes that hold for section `at`: its own, or those of the first section of its bundle
    /// (RFC 9143 §7.1.3). Chromium repeats the credentials and leaves out the rest, which counts as having none.
    pub fn transport(&self, at: usize) -> &TransportContent {
        let own = &self.sections[at].transport;
        let tagged =
            self.group_of(at).and_then(|group| group.first()).map(|&tag| &self.sections[tag].transport);
        let is_whole = own.credentials.is_some() && !own.fingerprints.is_empty();
        if is_whole { own } else { tagged.filter(|tagged| tagged.credentials.is_some()).unwrap_or(own) }
    }

    /// Where the candidates are that lead to the transport of `tag`: its own, those of the section that carries
    /// its bundle, or those of any other section of that bundle with the same credentials, as peers list them that
    /// gather for the whole bundle at once.
    pub fn candidates_of(&self, tag: usize) -> usize {
        let listed = |&at: &usize| {
            let section = &self.sections[at];
            !section.candidates.is_empty() || section.end_of_candidates
        };
        let credentials = &self.transport(tag).credentials;
        let same = |&at: &usize| self.sections[at].transport.credentials == *credentials;
        let group = self.group_of(tag).unwrap_or(&[]).iter().copied();
        [tag].into_iter().chain(group.filter(same)).find(listed).unwrap_or(tag)
    }

    pub fn section_of_mid(&self, mid: &str) -> Option<usize> {
        self.sections.iter().position(|section| section.mid() == Some(mid))
    }

    /// The first section in use that has or shares a transport.
    pub fn first_live(&self) -> Option<usize> {
        let live = |section: &SectionContent| section.is_live_data() || section.live_rtp().is_some();
        let addressed = |section: &SectionContent| live(section) && !section.bundle_only;
        self.sections.iter().position(addressed).or_else(|| self.sections.iter().position(live))
    }

    /// The first data section in use.
    pub fn live_data(&self) -> Option<usize> {
        self.sections.iter().position(SectionContent::is_live_data)
    }
}

impl IceOptions {
    fn add(&mut self, attributes: &[Attribute<'_>]) {
        for attribute in attributes {
            if let Attribute::IceOptions(options) = attribute {
                // libdatachannel separates them by commas.
                for option in options.iter().flat_map(|word| word.split(',')) {
                    self.trickle |= option == "trickle";
                    self.ice2 |= option == "ice2";
                    if option == "renomination" {
                        self.nominations = Nominations::Numbered;
                    }
                }
            }
        }
    }
}

impl TransportContent {
    fn read(attributes: &[Attribute<'_>], section: usize) -> Result<Self, InvalidDescription> {
        let mut read = Self::default();
        let (mut ufrag, mut password) = (None, None);
        for attribute in attributes {
            match attribute {
                Attribute::IceUfrag(text) => ufrag = ufrag.or(Some(*text)),
                Attribute::IcePwd(text) => password = password.or(Some(text.0)),
                Attribute::Fingerprint(fingerprint) => read.fingerprints.push((**fingerprint).clone()),
                Attribute::Setup(setup) => read.setup = read.setup.or(Some(*setup)),
                Attribute::TlsId(id) => read.tls_id = read.tls_id.or(Some((*id).to_owned())),
                Attribute::IceLite => read.lite = true,
                _ => {}
            }
        }
        // What is read here stays as long as the connection.
        read.fingerprints.shrink_to_fit();
        read.credentials = match (ufrag, password) {
            (None, None) => None,
            (ufrag, password) => {
                // RFC 8839 §5.4: both at the same level, of 4 to 256 and 22 to 256 ICE characters.
                let credentials = Credentials::new(ufrag.unwrap_or(""), password.unwrap_or(""));
                Some(credentials.map_err(|_| InvalidDescription::NoIceCredentials(section))?)
            }
        };
        Ok(read)
    }

    /// Takes from the session level what is missing here.
    fn inherit(mut self, session: &Self) -> Self {
        let inherited = session.clone();
        self.credentials = self.credentials.or(inherited.credentials);
        self.setup = self.setup.or(inherited.setup);
        self.tls_id = self.tls_id.or(inherited.tls_id);
        self.lite |= inherited.lite;
        if self.fingerprints.is_empty() {
            self.fingerprints = inherited.fingerprints;
        }
        self
    }
}

impl SectionContent {
    fn read(
        section: &Section<'_>,
        kind: SdpType,
        session: &TransportContent,
        at: usize,
    ) -> Result<Self, InvalidDescription> {
        let has = |wanted: &Attribute<'_>| section.attributes.contains(wanted);
        let mid = section.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Mid(mid) => Some((*mid).to_owned()),
            _ => None,
        });
        let candidates = section.attributes.iter().filter_map(|attribute| match attribute {
            Attribute::Candidate(candidate) => Some(candidate.owned()),
            _ => None,
        });
        let mut candidates: Vec<_> = candidates.collect();
        candidates.shrink_to_fit();
        Ok(Self {
            media: section.media.to_owned(),
            protocol: section.protocol.to_owned(),
            formats: section.formats.0.to_owned(),
            port: section.port,
            // RFC 9143 §6: it means something only beside port 0, and only in offers.
            bundle_only: kind == SdpType::Offer && section.port == 0 && has(&Attribute::BundleOnly),
            mid,
            transport: TransportContent::read(&section.attributes, at)?.inherit(session),
            data: DataContent::read(section),
            rtp: None,
            candidates,
            end_of_candidates: has(&Attribute::EndOfCandidates),
            choices: choices(section),
        })
    }
}

fn choices(section: &Section<'_>) -> Vec<RemoteChoice> {
    let text = section.attributes.iter().find_map(|attribute| match attribute {
        Attribute::RemoteCandidates(text) => Some(*text),
        _ => None,
    });
    text.map_or_else(Vec::new, |text| {
        COMPONENTS.into_iter().filter_map(|n| RemoteChoice::parse(text, n)).collect()
    })
}

impl DataContent {
    /// What is proposed where there was nothing.
    pub const NEW: Self = Self { port: None, max_message_size: MaxMessageSize(None), form: DataForm::Port };

    fn read(section: &Section<'_>) -> Option<Self> {
        let is_data = section.media == "application" && section.protocol.ends_with("DTLS/SCTP");
        if !is_data {
            return None;
        }
        let attributes = section.attributes.iter();
        let max_message_size = MaxMessageSize(attributes.clone().find_map(|attribute| match attribute {
            Attribute::MaxMessageSize(size) => Some(*size),
            _ => None,
        }));
        if section.formats.0 == "webrtc-datachannel" {
            let port = attributes.clone().find_map(|attribute| match attribute {
                Attribute::SctpPort(port) => Some(*port),
                _ => None,
            });
            return Some(Self { port, max_message_size, form: DataForm::Port });
        }
        let format: u16 = section.formats.0.parse().ok()?;
        attributes.clone().find_map(|attribute| match attribute {
            Attribute::Sctpmap { port, application: "webrtc-datachannel", streams } if *port == format => {
                Some(Self { port: Some(*port), max_message_size, form: DataForm::Map { streams: *streams } })
            }
            _ => None,
        })
    }
}

fn groups(
    description: &Description<'_>,
    sections: &[SectionContent],
) -> Result<Vec<Vec<usize>>, InvalidDescription> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for attribute in &description.attributes {
        let Attribute::Group { semantics: "BUNDLE", mids } = attribute else { continue };
        let mut group = Vec::new();
        for mid in mids.iter() {
            let at = sections.iter().position(|section| section.mid() == Some(mid));
            let at = at.ok_or(InvalidDescription::BadGroup)?;
            // RFC 9143 §7: a section is in one group at most.
            if group.contains(&at) || groups.iter().any(|other| other.contains(&at)) {
                return Err(InvalidDescription::BadGroup);
            }
            group.push(at);
        }
        if !group.is_empty() {
            group.shrink_to_fit();
            groups.push(group);
        }
    }
    groups.shrink_to_fit();
    Ok(groups)
}
