//! What may happen: the steps of a sequence, and how they are drawn.

use sealed_session::SessionsBuilder;

use crate::{judge::Basket, random::Random};

/// What a handler does with its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Puts something in that nobody else ever has.
    Add,
    /// Takes the oldest thing out.
    Take,
    /// Makes the session this much longer.
    Bulk(usize),
    Clear,
    Touch,
    Remember,
    CycleId,
    CycleIdKeepTimeout,
    EndWithBrowser,
    Destroy,
    Save,
    /// Signs a user in. The session keeps its id, unless it is to be cycled.
    SignIn(u8),
    /// Ends the user's other sessions.
    RevokeOthers,
    /// Waits, while other requests go on.
    Pause,
    Passive,
    /// Answers 500.
    Fail,
}

/// How the store treats a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    /// The call fails, and nothing is done.
    Down,
    /// It is carried out, and fails all the same.
    Lying,
    /// It is never answered. It may be carried out later.
    Hanging,
}

/// One thing that happens. `which` counts, around, those that there are at the time, so that a sequence from which
/// steps are taken away is still one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A request, from its beginning to the delivery of its answer. Some of its store's calls find another mood.
    Visit { browser: usize, node: usize, verbs: Vec<Verb>, moods: Vec<(usize, Mood)> },
    /// A request begins.
    Begin { browser: usize, node: usize, verbs: Vec<Verb> },
    /// One that waits, for the store or by its own will, goes on to where it waits next.
    Proceed { which: usize, mood: Mood },
    /// One goes on to its end.
    Finish { which: usize },
    /// An answer reaches its browser.
    Deliver { which: usize },
    /// A client goes away before it has its answer.
    HangUp { which: usize },
    /// A call that nobody waits for any more is carried out after all.
    CarryOut { which: usize },
    /// Seconds pass.
    Pass(u64),
    /// All calls find the store in this mood, until another comes.
    Weather(Mood),
    /// A node is restarted with the next of its rings, if all the others are ready for that.
    Roll { node: usize },
    /// A browser gets the cookie of another, or one that that one had before.
    Copy { from: usize, to: usize, back: usize },
    /// An administrator ends sessions on a node.
    Revoke { node: usize, whose: Whose },
}

/// The sessions that an administrator ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    User(u8),
    Everybodys,
}

/// What becomes of two changes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    LastWriteWins,
    Refuse,
    Merge,
}

impl Policy {
    pub const ALL: [Self; 3] = [Self::LastWriteWins, Self::Refuse, Self::Merge];

    pub fn configure(self, builder: SessionsBuilder<Basket>) -> SessionsBuilder<Basket> {
        match self {
            Self::LastWriteWins => builder,
            Self::Refuse => builder.on_conflict(|_| None),
            Self::Merge => builder.on_conflict(|all| Some(Basket::merge(&all.base, &all.theirs, &all.mine))),
        }
    }
}

/// Under one policy, these things happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    pub policy: Policy,
    /// Sessions can be revoked.
    pub revocations: bool,
    pub steps: Vec<Step>,
}

impl Sequence {
    /// Draws the sequence of a seed. A third of them are calm: one request after the other, each answer delivered at
    /// once. A third of all have revocations, which does not change the others.
    pub fn draw(seed: u64) -> Self {
        let revocations = Random::new(seed, 1).one_in(3);
        // `Random` drops its first number.
        let random = Random::new(seed.wrapping_sub(0x9e37_79b9_7f4a_7c15), 0);
        let mut dice = Dice { random, revocations };
        let policy = dice.pick(&Policy::ALL);
        let calm = dice.one_in(3);
        // Without failures, more is certain.
        let fair = dice.one_in(2);
        let length = 3 + dice.below(if calm { 14 } else { 40 });
        let mut steps: Vec<_> =
            (0..length).map(|_| if calm { dice.calm(fair) } else { dice.wild(fair) }).collect();
        // Nodes with revocations take long to start again.
        if dice.one_in(if revocations { 12 } else { 4 }) {
            dice.rotate(&mut steps);
        }
        Self { policy, revocations, steps }
    }

    /// The same without a step, or without something of it.
    pub fn without(&self, at: usize) -> Vec<Self> {
        let mut smaller = vec![];
        let mut gone = self.clone();
        gone.steps.remove(at);
        smaller.push(gone);
        if let Step::Visit { verbs, .. } | Step::Begin { verbs, .. } = &self.steps[at] {
            for verb in 0..verbs.len() {
                let mut fewer = self.clone();
                if let Step::Visit { verbs, .. } | Step::Begin { verbs, .. } = &mut fewer.steps[at] {
                    verbs.remove(verb);
                }
                smaller.push(fewer);
            }
        }
        if let Step::Visit { moods, .. } = &self.steps[at] {
            for mood in 0..moods.len() {
                let mut fewer = self.clone();
                if let Step::Visit { moods, .. } = &mut fewer.steps[at] {
                    moods.remove(mood);
                }
                smaller.push(fewer);
            }
        }
        smaller
    }
}

