//! Binds the [`purertc`] peer connection to tokio sockets.
