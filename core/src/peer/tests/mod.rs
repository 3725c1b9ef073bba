//! The connection as its application sees it: states by table, events in order.

mod golden;
#[cfg(feature = "serde")]
mod json;
mod tables;
