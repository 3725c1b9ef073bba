//! `RTCIceServer`: where candidates may be learnt, as an application writes it.

use crate::base::redact::Redacted;
use crate::base::w3c::ErrorKind;
use crate::transport::IceServer as Server;
use crate::transport::turn::Login;
use crate::wire::server_url::{ServerKind, ServerUrl, ServerUrlError};
use std::fmt;
use thiserror::Error;

/// User names may have fewer bytes than this (RFC 8489 §14.3).
const MAX_USERNAME: usize = 509;

/// `RTCIceServer`: one or more URLs of a STUN or TURN server, and who we are there.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct IceServer {
    /// `stun:host`, `turn:host?transport=udp`, `turn:host?transport=tcp`, `turns:host`, with or without a port.
    pub urls: Vec<String>,
    /// The user at a TURN server, which must have one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub username: Option<String>,
    /// The password at a TURN server, which must have one. Never printed.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub credential: Option<String>,
}

impl IceServer {
    /// A STUN server, such as `stun:stun.example.org`.
    #[must_use]
    pub fn stun(url: &str) -> Self {
        Self { urls: vec![url.to_owned()], username: None, credential: None }
    }

    /// A TURN server with one URL, such as `turns:turn.example.org:443`. More may be added to `urls`.
    #[must_use]
    pub fn turn(url: &str, username: &str, credential: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            username: Some(username.to_owned()),
            credential: Some(credential.to_owned()),
        }
    }

    /// What it amounts to: one server for each URL.
    // W3C WebRTC §4.4.1.5, "validate an RTCIceServer".
    pub(super) fn read(&self) -> Result<Vec<Server>, IceServerError> {
        if self.urls.is_empty() {
            return Err(IceServerError::NoUrl);
        }
        self.urls.iter().map(|url| self.read_url(url)).collect()
    }

    fn read_url(&self, url: &str) -> Result<Server, IceServerError> {
        let at: ServerUrl = url.parse()?;
        let turn = match at.kind {
            ServerKind::Stun => None,
            ServerKind::Turn => Some(self.login()?),
        };
        Ok(Server { url: url.into(), at, turn })
    }

    fn login(&self) -> Result<Login, IceServerError> {
        let (Some(username), Some(password)) = (&self.username, &self.credential) else {
            return Err(IceServerError::NoCredentials);
        };
        // RFC 8265 §4.2: an OpaqueString has no control characters.
        if username.len() >= MAX_USERNAME || password.chars().any(char::is_control) {
            return Err(IceServerError::BadCredentials);
        }
        Ok(Login { username: username.clone(), password: Redacted(password.clone()) })
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .field("credential", &self.credential.as_ref().map(Redacted))
            .finish()
    }
}

/// Why an [`IceServer`] cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IceServerError {
    /// `urls` is empty.
    #[error("an ICE server needs at least one URL")]
    NoUrl,
    /// A URL cannot be used.
    #[error("an ICE server's URL cannot be used: {0}")]
    Url(#[from] ServerUrlError),
    /// A TURN server without user name or password.
    #[error("a TURN server needs a username and a credential")]
    NoCredentials,
    /// They cannot be sent.
    #[error("a TURN server's username has fewer than 509 bytes, its credential no control characters")]
    BadCredentials,
}

impl IceServerError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::NoUrl | Self::Url(ServerUrlError::Syntax) => ErrorKind::Syntax,
            Self::Url(ServerUrlError::NotSupported) => ErrorKind::NotSupported,
            Self::NoCredentials | Self::BadCredentials => ErrorKind::InvalidAccess,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IceServer, IceServerError};
    use crate::base::w3c::ErrorKind;

    fn kind(server: &IceServer) -> Option<ErrorKind> {
        server.read().err().map(IceServerError::kind)
    }

    #[test]
    fn servers_are_checked_as_browsers_check_them() {
        assert_eq!(kind(&IceServer::default()), Some(ErrorKind::Syntax));
        assert_eq!(kind(&IceServer::stun("https://example.org")), Some(ErrorKind::Syntax));
        assert_eq!(kind(&IceServer::stun("turn:example.org")), Some(ErrorKind::InvalidAccess));
        assert_eq!(kind(&IceServer::turn("turns:h?transport=udp", "u", "p")), Some(ErrorKind::NotSupported));
        assert_eq!(kind(&IceServer::turn("turn:h", &"u".repeat(509), "p")), Some(ErrorKind::InvalidAccess));
        assert_eq!(kind(&IceServer::turn("turn:h", "u", "p\0")), Some(ErrorKind::InvalidAccess));
        assert_eq!(kind(&IceServer::turn("turn:h", &"u".repeat(508), "")), None);
        let mut both = IceServer::turn("turn:h", "u", "p");
        both.urls.push("stun:h".to_owned());
        let read = both.read().unwrap();
        assert!(read[0].turn.is_some() && read[1].turn.is_none());
    }

    #[test]
    fn a_credential_is_not_printed() {
        let server = IceServer::turn("turn:h", "user", "secret");
        assert!(!format!("{server:?} {:?}", server.read()).contains("secret"));
    }
}
