//! The configuration of revocations.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Revocations, Shared, follower::Follower, target::Targets};
use crate::{
    Key,
    error::{SetupError, SetupKind},
    store::{Budget, RevocationLog},
};

const HOUR: Duration = Duration::from_secs(3600);

/// The pause between two attempts to read the log at the start.
const PAUSE: Duration = Duration::from_millis(200);

/// The configuration of [`Revocations`]. Every default is the safe one.
#[must_use = "call `start` to get the revocations"]
pub struct RevocationsBuilder {
    key: Key,
    at_most: Duration,
    longest_session: Duration,
    accepts_when_stale: bool,
    budget: (u64, Duration),
    start_deadline: Duration,
}

impl RevocationsBuilder {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            at_most: Duration::from_secs(5),
            longest_session: 30 * 24 * HOUR,
            accepts_when_stale: false,
            budget: (100_000, HOUR),
            start_deadline: Duration::from_secs(10),
        }
    }

    /// Sets the time within which a revocation takes effect in every process. Default: 5 seconds. Use the same on every
    /// node.
    ///
    /// The log is read five times within it, but at least once per second. A process that could not read the log for
    /// this long rejects sessions ([`accept_when_stale`](Self::accept_when_stale)), so it is also the longest outage of
    /// the log that nobody notices.
    pub fn at_most(mut self, delay: Duration) -> Self {
        self.at_most = delay;
        self
    }

    /// Sets the longest time for which a session can live: the longest absolute timeout of the sessions that use these
    /// revocations. A revocation of a subject is kept for this long. Default: 30 days, which is the default of
    /// [`persistent_absolute_timeout`](crate::Timeouts::persistent_absolute_timeout).
    ///
    /// Before you extend an absolute timeout, extend this, and wait until the former time has passed: earlier
    /// revocations are kept for the former time only.
    pub fn longest_session(mut self, lifetime: Duration) -> Self {
        self.longest_session = lifetime;
        self
    }

    /// Accepts sessions even if the log could not be read for [`at_most`](Self::at_most), so that a session that was
    /// ended meanwhile can still be used. Default: requests that bring a session are answered with 503.
    ///
    /// Such requests are counted ([`Counters::stale`](crate::Counters::stale)), and an error is logged when it begins.
    pub fn accept_when_stale(mut self) -> Self {
        self.accepts_when_stale = true;
        self
    }

    /// Sets the most entries for single sessions that end, by a sign-out or under a new id, in each period and process.
    /// Default: 100,000 per hour. Revocations of subjects, keys and realms are not counted.
    ///
    /// Every process keeps these entries in memory, some 40 bytes each, for about an idle timeout. When the budget is
    /// used up, a sign-out only removes the cookie from the browser, and the commit fails with an error that [is over
    /// the budget](crate::Error::is_over_budget).
    pub fn entry_budget(mut self, entries: u64, every: Duration) -> Self {
        self.budget = (entries, every);
        self
    }

    /// Sets the time for which [`start`](Self::start) retries. Default: 10 seconds.
    pub fn start_deadline(mut self, deadline: Duration) -> Self {
        self.start_deadline = deadline;
        self
    }

    /// Reads the log completely, and starts the background task that follows it. All stores of this crate are logs. Give
    /// all nodes the same log.
    ///
    /// # Errors
    ///
    /// Returns an error if the configuration makes no sense ([`SetupError::is_configuration`]), or if the log could not
    /// be read before the deadline ([`SetupError::is_store`]).
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with time enabled.
    pub async fn start(self, log: impl RevocationLog) -> Result<Revocations, SetupError> {
        self.check()?;
        let targets = Targets::new(&self.key);
        let follower = Arc::new(Follower::new(targets, Arc::new(log), self.at_most, self.longest_session));
        let began = Instant::now();
        while let Err(error) = follower.catch_up().await {
            if began.elapsed() >= self.start_deadline {
                let what = "the revocation log cannot be read, so ended sessions would be accepted: start the store, or \
                            create its tables";
                return Err(SetupKind::Store.error(what).because(error));
            }
            sleep(PAUSE).await;
        }
        let mut task = JoinSet::new();
        task.spawn(Arc::clone(&follower).follow());
        Ok(Revocations(Arc::new(Shared {
            follower,
            accepts_when_stale: self.accepts_when_stale,
            budget: Budget::new(self.budget.0, self.budget.1),
            _task: task,
        })))
    }

    fn check(&self) -> Result<(), SetupError> {
        let (second, hour) = (Duration::from_secs(1), HOUR);
        if self.at_most < second || self.at_most > hour / 4 {
            return Err(SetupError::configuration(format!(
                "`at_most` is {:?}, which is not within 1 second and 15 minutes: change it",
                self.at_most
            )));
        }
        if self.longest_session < self.at_most {
            return Err(SetupError::configuration(format!(
                "`longest_session` is {:?}, which is shorter than `at_most`: set it to the longest absolute timeout",
                self.longest_session
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for RevocationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationsBuilder").field("at_most", &self.at_most).finish_non_exhaustive()
    }
}