pub const BROWSERS: usize = 3;
pub const NODES: usize = 2;
pub const USERS: usize = 2;
/// More than the store takes.
pub const TOO_LARGE: usize = 3000;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// The choices of a seed.
struct Dice {
    random: Random,
    /// Users sign in, and sessions are revoked.
    revocations: bool,
}

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.random.below(end as u64) as usize
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.random.one_in(n)
    }

    fn pick<X: Copy>(&mut self, of: &[X]) -> X {
        self.random.one_of(of)
    }

    fn mood(&mut self, fair: bool) -> Mood {
        match fair || !self.one_in(6) {
            true => Mood::Well,
            false => self.pick(&[Mood::Down, Mood::Lying, Mood::Hanging]),
        }
    }

    fn verbs(&mut self) -> Vec<Verb> {
        use Verb::{Add, Bulk, CycleId, Destroy, Pause, Save};
        // What seldom comes about by chance.
        match self.below(24) {
            0 => return vec![Destroy, Add, Bulk(300)],
            1 => return vec![Add, CycleId, Save, Pause, self.pick(&[Add, Pause])],
            2 => return vec![Add, self.pick(&[CycleId, Bulk(0)]), Save, self.pick(&[Add, Destroy])],
            _ => {}
        }
        let count = self.below(5);
        let mut verbs: Vec<_> = (0..count).map(|_| self.verb()).collect();
        if self.revocations && self.one_in(5) {
            let sign_in = Verb::SignIn(self.user());
            let together = [CycleId, sign_in];
            verbs.splice(..0, if self.one_in(2) { &together[..] } else { &together[1..] }.iter().copied());
        }
        verbs
    }

    fn user(&mut self) -> u8 {
        self.below(USERS) as u8
    }

    fn verb(&mut self) -> Verb {
        if self.revocations && self.one_in(12) {
            return if self.one_in(2) { Verb::RevokeOthers } else { Verb::SignIn(self.user()) };
        }
        match self.below(32) {
            0..8 => Verb::Add,
            8..10 => Verb::Bulk(300),
            10 => Verb::Bulk(100),
            11..14 => Verb::Bulk(0),
            14 => Verb::Clear,
            15 => Verb::Touch,
            16 => Verb::Remember,
            17..19 => Verb::CycleId,
            19 => Verb::CycleIdKeepTimeout,
            20 => Verb::Destroy,
            21 => Verb::EndWithBrowser,
            22 => Verb::Destroy,
            23..26 => Verb::Save,
            26..28 => Verb::Pause,
            28 => Verb::Take,
            29 => Verb::Passive,
            30 => Verb::Fail,
            _ if self.one_in(4) => Verb::Bulk(TOO_LARGE),
            _ => Verb::Bulk(300),
        }
    }

    /// A first visit is often one that grows.
    fn visit(&mut self, fair: bool) -> Step {
        let mut verbs = self.verbs();
        if self.one_in(3) {
            verbs.splice(..0, [Verb::Add, Verb::Bulk(300)]);
        }
        let moods = match fair || !self.one_in(3) {
            true => vec![],
            false => (0..2).map(|_| (self.below(6), self.mood(false))).collect(),
        };
        Step::Visit { browser: self.below(BROWSERS), node: self.below(NODES), verbs, moods }
    }

    fn pass(&mut self) -> Step {
        // The promised delay, and the time for which a sign-in is ahead of it.
        if self.revocations && self.one_in(2) {
            return Step::Pass(self.pick(&[1, 4, 5, 12]));
        }
        Step::Pass(self.pick(&[
            1,
            31,
            31,
            40 * MINUTE,
            40 * MINUTE,
            100 * MINUTE,
            3 * HOUR,
            5 * DAY,
            15 * DAY,
        ]))
    }

    /// A whole rotation of keys, from the first node that opens the new one to the last that has forgotten the old one.
    fn rotate(&mut self, steps: &mut Vec<Step>) {
        let all = (0..NODES).map(|node| Step::Roll { node });
        let wait = [Step::Pass(5 * DAY), Step::Pass(5 * DAY), Step::Pass(5 * DAY)];
        let rotation = all.clone().chain(all.clone()).chain(wait).chain(all);
        let mut at = 0;
        for step in rotation {
            at += self.below((steps.len() - at).min(3) + 1);
            steps.insert(at, step);
            at += 1;
        }
    }

    fn weather(&mut self, fair: bool) -> Step {
        match fair || self.one_in(2) {
            true => Step::Weather(Mood::Well),
            false => Step::Weather(self.pick(&[Mood::Down, Mood::Lying, Mood::Hanging])),
        }
    }

    fn revoke(&mut self) -> Step {
        let whose = if self.one_in(4) { Whose::Everybodys } else { Whose::User(self.user()) };
        Step::Revoke { node: self.below(NODES), whose }
    }

    fn calm(&mut self, fair: bool) -> Step {
        if self.revocations && self.one_in(12) {
            return self.revoke();
        }
        match self.below(16) {
            0..3 => self.pass(),
            3 => self.weather(fair),
            4 => Step::Roll { node: self.below(NODES) },
            _ => self.visit(fair),
        }
    }

    /// Here one browser makes most of the requests: they are to meet.
    fn wild(&mut self, fair: bool) -> Step {
        if self.revocations && self.one_in(16) {
            return match self.below(3) {
                0 => self.revoke(),
                1 => self.pass(),
                _ => Step::Copy { from: 0, to: self.below(BROWSERS), back: self.below(4) },
            };
        }
        let browser = if self.one_in(4) { self.below(BROWSERS) } else { 0 };
        let which = self.below(8);
        match self.below(64) {
            0..12 => Step::Begin { browser, node: self.below(NODES), verbs: self.verbs() },
            12..32 => Step::Proceed { which, mood: self.mood(fair) },
            32..38 => Step::Finish { which },
            38..48 => Step::Deliver { which },
            48 => Step::HangUp { which },
            49 if !fair => Step::CarryOut { which },
            49..53 => Step::Copy { from: browser, to: self.below(BROWSERS), back: self.below(3) },
            53..56 => self.pass(),
            56 => self.weather(fair),
            57 => Step::Roll { node: self.below(NODES) },
            _ => match self.visit(fair) {
                Step::Visit { node, verbs, moods, .. } => Step::Visit { browser, node, verbs, moods },
                other => other,
            },
        }
    }
}
