//! A request's session, as a handler holds it.

pub mod csrf;
pub mod flash;
pub(crate) mod key_value;
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
    seal::{blob_len, longest_blob_payload, timeouts::from_unix},
    sealer::{Metadata, SessionId},
    settings::Settings,
    store::{Deletion, Overflow},
};

/// The sessions of an application: its choices, and its overflow store if it has one.
pub(crate) struct App<T> {
    pub(crate) settings: Arc<Settings<T>>,
    pub(crate) overflow: Option<Overflow<T>>,
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
/// Cloning it gives another handle to the same session. The data are reached through closures, so that no lock can be
/// held across an `await`. Threads of one request wait for each other.
///
/// With axum it is an extractor. Elsewhere [`Sessions::open`](crate::Sessions::open) returns it.
///
/// # Long connections
///
/// Timeouts are checked, and the store is asked, when the request begins. A handle that lives longer, in a WebSocket or a
/// streamed response, keeps reading what was loaded then, even after the session has timed out or was destroyed
/// elsewhere. Keep the request's target and headers beside it, and check now and then whether such a request still opens
/// a session:
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
/// This notices timeouts, and sign-outs from a session that is in the store. It does not notice the sign-out from a
/// session that lives in its cookie: nothing on the server knows of it. The cookie of a session that goes on elsewhere is
/// renewed there, and the kept one ends with its own idle timeout. Close the connection then, and let the page connect
/// again.
///
/// # Panics
///
/// A call from within a closure of the same session panics and names the method, instead of waiting for itself.
pub struct Session<T = SessionMap> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    app: Arc<App<T>>,
    state: Mutex<State<T>>,
    /// The thread that is inside a closure, so that it does not wait for itself. 0 for none.
    holder: AtomicUsize,
    /// Held while the session is being saved.
    saving: tokio::sync::Mutex<()>,
}

