//! Two sets of data channels over a small virtual network.

mod channels;
mod hostile;
mod snap;

use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::CryptoProvider;
use crate::data::DataChannels;
use crate::data::channel::{DataChannelId, DataChannelInit};
use crate::data::config::Config;
use crate::data::event::{DataChannelState, Event, MessageKind};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(10);

pub(super) struct Net {
    pub(super) now: Instant,
    pub(super) ends: [DataChannels; 2],
    pub(super) events: [Vec<Event>; 2],
    wires: [VecDeque<(Instant, Bytes)>; 2],
    rng: Rng,
    pub(super) loss: f64,
}

impl Net {
    pub(super) fn with(configs: [Config; 2]) -> Self {
        let mut number = 0;
        let ends = configs.map(|config| {
            number += 1;
            DataChannels::new(config, CryptoProvider::default().hmac, Rng::from_number(number))
        });
        let now = Instant::from_millis(1);
        Self {
            now,
            ends,
            events: Default::default(),
            wires: Default::default(),
            rng: Rng::from_number(9),
            loss: 0.0,
        }
    }

    pub(super) fn new() -> Self {
        Self::with([Config::default(), Config::default()])
    }

    /// The first end is the DTLS client.
    pub(super) fn start(&mut self) {
        for (n, end) in self.ends.iter_mut().enumerate() {
            end.set_dtls_role(self.now, n == 0);
            end.set_remote(5_000, 262_144);
            end.start(self.now);
        }
    }

    pub(super) fn started() -> Self {
        let mut net = Self::new();
        net.start();
        net.run(200);
        net
    }

    pub(super) fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        for _ in 0..1_000_000 {
            self.flush();
            let arrivals = self.wires.iter().map(|wire| wire.front().map(|&(at, _)| at));
            let next = earliest(arrivals.chain(self.ends.iter().map(DataChannels::poll_timeout)));
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = self.now.max(next);
            for to in 0..2 {
                while self.wires[to].front().is_some_and(|&(at, _)| at <= self.now) {
                    let (_, packet) = self.wires[to].pop_front().unwrap();
                    self.ends[to].handle_packet(self.now, packet.into());
                }
                self.ends[to].handle_timeout(self.now);
            }
        }
        self.now = end;
    }

    fn flush(&mut self) {
        for from in 0..2 {
            let mut out = Vec::new();
            while self.ends[from].poll_transmit(self.now, 1_172, &mut out).is_some() {
                let packet = Bytes::from(std::mem::take(&mut out));
                if self.rng.jitter_unit() >= self.loss {
                    self.wires[1 - from].push_back((self.now + DELAY, packet));
                }
            }
            while let Some(event) = self.ends[from].poll_event() {
                self.events[from].push(event);
            }
        }
    }

    pub(super) fn create(&mut self, end: usize, label: &str) -> DataChannelId {
        self.ends[end].create(self.now, label, DataChannelInit::default()).unwrap()
    }

    pub(super) fn text(&mut self, end: usize, id: DataChannelId, text: &str) {
        let data = Bytes::copy_from_slice(text.as_bytes());
        self.ends[end].send(self.now, id, data, MessageKind::Text).unwrap();
    }

    pub(super) fn take(&mut self, end: usize) -> Vec<Event> {
        std::mem::take(&mut self.events[end])
    }

    pub(super) fn ready(&self, end: usize, id: DataChannelId) -> Option<DataChannelState> {
        self.ends[end].channel(id).map(crate::data::channel::Channel::ready_state)
    }

    /// The channel that an end was told of.
    pub(super) fn incoming(&self, end: usize) -> DataChannelId {
        let told = self.events[end].iter().rev().find_map(|event| match event {
            Event::DataChannel(id) => Some(*id),
            _ => None,
        });
        told.expect("a channel was announced")
    }

    pub(super) fn texts(&self, end: usize) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Message { message, .. } => Some(String::from_utf8_lossy(&message.data).into_owned()),
            _ => None,
        };
        self.events[end].iter().filter_map(text).collect()
    }
}
