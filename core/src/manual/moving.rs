//! Moving here from another API.
//!
//! # From the browser
//!
//! Names are W3C's, in Rust's spelling. What a browser does later, in a task of its own, is done when the call returns;
//! what it throws is an error whose `kind()` has the exception's name, and nothing has changed then.
//!
//! | browser | here | on tokio |
//! | --- | --- | --- |
//! | `new RTCPeerConnection(configuration)` | [`PeerConnection::new`](crate::PeerConnection::new), with the time and 32 random bytes | `PeerConnection::new(…).await` |
//! | `pc.createDataChannel(label, init)` | [`create_data_channel`](crate::PeerConnection::create_data_channel) gives an id | gives a handle |
//! | `await pc.setLocalDescription()` | [`set_local_description(now, None)`](crate::PeerConnection::set_local_description) | the same, `.await` |
//! | `await pc.setRemoteDescription(d)` | [`set_remote_description(now, d)`](crate::PeerConnection::set_remote_description) | the same, `.await` |
//! | `await pc.addIceCandidate(c)` | [`add_ice_candidate`](crate::PeerConnection::add_ice_candidate) | the same, `.await` |
//! | `pc.onicecandidate`, `pc.ondatachannel`, … | [`Event`](crate::Event)s of [`poll_event`](crate::PeerConnection::poll_event) | `next_event().await` |
//! | `dc.send(x)`, `dc.bufferedAmount` | [`data_channel(id)`](crate::PeerConnection::data_channel), then `send` | `send(x).await` waits for room |
//! | `dc.onmessage` | [`ChannelEvent::Message`](crate::ChannelEvent::Message) | `recv().await` |
//! | `pc.addTransceiver`, `pc.addTrack` | [`add_transceiver`](crate::PeerConnection::add_transceiver), [`add_track`](crate::PeerConnection::add_track) | |
//! | an encoder behind a track | none: [`RtpSender::write_frame`](crate::RtpSender::write_frame) takes encoded frames | |
//! | `await pc.getStats()` | [`get_stats`](crate::PeerConnection::get_stats) | |
//! | `pc.close()` | [`close(now)`](crate::PeerConnection::close); poll the farewell | `close().await` |
//!
//! Descriptions and candidates have the browser's JSON with the feature `serde`: `JSON.stringify(pc.localDescription)`
//! goes in and out as it is.
//!
//! # From str0m
//!
//! Both have no sockets and no threads. The differences:
//!
//! | str0m | here |
//! | --- | --- |
//! | `poll_output` must be drained to its `Timeout` after every change | three polls, in any order, whenever you like |
//! | `Output::Transmit`, one datagram at a time | [`poll_transmit`](crate::PeerConnection::poll_transmit) into your buffer, a run of datagrams at a time |
//! | `Input::Receive`, `Input::Timeout` | [`handle_datagrams`](crate::PeerConnection::handle_datagrams), [`handle_timeout`](crate::PeerConnection::handle_timeout) |
//! | `Instant` of the standard library | [`Instant`](crate::Instant) of ours: microseconds since an origin of yours, so that a run can be repeated |
//! | `Candidate::host`, `add_local_candidate` | [`add_local_address`](crate::PeerConnection::add_local_address); servers by URL, TURN included |
//! | `sdp_api()`, `SdpPendingOffer` | W3C's verbs and its signaling states, rollback included |
//! | `channel(id).write(binary, bytes)` is `false` when full | `send` gives the message back with the error, and [`BufferedAmountLow`](crate::ChannelEvent::BufferedAmountLow) says when to try again |
//! | messages pile up in the application's queue | messages that are not polled hold the peer back |
//! | `Writer`, `DirectApi::stream_tx` | [`RtpSender::write_frame`](crate::RtpSender::write_frame), [`write_rtp`](crate::RtpSender::write_rtp) |
//! | an `Rtc` for each socket and remote address by hand | [`Endpoint`](crate::Endpoint) routes |
//!
//! # From webrtc-rs
//!
//! | webrtc-rs | here |
//! | --- | --- |
//! | `APIBuilder`, `MediaEngine`, `SettingEngine`, `Registry` | one [`Configuration`](crate::Configuration) whose default works |
//! | `RTCPeerConnection` in an `Arc`, callbacks in boxes (`on_data_channel(Box::new(…))`) | `purertc-tokio`: handles that are cloned, events that are awaited |
//! | `data_channel.on_message(…)` | `channel.recv().await`, or `channel.messages()`, a `Stream` |
//! | `UDPMuxDefault`, one socket for all | `Endpoint`; `Endpoint::crew` for several threads behind one port |
//! | `data_channel.send(&bytes).await` does not wait for room | `channel.send(bytes).await` does |
//! | `detach` for streams | `channel.into_stream()`: `AsyncRead` and `AsyncWrite` |
//! | `TrackLocalStaticSample`, `TrackLocalStaticRTP` | [`write_frame`](crate::RtpSender::write_frame), [`write_rtp`](crate::RtpSender::write_rtp) |
//! | `track_remote.read_rtp()` | events; [`Delivery`](crate::Delivery) says whether as frames or as packets |
//! | tasks for each of its layers | one task for each connection |
