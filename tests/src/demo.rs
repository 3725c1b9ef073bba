//! The demo server as a process: what the interoperability tests talk to.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// The line of the demo's output that says where it listens.
const ANNOUNCEMENT: &str = "listening on ";

/// How many of the server's last lines a failing test shows.
const LAST_LINES: usize = 60;

/// Why there is no demo server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// cargo could not build it.
    #[error("`cargo build -p purertc-tokio --example …` failed:\n{0}")]
    Build(String),
    /// It did not start, or did not say where it listens.
    #[error("{path}: {reason}")]
    Start {
        /// The program.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
}

/// A running demo server on a port of its own; killed when dropped.
#[derive(Debug)]
pub struct DemoServer {
    child: Child,
    origin: String,
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl DemoServer {
    /// Builds the example and starts it with these options, or starts the program that `PURERTC_DEMO` names.
    ///
    /// # Errors
    ///
    /// If it does not build, does not start, or does not listen within 20 s.
    pub fn start(arguments: &[String]) -> Result<Self, DemoError> {
        match std::env::var_os("PURERTC_DEMO") {
            Some(path) => Self::run(Path::new(&path), arguments),
            None => Self::run(&build_example("demo")?, arguments),
        }
    }

    /// Builds another example that serves a page, and starts it with these arguments.
    ///
    /// # Errors
    ///
    /// Like [`start`](Self::start).
    pub fn start_example(name: &str, arguments: &[String]) -> Result<Self, DemoError> {
        Self::run(&build_example(name)?, arguments)
    }

    fn run(path: &Path, arguments: &[String]) -> Result<Self, DemoError> {
        let failed = |reason: String| DemoError::Start { path: path.to_owned(), reason };
        let mut child = Command::new(path)
            .args(["--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, receiver) = mpsc::channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut server = Self { child, origin: String::new(), lines };
        if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
            server.read(stderr, None);
            server.read(stdout, Some(sender));
        }
        match receiver.recv_timeout(Duration::from_secs(20)) {
            Ok(origin) => server.origin = origin,
            Err(_) => {
                return Err(failed(format!("it did not say `{ANNOUNCEMENT}…`:\n{}", server.last_lines())));
            }
        }
        Ok(server)
    }

    /// Keeps the last lines of an output; ends with it.
    fn read(&self, output: impl Read + Send + 'static, announce: Option<mpsc::Sender<String>>) {
        let lines = Arc::clone(&self.lines);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let (Some(sender), Some((_, origin))) = (&announce, line.split_once(ANNOUNCEMENT)) {
                    // Only the first one is waited for.
                    let _ = sender.send(origin.trim().trim_end_matches('/').to_owned());
                }
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() == LAST_LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
        });
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The last lines that the server wrote, for the report of a failure.
    #[must_use]
    pub fn last_lines(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        // Failing means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds an example of `purertc-tokio` in the profile and target folder of the running test, and returns the path of
/// the program.
///
/// # Errors
///
/// If it does not build.
pub fn build_example(name: &str) -> Result<PathBuf, DemoError> {
    build_example_of("purertc-tokio", name)
}

/// The same of another package.
///
/// # Errors
///
/// If it does not build.
pub fn build_example_of(package: &str, name: &str) -> Result<PathBuf, DemoError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--package",
        package,
        "--example",
        name,
        "--message-format=json-render-diagnostics",
    ]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| DemoError::Build(e.to_string()))?;
    if !output.status.success() {
        return Err(DemoError::Build(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    stdout
        .lines()
        .rev()
        .find_map(|line| executable(line, name))
        .ok_or_else(|| DemoError::Build("cargo named no program".to_owned()))
}

/// The program that a line of cargo's JSON says it made.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    if is_it { message["executable"].as_str().map(PathBuf::from) } else { None }
}

/// True if the workspace has the demo server. Tests that need it have nothing to test without.
#[must_use]
pub fn exists() -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../io-tokio/examples");
    std::env::var_os("PURERTC_DEMO").is_some()
        || folder.join("demo/main.rs").is_file()
        || folder.join("demo.rs").is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use crate::demo::{DemoServer, executable};

    fn script(folder: &tempfile::TempDir, text: &str) -> PathBuf {
        let path = folder.path().join("demo");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn the_origin_is_taken_from_the_announcement() {
        let folder = tempfile::tempdir().unwrap();
        let path =
            script(&folder, "echo hello $1 $2 $3; echo listening on http://127.0.0.1:81/; exec sleep 600");
        let server = DemoServer::run(&path, &["--relay".to_owned()]).unwrap();
        assert_eq!(server.origin(), "http://127.0.0.1:81");
        assert!(server.last_lines().contains("hello --port 0 --relay"));
    }

    #[test]
    fn a_server_that_gives_up_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = script(&folder, "echo no certificate >&2; sleep 0.2");
        let error = DemoServer::run(&path, &[]).unwrap_err().to_string();
        assert!(error.contains("no certificate"), "{error}");
    }

    #[test]
    fn cargo_says_where_the_program_is() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"demo"},"executable":"/t/debug/examples/demo"}"#;
        assert_eq!(executable(line, "demo"), Some(PathBuf::from("/t/debug/examples/demo")));
        assert_eq!(executable(line, "other"), None);
        assert_eq!(executable("Compiling", "demo"), None);
    }
}
