//! Hosts of one test, in network namespaces of their own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::{Failure, Outcome};

/// Why there can be no namespaces here.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// A program is not installed.
    Missing(String),
    /// The system does not allow it.
    Refused(String),
}

impl Obstacle {
    pub(crate) fn find() -> Option<Self> {
        for program in ["ip", "nft"] {
            if Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                return Some(Self::Missing(format!("there is no `{program}` (Debian: iproute2, nftables)")));
            }
        }
        let name = format!("purertc-probe-{}", std::process::id());
        let made = run(&["ip", "netns", "add", &name], None);
        let nat = run(&["ip", "netns", "exec", &name, "nft", "list", "ruleset"], None);
        let _ = run(&["ip", "netns", "del", &name], None);
        made.and(nat).err().map(|failure| Self::Refused(failure.0))
    }
}

/// Namespaces, by the names of rooms; all gone when dropped.
#[derive(Debug)]
pub(crate) struct Network {
    prefix: String,
    rooms: &'static [&'static str],
}

impl Network {
    pub(crate) fn up(rooms: &'static [&'static str]) -> Result<Self, Failure> {
        let network = Self { prefix: format!("purertc-{}-", std::process::id()), rooms };
        for room in rooms.iter().map(|room| network.name(room)) {
            // Of a run that was killed, perhaps.
            let _ = run(&["ip", "netns", "del", &room], None);
            ip(&["netns", "add", &room])?;
            ip(&["-n", &room, "link", "set", "lo", "up"])?;
        }
        Ok(network)
    }

    pub(crate) fn name(&self, room: &str) -> String {
        format!("{}{room}", self.prefix)
    }

    /// A program in one of the namespaces.
    pub(crate) fn command(&self, room: &str, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(room)]).arg(program);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for room in self.rooms {
            let _ = run(&["ip", "netns", "del", &self.name(room)], None);
        }
    }
}

pub(crate) fn ip(arguments: &[&str]) -> Outcome {
    run(&[&["ip"], arguments].concat(), None)
}

pub(crate) fn run(words: &[&str], input: Option<&str>) -> Outcome {
    let failed = |reason: String| Failure(format!("`{}`: {reason}", words.join(" ")));
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        pipe.write_all(input.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
