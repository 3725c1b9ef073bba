//! Choosing sockets and threads.
//!
//! # Which package
//!
//! | you have | use |
//! | --- | --- |
//! | a program on tokio | `purertc-tokio`: `async` handles that can be cloned and sent to other tasks |
//! | a loop of your own on mio, or one thread and no `async` | `purertc-mio`: a `Driver` inside of your `Poll` |
//! | another runtime, an engine's frame loop, a simulation, a kernel bypass | this crate alone |
//!
//! The last row is no second choice: adapters have nothing that is not public. The examples `blocking`, `game_loop` and
//! `simulation` of this package are each a page long.
//!
//! # What a driver does
//!
//! Five things, in any order and as late as it likes. Nothing has to be drained before the next call.
//!
//! 1. What the network brought: [`handle_datagrams`](crate::PeerConnection::handle_datagrams). Hand over all that one
//!    system call gave: acknowledgements are worked out once for them.
//! 2. What the clock says: [`handle_timeout`](crate::PeerConnection::handle_timeout), once
//!    [`poll_timeout`](crate::PeerConnection::poll_timeout) is due. Early calls are harmless.
//! 3. What the connection wants done: [`poll_io_request`](crate::PeerConnection::poll_io_request). Answer `Failed` to what
//!    your program does not do; the connection goes on without.
//! 4. What happened: [`poll_event`](crate::PeerConnection::poll_event). Messages that are not taken wait, and hold the
//!    peer back.
//! 5. What is to be sent: [`poll_transmit`](crate::PeerConnection::poll_transmit) until it is `None`. A run of datagrams of
//!    one size comes at once; give it to the system in one call where that has segmentation offload.
//!
//! # How many sockets
//!
//! *One for each interface and connection* is what the adapters do by default. Each connection learns which of its
//! networks works, and a network that comes or goes is used or given up. It suits clients, robots and games.
//!
//! *One for a whole server* is an [`Endpoint`](crate::Endpoint): peers share sockets, and datagrams find theirs by user
//! fragment first and by address then. A firewall has one port to let through. It costs one look-up for each batch of
//! datagrams. Give it certificates that are made once; [`Certificate::generate`](crate::Certificate::generate) takes longer
//! than everything else that a new peer needs. Peers that share a UDP socket share their identity at TURN servers, too,
//! which know clients by their address: a server behind an endpoint has no use for TURN over UDP.
//!
//! *One on a wildcard* (`0.0.0.0` or `::` among the `addresses`) is reached at every address of the host, those that come
//! later included, and answers from the one that it was asked at. It suits servers with many addresses.
//!
//! *TCP.* Peers behind firewalls that let no UDP through come over TCP, either to a listener of ours (ICE-TCP, off by
//! default: `listen_tcp`) or to a TURN server of theirs or ours. Streams to the peer's listeners are made regardless.
//!
//! # Which thread
//!
//! A connection is plain data: [`Send`], no locks inside, no threads, no callbacks. Whoever has `&mut` may call it. What a
//! call costs depends on what it is given and not on how many channels, streams or peers there are, so one thread serves
//! many connections, and the unit to spread over threads is the connection, or the endpoint.
//!
//! # One port, several threads
//!
//! A server that outgrows a core has an endpoint for each thread, and sockets that share a port (`SO_REUSEPORT`). Peers stay
//! at the endpoint that they were added to; no lock is shared between those on the way of a packet. The system deals
//! datagrams out among the sockets by a hash of their addresses, and knows nothing of peers: half of them (with two threads),
//! three quarters (with four) come to a thread that does not know theirs. That thread looks up whose they are, by user
//! fragment and by path, and hands them over: whole batches, as they are, without a copy, into a bounded queue that loses what
//! does not fit as a socket does. What is sent goes out on the peer's own thread. So receiving is shared by the system's
//! choice, and everything else by yours.
//!
//! | you have | use |
//! | --- | --- |
//! | one tokio runtime with several threads | `Endpoint::crew(settings, n)`: n endpoints, a task each |
//! | a tokio runtime for each thread | `settings.sockets.share(n)`, and `Endpoint::in_share` in each |
//! | threads with a `Poll` each | `settings.share(n)`, and `Driver::endpoint_in` in each |
//! | sockets of your own | [`tell_route_changes`](crate::Endpoint::tell_route_changes) and [`poll_route_change`](crate::Endpoint::poll_route_change) say what leads where; the rest is yours |
//!
//! Add peers evenly: to the endpoint with the fewest. A peer that is bound to another, because it forwards to it, belongs
//! beside it. `exchanged()` counts what was handed over, and what was lost.
//!
//! Listeners for TCP have a port for each thread, so that their streams need not be handed over.
//!
//! `purertc-tokio` has one task for each connection and a lock that is held for one call at a time, never across an
//! `.await` and never across a system call. `purertc-mio` has no threads but those that look up host names, which block in
//! the system.
