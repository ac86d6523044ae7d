//! A judge that knows who was ended, and when, and checks every answer. It knows only what browsers and callers see, and
//! the moods of the nodes' connections.

use sealed_session::{Arrival, Refusal};

/// A time of the run, in milliseconds.
pub type Time = u64;

/// The promise: `at_most`.
pub const PROMISE: Time = 5_000;

/// The time within which a node follows the log again: the end of a call that hangs, the next tick, and a read.
const RETURN: Time = 3_500;

/// The time after which the log has all its entries again, if it has lost some.
pub const RESTORED: Time = 6_000;

/// A session under one id and for one user.
pub struct Life {
    /// The number of its id.
    pub id: usize,
    pub user: Option<u64>,
    pub key: Option<u64>,
    /// The one that got a new id.
    pub parent: Option<usize>,
    /// The beginning of the sign-in.
    pub born: Time,
    /// The beginning and the end of the request that made it, and the end of its handler.
    pub asked: Time,
    pub committed: Time,
    pub sent: Time,
    /// The node could not be sure of the log when it made it.
    pub blind: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scope {
    User(u64),
    Key(u64),
    All,
    /// By an administrator, at once.
    Id(usize),
    /// By a sign-out or a new id: requests in flight can still read it.
    Left(usize),
}

/// A call or request that ends sessions.
pub struct Ending {
    pub scope: Scope,
    pub node: usize,
    pub called: Time,
    /// It is unknown until then whether it has an effect.
    pub returned: Option<Time>,
    pub effect: Effect,
    /// The session whose request it is goes on as this one.
    pub keeps: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    Unknown,
    None,
    /// The node has still to append it, once it can.
    Owed,
    Sure,
}

/// A node's connection to the log.
#[derive(Clone, Copy)]
pub struct Link {
    /// Since when it is well, or is not.
    pub since: Time,
    pub is_well: bool,
    /// No call succeeds.
    pub is_cut: bool,
}

#[derive(Default)]
pub struct Judge {
    pub lives: Vec<Life>,
    pub endings: Vec<Ending>,
    pub links: Vec<Link>,
    /// The last time that the log lost entries.
    pub lost: Option<Time>,
    pub faults: Vec<String>,
    pub trace: Vec<String>,
}

/// The outcome of a request with a cookie of some life.
pub struct Answer<'a> {
    pub what: &'a str,
    pub node: usize,
    pub life: Option<usize>,
    /// When its cookie was made.
    pub made: Time,
    pub asked: Time,
    /// The time and the result of opening, unless that failed.
    pub opened: Option<(Time, Arrival)>,
    pub committed: Time,
    pub sent: Time,
    pub status: u16,
    /// The life of the cookie that it sets, and whether that has the id of the one that came.
    pub sets: Option<(usize, bool)>,
}

impl Judge {
    pub fn says(&mut self, now: Time, what: impl std::fmt::Display) {
        self.trace.push(format!("{:>7.3}  {what}", now as f64 / 1000.0));
    }

    fn objects(&mut self, now: Time, what: String) {
        self.says(now, format!("OBJECTION: {what}"));
        self.faults.push(what);
    }

    /// Checks an answer.
    pub fn hears(&mut self, answer: &Answer<'_>) {
        let Answer { what, node, asked, sent, status, committed, .. } = *answer;
        let link = self.links[node];
        let steady = link.is_well && link.since + RETURN + PROMISE < asked;
        if steady && status >= 500 {
            self.objects(sent, format!("{what}: node {node} follows the log and answers {status}"));
        }
        let Some(life) = answer.life else { return };
        let Some((opened, arrival)) = answer.opened else { return };
        let lasts = (answer.made + super::IDLE).min(self.lives[life].born + super::ABSOLUTE);
        let may_be_over = |now| now >= lasts - 2 * PROMISE - 1_000;
        match arrival {
            Arrival::Opened => {
                if let Some(why) = self.has_ended(life, node, opened) {
                    self.objects(opened, format!("{what}: an ended session opens on node {node}: {why}"));
                }
                // The connection has not changed since.
                if link.is_cut && link.since + PROMISE < opened {
                    self.objects(opened, format!("{what}: node {node} is stale and opens a session"));
                }
            }
            Arrival::Refused(Refusal::Revoked) => self.must_be_explained(what, life, opened),
            Arrival::Refused(Refusal::Expired) if may_be_over(opened) => {}
            other => self.objects(opened, format!("{what}: {other:?}")),
        }
        // A request that takes as long as the idle timeout fails in any case.
        if status == 409 && sent < answer.asked + super::IDLE {
            self.must_be_explained(what, life, sent);
        }
        // Who signs in with an ended session does not bring it back.
        let Some((new, same_id)) =
            answer.sets.filter(|_| arrival == Arrival::Opened && !what.contains("SignIn"))
        else {
            return;
        };
        let why = self.endings.iter().filter(|ending| ending.keeps != Some(new)).find(|ending| {
            let known = ending.returned.is_some_and(|returned| returned < committed);
            let here = ending.effect == Effect::Sure && (ending.node == node || !same_id);
            let at_once = here && known && !self.is_lost_to(ending, node, committed);
            // Of two revocations at the same time, it is open which one comes first.
            let overlaps =
                what.contains("LogOutOthers") && ending.returned.is_some_and(|returned| asked <= returned);
            !overlaps && (at_once || self.is_over(ending, node, committed)) && self.ends(ending, life)
        });
        if let Some(why) = why.map(describe) {
            self.objects(sent, format!("{what}: an ended session goes on: {why}"));
        }
    }

