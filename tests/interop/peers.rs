//! Other implementations, each as a script that sends back whatever comes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use purertc::transport::dtls::Connection;
use purertc::{MediaKind, RtpTransceiverInit};
use purertc_tests::lines::Lines;
use purertc_tokio::{
    Configuration, DataChannel, DataChannelInit, Event, IceCandidateInit, MessageKind, PeerConnection,
    SessionDescription, Settings,
};
use tokio::time::{sleep, timeout};

use crate::stage::{Failure, Outcome};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the scripts are, and what they need.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/peers");

/// Another implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// libdatachannel, in C++.
    NodeDatachannel,
    /// In TypeScript.
    Werift,
    /// In Python.
    Aiortc,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::NodeDatachannel, Self::Werift, Self::Aiortc];
    /// Those that can do without a bundle.
    pub(crate) const APART: [Self; 2] = [Self::Werift, Self::Aiortc];

    /// As it appears in the names of tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NodeDatachannel => "node_datachannel",
            Self::Werift => "werift",
            Self::Aiortc => "aiortc",
        }
    }

    /// The program, its script, and what has to be installed for them.
    fn parts(self) -> (PathBuf, &'static str, PathBuf) {
        let folder = Path::new(FOLDER);
        let node = |script, package| ("node".into(), script, folder.join("node_modules").join(package));
        match self {
            Self::NodeDatachannel => node("node-datachannel.mjs", "node-datachannel"),
            Self::Werift => node("werift.mjs", "werift"),
            Self::Aiortc => {
                let python = folder.join("venv/bin/python");
                (python.clone(), "aiortc_peer.py", python)
            }
        }
    }

    /// Why it cannot be started here, if it cannot.
    pub(crate) fn obstacle(self) -> Option<String> {
        let (_, _, needed) = self.parts();
        (!needed.exists()).then(|| format!("{} is not there; .ci/run installs it", needed.display()))
    }

    fn start(self, offers: bool) -> Result<Lines, Failure> {
        let (program, script, _) = self.parts();
        let mut command = Command::new(program);
        command.current_dir(FOLDER).arg(script);
        if offers {
            command.arg("--offer");
        }
        Ok(Lines::start(command)?)
    }
}

/// Who makes the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

impl Side {
    pub(crate) const ALL: [Self; 2] = [Self::Ours, Self::Theirs];

    /// As it appears in the names of tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "we_offer",
            Self::Theirs => "they_offer",
        }
    }
}

/// Connects, and sends all kinds of messages and ten megabytes, which come back.
pub(crate) fn play(peer: Peer, side: Side) -> Outcome {
    let mut theirs = peer.start(side == Side::Theirs)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failure(&error))?.block_on(async {
        let settings = Settings::from(Configuration::default()).with_loopback();
        let pc = PeerConnection::new(settings).await.map_err(|e| failure(&e))?;
        let channel =
            soon("a channel", connect(&pc, side, &mut theirs)).await.map_err(|Failure(late)| {
                let facts = pc.inspect(|core| {
                    format!(
                        "{:?}, {:?}, {:?}",
                        core.connection_state(),
                        core.transport().ice_state(),
                        core.transport().dtls().and_then(Connection::failure)
                    )
                });
                Failure(format!("{late}; {facts}"))
            })??;
        soon("open", channel.opened()).await?.map_err(|e| failure(&e))?;
        soon("messages", messages(&channel)).await??;
        soon("ten megabytes", bulk(&channel)).await??;
        pc.close().await;
        Ok(())
    })
}

/// Without a bundle: sound and data over a transport each, of which we offered one.
pub(crate) fn play_apart(peer: Peer) -> Outcome {
    let mut theirs = peer.start(false)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failure(&error))?.block_on(async {
        let settings = Settings::from(Configuration::default()).with_loopback();
        let pc = PeerConnection::new(settings).await.map_err(|e| failure(&e))?;
        pc.add_transceiver(MediaKind::Audio, RtpTransceiverInit::default()).map_err(|e| failure(&e))?;
        let channel = pc.create_data_channel("ours", DataChannelInit::default()).map_err(|e| failure(&e))?;
        pc.set_local_description(None).await.map_err(|e| failure(&e))?;
        pc.gathering_complete().await;
        let offer = pc.local_description().ok_or_else(|| failure(&"no offer"))?;
        theirs.put(&serde_json::to_string(&without_group(offer)).map_err(|e| failure(&e))?)?;
        let answer = without_group(description(&mut theirs)?);
        let text = answer.sdp.clone();
        pc.set_remote_description(answer).await.map_err(|e| failure(&e))?;
        let opened = soon("open", channel.opened()).await.and_then(|opened| opened.map_err(|e| failure(&e)));
        let facts = pc.inspect(|core| {
            let state = |(id, t): (_, &purertc::transport::Transport)| (id, t.ice_state(), t.dtls_state());
            core.transports().map(state).collect::<Vec<_>>()
        });
        opened.map_err(|Failure(words)| Failure(format!("{words}; {facts:?}\n{text}")))?;
        soon("messages", messages(&channel)).await??;
        soon("all transports", pc.connected()).await?.map_err(|e| failure(&e))?;
        pc.close().await;
        if facts.len() == 2 { Ok(()) } else { Err(Failure(format!("{facts:?}\n{text}"))) }
    })
}

