//! What a handler holds: one request's session.

pub mod csrf;
mod ending;
pub mod flash;
pub(crate) mod key_value;
mod state;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use self::ending::Ending;
pub(crate) use self::state::{Before, Identity, SessionKind, State};
use crate::{
    Payload, SessionMap, Sessions,
    error::{Error, Kind, Refusal},
    seal,
    sealer::{Metadata, SessionId},
    store::BlobId,
};

/// How the request's cookie fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Arrival {
    /// There was none: the session is fresh.
    Absent,
    /// It opened: the session goes on.
    Opened,
    /// It did not, for this reason: the session is fresh. The client must not learn the reason.
    Refused(Refusal),
    /// It opened, but the session is in a store that has failed. The session is fresh, and nothing of it is kept
    /// ([`OnStoreFailure::ServeFresh`](crate::OnStoreFailure)).
    Unavailable,
}

/// The session of one request: a typed value, loaded from its cookie and sent back when it has changed.
///
/// Cloning gives another handle to the same session. Data are reached by closure, so that no lock can be held across
/// an `await`; threads of one request wait for each other.
///
/// With axum it is an extractor. Elsewhere [`Sessions::open`] gives it.
///
/// # Long connections
///
/// Timeouts are checked, and the store is asked, when the request begins. A handle that is kept longer, by a WebSocket or a
/// streamed response, goes on to read what it has read then, after the session has timed out or was destroyed elsewhere.
/// Keep the request's target and headers beside it, and check now and then whether such a request still opens a session:
///
/// ```
/// # use http::{HeaderMap, Request, Uri};
/// # use sealed_session::{Arrival, Error, Sessions};
/// # #[derive(Default, serde::Serialize, serde::Deserialize)]
/// # struct Visit { user: Option<u64> }
/// async fn is_live(sessions: &Sessions<Visit>, target: &Uri, headers: &HeaderMap) -> Result<bool, Error> {
///     let mut request = Request::get(target).body(()).expect("it has come with a request");
///     *request.headers_mut() = headers.clone();
///     Ok(sessions.open(&request).await?.arrival() == Arrival::Opened)
/// }
/// ```
///
/// The cookie of a session that goes on elsewhere is renewed there, and the one that was kept ends with its own idle
/// timeout. Close the connection then, and let the page connect again.
///
/// # Panics
///
/// A call from within a closure of the same session panics and says which, instead of waiting for itself.
pub struct Session<T = SessionMap> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    sessions: Sessions<T>,
    state: Mutex<State<T>>,
    /// Which thread is inside a closure, so that it does not wait for itself. 0 for none.
    holder: AtomicUsize,
    /// Held while the session is being saved.
    saving: tokio::sync::Mutex<()>,
}

/// Where a session is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// In its cookie.
    Cookie,
    /// In the store; the cookie refers to it.
    Store,
}

/// How much room a session takes where it is kept.
///
/// In the cookie these are bytes of name and value together, as browsers count them; in the store, of the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Size {
    /// Where it goes if it is sent as it is now. A session that [`save`](Session::save) has stored stays there for this
    /// response, even if it has become small enough for the cookie.
    pub place: Place,
    /// What it takes there.
    pub used: usize,
    /// The most that it may take.
    pub limit: usize,
    /// How many bytes of serialised data may still be added there; 0 also when it is already too large. With a store,
    /// what does not fit the cookie any more moves into the store.
    pub left: usize,
}

