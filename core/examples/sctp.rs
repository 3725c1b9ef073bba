//! SCTP alone: two associations in memory, a message of a megabyte, and what it took.
//!
//! ```text
//! cargo run -p purertc --example sctp
//! ```

use bytes::Bytes;
use purertc::base::random::Rng;
use purertc::data::sctp::Association;
use purertc::data::sctp::config::Config;
use purertc::data::sctp::event::{Event, SendOptions};
use purertc::{CryptoProvider, Instant};
use std::error::Error;
use std::time::Duration;

/// Bytes of the largest packet, and how long each takes to the other side.
const MAX_PACKET: usize = 1_200;
const DELAY: Duration = Duration::from_millis(10);
/// A payload protocol identifier for the application's own use.
const PPID: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let hmac = CryptoProvider::default().hmac;
    let mut config = Config::default();
    config.max_message_size = 1 << 20;
    let association = |seed| Association::new(config.clone(), hmac, Rng::from_number(seed));
    let mut ends = [association(1)?, association(2)?];
    let mut now = Instant::ZERO;
    // Both may begin at once.
    ends.iter_mut().for_each(|end| end.connect(now));
    let message = Bytes::from(vec![7; 1 << 20]);
    let mut wire: Vec<(Instant, usize, Bytes)> = Vec::new();
    let mut arrived = None;
    while arrived.is_none() {
        let mut packet = Vec::new();
        // Twice: what one end is told may be a reason to send for it, too.
        for from in [0, 1, 0] {
            while ends[from].poll_transmit(now, MAX_PACKET, &mut packet).is_some() {
                wire.push((now + DELAY, 1 - from, std::mem::take(&mut packet).into()));
            }
            while let Some(event) = ends[from].poll_event() {
                match event {
                    Event::Connected if from == 0 => {
                        println!("connected after {:?}", now.saturating_since(Instant::ZERO));
                        ends[0].send(now, 3, PPID, message.clone(), SendOptions::default())?;
                    }
                    Event::Message { stream, data, .. } => arrived = Some((stream, data)),
                    _ => {}
                }
            }
        }
        let deadlines = ends.iter().filter_map(Association::poll_timeout);
        let next =
            deadlines.chain(wire.iter().map(|(at, ..)| *at)).min().ok_or("nothing more will happen")?;
        now = now.max(next);
        let (due, later) = wire.into_iter().partition(|(at, ..)| *at <= now);
        wire = later;
        let due: Vec<(Instant, usize, Bytes)> = due;
        due.into_iter().for_each(|(_, to, packet)| ends[to].handle_packet(now, packet.into()));
        ends.iter_mut().for_each(|end| end.handle_timeout(now));
    }
    let (stream, data) = arrived.ok_or("nothing arrived")?;
    assert_eq!(data, message);
    let stats = ends[0].stats();
    println!(
        "{} bytes on stream {stream} after {:?} in {} packets, round trip {:?}",
        data.len(),
        now.saturating_since(Instant::ZERO),
        stats.packets_sent,
        stats.srtt.unwrap_or_default(),
    );
    Ok(())
}
