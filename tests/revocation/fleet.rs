//! Random runs of a fleet: nodes that follow the log late or not at all and start again, clocks that differ, a log that
//! loses entries, browsers and thieves, and an administrator who ends sessions. A judge checks every answer.
//!
//! `SESSION_FLEET_RUNS=100000` tries more runs, `SESSION_FLEET_SEED=…` repeats one.

mod judge;
mod request;

use std::{
    env, mem,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sealed_session::{Error, Revocations, Sessions};
use tokio::time::Instant;

use self::{
    judge::{Effect, Ending, Judge, Link, Scope, Time},
    request::{Cookie, app},
};
use crate::{
    kit::{Mood, random::Random, test_log::TestLog},
    node::{self, Fleet, Visit},
};

/// The timeouts are short, so that sessions and entries expire during a run.
pub const IDLE: Time = 20_000;
pub const PERSISTENT: Time = 40_000;
pub const ABSOLUTE: Time = 90_000;

const NODES: usize = 3;
const USERS: u64 = 2;

/// A run, shared by its requests.
#[derive(Clone)]
pub struct Run(Arc<Inner>);

pub struct Inner {
    fleet: Fleet,
    began: Instant,
    random: Mutex<Random>,
    nodes: Mutex<Vec<Node>>,
    judge: Mutex<Judge>,
    cookies: Mutex<Vec<Cookie>>,
}

#[derive(Clone)]
pub struct Node {
    pub sessions: Sessions<Visit>,
    pub app: axum::Router,
    pub revocations: Revocations,
    pub log: TestLog,
    /// The number of seconds that its clock is ahead.
    ahead: i64,
    /// The number of calls that it is handling.
    pub busy: Arc<()>,
}

impl Run {
    pub fn now(&self) -> Time {
        self.0.began.elapsed().as_millis() as Time
    }

    pub fn judge(&self) -> MutexGuard<'_, Judge> {
        self.0.judge.try_lock().unwrap()
    }

    pub fn cookies(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.0.cookies.try_lock().unwrap()
    }

    pub fn random(&self) -> MutexGuard<'_, Random> {
        self.0.random.try_lock().unwrap()
    }

    fn below(&self, end: u64) -> u64 {
        self.random().below(end)
    }

    pub fn node(&self, node: usize) -> Node {
        self.0.nodes.try_lock().unwrap()[node].clone()
    }

    pub fn world_now(&self) -> SystemTime {
        self.0.fleet.world.now()
    }

    async fn start(&self, ahead: i64) -> Node {
        let log = self.0.fleet.log.another();
        let longest = Duration::from_millis(ABSOLUTE);
        let revocations = node::builder().longest_session(longest).start(log.clone()).await.unwrap();
        let sessions = self.0.fleet.sessions(ahead, &revocations, |timeouts| {
            let absolute = Duration::from_millis(ABSOLUTE);
            let timeouts = timeouts.idle_timeout(Duration::from_millis(IDLE)).absolute_timeout(absolute);
            timeouts.persistent_absolute_timeout(absolute)
        });
        let app = app(self.clone()).layer(sessions.clone());
        Node { sessions, app, revocations, log, ahead, busy: Arc::default() }
    }

    /// Draws the next thing that happens, and lets time pass.
    async fn step(&self) {
        let node = self.below(NODES as u64) as usize;
        let kind = self.below(100);
        match kind {
            0..12 => self.administer(node),
            12..22 => self.change_mood(node),
            22..25 => self.lose_entries(),
            25..29 => self.restart(node).await,
            _ => self.send(node),
        }
        let pause = match self.below(30) {
            0 => 5_000 + self.below(25_000),
            1..12 => 0,
            12..20 => self.below(200),
            _ => self.below(2_500),
        };
        self.pass(pause).await;
    }

    async fn pass(&self, pause: Time) {
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Ends sessions from outside a request.
    fn administer(&self, node: usize) {
        let cookies = self.cookies().len() as u64;
        let user = self.below(USERS);
        let (scope, id) = match self.below(10) {
            0..5 => (Scope::User(user), None),
            5 => (Scope::All, None),
            6 | 7 => (Scope::Key(user), None),
            _ if cookies == 0 => return,
            _ => {
                let at = self.below(cookies) as usize;
                let Cookie { life, id, .. } = self.cookies()[at].clone();
                (Scope::Id(self.judge().lives[life].id), Some(id))
            }
        };
        let ending = self.begin_ending(scope, node);
        let (this, node) = (self.clone(), self.node(node));
        tokio::spawn(async move {
            let revocations = &node.revocations;
            let done = match scope {
                Scope::User(user) => revocations.subject("shop", &user).await,
                Scope::Key(key) => revocations.key("shop", &format!("key {key}")).await,
                Scope::All => revocations.all("shop").await,
                _ => revocations.session("shop", id.unwrap()).await,
            };
            this.finish_ending(ending, if done.is_ok() { Effect::Sure } else { Effect::Unknown }, None);
            this.judge().says(
                this.now(),
                format!("{scope:?} is ended: {:?}", done.map_err(|error: Error| error.to_string())),
            );
            drop(node);
        });
    }

    pub fn begin_ending(&self, scope: Scope, node: usize) -> usize {
        let now = self.now();
        let mut judge = self.judge();
        judge.says(now, format!("node {node} ends {scope:?}"));
        let (returned, effect, keeps) = (None, Effect::Unknown, None);
        judge.endings.push(Ending { scope, node, called: now, returned, effect, keeps });
        judge.endings.len() - 1
    }

    pub fn finish_ending(&self, ending: usize, effect: Effect, keeps: Option<usize>) {
        let now = self.now();
        let ending = &mut self.judge().endings[ending];
        (ending.returned, ending.effect, ending.keeps) =
            (Some(ending.returned.unwrap_or(now)), effect, keeps);
    }

    fn change_mood(&self, node: usize) {
        // The nodes that know what the log has lost can write it back.
        if self.judge().lost.is_some_and(|lost| self.now() <= lost + judge::RESTORED) {
            return;
        }
        let choices = [Mood::Well, Mood::Well, Mood::Well, Mood::Down, Mood::Hanging, Mood::Lying];
        let mood = self.random().one_of(&choices);
        let millis = |most: u64| Duration::from_millis(self.below(most));
        let late = match mood {
            Mood::Well if millis(2).is_zero() => (millis(1_500), millis(1_500)),
            _ => (Duration::ZERO, Duration::ZERO),
        };
        self.set_mood(node, mood, late);
    }

    fn set_mood(&self, node: usize, mood: Mood, late: (Duration, Duration)) {
        let log = self.node(node).log;
        log.is(mood);
        log.is_late(late.0, late.1);
        let is_well = mood == Mood::Well && late == (Duration::ZERO, Duration::ZERO);
        let is_cut = matches!(mood, Mood::Down | Mood::Hanging);
        let (mut judge, now) = (self.judge(), self.now());
        judge.says(now, format!("node {node}'s connection is {mood:?}, late by {late:?}"));
        let link = &mut judge.links[node];
        if (link.is_well, link.is_cut) != (is_well, is_cut) {
            *link = Link { since: now, is_well, is_cut };
        }
    }

    /// The log loses its last entries, or all. What it lost is known to those who have appended it.
    fn lose_entries(&self) {
        if self.judge().lost.is_some_and(|lost| self.now() < lost + 3 * judge::RESTORED) {
            return;
        }
        let entries = match self.below(3) {
            0 => usize::MAX,
            _ => 1 + self.below(3) as usize,
        };
        self.0.fleet.log.goes_back(entries);
        let now = self.now();
        self.judge().says(now, format!("the log loses {entries} entries"));
        self.judge().lost = Some(now);
        for node in 0..NODES {
            self.set_mood(node, Mood::Well, (Duration::ZERO, Duration::ZERO));
        }
    }

    /// Starts a node again, if it owes the log nothing.
    async fn restart(&self, node: usize) {
        let (old, now) = (self.node(node), self.now());
        let link = self.judge().links[node];
        let settled = link.is_well && link.since + judge::PROMISE + judge::RESTORED < now;
        let restored = self.judge().lost.is_none_or(|lost| lost + 2 * judge::RESTORED < now);
        if Arc::strong_count(&old.busy) > 2 || !settled || !restored {
            return;
        }
        let new = self.start(old.ahead).await;
        self.0.nodes.try_lock().unwrap()[node] = new;
        self.judge().says(now, format!("node {node} starts again"));
    }

    /// All is well again. What has ended has ended, everywhere.
    async fn look_back(&self) {
        for node in 0..NODES {
            self.set_mood(node, Mood::Well, (Duration::ZERO, Duration::ZERO));
        }
        self.pass(12_000).await;
        for round in 0..2 {
            for node in 0..NODES - 2 * round {
                if round == 1 {
                    self.restart(node).await;
                }
                let cookies = self.cookies().len();
                for cookie in 0..cookies {
                    self.look_at(node, cookie).await;
                }
            }
            self.pass(15_000).await;
        }
    }
}