impl<T: Payload> Session<T> {
    pub(crate) fn new(sessions: Sessions<T>, state: State<T>) -> Self {
        Self {
            shared: Arc::new(Shared {
                sessions,
                state: Mutex::new(state),
                holder: AtomicUsize::new(0),
                saving: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// Reads the data. What a closure changes by interior mutability (`Cell`, `Mutex`, atomics) is no change to the
    /// session: it is not sent.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { views: u32 }
    /// async fn views(session: Session<Visit>) -> String {
    ///     session.read(|visit| visit.views).to_string()
    /// }
    /// ```
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.with("read", |state| read(&state.data))
    }

    /// Changes the data, if the closure does: what is the same afterwards is not sent.
    ///
    /// When the response's head has already been sent, the closure still runs, nothing of it is kept, and that is
    /// logged as an error; [`try_update`](Self::try_update) tells.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { views: u32 }
    /// async fn count(session: Session<Visit>) -> String {
    ///     session.update(|visit| { visit.views += 1; visit.views }).to_string()
    /// }
    /// ```
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.alter("update", |state| self.change(state, change))
    }

    /// [`update`](Self::update), unless it comes too late.
    ///
    /// # Errors
    ///
    /// [`Error::is_finished`] when the response's head has already been sent; the closure has not run then.
    pub fn try_update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.with("try_update", |state| match state.committed {
            true => Err(Kind::Finished.into()),
            false => Ok(self.change(state, change)),
        })
    }

    /// Empties the data, no more: what is put in afterwards belongs to the same session. One that is left empty at the
    /// end of the request, and was not before, is removed from the browser.
    pub fn clear(&self) {
        self.alter("clear", |state| {
            self.change(state, |data| *data = T::default());
        });
    }

    /// Ends the session: its data are gone, and the browser is told to drop its cookie, whatever the response's
    /// status. Data put in afterwards make a new session.
    ///
    /// A session that is in the store is deleted there before the response is sent. To delete it at once, and to learn
    /// whether that worked, call [`save`](Self::save) next:
    ///
    /// ```
    /// # use sealed_session::{Error, Session};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { user: Option<u64> }
    /// async fn sign_out(session: Session<Visit>) -> Result<&'static str, Error> {
    ///     session.destroy();
    ///     session.save().await?;
    ///     Ok("You are signed out.")
    /// }
    /// ```
    ///
    /// If the request is dropped before that, because the client has hung up or a timeout has cut the handler off, the
    /// session is deleted by a task of its own. Where no tokio runtime is left to run the task, an error is logged that
    /// says when the session expires.
    ///
    /// # Security
    ///
    /// Of a session that is in the store, nothing is left, and no copy of its cookie opens. Of one that is in its cookie, a
    /// copy that somebody has kept opens until it expires.
    pub fn destroy(&self) {
        self.alter("destroy", |state| {
            self.begin_anew(state);
            state.destroyed = true;
            self.prepare_ending(state);
        });
    }

    /// Begins an empty session under a new id, in place of this one.
    pub fn regenerate(&self) {
        self.alter("regenerate", |state| {
            self.begin_anew(state);
        });
    }

    /// Keeps the data under a new id, in a session that begins now. Call it when somebody signs in, against session
    /// fixation.
    pub fn cycle_id(&self) {
        self.alter("cycle_id", |state| {
            state.rename(Identity::New);
        });
    }

    /// Keeps the data under a new id, and the deadline as it was. Call it when somebody's role changes.
    pub fn cycle_id_keep_timeout(&self) {
        self.alter("cycle_id_keep_timeout", |state| {
            state.rename(Identity::NewId);
        });
    }

    /// Makes the session outlive the browser: it ends when it has not been used for `window`, and at the
    /// [remembered lifetime](crate::Timeouts::remembered) whatever happens.
    ///
    /// At a sign-in call [`cycle_id`](Self::cycle_id), too. A stored session is then another one for requests that are
    /// under way; otherwise one of them can make what is stored expire as early as the session would have before.
    ///
    /// # Errors
    ///
    /// When the window is shorter than a second, or longer than the remembered lifetime or the longest window.
    pub fn remember(&self, window: Duration) -> Result<(), Error> {
        let window = self.shared.sessions.timeouts().remembered_window(window)?;
        self.alter("remember", |state| {
            state.kind = SessionKind::Remembered(window);
        });
        Ok(())
    }

    /// Makes it an ordinary session again, which ends with the browser; it begins now, under a new id.
    pub fn end_with_browser(&self) {
        self.alter("forget", |state| {
            state.kind = SessionKind::Ordinary;
            state.rename(Identity::New);
        });
    }

    /// Renews the session with this response, whether its time has come or not, and makes even an empty one durable:
    /// a fresh session that is touched gets its cookie, and keeps it though nothing is in it.
    pub fn touch(&self) {
        self.alter("touch", |state| {
            (state.touched, state.durable) = (true, true);
        });
    }

    /// Has this request not renew the session: for an endpoint that a page polls, which tells of no one's presence. A
    /// change is still sent, and begins the window anew.
    pub fn skip_renewal(&self) {
        self.with("passive", |state| state.passive = true);
    }

    /// Does now what can fail at the commit, for work that must not happen unless the session is kept: the data are
    /// serialised, their size is checked, and what doesn't fit the cookie is stored. The cookie is sent with the response,
    /// with what is changed until then.
    ///
    /// What was saved into the blob of a stored session stays there, whatever the handler answers. After
    /// [`destroy`](Self::destroy), the destroyed session is deleted from the store.
    ///
    /// ```
    /// # use sealed_session::{Error, Session};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Cart { items: Vec<String> }
    /// # async fn charge() {}
    /// async fn order(session: Session<Cart>) -> Result<(), Error> {
    ///     session.update(|cart| cart.items.push("receipt 17".into()));
    ///     session.save().await?;
    ///     charge().await;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of a commit: when the session fits neither its cookie nor a store ([`Error::is_too_large`]), when the store
    /// fails ([`Error::is_store`]), when another request has changed or ended the session meanwhile
    /// ([`Error::is_conflict`]), when a value would be serialised otherwise than its type is read, when a closure that
    /// changed it has panicked, and when the response's head has already been sent ([`Error::is_finished`]).
    pub async fn save(&self) -> Result<(), Error> {
        let _saving = self.begin_saving().await?;
        let sessions = &self.shared.sessions;
        let ending = self.with("save", |state| state.check_open().map(|()| state.ending.take()))?;
        if let Some(mut ending) = ending {
            let ended = ending.carry_out().await;
            self.with("save", |state| match &ended {
                Ok(()) => state.forget_ended(),
                // The commit tries again.
                Err(_) => state.ending = Some(ending),
            });
            ended?;
        }
        let work = self.with("save", |state| {
            state.check_open()?;
            match state.detached {
                true => Err(Kind::Detached.into()),
                false => sessions.plan_save(state),
            }
        })?;
        let Some(mut work) = work else { return Ok(()) };
        Box::pin(sessions.save(&mut work)).await?;
        self.with("save", |state| sessions.record(state, work))
    }

    /// How the request's cookie fared.
    pub fn arrival(&self) -> Arrival {
        self.with("arrival", |state| state.arrival)
    }

    /// The session's metadata as the browser holds it: id, beginning, window. `None` for a fresh one.
    pub fn metadata(&self) -> Option<Metadata> {
        self.with("metadata", |state| state.held)
    }

    /// The session's id as the browser holds it. `None` for a fresh session, which gets its id when it is first
    /// sealed.
    pub fn id(&self) -> Option<SessionId> {
        self.metadata().map(|metadata| metadata.id())
    }

    /// Where the session goes as it is now, and how much room it takes there.
    ///
    /// # Errors
    ///
    /// When the data would be serialised otherwise than their type is read.
    pub fn size(&self) -> Result<Size, Error> {
        self.with("size", |state| {
            let sealer = self.shared.sessions.sealer();
            let draft = sealer.draft(&state.data)?;
            let length = draft.payload().len();
            Ok(match self.shared.sessions.store_limit() {
                Some(limit) if !sealer.fits(&draft) && self.shared.sessions.may_be_stored(state) => Size {
                    place: Place::Store,
                    used: seal::blob_len(length),
                    limit,
                    left: seal::longest_blob_payload(limit)
                        .map_or(0, |longest| longest.saturating_sub(length)),
                },
                _ => Size {
                    place: Place::Cookie,
                    used: sealer.size(&draft),
                    limit: sealer.limit(),
                    left: sealer.longest_payload().saturating_sub(length),
                },
            })
        })
    }

    /// Waits until nobody else saves or commits, no longer than for the store.
    pub(crate) async fn begin_saving(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Error> {
        let waiting = self.shared.saving.lock();
        match &self.shared.sessions.inner.overflow {
            Some(overflow) => overflow.calls().wait_for("finish an earlier save", waiting).await,
            None => Ok(waiting.await),
        }
    }

    /// The sessions that this one belongs to.
    pub(crate) fn sessions(&self) -> &Sessions<T> {
        &self.shared.sessions
    }

    fn change<R>(&self, state: &mut State<T>, change: impl FnOnce(&mut T) -> R) -> R {
        if let Before::Untouched = state.before {
            state.before = match state.held {
                None => Before::Empty,
                Some(_) => match self.shared.sessions.sealer().draft(&state.data) {
                    Ok(draft) => Before::Serialised(draft),
                    Err(_) => Before::Unknown,
                },
            };
        }
        // What a panic in the closure leaves behind stays so, whatever succeeds afterwards.
        let broken = std::mem::replace(&mut state.broken, true);
        let result = change(&mut state.data);
        state.broken = broken;
        result
    }

    fn begin_anew(&self, state: &mut State<T>) {
        self.change(state, |data| *data = T::default());
        state.rename(Identity::New);
        state.kind = SessionKind::Ordinary;
        state.discarded = true;
        (state.touched, state.durable) = (false, false);
    }

    /// From here on the session's blobs are deleted, whatever becomes of the request.
    fn prepare_ending(&self, state: &mut State<T>) {
        let sessions = &self.shared.sessions;
        let (Some(overflow), false) = (&sessions.inner.overflow, state.committed) else { return };
        let blobs = state.blobs().chain(state.disowned()).map(|blob| BlobId::new(blob.reference.index()));
        let blobs: Vec<_> = blobs.collect();
        if !blobs.is_empty() {
            state.settle_ending(); // which these blobs include
            let cookie = sessions.inner.cookie.shared_name();
            let expires = state.held.map(|held| sessions.timeouts().expires(&held.header));
            state.ending =
                Some(Ending::new(Arc::clone(&overflow.store), overflow.deadline, cookie, blobs, expires));
        }
    }

    /// Locks the state for a verb that changes it, which is logged if it comes too late to be sent.
    fn alter<R>(&self, verb: &str, run: impl FnOnce(&mut State<T>) -> R) -> R {
        self.with(verb, |state| {
            if state.committed {
                tracing::error!(
                    cookie = self.shared.sessions.cookie_name(),
                    verb,
                    "a session was changed after the response's head was sent: the change is lost"
                );
            }
            run(state)
        })
    }
}

impl<T> Session<T> {
    /// Locks the state for one closure.
    pub(crate) fn with<R>(&self, verb: &str, run: impl FnOnce(&mut State<T>) -> R) -> R {
        let me = thread_token();
        let holder = &self.shared.holder;
        assert!(
            holder.load(Ordering::Relaxed) != me,
            "Session::{verb} was called from within a closure of the same session, where it would wait for itself"
        );
        // A panic in a closure that reads harms nothing; one that changes leaves `broken` behind.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        holder.store(me, Ordering::Relaxed);
        let _release = Release(holder);
        run(&mut state)
    }

    /// Begins to save or commit; `None` when somebody else does so already.
    pub(crate) fn try_begin_saving(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.shared.saving.try_lock().ok()
    }

    /// Nothing of this session can be sent any more. If it was destroyed, and its commit was not carried out to the end,
    /// it is deleted from its store.
    #[cfg(any(feature = "tower", feature = "hyper"))]
    pub(crate) fn finish(&self) {
        let ending = self.with("finish", |state| {
            state.committed = true;
            state.ending.take()
        });
        drop(ending);
    }

    #[cfg(any(feature = "tower", feature = "hyper"))]
    pub(crate) fn is_finished(&self) -> bool {
        self.with("is_finished", |state| state.committed)
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
            debug.field("arrival", &state.arrival).field("metadata", &state.held);
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