    /// Returns true if a node has ended an id, and perhaps the log does not have it yet.
    pub fn owes(&self, id: usize, node: usize) -> bool {
        let pending = |ending: &&Ending| ending.effect == Effect::Owed || ending.effect == Effect::Unknown;
        let this = |ending: &Ending| ending.scope == Scope::Left(id) && ending.node == node;
        self.endings.iter().filter(pending).filter(|ending| this(ending)).count() > 1
    }

    /// Returns why a session must have ended on a node by a time.
    fn has_ended(&self, life: usize, node: usize, now: Time) -> Option<String> {
        let mut endings = self.endings.iter();
        endings.find(|ending| self.is_over(ending, node, now) && self.ends(ending, life)).map(describe)
    }

    /// Returns true if an ending must have taken effect on a node.
    fn is_over(&self, ending: &Ending, node: usize, now: Time) -> bool {
        let (Some(returned), link) = (ending.returned, self.links[ending.node]) else { return false };
        let at_once = ending.node == node && !matches!(ending.scope, Scope::Left(_));
        let deadline = match ending.effect {
            Effect::Sure if at_once => returned,
            Effect::Sure => returned + PROMISE,
            Effect::Owed if ending.node == node => returned + PROMISE,
            Effect::Owed if link.is_well => returned.max(link.since) + RETURN + PROMISE,
            _ => return false,
        };
        now > deadline && (at_once || !self.is_lost_to(ending, node, now))
    }

    /// Returns true if the log may have lost an ending that not all nodes knew.
    fn is_lost(&self, ending: &Ending, now: Time) -> bool {
        let recent = |lost: Time| ending.returned.is_none_or(|returned| returned + PROMISE + RETURN > lost);
        self.lost.is_some_and(|lost| {
            recent(lost) && ending.called <= lost + RESTORED && now <= lost + RESTORED + PROMISE
        })
    }

    /// The same, or a node that was cut off before the ending was back in the log.
    fn is_lost_to(&self, ending: &Ending, node: usize, now: Time) -> bool {
        let was_cut = |lost| self.links[node].since >= lost && now <= lost + RESTORED + PROMISE;
        self.is_lost(ending, now) || self.lost.is_some_and(was_cut)
    }

    /// Returns true if an ending that took effect has surely ended a session.
    fn ends(&self, ending: &Ending, life: usize) -> bool {
        let this = &self.lives[life];
        if ending.keeps == Some(life) {
            return false;
        }
        // A session that gets a new id on a node that does not know of an ending, while the log has lost it, goes on.
        let is_unknown = self.is_lost(ending, this.committed);
        let parent = |parent| !is_unknown && self.ends(ending, parent);
        match ending.scope {
            Scope::Id(id) | Scope::Left(id) => {
                // Until the node has appended it, the others do not know.
                let later = ending.effect == Effect::Sure
                    && ending.returned.is_some_and(|returned| this.committed > returned);
                this.id == id || (later && this.parent.is_some_and(parent))
            }
            _ => {
                // A session that began after a revocation of its key, or of its user, begins a second after that, and is not
                // ended by one of the other kind in the same second.
                let hides = |other: &Ending| {
                    matches!(
                        (other.scope, ending.scope),
                        (Scope::Key(_), Scope::User(_)) | (Scope::User(_), Scope::Key(_))
                    ) && matches(other.scope, this)
                        && other.called <= ending.called
                        && other.returned.is_none_or(|returned| returned + 5_000 > ending.called)
                };
                // The same holds for any revocation that the log has lost since, until it is written back.
                let is_forgotten = self.lost.is_some_and(|lost| {
                    this.sent <= lost && lost <= ending.called && ending.called <= lost + RESTORED
                });
                let precedes = |other: &Ending| matches(other.scope, this) && other.called <= this.sent;
                if self.endings.iter().any(|other| hides(other) || (is_forgotten && precedes(other))) {
                    return false;
                }
                // Of two that log the others out at the same time, it is open which one comes first.
                let overlaps = ending.returned.is_none_or(|returned| this.asked <= returned)
                    && self.endings.iter().any(|other| other.keeps == Some(life));
                (matches(ending.scope, this) && this.sent < ending.called)
                    || (!overlaps && this.parent.is_some_and(parent))
            }
        }
    }

    fn must_be_explained(&mut self, what: &str, life: usize, now: Time) {
        let explained = self.endings.iter().any(|ending| {
            ending.effect != Effect::None && ending.called <= now && self.may_have_ended(ending, life)
        });
        if !explained {
            self.objects(now, format!("{what}: a session was ended that nobody has ended"));
        }
    }

    fn may_have_ended(&self, ending: &Ending, life: usize) -> bool {
        let this = &self.lives[life];
        if ending.keeps == Some(life) {
            return false;
        }
        let parent = || this.parent.is_some_and(|parent| self.may_have_ended(ending, parent));
        match ending.scope {
            Scope::Id(id) | Scope::Left(id) => this.id == id,
            scope => {
                let returned = ending.returned.unwrap_or(Time::MAX);
                // A visitor's session begins without a look at the log.
                let unaware =
                    this.user.is_none() && this.asked <= returned.saturating_add(3 * PROMISE + 2_000);
                let lost = self.lost.is_some_and(|lost| ending.called <= lost && this.sent >= lost);
                (matches(scope, this) && (this.asked <= returned || this.blind || unaware || lost))
                    || parent()
            }
        }
    }
}

fn matches(scope: Scope, life: &Life) -> bool {
    match scope {
        Scope::User(user) => life.user == Some(user),
        Scope::Key(key) => life.key == Some(key),
        _ => true,
    }
}

fn describe(ending: &Ending) -> String {
    format!("{:?} on node {} at {}, returned {:?}", ending.scope, ending.node, ending.called, ending.returned)
}
