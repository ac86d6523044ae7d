//! Requests of browsers and thieves, and the application that answers them.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use sealed_session::{Arrival, Error, Session, SessionId};
use tokio::time::timeout;

use super::{
    PERSISTENT, Run, USERS,
    judge::{Answer, Effect, Life, Scope, Time},
};
use crate::{
    kit::{Browser, ask},
    node::Visit,
};

/// A cookie that somebody has, and perhaps a thief.
#[derive(Clone)]
pub struct Cookie {
    pub value: String,
    pub life: usize,
    pub id: SessionId,
    made: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Read,
    Change,
    /// Begins a visitor's session.
    Begin,
    SignIn,
    SignInWithoutANewId,
    SignOut,
    NewId,
    NewRole,
    Remember,
    LogOutOthers,
}

/// What a handler has seen and done.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    opened: Option<(Time, Arrival)>,
    /// When it made its call.
    acted: Option<Time>,
    done: Option<Time>,
}

type Slot = Arc<std::sync::Mutex<Seen>>;

/// What a request asks for.
#[derive(Clone)]
struct Task {
    verb: Verb,
    user: u64,
    /// The time before the call, and after it.
    pauses: [Time; 2],
    slot: Slot,
}

pub fn app(run: Run) -> Router {
    Router::new().route(
        "/{user}",
        get(
            async move |Path(_): Path<u64>,
                        axum::Extension(task): axum::Extension<Task>,
                        session: Session<Visit>| {
                task.slot.lock().unwrap().opened = Some((run.now(), session.arrival()));
                run.pass(task.pauses[0]).await;
                let done = act(&run, &task, &session).await;
                run.pass(task.pauses[1]).await;
                task.slot.lock().unwrap().done = Some(run.now());
                done
            },
        ),
    )
}

async fn act(run: &Run, task: &Task, session: &Session<Visit>) -> Result<(), Error> {
    let user = session.read(|visit| visit.user);
    let sign_in = |visit: &mut Visit| {
        (visit.user, visit.provider_session) = (Some(task.user), Some(format!("key {}", task.user)));
    };
    match task.verb {
        Verb::Begin => session.update(|visit| visit.views += 1),
        Verb::SignIn => {
            session.cycle_id();
            session.update(sign_in);
        }
        Verb::SignInWithoutANewId => session.update(sign_in),
        _ if session.arrival() != Arrival::Opened => return Ok(()),
        Verb::Read => return Ok(()),
        Verb::Change => session.update(|visit| visit.views += 1),
        Verb::SignOut => session.destroy(),
        Verb::NewId => session.cycle_id(),
        Verb::NewRole => session.cycle_id_keep_timeout(),
        Verb::Remember => session.remember(Duration::from_millis(PERSISTENT))?,
        Verb::LogOutOthers if user.is_none() => return Ok(()),
        Verb::LogOutOthers => session.revoke_others().await?,
    }
    task.slot.lock().unwrap().acted = Some(run.now());
    Ok(())
}

impl Run {
    /// Sends a random request.
    pub fn send(&self, node: usize) {
        use Verb::{
            Begin, Change, LogOutOthers, NewId, NewRole, Read, Remember, SignIn, SignInWithoutANewId, SignOut,
        };
        let cookies = self.cookies().len() as u64;
        let mut random = self.random();
        let cookie = match random.below(10) {
            _ if cookies == 0 => None,
            0 => None,
            1..6 => Some(cookies - 1 - random.below(cookies.min(4))),
            _ => Some(random.below(cookies)),
        };
        let cookie = cookie.map(|at| at as usize);
        let life = cookie.map(|at| self.cookies()[at].life);
        let is_user = life.is_some_and(|life| self.judge().lives[life].user.is_some());
        let verb = match (cookie, is_user) {
            (None, _) => random.one_of(&[Begin, SignIn, SignIn, SignInWithoutANewId]),
            (_, false) => random.one_of(&[Read, Change, SignIn, SignIn, SignInWithoutANewId, NewId, SignOut]),
            _ => random.one_of(&[
                Read,
                Read,
                Read,
                Change,
                Change,
                Change,
                SignIn,
                SignOut,
                SignOut,
                NewId,
                NewId,
                NewRole,
                Remember,
                LogOutOthers,
            ]),
        };
        let mut pause = || match random.below(8) {
            0 => random.below(12_000),
            1 | 2 => random.below(1_000),
            _ => 0,
        };
        let pauses = [pause(), pause()];
        let user = random.below(USERS);
        let patience = random.one_in(12).then(|| random.below(3_000));
        drop(random);
        let task = Task { verb, user, pauses, slot: Slot::default() };
        let this = self.clone();
        tokio::spawn(async move { this.ask(node, cookie, task, patience).await });
    }

    /// Reads a cookie's session.
    pub async fn look_at(&self, node: usize, cookie: usize) {
        let task = Task { verb: Verb::Read, user: 0, pauses: [0; 2], slot: Slot::default() };
        self.ask(node, Some(cookie), task, None).await;
    }

