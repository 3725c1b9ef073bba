//! Cameras and microphones into files: each track of each browser has one, begun with its first frame.

use crate::containers::{FilmWriter, SoundWriter};
use crate::web::Guests;
use purertc::{Frame, ReceiverId};
use purertc_tokio::{Event, PeerConnection};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Recorder {
    into: PathBuf,
    guests: AtomicU32,
}

/// A file that grows.
enum Tape {
    Film(FilmWriter),
    Sound(SoundWriter),
}

impl Recorder {
    pub(crate) const fn new(into: PathBuf) -> Self {
        Self { into, guests: AtomicU32::new(0) }
    }

    /// A file for what comes from this receiver.
    fn begin(&self, pc: &PeerConnection, guest: u32, frame: &Frame) -> Result<Tape> {
        let codec = pc.inspect(|core| {
            let mut sections = core.negotiated_media().iter();
            let section = sections.find(|section| section.transceiver == frame.receiver.transceiver())?;
            let mut codecs = section.receive.iter();
            let codec = codecs.find(|codec| codec.payload_type == frame.payload_type)?;
            Some(codec.codec.name().to_owned())
        });
        let codec = codec.ok_or_else(|| Error::other("a codec that was not negotiated"))?;
        let name = |ending: &str| {
            let track = frame.receiver.transceiver().as_u64();
            self.into.join(format!("{guest}-{track}.{ending}"))
        };
        if codec.eq_ignore_ascii_case("opus") {
            return SoundWriter::create(&name("ogg")).map(Tape::Sound);
        }
        FilmWriter::create(&name("ivf"), &codec).map(Tape::Film)
    }
}

impl Guests for Recorder {
    async fn join(self: Arc<Self>, pc: PeerConnection) {
        let guest = self.guests.fetch_add(1, Ordering::Relaxed);
        let mut tapes: HashMap<ReceiverId, Tape> = HashMap::new();
        while let Some(event) = pc.next_event().await {
            let Event::Frame(frame) = event else { continue };
            let written = (|| {
                let tape = match tapes.entry(frame.receiver) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.begin(&pc, guest, &frame)?),
                };
                match tape {
                    Tape::Film(film) => film.write(frame.timestamp, &frame.data),
                    Tape::Sound(sound) => sound.write(frame.timestamp, &frame.data),
                }
            })();
            if let Err(error) = written {
                eprintln!("{error}");
                break;
            }
        }
        pc.close().await;
    }
}
