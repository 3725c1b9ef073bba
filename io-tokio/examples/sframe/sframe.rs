//! SFrame (RFC 9605) with AES_128_GCM_SHA256_128: what an encoder gave becomes what only those with the key can read.
//!
//! It stands between encoder and `write_frame`, and between `Event::Frame` and decoder: the frame passes through the
//! application's hands there, and whatever it makes of it travels.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

/// The suite's number, and bytes of its keys, nonces and tags.
const SUITE: u16 = 4;
const KEY_LEN: usize = 16;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// One key, under its number.
pub(crate) struct Key {
    id: u64,
    key: LessSafeKey,
    salt: [u8; NONCE_LEN],
}

/// How much of a derived secret is wanted.
struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

impl Key {
    /// RFC 9605 §4.4.2.
    pub(crate) fn new(id: u64, base: &[u8]) -> Result<Self, Unspecified> {
        let secret = Salt::new(HKDF_SHA256, &[]).extract(base);
        let (mut key, mut salt) = ([0; KEY_LEN], [0; NONCE_LEN]);
        let derive = |what: &[u8], out: &mut [u8]| {
            let info = [b"SFrame 1.0 Secret ", what, b" ", &id.to_be_bytes(), &SUITE.to_be_bytes()];
            secret.expand(&info, Len(out.len()))?.fill(out)
        };
        derive(b"key", &mut key)?;
        derive(b"salt", &mut salt)?;
        Ok(Self { id, key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?), salt })
    }

    fn nonce(&self, counter: u64) -> Nonce {
        let mut nonce = self.salt;
        nonce[NONCE_LEN - 8..].iter_mut().zip(counter.to_be_bytes()).for_each(|(n, c)| *n ^= c);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals a frame, of which `clear` is bound to it and stays readable. A counter is used once.
    pub(crate) fn seal(&self, counter: u64, clear: &[u8], frame: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut sealed = header(self.id, counter);
        let aad = [&sealed[..], clear].concat();
        let mut body = frame.to_vec();
        self.key.seal_in_place_append_tag(self.nonce(counter), Aad::from(aad), &mut body)?;
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what `seal` made with the same key and the same `clear`.
    pub(crate) fn open(&self, clear: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (id, counter, len) = parse_header(sealed).ok_or(Unspecified)?;
        let (head, body) = sealed.split_at(len);
        if id != self.id || body.len() < TAG_LEN {
            return Err(Unspecified);
        }
        let mut body = body.to_vec();
        let aad = Aad::from([head, clear].concat());
        self.key.open_in_place(self.nonce(counter), aad, &mut body)?;
        body.truncate(body.len() - TAG_LEN);
        Ok(body)
    }
}

/// RFC 9605 §4.3: numbers below 8 in three bits each, others in as many bytes as they need.
fn header(id: u64, counter: u64) -> Vec<u8> {
    let mut out = vec![0];
    let mut field = |number: u64, shift: u8| {
        let bytes = number.to_be_bytes();
        let len = (8 - number.leading_zeros() as usize / 8).max(1);
        out[0] |= if number < 8 { number as u8 } else { 8 | (len as u8 - 1) } << shift;
        out.extend_from_slice(if number < 8 { &[] } else { &bytes[8 - len..] });
    };
    field(id, 4);
    field(counter, 0);
    out
}

/// The numbers, and bytes of the header.
fn parse_header(sealed: &[u8]) -> Option<(u64, u64, usize)> {
    let (&first, mut rest) = sealed.split_first()?;
    let mut field = |bits: u8| {
        if bits & 8 == 0 {
            return Some(u64::from(bits & 7));
        }
        let (bytes, tail) = rest.split_at_checked(usize::from(bits & 7) + 1)?;
        rest = tail;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let (id, counter) = (field(first >> 4)?, field(first & 15)?);
    Some((id, counter, sealed.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::{Key, header, parse_header};

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).expect("hexadecimal") as u8).collect();
        digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()
    }

    /// RFC 9605 appendix C.1.
    #[test]
    fn headers_are_those_of_the_rfc() {
        for (id, counter, expected) in [
            (0, 0, "00"),
            (0, 1, "01"),
            (0, 0xff, "08ff"),
            (0, 0x100, "090100"),
            (0xff, 0, "80ff"),
            (0x100, 0x100, "9901000100"),
        ] {
            assert_eq!(header(id, counter), bytes(expected));
            assert_eq!(parse_header(&bytes(expected)), Some((id, counter, expected.len() / 2)));
        }
        assert_eq!(parse_header(&[0x0f, 1]), None);
        assert_eq!(parse_header(&[]), None);
    }

    /// RFC 9605 appendix C.3, of this suite.
    #[test]
    fn a_frame_is_sealed_as_in_the_rfc() {
        let key = Key::new(0x123, &bytes("000102030405060708090a0b0c0d0e0f")).unwrap();
        let (clear, frame) =
            (bytes("4945544620534672616d65205747"), bytes("64726166742d696574662d736672616d652d656e63"));
        let sealed = key.seal(0x4567, &clear, &frame).unwrap();
        let expected = "9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb";
        assert_eq!(sealed, bytes(expected));
        assert_eq!(key.open(&clear, &sealed).unwrap(), frame);
        let mut forged = sealed.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert!(key.open(&clear, &forged).is_err() && key.open(&frame, &sealed).is_err());
        assert!((0..sealed.len()).all(|len| key.open(&clear, &sealed[..len]).is_err()));
    }
}