fn run(seed: u64) -> Result<usize, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let fleet = Fleet::new();
        let run = Run(Arc::new(Inner {
            fleet,
            began: Instant::now(),
            random: Mutex::new(Random::new(seed, 0)),
            nodes: Mutex::default(),
            judge: Mutex::default(),
            cookies: Mutex::default(),
        }));
        for _ in 0..NODES {
            let ahead = run.random().one_of(&[-5, -2, 0, 3, 5]);
            let node = run.start(ahead).await;
            run.0.nodes.lock().unwrap().push(node);
            run.judge().links.push(Link { since: 0, is_well: true, is_cut: false });
        }
        let steps = 20 + run.below(60);
        for _ in 0..steps {
            run.step().await;
            if !run.judge().faults.is_empty() {
                break;
            }
        }
        run.look_back().await;
        run.0.nodes.lock().unwrap().clear();
        let judge = mem::take(&mut *run.judge());
        match judge.faults.first() {
            None => Ok(judge.trace.len()),
            Some(fault) => Err(format!("{fault}\n\n{}", judge.trace.join("\n"))),
        }
    })
}

fn check(seed: u64) -> usize {
    run(seed).unwrap_or_else(|fault| panic!("\nSESSION_FLEET_SEED={seed}\n{fault}\n"))
}

/// The first seeds are fixed, so that every run tries the same. With `SESSION_FLEET_RUNS`, further seeds differ from run to
/// run.
#[test]
fn b73_a_random_fleet_ends_those_who_were_ended_and_nobody_else() {
    let number = |name| env::var(name).ok().map(|text| text.parse().expect("the variable is not a number"));
    if let Some(seed) = number("SESSION_FLEET_SEED") {
        check(seed);
        return;
    }
    let (fixed, runs) = (200, number("SESSION_FLEET_RUNS").unwrap_or(200));
    let random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("after {fixed} fixed seeds, seeds from {random} on");
    let seeds = (0..fixed).chain((0..).map(|n| random + n)).take(runs as usize);
    let events: usize = seeds.map(check).sum();
    println!("{runs} runs, {events} events");
}
