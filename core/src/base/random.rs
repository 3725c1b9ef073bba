//! The connection's one source of randomness.
//!
//! A seed goes in once: 32 bytes from the operating system in an adapter, a number in a simulation. Secrets
//! (keys, passwords, cookies, initial sequence numbers) come from ChaCha20; jitter, which nobody must be
//! unable to guess, comes from a small generator of its own, so that drawing one never shifts the other.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _, TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::fmt;

/// A seeded generator with one stream for secrets and one for jitter.
///
/// As a `rand_core` generator it yields the secret stream, so that cryptographic crates can draw from it.
///
/// Between draws only the seed and the place in its stream are kept, not the blocks that a draw makes: a connection has ten
/// generators, and hardly ever uses one.
#[cfg_attr(test, derive(Clone))]
pub struct Rng {
    seed: [u8; 32],
    /// Words of the stream that were used.
    used: u64,
    jitter: u64,
}

impl Rng {
    /// A generator from 32 bytes that must be unguessable wherever a network can see the result.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let mut rng = Self { seed, used: 0, jitter: 0 };
        rng.jitter = rng.secret_u64();
        rng
    }

    /// Draws from the stream of secrets.
    fn draw<T>(&mut self, draw: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
        let mut secrets = ChaCha20Rng::from_seed(self.seed);
        secrets.set_word_pos(self.used.into());
        let drawn = draw(&mut secrets);
        // Of a stream of 2^68 words nobody uses 2^64.
        self.used = secrets.get_word_pos() as u64;
        drawn
    }

    /// A generator for tests and simulations: the same number gives the same bytes, and anyone can guess them.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        Self::from_seed(seed)
    }

    /// A generator of its own for a part, seeded from this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.secret_bytes())
    }

    /// Fills `out` with unguessable bytes.
    pub fn fill_secret(&mut self, out: &mut [u8]) {
        self.draw(|secrets| secrets.fill_bytes(out));
    }

    /// `N` unguessable bytes.
    #[must_use]
    pub fn secret_bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill_secret(&mut out);
        out
    }

    /// An unguessable 32-bit number.
    #[must_use]
    pub fn secret_u32(&mut self) -> u32 {
        self.draw(ChaCha20Rng::next_u32)
    }

    /// An unguessable 64-bit number.
    #[must_use]
    pub fn secret_u64(&mut self) -> u64 {
        self.draw(ChaCha20Rng::next_u64)
    }

    /// `len` unguessable characters of `alphabet`, each with the same probability.
    ///
    /// # Panics
    ///
    /// When `alphabet` is empty or longer than 256: it is a constant of the caller.
    #[must_use]
    pub fn secret_text(&mut self, alphabet: &[u8], len: usize) -> String {
        assert!((1..=256).contains(&alphabet.len()));
        // Bytes at or above the largest multiple of the alphabet's length would favour its first characters.
        let limit = 256 - 256 % alphabet.len();
        self.draw(|secrets| {
            let mut out = String::with_capacity(len);
            while out.len() < len {
                let mut byte = [0];
                secrets.fill_bytes(&mut byte);
                let byte = usize::from(byte[0]);
                if byte < limit {
                    out.push(char::from(alphabet[byte % alphabet.len()]));
                }
            }
            out
        })
    }

    /// A number that may be guessed, for spreading timers.
    #[must_use]
    pub fn jitter(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.jitter = self.jitter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.jitter;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..1` that may be guessed.
    #[must_use]
    pub fn jitter_unit(&mut self) -> f64 {
        (self.jitter() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.secret_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.secret_u64())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill_secret(out);
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    #[test]
    fn jitter_does_not_shift_secrets() {
        let (mut a, mut b) = (Rng::from_number(7), Rng::from_number(7));
        let _ = (b.jitter(), b.jitter_unit());
        assert_eq!(a.secret_u64(), b.secret_u64());
        assert_ne!(a.fork().secret_u64(), Rng::from_number(7).secret_u64());
    }

    #[test]
    fn draws_of_any_size_go_on_in_one_stream() {
        let mut stream = ChaCha20Rng::from_seed([9; 32]);
        let mut rng = Rng::from_seed([9; 32]);
        assert_eq!(rng.jitter, stream.next_u64());
        for n in 0..200 {
            let (mut ours, mut theirs) = (vec![0; n % 70], vec![0; n % 70]);
            rng.fill_secret(&mut ours);
            stream.fill_bytes(&mut theirs);
            assert_eq!(ours, theirs);
            assert_eq!((rng.secret_u32(), rng.secret_u64()), (stream.next_u32(), stream.next_u64()));
        }
    }

    #[test]
    fn text_uses_its_whole_alphabet() {
        let text = Rng::from_number(1).secret_text(b"abc", 300);
        assert_eq!(text.len(), 300);
        assert!(b"abc".iter().all(|&c| text.bytes().filter(|&t| t == c).count() > 60));
    }

    #[test]
    fn nothing_is_printed() {
        assert_eq!(format!("{:?}", Rng::from_number(1)), "Rng(…)");
    }
}
