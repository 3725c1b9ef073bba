//! Two processes of our own behind two NATs, in network namespaces: which kinds of NAT can be passed, and how.
//!
//! ```text
//! <a> 10.0.1.2 -- <na> 10.0.1.1 | 198.51.100.1 --+
//!                                                +-- bridge in <pub> (198.51.100.10: coturn)
//! <b> 10.0.2.2 -- <nb> 10.0.2.1 | 198.51.100.2 --+
//! ```

use std::time::Duration;

use purertc_tests::coturn::{Carrier, Coturn, PASSWORD, USER};
use purertc_tests::demo::build_example;
use purertc_tests::lines::{Lines, LinesError};

use crate::netns::{Network, ip, run};
use crate::stage::{Failure, Outcome};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where coturn is.
const SERVER: [u8; 4] = [198, 51, 100, 10];

/// What a NAT does (RFC 4787 §4.1, §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nat {
    /// Endpoint-independent mapping and filtering.
    FullCone,
    /// Endpoint-independent mapping, address- and port-dependent filtering.
    Restricted,
    /// Address- and port-dependent mapping.
    Symmetric,
}

/// How two peers come to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// Through the NATs themselves.
    Punched,
    /// Through a relay: nothing else can work.
    Relayed,
}

pub(crate) const CASES: &[(&str, [Nat; 2], Meeting)] = &[
    ("full_cone_and_full_cone", [Nat::FullCone, Nat::FullCone], Meeting::Punched),
    ("restricted_and_restricted", [Nat::Restricted, Nat::Restricted], Meeting::Punched),
    ("symmetric_and_full_cone", [Nat::Symmetric, Nat::FullCone], Meeting::Punched),
    ("full_cone_and_symmetric", [Nat::FullCone, Nat::Symmetric], Meeting::Punched),
    ("symmetric_and_restricted", [Nat::Symmetric, Nat::Restricted], Meeting::Relayed),
    ("symmetric_and_symmetric", [Nat::Symmetric, Nat::Symmetric], Meeting::Relayed),
];

impl From<LinesError> for Failure {
    fn from(error: LinesError) -> Self {
        Self(error.to_string())
    }
}

/// Two hosts, each behind a NAT.
fn up(nats: [Nat; 2]) -> Result<Network, Failure> {
    let network = Network::up(&["a", "b", "na", "nb", "pub"])?;
    let name = |room: &str| network.name(room);
    let public = name("pub");
    ip(&["-n", &public, "link", "add", "br0", "type", "bridge"])?;
    ip(&["-n", &public, "link", "set", "br0", "up"])?;
    ip(&["-n", &public, "addr", "add", "198.51.100.10/24", "dev", "br0"])?;
    // A server that has no way to some address gives up a whole allocation; this way leads nowhere.
    ip(&["-n", &public, "route", "add", "default", "via", "198.51.100.254"])?;
    for (place, (host, nat)) in [("a", "na"), ("b", "nb")].into_iter().enumerate() {
        let (host, router, number) = (name(host), name(nat), place + 1);
        ip(&["link", "add", "in", "netns", &router, "type", "veth", "peer", "name", "eth0", "netns", &host])?;
        ip(&["-n", &router, "addr", "add", &format!("10.0.{number}.1/24"), "dev", "in"])?;
        ip(&["-n", &router, "link", "set", "in", "up"])?;
        ip(&["-n", &host, "addr", "add", &format!("10.0.{number}.2/24"), "dev", "eth0"])?;
        ip(&["-n", &host, "link", "set", "eth0", "up"])?;
        ip(&["-n", &host, "route", "add", "default", "via", &format!("10.0.{number}.1")])?;
        let port = format!("p{number}");
        ip(&[
            "link", "add", "pub", "netns", &router, "type", "veth", "peer", "name", &port, "netns", &public,
        ])?;
        ip(&["-n", &router, "addr", "add", &format!("198.51.100.{number}/24"), "dev", "pub"])?;
        ip(&["-n", &router, "link", "set", "pub", "up"])?;
        ip(&["-n", &public, "link", "set", &port, "master", "br0", "up"])?;
        nats[place].set_up(&router, &format!("10.0.{number}.2"))?;
    }
    Ok(network)
}