    async fn ask(&self, at: usize, cookie: Option<usize>, task: Task, patience: Option<Time>) {
        let (node, asked, verb) = (self.node(at), self.now(), task.verb);
        let cookie = cookie.map(|cookie| self.cookies()[cookie].clone());
        let life = cookie.as_ref().map(|cookie| cookie.life);
        let of = life.map(|life| self.judge().lives[life].user.is_some());
        let what = format!("{verb:?} of life {life:?} on node {at}");
        self.judge().says(asked, format!("{what} begins, pauses {:?}", task.pauses));

        // What it can end.
        let changes_id =
            matches!(verb, Verb::NewId | Verb::NewRole | Verb::Remember | Verb::LogOutOthers | Verb::SignIn);
        let ends_own = (changes_id || verb == Verb::SignOut) && of == Some(true);
        let came = |life: usize| {
            let judge = self.judge();
            (judge.lives[life].id, judge.lives[life].user)
        };
        let (id, from) = life.map(came).unzip();
        let own = ends_own.then(|| self.begin_ending(Scope::Left(id.unwrap()), at));
        let others = (ends_own && verb == Verb::LogOutOthers)
            .then(|| self.begin_ending(Scope::User(from.flatten().unwrap()), at));

        let browser = cookie
            .as_ref()
            .map_or(Browser::new(), |cookie| Browser::holding("__Host-session", &cookie.value));
        let mut request = browser.request("GET", &format!("/{}", task.user));
        request.extensions_mut().insert(task.clone());
        let asking = ask(&node.app, request);
        let answer = match patience {
            Some(patience) => timeout(Duration::from_millis(patience), asking).await.ok(),
            None => Some(asking.await),
        };
        let (sent, seen) = (self.now(), *task.slot.lock().unwrap());
        let committed = seen.done.unwrap_or(sent);
        let set =
            answer.iter().flat_map(|answer| answer.set_cookies()).find(|set| !set.contains("Max-Age=0"));
        let set = set.map(|set| set.split([';', '=']).nth(1).unwrap().to_owned());
        let sets = set.map(|value| {
            let (visit, metadata) = node.sessions.sealer().open(&value, self.world_now()).unwrap();
            self.born(at, value, metadata.id(), &visit, (life, verb), (asked, committed, sent))
        });
        let status = answer.as_ref().map(|answer| answer.status);
        self.judge().says(sent, format!("{what} answers {status:?}, sets {sets:?}, came {:?}", seen.opened));

        // What it has ended.
        let came = matches!(seen.opened, Some((_, Arrival::Opened)));
        if let Some(own) = own {
            let effect = match (status, verb) {
                (_, Verb::SignOut) if seen.acted.is_none() || !came => Effect::None,
                (Some(StatusCode::OK), _) if !came => Effect::None,
                (Some(StatusCode::OK), Verb::Remember) if sets.is_none_or(|(_, same)| same) => Effect::None,
                // It is ended here already, by a request whose ending is not in the log yet.
                (Some(StatusCode::OK), _) if self.judge().owes(id.unwrap(), at) => Effect::Owed,
                (Some(StatusCode::OK), _) => Effect::Sure,
                (Some(_), Verb::SignOut) => Effect::Owed,
                (None, Verb::SignOut) => Effect::Owed,
                (Some(_), _) if sets.is_some() => Effect::Owed,
                (Some(_), _) => Effect::None,
                _ => Effect::Unknown,
            };
            self.finish_ending(own, effect, None);
        }
        if let Some(others) = others {
            let keeps = sets.map(|(life, _)| life);
            let effect = match seen.acted {
                Some(acted) => {
                    self.judge().endings[others].returned = Some(acted);
                    Effect::Sure
                }
                None => Effect::Unknown,
            };
            self.finish_ending(others, effect, keeps);
        }
        let Some(status) = status else { return };
        let made = cookie.map_or(0, |cookie| cookie.made);
        let (opened, status) = (seen.opened, status.as_u16());
        let answer =
            Answer { what: &what, node: at, life, made, asked, opened, committed, sent, status, sets };
        self.judge().hears(&answer);
        drop(node);
    }

    /// Records a cookie. Returns its life, and whether that has the id of the one that came.
    fn born(
        &self,
        at: usize,
        value: String,
        id: SessionId,
        visit: &Visit,
        (came, verb): (Option<usize>, Verb),
        (asked, committed, sent): (Time, Time, Time),
    ) -> (usize, bool) {
        let number = self.number(id);
        let mut judge = self.judge();
        let same_id = came.is_some_and(|came| judge.lives[came].id == number);
        let life = match came {
            Some(came) if same_id && judge.lives[came].user == visit.user => came,
            _ => {
                let signs_in = matches!(verb, Verb::SignIn | Verb::SignInWithoutANewId | Verb::Begin);
                let parent = came.filter(|_| !signs_in);
                let born = parent.map_or(asked, |parent| judge.lives[parent].born);
                let link = judge.links[at];
                let blind = !link.is_well || link.since >= asked;
                let key = visit.provider_session.as_ref().map(|key| key[4..].parse().unwrap());
                judge.lives.push(Life {
                    id: number,
                    user: visit.user,
                    key,
                    parent,
                    born,
                    asked,
                    committed,
                    sent,
                    blind,
                });
                judge.lives.len() - 1
            }
        };
        drop(judge);
        self.cookies().push(Cookie { value, life, id, made: committed });
        (life, same_id)
    }

    /// Returns the number of a session's id.
    fn number(&self, id: SessionId) -> usize {
        let cookies = self.cookies();
        match cookies.iter().find(|cookie| cookie.id == id) {
            Some(cookie) => self.judge().lives[cookie.life].id,
            None => cookies.len(),
        }
    }
}
