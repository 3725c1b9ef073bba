//! Which code point of differentiated services a datagram asks for (RFC 8837).

use crate::base::priority::Priority;

/// That of data. The association is one flow with one congestion control, so it has one code point: that of the highest
/// priority among its channels.
// RFC 8837 §5, the row of data.
pub(super) const fn of_data(priority: Priority) -> u8 {
    match priority {
        Priority::VeryLow => 8,
        Priority::Low => 0,
        Priority::Medium => 10,
        Priority::High => 18,
    }
}
