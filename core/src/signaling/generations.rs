//! Local ICE generations: what was gathered for each, and how much of it was announced.

use crate::signaling::local::MAX_TRANSPORTS;
use crate::wire::candidate::Candidate;

/// Generations to remember: of each transport the one in use, the one that replaces it, and those that a rollback left.
const MOST: usize = 4 * MAX_TRANSPORTS;

/// The component of RTCP (RFC 8445 §2).
const RTCP_COMPONENT: u16 = 2;

/// Every generation that may still matter, the newest last.
#[derive(Clone, Debug, Default)]
pub(in crate::signaling) struct Generations(Vec<Generation>);

/// One generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Generation {
    /// The transport: those that were offered as one and fell apart have one user fragment.
    number: usize,
    ufrag: String,
    pub candidates: Vec<Candidate>,
    /// How many of them were announced.
    announced: usize,
    gathering: Gathering,
}

/// How far gathering is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Gathering {
    /// Nobody asked for it.
    #[default]
    Idle,
    /// It is under way.
    Running,
    /// There will be no more candidates.
    Complete,
    /// And that was announced.
    CompleteAnnounced,
}

/// What is to be announced: a candidate, or that there are no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) enum Announcement {
    Candidate(Candidate),
    End,
}

impl Generations {
    pub fn get(&self, number: usize, ufrag: &str) -> Option<&Generation> {
        self.0.iter().find(|generation| generation.is(number, ufrag))
    }

    /// The generation of a transport of that user fragment, new if need be; the oldest is forgotten for it.
    pub fn entry(&mut self, number: usize, ufrag: &str) -> &mut Generation {
        let known = self.0.iter().position(|generation| generation.is(number, ufrag));
        let at = known.unwrap_or_else(|| {
            if self.0.len() == MOST {
                self.0.remove(0);
            }
            self.0.reserve_exact(1);
            self.0.push(Generation { number, ufrag: ufrag.to_owned(), ..Generation::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}

impl Generation {
    fn is(&self, number: usize, ufrag: &str) -> bool {
        (self.number, self.ufrag.as_str()) == (number, ufrag)
    }

    /// Whether gathering has to be started now.
    pub fn start(&mut self) -> bool {
        let idle = self.gathering == Gathering::Idle;
        if idle {
            self.gathering = Gathering::Running;
        }
        idle
    }

    /// Records a candidate. `false` when it was known.
    pub fn add(&mut self, candidate: &Candidate) -> bool {
        let new = !self.candidates.contains(candidate);
        if new {
            if self.candidates.is_empty() {
                // Most have one or two: the first allocation would be for four.
                self.candidates.reserve_exact(1);
            }
            self.candidates.push(candidate.clone());
        }
        new
    }

    /// Records that there will be no more candidates. `false` when it was known.
    pub fn complete(&mut self) -> bool {
        let new = !self.is_complete();
        if new {
            self.gathering = Gathering::Complete;
        }
        new
    }

    /// Forgets the candidates of the second component, which is gone.
    pub fn drop_rtcp(&mut self) {
        let is_rtcp = |candidate: &Candidate| candidate.component == RTCP_COMPONENT;
        self.announced -= self.candidates[..self.announced].iter().filter(|known| is_rtcp(known)).count();
        self.candidates.retain(|candidate| !is_rtcp(candidate));
    }

    pub fn is_complete(&self) -> bool {
        matches!(self.gathering, Gathering::Complete | Gathering::CompleteAnnounced)
    }

    /// What was not announced yet; from now on it was.
    pub fn announce(&mut self) -> Vec<Announcement> {
        let new = self.candidates.iter().skip(self.announced).cloned();
        let mut announcements: Vec<_> = new.map(Announcement::Candidate).collect();
        self.announced = self.candidates.len();
        if self.gathering == Gathering::Complete {
            self.gathering = Gathering::CompleteAnnounced;
            announcements.push(Announcement::End);
        }
        announcements
    }
}
