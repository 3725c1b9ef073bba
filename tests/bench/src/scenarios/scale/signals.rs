//! Offers and answers on their way between the two processes: lines of JSON on a TCP stream, read by a thread.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use mio::Waker;
use serde::{Deserialize, Serialize};

use crate::scenarios::scale::Outcome;

/// A description, and whose it is.
#[derive(Serialize, Deserialize)]
pub struct Signal {
    pub number: usize,
    pub sdp: String,
}

/// The stream.
pub struct Signals {
    stream: TcpStream,
    lines: Receiver<Signal>,
    /// A waker that is dropped wakes nobody, not even for what it said before.
    _waker: Arc<Waker>,
}

impl Signals {
    /// Wakes a loop whenever something came.
    pub fn new(stream: TcpStream, waker: Arc<Waker>) -> Outcome<Self> {
        stream.set_nodelay(true)?;
        let (sender, lines) = channel();
        let kept = waker.clone();
        let reader = BufReader::with_capacity(1 << 20, stream.try_clone()?);
        thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                let Ok(signal) = serde_json::from_str(&line) else { break };
                if sender.send(signal).is_err() {
                    break;
                }
                let _ = waker.wake();
            }
            drop(sender);
            let _ = waker.wake();
        });
        Ok(Self { stream, lines, _waker: kept })
    }

    pub fn say(&mut self, signal: &Signal) -> Outcome {
        let line = serde_json::to_string(signal)? + "\n";
        Ok(self.stream.write_all(line.as_bytes())?)
    }

    /// What came; `Err` at the end.
    pub fn hear(&self) -> Result<Option<Signal>, ()> {
        match self.lines.try_recv() {
            Ok(signal) => Ok(Some(signal)),
            Err(std::sync::mpsc::TryRecvError::Empty) => Ok(None),
            Err(std::sync::mpsc::TryRecvError::Disconnected) => Err(()),
        }
    }
}
