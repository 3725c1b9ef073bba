//! The server's side of a DTLS 1.3 handshake (RFC 8446 §2, RFC 9147 §5).
//!
//! Our flight answers the `ClientHello`, from `ServerHello` to `Finished`; then `Certificate`,
//! `CertificateVerify` and `Finished` of the client, which we acknowledge. When we need a share of another group, or
//! are to ask for a cookie, a `HelloRetryRequest` comes first. A client without a certificate is refused
//! (RFC 8827 §6.5).

use crate::crypto::traits::{Group, SignatureScheme};
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::common13::{
    Base, check_certificate, check_finished, check_verify, hash, send_certificate, send_finished,
    signature_scheme, unexpected,
};
use crate::transport::dtls::config::Role;
use crate::transport::dtls::handshake::{Context, Step};
use crate::transport::dtls::schedule13::Schedule;
use crate::transport::dtls::server::{choose_srtp_profile, choose_version};
use crate::transport::dtls::suite::{self, Suite13};
use crate::transport::dtls::verify::Peer;
use crate::wire::dtls::codepoints::{ExtensionType, NamedGroup, ProtocolVersion, SrtpProfile};
use crate::wire::dtls::extension::{Extension, Extensions, KeyShareEntry};
use crate::wire::dtls::hello::{ClientHello, HELLO_RETRY_REQUEST, ServerHello};
use crate::wire::dtls::message13::{CertificateRequest, Message13};

/// What the server waits for.
pub(super) enum State {
    SecondHello(ExpectSecondHello),
    Certificate(Box<ExpectCertificate>),
    CertificateVerify(Box<ExpectCertificateVerify>),
    Finished(Box<ExpectFinished>),
}

impl State {
    pub(super) fn handle(self, cx: &mut Context, message: Message13) -> Result<Step, Failure> {
        match self {
            Self::SecondHello(state) => state.handle(cx, &message),
            Self::Certificate(state) => state.handle(cx, message),
            Self::CertificateVerify(state) => state.handle(cx, &message),
            Self::Finished(state) => state.handle(cx, &message),
        }
    }
}

/// Answers the first `ClientHello`.
pub(super) fn accept(cx: &mut Context, hello: &ClientHello) -> Result<Step, Failure> {
    let choice = Choice::of(cx, hello)?;
    cx.enter_13();
    match choice.share.clone() {
        Some(share) if !cx.config.cookie => answer(cx, &choice, &share, hello),
        share => ask_again(cx, &choice, share.is_none()),
    }
}

/// RFC 8446 §4.1.4: asks for a share of the group that we choose, or for a cookie, or both.
fn ask_again(cx: &mut Context, choice: &Choice, needs_share: bool) -> Result<Step, Failure> {
    let cookie = cx.config.cookie.then(|| cx.rng.secret_bytes::<32>().to_vec());
    let group = needs_share.then(|| suite::group_code(choice.group));
    let mut extensions = vec![Extension::SelectedVersion(ProtocolVersion::Dtls13)];
    extensions.extend(group.map(Extension::SelectedGroup));
    extensions.extend(cookie.clone().map(Extension::Cookie));
    cx.transcript.retry(&cx.config.crypto, choice.suite.hash).map_err(Failure::Crypto)?;
    cx.begin_flight();
    cx.send_13(&Message13::ServerHello(server_hello(HELLO_RETRY_REQUEST, choice.suite, extensions)));
    Ok(Step::Server13(State::SecondHello(ExpectSecondHello { suite: choice.suite, group, cookie })))
}

fn server_hello(random: [u8; 32], suite: &Suite13, extensions: Vec<Extension>) -> ServerHello {
    ServerHello {
        version: ProtocolVersion::Dtls12,
        random,
        // RFC 9147 §5.3: never an echo of the client's.
        session_id: Vec::new(),
        cipher_suite: suite.code,
        compression_method: 0,
        extensions: Extensions::new(extensions),
    }
}

