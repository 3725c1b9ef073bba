//! Who vouches for a peer: what an identity provider is asked and what it answers (RFC 8827 §7, W3C Identity for
//! WebRTC). Plain values that pass between a connection and its driver; nothing here reaches a provider.

use std::fmt;

/// An identity provider: who vouches, and how it is talked to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IdentityProvider {
    /// The domain that it speaks for, with a port where that is not 443.
    pub domain: String,
    /// Which of its protocols; `default` unless said.
    pub protocol: String,
}

impl IdentityProvider {
    /// The protocol of those that are not told which.
    pub const DEFAULT_PROTOCOL: &'static str = "default";

    /// Where the provider is (RFC 8827 §7.5): in a browser a script, which drivers may replace by anything that knows the
    /// same domain.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}/.well-known/idp-proxy/{}", self.domain, self.protocol)
    }

    /// The domain without its port: what names of its users end with.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.domain.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|c| c.is_ascii_digit()) => host,
            _ => &self.domain,
        }
    }
}

impl fmt::Display for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.domain, self.protocol)
    }
}

/// What a provider is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityRequest {
    /// Vouch for us (`generateAssertion`). The answer is [`IdentityAnswer::Asserted`].
    Generate {
        /// Who is asked.
        provider: IdentityProvider,
        /// What to vouch for: the fingerprints of our certificate, in JSON.
        contents: String,
        /// Who we say we are.
        username_hint: Option<String>,
        /// Whom we talk to, where that is known.
        peer_identity: Option<String>,
    },
    /// Say who the peer is (`validateAssertion`). The answer is [`IdentityAnswer::Validated`].
    Validate {
        /// Who is asked.
        provider: IdentityProvider,
        /// What the peer's provider gave it.
        assertion: String,
    },
}

/// What a provider answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityAnswer {
    /// It vouches for us.
    Asserted {
        /// Who can check that: the provider itself, unless it names another.
        provider: IdentityProvider,
        /// For its own eyes.
        assertion: String,
    },
    /// The assertion is its own.
    Validated {
        /// Who made it: `user@domain`.
        identity: String,
        /// What it was made for, as it was given.
        contents: String,
    },
}

crate::w3c_enum! {
    /// The values of `RTCErrorDetailType` that concern identity.
    pub enum IdentityErrorDetail {
        /// The provider is of no use.
        BadScript = "idp-bad-script-failure",
        /// It refused, or what it answered makes no sense.
        Execution = "idp-execution-failure",
        /// It could not be reached.
        Load = "idp-load-failure",
        /// Its user has to log in first.
        NeedLogin = "idp-need-login",
        /// It took too long.
        Timeout = "idp-timeout",
        /// Its certificate is not to be trusted.
        Tls = "idp-tls-failure",
        /// The assertion is too old.
        TokenExpired = "idp-token-expired",
        /// The assertion is not its own, is malformed, or was made for others.
        TokenInvalid = "idp-token-invalid",
    }
}

/// Why there is no assertion, or no identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct IdentityFailure {
    /// What went wrong.
    pub detail: IdentityErrorDetail,
    /// The status of the provider's answer, where it was reached by HTTP.
    pub http_status: Option<u16>,
    /// Where its user can log in.
    pub login_url: Option<String>,
    /// The provider's words, or ours.
    pub text: String,
}

impl IdentityFailure {
    /// A failure in words.
    #[must_use]
    pub fn new(detail: IdentityErrorDetail, text: impl Into<String>) -> Self {
        Self { detail, http_status: None, login_url: None, text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::IdentityProvider;

    #[test]
    fn a_provider_is_at_a_well_known_place() {
        let provider =
            |domain: &str| IdentityProvider { domain: domain.to_owned(), protocol: "default".to_owned() };
        assert_eq!(provider("idp.example").url(), "https://idp.example/.well-known/idp-proxy/default");
        assert_eq!(provider("idp.example").host(), "idp.example");
        assert_eq!(provider("idp.example:8443").host(), "idp.example");
    }
}
