//! The registries of TLS and DTLS, as far as WebRTC meets them.

use crate::registry;

registry! {
    /// A protocol version as DTLS writes it: one's complement, so newer versions are smaller numbers.
    pub enum ProtocolVersion: u16 {
        /// DTLS 1.0, which appears in the record header of first messages alone.
        Dtls10 = 0xfeff,
        /// DTLS 1.2 (RFC 6347).
        Dtls12 = 0xfefd,
        /// DTLS 1.3 (RFC 9147).
        Dtls13 = 0xfefc,
    }
}

registry! {
    /// What a record carries.
    pub enum ContentType: u8 {
        /// The switch to new keys in DTLS 1.2.
        ChangeCipherSpec = 20,
        /// An alert.
        Alert = 21,
        /// Fragments of handshake messages.
        Handshake = 22,
        /// Application data.
        ApplicationData = 23,
        /// A record of DTLS 1.2 with a connection id (RFC 9146 §4); its true type is encrypted.
        Tls12Cid = 25,
        /// Acknowledged record numbers (RFC 9147 §7).
        Ack = 26,
    }
}

registry! {
    /// Handshake message types.
    pub enum HandshakeType: u8 {
        /// `HelloRequest`, which asks for a renegotiation (refused here).
        HelloRequest = 0,
        /// `ClientHello`
        ClientHello = 1,
        /// `ServerHello`; in 1.3 also `HelloRetryRequest`
        ServerHello = 2,
        /// `HelloVerifyRequest` (RFC 6347 §4.2.1)
        HelloVerifyRequest = 3,
        /// `NewSessionTicket`
        NewSessionTicket = 4,
        /// `EncryptedExtensions` (1.3)
        EncryptedExtensions = 8,
        /// `RequestConnectionId` (1.3)
        RequestConnectionId = 9,
        /// `NewConnectionId` (1.3)
        NewConnectionId = 10,
        /// `Certificate`
        Certificate = 11,
        /// `ServerKeyExchange` (1.2)
        ServerKeyExchange = 12,
        /// `CertificateRequest`
        CertificateRequest = 13,
        /// `ServerHelloDone` (1.2)
        ServerHelloDone = 14,
        /// `CertificateVerify`
        CertificateVerify = 15,
        /// `ClientKeyExchange` (1.2)
        ClientKeyExchange = 16,
        /// `Finished`
        Finished = 20,
        /// `KeyUpdate` (1.3)
        KeyUpdate = 24,
        /// The synthetic message that stands for the first `ClientHello` in a 1.3 transcript.
        MessageHash = 254,
    }
}

registry! {
    /// Cipher suites.
    pub enum CipherSuite: u16 {
        /// `TLS_AES_128_GCM_SHA256` (1.3)
        Aes128GcmSha256 = 0x1301,
        /// `TLS_AES_256_GCM_SHA384` (1.3)
        Aes256GcmSha384 = 0x1302,
        /// `TLS_CHACHA20_POLY1305_SHA256` (1.3)
        ChaCha20Poly1305Sha256 = 0x1303,
        /// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`
        EcdheEcdsaAes128GcmSha256 = 0xc02b,
        /// `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`
        EcdheEcdsaAes256GcmSha384 = 0xc02c,
        /// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`
        EcdheRsaAes128GcmSha256 = 0xc02f,
        /// `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`
        EcdheRsaAes256GcmSha384 = 0xc030,
        /// `TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256`
        EcdheRsaChaCha20Poly1305 = 0xcca8,
        /// `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`
        EcdheEcdsaChaCha20Poly1305 = 0xcca9,
        /// The signal that stands for an empty `renegotiation_info` (RFC 5746 §3.3).
        EmptyRenegotiationInfoScsv = 0x00ff,
    }
}

registry! {
    /// Groups for key agreement.
    pub enum NamedGroup: u16 {
        /// NIST P-256
        Secp256r1 = 23,
        /// NIST P-384
        Secp384r1 = 24,
        /// Curve25519
        X25519 = 29,
        /// X25519 together with ML-KEM-768
        X25519MlKem768 = 0x11ec,
    }
}

