//! Other implementations of DTLS, as their own command-line tools, and our machine alone over a UDP socket: both roles
//! each, both versions, keys for SRTP compared where the tool shows them.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use data_encoding::HEXUPPER;
use purertc::base::random::Rng;
use purertc::base::time::Instant as Ours;
use purertc::transport::dtls::config::{Config, Role};
use purertc::transport::dtls::verify::fingerprint_of;
use purertc::transport::dtls::{Connection, DtlsTransportState};
use purertc::wire::dtls::codepoints::{ProtocolVersion, SrtpProfile};
use purertc::wire::fingerprint::FingerprintAlgorithm;
use purertc::{Certificate, CertificateOptions, CryptoProvider};
use purertc_tests::lines::Lines;
use tempfile::TempDir;

use crate::stage::{Failure, Outcome};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Firefox brings an NSS of its own, newer than that of the tools: DTLS 1.3 as the standard has it.
const FIREFOX: &str = "/usr/lib/firefox-esr";

const LABEL: &str = "EXTRACTOR-dtls_srtp";

/// Another implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    OpenSsl,
    GnuTls,
    Nss,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::OpenSsl, Self::GnuTls, Self::Nss];

    /// As it appears in the names of tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::GnuTls => "gnutls",
            Self::Nss => "nss",
        }
    }

    /// The newest version that it speaks.
    const fn version(self) -> ProtocolVersion {
        match self {
            Self::OpenSsl | Self::GnuTls => ProtocolVersion::Dtls12,
            Self::Nss => ProtocolVersion::Dtls13,
        }
    }

    /// Why it cannot be started here, if it cannot.
    pub(crate) fn obstacle(self) -> Option<String> {
        let (programs, package): (&[&str], _) = match self {
            Self::OpenSsl => (&["openssl"], "openssl"),
            Self::GnuTls => (&["gnutls-serv", "gnutls-cli"], "gnutls-bin"),
            Self::Nss => (&["certutil", "tstclnt"], "libnss3-tools"),
        };
        if self == Self::Nss && !Path::new(FIREFOX).join("libssl3.so").exists() {
            return Some(format!("there is no {FIREFOX}/libssl3.so (Debian: apt-get install firefox-esr)"));
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let is_there = |program: &&&str| std::env::split_paths(&folders).any(|f| f.join(program).is_file());
        let missing = programs.iter().find(|program| !is_there(program));
        missing.map(|program| format!("there is no `{program}` (Debian: apt-get install {package})"))
    }

    /// Starts it in the role that we do not have.
    fn start(self, ours: Role, port: u16, identity: &Identity) -> Result<Lines, Failure> {
        let command = match self {
            Self::OpenSsl => openssl(ours, port, identity),
            Self::GnuTls => gnutls(ours, port, identity),
            Self::Nss => tstclnt(ours, port, identity),
        };
        Lines::start(command).map_err(failure)
    }
}

fn failure(error: impl Display) -> Failure {
    Failure(error.to_string())
}

fn openssl(ours: Role, port: u16, identity: &Identity) -> Command {
    let mut command = Command::new("openssl");
    match ours {
        Role::Client => {
            command.args(["s_server", "-Verify", "1", "-accept"]);
        }
        Role::Server => {
            command.args(["s_client", "-connect"]);
        }
    }
    command.arg(format!("127.0.0.1:{port}")).args(["-dtls1_2", "-mtu", "1200"]);
    command.args(["-use_srtp", "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"]);
    command.args(["-keymatexport", LABEL, "-keymatexportlen", "60"]);
    command.arg("-cert").arg(identity.pem()).arg("-key").arg(identity.pem());
    command
}

fn gnutls(ours: Role, port: u16, identity: &Identity) -> Command {
    let mut command;
    match ours {
        Role::Client => {
            command = Command::new("gnutls-serv");
            command.args(["--udp", "--echo", "--require-client-cert"]);
        }
        Role::Server => {
            command = Command::new("gnutls-cli");
            command.args(["--udp", "127.0.0.1", "--insecure"]);
        }
    }
    command.args(["--priority", "NORMAL", "--srtp-profiles", "SRTP_AES128_CM_HMAC_SHA1_80"]);
    command.arg("--port").arg(port.to_string());
    command.arg("--x509certfile").arg(identity.pem()).arg("--x509keyfile").arg(identity.pem());
    command
}

