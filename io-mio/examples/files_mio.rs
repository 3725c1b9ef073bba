//! Sends files from one terminal to another, on one thread and without async: `cargo run -p purertc-mio --example files_mio --
//! send FILE…` here, and `… -- receive` there. Each prints a line; paste it into the other one.
//!
//! It speaks with the example `files` of `purertc-tokio`. When a line says `restart` at the sender, ICE restarts: another line
//! goes each way, and the transfer goes on where it was.

#[path = "../../io-tokio/examples/files/transfer.rs"]
mod transfer;

use bytes::Bytes;
use clap::{Parser, Subcommand};
use mio::{Events, Poll, Token, Waker};
use purertc::{
    ChannelEvent, Configuration, DataChannelId, DataChannelInit, DtlsTransportState, Event,
    IceGatheringState, Message, MessageKind, PeerConnectionState, SdpType, SendError, SessionDescription,
};
use purertc_mio::{Driver, net::SocketSettings};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use transfer::{Header, Incoming, Outgoing, PROTOCOL, Trailer};

/// What wakes the loop when a line came.
const LINE: Token = Token(0);
/// Bytes that wait in a channel until the file is left alone for a while.
const QUEUE: u64 = 1 << 20;

/// Sends files from one terminal to another.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send files.
    Send {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Receive files.
    Receive {
        /// The folder to put them into.
        #[arg(long, default_value = ".")]
        into: PathBuf,
    },
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A file on its way.
enum Transfer {
    /// It is being sent, once its channel is open.
    Sending { file: Outgoing, open: bool },
    /// All is sent; the receiver has to say what it saw.
    Sent { name: String, trailer: Trailer },
    /// It is coming, once its header has.
    Receiving(Option<Incoming>),
}

struct Program {
    driver: Driver,
    transfers: BTreeMap<u16, (DataChannelId, Transfer)>,
    lines: Receiver<String>,
    /// Where files go; nowhere at the sender.
    into: Option<PathBuf>,
    received: bool,
}

fn main() -> Outcome {
    let mut poll = Poll::new()?;
    let mut settings = SocketSettings::default();
    settings.include_loopback = true;
    let lines = read_lines(Waker::new(poll.registry(), LINE)?);
    let driver = Driver::new(Configuration::default(), &settings, poll.registry(), Token(1))?;
    let mut program = Program { driver, transfers: BTreeMap::new(), lines, into: None, received: false };
    match Arguments::parse().command {
        Action::Send { files } => program.offer(files)?,
        Action::Receive { into } => program.into = Some(into),
    }
    let mut events = Events::with_capacity(64);
    while !program.take_events()? && program.take_lines()? && !program.fill()? {
        program.driver.flush();
        poll.poll(&mut events, program.driver.timeout())?;
        program.driver.turn(&events);
    }
    program.driver.close();
    Ok(())
}

/// Lines of the standard input, read by a thread: a terminal cannot wait in a poll everywhere.
fn read_lines(waker: Waker) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        let _ = waker.wake();
    });
    lines
}

impl Program {
    fn offer(&mut self, files: Vec<PathBuf>) -> Outcome {
        // An id of our own for each stream: channels have theirs only once they are open.
        for (n, path) in (0..).zip(files) {
            let file = Outgoing::open(&path)?;
            let init = DataChannelInit { protocol: PROTOCOL.into(), ..Default::default() };
            let id = self.driver.connection().create_data_channel(&file.header.name, init)?;
            self.transfers.insert(n, (id, Transfer::Sending { file, open: false }));
        }
        let now = self.driver.now();
        Ok(self.driver.connection().set_local_description(now, None)?)
    }

    /// Takes what happened. Whether all is over.
    fn take_events(&mut self) -> Outcome<bool> {
        while let Some(event) = self.driver.poll_event() {
            match event {
                Event::IceGatheringStateChange(IceGatheringState::Complete) => {
                    println!("{}", serde_json::to_string(&self.driver.connection().local_description())?);
                }
                Event::DataChannel(id) => {
                    let n = self.transfers.last_key_value().map_or(0, |(n, _)| n + 1);
                    self.transfers.insert(n, (id, Transfer::Receiving(None)));
                }
                Event::Channel(id, ChannelEvent::Open) => {
                    let of = self.transfers.values_mut().find(|(other, _)| *other == id);
                    if let Some((_, Transfer::Sending { open, .. })) = of {
                        *open = true;
                        self.begin(id)?;
                    }
                }
                Event::Channel(id, ChannelEvent::Message(message)) => self.take_message(id, message)?,
                Event::DtlsTransportStateChange(_, DtlsTransportState::Closed) => return self.ended(),
                Event::DtlsTransportStateChange(_, DtlsTransportState::Failed)
                | Event::ConnectionStateChange(PeerConnectionState::Failed) => {
                    return Err("the connection failed".into());
                }
                _ => (),
            }
        }
        Ok(false)
    }

