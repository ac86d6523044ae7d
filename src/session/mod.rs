//! The session of a request, as handlers use it.

pub mod csrf;
pub mod flash;
pub(crate) mod key_value;
mod revoke;
pub(crate) mod state;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use self::{
    key_value::SessionMap,
    state::{Before, Identity, Persistence, Phase, Renewing, State},
};
use crate::{
    Payload,
    error::{Error, Kind, Refusal},
    revocation::{Ending, Judge},
    seal::{Header, blob_len, longest_blob_payload, timeouts::from_unix},
    sealer::{Metadata, SessionId},
    settings::Settings,
    store::{Deletion, Overflow},
};

/// The sessions of an application: its settings, and its overflow store if it has one.
pub(crate) struct App<T> {
    pub(crate) settings: Arc<Settings<T>>,
    pub(crate) overflow: Option<Overflow<T>>,
    /// The revocations, if sessions can be ended before they expire.
    pub(crate) judge: Option<Judge<T>>,
}

/// The result of reading a request's session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Arrival {
    /// There was no cookie. The session is fresh.
    #[default]
    Absent,
    /// The cookie opened. The session goes on.
    Opened,
    /// The cookie was rejected. The session is fresh. The client must not learn the reason.
    Refused(Refusal),
    /// The session is in a store that failed or timed out. The session is fresh, and nothing of it is kept
    /// ([`serve_fresh_on_store_failure`](crate::SessionsBuilder::serve_fresh_on_store_failure)).
    Unavailable,
}

/// A request's session: a typed value, loaded from the request's cookie and written back if it has changed.
///
/// A clone is another handle to the same session. The data is accessed through closures, so that no lock can be held
/// across an `await`. Threads of one request wait for each other.
///
/// It is an axum extractor. Without axum, [`Sessions::open`](crate::Sessions::open) returns it.
///
/// # Long connections
///
/// Timeouts are checked, and the store is asked, when the request begins. A handle that lives longer, in a WebSocket or
/// a streamed response, keeps reading what was loaded then, even after the session has timed out or was destroyed
/// elsewhere. Keep the target and headers of the request as well, and check now and then whether the same request still
/// opens a session:
///
/// ```
/// use http::{HeaderMap, Request, Uri};
/// use sealed_session::{Arrival, Error, Sessions};
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Visit { user: Option<u64> }
///
/// async fn is_live(sessions: &Sessions<Visit>, target: &Uri, headers: &HeaderMap) -> Result<bool, Error> {
///     let mut request = Request::get(target).body(()).expect("the target came with a request");
///     *request.headers_mut() = headers.clone();
///     Ok(sessions.open(&request).await?.arrival() == Arrival::Opened)
/// }
/// ```
///
/// This detects timeouts, sign-outs from a session that is in the store, and revocations. Without
/// [`Revocations`](crate::Revocations), it cannot detect a sign-out from a session that lives in its cookie, because the
/// server keeps no record of it. With them, [`is_revoked`](Self::is_revoked) is enough to detect sign-outs. If the session goes on in other requests, its
/// cookie is renewed there, and the headers that you kept end with their own idle timeout. Close the connection then,
/// and let the page connect again.
///
/// # Panics
///
/// Panics if a method is called from within a closure of the same session, instead of waiting for itself. The message
/// names the method.
pub struct Session<T = SessionMap> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    app: Arc<App<T>>,
    state: Mutex<State<T>>,
    /// The thread that is inside a closure, or 0 for none. It detects a thread that would wait for itself.
    holder: AtomicUsize,
    /// The lock that is held while the session is saved or committed.
    saving: tokio::sync::Mutex<()>,
}

/// The size of a session in its cookie or in the store.
///
/// In the cookie, the numbers are bytes of the name and value together, as browsers count them. In the store, they are
/// bytes of the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Size {
    /// True if the session, as it is now, is too large for its cookie and goes to the store. A session that
    /// [`save`](Session::save) has stored can stay there for this response, even if it fits in its cookie again.
    pub in_store: bool,
    /// The bytes that the session takes there.
    pub used: usize,
    /// The most bytes that the session may take there.
    pub limit: usize,
    /// The bytes of serialized data that can still be added there, or 0 if the session is already too large. With a
    /// store, a session that outgrows its cookie moves to the store.
    pub left: usize,
}

