//! What both sides of a DTLS 1.2 handshake do alike.

use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::handshake::Context;
use crate::transport::dtls::records::Keys;
use crate::transport::dtls::schedule12::Master;
use crate::wire::dtls::extension::Extension;
use crate::wire::dtls::message12::{Finished, Message12};
use subtle::ConstantTimeEq as _;

/// How often a server may ask for a cookie. Once is usual, twice when its secret changed in between.
pub(super) const MAX_COOKIES: u8 = 3;

/// Sends `ChangeCipherSpec` and `Finished`.
pub(super) fn finish(cx: &mut Context, master: &Master, label: &[u8], write: Keys) -> Result<(), Failure> {
    let hash = cx.transcript.hash(&cx.config.crypto, master.suite().hash).map_err(Failure::Crypto)?;
    let verify_data = master.verify_data(label, &hash).map_err(Failure::Crypto)?.to_vec();
    cx.change_keys(write);
    cx.send(&Message12::Finished(Finished { verify_data }));
    Ok(())
}

/// Checks the peer's `Finished` in constant time.
pub(super) fn check_finished(
    cx: &Context,
    master: &Master,
    label: &[u8],
    finished: &Finished,
) -> Result<(), Failure> {
    let hash = cx.transcript.hash_before_received(&cx.config.crypto, master.suite().hash);
    let expected = master.verify_data(label, &hash.map_err(Failure::Crypto)?).map_err(Failure::Crypto)?;
    if bool::from(expected.ct_eq(&finished.verify_data)) { Ok(()) } else { Err(Failure::BadFinished) }
}

/// The error of a message that has no place.
pub(super) fn unexpected(expected: &'static str, got: &Message12) -> Failure {
    Failure::UnexpectedMessage { expected, got: got.kind() }
}

/// Checks what a peer says about the points that it can read (RFC 8422 §5.1.2): uncompressed must be there.
pub(super) fn check_point_formats(extension: &Extension) -> Result<(), Failure> {
    match extension {
        Extension::EcPointFormats(formats) if !formats.contains(&0) => {
            Err(Failure::IllegalParameter("list of point formats"))
        }
        _ => Ok(()),
    }
}
