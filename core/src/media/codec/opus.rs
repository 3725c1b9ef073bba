//! Opus (RFC 7587): one packet of the encoder is one payload. What is here reads its first byte (RFC 6716 §3.1).

/// Samples at 48 kHz in a packet of the encoder, by its table-of-contents byte. `None` when the packet is empty or
/// claims more than 120 ms.
#[must_use]
pub fn duration(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    // RFC 6716 table 2: four durations for SILK, two for hybrid, four for CELT.
    let frame = match toc >> 3 {
        silk @ 0..=11 => [480, 960, 1_920, 2_880][usize::from(silk & 3)],
        hybrid @ 12..=15 => [480, 960][usize::from(hybrid & 1)],
        celt => [120, 240, 480, 960][usize::from(celt & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    // RFC 6716 §3.4, requirement 5.
    (count > 0 && count * frame <= 5_760).then_some(count * frame)
}

/// Whether the packet says that there was nothing to say (discontinuous transmission).
#[must_use]
pub const fn is_silence(packet: &[u8]) -> bool {
    packet.len() <= 2
}
