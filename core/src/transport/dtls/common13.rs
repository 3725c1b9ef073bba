//! What both sides of a DTLS 1.3 handshake do alike.

use crate::crypto::traits::SignatureScheme;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Role;
use crate::transport::dtls::handshake::{Agreed, Context, Done, Secrets, Traffic};
use crate::transport::dtls::schedule13::{Schedule, TrafficSecret};
use crate::transport::dtls::server::offered_schemes;
use crate::transport::dtls::suite;
use crate::transport::dtls::verify::{Peer, verify_signature};
use crate::wire::dtls::codepoints::{ExtensionType, NamedGroup, SrtpProfile};
use crate::wire::dtls::extension::Extensions;
use crate::wire::dtls::message12::{CertificateVerify, Finished};
use crate::wire::dtls::message13::{Certificate, CertificateEntry, Message13};
use subtle::ConstantTimeEq as _;

/// What the hellos settled, and the keys that came of it.
pub(super) struct Base {
    pub schedule: Schedule,
    pub client: TrafficSecret,
    pub server: TrafficSecret,
    pub group: NamedGroup,
    pub srtp_profile: Option<SrtpProfile>,
}

impl Base {
    /// The keys of the handshake, over both hellos (RFC 8446 §7.1). From here on both sides seal.
    pub(super) fn begin(
        cx: &mut Context,
        role: Role,
        schedule: Schedule,
        group: NamedGroup,
    ) -> Result<Self, Failure> {
        cx.enter_13();
        let hash = hash(cx, &schedule)?;
        let traffic = |label: &[u8]| schedule.traffic(label, &hash).map_err(Failure::Crypto);
        let (client, server) = (traffic(b"c hs traffic")?, traffic(b"s hs traffic")?);
        let (write, read) = match role {
            Role::Client => (&client, &server),
            Role::Server => (&server, &client),
        };
        cx.sender.install_handshake(write.keys().map_err(Failure::Crypto)?);
        let openers = cx.openers.get_or_insert_default();
        openers.install_handshake(read.keys().map_err(Failure::Crypto)?);
        Ok(Self { schedule, client, server, group, srtp_profile: None })
    }

    /// The secrets of application data, over everything up to the server's `Finished`, which is what the
    /// transcript ends with. Our side's keys are put to use.
    pub(super) fn finish(self, cx: &mut Context, role: Role, hash: &[u8]) -> Result<Finishing, Failure> {
        let master = self.schedule.into_master().map_err(Failure::Crypto)?;
        let traffic = |label: &[u8]| master.traffic(label, hash).map_err(Failure::Crypto);
        let (client, server) = (traffic(b"c ap traffic")?, traffic(b"s ap traffic")?);
        let (write, read) = match role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        cx.sender.install_application(write.keys().map_err(Failure::Crypto)?);
        let exporter = master.exporter(hash).map_err(Failure::Crypto)?;
        Ok(Finishing {
            secrets: Secrets::Dtls13(exporter),
            traffic: Box::new(Traffic { read, write }),
            group: self.group,
            srtp_profile: self.srtp_profile,
        })
    }
}

/// What is there when all secrets are.
pub(super) struct Finishing {
    secrets: Secrets,
    traffic: Box<Traffic>,
    group: NamedGroup,
    srtp_profile: Option<SrtpProfile>,
}

impl Finishing {
    pub(super) fn done(self, peer: Peer) -> Done {
        let agreed = Agreed {
            verified: peer.verified,
            secrets: self.secrets,
            group: self.group,
            srtp_profile: self.srtp_profile,
            certificate: peer.der,
        };
        Done { agreed: Box::new(agreed), traffic: Some(self.traffic) }
    }
}

/// The transcript's hash so far.
pub(super) fn hash(cx: &Context, schedule: &Schedule) -> Result<Vec<u8>, Failure> {
    cx.transcript.hash(&cx.config.crypto, schedule.suite().hash).map_err(Failure::Crypto)
}

/// The transcript's hash before the message that was received last.
fn hash_before(cx: &Context, schedule: &Schedule) -> Result<Vec<u8>, Failure> {
    cx.transcript.hash_before_received(&cx.config.crypto, schedule.suite().hash).map_err(Failure::Crypto)
}

