//! What the W3C documents name: enums with their string values, and the kinds of errors.

use std::fmt;
use thiserror::Error;

/// A string that is none of an enum's values (a `TypeError` in the browser).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{value}\" is not a value of {of}")]
pub struct UnknownValue {
    /// The enum's name.
    pub of: &'static str,
    /// What was given.
    pub value: String,
}

/// Declares an enum with the string values that W3C gives it: `as_str`, `Display`, `FromStr`, `ALL` and, under
/// the feature, `serde`.
#[macro_export]
macro_rules! w3c_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$value_meta:meta])* $value:ident = $text:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        $vis enum $name {
            $($(#[$value_meta])* #[cfg_attr(feature = "serde", serde(rename = $text))] $value),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The W3C string.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::base::w3c::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::base::w3c::UnknownValue { of: stringify!($name), value: text.to_owned() }
                })
            }
        }
    };
}

/// The name of the exception that a browser would throw. Every public error has a `kind()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `InvalidStateError`
    InvalidState,
    /// `InvalidAccessError`
    InvalidAccess,
    /// `InvalidModificationError`
    InvalidModification,
    /// `OperationError`, `RTCError` among them
    Operation,
    /// `TypeError`
    Type,
    /// `RangeError`
    Range,
    /// `SyntaxError`
    Syntax,
    /// `NotSupportedError`
    NotSupported,
    /// `InvalidCharacterError`
    InvalidCharacter,
    /// `NotFoundError`
    NotFound,
    /// `NotReadableError`
    NotReadable,
    /// `UnknownError`
    Unknown,
}

impl ErrorKind {
    /// The exception's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidState => "InvalidStateError",
            Self::InvalidAccess => "InvalidAccessError",
            Self::InvalidModification => "InvalidModificationError",
            Self::Operation => "OperationError",
            Self::Type => "TypeError",
            Self::Range => "RangeError",
            Self::Syntax => "SyntaxError",
            Self::NotSupported => "NotSupportedError",
            Self::InvalidCharacter => "InvalidCharacterError",
            Self::NotFound => "NotFoundError",
            Self::NotReadable => "NotReadableError",
            Self::Unknown => "UnknownError",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    w3c_enum! {
        /// For the test.
        pub enum Colour { LightBlue = "light-blue", Red = "red" }
    }

    #[test]
    fn strings_go_both_ways() {
        for &value in Colour::ALL {
            assert_eq!(value.to_string().parse(), Ok(value));
        }
        let error = "LightBlue".parse::<Colour>().unwrap_err();
        assert_eq!(error.to_string(), "\"LightBlue\" is not a value of Colour");
    }
}
