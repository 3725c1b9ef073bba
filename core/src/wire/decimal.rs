//! Numbers as texts write them: digits, and nothing else.

/// The number that `text` is, where it fits. `str::parse` would take a plus sign, too.
pub(in crate::wire) fn decimal<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let digit = |c: u8| Some(c.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let shifted = |number: u64, c| number.checked_mul(10)?.checked_add(digit(c)?.into());
    let number = text.bytes().try_fold(0, shifted).filter(|_| !text.is_empty())?;
    T::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn digits_alone_are_numbers() {
        assert_eq!((decimal("0"), decimal("0255")), (Some(0_u8), Some(255_u8)));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal::<u8>("256"), None);
        for text in ["", "+1", "-1", "1 ", "0x1", "18446744073709551616", "١"] {
            assert_eq!(decimal::<u64>(text), None, "{text}");
        }
    }
}
