//! The configuration of an application's sessions. [`build`](SessionsBuilder::build) returns an error for every mistake
//! in it.

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_fingerprint::Samples;

use crate::{
    Encoding, Payload,
    error::{Error, SetupError},
    revocation::{Judge, Revocations, judge::Names},
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

/// The largest number of previous realms and cookies. One cookie of a request, which may be an attacker's, can be tried
/// once for each of them.
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
    revocations: Option<Revocations>,
    subject: Option<Names<T>>,
    revocation_keys: Option<Names<T>>,
}

impl<T: Payload> Sessions<T> {
    /// Builds sessions with the default configuration: a [`__Host-session`](crate::CookieAttributes) cookie, an idle
    /// timeout of 2 hours and an absolute timeout of 24 hours.
    ///
    /// # Errors
    ///
    /// Returns an error if `T` has no fixed shape ([`SetupError::is_schema`]).
    pub fn new(ring: KeyRing) -> Result<Self, SetupError> {
        Self::builder(ring).build()
    }

    /// Returns a builder for an application's sessions.
    pub fn builder(ring: KeyRing) -> SessionsBuilder<T> {
        SessionsBuilder::new(ring)
    }
}

impl Sessions<SessionMap> {
    /// Returns a builder for sessions of keys and values, as in express-session and tower-sessions. Handlers ask for a
    /// [`Session`](crate::Session) without a type.
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
            sealer: Sealer::builder(ring, ""), // named after the cookie in `build`
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
            revocations: None,
            subject: None,
            revocation_keys: None,
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
    /// It can be called up to 8 times, because every request is searched for each of them.
    ///
    /// A session that arrives in such a cookie moves to the current one, and the old cookie is removed. A cookie of the
    /// previous name is removed whenever a new one is set, even if another application wrote it.
    ///
    /// In a rolling deployment, old nodes do not know the new cookie. First deploy a version in which every node
    /// accepts both cookies, and change the current one in the next.
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

    /// Sets the rule for renewal: sealing a session again that was used but not changed. Default:
    /// [`Renewal::WhenSpent`].
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

    /// Sets the encoding of session data. Both encodings are read wherever the type allows it, so switching ends no
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

    /// Reads compact sessions of a former type as well, and converts them to `T`. A session is sealed in the present
    /// shape with its next change or renewal. A field that was appended to `T` with `#[serde(default)]` needs no
    /// declaration.
    ///
    /// In a rolling deployment, old nodes meet sessions of the new shape. They leave such a cookie alone and show a
    /// fresh session, unless they can also read it. To log nobody out, first deploy the old type with
    /// `migrating_from::<VisitV2>()`, then the new one with `migrating_from::<VisitV1>()`.
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
    /// changes except `destroy`.
    ///
    /// An inner timeout layer responds with 408 for a handler that it canceled, which may have made only half of its
    /// changes.
    pub fn commit_on_server_error(mut self) -> Self {
        self.commit_on_server_error = true;
        self
    }

    /// Sets the status of the empty response that replaces the handler's when the session cannot be kept. If the hook
    /// returns `None`, the handler's response is sent anyway. Default: the error's [status](Error::status).
    ///
    /// The response that replaces the handler's has the [`Error`] in its extensions, as an `Arc<Error>`, so that an
    /// outer layer can turn it into an error page.
    pub fn on_commit_failure(
        mut self,
        hook: impl Fn(&Error) -> Option<StatusCode> + Send + Sync + 'static,
    ) -> Self {
        self.on_commit_failure = Box::new(hook);
        self
    }

    /// Sets the store for sessions that do not fit in their cookies. A session moves back to its cookie when it
    /// shrinks. Default: none, so that a session that does not fit cannot be kept.
    ///
    /// All nodes need the same store. A node that has none or another does not find the session, and shows a fresh one.
    /// To share a store between two kinds of sessions, clone it or put it into an [`Arc`].
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
    /// A request that needs the store panics outside a tokio runtime with time enabled, because its deadline is a tokio
    /// timeout.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the most bytes that a session may take in the store. Default: 1 MiB (1,048,576 bytes).
    pub fn store_limit(mut self, bytes: usize) -> Self {
        self.store_limit = bytes;
        self
    }

