//! How a client begins in every version: its hello, and the server's answer, which settles the version.

use crate::crypto::traits::{EphemeralKey, Group};
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::common12::{MAX_COOKIES, unexpected};
use crate::transport::dtls::handshake::{Context, Step};
use crate::transport::dtls::suite::{self, Suite13};
use crate::transport::dtls::{client12, client13};
use crate::wire::dtls::codepoints::{
    CipherSuite, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion, SrtpProfile,
};
use crate::wire::dtls::extension::{Extension, Extensions, KeyShareEntry};
use crate::wire::dtls::hello::{ClientHello, DOWNGRADE_TO_12, HelloVerifyRequest, ServerHello};
use crate::wire::dtls::message12::Message12;

/// Sends the first `ClientHello`.
pub(super) fn start(cx: &mut Context) -> Result<ExpectServerHello, Failure> {
    let (has_12, has_13) =
        (cx.config.speaks(ProtocolVersion::Dtls12), cx.config.speaks(ProtocolVersion::Dtls13));
    if !has_12 && !has_13 {
        return Err(Failure::ProtocolVersion);
    }
    let groups = cx.config.groups.iter().copied().filter(|&g| has_13 || g != Group::X25519MlKem768);
    let mut extensions = vec![
        Extension::SupportedGroups(groups.map(suite::group_code).collect()),
        Extension::SignatureAlgorithms(suite::scheme_codes()),
    ];
    if has_12 {
        extensions.extend([
            Extension::ExtendedMasterSecret,
            Extension::RenegotiationInfo(Vec::new()),
            Extension::EcPointFormats(vec![0]),
        ]);
    }
    extensions.extend(cx.srtp_offer());
    extensions.extend(cx.ids.offer(&mut cx.rng));
    let mut shares = Vec::new();
    if has_13 {
        let versions = cx.config.versions.iter().copied().filter(|&v| cx.config.speaks(v));
        extensions.push(Extension::SupportedVersions(versions.collect()));
        shares = start_shares(cx)?;
        extensions.push(Extension::KeyShares(shares.iter().map(|share| entry(&**share)).collect()));
    }
    let is_spoken =
        |code: &CipherSuite| suite::version_of(*code).is_some_and(|version| cx.config.speaks(version));
    let cipher_suites = cx.config.cipher_suites.iter().copied().filter(is_spoken).collect();
    let hello = ClientHello {
        version: ProtocolVersion::Dtls12,
        random: cx.rng.secret_bytes(),
        session_id: Vec::new(),
        cookie: Vec::new(),
        cipher_suites,
        compression_methods: vec![0],
        extensions: Extensions::new(extensions),
    };
    cx.begin_flight();
    cx.send(&Message12::ClientHello(hello.clone()));
    Ok(ExpectServerHello { hello, shares, cookies: 0, retry: None })
}

fn start_shares(cx: &mut Context) -> Result<Vec<Box<dyn EphemeralKey>>, Failure> {
    let mut shares: Vec<Box<dyn EphemeralKey>> = Vec::new();
    for &group in &cx.config.key_shares {
        // RFC 8446 §4.2.8: one share of a group, and none of a group that is not offered.
        if cx.config.groups.contains(&group) && shares.iter().all(|share| share.group() != group) {
            let share = cx.config.crypto.key_exchange.start(group, &mut cx.rng);
            shares.push(share.map_err(Failure::Crypto)?);
        }
    }
    Ok(shares)
}

fn entry(share: &dyn EphemeralKey) -> KeyShareEntry {
    KeyShareEntry { group: suite::group_code(share.group()), key: share.public_key().to_vec() }
}

/// Checks an answer to `use_srtp` (RFC 5764 §4.1.1): one of the profiles that were offered, and the identifier
/// that was offered: none.
pub(super) fn check_srtp(hello: &ClientHello, answer: &Extension) -> Result<Option<SrtpProfile>, Failure> {
    let offered = hello.extensions.find(|e| match e {
        Extension::UseSrtp { profiles, .. } => Some(&profiles[..]),
        _ => None,
    });
    let Extension::UseSrtp { profiles, mki } = answer else { return Ok(None) };
    match profiles[..] {
        [profile] if offered.unwrap_or_default().contains(&profile) && mki.is_empty() => Ok(Some(profile)),
        _ => Err(Failure::IllegalParameter("SRTP profile")),
    }
}

/// Waits for the server's answer to the hello.
pub(super) struct ExpectServerHello {
    hello: ClientHello,
    shares: Vec<Box<dyn EphemeralKey>>,
    cookies: u8,
    /// The suite that a `HelloRetryRequest` named.
    retry: Option<&'static Suite13>,
}

impl ExpectServerHello {
    pub(super) const fn hello(&self) -> &ClientHello {
        &self.hello
    }

