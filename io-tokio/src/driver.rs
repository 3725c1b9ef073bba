//! The task that drives one connection: it owns the sockets and the timer.
//!
//! One turn is five short steps: `receive`, `timer`, `events`, `transmit`, `wake`. Each does a bounded amount of
//! work; when more is left the task yields and goes on. The core is locked for one call at a time and never across
//! a system call, so that handles on other threads get their turn between two.

use crate::state::{Phase, Shared};
use purertc::Instant;
use purertc_mio::net::{Inbox, Outbox, Socket};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Sleep, sleep_until};

/// Datagrams after which a turn stops receiving. One receive call may bring 512 more than that.
const RECEIVES: usize = 128;
/// Runs sent in one turn: 1 MiB.
const SENDS: usize = 16;
/// Errors in a row after which a socket is given up: a network that is gone, not one bad datagram.
const MAX_ERRORS: u32 = 64;

/// The driver of one connection, a future that ends with it.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    sockets: Vec<Place>,
    /// The socket that is received from first.
    first: usize,
    inbox: Inbox,
    outbox: Outbox,
    timer: Pin<Box<Sleep>>,
    /// What `timer` is set to.
    armed: Option<Instant>,
    /// Whom to wake when the lock is free. Empty between steps.
    due: Vec<Waker>,
}

struct Place {
    socket: Socket<UdpSocket>,
    /// Errors since the last datagram.
    errors: u32,
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
    /// A driver for `sockets`, whose numbers are their places in the list.
    pub(crate) fn new(shared: Arc<Shared>, sockets: Vec<Socket<UdpSocket>>) -> Self {
        let timer = Box::pin(sleep_until(shared.clock.at(Instant::ZERO)));
        Self {
            shared,
            sockets: sockets.into_iter().map(|socket| Place { socket, errors: 0 }).collect(),
            first: 0,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            timer,
            armed: None,
            due: Vec::new(),
        }
    }

    /// Takes what has come to the sockets, each in turn.
    fn receive(&mut self, cx: &mut Context<'_>) -> Step {
        let mut step = Step::Done;
        // Another one first each time, or a busy socket would starve the others.
        self.first = (self.first + 1) % self.sockets.len().max(1);
        let (before, after) = self.sockets.split_at_mut(self.first);
        for place in after.iter_mut().chain(before) {
            if receive_from(place, &mut self.inbox, cx) == Step::More {
                step = Step::More;
            }
        }
        step
    }

    /// Hands the core what was received, and the time if it has come. The clock says so, not the timer.
    fn timer(&mut self, cx: &Context<'_>) {
        let mut state = self.shared.lock();
        let now = self.shared.clock.now();
        state.set_driver(cx);
        if !self.inbox.is_empty() {
            state.core.handle_datagrams(now, self.inbox.drain());
        }
        if state.core.poll_timeout().is_some_and(|deadline| deadline <= now) {
            state.core.handle_timeout(now);
        }
    }

    /// Moves events to where they are read, wakes whom they concern, and learns what comes next.
    fn events(&mut self) -> (Phase, Option<Instant>) {
        let mut state = self.shared.lock();
        let now = self.shared.clock.now();
        state.distribute(&mut self.due);
        state.advance(now, &mut self.due);
        let next = (state.phase(), state.deadline());
        drop(state);
        self.due.drain(..).for_each(Waker::wake);
        next
    }

    /// Sends what the core has to send, run by run.
    fn transmit(&mut self, cx: &mut Context<'_>) -> Step {
        for _ in 0..SENDS {
            let id = match self.outbox.socket() {
                waiting @ Some(_) => waiting,
                None => {
                    let mut state = self.shared.lock();
                    self.outbox.load(self.shared.clock.now(), &mut state.core)
                }
            };
            let Some(id) = id else { return Step::Done };
            let Some(place) = self.sockets.get(id.0 as usize) else {
                self.outbox.discard();
                continue;
            };
            if send_on(&place.socket, &mut self.outbox, cx).is_pending() {
                return Step::Done;
            }
        }
        Step::More
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

    fn finish(&mut self) {
        self.shared.lock().finish(&mut self.due);
        self.due.drain(..).for_each(Waker::wake);
    }
}

fn receive_from(place: &mut Place, inbox: &mut Inbox, cx: &mut Context<'_>) -> Step {
    while inbox.len() < RECEIVES {
        if place.errors >= MAX_ERRORS {
            return Step::Done;
        }
        let socket = &place.socket;
        let result = match socket.io().poll_recv_ready(cx) {
            Poll::Pending => return Step::Done,
            Poll::Ready(ready) => {
                ready.and_then(|()| socket.io().try_io(Interest::READABLE, || socket.receive(inbox)))
            }
        };
        match result {
            Ok(()) => place.errors = 0,
            // The readiness was old; ask again, to be woken for the next.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                place.errors += 1;
                tracing::debug!(%error, local = %socket.local().address, "not received");
                if place.errors == MAX_ERRORS {
                    tracing::warn!(%error, local = %socket.local().address, "socket given up");
                }
            }
        }
    }
    Step::More
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
        let received = this.receive(cx);
        this.timer(cx);
        // Before sending, so that the application works while the system does.
        this.events();
        let sent = this.transmit(cx);
        // And after it: sending makes room, and may complete a handshake.
        let (phase, deadline) = this.events();
        let over = match phase {
            Phase::Open | Phase::Lingering { .. } => false,
            Phase::Closing { until } => {
                sent == Step::Done && this.outbox.socket().is_none() || this.shared.clock.now() >= until
            }
            Phase::Done => true,
        };
        if over {
            this.finish();
            return Poll::Ready(());
        }
        let woken = this.wake(deadline, cx);
        if [received, sent, woken].contains(&Step::More) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Driver {
    /// A runtime that shuts down drops its tasks: say farewell as far as the system takes it at once.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.phase() == Phase::Done {
            return;
        }
        // After a panic inside the core there is no telling what it would say.
        if !std::thread::panicking() {
            let now = self.shared.clock.now();
            state.close(now);
            self.outbox.discard();
            while let Some(id) = self.outbox.load(now, &mut state.core) {
                let sent = self.sockets.get(id.0 as usize).map(|place| place.socket.send(&mut self.outbox));
                if !matches!(sent, Some(Ok(()))) {
                    self.outbox.discard();
                }
            }
        }
        state.finish(&mut self.due);
        drop(state);
        self.due.drain(..).for_each(Waker::wake);
    }
}
