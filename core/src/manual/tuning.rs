//! Tuning: what the defaults are for, and what moves them.
//!
//! The defaults are those of a browser's peer on today's internet. Each field of
//! [`Configuration`](crate::Configuration) says what it defaults to and why; this page says when to touch which.
//!
//! # Connecting sooner
//!
//! | setting | default | when to change it |
//! | --- | --- | --- |
//! | `certificates` | one is made for each connection | many connections: make one and clone it |
//! | `ice_candidate_pool_size` | 0 | 1 has servers asked before the first description; it costs an allocation that may go unused |
//! | `sped` | off | the peer is ours, or a browser that has it switched on: the handshake of DTLS goes inside of ICE's checks |
//! | `snap` | off | likewise: descriptions carry what SCTP's handshake would |
//! | `dtls_versions` | 1.3, then 1.2 | only to refuse one |
//! | `key_agreement` | elliptic curves | [`PostQuantum`](crate::KeyAgreement::PostQuantum) for what must stay secret for decades; hellos take two datagrams |
//! | `ice.pacing` | 50 ms | networks of one's own: 20 ms finds a pair sooner, and loads the network more |
//! | `ice.settle_*` | 100 to 500 ms | lower for the first pair that works, higher for the best one |
//!
//! # Data
//!
//! | setting | default | when to change it |
//! | --- | --- | --- |
//! | `data.max_buffered_amount` | 16 MiB | memory is scarce: `send` refuses earlier |
//! | `data.max_message_size` | 262,144 bytes | both ends are ours and messages are larger; the peer may occupy as much memory |
//! | `data.largest_ip_packet` | 1,500 bytes | networks with jumbo frames; 0 for none of path MTU discovery |
//! | `mtu` | 1,200 bytes | a path that is known to carry more, or less |
//! | `data.sctp.receive_buffer` | 4 MiB | lower it where thousands of peers send little: each may occupy that much while nobody reads |
//! | `data.sctp.max_receive_buffer` | 64 MiB | not above `receive_buffer`: the window never grows |
//! | `data.sctp.congestion` | BBR | CUBIC or NewReno where all is to behave as TCP does |
//! | `data.sctp.heartbeat_interval` | none | SCTP alone, without ICE below, which asks already |
//!
//! A channel whose messages may get lost (`max_retransmits`, `max_packet_life_time`) never waits behind one that repairs
//! everything, and a small message does not wait behind a large one: channels take turns, by
//! [`Priority`](crate::Priority).
//!
//! # Sockets (adapters)
//!
//! | setting | default | when to change it |
//! | --- | --- | --- |
//! | `addresses` | every interface | one network only, or one that the peer may not learn of |
//! | `ports` | the system picks | firewalls |
//! | `include_loopback` | off | peers on the same host |
//! | `listen_tcp` | off | peers behind firewalls without UDP |
//! | `port_use` | alone | several processes on one port; for threads see [crews](crate::manual::sockets_and_threads#one-port-several-threads) |
//! | `marking` | off | a network of one's own that honours code points: data goes with that of the highest [`Priority`](crate::Priority) among its channels (8, 0, 10, 18) |
//! | `receive_buffer_size`, `send_buffer_size` | 2 MiB | the system grants no more than `net.core.rmem_max` and `wmem_max`: raise those first |
//!
//! # Keeping a connection alive, and noticing its end
//!
//! | setting | default | what it means |
//! | --- | --- | --- |
//! | `ice.consent_interval` | 5 s | a check goes out about that often, and keeps NATs open |
//! | `ice.silent_interval` | 500 ms | so often once one was not answered |
//! | `ice.disconnected_after` | 5 s | the state is `disconnected`; a pair that works takes over before |
//! | `ice.consent_expiry` | 30 s | nothing more is sent; the state is `failed` |
//!
//! After `failed`, [`restart_ice`](crate::PeerConnection::restart_ice) and a new offer: channels, their messages and
//! everything that was agreed on stay.
//!
//! # When something is lost
//!
//! Nothing is dropped silently. [`PeerConnection::drops`](crate::PeerConnection::drops) counts each datagram that was
//! refused, under its [reason](crate::DropReason); an endpoint has its own for those of nobody.
//! [`get_stats`](crate::PeerConnection::get_stats) is W3C's report.