    pub(super) fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        match message {
            Message12::HelloVerifyRequest(request) => self.repeat(cx, request),
            Message12::ServerHello(answer) => match answer.selected_version() {
                ProtocolVersion::Dtls13 if answer.is_retry() => self.retry(cx, &answer),
                ProtocolVersion::Dtls13 => self.accept_13(cx, &answer),
                _ => self.accept_12(cx, &answer),
            },
            other => Err(unexpected("ServerHello", &other)),
        }
    }

    /// RFC 6347 §4.2.1: the same hello again, with the cookie; both it and the request leave the transcript.
    fn repeat(mut self, cx: &mut Context, request: HelloVerifyRequest) -> Result<Step, Failure> {
        self.cookies += 1;
        if self.cookies > MAX_COOKIES || !cx.config.speaks(ProtocolVersion::Dtls12) || self.retry.is_some() {
            return Err(Failure::IllegalParameter("number of cookies"));
        }
        self.hello.cookie = request.cookie;
        cx.transcript.clear();
        self.send_again(cx)
    }

    fn send_again(self, cx: &mut Context) -> Result<Step, Failure> {
        cx.begin_flight();
        cx.send(&Message12::ClientHello(self.hello.clone()));
        Ok(Step::Client(self))
    }

    fn accept_12(self, cx: &mut Context, answer: &ServerHello) -> Result<Step, Failure> {
        if !cx.config.speaks(ProtocolVersion::Dtls12) || self.retry.is_some() {
            return Err(Failure::ProtocolVersion);
        }
        // RFC 8446 §4.1.3: a server that speaks 1.3 was shown an offer without it.
        if cx.config.speaks(ProtocolVersion::Dtls13) && answer.random.ends_with(&DOWNGRADE_TO_12) {
            return Err(Failure::IllegalParameter("version below what both sides speak"));
        }
        let step = client12::accept(&self, answer)?;
        cx.accept_ids(&answer.extensions);
        Ok(step)
    }

    /// RFC 8446 §4.1.4: another hello, with what the server asks for.
    fn retry(mut self, cx: &mut Context, request: &ServerHello) -> Result<Step, Failure> {
        if self.retry.is_some() {
            let got = HandshakeType::ServerHello;
            return Err(Failure::UnexpectedMessage { expected: "an answer that is none to try again", got });
        }
        let suite = self.check_13(cx, request)?;
        let (mut wanted, mut cookie) = (None, None);
        for extension in request.extensions.iter() {
            match extension {
                Extension::SelectedVersion(_) => {}
                Extension::SelectedGroup(group) => wanted = Some(*group),
                Extension::Cookie(bytes) => cookie = Some(bytes.clone()),
                other => return Err(self.misplaced(other.kind())),
            }
        }
        // A request that changes nothing would be answered for ever.
        if wanted.is_none() && cookie.is_none() {
            return Err(Failure::IllegalParameter("request to try again"));
        }
        cx.enter_13();
        cx.transcript.retry(&cx.config.crypto, suite.hash).map_err(Failure::Crypto)?;
        if let Some(wanted) = wanted {
            self.shares = vec![self.start_wanted(cx, wanted)?];
        }
        let mut list: Vec<_> = self.hello.extensions.iter().cloned().collect();
        list.retain(|e| e.kind() != ExtensionType::KeyShare);
        list.extend(cookie.map(Extension::Cookie));
        list.push(Extension::KeyShares(self.shares.iter().map(|share| entry(&**share)).collect()));
        self.hello.extensions = Extensions::new(list);
        self.retry = Some(suite);
        self.send_again(cx)
    }

    /// RFC 8446 §4.2.8: a group that was offered, and that no share was sent of.
    fn start_wanted(&self, cx: &mut Context, wanted: NamedGroup) -> Result<Box<dyn EphemeralKey>, Failure> {
        let group = suite::group_of(wanted).filter(|group| {
            cx.config.groups.contains(group) && self.shares.iter().all(|share| share.group() != *group)
        });
        let group = group.ok_or(Failure::IllegalParameter("group"))?;
        cx.config.crypto.key_exchange.start(group, &mut cx.rng).map_err(Failure::Crypto)
    }

    /// What holds for every answer of 1.3 (RFC 8446 §4.1.3, RFC 9147 §5.3).
    fn check_13(&self, cx: &Context, answer: &ServerHello) -> Result<&'static Suite13, Failure> {
        let is_offered = cx.config.speaks(ProtocolVersion::Dtls13) && self.hello.cookie.is_empty();
        if !is_offered || answer.version != ProtocolVersion::Dtls12 {
            return Err(Failure::IllegalParameter("version"));
        }
        if !answer.session_id.is_empty() || answer.compression_method != 0 {
            return Err(Failure::IllegalParameter("echo of a session"));
        }
        let suite = suite::find_13(answer.cipher_suite)
            .filter(|suite| self.hello.cipher_suites.contains(&suite.code))
            .filter(|suite| self.retry.is_none_or(|earlier| earlier == *suite));
        suite.ok_or(Failure::IllegalParameter("cipher suite"))
    }

    /// RFC 8446 §4.2: an extension that was not offered, or that does not belong here.
    fn misplaced(&self, kind: ExtensionType) -> Failure {
        if self.hello.extensions.has(kind) {
            Failure::IllegalParameter("extension in this message")
        } else {
            Failure::UnsupportedExtension(kind)
        }
    }

    fn accept_13(mut self, cx: &mut Context, answer: &ServerHello) -> Result<Step, Failure> {
        let suite = self.check_13(cx, answer)?;
        let mut share = None;
        for extension in answer.extensions.iter() {
            match extension {
                Extension::SelectedVersion(_) => {}
                Extension::KeyShare(entry) => share = Some(entry),
                // RFC 9147 §9: with the hello, because the records after it carry the ids.
                Extension::ConnectionId(_) if self.hello.extensions.has(ExtensionType::ConnectionId) => {}
                other => return Err(self.misplaced(other.kind())),
            }
        }
        let share = share.ok_or(Failure::MissingExtension(ExtensionType::KeyShare))?;
        let at = self.shares.iter().position(|ours| suite::group_code(ours.group()) == share.group);
        let ours = self.shares.swap_remove(at.ok_or(Failure::IllegalParameter("group"))?);
        let secret = ours.agree(&share.key).map_err(|_| Failure::IllegalParameter("key share"))?;
        cx.accept_ids(&answer.extensions);
        client13::begin(cx, self.hello, (suite, share.group), &secret)
    }
}