impl Nat {
    fn set_up(self, router: &str, host: &str) -> Outcome {
        let masquerade = match self {
            Self::FullCone | Self::Restricted => "masquerade",
            Self::Symmetric => "masquerade random,fully-random",
        };
        let inwards = match self {
            Self::FullCone => format!("iifname \"pub\" udp dport 1024-65535 dnat to {host};"),
            Self::Restricted | Self::Symmetric => String::new(),
        };
        // What comes unasked is dropped before it leaves a trace: a trace of an early check of the far side would
        // take the port that our own needs.
        let rules = format!(
            "table ip nat {{
                chain post {{ type nat hook postrouting priority 100; oifname \"pub\" {masquerade}; }}
                chain pre {{ type nat hook prerouting priority -100; {inwards} }}
            }}
            table ip filter {{
                chain input {{ type filter hook input priority 0; iifname \"pub\" meta l4proto udp drop; }}
            }}"
        );
        run(&["ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1"], None)?;
        run(&["ip", "netns", "exec", router, "nft", "-f", "-"], Some(&rules))
    }
}

/// Lets two peers meet that are behind these NATs, and looks how they did.
pub(crate) fn play(nats: [Nat; 2], expected: Meeting) -> Outcome {
    let program = build_example("pipe").map_err(|error| Failure(error.to_string()))?;
    let network = up(nats)?;
    let coturn = Coturn::start_in(&network.name("pub"), SERVER.into())?;
    let peer = |room: &str| {
        let mut command = network.command(room, &program);
        command.args(["--ice-server", &coturn.url(Carrier::Udp)]);
        command.args(["--username", USER, "--credential", PASSWORD]);
        command
    };
    let mut offering = peer("a");
    offering.arg("--offer");
    let [mut alice, mut bob] = [Lines::start(offering)?, Lines::start(peer("b"))?];
    let offer = alice.expect("{", PATIENCE)?;
    bob.put(&format!("{{{offer}"))?;
    let answer = bob.expect("{", PATIENCE)?;
    alice.put(&format!("{{{answer}"))?;
    alice.expect("echoed ", PATIENCE)?;
    // The first pair that works need not be the last.
    let mut pairs = Vec::new();
    loop {
        let pair = alice.expect("connected ", PATIENCE).map_err(|error| {
            Failure(format!("{nats:?} should have been {expected:?}, but the pairs were {pairs:?}\n{error}"))
        })?;
        if pair.contains("relay") == (expected == Meeting::Relayed) {
            return Ok(());
        }
        pairs.push(pair);
    }
}

/// Lets two peers meet whose firewalls drop datagrams, and streams that were not asked for from inside: only a stream that
/// both open at once gets through (RFC 6544).
pub(crate) fn play_guarded() -> Outcome {
    let program = build_example("pipe").map_err(|error| Failure(error.to_string()))?;
    let network = Network::up(&["a", "b"])?;
    let [a, b] = ["a", "b"].map(|room| network.name(room));
    ip(&["link", "add", "eth0", "netns", &a, "type", "veth", "peer", "name", "eth0", "netns", &b])?;
    for (room, address) in [(&a, "10.0.0.1/24"), (&b, "10.0.0.2/24")] {
        ip(&["-n", room, "addr", "add", address, "dev", "eth0"])?;
        ip(&["-n", room, "link", "set", "eth0", "up"])?;
        let rules = "table ip filter {
            chain input { type filter hook input priority 0; policy drop;
                iifname \"lo\" accept; icmp type echo-reply accept;
                meta l4proto tcp ct state established accept;
            }
        }
        ";
        run(&["ip", "netns", "exec", room, "nft", "-f", "-"], Some(rules))?;
    }
    let peer = |room: &str, words: &[&str]| {
        let mut command = network.command(room, &program);
        command.arg("--streams").args(words);
        Lines::start(command)
    };
    let [mut alice, mut bob] = [peer("a", &["--offer"])?, peer("b", &[])?];
    let offer = alice.expect("{", PATIENCE)?;
    bob.put(&format!("{{{offer}"))?;
    let answer = bob.expect("{", PATIENCE)?;
    alice.put(&format!("{{{answer}"))?;
    alice.expect("echoed ", PATIENCE)?;
    let pair = alice.expect("connected ", PATIENCE)?;
    if pair.contains("tcp") { Ok(()) } else { Err(Failure(format!("connected by {pair}"))) }
}
