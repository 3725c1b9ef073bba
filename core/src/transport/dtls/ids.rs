//! Connection ids (RFC 9146, RFC 9147 §9): which ones our side has asked for, and which ones the peer gave us to
//! spare. The one that our records carry stands with the keys that they are sealed with.

use crate::base::random::Rng;
use crate::transport::dtls::alert::Failure;
use crate::wire::dtls::connection_id::{ConnectionId, USUAL_ID_LEN};
use crate::wire::dtls::extension::{Extension, Extensions};
use crate::wire::dtls::message13::{NewConnectionId, Usage};
use crate::wire::dtls::unified::Header;
use std::collections::VecDeque;

/// Ids of ours that are good at a time: the peer asks for more in vain.
const MOST_OURS: usize = 8;
/// Ids that we keep of the peer's, besides the one in use. Two paths may change before it gives us new ones.
const MOST_SPARE: usize = 2;
/// How often to draw until an id is none of the others. Of one byte, the shortest, eight are in use at most.
const MOST_DRAWS: usize = 16;

/// What a record's id, or the lack of one, means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// It is for us.
    Fits,
    /// It lacks the id that was agreed on.
    Missing,
    /// It names another connection.
    Foreign,
}

/// The ids that the peer may put on its records.
#[derive(Debug)]
enum Ours {
    /// None.
    Unused,
    /// A hello of ours asks for it.
    Offered(ConnectionId),
    /// Agreed on; from the second on given later, in this order. `in_use` is the place of the newest that was seen.
    Agreed { ids: Vec<ConnectionId>, in_use: usize },
}

#[derive(Debug)]
pub(super) struct Ids {
    /// How long ours are; `None`: the extension is not spoken.
    len: Option<usize>,
    ours: Ours,
    spare: VecDeque<ConnectionId>,
}

impl Ids {
    pub(super) fn new(len: Option<u8>) -> Self {
        let len = len.map(|len| usize::from(len).min(USUAL_ID_LEN));
        Self { len, ours: Ours::Unused, spare: VecDeque::new() }
    }

    /// How long the ids are that the peer's records may carry.
    pub(super) fn our_len(&self) -> usize {
        self.len.unwrap_or(0)
    }

    /// What a client's hello says.
    pub(super) fn offer(&mut self, rng: &mut Rng) -> Option<Extension> {
        let id = self.draw(rng)?;
        self.ours = Ours::Offered(id.clone());
        Some(Extension::ConnectionId(id))
    }

    /// What a server answered to our offer; the id for our records comes back.
    pub(super) fn accept(&mut self, answer: &Extensions) -> ConnectionId {
        match (std::mem::replace(&mut self.ours, Ours::Unused), find(answer)) {
            (Ours::Offered(ours), Some(theirs)) => {
                self.agree(ours);
                theirs.clone()
            }
            _ => ConnectionId::default(),
        }
    }

    /// What a server answers to a client's offer, and the id for our records.
    pub(super) fn answer(&mut self, offer: &Extensions, rng: &mut Rng) -> Option<(Extension, ConnectionId)> {
        let theirs = find(offer)?.clone();
        let ours = self.draw(rng)?;
        self.agree(ours.clone());
        Some((Extension::ConnectionId(ours), theirs))
    }

    fn agree(&mut self, id: ConnectionId) {
        // RFC 9146 §3: an empty one says that none is wanted.
        self.ours = if id.is_empty() { Ours::Unused } else { Ours::Agreed { ids: vec![id], in_use: 0 } };
    }

    fn draw(&self, rng: &mut Rng) -> Option<ConnectionId> {
        let mut bytes = [0; USUAL_ID_LEN];
        let bytes = &mut bytes[..self.len?];
        for _ in 0..MOST_DRAWS {
            rng.fill_secret(bytes);
            let id = ConnectionId::new(bytes);
            if !self.ours().contains(&id) {
                return Some(id);
            }
        }
        None
    }

