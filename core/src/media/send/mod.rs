//! What happens to the packets of one stream that we send.

pub mod guard;
pub mod history;
pub mod pacer;
pub(super) mod stream;
pub(super) mod tone;
