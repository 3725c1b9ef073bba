//! Whom streams to servers trust.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::sync::{Arc, OnceLock};

/// Which certificates a server (`turns:`) may prove its name with. By default those that the system trusts.
///
/// Clones share what was loaded. The system's certificates are read once in a process, when the first stream through
/// TLS is opened.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    trust: Trust,
    roots: Vec<CertificateDer<'static>>,
    built: Arc<OnceLock<Arc<ClientConfig>>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Trust {
    /// The system's roots, and those that were added.
    #[default]
    System,
    /// Those that were added, and no others.
    Added,
    /// Everybody.
    Anyone,
}

impl TlsSettings {
    /// Trusts the certificates in `pem`, too: the root of a company's own authority, say.
    ///
    /// # Errors
    ///
    /// `InvalidData` when there is no certificate in it.
    pub fn with_roots(self, pem: &[u8]) -> io::Result<Self> {
        let added = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let added = added.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if added.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "there is no certificate in the text"));
        }
        let roots = [self.roots, added].concat();
        Ok(Self { roots, trust: self.trust, built: Arc::default() })
    }

    /// Trusts no certificates but those that were added.
    #[must_use]
    pub fn without_system_roots(self) -> Self {
        Self { trust: Trust::Added, built: Arc::default(), ..self }
    }

    /// Takes every server for what it says it is. The password of a TURN server is not sent in the clear even so, and
    /// what is relayed is encrypted by the peers; but who listens in between learns who speaks with whom. For tests.
    #[must_use]
    pub fn danger_accept_any_server_certificate(self) -> Self {
        Self { trust: Trust::Anyone, built: Arc::default(), ..self }
    }

    /// The client's side of a TLS connection to the server with this name.
    pub(super) fn client(&self, name: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let config = match self.built.get() {
            Some(config) => config,
            // Two threads may build it at once; one of the two is kept.
            None => {
                let config = self.build()?;
                self.built.get_or_init(|| config)
            }
        };
        let mut client = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        // What may wait is bounded by the stream.
        client.set_buffer_limit(None);
        Ok(client)
    }

    fn build(&self) -> io::Result<Arc<ClientConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> io::Result<Arc<dyn ServerCertVerifier>> {
        let mut roots = RootCertStore::empty();
        match self.trust {
            Trust::Anyone => return Ok(Arc::new(Anyone(provider.clone()))),
            Trust::System => {
                // Some of a system's certificates are too odd for some verifiers; the others count.
                let (_, odd) = roots.add_parsable_certificates(system_roots().iter().cloned());
                tracing::debug!(roots = roots.len(), odd, "the system's certificates");
            }
            Trust::Added => {}
        }
        for root in &self.roots {
            roots.add(root.clone()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        built.map(|verifier| verifier as _).map_err(io::Error::other)
    }
}

fn system_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!(%error, "some of the system's certificates cannot be read");
        }
        found.certs
    })
}

/// Believes every name. That the other side holds the key of the certificate that it shows is still checked.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
