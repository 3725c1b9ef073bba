//! Servers that are known by name: the driver looks them up, once for each name in a generation.

use crate::base::io::IoRequest;
use crate::base::time::{Instant, earliest};
use crate::transport::Transport;
use crate::transport::requests::Purpose;
use crate::transport::server::CandidateError;
use crate::wire::server_url::{ServerHost, ServerUrl};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A driver gives up after five seconds; this is for one that never answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Addresses of one host that are tried: a host with more has them to spread its load, and any will do.
const MAX_ADDRESSES: usize = 8;

/// The names of this generation's servers.
#[derive(Debug, Default)]
pub(super) struct Lookups(Vec<Lookup>);

#[derive(Debug)]
struct Lookup {
    host: Box<str>,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    Asked { give_up_at: Instant },
    Known(Vec<IpAddr>),
}

impl Standing {
    const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Asked { give_up_at } => Some(*give_up_at),
            Self::Known(_) => None,
        }
    }
}

impl Lookups {
    /// Whether no answer is awaited.
    pub(super) fn is_done(&self) -> bool {
        self.deadline().is_none()
    }

    /// When the next one is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        earliest(self.0.iter().map(|lookup| lookup.standing.deadline()))
    }

    /// Notes that `host` is asked for; `false` when it was asked for before.
    fn begin(&mut self, now: Instant, host: &str) -> bool {
        let known = self.0.iter().any(|lookup| *lookup.host == *host);
        if !known {
            self.0
                .push(Lookup { host: host.into(), standing: Standing::Asked { give_up_at: now + PATIENCE } });
        }
        !known
    }

    /// Notes what came of it; `false` when nobody waits for it.
    fn end(&mut self, host: &str, ips: Vec<IpAddr>) -> bool {
        let asked = |l: &&mut Lookup| *l.host == *host && l.standing.deadline().is_some();
        let Some(lookup) = self.0.iter_mut().find(asked) else { return false };
        lookup.standing = Standing::Known(ips);
        true
    }

    fn overdue(&self, now: Instant) -> Option<Box<str>> {
        let due = |l: &&Lookup| l.standing.deadline().is_some_and(|at| at <= now);
        self.0.iter().find(due).map(|lookup| lookup.host.clone())
    }

    /// Where a server is, as far as that is known, in the order of the system's preference.
    pub(super) fn addresses(&self, server: &ServerUrl) -> Vec<SocketAddr> {
        let ips: &[IpAddr] = match &server.host {
            ServerHost::Ip(ip) => std::slice::from_ref(ip),
            ServerHost::Name(name) => {
                match self.0.iter().find(|lookup| lookup.host == *name).map(|lookup| &lookup.standing) {
                    Some(Standing::Known(ips)) => ips,
                    Some(Standing::Asked { .. }) | None => &[],
                }
            }
        };
        ips.iter().map(|&ip| SocketAddr::new(ip, server.port)).collect()
    }
}

impl Transport {
    /// Begins a generation's lookups.
    pub(super) fn look_up_servers(&mut self, now: Instant) {
        self.requests.forget(|purpose| matches!(purpose, Purpose::Server(_)));
        self.gatherer.lookups = Lookups::default();
        for server in &self.gatherer.servers {
            if let ServerHost::Name(name) = &server.at.host
                && self.gatherer.lookups.begin(now, name)
            {
                let host = name.clone();
                self.requests.ask(Purpose::Server(name.clone()), |id| IoRequest::Resolve { id, host });
            }
        }
    }

    /// The driver found the addresses of `host`, or why there are none.
    pub(super) fn looked_up(&mut self, now: Instant, host: &str, found: Result<Vec<IpAddr>, String>) {
        let (found, why) = match found {
            Ok(ips) => (ips, "the server's name has no address".to_owned()),
            Err(why) => (Vec::new(), why),
        };
        let mut ips = Vec::new();
        for ip in found.into_iter().map(|ip| ip.to_canonical()) {
            if !ips.contains(&ip) && ips.len() < MAX_ADDRESSES {
                ips.push(ip);
            }
        }
        let nowhere = ips.is_empty();
        if !self.gatherer.lookups.end(host, ips) {
            return;
        }
        let named = |at: &usize| self.gatherer.servers[*at].at.host == ServerHost::Name(host.into());
        let places: Vec<_> = (0..self.gatherer.servers.len()).filter(named).collect();
        for place in places {
            if nowhere {
                self.report(None, place, CandidateError::UNREACHABLE, why.clone());
                self.gatherer.hear(Some(place));
            } else {
                self.ask_server(now, place);
            }
        }
    }

    /// What the driver forgot to answer has failed.
    pub(super) fn give_up_lookups(&mut self, now: Instant) {
        while let Some(host) = self.gatherer.lookups.overdue(now) {
            self.requests.forget(|purpose| *purpose == Purpose::Server(host.clone()));
            self.looked_up(now, &host, Err("the server's name was not found in time".to_owned()));
        }
    }
}