fn tstclnt(ours: Role, port: u16, identity: &Identity) -> Command {
    let mut command = Command::new("tstclnt");
    command.env("LD_LIBRARY_PATH", FIREFOX);
    match ours {
        Role::Client => command.args(["-P", "server"]),
        // It takes any certificate of ours: whom it speaks with is not what is tested of it.
        Role::Server => command.args(["-P", "client", "-o"]),
    };
    command.args(["-n", "peer", "-h", "127.0.0.1", "-V", "tls1.2:tls1.3", "-p"]).arg(port.to_string());
    command.arg("-d").arg(identity.database());
    command
}

/// The certificate of the other implementation, and where it finds it.
struct Identity {
    folder: TempDir,
    der: Vec<u8>,
}

impl Identity {
    fn new(peer: Peer, crypto: &CryptoProvider) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("purertc-dtls-").tempdir().map_err(failure)?;
        let mut identity = Self { folder, der: Vec::new() };
        if peer == Peer::Nss {
            identity.fill_database()?;
        } else {
            let certificate = certificate(crypto, 7)?;
            std::fs::write(identity.pem(), certificate.to_pem().as_bytes()).map_err(failure)?;
            identity.der = certificate.der().to_vec();
        }
        Ok(identity)
    }

    fn pem(&self) -> std::path::PathBuf {
        self.folder.path().join("peer.pem")
    }

    fn database(&self) -> String {
        format!("sql:{}", self.folder.path().display())
    }

    /// NSS keeps certificates in a database, and makes them itself.
    fn fill_database(&mut self) -> Outcome {
        let noise = self.folder.path().join("noise");
        std::fs::write(&noise, [0x5a; 64]).map_err(failure)?;
        let database = self.database();
        let run = |arguments: &[&str]| -> Result<Vec<u8>, Failure> {
            let mut command = Command::new("certutil");
            command.env("LD_LIBRARY_PATH", FIREFOX).args(["-d", &database]).args(arguments);
            let output = command.stdin(Stdio::null()).output().map_err(failure)?;
            if output.status.success() {
                return Ok(output.stdout);
            }
            Err(Failure(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))))
        };
        run(&["-N", "--empty-password"])?;
        let key = ["-k", "ec", "-q", "nistp256", "-m", "1", "-v", "12", "-z"];
        let noise = noise.display().to_string();
        run(&[&["-S", "-n", "peer", "-s", "CN=peer", "-x", "-t", "CT,C,C"], &key[..], &[&noise]].concat())?;
        self.der = run(&["-L", "-n", "peer", "-r"])?;
        Ok(())
    }
}

fn certificate(crypto: &CryptoProvider, seed: u64) -> Result<Certificate, Failure> {
    let rng = &mut Rng::from_number(seed);
    Certificate::generate(crypto, CertificateOptions::default(), SystemTime::now(), rng).map_err(failure)
}

/// Our machine, a socket and a clock.
struct Driver {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    dtls: Connection,
    begun: Instant,
    received: Vec<BytesMut>,
}

impl Driver {
    fn now(&self) -> Ours {
        Ours::from_micros(self.begun.elapsed().as_micros() as u64)
    }

    fn flush(&mut self) -> Outcome {
        let Some(peer) = self.peer else { return Ok(()) };
        let mut out = Vec::new();
        while let now = self.now()
            && self.dtls.poll_transmit(now, &mut out).is_some()
        {
            // Nobody listens yet: it is sent again.
            let _ = self.socket.send_to(&out, peer);
            out.clear();
        }
        Ok(())
    }

