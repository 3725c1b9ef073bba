//! What INIT and INIT ACK say (RFC 9260 §3.3.2, §3.3.3): written for ourselves, read of the peer.
//!
//! The same chunk may travel in a description instead (SNAP, draft-hancke-tsvwg-snap): then there is no handshake.

use crate::base::drops::DropReason;
use crate::data::sctp::Association;
use crate::data::sctp::config::Config;
use crate::data::sctp::event::InitError;
use crate::data::sctp::state::{Extensions, Local, Peer};
use crate::wire::sctp::chunk::{Chunk, ChunkType, Init, UnknownAction};
use crate::wire::sctp::param::{EDMID_DTLS, Param, ParamType, Params, put_param};
use crate::wire::sctp::parse_lone_chunk;

/// Bytes of unknown parameters that an INIT ACK reports.
const MAX_REPORT: usize = 256;
/// What the receive buffer has beyond the largest message.
const WINDOW_SLACK: usize = 128 << 10;

/// What the parameters of an INIT or INIT ACK say.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) extensions: Extensions,
    pub(super) cookie: Option<&'a [u8]>,
    /// Unknown parameters that want to be reported, in wire form.
    pub(super) report: Vec<u8>,
}

impl<'a> Options<'a> {
    /// Reads parameters; extensions count that we have too.
    pub(super) fn read(params: Params<'a>, config: &Config) -> Result<Self, DropReason> {
        let mut options = Self::default();
        let mut theirs = Extensions::default();
        for param in params {
            let Param { ty, value, whole } = param.map_err(|_| DropReason::SctpMalformed)?;
            match ty {
                ParamType::StateCookie => options.cookie = Some(value),
                ParamType::ForwardTsnSupported => theirs = theirs.with(Extensions::PARTIAL_RELIABILITY),
                ParamType::SupportedExtensions => theirs = theirs.with(extensions_of(value, config)),
                // RFC 9653 §4: only a method that both ends name counts.
                ParamType::ZeroChecksum if config.zero_checksum && value == EDMID_DTLS.to_be_bytes() => {
                    theirs = theirs.with(Extensions::ZERO_CHECKSUM);
                }
                ParamType::Unknown(ty) => {
                    let action = UnknownAction::of_param(ty);
                    if action.report && options.report.len() + whole.len() + 8 <= MAX_REPORT {
                        put_param(&mut options.report, ParamType::Unrecognized, whole);
                    }
                    if !action.skip {
                        break;
                    }
                }
                _ => (),
            }
        }
        options.extensions = theirs;
        Ok(options)
    }
}

/// The extensions in a list of chunk types (RFC 5061 §4.2.7) that we have too.
fn extensions_of(chunks: &[u8], config: &Config) -> Extensions {
    let has = |ty: ChunkType| chunks.contains(&ty.into());
    let known = [
        (has(ChunkType::Reconfig), Extensions::RECONFIG),
        (has(ChunkType::ForwardTsn), Extensions::PARTIAL_RELIABILITY),
        (has(ChunkType::NrSack), Extensions::NR_SACK),
        (has(ChunkType::Pad), Extensions::PADDING),
        (has(ChunkType::IData) && config.interleaving, Extensions::INTERLEAVING),
    ];
    known.into_iter().filter(|&(has, _)| has).fold(Extensions::default(), |all, (_, one)| all.with(one))
}

/// Appends the parameters that name what we can do.
pub(super) fn put_options(config: &Config, out: &mut Vec<u8>) {
    let known = [ChunkType::Reconfig, ChunkType::ForwardTsn, ChunkType::NrSack, ChunkType::Pad];
    let mut chunks: Vec<u8> = known.into_iter().map(u8::from).collect();
    if config.interleaving {
        chunks.extend([u8::from(ChunkType::IData), ChunkType::IForwardTsn.into()]);
    }
    put_param(out, ParamType::SupportedExtensions, &chunks);
    put_param(out, ParamType::ForwardTsnSupported, &[]);
    if config.zero_checksum {
        put_param(out, ParamType::ZeroChecksum, &EDMID_DTLS.to_be_bytes());
    }
}

/// Our INIT or INIT ACK, with `window` bytes of room.
pub(super) fn init<'a>(config: &Config, local: Local, window: usize, params: &'a [u8]) -> Init<'a> {
    Init {
        tag: local.tag,
        window: u32::try_from(window).unwrap_or(u32::MAX),
        outbound_streams: config.streams,
        inbound_streams: config.streams,
        initial_tsn: local.initial_tsn,
        params: Params::new(params),
    }
}

/// The window at first: the receive buffer, which has room for the largest message in any case.
pub(super) fn first_window(config: &Config) -> usize {
    config.receive_buffer.max(config.max_message_size.saturating_add(WINDOW_SLACK))
}

/// Our INIT chunk as it goes into a description.
pub fn described(config: &Config, local: Local) -> Vec<u8> {
    let (mut params, mut out) = (Vec::new(), Vec::new());
    put_options(config, &mut params);
    Chunk::Init(init(config, local, first_window(config), &params)).write(&mut out);
    out
}

impl Peer {
    pub(super) fn read(init: &Init<'_>, extensions: Extensions, config: &Config) -> Self {
        Self {
            tag: init.tag,
            initial_tsn: init.initial_tsn,
            window: init.window,
            // RFC 9260 §5.1.1: what one end wants to send on is cut to what the other accepts.
            outbound_streams: config.streams.min(init.inbound_streams),
            inbound_streams: config.streams.min(init.outbound_streams),
            extensions,
        }
    }

    /// Reads the peer's INIT chunk from its description.
    pub fn described(chunk: &[u8], config: &Config) -> Result<Self, InitError> {
        let Ok(Chunk::Init(init)) = parse_lone_chunk(chunk) else { return Err(InitError::Malformed) };
        if init.tag == 0 {
            return Err(InitError::NoTag);
        }
        if init.outbound_streams == 0 || init.inbound_streams == 0 {
            return Err(InitError::NoStreams);
        }
        let options = Options::read(init.params, config).map_err(|_| InitError::Malformed)?;
        Ok(Self::read(&init, options.extensions, config))
    }
}

impl Association {
    /// Our INIT chunk for the peer's eyes before the association begins: what `a=sctp-init` carries, in base64.
    #[must_use]
    pub fn init_chunk(&self) -> Vec<u8> {
        described(&self.config, self.local)
    }
}
