//! MD5, for the one place that still needs it: the keys of STUN's long-term credentials (RFC 8489 §9.2.2).
//!
//! It stands apart from the providers: nobody may rely on it, and a library without it is none the worse.

use md5::{Digest as _, Md5};

/// The digest of `data`.
#[must_use]
pub fn digest(data: &[u8]) -> [u8; 16] {
    Md5::digest(data).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn rfc_1321() {
        let hex = |data: &[u8]| data.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&super::digest(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(&super::digest(b"message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}
