//! What a handler holds: one request's session.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    Payload, Sessions,
    error::{Error, Kind, Refusal},
    seal::Draft,
    sealer::{Marks, SessionId},
    sessions::Presented,
};

/// How the request's cookie fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// There was none: the session is fresh.
    Absent,
    /// It opened: the session goes on.
    Opened,
    /// It did not, for this reason: the session is fresh. The client must not learn the reason.
    Refused(Refusal),
}

/// The session of one request: a typed value, loaded from its cookie and sent back when it has changed.
///
/// Cloning gives another handle to the same session. Data are reached by closure, so that no lock can be held across
/// an `await`; threads of one request wait for each other.
///
/// With axum it is an extractor. Elsewhere [`Sessions::open`] gives it.
///
/// # Panics
///
/// A call from within a closure of the same session panics and says which, instead of waiting for itself.
pub struct Session<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    sessions: Sessions<T>,
    state: Mutex<State<T>>,
    /// Which thread is inside a closure, so that it does not wait for itself. 0 for none.
    holder: AtomicUsize,
}

/// All that a request's verbs leave behind for the commit.
pub(crate) struct State<T> {
    pub(crate) data: T,
    pub(crate) arrival: Arrival,
    /// The session as the browser holds it, if its cookie opened.
    pub(crate) held: Option<Marks>,
    pub(crate) presented: Presented,
    pub(crate) before: Before,
    pub(crate) identity: Identity,
    pub(crate) kind: SessionKind,
    pub(crate) destroyed: bool,
    /// Set while a closure changes the data, and left so if it panics.
    pub(crate) changing: bool,
    pub(crate) committed: bool,
}

/// The data as they were when a closure first could change them. The commit compares: no flag beside the data can
/// be wrong.
pub(crate) enum Before {
    /// No closure could.
    Untouched,
    /// As a fresh session begins.
    Empty,
    /// As they serialised.
    Serialised(Draft),
    /// They did not serialise: the commit will say why.
    Unknown,
}

/// Under which id and beginning the session goes on. Ordered: a later verb undoes nothing of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// The same.
    Kept,
    /// A new id; the session began when it did.
    NewId,
    /// A new id, and the session begins now.
    New,
}

/// Whether the session outlives the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// As it arrived.
    Kept,
    /// Not.
    Ordinary,
    /// Yes, with this window in seconds.
    Remembered(u32),
}

/// How much of the cookie a session takes. Bytes of name and value together, as browsers count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// What the cookie takes if the session is sent as it is now.
    pub used: usize,
    /// The most that it may take.
    pub limit: usize,
    /// How many bytes of serialised data may still be added; 0 also when it is already too large.
    pub left: usize,
}

impl<T> State<T> {
    pub(crate) fn new(data: T, arrival: Arrival, held: Option<Marks>, presented: Presented) -> Self {
        Self {
            data,
            arrival,
            held,
            presented,
            before: Before::Untouched,
            identity: Identity::Kept,
            kind: SessionKind::Kept,
            destroyed: false,
            changing: false,
            committed: false,
        }
    }
}

impl<T: Payload> Session<T> {
    pub(crate) fn new(sessions: Sessions<T>, state: State<T>) -> Self {
        Self { shared: Arc::new(Shared { sessions, state: Mutex::new(state), holder: AtomicUsize::new(0) }) }
    }

    /// Reads the data.
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
        self.with("update", |state| {
            self.warn_if_late(state, "update");
            self.change(state, change)
        })
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

    /// Empties the data, no more: what is put in afterwards belongs to the same session. One that is empty at the
    /// end of the request is removed from the browser.
    pub fn clear(&self) {
        self.with("clear", |state| {
            self.warn_if_late(state, "clear");
            self.change(state, |data| *data = T::default());
        });
    }

    /// Ends the session: its data are gone, and the browser is told to drop its cookie, whatever the response's
    /// status. Data put in afterwards make a new session.
    ///
    /// # Security
    ///
    /// A copy of the cookie that somebody has kept opens until it expires.
    pub fn destroy(&self) {
        self.with("destroy", |state| {
            self.warn_if_late(state, "destroy");
            self.begin_anew(state);
            state.destroyed = true;
        });
    }

