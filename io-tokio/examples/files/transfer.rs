//! What both ends of a transfer say to each other, and how they show it.
//!
//! A file has a channel of its own: a header as text, its bytes as binary messages in order, and a trailer as text with the
//! digest that the sender saw. The receiver answers with the digest that it saw.

use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The subprotocol of a channel that carries a file.
pub const PROTOCOL: &str = "purertc-file";
/// Bytes of a message.
const PIECE: usize = 64 << 10;

/// The first message.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    /// Without folders.
    pub name: String,
    /// In bytes.
    pub size: u64,
}

/// The last one, each way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trailer {
    /// Of all bytes of the file, in hexadecimal.
    pub sha256: String,
}

fn bar(header: &Header) -> ProgressBar {
    let style = "{msg:24!} {bar:32} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(header.size).with_style(style).with_message(header.name.clone())
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that is read piece by piece.
pub struct Outgoing {
    pub header: Header,
    file: File,
    digest: Sha256,
    bar: ProgressBar,
}

impl Outgoing {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path)?;
        let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?.to_string_lossy().into_owned();
        let header = Header { name, size: file.metadata()?.len() };
        Ok(Self { bar: bar(&header), header, file, digest: Sha256::new() })
    }

    /// The next bytes; none at the end.
    pub fn piece(&mut self) -> Result<Vec<u8>, Error> {
        let mut piece = Vec::with_capacity(PIECE);
        (&mut self.file).take(PIECE as u64).read_to_end(&mut piece)?;
        self.digest.update(&piece);
        self.bar.inc(piece.len() as u64);
        Ok(piece)
    }

    /// What the receiver should have seen.
    pub fn finish(self) -> Trailer {
        self.bar.finish();
        Trailer { sha256: hex(self.digest) }
    }
}

/// A file that is written as it comes. It has its name when it is whole, and another before.
pub struct Incoming {
    pub header: Header,
    file: BufWriter<File>,
    part: PathBuf,
    whole: PathBuf,
    digest: Sha256,
    bar: ProgressBar,
}

impl Incoming {
    /// Creates the file in a folder. Of the name that the peer gave nothing counts but its last part.
    pub fn create(folder: &Path, header: Header) -> Result<Self, Error> {
        let name = Path::new(&header.name).file_name().ok_or(ErrorKind::InvalidFilename)?;
        let whole = folder.join(name);
        let mut part = whole.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = BufWriter::new(File::create(&part)?);
        Ok(Self { bar: bar(&header), header, file, part, whole, digest: Sha256::new() })
    }

    /// Takes the next bytes.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.file.write_all(piece)?;
        self.digest.update(piece);
        self.bar.inc(piece.len() as u64);
        Ok(())
    }

    /// All has come. What was seen, if it is what was sent.
    pub fn finish(mut self, sent: &Trailer) -> Result<Trailer, Error> {
        self.file.flush()?;
        self.bar.finish();
        let seen = Trailer { sha256: hex(std::mem::take(&mut self.digest)) };
        if seen.sha256 != sent.sha256 {
            return Err(Error::new(ErrorKind::InvalidData, "what came is not what was sent"));
        }
        std::fs::rename(&self.part, &self.whole)?;
        Ok(seen)
    }
}

impl Drop for Incoming {
    /// What is not whole does not stay; when it is, it has another name by now.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}
