//! Long-term credentials (RFC 8489 §9.2): what a server's challenge asks for, and the key that answers it.

use crate::base::redact::Redacted;
use crate::crypto::CryptoProvider;
use crate::crypto::md5;
use crate::crypto::traits::{HashAlgorithm, HmacKey};
use crate::wire::stun::{Attribute, Builder, Message};
use data_encoding::BASE64;
use std::fmt;
use zeroize::Zeroizing;

/// What a nonce begins with when a security feature set follows (RFC 8489 §9.2).
const NONCE_COOKIE: &str = "obMatJos2";
/// RFC 8489 §18.1.
const FEATURE_PASSWORD_ALGORITHMS: u8 = 1;
const FEATURE_ANONYMITY: u8 = 2;
/// RFC 8489 §18.5.
const ALGORITHM_MD5: u16 = 1;
const ALGORITHM_SHA256: u16 = 2;

/// User name and password at a TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// The password; never printed.
    pub password: Redacted<String>,
}

/// What a 401 or 438 asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub realm: Option<String>,
    nonce: Option<String>,
    /// PASSWORD-ALGORITHMS, as it came.
    algorithms: Option<Vec<u8>>,
}

impl Challenge {
    pub fn read(message: &Message<'_>) -> Self {
        let mut challenge = Self::default();
        for attribute in message.attributes().flatten() {
            match attribute {
                Attribute::Realm(realm) => challenge.realm = Some(realm.to_owned()),
                Attribute::Nonce(nonce) => challenge.nonce = Some(nonce.to_owned()),
                Attribute::PasswordAlgorithms(list) => challenge.algorithms = Some(list.to_vec()),
                _ => {}
            }
        }
        challenge
    }
}

/// The answer to a challenge: what goes into each request from then on.
pub(super) struct Session {
    realm: String,
    nonce: String,
    username: String,
    /// Stands for the name where the server wants it hidden.
    user_hash: Option<[u8; 32]>,
    key: Box<dyn HmacKey>,
    /// PASSWORD-ALGORITHMS as offered, and the one chosen; `None` for MD5 and SHA-1, the old way.
    algorithms: Option<(Vec<u8>, u16)>,
}

impl Session {
    /// `None` when the challenge cannot be met: no realm or nonce, an algorithm that nobody knows, or a list of
    /// algorithms that somebody took out on the way (RFC 8489 §9.2.5).
    pub fn answer(login: &Login, challenge: Challenge, crypto: &CryptoProvider) -> Option<Self> {
        let Challenge { realm, nonce, algorithms } = challenge;
        let (realm, nonce) = (realm?, nonce?);
        let features = features(&nonce);
        let algorithms = match (features & FEATURE_PASSWORD_ALGORITHMS != 0, algorithms) {
            (true, Some(list)) => {
                let chosen = choose(&list)?;
                Some((list, chosen))
            }
            (true, None) => return None,
            (false, _) => None,
        };
        let secret = Zeroizing::new(format!("{}:{realm}:{}", login.username, login.password.0));
        // RFC 8489 §9.2.2, §18.5.1.
        let secret = Zeroizing::new(match algorithms {
            Some((_, ALGORITHM_SHA256)) => {
                crypto.hash.digest(HashAlgorithm::Sha256, secret.as_bytes()).ok()?
            }
            _ => md5::digest(secret.as_bytes()).to_vec(),
        });
        let algorithm = if algorithms.is_some() { HashAlgorithm::Sha256 } else { HashAlgorithm::Sha1 };
        let key = crypto.hmac.key(algorithm, &secret).ok()?;
        let hidden = (features & FEATURE_ANONYMITY != 0).then(|| {
            let name = format!("{}:{realm}", login.username);
            crypto.hash.digest(HashAlgorithm::Sha256, name.as_bytes()).ok()?.try_into().ok()
        });
        Some(Self {
            realm,
            nonce,
            username: login.username.clone(),
            user_hash: hidden.flatten(),
            key,
            algorithms,
        })
    }