    /// Begins an empty session under a new id, in place of this one.
    pub fn regenerate(&self) {
        self.with("regenerate", |state| {
            self.warn_if_late(state, "regenerate");
            self.begin_anew(state);
        });
    }

    /// Keeps the data under a new id, in a session that begins now. Call it when somebody signs in, against session
    /// fixation.
    pub fn renew_id(&self) {
        self.with("renew_id", |state| {
            self.warn_if_late(state, "renew_id");
            state.identity = Identity::New;
        });
    }

    /// Keeps the data under a new id, and the deadline as it was. Call it when somebody's role changes.
    pub fn renew_id_keep_deadline(&self) {
        self.with("renew_id_keep_deadline", |state| {
            self.warn_if_late(state, "renew_id_keep_deadline");
            state.identity = state.identity.max(Identity::NewId);
        });
    }

    /// Makes the session outlive the browser: it ends when it has not been used for `window`, and at the
    /// [remembered lifetime](crate::Lifetimes::remembered) whatever happens.
    ///
    /// # Errors
    ///
    /// When the window is shorter than a second, or longer than the remembered lifetime or the longest window.
    pub fn remember(&self, window: Duration) -> Result<(), Error> {
        let window = self.shared.sessions.lifetimes().remembered_window(window)?;
        self.with("remember", |state| {
            self.warn_if_late(state, "remember");
            state.kind = SessionKind::Remembered(window);
        });
        Ok(())
    }

    /// Makes it an ordinary session again, which ends with the browser; it begins now, under a new id.
    pub fn forget(&self) {
        self.with("forget", |state| {
            self.warn_if_late(state, "forget");
            state.kind = SessionKind::Ordinary;
            state.identity = Identity::New;
        });
    }

    /// How the request's cookie fared.
    pub fn arrival(&self) -> Arrival {
        self.with("arrival", |state| state.arrival)
    }

    /// The session's marks as the browser holds it: id, beginning, window. `None` for a fresh one.
    pub fn marks(&self) -> Option<Marks> {
        self.with("marks", |state| state.held)
    }

    /// The session's id as the browser holds it. `None` for a fresh session, which gets its id when it is first
    /// sealed.
    pub fn id(&self) -> Option<SessionId> {
        self.marks().map(|marks| marks.id())
    }

    /// How much of the cookie the session takes now.
    ///
    /// # Errors
    ///
    /// When the data would be serialised otherwise than their type is read.
    pub fn size(&self) -> Result<Size, Error> {
        self.with("size", |state| {
            let sealer = self.shared.sessions.sealer();
            let draft = sealer.draft(&state.data)?;
            Ok(Size {
                used: sealer.size(&draft),
                limit: sealer.limit(),
                left: sealer.longest_payload().saturating_sub(draft.payload().len()),
            })
        })
    }

    /// The sessions that this one belongs to.
    pub(crate) fn sessions(&self) -> &Sessions<T> {
        &self.shared.sessions
    }

    /// Locks the state for one closure.
    pub(crate) fn with<R>(&self, verb: &str, run: impl FnOnce(&mut State<T>) -> R) -> R {
        let me = thread_token();
        let holder = &self.shared.holder;
        assert!(
            holder.load(Ordering::Relaxed) != me,
            "Session::{verb} was called from within a closure of the same session, where it would wait for itself"
        );
        // A panic in a closure that reads harms nothing; one that changes leaves `changing` behind.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        holder.store(me, Ordering::Relaxed);
        let _release = Release(holder);
        run(&mut state)
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
        state.changing = true;
        let result = change(&mut state.data);
        state.changing = false;
        result
    }

    fn begin_anew(&self, state: &mut State<T>) {
        self.change(state, |data| *data = T::default());
        state.identity = Identity::New;
        state.kind = SessionKind::Ordinary;
    }

    fn warn_if_late(&self, state: &State<T>, verb: &str) {
        if state.committed {
            tracing::error!(
                cookie = self.shared.sessions.cookie_name(),
                verb,
                "a session was changed after the response's head was sent: the change is lost"
            );
        }
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
            debug.field("arrival", &state.arrival).field("marks", &state.held);
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
