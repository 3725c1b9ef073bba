//! Shared helpers of the tests that span packages.

pub mod browser;
pub mod coturn;
pub mod demo;
pub mod interop;
pub mod lines;
pub mod pages;
