//! Where a sequence happens: browsers, nodes, a store whose every call waits until it is let through, and requests that
//! are driven by hand.

mod fleet;
mod gate;
mod handler;
mod nodes;

use std::{
    cell::RefCell,
    pin::Pin,
    sync::atomic::Ordering::SeqCst,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sealed_session::Sessions;

use self::{
    fleet::Fleet,
    handler::handle,
    nodes::{BEGINNING, Nodes},
};
use crate::{
    judge::{Basket, Call, Ended, Judge, PERSISTENT_IDLE, REMOVED},
    steps::{BROWSERS, DAY, Mood, NODES, Policy, Sequence, Step, Verb, Whose},
};

thread_local!(static NODES_OF_THREAD: RefCell<Option<Nodes>> = const { RefCell::new(None) });

/// What went wrong in a sequence, and all that happened until then.
pub struct Failure {
    pub what: String,
    pub trace: Vec<String>,
}

/// Lets a sequence happen, and tells how many requests there were.
pub fn run(sequence: &Sequence) -> Result<usize, Failure> {
    NODES_OF_THREAD.with_borrow_mut(|nodes| {
        let nodes = nodes.get_or_insert_with(Nodes::build);
        let world = World::begin(nodes, sequence);
        nodes.runtime.block_on(tokio::task::unconstrained(world.run(sequence)))
    })
}

#[derive(Default)]
struct Browser {
    cookie: Option<String>,
    /// All that it ever had.
    had: Vec<String>,
    /// What its next request is to find, as long as its requests come one after the other.
    expects: Vec<Basket>,
}

struct InFlight {
    id: usize,
    browser: usize,
    work: Pin<Box<dyn Future<Output = Ended>>>,
}

/// An answer on its way.
struct Answer {
    id: usize,
    browser: usize,
    set: Option<Option<String>>,
}

struct World<'a> {
    nodes: &'a Nodes,
    /// The nodes, if the sequence has revocations.
    fleet: Option<Fleet>,
    policy: Policy,
    browsers: [Browser; BROWSERS],
    stages: [usize; NODES],
    /// Since when no node seals by the old key.
    retired_key: u64,
    weather: Mood,
    in_flight: Vec<InFlight>,
    answers: Vec<Answer>,
    /// All requests come one after the other, and no cookie is copied.
    calm: bool,
    overwritten: u64,
}

impl<'a> World<'a> {
    fn begin(nodes: &'a Nodes, sequence: &Sequence) -> Self {
        nodes.clock.store(BEGINNING, SeqCst);
        let mut waiting = nodes.gate.lock();
        waiting.judge = Judge::new(sequence, &nodes.every_key, BEGINNING);
        (waiting.calls, waiting.let_through) = Default::default();
        (waiting.abandoned, waiting.failed, waiting.weather) = Default::default();
        drop(waiting);
        let calm = |step: &Step| {
            use Step::{Pass, Revoke, Roll, Visit, Weather};
            matches!(step, Visit { .. } | Pass(_) | Weather(_) | Roll { .. } | Revoke { .. })
        };
        let mut world = Self {
            nodes,
            fleet: None,
            policy: sequence.policy,
            browsers: Default::default(),
            stages: [0; NODES],
            retired_key: 0,
            weather: Mood::Well,
            in_flight: vec![],
            answers: vec![],
            calm: sequence.steps.iter().all(calm),
            overwritten: 0,
        };
        for browser in &mut world.browsers {
            browser.expects.push(Basket::default());
        }
        world
    }

    async fn run(mut self, sequence: &Sequence) -> Result<usize, Failure> {
        if sequence.revocations {
            self.fleet = Some(Fleet::start(self.nodes, self.policy).await);
        }
        self.overwritten = self.count_overwritten();
        for step in &sequence.steps {
            self.take(step).await;
            self.check()?;
        }
        // In the end all is well, every answer arrives, and everybody looks once more.
        self.says("The end.");
        self.changes_weather(Mood::Well);
        while !self.in_flight.is_empty() {
            self.finish(self.in_flight[0].id, &[]).await;
            self.check()?;
        }
        while !self.answers.is_empty() {
            self.deliver(0);
        }
        for browser in 0..BROWSERS {
            self.visit(browser, 0, &[Verb::Passive], &[]).await;
            self.check()?;
        }
        if self.fleet.is_some() {
            self.look_back().await?;
        }
        self.pass(31 * DAY).await;
        let overwritten = self.count_overwritten() - self.overwritten;
        let mut waiting = self.nodes.gate.lock();
        waiting.judge.judge_end(overwritten);
        drop(waiting);
        self.check()?;
        Ok(self.nodes.gate.lock().judge.requests.len())
    }