/// The room that a session takes where it is kept.
///
/// In the cookie these are bytes of name and value together, as browsers count them. In the store they are bytes of the
/// blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Size {
    /// Whether the session goes into the store if it is sent as it is now. A session that [`save`](Session::save) has
    /// stored stays there for this response, even if it has become small enough for its cookie.
    pub in_store: bool,
    /// The bytes that it takes there.
    pub used: usize,
    /// The most bytes that it may take there.
    pub limit: usize,
    /// The bytes of serialized data that can still be added there; 0 also if it is already too large. With a store, a
    /// session that outgrows its cookie moves to the store.
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
    /// Interior mutability (`Cell`, `Mutex`, atomics) is no change to the session: it is not sent.
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

    /// Resets the data to the default, and nothing else: data that are added afterwards belong to the same session. A
    /// session that is empty at the end of the request, and was not before, is removed from the browser.
    pub fn clear(&self) {
        self.alter("clear", |state| self.change(state, |data| *data = T::default()));
    }

    /// Ends the session: its data are gone, and the browser is told to remove its cookie, whatever the response's
    /// status. Data that are added afterwards begin a new session, under a new id.
    ///
    /// A session that is in the store is deleted there before the response is sent. To delete it at once, and to learn
    /// whether that worked, call [`save`](Self::save) next:
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
    /// If the request is dropped before that, because the client has hung up or a timeout has cut the handler off, a
    /// background task deletes the session. Where no tokio runtime is left to run the task, an error is logged that says
    /// when the session expires.
    ///
    /// # Security
    ///
    /// If the session is in the store, nothing is left of it, and no copy of its cookie opens. If it is in its cookie, a
    /// copy of the cookie that somebody kept still opens until it expires.
    pub fn destroy(&self) {
        self.alter("destroy", |state| {
            self.change(state, |data| *data = T::default());
            state.destroy();
            self.prepare_deletion(state);
        });
    }

    /// Gives the session a new id and keeps its data. The absolute timeout starts over. Call it when somebody signs in,
    /// to prevent session fixation.
    pub fn cycle_id(&self) {
        self.alter("cycle_id", |state| state.cycle_id(Identity::Restarted));
    }

    /// Gives the session a new id and keeps its data and its absolute timeout. Call it when somebody's role changes.
    pub fn cycle_id_keep_timeout(&self) {
        self.alter("cycle_id_keep_timeout", |state| state.cycle_id(Identity::NewId));
    }

    /// Makes the session persistent ("remember me"): its cookie survives the closing of the browser. It ends when it has
    /// not been used for `idle_timeout`, and at the [absolute timeout of persistent
    /// sessions](crate::Timeouts::persistent_absolute_timeout) in any case.
    ///
    /// At a sign-in call [`cycle_id`](Self::cycle_id) too. Otherwise a parallel request that began before can set the
    /// expiry of a stored session by its old timeout.
    ///
    /// # Errors
    ///
    /// Returns an error if the timeout is shorter than a second, or longer than the persistent absolute timeout or the
    /// [longest persistent idle timeout](crate::Timeouts::longest_persistent_idle_timeout).
    pub fn remember(&self, idle_timeout: Duration) -> Result<(), Error> {
        let window = self.settings().timeouts().persistent_window(idle_timeout)?;
        self.alter("remember", |state| state.persist(Persistence::Persistent(window)));
        Ok(())
    }

    /// Makes the session end with the browser again, and changes nothing else.
    ///
    /// The [absolute timeout](crate::Timeouts::absolute_timeout) of ordinary sessions applies from now on: a session that
    /// is older ends with this response. For a fresh one, call [`cycle_id`](Self::cycle_id) as well.
    pub fn end_with_browser(&self) {
        self.alter("end_with_browser", |state| state.persist(Persistence::Browser));
    }

    /// Renews the session with this response, whether it is due or not. An empty session is kept too: a fresh one gets
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

    /// Returns the id that the session will have after this response: after [`cycle_id`](Self::cycle_id) the new one, for
    /// example to record it with a sign-in. Call it after the methods that change the id.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system provides no random bytes.
    pub fn next_id(&self) -> Result<SessionId, Error> {
        self.with("next_id", State::next_id)
    }

    /// Returns the time at which the session expires as the browser holds it, or `None` for a fresh session. This
    /// request may still renew it.
    pub fn expires_at(&self) -> Option<SystemTime> {
        let metadata = self.metadata()?;
        Some(from_unix(self.settings().timeouts().expires(&metadata.header)))
    }

    /// Returns where the session goes as it is now, and the room that it takes there.
    ///
    /// # Errors
    ///
    /// Returns an error if the data would not read back as they were written.
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

    /// Waits until no other call saves or commits, but no longer than for the store.
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
        if let Before::Untouched = state.before {
            state.before = match state.arrived.metadata {
                None => Before::Empty,
                Some(_) => match self.settings().sealer.draft(&state.data) {
                    Ok(draft) => Before::Serialized(draft),
                    Err(_) => Before::Unknown,
                },
            };
        }
        // If the closure panics, the session stays broken, whatever succeeds afterwards.
        let phase = state.phase;
        if phase == Phase::Open {
            state.phase = Phase::Broken;
        }
        let result = change(&mut state.data);
        state.phase = phase;
        result
    }

    /// From here on the session's blobs are deleted, whatever becomes of the request.
    fn prepare_deletion(&self, state: &mut State<T>) {
        let (Some(overflow), false) = (&self.shared.app.overflow, state.phase == Phase::Committed) else {
            return;
        };
        let blobs: Vec<_> = state.all_blobs().map(|blob| blob.id()).collect();
        if !blobs.is_empty() {
            state.disarm_deletion(); // whose blobs these include
            let expires = state.arrived.header().map(|header| self.settings().timeouts().expires(header));
            state.blobs.deletion = Some(Deletion::new(&overflow.cleaner, blobs, expires));
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

impl<T: Payload> App<T> {
    /// The store that a session is in or may enter. A session that is in it stays: otherwise nobody could sign out whose
    /// session is not admitted any more once the data of the sign-in are gone.
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
        // A panic in a closure that reads harms nothing; one that changes leaves the session broken.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        holder.store(me, Ordering::Relaxed);
        let _release = Release(holder);
        run(&mut state)
    }

    /// Begins to save or commit; `None` if another call does so already.
    pub(crate) fn try_begin_saving(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.shared.saving.try_lock().ok()
    }

    /// Ends the session's request: nothing of it can be sent any more. If it was destroyed, and its commit was not
    /// carried out to the end, it is deleted from its store.
    pub(crate) fn finish(&self) {
        let deletion = self.with("finish", |state| {
            state.phase = Phase::Committed;
            state.blobs.deletion.take()
        });
        drop(deletion);
    }

    #[cfg(any(feature = "tower", feature = "hyper"))]
    pub(crate) fn is_finished(&self) -> bool {
        self.with("is_finished", |state| state.phase == Phase::Committed)
    }
}

impl<T> Clone for Session<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Session<T> {
    /// Without the data, the id, and without waiting for a closure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Session");
        if let Ok(state) = self.shared.state.try_lock() {
            debug.field("arrival", &state.arrived.arrival).field("metadata", &state.arrived.metadata);
        }
        debug.finish_non_exhaustive()
    }
}

/// Clears the holder also when the closure panics.
struct Release<'a>(&'a AtomicUsize);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A number that no other living thread has, and that is not 0: the address of something of its own.
fn thread_token() -> usize {
    thread_local!(static TOKEN: u8 = const { 0 });
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}
