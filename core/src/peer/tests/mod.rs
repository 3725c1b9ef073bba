//! The connection as its application sees it: states by table, events in order.

mod defaults;
#[expect(clippy::redundant_closure_for_method_calls, reason = "all rows read alike")]
mod errors;
mod golden;
#[cfg(feature = "serde")]
mod json;
mod tables;
