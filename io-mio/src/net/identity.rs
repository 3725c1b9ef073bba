//! Identity providers are asked by the application, on threads of their own: how one is reached is its choice.

use crate::net::lookup::Alarm;
use purertc::{IdentityAnswer, IdentityFailure, IdentityRequest, IoId, IoResponse};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Threads that one connection may have waiting for providers, which it asks one thing at a time.
const THREADS: usize = 4;

type Answer = Result<IdentityAnswer, IdentityFailure>;
type Ask = dyn Fn(&IdentityRequest) -> Answer + Send + Sync;

/// Who reaches identity providers: a function of the application's, with whatever HTTP client it has.
#[derive(Clone)]
pub struct IdentityGateway(Arc<Ask>);

impl IdentityGateway {
    /// Asks `ask`. It may block: it is called on a thread that has nothing else to do.
    pub fn new(
        ask: impl Fn(&IdentityRequest) -> Result<IdentityAnswer, IdentityFailure> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for IdentityGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityGateway")
    }
}

/// What a connection asks of providers.
pub(super) struct Inquiries {
    gateway: Option<IdentityGateway>,
    alarm: Alarm,
    /// Threads under way, and what they brought.
    threads: usize,
    answers: Arc<Mutex<Vec<(IoId, Answer)>>>,
}

impl fmt::Debug for Inquiries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiries").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Inquiries {
    pub(super) fn new(gateway: Option<IdentityGateway>, alarm: Alarm) -> Self {
        Self { gateway, alarm, threads: 0, answers: Arc::default() }
    }

    /// Asks. `Some`: nobody can be asked, and this is why.
    pub(super) fn ask(&mut self, id: IoId, request: Box<IdentityRequest>) -> Option<IoResponse> {
        let Some(IdentityGateway(ask)) = self.gateway.clone() else {
            return Some(IoResponse::Failed("the application reaches no identity providers".to_owned()));
        };
        if self.threads == THREADS {
            return Some(IoResponse::Failed("too many identity providers are silent".to_owned()));
        }
        let (alarm, answers) = (self.alarm.clone(), self.answers.clone());
        let work = move || {
            let answer = ask(&request);
            answers.lock().unwrap_or_else(PoisonError::into_inner).push((id, answer));
            alarm();
        };
        match std::thread::Builder::new().name("identity".to_owned()).spawn(work) {
            Ok(_) => {
                self.threads += 1;
                None
            }
            Err(error) => Some(IoResponse::Failed(error.to_string())),
        }
    }

    /// What was answered.
    pub(super) fn poll(&mut self, mut answer: impl FnMut(IoId, IoResponse)) {
        if self.threads == 0 {
            return;
        }
        let answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        self.threads -= answers.len();
        for (id, said) in answers {
            answer(id, IoResponse::Identity(Box::new(said)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IdentityGateway, Inquiries, THREADS};
    use purertc::{
        IdentityErrorDetail, IdentityFailure, IdentityProvider, IdentityRequest, IoId, IoResponse,
    };
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    fn request() -> Box<IdentityRequest> {
        let provider = IdentityProvider { domain: "idp.example".to_owned(), protocol: "default".to_owned() };
        Box::new(IdentityRequest::Validate { provider, assertion: String::new() })
    }

    #[test]
    fn without_a_gateway_nobody_is_asked() {
        let mut inquiries = Inquiries::new(None, Arc::new(|| ()));
        assert!(matches!(inquiries.ask(IoId(1), request()), Some(IoResponse::Failed(_))));
    }

    #[test]
    fn answers_come_from_threads_of_which_there_are_few() {
        let (alarm, woken) = channel();
        let (release, held) = channel::<()>();
        let held = std::sync::Mutex::new(held);
        let gateway = IdentityGateway::new(move |_| {
            let _ = held.lock().unwrap().recv();
            Err(IdentityFailure::new(IdentityErrorDetail::NeedLogin, "who?"))
        });
        let alarm = Arc::new(move || alarm.send(()).unwrap_or_default());
        let mut inquiries = Inquiries::new(Some(gateway), alarm);
        for id in 0..THREADS as u64 {
            assert_eq!(inquiries.ask(IoId(id), request()), None);
        }
        assert!(matches!(inquiries.ask(IoId(9), request()), Some(IoResponse::Failed(_))));
        release.send(()).unwrap();
        woken.recv_timeout(Duration::from_secs(30)).unwrap();
        let mut answers = Vec::new();
        inquiries.poll(|id, response| answers.push((id, response)));
        assert!(matches!(&answers[..], [(_, IoResponse::Identity(answer))] if answer.is_err()));
        assert_eq!(inquiries.ask(IoId(9), request()), None);
        drop(release);
    }
}
