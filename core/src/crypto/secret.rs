//! Bytes that wipe themselves and are never printed.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Secret bytes: keys, key blocks, exported keying material. Wiped when dropped, printed as `…`.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes `bytes` into its keeping.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// `len` zeros, to be filled through [`as_mut_bytes`](Self::as_mut_bytes). Its buffer never moves, so
    /// nothing is left behind by growing.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self(vec![0; len])
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be filled in.
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_not_printed() {
        let mut secret = Secret::zeros(2);
        secret.as_mut_bytes().copy_from_slice(b"hi");
        assert_eq!(secret.as_bytes(), b"hi");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