/// Our flight.
fn answer(
    cx: &mut Context,
    choice: &Choice,
    share: &KeyShareEntry,
    hello: &ClientHello,
) -> Result<Step, Failure> {
    let crypto = cx.config.crypto;
    let agreed = crypto.key_exchange.answer(choice.group, &share.key, &mut cx.rng);
    let (key, secret) = agreed.map_err(|_| Failure::IllegalParameter("key share"))?;
    let group = share.group;
    cx.begin_flight();
    let mut extensions = vec![
        Extension::SelectedVersion(ProtocolVersion::Dtls13),
        Extension::KeyShare(KeyShareEntry { group, key }),
    ];
    extensions.extend(cx.answer_ids(&hello.extensions));
    let random = cx.rng.secret_bytes();
    cx.send_13(&Message13::ServerHello(server_hello(random, choice.suite, extensions)));
    let schedule = Schedule::new(crypto, choice.suite, &secret).map_err(Failure::Crypto)?;
    let mut base = Base::begin(cx, Role::Server, schedule, group)?;
    base.srtp_profile = choice.srtp_profile;

    let srtp = choice.srtp_profile.map(|p| Extension::UseSrtp { profiles: vec![p], mki: Vec::new() });
    cx.send_13(&Message13::EncryptedExtensions(Extensions::new(srtp.into_iter().collect())));
    cx.send_13(&Message13::CertificateRequest(CertificateRequest {
        context: Vec::new(),
        extensions: Extensions::new(vec![Extension::SignatureAlgorithms(suite::scheme_codes())]),
    }));
    send_certificate(cx, Role::Server, &base.schedule, choice.scheme)?;
    send_finished(cx, &base.schedule, &base.server)?;
    let up_to_server = hash(cx, &base.schedule)?;
    Ok(Step::Server13(State::Certificate(Box::new(ExpectCertificate { base, hash: up_to_server }))))
}

/// What we choose of what a client offers, each by our own order of preference.
struct Choice {
    suite: &'static Suite13,
    group: Group,
    /// The client's share of the group, if it sent one.
    share: Option<KeyShareEntry>,
    scheme: SignatureScheme,
    srtp_profile: Option<SrtpProfile>,
}

impl Choice {
    fn of(cx: &Context, hello: &ClientHello) -> Result<Self, Failure> {
        // RFC 8446 §4.1.2, RFC 9147 §5.3.
        if hello.compression_methods != [0] {
            return Err(Failure::IllegalParameter("list of compression methods"));
        }
        if !hello.cookie.is_empty() {
            return Err(Failure::IllegalParameter("cookie of another version"));
        }
        let ours = cx.config.cipher_suites.iter().filter(|code| hello.cipher_suites.contains(code));
        let suite = ours.copied().find_map(suite::find_13);
        let suite = suite.ok_or(Failure::NothingInCommon("cipher suite"))?;
        let (group, share) = choose_group(cx, hello)?;
        let scheme = signature_scheme(cx, &hello.extensions)?;
        Ok(Self { suite, group, share, scheme, srtp_profile: choose_srtp_profile(cx, hello) })
    }
}

/// RFC 8446 §4.2.8: the group that we prefer among those with a share, or else among those that the client knows.
fn choose_group(cx: &Context, hello: &ClientHello) -> Result<(Group, Option<KeyShareEntry>), Failure> {
    let known = hello.extensions.find(|e| match e {
        Extension::SupportedGroups(groups) => Some(groups),
        _ => None,
    });
    let known = known.ok_or(Failure::MissingExtension(ExtensionType::SupportedGroups))?;
    let shares = hello.extensions.find(|e| match e {
        Extension::KeyShares(shares) => Some(shares),
        _ => None,
    });
    let shares = shares.ok_or(Failure::MissingExtension(ExtensionType::KeyShare))?;
    let share_of = |group| shares.iter().find(|share| share.group == suite::group_code(group));
    // RFC 8446 §4.2.8: shares are of groups that the client knows, one of each.
    let codes: Vec<_> = shares.iter().map(|share| share.group).collect();
    let is_sound = |(at, code): (usize, &NamedGroup)| known.contains(code) && !codes[..at].contains(code);
    if !codes.iter().enumerate().all(is_sound) {
        return Err(Failure::IllegalParameter("list of key shares"));
    }
    let unasked = (!cx.config.groups.contains(&Group::X25519MlKem768)).then_some(Group::X25519MlKem768);
    let with_share = unasked.into_iter().chain(cx.config.groups.iter().copied());
    let chosen = with_share.into_iter().find_map(|group| Some((group, Some(share_of(group)?.clone()))));
    let without = || {
        let group = cx.config.groups.iter().copied().find(|&g| known.contains(&suite::group_code(g)));
        group.map(|group| (group, None))
    };
    chosen.or_else(without).ok_or(Failure::NothingInCommon("group"))
}

