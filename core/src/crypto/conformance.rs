//! One suite of known answers and cross checks that every provider passes.
//!
//! The files in `testdata` were made with OpenSSL: throw-away keys, and signatures over the word `purertc`.

use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateError, PeerCertificate};
use crate::crypto::traits::{
    AeadAlgorithm, CryptoError, Group, HashAlgorithm, KeyType, PublicKeyType, SignatureScheme,
};
use data_encoding::HEXLOWER;

pub(crate) const RSA_2048: &str = include_str!("testdata/rsa2048.pem");
pub(crate) const P256: &str = include_str!("testdata/p256.pem");
pub(crate) const P384: &str = include_str!("testdata/p384.pem");
pub(crate) const RSA_1024: &str = include_str!("testdata/rsa1024.pem");
pub(crate) const ED25519: &str = include_str!("testdata/ed25519.pem");
const SIGNATURES: &str = include_str!("testdata/signatures.txt");

/// Every provider of this build.
fn providers() -> Vec<CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        crate::crypto::ring::provider(),
        #[cfg(feature = "rustcrypto")]
        crate::crypto::rustcrypto::provider(),
    ]
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// The certificate in a PEM text, read.
pub(crate) fn certificate_of(pem: &str) -> Result<PeerCertificate, CertificateError> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    PeerCertificate::parse(&block.contents)
}

fn signature_of(name: &str) -> Vec<u8> {
    let line = SIGNATURES.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    hex(line.unwrap_or_else(|| panic!("{name}")))
}

