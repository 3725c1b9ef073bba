//! Names of hosts become addresses, on threads of their own.

use purertc::{Instant, IoId, IoResponse};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a name may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Threads that one connection may have waiting for answers. Those of names that were given up count, for the system
/// cannot be told to stop.
const THREADS: usize = 4;

/// Wakes a driver from another thread.
pub type Alarm = Arc<dyn Fn() + Send + Sync>;

type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Who knows the addresses of hosts: the system, unless told otherwise.
#[derive(Clone)]
pub struct Resolver(Arc<Lookup>);

impl Resolver {
    /// Asks `lookup` instead of the system: a fixed table, or another implementation of the DNS. It may block: it is
    /// called on a thread that has nothing else to do.
    pub fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(|host| {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in (host, 0).to_socket_addrs()?.map(|found| found.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            Ok(addresses)
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

type Answer = io::Result<Vec<IpAddr>>;

/// The names that a connection is looking up.
pub(super) struct Lookups {
    resolver: Resolver,
    alarm: Alarm,
    /// Those that are not answered, oldest first.
    asked: VecDeque<Question>,
    /// Threads under way, and what they brought.
    threads: usize,
    answers: Arc<Mutex<Vec<(IoId, Answer)>>>,
}

struct Question {
    id: IoId,
    host: Box<str>,
    deadline: Instant,
    /// Whether a thread has it.
    begun: bool,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").field("asked", &self.asked.len()).finish_non_exhaustive()
    }
}

impl Lookups {
    pub(super) fn new(resolver: Resolver, alarm: Alarm) -> Self {
        let (asked, answers) = (VecDeque::new(), Arc::default());
        Self { resolver, alarm, asked, threads: 0, answers }
    }

    pub(super) fn ask(&mut self, now: Instant, id: IoId, host: Box<str>) {
        self.asked.push_back(Question { id, host, deadline: now + PATIENCE, begun: false });
        self.begin();
    }

    /// What was found out, or given up.
    pub(super) fn poll(&mut self, now: Instant, mut answer: impl FnMut(IoId, IoResponse)) {
        if self.asked.is_empty() && self.threads == 0 {
            return;
        }
        let found = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        self.threads -= found.len();
        for (id, found) in found {
            let Some(at) = self.asked.iter().position(|question| question.id == id) else { continue };
            let Some(Question { host, .. }) = self.asked.remove(at) else { continue };
            answer(
                id,
                match found {
                    Ok(addresses) => IoResponse::Resolved(addresses),
                    Err(error) => IoResponse::Failed(format!("{host} cannot be looked up: {error}")),
                },
            );
        }
        // All are given the same time, so the oldest is due first.
        while self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            let Some(Question { id, host, .. }) = self.asked.pop_front() else { break };
            let words = format!("{host} was not found within {} s", PATIENCE.as_secs());
            answer(id, IoResponse::Failed(words));
        }
        self.begin();
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.asked.front().map(|question| question.deadline)
    }

    fn begin(&mut self) {
        let waiting = self.asked.iter_mut().filter(|question| !question.begun);
        for question in waiting.take(THREADS - self.threads) {
            let (id, host) = (question.id, question.host.clone());
            let (resolver, alarm, answers) =
                (self.resolver.clone(), self.alarm.clone(), self.answers.clone());
            let look = move || {
                let answer = resolver.0(&host);
                answers.lock().unwrap_or_else(PoisonError::into_inner).push((id, answer));
                alarm();
            };
            question.begun = true;
            self.threads += 1;
            if let Err(error) = std::thread::Builder::new().name("lookup".to_owned()).spawn(look) {
                self.answers.lock().unwrap_or_else(PoisonError::into_inner).push((id, Err(error)));
                (self.alarm)();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lookups, PATIENCE, Resolver, THREADS};
    use purertc::{Instant, IoId, IoResponse};
    use std::io;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    fn lookups(resolver: Resolver) -> (Lookups, Receiver<()>) {
        let (sender, woken) = channel();
        (Lookups::new(resolver, Arc::new(move || sender.send(()).unwrap_or_default())), woken)
    }

    fn poll(lookups: &mut Lookups, now: Instant) -> Vec<(IoId, IoResponse)> {
        let mut all = Vec::new();
        lookups.poll(now, |id, response| all.push((id, response)));
        all
    }

    #[test]
    fn the_system_knows_localhost_and_not_everybody() {
        let (mut lookups, woken) = lookups(Resolver::default());
        lookups.ask(Instant::ZERO, IoId(1), "localhost".into());
        woken.recv_timeout(Duration::from_secs(10)).unwrap();
        let answers = poll(&mut lookups, Instant::ZERO);
        let [(IoId(1), IoResponse::Resolved(found))] = &answers[..] else { panic!("{answers:?}") };
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
        lookups.ask(Instant::ZERO, IoId(2), "no such name".into());
        woken.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(matches!(&poll(&mut lookups, Instant::ZERO)[..], [(IoId(2), IoResponse::Failed(_))]));
        assert_eq!(lookups.poll_timeout(), None);
    }

    #[test]
    fn a_name_service_that_never_answers_is_given_up_and_takes_no_more_threads() {
        let (release, held) = channel::<()>();
        let held = std::sync::Mutex::new(held);
        let (mut lookups, _woken) = lookups(Resolver::new(move |_| {
            let _ = held.lock().unwrap().recv();
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        }));
        for n in 0..10 {
            lookups.ask(Instant::ZERO, IoId(n), "slow.example".into());
        }
        assert_eq!(lookups.threads, THREADS);
        assert_eq!(lookups.poll_timeout(), Some(Instant::ZERO + PATIENCE));
        let answers = poll(&mut lookups, Instant::ZERO + PATIENCE);
        assert_eq!(answers.len(), 10);
        assert!(matches!(&answers[9].1, IoResponse::Failed(words) if words.contains("slow.example")));
        // Those that are stuck are not forgotten: no more may follow.
        lookups.ask(Instant::ZERO + PATIENCE, IoId(10), "slow.example".into());
        assert_eq!((lookups.threads, lookups.asked.len()), (THREADS, 1));
        drop(release);
    }

    #[test]
    fn a_failure_names_the_host() {
        let (mut lookups, woken) = lookups(Resolver::new(|_| Err(io::Error::other("the cable is out"))));
        lookups.ask(Instant::ZERO, IoId(1), "turn.example".into());
        woken.recv_timeout(Duration::from_secs(10)).unwrap();
        let answers = poll(&mut lookups, Instant::ZERO);
        let expected = "turn.example cannot be looked up: the cable is out";
        assert_eq!(answers, [(IoId(1), IoResponse::Failed(expected.to_owned()))]);
    }
}
