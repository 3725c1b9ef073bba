//! What a description says of its maker's identity: the assertion, and what that has to be about.
//!
//! Nothing is decided here, and no provider is asked: that is the owner's business.

use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::attribute::Attribute;
use crate::wire::sdp::description::Description;

/// The identity that a description claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityClaim {
    /// The value of its `a=identity`.
    pub assertion: Option<String>,
    /// Every certificate that it names, each once.
    pub fingerprints: Vec<Fingerprint>,
}

impl IdentityClaim {
    /// Of a text; that of one that is no description claims nothing.
    #[must_use]
    pub fn read(sdp: &str) -> Self {
        let mut claim = Self::default();
        let Ok(description) = Description::parse(sdp) else { return claim };
        // RFC 8827 §7.4: of the session. Certificates may be named anywhere.
        claim.assertion = description.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Identity(value) => Some((*value).to_owned()),
            _ => None,
        });
        let sections = description.sections.iter().flat_map(|section| &section.attributes);
        for attribute in description.attributes.iter().chain(sections) {
            if let Attribute::Fingerprint(fingerprint) = attribute
                && !claim.fingerprints.contains(fingerprint)
            {
                claim.fingerprints.push((**fingerprint).clone());
            }
        }
        claim
    }
}

/// Whether a text may have an assertion, found without reading it.
#[must_use]
pub fn may_claim(sdp: &str) -> bool {
    memchr::memmem::find(sdp.as_bytes(), b"a=identity:").is_some()
}
