//! A browser that knows what its session must hold.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use tokio::time::timeout;

use crate::{
    kit::Browser,
    load::{Found, Shared},
    random::Random,
    stalls::Watch,
};

const COOKIE: &str = "__Host-session";
/// The length of a reference's value.
const REFERENCE: usize = 159;

/// What a session holds: the number of the request that wrote it, and the length of its note.
pub type Value = (u32, usize);

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Read,
    Write,
    /// Writes, under a new id.
    Renew,
    Destroy,
}

/// Somebody with a session of their own.
pub struct Visitor {
    name: u64,
    browser: Browser,
    random: Random,
    /// What it may hold: what was acknowledged last, and what has failed since. `None` is no session.
    may_hold: Vec<Option<Value>>,
    number: u32,
    /// References to sessions whose end was acknowledged.
    ended: Vec<String>,
}

impl Visitor {
    pub fn new(name: u64, seed: u64) -> Self {
        Self {
            name,
            browser: Browser::new(),
            random: Random::new(seed, name),
            may_hold: vec![None],
            number: 0,
            ended: Vec::new(),
        }
    }

    /// Sends requests, one after another, until it is told to stop.
    pub async fn browse(mut self, shared: &Shared) -> Self {
        while !shared.stop.load(SeqCst) {
            let verb = self.choose();
            self.send(shared, verb).await;
            tokio::time::sleep(Duration::from_millis(self.random.below(8))).await;
        }
        self
    }

    /// Every fourth renews and ends sessions, too.
    fn choose(&mut self) -> Verb {
        match (self.name % 4, self.random.below(10)) {
            (3, 0) => Verb::Destroy,
            (3, 1..=3) => Verb::Renew,
            (_, 4 | 5) => Verb::Read,
            _ => Verb::Write,
        }
    }

    /// Some are always in the store, some go to and fro.
    fn length(&mut self) -> usize {
        match self.name % 4 {
            0 => 6_000,
            1 => 20_000,
            2 => self.random.one_of(&[50, 6_000]),
            _ => self.random.one_of(&[50, 6_000, 20_000]),
        }
    }

    /// How long it waits before it hangs up, if it does. Who hangs up while the id is renewed or the session is ended, and
    /// never receives the new cookie, has none that opens: then the old one must not open.
    fn patience(&mut self, verb: Verb) -> Option<Duration> {
        let hangs_up = matches!(verb, Verb::Read | Verb::Write) && self.random.below(20) == 0;
        hangs_up.then(|| Duration::from_micros(self.random.below(60_000)))
    }

    /// Sends one request and holds the answer to what is known. Tells whether it was a 200.
    pub async fn send(&mut self, shared: &Shared, verb: Verb) -> bool {
        self.number += 1;
        let new = (self.number, self.length());
        let reference =
            self.browser.value(COOKIE).filter(|value| value.len() == REFERENCE).map(str::to_owned);
        let path = format!("/{}/{verb:?}/{}/{}", self.name, new.0, new.1);
        let watch = Watch::start();
        let answer = match self.patience(verb) {
            Some(patience) => timeout(patience, self.browser.get(&shared.app, &path)).await.ok(),
            None => Some(self.browser.get(&shared.app, &path).await),
        };
        let found = shared.found[self.name as usize].lock().unwrap().take();
        let Some(answer) = answer else {
            shared.figures().hung_up();
            if let Some(found) = found {
                self.judge(shared, &found, verb);
                if verb == Verb::Write {
                    self.may_hold.push(Some(new));
                }
            }
            return false;
        };
        let status = answer.status.as_u16();
        shared.figures().answered(status, &watch, reference.is_some());

        // 1. What the handler has found, if it came to that.
        if let Some(found) = &found {
            self.judge(shared, found, verb);
        }
        // 2. What the answer says of what it has done.
        let wrong = |what: &str| shared.figures().wrong(format!("{path}, {status}: {what}"));
        match (status, verb, found) {
            (200, Verb::Read, Some(_)) => {}
            (200, Verb::Write | Verb::Renew, Some(_)) => self.may_hold = vec![Some(new)],
            (503, Verb::Write | Verb::Renew, Some(_)) => self.may_hold.push(Some(new)),
            (200 | 503, Verb::Destroy, Some(_)) => {
                if self.browser.value(COOKIE).is_some() {
                    wrong("the cookie is still there");
                }
                if status == 200 {
                    self.ended.extend(reference);
                }
                self.may_hold = vec![None];
            }
            // It could not be loaded, and nothing has happened.
            (503, _, None) if answer.sends_nothing() => {}
            (503, _, None) => wrong("a session that could not be loaded is touched"),
            _ => wrong("not expected"),
        }
        status == 200
    }

    fn judge(&self, shared: &Shared, found: &Found, verb: Verb) {
        let what =
            || format!("browser {}, {verb:?} {}: {found:?} of {:?}", self.name, self.number, self.may_hold);
        match found {
            Found::Nothing if self.may_hold.contains(&None) => {}
            Found::Nothing => shared.figures().session_lost(what()),
            Found::Session { user, value } => {
                if *user != self.name || !self.may_hold.contains(&Some(*value)) {
                    shared.figures().value_lost(what());
                }
            }
            Found::Torn => shared.figures().value_lost(what()),
        }
    }

    /// All is well again: the session is there, and what has ended has ended.
    pub async fn look_back(&mut self, shared: &Shared) {
        let patience = Duration::from_secs(5);
        let began = Watch::start();
        while !self.send(shared, Verb::Read).await {
            assert!(began.elapsed() < patience, "browser {} is not served again", self.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for cookie in std::mem::take(&mut self.ended) {
            let mut thief = Self::new(self.name, 0);
            thief.browser.set(COOKIE, &cookie);
            while !thief.send(shared, Verb::Read).await {}
        }
        // What can be read can be written.
        for verb in [Verb::Write, Verb::Read] {
            while !self.send(shared, verb).await {
                assert!(began.elapsed() < patience, "browser {}: {verb:?}", self.name);
            }
        }
    }
}