    /// No copy of an old cookie opens whose session has ended.
    async fn look_back(&mut self) -> Result<(), Failure> {
        self.pass(REMOVED).await;
        // From here on, browsers send old cookies.
        self.calm = false;
        let node = NODES - 1;
        let ended = self.nodes.gate.lock().judge.ended_cookies(node);
        for cookie in ended {
            self.browsers[0].cookie = Some(cookie);
            self.visit(0, node, &[Verb::Passive], &[]).await;
            self.check()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Failure> {
        let mut waiting = self.nodes.gate.lock();
        match waiting.judge.fault.take() {
            Some(what) => Err(Failure { what, trace: std::mem::take(&mut waiting.judge.trace) }),
            None => Ok(()),
        }
    }

    fn says(&self, what: impl Into<String>) {
        self.nodes.gate.lock().judge.says(what);
    }

    fn count_overwritten(&self) -> u64 {
        if let Some(fleet) = &self.fleet {
            return fleet.built.iter().map(|node| node.counters().overwritten).sum();
        }
        let (_, nodes) = self.nodes.built.iter().find(|(policy, _)| *policy == self.policy).unwrap();
        nodes.iter().flatten().map(|node| node.counters().overwritten).sum()
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Visit { browser, node, verbs, moods } => self.visit(*browser, *node, verbs, moods).await,
            Step::Begin { browser, node, verbs } => {
                self.start(*browser, *node, verbs);
            }
            Step::Proceed { which, mood } => {
                if let Some(which) = around(*which, self.in_flight.len()) {
                    let mood = if *mood == Mood::Well { self.weather } else { *mood };
                    self.proceed(self.in_flight[which].id, mood).await;
                }
            }
            Step::Finish { which } => {
                if let Some(which) = around(*which, self.in_flight.len()) {
                    self.finish(self.in_flight[which].id, &[]).await;
                }
            }
            Step::Deliver { which } => {
                if let Some(which) = around(*which, self.answers.len()) {
                    self.deliver(which);
                }
            }
            Step::HangUp { which } => {
                if let Some(which) = around(*which, self.in_flight.len()) {
                    let InFlight { id, .. } = self.in_flight.remove(which);
                    let judge = &mut self.nodes.gate.lock().judge;
                    judge.says(format!("  the client of {id} hangs up"));
                    judge.hung_up(id);
                }
            }
            Step::CarryOut { which } => {
                let mut waiting = self.nodes.gate.lock();
                let calls = waiting.abandoned.iter().filter(|(_, call)| !matches!(call, Call::Pause)).count();
                if let Some(which) = around(*which, calls) {
                    waiting.abandoned.retain(|(_, call)| !matches!(call, Call::Pause));
                    let (by, call) = waiting.abandoned.remove(which);
                    waiting.judge.says(format!("  late, of {by}:"));
                    waiting.judge.carry_out_late(by, &call);
                }
            }
            Step::Pass(seconds) => {
                // A handler may wait for long; whoever waits for the store gets an answer first.
                self.serve_waiting().await;
                self.says(format!("{seconds} s pass"));
                self.pass(*seconds).await;
            }
            Step::Weather(mood) => {
                self.says(format!("The store is {mood:?}"));
                self.changes_weather(*mood);
            }
            Step::Roll { node } => {
                // An old process that lingers could not open what the new key seals, or would seal by the old one.
                while !self.in_flight.is_empty() {
                    self.finish(self.in_flight[0].id, &[]).await;
                }
                self.roll(*node).await;
            }
            Step::Revoke { node, whose } => self.revoke(*node, *whose).await,
            Step::Copy { from, to, back } => {
                let had = &self.browsers[*from].had;
                if let Some(at) = had.len().checked_sub(1 + back) {
                    let cookie = had[at].clone();
                    self.says(format!("Browser {to} has browser {from}'s cookie, {back} ago"));
                    self.browsers[*to].had.push(cookie.clone());
                    self.browsers[*to].cookie = Some(cookie);
                }
            }
        }
    }

    /// Answers all calls of the store that requests wait for.
    async fn serve_waiting(&mut self) {
        loop {
            let id = {
                let calls = &self.nodes.gate.lock().calls;
                let waits = |id: &usize| calls.get(id).is_some_and(|call| !matches!(call, Call::Pause));
                self.in_flight.iter().map(|request| request.id).find(waits)
            };
            let Some(id) = id else { return };
            self.proceed(id, self.weather).await;
        }
    }

    /// An administrator ends sessions.
    async fn revoke(&mut self, node: usize, whose: Whose) {
        let Some(fleet) = &self.fleet else { return };
        let revocations = fleet.revocations(node).clone();
        let ending = self.nodes.gate.lock().judge.administrator_revokes(node, whose);
        let mut work: Pin<Box<dyn Future<Output = _>>> = match whose {
            Whose::User(user) => Box::pin(revocations.subject("model", &user)),
            Whose::Everybodys => Box::pin(revocations.all("model")),
        };
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                done.expect("the log works");
                return self.nodes.gate.lock().judge.administrator_has_revoked(ending);
            }
            self.wait_for_next_second().await;
        }
    }

    /// A revocation of what was revoked in this second waits for the next one.
    async fn wait_for_next_second(&mut self) {
        self.serve_waiting().await;
        self.says("  a second passes");
        self.pass(1).await;
    }

    fn now(&self) -> u64 {
        self.nodes.clock.load(SeqCst)
    }

    fn changes_weather(&mut self, mood: Mood) {
        self.weather = mood;
        self.nodes.gate.lock().weather = mood;
    }

    async fn pass(&mut self, seconds: u64) {
        // The nodes append what they owe in the first second, and read it in the next.
        let parts = match self.fleet {
            Some(_) if seconds > 2 => vec![1, 1, seconds - 2],
            _ => vec![seconds],
        };
        for seconds in parts {
            self.nodes.clock.fetch_add(seconds, SeqCst);
            self.nodes.gate.lock().judge.now = self.now();
            self.advance(seconds).await;
        }
        // Tasks that clean up begin their next call, and end it.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets tokio's clock advance. Each read of the log sets the clock by which a node judges revocations to the
    /// model's again.
    async fn advance(&mut self, seconds: u64) {
        match &mut self.fleet {
            Some(fleet) => fleet.advance(seconds).await,
            None => tokio::time::advance(Duration::from_secs(seconds)).await,
        }
    }

    fn sessions(&self, node: usize) -> Sessions<Basket> {
        if let Some(fleet) = &self.fleet {
            return fleet.sessions(node);
        }
        let (_, nodes) = self.nodes.built.iter().find(|(policy, _)| *policy == self.policy).unwrap();
        nodes[node][self.stages[node]].clone()
    }

    /// A node is restarted with the next ring: a new key first opens everywhere, then seals everywhere, and the old one
    /// goes when all that it sealed has expired.
    async fn roll(&mut self, node: usize) {
        let next = self.stages[node] + 1;
        let others = *self.stages.iter().min().unwrap();
        let may = match next {
            1 => true,
            2 => others >= 1,
            3 => others >= 2 && self.now() >= self.retired_key + PERSISTENT_IDLE,
            _ => false,
        };
        if may {
            self.says(format!("Node {node} has its ring number {next}"));
            self.stages[node] = next;
            if self.stages.iter().all(|stage| *stage >= 2) && next == 2 {
                self.retired_key = self.now();
            }
            if next == 3 {
                self.nodes.gate.lock().abandoned.clear();
            }
            if let Some(fleet) = &mut self.fleet {
                fleet.restart(self.nodes, self.policy, node, next).await;
            }
        }
    }

    fn start(&mut self, browser: usize, node: usize, verbs: &[Verb]) -> usize {
        let sessions = self.sessions(node);
        let cookie = self.browsers[browser].cookie.clone();
        let sealing = self.nodes.sealing[self.stages[node]];
        let id = self.nodes.gate.lock().judge.began(verbs.to_vec(), node, sealing, cookie.as_deref());
        self.says(format!("Request {id} of browser {browser} to node {node}: {verbs:?}"));
        let work = Box::pin(handle(self.nodes.gate.clone(), id, sessions, cookie, verbs.to_vec()));
        self.in_flight.push(InFlight { id, browser, work });
        self.poll(self.in_flight.len() - 1);
        id
    }

    /// Lets a request run until it waits again. True when it has ended.
    fn poll(&mut self, which: usize) -> bool {
        let InFlight { id, browser, work } = &mut self.in_flight[which];
        let (id, browser) = (*id, *browser);
        self.nodes.gate.lock().running = id;
        let Poll::Ready(ended) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            return false;
        };
        let set = match &ended {
            Ended::Committed(_, set) => set.clone(),
            Ended::NotOpened(_) => None,
        };
        self.nodes.gate.lock().judge.ended(id, ended);
        self.in_flight.remove(which);
        self.answers.push(Answer { id, browser, set });
        true
    }

    /// Lets a request's call through. True when the request has ended.
    async fn proceed(&mut self, id: usize, mood: Mood) -> bool {
        let (calls, pauses) = match self.nodes.gate.lock().calls.get(&id) {
            Some(Call::Pause) => (true, true),
            call => (call.is_some(), false),
        };
        match mood {
            _ if !calls => Box::pin(self.wait_for_next_second()).await,
            // Nobody answers until the deadline has passed, for whoever waits.
            Mood::Hanging if !pauses => self.advance(3).await,
            mood => {
                self.nodes.gate.lock().let_through.insert(id, mood);
            }
        }
        let which = self.in_flight.iter().position(|request| request.id == id);
        which.is_none_or(|which| self.poll(which))
    }

    /// Lets a request run to its end; some of its calls find another mood.
    async fn finish(&mut self, id: usize, moods: &[(usize, Mood)]) {
        for call in 0.. {
            let special = moods.iter().find(|(at, _)| *at == call).map(|(_, mood)| *mood);
            if self.proceed(id, special.unwrap_or(self.weather)).await {
                return;
            }
            assert!(call < 200, "a request does not end");
        }
    }

    async fn visit(&mut self, browser: usize, node: usize, verbs: &[Verb], moods: &[(usize, Mood)]) {
        let id = self.start(browser, node, verbs);
        if self.in_flight.iter().any(|request| request.id == id) {
            self.finish(id, moods).await;
        }
        let answer = self.answers.iter().position(|answer| answer.id == id);
        self.judge_calm(browser, id);
        self.deliver(answer.expect("it has ended"));
        self.judge_tidiness();
    }

    /// Of a browser whose requests come one after the other, all is known.
    fn judge_calm(&mut self, browser: usize, id: usize) {
        if !self.calm {
            return;
        }
        let expects = &mut self.browsers[browser].expects;
        *expects = self.nodes.gate.lock().judge.judge_calm(id, expects);
    }

    fn judge_tidiness(&self) {
        let cookies: Vec<_> = self.browsers.iter().filter_map(|browser| browser.cookie.as_deref()).collect();
        let judge = &mut self.nodes.gate.lock().judge;
        if self.calm && judge.is_tidy() {
            judge.judge_tidiness(&cookies);
        }
    }

    fn deliver(&mut self, which: usize) {
        let Answer { id, browser, set } = self.answers.remove(which);
        let to = &mut self.browsers[browser];
        if let Some(cookie) = &set {
            to.cookie = cookie.clone();
            to.had.extend(cookie.clone());
            let what = if cookie.is_some() { "keeps the cookie" } else { "drops its cookie" };
            self.says(format!("  browser {browser} {what} of {id}'s answer"));
        }
    }
}

fn around(which: usize, count: usize) -> Option<usize> {
    which.checked_rem(count)
}
