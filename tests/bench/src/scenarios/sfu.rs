//! `sfu-real`: what one publisher sends, to 100 subscribers and through a real socket on loopback.
//!
//! Connections are made in memory, as in `media-forward`; then the forwarder's thread forwards and sends, and another one takes
//! the datagrams and counts them. Processor time is that of the forwarder's thread, and loopback makes it do the kernel's half of
//! receiving, too. Stacks that give out runs send them with segmentation offload, others one datagram a call.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use quinn_udp::{Transmit, UdpSocketState};

use crate::clock::{Time, cpu_seconds};
use crate::media::{Media, PAYLOAD, Path, purertc, rtc, str0m};
use crate::report::{Metric, Report};
use crate::scenarios::Options;
use crate::scenarios::rtp::FRAME;

const RATE: Metric = Metric::higher("packets out per core", "k/s");
const SOCKET: Metric = Metric::lower("of that in the socket", "%");
const SUBSCRIBERS: usize = 100;
const WARM_UP: u64 = 20;

pub fn run(options: &Options) {
    let mut report = Report::new("sfu-real");
    for _ in 0..options.runs {
        forward::<purertc::Ours>(options, &mut report);
        forward::<str0m::Theirs>(options, &mut report);
        forward::<rtc::Theirs>(options, &mut report);
    }
    report.print(options.json);
}

/// Who takes datagrams, and counts them.
struct Sink {
    socket: Arc<UdpSocket>,
    packets: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    fn new() -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        // This turns offload of receiving on.
        let state = UdpSocketState::new((&*socket).into()).expect("its options");
        state.set_recv_buffer_size((&*socket).into(), 4 << 20).expect("a large buffer");
        socket.set_nonblocking(false).expect("a socket that waits");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("and not for ever");
        let (packets, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (own, count, end) = (Arc::clone(&socket), Arc::clone(&packets), Arc::clone(&over));
        let take = move || {
            let mut buffer = vec![0; 1 << 16];
            while !end.load(Relaxed) {
                // Runs come as they were sent: all datagrams are of one size.
                if let Ok(len) = own.recv(&mut buffer) {
                    count.fetch_add(len.div_ceil(PAYLOAD + 64) as u64, Relaxed);
                }
            }
        };
        let thread = Builder::new().name("sink".to_owned()).spawn(take).expect("a thread");
        Self { socket, packets, over, thread: Some(thread) }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        self.thread.take().into_iter().for_each(|thread| drop(thread.join()));
    }
}

fn forward<M: Media>(options: &Options, report: &mut Report) {
    if !options.wants(M::NAME) {
        return;
    }
    let identity = M::identity();
    let path = |seed| Path::<M>::connected(&identity, 1, seed, &mut Time::from_secs(0));
    let mut publisher = path(1);
    let mut senders: Vec<M> = (0..SUBSCRIBERS).map(|at| path(2 + at as u64).from).collect();
    let sink = Sink::new();
    let destination = sink.socket.local_addr().expect("an address");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let state = UdpSocketState::new((&socket).into()).expect("its options");
    let payload = Bytes::from(vec![0x10; PAYLOAD]);
    let (mut now, mut wire, mut number, mut sent) = (Time::from_secs(10), Vec::new(), 0, 0);
    let (mut spent, mut in_socket) = (0.0, 0.0);
    while spent < options.secs {
        (0..FRAME).for_each(|at| publisher.from.send(now, 0, number * FRAME + at, &payload));
        publisher.from.flush(now);
        publisher.from.collect(&mut wire);
        let begun = cpu_seconds();
        publisher.to.forward(now, &mut wire, &mut senders);
        let sealed = cpu_seconds();
        for sender in &mut senders {
            sender.transmit(|contents, size| {
                let segment_size = (contents.len() > size).then_some(size);
                let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
                // What a full buffer refuses is lost, as on any path.
                let _ = state.try_send((&socket).into(), &transmit);
            });
        }
        let end = cpu_seconds();
        number += 1;
        if number > WARM_UP {
            (spent, in_socket) = (spent + end - begun, in_socket + end - sealed);
            sent += FRAME * SUBSCRIBERS as u64;
        }
        // A hundred times faster than pictures come: consent must last.
        now += Duration::from_micros(333);
    }
    assert!(sink.packets.load(Relaxed) > 0, "{}: nothing arrived", M::NAME);
    let case = format!("{SUBSCRIBERS} subscribers");
    report.add(&case, RATE, M::NAME, sent as f64 / spent / 1e3);
    report.add(&case, SOCKET, M::NAME, 100.0 * in_socket / spent);
}
