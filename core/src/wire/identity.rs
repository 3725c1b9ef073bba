//! Identity assertions as text: the value of `a=identity`, and what is asserted (RFC 8827 §7.4).

use crate::base::identity::IdentityProvider;
use crate::wire::cursor::ParseError;
use crate::wire::fingerprint::Fingerprint;
use data_encoding::BASE64;
use serde_json::{Value, json};

/// More bytes than any assertion has.
const MAX_LENGTH: usize = 64 * 1024;
/// More fingerprints than any peer has certificates.
const MAX_FINGERPRINTS: usize = 64;

/// What `a=identity` says: who vouches, and what it gave us to say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityAssertion {
    /// Who can check it.
    pub provider: IdentityProvider,
    /// For the provider's eyes.
    pub assertion: String,
}

impl IdentityAssertion {
    /// Reads the value of `a=identity`; extensions behind a space are ignored.
    pub fn parse(value: &str) -> Result<Self, ParseError> {
        let text = value.split(' ').next().unwrap_or("");
        if text.len() > MAX_LENGTH {
            return Err(ParseError::TooMany("identity bytes"));
        }
        let bad = ParseError::BadValue("identity");
        let json = BASE64.decode(text.as_bytes()).map_err(|_| bad)?;
        let value: Value = serde_json::from_slice(&json).map_err(|_| bad)?;
        let string = |value: &Value| value.as_str().map(str::to_owned);
        let provider = IdentityProvider {
            domain: string(&value["idp"]["domain"]).filter(|domain| is_domain(domain)).ok_or(bad)?,
            protocol: match &value["idp"]["protocol"] {
                Value::Null => IdentityProvider::DEFAULT_PROTOCOL.to_owned(),
                protocol => string(protocol).filter(|protocol| is_protocol(protocol)).ok_or(bad)?,
            },
        };
        Ok(Self { provider, assertion: string(&value["assertion"]).ok_or(bad)? })
    }

    /// The value of `a=identity`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let IdentityProvider { domain, protocol } = &self.provider;
        let value = json!({ "idp": { "domain": domain, "protocol": protocol }, "assertion": self.assertion });
        BASE64.encode(value.to_string().as_bytes())
    }
}

/// Whether it can be the host of a URL, with or without a port.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    let is_char = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    (1..=255).contains(&text.len()) && text.bytes().all(is_char)
}

/// RFC 8827 §7.5: whether it stays where protocols are.
#[must_use]
pub fn is_protocol(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && !text.bytes().any(|c| matches!(c, b'/' | b'\\' | b'?' | b'#') || !c.is_ascii_graphic())
}

/// What an assertion about these certificates is made of.
#[must_use]
pub fn contents_of(fingerprints: &[Fingerprint]) -> String {
    let one = |fingerprint: &Fingerprint| {
        let text = fingerprint.to_string();
        let (algorithm, digest) = text.split_once(' ').unwrap_or_default();
        json!({ "algorithm": algorithm, "digest": digest })
    };
    json!({ "fingerprint": fingerprints.iter().map(one).collect::<Vec<_>>() }).to_string()
}

/// The certificates that an assertion was made about.
pub fn parse_contents(text: &str) -> Result<Vec<Fingerprint>, ParseError> {
    if text.len() > MAX_LENGTH {
        return Err(ParseError::TooMany("identity bytes"));
    }
    let bad = ParseError::BadValue("identity contents");
    let value: Value = serde_json::from_str(text).map_err(|_| bad)?;
    let list = match &value["fingerprint"] {
        // The drafts had one, not a list.
        one @ Value::Object(_) => std::slice::from_ref(one),
        list => list.as_array().map(Vec::as_slice).ok_or(bad)?,
    };
    if list.len() > MAX_FINGERPRINTS {
        return Err(ParseError::TooMany("fingerprints"));
    }
    let one = |value: &Value| {
        let (algorithm, digest) = (value["algorithm"].as_str()?, value["digest"].as_str()?);
        format!("{algorithm} {digest}").parse().ok()
    };
    list.iter().map(|value| one(value).ok_or(bad)).collect()
}

#[cfg(test)]
mod tests {
    use super::{IdentityAssertion, MAX_FINGERPRINTS, contents_of, is_protocol, parse_contents};
    use crate::base::identity::IdentityProvider;
    use data_encoding::BASE64;
    use quickcheck::quickcheck;

    fn encoded(json: &str) -> String {
        BASE64.encode(json.as_bytes())
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 8827 §7.4.1 without its line breaks.
        let json = r#"{"idp":{"domain":"example.org","protocol":"bogus"},"assertion":"{\"identity\":\"bob@example.org\",\"contents\":\"abcdefghijklmnopqrstuvwyz\",\"signature\":\"010203040506\"}"}"#;
        let read = IdentityAssertion::parse(&encoded(json)).unwrap();
        assert_eq!(
            (read.provider.domain.as_str(), read.provider.protocol.as_str()),
            ("example.org", "bogus")
        );
        assert!(read.assertion.contains("bob@example.org"));
        assert_eq!(IdentityAssertion::parse(&read.to_text()), Ok(read));
    }

    #[test]
    fn contents_name_fingerprints() {
        let list = ["sha-256 0A:FF".parse().unwrap(), "sha-1 00:11".parse().unwrap()];
        let text = contents_of(&list);
        assert_eq!(
            text,
            r#"{"fingerprint":[{"algorithm":"sha-256","digest":"0A:FF"},{"algorithm":"sha-1","digest":"00:11"}]}"#
        );
        assert_eq!(parse_contents(&text).unwrap(), list);
        let one = parse_contents(r#"{"fingerprint":{"algorithm":"SHA-1","digest":"00:11"}}"#).unwrap();
        assert_eq!(one, list[1..]);
        for bad in ["", "[]", "{}", r#"{"fingerprint":[{"algorithm":"sha-1"}]}"#, r#"{"fingerprint":["x"]}"#]
        {
            assert!(parse_contents(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"idp":{"domain":"a.example"}}"#,
            r#"{"idp":{"domain":""},"assertion":""}"#,
            r#"{"idp":{"domain":"a/b"},"assertion":""}"#,
            r#"{"idp":{"domain":"a.example","protocol":"../x"},"assertion":""}"#,
            r#"{"idp":{"domain":"a.example","protocol":7},"assertion":""}"#,
            r#"{"idp":{"domain":"a.example"},"assertion":{}}"#,
        ] {
            assert!(IdentityAssertion::parse(&encoded(json)).is_err(), "{json}");
        }
        assert!(IdentityAssertion::parse("!").is_err());
        assert!(is_protocol("default") && !is_protocol("a\\b") && !is_protocol("a/b") && !is_protocol(""));
    }

    quickcheck! {
        fn assertions_round_trip(assertion: String) -> bool {
            let provider = IdentityProvider { domain: "a.example".to_owned(), protocol: "p".to_owned() };
            let value = IdentityAssertion { provider, assertion };
            IdentityAssertion::parse(&value.to_text()) == Ok(value)
        }

        fn arbitrary_text_does_no_harm(text: String) -> bool {
            let _ = (IdentityAssertion::parse(&text), IdentityAssertion::parse(&encoded(&text)));
            parse_contents(&text).is_ok_and(|list| list.len() <= MAX_FINGERPRINTS) || parse_contents(&text).is_err()
        }
    }
}
