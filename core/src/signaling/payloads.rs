//! Which payload types and header extension ids a session uses, so that new ones get others: a payload type that
//! was used once keeps its meaning (RFC 9429 §5.2.1), and in a bundle there is one meaning for all sections.

use crate::base::media::CodecRole;
use crate::signaling::codecs::CodecKey;
use crate::signaling::content::Content;
use crate::signaling::rtp::{CodecContent, RtpContent};

/// What a payload type means.
#[derive(Clone, Copy, Debug)]
enum Claim<'a> {
    Codec(CodecKey<'a>),
    /// Retransmissions of another payload type.
    Rtx(u8),
}

/// What descriptions that were set ever used: it keeps its meaning when its section is gone, and peers insist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Memory {
    codecs: Vec<CodecContent>,
    extensions: Vec<(u16, String)>,
}

impl Memory {
    /// Remembers what a description says; what it says anew is what holds. There are no more than 128 payload types,
    /// and of ids those that packets can carry.
    pub fn note(&mut self, content: &Content) {
        for rtp in content.sections.iter().filter_map(|section| section.rtp.as_deref()) {
            for codec in &rtp.codecs {
                match self.codecs.iter_mut().find(|known| known.payload_type == codec.payload_type) {
                    Some(known) if known == codec => {}
                    Some(known) => known.clone_from(codec),
                    None => self.codecs.push(codec.clone()),
                }
            }
            for extension in rtp.extensions.iter().filter(|extension| extension.id < 256) {
                match self.extensions.iter_mut().find(|(id, _)| *id == extension.id) {
                    Some((_, uri)) if *uri == extension.uri => {}
                    Some((_, uri)) => uri.clone_from(&extension.uri),
                    None => self.extensions.push((extension.id, extension.uri.clone())),
                }
            }
        }
    }
}

/// The claims of a session and of the description that is being made.
#[derive(Debug)]
pub(in crate::signaling) struct Payloads<'a> {
    claims: [Option<Claim<'a>>; 128],
    extensions: Vec<(u16, &'a str)>,
}

/// RFC 5761 §4: dynamic ones that cannot be taken for RTCP, the usual range first.
fn dynamic() -> impl Iterator<Item = u8> {
    (96..=127).chain(35..=63)
}

impl<'a> Payloads<'a> {
    pub fn of(memory: &'a Memory) -> Self {
        let mut claims = [None; 128];
        for codec in &memory.codecs {
            claims[usize::from(codec.payload_type & 0x7f)] = Some(claim_of(codec));
        }
        Self { claims, extensions: memory.extensions.iter().map(|(id, uri)| (*id, uri.as_str())).collect() }
    }

    /// The payload type of a codec: that of the same section before, of another section, or a new one.
    pub fn codec(&mut self, key: CodecKey<'a>, known: Option<&RtpContent>, preferred: u8) -> Option<u8> {
        let before = known.and_then(|known| {
            let same =
                |codec: &&CodecContent| codec.role() != CodecRole::Rtx && key == CodecKey::from(*codec);
            known.codecs.iter().find(same)
        });
        if let Some(codec) = before {
            return Some(codec.payload_type);
        }
        let same = |claim: &Option<Claim<'_>>| matches!(claim, Some(Claim::Codec(other)) if key == *other);
        self.claimed(same).or_else(|| self.claim(preferred, Claim::Codec(key)))
    }

    /// The payload type of the retransmissions of `apt`.
    pub fn rtx(&mut self, apt: u8, preferred: u8) -> Option<u8> {
        let same = |claim: &Option<Claim<'_>>| matches!(claim, Some(Claim::Rtx(of)) if *of == apt);
        self.claimed(same).or_else(|| self.claim(preferred, Claim::Rtx(apt)))
    }

    fn claimed(&self, same: impl FnMut(&Option<Claim<'_>>) -> bool) -> Option<u8> {
        self.claims.iter().position(same).and_then(|at| u8::try_from(at).ok())
    }

    /// `None` when all payload types are taken.
    fn claim(&mut self, preferred: u8, claim: Claim<'a>) -> Option<u8> {
        let free = |payload_type: &u8| self.claims[usize::from(*payload_type & 0x7f)].is_none();
        let payload_type = [preferred].into_iter().chain(dynamic()).find(free)?;
        self.claims[usize::from(payload_type & 0x7f)] = Some(claim);
        Some(payload_type & 0x7f)
    }

    /// The id of a header extension: that of the same section before, of another section, or a new one.
    pub fn extension(&mut self, uri: &'a str, known: Option<&RtpContent>, preferred: u16) -> u16 {
        let before = known.and_then(|known| known.extensions.iter().find(|extension| extension.uri == uri));
        if let Some(extension) = before {
            return extension.id;
        }
        if let Some((id, _)) = self.extensions.iter().find(|(_, known)| *known == uri) {
            return *id;
        }
        let free = |id: &u16| !self.extensions.iter().any(|(taken, _)| taken == id);
        // RFC 8285 §4.2, §4.3: 15 means something else, and those from 16 need the two-byte form.
        let id = [preferred].into_iter().chain(1..=14).chain(16..=255).find(free).unwrap_or(preferred);
        self.extensions.push((id, uri));
        id
    }
}

fn claim_of(codec: &CodecContent) -> Claim<'_> {
    match codec.apt() {
        Some(apt) if codec.role() == CodecRole::Rtx => Claim::Rtx(apt),
        _ => Claim::Codec(CodecKey::from(codec)),
    }
}
