//! A hash map whose seed comes from the connection and whose order nobody can see.
//!
//! Used where a network chooses the keys (addresses, user fragments): the seed keeps a sender from choosing
//! keys that collide, and because nothing can iterate, the order of the table never reaches a packet.

use crate::base::random::Rng;
use std::borrow::Borrow;
#[expect(clippy::disallowed_types, reason = "wrapped here: seeded by the connection, never iterated")]
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

/// A map with seeded hashing and no iteration.
#[derive(Debug)]
pub struct SeededMap<K, V> {
    #[expect(clippy::disallowed_types, reason = "wrapped here: seeded by the connection, never iterated")]
    inner: HashMap<K, V, Seed>,
}

impl<K: Eq + Hash, V> SeededMap<K, V> {
    /// An empty map with a seed from `rng`.
    #[must_use]
    #[expect(clippy::disallowed_types, reason = "wrapped here: seeded by the connection, never iterated")]
    pub fn new(rng: &mut Rng) -> Self {
        Self { inner: HashMap::with_hasher(Seed(rng.secret_u64(), rng.secret_u64())) }
    }

    /// Puts `value` under `key`; what was there before comes back.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.inner.insert(key, value)
    }

    /// What is under `key`.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.inner.get(key)
    }

    /// What is under `key`.
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.inner.get_mut(key)
    }

    /// Takes out what is under `key`.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.inner.remove(key)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

#[derive(Clone, Copy, Debug)]
struct Seed(u64, u64);

impl BuildHasher for Seed {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer { state: self.0, key: self.1 }
    }
}

/// Folds words by a keyed 64 × 64 → 128 bit multiplication, the scheme of wyhash: not a cryptographic hash,
/// but without both halves of the seed a sender cannot steer it, and it costs a few nanoseconds a key.
#[derive(Debug)]
struct Mixer {
    state: u64,
    key: u64,
}

impl Mixer {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.key | 1);
        self.state = (product as u64) ^ (product >> 64) as u64 ^ self.key;
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.fold(chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        let rest = chunks.remainder();
        self.fold(rest.iter().fold(rest.len() as u64 + 1, |word, &byte| word << 8 | u64::from(byte)));
    }

    fn write_u8(&mut self, n: u8) {
        self.fold(u64::from(n));
    }

    fn write_u16(&mut self, n: u16) {
        self.fold(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.fold(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.fold(n as u64);
    }

    fn finish(&self) -> u64 {
        let product = u128::from(self.state) * u128::from(self.key | 1);
        (product as u64) ^ (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::SeededMap;
    use crate::base::random::Rng;

    #[test]
    fn finds_what_was_put() {
        let mut map = SeededMap::new(&mut Rng::from_number(3));
        for n in 0..1_000u32 {
            assert_eq!(map.insert(n.to_string(), n), None);
        }
        assert_eq!(map.get(&"77".to_string()), Some(&77));
        assert_eq!(map.remove(&"77".to_string()), Some(77));
        assert_eq!(map.get(&"77".to_string()), None);
        assert_eq!(map.len(), 999);
    }
}
