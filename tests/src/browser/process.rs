//! A browser's processes and its profile folder, which must not outlive the test.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::browser::error::BrowserError;

/// A process with a throw-away profile folder; dropping it kills it, and everything else that was started with that folder.
///
/// The process stays in the test's own process group, so that Ctrl-C and the time limits of test runners reach it, too.
#[derive(Debug)]
pub(crate) struct Process {
    program: &'static str,
    child: Child,
    profile: TempDir,
}

impl Process {
    /// Creates the profile folder, lets `command` be built around it, and starts that.
    pub(crate) fn spawn(
        program: &'static str,
        command: impl FnOnce(&Path) -> Result<Command, BrowserError>,
    ) -> Result<Self, BrowserError> {
        let profile = tempfile::Builder::new().prefix("purertc-browser-").tempdir()?;
        let child = command(profile.path())?
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| BrowserError::Start { program, reason: e.to_string() })?;
        Ok(Self { program, child, profile })
    }

    pub(crate) fn profile(&self) -> &Path {
        self.profile.path()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks `ready` until it has an answer; an error if the process ends first or takes too long.
    pub(crate) fn wait_until<T>(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut(&Path) -> Option<T>,
    ) -> Result<T, BrowserError> {
        let start = Instant::now();
        loop {
            if let Some(answer) = ready(self.profile.path()) {
                return Ok(answer);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(BrowserError::Start {
                    program: self.program,
                    reason: format!("it ended with {status}"),
                });
            }
            if start.elapsed() > patience {
                let reason = format!("not ready after {} s", patience.as_secs());
                return Err(BrowserError::Start { program: self.program, reason });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Gives the process time to end by itself. True if it did.
    pub(crate) fn wait_for_exit(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < patience {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Failing means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in processes_naming(self.profile.path()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The processes that have the folder in their command line. Its random name makes sure that they are ours.
/// Empty where there is no `/proc`; then a browser is only ended through its driver.
fn processes_naming(folder: &Path) -> Vec<Pid> {
    let needle = folder.as_os_str().as_encoded_bytes();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = std::process::id().cast_signed();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&pid| pid != own)
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(needle.len()).any(|w| w == needle)
        })
        .filter_map(Pid::from_raw)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use crate::browser::process::{Process, processes_naming};

    #[test]
    fn dropping_ends_the_processes_that_the_child_started_and_removes_the_folder() {
        let mut process = Process::spawn("sh", |profile| {
            let mut command = Command::new("sh");
            // The inner shell is nobody's child once the outer one is killed, as Chromium is when its driver dies.
            command
                .arg("-c")
                .arg("sh -c 'touch \"$1/up\"; while :; do sleep 0.1; done' inner \"$1\" & wait")
                .arg("outer")
                .arg(profile);
            Ok(command)
        })
        .unwrap();
        process.wait_until(Duration::from_secs(10), |p| p.join("up").exists().then_some(())).unwrap();
        let folder = process.profile().to_owned();
        assert_eq!(processes_naming(&folder).len(), 2);
        drop(process);
        assert!(!folder.exists());
        for _ in 0..100 {
            if processes_naming(&folder).is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("a process survived");
    }

    #[test]
    fn a_program_that_ends_at_once_is_reported_as_such() {
        let mut process = Process::spawn("false", |_| Ok(Command::new("false"))).unwrap();
        let error = process.wait_until(Duration::from_secs(10), |_| None::<()>).unwrap_err();
        assert!(error.to_string().contains("false did not start: it ended with exit status: 1"), "{error}");
    }
}
