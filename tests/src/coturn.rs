//! coturn as a process: a real STUN and TURN server on ports of its own.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

/// What the server asks for.
pub const USER: &str = "lab";
/// Of [`USER`].
pub const PASSWORD: &str = "labpass";

/// A line of its output that comes when it listens.
const READY: &str = "Total General servers";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoturnError {
    /// `turnserver` is not installed.
    #[error("there is no `turnserver` (Debian: apt-get install coturn)")]
    Missing,
    /// It did not come up.
    #[error("turnserver: {0}")]
    Start(String),
}

/// How to speak with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `turn:…?transport=udp`
    Udp,
    /// `turn:…?transport=tcp`
    Tcp,
    /// `turns:…?transport=tcp`
    Tls,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Tls];

    /// What switches it off.
    const fn refusals(self) -> &'static [&'static str] {
        match self {
            Self::Udp => &["--no-udp", "--no-dtls"],
            Self::Tcp => &["--no-tcp"],
            Self::Tls => &["--no-tls"],
        }
    }
}

/// A running server with a throw-away certificate and one user; killed when dropped.
#[derive(Debug)]
pub struct Coturn {
    child: Option<Child>,
    folder: TempDir,
    namespace: Option<String>,
    address: IpAddr,
    ports: [u16; 2],
    carriers: Vec<Carrier>,
    certificate: String,
}

impl Coturn {
    /// Starts one on 127.0.0.1.
    ///
    /// # Errors
    ///
    /// [`CoturnError`]: it is not installed, or does not come up within 20 s.
    pub fn start(carriers: &[Carrier]) -> Result<Self, CoturnError> {
        let ports = [free_port()?, free_port()?];
        Self::start_at(None, Ipv4Addr::LOCALHOST.into(), ports, carriers)
    }

    /// Starts one where other hosts could find it, if this host has such an address: Firefox has nothing to do with
    /// servers on 127.0.0.1.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_in_the_open() -> Result<Self, CoturnError> {
        // Nothing is sent; the system only says from where it would be.
        let route = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
            socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr())
        });
        let address = route.map_or(Ipv4Addr::LOCALHOST.into(), |route| route.ip());
        Self::start_at(None, address, [free_port()?, free_port()?], &Carrier::ALL)
    }

    /// Starts it anew, to be spoken with in these ways alone.
    ///
    /// # Errors
    ///
    /// As [`restart`](Self::restart).
    pub fn set_carriers(&mut self, carriers: &[Carrier]) -> Result<(), CoturnError> {
        self.carriers = carriers.to_vec();
        self.restart()
    }

    /// Starts one in a network namespace.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_in(namespace: &str, address: IpAddr) -> Result<Self, CoturnError> {
        Self::start_at(Some(namespace.to_owned()), address, [3478, 5349], &Carrier::ALL)
    }

    fn start_at(
        namespace: Option<String>,
        address: IpAddr,
        ports: [u16; 2],
        carriers: &[Carrier],
    ) -> Result<Self, CoturnError> {
        let failed = |error: &dyn std::fmt::Display| CoturnError::Start(error.to_string());
        let folder = tempfile::Builder::new().prefix("purertc-coturn-").tempdir().map_err(|e| failed(&e))?;
        let names = [address.to_string(), "localhost".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(|e| failed(&e))?;
        let certificate = cert.pem();
        std::fs::write(folder.path().join("turn.pem"), &certificate).map_err(|e| failed(&e))?;
        std::fs::write(folder.path().join("turn.key"), signing_key.serialize_pem())
            .map_err(|e| failed(&e))?;
        let carriers = carriers.to_vec();
        let mut server = Self { child: None, folder, namespace, address, ports, carriers, certificate };
        server.restart()?;
        Ok(server)
    }

    /// Whether it is installed.
    ///
    /// # Errors
    ///
    /// [`CoturnError::Missing`].
    pub fn check_installed() -> Result<(), CoturnError> {
        let mut command = Command::new("turnserver");
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().map(drop).map_err(|_| CoturnError::Missing)
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Failing means that it is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it anew, with nothing remembered.
    ///
    /// # Errors
    ///
    /// [`CoturnError`] if it does not come up within 20 s.
    pub fn restart(&mut self) -> Result<(), CoturnError> {
        self.kill();
        let mut command = match &self.namespace {
            None => Command::new("turnserver"),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, "turnserver"]);
                command
            }
        };
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        command
            .args(["-n", "--fingerprint", "--lt-cred-mech", "--realm=lab.test"])
            .args(["--allow-loopback-peers", "--cli-password=unused", "--no-cli", "--no-multicast-peers"])
            .args(["--log-file=stdout", "--simple-log", "--min-port=49152", "--max-port=49999"])
            .arg(format!("--user={USER}:{PASSWORD}"))
            .args([format!("--listening-ip={}", self.address), format!("--relay-ip={}", self.address)])
            .arg(format!("--listening-port={}", self.ports[0]))
            .arg(format!("--tls-listening-port={}", self.ports[1]))
            .args([format!("--cert={}", at("turn.pem")), format!("--pkey={}", at("turn.key"))])
            .args([format!("--pidfile={}", at("pid")), format!("--userdb={}", at("users"))]);
        for refused in Carrier::ALL.iter().filter(|carrier| !self.carriers.contains(carrier)) {
            command.args(refused.refusals());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| CoturnError::Missing)?;
        let (sender, ready) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if line.contains(READY) {
                        // Only the first one is waited for.
                        let _ = sender.send(());
                    }
                }
            });
        }
        self.child = Some(child);
        let came = ready.recv_timeout(Duration::from_secs(20));
        came.map_err(|_| CoturnError::Start(format!("it did not say `{READY}`")))
    }

    /// The server's URL, by its address.
    #[must_use]
    pub fn url(&self, carrier: Carrier) -> String {
        self.url_at(&self.address.to_string(), carrier)
    }

    /// The server's URL, by a name that stands for its address.
    #[must_use]
    pub fn url_at(&self, host: &str, carrier: Carrier) -> String {
        let [plain, tls] = self.ports;
        match carrier {
            Carrier::Udp => format!("turn:{host}:{plain}?transport=udp"),
            Carrier::Tcp => format!("turn:{host}:{plain}?transport=tcp"),
            Carrier::Tls => format!("turns:{host}:{tls}?transport=tcp"),
        }
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free for both protocols, or was just now.
fn free_port() -> Result<u16, CoturnError> {
    for _ in 0..100 {
        let Ok(udp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else { continue };
        let Ok(address) = udp.local_addr() else { continue };
        if TcpListener::bind(SocketAddr::new(address.ip(), address.port())).is_ok() {
            return Ok(address.port());
        }
    }
    Err(CoturnError::Start("no port is free".to_owned()))
}
