//! The handle of an endpoint: many connections behind the same sockets.

use crate::clock::Clock;
use crate::connection::PeerConnection;
use crate::driver::Driver;
use crate::error::SetupError;
use crate::runtime::Tokio;
use crate::settings::Settings;
use crate::state::{Group, Limits, Seat, Shared};
use purertc::{CertificateOptions, Configuration, LocalAddress};
use purertc_mio::net::{self, Alarm, Desk, Exchanged, Share, SocketLimits, Sockets};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use tokio::runtime::Handle;

/// Many peer connections behind one socket for each address, as servers have them: one port to open, one task for all. A
/// handle: clones are the same endpoint.
///
/// Connections share the task and a lock. For more than one core make several endpoints on the same port:
/// [`crew`](Self::crew) does, or [`SocketSettings::share`](crate::SocketSettings::share) and
/// [`in_share`](Self::in_share) for threads with runtimes of their own.
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
        let mut settings = settings.into();
        certify(&mut settings.configuration)?;
        let (configuration, sockets, limits) = settings.split();
        let shared = Self::shared(None)?;
        let open = |alarm| Sockets::open(Tokio, sockets, SocketLimits::ENDPOINT, alarm);
        let addresses = drive(&shared, open)?;
        Ok(Self { lease: Arc::new(Lease { shared, configuration, limits, addresses }) })
    }

    /// Opens `members` endpoints, 1 to 64, whose sockets have the same ports, so that a server uses that many cores behind
    /// one port. They share a certificate. Each has a task and a lock of its own; a connection stays where it was
    /// [made](Self::connection), so spread connections evenly.
    ///
    /// The system deals datagrams out to the sockets by their senders and knows nothing of connections: what reaches the
    /// wrong endpoint is handed to the right one, whole batches at a time and without a copy.
    ///
    /// The tasks are those of the runtime that this is called in. One with several threads moves them about; for one
    /// thread each, see [`in_share`](Self::in_share).
    ///
    /// # Errors
    ///
    /// [`SetupError`]: settings that cannot be, no socket, no runtime.
    pub async fn crew(settings: impl Into<Settings>, members: usize) -> Result<Vec<Self>, SetupError> {
        let mut settings = settings.into();
        certify(&mut settings.configuration)?;
        let shares = settings.sockets.share(members)?;
        shares.into_iter().map(|share| Self::in_share(settings.clone(), share)).collect()
    }

    /// An endpoint on sockets whose ports other threads share, driven by the runtime that this is called in: one runtime
    /// for each thread, and work stays where it is. The share has the settings of its sockets already; those in `settings`
    /// are not looked at. Give all of them one certificate.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: settings that cannot be, no runtime.
    pub fn in_share(settings: impl Into<Settings>, share: Share) -> Result<Self, SetupError> {
        let mut settings = settings.into();
        certify(&mut settings.configuration)?;
        let (configuration, _, limits) = settings.split();
        let shared = Self::shared(Some(share.desk().clone()))?;
        let open = |alarm| Sockets::open_share(Tokio, share, SocketLimits::ENDPOINT, alarm);
        let addresses = drive(&shared, open)?;
        Ok(Self { lease: Arc::new(Lease { shared, configuration, limits, addresses }) })
    }

    fn shared(desk: Option<Desk>) -> io::Result<Arc<Shared>> {
        let span = tracing::debug_span!("endpoint", port = tracing::field::Empty);
        let group = Group::at_desk(purertc::Endpoint::new(net::seed()?), true, desk);
        Ok(Arc::new(Shared::new(group, Clock::start(), span)))
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
        drive(&shared, |alarm| Sockets::open(Tokio, sockets, SocketLimits::CONNECTION, alarm))?;
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

    /// What the endpoints that share the ports handed to this one: datagrams that the system had given to them.
    #[must_use]
    pub fn exchanged(&self) -> Exchanged {
        self.lease.shared.lock().exchanged()
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

/// One certificate for all connections, unless there is one.
fn certify(configuration: &mut Configuration) -> io::Result<()> {
    if configuration.certificates.is_empty() {
        let init = net::init(Clock::start().now())?;
        let certificate = purertc::PeerConnection::generate_certificate(CertificateOptions::default(), init)
            .map_err(io::Error::other)?;
        configuration.certificates.push(certificate);
    }
    Ok(())
}

/// Opens the sockets, names their addresses to the core, and starts the driver.
fn drive(
    shared: &Arc<Shared>,
    open: impl FnOnce(Alarm) -> io::Result<Sockets<Tokio>>,
) -> Result<Vec<LocalAddress>, SetupError> {
    let runtime = Handle::try_current().map_err(|_| SetupError::NoRuntime)?;
    let driver = Arc::downgrade(shared);
    let alarm = move || {
        if let Some(shared) = driver.upgrade() {
            shared.ring();
        }
    };
    let mut sockets = open(Arc::new(alarm))?;
    let (_, arrivals) = sockets.parts();
    arrivals.deliver(shared.clock.now(), &mut shared.lock().endpoint);
    let addresses: Vec<LocalAddress> = sockets.local_addresses().collect();
    if let Some(first) = addresses.first() {
        shared.span.record("port", first.address.port());
    }
    runtime.spawn(Driver::new(shared.clone(), sockets));
    Ok(addresses)
}