    /// Takes part until `done` has an answer.
    fn run<T>(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Failure> {
        let mut buffer = [0; 2_048];
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.flush()?;
            if let Some(answer) = done(self) {
                return Ok(answer);
            }
            if let Some(failure) = self.dtls.failure() {
                return Err(Failure(format!("{what}: {failure}")));
            }
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                self.peer = Some(from);
                let now = self.now();
                self.dtls.handle_datagram(now, BytesMut::from(&buffer[..len]), &mut self.received);
            }
            let now = self.now();
            self.dtls.handle_timeout(now);
            while self.dtls.poll_event().is_some() {}
        }
        Err(Failure(format!("{what}: not within {PATIENCE:?}; {:?}, {:?}", self.dtls, self.dtls.drops())))
    }

    fn send(&mut self, content: &[u8]) -> Outcome {
        let mut out = Vec::new();
        let start = self.dtls.begin_record(&mut out).ok_or_else(|| Failure("not connected".to_owned()))?;
        out.extend_from_slice(content);
        self.dtls.finish_record(start, &mut out).map_err(failure)?;
        let peer = self.peer.ok_or_else(|| Failure("no peer".to_owned()))?;
        self.socket.send_to(&out, peer).map(drop).map_err(failure)
    }
}

/// A port that is free, or was just now.
fn free_port() -> Result<u16, Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failure)?;
    Ok(socket.local_addr().map_err(failure)?.port())
}

fn begin(ours: Role, peer: Peer) -> Result<(Driver, Lines), Failure> {
    let crypto = CryptoProvider::default();
    let identity = Identity::new(peer, &crypto)?;
    let hash = fingerprint_of(&identity.der, FingerprintAlgorithm::Sha256, &crypto);
    let hash = hash.map_err(|error| Failure(format!("{error:?}")))?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failure)?;
    socket.set_read_timeout(Some(Duration::from_millis(10))).map_err(failure)?;
    let (port, to) = match ours {
        Role::Client => {
            let port = free_port()?;
            (port, Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
        }
        Role::Server => (socket.local_addr().map_err(failure)?.port(), None),
    };
    let config = Config::new(certificate(&crypto, 1)?, crypto);
    let mut dtls = Connection::new(config, ours, Rng::from_number(2));
    dtls.set_remote_fingerprints(Ours::ZERO, vec![hash], &mut Vec::new());
    let lines = peer.start(ours, port, &identity)?;
    dtls.start(Ours::ZERO);
    let mut driver = Driver { socket, peer: to, dtls, begun: Instant::now(), received: Vec::new() };
    driver.run("the handshake", |driver| {
        (driver.dtls.state() == DtlsTransportState::Connected).then_some(())
    })?;
    // What it needs of its files it has read.
    drop(identity);
    Ok((driver, lines))
}

fn check(fact: bool, words: &str) -> Outcome {
    if fact { Ok(()) } else { Err(Failure(words.to_owned())) }
}

/// A handshake with the other implementation in the other role, and a line each way.
pub(crate) fn play(peer: Peer, ours: Role) -> Outcome {
    let (mut driver, mut lines) = begin(ours, peer)?;
    check(driver.dtls.version() == Some(peer.version()), &format!("it is {:?}", driver.dtls.version()))?;
    let profile = match peer {
        Peer::OpenSsl => Some(SrtpProfile::AeadAes128Gcm),
        Peer::GnuTls => Some(SrtpProfile::Aes128CmSha1_80),
        Peer::Nss => None,
    };
    check(driver.dtls.srtp_profile() == profile, &format!("SRTP by {:?}", driver.dtls.srtp_profile()))?;
    if peer == Peer::OpenSsl {
        let theirs = lines.expect("    Keying material:", PATIENCE).map_err(failure)?;
        let verified = driver.dtls.verified().ok_or_else(|| Failure("not verified".to_owned()))?;
        let ours = driver.dtls.export_keying_material(verified, LABEL.as_bytes(), None, 60);
        let ours = ours.map_err(failure)?;
        check(HEXUPPER.encode(ours.as_bytes()) == theirs, "the exported keys differ")?;
    }
    driver.send(b"from us\n")?;
    if (peer, ours) == (Peer::GnuTls, Role::Client) {
        // It sends back what comes, and takes no lines itself.
        return driver.run("the echo", |driver| heard(driver, b"from us"));
    }
    driver.run("an acknowledgement", |driver| driver.dtls.poll_timeout().is_none().then_some(()))?;
    lines.expect("from us", PATIENCE).map_err(failure)?;
    lines.put("from them").map_err(failure)?;
    driver.run("what it says", |driver| heard(driver, b"from them"))
}

fn heard(driver: &mut Driver, text: &[u8]) -> Option<()> {
    driver.received.iter().any(|received| received.starts_with(text)).then_some(())
}