fn without_group(mut description: SessionDescription) -> SessionDescription {
    let lines = description.sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=group:BUNDLE"));
    description.sdp = lines.collect();
    description
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure(error.to_string())
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(PATIENCE, future).await.map_err(|_| Failure(format!("{what}: not within {PATIENCE:?}")))
}

async fn connect(pc: &PeerConnection, side: Side, theirs: &mut Lines) -> Result<DataChannel, Failure> {
    if side == Side::Ours {
        let channel = pc.create_data_channel("ours", DataChannelInit::default()).map_err(|e| failure(&e))?;
        describe(pc, theirs).await?;
        hear(pc, theirs).await?;
        return Ok(channel);
    }
    let mut offer = description(theirs)?;
    let candidates = take_candidates(&mut offer);
    pc.set_remote_description(offer).await.map_err(|e| failure(&e))?;
    describe(pc, theirs).await?;
    // libdatachannel lets ICE begin before it has noted the fingerprint of an answer, and refuses every certificate in
    // between: no check of ours reaches it so soon.
    sleep(Duration::from_millis(200)).await;
    for candidate in candidates {
        let candidate = IceCandidateInit { candidate, sdp_m_line_index: Some(0), ..Default::default() };
        pc.add_ice_candidate(Some(&candidate)).await.map_err(|e| failure(&e))?;
    }
    loop {
        match pc.next_event().await {
            Some(Event::DataChannel(channel)) => return Ok(channel),
            Some(_) => {}
            None => return Err(failure(&"the connection ended")),
        }
    }
}

async fn describe(pc: &PeerConnection, theirs: &mut Lines) -> Outcome {
    pc.set_local_description(None).await.map_err(|e| failure(&e))?;
    pc.gathering_complete().await;
    let json = serde_json::to_string(&pc.local_description()).map_err(|e| failure(&e))?;
    Ok(theirs.put(&json)?)
}

async fn hear(pc: &PeerConnection, theirs: &mut Lines) -> Outcome {
    pc.set_remote_description(description(theirs)?).await.map_err(|e| failure(&e))
}

fn description(theirs: &mut Lines) -> Result<SessionDescription, Failure> {
    let line = theirs.expect("{", PATIENCE)?;
    serde_json::from_str(&format!("{{{line}")).map_err(|e| failure(&e))
}

/// Takes the candidates out of a description.
fn take_candidates(description: &mut SessionDescription) -> Vec<String> {
    let is_candidate =
        |line: &&str| line.starts_with("a=candidate:") || line.starts_with("a=end-of-candidates");
    let (candidates, others): (Vec<&str>, Vec<&str>) =
        description.sdp.split_inclusive('\n').partition(is_candidate);
    let candidates = candidates.into_iter().filter_map(|line| line.trim_end().strip_prefix("a="));
    let candidates = candidates.filter(|line| line.starts_with("candidate:")).map(str::to_owned).collect();
    description.sdp = others.concat();
    candidates
}

/// Bytes that differ with their place and with `seed`.
fn pattern(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|n| (n.wrapping_mul(31).wrapping_add(seed) >> 3) as u8).collect()
}

async fn messages(channel: &DataChannel) -> Outcome {
    let texts = ["hello", "Grüße ✓ 🎁"].map(|text| (text.as_bytes().to_vec(), MessageKind::Text));
    let sizes = [1, 1_199, 1_200, 16_384, 65_535];
    let binary = sizes.map(|size| (pattern(size, size), MessageKind::Binary));
    for (data, kind) in texts.into_iter().chain(binary) {
        channel.send_message(data.clone().into(), kind).await.map_err(|e| failure(&e))?;
        let back = channel.recv().await.ok_or_else(|| failure(&"the channel closed"))?;
        if back.data != data || back.kind != kind {
            let words = format!(
                "{kind:?} of {} bytes came back as {:?} of {}",
                data.len(),
                back.kind,
                back.data.len()
            );
            return Err(Failure(words));
        }
    }
    Ok(())
}

async fn bulk(channel: &DataChannel) -> Outcome {
    const SIZE: usize = 16 * 1_024;
    const COUNT: usize = 640;
    let sending = async {
        for n in 0..COUNT {
            channel.send(pattern(n, SIZE)).await.map_err(|e| failure(&e))?;
        }
        Ok(())
    };
    let receiving = async {
        for n in 0..COUNT {
            let back = channel.recv().await.ok_or_else(|| failure(&"the channel closed"))?;
            if back.data != pattern(n, SIZE) {
                return Err(Failure(format!("message {n} came back changed")));
            }
        }
        Ok(())
    };
    let (sent, received): (Outcome, Outcome) = tokio::join!(sending, receiving);
    sent.and(received)
}
