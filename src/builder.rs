//! The configuration of an application's sessions. Every mistake in it is an error from
//! [`build`](SessionsBuilder::build).

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_fingerprint::Samples;

use crate::{
    Encoding, Payload,
    error::{Error, SetupError},
    seal::{
        Context, Padding, REFERENCE_CHARACTERS, key_ring::KeyRing, longest_blob_payload, timeouts::Timeouts,
    },
    sealer::{Sealer, SealerBuilder},
    session::{App, key_value::SessionMap},
    sessions::Sessions,
    settings::{
        Previous, Settings,
        cookie::CookieAttributes,
        counters::Tally,
        policy::{Conflict, OnFailure, Renewal, Resolve},
    },
    store::{Budget, Cleaner, Overflow, Store},
};

const MIB: usize = 1024 * 1024;

/// The largest number of previous realms and cookies that are read. An attacker's cookie of one name can be tried once
/// for each.
const MOST_PREVIOUS: usize = 8;

/// The configuration of [`Sessions`]. Every default is the safe one.
///
/// ```
/// use std::time::Duration;
/// use sealed_session::{KeyRing, SameSite, Sessions};
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Visit { user: Option<u64> }
///
/// let sessions = Sessions::<Visit>::builder(KeyRing::generate()?)
///     .realm("shop")
///     .timeouts(|timeouts| timeouts.idle_timeout(Duration::from_secs(30 * 60)))
///     .cookie(|cookie| cookie.same_site(SameSite::Strict))
///     .build()?;
/// assert_eq!(sessions.cookie_name(), "__Host-session");
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
#[must_use = "call `build` to get the sessions"]
pub struct SessionsBuilder<T> {
    sealer: SealerBuilder<T>,
    cookie: CookieAttributes,
    previous: Vec<(String, CookieAttributes)>,
    renewal: Renewal,
    commit_on_server_error: bool,
    on_commit_failure: OnFailure,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    store: Option<Arc<dyn Store>>,
    store_limit: usize,
    store_deadline: Duration,
    admits: Box<dyn Fn(&T) -> bool + Send + Sync>,
    budget: Option<(u64, Duration)>,
    grace: Duration,
    serve_fresh: bool,
    on_conflict: Option<Resolve<T>>,
}

impl<T: Payload> Sessions<T> {
    /// Builds sessions with all defaults: in a [`__Host-session`](crate::CookieAttributes) cookie, with an idle timeout of
    /// 2 hours and an absolute timeout of 24 hours.
    ///
    /// # Errors
    ///
    /// Returns an error if `T` has no fixed shape ([`SetupError::is_schema`]).
    pub fn new(ring: KeyRing) -> Result<Self, SetupError> {
        Self::builder(ring).build()
    }

    /// Begins the configuration of an application's sessions.
    pub fn builder(ring: KeyRing) -> SessionsBuilder<T> {
        SessionsBuilder::new(ring)
    }
}

impl Sessions<SessionMap> {
    /// Begins the configuration of sessions of keys and values, as express-session and tower-sessions have them. Handlers
    /// ask for a [`Session`](crate::Session) without a type.
    ///
    /// ```
    /// use sealed_session::{Error, KeyRing, Session, Sessions};
    ///
    /// async fn count(session: Session) -> Result<String, Error> {
    ///     let views: u32 = session.update_value("views", |views| views.unwrap_or(0) + 1)?;
    ///     Ok(views.to_string())
    /// }
    ///
    /// let sessions = Sessions::key_value(KeyRing::generate()?).realm("shop").build()?;
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    pub fn key_value(ring: KeyRing) -> SessionsBuilder<SessionMap> {
        Self::builder(ring)
    }
}

impl<T: Payload> SessionsBuilder<T> {
    fn new(ring: KeyRing) -> Self {
        Self {
            sealer: Sealer::builder(ring, ""), // named after the cookie, when that is known
            cookie: CookieAttributes::default(),
            previous: Vec::new(),
            renewal: Renewal::default(),
            commit_on_server_error: false,
            on_commit_failure: Box::new(|error| Some(error.status())),
            clock: Box::new(SystemTime::now),
            store: None,
            store_limit: MIB,
            store_deadline: Duration::from_secs(2),
            admits: Box::new(|_| true),
            budget: None,
            grace: Duration::from_secs(30),
            serve_fresh: false,
            on_conflict: None,
        }
    }

