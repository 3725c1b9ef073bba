//! Certificate fingerprints as SDP writes them (RFC 8122 §5).

use crate::wire::cursor::ParseError;
use std::fmt;
use std::str::FromStr;

/// The hash function of a fingerprint, by its textual name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FingerprintAlgorithm {
    /// `sha-1`
    Sha1,
    /// `sha-224`
    Sha224,
    /// `sha-256`
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
    /// Another name, in lower case.
    Unknown(String),
}

impl FingerprintAlgorithm {
    /// The textual name (RFC 8122 §5), in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
            Self::Unknown(name) => name,
        }
    }

    fn from_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "sha-1" => Self::Sha1,
            "sha-224" => Self::Sha224,
            "sha-256" => Self::Sha256,
            "sha-384" => Self::Sha384,
            "sha-512" => Self::Sha512,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// A hash over a certificate: `sha-256 AA:BB:…`. Parsing is case-insensitive, printing is upper-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// The hash function.
    pub algorithm: FingerprintAlgorithm,
    /// The digest.
    pub digest: Vec<u8>,
}

/// Longer than any hash; keeps a hostile line from growing anything.
const MAX_DIGEST: usize = 128;

impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (name, hex) = text.trim().split_once(' ').ok_or(ParseError::Truncated)?;
        if hex.len() > MAX_DIGEST * 3 {
            return Err(ParseError::TooMany("fingerprint digits"));
        }
        let digest = digest(hex.trim().as_bytes()).ok_or(ParseError::BadValue("fingerprint"))?;
        Ok(Self { algorithm: FingerprintAlgorithm::from_name(name), digest })
    }
}

/// Pairs of digits with colons between them.
fn digest(hex: &[u8]) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |group: &[u8]| match group {
        [a, b] | [a, b, b':'] => Some(digit(*a)? << 4 | digit(*b)?),
        _ => None,
    };
    let mut digest = Vec::with_capacity(hex.len() / 3 + 1);
    for group in hex.chunks(3) {
        digest.push(byte(group)?);
    }
    // A colon is followed by another pair.
    (hex.len() % 3 == 2).then_some(digest)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.algorithm.as_str())?;
        for (at, byte) in self.digest.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, FingerprintAlgorithm};

    #[test]
    fn text_goes_both_ways() {
        let read: Fingerprint = "SHA-256 ab:CD:0f".parse().unwrap();
        assert_eq!(read.algorithm, FingerprintAlgorithm::Sha256);
        assert_eq!(read.to_string(), "sha-256 AB:CD:0F");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "sha-256",
            "sha-256 A",
            "sha-256 +1:22",
            "sha-256 AA::BB",
            "sha-256 AA:",
            "sha-256 AA:BB:",
            "sha-256 AA-BB",
            "sha-256 é:AA",
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
