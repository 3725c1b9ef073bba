//! How a server begins in every version: it chooses one over a `ClientHello` that is there in full.

use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::handshake::{Context, Step};
use crate::transport::dtls::{server12, server13};
use crate::wire::dtls::codepoints::{HandshakeType, ProtocolVersion, SignatureSchemeCode, SrtpProfile};
use crate::wire::dtls::extension::{Extension, Extensions};
use crate::wire::dtls::hello::ClientHello;

/// A server's first message.
pub(super) fn first(cx: &mut Context, kind: HandshakeType, body: &[u8]) -> Result<Step, Failure> {
    if kind != HandshakeType::ClientHello {
        return Err(Failure::UnexpectedMessage { expected: "ClientHello", got: kind });
    }
    let hello = ClientHello::parse(body)?;
    match choose_version(cx, &hello)? {
        ProtocolVersion::Dtls13 => server13::accept(cx, &hello),
        _ => Ok(Step::Server12(server12::accept(cx, &hello)?)),
    }
}

/// The version that we prefer among those that the client offers (RFC 8446 §4.2.1): by the extension where there
/// is one, by the old field elsewhere.
pub(super) fn choose_version(cx: &Context, hello: &ClientHello) -> Result<ProtocolVersion, Failure> {
    let offered = hello.extensions.find(|e| match e {
        Extension::SupportedVersions(versions) => Some(versions),
        _ => None,
    });
    let is_offered = |version: &ProtocolVersion| match offered {
        Some(versions) => versions.contains(version),
        // Newer versions are smaller numbers; a client may say more than 1.2 in the old field (RFC 5246 §E.1).
        None => *version == ProtocolVersion::Dtls12 && (0xfe00..=0xfefd).contains(&u16::from(hello.version)),
    };
    let mut ours = cx.config.versions.iter().copied().filter(|&version| cx.config.speaks(version));
    ours.find(is_offered).ok_or(Failure::ProtocolVersion)
}

/// The profile that we prefer among those that the client offers.
pub(super) fn choose_srtp_profile(cx: &Context, hello: &ClientHello) -> Option<SrtpProfile> {
    let offered = hello.extensions.find(|e| match e {
        Extension::UseSrtp { profiles, .. } => Some(profiles),
        _ => None,
    })?;
    cx.config.srtp_profiles.iter().copied().find(|profile| offered.contains(profile))
}

/// The signature schemes that a peer verifies, when it names any.
pub(super) fn offered_schemes(extensions: &Extensions) -> Option<&[SignatureSchemeCode]> {
    extensions.find(|e| match e {
        Extension::SignatureAlgorithms(schemes) => Some(&schemes[..]),
        _ => None,
    })
}
