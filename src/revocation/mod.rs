//! Revocations: sessions that end before they expire, at once and on every node, without a store call per request.
//!
//! ```text
//!   revocations.subject("shop", &7)          another process
//!           │ append                               │ read once per second, from where the last read ended
//!           ▼                                      ▼
//!   RevocationLog ── entries in order ──────► Follower ── insert ──► Index ◄── look up ── Judge ◄── open, commit
//! ```
//!
//! An entry is tiny and dies with the sessions that it ends, so each process keeps all of them in memory.

mod builder;
mod ending;
mod follower;
mod index;
pub(crate) mod judge;
mod log_clock;
mod target;

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

pub use self::builder::RevocationsBuilder;
pub(crate) use self::{ending::Ending, judge::Judge};
use self::{
    follower::{Follower, PATIENCE},
    target::{Scope, Target},
};
use crate::{
    Key,
    error::{Error, Kind},
    sealer::{Metadata, SessionId},
    store::{Budget, RevocationEntry},
};

/// The number of seconds by which a process can take the clock of the log to be ahead: the time limit of a read, and
/// three times a second for rounding.
const AHEAD: u32 = 5;

/// The pause of a revocation that waits for the next second.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends sessions before they expire: one session, all sessions of a user, or all sessions of the application.
///
/// Without this, a session that lives in its cookie ends when it expires, and a sign-out only removes the cookie from
/// the browser. With it, every process follows a log of revocations in a [store](crate::store::RevocationLog), with one
/// small query per second, and checks each session against them in memory. A request costs no call to the store.
///
/// Build it once, give it to [`SessionsBuilder::revocations`](crate::SessionsBuilder::revocations), and name the user of
/// a session with [`subject`](crate::SessionsBuilder::subject). Cloning is cheap. One serves several kinds of sessions.
///
#[cfg_attr(feature = "memory", doc = "```")]
#[cfg_attr(not(feature = "memory"), doc = "```ignore")]
/// use sealed_session::{Error, Key, KeyRing, Revocations, Session, Sessions, store::MemoryStore};
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Visit { user: Option<u64> }
///
/// /// "Log out everywhere", for an administrator.
/// async fn log_out(revocations: &Revocations, user: u64) -> Result<(), Error> {
///     revocations.subject("shop", &user).await
/// }
///
/// /// "Log out everywhere else", for the user, after a change of password.
/// async fn log_out_others(session: Session<Visit>) -> Result<(), Error> {
///     session.revoke_others().await
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let key = Key::generate()?; // in production: Key::parse(&std::env::var("REVOCATION_KEY")?)?
///     let store = MemoryStore::new(); // in production: SQLite, PostgreSQL or Redis
///     let revocations = Revocations::builder(key).start(store).await?;
///     let sessions = Sessions::<Visit>::builder(KeyRing::generate()?)
///         .realm("shop")
///         .revocations(revocations.clone())
///         .subject(|visit: &Visit| visit.user)
///         .build()?;
///     log_out(&revocations, 7).await?;
///     Ok(())
/// }
/// ```
///
/// # The promise
///
/// When a call has returned, the sessions are ended within [`at_most`](RevocationsBuilder::at_most), by default 5
/// seconds, in every process. In the process that made the call they are ended at once. A process that has not been able
/// to read the log for that long answers requests that bring a session with 503, unless it was told to [accept them
/// ](RevocationsBuilder::accept_when_stale).
///
/// A user who signs in after a revocation of all of the user's sessions is signed in. The new session begins, by its
/// timestamps, up to twice `at_most` and a few seconds in the future, so that it can be told from those that were ended. The
/// clocks of all nodes and of the log must agree within `at_most`.
///
/// With revocations, [`destroy`](crate::Session::destroy) and [`cycle_id`](crate::Session::cycle_id) end every copy of
/// the old cookie, too. For up to `at_most`, requests in flight can still read the old session. They never write a cookie.
///
/// If a log loses entries, the processes that know them write them back, and the delay counts from the loss. A revocation
/// of sessions that were revoked in the same second waits for the next one.
///
/// # Realms, subjects and keys
///
/// Revocations are made in a [realm](crate::SessionsBuilder::realm), so that user 7 of one tenant is not user 7 of
/// another. Subjects and keys are compared by their text: `7_u64` and `"7"` are the same subject. The log holds only keyed
/// hashes of them.
///
/// # When it stops
///
/// A background task follows the log, in the tokio runtime in which it was [started](RevocationsBuilder::start). It ends
/// with that runtime, or when the last clone is dropped and no sessions are left that use it.
#[derive(Clone)]
pub struct Revocations(Arc<Shared>);

