//! A process that takes and gives lines: peers whose signaling goes over standard input and output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Why a process did not say what it should.
#[derive(Debug, thiserror::Error)]
#[error("{program}: {reason}\n{said}")]
pub struct LinesError {
    program: String,
    reason: String,
    said: String,
}

/// How a process ended.
#[derive(Debug)]
pub struct End {
    /// Whether it was content.
    pub success: bool,
    /// All that it said.
    pub words: String,
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub struct Lines {
    program: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    /// What it said so far, for the report of a failure.
    said: Vec<String>,
    /// What of it was not waited for.
    unread: Vec<String>,
}

impl Lines {
    /// Starts a process. What it writes to its standard error is read as well.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(mut command: Command) -> Result<Self, LinesError> {
        let program = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: std::io::Error| LinesError {
            program: program.clone(),
            reason: error.to_string(),
            said: String::new(),
        };
        let mut child = command.spawn().map_err(failed)?;
        let (sender, output) = channel();
        let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            child.stdout.take().map(|out| Box::new(out) as _),
            child.stderr.take().map(|out| Box::new(out) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let input = child.stdin.take();
        Ok(Self { program, child, input, output, said: Vec::new(), unread: Vec::new() })
    }

    /// Gives it a line.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub fn put(&mut self, line: &str) -> Result<(), LinesError> {
        let input = self.input.as_mut();
        let put = input.map(|input| writeln!(input, "{line}").and_then(|()| input.flush()));
        match put {
            Some(Ok(())) => Ok(()),
            _ => Err(self.error("it takes no more lines".to_owned())),
        }
    }

    /// Waits for a line that begins with `start`, and returns what follows that. Lines that begin otherwise can still
    /// be waited for afterwards.
    ///
    /// # Errors
    ///
    /// If none comes in time, or the process ends.
    pub fn expect(&mut self, start: &str, patience: Duration) -> Result<String, LinesError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(at) = self.unread.iter().position(|line| line.starts_with(start)) {
                let line = self.unread.remove(at);
                return Ok(line[start.len()..].trim().to_owned());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.output.recv_timeout(left) else {
                return Err(self.error(format!("no line with `{start}` within {patience:?}")));
            };
            self.said.push(line.clone());
            self.unread.push(line);
        }
    }

    /// Lets it stand still, as on a machine that sleeps: it neither hears nor says anything until it
    /// [thaws](Self::thaw).
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub fn freeze(&self) -> Result<(), LinesError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub fn thaw(&self) -> Result<(), LinesError> {
        self.signal(Signal::CONT)
    }

    /// Waits until it ends by itself, and returns what it said in all.
    ///
    /// # Errors
    ///
    /// If it goes on.
    pub fn end(&mut self, patience: Duration) -> Result<End, LinesError> {
        let deadline = Instant::now() + patience;
        loop {
            // Its lines come to an end when it does.
            while let Ok(line) = self.output.recv_timeout(Duration::from_millis(10)) {
                self.said.push(line);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                self.said.extend(self.output.iter());
                return Ok(End { success: status.success(), words: self.said.join("\n") });
            }
            if Instant::now() > deadline {
                return Err(self.error(format!("it has not ended within {patience:?}")));
            }
        }
    }

    /// Processor time that it has used so far.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn cpu_time(&self) -> Result<Duration, LinesError> {
        let folder = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(folder).map_err(|error| self.error(error.to_string()))?;
        let used = threads.flatten().filter_map(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
        });
        Ok(used.sum())
    }

    fn signal(&self, signal: Signal) -> Result<(), LinesError> {
        let sent = kill_process(Pid::from_child(&self.child), signal);
        sent.map_err(|error| self.error(error.to_string()))
    }

    fn error(&self, reason: String) -> LinesError {
        let last = &self.said[self.said.len().saturating_sub(60)..];
        LinesError { program: self.program.clone(), reason, said: last.join("\n") }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.input.take());
        // Failing means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use crate::lines::Lines;

    #[test]
    fn lines_go_in_and_out_and_what_was_said_is_quoted() {
        let mut cat = Lines::start(Command::new("cat")).unwrap();
        cat.put("one").unwrap();
        cat.put("two: 2").unwrap();
        assert_eq!(cat.expect("two:", Duration::from_secs(10)).unwrap(), "2");
        assert_eq!(cat.expect("o", Duration::ZERO).unwrap(), "ne");
        let error = cat.expect("three", Duration::from_millis(10)).unwrap_err().to_string();
        assert!(error.contains("one\ntwo: 2"), "{error}");
    }
}
