//! The task that drives an endpoint, of one connection or of many: it owns the sockets and the timer.
//!
//! One turn is a few short steps: `receive`, `timer`, `perform`, `events`, `transmit`, `streams`, `wake`. Each does a bounded amount of
//! work; when more is left the task yields and goes on. The core is locked for one call at a time and never across
//! a system call, so that handles on other threads get their turn between two.

use crate::runtime::{Stream as TokioStream, Tokio};
use crate::state::Shared;
use purertc::{Instant, IoRequest, SocketId};
use purertc_mio::net::{Arrivals, Kind, Left, Outbox, Place, Socket, Sockets, Stream};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{Sleep, sleep_until};

/// Datagrams, or pieces of streams, after which a turn stops receiving. One receive call may bring 512 more than that.
const RECEIVES: usize = 128;
/// Streams accepted in one turn.
const ACCEPTS: usize = 16;
/// Runs sent in one turn: 1 MiB.
const SENDS: usize = 16;
/// Errors in a row after which a socket is given up: a network that is gone, not one bad datagram.
const MAX_ERRORS: u32 = 64;

/// The driver of an endpoint, a future that ends with it.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    sockets: Sockets<Tokio>,
    /// The place that is received from first.
    first: usize,
    outbox: Outbox,
    timer: Pin<Box<Sleep>>,
    /// What `timer` is set to.
    armed: Option<Instant>,
    /// Whom to wake when the lock is free. Empty between steps, as are the lists below.
    due: Vec<Waker>,
    requests: Vec<IoRequest>,
    accepted: Vec<(TcpStream, SocketAddr)>,
    ended: Vec<(SocketId, io::Error)>,
}

/// Whether a step left something to do for another turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// All was done, and the task is woken when there is more.
    Done,
    /// The bound on one turn was reached.
    More,
}