/// Of the schemes that our certificate's key signs with, the most preferred that the peer verifies: it must name
/// some (RFC 8446 §4.2.3).
pub(super) fn signature_scheme(cx: &Context, extensions: &Extensions) -> Result<SignatureScheme, Failure> {
    let missing = Failure::MissingExtension(ExtensionType::SignatureAlgorithms);
    let offered = offered_schemes(extensions).ok_or(missing)?;
    let key_type = cx.config.certificate.key_type();
    cx.signature_scheme(|s| suite::signs_13(s, key_type) && offered.contains(&suite::scheme_code(s)))
}

/// What is signed (RFC 8446 §4.4.3).
fn signed(role: Role, hash: &[u8]) -> Vec<u8> {
    let context: &[u8] = match role {
        Role::Client => b"TLS 1.3, client CertificateVerify",
        Role::Server => b"TLS 1.3, server CertificateVerify",
    };
    [&[b' '; 64], context, &[0], hash].concat()
}

/// Sends our certificate and the proof that its key is ours.
pub(super) fn send_certificate(
    cx: &mut Context,
    role: Role,
    schedule: &Schedule,
    scheme: SignatureScheme,
) -> Result<(), Failure> {
    let der = cx.config.certificate.der().to_vec();
    let chain = vec![CertificateEntry { der, extensions: Extensions::default() }];
    cx.send_13(&Message13::Certificate(Certificate { context: Vec::new(), chain }));
    let hash = hash(cx, schedule)?;
    let signature = cx.sign(scheme, &signed(role, &hash))?;
    let scheme = suite::scheme_code(scheme);
    cx.send_13(&Message13::CertificateVerify(CertificateVerify { scheme, signature }));
    Ok(())
}

/// Sends `Finished` under our side's traffic secret.
pub(super) fn send_finished(
    cx: &mut Context,
    schedule: &Schedule,
    secret: &TrafficSecret,
) -> Result<(), Failure> {
    let hash = hash(cx, schedule)?;
    let verify_data = secret.verify_data(&hash).map_err(Failure::Crypto)?;
    cx.send_13(&Message13::Finished(Finished { verify_data }));
    Ok(())
}

/// The peer by its certificate. The fingerprint is compared before anything of it is read.
pub(super) fn check_certificate(cx: &Context, certificate: Certificate) -> Result<Peer, Failure> {
    // RFC 8446 §4.4.2: empty in a handshake.
    if !certificate.context.is_empty() {
        return Err(Failure::IllegalParameter("certificate context"));
    }
    // RFC 8446 §4.4.2: none was asked for.
    let extension = certificate.chain.iter().find_map(|entry| entry.extensions.iter().next());
    if let Some(extension) = extension {
        return Err(Failure::UnsupportedExtension(extension.kind()));
    }
    Peer::check(cx, certificate.chain.into_iter().map(|entry| entry.der).collect())
}

/// Checks the proof of the side `role` that its certificate's key is its own.
pub(super) fn check_verify(
    cx: &Context,
    role: Role,
    schedule: &Schedule,
    peer: &Peer,
    verify: &CertificateVerify,
) -> Result<(), Failure> {
    let fits = |scheme| suite::signs_13(scheme, peer.certificate.key_type());
    if !suite::scheme_of(verify.scheme).is_some_and(fits) {
        return Err(Failure::IllegalParameter("signature scheme"));
    }
    let message = signed(role, &hash_before(cx, schedule)?);
    verify_signature(cx, &peer.certificate, verify.scheme, &message, &verify.signature)
}

/// Checks the peer's `Finished` in constant time.
pub(super) fn check_finished(
    cx: &Context,
    schedule: &Schedule,
    secret: &TrafficSecret,
    finished: &Finished,
) -> Result<(), Failure> {
    let expected = secret.verify_data(&hash_before(cx, schedule)?).map_err(Failure::Crypto)?;
    if bool::from(expected.ct_eq(&finished.verify_data)) { Ok(()) } else { Err(Failure::BadFinished) }
}

/// The error of a message that has no place.
pub(super) fn unexpected(expected: &'static str, got: &Message13) -> Failure {
    Failure::UnexpectedMessage { expected, got: got.kind() }
}
