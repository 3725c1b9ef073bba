//! What saves round trips at the start and has to be agreed on: the SCTP handshake in the descriptions (SNAP,
//! draft-hancke-tsvwg-snap), and that of DTLS inside of checks (SPED, draft-hancke-webrtc-sped).
//!
//! Of both a description says no more than that it can. What of the peer's is needed is read from the description itself, once,
//! when there is an answer.

use crate::signaling::error::InvalidDescription;
use crate::signaling::session::Session;
use crate::wire::sctp::chunk::Chunk;
use crate::wire::sctp::parse_lone_chunk;
use crate::wire::sdp::attribute::Attribute;
use crate::wire::sdp::description::Description;
use data_encoding::BASE64;

/// The words that say SPED: the draft's, and the one that Chromium's form of it goes by.
pub(in crate::signaling) const SPED: &str = "sped googspedv1";

/// What the local side can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastSetup<'a> {
    /// Whether the handshake of DTLS may go inside of checks. Whether it does is found out there.
    pub sped: bool,
    /// Our SCTP INIT chunk, the same each time.
    pub sctp_init: Option<&'a [u8]>,
}

/// What a description says of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    sped: bool,
    sctp_init: Option<Vec<u8>>,
}

impl Said {
    fn read(description: &Description<'_>) -> Result<Self, InvalidDescription> {
        let mut said = Self::default();
        let mut options = |attribute: &Attribute<'_>| {
            if let Attribute::IceOptions(words) = attribute {
                said.sped |= words.iter().any(|word| word == "sped" || word == "googspedv1");
            }
        };
        description.attributes.iter().for_each(&mut options);
        for (at, section) in description.sections.iter().enumerate() {
            section.attributes.iter().for_each(&mut options);
            let chunk = section.attributes.iter().find_map(|attribute| match attribute {
                Attribute::SctpInit(chunk) => Some(*chunk),
                _ => None,
            });
            if let (Some(chunk), None, true) = (chunk, &said.sctp_init, section.port != 0) {
                said.sctp_init = Some(decode(chunk).ok_or(InvalidDescription::BadSctpInit(at))?);
            }
        }
        Ok(said)
    }
}

/// The draft's §4: what is not one INIT chunk in base64 is an error.
fn decode(text: &str) -> Option<Vec<u8>> {
    let chunk = BASE64.decode(text.as_bytes()).ok()?;
    matches!(parse_lone_chunk(&chunk), Ok(Chunk::Init(_))).then_some(chunk)
}

/// Refuses a description whose SCTP INIT chunk cannot be read.
pub(in crate::signaling) fn check(description: &Description<'_>) -> Result<(), InvalidDescription> {
    Said::read(description).map(|_| ())
}

impl Session {
    /// The peer's SCTP INIT chunk, when its newest description and ours both have one: the association begins with them.
    #[must_use]
    pub fn agreed_sctp_init(&self) -> Option<Vec<u8>> {
        let ours = self.slots.local.newest()?;
        said(&ours.description.sdp).sctp_init.and(self.said_by_peer().sctp_init)
    }

    /// What of ours goes into the description that is being made: in an answer, what was offered.
    pub(in crate::signaling) fn fast_setup<'a>(&self, ours: FastSetup<'a>, answers: bool) -> FastSetup<'a> {
        if !answers || ours == FastSetup::default() {
            return ours;
        }
        let offered = self.said_by_peer();
        FastSetup {
            sped: ours.sped && offered.sped,
            sctp_init: ours.sctp_init.filter(|_| offered.sctp_init.is_some()),
        }
    }

    fn said_by_peer(&self) -> Said {
        self.slots.remote.newest().map(|theirs| said(&theirs.description.sdp)).unwrap_or_default()
    }
}

/// Of a description that was read before.
fn said(text: &str) -> Said {
    Description::parse(text).ok().and_then(|description| Said::read(&description).ok()).unwrap_or_default()
}
