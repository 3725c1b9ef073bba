//! The files: IVF, which is a header and a few bytes in front of each frame, and Ogg of Opus (RFC 7845).

use bytes::Bytes;
use ogg::writing::PacketWriteEndInfo;
use ogg::{PacketReader, PacketWriter};
use purertc::media::codec::opus;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Result, Seek, SeekFrom, Write};
use std::path::Path;

const IVF_HEADER: usize = 32;
const IVF_FRAME_HEADER: usize = 12;
const CODECS: [(&[u8; 4], &str); 3] = [(b"VP80", "VP8"), (b"VP90", "VP9"), (b"AV01", "AV1")];

/// Frames, and the tick that their times count in, as a fraction of a second.
pub(crate) struct Film {
    pub(crate) codec: &'static str,
    pub(crate) tick: (u32, u32),
    pub(crate) frames: Vec<(u64, Bytes)>,
}

pub(crate) fn read_film(path: &Path) -> std::result::Result<Film, Box<dyn Error>> {
    let mut rest = Bytes::from(std::fs::read(path)?);
    if rest.len() < IVF_HEADER || !rest.starts_with(b"DKIF") {
        return Err("no IVF file".into());
    }
    let header = rest.split_to(IVF_HEADER);
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let codec = CODECS.iter().find(|(fourcc, _)| header[8..12] == fourcc[..]);
    let codec = codec.ok_or("a codec other than VP8, VP9 and AV1")?.1;
    let tick = (word(20).max(1), word(16).max(1));
    let mut frames = Vec::new();
    while rest.len() > IVF_FRAME_HEADER {
        let head = rest.split_to(IVF_FRAME_HEADER);
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let time = head[4..].iter().rev().fold(0, |time, byte| time << 8 | u64::from(*byte));
        if len > rest.len() {
            return Err("the last frame is cut off".into());
        }
        frames.push((time, rest.split_to(len)));
    }
    Ok(Film { codec, tick, frames })
}

/// Packets, and how many samples at 48 kHz are before each.
pub(crate) fn read_sound(path: &Path) -> std::result::Result<Vec<(u64, Bytes)>, Box<dyn Error>> {
    let mut reader = PacketReader::new(File::open(path)?);
    let head = reader.read_packet()?.ok_or("no packets")?;
    if !head.data.starts_with(b"OpusHead") {
        return Err("no Opus in it".into());
    }
    reader.read_packet()?.ok_or("no tags")?;
    let (mut samples, mut packets) = (0, Vec::new());
    while let Some(packet) = reader.read_packet()? {
        let duration = opus::duration(&packet.data).unwrap_or(0);
        packets.push((samples, Bytes::from(packet.data)));
        samples += u64::from(duration);
    }
    Ok(packets)
}

/// An IVF file that grows: its ticks are those of RTP.
pub(crate) struct FilmWriter {
    file: BufWriter<File>,
    frames: u32,
    begin: Option<u32>,
}

impl FilmWriter {
    pub(crate) fn create(path: &Path, codec: &str) -> Result<Self> {
        let known = CODECS.iter().find(|(_, name)| name.eq_ignore_ascii_case(codec));
        let unknown = || std::io::Error::other(format!("{codec} has no place in an IVF file"));
        let mut header = [0; IVF_HEADER];
        header[..4].copy_from_slice(b"DKIF");
        header[6] = IVF_HEADER as u8;
        header[8..12].copy_from_slice(known.ok_or_else(unknown)?.0);
        // Decoders take the size from the frames.
        header[12..16].copy_from_slice(&[0x80, 2, 0x68, 1]);
        header[16..20].copy_from_slice(&90_000_u32.to_le_bytes());
        header[20..24].copy_from_slice(&1_u32.to_le_bytes());
        let mut file = BufWriter::new(File::create_new(path)?);
        file.write_all(&header)?;
        Ok(Self { file, frames: 0, begin: None })
    }

    pub(crate) fn write(&mut self, timestamp: u32, data: &[u8]) -> Result<()> {
        let begin = *self.begin.get_or_insert(timestamp);
        self.file.write_all(&(data.len() as u32).to_le_bytes())?;
        self.file.write_all(&u64::from(timestamp.wrapping_sub(begin)).to_le_bytes())?;
        self.file.write_all(data)?;
        self.frames += 1;
        // How many there are is said in front; a file is good at any time.
        self.file.seek(SeekFrom::Start(24))?;
        self.file.write_all(&self.frames.to_le_bytes())?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

/// An Ogg file of Opus that grows.
pub(crate) struct SoundWriter {
    writer: PacketWriter<'static, BufWriter<File>>,
    begin: Option<u32>,
}

impl SoundWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut writer = PacketWriter::new(BufWriter::new(File::create_new(path)?));
        // RFC 7845 §5.1: version 1, two channels, nothing to skip, 48 kHz, no gain, one stream.
        let head = [b"OpusHead", &[1, 2, 0, 0][..], &48_000_u32.to_le_bytes(), &[0, 0, 0]].concat();
        let tags = [b"OpusTags", &7_u32.to_le_bytes()[..], b"purertc", &[0; 4]].concat();
        writer.write_packet(head, 1, PacketWriteEndInfo::EndPage, 0)?;
        writer.write_packet(tags, 1, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { writer, begin: None })
    }

    pub(crate) fn write(&mut self, timestamp: u32, data: &[u8]) -> Result<()> {
        let begin = *self.begin.get_or_insert(timestamp);
        let end = u64::from(timestamp.wrapping_sub(begin)) + u64::from(opus::duration(data).unwrap_or(0));
        self.writer.write_packet(data.to_vec(), 1, PacketWriteEndInfo::EndPage, end)?;
        self.writer.inner_mut().flush()
    }
}