impl Driver {
    /// A driver for `sockets`.
    pub(crate) fn new(shared: Arc<Shared>, sockets: Sockets<Tokio>) -> Self {
        let timer = Box::pin(sleep_until(shared.clock.at(Instant::ZERO)));
        Self {
            shared,
            sockets,
            first: 0,
            outbox: Outbox::default(),
            timer,
            armed: None,
            due: Vec::new(),
            requests: Vec::new(),
            accepted: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Takes what has come to the sockets, each in turn.
    fn receive(&mut self, cx: &mut Context<'_>) -> Step {
        let mut step = Step::Done;
        // Another one first each time, or a busy socket would starve the others.
        self.first = (self.first + 1) % self.sockets.table().len().max(1);
        let (table, arrivals) = self.sockets.parts();
        for (id, place) in table.iter_mut_from(self.first) {
            let Place { kind, mark: errors } = place;
            let one = match kind {
                Kind::Udp(socket) | Kind::Multicast(socket) => receive_from(socket, errors, arrivals, cx),
                Kind::Listener(listener, _) => accept_from(listener, &mut self.accepted, cx),
                Kind::Stream(stream) => read_from(stream, arrivals, cx).unwrap_or_else(|error| {
                    self.ended.push((id, error));
                    Step::Done
                }),
            };
            if one == Step::More {
                step = Step::More;
            }
        }
        if !self.accepted.is_empty() {
            // What came on them before they were taken in wakes nobody.
            step = Step::More;
        }
        self.settle();
        self.sockets.exchange();
        step
    }

    /// Lets go of streams that ended, and takes in those that were accepted.
    fn settle(&mut self) {
        let now = self.shared.clock.now();
        self.ended.drain(..).for_each(|(id, error)| self.sockets.end(id, &error));
        for (stream, remote) in self.accepted.drain(..) {
            // One that is gone already has no address.
            let Ok(local) = stream.local_addr() else { continue };
            self.sockets.admit(now, (local, remote), |_, _| Ok(TokioStream(stream)));
        }
    }

    /// Hands the core what was received, and the time if it has come; takes what it asks for. The clock says so, not
    /// the timer.
    fn timer(&mut self, cx: &Context<'_>) {
        let mut group = self.shared.lock();
        let now = self.shared.clock.now();
        group.set_driver(cx);
        let (_, arrivals) = self.sockets.parts();
        let core = &mut group.endpoint;
        if !arrivals.is_empty() {
            arrivals.deliver(now, core);
        }
        if core.poll_timeout().is_some_and(|deadline| deadline <= now) {
            core.handle_timeout(now);
        }
        self.requests.extend(std::iter::from_fn(|| core.poll_io_request()));
        group.publish();
    }

    /// Does what the core asks for, and what is due at the sockets themselves.
    fn perform(&mut self) -> Step {
        let now = self.shared.clock.now();
        self.requests.drain(..).for_each(|request| self.sockets.perform(now, request));
        // After the waker is set, so that an alarm is heard now or wakes the task later.
        self.sockets.tick(now);
        let (_, arrivals) = self.sockets.parts();
        if arrivals.is_empty() { Step::Done } else { Step::More }
    }

    /// Moves events to where they are read, and wakes whom they concern.
    fn events(&mut self) {
        let mut group = self.shared.lock();
        let now = self.shared.clock.now();
        group.distribute(&mut self.due);
        group.advance(now, &mut self.due);
        drop(group);
        self.due.drain(..).for_each(Waker::wake);
    }

    /// Lets go of those whose end has come, and says when something is due next; `None`: the end of all. `is_sent`:
    /// nothing waits to be sent.
    fn end(&mut self, is_sent: bool) -> Option<Option<Instant>> {
        let mut group = self.shared.lock();
        group.bury(self.shared.clock.now(), is_sent, &mut self.due);
        let next = if group.is_over() { None } else { Some(group.deadline()) };
        drop(group);
        self.due.drain(..).for_each(Waker::wake);
        next
    }

    /// Sends what the core has to send, run by run.
    fn transmit(&mut self, cx: &mut Context<'_>) -> Step {
        for _ in 0..SENDS {
            let id = match self.outbox.socket() {
                waiting @ Some(_) => waiting,
                None => {
                    let mut group = self.shared.lock();
                    let next = self.outbox.load(self.shared.clock.now(), &mut group.endpoint);
                    // Before it is sent: the answer may come to another thread.
                    group.publish();
                    next
                }
            };
            let Some(id) = id else { return Step::Done };
            let (table, _) = self.sockets.parts();
            let sent = match table.get_mut(id).map(|place| &mut place.kind) {
                Some(Kind::Udp(socket) | Kind::Multicast(socket)) => send_on(socket, &mut self.outbox, cx),
                Some(Kind::Stream(stream)) => {
                    // `streams` sees to its waking.
                    if stream.take(&mut self.outbox) { Poll::Ready(()) } else { Poll::Pending }
                }
                Some(Kind::Listener(..)) | None => {
                    self.outbox.discard();
                    Poll::Ready(())
                }
            };
            if sent.is_pending() {
                return Step::Done;
            }
        }
        Step::More
    }

    /// Lets streams send what waits in them.
    fn streams(&mut self, cx: &mut Context<'_>) -> Step {
        let now = self.shared.clock.now();
        let mut moved = false;
        for place in 0..self.sockets.table().len() {
            let (table, _) = self.sockets.parts();
            let Some(id) = table.at(place) else { continue };
            let Some(Place { kind: Kind::Stream(stream), .. }) = table.get_mut(id) else { continue };
            while stream.has_unsent() && stream.io().0.poll_write_ready(cx).is_ready() {
                match stream.send(now) {
                    Ok(opening) => {
                        self.sockets.sent(id, opening);
                        moved = true;
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => {
                        self.ended.push((id, error));
                        break;
                    }
                }
            }
        }
        self.settle();
        let (_, arrivals) = self.sockets.parts();
        // There is something to tell, or room for what waits.
        let more = !arrivals.is_empty() || moved && self.outbox.socket().is_some();
        if more { Step::More } else { Step::Done }
    }

    /// Sees to it that the task wakes up for `deadline`; the timer is touched only when that has changed.
    fn wake(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Step {
        let Some(deadline) = deadline else {
            self.armed = None;
            return Step::Done;
        };
        if self.armed != Some(deadline) {
            self.armed = Some(deadline);
            self.timer.as_mut().reset(self.shared.clock.at(deadline));
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Pending => Step::Done,
            Poll::Ready(()) => {
                // A timer that went off must be set again, even to the same deadline.
                self.armed = None;
                Step::More
            }
        }
    }
}

fn receive_from(
    socket: &Socket<UdpSocket>,
    errors: &mut u32,
    arrivals: &mut Arrivals,
    cx: &mut Context<'_>,
) -> Step {
    while arrivals.inbox.len() < RECEIVES {
        if *errors >= MAX_ERRORS {
            return Step::Done;
        }
        let result = match socket.io().poll_recv_ready(cx) {
            Poll::Pending => return Step::Done,
            Poll::Ready(ready) => ready.and_then(|()| receive_once(socket, arrivals)),
        };
        match result {
            Ok(()) => *errors = 0,
            // The readiness was old; ask again, to be woken for the next.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                *errors += 1;
                tracing::debug!(%error, local = %socket.local().address, "not received");
                if *errors == MAX_ERRORS {
                    tracing::warn!(%error, local = %socket.local().address, "socket given up");
                }
            }
        }
    }
    Step::More
}

/// Receives once. When nothing is left the runtime is told so, without asking the system again.
fn receive_once(socket: &Socket<UdpSocket>, arrivals: &mut Arrivals) -> io::Result<()> {
    let mut left = Left::Perhaps;
    let received = socket.io().try_io(Interest::READABLE, || {
        left = socket.receive(&mut arrivals.inbox)?;
        if left == Left::Nothing { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    if left == Left::Nothing { Ok(()) } else { received }
}

fn accept_from(
    listener: &TcpListener,
    accepted: &mut Vec<(TcpStream, SocketAddr)>,
    cx: &mut Context<'_>,
) -> Step {
    for _ in 0..ACCEPTS {
        match listener.poll_accept(cx) {
            Poll::Pending => return Step::Done,
            Poll::Ready(Ok(one)) => accepted.push(one),
            Poll::Ready(Err(error)) => {
                // Of the stream that was to be accepted, or no descriptor is left: the next turn tries again.
                tracing::debug!(%error, "not accepted");
                return Step::Done;
            }
        }
    }
    Step::More
}

/// Reads what a stream has. The error is its end.
fn read_from(
    stream: &mut Stream<TokioStream>,
    arrivals: &mut Arrivals,
    cx: &mut Context<'_>,
) -> io::Result<Step> {
    while arrivals.inbox.len() < RECEIVES {
        if stream.io().0.poll_read_ready(cx).is_pending() {
            return Ok(Step::Done);
        }
        match stream.receive(&mut arrivals.inbox) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => other?,
        }
    }
    Ok(Step::More)
}

fn send_on(socket: &Socket<UdpSocket>, outbox: &mut Outbox, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        if std::task::ready!(socket.io().poll_send_ready(cx)).is_err() {
            // The runtime is going down.
            outbox.discard();
            return Poll::Ready(());
        }
        match socket.io().try_io(Interest::WRITABLE, || socket.send(outbox)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return Poll::Ready(()),
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let span = this.shared.span.clone();
        let _entered = span.enter();
        this.shared.hear(cx);
        let received = this.receive(cx);
        this.timer(cx);
        let performed = this.perform();
        // Before sending, so that the application works while the system does.
        this.events();
        let sent = this.transmit(cx);
        let streamed = this.streams(cx);
        // And after it: sending makes room, and may complete a handshake.
        this.events();
        let waits = this.outbox.socket().is_some() || this.sockets.has_unsent();
        let is_sent = [performed, sent, streamed] == [Step::Done; 3] && !waits;
        let Some(deadline) = this.end(is_sent) else { return Poll::Ready(()) };
        let deadline = [deadline, this.sockets.poll_timeout()].into_iter().flatten().min();
        let woken = this.wake(deadline, cx);
        if [received, performed, sent, streamed, woken].contains(&Step::More) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Driver {
    /// A runtime that shuts down drops its tasks: say farewell as far as the system takes it at once.
    fn drop(&mut self) {
        let mut group = self.shared.lock();
        // After a panic inside the core there is no telling what it would say.
        if !group.is_over() && !std::thread::panicking() {
            let now = self.shared.clock.now();
            group.close(now);
            self.outbox.discard();
            let (table, _) = self.sockets.parts();
            while let Some(id) = self.outbox.load(now, &mut group.endpoint) {
                let sent = match table.get_mut(id).map(|place| &mut place.kind) {
                    Some(Kind::Udp(socket)) => socket.send(&mut self.outbox).is_ok(),
                    Some(Kind::Stream(stream)) => stream.take(&mut self.outbox) && stream.send(now).is_ok(),
                    _ => false,
                };
                if !sent {
                    self.outbox.discard();
                }
            }
        }
        group.finish(&mut self.due);
        drop(group);
        self.due.drain(..).for_each(Waker::wake);
    }
}
