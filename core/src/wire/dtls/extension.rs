//! Extensions of hello messages and of the messages that carry extensions in 1.3.

use crate::wire::cursor::{ParseError, Reader, put_prefixed_u16};
use crate::wire::dtls::codepoints::{
    ExtensionType, NamedGroup, ProtocolVersion, SignatureSchemeCode, SrtpProfile,
};
use crate::wire::dtls::connection_id::ConnectionId;
use crate::wire::dtls::vector;

/// No honest hello comes near it.
const MAX_EXTENSIONS: usize = 64;

/// A share of a key agreement (RFC 8446 §4.2.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShareEntry {
    /// The group.
    pub group: NamedGroup,
    /// The share.
    pub key: Vec<u8>,
}

/// An extension. Some have one shape in a request and another in an answer; [`Place`] tells which is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Groups, the most preferred first.
    SupportedGroups(Vec<NamedGroup>),
    /// Point formats; 0 is "uncompressed".
    EcPointFormats(Vec<u8>),
    /// Signature schemes, the most preferred first.
    SignatureAlgorithms(Vec<SignatureSchemeCode>),
    /// SRTP profiles and the master key identifier, which is empty in WebRTC.
    UseSrtp {
        /// Offered: the most preferred first. Answered: exactly one.
        profiles: Vec<SrtpProfile>,
        /// The identifier.
        mki: Vec<u8>,
    },
    /// The master secret covers the whole handshake.
    ExtendedMasterSecret,
    /// Empty in an initial handshake.
    RenegotiationInfo(Vec<u8>),
    /// Versions that a client speaks.
    SupportedVersions(Vec<ProtocolVersion>),
    /// The version that a server chose.
    SelectedVersion(ProtocolVersion),
    /// What a client has to repeat after a `HelloRetryRequest`.
    Cookie(Vec<u8>),
    /// Shares of a client.
    KeyShares(Vec<KeyShareEntry>),
    /// The share of a server.
    KeyShare(KeyShareEntry),
    /// The group that a server wants a share of.
    SelectedGroup(NamedGroup),
    /// What the sender wants to find in records for it.
    ConnectionId(ConnectionId),
    /// Any other, and known ones out of their place.
    Other(ExtensionType, Vec<u8>),
}

/// The message that extensions stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `ClientHello`
    ClientHello,
    /// `ServerHello`
    ServerHello,
    /// `HelloRetryRequest` (1.3)
    HelloRetryRequest,
    /// Any other message of 1.3.
    Other,
}

impl Extension {
    /// The type.
    #[must_use]
    pub const fn kind(&self) -> ExtensionType {
        match self {
            Self::SupportedGroups(_) => ExtensionType::SupportedGroups,
            Self::EcPointFormats(_) => ExtensionType::EcPointFormats,
            Self::SignatureAlgorithms(_) => ExtensionType::SignatureAlgorithms,
            Self::UseSrtp { .. } => ExtensionType::UseSrtp,
            Self::ExtendedMasterSecret => ExtensionType::ExtendedMasterSecret,
            Self::RenegotiationInfo(_) => ExtensionType::RenegotiationInfo,
            Self::SupportedVersions(_) | Self::SelectedVersion(_) => ExtensionType::SupportedVersions,
            Self::Cookie(_) => ExtensionType::Cookie,
            Self::KeyShares(_) | Self::KeyShare(_) | Self::SelectedGroup(_) => ExtensionType::KeyShare,
            Self::ConnectionId(_) => ExtensionType::ConnectionId,
            Self::Other(kind, _) => *kind,
        }
    }

