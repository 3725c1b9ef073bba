//! The handle of an endpoint: many connections behind the same sockets.

use crate::clock::Clock;
use crate::connection::PeerConnection;
use crate::driver::Driver;
use crate::error::SetupError;
use crate::runtime::Tokio;
use crate::settings::Settings;
use crate::state::{Group, Limits, Seat, Shared};
use purertc::{CertificateOptions, Configuration, LocalAddress};
use purertc_mio::net::{self, SocketLimits, Sockets};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use tokio::runtime::Handle;

/// Many peer connections behind one socket for each address, as servers have them: one port to open, one task for all. A
/// handle: clones are the same endpoint.
///
/// Connections share the task and a lock. For more than one core, make one endpoint for each
/// ([`PortUse::Shared`](crate::PortUse::Shared) lets them have the same port).
///
/// The sockets stay open as long as a handle of the endpoint or one of its connections is left.
#[derive(Clone)]
pub struct Endpoint {
    lease: Arc<Lease>,
}

/// Shared by every handle of an endpoint, and by nobody else.
struct Lease {
    shared: Arc<Shared>,
    configuration: Configuration,
    limits: Limits,
    addresses: Vec<LocalAddress>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.with(|group, _| group.shut());
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("local_addresses", &self.lease.addresses).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Opens sockets, for connections that are [made](Self::connection) later and have the rest of the settings.
    /// Connections share a certificate; one is made when the configuration has none.
    ///
    /// The driver runs as a task of the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: settings that cannot be, no socket, no runtime.
    pub async fn new(settings: impl Into<Settings>) -> Result<Self, SetupError> {
        let (mut configuration, sockets, limits) = settings.into().split();
        let clock = Clock::start();
        if configuration.certificates.is_empty() {
            let init = net::init(clock.now())?;
            let certificate =
                purertc::PeerConnection::generate_certificate(CertificateOptions::default(), init)
                    .map_err(io::Error::other)?;
            configuration.certificates.push(certificate);
        }
        let span = tracing::debug_span!("endpoint", port = tracing::field::Empty);
        let core = purertc::Endpoint::new(net::seed()?);
        let shared = Arc::new(Shared::new(Group::new(core, true), clock, span));
        let addresses = drive(&shared, sockets, SocketLimits::ENDPOINT)?;
        Ok(Self { lease: Arc::new(Lease { shared, configuration, limits, addresses }) })
    }

    /// A connection with sockets of its own.
    pub(crate) fn alone(settings: Settings) -> Result<PeerConnection, SetupError> {
        let (configuration, sockets, limits) = settings.split();
        let clock = Clock::start();
        let core = purertc::PeerConnection::new(configuration, net::init(clock.now())?)?;
        let span = tracing::debug_span!("connection", port = tracing::field::Empty);
        let mut group = Group::new(purertc::Endpoint::new(net::seed()?), false);
        let id = group.add(core, limits);
        let shared = Arc::new(Shared::new(group, clock, span));
        drive(&shared, sockets, SocketLimits::CONNECTION)?;
        Ok(PeerConnection::at(Seat { shared, id }))
    }

    /// Makes a connection behind these sockets, as the endpoint's settings say.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: the configuration cannot be, no randomness, or the endpoint is closed.
    pub fn connection(&self) -> Result<PeerConnection, SetupError> {
        self.connection_with(self.lease.configuration.clone())
    }

    /// Makes a connection with another configuration. Give it a certificate, such as that of the endpoint's
    /// [`configuration`](Self::configuration), or it takes the time to make its own.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: the configuration cannot be, no randomness, or the endpoint is closed.
    pub fn connection_with(&self, configuration: Configuration) -> Result<PeerConnection, SetupError> {
        let Lease { shared, limits, .. } = &*self.lease;
        let core = purertc::PeerConnection::new(configuration, net::init(shared.clock.now())?)?;
        let id = shared.with(|group, _| group.is_open().then(|| group.add(core, *limits)));
        let id = id.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the endpoint is closed"))?;
        Ok(PeerConnection::at(Seat { shared: shared.clone(), id }))
    }

    /// The configuration of the connections.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.lease.configuration
    }

    /// The addresses of the sockets that were opened at first; a wildcard counts once for each address of this host.
    #[must_use]
    pub fn local_addresses(&self) -> &[LocalAddress] {
        &self.lease.addresses
    }

    /// Looks at the core: the number of connections, what was dropped. All of them stand still meanwhile, so look briefly;
    /// and do not use a handle of them inside, for that would wait for itself.
    pub fn inspect<R>(&self, look: impl FnOnce(&purertc::Endpoint) -> R) -> R {
        look(&self.lease.shared.lock().endpoint)
    }

    /// Closes every connection, and waits until the peers were told and the sockets are closed: one second at most.
    ///
    /// Cancel-safe: closing begins on the first poll.
    pub async fn close(&self) {
        let shared = &self.lease.shared;
        shared.with(Group::close);
        poll_fn(|cx| {
            shared.with(|group, _| {
                if group.is_over() {
                    return Poll::Ready(());
                }
                group.watchers.register(cx);
                Poll::Pending
            })
        })
        .await;
    }
}

/// Opens the sockets, names their addresses to the core, and starts the driver.
fn drive(
    shared: &Arc<Shared>,
    settings: net::SocketSettings,
    limits: SocketLimits,
) -> Result<Vec<LocalAddress>, SetupError> {
    let runtime = Handle::try_current().map_err(|_| SetupError::NoRuntime)?;
    let driver = Arc::downgrade(shared);
    let alarm = move || {
        if let Some(shared) = driver.upgrade() {
            shared.nudge();
        }
    };
    let mut sockets = Sockets::open(Tokio, settings, limits, Arc::new(alarm))?;
    let (_, arrivals) = sockets.parts();
    arrivals.deliver(shared.clock.now(), &mut shared.lock().endpoint);
    let addresses: Vec<LocalAddress> = sockets.local_addresses().collect();
    if let Some(first) = addresses.first() {
        shared.span.record("port", first.address.port());
    }
    runtime.spawn(Driver::new(shared.clone(), sockets));
    Ok(addresses)
}