    /// Sets the time that a request waits for the store: once when its session is loaded, and once when it is saved or
    /// committed. Default: 2 seconds.
    pub fn store_deadline(mut self, deadline: Duration) -> Self {
        self.store_deadline = deadline;
        self
    }

    /// Sets the rule for sessions that may enter the store. Default: all may.
    ///
    /// If handlers put into the session what visitors send, then without a rule any visitor can make the store keep up
    /// to [`store_limit`](Self::store_limit) bytes with each request. Admit only sessions of signed-in users, for
    /// example:
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
    /// A session that outgrows its cookie and is not admitted cannot be kept: the commit fails with an error that [is
    /// too large](Error::is_too_large), which is answered with 413 and counted
    /// ([`Counters::barred`](crate::Counters::barred)). A session that is already in the store stays there and is not
    /// checked again, even under a new id. After `destroy`, it is a new session.
    pub fn may_overflow(mut self, rule: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.admits = Box::new(rule);
        self
    }

    /// Sets the most bytes that may enter the store in each period, through this process. Default: no limit.
    ///
    /// A session that enters the store uses its size, and one that grows there uses the difference. Renewals, new ids
    /// and changes that do not make a session larger use nothing, so sessions that are in the store go on. When the
    /// budget is used up, a commit that needs more fails with an error that [is over the
    /// budget](Error::is_over_budget), which is answered with 503 and counted
    /// ([`Counters::over_budget`](crate::Counters::over_budget)). A period begins with the first write after the last
    /// one has ended.
    ///
    /// With `n` nodes, the store holds at most `n` budgets for each period in the longest lifetime of a session, and
    /// one more. Combine it with [`may_overflow`](Self::may_overflow): otherwise a visitor who uses up the budget keeps
    /// others out of the store.
    pub fn store_budget(mut self, bytes: u64, every: Duration) -> Self {
        self.budget = Some((bytes, every));
        self
    }

    /// Sets the grace period: how long a blob stays in the store after its session has moved back to its cookie, for
    /// requests in flight with the old cookie. Default: 30 seconds.
    ///
    /// A browser that never receives the response that moves its session back loses the session, unless it sends
    /// another request within that time.
    pub fn return_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Serves a request with a fresh session if its session cannot be loaded because the store failed or timed out.
    /// Nothing of the fresh session is kept. Default: loading such a session is an error, which the axum extractor
    /// answers with 503.
    ///
    /// The fresh session's [arrival](crate::Session::arrival) is [`Unavailable`](crate::Arrival::Unavailable). The
    /// browser's cookie stays as it is, unless the handler destroys the session.
    pub fn serve_fresh_on_store_failure(mut self) -> Self {
        self.serve_fresh = true;
        self
    }

    /// Sets the resolution of conflicts. In a conflict, another request has changed the stored session since this one
    /// loaded it. `resolve` returns the value to store, or `None` to reject this request's change with 409. Default:
    /// the last write wins, which is counted ([`Counters::overwritten`](crate::Counters::overwritten)) and logged as a
    /// warning.
    ///
    /// `resolve` may be called again if yet another request writes in between. Conflicts between sessions that live in
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

    /// Ends sessions before they expire, by [`Revocations`]. Default: a session in its cookie ends when it expires, and
    /// `destroy` only removes the cookie from the browser.
    ///
    /// Also name the user of a session, with [`subject`](Self::subject).
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// Sets the subject of a session, usually its user: [`Revocations::subject`] ends all sessions of a subject, and
    /// [`Session::revoke_others`](crate::Session::revoke_others) all but one. Default: none.
    ///
    /// Subjects are compared by their text, so `7_u64` and `"7"` are the same. Return `None` for a visitor who is not
    /// signed in. The copies of such a session's cookie are not revoked when it ends, so that visitors cannot fill the
    /// log. If no subject is set at all, those of every session are.
    pub fn subject<S: Display>(mut self, subject: impl Fn(&T) -> Option<S> + Send + Sync + 'static) -> Self {
        self.subject = Some(Box::new(move |data, name| {
            if let Some(subject) = subject(data) {
                name(&subject);
            }
        }));
        self
    }

