//! Registries of codepoints that keep what they do not know.

/// Declares an enum over an integer whose unknown values round-trip as `Unknown(n)`.
///
/// No parser rejects a codepoint for being unknown; what to do with it is the state machine's decision.
#[macro_export]
macro_rules! registry {
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $int:ty {
        $($(#[$value_meta:meta])* $value:ident = $code:expr),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$value_meta])* $value,)+
            /// A codepoint that this build has no name for.
            Unknown($int),
        }

        impl From<$int> for $name {
            fn from(code: $int) -> Self {
                match code {
                    $($code => Self::$value,)+
                    other => Self::Unknown(other),
                }
            }
        }

        impl From<$name> for $int {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$value => $code,)+
                    $name::Unknown(code) => code,
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    registry! {
        enum Colour: u8 { Red = 1, Blue = 7 }
    }

    #[test]
    fn every_code_round_trips() {
        for code in 0..=u8::MAX {
            assert_eq!(u8::from(Colour::from(code)), code);
        }
        assert_eq!(Colour::from(1), Colour::Red);
        assert_eq!(Colour::from(7), Colour::Blue);
        assert_eq!(Colour::from(2), Colour::Unknown(2));
    }
}
