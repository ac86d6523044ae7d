//! The place among a request's extensions where the middleware leaves the session for whoever asks for it further in.

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

use super::{
    HookId,
    open::{Candidates, read_cookies},
};
use crate::{Payload, Session, error::Error, session::App};

/// The place for one session. Nothing is opened until somebody asks.
pub(crate) struct Slot<T> {
    app: Arc<App<T>>,
    /// The hook that selected them.
    hook: Option<HookId>,
    began: SystemTime,
    session: OnceCell<Session<T>>,
    /// The session was asked for, whether it could be opened or not.
    asked: AtomicBool,
    /// The store has failed this request: nobody waits for it again.
    failed: AtomicBool,
    /// The response is gone, or will never be.
    closed: AtomicBool,
}

impl<T: Payload> Slot<T> {
    /// Returns the session, opened now if it has not been. Every caller gets the same. A store that has failed is not
    /// asked again.
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
                None => self.session.get().expect("it was opened, and stays"),
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
            return Err(Error::broken_store("load a session", "it has failed for this request already"));
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
    /// Returns whether the response may depend on the request's cookies, though no session was opened.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(SeqCst)
    }

    /// From here on nothing can be sent any more. A handle that is opened now is finished from the start.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    /// Ends the request: with a response, with an error, or because the client hung up. Handles that are left learn that
    /// they come too late.
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

/// Makes a slot for a request that begins now. The error is the name of a cookie that two layers would write.
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

/// Finds the innermost slot of this payload type whose sessions are wanted.
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
