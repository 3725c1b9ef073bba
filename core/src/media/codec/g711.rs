//! G.711 and G.722 (RFC 3551 §4.5): samples without a header. What is here counts them.

/// Ticks of the 8 kHz RTP clock in a payload: for PCMU and PCMA a byte is a sample. G.722 has 16,000 samples a second
/// and two of them in a byte, and its RTP clock is 8 kHz all the same (RFC 3551 §4.5.2), so a byte is a tick there,
/// too.
#[must_use]
pub fn duration(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).unwrap_or(u32::MAX)
}
