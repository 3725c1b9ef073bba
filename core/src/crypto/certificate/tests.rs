use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{
    Certificate, CertificateError, CertificateOptions, DAY, PeerCertificate, Signer,
};
use crate::crypto::conformance::{ED25519, P256, P384, RSA_2048, certificate_of};
use crate::crypto::traits::{KeyType, PublicKeyType, SignatureScheme};
use quickcheck::quickcheck;
use rcgen::{CertificateParams, DistinguishedName, DnType};
use std::cell::Cell;
use std::time::{Duration, SystemTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn generate(options: CertificateOptions, seed: u64) -> Certificate {
    Certificate::generate(&CryptoProvider::default(), options, now(), &mut Rng::from_number(seed)).unwrap()
}

#[test]
fn a_certificate_signs_itself() {
    for (key_type, public) in [
        (KeyType::EcdsaP256, PublicKeyType::EcdsaP256),
        (KeyType::EcdsaP384, PublicKeyType::EcdsaP384),
        (KeyType::Rsa2048, PublicKeyType::Rsa),
    ] {
        let ours = generate(CertificateOptions { key_type, ..CertificateOptions::default() }, 1);
        let (rest, parsed) = X509Certificate::from_der(ours.der()).unwrap();
        assert!(rest.is_empty());
        assert_eq!(parsed.subject(), parsed.issuer());
        assert_eq!(parsed.validity().not_before.timestamp(), 1_800_000_000 - 86_400);
        assert_eq!(parsed.validity().not_after.timestamp(), 1_800_000_000 + 30 * 86_400);
        assert!(!parsed.tbs_certificate.is_ca() && parsed.raw_serial().len() == 16);

        let peer = PeerCertificate::parse(ours.der()).unwrap();
        assert_eq!((peer.key_type(), ours.key_type()), (public, public));
        let verification = CryptoProvider::default().verification;
        let signature = &parsed.signature_value.data;
        let scheme = match public {
            PublicKeyType::Rsa => SignatureScheme::RsaPkcs1Sha256,
            _ => ours.key().schemes()[0],
        };
        let signed = parsed.tbs_certificate.as_ref();
        assert_eq!(verification.verify(public, peer.public_key(), scheme, signed, signature), Ok(()));
    }
}

#[test]
fn validity_is_capped_and_names_are_random() {
    let options = CertificateOptions { lifetime: 9_999 * DAY, ..CertificateOptions::default() };
    let (a, b) = (generate(options, 1), generate(options, 2));
    assert_eq!(a.expires(), now() + 365 * DAY);
    let subject = |c: &Certificate| X509Certificate::from_der(c.der()).unwrap().1.subject().to_string();
    assert_ne!(subject(&a), subject(&b));
}

#[test]
fn pem_goes_both_ways() {
    let crypto = CryptoProvider::default();
    let ours = generate(CertificateOptions::default(), 1);
    let read = Certificate::from_pem(&crypto, &ours.to_pem()).unwrap();
    assert_eq!((read.der(), read.expires()), (ours.der(), ours.expires()));
    assert_eq!(read.to_pem(), ours.to_pem());

    let key_of = |pem: &str| pem[pem.find("-----BEGIN PRIVATE").unwrap()..].to_owned();
    let mixed = P256[..P256.find("-----BEGIN PRIVATE").unwrap()].to_owned() + &key_of(P384);
    let mismatch = Certificate::from_pem(&crypto, &mixed);
    assert_eq!(mismatch.err(), Some(CertificateError::KeyMismatch));
    assert_eq!(Certificate::from_pem(&crypto, &key_of(P256)).err(), Some(CertificateError::MissingPart));
    assert_eq!(Certificate::from_pem(&crypto, "").err(), Some(CertificateError::MissingPart));
}

#[test]
fn clones_share_their_memory() {
    let ours = generate(CertificateOptions::default(), 1);
    assert_eq!(ours.clone().der().as_ptr(), ours.der().as_ptr());
}

#[test]
fn kinds_of_keys_are_told_apart() {
    let kind = |pem| certificate_of(pem).map(|c| c.key_type());
    assert_eq!(kind(P256), Ok(PublicKeyType::EcdsaP256));
    assert_eq!(kind(P384), Ok(PublicKeyType::EcdsaP384));
    assert_eq!(kind(RSA_2048), Ok(PublicKeyType::Rsa));
    assert_eq!(kind(ED25519), Err(CertificateError::Malformed));
}

#[cfg(feature = "rustcrypto")]
#[test]
fn the_same_seed_gives_the_same_certificate() {
    let crypto = crate::crypto::rustcrypto::provider();
    let make = |seed| {
        let rng = &mut Rng::from_number(seed);
        Certificate::generate(&crypto, CertificateOptions::default(), now(), rng).unwrap().to_pem()
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
}

/// A self-signed certificate with a subject of `len` characters.
fn with_subject_of(len: usize) -> Vec<u8> {
    let ours = generate(CertificateOptions::default(), 1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "x".repeat(len));
    params.serial_number = Some(7.into());
    let signer = Signer { key: ours.key(), rng: Cell::new(Some(Rng::from_number(1))) };
    params.self_signed(&signer).unwrap().der().to_vec()
}

#[test]
fn attack_18_an_over_long_subject_is_skipped_or_refused() {
    assert!(PeerCertificate::parse(&with_subject_of(5_000)).is_ok());
    let too_long = PeerCertificate::parse(&with_subject_of(20_000));
    assert_eq!(too_long, Err(CertificateError::Malformed));
}

#[test]
fn bytes_behind_a_certificate_are_refused() {
    let mut der = generate(CertificateOptions::default(), 1).der().to_vec();
    der.push(0);
    assert_eq!(PeerCertificate::parse(&der), Err(CertificateError::Malformed));
}

quickcheck! {
    fn any_bytes_are_survived(bytes: Vec<u8>) -> bool {
        PeerCertificate::parse(&bytes).is_err()
    }

    fn damaged_certificates_are_survived(at: usize, to: u8) -> bool {
        let (_, block) = x509_parser::pem::parse_x509_pem(P256.as_bytes()).unwrap();
        let mut der = block.contents;
        let at = at % der.len();
        der[at] = to;
        let _ = (PeerCertificate::parse(&der), PeerCertificate::parse(&der[..at]));
        true
    }
}