registry! {
    /// Signature schemes. In 1.2 the first byte is a hash, the second a signature algorithm.
    pub enum SignatureSchemeCode: u16 {
        /// `rsa_pkcs1_sha256`
        RsaPkcs1Sha256 = 0x0401,
        /// `rsa_pkcs1_sha384`
        RsaPkcs1Sha384 = 0x0501,
        /// `rsa_pkcs1_sha512`
        RsaPkcs1Sha512 = 0x0601,
        /// `ecdsa_secp256r1_sha256`; in 1.2 ECDSA with SHA-256 on any curve
        EcdsaSha256 = 0x0403,
        /// `ecdsa_secp384r1_sha384`; in 1.2 ECDSA with SHA-384 on any curve
        EcdsaSha384 = 0x0503,
        /// `rsa_pss_rsae_sha256`
        RsaPssSha256 = 0x0804,
        /// `rsa_pss_rsae_sha384`
        RsaPssSha384 = 0x0805,
        /// `rsa_pss_rsae_sha512`
        RsaPssSha512 = 0x0806,
    }
}

registry! {
    /// Kinds of client certificates that a 1.2 server asks for.
    pub enum ClientCertificateType: u8 {
        /// A certificate with an RSA key.
        RsaSign = 1,
        /// A certificate with an ECDSA key.
        EcdsaSign = 64,
    }
}

registry! {
    /// Protection profiles of SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2).
    pub enum SrtpProfile: u16 {
        /// `SRTP_AES128_CM_HMAC_SHA1_80`, what every endpoint must support (RFC 8827 §6.5).
        Aes128CmSha1_80 = 0x0001,
        /// `SRTP_AES128_CM_HMAC_SHA1_32`
        Aes128CmSha1_32 = 0x0002,
        /// `SRTP_AEAD_AES_128_GCM`
        AeadAes128Gcm = 0x0007,
        /// `SRTP_AEAD_AES_256_GCM`
        AeadAes256Gcm = 0x0008,
    }
}

registry! {
    /// Extension types.
    pub enum ExtensionType: u16 {
        /// `supported_groups` (RFC 8422 §5.1.1)
        SupportedGroups = 10,
        /// `ec_point_formats` (RFC 8422 §5.1.2)
        EcPointFormats = 11,
        /// `signature_algorithms`
        SignatureAlgorithms = 13,
        /// `use_srtp` (RFC 5764 §4.1.1)
        UseSrtp = 14,
        /// `extended_master_secret` (RFC 7627 §5.1)
        ExtendedMasterSecret = 23,
        /// `supported_versions` (RFC 8446 §4.2.1)
        SupportedVersions = 43,
        /// `cookie` (RFC 8446 §4.2.2)
        Cookie = 44,
        /// `key_share` (RFC 8446 §4.2.8)
        KeyShare = 51,
        /// `connection_id` (RFC 9146 §3)
        ConnectionId = 54,
        /// `renegotiation_info` (RFC 5746 §3.2)
        RenegotiationInfo = 0xff01,
    }
}

registry! {
    /// How bad an alert is.
    pub enum AlertLevel: u8 {
        /// The connection goes on.
        Warning = 1,
        /// The connection ends.
        Fatal = 2,
    }
}

registry! {
    /// What an alert says.
    pub enum AlertDescription: u8 {
        /// `close_notify`
        CloseNotify = 0,
        /// `unexpected_message`
        UnexpectedMessage = 10,
        /// `bad_record_mac`
        BadRecordMac = 20,
        /// `record_overflow`
        RecordOverflow = 22,
        /// `handshake_failure`
        HandshakeFailure = 40,
        /// `bad_certificate`
        BadCertificate = 42,
        /// `unsupported_certificate`
        UnsupportedCertificate = 43,
        /// `certificate_revoked`
        CertificateRevoked = 44,
        /// `certificate_expired`
        CertificateExpired = 45,
        /// `certificate_unknown`
        CertificateUnknown = 46,
        /// `illegal_parameter`
        IllegalParameter = 47,
        /// `unknown_ca`
        UnknownCa = 48,
        /// `access_denied`
        AccessDenied = 49,
        /// `decode_error`
        DecodeError = 50,
        /// `decrypt_error`
        DecryptError = 51,
        /// `too_many_cids_requested` (RFC 9147 §10)
        TooManyCidsRequested = 52,
        /// `protocol_version`
        ProtocolVersion = 70,
        /// `insufficient_security`
        InsufficientSecurity = 71,
        /// `internal_error`
        InternalError = 80,
        /// `inappropriate_fallback`
        InappropriateFallback = 86,
        /// `user_canceled`
        UserCanceled = 90,
        /// `no_renegotiation`
        NoRenegotiation = 100,
        /// `missing_extension`
        MissingExtension = 109,
        /// `unsupported_extension`
        UnsupportedExtension = 110,
        /// `certificate_required`
        CertificateRequired = 116,
    }
}
