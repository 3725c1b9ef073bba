//! What goes wrong around two processes of our own: a full disk, a system that refuses to send, a peer that is killed.

use std::time::{Duration, Instant};

use purertc_tests::demo::build_example;
use purertc_tests::lines::Lines;

use crate::files::{PATIENCE, Program, introduce};
use crate::netns::{Network, ip, run};
use crate::stage::{Failure, Outcome};

/// One thing to try.
pub(crate) type Play = fn() -> Outcome;

pub(crate) const CASES: &[(&str, Play)] = &[
    ("a_full_disk_ends_a_transfer_on_both_sides_and_leaves_nothing", || full_disk(Program::Tokio)),
    ("a_full_disk_ends_a_transfer_to_mio_alike", || full_disk(Program::Mio)),
    ("a_socket_that_errors_for_a_while_is_outlived", refusing),
    ("a_peer_that_is_killed_is_missed_and_its_process_may_come_again", killed),
];

/// A file system that is full soon; gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Result<Self, Failure> {
        let disk = Self(tempfile::tempdir()?);
        let path = disk.0.path().to_string_lossy().into_owned();
        run(&["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", &path], None)?;
        Ok(disk)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = run(&["umount", &self.0.path().to_string_lossy()], None);
    }
}

fn full_disk(to: Program) -> Outcome {
    let (here, disk) = (tempfile::tempdir()?, SmallDisk::mount()?);
    let file = here.path().join("large");
    std::fs::write(&file, vec![7; 8 << 20])?;
    let mut receiving = to.command()?;
    receiving.arg("receive").arg("--into").arg(disk.0.path());
    let mut sending = Program::Tokio.command()?;
    sending.arg("send").arg(&file);
    let [mut receiver, mut sender] = [Lines::start(receiving)?, Lines::start(sending)?];
    introduce(&mut sender, &mut receiver)?;
    let said = receiver.end(PATIENCE)?;
    if said.success || !said.words.contains("No space left") {
        return Err(Failure(format!("the receiver said {said:?}")));
    }
    let said = sender.end(PATIENCE)?;
    if said.success {
        return Err(Failure(format!("the sender does not know: {said:?}")));
    }
    match std::fs::read_dir(disk.0.path())?.next() {
        None => Ok(()),
        Some(left) => Err(Failure(format!("{left:?} was left"))),
    }
}

/// Two hosts with a cable between them, and a process on each.
fn talk(messages: &str) -> Result<(Network, [Lines; 2]), Failure> {
    let network = Network::up(&["a", "b"])?;
    let [a, b] = ["a", "b"].map(|room| network.name(room));
    ip(&["link", "add", "eth1", "netns", &a, "type", "veth", "peer", "name", "eth1", "netns", &b])?;
    for (host, at) in [(&a, 1), (&b, 2)] {
        ip(&["-n", host, "addr", "add", &format!("10.1.0.{at}/24"), "dev", "eth1"])?;
        ip(&["-n", host, "link", "set", "eth1", "up"])?;
    }
    let program = build_example("pipe").map_err(|error| Failure(error.to_string()))?;
    let mut offering = network.command("a", &program);
    offering.args(["--offer", "--messages", messages, "--pause", "10"]);
    let mut alice = Lines::start(offering)?;
    let mut bob = Lines::start(network.command("b", &program))?;
    meet(&mut alice, &mut bob)?;
    Ok((network, [alice, bob]))
}

fn meet(alice: &mut Lines, bob: &mut Lines) -> Outcome {
    let offer = alice.expect("{\"type\"", PATIENCE)?;
    bob.put(&format!("{{\"type\"{offer}"))?;
    let answer = bob.expect("{\"type\"", PATIENCE)?;
    Ok(alice.put(&format!("{{\"type\"{answer}"))?)
}

/// Every send is refused (`EPERM`) for three seconds.
fn refusing() -> Outcome {
    let (network, [mut alice, _bob]) = talk("500")?;
    alice.expect("connected ", PATIENCE)?;
    let a = network.name("a");
    let rules = "table ip wall {
        chain out { type filter hook output priority 0; ip protocol udp drop; }
    }";
    run(&["ip", "netns", "exec", &a, "nft", "-f", "-"], Some(rules))?;
    std::thread::sleep(Duration::from_secs(3));
    let busy = alice.cpu_time()?;
    std::thread::sleep(Duration::from_secs(1));
    let busy = alice.cpu_time()? - busy;
    run(&["ip", "netns", "exec", &a, "nft", "delete", "table", "ip", "wall"], None)?;
    if busy > Duration::from_millis(300) {
        return Err(Failure(format!("{busy:?} of a second in which nothing can be sent")));
    }
    Ok(alice.expect("echoed ", PATIENCE).map(drop)?)
}

/// The peer's process ends without a word. The other one says that it is missed, and a new pair of processes meets on the
/// same hosts.
fn killed() -> Outcome {
    let (network, [mut alice, bob]) = talk("100000")?;
    alice.expect("connected ", PATIENCE)?;
    drop(bob);
    let missed = Instant::now();
    alice.expect("failed", Duration::from_secs(50))?;
    if missed.elapsed() < Duration::from_secs(20) {
        return Err(Failure("given up too soon: consent lasts thirty seconds".to_owned()));
    }
    let program = build_example("pipe").map_err(|error| Failure(error.to_string()))?;
    let mut offering = network.command("a", &program);
    offering.arg("--offer");
    let mut again = Lines::start(offering)?;
    let mut bob = Lines::start(network.command("b", &program))?;
    meet(&mut again, &mut bob)?;
    Ok(again.expect("echoed ", PATIENCE).map(drop)?)
}
