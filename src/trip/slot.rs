//! The place for the session in a request's extensions, where inner handlers and middleware find it.

use std::{
    any::Any,
    sync::{
        Arc, OnceLock,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release, SeqCst},
        },
    },
    time::SystemTime,
};

use http::{Extensions, HeaderMap};
use tokio::sync::Mutex;

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
    /// The slot of the next layer outside.
    outer: Option<Arc<dyn AnySlot>>,
    began: SystemTime,
    session: OnceLock<Session<T>>,
    /// The lock that is held while the session is loaded from the store. True if the store has failed for this request,
    /// which does not wait for it again.
    failed: Mutex<bool>,
    /// True if the session was asked for, even if it could not be opened.
    asked: AtomicBool,
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
        self.asked.store(true, Release);
        let opened = match self.session.get() {
            Some(session) => Ok(session.clone()),
            None => read_cookies(&self.app, headers, self.began).open(),
        };
        async move {
            let session = match opened {
                Ok(session) => self.session.get_or_init(|| session),
                Err(candidates) => self.load(candidates).await?,
            };
            if self.closed.load(SeqCst) {
                session.finish();
            }
            Ok(session.clone())
        }
    }

    async fn load(&self, candidates: Box<Candidates<T>>) -> Result<&Session<T>, Error> {
        let mut failed = self.failed.lock().await;
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        if *failed {
            return Err(Error::broken_store("load a session", "it has already failed for this request"));
        }
        let loaded = candidates.open_from_store().await;
        *failed = loaded.is_err();
        loaded.map(|session| self.session.get_or_init(|| session))
    }

    /// Returns the session, if it was asked for.
    pub(crate) fn opened(&self) -> Option<&Session<T>> {
        self.session.get()
    }
}

impl<T> Slot<T> {
    /// Returns true if the session was asked for, so that the response may depend on the request's cookies.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Acquire)
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

/// The slot of the innermost layer, as an extension of the request. One extension serves all layers, so that a layer can
/// see which cookies are taken.
#[derive(Clone)]
struct Innermost(Arc<dyn AnySlot>);

/// A slot of any payload type.
trait AnySlot: Any + Send + Sync {
    /// Returns the name of the cookie that the slot's layer writes.
    fn cookie_name(&self) -> &str;

    /// Returns the slot of the next layer outside.
    fn outer(&self) -> Option<&Arc<dyn AnySlot>>;
}

impl<T: Payload> AnySlot for Slot<T> {
    fn cookie_name(&self) -> &str {
        self.app.settings.cookie_name()
    }

    fn outer(&self) -> Option<&Arc<dyn AnySlot>> {
        self.outer.as_ref()
    }
}

/// Returns the slots of a request, the innermost layer's first.
fn slots(innermost: Option<&Arc<dyn AnySlot>>) -> impl Iterator<Item = &Arc<dyn AnySlot>> {
    std::iter::successors(innermost, |slot| slot.outer())
}

/// Adds a slot to a request that begins now. The error is the name of a cookie that two layers would write.
pub(crate) fn make<T: Payload>(
    app: Arc<App<T>>,
    hook: Option<HookId>,
    extensions: &mut Extensions,
) -> Result<Arc<Slot<T>>, String> {
    let outer = extensions.remove().map(|Innermost(slot)| slot);
    let cookie = app.settings.cookie_name();
    if slots(outer.as_ref()).any(|slot| slot.cookie_name() == cookie) {
        return Err(cookie.into());
    }
    let slot = Arc::new(Slot {
        began: app.settings.now(),
        app,
        hook,
        outer,
        session: OnceLock::new(),
        failed: Mutex::const_new(false),
        asked: AtomicBool::new(false),
        closed: AtomicBool::new(false),
    });
    extensions.insert(Innermost(slot.clone()));
    Ok(slot)
}

/// Finds the innermost slot of this payload type whose sessions are `wanted`.
pub(crate) fn find<T: Payload>(
    extensions: &Extensions,
    wanted: impl Fn(&Arc<App<T>>, Option<&HookId>) -> bool,
) -> Option<Arc<Slot<T>>> {
    slots(extensions.get().map(|Innermost(slot)| slot)).find_map(|slot| {
        let slot: Arc<dyn Any + Send + Sync> = slot.clone();
        slot.downcast::<Slot<T>>().ok().filter(|slot| wanted(&slot.app, slot.hook.as_ref()))
    })
}
