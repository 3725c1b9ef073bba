//! Wrappers that print less than they hold.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Prints a value as `…`, in logs and in `Debug` output.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Prints an address with its host part hidden: enough to tell families and ports apart, not people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiddenHost(pub SocketAddr);

impl fmt::Display for HiddenHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.ip() {
            IpAddr::V4(ip) => write!(f, "{}.x.x.x:{}", ip.octets()[0], self.0.port()),
            IpAddr::V6(ip) => write!(f, "[{:x}:x]:{}", ip.segments()[0], self.0.port()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HiddenHost, Redacted};

    #[test]
    fn what_is_hidden_stays_hidden() {
        assert_eq!(format!("{0} {0:?}", Redacted("password")), "… …");
        assert_eq!(HiddenHost("192.0.2.7:80".parse().unwrap()).to_string(), "192.x.x.x:80");
        assert_eq!(HiddenHost("[2001:db8::1]:80".parse().unwrap()).to_string(), "[2001:x]:80");
    }
}
