//! Where a middleware leaves a request's session, for whoever asks for it further in.

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

use crate::{
    Error, Payload, Session, Sessions, error::Kind, settings::selection::Hook, store::StoreError,
    trip::open::Arrived,
};

/// The place for one session. Nothing is opened until somebody asks.
pub(crate) struct Slot<T> {
    sessions: Sessions<T>,
    /// What chose them.
    hook: Option<Hook<T>>,
    began: SystemTime,
    session: OnceCell<Session<T>>,
    /// Somebody has asked for the session, whether it could be opened or not.
    asked: AtomicBool,
    /// The store has failed this request: nobody waits for it once more.
    failed: AtomicBool,
    /// The response is gone, or will never be.
    closed: AtomicBool,
}

impl<T: Payload> Slot<T> {
    /// The session, opened now if it has not been. Everybody who asks gets the same. A store that has failed is
    /// not asked again.
    pub(crate) fn open(
        self: Arc<Self>,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Session<T>, Error>> + Send + use<T> {
        self.asked.store(true, SeqCst);
        let arrived = match self.session.initialized() {
            true => None,
            false => Some(self.sessions.read_cookies(headers, self.began)),
        };
        async move {
            let session = match arrived {
                None => self.session.get().expect("it is there, and stays"),
                Some(arrived) => self.session.get_or_try_init(|| self.settle(arrived)).await?,
            };
            if self.closed.load(SeqCst) {
                session.finish();
            }
            Ok(session.clone())
        }
    }

    async fn settle(&self, arrived: Arrived<T>) -> Result<Session<T>, Error> {
        if self.failed.load(SeqCst) {
            let source = StoreError::new("loading a blob", "it has failed for this request already");
            return Err(Kind::Store { call: "load a session", source: Some(source) }.into());
        }
        let settled = arrived.settle().await;
        self.failed.store(settled.is_err(), SeqCst);
        settled
    }

    /// The session, if anybody has asked for it.
    pub(crate) fn opened(&self) -> Option<&Session<T>> {
        self.session.get()
    }
}

impl<T> Slot<T> {
    /// Returns whether the response may depend on the request's cookies, though no session was opened.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(SeqCst)
    }

    /// From here on nothing can be sent any more: whoever opens the session now is told so, by `committed`.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    /// The request has ended, with a response, an error, or a client that hung up. Who still holds the session learns
    /// that it comes too late.
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

/// Two layers would write this cookie.
#[derive(Debug)]
pub(crate) struct Collision {
    pub(crate) cookie: Arc<str>,
}

/// Makes a slot for a request that begins now.
pub(crate) fn enter<T: Payload>(
    sessions: Sessions<T>,
    hook: Option<Hook<T>>,
    extensions: &mut Extensions,
) -> Result<Arc<Slot<T>>, Collision> {
    let cookie = sessions.shared_cookie_name();
    let outer = extensions.remove::<Slots>().map(Arc::new);
    let mut taken = outer.as_deref();
    while let Some(slots) = taken {
        if slots.cookie == cookie {
            return Err(Collision { cookie });
        }
        taken = slots.outer.as_deref();
    }
    let slot = Arc::new(Slot {
        began: sessions.now(),
        sessions,
        hook,
        session: OnceCell::new(),
        asked: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        closed: AtomicBool::new(false),
    });
    extensions.insert(Slots { cookie, slot: slot.clone(), outer });
    Ok(slot)
}

/// The innermost slot of this payload type whose sessions are wanted.
pub(crate) fn find<T: Payload>(
    extensions: &Extensions,
    wanted: impl Fn(&Sessions<T>, Option<&Hook<T>>) -> bool,
) -> Option<Arc<Slot<T>>> {
    let mut next = extensions.get::<Slots>();
    while let Some(slots) = next {
        if let Ok(slot) = Arc::clone(&slots.slot).downcast::<Slot<T>>()
            && wanted(&slot.sessions, slot.hook.as_ref())
        {
            return Some(slot);
        }
        next = slots.outer.as_deref();
    }
    None
}
