//! Addresses come and go while two processes of our own talk: the system says so, and the connection moves.
//!
//! ```text
//! <a> 10.1.0.1 eth0 -- eth0 10.1.0.2 <b>
//!     10.2.0.1 eth1 -- eth1 10.2.0.2
//! ```

use std::time::{Duration, Instant};

use purertc_tests::demo::build_example;
use purertc_tests::lines::Lines;

use crate::netns::{Network, ip};
use crate::stage::{Failure, Outcome};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages that go back and forth, and milliseconds between them: long enough for all that happens meanwhile.
const MESSAGES: [&str; 4] = ["--messages", "400", "--pause", "10"];

/// One thing to try.
pub(crate) type Play = fn() -> Outcome;

pub(crate) const CASES: &[(&str, Play)] =
    &[("a_network_that_goes_away_is_left_for_another", away), ("a_network_that_comes_later_is_used", later)];

struct Hosts {
    network: Network,
}

impl Hosts {
    fn up(networks: &[u8]) -> Result<Self, Failure> {
        let hosts = Self { network: Network::up(&["a", "b"])? };
        networks.iter().try_for_each(|network| hosts.connect(*network))?;
        Ok(hosts)
    }

    /// A cable between the two.
    fn connect(&self, number: u8) -> Outcome {
        let [a, b] = ["a", "b"].map(|room| self.network.name(room));
        let device = format!("eth{number}");
        ip(&["link", "add", &device, "netns", &a, "type", "veth", "peer", "name", &device, "netns", &b])?;
        for (host, at) in [(&a, 1), (&b, 2)] {
            ip(&["-n", host, "addr", "add", &format!("10.{number}.0.{at}/24"), "dev", &device])?;
            ip(&["-n", host, "link", "set", &device, "up"])?;
        }
        Ok(())
    }

    fn pull(&self, number: u8) -> Outcome {
        ip(&["-n", &self.network.name("a"), "link", "del", &format!("eth{number}")])
    }

    /// Two processes that talk.
    fn talk(&self) -> Result<[Lines; 2], Failure> {
        let program = build_example("pipe").map_err(|error| Failure(error.to_string()))?;
        let mut offering = self.network.command("a", &program);
        offering.arg("--offer").args(MESSAGES);
        let mut alice = Lines::start(offering)?;
        let mut bob = Lines::start(self.network.command("b", &program))?;
        let offer = alice.expect("{\"type\"", PATIENCE)?;
        bob.put(&format!("{{\"type\"{offer}"))?;
        let answer = bob.expect("{\"type\"", PATIENCE)?;
        alice.put(&format!("{{\"type\"{answer}"))?;
        Ok([alice, bob])
    }
}

/// Waits until the pair in use is one of this network.
fn uses(peer: &mut Lines, number: u8) -> Outcome {
    loop {
        let pair = peer.expect("connected ", PATIENCE)?;
        if pair.contains(&format!(" 10.{number}.0.")) {
            return Ok(());
        }
    }
}

fn away() -> Outcome {
    let hosts = Hosts::up(&[1, 2])?;
    let [mut alice, _bob] = hosts.talk()?;
    let pair = alice.expect("connected ", PATIENCE)?;
    let (used, other) = if pair.contains(" 10.1.0.") { (1, 2) } else { (2, 1) };
    hosts.pull(used)?;
    let pulled = Instant::now();
    uses(&mut alice, other)?;
    alice.expect("echoed ", PATIENCE)?;
    // Nothing has to time out: the system says at once that the address is gone.
    let within = Duration::from_secs(10);
    if pulled.elapsed() < within { Ok(()) } else { Err(Failure(format!("it took {:?}", pulled.elapsed()))) }
}

fn later() -> Outcome {
    let hosts = Hosts::up(&[1])?;
    let [mut alice, mut bob] = hosts.talk()?;
    uses(&mut alice, 1)?;
    hosts.connect(2)?;
    // Each finds its new address and tells the other.
    for (from, to, address) in [(0, 1, " 10.2.0.1 "), (1, 0, " 10.2.0.2 ")] {
        let both = [&mut alice, &mut bob];
        loop {
            let candidate = both[from].expect("{\"candidate\"", PATIENCE)?;
            if candidate.contains(address) {
                both[to].put(&format!("{{\"candidate\"{candidate}"))?;
                break;
            }
        }
    }
    hosts.pull(1)?;
    uses(&mut alice, 2)?;
    Ok(alice.expect("echoed ", PATIENCE).map(drop)?)
}