    /// Sets the application's name. A cookie of one realm opens in no other, even if they share keys. Default: empty.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.sealer = self.sealer.realm(realm);
        self
    }

    /// Sets the cookie's name and attributes, starting from what is set already. Default:
    /// [`CookieAttributes::default`].
    ///
    /// ```
    /// use sealed_session::{KeyRing, SameSite, Sessions};
    ///
    /// let sessions = Sessions::key_value(KeyRing::generate()?)
    ///     .cookie(|cookie| cookie.name("sid").same_site(SameSite::Strict))
    ///     .build()?;
    /// assert_eq!(sessions.cookie_name(), "__Host-sid");
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    pub fn cookie(mut self, change: impl FnOnce(CookieAttributes) -> CookieAttributes) -> Self {
        self.cookie = change(self.cookie);
        self
    }

    /// Keeps reading the cookies of a previous realm, name or set of attributes, so that changing them logs nobody out.
    /// Can be called up to 8 times: each is looked for in every request.
    ///
    /// A session that arrives in such a cookie moves to the current one, and the old cookie is removed. A cookie of the
    /// previous name is removed whenever a new one is set, whoever wrote it.
    ///
    /// In a rolling deployment, old nodes do not know the new cookie. Let every node accept both first, in a deployment of
    /// its own, and change the current one in the next.
    ///
    /// ```
    /// use sealed_session::{KeyRing, Sessions};
    ///
    /// let sessions = Sessions::key_value(KeyRing::generate()?)
    ///     .realm("shop")
    ///     .cookie(|cookie| cookie.name("basket"))
    ///     .accept_previous("shop", |cookie| cookie.name("cart"))
    ///     .build()?;
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    pub fn accept_previous(
        mut self,
        realm: impl Into<String>,
        cookie: impl FnOnce(CookieAttributes) -> CookieAttributes,
    ) -> Self {
        self.previous.push((realm.into(), cookie(CookieAttributes::default())));
        self
    }

    /// Sets the timeouts, starting from what is set already. Default: [`Timeouts::default`].
    pub fn timeouts(mut self, change: impl FnOnce(Timeouts) -> Timeouts) -> Self {
        self.sealer = self.sealer.timeouts(change);
        self
    }

    /// Sets when a session that is used but not changed is sealed again. Default: [`Renewal::WhenSpent`].
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = renewal;
        self
    }

    /// Sets the padding of session data, so that the cookie's length reveals less. Default: multiples of 32 bytes.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.sealer = self.sealer.padding(padding);
        self
    }

    /// Sets the most bytes that the cookie's name and value may have together. Lower it for a proxy with small header
    /// buffers. Default: 4096, the most that browsers keep.
    pub fn cookie_limit(mut self, bytes: usize) -> Self {
        self.sealer = self.sealer.limit(bytes);
        self
    }

    /// Sets how session data are encoded. Both encodings are read wherever the type allows it, so switching ends no
    /// session. Default: [`Encoding::Compact`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.sealer = self.sealer.encoding(encoding);
        self
    }

    /// Sets sample values for the parts of `T` that read only values of a certain form. Default: none.
    pub fn samples(mut self, samples: Samples) -> Self {
        self.sealer = self.sealer.samples(samples);
        self
    }

    /// Also reads compact sessions of a former type and converts them to `T`. A session is sealed in the present shape
    /// with its next change or renewal. A field that was appended to `T` with `#[serde(default)]` needs no declaration.
    ///
    /// In a rolling deployment, old nodes meet sessions of the new shape. They leave such a cookie alone and show a fresh
    /// session, unless they too can read it: first deploy the old type with `migrating_from::<VisitV2>()`, then the new
    /// one with `migrating_from::<VisitV1>()`, and nobody is logged out.
    pub fn migrating_from<Old>(mut self) -> Self
    where
        Old: Serialize + DeserializeOwned + 'static,
        T: From<Old>,
    {
        self.sealer = self.sealer.migrating_from::<Old>();
        self
    }

    /// Does the same as [`migrating_from`](Self::migrating_from) in two steps, for a chain of shapes: `Old` becomes
    /// `Newer`, which becomes `T`.
    pub fn migrating_from_via<Old, Newer>(mut self) -> Self
    where
        Old: Serialize + DeserializeOwned + 'static,
        Newer: From<Old>,
        T: From<Newer>,
    {
        self.sealer = self.sealer.migrating_from_via::<Old, Newer>();
        self
    }

    /// Keeps changes even if the response is a 5xx or a 408 (Request Timeout). Default: such a response discards all
    /// changes but `destroy`.
    ///
    /// A timeout layer inside the sessions answers 408 for a handler that it has cut off, which may have made only half of
    /// its changes.
    pub fn commit_on_server_error(mut self) -> Self {
        self.commit_on_server_error = true;
        self
    }

    /// Sets the status that replaces the handler's response when the session cannot be kept; `None` sends the handler's
    /// response all the same. Default: the error's [status](Error::status), with an empty body.
    ///
    /// The response that replaces the handler's has the [`Error`] among its extensions, as an `Arc<Error>`, for an outer
    /// layer that makes a page of it.
    pub fn on_commit_failure(
        mut self,
        hook: impl Fn(&Error) -> Option<StatusCode> + Send + Sync + 'static,
    ) -> Self {
        self.on_commit_failure = Box::new(hook);
        self
    }

    /// Sets the store for sessions that do not fit in their cookies. A session moves back to its cookie when it shrinks.
    /// Default: none, and a session that does not fit cannot be kept.
    ///
    /// All nodes need the same store: a session that is in it ends on nodes that have none or another. To share one between
    /// two kinds of sessions, clone it or put it into an [`Arc`].
    ///
    /// ```
    /// use sealed_session::{KeyRing, Sessions, SetupError, store::Store};
    ///
    /// fn baskets(ring: KeyRing, store: impl Store) -> Result<Sessions<Vec<String>>, SetupError> {
    ///     Sessions::builder(ring).realm("shop").store(store).build()
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// A request that needs the store panics outside of a tokio runtime with a clock: the deadline is tokio's.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the most bytes that a session may take in the store. Default: 1 MiB (1,048,576 bytes).
    pub fn store_limit(mut self, bytes: usize) -> Self {
        self.store_limit = bytes;
        self
    }

    /// Sets how long a request waits for the store: once when its session is loaded, and once when it is saved or
    /// committed. Default: 2 seconds.
    pub fn store_deadline(mut self, deadline: Duration) -> Self {
        self.store_deadline = deadline;
        self
    }

    /// Sets the sessions that may enter the store. Default: all.
    ///
    /// Without a rule, any visitor can make the store keep up to [`store_limit`](Self::store_limit) bytes with each
    /// request, if handlers put into the session what visitors send. Admit only sessions that somebody answers for:
    ///
    /// ```
    /// use sealed_session::{KeyRing, Sessions, SetupError, store::Store};
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit { user: Option<u64> }
    ///
    /// fn sessions(ring: KeyRing, store: impl Store) -> Result<Sessions<Visit>, SetupError> {
    ///     Sessions::builder(ring).store(store).may_overflow(|visit: &Visit| visit.user.is_some()).build()
    /// }
    /// ```
    ///
    /// A session that outgrows its cookie and is not admitted cannot be kept: the commit fails with an error that [is too
    /// large](Error::is_too_large), which is answered with 413, and is counted
    /// ([`Counters::barred`](crate::Counters::barred)). A session that is in the store already stays there without being
    /// asked again, also under a new id. After `destroy` it is a new one.
    pub fn may_overflow(mut self, rule: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.admits = Box::new(rule);
        self
    }

    /// Sets the most bytes that may enter the store in each period, through this process. Default: no limit.
    ///
    /// A session that enters the store counts with its size, and one that grows there with the difference. Changes that do
    /// not make a session larger, renewals and new ids count nothing, so sessions that are in the store go on. When the
    /// budget is used up, a commit that needs more fails with an error that [is over the
    /// budget](Error::is_over_budget), which is answered with 503, and is counted
    /// ([`Counters::over_budget`](crate::Counters::over_budget)). A period begins with the first write after the last one
    /// has ended.
    ///
    /// A store of `n` nodes holds at most `n` budgets for each period of the longest lifetime, and one more. Combine it with
    /// [`may_overflow`](Self::may_overflow): otherwise a visitor who uses up the budget keeps others out of the store.
    pub fn store_budget(mut self, bytes: u64, every: Duration) -> Self {
        self.budget = Some((bytes, every));
        self
    }

    /// Sets how long a blob stays in the store after its session has moved back to its cookie, for requests that are on
    /// their way with the old cookie. Default: 30 seconds.
    ///
    /// A browser that never receives the response that moves its session back loses the session, unless it comes again
    /// within that time.
    pub fn return_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Serves a request whose session cannot be loaded, because the store failed or timed out, with a fresh session of
    /// which nothing is kept. Default: loading such a session is an error, which the axum extractor answers with 503.
    ///
    /// The fresh session's [arrival](crate::Session::arrival) is [`Unavailable`](crate::Arrival::Unavailable). The
    /// browser's cookie stays as it is, unless the handler destroys the session.
    pub fn serve_fresh_on_store_failure(mut self) -> Self {
        self.serve_fresh = true;
        self
    }

    /// Resolves a conflict: another request has changed the stored session since this one loaded it. `resolve` returns
    /// the value to store, or `None` to reject this request's change with 409. Default: the last write wins, which is
    /// counted ([`Counters::overwritten`](crate::Counters::overwritten)) and logged as a warning.
    ///
    /// `resolve` may be called again when yet another request comes in between. Conflicts between sessions that live in
    /// cookies cannot be detected: the response that arrives last wins.
    ///
    /// ```
    /// use sealed_session::{KeyRing, Sessions};
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Cart { items: Vec<String> }
    ///
    /// let sessions = Sessions::<Cart>::builder(KeyRing::generate()?)
    ///     .on_conflict(|conflict| {
    ///         let Cart { mut items } = conflict.theirs;
    ///         items.retain(|item| conflict.mine.items.contains(item) || !conflict.base.items.contains(item));
    ///         items.extend(conflict.mine.items.into_iter().filter(|item| !conflict.base.items.contains(item)));
    ///         Some(Cart { items })
    ///     })
    ///     .build()?;
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    pub fn on_conflict(mut self, resolve: impl Fn(Conflict<T>) -> Option<T> + Send + Sync + 'static) -> Self {
        self.on_conflict = Some(Box::new(resolve));
        self
    }

    /// Sets the clock, for tests. Default: [`SystemTime::now`].
    ///
    /// A store decides by a clock of its own what has expired. If this one is behind that by more than a session lives,
    /// stored sessions are gone at once. `MemoryStore::clock` sets the same clock for a store in memory; a database goes by
    /// the real time.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Builds the sessions.
    ///
    /// # Errors
    ///
    /// Returns an error if browsers would reject the cookie, a timeout makes no sense, a limit leaves no room or is above
    /// 4096 ([`SetupError::is_configuration`]), or `T` has no fixed shape, or its default value does not read back
    /// ([`SetupError::is_schema`]).
    pub fn build(self) -> Result<Sessions<T>, SetupError> {
        let cookie = self.cookie.build()?;
        if self.previous.len() > MOST_PREVIOUS {
            return Err(SetupError::configuration(format!(
                "{} previous realms or cookies are accepted, but each costs every request, so {MOST_PREVIOUS} is the limit: \
                 remove those whose sessions have ended",
                self.previous.len()
            )));
        }
        let previous = self
            .previous
            .iter()
            .map(|(realm, attributes)| {
                let cookie = attributes.build()?;
                Ok(Previous { context: Context::new(self.sealer.ring(), realm, cookie.name())?, cookie })
            })
            .collect::<Result<_, SetupError>>()?;
        let sealer = self.sealer.name(cookie.name()).build()?;
        let empty = sealer.empty()?;
        let tally = Arc::new(Tally::default());
        let cleaner = match self.store {
            Some(store) => {
                check_store(&sealer, self.store_limit, self.store_deadline)?;
                check_budget(self.budget, self.store_limit)?;
                Some(Cleaner::new(store, self.store_deadline, cookie.shared_name(), Arc::clone(&tally)))
            }
            None => None,
        };
        let settings = Arc::new(Settings {
            sealer,
            cookie,
            previous,
            renewal: self.renewal,
            commit_on_server_error: self.commit_on_server_error,
            on_commit_failure: self.on_commit_failure,
            clock: self.clock,
            tally,
            empty,
        });
        let overflow = cleaner.map(|cleaner| Overflow {
            settings: Arc::clone(&settings),
            limit: self.store_limit,
            grace: self.grace,
            serve_fresh: self.serve_fresh,
            on_conflict: self.on_conflict,
            admits: self.admits,
            budget: self.budget.map(|(bytes, every)| Budget::new(bytes, every)),
            cleaner,
        });
        Ok(Sessions { app: Arc::new(App { settings, overflow }), hook: None })
    }
}

