//! One suite of known answers and cross checks that every provider passes.
