//! Whether there is something to negotiate (webrtc-pc §4.7.3).

use crate::signaling::content::Content;
use crate::signaling::rtp::RtpContent;
use crate::signaling::session::Session;
use crate::signaling::slots::Applied;
use crate::signaling::state::SdpType;
use crate::signaling::transceiver::{Life, Transceiver};

impl Session {
    /// Whether what the local side wants differs from what was negotiated. The flag and its event are the owner's,
    /// and so is asking only in `stable`.
    ///
    /// `data_wanted`: a data channel was ever created. `restart_wanted`: an ICE restart is due.
    #[must_use]
    pub fn is_negotiation_needed(&self, data_wanted: bool, restart_wanted: bool) -> bool {
        let has_data = |content: &Content| content.sections.iter().any(|section| section.data.is_some());
        // A data section that was rejected was negotiated, too: asking again and again would not help.
        let negotiated = self.slots.local.current.as_ref().is_some_and(|local| has_data(&local.content));
        restart_wanted
            || data_wanted && !negotiated
            || self.transceivers.iter().any(|transceiver| self.needs_negotiation(transceiver))
    }

    fn needs_negotiation(&self, transceiver: &Transceiver) -> bool {
        match transceiver.life {
            Life::Stopping => return true,
            // One that ended is gone with the answer that ended it.
            Life::Stopped => return false,
            Life::Live => {}
        }
        let (Some(local), Some(remote)) = (&self.slots.local.current, &self.slots.remote.current) else {
            return true;
        };
        let (Some(ours), Some(theirs)) = (rtp_of(local, transceiver), rtp_of(remote, transceiver)) else {
            return true;
        };
        if transceiver.direction.sends() && !says_streams(ours, &transceiver.sender.streams) {
            return true;
        }
        let wanted = transceiver.direction;
        if local.description.kind == SdpType::Offer {
            wanted != ours.direction && wanted != theirs.direction.reversed()
        } else {
            ours.direction != wanted.intersect(theirs.direction.reversed())
        }
    }
}

fn rtp_of<'a>(applied: &'a Applied, transceiver: &Transceiver) -> Option<&'a RtpContent> {
    applied.content.sections.get(transceiver.section()?)?.rtp.as_deref()
}

/// Whether `a=msid` lines are there and name these streams, in whatever order.
fn says_streams(rtp: &RtpContent, streams: &[String]) -> bool {
    rtp.streams
        .as_ref()
        .is_some_and(|said| said.len() == streams.len() && streams.iter().all(|stream| said.contains(stream)))
}