/// Waits for the hello that answers our request.
pub(super) struct ExpectSecondHello {
    suite: &'static Suite13,
    group: Option<NamedGroup>,
    cookie: Option<Vec<u8>>,
}

impl ExpectSecondHello {
    fn handle(self, cx: &mut Context, message: &Message13) -> Result<Step, Failure> {
        let Message13::ClientHello(hello) = message else { return Err(unexpected("ClientHello", message)) };
        if choose_version(cx, hello)? != ProtocolVersion::Dtls13 {
            return Err(Failure::ProtocolVersion);
        }
        let cookie = hello.extensions.find(|e| match e {
            Extension::Cookie(cookie) => Some(cookie),
            _ => None,
        });
        if cookie != self.cookie.as_ref() {
            return Err(Failure::IllegalParameter("cookie"));
        }
        let choice = Choice::of(cx, hello)?;
        // RFC 8446 §4.1.4: nothing but what was asked for changes.
        if choice.suite != self.suite {
            return Err(Failure::IllegalParameter("list of cipher suites"));
        }
        match choice.share.clone() {
            Some(share) if self.group.is_none_or(|wanted| wanted == share.group) => {
                answer(cx, &choice, &share, hello)
            }
            _ => Err(Failure::IllegalParameter("group")),
        }
    }
}

pub(super) struct ExpectCertificate {
    base: Base,
    /// Of the transcript up to our `Finished`.
    hash: Vec<u8>,
}

impl ExpectCertificate {
    fn handle(self, cx: &mut Context, message: Message13) -> Result<Step, Failure> {
        let Message13::Certificate(certificate) = message else {
            return Err(unexpected("Certificate", &message));
        };
        let peer = check_certificate(cx, certificate)?;
        let Self { base, hash } = self;
        Ok(Step::Server13(State::CertificateVerify(Box::new(ExpectCertificateVerify { base, hash, peer }))))
    }
}

pub(super) struct ExpectCertificateVerify {
    base: Base,
    hash: Vec<u8>,
    peer: Peer,
}

impl ExpectCertificateVerify {
    fn handle(self, cx: &mut Context, message: &Message13) -> Result<Step, Failure> {
        let Message13::CertificateVerify(verify) = message else {
            return Err(unexpected("CertificateVerify", message));
        };
        check_verify(cx, Role::Client, &self.base.schedule, &self.peer, verify)?;
        let Self { base, hash, peer } = self;
        Ok(Step::Server13(State::Finished(Box::new(ExpectFinished { base, hash, peer }))))
    }
}

pub(super) struct ExpectFinished {
    base: Base,
    hash: Vec<u8>,
    peer: Peer,
}

impl ExpectFinished {
    fn handle(self, cx: &mut Context, message: &Message13) -> Result<Step, Failure> {
        let Message13::Finished(finished) = message else {
            return Err(unexpected("Finished", message));
        };
        let Self { base, hash, peer } = self;
        check_finished(cx, &base.schedule, &base.client, finished)?;
        Ok(Step::Done(base.finish(cx, Role::Server, &hash)?.done(peer)))
    }
}