    fn parse(kind: ExtensionType, data: &[u8], place: Place) -> Result<Self, ParseError> {
        let mut r = Reader::new(data);
        let value = match (kind, place) {
            (ExtensionType::SupportedGroups, _) => {
                Self::SupportedGroups(vector::codes_u16(r.prefixed_u16()?)?)
            }
            (ExtensionType::EcPointFormats, _) => Self::EcPointFormats(r.prefixed_u8()?.to_vec()),
            (ExtensionType::SignatureAlgorithms, _) => {
                Self::SignatureAlgorithms(vector::codes_u16(r.prefixed_u16()?)?)
            }
            (ExtensionType::UseSrtp, _) => Self::UseSrtp {
                profiles: vector::codes_u16(r.prefixed_u16()?)?,
                mki: r.prefixed_u8()?.to_vec(),
            },
            (ExtensionType::ExtendedMasterSecret, _) => Self::ExtendedMasterSecret,
            (ExtensionType::RenegotiationInfo, _) => Self::RenegotiationInfo(r.prefixed_u8()?.to_vec()),
            (ExtensionType::SupportedVersions, Place::ClientHello) => {
                Self::SupportedVersions(vector::codes_u16(r.prefixed_u8()?)?)
            }
            (ExtensionType::SupportedVersions, Place::ServerHello | Place::HelloRetryRequest) => {
                Self::SelectedVersion(r.u16()?.into())
            }
            (ExtensionType::Cookie, _) => Self::Cookie(r.prefixed_u16()?.to_vec()),
            (ExtensionType::KeyShare, Place::ClientHello) => {
                Self::KeyShares(vector::list(r.prefixed_u16()?, MAX_EXTENSIONS, "key shares", key_share)?)
            }
            (ExtensionType::KeyShare, Place::ServerHello) => Self::KeyShare(key_share(&mut r)?),
            (ExtensionType::KeyShare, Place::HelloRetryRequest) => Self::SelectedGroup(r.u16()?.into()),
            (ExtensionType::ConnectionId, Place::ClientHello | Place::ServerHello) => {
                Self::ConnectionId(ConnectionId::parse(&mut r)?)
            }
            (kind, _) => Self::Other(kind, r.bytes(r.len())?.to_vec()),
        };
        r.finish()?;
        Ok(value)
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::SupportedGroups(groups) => {
                put_prefixed_u16(out, |out| vector::put_codes_u16(out, groups));
            }
            Self::EcPointFormats(bytes) | Self::RenegotiationInfo(bytes) => {
                vector::put_u8(out, |out| out.extend_from_slice(bytes));
            }
            Self::SignatureAlgorithms(schemes) => {
                put_prefixed_u16(out, |out| vector::put_codes_u16(out, schemes));
            }
            Self::UseSrtp { profiles, mki } => {
                put_prefixed_u16(out, |out| vector::put_codes_u16(out, profiles));
                vector::put_u8(out, |out| out.extend_from_slice(mki));
            }
            Self::ExtendedMasterSecret => {}
            Self::SupportedVersions(versions) => {
                vector::put_u8(out, |out| vector::put_codes_u16(out, versions));
            }
            Self::SelectedVersion(version) => vector::put_codes_u16(out, &[*version]),
            Self::Cookie(bytes) => put_prefixed_u16(out, |out| out.extend_from_slice(bytes)),
            Self::KeyShares(shares) => put_prefixed_u16(out, |out| {
                shares.iter().for_each(|share| put_key_share(out, share));
            }),
            Self::KeyShare(share) => put_key_share(out, share),
            Self::SelectedGroup(group) => vector::put_codes_u16(out, &[*group]),
            Self::ConnectionId(id) => id.write(out),
            Self::Other(_, data) => out.extend_from_slice(data),
        }
    }
}

fn key_share(reader: &mut Reader<'_>) -> Result<KeyShareEntry, ParseError> {
    Ok(KeyShareEntry { group: reader.u16()?.into(), key: reader.prefixed_u16()?.to_vec() })
}

fn put_key_share(out: &mut Vec<u8>, share: &KeyShareEntry) {
    vector::put_codes_u16(out, &[share.group]);
    put_prefixed_u16(out, |out| out.extend_from_slice(&share.key));
}

/// The extensions of one message, each type at most once, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(Vec<Extension>);

impl Extensions {
    /// Extensions of our own.
    ///
    /// # Panics
    ///
    /// In debug builds, when a type occurs twice.
    #[must_use]
    pub fn new(extensions: Vec<Extension>) -> Self {
        let this = Self(extensions);
        debug_assert!(!this.has_duplicate(), "an extension occurs at most once");
        this
    }

    /// Reads extensions behind their two-byte length. A message of 1.2 may end before it.
    pub fn parse(reader: &mut Reader<'_>, place: Place) -> Result<Self, ParseError> {
        if reader.is_empty() {
            return Ok(Self::default());
        }
        let list = vector::list(reader.prefixed_u16()?, MAX_EXTENSIONS, "extensions", |r| {
            let kind = r.u16()?.into();
            Extension::parse(kind, r.prefixed_u16()?, place)
        })?;
        let this = Self(list);
        // RFC 5246 §7.4.1.4: no type more than once.
        if this.has_duplicate() { Err(ParseError::BadValue("a repeated extension")) } else { Ok(this) }
    }

    /// Appends the extensions behind their two-byte length, even when there are none.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_prefixed_u16(out, |out| {
            for extension in &self.0 {
                vector::put_codes_u16(out, &[extension.kind()]);
                put_prefixed_u16(out, |out| extension.write(out));
            }
        });
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Extension> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `pick` finds, at most one because no type occurs twice.
    pub fn find<'a, T>(&'a self, pick: impl Fn(&'a Extension) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(pick)
    }

    /// Whether there is one of type `kind`.
    #[must_use]
    pub fn has(&self, kind: ExtensionType) -> bool {
        self.0.iter().any(|e| e.kind() == kind)
    }

    fn has_duplicate(&self) -> bool {
        let mut kinds: Vec<_> = self.0.iter().map(Extension::kind).collect();
        kinds.sort_unstable();
        kinds.windows(2).any(|pair| pair[0] == pair[1])
    }
}
