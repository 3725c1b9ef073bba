//! Pure-Rust cryptography that takes all its randomness from the connection.
