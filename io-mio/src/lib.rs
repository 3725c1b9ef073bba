//! Binds the [`purertc`] peer connection to mio sockets.