    /// Appends who we are, and the proof.
    pub fn sign<'o>(&self, builder: Builder<'o>) -> Builder<'o> {
        let name = match &self.user_hash {
            Some(hash) => Attribute::UserHash(hash),
            None => Attribute::Username(&self.username),
        };
        let builder = builder
            .attribute(&name)
            .attribute(&Attribute::Realm(&self.realm))
            .attribute(&Attribute::Nonce(&self.nonce));
        let Some((offered, chosen)) = &self.algorithms else {
            return builder.integrity(|parts, tag| self.key.sign(parts, tag));
        };
        let [high, low] = chosen.to_be_bytes();
        builder
            .attribute(&Attribute::PasswordAlgorithms(offered))
            .attribute(&Attribute::PasswordAlgorithm(&[high, low, 0, 0]))
            .integrity_sha256(|parts, tag| self.key.sign(parts, tag))
    }

    /// Whether the server's message is protected by our password; `None` when it is not protected at all.
    pub fn signed(&self, message: &Message<'_>) -> Option<bool> {
        let sealed = match self.algorithms {
            Some(_) => message.integrity_sha256(),
            None => message.integrity(),
        }?;
        Some(self.key.verify(&[&sealed.header, sealed.body], sealed.tag).is_ok())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// The low byte of the security feature set: both bits that mean something are there.
fn features(nonce: &str) -> u8 {
    let set = nonce.strip_prefix(NONCE_COOKIE).and_then(|rest| rest.get(..4));
    set.and_then(|set| BASE64.decode(set.as_bytes()).ok()).and_then(|set| set.last().copied()).unwrap_or(0)
}

/// RFC 8489 §14.11: algorithm, length of its parameters, the parameters, padded. SHA-256 goes before MD5.
fn choose(mut list: &[u8]) -> Option<u16> {
    let mut best = None;
    while let [a, b, c, d, rest @ ..] = list {
        let algorithm = u16::from_be_bytes([*a, *b]);
        if matches!(algorithm, ALGORITHM_MD5 | ALGORITHM_SHA256) {
            best = best.max(Some(algorithm));
        }
        let parameters = usize::from(u16::from_be_bytes([*c, *d])).next_multiple_of(4);
        list = rest.get(parameters..).unwrap_or_default();
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{Challenge, Login, Session, choose, features};
    use crate::base::redact::Redacted;
    use crate::crypto::CryptoProvider;
    use crate::wire::stun::Message;
    use data_encoding::HEXLOWER;

    /// RFC 5769 §2.4.
    const REQUEST: &str = "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000\
                           0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e\
                           6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

    fn login() -> Login {
        let username = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}".to_owned();
        Login { username, password: Redacted("TheMatrIX".to_owned()) }
    }

    #[test]
    fn the_request_of_rfc_5769_is_signed_by_its_password() {
        let request = HEXLOWER.decode(REQUEST.as_bytes()).unwrap();
        let message = Message::parse(&request).unwrap();
        let session =
            Session::answer(&login(), Challenge::read(&message), &CryptoProvider::default()).unwrap();
        assert_eq!(session.signed(&message), Some(true));
        let other = Login { password: Redacted("guess".to_owned()), ..login() };
        let session = Session::answer(&other, Challenge::read(&message), &CryptoProvider::default()).unwrap();
        assert_eq!(session.signed(&message), Some(false));
        assert!(!format!("{session:?} {:?}", login()).contains("TheMatrIX"));
    }

    #[test]
    fn features_and_algorithms_are_read() {
        assert_eq!(features("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"), 2);
        assert_eq!(features("obMatJos2AAAD"), 3);
        assert_eq!(
            (features("obMatJos2"), features("f//499k954d6OL34"), features("obMatJos2\u{e9}\u{e9}")),
            (0, 0, 0)
        );
        assert_eq!(choose(&[0, 1, 0, 0, 0, 2, 0, 0]), Some(2));
        assert_eq!(choose(&[0, 9, 0, 3, 1, 2, 3, 0, 0, 1, 0, 0]), Some(1));
        assert_eq!(choose(&[0, 9, 0xff, 0xff, 1]), None);
    }

    #[test]
    fn a_list_that_was_taken_out_on_the_way_is_noticed() {
        let challenge = |nonce: &str, algorithms: Option<&[u8]>| Challenge {
            realm: Some("example.org".to_owned()),
            nonce: Some(nonce.to_owned()),
            algorithms: algorithms.map(<[u8]>::to_vec),
        };
        let answer = |challenge| Session::answer(&login(), challenge, &CryptoProvider::default());
        assert!(answer(challenge("obMatJos2AAAB", None)).is_none());
        assert!(answer(challenge("obMatJos2AAAB", Some(&[0, 7, 0, 0]))).is_none());
        assert!(answer(challenge("obMatJos2AAAB", Some(&[0, 2, 0, 0]))).is_some());
        assert!(answer(Challenge::default()).is_none());
    }
}
