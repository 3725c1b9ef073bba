//! Files into browsers: pictures of an IVF file, sound of an Ogg file, each frame at its time.

use crate::containers::{Film, read_film, read_sound};
use crate::web::Guests;
use bytes::Bytes;
use purertc::{MediaKind, SendFrame, SenderId};
use purertc_tokio::{PeerConnection, PeerConnectionState};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

#[derive(Default)]
pub(crate) struct Player {
    film: Option<Film>,
    /// Packets of Opus, and how many samples at 48 kHz are before each.
    sound: Vec<(u64, Bytes)>,
}

impl Player {
    pub(crate) fn new(files: &[PathBuf]) -> Result<Self, Box<dyn Error>> {
        let mut player = Self::default();
        for path in files {
            let named = |error: Box<dyn Error>| format!("{}: {error}", path.display());
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("ivf") => player.film = Some(read_film(path).map_err(named)?),
                Some("ogg" | "opus") => player.sound = read_sound(path).map_err(named)?,
                _ => return Err(named("neither .ivf nor .ogg".into()).into()),
            }
        }
        Ok(player)
    }
}

impl Guests for Player {
    async fn join(self: Arc<Self>, pc: PeerConnection) {
        if pc.connected().await.is_err() {
            return;
        }
        let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
        if let Some(film) = &self.film {
            let at = |ticks: u64| (ticks * 90_000 * u64::from(film.tick.0) / u64::from(film.tick.1)) as u32;
            pictures = film.frames.iter().map(|(ticks, data)| (at(*ticks), data.clone())).collect();
        }
        sounds.extend(self.sound.iter().map(|(samples, data)| (*samples as u32, data.clone())));
        let codec = self.film.as_ref().map_or("", |film| film.codec);
        let picture = playing(&pc, MediaKind::Video, codec, 90_000, &pictures);
        let sound = playing(&pc, MediaKind::Audio, "opus", 48_000, &sounds);
        tokio::join!(picture, sound);
    }
}

/// Plays frames from the first to the last and again, until nobody is there any more.
async fn playing(pc: &PeerConnection, kind: MediaKind, codec: &str, clock: u32, frames: &[(u32, Bytes)]) {
    let Some((sender, payload_type)) = way_out(pc, kind, codec) else { return };
    // What one round takes: as long as up to the last frame, and that one as long as the one before it.
    let length = frames.iter().rev().take(2).map(|(at, _)| *at).reduce(|last, before| 2 * last - before);
    let Some(length) = length.filter(|length| *length > 0) else { return };
    let begin = Instant::now();
    for round in 0_u32.. {
        for (at, data) in frames {
            let timestamp = round.wrapping_mul(length).wrapping_add(*at);
            let time = f64::from(round) * f64::from(length) + f64::from(*at);
            sleep_until(begin + Duration::from_secs_f64(time / f64::from(clock))).await;
            if pc.connection_state() == PeerConnectionState::Closed {
                return;
            }
            let payload_type = Some(payload_type);
            // What cannot leave now is lost, as the page would have it.
            let frame = SendFrame { payload_type, timestamp, data: data.clone(), ..SendFrame::default() };
            let _ = pc.write_frame(sender, &frame);
        }
    }
}

/// The sender of this kind that has the codec, and its payload type.
fn way_out(pc: &PeerConnection, kind: MediaKind, codec: &str) -> Option<(SenderId, u8)> {
    pc.inspect(|core| {
        let mut sections = core.negotiated_media().iter().filter(|section| section.kind == kind);
        sections.find_map(|section| {
            let mut codecs = section.send.iter();
            let found = codecs.find(|known| known.codec.name().eq_ignore_ascii_case(codec))?;
            Some((section.transceiver.sender(), found.payload_type))
        })
    })
}
