//! Where a middleware leaves a request's session, for whoever asks for it further in.

use std::{
    any::Any,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use http::{Extensions, HeaderMap};

use crate::{Payload, Session, Sessions};

/// The place for one session. Nothing is opened until somebody asks.
pub(crate) struct Slot<T> {
    sessions: Sessions<T>,
    began: SystemTime,
    session: OnceLock<Session<T>>,
}

impl<T: Payload> Slot<T> {
    /// The session, opened now if it has not been. Everybody who asks gets the same.
    pub(crate) fn open(&self, headers: &HeaderMap) -> Session<T> {
        self.session.get_or_init(|| self.sessions.open_headers(headers, self.began)).clone()
    }

    /// The session, if anybody has asked for it.
    pub(crate) fn opened(&self) -> Option<&Session<T>> {
        self.session.get()
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

/// Two layers would write the same cookie.
#[derive(Debug)]
pub(crate) struct Collision;

/// Makes a slot for a request that begins now.
pub(crate) fn enter<T: Payload>(
    sessions: &Sessions<T>,
    extensions: &mut Extensions,
) -> Result<Arc<Slot<T>>, Collision> {
    let cookie = sessions.shared_cookie_name();
    let outer = extensions.remove::<Slots>().map(Arc::new);
    let mut taken = outer.as_deref();
    while let Some(slots) = taken {
        if slots.cookie == cookie {
            return Err(Collision);
        }
        taken = slots.outer.as_deref();
    }
    let slot = Arc::new(Slot { sessions: sessions.clone(), began: sessions.now(), session: OnceLock::new() });
    extensions.insert(Slots { cookie, slot: slot.clone(), outer });
    Ok(slot)
}

/// The innermost slot of this payload type whose sessions are wanted.
pub(crate) fn find<T: Payload>(
    extensions: &Extensions,
    wanted: impl Fn(&Sessions<T>) -> bool,
) -> Option<Arc<Slot<T>>> {
    let mut next = extensions.get::<Slots>();
    while let Some(slots) = next {
        if let Ok(slot) = Arc::clone(&slots.slot).downcast::<Slot<T>>()
            && wanted(&slot.sessions)
        {
            return Some(slot);
        }
        next = slots.outer.as_deref();
    }
    None
}