/// Rejects a limit or a deadline that makes no sense.
fn check_store<T: Payload>(sealer: &Sealer<T>, limit: usize, deadline: Duration) -> Result<(), SetupError> {
    let reference = sealer.context().name_length() + REFERENCE_CHARACTERS;
    if reference > sealer.limit() {
        return Err(SetupError::configuration(format!(
            "a limit of {} bytes leaves no room for the reference to a stored session, which takes {reference}",
            sealer.limit()
        )));
    }
    if longest_blob_payload(limit).unwrap_or(0) <= sealer.longest_payload() {
        return Err(SetupError::configuration(format!(
            "a store's limit of {limit} bytes holds no more than the cookie does"
        )));
    }
    if deadline.is_zero() {
        return Err(SetupError::configuration("no store answers within a deadline of 0"));
    }
    Ok(())
}

/// Rejects a budget that lets nobody in.
fn check_budget(budget: Option<(u64, Duration)>, limit: usize) -> Result<(), SetupError> {
    match budget {
        Some((bytes, _)) if bytes < limit as u64 => Err(SetupError::configuration(format!(
            "a store's budget of {bytes} bytes holds less than one session of {limit} bytes: raise it, or lower the \
             store's limit"
        ))),
        Some((_, every)) if every.is_zero() => {
            Err(SetupError::configuration("a store's budget can't be for a period of 0"))
        }
        _ => Ok(()),
    }
}

impl<T> fmt::Debug for SessionsBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder")
            .field("sealer", &self.sealer)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}
