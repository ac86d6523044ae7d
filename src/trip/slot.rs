//! The place for the session in a request's extensions, where inner handlers and middleware find it.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::SystemTime,
};

use http::{Extensions, HeaderMap};
use tokio::sync::OnceCell;

use super::open::{Candidates, read_cookies};
use crate::{Payload, Session, error::Error, session::App};

/// The hook that selected the sessions of a request. It is only compared, so its type, which is in a room above, is not
/// needed.
pub(crate) type HookId = Arc<dyn Any + Send + Sync>;

/// The place for one session. It is opened only when it is first asked for.
pub(crate) struct Slot<T> {
    app: Arc<App<T>>,
    /// The hook that selected the sessions.
    hook: Option<HookId>,
    began: SystemTime,
    session: OnceCell<Session<T>>,
    /// True if the session was asked for, even if it could not be opened.
    asked: AtomicBool,
    /// True if the store has failed for this request, which does not wait for it again.
    failed: AtomicBool,
    /// True if the response was sent, or never will be.
    closed: AtomicBool,
}

impl<T: Payload> Slot<T> {
    /// Returns the session, and opens it first if necessary. Every caller gets the same session. A store that has
    /// failed is not asked again.
    pub(crate) fn open(
        self: Arc<Self>,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Session<T>, Error>> + Send + use<T> {
        self.asked.store(true, SeqCst);
        let candidates = match self.session.initialized() {
            true => None,
            false => Some(read_cookies(&self.app, headers, self.began)),
        };
        async move {
            let session = match candidates {
                None => self.session.get().expect("the session was opened before"),
                Some(candidates) => self.session.get_or_try_init(|| self.load(candidates)).await?,
            };
            if self.closed.load(SeqCst) {
                session.finish();
            }
            Ok(session.clone())
        }
    }

    async fn load(&self, candidates: Candidates<T>) -> Result<Session<T>, Error> {
        if self.failed.load(SeqCst) {
            return Err(Error::broken_store("load a session", "it has already failed for this request"));
        }
        let loaded = candidates.open().await;
        self.failed.store(loaded.is_err(), SeqCst);
        loaded
    }

    /// Returns the session, if it was asked for.
    pub(crate) fn opened(&self) -> Option<&Session<T>> {
        self.session.get()
    }
}

impl<T> Slot<T> {
    /// Returns true if the session was asked for, so that the response may depend on the request's cookies.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(SeqCst)
    }

    /// Closes the slot: from here on nothing can be sent. A session that is opened later is finished from the start.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    /// Ends the request: with a response, with an error, or because the client disconnected. Later changes through
    /// remaining handles fail.
    pub(crate) fn end(&self) {
        self.close();
        if let Some(session) = self.session.get() {
            session.finish();
        }
    }
}

/// The slots of a request, the innermost layer's first. One extension serves them all, so that a layer can see
/// which cookies are taken.
#[derive(Clone)]
struct Slots {
    cookie: Arc<str>,
    slot: Arc<dyn Any + Send + Sync>,
    outer: Option<Arc<Slots>>,
}

/// Adds a slot to a request that begins now. The error is the name of a cookie that two layers would write.
pub(crate) fn make<T: Payload>(
    app: Arc<App<T>>,
    hook: Option<HookId>,
    extensions: &mut Extensions,
) -> Result<Arc<Slot<T>>, Arc<str>> {
    let cookie = app.settings.cookie.shared_name();
    let outer = extensions.remove::<Slots>().map(Arc::new);
    let mut taken = outer.as_deref();
    while let Some(slots) = taken {
        if slots.cookie == cookie {
            return Err(cookie);
        }
        taken = slots.outer.as_deref();
    }
    let slot = Arc::new(Slot {
        began: app.settings.now(),
        app,
        hook,
        session: OnceCell::new(),
        asked: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        closed: AtomicBool::new(false),
    });
    extensions.insert(Slots { cookie, slot: slot.clone(), outer });
    Ok(slot)
}

/// Finds the innermost slot of this payload type whose sessions are `wanted`.
pub(crate) fn find<T: Payload>(
    extensions: &Extensions,
    wanted: impl Fn(&Arc<App<T>>, Option<&HookId>) -> bool,
) -> Option<Arc<Slot<T>>> {
    let mut next = extensions.get::<Slots>();
    while let Some(slots) = next {
        if let Ok(slot) = Arc::clone(&slots.slot).downcast::<Slot<T>>()
            && wanted(&slot.app, slot.hook.as_ref())
        {
            return Some(slot);
        }
        next = slots.outer.as_deref();
    }
    None
}