    /// The ids that were agreed on for the peer's records.
    pub(super) fn ours(&self) -> &[ConnectionId] {
        match &self.ours {
            Ours::Agreed { ids, .. } => ids,
            Ours::Unused | Ours::Offered(_) => &[],
        }
    }

    /// Whether a record is for us. `is_named`: a record before it in its datagram was.
    pub(super) fn check(&self, header: &Header, is_named: bool) -> Naming {
        let (id, may_omit) = match header {
            // RFC 9146 §4: what is not sealed carries none.
            Header::Long(header) if header.epoch == 0 => return Naming::Fits,
            Header::Long(_) => (None, false),
            Header::Identified(header) => (Some(&header.id), false),
            // RFC 9147 §4: it must be in every datagram.
            Header::Unified(header) => (header.connection_id.as_ref(), is_named),
        };
        match (id, &self.ours) {
            (Some(id), Ours::Offered(ours)) if id == ours => Naming::Fits,
            (Some(id), Ours::Agreed { ids, .. }) if ids.contains(id) => Naming::Fits,
            (Some(_), _) => Naming::Foreign,
            (None, Ours::Agreed { .. }) if !may_omit => Naming::Missing,
            (None, _) => Naming::Fits,
        }
    }

    /// An authentic record carried this id: those before it are not used any more, but for the last.
    pub(super) fn note_use(&mut self, header: &Header) {
        let Header::Unified(header) = header else { return };
        let (Some(id), Ours::Agreed { ids, in_use }) = (&header.connection_id, &mut self.ours) else {
            return;
        };
        if ids.get(*in_use) == Some(id) {
            return;
        }
        if let Some(at) = ids.iter().position(|known| known == id).filter(|at| at > in_use) {
            ids.drain(*in_use + 1..at);
            ids.drain(..*in_use);
            *in_use = 1;
        }
    }

    /// Ids for the peer, as many as `count` and as there is room for. `None` when it has agreed to none (RFC 9147 §9: then
    /// it may not ask).
    pub(super) fn issue(&mut self, count: u8, usage: Usage, rng: &mut Rng) -> Option<NewConnectionId> {
        let Ours::Agreed { ids, .. } = &self.ours else { return None };
        let count = usize::from(count).min(MOST_OURS - ids.len());
        let mut new = Vec::new();
        for _ in 0..count {
            let Some(id) = self.draw(rng) else { break };
            if let Ours::Agreed { ids, .. } = &mut self.ours {
                ids.push(id.clone());
            }
            new.push(id);
        }
        Some(NewConnectionId { ids: new, usage })
    }

    /// Takes further ids of the peer's. The one to use from now on comes back when there is a new one.
    pub(super) fn take(&mut self, new: NewConnectionId) -> Result<Option<ConnectionId>, Failure> {
        if new.ids.iter().any(ConnectionId::is_empty) {
            return Err(Failure::IllegalParameter("connection id"));
        }
        let mut ids = new.ids.into_iter();
        let now = match new.usage {
            Usage::Immediate => {
                self.spare.clear();
                ids.next()
            }
            Usage::Spare => None,
        };
        // RFC 9147 §9: more than we keep may be thrown away.
        let room = MOST_SPARE.saturating_sub(self.spare.len());
        self.spare.extend(ids.take(room));
        Ok(now)
    }

    /// The next of the peer's ids that are to spare, in the order in which it gave them (RFC 9147 §9).
    pub(super) fn next_spare(&mut self) -> Option<ConnectionId> {
        self.spare.pop_front()
    }

    /// How many more we would keep.
    pub(super) fn wanted(&self) -> u8 {
        MOST_SPARE.saturating_sub(self.spare.len()) as u8
    }
}

fn find(extensions: &Extensions) -> Option<&ConnectionId> {
    extensions.find(|e| match e {
        Extension::ConnectionId(id) => Some(id),
        _ => None,
    })
}