struct Shared {
    follower: Arc<Follower>,
    accepts_when_stale: bool,
    /// The budget of entries for ended sessions.
    budget: Budget,
    /// The task that follows the log. It is aborted when the set is dropped.
    _task: JoinSet<()>,
}

/// A revocation that was made.
struct Revoked {
    /// The time up to which it revokes sessions.
    stamp: u32,
    /// The time up to which sessions of its target were revoked before.
    before: Option<u32>,
    /// The time up to which all sessions in its realm were revoked before.
    all_before: Option<u32>,
}

impl Revocations {
    /// Returns a builder. `key` is a key of its own, apart from the key ring, and the same on every node: it is not
    /// rotated, because the entries in the log are found by it.
    pub fn builder(key: Key) -> RevocationsBuilder {
        RevocationsBuilder::new(key)
    }

    /// Ends all sessions of a subject, usually a user: "log out everywhere".
    ///
    /// # Errors
    ///
    /// Returns an error that [is a store error](Error::is_store) if the log fails or does not answer within 2 seconds.
    /// The revocation may have been made even so. Make it again.
    pub fn subject<S: Display + ?Sized>(
        &self,
        realm: &str,
        subject: &S,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<S> {
        self.revoke_all(realm, Scope::Subject, &subject)
    }

    /// Ends all sessions with a key that the application gave them
    /// ([`revocation_keys`](crate::SessionsBuilder::revocation_keys)), such as the `sid` of an OpenID Connect provider,
    /// a device or a tenant.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`subject`](Self::subject).
    pub fn key<K: Display + ?Sized>(
        &self,
        realm: &str,
        key: &K,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<K> {
        self.revoke_all(realm, Scope::Key, &key)
    }

    /// Ends all sessions of a realm.
    ///
    /// A visitor whose session begins within the next seconds on a node that does not know of it yet loses that session
    /// once.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`subject`](Self::subject).
    pub fn all(&self, realm: &str) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        self.revoke_all(realm, Scope::All, &"")
    }

    /// Ends one session, by the [id](crate::Session::id) that the application has recorded.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`subject`](Self::subject).
    pub async fn session(&self, realm: &str, id: SessionId) -> Result<(), Error> {
        let follower = &self.0.follower;
        let target = follower.targets.session(realm, id.as_bytes());
        let now = follower.clock.now();
        self.append(self.entry(target, now, follower.keep)).await
    }

    /// Returns true if a session was ended: by itself, with all sessions of its subject, or with all sessions of its
    /// realm. It asks no store. Use it for what a [`Sealer`](crate::Sealer) has opened; sessions of
    /// [`Sessions`](crate::Sessions) are checked when they are opened.
    ///
    /// # Errors
    ///
    /// Returns an error that [is stale](Error::is_stale) if the log could not be read for
    /// [`at_most`](RevocationsBuilder::at_most), unless such sessions are
    /// [accepted](RevocationsBuilder::accept_when_stale).
    pub fn is_revoked(
        &self,
        realm: &str,
        metadata: &Metadata,
        subject: Option<&dyn Display>,
    ) -> Result<bool, Error> {
        self.check_fresh()?;
        let targets = &self.0.follower.targets;
        let all = targets.other(realm, Scope::All, &"");
        let subject = subject.map(|subject| targets.other(realm, Scope::Subject, subject));
        let began = metadata.header.created;
        let is_ended = |target| self.0.follower.stamp(target).is_some_and(|stamp| began <= stamp);
        let session = self.0.follower.stamp(targets.session(realm, metadata.id().as_bytes()));
        Ok(session.is_some_and(|stamp| stamp <= self.0.follower.clock.now())
            || is_ended(all)
            || subject.is_some_and(is_ended))
    }

    /// Returns true if the log could not be read for [`at_most`](RevocationsBuilder::at_most), for health checks.
    pub fn is_stale(&self) -> bool {
        self.0.follower.is_stale()
    }

    /// Returns the number of entries that this process keeps in memory.
    pub fn len(&self) -> usize {
        self.0.follower.index.len()
    }

    /// Returns true if there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Computes a target at once, so that its id need not be kept, and revokes its sessions.
    fn revoke_all(
        &self,
        realm: &str,
        scope: Scope,
        id: &dyn Display,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let targets = &self.0.follower.targets;
        let (target, all) = (targets.other(realm, scope, id), targets.other(realm, Scope::All, &""));
        let this = self.clone();
        async move { this.revoke(target, all).await.map(drop) }
    }

    /// Revokes all sessions of a target that began before now. `all` is the target of all sessions in its realm.
    async fn revoke(&self, target: Target, all: Target) -> Result<Revoked, Error> {
        let follower = &self.0.follower;
        follower.catch_up_in_time().await.map_err(store_error("read the log of revocations"))?;
        let (stamp, before, all_before) = loop {
            let stamp = follower.clock.now().saturating_add(seconds(self.lead()));
            // A session that began after an earlier revocation has a later time than that, and is to be ended by this
            // one, which waits for the next second. Another process may have taken its clock to be ahead.
            let (before, all_before) = (follower.stamp(target), follower.stamp(all));
            let last = match target == all {
                true => Some(follower.index.latest()),
                false => before.max(all_before),
            };
            match last {
                Some(last) if stamp <= last && last < stamp + AHEAD => sleep(PAUSE).await,
                last => {
                    let stamp = stamp.max(last.map_or(0, |last| last.saturating_add(1)));
                    break (stamp, before, all_before);
                }
            }
        };
        let entry = self.entry(target, stamp, follower.keep);
        self.append(entry).await.map(|()| Revoked { stamp, before, all_before })
    }

    async fn append(&self, entry: RevocationEntry) -> Result<(), Error> {
        self.0.follower.append(entry).await.map_err(store_error("append a revocation"))
    }

    /// Returns an entry that ends sessions whose cookies, once they are sealed, live for at most this long.
    fn entry(&self, target: Target, stamp: u32, lasts: Duration) -> RevocationEntry {
        // A process that does not know of the entry yet seals cookies for `at_most`, perhaps with a beginning in the
        // future, and the clock of the one that opens them may be behind.
        let until = self.0.follower.clock.now().saturating_add(seconds(lasts + self.farthest_begin()));
        RevocationEntry { key: target.0, stamp, until }
    }

    /// Fails if a revocation may be in force that this process does not know, unless the application accepts that.
    pub(crate) fn check_fresh(&self) -> Result<(), Error> {
        match self.is_stale() && !self.0.accepts_when_stale {
            true => Err(Kind::Stale.into()),
            false => Ok(()),
        }
    }

    /// Returns the longest lifetime of sessions that these revocations can end.
    pub(crate) fn longest_session(&self) -> Duration {
        self.0.follower.keep
    }

    /// Returns how far in the future a session can begin, by the clock of any node.
    pub(crate) fn farthest_begin(&self) -> Duration {
        self.lead() + self.0.follower.at_most + Duration::from_secs(u64::from(AHEAD))
    }

    /// Returns how far in the future a session can begin that a revocation ends. A process that does not know of the
    /// revocation begins sessions for `at_most`, or for as long as a read of the log takes, and its clock may be ahead.
    fn lead(&self) -> Duration {
        self.0.follower.at_most + self.0.follower.at_most.max(PATIENCE)
    }
}

fn store_error(call: &'static str) -> impl FnOnce(crate::store::StoreError) -> Error {
    move |source| Kind::Store { call, source: Some(source) }.into()
}

/// Returns whole seconds, rounded up.
fn seconds(duration: Duration) -> u32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("at_most", &self.0.follower.at_most)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
