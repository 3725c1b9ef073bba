//! The file-transfer examples of both adapters, between two processes.

use std::process::Command;
use std::time::Duration;

use purertc_tests::demo::build_example_of;
use purertc_tests::lines::Lines;

use crate::stage::{Failure, Outcome};

/// Longer than anything here takes on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the larger file: more than is under way, queued and read ahead by the time that the path changes.
const LARGE: usize = 48 << 20;

/// The example of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Tokio,
    Mio,
}

impl Program {
    pub(crate) fn command(self) -> Result<Command, Failure> {
        let (package, example) = match self {
            Self::Tokio => ("purertc-tokio", "files"),
            Self::Mio => ("purertc-mio", "files_mio"),
        };
        let path = build_example_of(package, example).map_err(|error| Failure(error.to_string()))?;
        Ok(Command::new(path))
    }
}

/// How descriptions travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signaling {
    Lines,
    Http,
}

/// Who sends, who receives, and how they find each other.
pub(crate) const CASES: [(&str, Program, Program, Signaling); 4] = [
    ("tokio_to_tokio", Program::Tokio, Program::Tokio, Signaling::Lines),
    ("tokio_to_mio", Program::Tokio, Program::Mio, Signaling::Lines),
    ("mio_to_tokio", Program::Mio, Program::Tokio, Signaling::Lines),
    ("tokio_to_tokio_by_http", Program::Tokio, Program::Tokio, Signaling::Http),
];

/// Sends two files; where descriptions are lines, over an ICE restart in the middle.
pub(crate) fn play(from: Program, to: Program, signaling: Signaling) -> Outcome {
    let (here, there) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let files = [("large", LARGE), ("empty", 0)].map(|(name, size)| (here.path().join(name), size));
    for (path, size) in &files {
        let bytes: Vec<u8> = (0..*size).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        std::fs::write(path, bytes)?;
    }
    let mut receiving = to.command()?;
    receiving.arg("receive").arg("--into").arg(there.path());
    let mut sending = from.command()?;
    sending.arg("send").args(files.iter().map(|(path, _)| path));
    if signaling == Signaling::Http {
        receiving.args(["--listen", "127.0.0.1:0"]);
    }
    let mut receiver = Lines::start(receiving)?;
    if signaling == Signaling::Http {
        sending.args(["--to", &receiver.expect("listening on ", PATIENCE)?]);
    }
    let mut sender = Lines::start(sending)?;
    if signaling == Signaling::Lines {
        introduce(&mut sender, &mut receiver)?;
        sender.put("restart")?;
        introduce(&mut sender, &mut receiver)?;
    }
    for (path, _) in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let sent = sender.expect(&format!("sent {name} "), PATIENCE)?;
        let received = receiver.expect(&format!("received {name} "), PATIENCE)?;
        if sent != received {
            return Err(Failure(format!("{name}: {sent} was sent and {received} came")));
        }
        if std::fs::read(path)? != std::fs::read(there.path().join(&*name))? {
            return Err(Failure(format!("{name} is not what it was")));
        }
    }
    Ok(())
}

/// Carries an offer over, and the answer back.
pub(crate) fn introduce(sender: &mut Lines, receiver: &mut Lines) -> Outcome {
    let offer = sender.expect("{", PATIENCE)?;
    receiver.put(&format!("{{{offer}"))?;
    let answer = receiver.expect("{", PATIENCE)?;
    Ok(sender.put(&format!("{{{answer}"))?)
}