impl<T: Payload> Session<T> {
    pub(crate) fn new(app: Arc<App<T>>, state: State<T>) -> Self {
        Self {
            shared: Arc::new(Shared {
                app,
                state: Mutex::new(state),
                holder: AtomicUsize::new(0),
                saving: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// Calls `read` with the session data and returns its result.
    ///
    /// A change through interior mutability (`Cell`, `Mutex`, atomics) is not detected and not sent.
    ///
    /// ```
    /// use sealed_session::Session;
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit { views: u32 }
    ///
    /// async fn views(session: Session<Visit>) -> String {
    ///     session.read(|visit| visit.views).to_string()
    /// }
    /// ```
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.with("read", |state| read(&state.data))
    }

    /// Calls `change` with mutable access to the session data and returns its result.
    ///
    /// The cookie is rewritten only if the data actually changed. If the response headers have already been sent, the
    /// change is discarded and an error is logged; use [`try_update`](Self::try_update) to detect this.
    ///
    /// ```
    /// use sealed_session::Session;
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit { views: u32 }
    ///
    /// async fn count(session: Session<Visit>) -> String {
    ///     session.update(|visit| { visit.views += 1; visit.views }).to_string()
    /// }
    /// ```
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.alter("update", |state| self.change(state, change))
    }

    /// Changes the data like [`update`](Self::update), unless it is too late.
    ///
    /// # Errors
    ///
    /// Returns an error that [is finished](Error::is_finished), without calling `change`, if the response headers have
    /// already been sent.
    pub fn try_update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.with("try_update", |state| match state.phase {
            Phase::Committed => Err(Kind::Finished.into()),
            _ => Ok(self.change(state, change)),
        })
    }

    /// Resets the data to the default, and nothing else. Data that is added afterwards belongs to the same session. A
    /// session that is empty at the end of the request, and was not before, is removed from the browser.
    pub fn clear(&self) {
        self.alter("clear", |state| self.change(state, |data| *data = T::default()));
    }

    /// Ends the session: its data is gone, and the browser is told to remove the cookie, whatever the response's
    /// status. Data that is added afterwards begins a new session, under a new id.
    ///
    /// A session that is in the store is deleted there before the response is sent. To delete it at once, and to get an
    /// error if that fails, call [`save`](Self::save) next:
    ///
    /// ```
    /// use sealed_session::{Error, Session};
    ///
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit { user: Option<u64> }
    ///
    /// async fn sign_out(session: Session<Visit>) -> Result<&'static str, Error> {
    ///     session.destroy();
    ///     session.save().await?;
    ///     Ok("You are signed out.")
    /// }
    /// ```
    ///
    /// If the request is dropped before that, because the client disconnected or a timeout canceled the handler, a
    /// background task deletes the session. If no tokio runtime is left to run the task, an error is logged that says
    /// when the session expires.
    ///
    /// # Security
    ///
    /// With [`Revocations`](crate::Revocations), and for a session that is in the store, no copy of the cookie opens any
    /// more: at once in this process, and within seconds in others. Requests in flight can still read a session that is
    /// in its cookie for [`at_most`](crate::RevocationsBuilder::at_most). If the revocation cannot be written, the commit
    /// fails, the cookie is removed all the same, and the revocation is retried in the background. A session without a
    /// [subject](crate::SessionsBuilder::subject) is not revoked, if the application names subjects.
    ///
    /// Without revocations, an earlier copy of a cookie that holds the session itself still opens until it expires.
    pub fn destroy(&self) {
        self.alter("destroy", |state| {
            self.change(state, |data| *data = T::default());
            state.destroy();
            self.prepare_deletion(state);
            self.prepare_ending(state);
        });
    }

    /// Gives the session a new id and keeps its data. The absolute timeout starts over. Call it when a user signs in,
    /// to prevent session fixation.
    ///
    /// With [`Revocations`](crate::Revocations), the old cookie and its copies end, as with [`destroy`](Self::destroy). If
    /// the session was ended elsewhere in the meantime, the commit is a [conflict](Error::is_conflict).
    pub fn cycle_id(&self) {
        self.alter("cycle_id", |state| state.cycle_id(Identity::Restarted));
    }

    /// Gives the session a new id and keeps its data and its absolute timeout. Call it when a user's role changes.
    pub fn cycle_id_keep_timeout(&self) {
        self.alter("cycle_id_keep_timeout", |state| state.cycle_id(Identity::NewId));
    }

    /// Makes the session persistent ("remember me"): its cookie survives the closing of the browser. It ends when it
    /// has not been used for `idle_timeout`, and at the latest at the [absolute timeout of persistent
    /// sessions](crate::Timeouts::persistent_absolute_timeout).
    ///
    /// With [`Revocations`](crate::Revocations), another idle timeout comes with a new id.
    ///
    /// At a sign-in, call [`cycle_id`](Self::cycle_id) too. Otherwise a parallel request that began earlier can set the
    /// expiry of a stored session from its old timeout.
    ///
    /// # Errors
    ///
    /// Returns an error if the timeout is shorter than a second, or longer than the persistent absolute timeout or the
    /// [longest persistent idle timeout](crate::Timeouts::longest_persistent_idle_timeout).
    pub fn remember(&self, idle_timeout: Duration) -> Result<(), Error> {
        let window = self.settings().timeouts().persistent_window(idle_timeout)?;
        self.alter("remember", |state| {
            state.persist(Persistence::Persistent(window));
            self.renew_id(state, |header| !header.persistent || header.window != window);
        });
        Ok(())
    }

    /// Makes the session end when the browser is closed, and changes nothing else.
    ///
    /// The [absolute timeout](crate::Timeouts::absolute_timeout) of ordinary sessions applies from now on, so a session
    /// that is older ends with this response. To start the absolute timeout over, call [`cycle_id`](Self::cycle_id) as
    /// well.
    ///
    /// With [`Revocations`](crate::Revocations), a persistent session gets a new id, so that its persistent cookie ends.
    pub fn end_with_browser(&self) {
        self.alter("end_with_browser", |state| {
            state.persist(Persistence::Browser);
            self.renew_id(state, |header| header.persistent);
        });
    }

    /// Renews the session with this response, even if it is not due. This also keeps an empty session: a fresh one gets
    /// its cookie.
    pub fn touch(&self) {
        self.alter("touch", |state| {
            state.hold();
            state.renew(Renewing::Always);
        });
    }

    /// Keeps this request from renewing the session. Use it for endpoints that a page polls in the background. A change
    /// is still sent, and starts the idle timeout over.
    pub fn skip_renewal(&self) {
        self.with("skip_renewal", |state| state.renew(Renewing::Never));
    }

    /// Returns the result of reading the request's session cookie.
    pub fn arrival(&self) -> Arrival {
        self.with("arrival", |state| state.arrived.arrival)
    }

    /// Returns the session's metadata as the browser holds it, or `None` for a fresh session.
    pub fn metadata(&self) -> Option<Metadata> {
        self.with("metadata", |state| state.arrived.metadata)
    }

    /// Returns the session's id as the browser holds it, or `None` for a fresh session.
    pub fn id(&self) -> Option<SessionId> {
        self.metadata().map(|metadata| metadata.id())
    }

    /// Returns the id that the session will have after this response. After [`cycle_id`](Self::cycle_id) this is the
    /// new id, for example to record it with a sign-in. Call it after the methods that change the id. No session has
    /// the id if this response sends none: because the session stays empty, or the response is a 5xx.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system provides no random bytes, or the session has already been committed
    /// ([`Error::is_finished`]).
    pub fn next_id(&self) -> Result<SessionId, Error> {
        self.with("next_id", |state| state.check_open().and_then(|()| state.next_id()))
    }

    /// Returns the time at which the session expires as the browser holds it, or `None` for a fresh session. This
    /// request may still renew it.
    pub fn expires_at(&self) -> Option<SystemTime> {
        let metadata = self.metadata()?;
        Some(from_unix(self.settings().timeouts().expires(&metadata.header)))
    }

    /// Returns the size of the session as it is now, in its cookie or in the store, and the room that is left there.
    ///
    /// # Errors
    ///
    /// Returns an error if the data would not read back as it was written.
    pub fn size(&self) -> Result<Size, Error> {
        self.with("size", |state| {
            let app = &self.shared.app;
            let sealer = &app.settings.sealer;
            let draft = sealer.draft(&state.data)?;
            let length = draft.payload().len();
            let left = |longest: usize| longest.saturating_sub(length);
            Ok(match app.overflow_for(state) {
                Some(Overflow { limit, .. }) if !sealer.fits(&draft) => Size {
                    in_store: true,
                    used: blob_len(length),
                    limit: *limit,
                    left: longest_blob_payload(*limit).map_or(0, left),
                },
                _ => Size {
                    in_store: false,
                    used: sealer.size(&draft),
                    limit: sealer.limit(),
                    left: left(sealer.longest_payload()),
                },
            })
        })
    }

    /// Waits until no other call saves or commits, but no longer than the store's deadline.
    pub(crate) async fn begin_saving(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Error> {
        let waiting = self.shared.saving.lock();
        match &self.shared.app.overflow {
            Some(overflow) => overflow.cleaner.deadline().wait_for("finish an earlier save", waiting).await,
            None => Ok(waiting.await),
        }
    }

    pub(crate) fn app(&self) -> &Arc<App<T>> {
        &self.shared.app
    }

    pub(crate) fn settings(&self) -> &Settings<T> {
        &self.shared.app.settings
    }

    fn change<R>(&self, state: &mut State<T>, change: impl FnOnce(&mut T) -> R) -> R {
        self.app().keep_standing(state);
        if let Before::Untouched = state.before {
            state.before = match state.arrived.metadata {
                None => Before::Empty,
                Some(_) => match self.settings().sealer.draft(&state.data) {
                    Ok(draft) => Before::Serialized(draft),
                    Err(_) => Before::Unknown,
                },
            };
        }
        // If the closure panics, the session stays broken, even if later closures succeed.
        let phase = state.phase;
        if phase == Phase::Open {
            state.phase = Phase::Broken;
        }
        let result = change(&mut state.data);
        state.phase = phase;
        result
    }

    /// Gives the session a new id if there are revocations and its idle timeout changes. The entry that ends a session is kept
    /// for as long as its last cookie can live, so no other cookie with that id may live longer.
    fn renew_id(&self, state: &mut State<T>, changes: impl FnOnce(&Header) -> bool) {
        if self.app().judge.is_some() && state.arrived.header().is_some_and(changes) {
            state.cycle_id(Identity::NewId);
        }
    }

    /// Makes sure that the session's blobs are deleted, even if the request is dropped.
    fn prepare_deletion(&self, state: &mut State<T>) {
        let (Some(overflow), false) = (&self.shared.app.overflow, state.phase == Phase::Committed) else {
            return;
        };
        let blobs: Vec<_> = state.all_blobs().map(|blob| blob.id()).collect();
        if !blobs.is_empty() {
            state.disarm_deletion(); // its blobs are among these
            let expires = state.arrived.header().map(|header| self.settings().timeouts().expires(header));
            state.blobs.deletion = Some(Deletion::new(&overflow.cleaner, blobs, expires));
        }
    }

    /// Makes sure that every copy of a destroyed session's cookie is revoked, even if the request is dropped.
    fn prepare_ending(&self, state: &mut State<T>) {
        if let (Some(judge), None) = (&self.app().judge, &state.asked.ending)
            && state.phase != Phase::Committed
        {
            state.asked.ending = self.app().ending(judge, state);
        }
    }

    /// Locks the state for a method that changes it. Logs an error if it comes too late.
    fn alter<R>(&self, method: &str, run: impl FnOnce(&mut State<T>) -> R) -> R {
        self.with(method, |state| {
            if state.phase == Phase::Committed {
                tracing::error!(
                    cookie = self.settings().cookie_name(),
                    method,
                    "a session was changed after the response headers were sent: the change is lost"
                );
            }
            run(state)
        })
    }
}

impl<T> App<T> {
    /// Keeps what the session that arrived is judged by, before its data change.
    pub(crate) fn keep_standing(&self, state: &mut State<T>) {
        if let (Some(judge), Some(_), None) = (&self.judge, state.arrived.metadata, &state.arrived.standing) {
            state.arrived.standing = Some(judge.standing(&state.data));
        }
    }

    /// Returns true if the session that arrived goes on, and has ended in the meantime.
    pub(crate) fn has_ended(&self, state: &State<T>) -> bool {
        let (Some(judge), Some(header)) = (&self.judge, state.arrived.header()) else { return false };
        !state.is_destroyed() && judge.has_ended(&state.standing(judge), header, state.asked.revoked_others)
    }

    /// Fails if the session that arrived goes on, and has ended in the meantime, or if that is not known. An ended session
    /// must not get a cookie that outlives its revocation.
    pub(crate) fn check_goes_on(&self, state: &State<T>) -> Result<(), Error> {
        if self.has_ended(state) {
            return Err(Kind::Ended.into());
        }
        match &self.judge {
            Some(judge) if state.arrived.metadata.is_some() && !state.is_destroyed() => {
                judge.revocations.check_fresh()
            }
            _ => Ok(()),
        }
    }
}

impl<T: Payload> App<T> {
    /// Fails if the request has taken so long that it is not known whether the session was ended meanwhile. For a stored
    /// session, the store tells.
    pub(crate) fn check_not_expired(&self, state: &State<T>) -> Result<(), Error> {
        match self.has_expired(state) && !state.is_stored() {
            true => Err(Kind::Expired.into()),
            false => Ok(()),
        }
    }

    /// Returns true if the request has taken as long as the session's idle timeout. An entry that ended the session since
    /// the request began may be gone by now.
    pub(crate) fn has_expired(&self, state: &State<T>) -> bool {
        let (Some(_), Some(header)) = (&self.judge, state.arrived.header()) else { return false };
        let longest = Duration::from_secs(self.settings.timeouts().window(header));
        let took = state.arrived.began.and_then(|began| self.settings.now().duration_since(began).ok());
        !state.is_destroyed() && took.is_some_and(|took| took >= longest)
    }

    /// Returns the end of the session that arrived.
    pub(crate) fn ending(&self, judge: &Judge<T>, state: &State<T>) -> Option<Ending> {
        let longest_idle = self.settings.timeouts().longest_idle();
        judge.end(&state.standing(judge), state.arrived.header()?, longest_idle)
    }

    /// Returns the store that a session is in or may enter. A session that is in it stays. Otherwise a sign-out would
    /// fail if the session is no longer admitted once the data of the sign-in is gone.
    pub(crate) fn overflow_for(&self, state: &State<T>) -> Option<&Overflow<T>> {
        self.overflow.as_ref().filter(|overflow| state.is_stored() || (overflow.admits)(&state.data))
    }
}

impl<T> Session<T> {
    /// Locks the state for one closure.
    pub(crate) fn with<R>(&self, method: &str, run: impl FnOnce(&mut State<T>) -> R) -> R {
        let me = thread_token();
        let holder = &self.shared.holder;
        assert!(
            holder.load(Ordering::Relaxed) != me,
            "Session::{method} was called from within a closure of the same session, where it would wait for itself"
        );
        // A panic in a closure that reads is harmless. One that changes data leaves the session broken.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        holder.store(me, Ordering::Relaxed);
        let _release = Release(holder);
        run(&mut state)
    }

    /// Begins to save or commit. Returns `None` if another call is already doing so.
    pub(crate) fn try_begin_saving(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.shared.saving.try_lock().ok()
    }

    /// Ends the request of the session, after which no change can be sent. If the session was destroyed and its commit
    /// did not complete, it is deleted from the store, and the copies of its cookie are revoked.
    pub(crate) fn finish(&self) {
        let unfinished = self.with("finish", |state| {
            state.phase = Phase::Committed;
            (state.blobs.deletion.take(), state.asked.ending.take())
        });
        drop(unfinished);
    }
}

impl<T> Clone for Session<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Session<T> {
    /// Hides the data and the id, and does not wait for a closure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Session");
        if let Ok(state) = self.shared.state.try_lock() {
            debug.field("arrival", &state.arrived.arrival).field("metadata", &state.arrived.metadata);
        }
        debug.finish_non_exhaustive()
    }
}

/// Clears the holder, even if the closure panics.
struct Release<'a>(&'a AtomicUsize);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Returns a nonzero number that no other running thread has: the address of a thread-local variable.
fn thread_token() -> usize {
    thread_local!(static TOKEN: u8 = const { 0 });
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}