    /// Sets other keys of a session by which [`Revocations::key`] ends it, such as the `sid` of an OpenID Connect
    /// provider, a device or a tenant. Default: none.
    pub fn revocation_keys<I>(mut self, keys: impl Fn(&T) -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item: Display>,
    {
        self.revocation_keys = Some(Box::new(move |data, name| {
            for key in keys(data) {
                name(&key);
            }
        }));
        self
    }

    /// Sets the clock, for tests. Default: [`SystemTime::now`].
    ///
    /// A store uses its own clock to decide what has expired. If this clock is behind it by more than the lifetime of a
    /// session, stored sessions expire at once. `MemoryStore::clock` sets the same clock for a store in memory. A
    /// database uses the real time.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Builds the sessions.
    ///
    /// # Errors
    ///
    /// Returns an error if browsers would reject the cookie, a timeout makes no sense, a limit leaves no room or is
    /// above 4096 ([`SetupError::is_configuration`]), or `T` has no fixed shape, or its default value does not read
    /// back ([`SetupError::is_schema`]).
    pub fn build(self) -> Result<Sessions<T>, SetupError> {
        let cookie = self.cookie.build()?;
        if self.previous.len() > MOST_PREVIOUS {
            return Err(SetupError::configuration(format!(
                "{} previous realms or cookies are accepted, but each costs every request, so {MOST_PREVIOUS} is the \
                 limit: remove those whose sessions have ended",
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
        let mut realms = vec![self.sealer.realm_name().to_owned()];
        for (realm, _) in &self.previous {
            if !realms.contains(realm) {
                realms.push(realm.clone());
            }
        }
        let sealer = self.sealer.name(cookie.name()).build()?;
        let judge = match self.revocations {
            Some(revocations) => {
                check_revocations(&revocations, sealer.timeouts())?;
                Some(Judge::new(revocations, realms, self.subject, self.revocation_keys))
            }
            None => None,
        };
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
        Ok(Sessions { app: Arc::new(App { settings, overflow, judge }), hook: None })
    }
}

/// Rejects revocations that would end before the sessions that they end, or timeouts by which other nodes would reject a
/// session that begins after a revocation.
fn check_revocations(revocations: &Revocations, timeouts: &Timeouts) -> Result<(), SetupError> {
    let (kept, longest) = (revocations.longest_session(), timeouts.longest());
    if kept < longest {
        return Err(SetupError::configuration(format!(
            "revocations are kept for {} s, but a session can live for {} s: raise `longest_session`, or lower the \
             absolute timeouts",
            kept.as_secs(),
            longest.as_secs()
        )));
    }
    let (skew, needed) = (timeouts.allowed_skew(), revocations.farthest_begin());
    if skew < needed {
        return Err(SetupError::configuration(format!(
            "a session can begin up to {} s in the future after a revocation, but `clock_skew` is {} s: raise it, or \
             lower `at_most`",
            needed.as_secs(),
            skew.as_secs()
        )));
    }
    Ok(())
}

/// Rejects a limit or a deadline that makes no sense.
fn check_store<T: Payload>(sealer: &Sealer<T>, limit: usize, deadline: Duration) -> Result<(), SetupError> {
    let reference = sealer.context().name_length() + REFERENCE_CHARACTERS;
    if reference > sealer.limit() {
        return Err(SetupError::configuration(format!(
            "a limit of {} bytes leaves no room for the reference to a stored session, of {reference} bytes: raise it",
            sealer.limit()
        )));
    }
    if longest_blob_payload(limit).unwrap_or(0) <= sealer.longest_payload() {
        return Err(SetupError::configuration(format!(
            "a store's limit of {limit} bytes holds no more than the cookie does: raise it"
        )));
    }
    if deadline.is_zero() {
        return Err(SetupError::configuration("no store answers within a deadline of 0: set a longer one"));
    }
    Ok(())
}

/// Rejects a budget that is too small for a single session, or has no period.
fn check_budget(budget: Option<(u64, Duration)>, limit: usize) -> Result<(), SetupError> {
    match budget {
        Some((bytes, _)) if bytes < limit as u64 => Err(SetupError::configuration(format!(
            "a store's budget of {bytes} bytes holds less than one session of {limit} bytes: raise it, or lower the \
             store's limit"
        ))),
        Some((_, every)) if every.is_zero() => {
            Err(SetupError::configuration("a store's budget has a period of 0: set a longer one"))
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
