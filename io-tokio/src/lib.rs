//! Binds the [`purertc`] peer connection to tokio sockets: WebRTC data channels as cloneable async handles.
//!
//! ```
//! use purertc_tokio::{Configuration, Event, PeerConnection};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let settings = || purertc_tokio::Settings::from(Configuration::default()).with_loopback();
//! let alice = PeerConnection::new(settings()).await?; // or Configuration::default()
//! let bob = PeerConnection::new(settings()).await?;
//!
//! let chat = alice.create_data_channel("chat", Default::default())?;
//! alice.set_local_description(None).await?; // an offer
//! alice.gathering_complete().await;
//! bob.set_remote_description(alice.local_description().expect("just set")).await?;
//! bob.set_local_description(None).await?; // an answer
//! bob.gathering_complete().await;
//! alice.set_remote_description(bob.local_description().expect("just set")).await?;
//!
//! chat.send_text("hello").await?; // waits until the channel is open
//! while let Some(event) = bob.next_event().await {
//!     if let Event::DataChannel(channel) = event {
//!         let message = channel.recv().await.expect("alice sent something");
//!         assert_eq!(&message.data[..], b"hello");
//!         break;
//!     }
//! }
//! alice.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! One task, the driver, owns the sockets of a connection, or of an [`Endpoint`] with many. The protocols are the pure state
//! machine of [`purertc`], behind a mutex that is held for one call at a time, never across an `.await` and never across a
//! system call. A verb takes it, does what it says, and nudges the driver; there is no channel between the two on which
//! commands could queue up or answers get lost. Other connections have other tasks and other locks, unless they share an
//! endpoint.
//!
//! # Cancel safety
//!
//! Every `async` method may be dropped before it is done, as `tokio::select!` does. What waits has then not
//! happened: a message was not sent, no message was taken. What was done is done: verbs that do not wait for
//! anything complete on their first poll.
//!
//! | method | dropped before it is done |
//! | --- | --- |
//! | [`DataChannel::send`], [`send_text`](DataChannel::send_text), [`send_message`](DataChannel::send_message) | the message was not sent |
//! | [`DataChannel::recv`], [`PeerConnection::next_event`] | nothing was taken; the next call gets it |
//! | [`DataChannel::opened`], [`drained`](DataChannel::drained), [`closed`](DataChannel::closed) | nothing; they only look |
//! | [`PeerConnection::gathering_complete`], [`connected`](PeerConnection::connected), [`wait_for`](PeerConnection::wait_for) | nothing; they only look |
//! | [`PeerConnection::close`], [`Endpoint::close`] | closing goes on, once it was polled |
//! | [`PeerConnection::new`], [`Endpoint::new`], [`Endpoint::crew`], descriptions and candidates | done on the first poll, or not begun |
//!
//! [`EventStream`], [`MessageStream`] and [`MessageSink`] are the same for code that is written for `futures`;
//! [`DataChannelStream`] is for code that speaks in bytes.
//!
//! # The operations chain
//!
//! W3C queues `createOffer`, `setLocalDescription` and the like behind one another. Here each is done whole on its first
//! poll, under the connection's lock: none is ever half done, none waits for another, and those that tasks poll at the
//! same time are done one after the other, in the order in which they come to the lock. A future that was dropped before
//! its first poll has done nothing.
//!
//! # Reading slowly
//!
//! Messages that wait to be read are bounded, and nothing is thrown away. [`Settings::receive_buffer`] bytes wait
//! in the channels of a connection together, then as much in the connection's receive window, then in the peer,
//! whose sends wait in turn. The window is one for all channels, as SCTP has it, so a channel that is never read
//! delays the others once it has used up both. Drop channels that are of no interest: what is dropped is closed,
//! and what still comes is discarded.
//!
//! What the connection itself has to tell (states, candidates) does not wait behind messages that nobody reads.
//! Events wait too, though. Someone who has once called [`PeerConnection::next_event`] gets every event; once 1,024 of
//! them wait, the others stay in the connection, and messages with them, until some are read. For someone who never asked, the
//! oldest are forgotten: every state can be asked for, and waited for, by itself.
//!
//! Audio and video cannot wait: what nobody reads in time is refused like what a network loses, 16 MiB behind. They come
//! as events; a program that reads none never holds up anything by them.
//!
//! # The end
//!
//! A connection lives until [`PeerConnection::close`], or until its last handle is dropped: every
//! [`PeerConnection`], [`DataChannel`] and [`DataChannelStream`] is one. `close` is abrupt, as in browsers. After
//! the last drop what was sent still goes out, for at most [`Settings::linger`]; then the peer is told and the
//! sockets close.

mod channel;
mod clock;
mod connection;
mod driver;
mod endpoint;
mod error;
mod event;
mod media;
mod objects;
mod operations;
mod runtime;
mod sequences;
mod settings;
mod state;
mod stream;
mod wakers;

pub use channel::DataChannel;
pub use connection::PeerConnection;
pub use endpoint::Endpoint;
pub use error::{ChannelClosed, ConnectionLost, SendError, SetupError};
pub use event::Event;
pub use sequences::{EventStream, MessageSink, MessageStream};
pub use settings::Settings;
pub use stream::DataChannelStream;

pub use purertc;
pub use purertc::{
    AnswerOptions, Configuration, DataChannelInit, DataChannelState, DtlsTransportState, IceCandidateError,
    IceCandidateInit, IceConnectionState, IceGatheringState, IceServer, IceTransportPolicy,
    IceTransportState, LocalDescriptionInit, Message, MessageKind, OfferOptions, PeerConnectionState,
    Priority, SctpTransportState, SdpType, SessionDescription, SignalingState, TransportId,
};
pub use purertc_mio::net::{
    Exchanged, IdentityGateway, Marking, PortUse, Resolver, Share, SocketSettings, TlsSettings,
};