    fn ended(&self) -> Outcome<bool> {
        if self.transfers.is_empty() && self.received { Ok(true) } else { Err("the peer went away".into()) }
    }

    /// Takes descriptions. Whether to go on.
    fn take_lines(&mut self) -> Outcome<bool> {
        loop {
            let line = match self.lines.try_recv() {
                Ok(line) => line,
                Err(TryRecvError::Empty) => return Ok(true),
                // The end of the input is the end of a receiver; a sender has its files to send.
                Err(TryRecvError::Disconnected) => return Ok(self.into.is_none() || !self.received),
            };
            let now = self.driver.now();
            let connection = self.driver.connection();
            if line.trim() == "restart" && self.into.is_none() {
                connection.restart_ice();
                connection.set_local_description(now, None)?;
                continue;
            }
            let description: SessionDescription = serde_json::from_str(&line)?;
            let asks = description.kind == SdpType::Offer;
            connection.set_remote_description(now, description)?;
            if asks {
                connection.set_local_description(now, None)?;
            }
        }
    }

    fn begin(&mut self, id: DataChannelId) -> Outcome {
        let now = self.driver.now();
        let header = self.transfers.values().find_map(|(other, transfer)| match transfer {
            Transfer::Sending { file, .. } if *other == id => Some(&file.header),
            _ => None,
        });
        let text = serde_json::to_string(header.ok_or("a channel without a file")?)?;
        let mut channel = self.driver.connection().data_channel(id).ok_or("the channel closed")?;
        channel.set_buffered_amount_low_threshold(QUEUE / 2);
        Ok(channel.send_text(now, text)?)
    }

    /// Sends what there is room for. Whether nothing is left to do at a sender.
    fn fill(&mut self) -> Outcome<bool> {
        let now = self.driver.now();
        for (id, transfer) in self.transfers.values_mut() {
            let Transfer::Sending { file, open: true } = transfer else { continue };
            let mut channel = self.driver.connection().data_channel(*id).ok_or("the channel closed")?;
            let mut ended = false;
            while !ended && channel.buffered_amount() < QUEUE {
                let piece = file.piece()?;
                ended = piece.is_empty();
                if !ended {
                    send(channel.send_message(now, piece.into(), MessageKind::Binary))?;
                }
            }
            if ended {
                let name = file.header.name.clone();
                let Transfer::Sending { file, .. } = std::mem::replace(transfer, Transfer::Receiving(None))
                else {
                    continue;
                };
                let trailer = file.finish();
                channel.send_text(now, serde_json::to_string(&trailer)?)?;
                *transfer = Transfer::Sent { name, trailer };
            }
        }
        Ok(self.into.is_none() && self.transfers.is_empty())
    }

    fn take_message(&mut self, id: DataChannelId, message: Message) -> Outcome {
        let Message { kind, data } = message;
        let Some((&n, (_, transfer))) = self.transfers.iter_mut().find(|(_, (other, _))| *other == id) else {
            return Ok(());
        };
        match (transfer, &self.into) {
            (Transfer::Receiving(file @ None), Some(into)) => {
                let header: Header = serde_json::from_slice(&data)?;
                *file = Some(Incoming::create(into, header)?);
            }
            (Transfer::Receiving(Some(file)), Some(_)) if kind == MessageKind::Binary => file.take(&data)?,
            (Transfer::Receiving(_), Some(_)) => self.complete(n, id, &data)?,
            (Transfer::Sent { name, trailer }, None) => {
                let seen: Trailer = serde_json::from_slice(&data)?;
                if seen.sha256 != trailer.sha256 {
                    return Err("the receiver saw something else".into());
                }
                println!("sent {name} {}", seen.sha256);
                self.transfers.remove(&n);
            }
            _ => return Err("the peer says what it should not".into()),
        }
        Ok(())
    }

    /// A file has come as a whole: says what was seen.
    fn complete(&mut self, n: u16, id: DataChannelId, trailer: &Bytes) -> Outcome {
        let Some((_, Transfer::Receiving(Some(file)))) = self.transfers.remove(&n) else { return Ok(()) };
        let name = file.header.name.clone();
        let seen = file.finish(&serde_json::from_slice(trailer)?)?;
        let now = self.driver.now();
        let mut channel = self.driver.connection().data_channel(id).ok_or("the channel closed")?;
        channel.send_text(now, serde_json::to_string(&seen)?)?;
        println!("received {name} {}", seen.sha256);
        self.received = true;
        Ok(())
    }
}

/// More fits than is ever sent at once, so a full buffer is an error like any other.
fn send(sent: Result<(), SendError>) -> Outcome {
    Ok(sent?)
}