/// FIPS 180-4: the digests of `abc`.
#[test]
fn hashes_give_the_known_answers() {
    let answers = [
        (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashAlgorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            HashAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            HashAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    for crypto in providers() {
        for (algorithm, answer) in answers {
            let Ok(mut state) = crypto.hash.start(algorithm) else {
                assert_eq!((crypto.name, algorithm), ("ring", HashAlgorithm::Sha224));
                continue;
            };
            state.update(b"a");
            let mut other = state.fork();
            other.update(b"x");
            state.update(b"bc");
            assert_ne!(other.finish(), hex(answer));
            assert_eq!(state.finish(), hex(answer), "{} {algorithm:?}", crypto.name);
            assert_eq!(crypto.hash.digest(algorithm, b"abc").unwrap().len(), algorithm.output_len());
        }
    }
}

/// RFC 2202 §3 (cases 2 and 6), RFC 4231 §4.3 and §4.7.
#[test]
fn keyed_hashes_give_the_known_answers() {
    let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
    let answers = [
        (
            HashAlgorithm::Sha1,
            80,
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
        (
            HashAlgorithm::Sha256,
            131,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            HashAlgorithm::Sha384,
            131,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        ),
    ];
    for crypto in providers() {
        for (algorithm, key_len, short_answer, long_answer) in answers {
            let key = crypto.hmac.key(algorithm, b"Jefe").unwrap();
            let mut tag = vec![0; algorithm.output_len()];
            key.sign(&[b"what do ya want ", b"for nothing?"], &mut tag);
            assert_eq!(tag, hex(short_answer), "{} {algorithm:?}", crypto.name);
            let key = crypto.hmac.key(algorithm, &vec![0xaa; key_len]).unwrap();
            key.sign(&[long], &mut tag);
            assert_eq!(tag, hex(long_answer), "{} {algorithm:?}", crypto.name);

            assert_eq!(key.verify(&[long], &tag), Ok(()));
            assert_eq!(key.verify(&[long], &tag[..10]), Ok(()));
            assert_eq!(key.verify(&[long], &tag[..3]), Err(CryptoError::Authentication));
            tag[0] ^= 1;
            assert_eq!(key.verify(&[long], &tag), Err(CryptoError::Authentication));
            tag.extend([0; 100]);
            assert_eq!(key.verify(&[long], &tag), Err(CryptoError::Authentication));
        }
    }
}

struct AeadVector {
    algorithm: AeadAlgorithm,
    key: Vec<u8>,
    nonce: &'static str,
    aad: &'static str,
    plain: Vec<u8>,
    sealed: &'static str,
}

/// Test cases 4 and 16 of the GCM specification, and RFC 8439 §2.8.2.
fn aead_vectors() -> [AeadVector; 3] {
    let gcm_key = hex("feffe9928665731c6d6a8f9467308308");
    let gcm_plain =
        hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449\
                         a6b525b16aedf5aa0de657ba637b39");
    let gcm = |algorithm, key, sealed| AeadVector {
        algorithm,
        key,
        nonce: "cafebabefacedbaddecaf888",
        aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        plain: gcm_plain.clone(),
        sealed,
    };
    [
        gcm(
            AeadAlgorithm::Aes128Gcm,
            gcm_key.clone(),
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba3\
             0b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
        ),
        gcm(
            AeadAlgorithm::Aes256Gcm,
            [gcm_key.clone(), gcm_key].concat(),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f6\
             1e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        ),
        AeadVector {
            algorithm: AeadAlgorithm::ChaCha20Poly1305,
            key: (0x80..0xa0).collect(),
            nonce: "070000004041424344454647",
            aad: "50515253c0c1c2c3c4c5c6c7",
            plain: b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                     sunscreen would be it."
                .to_vec(),
            sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71\
                     de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4\
                     def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
        },
    ]
}

#[test]
fn authenticated_encryption_gives_the_known_answers() {
    for crypto in providers() {
        for vector in aead_vectors() {
            let key = crypto.aead.key(vector.algorithm, &vector.key).unwrap();
            let (nonce, aad) = (hex(vector.nonce).try_into().unwrap(), hex(vector.aad));
            let mut data = vector.plain.clone();
            let tag = key.seal(nonce, &aad, &mut data).unwrap();
            data.extend(tag);
            assert_eq!(data, hex(vector.sealed), "{} {:?}", crypto.name, vector.algorithm);

            let mut damaged = data.clone();
            damaged[3] ^= 1;
            assert_eq!(key.open(nonce, &aad, &mut damaged), Err(CryptoError::Authentication));
            assert_eq!(key.open(nonce, b"other", &mut data.clone()), Err(CryptoError::Authentication));
            assert_eq!(key.open(nonce, &aad, &mut [0; 15]), Err(CryptoError::Authentication));
            assert_eq!(key.open(nonce, &aad, &mut data), Ok(vector.plain.len()));
            assert_eq!(data[..vector.plain.len()], vector.plain);
            assert!(crypto.aead.key(vector.algorithm, &vector.key[1..]).is_err());
        }
    }
}

/// NIST SP 800-38A §F.5.1 and §F.5.5, with a block and a half less.
#[test]
fn counter_mode_gives_the_known_answers() {
    let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
    let answers = [
        (
            "2b7e151628aed2a6abf7158809cf4f3c",
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e",
        ),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94c",
        ),
    ];
    let block = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    for crypto in providers() {
        for (key, answer) in answers {
            let key = crypto.counter_mode.key(&hex(key)).unwrap();
            let mut data = plain.clone();
            key.apply(block, &mut data);
            assert_eq!(data, hex(answer), "{}", crypto.name);
            key.apply(block, &mut data);
            assert_eq!(data, plain);
        }
        assert_eq!(crypto.counter_mode.key(&[0; 24]).err(), Some(CryptoError::BadKey));
    }
}

/// RFC 9001 §A.2 and §A.5; AES-256 by OpenSSL.
#[test]
fn masks_give_the_known_answers() {
    let answers = [
        (
            AeadAlgorithm::Aes128Gcm,
            "9f50449e04a0e810283a1e9933adedd2",
            "d1b1c98dd7689fb8ec11d242b123dc9b",
            "437b9aec36",
        ),
        (
            AeadAlgorithm::Aes256Gcm,
            "9f50449e04a0e810283a1e9933adedd29f50449e04a0e810283a1e9933adedd2",
            "d1b1c98dd7689fb8ec11d242b123dc9b",
            "1966ab4798",
        ),
        (
            AeadAlgorithm::ChaCha20Poly1305,
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
            "5e5cd55c41f69080575d7999c25a5bfb",
            "aefefe7d03",
        ),
    ];
    for crypto in providers() {
        for (algorithm, key, sample, mask) in answers {
            let key = hex(key);
            let expanded = crypto.aead.mask_key(algorithm, &key).unwrap();
            let sample = hex(sample).try_into().unwrap();
            assert_eq!(expanded.mask(&sample).to_vec(), hex(mask), "{} {algorithm:?}", crypto.name);
            assert!(crypto.aead.mask_key(algorithm, &key[1..]).is_err());
            // The highest counter there is.
            expanded.mask(&[0xff; 16]);
        }
    }
}

const GROUPS: [Group; 4] = [Group::X25519, Group::P256, Group::P384, Group::X25519MlKem768];

#[test]
fn key_agreement_agrees_across_providers() {
    let mut rng = Rng::from_number(1);
    for group in GROUPS {
        for left in providers() {
            for right in providers() {
                let opened = left.key_exchange.start(group, &mut rng).unwrap();
                assert_eq!(opened.group(), group);
                let (share, theirs) =
                    right.key_exchange.answer(group, opened.public_key(), &mut rng).unwrap();
                let ours = opened.agree(&share).unwrap();
                assert_eq!(ours.as_bytes(), theirs.as_bytes());
                let len = match group {
                    Group::X25519 | Group::P256 => 32,
                    Group::P384 => 48,
                    Group::X25519MlKem768 => 64,
                };
                assert_eq!(ours.as_bytes().len(), len);
            }
        }
    }
}

#[test]
fn hybrid_shares_are_laid_out_as_the_draft_says() {
    let mut rng = Rng::from_number(1);
    for crypto in providers() {
        let ours = crypto.key_exchange.start(Group::X25519MlKem768, &mut rng).unwrap();
        let share = ours.public_key().to_vec();
        let (answer, _) = crypto.key_exchange.answer(Group::X25519MlKem768, &share, &mut rng).unwrap();
        assert_eq!((share.len(), answer.len()), (1_184 + 32, 1_088 + 32));
        let refuse = |share: &[u8]| {
            let answer = crypto.key_exchange.answer(Group::X25519MlKem768, share, &mut Rng::from_number(2));
            assert_eq!(answer.err(), Some(CryptoError::BadKey));
        };
        // Cut short, too long, an ML-KEM key out of range, an X25519 share of low order.
        refuse(&share[..1_183]);
        refuse(&share[..1_215]);
        refuse(&[&share[..], &[0]].concat());
        refuse(&[&[0xff; 1_184], &share[1_184..]].concat());
        refuse(&[&share[..1_184], &[0; 32]].concat());
        assert_eq!(ours.agree(&answer[..1_119]).err(), Some(CryptoError::BadKey));
    }
}

#[test]
fn bad_shares_are_refused() {
    let mut rng = Rng::from_number(1);
    let mut off_curve = vec![4; 65];
    off_curve[64] = 5;
    let mut compressed = vec![2; 33];
    compressed[32] = 5;
    let shares = [
        (Group::X25519, vec![0; 32]),
        (Group::X25519, vec![9; 31]),
        (Group::P256, off_curve),
        (Group::P256, compressed),
        (Group::P256, vec![0]),
        (Group::P256, Vec::new()),
        (Group::P384, vec![4; 97]),
        (Group::P384, vec![4; 65]),
        (Group::X25519MlKem768, vec![0; 32]),
        (Group::X25519MlKem768, Vec::new()),
    ];
    for crypto in providers() {
        for (group, share) in &shares {
            let answer = crypto.key_exchange.answer(*group, share, &mut rng);
            assert_eq!(answer.err(), Some(CryptoError::BadKey));
            let ours = crypto.key_exchange.start(*group, &mut rng).unwrap();
            assert_eq!(
                ours.agree(share).err(),
                Some(CryptoError::BadKey),
                "{} {group:?} {share:?}",
                crypto.name
            );
        }
    }
}

/// RFC 6979 §A.2.5: P-256, SHA-256, the message "sample".
#[test]
fn the_signature_of_rfc_6979_is_accepted() {
    let key = hex(
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2\
                   f1b20c2d7e9f5177a3c294d4462299",
    );
    let signature =
        hex("3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022100f7cb1c942d657c\
                         41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    for crypto in providers() {
        let verify = |message: &[u8]| {
            let scheme = SignatureScheme::EcdsaP256Sha256;
            crypto.verification.verify(PublicKeyType::EcdsaP256, &key, scheme, message, &signature)
        };
        assert_eq!(verify(b"sample"), Ok(()));
        assert_eq!(verify(b"simple"), Err(CryptoError::Authentication));
    }
}

#[test]
fn signatures_by_openssl_are_accepted() {
    let cases = [
        (RSA_2048, "rsa_pkcs1_sha256", SignatureScheme::RsaPkcs1Sha256),
        (RSA_2048, "rsa_pkcs1_sha384", SignatureScheme::RsaPkcs1Sha384),
        (RSA_2048, "rsa_pkcs1_sha512", SignatureScheme::RsaPkcs1Sha512),
        (RSA_2048, "rsa_pss_sha256", SignatureScheme::RsaPssSha256),
        (RSA_2048, "rsa_pss_sha384", SignatureScheme::RsaPssSha384),
        (RSA_2048, "rsa_pss_sha512", SignatureScheme::RsaPssSha512),
        (P256, "p256_sha256", SignatureScheme::EcdsaP256Sha256),
        (P256, "p256_sha384", SignatureScheme::EcdsaP384Sha384),
        (P384, "p384_sha256", SignatureScheme::EcdsaP256Sha256),
        (P384, "p384_sha384", SignatureScheme::EcdsaP384Sha384),
    ];
    for crypto in providers() {
        for (pem, name, scheme) in cases {
            let peer = certificate_of(pem).unwrap();
            let verify = |scheme, message: &[u8], signature: &[u8]| {
                crypto.verification.verify(peer.key_type(), peer.public_key(), scheme, message, signature)
            };
            let mut signature = signature_of(name);
            assert_eq!(verify(scheme, b"purertc", &signature), Ok(()), "{} {name}", crypto.name);
            assert!(verify(scheme, b"purertC", &signature).is_err());
            for (_, _, other) in cases.into_iter().filter(|c| c.2 != scheme) {
                assert!(verify(other, b"purertc", &signature).is_err(), "{} {name} {other:?}", crypto.name);
            }
            let last = signature.len() - 1;
            signature[last] ^= 1;
            assert!(verify(scheme, b"purertc", &signature).is_err());
            assert!(verify(scheme, b"purertc", &[]).is_err());
        }
    }
}

#[test]
fn short_rsa_keys_are_refused() {
    let peer = certificate_of(RSA_1024).unwrap();
    let signature = signature_of("rsa1024");
    for crypto in providers() {
        let scheme = SignatureScheme::RsaPkcs1Sha256;
        let verify =
            crypto.verification.verify(peer.key_type(), peer.public_key(), scheme, b"purertc", &signature);
        assert!(verify.is_err(), "{}", crypto.name);
    }
}

#[test]
fn keys_and_signatures_go_from_any_provider_to_any_other() {
    let mut rng = Rng::from_number(1);
    for kind in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa2048] {
        for (maker, signer) in
            providers().into_iter().flat_map(|a| providers().into_iter().map(move |b| (a, b)))
        {
            let pkcs8 = maker.signing.generate(kind, &mut rng).unwrap();
            let key = signer.signing.load(&pkcs8).unwrap();
            for verifier in providers() {
                for &scheme in key.schemes() {
                    let signature = key.sign(scheme, b"message", &mut rng).unwrap();
                    let (key_type, public) = (key.key_type(), key.public_key());
                    let verify =
                        |m: &[u8]| verifier.verification.verify(key_type, public, scheme, m, &signature);
                    assert_eq!(verify(b"message"), Ok(()));
                    assert_eq!(verify(b"massage"), Err(CryptoError::Authentication));
                }
            }
            let foreign = match kind {
                KeyType::Rsa2048 => SignatureScheme::EcdsaP256Sha256,
                KeyType::EcdsaP256 | KeyType::EcdsaP384 => SignatureScheme::RsaPssSha256,
            };
            assert_eq!(key.sign(foreign, b"message", &mut rng), Err(CryptoError::Unsupported));
        }
    }
    assert!(providers().iter().all(|crypto| crypto.signing.load(b"nonsense").is_err()));
}

#[test]
fn imported_keys_sign() {
    let mut rng = Rng::from_number(1);
    for crypto in providers() {
        for pem in [P256, P384, RSA_2048] {
            let certificate = Certificate::from_pem(&crypto, pem).unwrap();
            for &scheme in certificate.key().schemes() {
                let signature = certificate.key().sign(scheme, b"message", &mut rng).unwrap();
                for verifier in providers() {
                    let (key_type, public) = (certificate.key_type(), certificate.key().public_key());
                    let verified =
                        verifier.verification.verify(key_type, public, scheme, b"message", &signature);
                    assert_eq!(verified, Ok(()), "{} {scheme:?}", verifier.name);
                }
            }
        }
    }
}
